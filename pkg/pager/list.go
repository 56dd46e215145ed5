package pager

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Filter chooses incidents. Zero fields choose the open ones of everybody. The
// vendor has no filters: all of this happens here.
type Filter struct {
	Mine   bool      // paged me, acknowledged by me, or of one of my teams
	Team   string    // a team by name or slug
	Phases []Phase   // none: those that are open
	Since  time.Time // started at or after; zero: any time
}

// Listing is the answer to List.
type Listing struct {
	Incidents []Incident
	// Others counts incidents in the wanted phases that Mine or Team left out, so
	// that "nothing pages you" can say what does go on.
	Others  int
	Partial []Partial
}

// List returns the incidents that f chooses: triggered first, then acknowledged,
// then resolved, the newest of each first.
func (p *Pager) List(ctx context.Context, f Filter) (Listing, error) {
	var (
		all      []victorops.Incident
		err      error
		org      string
		mine     []victorops.Ref
		teamErr  error
		nobody   error // "nothing pages you" would be a lie
		team     Team
		partials partials
	)
	if f.Mine {
		if _, err := p.actor("list my incidents"); err != nil {
			return Listing{Incidents: []Incident{}}, err
		}
	}
	jobs := []func(){
		func() { all, err = p.Client.Incidents(ctx) },
		func() { org = p.organisation(ctx) },
	}
	if f.Mine {
		jobs = append(jobs, func() {
			var e error
			if mine, e = p.myTeams(ctx); errors.Is(e, apierr.ErrNotFound) {
				nobody = apierr.New(apierr.ErrNotFound, victorops.Vendor, "list my incidents", "nobody is called %q there", p.User).
					WithHint("oncall config view --origin shows where the user is set")
			} else if e != nil {
				partials.add("your teams", e)
			}
		})
	}
	if f.Team != "" {
		jobs = append(jobs, func() { team, teamErr = p.FindTeam(ctx, f.Team) })
	}
	together(jobs...)
	if err = errors.Join(err, teamErr, nobody); err != nil {
		return Listing{Incidents: []Incident{}}, first(err)
	}

	incidents := translate(all, org)
	if err := p.nameTeams(ctx, incidents); err != nil {
		partials.add("team names", err)
	}
	me := p.me(ctx, all, f.Mine)
	out := Listing{Incidents: []Incident{}}
	for _, i := range incidents {
		if !inPhase(i, f.Phases) || (!f.Since.IsZero() && i.StartedAt.Before(f.Since)) {
			continue
		}
		if (f.Mine && !me.owns(i, mine)) || (f.Team != "" && !ofTeam(i, team.Slug)) {
			out.Others++
			continue
		}
		out.Incidents = append(out.Incidents, i)
	}
	Sort(out.Incidents)
	out.Partial = partials.all
	return out, nil
}

// first returns the telling one of joined errors.
func first(err error) error {
	var e *apierr.Error
	if errors.As(err, &e) {
		return e
	}
	return err
}

func translate(all []victorops.Incident, org string) []Incident {
	out := make([]Incident, 0, len(all))
	for _, v := range all {
		out = append(out, FromVictorOps(v, org))
	}
	return out
}

// Sort orders incidents as they are listed: triggered first, then newest.
func Sort(all []Incident) {
	rank := func(i Incident) int {
		if n := slices.Index(Phases(), i.Phase); n >= 0 {
			return n
		}
		return 0 // a phase that we do not know is not one to hide at the end
	}
	slices.SortStableFunc(all, func(a, b Incident) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.StartedAt.Compare(a.StartedAt), byNumber(b.Number, a.Number))
	})
}

// byNumber compares incident numbers as numbers, whatever their length.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func inPhase(i Incident, phases []Phase) bool {
	if len(phases) == 0 {
		return i.Phase.Open()
	}
	if slices.Contains(phases, i.Phase) {
		return true
	}
	// All of them are all: a phase that we do not know is in no list, and is not to
	// be lost for it.
	for _, p := range Phases() {
		if !slices.Contains(phases, p) {
			return false
		}
	}
	return true
}

// ClockOff is how far this machine's clock is ahead of the pager's, negative when it
// is behind, by what the pager answered last. Where the answers tell no time, one of
// these incidents that lies in the future proves that it is behind, by so much at
// least. Some seconds are nothing: no two clocks agree.
func (p *Pager) ClockOff(all ...Incident) time.Duration {
	if d, known := p.Client.Skew(); known {
		if d.Abs() > skewAllowed {
			return -d
		}
		return 0
	}
	out, now := time.Duration(0), p.now()
	for _, i := range all {
		for _, t := range []time.Time{i.StartedAt, i.LastAlertAt} {
			if d := t.Sub(now); d > skewAllowed {
				out = min(out, -d)
			}
		}
	}
	return out
}

const skewAllowed = time.Minute

func ofTeam(i Incident, slug string) bool {
	return slices.ContainsFunc(i.PagedTeams, func(t Team) bool { return t.Slug == slug }) ||
		slices.ContainsFunc(i.raw.PagedPolicies, func(r victorops.PolicyRef) bool { return r.Team.Slug == slug })
}

// self knows a person by every name that a transition may carry.
type self struct{ names []string }

// me returns the names of the user. "by" is a username or a display name (note
// 3); the display name is looked up only when an acknowledgement carries one.
func (p *Pager) me(ctx context.Context, all []victorops.Incident, wanted bool) self {
	s := self{names: []string{p.User}}
	if !wanted {
		return s
	}
	display := slices.ContainsFunc(all, func(v victorops.Incident) bool {
		by, _ := last(v, Acknowledged)
		return strings.Contains(by, " ")
	})
	if !display {
		return s
	}
	users, err := p.allUsers(ctx)
	if err != nil {
		return s
	}
	for _, u := range users {
		if strings.EqualFold(u.Username, p.User) {
			s.names = append(s.names, fullName(u), string(u.DisplayName))
		}
	}
	return s
}

func (s self) is(name string) bool {
	return name != "" && slices.ContainsFunc(s.names, func(n string) bool { return strings.EqualFold(n, name) })
}

// owns reports whether an incident is mine: it paged me, I took it, or it paged
// one of my teams.
func (s self) owns(i Incident, teams []victorops.Ref) bool {
	return slices.ContainsFunc(i.PagedUsers, s.is) || s.is(i.AckedBy) ||
		slices.ContainsFunc(teams, func(t victorops.Ref) bool { return ofTeam(i, t.Slug) })
}

// nameTeams puts names to the team slugs that no policy of the incident names.
func (p *Pager) nameTeams(ctx context.Context, all []Incident) error {
	names := map[string]string{}
	missing := false
	for _, i := range all {
		for _, r := range i.raw.PagedPolicies {
			names[r.Team.Slug] = string(r.Team.Name)
		}
	}
	for _, i := range all {
		for _, t := range i.PagedTeams {
			missing = missing || names[t.Slug] == ""
		}
	}
	if missing {
		teams, err := p.allTeams(ctx)
		if err != nil {
			return err
		}
		for _, t := range teams {
			names[t.Slug] = string(t.Name)
		}
	}
	for _, i := range all {
		for n, t := range i.PagedTeams {
			if names[t.Slug] != "" {
				i.PagedTeams[n].Name = names[t.Slug]
			}
		}
	}
	return nil
}
