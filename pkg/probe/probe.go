// Package probe answers what the outside world gets when it asks our services:
// which outside checks fail, what was answered, and what is answered to us. It
// works over the NodePing client and says in words what the wire says in codes.
package probe

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/nodeping"
)

// State is how a check stands, in words.
type State string

// The states, failing first.
const (
	Failing  State = "failing"
	New      State = "new"      // it has no result yet
	Disabled State = "disabled" // not asked; its last state says nothing
	Passing  State = "passing"
)

// States lists every state, failing first.
func States() []State { return []State{Failing, New, Disabled, Passing} }

// Check is an outside check in the words of the command line.
type Check struct {
	Name        string     `json:"name"` // label; the id where there is none
	ID          string     `json:"id"`
	Type        string     `json:"type"`
	Target      string     `json:"target"`
	State       State      `json:"state"`
	Since       *time.Time `json:"since"` // of a failure; null: not failing, or not known
	Muted       bool       `json:"muted"`
	MutedUntil  *time.Time `json:"mutedUntil"` // null: for ever, or not muted
	Every       float64    `json:"everySeconds"`
	Threshold   float64    `json:"thresholdSeconds"` // a slower answer is a failure
	Rechecks    int        `json:"rechecks"`
	Locations   []string   `json:"locations"` // where it may be asked from; empty: anywhere
	Tags        []string   `json:"tags"`
	Description string     `json:"description"`
	Last        *Result    `json:"last"` // null: not known

	raw    nodeping.Check
	shared bool
}

// Label names the check, also where several have one name.
func (c Check) Label() string {
	if c.shared {
		_, short, _ := strings.Cut(c.ID, "-")
		return c.Name + " (" + short + ")"
	}
	return c.Name
}

// Result is what was answered once.
type Result struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Passed    bool      `json:"passed"`
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Words     string    `json:"words"` // code and message as people say them
	Seconds   float64   `json:"durationSeconds"`
	From      string    `json:"from"`      // code of the probe that asked first
	Confirmed []string  `json:"confirmed"` // further probes that asked to be sure
}

// Vendor is what the desk needs of NodePing.
type Vendor interface {
	Checks(ctx context.Context) ([]nodeping.Check, error)
	Check(ctx context.Context, id string) (nodeping.Check, error)
	Results(ctx context.Context, id string, since time.Time, limit int) ([]nodeping.Result, error)
	Uptime(ctx context.Context, id, interval string, from time.Time) ([]nodeping.Uptime, error)
	Mute(ctx context.Context, k nodeping.Check, until time.Time) (nodeping.Check, error)
	Unmute(ctx context.Context, k nodeping.Check) (nodeping.Check, error)
	Maintenances(ctx context.Context) ([]nodeping.Maintenance, error)
	StartMaintenance(ctx context.Context, name string, checks []string, d time.Duration) (nodeping.Maintenance, error)
	RepeatMaintenance(ctx context.Context, name, cron string, checks []string, d time.Duration) (nodeping.Maintenance, error)
	EndMaintenance(ctx context.Context, id string) error
	Diagnose(ctx context.Context, id, location, tool string) (string, error)
}

// Desk is one account's checks.
type Desk struct {
	Client Vendor
	Now    func() time.Time
	Wait   func(ctx context.Context, d time.Duration) error
}

func (d *Desk) from(v nodeping.Check) Check {
	c := Check{Name: v.Label, ID: v.ID, Type: v.Type, Target: v.Target, Every: v.Interval.Seconds(), Threshold: v.Threshold.Seconds(), Rechecks: v.Rechecks,
		Locations: v.Locations, Tags: v.Tags, Description: v.Description, raw: v}
	if c.Name == "" {
		c.Name = v.ID
	}
	switch {
	case !v.Enabled: // its state is a stale one (note 8)
		c.State = Disabled
	case !v.Known:
		c.State = New
	case v.Failing:
		c.State = Failing
		if !v.FirstDown.IsZero() {
			c.Since = &v.FirstDown.Time
		}
	default:
		c.State = Passing
	}
	if v.Muted && (v.MutedUntil.IsZero() || v.MutedUntil.After(d.Now())) {
		c.Muted = true
		if !v.MutedUntil.IsZero() {
			c.MutedUntil = &v.MutedUntil.Time
		}
	}
	if v.Last != nil && v.Last.ID != "" {
		r := resultOf(*v.Last, v.Type)
		c.Last = &r
	}
	return c
}

func resultOf(v nodeping.Result, kind string) Result {
	r := Result{ID: v.ID, At: v.Start.Time, Passed: v.Passed, Code: v.Code, Message: v.Message, Seconds: v.Took.Seconds(), Confirmed: []string{}}
	if r.At.IsZero() {
		r.At = v.Scheduled.Time
	}
	if len(v.Places) > 0 {
		r.From = v.Places[0]
		r.Confirmed = append(r.Confirmed, v.Places[1:]...)
	}
	if v.Type != "" {
		kind = v.Type
	}
	r.Words = words(kind, v)
	return r
}

// words says what was answered: "503 Service Unavailable", "no answer: timeout".
func words(kind string, v nodeping.Result) string {
	code, message := strings.TrimSpace(v.Code), strings.TrimSpace(v.Message)
	if n, err := strconv.Atoi(code); err == nil && strings.HasPrefix(strings.ToUpper(kind), "HTTP") {
		text := strings.TrimSpace(code + " " + http.StatusText(n))
		if message != "" && !strings.Contains(message, code) {
			text += ", " + message
		}
		if !v.Passed && n >= 200 && n < 400 && message == "" && v.Threshold > 0 && v.Took > v.Threshold {
			text += ", slower than " + v.Threshold.String()
		}
		return text
	}
	switch {
	case v.Passed && message == "":
		return strings.ToLower(cmp.Or(code, "passed"))
	case v.Passed:
		return message
	case message == "":
		return strings.ToLower(cmp.Or(code, "failed, without a reason"))
	case strings.EqualFold(code, "error") || code == "" || strings.Contains(message, code):
		return "no answer: " + message
	}
	return strings.ToLower(code) + ": " + message
}
