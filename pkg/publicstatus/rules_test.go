package publicstatus_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// A flag beats the template, the template beats the usual words.
func TestWhatATemplateFillsIn(t *testing.T) {
	t.Parallel()
	p := world()
	p.templates = []statuspage.Template{
		{ID: "t1", Name: "internal", Title: "Public", Body: "Their words.", UpdateStatus: statuspage.Monitoring, ShouldSendNotifications: new(false)},
		{ID: "t2", Name: "upgrade", Title: "Upgrade", UpdateStatus: statuspage.Scheduled},
	}
	b := board(p)
	plan, err := b.PlanCreate(t.Context(), publicstatus.Draft{Template: "INT"})
	require.NoError(t, err)
	assert.Equal(t, publicstatus.Text{State: statuspage.Monitoring, Body: "Their words."}, plan.Text)
	assert.Equal(t, "Public", plan.Title)
	plan, err = b.PlanCreate(t.Context(), publicstatus.Draft{Template: "t1", Title: "Ours", Body: "Our words.", State: statuspage.Identified, Notify: new(true)})
	require.NoError(t, err)
	assert.Equal(t, publicstatus.Text{State: statuspage.Identified, Body: "Our words.", Notify: true}, plan.Text)
	assert.Equal(t, "Ours", plan.Title)
	plan, err = b.PlanCreate(t.Context(), publicstatus.Draft{Title: "Ours"})
	require.NoError(t, err)
	assert.Equal(t, publicstatus.Text{State: statuspage.Investigating, Body: "We are currently investigating this issue.", Notify: true}, plan.Text)
	for _, d := range []publicstatus.Draft{{Template: "upgrade"}, {Title: "T", State: statuspage.Resolved}, {}} {
		_, err = b.PlanCreate(t.Context(), d)
		require.ErrorIs(t, err, apierr.ErrUsage)
	}
}

// Everything that an update asked for has to be there, or it has not arrived.
func TestAnUpdateThatArrivedInPartIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]publicstatus.UpdateDraft{
		"title": {Ref: "i1", Title: "Another title"}, "impact": {Ref: "i1", Impact: statuspage.ImpactMajor}, "state": {Ref: "i1", State: statuspage.Monitoring}, "body": {Ref: "i1", Body: "three"},
	} {
		p := world()
		p.swallowed = 1
		b := board(p)
		plan, err := b.PlanUpdate(t.Context(), d)
		require.NoError(t, err, name)
		_, err = b.Update(t.Context(), plan)
		require.ErrorIs(t, err, apierr.ErrUnknownOutcome, name)
	}
}

func TestMaintenanceIsCheckedBeforeItIsPlanned(t *testing.T) {
	t.Parallel()
	good := publicstatus.MaintenanceDraft{Title: "T", Body: "b", Start: now.Add(8 * 24 * time.Hour), End: now.Add(8*24*time.Hour + time.Hour), Components: []string{"API"}}
	plan, err := board(world()).PlanMaintenance(t.Context(), good)
	require.NoError(t, err)
	assert.False(t, plan.Short())
	for name, change := range map[string]func(*publicstatus.MaintenanceDraft){
		"no title": func(d *publicstatus.MaintenanceDraft) { d.Title = " " }, "no body": func(d *publicstatus.MaintenanceDraft) { d.Body = "" },
		"long body": func(d *publicstatus.MaintenanceDraft) { d.Body = strings.Repeat("x", 25001) }, "end": func(d *publicstatus.MaintenanceDraft) { d.End = d.Start },
		"reason": func(d *publicstatus.MaintenanceDraft) { d.ShortNotice = "two\nlines" },
	} {
		d := good
		change(&d)
		_, err := board(world()).PlanMaintenance(t.Context(), d)
		require.ErrorIs(t, err, apierr.ErrUsage, name)
	}
	short := good
	short.Start = now.Add(time.Hour)
	_, err = board(world()).PlanMaintenance(t.Context(), short)
	require.ErrorIs(t, err, apierr.ErrGuard)
	short.ShortNotice = "it expires tonight"
	plan, err = board(world()).PlanMaintenance(t.Context(), short)
	require.NoError(t, err)
	assert.True(t, plan.Short())
}

// What is open is always listed; of what is over, what was so at the time or later.
func TestListSince(t *testing.T) {
	t.Parallel()
	ids := func(all bool, since time.Time) []string {
		rows, err := board(world()).Incidents(t.Context(), all, since)
		require.NoError(t, err)
		out := []string{}
		for _, r := range rows {
			out = append(out, r.ID)
		}
		return out
	}
	assert.Equal(t, []string{"i1"}, ids(false, time.Time{}))
	assert.Equal(t, []string{"i1", "i0"}, ids(true, time.Time{}))
	assert.Equal(t, []string{"i1"}, ids(true, now.Add(-18*time.Hour)), "it was over before")
	assert.Equal(t, []string{"i1", "i0"}, ids(false, now.Add(-19*time.Hour-time.Minute)))
	assert.Equal(t, []string{"i1"}, ids(false, now), "what is open stays")
}

// The walk through what is over goes on as long as a page holds something that was
// touched since.
func TestListSinceReadsOn(t *testing.T) {
	t.Parallel()
	p := &page{}
	for i := range 250 {
		closed := statuspage.Time{Time: now.Add(-time.Duration(i) * time.Hour)}
		p.incidents = append(p.incidents, statuspage.Incident{ID: fmt.Sprintf("x%d", i), Status: statuspage.Resolved, CreatedAt: closed, ResolvedAt: closed})
	}
	rows, err := board(p).Incidents(t.Context(), false, now.Add(-149*time.Hour-time.Minute))
	require.NoError(t, err)
	assert.Len(t, rows, 150)
}

func TestTheFixCanBePasted(t *testing.T) {
	t.Parallel()
	for name, word := range map[string]string{"API": "API=partial", "Cloudlink (VPN)": "'Cloudlink (VPN)=partial'", "It's $HOME": `'It'\''s $HOME=partial'`, "a;b": "'a;b=partial'"} {
		p := &page{components: []statuspage.Component{comp("c1", name, statuspage.PartialOutage)}}
		found, _, err := board(p).Check(t.Context(), 0, nil)
		require.NoError(t, err)
		assert.True(t, strings.HasSuffix(found[0].Fix, " --component "+word), found[0].Fix)
	}
	p := &page{components: []statuspage.Component{comp("c3", "Web", statuspage.MajorOutage), comp("c4", "web", statuspage.Operational)}}
	found, _, err := board(p).Check(t.Context(), 0, nil)
	require.NoError(t, err)
	assert.Equal(t, "oncall status incident create --title 'Web: major outage' --component c3=major", found[0].Fix, "a name that two have says nothing")
}

func TestASnoozeThatDiffersInOneThingIsAnother(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"later":   `{"snooze":{"until":"2026-03-04T10:00:00Z","reason":"r","by":"you"}}`,
		"why":     `{"snooze":{"until":"2026-03-04T09:00:00Z","reason":"another","by":"you"}}`,
		"by whom": `{"snooze":{"until":"2026-03-04T09:00:00Z","reason":"r","by":"secondary"}}`,
		"ended":   `{}`,
	} {
		p := world()
		p.incidents[0].Metadata = statuspage.Metadata{"oncall": json.RawMessage(`{"snooze":{"until":"2026-03-04T09:00:00Z","reason":"r","by":"you"}}`)}
		b := board(p)
		plan, err := b.PlanWake(t.Context(), "i1", "")
		require.NoError(t, err)
		p.incidents[0].Metadata = statuspage.Metadata{"oncall": json.RawMessage(text)}
		_, _, err = b.Snooze(t.Context(), plan)
		require.ErrorIs(t, err, apierr.ErrGuard, name)
		assert.Empty(t, p.sent, name)
	}
}
