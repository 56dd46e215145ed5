package publicstatus_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// The page moves while it is read, and between a plan and its act.

func work(id string, status statuspage.IncidentStatus, start time.Time, parts ...statuspage.Component) statuspage.Incident {
	return statuspage.Incident{ID: id, Name: "Work " + id, Status: status, CreatedAt: statuspage.Time{Time: now.Add(-9 * 24 * time.Hour)},
		ScheduledFor: statuspage.Time{Time: start}, ScheduledUntil: statuspage.Time{Time: start.Add(time.Hour)}, Components: parts}
}

// Maintenance that starts while the views are read stands in one of them.
func TestMaintenanceThatStartsWhileItIsReadIsListed(t *testing.T) {
	t.Parallel()
	p := &page{incidents: []statuspage.Incident{work("m1", statuspage.Scheduled, now)}}
	p.onRead = func(what string, _ int) {
		if what == string(statuspage.ActiveMaintenance) { // the others have been read
			p.incidents[0].Status = statuspage.InProgress
		}
	}
	rows, err := board(p).Maintenances(t.Context(), false, time.Time{})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.Equal(t, statuspage.InProgress, rows[0].State, "the later read counts")
	require.Equal(t, 1, p.reads[string(statuspage.ActiveMaintenance)])

	for _, view := range []statuspage.View{statuspage.ScheduledView, statuspage.Upcoming, statuspage.Unresolved} {
		var order []string
		p := &page{}
		p.onRead = func(what string, _ int) {
			p.mu.Lock()
			defer p.mu.Unlock()
			order = append(order, what)
		}
		_, err := board(p).Overview(t.Context())
		require.NoError(t, err)
		at := func(v statuspage.View) (i int) {
			for ; order[i] != string(v); i++ {
			}
			return i
		}
		assert.Less(t, at(view), at(statuspage.ActiveMaintenance), view)
	}
}

func TestCheckLooksTwiceAtWhatStandsOnTwoReads(t *testing.T) {
	t.Parallel()
	down := comp("c1", "API", statuspage.MajorOutage)
	opened := statuspage.Incident{ID: "i1", Name: "API down", Status: statuspage.Investigating, Components: []statuspage.Component{down}, CreatedAt: statuspage.Time{Time: now}}
	for name, c := range map[string]struct {
		moves func(p *page, what string, n int)
		found int
	}{
		"it stays so": {func(*page, string, int) {}, 1},
		"it was just being announced": {func(p *page, what string, n int) {
			if what == string(statuspage.Unresolved) && n == 2 {
				p.incidents = append(p.incidents, opened)
			}
		}, 0},
		"it was just being put back": {func(p *page, what string, n int) {
			if what == "components" && n == 2 {
				p.components[0].Status = statuspage.Operational
			}
		}, 0},
	} {
		p := &page{components: []statuspage.Component{down}}
		p.onRead = func(what string, n int) { c.moves(p, what, n) }
		found, _, err := board(p).Check(t.Context(), 0, nil)
		require.NoError(t, err)
		assert.Len(t, found, c.found, name)
	}
}

// Somebody resolves the pager incident and then the public one: no finding.
func TestCheckOfAPairThatIsJustBeingResolved(t *testing.T) {
	t.Parallel()
	for resolves, want := range map[bool]int{false: 1, true: 0} {
		p := world()
		p.incidents[0].Components = nil
		found, _, err := board(p).Check(t.Context(), 3*time.Hour, func(context.Context, []string) (map[string]publicstatus.PagerAnswer, error) {
			if resolves {
				p.incidents[0].Status = statuspage.Resolved
			}
			return map[string]publicstatus.PagerAnswer{"4127": {Phase: "resolved"}}, nil
		})
		require.NoError(t, err)
		assert.Len(t, found, want)
	}
}

// What a plan says of a component has to hold when it is acted on.
func TestAComponentThatGotWorseIsNotPutBack(t *testing.T) {
	t.Parallel()
	p := world()
	p.incidents[0].Components[0].Status = statuspage.PartialOutage
	plan := func() publicstatus.ResolvePlan {
		plan, err := board(p).PlanResolve(t.Context(), publicstatus.ResolveDraft{Ref: "i1"})
		require.NoError(t, err)
		return plan
	}
	seen := plan()
	set := func(s statuspage.ComponentStatus) {
		p.incidents[0].Components = []statuspage.Component{comp("c1", "API", s)}
	}
	set(statuspage.MajorOutage)
	_, _, err := board(p).Resolve(t.Context(), seen)
	require.ErrorIs(t, err, apierr.ErrGuard)
	require.ErrorContains(t, err, "API is major outage now and was partial outage; nothing was sent")
	assert.Empty(t, p.sent)

	set(statuspage.Operational)
	_, sent, err := board(p).Resolve(t.Context(), seen)
	require.NoError(t, err, "they did it for us")
	assert.True(t, sent)
}

func TestAComponentOfMaintenanceThatGotWorseIsNotPutBack(t *testing.T) {
	t.Parallel()
	p := &page{incidents: []statuspage.Incident{work("m1", statuspage.InProgress, now.Add(-time.Hour), comp("c1", "API", statuspage.UnderMaintenance))}}
	plan, err := board(p).PlanStep(t.Context(), publicstatus.Complete, "", "", true)
	require.NoError(t, err)
	p.incidents[0].Components = []statuspage.Component{comp("c1", "API", statuspage.MajorOutage)}
	_, _, err = board(p).Move(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "API is major outage now and was maintenance")
	assert.Empty(t, p.sent)
}

func TestAnIncidentDoesNotSetAComponentThatSomebodyElseSet(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	asked := []publicstatus.Assignment{{Name: "c2", Status: statuspage.DegradedPerformance}}
	create, err := b.PlanCreate(t.Context(), publicstatus.Draft{Title: "Docs are slow", Components: asked})
	require.NoError(t, err)
	update, err := b.PlanUpdate(t.Context(), publicstatus.UpdateDraft{Ref: "i1", Components: asked})
	require.NoError(t, err)
	p.components[3].Status = statuspage.MajorOutage
	_, _, err = b.Create(t.Context(), create)
	require.ErrorIs(t, err, apierr.ErrGuard)
	require.ErrorContains(t, err, "API docs has changed since it was looked at: it is major outage now and was operational")
	_, err = b.Update(t.Context(), update)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.Empty(t, p.sent)

	p.components[3].Status = statuspage.DegradedPerformance
	_, err = b.Update(t.Context(), update)
	require.NoError(t, err, "they did it for us; the incident is to name it all the same")
	assert.Len(t, p.sent, 1)
}

func TestTwoPeopleAnnounceTheSameMaintenanceAtOnce(t *testing.T) {
	t.Parallel()
	p := world()
	start := now.Add(8 * 24 * time.Hour)
	d := publicstatus.MaintenanceDraft{Title: "T", Body: "b", Start: start, End: start.Add(time.Hour), Components: []string{"c1"}}
	plan, err := board(p).PlanMaintenance(t.Context(), d)
	require.NoError(t, err)
	p.incidents = append(p.incidents, work("twin", statuspage.Scheduled, start, p.components[2]))
	_, _, err = board(p).CreateMaintenance(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	require.ErrorContains(t, err, "twin (Work twin) was announced in the meantime, for the same at the same time; nothing was sent")
	assert.Zero(t, p.created)

	plan, err = board(p).PlanMaintenance(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, plan.Overlaps, 1)
	_, _, err = board(p).CreateMaintenance(t.Context(), plan)
	require.NoError(t, err, "who has seen it and goes on means it")
}

// A person may think for long about a plan.
func TestMaintenanceIsNotAnnouncedTooLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ahead, think time.Duration
		reason, want string
	}{
		"at once":                   {7 * 24 * time.Hour, 0, "", ""},
		"within a quarter":          {7 * 24 * time.Hour, 14 * time.Minute, "", ""},
		"too near by now":           {7 * 24 * time.Hour, 16 * time.Minute, "", "maintenance is announced 7 days ahead"},
		"with a reason":             {time.Hour, 16 * time.Minute, "r", ""},
		"begun, whatever the cause": {time.Hour, time.Hour, "r", "has passed since it was looked at"},
	} {
		at := now
		p := world()
		b := publicstatus.New(p, publicstatus.Options{Now: func() time.Time { return at }, NewID: func() string { return "r" }})
		plan, err := b.PlanMaintenance(t.Context(), publicstatus.MaintenanceDraft{Title: "T", Body: "b", Start: now.Add(c.ahead), End: now.Add(c.ahead + 3*time.Hour), Components: []string{"c1"}, ShortNotice: c.reason})
		require.NoError(t, err, name)
		at = now.Add(c.think)
		_, _, err = b.CreateMaintenance(t.Context(), plan)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, apierr.ErrGuard, name)
		require.ErrorContains(t, err, c.want, name)
		assert.Zero(t, p.created, name)
	}
}

func TestADraftThatSomebodyElseWroteIsNotReplacedBlindly(t *testing.T) {
	t.Parallel()
	p := world()
	p.drafts = map[string]*statuspage.Postmortem{}
	b := board(p)
	pm, err := b.Postmortem(t.Context(), "Old", "")
	require.NoError(t, err)
	p.drafts["i0"] = &statuspage.Postmortem{BodyDraft: "theirs"}
	_, err = b.DraftPostmortem(t.Context(), pm, "ours")
	require.ErrorIs(t, err, apierr.ErrGuard)
	require.ErrorContains(t, err, "the draft for i0 has changed since it was looked at; nothing was sent")
	assert.Equal(t, "theirs", p.drafts["i0"].BodyDraft)

	pm, err = b.Postmortem(t.Context(), "Old", "")
	require.NoError(t, err)
	_, err = b.DraftPostmortem(t.Context(), pm, "ours")
	require.NoError(t, err, "who has seen it and goes on means it")
}

func TestAReasonThatSomebodyElseRecordedIsNotReplacedBlindly(t *testing.T) {
	t.Parallel()
	m := work("m1", statuspage.Scheduled, now.Add(time.Hour))
	m.CreatedAt = statuspage.Time{Time: now}
	p := &page{incidents: []statuspage.Incident{m}}
	b := board(p)
	plan, err := b.PlanKeep(t.Context(), "", "ours")
	require.NoError(t, err)
	theirs, err := b.PlanKeep(t.Context(), "m1", "theirs")
	require.NoError(t, err)
	_, _, err = b.Keep(t.Context(), theirs)
	require.NoError(t, err)
	_, _, err = b.Keep(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	require.ErrorContains(t, err, "its short notice has a reason, you: theirs")
	assert.Len(t, p.sent, 1)

	// It ended meanwhile.
	seen, err := b.PlanKeep(t.Context(), "m1", "ours")
	require.NoError(t, err)
	p.incidents[0].Status = statuspage.Completed
	_, _, err = b.Keep(t.Context(), seen)
	require.ErrorIs(t, err, apierr.ErrGuard)
	require.ErrorContains(t, err, "it is completed")

	// An answer that is lost is looked for.
	p.incidents[0].Status, p.lost = statuspage.InProgress, 1
	got, posted, err := b.Keep(t.Context(), seen)
	require.NoError(t, err)
	assert.False(t, posted)
	assert.Equal(t, "ours", got.ShortNotice.Reason)
	p.swallowed = 1
	seen, err = b.PlanKeep(t.Context(), "m1", "third")
	require.NoError(t, err)
	_, _, err = b.Keep(t.Context(), seen)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
}
