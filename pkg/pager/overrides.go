package pager

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// StandIn is an override that is there: who is away, from when to when, and who
// covers what.
type StandIn struct {
	ID     string    `json:"id"`
	Away   string    `json:"away"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Covers []Cover   `json:"covers"` // in the vendor's order
}

// Cover is who stands in for one policy.
type Cover struct {
	Policy string `json:"policy"` // name
	User   string `json:"user"`   // "": nobody, so the person away stays on duty
}

// StandIns returns the overrides that are not over, the next one first.
func (p *Pager) StandIns(ctx context.Context) ([]StandIn, error) {
	all, err := p.Client.Overrides(ctx)
	if err != nil {
		return nil, err
	}
	out := []StandIn{}
	for _, v := range all {
		if v.End.After(p.now()) {
			out = append(out, p.standIn(ctx, v))
		}
	}
	slices.SortStableFunc(out, func(a, b StandIn) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// StandIn returns one override; an unknown id is an apierr.ErrNotFound.
func (p *Pager) StandIn(ctx context.Context, id string) (StandIn, error) {
	v, err := p.Client.Override(ctx, id)
	if errors.Is(err, apierr.ErrNotFound) {
		return StandIn{}, &apierr.Error{Vendor: victorops.Vendor, Op: opOverride, Message: "no override is called " + id,
			Kind: []error{apierr.ErrNotFound}, Hint: "oncall rotation override", Err: err}
	}
	if err != nil {
		return StandIn{}, err
	}
	return p.standIn(ctx, v), nil
}

func (p *Pager) standIn(ctx context.Context, v victorops.Override) StandIn {
	out := StandIn{ID: v.ID, Away: v.User.Username, Start: v.Start.UTC(), End: v.End.UTC(), Covers: []Cover{}}
	for _, a := range v.Assignments {
		c := Cover{Policy: p.policyName(ctx, a.Policy)}
		if a.Assigned {
			c.User = a.User
		}
		out.Covers = append(out.Covers, c)
	}
	return out
}

// CancelOverride removes an override with its covers: the person who was to be
// away is on duty again. It is sent once; after a lost answer a look tells, and
// looked is true. What that does not settle is an apierr.ErrUnknownOutcome.
func (p *Pager) CancelOverride(ctx context.Context, id string) (looked bool, _ error) {
	const op = "cancel override"
	err := p.Client.DeleteOverride(ctx, id)
	switch {
	case err == nil, !lost(err):
		return false, err
	case gone(ctx):
		return false, interrupted(op+" "+id, "cannot tell whether it is gone", "oncall rotation override", err)
	}
	_, now := p.Client.Override(ctx, id)
	if errors.Is(now, apierr.ErrNotFound) {
		return true, nil
	}
	return false, &apierr.Error{Vendor: victorops.Vendor, Op: op + " " + id, Message: "cannot tell whether it arrived: the answer was lost, and " + stillThere(now),
		Kind: []error{apierr.ErrUnknownOutcome}, Hint: "oncall rotation override", Err: err}
}

func stillThere(err error) string {
	if err != nil {
		return "it could not be looked at"
	}
	return "the override is still there"
}
