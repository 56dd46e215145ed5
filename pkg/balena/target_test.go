package balena_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/balena"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

var (
	seen = balena.Fleet{ID: 42, Slug: "acme/api", Track: true, Target: balena.Ref{ID: 9002, RawVersion: "4.3.0"}, Mine: true}
	to   = balena.Release{ID: 9001, RawVersion: "4.2.0", Status: balena.Success, Final: true, Passing: true}
)

// patched is a fleet that is changed on the condition that it stands where it was
// seen.
const patched = "/v7/application(42)?$filter=should_be_running__release%20eq%209002%20and%20should_track_latest_release%20eq%20true"

func patch(reply httpxtest.Reply) httpxtest.Exchange {
	return httpxtest.Exchange{Method: "PATCH", Path: patched, Body: `{"should_be_running__release":9001,"should_track_latest_release":false}`, Reply: reply}
}

func look(row string) httpxtest.Exchange { return httpxtest.Exchange{Path: fleet42, Reply: rows(row)} }

func TestPinIsReadBack(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, patch(httpxtest.Status(200)), look(fleetRow(false, "9001")))
	c, err := clientOf(t, srv).Pin(t.Context(), seen, to, false)
	require.NoError(t, err)
	assert.True(t, c.Changed)
	assert.False(t, c.Looked)
	assert.Equal(t, seen, c.Before)
	assert.Equal(t, int64(9001), c.After.Target.ID)
	assert.True(t, c.After.Mine)
}

// outcome is what the tables below expect.
type outcome struct {
	exchanges []httpxtest.Exchange
	kind      error
	says      string
	looked    bool
	waits     []time.Duration
}

func TestWhatBecameOfAPin(t *testing.T) {
	t.Parallel()
	was, done, other := fleetRow(true, "9002"), fleetRow(false, "9001"), fleetRow(false, "8000")
	ok := httpxtest.Status(200)
	ex := func(e ...httpxtest.Exchange) []httpxtest.Exchange { return e }
	unreadable := httpxtest.Exchange{Path: fleet42, Reply: httpxtest.JSON(401, `"Unauthorized"`)}
	all := []time.Duration{2 * time.Second, 4 * time.Second}
	for name, c := range map[string]outcome{
		"200 and nothing happened": {exchanges: ex(patch(ok), look(was)), kind: apierr.ErrAuth, says: "took the change and did nothing"},
		"200 and someone else's":   {exchanges: ex(patch(ok), look(other)), kind: apierr.ErrConflict, says: "somebody else changed the fleet meanwhile: it is now pinned to v8000"},
		"200 and unpinned":         {exchanges: ex(patch(ok), look(fleetRow(true, "9001"))), kind: apierr.ErrConflict, says: "it is now following, at v9001"},
		"200 and no target":        {exchanges: ex(patch(ok), look(fleetRow(false, ""))), kind: apierr.ErrConflict, says: "it is now without a target"},
		"200 and then no answer":   {exchanges: ex(patch(ok), unreadable), kind: apierr.ErrUnknownOutcome, says: "the fleet could not be read"},
		"200 and the fleet gone":   {exchanges: ex(patch(ok), httpxtest.Exchange{Path: fleet42, Reply: rows()}), kind: apierr.ErrUnknownOutcome, says: "not there any more"},
		"200 with text":            {exchanges: ex(patch(httpxtest.Text(200, "OK")), look(done))},
		"throttled, then taken":    {exchanges: ex(patch(httpxtest.RetryAfter(429, 1)), patch(ok), look(done)), waits: []time.Duration{time.Second}},

		"reset before the server read it": {exchanges: ex(patch(httpxtest.ResetBefore()), look(was), look(was), look(was)), kind: apierr.ErrUnknownOutcome, says: "does not show the change yet; it may still arrive", waits: all},
		"reset after it acted":            {exchanges: ex(patch(httpxtest.ResetAfter()), look(done)), looked: true},
		"lost, and slow":                  {exchanges: ex(patch(httpxtest.ResetAfter()), look(was), look(done)), looked: true, waits: all[:1]},
		"lost, and someone else's":        {exchanges: ex(patch(httpxtest.ResetAfter()), look(was), look(other)), kind: apierr.ErrConflict, says: "somebody else", waits: all[:1]},
		"lost, and then no answer":        {exchanges: ex(patch(httpxtest.ResetAfter()), unreadable, unreadable, unreadable), kind: apierr.ErrUnknownOutcome, says: "could not be read", waits: all},
		"lost, unreadable once":           {exchanges: ex(patch(httpxtest.ResetAfter()), unreadable, look(done)), looked: true, waits: all[:1]},
		"500, rolled back":                {exchanges: ex(patch(httpxtest.JSON(500, `"Server error"`)), look(was)), kind: apierr.ErrUnavailable, says: "balena failed, and the fleet stands where it stood (500)"},
		"500, done all the same":          {exchanges: ex(patch(httpxtest.Status(500)), look(done)), looked: true},
		"502, done":                       {exchanges: ex(patch(httpxtest.HTML(502)), look(done)), looked: true},
		"504, not done":                   {exchanges: ex(patch(httpxtest.Status(504)), look(was), look(was), look(was)), kind: apierr.ErrUnknownOutcome, says: "may still arrive (504)", waits: all},
		"a web page":                      {exchanges: ex(patch(httpxtest.HTML(200)), look(done)), looked: true},

		"401":           {exchanges: ex(patch(httpxtest.JSON(401, `"Unauthorized"`))), kind: apierr.ErrAuth, says: "does not have this right (401)"},
		"400, a rule":   {exchanges: ex(patch(httpxtest.JSON(400, `"It is necessary that each release"`))), kind: apierr.ErrInvalid, says: "It is necessary that each release"},
		"409":           {exchanges: ex(patch(httpxtest.JSON(409, `"\"slug\" must be unique."`))), kind: apierr.ErrConflict, says: "must be unique"},
		"404":           {exchanges: ex(patch(httpxtest.Text(404, "Not Found"))), kind: apierr.ErrNotFound, says: "Not Found (404)"},
		"sign-in page":  {exchanges: ex(patch(httpxtest.LoginPage(200))), kind: apierr.ErrAuth, says: "not signed in"},
		"long throttle": {exchanges: ex(patch(httpxtest.RetryAfter(429, 600))), kind: apierr.ErrRateLimited, says: "asks to wait 10m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, c.exchanges...)
			got, err := clientOf(t, srv).Pin(t.Context(), seen, to, false)
			waits := srv.Waits()
			require.Len(t, waits, len(c.waits))
			for i, w := range c.waits {
				assert.InDelta(t, w, waits[i], float64(500*time.Millisecond))
			}
			if c.kind == nil {
				require.NoError(t, err)
				assert.True(t, got.Changed)
				assert.Equal(t, c.looked, got.Looked)
				return
			}
			require.ErrorIs(t, err, c.kind)
			assert.Contains(t, err.Error(), c.says)
			assert.False(t, got.Changed)
			assert.Equal(t, seen, got.After)
			assert.NotContains(t, err.Error(), testToken)
			if !errors.Is(c.kind, apierr.ErrUnknownOutcome) {
				require.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
			} else {
				assert.NotEmpty(t, apierr.HintOf(err))
			}
		})
	}
}

func TestPinOfAFleetWithoutATarget(t *testing.T) {
	t.Parallel()
	e := patch(httpxtest.Status(200))
	e.Path = "/v7/application(42)?$filter=should_be_running__release%20eq%20null%20and%20should_track_latest_release%20eq%20true"
	none := seen
	none.Target = balena.Ref{}
	srv := httpxtest.New(t, e, look(fleetRow(false, "9001")))
	c, err := clientOf(t, srv).Pin(t.Context(), none, to, false)
	require.NoError(t, err)
	assert.True(t, c.Changed)
}

func TestPinThatIsThereSendsNothing(t *testing.T) {
	t.Parallel()
	there := seen
	there.Track, there.Target = false, to.Ref()
	c, err := clientOf(t, httpxtest.New(t)).Pin(t.Context(), there, to, false)
	require.NoError(t, err)
	assert.False(t, c.Changed)
	assert.Equal(t, there, c.After)
}

func TestReleasesThatNobodyShouldRun(t *testing.T) {
	t.Parallel()
	for says, change := range map[string]func(*balena.Release){
		"it is a draft":                           func(r *balena.Release) { r.Final = false },
		"it was invalidated":                      func(r *balena.Release) { r.Invalid = true },
		"its tests do not pass":                   func(r *balena.Release) { r.Passing = false },
		"it is a draft and its tests do not pass": func(r *balena.Release) { r.Final, r.Passing = false, false },
		"its build did not succeed (failed)":      func(r *balena.Release) { r.Status = "failed" },
		"its build did not succeed (interrupted)": func(r *balena.Release) { r.Status = "interrupted" },
	} {
		r := to
		change(&r)
		_, err := clientOf(t, httpxtest.New(t)).Pin(t.Context(), seen, r, false)
		require.ErrorIs(t, err, apierr.ErrGuard)
		assert.Contains(t, err.Error(), says)
		assert.False(t, r.Trackable())
		if r.Status == balena.Success {
			srv := httpxtest.New(t, patch(httpxtest.Status(200)), look(fleetRow(false, "9001")))
			c, err := clientOf(t, srv).Pin(t.Context(), seen, r, true)
			require.NoError(t, err)
			assert.True(t, c.Changed)
		} else {
			_, err := clientOf(t, httpxtest.New(t)).Pin(t.Context(), seen, r, true)
			require.ErrorIs(t, err, apierr.ErrGuard, "no force helps: no fleet can run it")
		}
	}
	_, err := clientOf(t, httpxtest.New(t)).Pin(t.Context(), seen, balena.Release{}, true)
	require.ErrorIs(t, err, apierr.ErrUsage)
	nobody := seen
	nobody.ID = 0
	_, err = clientOf(t, httpxtest.New(t)).Pin(t.Context(), nobody, to, false)
	require.ErrorIs(t, err, apierr.ErrUsage, "a PATCH without a key would change every fleet")
}

func TestUnpin(t *testing.T) {
	t.Parallel()
	pinned := seen
	pinned.Track = false
	both := `{"should_be_running__release":9005,"should_track_latest_release":true}`
	latest := httpxtest.Exchange{Path: latestOfTest, Reply: rows(releaseRow("9005", "4.5.0", ""))}
	unpin := func(body string) httpxtest.Exchange {
		return httpxtest.Exchange{Method: "PATCH", Path: strings.Replace(patched, "true", "false", 1), Body: body, Reply: httpxtest.Status(200)}
	}
	behind := unpin(both)
	behind.Path = patched
	for name, c := range map[string]struct {
		from      balena.Fleet
		exchanges []httpxtest.Exchange
		changed   bool
		kind      error
		target    int64
	}{
		"to the newest":          {pinned, []httpxtest.Exchange{latest, unpin(both), look(fleetRow(true, "9005"))}, true, nil, 9005},
		"moved on by the server": {pinned, []httpxtest.Exchange{latest, unpin(both), look(fleetRow(true, "9006"))}, true, nil, 9006},
		"without a release":      {pinned, []httpxtest.Exchange{{Path: latestOfTest, Reply: rows()}, unpin(`{"should_track_latest_release":true}`), look(fleetRow(true, "9002"))}, true, nil, 9002},
		"tracking, but behind":   {seen, []httpxtest.Exchange{latest, behind, look(fleetRow(true, "9005"))}, true, nil, 9005},
		"behind, and no right":   {seen, []httpxtest.Exchange{latest, behind, look(fleetRow(true, "9002"))}, false, apierr.ErrAuth, 9002},
		"there already":          {seen, []httpxtest.Exchange{{Path: latestOfTest, Reply: rows(releaseRow("9002", "4.3.0", ""))}}, false, nil, 9002},
		"pinned elsewhere":       {pinned, []httpxtest.Exchange{latest, unpin(both), look(fleetRow(false, "8000"))}, false, apierr.ErrConflict, 9002},
		"the list is refused":    {pinned, []httpxtest.Exchange{{Path: latestOfTest, Reply: httpxtest.Status(401)}}, false, apierr.ErrAuth, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := clientOf(t, httpxtest.New(t, c.exchanges...)).Unpin(t.Context(), c.from)
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
			} else {
				require.NoError(t, err)
			}
			assert.Equal(t, c.changed, got.Changed)
			assert.Equal(t, c.target, got.After.Target.ID)
		})
	}
}

func TestTheFenceHoldsAPinBack(t *testing.T) {
	t.Parallel()
	var fenced []httpx.Fenced
	c := clientOf(t, httpxtest.New(t), func(cfg *balena.Config) {
		cfg.HTTP.Mode, cfg.HTTP.OnFence = httpx.DryRun, func(f httpx.Fenced) { fenced = append(fenced, f) }
	})
	_, err := c.Pin(t.Context(), seen, to, false)
	require.ErrorIs(t, err, apierr.ErrReadOnly)
	require.Len(t, fenced, 1)
	assert.Equal(t, "PATCH", fenced[0].Method)
	assert.JSONEq(t, `{"should_be_running__release":9001,"should_track_latest_release":false}`, fenced[0].Body)
	assert.Contains(t, fenced[0].URL, patched)
}

func TestAnInterruptedPinSaysThatItMayHaveArrived(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	e := patch(httpxtest.Hang())
	e.Check = func(testing.TB, httpxtest.Recorded) { cancel() }
	_, err := clientOf(t, httpxtest.New(t, e)).Pin(ctx, seen, to, false)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Contains(t, err.Error(), "interrupted after the request was sent; it may have arrived")
}

func TestACommandThatIsOutOfTimeStillLooks(t *testing.T) {
	t.Parallel()
	ctx := &due{Context: t.Context(), over: make(chan struct{})}
	e := patch(httpxtest.Hang())
	e.Check = func(testing.TB, httpxtest.Recorded) { close(ctx.over) }
	c := clientOf(t, httpxtest.New(t, e, look(fleetRow(false, "9001"))))
	got, err := c.Pin(ctx, seen, to, false)
	require.NoError(t, err)
	assert.True(t, got.Looked)
}

// due is a context whose time is up when the test says so.
type due struct {
	context.Context //nolint:containedctx // it is one
	over            chan struct{}
}

func (d *due) Done() <-chan struct{} { return d.over }

func (d *due) Err() error {
	select {
	case <-d.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}
