package heartbeat

import (
	"iter"
	"time"

	"github.com/balena-io/oncall/pkg/journal"
)

// Kind is the kind of a check in the journal and in results.
const Kind = "heartbeat"

// Verbs of the journal's lines about pauses.
const (
	VerbPause  = "pause"
	VerbResume = "resume"
)

// Pause is a pause that oncall made. The server knows no end of one: the end is
// a reminder.
type Pause struct {
	Label  string     `json:"-"`
	At     time.Time  `json:"at"`
	By     string     `json:"by"`
	Reason string     `json:"reason"`
	Until  *time.Time `json:"until"` // null: no end was given
}

// Over reports whether the pause has lasted longer than it was meant to.
func (p Pause) Over(now time.Time) bool { return p.Until != nil && !now.Before(*p.Until) }

// Pauses finds the latest pause of each check in the journal, by label. One that
// oncall resumed is left out, and so is one that failed or was not sent, which
// leaves the one before; whether the others still last is told by the check alone.
func Pauses(entries iter.Seq2[journal.Entry, error]) (map[string]Pause, error) {
	out, before := map[string]Pause{}, map[string]Pause{}
	from := map[string]string{} // label -> id of the line
	for e, err := range entries {
		if err != nil {
			return out, err
		}
		if e.Kind != Kind {
			continue
		}
		switch {
		case e.Phase == journal.Intent && e.Verb == VerbPause:
			for _, t := range e.Targets {
				if p, ok := out[t]; ok {
					before[t] = p
				} else {
					delete(before, t)
				}
				out[t], from[t] = Pause{Label: t, At: e.Time, By: e.User, Reason: e.Reason, Until: e.Until}, e.ID
			}
		case e.Phase == journal.Outcome && e.Verb == VerbPause:
			for _, r := range e.Results {
				if from[r.Target] != e.ID || !notMade(r.State) {
					continue
				}
				delete(out, r.Target)
				if p, ok := before[r.Target]; ok {
					out[r.Target] = p
				}
			}
		case e.Phase == journal.Outcome && e.Verb == VerbResume:
			for _, r := range e.Results {
				if !notMade(r.State) && r.State != "unknown" {
					delete(out, r.Target)
				}
			}
		}
	}
	return out, nil
}

// notMade reports whether an outcome says that nothing was changed.
func notMade(state string) bool { return state == "failed" || state == "not-sent" }

// lasts reports whether p may be the pause that c is in: a signal since then has
// ended it, unless the check waits for a person.
func (p Pause) lasts(c Check) bool {
	return c.State == Paused && (c.Manual || c.LastPingAt == nil || !c.LastPingAt.After(p.At))
}
