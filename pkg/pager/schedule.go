package pager

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// MaxDays is how far ahead schedules can be read: thirty days in one request,
// beginning at most ninety days from now (note 5).
const MaxDays = victorops.MaxDaysForward + victorops.MaxDaysSkip

// MaxSteps is how many escalation steps schedules show (note 5).
const MaxSteps = victorops.MaxStep + 1

// Shift is a stretch of time that one person has, or nobody.
type Shift struct {
	Team     Team      `json:"team"`
	Policy   Policy    `json:"policy"`
	Step     int       `json:"step"`     // escalation step, from 1; 0 when VictorOps does not say
	Rotation string    `json:"rotation"` // "" for a person written into the policy
	Shift    string    `json:"shift"`
	User     string    `json:"user"`           // who is on call; "" is a gap: nobody
	Covers   string    `json:"covers"`         // whose shift it is by the plan, when somebody stands in; else ""
	Start    time.Time `json:"start,omitzero"` // UTC; absent for a person who is always on call
	End      time.Time `json:"end,omitzero"`   // UTC; absent for a person who is always on call
}

// Gap reports whether nobody is on call.
func (s Shift) Gap() bool { return s.User == "" }

// Always reports whether the shift has no beginning and no end.
func (s Shift) Always() bool { return s.Start.IsZero() && s.End.IsZero() }

// ScheduleQuery chooses the part of a schedule.
type ScheduleQuery struct {
	Days int // from now, 1..MaxDays
	Step int // escalation step from 1, 0 for all that schedules show
}

// Schedule is a plan with its overrides applied.
type Schedule struct {
	From, To time.Time // UTC
	Shifts   []Shift   // by start; those that are always on come first
	Partial  []Partial
}

func (q ScheduleQuery) check(op string) error {
	if q.Days < 1 || q.Days > MaxDays {
		return apierr.New(apierr.ErrUsage, victorops.Vendor, op, "VictorOps shows 1 to %d days, not %d", MaxDays, q.Days)
	}
	if q.Step < 0 || q.Step > MaxSteps {
		return apierr.New(apierr.ErrUsage, victorops.Vendor, op, "VictorOps shows the escalation steps 1 to %d, not %d", MaxSteps, q.Step)
	}
	return nil
}

// window is one request for a part of a schedule.
type window struct{ step, skip, days int }

// windows cuts the days into what one request may ask for.
func (q ScheduleQuery) windows() []window {
	steps := []int{q.Step - 1}
	if q.Step == 0 {
		steps = []int{0, 1, 2, 3}
	}
	out := []window{}
	for _, s := range steps {
		for skip := 0; skip < q.Days; skip += victorops.MaxDaysForward {
			out = append(out, window{s, skip, min(victorops.MaxDaysForward, q.Days-skip)})
		}
	}
	return out
}

// TeamSchedule returns a team's shifts with overrides applied and gaps shown.
func (p *Pager) TeamSchedule(ctx context.Context, team string, q ScheduleQuery) (Schedule, error) {
	t, err := p.FindTeam(ctx, team)
	if err != nil {
		return Schedule{Shifts: []Shift{}}, err
	}
	return p.schedule(ctx, q, "", func(ctx context.Context, s victorops.ScheduleQuery) ([]victorops.TeamSchedule, error) {
		one, err := p.Client.TeamSchedule(ctx, t.Slug, s)
		return []victorops.TeamSchedule{one}, err
	})
}

// UserSchedule returns the shifts of a person (a username) in all teams, those
// taken over from others included and those that others cover left out.
func (p *Pager) UserSchedule(ctx context.Context, user string, q ScheduleQuery) (Schedule, error) {
	if user == "" {
		return Schedule{Shifts: []Shift{}}, usage("get a schedule", "no user is named")
	}
	return p.schedule(ctx, q, user, func(ctx context.Context, s victorops.ScheduleQuery) ([]victorops.TeamSchedule, error) {
		return p.Client.UserSchedule(ctx, user, s)
	})
}

func (p *Pager) schedule(ctx context.Context, q ScheduleQuery, user string,
	read func(context.Context, victorops.ScheduleQuery) ([]victorops.TeamSchedule, error)) (Schedule, error) {
	now := p.now().UTC()
	out := Schedule{From: now, To: now.AddDate(0, 0, q.Days), Shifts: []Shift{}}
	if err := q.check("get a schedule"); err != nil {
		return out, err
	}
	windows := q.windows()
	got := make([][]victorops.TeamSchedule, len(windows))
	errs := make([]error, len(windows))
	jobs := make([]func(), len(windows))
	for n, w := range windows {
		jobs[n] = func() {
			got[n], errs[n] = read(ctx, victorops.ScheduleQuery{DaysForward: w.days, DaysSkip: w.skip, Step: w.step})
		}
	}
	together(jobs...)
	var parts partials
	failed := 0
	for n, w := range windows {
		if !parts.add(w.name(), errs[n]) {
			failed++
		}
	}
	if failed == len(windows) {
		return out, errs[0]
	}
	plan := newPlan(out.From, out.To, user)
	for n, w := range windows {
		for _, t := range got[n] {
			plan.add(t, w.step)
		}
	}
	out.Shifts, out.Partial = plan.shifts(failed == 0), parts.all
	return out, nil
}

func (w window) name() string {
	from := "the schedule"
	if w.skip > 0 {
		from += " from day " + itoa(w.skip)
	}
	return from + ", step " + itoa(w.step+1)
}

// plan collects windows of a schedule and makes shifts of them.
type plan struct {
	from, to time.Time
	user     string // "" keeps everybody
	lanes    []*lane
}

// lane is one step of one policy: what may have a gap.
type lane struct {
	team      Team
	policy    Policy
	step      int
	planned   []Shift // by the plan, Covers is empty
	overrides []standIn
	always    bool // somebody or something is there all the time
	person    bool // a person should be there
}

// standIn is an override.
type standIn struct {
	away, cover string
	start, end  time.Time
}

func newPlan(from, to time.Time, user string) *plan { return &plan{from: from, to: to, user: user} }

func (p *plan) lane(team Team, policy Policy, step int) *lane {
	for _, l := range p.lanes {
		if l.team.Slug == team.Slug && l.policy.Slug == policy.Slug && l.step == step {
			return l
		}
	}
	l := &lane{team: team, policy: policy, step: step}
	p.lanes = append(p.lanes, l)
	return l
}

func (p *plan) add(t victorops.TeamSchedule, step int) {
	team := Team{Name: string(t.Team.Name), Slug: t.Team.Slug}
	for _, s := range t.Schedules {
		l := p.lane(team, Policy{Name: string(s.Policy.Name), Slug: s.Policy.Slug, Team: team.Name}, step+1)
		for _, o := range s.Overrides {
			l.override(standIn{o.Original.Username, o.Override.Username, o.Start.UTC(), o.End.UTC()})
		}
		for _, e := range s.Schedule {
			l.entry(e, p.from)
		}
	}
}

// entry adds one line of a plan.
func (l *lane) entry(e victorops.ScheduleEntry, now time.Time) {
	if !isPerson(e.Type) && e.Type != "" {
		l.always = true // a mailbox or another policy is no gap
		return
	}
	l.person = true
	base := Shift{Team: l.team, Policy: l.policy, Step: l.step, Rotation: string(e.Rotation), Shift: string(e.Shift)}
	if len(e.Rolls) == 0 && e.OnCall.Username != "" && e.Rotation == "" {
		// A person written into the policy has no rolls (note 5).
		l.always = true
		base.User = e.OnCall.Username
		l.merge(base)
		return
	}
	for _, r := range e.Rolls {
		s := base
		s.User, s.Start, s.End = r.OnCall.Username, r.Start.UTC(), r.End.UTC()
		if s.Start.IsZero() || !s.End.After(s.Start) {
			continue // a turn without times cannot be placed
		}
		l.merge(s)
		// A take may show on the running turn only, and not among the overrides.
		cover := e.Override.Username
		running := !s.Start.After(now) && s.End.After(now)
		if running && cover != "" && cover != s.User && !l.overridden(s.User, now) {
			l.override(standIn{s.User, cover, s.Start, s.End})
		}
	}
}

// merge adds a turn. The same turn comes again in the next window, whole or cut
// at the window's edge: then the two are one.
func (l *lane) merge(s Shift) {
	for n, o := range l.planned {
		same := o.User == s.User && o.Rotation == s.Rotation && o.Shift == s.Shift
		if !same || o.Always() != s.Always() {
			continue
		}
		if s.Always() {
			return
		}
		if s.Start.Before(o.End) && o.Start.Before(s.End) {
			l.planned[n].Start, l.planned[n].End = earliest(o.Start, s.Start), latest(o.End, s.End)
			return
		}
	}
	l.planned = append(l.planned, s)
}

// overridden reports whether a listed override of a person holds at a time.
func (l *lane) overridden(user string, at time.Time) bool {
	return slices.ContainsFunc(l.overrides, func(o standIn) bool {
		return strings.EqualFold(o.away, user) && !o.start.After(at) && o.end.After(at)
	})
}

// override keeps a stand-in once.
func (l *lane) override(o standIn) {
	if o.cover == "" || o.start.IsZero() || !o.end.After(o.start) {
		return // nobody took it: the person away stays on duty (note 5)
	}
	if !slices.Contains(l.overrides, o) {
		l.overrides = append(l.overrides, o)
	}
}

// shifts are the plan with overrides applied, and with gaps when all of it was
// read: a missing part is no gap.
func (p *plan) shifts(whole bool) []Shift {
	out := []Shift{}
	for _, l := range p.lanes {
		all, apart := l.covered()
		if p.user != "" {
			all = append(all, newShifts(out, apart)...)
		}
		if whole && p.user == "" {
			all = append(all, l.gaps(p.from, p.to)...)
		}
		for _, s := range all {
			inside := s.Always() || (s.End.After(p.from) && s.Start.Before(p.to))
			if inside && (p.user == "" || strings.EqualFold(s.User, p.user)) {
				out = append(out, s)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Shift) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.Team.Name, b.Team.Name),
			strings.Compare(a.Policy.Name, b.Policy.Name), cmp.Compare(a.Step, b.Step), strings.Compare(a.User, b.User))
	})
	return out
}

// newShifts are those of apart that out does not hold: the overrides of a policy
// are listed with each of its steps.
func newShifts(out, apart []Shift) []Shift {
	return slices.DeleteFunc(apart, func(s Shift) bool { return slices.Contains(out, s) })
}

// covered applies the overrides to the planned turns. Overrides of turns that are
// not in the plan come apart, as shifts of an unknown step (0): a person's own
// schedule leaves out the turns of others that the person takes over.
func (l *lane) covered() (out, apart []Shift) {
	used := make([]bool, len(l.overrides))
	for _, s := range l.planned {
		if s.Always() {
			out = append(out, l.alwaysCovered(s, used)...)
			continue
		}
		rest := []Shift{s}
		for n, o := range l.byLatest() {
			if !strings.EqualFold(o.away, s.User) {
				continue
			}
			var next []Shift
			for _, r := range rest {
				if r.Covers != "" || !o.start.Before(r.End) || !r.Start.Before(o.end) {
					next = append(next, r)
					continue
				}
				used[n] = true
				next = append(next, split(r, o)...)
			}
			rest = next
		}
		out = append(out, rest...)
	}
	for n, o := range l.byLatest() {
		if !used[n] {
			apart = append(apart, Shift{Team: l.team, Policy: l.policy, User: o.cover, Covers: o.away, Start: o.start, End: o.end})
		}
	}
	return out, apart
}

// alwaysCovered is a person who is always on call, and the stretches that others
// cover: these are shifts beside it, as it has no ends to cut.
func (l *lane) alwaysCovered(s Shift, used []bool) []Shift {
	out := []Shift{s}
	for n, o := range l.byLatest() {
		if strings.EqualFold(o.away, s.User) {
			used[n] = true
			c := s
			c.User, c.Covers, c.Start, c.End = o.cover, s.User, o.start, o.end
			out = append(out, c)
		}
	}
	return out
}

// byLatest orders overrides so that the one made for the shortest time comes
// first: a take within a planned absence is the later word.
func (l *lane) byLatest() []standIn {
	out := slices.Clone(l.overrides)
	slices.SortStableFunc(out, func(a, b standIn) int { return cmp.Compare(a.end.Sub(a.start), b.end.Sub(b.start)) })
	return out
}

// split cuts a turn at an override: before, covered, after.
func split(s Shift, o standIn) []Shift {
	out := []Shift{}
	from, to := latest(s.Start, o.start), earliest(s.End, o.end)
	if s.Start.Before(from) {
		b := s
		b.End = from
		out = append(out, b)
	}
	c := s
	c.User, c.Covers, c.Start, c.End = o.cover, s.User, from, to
	out = append(out, c)
	if to.Before(s.End) {
		a := s
		a.Start = to
		out = append(out, a)
	}
	return out
}

// gaps are the stretches between from and to in which nobody is on call.
func (l *lane) gaps(from, to time.Time) []Shift {
	if l.always || !l.person {
		return nil
	}
	turns := slices.Clone(l.planned)
	slices.SortFunc(turns, func(a, b Shift) int { return a.Start.Compare(b.Start) })
	out := []Shift{}
	gap := Shift{Team: l.team, Policy: l.policy, Step: l.step}
	at := from
	for _, s := range turns {
		if s.User == "" {
			continue // listed as it is: nobody
		}
		if s.Start.After(at) && at.Before(to) {
			gap.Start, gap.End = at, earliest(s.Start, to)
			out = append(out, gap)
		}
		at = latest(at, s.End)
	}
	if at.Before(to) {
		gap.Start, gap.End = at, to
		out = append(out, gap)
	}
	return slices.DeleteFunc(out, func(g Shift) bool { return l.named(g) })
}

// named reports whether the plan itself lists a turn of nobody for this gap.
func (l *lane) named(g Shift) bool {
	return slices.ContainsFunc(l.planned, func(s Shift) bool {
		return s.User == "" && !s.Start.After(g.Start) && !s.End.Before(g.End)
	})
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
