package deploy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// changes makes one change an hour, the oldest first in the arguments.
func changes(versions ...string) []gitops.Change {
	out := []gitops.Change{}
	for i := len(versions) - 1; i >= 0; i-- {
		out = append(out, gitops.Change{Value: gitops.Value{Version: versions[i]}, Commit: gitops.Commit{ID: versions[i], Time: noon.Add(time.Duration(i) * time.Hour), Author: "robin"}})
	}
	return out
}

func versionOf(b jenkins.Build) string { v, _ := b.Parameter("V"); return v }

func TestPreviousVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		versions []string
		want     string
		skipped  []string
	}{
		"the one before":                          {[]string{"1", "2"}, "1", nil},
		"never minus one":                         {[]string{"v1787", "v1790"}, "v1787", nil},
		"nothing before":                          {[]string{"1"}, "", nil},
		"after a rollback, the one before that":   {[]string{"1", "2", "1", "3"}, "1", nil},
		"one that was rolled back is passed over": {[]string{"1", "2", "1", "2", "3"}, "1", []string{"2"}},
		"two rolled back in a row":                {[]string{"1", "2", "1", "3", "1", "4"}, "1", nil},
		"two steps back":                          {[]string{"1", "2", "3", "1", "4"}, "1", nil},
		"all others were rolled back":             {[]string{"1", "2", "1"}, "", []string{"2"}},
		"back and forward again":                  {[]string{"1", "2", "1", "2"}, "1", nil},
		"by name, not by number":                  {[]string{"zeta", "alpha", "mu"}, "alpha", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := timeline(changes(c.versions...), nil, versionOf)
			r, skipped, ok := Previous(runs, c.versions[len(c.versions)-1], noon.Add(1000*time.Hour))
			assert.Equal(t, c.want, r.Version)
			assert.Equal(t, c.want != "", ok)
			names := []string(nil)
			for _, s := range skipped {
				names = append(names, s.Version)
			}
			assert.Equal(t, c.skipped, names)
		})
	}
}

// TestDoubt: what was rolled back is trusted again when it came back and ran for
// longer than it took to be rolled back, and for an hour at least.
func TestDoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bad, later time.Duration
		trusted    bool
	}{
		"rolled back at once, back for long":  {10 * time.Minute, 2 * time.Hour, true},
		"rolled back at once, back for a bit": {10 * time.Minute, 30 * time.Minute, false},
		"for an hour to the minute":           {10 * time.Minute, time.Hour, true},
		"rolled back late, back for less":     {3 * time.Hour, 2 * time.Hour, false},
		"rolled back late, back for as long":  {3 * time.Hour, 3 * time.Hour, false},
		"rolled back late, back for long":     {3 * time.Hour, 4 * time.Hour, true},
	} {
		at, all := noon, []gitops.Change{}
		put := func(version string, lasted time.Duration) {
			all = append([]gitops.Change{{Value: gitops.Value{Version: version}, Commit: gitops.Commit{ID: version, Time: at}}}, all...)
			at = at.Add(lasted)
		}
		put("1", time.Hour)
		put("2", c.bad)
		put("1", time.Hour)
		put("2", c.later)
		put("3", time.Hour)
		r, skipped, ok := Previous(timeline(all, nil, versionOf), "3", at)
		assert.True(t, ok)
		assert.Equal(t, map[bool]string{true: "2", false: "1"}[c.trusted], r.Version, name)
		assert.Equal(t, c.trusted, len(skipped) == 0, name)
	}
}

func TestTimelineMarks(t *testing.T) {
	t.Parallel()
	runs := timeline(changes("1", "2", "1", "2"), nil, versionOf)
	got := []bool{}
	for _, r := range runs {
		got = append(got, r.Rollback, r.RolledBack)
	}
	// newest first: 2 again is no rollback, 1 is one, 2 was rolled back
	assert.Equal(t, []bool{false, false, true, false, false, true, false, false}, got)
	assert.Nil(t, runs[0].Until)
	assert.Equal(t, time.Hour, runs[1].Lasted(noon))
	assert.Equal(t, "robin", runs[1].By)
}

func build(n int, version string, result jenkins.Result, at time.Time) jenkins.Build {
	return jenkins.Build{Number: n, Result: result, Queued: at, DurationMS: 60_000, URL: "u", Parameters: []jenkins.Parameter{{Name: "V", Value: version}},
		Causes: []jenkins.Cause{{UserID: "sam"}}}
}

func TestTimelineFindsTheBuildOfAChange(t *testing.T) {
	t.Parallel()
	all := []jenkins.Build{
		build(9, "2", jenkins.Success, noon.Add(3*time.Hour)),              // too late for the change
		build(8, "2", jenkins.Success, noon.Add(time.Hour-30*time.Second)), // made it
		build(7, "2", jenkins.Failure, noon.Add(time.Hour-40*time.Second)), // failed
		build(6, "3", jenkins.Success, noon.Add(time.Hour-30*time.Second)), // another version
		build(5, "1", jenkins.Success, noon.Add(-time.Minute-20*time.Second)),
	}
	runs := timeline(changes("1", "2"), all, versionOf)
	assert.Equal(t, []any{8, "sam", 5}, []any{runs[0].Build, runs[0].By, runs[1].Build})

	far := []jenkins.Build{build(4, "1", jenkins.Success, noon.Add(-12*time.Minute))}
	assert.Zero(t, timeline(changes("1"), far, versionOf)[0].Build, "eleven minutes after its end")

	running := build(10, "4", jenkins.Success, noon.Add(4*time.Hour))
	running.Building = true
	runs = timeline(nil, append([]jenkins.Build{running}, all...), versionOf)
	got := []string{}
	for _, r := range runs {
		got = append(got, r.Version)
	}
	assert.Equal(t, []string{"2", "3", "1"}, got, "without a repository the good builds are the timeline")
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"17.4.1", "v737", "release_912", "1.0.0-rc.1", "2.14.0+rev1", "a91165e"} {
		assert.NoError(t, CheckVersion(v), v)
	}
	for _, v := range []string{"", ">=1", "1.x", "1.2.x", "x", "~1.0", "^2", "*", "1 2", "-rf", "latest", "a/b", "a:b", "1.0\n", "1.0||2", "./.."} {
		assert.Error(t, CheckVersion(v), "%q", v)
	}
}
