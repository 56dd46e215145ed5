package pager_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/simulator"
)

func kinds(all []pager.Change) []string {
	out := []string{}
	for _, c := range all {
		out = append(out, c.Incident.Number+" "+c.Kind)
	}
	return out
}

// story runs a watch of a demo world and does one thing between looks.
func story(t *testing.T, w *world, f pager.Filter, between ...func()) []pager.Poll {
	t.Helper()
	var polls []pager.Poll
	n := 0
	w.Wait = func(ctx context.Context, d time.Duration) error {
		assert.Equal(t, 5*time.Second, d)
		between[n]()
		n++
		w.advance(d)
		return ctx.Err()
	}
	for p, err := range w.Watch(t.Context(), f, 5*time.Second) {
		require.NoError(t, err)
		polls = append(polls, p)
		if len(polls) > len(between) {
			break
		}
	}
	return polls
}

func TestWatchTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	nothing := func() {}
	polls := story(t, w, pager.Filter{Mine: true},
		nothing,
		func() { _, err := ack(ctx, w.Pager, "4127"); require.NoError(t, err) },
		nothing,
		func() { _, err := resolve(ctx, w.Pager, "4127"); require.NoError(t, err) },
		func() {
			_, err := w.Trigger(ctx, pager.NewIncident{Summary: "New", To: []pager.Target{{Kind: "user", Name: "you", Slug: "you"}}})
			require.NoError(t, err)
		},
		nothing)
	assert.Equal(t, []string{"4119 present", "4126 present", "4127 present"}, kinds(polls[0].Changes), "oldest first")
	assert.Empty(t, polls[1].Changes)
	require.Equal(t, []string{"4127 acknowledged"}, kinds(polls[2].Changes))
	assert.Equal(t, "you", polls[2].Changes[0].By)
	assert.Equal(t, "looking", polls[2].Changes[0].Message)
	assert.Empty(t, polls[3].Changes)
	assert.Equal(t, []string{"4127 resolved"}, kinds(polls[4].Changes))
	assert.NotContains(t, numbers(polls[4].Incidents), "4127", "a resolved one is told of and then left")
	require.Len(t, polls[5].Changes, 1)
	assert.Equal(t, "triggered", polls[5].Changes[0].Kind)
	assert.Empty(t, polls[6].Changes)
}

func TestWatchSurvivesALostNetwork(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	down := func() {
		require.NoError(t, w.AddFault(simulator.Fault{Service: "victorops", PathGlob: "/api-public/v1/incidents", Kind: simulator.FaultResetBefore}))
	}
	up := func() { require.NoError(t, w.ClearFaults()) }
	polls := story(t, w, pager.Filter{}, down, func() {}, func() {
		up()
		_, err := ack(t.Context(), w.Pager, "4127")
		require.NoError(t, err)
	}, func() {})
	require.NoError(t, polls[0].Err)
	for _, p := range polls[1:3] {
		require.ErrorIs(t, p.Err, apierr.ErrUnavailable)
		assert.Equal(t, start.Add(5*time.Second), p.Lost, "since when")
		assert.Equal(t, numbers(polls[0].Incidents), numbers(p.Incidents), "what was known stays on the screen")
		assert.Empty(t, p.Changes)
	}
	require.NoError(t, polls[3].Err)
	assert.Equal(t, 10*time.Second, polls[3].Back)
	assert.Equal(t, []string{"4127 acknowledged"}, kinds(polls[3].Changes), "what happened meanwhile is told, and nothing twice")
	assert.Zero(t, polls[4].Back)
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	t.Run("with a refusal at the first look", func(t *testing.T) {
		t.Parallel()
		p, _ := scripted(t, httpxtest.Exchange{Path: pathList, Reply: httpxtest.Status(401)})
		n := 0
		for _, err := range p.Watch(t.Context(), pager.Filter{}, 0) {
			n++
			require.ErrorIs(t, err, apierr.ErrAuth)
		}
		assert.Equal(t, 1, n)
	})
	t.Run("not with one later: it may be the throttle", func(t *testing.T) {
		t.Parallel()
		p, _ := scripted(t, get(pathList, `{}`), httpxtest.Exchange{Path: pathList, Reply: httpxtest.Status(403), Times: 2}, get(pathList, `{}`))
		n := 0
		for poll, err := range p.Watch(t.Context(), pager.Filter{}, 0) {
			require.NoError(t, err)
			if n++; n == 2 {
				require.ErrorIs(t, poll.Err, apierr.ErrAuth)
			}
			if n == 3 {
				break
			}
		}
	})
	t.Run("with the context, without a word", func(t *testing.T) {
		t.Parallel()
		p, _ := scripted(t, get(pathList, `{}`))
		ctx, cancel := context.WithCancel(t.Context())
		p.Wait = func(ctx context.Context, d time.Duration) error {
			assert.Equal(t, pager.MinPoll, d, "a shorter interval would starve others of the same key")
			cancel()
			return ctx.Err()
		}
		n := 0
		for _, err := range p.Watch(ctx, pager.Filter{}, time.Millisecond) {
			require.NoError(t, err)
			n++
		}
		assert.Equal(t, 1, n)
	})
}

// A phase that changes without a transition is told; people who are paged later
// are; an incident that VictorOps forgets is.
func TestWatchWithoutTransitions(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t,
		get(pathMine, `{"teams":[{"name":"One","slug":"team-1"}]}`),
		get(pathList, `{"incidents":[{"incidentNumber":"1","currentPhase":"UNACKED","pagedUsers":["you"]},{"incidentNumber":"2","currentPhase":"UNACKED","pagedUsers":["you"]}]}`),
		get(pathList, `{"incidents":[{"incidentNumber":"1","currentPhase":"ACKED","pagedUsers":["you","b","c"]},{"incidentNumber":"2","currentPhase":"UNACKED","pagedUsers":["you"]}]}`),
		get(pathList, `{"incidents":[{"incidentNumber":"1","currentPhase":"ACKED","pagedUsers":["you","b","c"]}]}`))
	var got [][]pager.Change
	for poll, err := range p.Watch(t.Context(), pager.Filter{Mine: true}, 0) {
		require.NoError(t, err)
		if got = append(got, poll.Changes); len(got) == 3 {
			break
		}
	}
	assert.Equal(t, []string{"1 present", "2 present"}, kinds(got[0]))
	assert.Equal(t, []string{"1 acknowledged", "1 paged"}, kinds(got[1]))
	assert.Equal(t, "b and c", got[1][1].Message)
	assert.Equal(t, []string{"2 gone"}, kinds(got[2]))
}
