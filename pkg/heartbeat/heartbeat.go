// Package heartbeat answers what an engineer on call asks a dead man's switch:
// which jobs are late or down, why, and since when. It works over the
// Healthchecks.io client and says in words what the wire says in fields.
package heartbeat

import (
	"context"
	"time"

	"github.com/balena-io/oncall/pkg/healthchecks"
)

// State is how a check stands, in words.
type State string

// The states, worst first.
const (
	Down    State = "down"    // no signal in time, or the last one was a failure
	Late    State = "late"    // due, and still within its time of grace
	Paused  State = "paused"  // not watched
	New     State = "new"     // never had a signal, or was resumed: it cannot go down yet
	Unknown State = "unknown" // a server of version 1 hides it while the job runs, or a new word
	Running State = "running" // a start came, no end yet, and nothing is late
	Up      State = "up"
)

// States lists every state, worst first.
func States() []State { return []State{Down, Late, Paused, New, Unknown, Running, Up} }

func rank(s State) int {
	for i, x := range States() {
		if x == s {
			return i
		}
	}
	return len(States())
}

// Check is a check in the words of the command line.
type Check struct {
	Name        string     `json:"name"` // as people call it: its name, else its slug, else the begin of its id
	ID          string     `json:"id"`   // UUID, or with a read-only key the unique key
	Slug        string     `json:"slug"`
	Tags        []string   `json:"tags"`
	Description string     `json:"description"`
	State       State      `json:"state"`
	Running     bool       `json:"running"` // a start came and no end; it may be down all the same
	Since       *time.Time `json:"since"`   // since when it is late or down, when that follows from the schedule; null: not known
	LastPingAt  *time.Time `json:"lastPingAt"`
	DueAt       *time.Time `json:"dueAt"`  // when the next signal is, or was, due; null: not known
	DownAt      *time.Time `json:"downAt"` // when it goes, or went, down without one; null: not known
	Schedule    Schedule   `json:"schedule"`
	LastRun     *float64   `json:"lastRunSeconds"` // how long the last run took; null: not known
	Pings       int        `json:"pings"`
	Manual      bool       `json:"manualResume"` // a signal does not end a pause
	Pause       *Pause     `json:"pause"`        // of a check that oncall paused; null otherwise

	raw    healthchecks.Check
	shared bool // another check has the same name
}

// Label names the check, also where several have one name.
func (c Check) Label() string {
	if c.shared {
		return c.Name + " (" + shortID(c.ID) + ")"
	}
	return c.Name
}

// CanPing reports whether the check's UUID is known, which signals and changes need.
func (c Check) CanPing() bool { return c.raw.UUID != "" }

// Failed reports whether a check that is down had a signal in time, which then
// was a failure; known is false when the schedule does not tell.
func (c Check) Failed(now time.Time) (failed, known bool) {
	if c.State != Down || c.LastPingAt == nil || c.DownAt == nil {
		return false, false
	}
	return now.Before(*c.DownAt), true
}

// Vendor is what the monitor needs of Healthchecks.io.
type Vendor interface {
	Checks(ctx context.Context, tags ...string) ([]healthchecks.Check, error)
	Check(ctx context.Context, id string) (healthchecks.Check, error)
	Pings(ctx context.Context, uuid string) ([]healthchecks.Ping, error)
	PingBody(ctx context.Context, uuid string, n int) ([]byte, error)
	Flips(ctx context.Context, id string, since time.Time) ([]healthchecks.Flip, error)
	Channels(ctx context.Context) ([]healthchecks.Channel, error)
	Pause(ctx context.Context, uuid string) (healthchecks.Check, error)
	Resume(ctx context.Context, uuid string) (healthchecks.Check, error)
	Ping(ctx context.Context, to healthchecks.Target, s healthchecks.Signal) (healthchecks.Pinged, error)
	Signed() bool
	CanPingBySlug() bool
}

// Monitor is one project's checks.
type Monitor struct {
	Client Vendor
	Now    func() time.Time
	// Pauses are those that oncall made, by label; see Reminders. May be nil.
	Pauses map[string]Pause
}

// from gives a check its words.
func (m *Monitor) from(v healthchecks.Check) Check {
	now := m.Now()
	c := Check{
		Name: v.Name, ID: v.ID(), Slug: v.Slug, Tags: v.Tags, Description: v.Desc, Running: v.Started,
		LastPingAt: moment(v.LastPing.Time), Schedule: scheduleOf(v), Pings: v.Pings, Manual: v.Manual, raw: v,
	}
	if c.Tags == nil {
		c.Tags = []string{}
	}
	if c.Name == "" {
		c.Name = v.Slug
	}
	if c.Name == "" {
		c.Name = shortID(c.ID)
	}
	if v.Duration.Set {
		s := v.Duration.Seconds()
		c.LastRun = &s
	}
	due := c.Schedule.after(v.LastPing.Time)
	if due.IsZero() && !v.Started {
		due = v.NextPing.Time // while it runs that may be its start (note 3)
	}
	c.DueAt = moment(due)
	if !due.IsZero() {
		c.DownAt = moment(due.Add(v.Grace.Duration))
	}
	c.State = stateOf(v, c, now)
	switch c.State {
	case Down:
		if c.DownAt != nil && !c.DownAt.After(now) {
			c.Since = c.DownAt
		}
	case Late:
		c.Since = c.DueAt
	case Paused, New:
		c.DueAt, c.DownAt = nil, nil
	}
	return c
}

func stateOf(v healthchecks.Check, c Check, now time.Time) State {
	switch v.Status {
	case healthchecks.StatusPaused:
		return Paused
	case healthchecks.StatusDown:
		return Down
	case healthchecks.StatusGrace:
		return Late
	case healthchecks.StatusNew, healthchecks.StatusUp:
		if v.Started {
			return Running
		}
		if v.Status == healthchecks.StatusNew {
			return New
		}
		return Up
	case healthchecks.StatusStarted:
		// Version 1 hides the rest; the schedule tells most of it.
		switch {
		case c.DownAt != nil && !now.Before(*c.DownAt):
			return Down
		case c.DueAt != nil && !now.Before(*c.DueAt):
			return Late
		case v.LastPing.IsZero() || c.DueAt != nil:
			return Running
		}
	}
	return Unknown
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func shortID(id string) string { return id[:min(len(id), 8)] }
