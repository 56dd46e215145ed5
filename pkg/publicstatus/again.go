package publicstatus

import (
	"context"
	"fmt"
	"slices"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// Between a plan and a person's answer, or the end of their writing, minutes may
// pass, and the page has no compare-and-set. So what a plan stands on is read
// again right before the change; what somebody else did in between is
// apierr.ErrGuard, and nothing is sent. What they did for us already is no error.

// again reads an incident or maintenance anew.
func (b *Board) again(ctx context.Context, was statuspage.Incident) (statuspage.Incident, error) {
	return b.api.Incident(ctx, was.ID)
}

// unmoved refuses an incident that somebody moved or wrote to since was.
func unmoved(was, now statuspage.Incident) error {
	if now.Status != was.Status {
		return changed(was.ID, "it is %s now and was %s", SayState(now.Status), SayState(was.Status))
	}
	// Told by the time and not by the id: a list may hold fewer updates than the
	// incident read alone.
	last, newest := latest(was.Updates), latest(now.Updates)
	if last != nil && newest != nil && newest.CreatedAt.After(last.CreatedAt.Time) {
		return changed(was.ID, "an update was posted: %q", excerpt(newest.Body))
	}
	return nil
}

// unset refuses components of an incident that somebody set to something third
// since the plan, which said what they were.
func unset(now statuspage.Incident, planned []Ref, to statuspage.ComponentStatus) error {
	for _, was := range planned {
		for _, c := range now.Components {
			if c.ID == was.ID && c.Status != was.State && c.Status != to {
				return changed(now.ID, "%s is %s now and was %s", c.Name, SayStatus(c.Status), SayStatus(was.State))
			}
		}
	}
	return nil
}

// latest is the update that was written last, whenever it is shown; nil without any.
func latest(rows []statuspage.Update) *statuspage.Update {
	if len(rows) == 0 {
		return nil
	}
	u := slices.MaxFunc(rows, func(a, b statuspage.Update) int { return a.CreatedAt.Compare(b.CreatedAt.Time) })
	return &u
}

// maxExcerpt is how many characters of a public text stand in an error.
const maxExcerpt = 120

func excerpt(text string) string {
	r := []rune(oneLine(text))
	if len(r) > maxExcerpt {
		return string(r[:maxExcerpt]) + "…"
	}
	return string(r)
}

func changed(id, format string, args ...any) error {
	return guard("%s has changed since it was looked at: %s; nothing was sent", id, fmt.Sprintf(format, args...)).
		WithHint("look, and run this again: oncall status incident get %s", id)
}

// free refuses components that were to become operational and that another open
// incident or running maintenance names by now.
func (b *Board) free(ctx context.Context, was statuspage.Incident, back []Ref) error {
	if len(back) == 0 {
		return nil
	}
	real, planned, err := b.running(ctx)
	if err != nil {
		return err
	}
	_, held := putBack(was, real, planned)
	for _, h := range held {
		if slices.ContainsFunc(back, func(r Ref) bool { return r.ID == h.ID }) {
			return changed(was.ID, "%s is named by %s now", h.Name, and(h.By))
		}
	}
	return nil
}

// Again reads the components of targets anew. One that somebody else set to
// something third in the meantime is marked, and Set refuses it.
func (b *Board) Again(ctx context.Context, targets []Target) ([]Target, error) {
	if len(targets) == 0 {
		return targets, nil
	}
	rows, err := statuspage.Collect(b.api.Components(ctx))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(targets)
	for i, t := range out {
		j := slices.IndexFunc(rows, func(c statuspage.Component) bool { return c.ID == t.Component.ID })
		if j < 0 || rows[j].Status == t.Component.State {
			continue
		}
		out[i].planned, out[i].Component.State = t.Component.State, rows[j].Status
	}
	return out, nil
}

// settled is Again for a change that takes all targets in one request: one that was
// set to something third refuses them all.
func (b *Board) settled(ctx context.Context, targets []Target) error {
	now, err := b.Again(ctx, targets)
	for _, t := range now {
		if err == nil {
			err = t.moved()
		}
	}
	return err
}

// moved is apierr.ErrGuard when Again has seen something third.
func (t Target) moved() error {
	if t.planned == "" || t.From() == t.To {
		return nil
	}
	return guard("%s has changed since it was looked at: it is %s now and was %s; nothing was sent", t.Component.Name, SayStatus(t.From()), SayStatus(t.planned)).
		WithHint("look, and run this again: oncall status show")
}
