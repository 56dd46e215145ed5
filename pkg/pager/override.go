package pager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// NewOverride puts somebody in another's place for a while.
type NewOverride struct {
	Away  Person
	Cover Person
	Start time.Time
	End   time.Time
	Zone  *time.Location // shown in the portal; nil is UTC
	// Policies limits the cover to these, by slug; none is every policy that the
	// person away has. For the others that person stays on duty (note 5).
	Policies []Policy
}

// Override is an override as VictorOps has it now.
type Override struct {
	ID       string    `json:"id"`
	Away     string    `json:"away"`
	Cover    string    `json:"cover"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Policies []string  `json:"policies"` // names of those that are covered
	Open     []string  `json:"open"`     // names of those for which the person away stays on duty
	Already  bool      `json:"already"`  // it was there before
	Looked   bool      `json:"looked"`   // an answer was lost, and a look found what it would have said
	// Across are others that lie across this one: somebody else made them meanwhile.
	// VictorOps keeps them all, and who is on duty then is anybody's guess.
	Across []StandIn `json:"across"`
}

const opOverride = "override"

// CheckOverride says, without asking anybody, whether an override can be made.
func (p *Pager) CheckOverride(in NewOverride) error {
	switch {
	case in.Away.Username == "" || in.Cover.Username == "":
		return usage(opOverride, "an override needs who is away and who covers")
	case strings.EqualFold(in.Away.Username, in.Cover.Username):
		return usage(opOverride, "%s cannot stand in for themselves", in.Cover.Username)
	case !in.End.After(in.Start):
		return usage(opOverride, "the end is not after the start")
	case !in.End.After(p.now()):
		return usage(opOverride, "the end is in the past")
	case in.Start.Before(p.now().Add(victorops.OverrideLead)):
		return apierr.New(apierr.ErrGuard, victorops.Vendor, opOverride,
			"VictorOps takes no override that starts within %d minutes", int(victorops.OverrideLead.Minutes())).
			WithHint("oncall rotation take, for now")
	}
	return nil
}

// Override makes an override. The vendor needs two steps for it: one names who is
// away, and until each policy is assigned to the cover the person away stays on
// duty (note 5). Here they are one: when the second step is refused, the first is
// undone, and the end is what a look at the override confirms. An override of the
// same people and times that is there already is used; one that somebody else made
// meanwhile is told in Across. After a lost answer what the look does not settle is
// an apierr.ErrUnknownOutcome, and nothing is undone.
func (p *Pager) Override(ctx context.Context, in NewOverride) (Override, error) {
	if err := p.CheckOverride(in); err != nil {
		return Override{}, err
	}
	before, err := p.Client.Overrides(ctx)
	if err != nil {
		return Override{}, err
	}
	if err := p.clash(ctx, in, before); err != nil {
		return Override{}, err
	}
	v, made, looked, err := p.away(ctx, in, before)
	if err != nil {
		return Override{}, err
	}
	changed := made
	wanted, err := wantedPolicies(v, in)
	if err == nil {
		var l, sent bool
		l, sent, err = p.assign(ctx, v, wanted, in.Cover.Username)
		looked, changed = looked || l, changed || sent
	}
	if err != nil {
		return Override{}, p.undo(ctx, v, made, err)
	}
	now, all, err := p.confirm(ctx, v.ID)
	if err != nil {
		return Override{}, &apierr.Error{Vendor: victorops.Vendor, Op: opOverride, Message: "made, but a look to confirm it failed: override " + v.ID,
			Kind: []error{apierr.ErrUnknownOutcome}, Hint: "oncall rotation override", Err: err}
	}
	for _, policy := range wanted {
		if !covered(now.Assignments, policy, in.Cover.Username) {
			return Override{}, p.undo(ctx, v, made, apierr.New(apierr.ErrGuard, victorops.Vendor, opOverride,
				"VictorOps does not show %s as the cover of %s", in.Cover.Username, p.policyName(ctx, policy)))
		}
	}
	out := Override{ID: v.ID, Away: in.Away.Username, Cover: in.Cover.Username, Start: in.Start.UTC(), End: in.End.UTC(),
		Policies: []string{}, Open: []string{}, Already: !changed, Looked: looked, Across: []StandIn{}}
	for _, a := range now.Assignments {
		name := p.policyName(ctx, a.Policy)
		if slices.Contains(wanted, a.Policy) {
			out.Policies = append(out.Policies, name)
		} else if !a.Assigned {
			out.Open = append(out.Open, name)
		}
	}
	for _, o := range all {
		if o.ID != v.ID && len(in.across(o)) > 0 {
			out.Across = append(out.Across, p.standIn(ctx, o))
		}
	}
	return out, nil
}

// confirm reads the override back, with all others: the vendor has no way to make
// one only where there is none, so two people who look at the same moment both
// find the way clear. Each reads when its own is whole, so the later one at least
// sees the other.
func (p *Pager) confirm(ctx context.Context, id string) (victorops.Override, []victorops.Override, error) {
	all, err := p.Client.Overrides(ctx)
	if err != nil {
		return victorops.Override{}, nil, err
	}
	if n := slices.IndexFunc(all, func(o victorops.Override) bool { return o.ID == id }); n >= 0 {
		return all[n], all, nil
	}
	v, err := p.Client.Override(ctx, id)
	return v, all, err
}

// away is the first step: it says who is away, or finds that this was said.
func (p *Pager) away(ctx context.Context, in NewOverride, before []victorops.Override) (v victorops.Override, made, looked bool, _ error) {
	if n := slices.IndexFunc(before, in.same); n >= 0 {
		return before[n], false, false, nil
	}
	zone := "UTC"
	if in.Zone != nil && in.Zone.String() != "Local" {
		zone = in.Zone.String()
	}
	v, err := p.Client.CreateOverride(ctx, victorops.NewOverride{Username: in.Away.Username, Timezone: zone, Start: in.Start, End: in.End})
	if err == nil {
		return v, true, false, nil
	}
	if !lost(err) || gone(ctx) {
		return v, false, false, err
	}
	if now, lookErr := p.Client.Overrides(ctx); lookErr == nil {
		if n := slices.IndexFunc(now, in.same); n >= 0 {
			return now[n], true, true, nil
		}
	}
	return v, false, false, &apierr.Error{Vendor: victorops.Vendor, Op: opOverride,
		Message: "cannot tell whether it arrived: the answer was lost, and the override is not there yet",
		Kind:    []error{apierr.ErrUnknownOutcome}, Hint: "oncall rotation override", Err: err}
}

// wantedPolicies are the slugs to assign: those asked for, or all that the person
// away has.
func wantedPolicies(v victorops.Override, in NewOverride) ([]string, error) {
	has := []string{}
	for _, a := range v.Assignments {
		has = append(has, a.Policy)
	}
	if len(has) == 0 {
		return nil, apierr.New(apierr.ErrGuard, victorops.Vendor, opOverride, "no escalation policy names %s: there is nothing to cover", in.Away.Username)
	}
	if len(in.Policies) == 0 {
		return has, nil
	}
	out := []string{}
	for _, r := range in.Policies {
		if !slices.Contains(has, r.Slug) {
			return nil, apierr.New(apierr.ErrGuard, victorops.Vendor, opOverride, "policy %s does not name %s", r.Name, in.Away.Username)
		}
		out = append(out, r.Slug)
	}
	return out, nil
}

// assign is the second step: it names the cover for each policy. One that the
// cover has already is left alone. After a lost answer it looks.
func (p *Pager) assign(ctx context.Context, v victorops.Override, policies []string, cover string) (looked, sent bool, _ error) {
	for _, policy := range policies {
		if covered(v.Assignments, policy, cover) {
			continue
		}
		sent = true
		_, err := p.Client.Assign(ctx, v.ID, policy, cover, false)
		if err == nil {
			continue
		}
		if !lost(err) || gone(ctx) {
			return looked, sent, err
		}
		now, lookErr := p.Client.Override(ctx, v.ID)
		if lookErr != nil || !covered(now.Assignments, policy, cover) {
			return looked, sent, err
		}
		looked = true
	}
	return looked, sent, nil
}

// covered reports whether a person covers a policy.
func covered(all []victorops.Assignment, policy, cover string) bool {
	return slices.ContainsFunc(all, func(a victorops.Assignment) bool {
		return a.Policy == policy && a.Assigned && strings.EqualFold(a.User, cover)
	})
}

// clash is the error of an override that would lie across one that is there: the
// vendor keeps both, and who is on duty then is anybody's guess. One with the same
// times, without a cover or with the same, is not a clash: it is completed.
func (p *Pager) clash(ctx context.Context, in NewOverride, before []victorops.Override) error {
	for _, o := range before {
		for _, a := range in.across(o) {
			if in.same(o) && strings.EqualFold(a.User, in.Cover.Username) {
				continue
			}
			return apierr.New(apierr.ErrGuard, victorops.Vendor, opOverride, "%s stands in for %s already from %s to %s, on %s (%s)",
				a.User, o.User.Username, in.clock(o.Start.Time), in.clock(o.End.Time), p.policyName(ctx, a.Policy), o.ID).
				WithHint("oncall rotation override --cancel %s, first", o.ID)
		}
	}
	return nil
}

// across returns the covers of o that in would lie across: of the same person, at
// the same time, for a policy that is asked for.
func (in NewOverride) across(o victorops.Override) []victorops.Assignment {
	if !strings.EqualFold(o.User.Username, in.Away.Username) || !o.Start.Before(in.End) || !o.End.After(in.Start) {
		return nil
	}
	out := []victorops.Assignment{}
	for _, a := range o.Assignments {
		asked := len(in.Policies) == 0 || slices.ContainsFunc(in.Policies, func(r Policy) bool { return r.Slug == a.Policy })
		if asked && a.Assigned {
			out = append(out, a)
		}
	}
	return out
}

func (in NewOverride) same(o victorops.Override) bool {
	return strings.EqualFold(o.User.Username, in.Away.Username) && o.Start.Equal(in.Start.Truncate(time.Second)) && o.End.Equal(in.End.Truncate(time.Second))
}

// clock is a time as the person who makes the override reads it.
func (in NewOverride) clock(t time.Time) string {
	if in.Zone == nil {
		return t.UTC().Format("Mon 02 Jan 2006 15:04 MST")
	}
	return t.In(in.Zone).Format("Mon 02 Jan 2006 15:04 MST")
}

// undo removes an override that this call made and could not finish, so that
// nobody believes in a cover that is not there. After a lost answer, or when the
// override was there before, it is left as it is.
func (p *Pager) undo(ctx context.Context, v victorops.Override, made bool, cause error) error {
	if lost(cause) {
		return &apierr.Error{Vendor: victorops.Vendor, Op: opOverride, Message: "cannot tell whether " + v.ID + " has its cover: the answer was lost",
			Kind: []error{apierr.ErrUnknownOutcome}, Hint: "oncall rotation override", Err: cause}
	}
	if !made {
		return cause
	}
	// Also when the caller was interrupted: half an override looks like a whole one.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	err := p.Client.DeleteOverride(ctx, v.ID)
	if err == nil || errors.Is(err, apierr.ErrNotFound) {
		return undone(cause, "; nothing was left behind")
	}
	return &apierr.Error{Vendor: victorops.Vendor, Op: opOverride,
		Message: "the cover was not assigned and override " + v.ID + " is left without one, so the person away stays on duty (" + cause.Error() + ")",
		Kind:    []error{apierr.ErrConflict}, Hint: "oncall rotation override --cancel " + v.ID, Err: errors.Join(cause, err)}
}

// undoTimeout bounds the undoing of a half-made override.
const undoTimeout = 20 * time.Second

// undone is cause with a word on what was undone.
func undone(cause error, word string) error {
	var e *apierr.Error
	if errors.As(cause, &e) {
		c := *e
		c.Message += word
		return &c
	}
	return fmt.Errorf("%w%s", cause, word)
}
