package simulator

import (
	"slices"
	"sync"
	"time"
	_ "time/tzdata" // the rota has a zone also on a machine that knows none
)

// zone is the location of Zone, read once: times are converted thousands of times.
var zone = sync.OnceValue(func() *time.Location {
	loc, err := time.LoadLocation(Zone)
	if err != nil {
		return time.UTC // cannot happen: the data is linked in
	}
	return loc
})

// voShift is a period of one person.
type voShift struct {
	start, end time.Time
	user       string
}

// day returns the roll n days after the rotation's anchor: the same local time of
// day, whatever summer time does.
func (r *voRotation) day(n int) time.Time {
	a := r.Anchor.In(zone())
	return time.Date(a.Year(), a.Month(), a.Day()+n, a.Hour(), a.Minute(), 0, 0, zone())
}

// turn returns the n-th turn; n may be negative.
func (r *voRotation) turn(n int) voShift {
	user := ""
	if m := len(r.Members); m > 0 {
		user = r.Members[((n%m)+m)%m]
	}
	return voShift{r.day(n * r.Days), r.day((n + 1) * r.Days), user}
}

// turnAt returns the number of the turn that holds t.
func (r *voRotation) turnAt(t time.Time) int {
	n := int(t.Sub(r.Anchor).Hours()/24) / r.Days
	for r.turn(n).start.After(t) {
		n--
	}
	for !r.turn(n).end.After(t) {
		n++
	}
	return n
}

// shifts returns the periods that meet [from, to). A shift that does not cover
// the whole day has one period a day.
func (r *voRotation) shifts(from, to time.Time, ahead int) []voShift {
	out := []voShift{}
	if len(r.Members) == 0 {
		return out
	}
	for n := r.turnAt(from); r.turn(n).start.Before(to); n++ {
		turn := r.turn(n)
		turn.user = r.turn(n + ahead).user
		if r.Hours >= 24 {
			out = append(out, turn)
			continue
		}
		for d := range r.Days {
			start := r.day(n*r.Days + d)
			part := voShift{start, start.Add(time.Duration(r.Hours) * time.Hour), turn.user}
			if part.end.After(from) && part.start.Before(to) {
				out = append(out, part)
			}
		}
	}
	return out
}

// at returns who has the rotation at t, "" for nobody. ahead is 1 for the person
// whose turn is next.
func (r *voRotation) at(t time.Time, ahead int) string {
	for _, s := range r.shifts(t, t.Add(time.Nanosecond), ahead) {
		if !s.start.After(t) && s.end.After(t) {
			return s.user
		}
	}
	return ""
}

// scheduled returns whom an entry of a policy names at t before overrides, "" for
// nobody.
func (vo *victoropsState) scheduled(e voEntry, t time.Time) string {
	switch e.Type {
	case "user":
		return e.Target
	case "rotation_group", "rotation_group_next":
		if r, ok := vo.rotation(e.Target); ok {
			return r.at(t, e.ahead())
		}
	}
	return ""
}

func (e voEntry) ahead() int {
	if e.Type == "rotation_group_next" {
		return 1
	}
	return 0
}

// cover returns who stands in for user on a policy at t, "" for nobody: a take
// beats a planned override, a later one an earlier.
func (vo *victoropsState) cover(policy, user string, t time.Time) string {
	for i := len(vo.Takes) - 1; i >= 0; i-- {
		k := vo.Takes[i]
		if k.Policy == policy && k.From == user && !k.Start.After(t) && k.End.After(t) {
			return k.To
		}
	}
	for i := len(vo.Overrides) - 1; i >= 0; i-- {
		o := vo.Overrides[i]
		if to := o.Assigned[policy]; o.User == user && to != "" && !o.Start.After(t) && o.End.After(t) {
			return to
		}
	}
	return ""
}

// onCall returns whom a step of a policy pages at t.
func (vo *victoropsState) onCall(p *voPolicy, step int, t time.Time) []string {
	out := []string{}
	if step >= len(p.Steps) {
		return out
	}
	for _, e := range p.Steps[step].Entries {
		user := vo.scheduled(e, t)
		if user == "" {
			continue
		}
		if to := vo.cover(p.Slug, user, t); to != "" {
			user = to
		}
		out = addNew(out, user)
	}
	return out
}

// takeEnd is when a take from user on a policy ends: at the rotation's next roll,
// or after 30 days for a person who is named in the policy itself.
func (vo *victoropsState) takeEnd(p *voPolicy, user string, t time.Time) time.Time {
	for _, step := range p.Steps {
		for _, e := range step.Entries {
			r, ok := vo.rotation(e.Target)
			if ok && slices.Contains(r.Members, user) {
				return r.turn(r.turnAt(t)).end
			}
		}
	}
	return t.AddDate(0, 0, 30)
}
