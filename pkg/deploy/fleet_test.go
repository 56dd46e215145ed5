package deploy_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/balena"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
)

// fleetWorld is the demo's fleet and what works on it; waiting moves the clock.
type fleetWorld struct {
	*deploy.Deployer
	t      *testing.T
	world  *simulator.World
	client *balena.Client
	now    time.Time
	said   []string
}

func newFleetWorld(t *testing.T) *fleetWorld {
	t.Helper()
	w := &fleetWorld{t: t, now: time.Date(2026, 3, 4, 3, 18, 0, 0, time.UTC)}
	var err error
	w.world, err = simulator.Open(simulator.Options{Now: func() time.Time { return w.now }, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.world.Close() })
	w.now = w.now.Add(2 * time.Minute) // the device that was late is there
	wait := func(ctx context.Context, d time.Duration) error { w.now = w.now.Add(d); return ctx.Err() }
	w.client, err = balena.New(balena.Config{HTTP: httpx.Config{BaseURL: simulator.BaseURL + "/balena", Transport: w.world.Transport(), Sleep: wait}, Token: secret.New(simulator.BalenaToken)})
	require.NoError(t, err)
	w.Deployer = &deploy.Deployer{Component: deploy.Component{Key: "jellyfish", Name: "jellyfish", Environment: "production", Backend: deploy.BackendFleet, Fleet: simulator.BalenaFleetSlug},
		Fleet: w.client, Now: func() time.Time { return w.now }, Wait: wait, Poll: time.Second}
	return w
}

func (w *fleetWorld) tell(e deploy.Event) { w.said = append(w.said, e.State+": "+e.Detail) }

func (w *fleetWorld) patches() int {
	w.t.Helper()
	all, err := w.world.Changes()
	require.NoError(w.t, err)
	return len(all)
}

// plan is one that must be made.
func (w *fleetWorld) plan(want deploy.Want) *deploy.Plan {
	w.t.Helper()
	p, err := w.Plan(w.t.Context(), want)
	require.NoError(w.t, err)
	return p
}

// do plans and acts.
func (w *fleetWorld) do(want deploy.Want) (*deploy.Plan, *deploy.Trip) {
	w.t.Helper()
	p := w.plan(want)
	require.Empty(w.t, p.Nothing)
	trip, err := w.Act(w.t.Context(), want, p, w.tell)
	require.NoError(w.t, err)
	return p, trip
}

func answers(facts []deploy.Fact) string {
	words := []string{}
	for _, f := range facts {
		words = append(words, f.Name+"="+string(f.Answer))
	}
	return strings.Join(words, " ")
}

const (
	oldest, before, latest = simulator.BalenaReleaseOld, simulator.BalenaReleaseBefore, simulator.BalenaReleaseNewest
)

var back = deploy.Want{Rollback: true}

func TestAFleetIsRolledBack(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	p, trip := w.do(back)
	assert.Equal(t, latest, p.From)
	assert.Equal(t, before, p.To)
	assert.Equal(t, deploy.BackendFleet, p.Backend)
	assert.Equal(t, []string{
		"jellyfish  2.14.0+rev1 -> 2.14.0   (built 3d ago)   production, balena fleet balena-demo/jellyfish",
		"4 devices that are online update now; 1 runs it already; 1 pinned by itself stays as it is",
		"it stays pinned there, and new releases do not move it, until: oncall deploy unpin jellyfish",
	}, p.Effects)
	assert.Equal(t, []string{"now: following the newest release"}, p.Evidence)
	assert.Equal(t, before, trip.To)
	assert.False(t, trip.Looked)
	b, err := w.Finish(t.Context(), trip, w.tell)
	require.NoError(t, err)
	assert.Equal(t, jenkins.Success, b.Result)

	s, err := w.Look(t.Context())
	require.NoError(t, err)
	assert.Equal(t, before, s.Current())
	assert.Equal(t, "pinned to 2.14.0; the newest is 2.14.0+rev1", s.Fleet.Words())
	assert.Empty(t, s.Runs, "when it was pinned is not known")
	facts := w.Facts(t.Context(), s, before)
	assert.Equal(t, "declared=yes applied=yes running=no verified=unknown", answers(facts))
	assert.Equal(t, "2.14.0+rev1 in 4 of 4 online, 2.14.0 in 0 of 4 online; 1 offline; 1 pinned by itself", facts[2].Evidence)
	assert.Equal(t, latest, facts[2].Version)

	facts, err = w.Settle(t.Context(), before, time.Time{}, w.tell)
	require.NoError(t, err)
	assert.Equal(t, "declared=yes applied=yes running=yes verified=unknown", answers(facts))
	assert.Equal(t, "2.14.0 in 4 of 4 online; 1 offline; 1 pinned by itself", facts[2].Evidence)
	assert.Contains(t, w.said, "sent: pinned to 2.14.0")
	assert.Equal(t, 1, w.patches())
}

func TestTheSameLineAgainGoesNoFurtherBack(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	w.do(back)
	p := w.plan(back)
	assert.Equal(t, "already rolled back 2.14.0+rev1 -> 2.14.0; further back: --to 2.13.4", p.Nothing)
	assert.Equal(t, before, p.To)
	assert.Equal(t, before, p.From)
	p = w.plan(deploy.Want{Rollback: true, To: before})
	assert.Equal(t, "already at 2.14.0, and pinned there: nothing to do", p.Nothing)

	p, _ = w.do(deploy.Want{Rollback: true, To: oldest})
	assert.Equal(t, oldest, p.To)
	p = w.plan(back)
	assert.Equal(t, "already rolled back 2.14.0+rev1 -> 2.13.4", p.Nothing)
	// Deployed anew, there is something to go back from again.
	w.do(deploy.Want{To: latest})
	p = w.plan(back)
	assert.Empty(t, p.Nothing)
	assert.Equal(t, before, p.To)
	assert.Equal(t, []string{"now: pinned to 2.14.0+rev1"}, p.Evidence)
	assert.Equal(t, 3, w.patches())
}

func TestReleasesInBetweenThatNobodyShouldRun(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	w.do(deploy.Want{To: before})
	w.do(deploy.Want{To: latest})
	s, err := w.Look(t.Context())
	require.NoError(t, err)
	r, err := w.client.FindRelease(t.Context(), s.Fleet.Fleet, before)
	require.NoError(t, err)
	// It went bad after it was deployed: the release before it is the one to go to.
	w.Deployer.Fleet = invalidated{w.client, r.ID}
	p := w.plan(back)
	assert.Equal(t, oldest, p.To)
	assert.Equal(t, []deploy.Skip{{Version: before, Why: "it was invalidated"}, {Version: simulator.BalenaReleaseInvalid, Why: "it was invalidated"}}, p.Skipped)
	assert.Contains(t, p.Evidence, "2.14.0 is passed over: it was invalidated")

	// And when it is what runs, the way back still leads to the one before.
	w.Deployer.Fleet = w.client
	w.do(deploy.Want{To: before})
	w.Deployer.Fleet = bothInvalid{w.client}
	p = w.plan(back)
	assert.Equal(t, oldest, p.To)

	// Pinned to one that went bad since: it has gone back already, and further back
	// is what is older, not what is newer.
	w.Deployer.Fleet = invalidated{w.client, s.Fleet.Releases[1].ID}
	p = w.plan(back)
	assert.Equal(t, "already rolled back 2.14.0+rev1 -> 2.14.0; further back: --to 2.13.4", p.Nothing)
}

// invalidated is the API after somebody took a release out of use.
type invalidated struct {
	*balena.Client
	id int64
}

func (i invalidated) TrackableReleases(ctx context.Context, f balena.Fleet, most int) ([]balena.Release, error) {
	all, err := i.Releases(ctx, f, most)
	out := []balena.Release{}
	for _, r := range all {
		if r.Trackable() {
			out = append(out, r)
		}
	}
	return out, err
}

func (i invalidated) Releases(ctx context.Context, f balena.Fleet, most int) ([]balena.Release, error) {
	all, err := i.Client.Releases(ctx, f, most)
	for n := range all {
		all[n].Invalid = all[n].Invalid || all[n].ID == i.id
	}
	return all, err
}

// bothInvalid is the API when all but the oldest release were taken out of use.
type bothInvalid struct{ *balena.Client }

func (b bothInvalid) TrackableReleases(ctx context.Context, f balena.Fleet, most int) ([]balena.Release, error) {
	all, err := b.Client.TrackableReleases(ctx, f, most)
	return all[len(all)-1:], err
}

func TestUnpin(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	unpin := deploy.Want{Unpin: true}
	assert.Equal(t, "unpin", unpin.Verb())
	p := w.plan(unpin)
	assert.Equal(t, "already follows the newest release, at 2.14.0+rev1: nothing to do", p.Nothing)
	w.do(deploy.Want{Rollback: true, To: oldest})
	p, trip := w.do(unpin)
	assert.Equal(t, oldest, p.From)
	assert.Equal(t, latest, p.To)
	assert.Equal(t, latest, trip.To)
	assert.Equal(t, "jellyfish  2.13.4 -> 2.14.0+rev1   production, balena fleet balena-demo/jellyfish", p.Effects[0])
	assert.Equal(t, "from then on every new release goes out by itself", p.Effects[2])
	assert.Equal(t, []string{"now: pinned to 2.13.4; the newest is 2.14.0+rev1"}, p.Evidence)
	s, err := w.Look(t.Context())
	require.NoError(t, err)
	assert.Equal(t, balena.Tracking, s.Fleet.State())
	require.Len(t, s.Runs, 1)
	assert.Equal(t, "secondary", s.Runs[0].By)
	facts, err := w.Settle(t.Context(), latest, time.Time{}, w.tell)
	require.NoError(t, err)
	assert.Equal(t, "declared=yes applied=yes running=yes verified=unknown", answers(facts))
	assert.Equal(t, 2, w.patches())

	// Pinned at the newest is still pinned.
	w.do(deploy.Want{To: before})
	w.do(deploy.Want{To: latest})
	p = w.plan(unpin)
	assert.Empty(t, p.Nothing)

	job := &deploy.Deployer{Component: deploy.Component{Key: "api", Backend: deploy.BackendJenkins}}
	_, err = job.Plan(t.Context(), unpin)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.Contains(t, err.Error(), "api is not a fleet, and its job has no parameter that holds it")
}

func TestAFleetIsHeldWhereItIs(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	p := w.plan(deploy.Want{To: latest})
	assert.Equal(t, "already at 2.14.0+rev1: nothing to do; it is following the newest release, and --hold pins it there", p.Nothing)
	hold := deploy.Want{To: latest, Hold: true}
	w.do(hold)
	s, err := w.Look(t.Context())
	require.NoError(t, err)
	assert.Equal(t, balena.Pinned, s.Fleet.State())
	assert.Contains(t, w.plan(hold).Nothing, "pinned there")
}

func TestWhatAFleetRefuses(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	for to, c := range map[string]struct {
		kind error
		says string
	}{
		simulator.BalenaReleaseInvalid: {apierr.ErrGuard, "2.13.5 is no release to run: it was invalidated"},
		simulator.BalenaReleaseFailed:  {apierr.ErrGuard, "2.14.1 is no release to run: its build did not succeed (failed)"},
		"2.15.0":                       {apierr.ErrGuard, "it is a draft"},
		"9.9.9":                        {apierr.ErrNotFound, "the fleet has no such release"},
		">=2.0.0":                      {apierr.ErrUsage, "is a range"},
		"newest":                       {apierr.ErrUsage, "neither a version"},
	} {
		_, err := w.Plan(t.Context(), deploy.Want{To: to})
		require.ErrorIs(t, err, c.kind, to)
		assert.Contains(t, err.Error(), c.says)
	}
	for slug, c := range map[string]struct {
		kind error
		says string
	}{
		simulator.BalenaPublicSlug: {apierr.ErrAuth, "a public fleet of another organisation"},
		"acme/jellyfish":           {apierr.ErrNotFound, "no such fleet, or the token may not see it"},
	} {
		w.Component.Fleet = slug
		_, err := w.Plan(t.Context(), back)
		require.ErrorIs(t, err, c.kind, slug)
		assert.Contains(t, err.Error(), c.says)
	}
	assert.Zero(t, w.patches())
}

// meddled is the API with somebody else at work: at the nth look something is
// done first.
type meddled struct {
	*balena.Client
	looks *int
	at    int
	do    func()
}

func (m meddled) Fleet(ctx context.Context, ref string) (balena.Fleet, error) {
	if *m.looks++; *m.looks == m.at {
		m.do()
	}
	return m.Client.Fleet(ctx, ref)
}

// set changes the demo's fleet as somebody else would.
func (w *fleetWorld) set(body string) {
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPatch, simulator.BaseURL+"/balena/v7/application(1664001)", strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer "+simulator.BalenaToken)
	res, err := w.world.Transport().RoundTrip(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	require.Equal(w.t, 200, res.StatusCode)
}

func TestAFleetThatMovedBetweenPlanAndActIsLeftAlone(t *testing.T) {
	t.Parallel()
	for body, says := range map[string]string{
		`{"should_be_running__release":2801002}`:                                     "jellyfish is at 2.13.4 now, not at 2.14.0+rev1",
		`{"should_track_latest_release":false}`:                                      "it is now pinned to 2.14.0+rev1",
		`{"should_be_running__release":2801004,"should_track_latest_release":false}`: "jellyfish is at 2.14.0 now",
		`{"should_be_running__release":null,"should_track_latest_release":false}`:    "jellyfish is at no release now, not at 2.14.0+rev1",
	} {
		w := newFleetWorld(t)
		looks := 0
		w.Deployer.Fleet = meddled{w.client, &looks, 2, func() { w.set(body) }}
		p := w.plan(back)
		_, err := w.Act(t.Context(), back, p, w.tell)
		require.ErrorIs(t, err, apierr.ErrConflict)
		assert.Contains(t, err.Error(), says)
		assert.Equal(t, 1, w.patches(), "only the other's")
	}
}

// shrinking is a fleet whose second newest release is taken back after the first look.
type shrinking struct {
	deploy.FleetAPI
	looks *int
}

func (s shrinking) TrackableReleases(ctx context.Context, f balena.Fleet, most int) ([]balena.Release, error) {
	all, err := s.FleetAPI.TrackableReleases(ctx, f, most)
	if *s.looks++; *s.looks > 1 && len(all) > 1 {
		all = append(all[:1:1], all[2:]...)
	}
	return all, err
}

// TestAReleaseThatIsTakenBackBetweenPlanAndAct: the fleet stands where it stood, and
// previous is another one than was confirmed.
func TestAReleaseThatIsTakenBackBetweenPlanAndAct(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	w.Deployer.Fleet = shrinking{w.client, new(int)}
	p := w.plan(back)
	require.Equal(t, before, p.To)
	_, err := w.Act(t.Context(), back, p, w.tell)
	require.ErrorIs(t, err, apierr.ErrConflict)
	assert.Contains(t, err.Error(), "the target is "+oldest+" now, not "+before)
	assert.Zero(t, w.patches())
}

func TestAPinWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	require.NoError(t, w.world.AddFault(simulator.Fault{Service: "balena", Method: http.MethodPatch, Kind: simulator.FaultResetAfter}))
	_, trip := w.do(back)
	assert.True(t, trip.Looked)
	assert.Contains(t, w.said, "sent: pinned to 2.14.0 (the answer was lost; the fleet shows that it arrived)")
	assert.Equal(t, 1, w.patches())

	w = newFleetWorld(t)
	require.NoError(t, w.world.AddFault(simulator.Fault{Service: "balena", Method: http.MethodPatch, Kind: simulator.FaultResetBefore}))
	_, err := w.Act(t.Context(), back, w.plan(back), w.tell)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Equal(t, "see where the fleet stands before you do it again: oncall deploy status jellyfish", apierr.HintOf(err))
	assert.Equal(t, 1, w.patches())
}

func TestSettleOfAFleet(t *testing.T) {
	t.Parallel()
	t.Run("somebody sends it elsewhere", func(t *testing.T) {
		t.Parallel()
		w := newFleetWorld(t)
		w.do(back)
		looks := 0
		w.Deployer.Fleet = meddled{w.client, &looks, 3, func() { w.set(`{"should_be_running__release":2801002}`) }}
		facts, err := w.Settle(t.Context(), before, time.Time{}, w.tell)
		require.ErrorIs(t, err, apierr.ErrConflict)
		assert.Contains(t, err.Error(), "the fleet was sent to 2.13.4 meanwhile; 2.14.0 is no longer waited for")
		assert.Len(t, facts, 4)
	})
	t.Run("an answer that is missing for a while", func(t *testing.T) {
		t.Parallel()
		w := newFleetWorld(t)
		w.do(back)
		require.NoError(t, w.world.AddFault(simulator.Fault{Service: "balena", PathGlob: "/v7/device", Kind: simulator.FaultStatus, Status: 500, Times: 2}))
		facts, err := w.Settle(t.Context(), before, time.Time{}, w.tell)
		require.NoError(t, err)
		assert.Equal(t, "declared=yes applied=yes running=yes verified=unknown", answers(facts))
	})
	t.Run("nobody is online", func(t *testing.T) {
		t.Parallel()
		w := newFleetWorld(t)
		w.Deployer.Fleet = asleep{w.client}
		begin := w.now
		facts, err := w.Settle(t.Context(), latest, time.Time{}, w.tell)
		require.NoError(t, err)
		assert.Equal(t, "declared=yes applied=unknown running=unknown verified=unknown", answers(facts))
		assert.Equal(t, begin, w.now, "nobody is waited for")
		assert.Equal(t, "no device is online; 5 offline; 1 pinned by itself", facts[2].Evidence)
		assert.Equal(t, "0 devices that are online update now; 4 offline follow when back; 1 runs it already; 1 pinned by itself stays as it is", w.plan(back).Effects[1])
	})
	t.Run("the devices are hidden", func(t *testing.T) {
		t.Parallel()
		w := newFleetWorld(t)
		require.NoError(t, w.world.AddFault(simulator.Fault{Service: "balena", PathGlob: "/v7/device", Kind: simulator.FaultStatus, Status: 401}))
		p := w.plan(back)
		assert.Contains(t, p.Evidence[1], "devices: not known (balena: list devices of balena-demo/jellyfish: the token was refused")
		assert.Len(t, p.Effects, 2)
		s, err := w.Look(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "declared=yes applied=unknown running=unknown verified=unknown", answers(w.Facts(t.Context(), s, latest)))
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		w := newFleetWorld(t)
		w.do(back)
		ctx, cancel := context.WithCancel(t.Context())
		w.Wait = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
		_, err := w.Settle(ctx, before, time.Time{}, w.tell)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// asleep is the API when no device is online.
type asleep struct{ *balena.Client }

func (a asleep) Devices(ctx context.Context, f balena.Fleet) ([]balena.Device, error) {
	all, err := a.Client.Devices(ctx, f)
	for i := range all {
		all[i].Online = false
	}
	return all, err
}
