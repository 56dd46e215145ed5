// Package probe answers what the outside world gets when it asks our services:
// which outside checks fail, what was answered, and what is answered to us. It
// works over the NodePing client and says in words what the wire says in codes.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
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

// Filter chooses checks.
type Filter struct {
	States []State
	Tags   []string // all of them
	Muted  bool     // only those that are muted
}

// List lists the checks, failing first, then by name.
func (d *Desk) List(ctx context.Context, f Filter) ([]Check, error) {
	raw, err := d.Client.Checks(ctx)
	if err != nil {
		return nil, err
	}
	out := []Check{}
	for _, c := range d.named(raw) {
		if len(f.States) > 0 && !slices.Contains(f.States, c.State) || f.Muted && !c.Muted {
			continue
		}
		if !slices.ContainsFunc(f.Tags, func(t string) bool { return !slices.Contains(c.Tags, t) }) {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Check) int {
		return cmp.Or(cmp.Compare(slices.Index(States(), a.State), slices.Index(States(), b.State)), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (d *Desk) named(raw []nodeping.Check) []Check {
	count := map[string]int{}
	out := []Check{}
	for _, v := range raw {
		c := d.from(v)
		count[strings.ToLower(c.Name)]++
		out = append(out, c)
	}
	for i := range out {
		out[i].shared = count[strings.ToLower(out[i].Name)] > 1
	}
	return out
}

// Pick finds the check that a word names: its whole label or id first, else the
// begin of exactly one label, or of the part of an id after the account.
func Pick(all []Check, word string) (Check, error) {
	word = strings.TrimSpace(word)
	low := strings.ToLower(word)
	if word == "" {
		return Check{}, apierr.New(apierr.ErrUsage, nodeping.Vendor, "", "a check has no empty name").WithHint("oncall probe list")
	}
	for _, fits := range []func(c Check) bool{
		func(c Check) bool { return c.Label() == word || strings.EqualFold(c.ID, word) },
		func(c Check) bool { return c.Name == word },
		func(c Check) bool { return strings.EqualFold(c.Name, word) || c.Target == word },
		func(c Check) bool {
			_, short, _ := strings.Cut(c.ID, "-")
			return strings.HasPrefix(strings.ToLower(c.Name), low) || len(low) >= 4 && strings.HasPrefix(strings.ToLower(short), low)
		},
	} {
		found := []Check{}
		for _, c := range all {
			if fits(c) {
				found = append(found, c)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		if len(found) > 1 {
			names := []string{}
			for _, c := range found {
				names = append(names, fmt.Sprintf("%s (%s, %s)", c.Name, c.ID, c.Target))
			}
			return Check{}, apierr.New(apierr.ErrAmbiguous, nodeping.Vendor, "", "%q fits %s", word, strings.Join(names, " and ")).WithHint("use the whole name, or the id")
		}
	}
	err := apierr.New(apierr.ErrNotFound, nodeping.Vendor, "", "the account of the token has no check %q", word)
	names := []string{}
	for _, c := range all {
		names = append(names, c.Name)
	}
	if near := nearest.Of(word, names); len(near) > 0 {
		return Check{}, err.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return Check{}, err.WithHint("oncall probe list; a check of a sub-account needs ONCALL_NODEPING_ACCOUNT")
}

// Find reads the checks and picks the one that a word names.
func (d *Desk) Find(ctx context.Context, word string) (Check, error) {
	all, err := d.List(ctx, Filter{})
	if err != nil {
		return Check{}, err
	}
	return Pick(all, word)
}

// Results lists what was answered since a moment, newest first; there are more
// when truncated.
func (d *Desk) Results(ctx context.Context, c Check, since time.Time, limit int) (out []Result, truncated bool, err error) {
	raw, err := d.Client.Results(ctx, c.ID, since, min(limit+1, nodeping.MaxResults))
	if err != nil {
		return nil, false, err
	}
	out = []Result{}
	for _, v := range raw {
		if r := resultOf(v, c.Type); since.IsZero() || !r.At.Before(since) {
			out = append(out, r)
		}
	}
	if len(out) > limit {
		return out[:limit], true, nil
	}
	return out, false, nil
}

// Outage is a stretch of failures.
type Outage struct {
	Probe   string     `json:"probe"`
	ID      string     `json:"probeId"`
	Start   time.Time  `json:"start"`
	Earlier bool       `json:"earlier"` // it had begun before the results that were read
	End     *time.Time `json:"end"`     // null: it lasts
	Seconds float64    `json:"seconds"` // so far
	Failed  int        `json:"failed"`  // runs that failed in it
	Words   string     `json:"words"`   // the first answer
	From    []string   `json:"from"`    // probes that saw it
}

// settled is how many good answers in a row end an outage: a single one may be
// the one probe that still gets through.
const settled = 2

// Outages are the stretches of failures in results, newest first. failing says
// whether the check fails now.
func Outages(c Check, results []Result, now time.Time) []Outage {
	out := []Outage{}
	var open *Outage
	good := []Result{}
	end := func(at *time.Time) {
		open.End = at
		last := now
		if at != nil {
			last = *at
		}
		open.Seconds = last.Sub(open.Start).Seconds()
		out = append(out, *open)
		open = nil
	}
	for _, r := range slices.Backward(results) {
		if r.Passed {
			good = append(good, r)
			if open != nil && len(good) >= settled {
				end(&good[0].At)
			}
			continue
		}
		if open == nil {
			open = &Outage{Probe: c.Label(), ID: c.ID, Start: r.At, Earlier: r.ID == results[len(results)-1].ID, Words: r.Words, From: []string{}}
		}
		good = nil
		open.Failed++
		if r.From != "" && !slices.Contains(open.From, r.From) {
			open.From = append(open.From, r.From)
		}
	}
	if open != nil {
		if c.State != Failing && len(good) > 0 {
			end(&good[0].At)
		} else {
			end(nil)
		}
	}
	slices.Reverse(out)
	return out
}

// Partial is a part of a result that could not be had.
type Partial struct {
	Source string
	Err    error
}

// atOnce bounds how many checks are asked for at a time.
const atOnce = 4

// AllOutages are those of several checks since a moment, newest first.
func (d *Desk) AllOutages(ctx context.Context, all []Check, since time.Time) ([]Outage, []Partial, error) {
	found, errs := make([][]Outage, len(all)), make([]error, len(all))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results, _, err := d.Results(ctx, c, since, nodeping.MaxResults-1)
			found[i], errs[i] = Outages(c, results, d.Now()), err
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	out, partial := []Outage{}, []Partial{}
	for i := range all {
		out = append(out, found[i]...)
		if errs[i] != nil {
			partial = append(partial, Partial{all[i].Label(), errs[i]})
		}
	}
	if len(all) > 0 && len(partial) == len(all) {
		return nil, nil, partial[0].Err
	}
	slices.SortStableFunc(out, func(a, b Outage) int { return b.Start.Compare(a.Start) })
	return out, partial, nil
}

// Uptime is the share of a span in which a check passed.
type Uptime struct {
	Probe   string  `json:"probe"`
	Span    string  `json:"span"` // 2026-10, 2026-10-31, total
	Percent float64 `json:"percent"`
	Down    float64 `json:"downSeconds"`
	Watched float64 `json:"watchedSeconds"`
}

// Uptime tells it by "days" or "months", oldest first, the total last.
func (d *Desk) Uptime(ctx context.Context, c Check, by string, from time.Time) ([]Uptime, error) {
	raw, err := d.Client.Uptime(ctx, c.ID, by, from)
	out := []Uptime{}
	for _, u := range raw {
		out = append(out, Uptime{Probe: c.Label(), Span: u.Span, Percent: u.Percent, Down: u.Down.Seconds(), Watched: u.Enabled.Seconds()})
	}
	return out, err
}

// readBacks is how often a change is looked for: the vendor's answer and the read
// after it may still show the old record (note 8).
const (
	readBacks    = 4
	readBackWait = time.Second
)

// SetMuted mutes a check until a moment (the zero time: for ever), or ends that.
// What is so already is not sent; what was sent is read back. looked tells that
// the answer was lost and a look shows the change.
func (d *Desk) SetMuted(ctx context.Context, c Check, mute bool, until time.Time) (now Check, changed, looked bool, err error) {
	is := func(x Check) bool {
		if x.Muted != mute {
			return false
		}
		if !mute || until.IsZero() != (x.MutedUntil == nil) {
			return !mute
		}
		return until.IsZero() || x.MutedUntil.UnixMilli() == until.UnixMilli()
	}
	if is(c) {
		return c, false, false, nil
	}
	if mute {
		_, err = d.Client.Mute(ctx, c.raw, until)
	} else {
		_, err = d.Client.Unmute(ctx, c.raw)
	}
	lost := errors.Is(err, apierr.ErrUnknownOutcome)
	if err != nil && !lost {
		return c, false, false, err
	}
	cause := err
	text := "was accepted, and the check does not show it"
	if lost {
		text = "cannot tell whether it arrived: the answer was lost, and the check does not show it"
	}
	for n := range readBacks {
		v, rerr := d.Client.Check(ctx, c.ID)
		if rerr != nil {
			text = strings.Replace(text, "the check does not show it", "the check could not be read", 1)
			cause = errors.Join(cause, rerr)
			break
		}
		now = d.from(v)
		now.shared = c.shared
		if is(now) {
			return now, true, lost, nil
		}
		if n+1 < readBacks && d.Wait(ctx, readBackWait) != nil {
			break
		}
	}
	return c, false, false, &apierr.Error{Vendor: nodeping.Vendor, Op: "mute " + c.Label(), Message: text, Kind: []error{apierr.ErrUnknownOutcome},
		Hint: "oncall probe get " + c.ID, Err: cause}
}
