package pager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Target is whom to page.
type Target struct {
	Kind string `json:"kind"` // user or policy
	Name string `json:"name"` // for people
	Slug string `json:"slug"` // for the API: a username or a policy's slug
}

// Kinds of Target.
const (
	KindUser   = "user"
	KindPolicy = "policy"
)

// String is the target as it can be typed: "user:secondary".
func (t Target) String() string { return t.Kind + ":" + t.Name }

func (t Target) wire() victorops.Target {
	if t.Kind == KindPolicy {
		return victorops.Target{Type: victorops.TargetPolicy, Slug: t.Slug}
	}
	return victorops.Target{Type: victorops.TargetUser, Slug: t.Slug}
}

// Targets finds targets by what people type: "user:NAME", "policy:NAME",
// "team:NAME" (its one policy; the API cannot page a team, note 3) or a bare NAME
// that only one user or policy has. Names may be short as in FindUser. An unknown
// name is an apierr.ErrNotFound, one that fits several an apierr.ErrAmbiguous.
func (p *Pager) Targets(ctx context.Context, typed []string) ([]Target, error) {
	out := []Target{}
	for _, s := range typed {
		t, err := p.target(ctx, s)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	if len(out) == 0 {
		return nil, apierr.New(apierr.ErrUsage, victorops.Vendor, "", "nobody is named to be paged").
			WithHint("--to user:NAME or --to policy:NAME")
	}
	return out, nil
}

func (p *Pager) target(ctx context.Context, typed string) (Target, error) {
	kind, name, ok := strings.Cut(typed, ":")
	if !ok {
		return p.bareTarget(ctx, typed)
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case KindUser:
		u, err := p.FindUser(ctx, name)
		return userTarget(u), err
	case KindPolicy:
		r, err := p.FindPolicy(ctx, name)
		return policyTarget(r), err
	case "team":
		return p.teamTarget(ctx, name)
	}
	return Target{}, apierr.New(apierr.ErrUsage, victorops.Vendor, "", "%q is not user:NAME, policy:NAME or team:NAME", typed)
}

func userTarget(u Person) Target { return Target{Kind: KindUser, Name: u.Username, Slug: u.Username} }

func policyTarget(r Policy) Target { return Target{Kind: KindPolicy, Name: r.Name, Slug: r.Slug} }

// teamTarget is the policy of a team that has only one.
func (p *Pager) teamTarget(ctx context.Context, name string) (Target, error) {
	team, err := p.FindTeam(ctx, name)
	if err != nil {
		return Target{}, err
	}
	all, err := p.allPolicies(ctx)
	if err != nil {
		return Target{}, err
	}
	var found []Target
	var names []string
	for _, r := range all {
		if r.Team.Slug == team.Slug {
			t := Target{Kind: KindPolicy, Name: string(r.Policy.Name), Slug: r.Policy.Slug}
			found, names = append(found, t), append(names, t.String())
		}
	}
	switch len(found) {
	case 0:
		return Target{}, apierr.New(apierr.ErrNotFound, victorops.Vendor, "", "team %s has no escalation policy to page", team.Name)
	case 1:
		return found[0], nil
	}
	slices.Sort(names)
	return Target{}, apierr.New(apierr.ErrAmbiguous, victorops.Vendor, "", "team %s has several policies: %s", team.Name, and(names)).
		WithHint("name one of them")
}

// bareTarget is the one user or policy of a name without a kind.
func (p *Pager) bareTarget(ctx context.Context, name string) (Target, error) {
	u, uerr := p.FindUser(ctx, name)
	r, rerr := p.FindPolicy(ctx, name)
	for _, err := range []error{uerr, rerr} {
		if err != nil && !errors.Is(err, apierr.ErrNotFound) {
			return Target{}, err
		}
	}
	switch {
	case uerr == nil && rerr == nil:
		return Target{}, apierr.New(apierr.ErrAmbiguous, victorops.Vendor, "", "%q matches %s and %s", name, userTarget(u), policyTarget(r)).
			WithHint("say user: or policy: before the name")
	case uerr == nil:
		return userTarget(u), nil
	case rerr == nil:
		return policyTarget(r), nil
	}
	return Target{}, apierr.New(apierr.ErrNotFound, victorops.Vendor, "", "no user and no policy is called %q", name).WithHint("oncall rotation now")
}

// Reroute pages others for incidents, as User; add keeps those paged already
// (Enterprise plans only, note 3). It returns what became of each incident, in
// order. What Ack says of lost answers holds here: the look compares who is paged
// with who was before.
func (p *Pager) Reroute(ctx context.Context, seen []Seen, to []Target, add bool) ([]Outcome, error) {
	const op = "reroute"
	user, err := p.actor(op)
	if err != nil {
		return nil, err
	}
	targets := make([]victorops.Target, 0, len(to))
	for _, t := range to {
		targets = append(targets, t.wire())
	}
	out := make([]Outcome, len(seen))
	in := victorops.RerouteRequest{UserName: user}
	before := map[string]Incident{}
	for n, s := range seen {
		switch {
		case s.Err != nil:
			out[n] = Outcome{Number: s.Number, Result: Failed, Err: s.Err}
		case s.Incident.Phase == Resolved:
			out[n] = outcome(s.Incident, Failed)
			out[n].Err = apierr.New(apierr.ErrGuard, victorops.Vendor, op+" "+s.Number, "it is resolved")
		default:
			out[n] = outcome(s.Incident, Unknown)
			before[s.Number] = s.Incident
			in.Reroutes = append(in.Reroutes, victorops.Reroute{Number: s.Number, Targets: targets, Add: add})
		}
	}
	if len(in.Reroutes) == 0 {
		return out, nil
	}
	statuses, err := p.Client.Reroute(ctx, in)
	if err != nil && !lost(err) {
		if len(in.Reroutes) == len(seen) {
			return nil, err
		}
		for _, r := range in.Reroutes {
			fail(out, []string{r.Number}, err)
		}
		return out, nil
	}
	verdicts := map[string]victorops.RerouteStatus{}
	if err == nil {
		for _, s := range statuses {
			verdicts[string(s.Number)] = s
		}
	}
	var look []string
	for _, r := range in.Reroutes {
		o := find(out, r.Number)
		s, answered := verdicts[r.Number]
		if !answered {
			look = append(look, r.Number)
			continue
		}
		if o.Err = rerouteError(op+" "+r.Number, s, to); o.Err != nil {
			o.Result = Failed
			continue
		}
		o.Result, o.Message = Done, "to "+and(labels(to))
	}
	if len(look) == 0 {
		return out, nil
	}
	now := p.lookAfter(ctx, look)
	for _, number := range look {
		o := find(out, number)
		if s := now[number]; s.Number != "" && s.Err == nil {
			o.Phase, o.By = s.Incident.Phase, holder(s.Incident)
			if rerouted(before[number], s.Incident, to, user) {
				o.Result, o.Looked, o.Message = Done, true, "to "+and(labels(to))
				continue
			}
			o.Looked = true
		}
		o.Err = &apierr.Error{Vendor: victorops.Vendor, Op: op + " " + number, Message: cannotTell(err),
			Kind: []error{apierr.ErrUnknownOutcome}, Hint: "oncall incident get " + number, Err: err}
	}
	return out, nil
}

func labels(to []Target) []string {
	out := make([]string, 0, len(to))
	for _, t := range to {
		out = append(out, t.String())
	}
	return out
}

// rerouteError is why an incident was not rerouted, or not to all of its targets.
func rerouteError(op string, s victorops.RerouteStatus, to []Target) error {
	var bad []string
	for _, t := range s.Targets {
		if t.Success {
			continue
		}
		name := t.Slug
		if i := slices.IndexFunc(to, func(x Target) bool { return x.Slug == t.Slug }); i >= 0 {
			name = to[i].String()
		}
		why := string(t.Message)
		if why == "" {
			why = "refused"
		}
		bad = append(bad, name+": "+why)
	}
	switch {
	case s.Success && len(bad) == 0:
		return nil
	case len(bad) == 0 && s.Message != "":
		bad = append(bad, string(s.Message))
	case len(bad) == 0:
		bad = append(bad, "refused")
	case s.Message != "":
		bad = append(bad, string(s.Message))
	}
	return apierr.New(apierr.ErrInvalid, victorops.Vendor, op, "%s", strings.Join(bad, "; "))
}

// rerouted reports whether what is known now proves that the reroute happened: a
// new transition says so, or somebody of the targets is paged who was not before.
func rerouted(before, now Incident, to []Target, user string) bool {
	me := self{names: []string{user}}
	old := len(before.raw.Transitions)
	for n, t := range now.raw.Transitions {
		if _, is := cutPrefixFold(t.Name, "rerout"); is && n >= old && (t.By == "" || me.is(string(t.By))) {
			return true
		}
	}
	was, is := pagedSlugs(before), pagedSlugs(now)
	return slices.ContainsFunc(to, func(t Target) bool {
		return !slices.Contains(was, t.String()) && slices.Contains(is, t.String())
	}) && !slices.ContainsFunc(to, func(t Target) bool { return !slices.Contains(is, t.String()) })
}

func pagedSlugs(i Incident) []string {
	out := []string{}
	for _, u := range i.PagedUsers {
		out = append(out, KindUser+":"+u)
	}
	for _, r := range i.PagedPolicies {
		out = append(out, KindPolicy+":"+r.Name)
	}
	return out
}
