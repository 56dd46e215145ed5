package publicstatus_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

func TestFindComponent(t *testing.T) {
	t.Parallel()
	rows := world().components
	for name, want := range map[string]string{"API": "c1", "api": "c1", " API ": "c1", "c2": "c2", "API d": "c2", "Core/Web": "c3", "edge/web": "c4", "a=b": "c5"} {
		c, err := publicstatus.FindComponent(rows, name)
		require.NoError(t, err, name)
		assert.Equal(t, want, c.ID, name)
	}
	for name, want := range map[string]struct {
		kind       error
		text, hint string
	}{
		"ap":    {apierr.ErrAmbiguous, `status: "ap" matches API and API docs`, "use the whole name"},
		"Web":   {apierr.ErrAmbiguous, `status: "Web" matches Core/Web (c3) and Edge/Web (c4)`, "use the id, or GROUP/NAME"},
		"Core":  {apierr.ErrAmbiguous, `status: "Core" is a group, and its status follows from its components`, "name its components: API, Web"},
		"g2":    {apierr.ErrAmbiguous, `status: "Edge" is a group, and its status follows from its components`, "name its components: Web"},
		"Ed":    {apierr.ErrAmbiguous, `status: "Edge" is a group, and its status follows from its components`, "name its components: Web"},
		"APi x": {apierr.ErrNotFound, `status: no component is called "APi x"`, "did you mean API?"},
		"zzzz":  {apierr.ErrNotFound, `status: no component is called "zzzz"`, "there are API, API docs, Web, Web, a=b"},
		" ":     {apierr.ErrNotFound, "status: an empty name is no component", ""},
	} {
		_, err := publicstatus.FindComponent(rows, name)
		require.ErrorIs(t, err, want.kind, name)
		assert.Equal(t, want.text, err.Error())
		assert.Equal(t, want.hint, apierr.HintOf(err))
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]statuspage.ComponentStatus{
		"operational": statuspage.Operational, "Degraded": statuspage.DegradedPerformance, "partial outage": statuspage.PartialOutage, "major-outage": statuspage.MajorOutage,
		"MAINTENANCE": statuspage.UnderMaintenance, " under_maintenance ": statuspage.UnderMaintenance, "degraded_performance": statuspage.DegradedPerformance,
	} {
		got, err := publicstatus.ParseComponentStatus(word)
		require.NoError(t, err, word)
		assert.Equal(t, want, got, word)
	}
	_, err := publicstatus.ParseComponentStatus("marjo")
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Equal(t, "did you mean major?", apierr.HintOf(err))
	_, err = publicstatus.ParseComponentStatus("")
	require.ErrorIs(t, err, apierr.ErrUsage)
	a, err := publicstatus.ParseAssignment("a=b=major")
	require.NoError(t, err)
	assert.Equal(t, "a=b", a.Name, "a name may hold =")
	i, err := publicstatus.ParseImpact("Minor")
	require.NoError(t, err)
	assert.Equal(t, statuspage.ImpactMinor, i)
	_, err = publicstatus.ParseImpact("maintenance")
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.NotContains(t, err.Error(), "critical, maintenance")
}

func FuzzParseAssignment(f *testing.F) {
	for _, s := range []string{"API=partial", "=", "a=b=c", "", "API=", "=major", "\xff=major"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := publicstatus.ParseAssignment(s)
		if err != nil {
			require.ErrorIs(t, err, apierr.ErrUsage)
			return
		}
		assert.NotEmpty(t, a.Name)
		assert.NotEmpty(t, a.Status)
	})
}

func FuzzFindComponent(f *testing.F) {
	f.Add("API")
	f.Add("core/")
	f.Add("\x00")
	rows := world().components
	f.Fuzz(func(t *testing.T, name string) {
		c, err := publicstatus.FindComponent(rows, name)
		if err == nil {
			assert.False(t, c.IsGroup())
		}
	})
}

func TestTexts(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ü", n) }
	require.NoError(t, publicstatus.CheckTitle(long(255)), "characters, not bytes")
	require.NoError(t, publicstatus.CheckBody(long(25000)+""))
	require.NoError(t, publicstatus.CheckBody("a\n\tb\r\n"))
	for name, err := range map[string]error{
		"long title": publicstatus.CheckTitle(long(256)), "empty": publicstatus.CheckTitle(" "), "two lines": publicstatus.CheckTitle("a\nb"), "bytes": publicstatus.CheckTitle("\xff"),
		"long body": publicstatus.CheckBody(long(25001)), "escape": publicstatus.CheckBody("\x1b[2J"), "body bytes": publicstatus.CheckBody("\xff"),
		"reason": publicstatus.CheckReason(""), "long reason": publicstatus.CheckReason(long(501)), "reason lines": publicstatus.CheckReason("a\nb"),
		"postmortem": publicstatus.CheckPostmortem(" \n"), "end": publicstatus.CheckTimes(now.Add(2*time.Hour), now.Add(time.Hour), now),
		"past": publicstatus.CheckTimes(now.Add(-2*time.Hour), now.Add(-time.Hour), now), "begun": publicstatus.CheckTimes(now.Add(-time.Hour), now.Add(time.Hour), now),
		"none": publicstatus.CheckTimes(now.Add(time.Hour), now.Add(time.Hour), now),
	} {
		require.ErrorIs(t, err, apierr.ErrUsage, name)
	}
}

func TestSubscribersThatCannotBeCountedStopNothing(t *testing.T) {
	t.Parallel()
	p := world()
	p.countErr = errors.New("down")
	plan, err := board(p).PlanSet(t.Context(), []publicstatus.Assignment{{Name: "API", Status: statuspage.MajorOutage}})
	require.NoError(t, err)
	assert.Equal(t, -1, plan.Subscribers)
	assert.Empty(t, plan.Unnamed(), "i1 names it")
}

func TestTheRecordKeepsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	plan, err := b.PlanSnooze(t.Context(), "", "4127", now.Add(time.Hour), "a reason")
	require.NoError(t, err)
	in, posted, err := b.Snooze(t.Context(), plan)
	require.NoError(t, err)
	assert.False(t, posted)
	assert.Equal(t, "a reason", in.Snooze.Reason)
	assert.Equal(t, "4127", in.Pager.Number, "the pair stays")
	assert.JSONEq(t, `{"id":"OPS-1"}`, string(p.incidents[0].Metadata["jira"]))
	assert.JSONEq(t, `{"pager":{"number":"4127"},"theirs":{"a":[1]},"snooze":{"until":"2026-03-04T04:18:30Z","reason":"a reason","by":"you","at":"2026-03-04T03:18:30Z"}}`, string(p.incidents[0].Metadata["oncall"]))
	w := p.sent[0].(statuspage.IncidentWrite)
	assert.Nil(t, w.Body)
	assert.Nil(t, w.Status)
	assert.False(t, *w.DeliverNotifications)
}

func TestWhatThePageDoesNotKeepIsToldOnReadBack(t *testing.T) {
	t.Parallel()
	p := world()
	p.forgetful = true
	b := board(p)
	plan, err := b.PlanSnooze(t.Context(), "i1", "", now.Add(time.Hour), "r")
	require.NoError(t, err)
	_, _, err = b.Snooze(t.Context(), plan)
	require.ErrorContains(t, err, "the page took it and does not show it")

	p = world()
	p.chatty = true
	b = board(p)
	plan, err = b.PlanSnooze(t.Context(), "i1", "", now.Add(time.Hour), "r")
	require.NoError(t, err)
	_, posted, err := b.Snooze(t.Context(), plan)
	require.NoError(t, err)
	assert.True(t, posted, "an update that nobody asked for is told")
}

func TestRecordsOfAnyForm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `null`, `"x"`, `[]`, `{"pager":7,"snooze":"x","shortNotice":[],"cancelled":{}}`, `{"snooze":{"until":"soon"}}`} {
		in := publicstatus.FromIncident(statuspage.Incident{Metadata: statuspage.Metadata{"oncall": json.RawMessage(text)}})
		assert.Nil(t, in.Pager, text)
		assert.Nil(t, in.Snooze, text)
	}
}

func TestACreateWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	draft := publicstatus.Draft{Title: "T"}
	t.Run("it is there", func(t *testing.T) {
		t.Parallel()
		p := world()
		// Another open incident of the same title is not ours.
		p.incidents = append(p.incidents, statuspage.Incident{ID: "twin", Name: "T", Status: statuspage.Investigating})
		p.lost = 1
		b := board(p)
		plan, err := b.PlanCreate(t.Context(), draft)
		require.NoError(t, err)
		require.Len(t, plan.Same, 1)
		in, found, err := b.Create(t.Context(), plan)
		require.NoError(t, err)
		assert.True(t, found)
		assert.Equal(t, "new", in.ID)
		assert.Equal(t, 1, p.created)
	})
	t.Run("it is not there", func(t *testing.T) {
		t.Parallel()
		p := world()
		p.swallowed = 1
		b := board(p)
		plan, err := b.PlanCreate(t.Context(), draft)
		require.NoError(t, err)
		_, _, err = b.Create(t.Context(), plan)
		require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		assert.Contains(t, apierr.HintOf(err), "oncall status incident list")
		assert.Len(t, p.sent, 1, "never sent twice")
	})
	t.Run("the page cannot be read", func(t *testing.T) {
		t.Parallel()
		p := world()
		p.lost = 1
		b := board(p)
		plan, err := b.PlanCreate(t.Context(), draft)
		require.NoError(t, err)
		p.breaks = errors.New("the network is down")
		_, _, err = b.Create(t.Context(), plan)
		require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		assert.Contains(t, err.Error(), "the network is down")
	})
	t.Run("the person gave up", func(t *testing.T) {
		t.Parallel()
		p := world()
		p.lost = 1
		b := board(p)
		plan, err := b.PlanCreate(t.Context(), draft)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = b.Create(ctx, plan)
		require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		assert.Contains(t, err.Error(), "interrupted")
	})
}

func TestAnUpdateWithTheSameWordsAsBeforeIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	p := world()
	p.swallowed = 1
	b := board(p)
	plan, err := b.PlanUpdate(t.Context(), publicstatus.UpdateDraft{Body: "two"})
	require.NoError(t, err)
	_, err = b.Update(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome, "the text stood there before")
	p.lost = 1
	plan, err = b.PlanUpdate(t.Context(), publicstatus.UpdateDraft{Body: "two"})
	require.NoError(t, err)
	_, err = b.Update(t.Context(), plan)
	require.NoError(t, err)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) statuspage.Time { return statuspage.Time{Time: now.Add(d)} }
	down := comp("c1", "API", statuspage.MajorOutage)
	planned := func(id string, start, end, announced time.Duration, status statuspage.IncidentStatus, meta string) statuspage.Incident {
		return statuspage.Incident{ID: id, Name: id, Status: status, ScheduledFor: at(start), ScheduledUntil: at(end), CreatedAt: at(announced), Metadata: statuspage.Metadata{"oncall": json.RawMessage(meta)}}
	}
	const day = 24 * time.Hour
	p := &page{
		components: []statuspage.Component{down, comp("c2", "Web", statuspage.PartialOutage), comp("c3", "Ok", statuspage.DegradedPerformance)},
		incidents: []statuspage.Incident{
			{ID: "named", Name: "named", Status: statuspage.Investigating, CreatedAt: at(-time.Minute), Components: []statuspage.Component{down}},
			{ID: "none", Name: "none", Status: statuspage.Investigating, CreatedAt: at(-31 * time.Minute)},
			{ID: "fresh", Name: "fresh", Status: statuspage.Investigating, CreatedAt: at(-30 * time.Minute)},
			planned("overdue", -2*time.Hour, -time.Hour, -9*day, statuspage.InProgress, `{}`),
			planned("short", 5*day, 6*day, -2*day+16*time.Minute, statuspage.Scheduled, `{}`),
			planned("exact", 5*day, 6*day, -2*day, statuspage.Scheduled, `{}`),
			planned("excused", day, 2*day, 0, statuspage.Scheduled, `{"shortNotice":{"reason":"r"}}`),
			planned("over", -3*day, -2*day, -3*day, statuspage.Completed, `{}`),
		},
	}
	found, unchecked, err := board(p).Check(t.Context(), 0, nil)
	require.NoError(t, err)
	assert.Empty(t, unchecked)
	got := []string{}
	for _, f := range found {
		got = append(got, string(f.Rule)+" "+f.Name)
		assert.NotEmpty(t, f.Fix)
	}
	assert.Equal(t, []string{"outage-without-incident Web", "stale none", "maintenance-overdue overdue", "maintenance-short-notice short"}, got)
}

func TestCheckAsksThePagerOncePerNumber(t *testing.T) {
	t.Parallel()
	pair := func(id, number string) statuspage.Incident {
		return statuspage.Incident{ID: id, Name: id, Status: statuspage.Monitoring, CreatedAt: statuspage.Time{Time: now}, Metadata: statuspage.Metadata{"oncall": json.RawMessage(`{"pager":{"number":"` + number + `"}}`)}}
	}
	p := &page{incidents: []statuspage.Incident{pair("a", "1"), pair("b", "1"), pair("c", "2"), pair("d", "3"), pair("e", "4")}}
	var asked []string
	found, unchecked, err := board(p).Check(t.Context(), 0, func(_ context.Context, numbers []string) (map[string]publicstatus.PagerAnswer, error) {
		asked = numbers
		return map[string]publicstatus.PagerAnswer{"1": {Phase: "resolved"}, "2": {Phase: "acknowledged"},
			"3": {Err: apierr.New(apierr.ErrNotFound, "victorops", "", "no")}, "4": {Err: errors.New("down")}}, nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2", "3", "4"}, asked)
	require.Len(t, found, 3)
	assert.Contains(t, found[0].Message, "pager incident 1 is resolved")
	assert.Contains(t, found[2].Message, "is not known to the pager any more")
	require.Len(t, unchecked, 1)
	assert.Equal(t, "pager incident 4", unchecked[0].Source)
	_, unchecked, err = board(p).Check(t.Context(), 0, func(context.Context, []string) (map[string]publicstatus.PagerAnswer, error) {
		return nil, errors.New("no key")
	})
	require.NoError(t, err)
	assert.Len(t, unchecked, 5)
}

func TestStaleIsCountedFromTheLastWordOrTheEndOfTheSnooze(t *testing.T) {
	t.Parallel()
	p := world()
	b := board(p)
	rows, err := b.Stale(t.Context(), 10*time.Minute)
	require.NoError(t, err)
	assert.Empty(t, rows, "10 minutes is not longer than 10 minutes")
	rows, err = b.Stale(t.Context(), 9*time.Minute)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.True(t, rows[0].Due)
	assert.Contains(t, publicstatus.ReminderText(rows, now), `"API slow" (identified) has had no update for 10m, pager incident 4127`)
	plan, err := b.PlanSnooze(t.Context(), "", "", now.Add(time.Minute), "r")
	require.NoError(t, err)
	_, _, err = b.Snooze(t.Context(), plan)
	require.NoError(t, err)
	rows, err = b.Stale(t.Context(), 9*time.Minute)
	require.NoError(t, err)
	require.Len(t, rows, 1, "a snooze is listed")
	assert.False(t, rows[0].Due)
	assert.Empty(t, publicstatus.ReminderText(rows, now))
	_, err = b.PlanSnooze(t.Context(), "i0", "", now.Add(time.Hour), "r")
	require.ErrorIs(t, err, apierr.ErrGuard, "nobody is reminded of what is over")
}

func TestFindIncident(t *testing.T) {
	t.Parallel()
	b := board(world())
	for ref, want := range map[string]string{"": "i1", "i1": "i1", "api": "i1", "API slow": "i1", "Old": "i0", "last": "i1", "https://stspg.io/i1": "i1", "https://status.example.test/incidents/i1/": "i1"} {
		in, err := b.FindIncident(t.Context(), ref, "")
		require.NoError(t, err, ref)
		assert.Equal(t, want, in.ID, ref)
	}
	in, err := b.FindIncident(t.Context(), "", "4127")
	require.NoError(t, err)
	assert.Equal(t, "i1", in.ID)
	_, err = b.FindIncident(t.Context(), "nothing", "")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	_, err = b.FindIncident(t.Context(), "abcdefghijkl", "")
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

func TestPostmortemWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	b := board(world())
	pm, err := b.Postmortem(t.Context(), "Old", "")
	require.NoError(t, err)
	assert.Equal(t, "none", pm.State)
	_, err = b.DraftPostmortem(t.Context(), pm, "x")
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	_, err = b.PublishPostmortem(t.Context(), pm, false)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	_, err = b.Postmortem(t.Context(), "", "")
	require.ErrorIs(t, err, apierr.ErrUsage)
}
