package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/balena"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
)

// controller is a Jenkins that answers what a test wrote down.
type controller struct {
	deploy.Jenkins
	// after are the answers to the looks that follow the start; the last one stays.
	after  []jenkins.Activity
	before []jenkins.Activity // of the plans; nil: one successful build of long ago
	broken error              // of the looks after the start
	began  jenkins.Started
	lost   error // of the start
	items  []jenkins.QueueItem
	noItem error
	refuse error // of the cancellation

	nobody  bool // no user is set
	unsaved bool

	starts, cancels, looks, waits int
}

const ours = 11

func (c *controller) Job(context.Context, jenkins.JobName) (jenkins.Job, error) {
	return jenkins.Job{Buildable: !c.unsaved, Parameters: []jenkins.Definition{{Name: "COMPONENT", HasDefault: true}, {Name: "VERSION", HasDefault: true}, {Name: "HOLD", HasDefault: true},
		{Name: "DRY_RUN", HasDefault: true, Default: "false"}, {Name: "TOKEN", HasDefault: true, Default: "x"}}}, nil
}

func (c *controller) Activity(context.Context, jenkins.JobName, int) (jenkins.Activity, error) {
	if c.starts == 0 && len(c.before) > 0 {
		a := c.before[0]
		c.before = c.before[min(1, len(c.before)-1):]
		return a, nil
	}
	if c.starts == 0 {
		return jenkins.Activity{Builds: []jenkins.Build{ran(881, 5, "17.5.0", "SUCCESS")}}, nil
	}
	a := c.after[min(c.looks, len(c.after)-1)]
	c.looks++
	return a, c.broken
}

func (c *controller) Start(context.Context, jenkins.Job, []jenkins.Parameter, jenkins.StartOptions) (jenkins.Started, error) {
	c.starts++
	return c.began, c.lost
}

func (c *controller) FindStarted(context.Context, jenkins.JobName, jenkins.Started, time.Duration) (jenkins.Found, bool, error) {
	return jenkins.Found{QueueID: ours}, true, nil
}

func (c *controller) QueueItem(context.Context, int64) (jenkins.QueueItem, error) {
	if c.noItem != nil {
		return jenkins.QueueItem{}, c.noItem
	}
	q := c.items[0]
	if len(c.items) > 1 {
		c.items = c.items[1:]
	}
	return q, nil
}

func (c *controller) Cancel(_ context.Context, id int64) error {
	if c.cancels++; id != ours {
		return fmt.Errorf("item %d is another's", id)
	}
	return c.refuse
}

func (c *controller) WaitEnd(_ context.Context, _ jenkins.JobName, number int, _ func(jenkins.Build)) (jenkins.Build, error) {
	return jenkins.Build{Number: number, Result: jenkins.Success}, nil
}

func (c *controller) User() string {
	if c.nobody {
		return ""
	}
	return "you"
}

func (c *controller) JobURL(jenkins.JobName) string                 { return "http://ci.test/job/Deploy/" }
func (c *controller) BuildURL(_ jenkins.JobName, number int) string { return fmt.Sprint("#", number) }

func given(version string) []jenkins.Parameter {
	return []jenkins.Parameter{{Name: "COMPONENT", Value: "api"}, {Name: "VERSION", Value: version}}
}

func ran(number int, item int64, version string, result jenkins.Result) jenkins.Build {
	return jenkins.Build{Number: number, QueueID: item, Building: result == "", Result: result, Parameters: given(version),
		Causes: []jenkins.Cause{{UserID: "manager"}}, URL: fmt.Sprintf("http://ci.test/job/Deploy/%d/", number)}
}

func waits(item int64, version string) jenkins.QueueItem {
	return jenkins.QueueItem{ID: item, State: jenkins.QueueBlocked, Parameters: given(version), Causes: []jenkins.Cause{{UserID: "manager"}}}
}

// TestGivingWay is every way in which another start of the same moment may stand
// when ours has its number.
func TestGivingWay(t *testing.T) {
	t.Parallel()
	mine := waits(ours, "17.4.1")
	queue := func(q ...jenkins.QueueItem) []jenkins.Activity { return []jenkins.Activity{{Waiting: q}} }
	builds := func(b ...jenkins.Build) []jenkins.Activity {
		return []jenkins.Activity{{Waiting: []jenkins.QueueItem{mine}, Builds: b}}
	}
	is := func(s jenkins.QueueState, build int) jenkins.QueueItem {
		return jenkins.QueueItem{ID: ours, State: s, Build: build}
	}
	cancelled := []jenkins.QueueItem{is(jenkins.QueueCancelled, 0)}
	gone := apierr.New(apierr.ErrNotFound, "jenkins", "queue item", "no such item")
	unknown := apierr.New(apierr.ErrUnknownOutcome, "jenkins", "cancel", "the answer was lost")
	away := apierr.New(apierr.ErrUnavailable, "jenkins", "queue", "away")
	first := queue(waits(10, "17.6.0"), mine)
	other := waits(10, "17.6.0")
	other.Parameters[0].Value = "builder"
	held := waits(10, "17.4.1")
	held.Parameters = append(held.Parameters, jenkins.Parameter{Name: "HOLD", Value: "true"})
	for name, c := range map[string]struct {
		controller
		want  deploy.Want
		kind  error  // of the error; nil: ours stays
		says  string // by the error or by Trip.Beside; "": neither
		hint  string
		taken int // how often ours was taken out
		build int
	}{
		"nobody else":                   {controller: controller{after: queue(mine)}},
		"another waits before":          {controller: controller{after: first, items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "queue item 10 (17.6.0, by manager) was started first, at the same moment; ours (queue item 11) was taken out of the queue, and nothing was deployed", hint: "oncall deploy watch --component api follows it (http://ci.test/job/Deploy/); --wait-for-running queues behind it"},
		"another runs":                  {controller: controller{after: builds(ran(882, 10, "17.6.0", "")), items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "#882 (17.6.0, by manager) was started first", hint: "oncall deploy watch 882 follows it (http://ci.test/job/Deploy/882/); --wait-for-running"},
		"another is through":            {controller: controller{after: builds(ran(882, 10, "17.6.0", "SUCCESS")), items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "#882 (17.6.0, by manager) was started first"},
		"another failed":                {controller: controller{after: builds(ran(882, 10, "17.6.0", "FAILURE"))}},
		"another was known":             {controller: controller{after: builds(ran(881, 5, "17.5.0", "SUCCESS"))}},
		"another comes after":           {controller: controller{after: queue(mine, waits(12, "17.6.0"))}},
		"another without a number":      {controller: controller{after: builds(ran(882, -1, "17.6.0", ""))}},
		"another with the number 0":     {controller: controller{after: builds(ran(882, 0, "17.6.0", ""))}},
		"another component":             {controller: controller{after: queue(other, mine)}},
		"the same version":              {controller: controller{after: queue(waits(10, "17.4.1"), mine)}},
		"the same version, held":        {controller: controller{after: queue(held, mine), items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "queue item 10 (17.4.1, by manager) was started first"},
		"the first of two":              {controller: controller{after: queue(waits(10, "17.6.0"), waits(9, "17.7.0"), mine), items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "queue item 9 (17.7.0, by manager) was started first"},
		"between the queue and a build": {controller: controller{after: []jenkins.Activity{{Waiting: []jenkins.QueueItem{mine}}, builds(ran(882, 10, "17.6.0", ""))[0]}, items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "#882 (17.6.0, by manager) was started first"},
		"who wants to queue":            {controller: controller{after: first}, want: deploy.Want{Behind: true}},
		"folded into what waits":        {controller: controller{after: first, began: jenkins.Started{QueueID: ours, Folded: true}}},
		"found after a lost answer":     {controller: controller{after: first, items: cancelled, lost: unknown}, kind: apierr.ErrGuard, taken: 1, says: "nothing was deployed"},
		"the look fails":                {controller: controller{after: first, broken: away}},
		"ours runs, and the other too":  {controller: controller{after: []jenkins.Activity{{Builds: []jenkins.Build{ran(883, ours, "17.4.1", ""), ran(882, 10, "17.6.0", "")}}}}, build: 883, says: "#882 (17.6.0, by manager) was started first, at the same moment, and ours (#883) is a build already: both go on, and the one that writes last stays", hint: "oncall deploy watch 882 follows it (http://ci.test/job/Deploy/882/); when both are through: oncall deploy status api"},
		"ours runs, the other ran":      {controller: controller{after: []jenkins.Activity{{Builds: []jenkins.Build{ran(883, ours, "17.4.1", ""), ran(882, 10, "17.6.0", "SUCCESS")}}}}, build: 883, says: "and ours (#883) is a build already: it is through, and ours writes over it"},
		"it began meanwhile":            {controller: controller{after: first, refuse: gone, items: []jenkins.QueueItem{is(jenkins.QueueLeaving, 0), is(jenkins.QueueStarted, 883)}}, taken: 1, build: 883, says: "and ours (#883) is a build already"},
		"somebody else took it out":     {controller: controller{after: first, refuse: gone, items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "was started first"},
		"no right to take it out":       {controller: controller{after: first, refuse: apierr.New(apierr.ErrAuth, "jenkins", "cancel queue item 11", "refused"), items: []jenkins.QueueItem{mine}}, taken: 1, says: "and ours (queue item 11) could not be taken out of the queue: jenkins: cancel queue item 11: refused: both go on"},
		"taken, and it waits on":        {controller: controller{after: first, items: []jenkins.QueueItem{mine}}, taken: 1, says: "could not be taken out of the queue: it waits on all the same"},
		"taken out late":                {controller: controller{after: first, items: []jenkins.QueueItem{mine, mine, is(jenkins.QueueCancelled, 0)}}, kind: apierr.ErrGuard, taken: 1, says: "nothing was deployed"},
		"the answer is lost, done":      {controller: controller{after: first, refuse: unknown, items: cancelled}, kind: apierr.ErrGuard, taken: 1, says: "nothing was deployed"},
		"the answer is lost, not done":  {controller: controller{after: first, refuse: unknown, items: []jenkins.QueueItem{mine}}, taken: 1, says: "could not be taken out of the queue: it waits on all the same"},
		"taken out, and forgotten":      {controller: controller{after: first, noItem: gone}, kind: apierr.ErrGuard, taken: 1, says: "nothing was deployed"},
		"it began, and is forgotten":    {controller: controller{after: []jenkins.Activity{first[0], {Builds: []jenkins.Build{ran(883, ours, "17.4.1", ""), ran(882, 10, "17.6.0", "")}}}, refuse: gone, noItem: gone}, taken: 1, build: 883, says: "is a build already"},
		"forgotten, and nobody knows":   {controller: controller{after: first, refuse: gone, noItem: gone}, kind: apierr.ErrUnknownOutcome, taken: 1, says: "whether ours (queue item 11) could be taken out of the queue is not known", hint: "see what is under way: oncall deploy watch --component api"},
		"Jenkins goes away":             {controller: controller{after: first, refuse: unknown, noItem: away}, kind: apierr.ErrUnknownOutcome, taken: 1, says: "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.began.QueueID == 0 {
				c.began.QueueID = ours
			}
			d := newDeployer(&c.controller, func(ctx context.Context, _ time.Duration) error { c.waits++; return ctx.Err() })
			var said []string
			tell := func(e deploy.Event) { said = append(said, e.State+": "+e.Detail) }
			c.want.To = "17.4.1"
			p, err := d.Plan(t.Context(), c.want)
			require.NoError(t, err)
			trip, err := d.Act(t.Context(), c.want, p, tell)
			assert.Equal(t, 1, c.starts)
			assert.Equal(t, c.taken, c.cancels)
			assert.LessOrEqual(t, c.waits, 10)
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
				require.ErrorContains(t, err, c.says)
				assert.Contains(t, apierr.HintOf(err), c.hint)
				return
			}
			require.NoError(t, err)
			assert.EqualValues(t, ours, trip.QueueID)
			assert.Equal(t, c.build, trip.Build)
			assert.Equal(t, c.broken != nil, strings.Contains(strings.Join(said, "\n"), "unsure: whether another deployment was started at the same moment could not be seen: jenkins: queue: away"), said)
			if c.says == "" {
				require.NoError(t, trip.Beside)
				return
			}
			require.ErrorContains(t, trip.Beside, c.says)
			assert.Contains(t, apierr.HintOf(trip.Beside), c.hint)
		})
	}
}

// TestInterruptedWhileGivingWay: Ctrl-C in a look leaves a deployment that is
// followed; after the request that takes it out it is not known what became of it.
func TestInterruptedWhileGivingWay(t *testing.T) {
	t.Parallel()
	mine := waits(ours, "17.4.1")
	for name, waiting := range map[string][]jenkins.QueueItem{
		"between two looks":     {mine},
		"while it is read back": {waits(10, "17.6.0"), mine},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &controller{after: []jenkins.Activity{{Waiting: waiting}}, items: []jenkins.QueueItem{mine}, began: jenkins.Started{QueueID: ours}}
			ctx, cancel := context.WithCancel(t.Context())
			d := newDeployer(c, func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() })
			want := deploy.Want{To: "17.4.1"}
			p, err := d.Plan(ctx, want)
			require.NoError(t, err)
			trip, err := d.Act(ctx, want, p, func(deploy.Event) {})
			if len(waiting) == 2 {
				require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
				require.ErrorIs(t, err, context.Canceled)
				assert.Equal(t, 1, c.cancels)
				return
			}
			require.NoError(t, err)
			assert.EqualValues(t, ours, trip.QueueID)
			assert.Zero(t, c.cancels)
		})
	}
}

// TestWhatWasThereAfterAWait: what is undone is what the other deployment put there.
func TestWhatWasThereAfterAWait(t *testing.T) {
	t.Parallel()
	was := ran(881, 5, "17.5.0", "SUCCESS")
	c := &controller{began: jenkins.Started{QueueID: ours}, before: []jenkins.Activity{{Builds: []jenkins.Build{ran(882, 10, "17.6.0", ""), was}}, {Builds: []jenkins.Build{ran(882, 10, "17.6.0", "SUCCESS"), was}}}}
	d := newDeployer(c, func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	want := deploy.Want{To: "17.4.1", Behind: true}
	p, err := d.Plan(t.Context(), want)
	require.NoError(t, err)
	assert.Equal(t, "17.5.0", p.From)
	_, err = d.Act(t.Context(), want, p, func(deploy.Event) {})
	require.NoError(t, err)
	assert.Equal(t, "17.6.0", p.From)
	assert.Equal(t, 1, c.starts)
}

// ending is a deployment that ends, its commit pushed, after the first of all reads.
type ending struct {
	deploy.Jenkins
	deploy.Repository

	mu   sync.Mutex
	read bool
}

func (e *ending) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := e.read
	e.read = true
	return was
}

func (e *ending) Job(context.Context, jenkins.JobName) (jenkins.Job, error) {
	return (&controller{}).Job(context.Background(), nil)
}

func (e *ending) Activity(context.Context, jenkins.JobName, int) (jenkins.Activity, error) {
	return jenkins.Activity{Builds: []jenkins.Build{ran(882, 10, "17.6.0", map[bool]jenkins.Result{true: "SUCCESS"}[e.over()])}}, nil
}

func (e *ending) User() string { return "you" }

func (e *ending) Refresh(context.Context) (gitops.Snapshot, error) {
	return gitops.Snapshot{Commit: map[bool]string{true: "17.6.0", false: "17.5.0"}[e.over()]}, nil
}

func (e *ending) Declared(_ context.Context, commit string, _ gitops.Location) (gitops.Declared, error) {
	return gitops.Declared{Value: gitops.Value{Version: commit}}, nil
}

func (e *ending) History(context.Context, gitops.Snapshot, gitops.Location, int) (gitops.History, error) {
	return gitops.History{}, nil
}

// TestADeploymentThatEndsWhileItIsLooked is under way, or its version is there; never
// neither.
func TestADeploymentThatEndsWhileItIsLooked(t *testing.T) {
	t.Parallel()
	e := &ending{}
	d := newDeployer(e, nil)
	d.Repo, d.Component.Where = e, &gitops.Location{File: "api.yaml"}
	s, err := d.Look(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "17.6.0", s.Current())
	assert.Len(t, s.Ongoing, 1)
	_, err = d.Plan(t.Context(), deploy.Want{To: "17.4.1"})
	require.NoError(t, err, "it is over by now")
}

func newDeployer(j deploy.Jenkins, wait func(context.Context, time.Duration) error) *deploy.Deployer {
	return &deploy.Deployer{Component: deploy.Component{Key: "api", Name: "api", Backend: deploy.BackendJenkins, ComponentParam: "COMPONENT", VersionParam: "VERSION", HoldParam: "HOLD"},
		Jenkins: j, Now: time.Now, Wait: wait, Poll: time.Second}
}

// barrier holds each change until all of a round are there.
type barrier struct {
	next http.RoundTripper

	mu      sync.Mutex
	missing int
	open    chan struct{}
	cancels int
}

func (b *barrier) round(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.missing, b.open, b.cancels = n, make(chan struct{}), 0
}

func (b *barrier) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		b.mu.Lock()
		open := b.open
		if strings.HasSuffix(r.URL.Path, "/cancelItem") {
			b.cancels++
		} else if b.missing--; b.missing == 0 {
			close(b.open)
		}
		b.mu.Unlock()
		if !strings.HasSuffix(r.URL.Path, "/cancelItem") {
			<-open
		}
	}
	return b.next.RoundTrip(r)
}

// TestRacing: of several that start different versions at the same instant, all
// with plans that saw nothing, the one that Jenkins queued first stays and all
// others go back, round after round.
func TestRacing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Date(2026, 3, 4, 3, 18, 0, 0, time.UTC)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	wait := func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
		return ctx.Err()
	}
	w, err := simulator.Open(simulator.Options{Now: clock, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	require.NoError(t, w.SetJenkins(simulator.JenkinsQuirks{QueueHolds: true}))
	gate := &barrier{next: w.Transport()}
	client, err := jenkins.New(jenkins.Config{HTTP: httpx.Config{BaseURL: simulator.BaseURL + "/jenkins", Transport: gate, Now: clock, Sleep: wait},
		User: simulator.JenkinsUser, Token: secret.New(simulator.JenkinsToken)})
	require.NoError(t, err)
	for round := range 12 {
		n := 2 + round%3
		gate.round(n)
		type end struct {
			trip *deploy.Trip
			err  error
		}
		ends := make([]end, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				d := newDeployer(client, wait)
				d.Component.Job, d.Component.HoldParam, d.Now = jenkins.JobName{simulator.JobDeploy}, "", clock
				want := deploy.Want{To: fmt.Sprintf("17.%d.0", i)}
				p, err := d.Plan(t.Context(), want)
				if err != nil {
					ends[i].err = errors.Join(err, errors.New("the plan saw another"))
					return
				}
				ends[i].trip, ends[i].err = d.Act(t.Context(), want, p, func(deploy.Event) {})
			})
		}
		wg.Wait()
		a, err := client.Activity(t.Context(), jenkins.JobName{simulator.JobDeploy}, 1)
		require.NoError(t, err)
		require.Len(t, a.Waiting, 1)
		stayed := 0
		for i, x := range ends {
			if x.err == nil {
				stayed++
				assert.Equal(t, a.Waiting[0].ID, x.trip.QueueID)
				require.NoError(t, x.trip.Beside)
				assert.Contains(t, a.Waiting[0].Parameters, jenkins.Parameter{Name: "VERSION", Value: fmt.Sprintf("17.%d.0", i)})
				continue
			}
			require.ErrorIs(t, x.err, apierr.ErrGuard)
			assert.Regexp(t, `queue item \d+ \(17\.\d\.0, by you\) was started first`, x.err.Error())
		}
		assert.Equal(t, 1, stayed, "round %d: %+v", round, ends)
		assert.Equal(t, n-1, gate.cancels)
		assert.Equal(t, 1, w.CancelJenkinsQueue())
	}
}

// TestRacingForAFleet: the first change of the fleet makes all others void, also
// the one that keeps the release and pins it there.
func TestRacingForAFleet(t *testing.T) {
	t.Parallel()
	w := newFleetWorld(t)
	gate := &barrier{next: w.world.Transport()}
	client, err := balena.New(balena.Config{HTTP: httpx.Config{BaseURL: simulator.BaseURL + "/balena", Transport: gate}, Token: secret.New(simulator.BalenaToken)})
	require.NoError(t, err)
	wants := []deploy.Want{{To: oldest}, {To: latest, Hold: true}, back}
	states := []string{"pinned to 2.13.4; the newest is 2.14.0+rev1", "pinned to 2.14.0+rev1", "pinned to 2.14.0; the newest is 2.14.0+rev1"}
	for range 8 {
		gate.round(len(wants))
		errs := make([]error, len(wants))
		var wg sync.WaitGroup
		for i, want := range wants {
			wg.Go(func() {
				d := *w.Deployer
				d.Fleet = client
				p, err := d.Plan(t.Context(), want)
				if err == nil {
					_, err = d.Act(t.Context(), want, p, func(deploy.Event) {})
				}
				errs[i] = err
			})
		}
		wg.Wait()
		s, err := w.Look(t.Context())
		require.NoError(t, err)
		won := slices.Index(states, s.Fleet.Words())
		require.GreaterOrEqual(t, won, 0, s.Fleet.Words())
		for i, err := range errs {
			if i == won {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, apierr.ErrConflict)
				require.ErrorContains(t, err, "somebody else changed the fleet meanwhile")
			}
		}
		w.do(deploy.Want{Unpin: true})
	}
}
