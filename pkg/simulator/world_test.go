package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var testStart = time.Date(2026, 3, 4, 3, 18, 0, 0, time.UTC)

func TestFactsOfTheIncident(t *testing.T) {
	t.Parallel()
	f := seedFacts(testStart)
	page := testStart.Add(-PageBefore)

	assert.Equal(t, "17.4.1", f.apiVersionAt(page.Add(-14*time.Minute-time.Second)))
	assert.Equal(t, "17.5.0", f.apiVersionAt(page.Add(-14*time.Minute)))
	assert.InDelta(t, ErrorRatioGood, f.errorRatioAt(page.Add(-14*time.Minute)), 1e-9)
	assert.InDelta(t, ErrorRatioBad, f.errorRatioAt(page), 1e-9)

	failing, since := f.APIFailing(testStart)
	assert.True(t, failing)
	held := page.Sub(since)
	assert.GreaterOrEqual(t, held, 5*time.Minute, "the alert waits 5 minutes above the threshold")
	assert.Less(t, held, 6*time.Minute, "and fires at its next evaluation")
	assert.InDelta(t, ErrorRatioAlertAt, f.errorRatioAt(since), 1e-6)

	failing, _ = f.APIFailing(since.Add(-time.Second))
	assert.False(t, failing)
}

func TestFactsHealAfterARollback(t *testing.T) {
	t.Parallel()
	f := seedFacts(testStart)
	at := testStart.Add(time.Minute)
	d := f.BeginDeploy(ComponentAPI, APIVersionGood, 882, at)
	assert.Equal(t, APIVersionBad, d.From)
	assert.Equal(t, APIVersionBad, f.CommittedVersionAt(ComponentAPI, at.Add(3*time.Second)))
	assert.Equal(t, APIVersionGood, f.CommittedVersionAt(ComponentAPI, at.Add(4*time.Second)))
	assert.Equal(t, APIVersionBad, f.AppliedVersionAt(ComponentAPI, at.Add(5*time.Second)))
	assert.Equal(t, APIVersionGood, f.AppliedVersionAt(ComponentAPI, at.Add(6*time.Second)))
	assert.Equal(t, APIVersionGood, f.apiVersionAt(at.Add(7*time.Second)))

	assert.InDelta(t, ErrorRatioBad, f.errorRatioAt(d.RunningAt), 1e-9)
	assert.InDelta(t, ErrorRatioGood, f.errorRatioAt(d.RunningAt.Add(liveRamp)), 1e-9)
	failing, since := f.APIFailing(d.RunningAt.Add(liveRamp))
	assert.False(t, failing)
	assert.True(t, since.After(d.RunningAt) && since.Before(d.RunningAt.Add(liveRamp)), since)

	// The bad version again: it rises again.
	again := f.BeginDeploy(ComponentAPI, APIVersionBad, 883, at.Add(time.Hour))
	failing, since = f.APIFailing(again.RunningAt.Add(liveRamp))
	assert.True(t, failing)
	assert.True(t, since.After(again.RunningAt))
}

func TestFactsOfACancelledDeploy(t *testing.T) {
	t.Parallel()
	f := seedFacts(testStart)
	f.BeginDeploy(ComponentAPI, APIVersionGood, 882, testStart)
	assert.False(t, f.CancelDeploy(882, testStart.Add(5*time.Second)), "it was built by then")
	assert.True(t, f.CancelDeploy(882, testStart.Add(3*time.Second)))
	assert.Equal(t, APIVersionBad, f.apiVersionAt(testStart.Add(time.Hour)))
}

func TestFactsOfE2E(t *testing.T) {
	t.Parallel()
	f := seedFacts(testStart)
	assert.Equal(t, f.E2EBuildEnd(E2ELastGreen), f.LastE2EPass(testStart), "the newest pass is the end of build 9121")
	assert.Equal(t, testStart.Add(-E2EFailedBefore), f.E2EBuildEnd(E2ELastBuild))
	f.RecordE2EPass(testStart.Add(4 * time.Second))
	assert.Equal(t, testStart.Add(-E2EPassedBefore), f.LastE2EPass(testStart.Add(3*time.Second)))
	assert.Equal(t, testStart.Add(4*time.Second), f.LastE2EPass(testStart.Add(4*time.Second)))
}

func TestLimitsOfAWindow(t *testing.T) {
	t.Parallel()
	l := limit{n: 2, per: time.Second}
	var c rate
	at := testStart
	for _, step := range []struct {
		after time.Duration
		wait  time.Duration
	}{{0, 0}, {200 * time.Millisecond, 0}, {900 * time.Millisecond, 100 * time.Millisecond}, {time.Second, 0}, {1100 * time.Millisecond, 100 * time.Millisecond}} {
		next, wait := c.take(l, at.Add(step.after))
		assert.Equal(t, step.wait, wait, step.after)
		if wait == 0 {
			c = next
		}
	}
}

func TestLimitsOfABucket(t *testing.T) {
	t.Parallel()
	l := limit{n: 2, per: time.Second, burst: 2}
	var c rate
	for i, after := range []time.Duration{0, 0, 500 * time.Millisecond, time.Second} {
		next, wait := c.take(l, testStart.Add(after))
		require.Zero(t, wait, i)
		c = next
	}
	_, wait := c.take(l, testStart.Add(1200*time.Millisecond))
	assert.Equal(t, 300*time.Millisecond, wait)
	_, wait = c.take(l, testStart.Add(-time.Hour))
	assert.Zero(t, wait, "a clock that was set back starts anew")
	_, wait = rate{Hits: []time.Time{testStart, testStart}}.take(limit{n: 2, per: time.Second}, testStart.Add(-time.Hour))
	assert.Zero(t, wait)
}

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"/a", "/a", true}, {"/a", "/ab", false}, {"*", "", true}, {"/a/*", "/a/b/c", true},
		{"*/ack", "/v1/incidents/ack", true}, {"/v1/*/ack", "/v1/ack", false}, {"*a*b", "xaab", true}, {"*a*b", "xba", false},
	} {
		assert.Equal(t, c.want, glob(c.pattern, c.text), "%s %s", c.pattern, c.text)
	}
}

func TestIDsAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "97e27441-b7d1-4e73-8751-7964fb401bbf", uuidFor("alert", 1), "worlds that people keep hold on to it")
	assert.NotEqual(t, uuidFor("alert", 1), uuidFor("alert", 2))
	assert.NotEqual(t, uuidFor("ab", "c"), uuidFor("a", "bc"))
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, uuidFor("alert", 1))
	assert.Regexp(t, `^[0-9a-z]{16}$`, tokenFor(16, alphabetLower, "x"))
	n := noise("x", 4)
	assert.True(t, n >= 0 && n < 1)
}
