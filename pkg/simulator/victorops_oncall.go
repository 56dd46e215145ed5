package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// voOnCallNow writes oncallNow and onCalluser, as the wire does, not as the
// document says (note 5). A team that nobody covers has an empty list.
func voOnCallNow(c *voCall) (any, error) {
	teams := []obj{}
	for _, t := range c.vo.Teams {
		now := []obj{}
		for _, p := range c.vo.Policies {
			if p.Team != t.Slug {
				continue
			}
			users := []obj{}
			for _, u := range c.vo.onCall(p, 0, c.s.Now) {
				users = append(users, obj{"onCalluser": obj{"username": u}})
			}
			now = append(now, obj{"escalationPolicy": obj{"name": p.Name, "slug": p.Slug}, "users": users})
		}
		teams = append(teams, obj{"team": obj{"name": t.Name, "slug": t.Slug}, "oncallNow": now})
	}
	return obj{"teamsOnCall": teams}, nil
}

// voWindow is what a schedule call asks for.
type voWindow struct {
	from, to time.Time
	step     int
}

func (c *voCall) window() (voWindow, error) {
	q := c.r.URL.Query()
	num := func(name string, def, limit int) (int, error) {
		v := q.Get(name)
		if v == "" {
			return def, nil
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > limit {
			return 0, voFail(http.StatusBadRequest, "%s: a number from 0 to %d is required", name, limit)
		}
		return n, nil
	}
	forward, err := num("daysForward", 14, 30)
	if err != nil {
		return voWindow{}, err
	}
	skip, err := num("daysSkip", 0, 90)
	if err != nil {
		return voWindow{}, err
	}
	step, err := num("step", 0, 3)
	if err != nil {
		return voWindow{}, err
	}
	from := c.s.Now.In(zone()).AddDate(0, 0, skip)
	return voWindow{from, from.AddDate(0, 0, forward), step}, nil
}

func voTeamSchedule(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	win, err := c.window()
	if err != nil {
		return nil, err
	}
	return c.teamSchedule(t, win, ""), nil
}

// voUserSchedule holds the user's teams, and of these only what names the user.
func voUserSchedule(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	win, err := c.window()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, t := range c.vo.teamsOf(u.Username) {
		out = append(out, c.teamSchedule(t, win, u.Username))
	}
	return obj{"teamSchedules": out}, nil
}

func (c *voCall) teamSchedule(t *voTeam, win voWindow, user string) obj {
	schedules := []obj{}
	for _, p := range c.vo.Policies {
		if p.Team == t.Slug {
			schedules = append(schedules, obj{
				"policy": p.summary(), "schedule": c.entries(p, win, user), "overrides": c.standIns(p, win, user),
			})
		}
	}
	return obj{"team": obj{"name": t.Name, "slug": t.Slug}, "schedules": schedules}
}

func userJSON(name string) obj { return obj{"username": name} }

// entries are those of one step. A person named in the policy has no rolls and
// no shiftRoll (note 5).
func (c *voCall) entries(p *voPolicy, win voWindow, user string) []obj {
	out := []obj{}
	if win.step >= len(p.Steps) {
		return out
	}
	for _, e := range p.Steps[win.step].Entries {
		entry := obj{"onCallType": e.Type, "rolls": []obj{}}
		now := c.vo.scheduled(e, c.s.Now)
		if now != "" {
			entry["onCallUser"] = userJSON(now)
			if to := c.vo.cover(p.Slug, now, c.s.Now); to != "" {
				entry["overrideOnCallUser"] = userJSON(to)
			}
		}
		r, ok := c.vo.rotation(e.Target)
		if !ok {
			if e.Type == "user" && (user == "" || user == e.Target) {
				out = append(out, entry)
			}
			continue
		}
		entry["rotationName"], entry["shiftName"] = r.Label, r.Shift
		entry["shiftRoll"] = voLocal(r.turn(r.turnAt(c.s.Now)).end)
		rolls := []obj{}
		for _, s := range r.shifts(win.from, win.to, e.ahead()) {
			if user == "" || s.user == user {
				rolls = append(rolls, obj{"start": voLocal(s.start), "end": voLocal(s.end), "onCallUser": userJSON(s.user), "isRoll": true})
			}
		}
		entry["rolls"] = rolls
		if user == "" || len(rolls) > 0 {
			out = append(out, entry)
		}
	}
	return out
}

// standIns are takes and planned overrides that meet the window.
func (c *voCall) standIns(p *voPolicy, win voWindow, user string) []obj {
	out := []obj{}
	add := func(from, to string, start, end time.Time) {
		if end.After(win.from) && start.Before(win.to) && (user == "" || user == from || user == to) {
			out = append(out, obj{
				"origOnCallUser": userJSON(from), "overrideOnCallUser": userJSON(to),
				"start": voTime(start), "end": voTime(end), "policy": p.summary(),
			})
		}
	}
	for _, k := range c.vo.Takes {
		if k.Policy == p.Slug {
			add(k.From, k.To, k.Start, k.End)
		}
	}
	for _, o := range c.vo.Overrides {
		if to := o.Assigned[p.Slug]; to != "" {
			add(o.User, to, o.Start, o.End)
		}
	}
	return out
}

func voTake(c *voCall) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	var in struct{ FromUser, ToUser string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	for _, u := range []string{in.FromUser, in.ToUser} {
		if err := c.member(u); err != nil {
			return nil, err
		}
	}
	now := c.s.Now
	on := []string{}
	for step := range p.Steps {
		on = addNew(on, c.vo.onCall(p, step, now)...)
	}
	if !slices.Contains(on, in.FromUser) {
		return nil, voFail(http.StatusBadRequest, "%s is not on call", in.FromUser)
	}
	// Taking over from a stand-in takes the turn of whom he stood in for; taking
	// one's own turn back ends the stand-in.
	from := in.FromUser
	kept := []voTakeOver{}
	for _, k := range c.vo.Takes {
		if k.Policy == p.Slug && k.To == in.FromUser && k.End.After(now) {
			from = k.From
			k.End = now
		}
		kept = append(kept, k)
	}
	c.vo.Takes = kept
	if from != in.ToUser {
		c.vo.Takes = append(c.vo.Takes, voTakeOver{p.Slug, from, in.ToUser, now, c.vo.takeEnd(p, from, now)})
	}
	return obj{"result": "ok"}, nil
}

func (vo *victoropsState) rotationsOf(team string) []*voRotation {
	out := []*voRotation{}
	for _, r := range vo.Rotations {
		if r.Team == team {
			out = append(out, r)
		}
	}
	return out
}

func voRotationGroups(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, r := range c.vo.rotationsOf(t.Slug) {
		out = append(out, obj{"teamSlug": t.Slug, "slug": r.Slug, "label": r.Label, "groupId": r.ID})
	}
	return obj{"rotationGroups": out}, nil
}

func voRotations(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, r := range c.vo.rotationsOf(t.Slug) {
		members := []obj{}
		for i, m := range r.Members {
			members = append(members, obj{"slug": tokenFor(16, alphabetAlnum, r.Slug, i), "username": m})
		}
		n := r.turnAt(c.s.Now)
		out = append(out, obj{"groupId": r.ID, "label": r.Label, "totalMembersInRotation": len(r.Members), "shifts": []obj{{
			"shiftId": r.ID*10 + 1, "label": r.Shift, "timezone": Zone, "start": voLocal(r.Anchor),
			"duration": r.Days, "shifttype": r.shiftType(), "shiftMembers": members,
			"current": obj{"start": voLocal(r.turn(n).start), "end": voLocal(r.turn(n).end), "username": r.turn(n).user},
			"next":    obj{"start": voLocal(r.turn(n + 1).start), "end": voLocal(r.turn(n + 1).end), "username": r.turn(n + 1).user},
		}}})
	}
	return obj{"rotations": out}, nil
}

func (r *voRotation) shiftType() string {
	if r.Hours < 24 {
		return "pho" // part of the day
	}
	return "std"
}

// voOnCallLog tells who was on duty, up to 15 minutes ago.
func voOnCallLog(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	q := c.r.URL.Query()
	now := c.s.Now
	start := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	end := start.Add(24*time.Hour - time.Second)
	for name, at := range map[string]*time.Time{"start": &start, "end": &end} {
		if v := q.Get(name); v != "" {
			if *at, err = time.Parse(time.RFC3339, v); err != nil {
				return nil, voFail(http.StatusBadRequest, "error.expected.jodadate.format: %s", name)
			}
		}
	}
	known := now.Add(-15 * time.Minute)
	if end.After(known) {
		end = known
	}
	logs := []obj{}
	for _, name := range t.Members {
		if u := q.Get("userName"); u == "" || u == name {
			logs = append(logs, c.userLog(t, name, start, end))
		}
	}
	return obj{"teamSlug": t.Slug, "start": voTime(start), "end": voTime(end), "userLogs": logs}, nil
}

func (c *voCall) userLog(t *voTeam, name string, start, end time.Time) obj {
	log := []obj{}
	var sum time.Duration
	span := func(d time.Duration) obj {
		return obj{"hours": int(d.Hours()), "minutes": int(d.Minutes()) % 60}
	}
	for _, p := range c.vo.Policies {
		if p.Team != t.Slug {
			continue
		}
		r, ok := c.vo.rotation(p.Steps[0].Entries[0].Target)
		if !ok || !end.After(start) {
			continue
		}
		for _, s := range r.shifts(start, end, 0) {
			if s.user != name {
				continue
			}
			on, off := later(s.start, start), earlier(s.end, end)
			sum += off.Sub(on)
			log = append(log, obj{"on": voTime(on), "off": voTime(off), "duration": span(off.Sub(on)), "escalationPolicy": p.summary()})
		}
	}
	return obj{"userId": name, "total": span(sum), "adjustedTotal": span(sum), "log": log}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
