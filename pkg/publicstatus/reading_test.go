package publicstatus_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

func TestWhereAPostmortemStands(t *testing.T) {
	t.Parallel()
	at := statuspage.Time{Time: now}
	for _, c := range []struct {
		pm   statuspage.Postmortem
		want string
	}{
		{statuspage.Postmortem{}, "none"},
		{statuspage.Postmortem{BodyDraft: "d"}, "draft"},
		{statuspage.Postmortem{Body: "b", PublishedAt: at}, "published"},
		{statuspage.Postmortem{Body: "b", BodyDraft: "b", PublishedAt: at}, "published"},
		{statuspage.Postmortem{Body: "b", BodyDraft: "d", PublishedAt: at}, "published with a newer draft"},
	} {
		p := world()
		p.drafts = map[string]*statuspage.Postmortem{"i0": &c.pm}
		got, err := board(p).Postmortem(t.Context(), "Old", "")
		require.NoError(t, err)
		assert.Equal(t, c.want, got.State)
	}
}

// Since is when maintenance came to the state it is in, for the last time.
func TestSinceWhenMaintenanceIsAsItIs(t *testing.T) {
	t.Parallel()
	update := func(state statuspage.IncidentStatus, ago time.Duration) statuspage.Update {
		return statuspage.Update{ID: ago.String(), Status: state, DisplayAt: statuspage.Time{Time: now.Add(-ago)}}
	}
	m := work("m1", statuspage.InProgress, now)
	m.Updates = []statuspage.Update{update(statuspage.InProgress, 1*time.Hour), update(statuspage.InProgress, 2*time.Hour), update(statuspage.Verifying, 3*time.Hour),
		update(statuspage.InProgress, 4*time.Hour), update(statuspage.Scheduled, 5*time.Hour)}
	assert.Equal(t, now.Add(-2*time.Hour), publicstatus.FromMaintenance(m).Since)
	m.Updates = m.Updates[2:]
	assert.Zero(t, publicstatus.FromMaintenance(m).Since, "no update says so")
}

func TestWhatIsSaidOfMaintenance(t *testing.T) {
	t.Parallel()
	announced := func(ago time.Duration, m statuspage.Incident) statuspage.Incident {
		m.CreatedAt = statuspage.Time{Time: now.Add(-ago)}
		return m
	}
	for name, c := range map[string]struct {
		m    statuspage.Incident
		want []string // message, fix, or
	}{
		"past its end":  {work("m1", statuspage.Verifying, now.Add(-3*time.Hour)), []string{"verifying 2h past its end", "complete m1", ""}},
		"never started": {work("m1", statuspage.Scheduled, now.Add(-3*time.Hour)), []string{"scheduled 2h past its end", "cancel m1", "complete m1"}},
		"short notice":  {announced(0, work("m1", statuspage.Scheduled, now.Add(6*24*time.Hour))), []string{"announced 6d ahead, not 7d; no reason on record", "keep m1", "cancel m1"}},
		"has begun":     {announced(10*time.Minute, work("m1", statuspage.InProgress, now)), []string{"announced 10m ahead, not 7d; no reason on record", "keep m1", ""}},
		"afterwards":    {announced(0, work("m1", statuspage.InProgress, now)), []string{"announced after its start; no reason on record", "keep m1", ""}},
		"the slack":     {announced(0, work("m1", statuspage.Scheduled, now.Add(publicstatus.Notice-15*time.Minute))), nil},
		"after the slack": {announced(0, work("m1", statuspage.Scheduled, now.Add(publicstatus.Notice-16*time.Minute))),
			[]string{"announced 6d 23h ahead, not 7d; no reason on record", "keep m1", "cancel m1"}},
		"at its end": {work("m1", statuspage.InProgress, now.Add(-time.Hour)), nil},
	} {
		found, _, err := board(&page{incidents: []statuspage.Incident{c.m}}).Check(t.Context(), 0, nil)
		require.NoError(t, err, name)
		if c.want == nil {
			assert.Empty(t, found, name)
			continue
		}
		require.Len(t, found, 1, name)
		const verb = "oncall status maintenance "
		or := c.want[2]
		if or != "" {
			or = verb + or
		}
		assert.Equal(t, []string{c.want[0], verb + c.want[1], or}, []string{found[0].Message, found[0].Fix, found[0].Or}, name)
	}
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	start := now.Add(8 * 24 * time.Hour)
	api, docs := comp("c1", "API", statuspage.Operational), comp("c2", "API docs", statuspage.Operational)
	at := func(d time.Duration, parts ...statuspage.Component) statuspage.Incident {
		return work("m1", statuspage.Scheduled, start.Add(d), parts...)
	}
	open := at(-time.Hour, api)
	open.ScheduledUntil = statuspage.Time{}
	for name, c := range map[string]struct {
		other statuspage.Incident
		want  bool
	}{
		"the same time":          {at(0, api), true},
		"of others too":          {at(0, docs, api), true},
		"of others alone":        {at(0, docs), false},
		"it ends into it":        {at(-30*time.Minute, api), true},
		"it ends when it starts": {at(-time.Hour, api), false},
		"it starts at its end":   {at(2*time.Hour, api), false},
		"it starts in it":        {at(2*time.Hour-time.Minute, api), true},
		"it has no end":          {open, true},
	} {
		p := world()
		p.incidents = []statuspage.Incident{c.other}
		plan, err := board(p).PlanMaintenance(t.Context(), publicstatus.MaintenanceDraft{Title: "T", Body: "b", Start: start, End: start.Add(2 * time.Hour), Components: []string{"c1"}})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, len(plan.Overlaps) == 1, name)
	}
}

func TestWhatIsSaidOfAnIncident(t *testing.T) {
	t.Parallel()
	api, docs := comp("c1", "API", statuspage.Operational), comp("c2", "API docs", statuspage.Operational)
	say := func(snooze string, parts ...statuspage.Component) []string {
		in := statuspage.Incident{ID: "i1", Name: "T", Status: statuspage.Monitoring, CreatedAt: statuspage.Time{Time: now.Add(-2 * time.Hour)}, Components: parts}
		if snooze != "" {
			in.Metadata = statuspage.Metadata{"oncall": json.RawMessage(`{"snooze":{"until":"` + snooze + `","reason":"r"}}`)}
		}
		found, _, err := board(&page{incidents: []statuspage.Incident{in}}).Check(t.Context(), 0, nil)
		require.NoError(t, err)
		out := []string{}
		for _, f := range found {
			out = append(out, f.Message)
		}
		return out
	}
	over, lasts := now.Add(-time.Minute).Format(time.RFC3339), now.Add(time.Minute).Format(time.RFC3339)
	assert.Equal(t, []string{"no update for 2h"}, say(""))
	assert.Equal(t, []string{"no update for 2h, and its snooze has ended"}, say(over))
	assert.Empty(t, say(lasts))
	assert.Equal(t, []string{"monitoring, though API works"}, say(lasts, api))
	assert.Equal(t, []string{"monitoring, though API and API docs all work"}, say(lasts, api, docs))
	docs.Status = statuspage.DegradedPerformance
	assert.Empty(t, say(lasts, api, docs))
}
