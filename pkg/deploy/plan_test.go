package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// by is a build of somebody else's.
func by(user string, b jenkins.Build) jenkins.Build {
	b.Causes = []jenkins.Cause{{UserID: user}}
	return b
}

func with(b jenkins.Build, more ...jenkins.Parameter) jenkins.Build {
	b.Parameters = append(b.Parameters, more...)
	return b
}

func builds(b ...jenkins.Build) jenkins.Activity { return jenkins.Activity{Builds: b} }

// still is a Deployer whose controller shows these, one a look, and waits no time.
func still(before ...jenkins.Activity) (*deploy.Deployer, *controller) {
	c := &controller{began: jenkins.Started{QueueID: ours}, before: before}
	return newDeployer(c, func(ctx context.Context, _ time.Duration) error { return ctx.Err() }), c
}

var was = ran(881, 5, "17.5.0", "SUCCESS")

// TestWhatMovedWhileItWasWaitedFor: nothing is started on grounds that are no more.
func TestWhatMovedWhileItWasWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want  deploy.Want
		looks []jenkins.Activity
		kind  error
		says  string
	}{
		"a third one came": {deploy.Want{To: "17.4.1", Behind: true}, []jenkins.Activity{builds(ran(882, 10, "17.6.0", ""), was), builds(ran(883, 12, "17.7.0", ""), ran(882, 10, "17.6.0", "SUCCESS"), was)},
			apierr.ErrGuard, "another deployment of api is under way: #883 (17.7.0, by manager)"},
		"it is there now": {deploy.Want{To: "17.4.1", Behind: true}, []jenkins.Activity{builds(ran(882, 10, "17.4.1", ""), was), builds(ran(882, 10, "17.4.1", "SUCCESS"), was)},
			apierr.ErrConflict, "already at 17.4.1: nothing to do"},
		"ours goes elsewhere": {deploy.Want{Rollback: true}, []jenkins.Activity{builds(was, ran(880, 4, "17.4.1", "SUCCESS")), builds(by("you", ran(883, 12, "17.5.0", "")), ran(882, 10, "17.6.0", "SUCCESS"), was, ran(880, 4, "17.4.1", "SUCCESS"))},
			apierr.ErrConflict, "api is at 17.6.0 now, not at 17.5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, controller := still(c.looks...)
			p, err := d.Plan(t.Context(), c.want)
			require.NoError(t, err)
			_, err = d.Act(t.Context(), c.want, p, func(deploy.Event) {})
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.says)
			assert.Zero(t, controller.starts)
		})
	}
}

// TestWhatIsJoined: an equal start of ours that is alone, and nothing else.
func TestWhatIsJoined(t *testing.T) {
	t.Parallel()
	mine := by("you", ran(882, 10, "17.4.1", ""))
	held := with(mine, jenkins.Parameter{Name: "HOLD", Value: "true"})
	nobody := by("", mine)
	for name, c := range map[string]struct {
		hold   bool
		seen   jenkins.Activity
		nobody bool // asks: no user is set
		joins  bool
	}{
		"ours":                 {false, builds(mine, was), false, true},
		"ours, held":           {true, builds(held, was), false, true},
		"ours, not held":       {true, builds(mine, was), false, false},
		"of somebody":          {false, builds(by("manager", mine), was), false, false},
		"of nobody, by nobody": {false, builds(nobody, was), true, false},
		"beside another's":     {false, builds(ran(883, 11, "17.6.0", ""), mine, was), false, false},
		"another version":      {false, builds(by("you", ran(882, 10, "17.4.0", "")), was), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, controller := still(c.seen)
			controller.nobody = c.nobody
			p, err := d.Plan(t.Context(), deploy.Want{To: "17.4.1", Hold: c.hold})
			if !c.joins {
				require.ErrorIs(t, err, apierr.ErrGuard)
				require.ErrorContains(t, err, "another deployment of api is under way")
				return
			}
			require.NoError(t, err)
			require.NotNil(t, p.Join)
			trip, err := d.Act(t.Context(), deploy.Want{To: "17.4.1", Hold: c.hold}, p, nil)
			require.NoError(t, err)
			assert.True(t, trip.Joined)
			assert.Equal(t, 882, trip.Build)
			assert.Zero(t, controller.starts)
		})
	}
}

// TestBuildsThatCount: which builds are deployments, and which are under way.
func TestBuildsThatCount(t *testing.T) {
	t.Parallel()
	no := false
	dead := ran(890, 20, "17.9.0", "")
	dead.Building, dead.InProgress = false, &no
	post := ran(889, 19, "17.8.0", "")
	post.Building = false // its steps after the build go on
	bare := ran(888, 18, "", "")
	d, _ := still(builds(dead, post, bare, with(ran(887, 17, "17.7.0", "SUCCESS"), jenkins.Parameter{Name: "DRY_RUN", Value: "true"}),
		with(ran(886, 16, "17.6.0", "SUCCESS"), jenkins.Parameter{Name: "TOKEN", Secret: true}), was))
	s, err := d.Look(t.Context())
	require.NoError(t, err)
	numbers := []int{}
	for _, b := range s.Builds {
		numbers = append(numbers, b.Number)
	}
	assert.Equal(t, []int{890, 889, 886, 881}, numbers)
	require.Len(t, s.Ongoing, 1)
	assert.Equal(t, 889, s.Ongoing[0].Build)
	assert.Equal(t, "17.6.0", s.Current())
}

// TestAJobThatTakesNoBuilds is found before a start is sent.
func TestAJobThatTakesNoBuilds(t *testing.T) {
	t.Parallel()
	d, c := still()
	c.unsaved = true
	_, err := d.Plan(t.Context(), deploy.Want{To: "17.4.1"})
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "is disabled, or not saved yet")
}

// counts is a Runner that answers one thing a look; the last stays. "" is unknown.
type counts struct {
	says  []string
	looks int
}

func (c *counts) Versions(context.Context) ([]deploy.Count, error) {
	v := c.says[min(c.looks, len(c.says)-1)]
	if c.looks++; v == "" {
		return nil, errors.New("no answer")
	}
	return []deploy.Count{{Version: v, Count: 2}}, nil
}

// TestHowLongAFactIsWaitedFor: what nobody tells is left after a while, and each
// answer begins that while anew.
func TestHowLongAFactIsWaitedFor(t *testing.T) {
	t.Parallel()
	silent := make([]string, 11)
	for name, c := range map[string]struct {
		says   []string
		answer deploy.Answer
		looks  int
	}{
		"there at once":        {[]string{"17.4.1"}, deploy.Yes, 1},
		"nobody tells":         {[]string{""}, deploy.Unknown, 12},
		"told again and again": {append(append(append(append([]string{}, silent...), "17.5.0"), silent...), "17.4.1"), deploy.Yes, 24},
	} {
		d, _ := still()
		r := &counts{says: c.says}
		d.Runner = r
		facts, err := d.Settle(t.Context(), "17.4.1", time.Time{}, func(deploy.Event) {})
		require.NoError(t, err)
		assert.Equal(t, c.answer, facts[2].Answer, name)
		assert.Equal(t, c.looks, r.looks, name)
	}
}

// TestChecksHoldInARow: a check that was good and then was not begins anew, and
// after three times as long without one good look the wait is over.
func TestChecksHoldInARow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		good   func(second int) bool
		answer deploy.Answer
		until  int
	}{
		"from the beginning": {func(int) bool { return true }, deploy.Yes, 5},
		"it flaps":           {func(s int) bool { return s != 3 }, deploy.Yes, 9},
		"late, and in time":  {func(s int) bool { return s >= 14 }, deploy.Yes, 19},
		"never":              {func(int) bool { return false }, deploy.No, 15},
	} {
		now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
		begin := now
		at := func() int { return int(now.Sub(begin) / time.Second) }
		d, _ := still()
		d.Now, d.Component.VerifyFor = func() time.Time { return now }, 5*time.Second
		d.Wait = func(ctx context.Context, d time.Duration) error { now = now.Add(d); return ctx.Err() }
		d.Checks = []deploy.Check{{Name: "5xx", Look: func(context.Context) (bool, string, error) { return c.good(at()), "5xx", nil }}}
		facts, err := d.Settle(t.Context(), "17.4.1", time.Time{}, func(deploy.Event) {})
		require.NoError(t, err)
		assert.Equal(t, c.answer, facts[3].Answer, name)
		assert.Equal(t, c.until, at(), name)
	}
}

func TestReplaced(t *testing.T) {
	t.Parallel()
	queued := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	run := func(version string, after time.Duration) deploy.Run {
		return deploy.Run{Version: version, Since: queued.Add(after)}
	}
	for name, c := range map[string]struct {
		runs []deploy.Run
		want bool
	}{
		"it was there, and is not":    {[]deploy.Run{run("2", 2*time.Minute), run("1", time.Minute)}, true},
		"it is there":                 {[]deploy.Run{run("1", time.Minute)}, false},
		"it was there long before":    {[]deploy.Run{run("2", -time.Minute), run("1", -time.Hour)}, false},
		"it was never there":          {[]deploy.Run{run("2", time.Minute)}, false},
		"nothing is known":            {nil, false},
		"in the moment of the start":  {[]deploy.Run{run("2", time.Minute), run("1", 0)}, true},
		"it came back after a detour": {[]deploy.Run{run("1", 3*time.Minute), run("2", 2*time.Minute), run("1", time.Minute)}, false},
	} {
		s := &deploy.Sight{Runs: c.runs}
		assert.Equal(t, c.want, s.Replaced("1", queued), name)
		assert.False(t, s.Replaced("1", time.Time{}), name)
	}
}

// repository is one that answers so.
type repository struct {
	deploy.Repository
	snapshot gitops.Snapshot
	err      error
}

func (r repository) Refresh(context.Context) (gitops.Snapshot, error) { return r.snapshot, r.err }

func (r repository) Declared(context.Context, string, gitops.Location) (gitops.Declared, error) {
	return gitops.Declared{Value: gitops.Value{Version: "17.5.0"}}, nil
}

func (r repository) History(context.Context, gitops.Snapshot, gitops.Location, int) (gitops.History, error) {
	return gitops.History{}, nil
}

// TestARepositoryThatDoesNotAnswer refuses a change, whether it was read before or
// never, unless that is taken into account.
func TestARepositoryThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	gone := apierr.New(apierr.ErrUnavailable, "git", "fetch", "no answer")
	for name, c := range map[string]struct {
		repo       deploy.Repository
		why        error
		says, then string
	}{
		"never read":         {repository{err: gone}, nil, "the repository cannot be read: git: fetch: no answer", "declared: not known (git: fetch: no answer); versions are those of the job's builds"},
		"read before":        {repository{snapshot: gitops.Snapshot{Commit: "c", FetchedAt: now.Add(-3 * time.Hour), Stale: gone}}, nil, "the repository was read 3h ago and does not answer now: git: fetch: no answer", "the repository as of 3h ago: git: fetch: no answer"},
		"read in the future": {repository{snapshot: gitops.Snapshot{Commit: "c", FetchedAt: now.Add(time.Hour), Stale: gone}}, nil, "was read 0s ago", "as of 0s ago"},
		"it cannot be made":  {nil, gone, "the repository cannot be read: git: fetch: no answer", "declared: not known (git: fetch: no answer)"},
	} {
		d, _ := still()
		d.Repo, d.RepoWhy, d.Now, d.Component.Where = c.repo, c.why, func() time.Time { return now }, &gitops.Location{File: "api.yaml"}
		_, err := d.Plan(t.Context(), deploy.Want{To: "17.4.1"})
		require.ErrorIs(t, err, apierr.ErrGuard, name)
		require.ErrorContains(t, err, c.says, name)
		p, err := d.Plan(t.Context(), deploy.Want{To: "17.4.1", StaleOK: true})
		require.NoError(t, err, name)
		assert.Contains(t, strings.Join(p.Evidence, "\n"), c.then, name)
		assert.Equal(t, "17.5.0", p.From, name)
	}
}
