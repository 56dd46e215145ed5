package deploy_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

// staged is how many builds of staging's job the controller has taken on.
func staged(t *testing.T, e *clitest.Env) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, simulator.BaseURL+"/jenkins/job/"+simulator.JobStaging+"/api/json?tree=builds[number]", nil)
	require.NoError(t, err)
	req.SetBasicAuth(simulator.JenkinsUser, simulator.JenkinsToken)
	res, err := (&http.Client{Transport: e.World.Transport()}).Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var job struct{ Builds []struct{ Number int } }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&job))
	return len(job.Builds)
}

// stands is what staging declares, and whether it follows by itself.
func stands(t *testing.T, e *clitest.Env) string {
	t.Helper()
	r := e.Run(`deploy status api-staging --jq '.item.version + " " + .item.follows'`)
	require.Zero(t, r.Code, r.Err)
	return r.Out
}

const holding = `deploy rollback api-staging --hold` + yes

func TestAHeldRollbackStays(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Equal(t, "17.5.0 newest\n", stands(t, e))

	// Without --hold it would be undone: nothing is started.
	r := e.Run(`deploy rollback api-staging` + yes)
	assert.Equal(t, exit.Guard, r.Code)
	assert.Contains(t, r.Err, "hint: --hold stops it in the same build")
	assert.Equal(t, 0, staged(t, e))

	r = e.Run(holding)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "its automation is stopped until: oncall deploy unpin api-staging")
	assert.Contains(t, r.Out, "17.5.0 -> 17.4.1, #301")
	assert.Contains(t, r.Out, "held there until: oncall deploy unpin api-staging")
	for range 3 {
		e.Advance(time.Hour) // the automation had its rounds
		assert.Equal(t, "17.4.1 held\n", stands(t, e))
	}
	r = e.Run(`deploy list`)
	assert.Regexp(t, `(?m)^api-staging +staging +17\.4\.1 .* held$`, r.Out)

	// The same line again starts nothing; another version stays held, too.
	r = e.Run(holding)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already rolled back 17.5.0 -> 17.4.1")
	assert.Equal(t, 1, staged(t, e))
	r = e.Run(`deploy run api-staging 17.4.0` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "automation: stopped, and stays so (HOLD)")
	e.Advance(time.Hour)
	assert.Equal(t, "17.4.0 held\n", stands(t, e))

	// Unpinned, it stays where it is until the automation's next round.
	r = e.Run(`deploy unpin api-staging --dry-run`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "HOLD=false")
	r = e.Run(`deploy unpin api-staging` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "component/api-staging unpinned")
	assert.Contains(t, r.Out, "it follows the newest again, at 17.4.0")
	e.Advance(time.Minute)
	assert.Equal(t, "17.5.0 newest\n", stands(t, e))
	r = e.Run(`deploy unpin api-staging` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already follows the newest version by itself, at 17.5.0")
	assert.Equal(t, 3, staged(t, e))
}

func TestAJobThatDoesNotHoldIsToldOf(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{IgnoreHold: true}))
	r := e.Run(holding + ` -o json`)
	assert.Equal(t, exit.Found, r.Code, r.Err)
	assert.Contains(t, r.Err, "the build did not stop the automation, although it was given HOLD=true")
	assert.Contains(t, r.Err, "take the comment from line 13 of kubernetes/balenacloud/api/deployment.yaml")
	assert.Equal(t, 1, staged(t, e))

	// And it is undone.
	e.Advance(time.Minute)
	assert.Equal(t, "17.5.0 newest\n", stands(t, e))
	r = e.Run(`deploy status api-staging`)
	assert.Contains(t, r.Out, "the rollback to 17.4.1 was undone by Flux: Auto-release")
	r = e.Run(`deploy history api-staging`)
	assert.Regexp(t, `(?m)^17\.4\.1 .* rollback, undone$`, r.Out)

	// Mended, the same line goes back again and stays.
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{}))
	r = e.Run(holding)
	require.Zero(t, r.Code, r.Err)
	e.Advance(time.Hour)
	assert.Equal(t, "17.4.1 held\n", stands(t, e))
	assert.Equal(t, 2, staged(t, e))

	// So does an unpin that is not carried out.
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: "FAILURE"}))
	r = e.Run(`deploy unpin api-staging` + yes)
	assert.Equal(t, exit.Failure, r.Code, r.Err)
	assert.Equal(t, "17.4.1 held\n", stands(t, e))
}

// TestTheAutomationIsFasterThanTheWait: the version is replaced while it is still
// waited for.
func TestTheAutomationIsFasterThanTheWait(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{IgnoreHold: true}))
	r := e.Run(holding + ` --no-wait`)
	require.Zero(t, r.Code, r.Err)
	e.Advance(5 * time.Second) // the build is about to end
	assert.Equal(t, 1, staged(t, e))
	e.Advance(30 * time.Second)
	r = e.Run(`deploy watch 301`)
	assert.Equal(t, exit.Guard, r.Code, r.Err)
	assert.Regexp(t, `17\.5\.0 was declared meanwhile \(commit [0-9a-f]{7} by Flux\); 17\.4\.1 is no longer waited for`, r.Err)
	r = e.Run(`deploy watch 878`)
	assert.Equal(t, exit.Guard, r.Code, "a build of days ago is not waited for: "+r.Err)
}

func TestHoldWhereItIsAlready(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy run api-staging 17.5.0` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already at 17.5.0: nothing to do")
	assert.Equal(t, 0, staged(t, e))
	r = e.Run(`deploy run api-staging 17.5.0 --hold` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "stays at 17.5.0")
	assert.Contains(t, r.Out, "held there until")
	assert.Equal(t, "17.5.0 held\n", stands(t, e))
	assert.Equal(t, 1, staged(t, e))
}

func TestHoldWithoutMeans(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve() // no definitions: no file to see marks in
	r := e.Run(`deploy rollback api --hold` + yes)
	assert.Equal(t, exit.Guard, r.Code, r.Err)
	assert.Contains(t, r.Err, "the job has no parameter that stops it")
	assert.Equal(t, 0, started(t, e))
}
