package deploy_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

// fleet is an Env in which the late device of the demo's fleet has arrived.
func fleet(t *testing.T) *clitest.Env {
	t.Helper()
	e := clitest.New(t)
	e.Advance(2 * time.Minute)
	return e
}

// pins is how many changes were sent to balenaCloud.
func pins(t *testing.T, e *clitest.Env) int {
	t.Helper()
	all, err := e.World.Changes()
	require.NoError(t, err)
	n := 0
	for _, r := range all {
		if r.Service == "balena" {
			n++
		}
	}
	return n
}

func TestAFleetFromRollbackToUnpin(t *testing.T) {
	t.Parallel()
	e := fleet(t)
	r := e.Run(`deploy rollback jellyfish --yes --reason "bad release" --incident 4127`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `^component/jellyfish rolled back +\(2\.14\.0\+rev1 -> 2\.14\.0, .*undo: oncall deploy unpin jellyfish\)\n$`, r.Out)
	assert.Contains(t, r.Err, "until: oncall deploy unpin jellyfish")
	assert.Contains(t, r.Err, "running   2.14.0 in 4 of 4 online; 1 offline; 1 pinned by itself")
	assert.Contains(t, e.Run("incident timeline 4127").Out, "roll back: jellyfish 2.14.0+rev1 -> 2.14.0")

	r = e.Run("deploy rollback jellyfish --yes --reason again")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "component/jellyfish already rolled back 2.14.0+rev1 -> 2.14.0; further back: --to 2.13.4\n", r.Out)
	assert.Equal(t, 1, pins(t, e))

	assert.Regexp(t, `jellyfish +production +2\.14\.0 +2\.14\.0 +- +- +- +pinned\n`, e.Run("deploy list").Out)
	r = e.Run("deploy status jellyfish")
	assert.Contains(t, r.Out, "pinned to 2.14.0; the newest is 2.14.0+rev1\n")
	assert.Regexp(t, `running +yes +2\.14\.0 in 4 of 4 online; 1 offline; 1 pinned by itself`, r.Out)
	r = e.Run("deploy history jellyfish -o json")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "balenaCloud keeps no history of where a fleet was sent")
	assert.Equal(t, exit.Guard, e.Run("deploy diff jellyfish").Code)

	r = e.Run("deploy unpin jellyfish --yes --reason fixed")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `^component/jellyfish unpinned +\(2\.14\.0 -> 2\.14\.0\+rev1, .*undo: oncall deploy run jellyfish 2\.14\.0\)\n$`, r.Out)
	assert.Regexp(t, `jellyfish +production +2\.14\.0\+rev1 +2\.14\.0\+rev1 +- .* newest\n`, e.Run("deploy list").Out)
	r = e.Run("deploy unpin jellyfish --yes --reason fixed")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "already follows the newest release, at 2.14.0+rev1: nothing to do")
	assert.Equal(t, 2, pins(t, e))
}

func TestAPinIsFoundAgain(t *testing.T) {
	t.Parallel()
	e := fleet(t)
	r := e.Run("deploy run jellyfish 2.13.4 --yes --reason x --no-wait")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `jellyfish +production +2\.13\.4 +2\.14\.0\+rev1 +not running`, e.Run("deploy list").Out)
	r = e.Run("deploy run jellyfish 2.13.4 --yes --reason x")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "running   2.13.4 in 4 of 4 online")
	assert.Equal(t, 1, pins(t, e), "it waits, and does not send it again")
	assert.Contains(t, e.Run("__complete deploy run jellyfish ''").Out, "2.14.0\tbuilt ")
	assert.Equal(t, "api-staging\tstaging\njellyfish\tbalena-demo/jellyfish\n:4\n", e.Run("__complete deploy unpin ''").Out)
}

func TestAFleetIsNotChangedByAPlan(t *testing.T) {
	t.Parallel()
	e := fleet(t)
	r := e.Run("deploy rollback jellyfish --dry-run")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "PATCH http://demo.invalid/balena/v7/application(1664001)?$filter=should_be_running__release%20eq%202801005")
	for line, code := range map[string]int{
		"deploy rollback jellyfish":                                   exit.NotConfirmed,
		"deploy unpin jellyfish --yes --read-only --reason x":         exit.NotConfirmed,
		"deploy rollback jellyfish --yes --read-only --reason x":      exit.NotConfirmed,
		"deploy rollback jellyfish --yes":                             exit.Usage,
		"deploy unpin jellyfish --yes":                                exit.Usage,
		"deploy unpin":                                                exit.Usage,
		"deploy unpin jellyfsh --yes --reason x":                      exit.NotFound,
		"deploy unpin jellyfish --hold":                               exit.Usage,
		"deploy unpin jellyfish --no-wait --verify up":                exit.Usage,
		"deploy unpin api --yes --reason x":                           exit.Guard,
		"deploy run jellyfish 2.13.5 --yes --reason x":                exit.Guard,
		"deploy run jellyfish 2.14.1 --yes --reason x":                exit.Guard,
		"deploy run jellyfish 2.15.0 --yes --reason x":                exit.Guard,
		"deploy run jellyfish 9.9.9 --yes --reason x":                 exit.NotFound,
		`deploy run jellyfish ">=2.0.0" --yes --reason x`:             exit.Usage,
		"deploy run jellyfish 2.14.0+rev1 --yes --reason x":           exit.OK,
		"deploy rollback jellyfish --to 2.14.0+rev1 --yes --reason x": exit.OK,
	} {
		r := e.Run(line)
		assert.Equal(t, code, r.Code, "%s\n%s%s", line, r.Out, r.Err)
	}
	assert.Zero(t, pins(t, e))
}

// TestAFleetMovesAtMostOnce is faults of the change: how many are sent, whether
// the fleet moved, and what the command says by its exit code.
func TestAFleetMovesAtMostOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault simulator.Fault
		moved bool
		code  int
	}{
		"reset before the server read it": {simulator.Fault{Kind: simulator.FaultResetBefore}, false, exit.Unknown},
		"reset after it":                  {simulator.Fault{Kind: simulator.FaultResetAfter}, true, exit.OK},
		"500 and nothing done":            {simulator.Fault{Kind: simulator.FaultStatus, Status: 500}, false, exit.Unavailable},
		"500 and done":                    {simulator.Fault{Kind: simulator.FaultStatusAfter, Status: 500}, true, exit.OK},
		"504 and nothing done":            {simulator.Fault{Kind: simulator.FaultStatus, Status: 504}, false, exit.Unknown},
		"502 and done":                    {simulator.Fault{Kind: simulator.FaultStatusAfter, Status: 502}, true, exit.OK},
		"a cut answer":                    {simulator.Fault{Kind: simulator.FaultCut}, true, exit.OK},
		"a sign-in page":                  {simulator.Fault{Kind: simulator.FaultHTML}, false, exit.Auth},
		"a redirect":                      {simulator.Fault{Kind: simulator.FaultRedirect}, false, exit.Unknown},
		"401":                             {simulator.Fault{Kind: simulator.FaultStatus, Status: 401}, false, exit.Auth},
		"400":                             {simulator.Fault{Kind: simulator.FaultStatus, Status: 400}, false, exit.Failed},
		"409":                             {simulator.Fault{Kind: simulator.FaultStatus, Status: 409}, false, exit.Guard},
		"429 for long":                    {simulator.Fault{Kind: simulator.FaultStatus, Status: 429, RetryAfter: 10 * time.Minute}, false, exit.Unavailable},
	} {
		for verb, line := range map[string]string{
			"rollback": "deploy rollback jellyfish --yes --reason x --no-wait",
			"unpin":    "deploy unpin jellyfish --yes --reason x --no-wait -o json",
		} {
			t.Run(name+" "+verb, func(t *testing.T) {
				t.Parallel()
				e := fleet(t)
				want, before := 1, "2.14.0+rev1"
				if verb == "unpin" {
					require.Equal(t, 0, e.Run("deploy run jellyfish 2.13.4 --yes --reason x").Code)
					want, before = 2, "2.13.4"
				}
				f := c.fault
				f.Service, f.Method = "balena", http.MethodPatch
				require.NoError(t, e.World.AddFault(f))
				r := e.Run(line)
				assert.Equal(t, c.code, r.Code, r.Err)
				assert.Equal(t, want, pins(t, e), "sent once")
				require.NoError(t, e.World.ClearFaults())
				now := e.Run("deploy status jellyfish --jq .item.version").Out
				assert.Equal(t, c.moved, now != before+"\n", now)
			})
		}
	}
}
