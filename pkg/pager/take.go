package pager

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Taking is a take that can be made: who takes which policy from whom.
type Taking struct {
	Policy  Policy `json:"policy"`
	From    string `json:"from"`
	To      string `json:"to"`
	Already bool   `json:"already"` // To has it
	Looked  bool   `json:"looked"`  // the answer was lost, and a look shows that it was made

	there bool // To was on call for it before, at another step
}

const opTake = "take on-call"

// Looks after a take: the list of who is on call may lag.
const (
	takeLooks = 3
	takePause = time.Second
)

// PlanTake finds out from whom a policy would be taken, now. from may be "" when
// only one person has it. A policy that nobody has is an apierr.ErrGuard: the API
// can only replace somebody (note 5).
func (p *Pager) PlanTake(ctx context.Context, policy Policy, from, to string) (Taking, error) {
	out := Taking{Policy: policy, From: from, To: to}
	users, err := p.onPolicy(ctx, policy)
	if err != nil {
		return out, err
	}
	has := func(name string) bool {
		return slices.ContainsFunc(users, func(u string) bool { return strings.EqualFold(u, name) })
	}
	switch {
	case has(to) && (len(users) == 1 || strings.EqualFold(from, to)):
		out.Already, out.From = true, to
	case from != "" && has(from):
	case from != "":
		return out, apierr.New(apierr.ErrGuard, victorops.Vendor, opTake, "%s is not on call for %s: %s", from, policy.Label(), orNobody(users)).
			WithHint("oncall rotation now")
	case len(users) == 0:
		return out, apierr.New(apierr.ErrGuard, victorops.Vendor, opTake, "nobody is on call for %s, and VictorOps can only replace somebody", policy.Label()).
			WithHint("oncall rotation now")
	case len(users) > 1:
		return out, apierr.New(apierr.ErrAmbiguous, victorops.Vendor, opTake, "%s are on call for %s", and(users), policy.Label()).
			WithHint("--from NAME")
	default:
		out.From = users[0]
	}
	out.there = has(to)
	return out, nil
}

// Take makes a take, once, and confirms it by reading who is on call, as the
// answer's word proves little (note 5). One that cannot be confirmed is an
// apierr.ErrGuard; after a lost answer it is an apierr.ErrUnknownOutcome. There is
// no call that takes it back.
func (p *Pager) Take(ctx context.Context, t Taking) (Taking, error) {
	if t.Already {
		return t, nil
	}
	_, err := p.Client.TakeOnCall(ctx, t.Policy.Slug, t.From, t.To)
	if err != nil && !lost(err) {
		return p.refusedTake(ctx, t, err)
	}
	if err != nil && gone(ctx) {
		return t, interrupted(opTake, "cannot tell whether it was taken", "oncall rotation now", err)
	}
	why := ""
	for n := range takeLooks {
		if n > 0 && p.wait(ctx, takePause) != nil {
			break
		}
		users, lookErr := p.onPolicy(ctx, t.Policy)
		if lookErr != nil {
			why = "who is on call could not be read: " + strings.TrimPrefix(lookErr.Error(), victorops.Vendor+": ")
			continue
		}
		has := func(name string) bool {
			return slices.ContainsFunc(users, func(u string) bool { return strings.EqualFold(u, name) })
		}
		if has(t.To) && (!t.there || !has(t.From)) {
			t.Looked = err != nil
			return t, nil
		}
		why = "VictorOps shows " + orNobody(users)
	}
	e := apierr.New(apierr.ErrGuard, victorops.Vendor, opTake+" of "+t.Policy.Label(), "not confirmed: %s", why)
	if err != nil {
		e.Kind, e.Err = []error{apierr.ErrUnknownOutcome}, err
		e.Message = "cannot tell whether it arrived: the answer was lost; " + why
	}
	return t, e.WithHint("oncall rotation now")
}

// refusedTake looks why a take was refused: somebody else may have been faster.
func (p *Pager) refusedTake(ctx context.Context, t Taking, err error) (Taking, error) {
	if gone(ctx) || !errors.Is(err, apierr.ErrInvalid) {
		return t, err
	}
	users, lookErr := p.onPolicy(ctx, t.Policy)
	has := func(name string) bool {
		return slices.ContainsFunc(users, func(u string) bool { return strings.EqualFold(u, name) })
	}
	switch {
	case lookErr != nil || has(t.From):
		return t, err
	case has(t.To):
		t.Already = true
		return t, nil
	}
	return t, apierr.New(apierr.ErrGuard, victorops.Vendor, opTake+" of "+t.Policy.Label(), "%s does not have it any more: %s", t.From, orNobody(users)).
		WithHint("oncall rotation now")
}

// onPolicy are the people on call for a policy.
func (p *Pager) onPolicy(ctx context.Context, policy Policy) ([]string, error) {
	teams, err := p.Client.OnCallNow(ctx)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, t := range teams {
		for _, o := range t.Now {
			if o.Policy.Slug != policy.Slug {
				continue
			}
			for _, u := range o.Users {
				if u.User.Username != "" {
					out = append(out, u.User.Username)
				}
			}
		}
	}
	return unique(out), nil
}

func orNobody(users []string) string {
	if len(users) == 0 {
		return "nobody is on call there"
	}
	if len(users) == 1 {
		return users[0] + " is on call there"
	}
	return and(users) + " are on call there"
}
