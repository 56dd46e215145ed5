package pager

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/victorops"
)

func (p *Pager) allUsers(ctx context.Context) ([]victorops.User, error) {
	return p.users.get(ctx, func(ctx context.Context) ([]victorops.User, error) { return p.Client.Users(ctx, "") })
}

func (p *Pager) allTeams(ctx context.Context) ([]victorops.Team, error) {
	return p.teams.get(ctx, p.Client.Teams)
}

func (p *Pager) allPolicies(ctx context.Context) ([]victorops.PolicyRef, error) {
	return p.policies.get(ctx, p.Client.Policies)
}

func (p *Pager) myTeams(ctx context.Context) ([]victorops.Ref, error) {
	return p.mine.get(ctx, func(ctx context.Context) ([]victorops.Ref, error) { return p.Client.UserTeams(ctx, p.User) })
}

// Person is a user by name.
type Person struct {
	Username string `json:"username"`
	Name     string `json:"name"`  // "" when not known
	Email    string `json:"email"` // "" when not known
}

func person(u victorops.User) Person {
	return Person{Username: u.Username, Name: fullName(u), Email: u.Email}
}

func fullName(u victorops.User) string {
	return strings.TrimSpace(string(u.FirstName) + " " + string(u.LastName))
}

// Users returns everybody in the organisation, by username.
func (p *Pager) Users(ctx context.Context) ([]Person, error) {
	users, err := p.allUsers(ctx)
	out := make([]Person, 0, len(users))
	for _, u := range users {
		out = append(out, person(u))
	}
	slices.SortFunc(out, func(a, b Person) int { return strings.Compare(a.Username, b.Username) })
	return out, err
}

// Teams returns every team, by name.
func (p *Pager) Teams(ctx context.Context) ([]Team, error) {
	teams, err := p.allTeams(ctx)
	out := make([]Team, 0, len(teams))
	for _, t := range teams {
		out = append(out, Team{Name: string(t.Name), Slug: t.Slug})
	}
	slices.SortFunc(out, func(a, b Team) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// Policies returns every escalation policy, by name.
func (p *Pager) Policies(ctx context.Context) ([]Policy, error) {
	all, err := p.allPolicies(ctx)
	out := make([]Policy, 0, len(all))
	for _, r := range all {
		out = append(out, Policy{Name: string(r.Policy.Name), Slug: r.Policy.Slug, Team: string(r.Team.Name)})
	}
	slices.SortFunc(out, func(a, b Policy) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// FindUser returns the user of a username, an e-mail address or a full name, in
// any case, or of the only username or name that starts so. "me" is Pager.User.
func (p *Pager) FindUser(ctx context.Context, name string) (Person, error) {
	if strings.EqualFold(name, "me") && p.User != "" {
		name = p.User
	}
	all, err := p.Users(ctx)
	if err != nil {
		return Person{}, err
	}
	return pick("user", name, all, func(u Person) []string { return []string{u.Username, u.Name, u.Email} },
		func(u Person) string { return u.Username })
}

// FindTeam returns the team of a name or slug, in any case, or the only one
// whose name starts so.
func (p *Pager) FindTeam(ctx context.Context, name string) (Team, error) {
	all, err := p.Teams(ctx)
	if err != nil {
		return Team{}, err
	}
	return pick("team", name, all, func(t Team) []string { return []string{t.Name, t.Slug} },
		func(t Team) string { return t.Name })
}

// FindPolicy returns the escalation policy of a name, a slug or "TEAM/NAME", in
// any case, or the only one that starts so.
func (p *Pager) FindPolicy(ctx context.Context, name string) (Policy, error) {
	all, err := p.Policies(ctx)
	if err != nil {
		return Policy{}, err
	}
	return pick("policy", name, all,
		func(r Policy) []string { return []string{r.Name, r.Slug, r.Team + "/" + r.Name} }, Policy.label)
}

// label names a policy so that it can be typed again.
func (p Policy) label() string {
	if p.Team == "" {
		return p.Name
	}
	return p.Team + "/" + p.Name
}

// Label names a policy for people: with its team, unless its own name has it.
func (p Policy) Label() string {
	if p.Team == "" || strings.Contains(strings.ToLower(p.Name), strings.ToLower(p.Team)) {
		return p.Name
	}
	return p.Team + " " + p.Name
}

// pick finds one of all by name: a whole name first, then a unique beginning.
func pick[T any](kind, name string, all []T, names func(T) []string, label func(T) string) (T, error) {
	var none T
	want := strings.ToLower(strings.TrimSpace(name))
	if want == "" {
		return none, apierr.New(apierr.ErrUsage, victorops.Vendor, "", "the name of a %s is empty", kind)
	}
	for _, fits := range []func(string) bool{
		func(s string) bool { return s == want },
		func(s string) bool { return strings.HasPrefix(s, want) },
	} {
		var found []T
		for _, t := range all {
			if slices.ContainsFunc(names(t), func(s string) bool { return s != "" && fits(strings.ToLower(s)) }) {
				found = append(found, t)
			}
		}
		switch len(found) {
		case 0:
			continue
		case 1:
			return found[0], nil
		}
		labels := make([]string, 0, len(found))
		for _, t := range found {
			labels = append(labels, label(t))
		}
		return none, apierr.New(apierr.ErrAmbiguous, victorops.Vendor, "", "%q matches %s", name, and(labels)).
			WithHint("use the whole name")
	}
	labels := make([]string, 0, len(all))
	for _, t := range all {
		labels = append(labels, label(t))
	}
	e := apierr.New(apierr.ErrNotFound, victorops.Vendor, "", "no %s is called %q", kind, name)
	if near := nearest.Of(want, labels); len(near) > 0 {
		return none, e.WithHint("did you mean %s?", or(near))
	}
	if len(labels) > 0 && len(labels) <= 12 {
		return none, e.WithHint("there are %s", and(labels))
	}
	return none, e
}

func or(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// and joins names as a sentence does, and counts those beyond a dozen.
func and(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
