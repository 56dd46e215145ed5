package pager_test

import (
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Whatever an incident, its alert and its notes hold, the view of it is made, can
// be written as JSON, and offers no link that is not http or https.
func FuzzGet(f *testing.F) {
	f.Add([]byte(wireIncident), []byte(`{"raw":"{\"vo_annotate.u.x\":\"javascript:1\"}"}`), []byte(`[{"name":"n","json_value":{"text":1}}]`))
	f.Add([]byte(`{"transitions":[{"at":"9999-12-31T23:59:59-23:59"}],"startTime":1}`), []byte(`{"timestamp":1e300,"raw":"[]"}`), []byte(`{"json_value":[]}`))
	f.Add([]byte(`{"firstAlertUuid":"a","currentPhase":"UNACKED"}`), []byte(`{"raw":"{\"vo_annotate.\":{},\"vo_annotate.u\":\"http://x\"}"}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, inc, alert, notes []byte) {
		var v victorops.Incident
		if json.Unmarshal(inc, &v) != nil {
			return
		}
		v.FirstAlertID, v.LastAlertID, v.PagedPolicies, v.PagedTeams = "a1", "", nil, nil
		c := fixed{incident: v}
		_ = json.Unmarshal(alert, &c.alert)
		_ = json.Unmarshal(notes, &c.notes)
		p := &pager.Pager{Client: c, Org: org, Now: func() time.Time { return start }}
		d, err := p.Get(t.Context(), "7")
		require.NoError(t, err)
		for _, l := range d.Links {
			require.True(t, pager.Web(l.URL), l.URL)
		}
		_, err = json.Marshal(d)
		require.NoError(t, err)
	})
}

// Whatever a schedule holds, shifts have an end after their beginning, and the
// calendar of them can be written.
func FuzzSchedule(f *testing.F) {
	f.Add([]byte(planOf(rolls("2026-03-02T08:00:00Z", "2026-03-05T08:00:00Z", "anna"), `{"origOnCallUser":{"username":"anna"},"overrideOnCallUser":{"username":"b"},"start":"2026-03-03T08:00:00Z","end":"2026-03-04T08:00:00Z"}`)))
	f.Add([]byte(planOf(rolls("2026-03-05T08:00:00Z", "2026-03-02T08:00:00Z", "anna", "2026-03-01T08:00:00Z", "2026-03-09T08:00:00Z", ""), "")))
	f.Add([]byte(`{"schedules":[{"schedule":[{"onCallType":"user","onCallUser":{"username":"x\r\nEND:VCALENDAR"},"rolls":null}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var plan victorops.TeamSchedule
		if json.Unmarshal(b, &plan) != nil {
			return
		}
		p := &pager.Pager{Client: fixed{plan: plan}, Now: func() time.Time { return start }}
		s, err := p.UserSchedule(t.Context(), "anna", pager.ScheduleQuery{Days: 40})
		require.NoError(t, err)
		team, err := p.TeamSchedule(t.Context(), "one", pager.ScheduleQuery{Days: 40})
		require.NoError(t, err)
		for _, x := range append(s.Shifts, team.Shifts...) {
			require.True(t, x.Always() || x.End.After(x.Start), "%+v", x)
		}
		_, err = json.Marshal(team.Shifts)
		require.NoError(t, err)
		_, err = pager.Calendar{Name: "x", Shifts: team.Shifts}.Export(io.Discard)
		require.NoError(t, err)
	})
}

// Text of others cannot end an event or begin one.
func TestCalendarOfHostileText(t *testing.T) {
	t.Parallel()
	s := step1(t, 10, get(pathPlan+"?daysForward=10", planOf(rolls("2026-03-02T08:00:00Z", "2026-03-05T08:00:00Z", `an\r\nEND:VEVENT\r\nBEGIN:VEVENT`), "")))
	text, n := export(t, s)
	require.Equal(t, 1, n)
	require.NotContains(t, text, "\r\nBEGIN:VEVENT\r\n (")
	count := 0
	for _, l := range splitLines(text) {
		if l == "BEGIN:VEVENT" {
			count++
		}
	}
	require.Equal(t, 1, count)
}
