package pager_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
)

const pathPlan = "/api-public/v2/team/team-1/oncall/schedule"

var team = get(pathTeams, `[{"name":"One","slug":"team-1"}]`)

// planOf is a team's schedule with one policy.
func planOf(entries, overrides string) string {
	return `{"team":{"name":"One","slug":"team-1"},"schedules":[{"policy":{"name":"Primary","slug":"pol-1"},"schedule":[` + entries + `],"overrides":[` + overrides + `]}]}`
}

const roll = `{"start":"%s","end":"%s","onCallUser":{"username":"%s"},"isRoll":true}`

func rolls(parts ...string) string {
	out := []string{}
	for i := 0; i+2 < len(parts); i += 3 {
		s := strings.Replace(roll, "%s", parts[i], 1)
		s = strings.Replace(s, "%s", parts[i+1], 1)
		out = append(out, strings.Replace(s, "%s", parts[i+2], 1))
	}
	return `{"onCallType":"rotation_group","rotationName":"Weekly","shiftName":"EU","rolls":[` + strings.Join(out, ",") + `]}`
}

func line(s pager.Shift) string {
	who := s.User
	if s.Gap() {
		who = "-"
	}
	if s.Covers != "" {
		who += " for " + s.Covers
	}
	if s.Always() {
		return "always " + who
	}
	return s.Start.Format("01-02T15:04") + " " + s.End.Format("01-02T15:04") + " " + who
}

func lines(s pager.Schedule) []string {
	out := []string{}
	for _, x := range s.Shifts {
		out = append(out, line(x))
	}
	return out
}

func step1(t *testing.T, days int, exchanges ...httpxtest.Exchange) pager.Schedule {
	t.Helper()
	p, _ := scripted(t, append(exchanges, team)...)
	s, err := p.TeamSchedule(t.Context(), "one", pager.ScheduleQuery{Days: days, Step: 1})
	require.NoError(t, err)
	return s
}

func TestScheduleWithOverridesAndGaps(t *testing.T) {
	t.Parallel()
	s := step1(t, 10, get(pathPlan+"?daysForward=10", planOf(
		rolls("2026-03-02T09:00:00+01:00", "2026-03-05T09:00:00+01:00", "anna", "2026-03-06T09:00:00+01:00", "2026-03-13T09:00:00+01:00", "boris"),
		`{"origOnCallUser":{"username":"boris"},"overrideOnCallUser":{"username":"clara"},"start":"2026-03-07T12:00:00Z","end":"2026-03-07T18:00:00Z"},
		 {"origOnCallUser":{"username":"anna"},"start":"2026-03-04T00:00:00Z","end":"2026-03-04T08:00:00Z"}`)))
	assert.Equal(t, []string{
		"03-02T08:00 03-05T08:00 anna", // nobody took that one: the person away stays on duty
		"03-05T08:00 03-06T08:00 -",
		"03-06T08:00 03-07T12:00 boris",
		"03-07T12:00 03-07T18:00 clara for boris",
		"03-07T18:00 03-13T08:00 boris",
		"03-13T08:00 03-14T02:00 -",
	}, lines(s))
	assert.Equal(t, start, s.From)
	assert.Equal(t, start.AddDate(0, 0, 10), s.To)
}

func TestScheduleSeesATakeOnTheRunningTurn(t *testing.T) {
	t.Parallel()
	entry := strings.Replace(rolls("2026-03-02T08:00:00Z", "2026-03-05T08:00:00Z", "anna", "2026-03-05T08:00:00Z", "2026-03-12T08:00:00Z", "anna"),
		`{"onCallType"`, `{"onCallUser":{"username":"anna"},"overrideOnCallUser":{"username":"clara"},"onCallType"`, 1)
	s := step1(t, 5, get(pathPlan+"?daysForward=5", planOf(entry, "")))
	assert.Equal(t, []string{"03-02T08:00 03-05T08:00 clara for anna", "03-05T08:00 03-12T08:00 anna"}, lines(s))
	// When the take is listed, its own times count: it may end before the turn does.
	s = step1(t, 5, get(pathPlan+"?daysForward=5", planOf(entry,
		`{"origOnCallUser":{"username":"anna"},"overrideOnCallUser":{"username":"clara"},"start":"2026-03-04T01:00:00Z","end":"2026-03-04T12:00:00Z"}`)))
	assert.Equal(t, []string{"03-04T01:00 03-04T12:00 clara for anna", "03-04T12:00 03-05T08:00 anna", "03-05T08:00 03-12T08:00 anna"}, lines(s))
}

// Thirty days a request: longer plans step on, and a turn that two windows hold is one.
func TestScheduleBeyondOneRequest(t *testing.T) {
	t.Parallel()
	s := step1(t, 70,
		get(pathPlan+"?daysForward=30", planOf(rolls("2026-03-02T08:00:00Z", "2026-03-30T08:00:00Z", "anna", "2026-03-30T08:00:00Z", "2026-04-03T02:00:00Z", "boris"), "")),
		get(pathPlan+"?daysForward=30&daysSkip=30", planOf(rolls("2026-03-30T08:00:00Z", "2026-04-27T08:00:00Z", "boris", "2026-04-27T08:00:00Z", "2026-05-25T08:00:00Z", "anna"), "")),
		get(pathPlan+"?daysForward=10&daysSkip=60", planOf(rolls("2026-04-27T08:00:00Z", "2026-05-25T08:00:00Z", "anna"), "")))
	assert.Equal(t, []string{"03-02T08:00 03-30T08:00 anna", "03-30T08:00 04-27T08:00 boris", "04-27T08:00 05-25T08:00 anna"}, lines(s))

	p, srv := scripted(t, team)
	for _, q := range []pager.ScheduleQuery{{Days: 0}, {Days: 121}, {Days: 7, Step: 5}, {Days: 7, Step: -1}} {
		_, err := p.TeamSchedule(t.Context(), "one", q)
		require.ErrorIs(t, err, apierr.ErrUsage)
	}
	assert.Len(t, srv.Seen(), 1)
	assert.Equal(t, 120, pager.MaxDays)
}

// Weekly at nine in the morning, local time: in the week of the change to summer
// time a turn has 167 hours, and both ends are at nine on the wall.
func TestScheduleAcrossSummerTime(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	require.NoError(t, err)
	s := step1(t, 30, get(pathPlan+"?daysForward=30", planOf(rolls("2026-03-23T09:00:00+02:00", "2026-03-30T09:00:00+03:00", "anna"), "")))
	turn := s.Shifts[1]
	assert.Equal(t, 167*time.Hour, turn.End.Sub(turn.Start))
	for _, at := range []time.Time{turn.Start, turn.End} {
		assert.Equal(t, 9, at.In(athens).Hour())
	}
}

func TestScheduleOfPeopleWrittenIntoThePolicy(t *testing.T) {
	t.Parallel()
	s := step1(t, 5, get(pathPlan+"?daysForward=5", planOf(
		`{"onCallUser":{"username":"boss"},"onCallType":"user","rolls":[]},{"onCallType":"webhook","rolls":[]}`,
		`{"origOnCallUser":{"username":"boss"},"overrideOnCallUser":{"username":"clara"},"start":"2026-03-05T00:00:00Z","end":"2026-03-06T00:00:00Z"}`)))
	assert.Equal(t, []string{"always boss", "03-05T00:00 03-06T00:00 clara for boss"}, lines(s))
	s = step1(t, 5, get(pathPlan+"?daysForward=5", planOf(`{"onCallType":"email","rolls":[]}`, "")))
	assert.Empty(t, s.Shifts, "a mailbox is no person and no gap")
	s = step1(t, 5, get(pathPlan+"?daysForward=5", planOf(`{"onCallType":"rotation_group","rotationName":"Weekly","rolls":[]}`, "")))
	assert.Equal(t, []string{"03-04T02:00 03-09T02:00 -"}, lines(s), "a rotation without turns is a gap")
	s = step1(t, 5, get(pathPlan+"?daysForward=5", planOf(rolls("2026-03-02T08:00:00Z", "2026-03-20T08:00:00Z", "", "soon", "later", "x"), "")))
	assert.Equal(t, []string{"03-02T08:00 03-20T08:00 -"}, lines(s), "a turn of nobody, and one without times")
}

func TestScheduleWithAPartMissing(t *testing.T) {
	t.Parallel()
	s := step1(t, 40, get(pathPlan+"?daysForward=30", planOf(rolls("2026-03-02T08:00:00Z", "2026-03-12T08:00:00Z", "anna"), "")),
		httpxtest.Exchange{Path: pathPlan + "?daysForward=10&daysSkip=30", Reply: httpxtest.Status(500)})
	assert.Equal(t, []string{"03-02T08:00 03-12T08:00 anna"}, lines(s), "what was not read is no gap")
	require.Len(t, s.Partial, 1)
	assert.Equal(t, "the schedule from day 30, step 1", s.Partial[0].Source)

	p, _ := scripted(t, team, httpxtest.Exchange{Path: pathPlan + "?daysForward=5", Reply: httpxtest.Status(500)})
	_, err := p.TeamSchedule(t.Context(), "one", pager.ScheduleQuery{Days: 5, Step: 1})
	require.ErrorIs(t, err, apierr.ErrUnavailable)
}

func TestUserSchedule(t *testing.T) {
	t.Parallel()
	const path = "/api-public/v2/user/you/oncall/schedule"
	over := `{"origOnCallUser":{"username":"you"},"overrideOnCallUser":{"username":"clara"},"start":"2026-03-07T00:00:00Z","end":"2026-03-08T00:00:00Z"},
		{"origOnCallUser":{"username":"anna"},"overrideOnCallUser":{"username":"YOU"},"start":"2026-03-20T00:00:00Z","end":"2026-03-21T00:00:00Z"}`
	first := `{"teamSchedules":[` + planOf(rolls("2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z", "you"), over) + `]}`
	rest := `{"teamSchedules":[` + planOf("", over) + `]}`
	p, _ := scripted(t, get(path+"?daysForward=30", first), get(path+"?daysForward=30&step=1", rest), get(path+"?daysForward=30&step=2", rest), get(path+"?daysForward=30&step=3", rest))
	s, err := p.UserSchedule(t.Context(), "you", pager.ScheduleQuery{Days: 30})
	require.NoError(t, err)
	// Without what clara covers, with what is taken over from anna, and that once.
	assert.Equal(t, []string{"03-06T00:00 03-07T00:00 you", "03-08T00:00 03-10T00:00 you", "03-20T00:00 03-21T00:00 YOU for anna"}, lines(s))
	_, err = p.UserSchedule(t.Context(), "", pager.ScheduleQuery{Days: 1})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestScheduleOfTheDemoWorld(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	s, err := w.TeamSchedule(t.Context(), "operations", pager.ScheduleQuery{Days: 100})
	require.NoError(t, err)
	assert.Empty(t, s.Partial)
	for _, x := range s.Shifts {
		assert.False(t, x.Gap(), "%s", line(x))
	}
	mine, err := w.UserSchedule(t.Context(), "you", pager.ScheduleQuery{Days: 14})
	require.NoError(t, err)
	require.NotEmpty(t, mine.Shifts)
	for _, x := range mine.Shifts {
		assert.Equal(t, "you", x.User)
	}
	gaps, err := w.TeamSchedule(t.Context(), "support", pager.ScheduleQuery{Days: 3, Step: 1})
	require.NoError(t, err)
	assert.True(t, gaps.Shifts[0].Gap())
}

func export(t *testing.T, s pager.Schedule) (string, int) {
	t.Helper()
	var b bytes.Buffer
	n, err := pager.Calendar{Name: "On call: One; all, of it", Shifts: s.Shifts, Names: func(u string) string {
		return map[string]string{"anna": "Anna, B; C"}[u]
	}}.Export(&b)
	require.NoError(t, err)
	return b.String(), n
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	plan := planOf(rolls("2026-03-02T08:00:00Z", "2026-03-05T08:00:00Z", "anna", "2026-03-06T08:00:00Z", "2026-03-13T08:00:00Z", "boris")+
		`,{"onCallUser":{"username":"boss"},"onCallType":"user","rolls":[]}`,
		`{"origOnCallUser":{"username":"boris"},"overrideOnCallUser":{"username":"clara"},"start":"2026-03-07T12:00:00Z","end":"2026-03-07T18:00:00Z"}`)
	s := step1(t, 10, get(pathPlan+"?daysForward=10", plan))
	text, n := export(t, s)
	assert.Equal(t, 4, n, "neither gaps nor those always on call are events")

	// A parser of its own judgement reads it back.
	cal, err := ics.ParseCalendar(strings.NewReader(text))
	require.NoError(t, err)
	uids := map[string]string{}
	for _, e := range cal.Events() {
		from, err := e.GetStartAt()
		require.NoError(t, err)
		to, err := e.GetEndAt()
		require.NoError(t, err)
		assert.True(t, to.After(from))
		summary := e.GetProperty(ics.ComponentPropertySummary).Value
		uids[e.Id()] = from.UTC().Format("01-02T15:04 ") + summary
	}
	require.Len(t, uids, 4)
	assert.Contains(t, text, `SUMMARY:On call: Anna\, B\; C (One Primary)`)
	assert.Contains(t, text, `Stands in for: boris`)
	for _, l := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		assert.LessOrEqual(t, len(l), 75, l)
		assert.NotContains(t, l, "\n", "every line ends with CRLF")
	}

	// Later and longer: the same shifts keep identity and bytes, so that an import
	// changes nothing.
	again, _ := export(t, step1(t, 10, get(pathPlan+"?daysForward=10", plan)))
	assert.Equal(t, text, again)
	longer := step1(t, 35, get(pathPlan+"?daysForward=30", plan), get(pathPlan+"?daysForward=5&daysSkip=30", planOf("", "")))
	more, _ := export(t, longer)
	for uid := range uids {
		assert.Contains(t, more, "UID:"+uid)
	}
	// A rotation that serves two policies has one event a turn, whichever comes first.
	first, second := s.Shifts[1], s.Shifts[1]
	second.Policy = pager.Policy{Name: "Low", Slug: "pol-0", Team: "One"}
	both, n := export(t, pager.Schedule{Shifts: []pager.Shift{first, second, first}})
	assert.Equal(t, 1, n)
	assert.Contains(t, both, "(One Low\\, One Primary)")
	turned, _ := export(t, pager.Schedule{Shifts: []pager.Shift{second, first}})
	assert.Equal(t, both, turned)
	second.End = second.End.Add(-time.Hour) // an override of one of them
	_, n = export(t, pager.Schedule{Shifts: []pager.Shift{first, second}})
	assert.Equal(t, 2, n)

	// A shift that changed hands is the same event with another name in it: an import
	// replaces it, where a new one would stand beside the old.
	one, other := s.Shifts[1], s.Shifts[1]
	other.User = "someone"
	require.Len(t, uidsOf(t, one), 1)
	assert.Equal(t, uidsOf(t, one), uidsOf(t, other))
	assert.NotEqual(t, one.UID(), other.UID(), "as a name it has its person")
	// Two people in one place are two events.
	two := uidsOf(t, one, other)
	require.Len(t, two, 2)
	assert.NotEqual(t, two[0], two[1])
}

func uidsOf(t *testing.T, all ...pager.Shift) []string {
	t.Helper()
	text, _ := export(t, pager.Schedule{Shifts: all})
	cal, err := ics.ParseCalendar(strings.NewReader(text))
	require.NoError(t, err)
	out := []string{}
	for _, e := range cal.Events() {
		out = append(out, e.Id())
	}
	return out
}

// A name is text, whatever is in it: it begins no property and leaves no escape.
func TestCalendarOfHostileNames(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	bad := "E\x1b[2J\r\nATTENDEE:mailto:x\rURL:y\u202ez\u2028w\xff"
	s := pager.Shift{Team: pager.Team{Name: bad, Slug: "t"}, Policy: pager.Policy{Name: bad, Slug: "p", Team: bad}, Step: 1,
		Rotation: bad, Shift: bad, User: bad, Covers: bad, Start: at, End: at.Add(time.Hour)}
	var b strings.Builder
	_, err := pager.Calendar{Name: bad, Shifts: []pager.Shift{s}, Names: func(string) string { return bad }}.Export(&b)
	require.NoError(t, err)
	for _, line := range strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
		assert.Regexp(t, `^( |BEGIN:|END:|VERSION:|PRODID:|METHOD:|X-WR-CALNAME:|UID:|DTSTAMP:|DTSTART:|DTEND:|SUMMARY:|DESCRIPTION:|TRANSP:)`, line)
		assert.NotRegexp(t, "[\x00-\x1f\u202e\u2028]", line)
	}
	assert.True(t, utf8.ValidString(b.String()))
	assert.Contains(t, b.String(), "SUMMARY:On call: E [2J ATTENDEE:mailto:x URL:y z w (")
}
