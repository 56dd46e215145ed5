package heartbeat_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

var e2eUUID = simulator.HcUUID(simulator.CheckE2E)

// sent counts the changes whose path ends so.
func sent(e *clitest.Env, suffix string) int {
	n := 0
	for _, r := range e.Changes("healthchecks") {
		if strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

type listed struct {
	Items []struct {
		Name, State, ID string
		Since           *time.Time
		Pause           *struct {
			Reason string
			Until  *time.Time
		}
		Kind string
		Body *string
	}
}

func stateOf(t *testing.T, e *clitest.Env, name string) string {
	t.Helper()
	for _, c := range clitest.JSON[listed](t, e.Run("heartbeat list -o json")).Items {
		if c.Name == name {
			return c.State
		}
	}
	return ""
}

// TestFollowsTheWorld: the retry of e2e passes and the heartbeat recovers; an hour
// later it is late, another hour later down.
func TestFollowsTheWorld(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Equal(t, "down", stateOf(t, e, "e2e hourly"))
	r := e.Run(`heartbeat why "e2e hourly" --jq '.item | .verdict, .next[0]'`)
	assert.Equal(t, "the job runs and fails\noncall e2e why 9123\n", r.Out)
	require.Equal(t, 0, e.Run("e2e retry 9123 --yes").Code)
	e.Advance(time.Minute)
	assert.Equal(t, "up", stateOf(t, e, "e2e hourly"))
	assert.Equal(t, 0, e.Run("heartbeat check --tag e2e").Code)
	e.Advance(65 * time.Minute)
	assert.Equal(t, "late", stateOf(t, e, "e2e hourly"))
	assert.Equal(t, 9, e.Run("heartbeat check --tag e2e").Code)
	e.Advance(time.Hour)
	assert.Equal(t, "down", stateOf(t, e, "e2e hourly"))
}

func TestCheckOfNothing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for _, line := range []string{"heartbeat check --tag nosuch", "heartbeat check usage", "heartbeat check nosuch"} {
		assert.Equal(t, 4, e.Run(line).Code, line)
	}
	r := e.Run("heartbeat check database")
	assert.Equal(t, 0, r.Code)
	assert.Empty(t, r.Out)
	assert.Equal(t, "1 job is in time\n", r.Err)
}

// TestReadOnlyKey: lists, why and flips work; the rest says what is missing.
func TestReadOnlyKey(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	e.Vars["ONCALL_HEALTHCHECKS_API_KEY"] = simulator.HealthchecksReadOnlyKey
	require.Equal(t, 0, e.Run("heartbeat list").Code)
	r := e.Run(`heartbeat why "e2e hourly"`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "the API key is read-only")
	assert.Contains(t, r.Out, "no Jenkins job is configured")
	r = e.Run("heartbeat get e2e -o json")
	require.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, `"partial"`)
	assert.Equal(t, 0, e.Run("heartbeat flips e2e").Code)
	for _, line := range []string{"heartbeat pings e2e", "heartbeat pause e2e --for 1h --reason x"} {
		r = e.Run(line)
		assert.Equal(t, 3, r.Code, line)
		assert.Contains(t, r.Err, "read-only")
		assert.Empty(t, r.Out)
	}
	// With the slug and the ping key a job can still report.
	require.Equal(t, 0, e.Run("heartbeat ping e2e --log").Code)
	require.Equal(t, 0, e.Run("heartbeat ping "+e2eUUID+" --log").Code)
	assert.Equal(t, 2, sent(e, "/log"))
}

// TestSelfHosted: both bases under a path; keys are never part of a URL, but for
// the ping key, which the vendor takes nowhere else.
func TestSelfHosted(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	delete(e.Vars, "ONCALL_HEALTHCHECKS_API_KEY")
	require.Equal(t, 0, e.Run("heartbeat ping e2e-hourly --log -vv").Code)
	r := e.Run("heartbeat ping e2e-hourly --log -vv")
	assert.NotContains(t, r.Err, simulator.HealthchecksPingKey)
	r = e.Run("heartbeat list")
	assert.Equal(t, 3, r.Code)
	e.Vars["ONCALL_HEALTHCHECKS_API_KEY"] = simulator.HealthchecksAPIKey
	e.Vars["ONCALL_HEALTHCHECKS_URL"] += "/"
	require.Equal(t, 0, e.Run("heartbeat list").Code, "a slash at the end of the base does no harm")
	r = e.Run("auth status healthchecks")
	assert.Contains(t, r.Out, "accepted")
	e.Vars["ONCALL_HEALTHCHECKS_URL"] = strings.TrimSuffix(e.Vars["ONCALL_HEALTHCHECKS_URL"], "/api/v3/")
	r = e.Run("heartbeat list")
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "ends in /api/v3")
}

// TestPauseTrouble: a change is sent once; what became of a lost one is looked up.
func TestPauseTrouble(t *testing.T) {
	t.Parallel()
	clitest.InTrouble(t, "heartbeat pause e2e --for 2h --reason upgrade", simulator.Fault{Service: "healthchecks", Method: http.MethodPost, PathGlob: "*/pause"}, []clitest.Trouble{
		{Name: "reset before", Kind: simulator.FaultResetBefore, Code: 15, Text: "the check is still down", Sent: 1},
		{Name: "reset after", Kind: simulator.FaultResetAfter, Text: "the answer was lost, a look shows that it arrived", Sent: 1},
		{Name: "cut", Kind: simulator.FaultCut, Text: "a look shows that it arrived", Sent: 1},
		{Name: "500 after", Kind: simulator.FaultStatusAfter, Status: 500, Text: "a look shows that it arrived", Sent: 1},
		{Name: "503, nothing done", Kind: simulator.FaultStatus, Status: 503, Code: 15, Text: "the check is still down", Sent: 1},
		{Name: "429 is sent again", Kind: simulator.FaultStatus, Status: 429, Text: "paused", Sent: 2},
		{Name: "a sign-in page", Kind: simulator.FaultHTML, Code: 3, Text: "not signed in", Sent: 1},
	}, func(t *testing.T, e *clitest.Env, c clitest.Trouble) {
		t.Helper()
		if c.Code == 0 {
			assert.Equal(t, "paused", stateOf(t, e, "e2e hourly"))
		}
	})
}

func TestPauseReminds(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Equal(t, 0, e.Run(`heartbeat pause e2e --for 2h --reason "Jenkins upgrade"`).Code)
	r := e.Run("heartbeat list --state paused")
	assert.Contains(t, r.Out, "until 05:18:30 UTC by you: Jenkins upgrade")
	assert.Empty(t, r.Err)
	r = e.Run("heartbeat flips e2e --jq '.items[0] | .cause, .outage'")
	assert.Equal(t, "pause\nfalse\n", r.Out)
	e.Advance(3 * time.Hour)
	r = e.Run("heartbeat list --state paused")
	assert.Contains(t, r.Out, "should have been resumed 1h ago")
	assert.Contains(t, r.Err, "hint: e2e hourly should be watched again: oncall heartbeat resume 'e2e hourly'")
	require.Equal(t, 0, e.Run("heartbeat resume e2e").Code)
	assert.Equal(t, "new", stateOf(t, e, "e2e hourly"))
	r = e.Run("heartbeat resume e2e")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, "not paused, but new")
	assert.Equal(t, 1, sent(e, "/resume"))
	r = e.Run("heartbeat pause e2e --dry-run --for 1h --reason x")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, "paused (dry run)")
	assert.Equal(t, 1, sent(e, "/pause"))
}

func TestPing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Equal(t, 0, e.Run("heartbeat ping e2e --start").Code)
	require.Equal(t, 0, e.Run(`heartbeat ping e2e --exit-code 3 --body "no space left"`).Code)
	e.Stdin = "from a pipe\n"
	require.Equal(t, 0, e.Run("heartbeat ping e2e --body -").Code)
	got := clitest.JSON[listed](t, e.Run("heartbeat pings e2e --body --limit 3 -o json")).Items
	require.Len(t, got, 3)
	assert.Equal(t, []string{"success", "fail", "start"}, []string{got[0].Kind, got[1].Kind, got[2].Kind})
	assert.Equal(t, "from a pipe\n", *got[0].Body)
	assert.Equal(t, "no space left", *got[1].Body)
	for _, line := range []string{"heartbeat ping e2e --start --fail", "heartbeat ping e2e --exit-code 256", "heartbeat ping e2e --run-id 7", "heartbeat ping e2e --log --exit-code 0", "heartbeat pings e2e --limit 0", "heartbeat list --state uup", "heartbeat pause e2e --for 2h", "heartbeat run e2e true", "heartbeat run -- true", "heartbeat run e2e --"} {
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, line)
		assert.Empty(t, r.Out, line)
	}
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "healthchecks", PathGlob: "/" + e2eUUID, Kind: simulator.FaultResetAfter, Times: 1}))
	before := sent(e, "/"+e2eUUID)
	r := e.Run("heartbeat ping e2e")
	assert.Equal(t, 15, r.Code, r.Err)
	assert.Contains(t, r.Err, "shows whether it arrived")
	assert.Equal(t, before+1, sent(e, "/"+e2eUUID))
}

// TestRun: the exit code is the job's, whatever becomes of the reports.
// The signal counts for more than the text that comes with it.
func TestPingWithAText(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	long, empty := filepath.Join(e.Home, "long.log"), filepath.Join(e.Home, "empty.log")
	require.NoError(t, os.WriteFile(long, []byte(strings.Repeat("a line of a long log\n", 200_000)+"the end\n"), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	last := func() listed { return clitest.JSON[listed](t, e.Run("heartbeat pings e2e --body --limit 1 -o json")) }

	r := e.Run("heartbeat ping e2e --exit-code 3 --body-file " + long)
	require.Zero(t, r.Code, r.Err)
	body := *last().Items[0].Body
	assert.LessOrEqual(t, len(body), 10_000)
	assert.True(t, strings.HasSuffix(body, "\nthe end\n"), "the end is what counts")
	assert.Regexp(t, `^\(\d+ bytes before this are left out\)\n`, body)

	for _, flags := range []string{"--body-file " + empty, "--body-file " + filepath.Join(e.Home, "none.log"), "--body-file -", "--body-file " + e.Home} {
		before := sent(e, "/log")
		r = e.Run("heartbeat ping e2e --log " + flags)
		require.Zero(t, r.Code, r.Err)
		assert.Equal(t, before+1, sent(e, "/log"), flags)
		assert.Equal(t, strings.Contains(flags, "none") || strings.HasSuffix(flags, e.Home), strings.Contains(r.Err, "warning: the signal goes without"), r.Err)
	}
	assert.Equal(t, 2, e.Run("heartbeat ping e2e --log --body a --body-file "+long).Code)
}

// A check that is named twice is meant once.
func TestNamedTwice(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`heartbeat pause e2e "e2e hourly" --for 1h --reason r`)
	require.Zero(t, r.Code, r.Err)
	assert.Equal(t, 1, sent(e, "/pause"))
	assert.Equal(t, 1, strings.Count(r.Err, "it cannot go down"))
}

func TestRun(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Vars["PATH"] = "/usr/bin:/bin"
	e.Vars["ONCALL_HEALTHCHECKS_API_KEY"], e.Vars["MINE"] = "a-secret-of-ours", "kept"
	r := e.Run(`heartbeat run e2e -- /bin/sh -c 'echo "$MINE [$ONCALL_HEALTHCHECKS_API_KEY] $ONCALL_CONTEXT"; echo oops >&2; exit 7'`)
	assert.Equal(t, 7, r.Code)
	assert.Equal(t, "kept [] demo\n", r.Out)
	assert.Equal(t, "oops\n", r.Err)
	got := clitest.JSON[listed](t, e.Run("heartbeat pings e2e --body --limit 2 -o json")).Items
	assert.Equal(t, []string{"fail", "start"}, []string{got[0].Kind, got[1].Kind})
	assert.Contains(t, *got[0].Body, "exit code 7\n")
	assert.Contains(t, *got[0].Body, "oops")

	r = e.Run(`heartbeat run e2e --no-output -- /bin/sh -c 'echo hush'`)
	assert.Equal(t, 0, r.Code)
	assert.Equal(t, "hush\n", r.Out)
	assert.Equal(t, "up", stateOf(t, e, "e2e hourly"))
	got = clitest.JSON[listed](t, e.Run("heartbeat pings e2e --body --limit 1 -o json")).Items
	assert.NotContains(t, *got[0].Body, "hush")

	assert.Equal(t, 127, e.Run("heartbeat run e2e -- /no/such/command").Code)
	assert.Equal(t, 137, e.Run("heartbeat run e2e -- /bin/sh -c 'kill -9 $$'").Code)

	for _, f := range []simulator.Fault{
		{Service: "healthchecks", Kind: simulator.FaultStatus, Status: 500},
		{Service: "healthchecks", Kind: simulator.FaultResetBefore},
		{Service: "healthchecks", Kind: simulator.FaultHTML},
		{Service: "healthchecks", Kind: simulator.FaultStatus, Status: 429, RetryAfter: time.Hour},
		{Service: "healthchecks", Method: http.MethodPost, Kind: simulator.FaultResetAfter},
	} {
		require.NoError(t, e.World.AddFault(f))
		r = e.Run("heartbeat run e2e -- /bin/sh -c 'echo ran; exit 5'")
		assert.Equal(t, 5, r.Code, f.Kind)
		assert.Equal(t, "ran\n", r.Out, f.Kind)
		assert.Contains(t, r.Err, "warning: ", f.Kind)
		require.NoError(t, e.World.ClearFaults())
	}
	r = e.Run("heartbeat run nosuch -- /bin/sh -c 'exit 4'")
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "the job runs without reports")
	delete(e.Vars, "ONCALL_CONTEXT")
	r = e.Run("heartbeat run e2e -- /bin/sh -c 'exit 6'")
	assert.Equal(t, 6, r.Code, "not even without a configuration")
	e.Vars["ONCALL_CONTEXT"], e.Vars["ONCALL_READ_ONLY"] = "demo", "1"
	r = e.Run("heartbeat run e2e -- /bin/sh -c 'exit 8'")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "read-only")
}

// TestRunIsInterrupted: the command is told first; its end is still reported.
func TestRunIsInterrupted(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	e.Vars["PATH"] = "/usr/bin:/bin"
	file := e.Home + "/ready"
	go func() {
		defer cancel()
		for t.Context().Err() == nil {
			if _, err := os.Stat(file); err == nil {
				return
			}
			runtime.Gosched()
		}
	}()
	r := e.RunContext(ctx, "heartbeat run e2e -- /bin/sh -c 'trap \"echo tidied; exit 3\" INT; touch "+file+"; while :; do sleep 0.01; done'")
	assert.Equal(t, 3, r.Code, "its own")
	got := clitest.JSON[listed](t, e.Run("heartbeat pings e2e --body --limit 1 -o json")).Items
	assert.Equal(t, "fail", got[0].Kind)
}
