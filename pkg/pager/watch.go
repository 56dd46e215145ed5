package pager

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Change is one thing that a watch saw happen.
type Change struct {
	At       time.Time `json:"at"`   // when it happened, or when it was seen when VictorOps does not say
	Kind     string    `json:"kind"` // present, triggered, acknowledged, resolved, rerouted, ..., paged, gone
	By       string    `json:"by"`
	Message  string    `json:"message"`
	Incident Incident  `json:"incident"`
}

// Kinds of Change beyond those of Event.
const (
	ChangePresent = "present" // was there when the watch began
	ChangePaged   = "paged"   // more people were paged; Message names them
	ChangeGone    = "gone"    // VictorOps no longer lists it
)

// Poll is one look of a watch. Either Err is nil and Incidents is the state, or
// the look failed and Incidents is that of the last good one.
type Poll struct {
	At        time.Time
	Incidents []Incident    // those that the filter chooses, sorted as List does
	Changes   []Change      // since the last good look, oldest first
	Err       error         // why this look failed; the watch goes on
	Lost      time.Time     // with Err: when the looks began to fail
	Back      time.Duration // on the first good look after failures: how long they lasted
	Partial   []Partial
}

// MinPoll is the shortest interval of a watch: it must leave room for other
// requests of the same credential (note 2: 2 a second).
const MinPoll = 2 * time.Second

// Watch looks at the incidents that f chooses, every interval (at least MinPoll),
// until ctx ends or the caller stops, and yields each look with what changed. A
// change is told once, from its transition where VictorOps sends one. A look that
// fails for want of a network is yielded with its Err and the watch goes on; one
// that fails for good (credentials, a wrong filter) ends it with an error, unless
// looks succeeded before: then a refusal may be the throttle (note 2).
func (p *Pager) Watch(ctx context.Context, f Filter, every time.Duration) iter.Seq2[Poll, error] {
	return func(yield func(Poll, error) bool) {
		every = max(every, MinPoll)
		w := watch{filter: f, known: map[string]Incident{}}
		for {
			poll, err := p.look(ctx, &w)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				yield(poll, err)
				return
			}
			if !yield(poll, nil) {
				return
			}
			if p.wait(ctx, every) != nil {
				return
			}
		}
	}
}

// watch is what a watch remembers between looks.
type watch struct {
	filter Filter
	known  map[string]Incident // by number, as last seen, in every phase
	began  bool
	shown  []Incident
	lost   time.Time
}

func (p *Pager) look(ctx context.Context, w *watch) (Poll, error) {
	all := w.filter
	all.Phases = append(Phases(), w.filter.Phases...) // a phase that ends is a change to tell
	at := p.now().UTC()
	l, err := p.List(ctx, all)
	if err != nil {
		if !w.began && !errors.Is(err, apierr.ErrUnavailable) && !errors.Is(err, apierr.ErrRateLimited) {
			return Poll{At: at}, err
		}
		if w.lost.IsZero() {
			w.lost = at
		}
		return Poll{At: at, Incidents: w.shown, Err: err, Lost: w.lost}, nil
	}
	poll := Poll{At: at, Incidents: []Incident{}, Changes: []Change{}, Partial: l.Partial}
	if !w.lost.IsZero() {
		poll.Back, w.lost = at.Sub(w.lost), time.Time{}
	}
	now := map[string]Incident{}
	for _, i := range l.Incidents {
		now[i.Number] = i
		old, known := w.known[i.Number]
		switch {
		case known:
			poll.Changes = append(poll.Changes, changes(old, i, at)...)
		case !w.began && inPhase(i, w.filter.Phases):
			poll.Changes = append(poll.Changes, Change{At: i.StartedAt, Kind: ChangePresent, By: i.AckedBy, Incident: i})
		case w.began:
			poll.Changes = append(poll.Changes, changes(Incident{raw: victorops.Incident{}}, i, at)...)
		}
		if inPhase(i, w.filter.Phases) {
			poll.Incidents = append(poll.Incidents, i)
		}
	}
	for number, i := range w.known {
		if _, there := now[number]; !there && i.Phase.Open() {
			poll.Changes = append(poll.Changes, Change{At: at, Kind: ChangeGone, Incident: i})
		}
	}
	slices.SortStableFunc(poll.Changes, func(a, b Change) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return byNumber(a.Incident.Number, b.Incident.Number)
	})
	w.known, w.began, w.shown = now, true, poll.Incidents
	return poll, nil
}

// changes are what happened to an incident between two looks. The transitions
// that are new tell it best; a phase that changed without one is told all the same.
func changes(old, now Incident, seen time.Time) []Change {
	out := []Change{}
	phase := old.Phase
	for _, t := range now.raw.Transitions {
		if slices.ContainsFunc(old.raw.Transitions, func(o victorops.Transition) bool {
			return o.Name == t.Name && o.By == t.By && o.At.Equal(t.At.Time)
		}) {
			continue
		}
		c := Change{At: t.At.UTC(), Kind: string(step(t.Name)), By: string(t.By), Message: string(t.Message), Incident: now}
		if c.At.IsZero() {
			c.At = seen
		}
		out = append(out, c)
		if p := step(t.Name); slices.Contains(Phases(), p) {
			phase = p
		}
	}
	if phase != now.Phase {
		out = append(out, Change{At: seen, Kind: string(now.Phase), By: now.AckedBy, Incident: now})
	}
	if old.Number != "" {
		if more := newNames(old.PagedUsers, now.PagedUsers); len(more) > 0 {
			out = append(out, Change{At: seen, Kind: ChangePaged, Message: and(more), Incident: now})
		}
	}
	return out
}

func newNames(old, now []string) []string {
	out := []string{}
	for _, n := range now {
		if !slices.Contains(old, n) {
			out = append(out, n)
		}
	}
	return out
}
