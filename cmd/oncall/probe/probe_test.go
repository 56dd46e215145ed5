package probe_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

// TestFollowsTheDeploy: the probe of the API fails since the bad version, and
// recovers with the rollback.
func TestFollowsTheDeploy(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("probe check api")
	require.Equal(t, 9, r.Code, r.Err)
	assert.Contains(t, r.Err, "hint: oncall probe get api")
	assert.Equal(t, 9, e.Run("probe run api").Code)
	r = e.Run("deploy rollback api --yes --reason 5xx")
	require.Equal(t, 0, r.Code, r.Err)
	e.Advance(time.Minute)
	assert.Equal(t, 0, e.Run("probe check api").Code)
	assert.Equal(t, 0, e.Run("probe run api --here").Code)
	e.Advance(3 * time.Minute)
	r = e.Run("probe outages api --jq '.items[] | .end != null'")
	assert.Equal(t, "true\n", r.Out)
}

// Since when it fails is told on a phone too; the target is what gives way.
func TestListOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 60
	e.Vars["NO_COLOR"] = "1"
	r := e.Run("probe list")
	assert.Contains(t, r.Out, "SINCE")
	assert.NotContains(t, r.Out, "TARGET")
	for line := range strings.Lines(r.Out) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 60, line)
	}
}

func TestCheckOfNothing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for _, line := range []string{"probe check docs", "probe check 'new console'", "probe check --tag nosuch", "probe get nosuch", "probe results nosuch"} {
		assert.Equal(t, 4, e.Run(line).Code, line)
	}
	assert.Equal(t, 6, e.Run("probe run cloudlink --here").Code, "not asked is not well")
	for _, line := range []string{"probe list --state up", "probe results api --limit 0", "probe outages --uptime years", "probe run api --tool nc", "probe mute api --for 1h", "probe maintenance start api", "probe maintenance start api --for 90s --reason x", "probe maintenance start api --for 1h"} {
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, line)
		assert.Empty(t, r.Out, line)
	}
}

func TestOverTheNetwork(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run("probe run api")
	assert.Equal(t, 9, r.Code)
	assert.Contains(t, r.Out, "connect ")
	assert.Contains(t, r.Out, "503 Service Unavailable")
	r = e.Run("probe list -vv")
	assert.NotContains(t, r.Err, simulator.NodePingToken)
	e.Vars["ONCALL_NODEPING_ACCOUNT"] = "somebody-else"
	r = e.Run("probe list")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "Not authorized for that account")
	delete(e.Vars, "ONCALL_NODEPING_ACCOUNT")
	e.Vars["ONCALL_NODEPING_TOKEN"] = "wrong"
	r = e.Run("probe list")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "the token was refused")
}

// TestMuteTrouble: a change is sent once, read back, and looked up when lost.
func TestMuteTrouble(t *testing.T) {
	t.Parallel()
	clitest.InTrouble(t, "probe mute api --for 1h --reason rollback", simulator.Fault{Service: "nodeping", Method: http.MethodPut}, []clitest.Trouble{
		{Name: "reset before", Kind: simulator.FaultResetBefore, Code: 15, Text: "cannot tell whether it arrived", Sent: 1},
		{Name: "reset after", Kind: simulator.FaultResetAfter, Text: "a look shows that it arrived", Sent: 1},
		{Name: "cut", Kind: simulator.FaultCut, Text: "a look shows that it arrived", Sent: 1},
		{Name: "500 after", Kind: simulator.FaultStatusAfter, Status: 500, Text: "a look shows that it arrived", Sent: 1},
		{Name: "429 is sent again", Kind: simulator.FaultStatus, Status: 429, Text: "muted", Sent: 2},
		{Name: "a sign-in page", Kind: simulator.FaultHTML, Code: 3, Text: "not signed in", Sent: 1},
	}, nil)
}

func TestMute(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	// The vendor's answer is the old record at every second update; the read-back is not.
	for _, line := range []string{"probe mute api --for 1h --reason x", "probe mute dashboard --for 1h --reason x"} {
		r := e.Run(line)
		require.Equal(t, 0, r.Code, r.Err)
		assert.Contains(t, r.Out, "muted")
		assert.Contains(t, r.Out, "(until 04:18:30 UTC)")
	}
	r := e.Run("probe mute 'staging api' --yes")
	assert.Contains(t, r.Out, "already muted")
	assert.Equal(t, 5, e.Run("probe mute registry").Code, "without an end it asks")
	r = e.Run("probe mute registry --for 1h --reason x --dry-run")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, "probe/registry muted (dry run)")
	assert.Len(t, e.Changes("nodeping"), 2)
	e.Advance(61 * time.Minute)
	assert.Equal(t, "probe/staging api\n", e.Run("probe list --muted -o name").Out, "the others have ended")
	require.Equal(t, 0, e.Run("probe unmute 'staging api'").Code)
	assert.Empty(t, e.Run("probe list --muted -o name").Out)
	before := len(e.Changes("nodeping"))
	r = e.Run("probe unmute 'staging api'")
	assert.Contains(t, r.Err, "is not muted, so nothing is sent")
	assert.Contains(t, r.Out, "not muted")
	assert.Len(t, e.Changes("nodeping"), before)
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "nodeping", Method: http.MethodPost, Kind: simulator.FaultResetAfter, Times: 1}))
	r := e.Run("probe maintenance start dashboard registry --for 1h --reason upgrade")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "a look shows that it arrived")
	assert.Len(t, e.Changes("nodeping"), 1)
	_, id, _ := strings.Cut(strings.Fields(r.Out)[0], "/")
	assert.Equal(t, "dashboard\ndocs\nregistry\n", e.Run("probe list --state disabled --jq '.items[].name'").Out)
	assert.Equal(t, 5, e.Run("probe maintenance end "+id).Code)
	require.Equal(t, 0, e.Run("probe maintenance end "+id+" --yes").Code)
	assert.Equal(t, "docs\n", e.Run("probe list --state disabled --jq '.items[].name'").Out)
	assert.Equal(t, 4, e.Run("probe maintenance end "+id+" --yes").Code)
}

// What comes again: it asks, says when it runs next, and nothing is switched off yet.
func TestPlannedMaintenance(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	line := `probe maintenance create registry registry --cron "0 4 * * 3" --for 90m --reason "image clean-up" `
	r := e.Run(line)
	assert.Equal(t, 5, r.Code)
	assert.Contains(t, r.Err, "registry: not asked for 1h 30m at every 0 4 * * 3, until somebody ends it")
	r = e.Run(line + "--dry-run")
	assert.Zero(t, r.Code, r.Err)
	assert.Empty(t, e.Changes("nodeping"))
	r = e.Run(line + "--yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "planned")
	assert.Contains(t, r.Out, "(next 04:00:00 UTC)")
	list := clitest.JSON[struct {
		Items []struct {
			Name, State, Cron string
			Seconds           float64
			Probes            []string
		}
	}](t, e.Run("probe maintenance list -o json")).Items
	assert.Equal(t, "image clean-up", list[0].Name)
	assert.Equal(t, "planned", list[0].State)
	assert.Equal(t, "0 4 * * 3", list[0].Cron)
	assert.InDelta(t, 5400, list[0].Seconds, 0.1)
	assert.Equal(t, []string{"registry"}, list[0].Probes, "named twice, meant once")
	assert.Equal(t, "docs\n", e.Run("probe list --state disabled --jq '.items[].name'").Out)
	e.Advance(42 * time.Minute)
	assert.Equal(t, "docs\nregistry\n", e.Run("probe list --state disabled --jq '.items[].name'").Out)

	for bad, code := range map[string]int{`--cron "0 4 * *" --for 1h --reason r`: 2, `--for 1h --reason r`: 2, `--cron "0 4 * * 3" --reason r`: 2, `--cron "0 4 * * 3" --for 1h`: 2, `--cron "x 4 * * 3" --for 1h --reason r`: 1} {
		r = e.Run("probe maintenance create registry --yes " + bad)
		assert.Equal(t, code, r.Code, "%s: %s", bad, r.Err)
		assert.Empty(t, r.Out)
	}
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "nodeping", Method: http.MethodPost, Kind: simulator.FaultResetAfter, Times: 1}))
	r = e.Run(`probe maintenance create dashboard --cron "0 5 * * *" --for 1h --reason other --yes`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "a look shows that it arrived")
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "nodeping", Method: http.MethodPost, Kind: simulator.FaultResetBefore, Times: 1}))
	assert.Equal(t, 15, e.Run(`probe maintenance create dashboard --cron "0 6 * * *" --for 1h --reason third --yes`).Code)
}

func TestResults(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("probe results api --failed --from nl --jq '[.items[].from] | unique | .[]'")
	assert.Equal(t, "nl\n", r.Out)
	r = e.Run("probe results api --limit 5")
	assert.Contains(t, r.Err, "run times  ")
	r = e.Run("probe results api --limit 3 --jq '.meta.truncated, (.items | length)'")
	assert.Equal(t, "true\n3\n", r.Out)
	r = e.Run("probe outages api --uptime months --jq '.items[-1].span'")
	assert.Equal(t, "total\n", r.Out)
	r = e.Run("probe results docs")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Err, "docs is disabled and is not asked")
}
