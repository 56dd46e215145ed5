package publicstatus_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// wrote is an update by somebody else, a moment ago.
func wrote(body string, state statuspage.IncidentStatus) statuspage.Update {
	at := statuspage.Time{Time: now.Add(-time.Second)}
	return statuspage.Update{ID: "theirs", Body: body, Status: state, CreatedAt: at, DisplayAt: at}
}

func (p *page) theyWrite(body string, state statuspage.IncidentStatus) {
	in := &p.incidents[0]
	in.Status = state
	in.Updates = append([]statuspage.Update{wrote(body, state)}, in.Updates...)
}

func TestTwoPeopleResolveAtOnce(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanResolve(t.Context(), publicstatus.ResolveDraft{})
	require.NoError(t, err)
	p.theyWrite("All is well.", statuspage.Resolved)
	in, sent, err := b.Resolve(t.Context(), plan)
	require.NoError(t, err)
	assert.False(t, sent, "the public is not told twice")
	assert.Equal(t, statuspage.Resolved, in.State)
	assert.Empty(t, p.sent)
}

func TestAnIncidentThatMovedSinceThePlanIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state statuspage.IncidentStatus
		text  string
	}{
		"resolved": {statuspage.Resolved, "i1 has changed since it was looked at: it is resolved now and was identified; nothing was sent"},
		"wrote":    {statuspage.Identified, `i1 has changed since it was looked at: an update was posted: "Theirs."; nothing was sent`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := world()
			b := board(p)
			plan, err := b.PlanUpdate(t.Context(), publicstatus.UpdateDraft{State: statuspage.Monitoring})
			require.NoError(t, err)
			p.theyWrite("Theirs.", c.state)
			_, err = b.Update(t.Context(), plan)
			require.ErrorIs(t, err, apierr.ErrGuard)
			assert.ErrorContains(t, err, c.text)
			assert.Equal(t, "look, and run this again: oncall status incident get i1", apierr.HintOf(err))
			assert.Empty(t, p.sent)
		})
	}
	p := world()
	b := board(p)
	plan, err := b.PlanResolve(t.Context(), publicstatus.ResolveDraft{})
	require.NoError(t, err)
	p.theyWrite("It is not over.", statuspage.Investigating)
	_, _, err = b.Resolve(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.Empty(t, p.sent)
}

func TestAComponentThatSomethingElseNamesByNowIsNotPutBack(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanResolve(t.Context(), publicstatus.ResolveDraft{})
	require.NoError(t, err)
	other := statuspage.Incident{ID: "i2", Name: "Another one", Status: statuspage.Investigating, Components: p.incidents[0].Components}
	p.incidents = append(p.incidents, other)
	_, _, err = b.Resolve(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "API is named by Another one now")
	assert.Empty(t, p.sent)

	plan, err = b.PlanResolve(t.Context(), publicstatus.ResolveDraft{Ref: "i1", KeepComponents: true})
	require.NoError(t, err)
	_, sent, err := b.Resolve(t.Context(), plan)
	require.NoError(t, err)
	assert.True(t, sent)
}

func TestMaintenanceThatMovedByItselfIsNotMovedAgain(t *testing.T) {
	t.Parallel()
	m := statuspage.Incident{ID: "m1", Name: "Work", Status: statuspage.Scheduled, ScheduledFor: statuspage.Time{Time: now}, ScheduledUntil: statuspage.Time{Time: now.Add(time.Hour)}}
	p := &page{incidents: []statuspage.Incident{m}}
	b := board(p)
	plan, err := b.PlanStep(t.Context(), publicstatus.Start, "", "", true)
	require.NoError(t, err)
	p.incidents[0].Status = statuspage.InProgress
	got, sent, err := b.Move(t.Context(), plan)
	require.NoError(t, err)
	assert.False(t, sent)
	assert.Equal(t, statuspage.InProgress, got.State)

	p.incidents[0].Status = statuspage.Scheduled
	plan, err = b.PlanStep(t.Context(), publicstatus.Cancel, "", "", true)
	require.NoError(t, err)
	p.incidents[0].Status = statuspage.InProgress
	_, _, err = b.Move(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard, "what has begun is not called off")
	assert.Empty(t, p.sent)
}

func TestAComponentThatSomebodyElseSetIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanSet(t.Context(), []publicstatus.Assignment{{Name: "c2", Status: statuspage.PartialOutage}, {Name: "c3", Status: statuspage.PartialOutage}, {Name: "c5", Status: statuspage.PartialOutage}})
	require.NoError(t, err)
	for i := range p.components {
		switch p.components[i].ID {
		case "c2":
			p.components[i].Status = statuspage.MajorOutage
		case "c3":
			p.components[i].Status = statuspage.PartialOutage
		}
	}
	targets, err := b.Again(t.Context(), plan.Targets)
	require.NoError(t, err)
	_, changed, err := b.Set(t.Context(), targets[0])
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "API docs has changed since it was looked at: it is major outage now and was operational; nothing was sent")
	assert.False(t, changed)
	_, changed, err = b.Set(t.Context(), targets[1])
	require.NoError(t, err)
	assert.False(t, changed, "they did it for us")
	assert.Empty(t, p.sent)
	_, changed, err = b.Set(t.Context(), targets[2])
	require.NoError(t, err)
	assert.True(t, changed)
}

func TestTwoPeopleOpenTheSameIncidentAtOnce(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanCreate(t.Context(), publicstatus.Draft{Title: "T"})
	require.NoError(t, err)
	paired, err := b.PlanCreate(t.Context(), publicstatus.Draft{Title: "Other", Pager: &publicstatus.Pager{Number: "7"}})
	require.NoError(t, err)
	p.incidents = append(p.incidents, statuspage.Incident{ID: "twin", Name: "t", Status: statuspage.Investigating,
		Metadata: statuspage.Metadata{"oncall": json.RawMessage(`{"pager":{"number":"7"}}`)}})
	_, _, err = b.Create(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "an incident with this title was opened in the meantime: twin; nothing was sent")
	_, _, err = b.Create(t.Context(), paired)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "pager incident 7 has an open public incident already: twin")
	assert.Zero(t, p.created)

	plan, err = b.PlanCreate(t.Context(), publicstatus.Draft{Title: "T"})
	require.NoError(t, err)
	_, _, err = b.Create(t.Context(), plan)
	require.NoError(t, err, "who has seen it and goes on means it")
}

func TestAnUpdateThatSomebodyElseEditedIsNotEditedBlindly(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanEdit(t.Context(), "i1", "", "last", "ours", false)
	require.NoError(t, err)
	p.incidents[0].Updates[0].Body = "theirs"
	_, err = b.Edit(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, `the update says "theirs" now`)
	assert.Empty(t, p.sent)
}

func TestASnoozeDoesNotReplaceOneThatNobodyHasSeen(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanSnooze(t.Context(), "i1", "", now.Add(time.Hour), "ours")
	require.NoError(t, err)
	p.incidents[0].Metadata = statuspage.Metadata{"oncall": json.RawMessage(`{"snooze":{"until":"2026-03-04T09:00:00Z","reason":"theirs","by":"secondary","at":"2026-03-04T03:00:00Z"}}`)}
	_, _, err = b.Snooze(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "it was snoozed until 2026-03-04T09:00:00Z, secondary: theirs")
	assert.Empty(t, p.sent)

	// Entries of other tools that came in between are no reason to stop, and stay.
	plan, err = b.PlanSnooze(t.Context(), "i1", "", now.Add(time.Hour), "ours")
	require.NoError(t, err)
	p.incidents[0].Metadata["jira"] = json.RawMessage(`{"id":"OPS-2"}`)
	_, _, err = b.Snooze(t.Context(), plan)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"OPS-2"}`, string(p.incidents[0].Metadata["jira"]))

	plan, err = b.PlanWake(t.Context(), "i1", "")
	require.NoError(t, err)
	p.incidents[0].Status = statuspage.Resolved
	_, _, err = b.Snooze(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
}

func TestAPublicationWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	p := world()
	p.drafts = map[string]*statuspage.Postmortem{}
	b := board(p)
	pm, err := b.Postmortem(t.Context(), "Old", "")
	require.NoError(t, err)
	pm, err = b.DraftPostmortem(t.Context(), pm, "What happened")
	require.NoError(t, err)
	assert.Equal(t, "draft", pm.State)

	p.lost = 1
	out, err := b.PublishPostmortem(t.Context(), pm, true)
	require.NoError(t, err, "the page shows it")
	assert.Equal(t, "published", out.State)
	assert.Equal(t, "What happened", out.Body)
	assert.Len(t, p.sent, 2, "never sent twice")

	// Published before: only a newer publication is ours.
	p.swallowed = 1
	_, err = b.PublishPostmortem(t.Context(), out, true)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Contains(t, apierr.HintOf(err), "oncall status incident postmortem i0")

	p.drafts["i0"].BodyDraft = "What somebody else wrote"
	_, err = b.PublishPostmortem(t.Context(), out, true)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "the draft for i0 has changed since it was looked at")
}
