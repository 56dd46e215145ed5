package victorops_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/victorops"
)

func TestOnCallNowInBothCasings(t *testing.T) {
	t.Parallel()
	want := []victorops.TeamOnCall{
		{Team: victorops.Ref{Name: "Storage", Slug: "team-1"}, Now: []victorops.PolicyOnCall{{
			Policy: victorops.Ref{Name: "Primary", Slug: "pol-1"},
			Users:  []victorops.OnCallUser{{User: victorops.Username{Username: "first.oncall"}}}}}},
		{Team: victorops.Ref{Name: "Nobody's", Slug: "team-2"}, Now: []victorops.PolicyOnCall{}},
	}
	for name, body := range map[string]string{
		"the wire": `{"teamsOnCall":[{"team":{"name":"Storage","slug":"team-1"},"oncallNow":[{"escalationPolicy":{"name":"Primary","slug":"pol-1"},
			"users":[{"onCalluser":{"username":"first.oncall"}}]}]},{"team":{"name":"Nobody&#39;s","slug":"team-2"},"oncallNow":[]}]}`,
		"the spec": `{"teamsOnCall":[{"team":{"name":"Storage","slug":"team-1"},"onCallNow":[{"escalationPolicy":{"name":"Primary","slug":"pol-1"},
			"users":[{"onCallUser":{"username":"first.oncall"}}]}]},{"team":{"name":"Nobody's","slug":"team-2"},"onCallNow":[]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/oncall/current", Reply: reply(200, body)})
			got, err := c.OnCallNow(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

const wireSchedule = `{"team":{"name":"Storage","slug":"team-1"},"schedules":[{"policy":{"name":"Primary","slug":"pol-1","_selfUrl":"/x"},
 "schedule":[{"onCallUser":{"username":"first.oncall"},"overrideOnCallUser":{"username":"second.oncall"},"onCallType":"rotation_group","rotationName":"Weekly","shiftName":"EU","shiftRoll":"2026-03-09T09:00:00+01:00",
  "rolls":[{"start":"2026-03-02T09:00:00+01:00","end":"2026-03-09T09:00:00+01:00","onCallUser":{"username":"first.oncall"},"isRoll":true},
           {"start":"2026-03-09T09:00:00+01:00","end":"2026-03-16T09:00:00+01:00","isRoll":true}]},
  {"onCallUser":{"username":"third"},"onCallType":"user","rolls":[]}],
 "overrides":[{"origOnCallUser":{"username":"first.oncall"},"overrideOnCallUser":{"username":"second.oncall"},"start":"2026-03-05T12:00:00Z","end":"2026-03-05T18:00:00Z"}]}]}`

func TestSchedules(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v2/team/team-1/oncall/schedule?daysForward=30&daysSkip=60&step=1", Reply: reply(200, wireSchedule)},
		httpxtest.Exchange{Path: "/api-public/v2/user/you@example.test/oncall/schedule", Reply: reply(200, `{"teamSchedules":[`+wireSchedule+`]}`)})
	team, err := c.TeamSchedule(t.Context(), "team-1", victorops.ScheduleQuery{DaysForward: 30, DaysSkip: 60, Step: 1})
	require.NoError(t, err)
	require.Len(t, team.Schedules, 1)
	s := team.Schedules[0]
	require.Len(t, s.Schedule, 2)
	assert.Equal(t, "second.oncall", s.Schedule[0].Override.Username)
	assert.Equal(t, victorops.TypeRotation, s.Schedule[0].Type)
	require.Len(t, s.Schedule[0].Rolls, 2)
	assert.True(t, s.Schedule[0].Rolls[0].Start.Equal(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)))
	assert.Empty(t, s.Schedule[0].Rolls[1].OnCall.Username, "a roll without a user is a gap")
	assert.Empty(t, s.Schedule[1].Rolls, "a user written into the policy has no rolls")
	assert.True(t, s.Schedule[1].ShiftRoll.IsZero())
	assert.Equal(t, "second.oncall", s.Overrides[0].Override.Username)

	mine, err := c.UserSchedule(t.Context(), "you@example.test", victorops.ScheduleQuery{})
	require.NoError(t, err)
	assert.Equal(t, []victorops.TeamSchedule{team}, mine)
}

func TestTake(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/policies/pol-1/oncall/user",
		Body: `{"fromUser":"first.oncall","toUser":"you"}`, Reply: reply(200, `{"result":"ok"}`)})
	res, err := c.TakeOnCall(t.Context(), "pol-1", "first.oncall", "you")
	require.NoError(t, err)
	assert.Equal(t, "ok", res)
}

// groupId is a number for one client and a string for another.
func TestRotations(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/teams/team-1/rotations", Reply: reply(200, `{"rotationGroups":[
			{"teamSlug":"team-1","slug":"rtg-1","label":"Weekly","groupId":17},{"teamSlug":"team-1","slug":"rtg-2","label":"Nights","groupId":"18"},{"teamSlug":"team-1","slug":"rtg-3","label":"x"}]}`)},
		httpxtest.Exchange{Path: "/api-public/v2/team/team-1/rotations", Reply: reply(200, `{"rotations":[{"groupId":17,"label":"Weekly","totalMembersInRotation":2,
			"shifts":[{"shiftId":1,"label":"EU","timezone":"Europe/Athens","start":1772590269000,"duration":7,"shifttype":"std","mask":{"day":{}},
			"shiftMembers":[{"slug":"s1","username":"you"}]}]}]}`)})
	groups, err := c.RotationGroups(t.Context(), "team-1")
	require.NoError(t, err)
	assert.Equal(t, []victorops.RotationGroup{{TeamSlug: "team-1", Slug: "rtg-1", Label: "Weekly", GroupID: "17"},
		{TeamSlug: "team-1", Slug: "rtg-2", Label: "Nights", GroupID: "18"}, {TeamSlug: "team-1", Slug: "rtg-3", Label: "x"}}, groups)
	rotations, err := c.Rotations(t.Context(), "team-1")
	require.NoError(t, err)
	require.Len(t, rotations, 1)
	require.Len(t, rotations[0].Shifts, 1)
	assert.Equal(t, "you", rotations[0].Shifts[0].Members[0].Username)
	assert.Equal(t, int64(1772590269), rotations[0].Shifts[0].Start.Unix())
}

const (
	wireOverride = `{"publicId":"ovrprd-1","user":{"username":"you","firstName":"Y","lastName":"U"},"timezone":"Europe/Athens",
		"start":"2026-03-05T12:00:00Z","end":"2026-03-05T18:00:00Z","assignments":[{"_selfUrl":"/x","team":"team-1","policy":"pol-1","assigned":false}]}`
	wireAssignment = `{"_selfUrl":"/x","team":"team-1","policy":"pol-1","assigned":true,"user":"secondary"}`
)

func TestOverrideIsCreatedInTwoShapes(t *testing.T) {
	t.Parallel()
	want := victorops.Override{ID: "ovrprd-1", User: victorops.Person{Username: "you", FirstName: "Y", LastName: "U"}, Timezone: "Europe/Athens",
		Start:       victorops.Time{Time: time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)},
		End:         victorops.Time{Time: time.Date(2026, 3, 5, 18, 0, 0, 0, time.UTC)},
		Assignments: []victorops.Assignment{{Team: "team-1", Policy: "pol-1"}}}
	for name, body := range map[string]string{
		"the spec": `{"schedule":` + wireOverride + `,"_selfUrl":"/x"}`,
		"newer":    `{"override":` + wireOverride + `}`,
		"bare":     wireOverride,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := talk(t, httpxtest.Exchange{Method: "POST", Path: "/api-public/v1/overrides",
				Body:  `{"username":"you","timezone":"Europe/Athens","start":"2026-03-05T12:00:00Z","end":"2026-03-05T18:00:00Z"}`,
				Reply: reply(200, body)})
			zone := time.FixedZone("EET", 2*3600)
			got, err := c.CreateOverride(t.Context(), victorops.NewOverride{Username: "you", Timezone: "Europe/Athens",
				Start: time.Date(2026, 3, 5, 14, 0, 0, 0, zone), End: time.Date(2026, 3, 5, 20, 0, 0, 0, zone)})
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	t.Run("neither", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Method: "POST", Path: "/api-public/v1/overrides", Reply: reply(200, `{}`)})
		_, err := c.CreateOverride(t.Context(), victorops.NewOverride{Username: "you"})
		assert.ErrorContains(t, err, "the answer names no override")
	})
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	base := "/api-public/v1/overrides/ovrprd-1"
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/overrides", Reply: reply(200, `{"overrides":[`+wireOverride+`],"_selfUrl":"/x"}`)},
		httpxtest.Exchange{Path: base, Reply: reply(200, `{"override":`+wireOverride+`}`)},
		httpxtest.Exchange{Path: base + "/assignments", Reply: reply(200, `[`+wireAssignment+`]`)},
		httpxtest.Exchange{Path: base + "/assignments", Reply: reply(200, `{"assignments":[`+wireAssignment+`]}`)},
		httpxtest.Exchange{Path: base + "/assignments", Reply: reply(200, `7`)},
		httpxtest.Exchange{Path: base + "/assignments/pol-1", Reply: reply(200, wireAssignment)},
		httpxtest.Exchange{Method: "PUT", Path: base + "/assignments/pol-1", Body: `{"policy":"pol-1","username":"secondary"}`, Reply: reply(200, wireAssignment)},
		httpxtest.Exchange{Method: "PUT", Path: base + "/assignments/pol-1", Body: `{"policy":"pol-1","username":"secondary","acceptOverlap":true}`, Reply: reply(200, wireAssignment)},
		httpxtest.Exchange{Method: "DELETE", Path: base + "/assignments/pol-1", Reply: reply(200, wireAssignment)},
		httpxtest.Exchange{Method: "DELETE", Path: base, Reply: httpxtest.Status(200)})
	want := victorops.Assignment{Team: "team-1", Policy: "pol-1", Assigned: true, User: "secondary"}
	all, err := c.Overrides(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	one, err := c.Override(t.Context(), "ovrprd-1")
	require.NoError(t, err)
	assert.Equal(t, all[0], one)
	for range 2 {
		as, err := c.Assignments(t.Context(), "ovrprd-1")
		require.NoError(t, err)
		assert.Equal(t, []victorops.Assignment{want}, as)
	}
	_, err = c.Assignments(t.Context(), "ovrprd-1")
	require.ErrorContains(t, err, "not a list of assignments")
	a, err := c.Assignment(t.Context(), "ovrprd-1", "pol-1")
	require.NoError(t, err)
	assert.Equal(t, want, a)
	for _, overlap := range []bool{false, true} {
		a, err = c.Assign(t.Context(), "ovrprd-1", "pol-1", "secondary", overlap)
		require.NoError(t, err)
		assert.Equal(t, want, a)
	}
	_, err = c.Unassign(t.Context(), "ovrprd-1", "pol-1")
	require.NoError(t, err)
	require.NoError(t, c.DeleteOverride(t.Context(), "ovrprd-1"))
}
