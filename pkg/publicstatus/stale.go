package publicstatus

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// Reminder tells whether an open incident needs an update.
type Reminder struct {
	ID      string                    `json:"id"`
	Title   string                    `json:"title"`
	State   statuspage.IncidentStatus `json:"state"`
	Since   time.Time                 `json:"since"` // last update; the opening when there is none
	DueAt   time.Time                 `json:"dueAt"` // when an update is or was due: Since + max age, or the end of the snooze
	Due     bool                      `json:"due"`
	Snooze  *Snooze                   `json:"snooze,omitempty"` // only while it lasts
	Pager   *Pager                    `json:"pager,omitempty"`
	URL     string                    `json:"url"`
	Snoozed bool                      `json:"snoozed"`
}

func reminder(in Incident, now time.Time, maxAge time.Duration) Reminder {
	r := Reminder{ID: in.ID, Title: in.Title, State: in.State, Since: quietSince(in), Pager: in.Pager, URL: in.URL}
	r.DueAt = r.Since.Add(maxAge)
	if in.Snooze != nil && in.Snooze.Until.After(now) {
		r.Snooze, r.Snoozed = in.Snooze, true
		if in.Snooze.Until.After(r.DueAt) {
			r.DueAt = in.Snooze.Until
		}
	}
	r.Due = now.After(r.DueAt)
	return r
}

// Stale lists the open incidents that need an update, longest silent first, and
// then those that are snoozed. maxAge 0 is DefaultMaxAge.
func (b *Board) Stale(ctx context.Context, maxAge time.Duration) ([]Reminder, error) {
	if maxAge <= 0 {
		maxAge = DefaultMaxAge
	}
	rows, err := b.openRealtime(ctx)
	if err != nil {
		return nil, err
	}
	out, snoozed := []Reminder{}, []Reminder{}
	for _, in := range incidents(rows) {
		switch r := reminder(in, b.o.Now(), maxAge); {
		case r.Snoozed:
			snoozed = append(snoozed, r)
		case r.Due:
			out = append(out, r)
		}
	}
	return append(out, snoozed...), nil
}

// ReminderText is the message that a chat gets about what is due; "" when
// nothing is.
func ReminderText(rows []Reminder, now time.Time) string {
	due := filter(rows, func(r Reminder) bool { return r.Due })
	if len(due) == 0 {
		return ""
	}
	lines := []string{}
	for _, r := range due {
		line := "Status page: \"" + oneLine(r.Title) + "\" (" + SayState(r.State) + ") has had no update for " + days(now.Sub(r.Since))
		if r.Pager != nil {
			line += ", pager incident " + r.Pager.Number
		}
		if r.URL != "" {
			line += ". " + r.URL
		}
		lines = append(lines, line)
	}
	lines = append(lines, "Post one: oncall status incident update "+due[0].ID+"; being worked on: oncall status snooze "+due[0].ID+" --for 1h --reason TEXT")
	return strings.Join(lines, "\n")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// SnoozePlan is what a snooze would do.
type SnoozePlan struct {
	Incident Incident
	Snooze   *Snooze // nil ends the one there is
	Already  bool    // there is none to end; nothing will be sent

	was statuspage.Incident
}

// PlanSnooze checks a snooze. An incident that is over cannot be snoozed.
func (b *Board) PlanSnooze(ctx context.Context, ref, pager string, until time.Time, reason string) (SnoozePlan, error) {
	if err := CheckReason(reason); err != nil {
		return SnoozePlan{}, err
	}
	now := b.o.Now()
	if !until.After(now) {
		return SnoozePlan{}, usage("the snooze would end at %s, which is over", until.Format(time.RFC3339))
	}
	p, err := b.planRecord(ctx, ref, pager)
	p.Snooze = &Snooze{Until: until.UTC().Truncate(time.Second), Reason: reason, By: b.o.User, At: now.UTC().Truncate(time.Second)}
	return p, err
}

// PlanWake ends a snooze before its time.
func (b *Board) PlanWake(ctx context.Context, ref, pager string) (SnoozePlan, error) {
	p, err := b.planRecord(ctx, ref, pager)
	p.Already = p.Incident.Snooze == nil || !p.Incident.Snooze.Until.After(b.o.Now())
	return p, err
}

func (b *Board) planRecord(ctx context.Context, ref, pager string) (SnoozePlan, error) {
	was, err := b.findIncident(ctx, ref, pager)
	if err != nil {
		return SnoozePlan{}, err
	}
	if was.Status.Closed() {
		return SnoozePlan{}, guard("%s is %s; nobody is reminded of it", was.ID, SayState(was.Status))
	}
	return SnoozePlan{Incident: FromIncident(was), was: was}, nil
}

// Snooze writes the snooze where the team sees it, in the incident's
// metadata.oncall: no body, no notification. Whether the page kept it is read
// back. posted is true when the vendor added an update to the timeline
// nevertheless, which its contract leaves open.
func (b *Board) Snooze(ctx context.Context, p SnoozePlan) (out Incident, posted bool, err error) {
	// The record is taken anew: somebody may have written since the plan.
	was, err := b.again(ctx, p.was)
	if err != nil {
		return p.Incident, false, err
	}
	rec := readRecord(was.Metadata)
	switch {
	case was.Status.Closed():
		return FromIncident(was), false, guard("%s is %s by now; nobody is reminded of it", was.ID, SayState(was.Status))
	case !rec.Snooze.same(p.Incident.Snooze):
		return FromIncident(was), false, changed(was.ID, "%s", rec.Snooze.words())
	}
	rec.Snooze = p.Snooze
	kept, posted, err := b.writeRecord(ctx, was, rec)
	return FromIncident(kept), posted, err
}

// same compares two snoozes; nil is none.
func (s *Snooze) same(o *Snooze) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.Until.Equal(o.Until) && s.Reason == o.Reason && s.By == o.By
}

func (s *Snooze) words() string {
	if s == nil {
		return "its snooze was ended"
	}
	return "it was snoozed until " + s.Until.UTC().Format(time.RFC3339) + ", " + first(s.By, "nobody says by whom") + ": " + s.Reason
}

// writeRecord sends our entry alone and reads it back. posted is true when the
// page added an update for it.
func (b *Board) writeRecord(ctx context.Context, was statuspage.Incident, rec record) (now statuspage.Incident, posted bool, err error) {
	want := rec.into(was.Metadata)
	_, err = b.api.UpdateIncident(ctx, was.ID, statuspage.IncidentWrite{Metadata: want, DeliverNotifications: new(false)})
	if err != nil {
		if err = b.settle(ctx, err, "oncall status incident get "+was.ID, func(ctx context.Context) (bool, error) {
			var lerr error
			now, lerr = b.api.Incident(ctx, was.ID)
			return lerr == nil && sameEntry(now.Metadata, want), lerr
		}); err != nil {
			return was, false, err
		}
		return now, len(now.Updates) > len(was.Updates), nil
	}
	now, err = b.api.Incident(ctx, was.ID)
	if err != nil {
		return was, false, &apierr.Error{Vendor: System, Op: "read back " + was.ID, Kind: []error{apierr.ErrUnknownOutcome},
			Message: "it was sent, but could not be read back: " + err.Error(), Hint: "oncall status incident get " + was.ID, Err: err}
	}
	if !sameEntry(now.Metadata, want) {
		return now, false, &apierr.Error{Vendor: System, Op: "read back " + was.ID,
			Message: "the page took it and does not show it", Hint: "oncall status incident get " + was.ID}
	}
	return now, len(now.Updates) > len(was.Updates), nil
}

// sameEntry compares our entry in two metadata, whatever the order of keys.
func sameEntry(a, b statuspage.Metadata) bool {
	var x, y map[string]any
	if json.Unmarshal(a[recordKey], &x) != nil || json.Unmarshal(b[recordKey], &y) != nil {
		return false
	}
	jx, _ := json.Marshal(x)
	jy, _ := json.Marshal(y)
	return slices.Equal(jx, jy)
}
