package nodeping

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Check is what NodePing asks of a service.
type Check struct {
	ID            string
	Account       string
	Label         string
	Type          string // HTTP, SSL, DNS, PING, PORT, ...
	Target        string
	Port          int // of PORT and its like; 0: none
	Description   string
	Enabled       bool // false: its state is an old one (note 8)
	Failing       bool // state 0
	Known         bool // it has a state; false before its first result
	FirstDown     Millis
	Interval      time.Duration
	Threshold     time.Duration // a slower answer is a failure
	Rechecks      int           // before it counts as failing
	Follow        bool          // a redirect is followed
	IPv6          bool          // it is asked over IPv6
	Muted         bool
	MutedUntil    Millis // zero with Muted: for ever
	Locations     []string
	Dependency    string // id of the check without which this one is silent
	Tags          []string
	Notifications []Notification
	Created       Millis
	Modified      Millis
	Last          *Result // when it was asked for
}

// Notification is who is told: an address or a group.
type Notification struct {
	ID       string
	Delay    time.Duration
	Schedule string
}

type checkWire struct {
	ID            string                       `json:"_id"`
	Account       string                       `json:"customer_id"`
	Label         Text                         `json:"label"`
	Type          Text                         `json:"type"`
	Description   Text                         `json:"description"`
	Enable        Text                         `json:"enable"`
	State         Number                       `json:"state"`
	FirstDown     Millis                       `json:"firstdown"`
	Interval      Number                       `json:"interval"` // minutes, also 0.25
	Mute          json.RawMessage              `json:"mute"`
	RunLocations  Words                        `json:"runlocations"`
	Dep           Text                         `json:"dep"`
	Tags          Words                        `json:"tags"`
	Notifications []map[string]json.RawMessage `json:"notifications"`
	Created       Millis                       `json:"created"`
	Modified      Millis                       `json:"modified"`
	Parameters    struct {
		Target    Text   `json:"target"`
		Threshold Number `json:"threshold"` // seconds
		Sens      Number `json:"sens"`
		Port      Number `json:"port"`
		Follow    Bool   `json:"follow"`
		IPv6      Bool   `json:"ipv6"`
	} `json:"parameters"`
	LastResult *Result `json:"lastresult"`
}

// UnmarshalJSON reads a check with the odd types that are seen (note 2).
func (c *Check) UnmarshalJSON(b []byte) error {
	var w checkWire
	// A field of a form nobody has seen must not hide the list: what could not be
	// read stays empty.
	if err := json.Unmarshal(b, &w); err != nil && w.ID == "" {
		return err
	}
	*c = Check{
		ID: w.ID, Account: w.Account, Label: string(w.Label), Type: string(w.Type), Target: string(w.Parameters.Target), Port: int(min(max(w.Parameters.Port.V, 0), 65535)), Description: string(w.Description),
		Enabled: w.Enable == "active" || w.Enable == "true", Known: w.State.Set, Failing: w.State.Set && w.State.V == 0,
		FirstDown: w.FirstDown, Interval: length(w.Interval, time.Minute), Threshold: length(w.Parameters.Threshold, time.Second),
		Rechecks: int(min(max(w.Parameters.Sens.V, 0), 1000)), Follow: bool(w.Parameters.Follow), IPv6: bool(w.Parameters.IPv6), Locations: w.RunLocations, Dependency: string(w.Dep), Tags: w.Tags,
		Notifications: []Notification{}, Created: w.Created, Modified: w.Modified, Last: w.LastResult,
	}
	for _, x := range []*[]string{&c.Locations, &c.Tags} {
		if *x == nil {
			*x = []string{}
		}
	}
	if c.Account == "" {
		c.Account, _, _ = strings.Cut(c.ID, "-")
	}
	c.Muted, c.MutedUntil = mute(w.Mute)
	for _, n := range w.Notifications {
		for id, how := range n {
			c.Notifications = append(c.Notifications, notification(id, how))
		}
	}
	slices.SortStableFunc(c.Notifications, func(a, b Notification) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// mute is true for ever, or the moment until when (note 2).
func mute(b []byte) (bool, Millis) {
	var yes bool
	if json.Unmarshal(b, &yes) == nil {
		return yes, Millis{}
	}
	var until Millis
	_ = until.UnmarshalJSON(b) // never fails
	return !until.IsZero(), until
}

// notification reads the two forms: {"delay":1,"schedule":"All"} and, of old
// checks, "All" (note 2).
func notification(id string, b []byte) Notification {
	var w struct {
		Delay    Number `json:"delay"` // minutes
		Schedule Text   `json:"schedule"`
	}
	if json.Unmarshal(b, &w) == nil {
		return Notification{ID: id, Delay: length(w.Delay, time.Minute), Schedule: string(w.Schedule)}
	}
	var name Text
	_ = name.UnmarshalJSON(b) // never fails
	return Notification{ID: id, Schedule: string(name)}
}

// length is a number of units; what is no such length is 0.
func length(n Number, unit time.Duration) time.Duration {
	if !n.Set || n.V < 0 || n.V > 1e6 {
		return 0
	}
	return time.Duration(n.V * float64(unit))
}

// Checks lists the account's checks, by label and id, as the wire has no order.
func (c *Client) Checks(ctx context.Context) ([]Check, error) {
	raw := map[string]json.RawMessage{}
	err := c.do(ctx, httpx.Request{Op: "list checks", Path: "/checks", Query: url.Values{"lastresult": {"1"}}}, &raw)
	if err != nil {
		return nil, err
	}
	return sorted(raw, "list checks")
}

func sorted(raw map[string]json.RawMessage, op string) ([]Check, error) {
	out := []Check{}
	for id, b := range raw {
		var k Check
		if err := json.Unmarshal(b, &k); err != nil || k.ID == "" && k.Type == "" {
			return nil, apierr.New(apierr.ErrUnavailable, Vendor, op, "the answer has something else than a check at %.60q", id)
		}
		if k.ID == "" {
			k.ID = id
		}
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Check) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Label), strings.ToLower(b.Label)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Check reads one check with its last result. An id that is not there is an
// apierr.ErrNotFound, whether the answer is an error or {} (note 8).
func (c *Client) Check(ctx context.Context, id string) (Check, error) {
	var out Check
	op := "read check " + id
	var raw json.RawMessage
	if err := c.do(ctx, httpx.Request{Op: op, Path: "/checks/" + seg(id), Query: url.Values{"lastresult": {"1"}}}, &raw); err != nil {
		return out, err
	}
	if err := json.Unmarshal(raw, &out); err != nil || out.ID == "" {
		return Check{}, apierr.New(apierr.ErrNotFound, Vendor, op, "the account of the token has no check with this id")
	}
	return out, nil
}

// Mute stops a check's alerts until a moment; the zero time is for ever. Its
// asking goes on (note 5). The answer may be the check as it was before (note 8).
func (c *Client) Mute(ctx context.Context, k Check, until time.Time) (Check, error) {
	if until.IsZero() {
		return c.setMute(ctx, k, true)
	}
	return c.setMute(ctx, k, until.UnixMilli())
}

// Unmute lets a check alert again.
func (c *Client) Unmute(ctx context.Context, k Check) (Check, error) {
	return c.setMute(ctx, k, false)
}

func (c *Client) setMute(ctx context.Context, k Check, v any) (Check, error) {
	op := "mute check " + k.ID
	if v == false {
		op = "unmute check " + k.ID
	}
	body := map[string]any{"mute": v}
	if k.Type != "" {
		body["type"] = k.Type // both of the vendor's own clients send it on an update (note 2)
	}
	var out Check
	err := c.do(ctx, httpx.Request{Op: op, Method: http.MethodPut, Path: "/checks/" + seg(k.ID), JSON: body}, &out)
	return out, err
}

// ms is a moment in a query.
func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
