package balena_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/balena"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
)

// simulated is the demo's balenaCloud over TCP, under a path.
type simulated struct {
	*balena.Client
	world *simulator.World

	mu  sync.Mutex
	now time.Time
}

func simulate(t *testing.T) *simulated {
	t.Helper()
	s := &simulated{now: time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)}
	var err error
	s.world, err = simulator.Open(simulator.Options{Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }})
	require.NoError(t, err)
	srv := httptest.NewServer(http.StripPrefix("/base", s.world.Handler()))
	t.Cleanup(func() { srv.Close(); _ = s.world.Close() })
	s.Client, err = balena.New(balena.Config{HTTP: httpx.Config{BaseURL: srv.URL + "/base/balena", Retry: httpx.RetryPolicy{Max: -1}}, Token: secret.New(simulator.BalenaToken)})
	require.NoError(t, err)
	return s
}

func (s *simulated) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *simulated) patches(t *testing.T) int {
	t.Helper()
	changes, err := s.world.Changes()
	require.NoError(t, err)
	return len(changes)
}

func TestAFleetIsRolledBackAndFollowsAgain(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	ctx := t.Context()
	actor, err := s.WhoAmI(ctx)
	require.NoError(t, err)
	assert.Equal(t, "you", actor.Username)
	f, err := s.Fleet(ctx, simulator.FleetJelly)
	require.NoError(t, err)
	assert.Equal(t, simulator.BalenaFleetSlug, f.Slug)
	latest, ok, err := s.Latest(ctx, f)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, simulator.BalenaReleaseNewest, latest.RawVersion)
	assert.Equal(t, balena.Tracking, f.State(latest))
	all, err := s.Releases(ctx, f, 100)
	require.NoError(t, err)
	assert.Len(t, all, 6)
	can, err := s.TrackableReleases(ctx, f, 100)
	require.NoError(t, err)
	require.Len(t, can, 3)

	back, err := s.FindRelease(ctx, f, simulator.BalenaReleaseBefore)
	require.NoError(t, err)
	assert.Equal(t, can[1], back)
	byCommit, err := s.FindRelease(ctx, f, back.Commit[:8])
	require.NoError(t, err)
	assert.Equal(t, back, byCommit)

	done, err := s.Pin(ctx, f, back, false)
	require.NoError(t, err)
	assert.True(t, done.Changed)
	assert.Equal(t, balena.Pinned, done.After.State(latest))
	devices, err := s.Devices(ctx, f)
	require.NoError(t, err)
	r := balena.RolloutOf(devices, back.ID)
	// reef-06 had not left this release yet, and reef-04 waits offline with it.
	assert.Equal(t, balena.Rollout{Done: 2, Updating: 3, Apart: 1}, r)
	s.advance(10 * time.Second)
	devices, err = s.Devices(ctx, f)
	require.NoError(t, err)
	r = balena.RolloutOf(devices, back.ID)
	assert.Equal(t, balena.Rollout{Done: 5, Apart: 1}, r)

	_, err = s.Pin(ctx, f, back, false)
	require.NoError(t, err, "the plan saw another fleet, and it is where it was to go")
	again, err := s.Pin(ctx, done.After, back, false)
	require.NoError(t, err)
	assert.False(t, again.Changed)

	up, err := s.Unpin(ctx, done.After)
	require.NoError(t, err)
	assert.True(t, up.Changed)
	assert.Equal(t, balena.Tracking, up.After.State(latest))
	assert.Equal(t, 3, s.patches(t))
}

func TestTheFleetThatChangedSinceThePlanIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	ctx := t.Context()
	f, err := s.Fleet(ctx, simulator.BalenaFleetSlug)
	require.NoError(t, err)
	before, err := s.FindRelease(ctx, f, simulator.BalenaReleaseBefore)
	require.NoError(t, err)
	old, err := s.FindRelease(ctx, f, simulator.BalenaReleaseOld)
	require.NoError(t, err)
	_, err = s.Pin(ctx, f, old, false)
	require.NoError(t, err)
	_, err = s.Pin(ctx, f, before, false)
	require.ErrorIs(t, err, apierr.ErrConflict)
	now, err := s.Fleet(ctx, simulator.BalenaFleetSlug)
	require.NoError(t, err)
	assert.Equal(t, old.Ref(), now.Target)
	invalid, err := s.FindRelease(ctx, f, simulator.BalenaReleaseInvalid)
	require.NoError(t, err)
	_, err = s.Pin(ctx, now, invalid, false)
	require.ErrorIs(t, err, apierr.ErrGuard)
	forced, err := s.Pin(ctx, now, invalid, true)
	require.NoError(t, err)
	assert.Equal(t, invalid.ID, forced.After.Target.ID)
}

// TestAPinThatChangedTheFlagAloneIsSeen: the release is the same, and the fleet is
// not what was planned with.
func TestAPinThatChangedTheFlagAloneIsSeen(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	ctx := t.Context()
	f, err := s.Fleet(ctx, simulator.BalenaFleetSlug)
	require.NoError(t, err)
	newest, err := s.FindRelease(ctx, f, simulator.BalenaReleaseNewest)
	require.NoError(t, err)
	before, err := s.FindRelease(ctx, f, simulator.BalenaReleaseBefore)
	require.NoError(t, err)
	held, err := s.Pin(ctx, f, newest, false)
	require.NoError(t, err)
	_, err = s.Pin(ctx, f, before, false)
	require.ErrorIs(t, err, apierr.ErrConflict)
	now, err := s.Fleet(ctx, simulator.BalenaFleetSlug)
	require.NoError(t, err)
	assert.Equal(t, held.After, now)
}

// TestEachFaultChangesAFleetAtMostOnce holds, fault by fault, what the world did
// and how often it was asked.
func TestEachFaultChangesAFleetAtMostOnce(t *testing.T) {
	t.Parallel()
	for kind, c := range map[string]struct {
		fault   simulator.Fault
		err     error
		changed bool
	}{
		"reset after":  {simulator.Fault{Kind: simulator.FaultResetAfter}, nil, true},
		"status after": {simulator.Fault{Kind: simulator.FaultStatusAfter, Status: 502}, nil, true},
		"cut":          {simulator.Fault{Kind: simulator.FaultCut}, nil, true},
		"html":         {simulator.Fault{Kind: simulator.FaultHTML}, apierr.ErrAuth, false},
		"500":          {simulator.Fault{Kind: simulator.FaultStatus, Status: 500}, apierr.ErrUnavailable, false},
		"401":          {simulator.Fault{Kind: simulator.FaultStatus, Status: 401}, apierr.ErrAuth, false},
		"429":          {simulator.Fault{Kind: simulator.FaultStatus, Status: 429, RetryAfter: 2 * time.Minute}, apierr.ErrRateLimited, false},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := simulate(t)
			f, err := s.Fleet(t.Context(), simulator.BalenaFleetSlug)
			require.NoError(t, err)
			back, err := s.FindRelease(t.Context(), f, simulator.BalenaReleaseBefore)
			require.NoError(t, err)
			c.fault.Service, c.fault.Method = "balena", http.MethodPatch
			require.NoError(t, s.world.AddFault(c.fault))
			got, err := s.Pin(t.Context(), f, back, false)
			if c.err == nil {
				require.NoError(t, err)
				assert.True(t, got.Looked)
			} else {
				require.ErrorIs(t, err, c.err)
			}
			assert.Equal(t, 1, s.patches(t))
			now, err := s.Fleet(t.Context(), simulator.BalenaFleetSlug)
			require.NoError(t, err)
			assert.Equal(t, c.changed, now.Target.ID == back.ID)
		})
	}
}

func TestThePublicFleetOfTheDemoIsReadOnly(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	f, err := s.Fleet(t.Context(), simulator.BalenaPublicSlug)
	require.NoError(t, err)
	assert.False(t, f.Mine)
	latest, ok, err := s.Latest(t.Context(), f)
	require.NoError(t, err)
	assert.True(t, ok)
	f.Track = false
	_, err = s.Pin(t.Context(), balena.Fleet{ID: f.ID, Slug: f.Slug, Track: true, Target: f.Target, Mine: true}, latest, false)
	require.ErrorIs(t, err, apierr.ErrAuth, "even a client that tries gets nowhere, and knows it")
	assert.Contains(t, err.Error(), "did nothing")
}

func TestStepsOfADevice(t *testing.T) {
	t.Parallel()
	ref := func(id int64) balena.Ref { return balena.Ref{ID: id} }
	devices := []balena.Device{
		{Running: ref(1), Online: true}, {Running: ref(1)},
		{Running: ref(2), Online: true}, {Online: true},
		{Running: ref(2)},
		{Running: ref(1), PinnedTo: ref(1), Online: true},
	}
	steps := []balena.Step{}
	for _, d := range devices {
		steps = append(steps, d.Toward(1))
	}
	assert.Equal(t, []balena.Step{balena.Done, balena.Done, balena.Updating, balena.Updating, balena.Waiting, balena.Apart}, steps)
	assert.Equal(t, balena.Rollout{Done: 2, Updating: 2, Waiting: 1, Apart: 1}, balena.RolloutOf(devices, 1))
	assert.Equal(t, balena.Waiting, balena.Device{}.Toward(0), "no target is not a release that runs")
}
