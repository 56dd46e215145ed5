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

// Duty is one escalation step of one policy, and who stands there now.
type Duty struct {
	Team   Team   `json:"team"`
	Policy Policy `json:"policy"`
	// Step counts from 1; 0 is somebody on call of whom VictorOps does not say at
	// which step.
	Step int `json:"step"`
	// AfterMinutes is the time from the page to this step.
	AfterMinutes int      `json:"afterMinutes"`
	People       []OnDuty `json:"people"`
	Others       []string `json:"others"` // what else the step pages: "email ops@example.test"
	Gap          bool     `json:"gap"`    // somebody should be here and nobody is
}

// OnDuty is a person on call.
type OnDuty struct {
	Person
	Covers string    `json:"covers"`         // whose duty it is by the plan, when somebody stands in; else ""
	Until  time.Time `json:"until,omitzero"` // UTC, when the turn ends; absent when it does not
	Phones []string  `json:"phones"`         // verified numbers; read when asked for
}

// NowQuery chooses what OnCallNow reads.
type NowQuery struct {
	Team     string // a team by name; "" for all
	Contacts bool   // names, addresses and numbers as well: one more request a person
}

// Duties is the answer to OnCallNow.
type Duties struct {
	Duties  []Duty
	Partial []Partial
}

// OnCallNow returns who is on call, by team, policy and escalation step. The
// plain list of the API knows no steps, so each policy and the team's schedule of
// each step are read as well; where that fails the plain list serves. A team
// without anybody is a Duty that is a gap.
func (p *Pager) OnCallNow(ctx context.Context, q NowQuery) (Duties, error) {
	var (
		now   []victorops.TeamOnCall
		err   error
		team  Team
		parts partials
	)
	if now, err = p.Client.OnCallNow(ctx); err != nil {
		return Duties{Duties: []Duty{}}, err
	}
	if q.Team != "" {
		if team, err = p.teamAmong(ctx, q.Team, now); err != nil {
			return Duties{Duties: []Duty{}}, err
		}
	}
	perTeam := make([][]Duty, len(now))
	var jobs []func()
	for n, t := range now {
		if q.Team == "" || t.Team.Slug == team.Slug {
			jobs = append(jobs, func() { perTeam[n] = p.teamDuties(ctx, t, &parts) })
		}
	}
	together(jobs...)
	out := Duties{Duties: []Duty{}}
	for _, d := range perTeam {
		out.Duties = append(out.Duties, d...)
	}
	if q.Team != "" && len(out.Duties) == 0 {
		out.Duties = append(out.Duties, Duty{Team: team, People: []OnDuty{}, Others: []string{}, Gap: true})
	}
	slices.SortStableFunc(out.Duties, func(a, b Duty) int {
		return cmp.Or(strings.Compare(a.Team.Name, b.Team.Name), strings.Compare(a.Policy.Name, b.Policy.Name), cmp.Compare(a.Step, b.Step))
	})
	if q.Contacts {
		p.addContacts(ctx, out.Duties, &parts)
	}
	out.Partial = parts.all
	return out, nil
}

// teamAmong finds a team by name in the list of who is on call, which names them
// all; a team that is not on it is looked up, for its own sake or its error.
func (p *Pager) teamAmong(ctx context.Context, name string, now []victorops.TeamOnCall) (Team, error) {
	all := make([]Team, 0, len(now))
	for _, t := range now {
		all = append(all, Team{Name: string(t.Team.Name), Slug: t.Team.Slug})
	}
	team, err := pick("team", name, all, func(t Team) []string { return []string{t.Name, t.Slug} }, func(t Team) string { return t.Name })
	if errors.Is(err, apierr.ErrNotFound) {
		return p.FindTeam(ctx, name)
	}
	return team, err
}

// teamDuties are the duties of one team.
func (p *Pager) teamDuties(ctx context.Context, t victorops.TeamOnCall, parts *partials) []Duty {
	team := Team{Name: string(t.Team.Name), Slug: t.Team.Slug}
	if len(t.Now) == 0 {
		return []Duty{{Team: team, People: []OnDuty{}, Others: []string{}, Gap: true}}
	}
	policies := make([]victorops.Policy, len(t.Now))
	read := make([]bool, len(t.Now))
	var jobs []func()
	for n, o := range t.Now {
		jobs = append(jobs, func() {
			var err error
			policies[n], err = p.Client.Policy(ctx, o.Policy.Slug)
			read[n] = parts.add("policy "+string(o.Policy.Name), err)
		})
	}
	together(jobs...)
	plans, planned := p.plans(ctx, team, policies, parts)
	out := []Duty{}
	for n, o := range t.Now {
		ref := Policy{Name: string(o.Policy.Name), Slug: o.Policy.Slug, Team: team.Name}
		var duties []Duty
		if read[n] && planned {
			duties = policyDuties(team, ref, policies[n], plans)
		}
		out = append(out, withCurrent(duties, team, ref, o.Users)...)
	}
	return out
}

// plans are the team's schedules by step, for those steps that a rotation holds.
func (p *Pager) plans(ctx context.Context, team Team, policies []victorops.Policy, parts *partials) (map[int]victorops.TeamSchedule, bool) {
	steps := map[int]bool{}
	for _, pol := range policies {
		for n, s := range pol.Steps {
			rotation := slices.ContainsFunc(s.Entries, func(e victorops.PolicyEntry) bool { return isPerson(e.Type) })
			steps[n] = steps[n] || (rotation && n <= victorops.MaxStep)
		}
	}
	out := map[int]victorops.TeamSchedule{}
	got := make([]victorops.TeamSchedule, victorops.MaxStep+1)
	ok := make([]bool, victorops.MaxStep+1)
	var jobs []func()
	for n := range ok {
		if steps[n] {
			jobs = append(jobs, func() {
				var err error
				got[n], err = p.Client.TeamSchedule(ctx, team.Slug, victorops.ScheduleQuery{DaysForward: 1, Step: n})
				ok[n] = parts.add("schedule of "+team.Name, err)
			})
		}
	}
	together(jobs...)
	all := true
	for n := range ok {
		if ok[n] {
			out[n] = got[n]
		} else if steps[n] {
			all = false
		}
	}
	return out, all
}

func isPerson(t victorops.OnCallType) bool {
	switch t {
	case victorops.TypeUser, victorops.TypeRotation, victorops.TypeRotationNext, victorops.TypeRotationPrevious:
		return true
	}
	return false
}

// policyDuties are the steps of one policy with the people that the plans name.
func policyDuties(team Team, ref Policy, pol victorops.Policy, plans map[int]victorops.TeamSchedule) []Duty {
	out := []Duty{}
	after := 0
	for n, s := range pol.Steps {
		after += int(s.Timeout)
		if len(s.Entries) == 0 {
			continue // a first step that only waits is normal (note 7)
		}
		d := Duty{Team: team, Policy: ref, Step: n + 1, AfterMinutes: after, People: []OnDuty{}, Others: []string{}}
		wanted := false
		for _, e := range s.Entries {
			if isPerson(e.Type) {
				wanted = true
			} else {
				d.Others = append(d.Others, otherEntry(e))
			}
		}
		plan, known := plans[n]
		for _, sched := range plan.Schedules {
			if sched.Policy.Slug != ref.Slug {
				continue
			}
			for _, e := range sched.Schedule {
				if u := effective(e); u != "" && (isPerson(e.Type) || e.Type == "") {
					d.add(OnDuty{Person: Person{Username: u}, Covers: covers(e), Until: e.ShiftRoll.UTC(), Phones: []string{}})
				}
			}
		}
		if !known { // beyond the reach of the schedules: the policy itself names users
			for _, e := range s.Entries {
				if e.User.Username != "" {
					d.add(OnDuty{Person: Person{Username: e.User.Username}, Phones: []string{}})
				}
			}
		}
		beyond := n > victorops.MaxStep
		d.Gap = wanted && len(d.People) == 0 && !beyond
		if beyond && wanted && len(d.People) == 0 {
			d.Others = append(d.Others, "a rotation beyond what VictorOps shows")
		}
		out = append(out, d)
	}
	return out
}

func (d *Duty) add(o OnDuty) {
	if !slices.ContainsFunc(d.People, func(x OnDuty) bool { return x.Username == o.Username }) {
		d.People = append(d.People, o)
	}
}

// covers is whose duty an override took over, "" for nobody's.
func covers(e victorops.ScheduleEntry) string {
	if e.Override.Username != "" && e.Override.Username != e.OnCall.Username {
		return e.OnCall.Username
	}
	return ""
}

func otherEntry(e victorops.PolicyEntry) string {
	switch {
	case e.Email.Address != "":
		return "email " + e.Email.Address
	case e.Webhook.Label != "" || e.Webhook.Slug != "":
		return "webhook " + cmp.Or(string(e.Webhook.Label), e.Webhook.Slug)
	case e.TargetPolicy.Slug != "":
		return "policy " + e.TargetPolicy.Slug
	}
	return string(e.Type)
}

// withCurrent adds people whom the plain list names and no step does: it is the
// truth of the moment, the steps are a plan.
func withCurrent(duties []Duty, team Team, ref Policy, users []victorops.OnCallUser) []Duty {
	extra := Duty{Team: team, Policy: ref, People: []OnDuty{}, Others: []string{}}
	for _, u := range users {
		name := u.User.Username
		if name == "" || slices.ContainsFunc(duties, func(d Duty) bool {
			return slices.ContainsFunc(d.People, func(o OnDuty) bool { return strings.EqualFold(o.Username, name) })
		}) {
			continue
		}
		extra.add(OnDuty{Person: Person{Username: name}, Phones: []string{}})
	}
	if len(extra.People) > 0 || len(duties) == 0 {
		extra.Gap = len(extra.People) == 0
		return append(duties, extra)
	}
	return duties
}

// addContacts puts names, addresses and verified numbers to people.
func (p *Pager) addContacts(ctx context.Context, duties []Duty, parts *partials) {
	names := []string{}
	for _, d := range duties {
		for _, o := range d.People {
			if !slices.Contains(names, o.Username) {
				names = append(names, o.Username)
			}
		}
	}
	var users []Person
	phones := make([][]string, len(names))
	jobs := []func(){func() {
		var err error
		users, err = p.Users(ctx)
		parts.add("users", err)
	}}
	for n, name := range names {
		jobs = append(jobs, func() {
			m, err := p.Client.ContactMethods(ctx, name)
			parts.add("contact methods of "+name, err)
			for _, c := range m.Phones {
				if c.Verified {
					phones[n] = append(phones[n], c.Value)
				}
			}
		})
	}
	together(jobs...)
	for _, d := range duties {
		for n := range d.People {
			o := &d.People[n]
			for _, u := range users {
				if strings.EqualFold(u.Username, o.Username) {
					o.Name, o.Email = u.Name, u.Email
				}
			}
			if i := slices.Index(names, o.Username); i >= 0 && phones[i] != nil {
				o.Phones = phones[i]
			}
		}
	}
}
