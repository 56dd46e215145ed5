package statuspage_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/statuspage"
)

func TestTimesOfEveryForm(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 2, 9, 14, 5, 0, time.UTC)
	for text, at := range map[string]time.Time{
		`"2026-03-02T09:14:05Z"`: want, `"2026-03-02T09:14:05.309Z"`: want.Add(309 * time.Millisecond), `"2026-03-02T03:14:05-06:00"`: want,
		`"2026-03-02T11:14:05+0200"`: want, `"2026-03-02 09:14:05 UTC"`: want, `null`: {}, `""`: {}, `true`: {}, `false`: {},
	} {
		var got statuspage.Time
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.True(t, at.Equal(got.Time), "%s: %s", text, got)
	}
	for _, text := range []string{`"soon"`, `12`, `{}`, `"2026-13-02T09:14:05Z"`} {
		var got statuspage.Time
		require.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
	out, err := json.Marshal([]*statuspage.Time{statuspage.At(want.In(time.FixedZone("", 7200))), {}})
	require.NoError(t, err)
	assert.JSONEq(t, `["2026-03-02T09:14:05Z",null]`, string(out))
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{`"2026-03-02T09:14:05Z"`, `null`, `""`, `"x"`, `1`, `"2026-03-02T09:14:05.309-06:00"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var got, again statuspage.Time
		if json.Unmarshal(in, &got) != nil {
			return
		}
		out, err := json.Marshal(got)
		if err != nil {
			return // a year that RFC 3339 cannot write
		}
		require.NoError(t, json.Unmarshal(out, &again))
		assert.True(t, got.Equal(again.Time))
	})
}

func FuzzReplies(f *testing.F) {
	files, _ := filepath.Glob("testdata/replies/*.json")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(_ *testing.T, in []byte) {
		var (
			i statuspage.Incident
			c []statuspage.Component
			g []statuspage.Group
			s statuspage.Summary
			p statuspage.Postmortem
			x []statuspage.Template
		)
		for _, v := range []any{&i, &c, &g, &s, &p, &x} {
			_ = json.Unmarshal(in, v)
		}
		i.LastUpdate()
		i.OfMaintenance()
	})
}

func TestFieldsThatComeAndGo(t *testing.T) {
	t.Parallel()
	var i statuspage.Incident
	require.NoError(t, json.Unmarshal([]byte(`{"id":"a","metadata":null,"components":null,"incident_updates":null,"scheduled_for":null,"postmortem_published_at":true}`), &i))
	assert.True(t, i.PostmortemPublishedAt.IsZero())
	_, ok := i.LastUpdate()
	assert.False(t, ok)
	for _, odd := range []string{`""`, `[]`, `"x"`, `3`} {
		require.NoError(t, json.Unmarshal([]byte(`{"metadata":`+odd+`}`), &i), odd)
		assert.Empty(t, i.Metadata, odd)
	}
	var g statuspage.Group
	for text, want := range map[string][]string{`["a","b"]`: {"a", "b"}, `"a"`: {"a"}, `""`: nil, `null`: nil} {
		require.NoError(t, json.Unmarshal([]byte(`{"components":`+text+`,"position":"3"}`), &g), text)
		assert.Equal(t, want, []string(g.Components), text)
		assert.EqualValues(t, 3, g.Position)
	}
	var c statuspage.Component
	require.NoError(t, json.Unmarshal([]byte(`{"status":"on_fire","group":true,"group_id":null,"position":null}`), &c))
	assert.Equal(t, statuspage.ComponentStatus("on_fire"), c.Status, "an unknown word is kept")
	assert.True(t, c.IsGroup())
}

func TestTheNewestUpdateIsTheOneShownLast(t *testing.T) {
	t.Parallel()
	at := func(h int) statuspage.Time { return statuspage.Time{Time: time.Date(2026, 3, 2, h, 0, 0, 0, time.UTC)} }
	i := statuspage.Incident{Updates: []statuspage.Update{
		{ID: "created last, shown first", CreatedAt: at(9), DisplayAt: at(1)}, {ID: "newest", CreatedAt: at(8)}, {ID: "old", CreatedAt: at(2), DisplayAt: at(3)},
	}}
	last, ok := i.LastUpdate()
	require.True(t, ok)
	assert.Equal(t, "newest", last.ID)
}

func TestMaintenanceIsToldFromIncidents(t *testing.T) {
	t.Parallel()
	when := statuspage.Time{Time: time.Unix(1, 0)}
	for _, s := range statuspage.MaintenanceStatuses {
		assert.True(t, statuspage.Incident{Status: s}.OfMaintenance(), s)
	}
	for _, s := range statuspage.RealtimeStatuses {
		assert.False(t, statuspage.Incident{Status: s}.OfMaintenance(), s)
	}
	assert.True(t, statuspage.Incident{Status: statuspage.Resolved, ScheduledFor: when}.OfMaintenance())
	assert.False(t, statuspage.Incident{Status: statuspage.Monitoring, ScheduledFor: when}.OfMaintenance())
}

// Only what was set may be sent: an empty field is a write.
func TestWritesHoldWhatWasSetAndNoMore(t *testing.T) {
	t.Parallel()
	const id = "h8d2w6r0kfzp"
	for name, tc := range map[string]struct {
		in   statuspage.IncidentWrite
		want string
	}{
		"nothing":        {statuspage.IncidentWrite{}, `{"incident":{}}`},
		"a body":         {statuspage.IncidentWrite{Body: new("b")}, `{"incident":{"body":"b"}}`},
		"empty and no":   {statuspage.IncidentWrite{Body: new(""), DeliverNotifications: new(false)}, `{"incident":{"body":"","deliver_notifications":false}}`},
		"empty list":     {statuspage.IncidentWrite{ComponentIDs: []string{}}, `{"incident":{"component_ids":[]}}`},
		"a quote":        {statuspage.IncidentWrite{Body: new(`say "hi" <b>`)}, `{"incident":{"body":"say \"hi\" <b>"}}`},
		"components":     {statuspage.IncidentWrite{ComponentIDs: []string{"a"}, Components: map[string]statuspage.ComponentStatus{"a": statuspage.Operational}}, `{"incident":{"component_ids":["a"],"components":{"a":"operational"}}}`},
		"metadata alone": {statuspage.IncidentWrite{Metadata: statuspage.Metadata{"oncall": []byte(`{}`)}}, `{"incident":{"metadata":{"oncall":{}}}}`},
		"a time in UTC":  {statuspage.IncidentWrite{ScheduledFor: statuspage.At(time.Date(2026, 3, 20, 8, 0, 0, 0, time.FixedZone("", 7200)))}, `{"incident":{"scheduled_for":"2026-03-20T06:00:00Z"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Method: "PATCH", Path: root + "/incidents/" + id, Body: tc.want, Reply: httpxtest.JSON(200, `{"id":"`+id+`"}`)})
			_, err := clientOf(t, srv).UpdateIncident(t.Context(), id, tc.in)
			require.NoError(t, err)
		})
	}
	srv := httpxtest.New(t,
		httpxtest.Exchange{Method: "PATCH", Path: root + "/components/q4zk1m8tw2vd", Body: `{"component":{"status":"major_outage"}}`, Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: "PATCH", Path: root + "/incidents/" + id + "/incident_updates/c5n9j3b7xv1s", Body: `{"incident_update":{"body":"b"}}`, Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: "PUT", Path: root + "/incidents/" + id + "/postmortem", Body: `{"postmortem":{"body_draft":"d"}}`, Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: "PUT", Path: root + "/incidents/" + id + "/postmortem/publish", Body: `{"postmortem":{"notify_subscribers":false,"notify_twitter":false}}`, Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: "PUT", Path: root + "/incidents/" + id + "/postmortem/revert", Body: httpxtest.NoBody, Reply: httpxtest.JSON(200, `{}`)},
	)
	c := clientOf(t, srv)
	_, err := c.UpdateComponent(t.Context(), "q4zk1m8tw2vd", statuspage.ComponentWrite{Status: new(statuspage.MajorOutage)})
	require.NoError(t, err)
	_, err = c.EditUpdate(t.Context(), id, "c5n9j3b7xv1s", statuspage.UpdateWrite{Body: new("b")})
	require.NoError(t, err)
	_, err = c.DraftPostmortem(t.Context(), id, "d")
	require.NoError(t, err)
	_, err = c.PublishPostmortem(t.Context(), id, statuspage.PostmortemPublish{})
	require.NoError(t, err)
	_, err = c.RevertPostmortem(t.Context(), id)
	require.NoError(t, err)
}
