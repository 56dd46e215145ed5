package publicstatus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// A component that the incident did not name before is proof only when it is
// there: without it nothing has arrived.
func TestAnUpdateOfANewComponentThatDidNotArriveIsNotTakenForDone(t *testing.T) {
	t.Parallel()
	p := world()
	p.swallowed = 1
	b := board(p)
	plan, err := b.PlanUpdate(t.Context(), publicstatus.UpdateDraft{Ref: "i1", Components: []publicstatus.Assignment{{Name: "Core/Web", Status: statuspage.PartialOutage}}})
	require.NoError(t, err)
	_, err = b.Update(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Len(t, p.sent, 1, "never sent twice")
}

func TestAnIncidentIsNotCancelledAsMaintenance(t *testing.T) {
	t.Parallel()
	const id = "h8d2w6r0kfzp"
	p := &page{incidents: []statuspage.Incident{{ID: id, Name: "API slow", Status: statuspage.Identified}}}
	_, err := board(p).PlanStep(t.Context(), publicstatus.Cancel, id, "", true)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.Equal(t, "status: "+id+" is an incident (identified), not maintenance", err.Error())
	assert.Equal(t, "oncall status incident resolve "+id, apierr.HintOf(err))

	// Maintenance that somebody gave a state of incidents can still be called off.
	p.incidents[0].ScheduledFor = statuspage.Time{Time: now.Add(time.Hour)}
	plan, err := board(p).PlanStep(t.Context(), publicstatus.Cancel, id, "", true)
	require.NoError(t, err)
	assert.Equal(t, []string{id + " is an incident (identified); this gives it a state of maintenance"}, plan.Warnings)
}

func TestNotice(t *testing.T) {
	t.Parallel()
	require.NoError(t, publicstatus.CheckNotice(now.Add(publicstatus.Notice), now, ""))
	require.NoError(t, publicstatus.CheckNotice(now.Add(time.Hour), now, "why"))
	err := publicstatus.CheckNotice(now.Add(publicstatus.Notice-time.Second), now, "")
	require.ErrorIs(t, err, apierr.ErrGuard)
	// now is 03:18:30: the minute 03:18 would be too early when it is taken up.
	assert.Equal(t, "start it on 2026-03-11 03:19 UTC or later, or --short-notice REASON", apierr.HintOf(err))

	// What was announced right after a plan with enough notice is no finding.
	for created, found := range map[time.Duration]int{0: 0, 5 * time.Minute: 0, 20 * time.Minute: 1} {
		p := &page{incidents: []statuspage.Incident{{ID: "m", Name: "Work", Status: statuspage.Scheduled, CreatedAt: statuspage.Time{Time: now.Add(created)},
			ScheduledFor: statuspage.Time{Time: now.Add(publicstatus.Notice)}, ScheduledUntil: statuspage.Time{Time: now.Add(publicstatus.Notice + time.Hour)}}}}
		got, _, err := board(p).Check(t.Context(), 0, nil)
		require.NoError(t, err)
		assert.Len(t, got, found, created.String())
	}
}

func TestWakeWithoutASnooze(t *testing.T) {
	t.Parallel()
	p := world()
	plan, err := board(p).PlanWake(t.Context(), "i1", "")
	require.NoError(t, err)
	assert.True(t, plan.Already)
}

func TestASearchThatEndsSaysSo(t *testing.T) {
	t.Parallel()
	p := &page{}
	for i := range 100 {
		p.incidents = append(p.incidents, statuspage.Incident{ID: fmt.Sprintf("x%d", i), Name: fmt.Sprintf("Trouble %d", i), Status: statuspage.Resolved})
	}
	_, err := board(p).FindIncident(t.Context(), "no such", "")
	require.EqualError(t, err, `status: no incident is called "no such"`)
	p.incidents = append(p.incidents, statuspage.Incident{ID: "y", Name: "no such", Status: statuspage.Resolved})
	_, err = board(p).FindIncident(t.Context(), "no such", "")
	require.EqualError(t, err, `status: no incident is called "no such" among the newest 100`)
	_, err = board(p).FindIncident(t.Context(), "", "4127")
	require.EqualError(t, err, "status: no public incident among the newest 100 is paired with pager incident 4127")
}
