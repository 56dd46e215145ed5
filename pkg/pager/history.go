package pager

import (
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/victorops"
)

// Event is one thing that happened to an incident.
type Event struct {
	At      time.Time `json:"at,omitzero"` // UTC; absent when VictorOps does not say
	Kind    string    `json:"kind"`        // triggered, acknowledged, resolved, rerouted, alert, note, chat, ...
	By      string    `json:"by"`          // a username, a display name or SYSTEM; "" when not known
	Message string    `json:"message"`
}

// history are the transitions, oldest first. When VictorOps sends none, the
// start of the incident is the one thing known.
func history(v victorops.Incident) []Event {
	out := make([]Event, 0, len(v.Transitions)+1)
	for _, t := range v.Transitions {
		out = append(out, Event{At: t.At.UTC(), Kind: string(step(t.Name)), By: string(t.By), Message: string(t.Message)})
	}
	if len(out) == 0 && !v.StartTime.IsZero() {
		out = append(out, Event{At: v.StartTime.UTC(), Kind: string(Triggered), By: source(v)})
	}
	sortEvents(out)
	return out
}

// sortEvents puts the oldest first; events of one moment keep their order, those
// without a time come first as they can be placed nowhere else.
func sortEvents(all []Event) {
	slices.SortStableFunc(all, func(a, b Event) int { return a.At.Compare(b.At) })
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
