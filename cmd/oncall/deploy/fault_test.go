package deploy_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

// started is how many deployments the controller has taken on since the world
// began: queue items and builds of the deploy job, each once.
func started(t *testing.T, e *clitest.Env) int {
	t.Helper()
	require.NoError(t, e.World.ClearFaults())
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{}))
	e.Advance(time.Minute)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, simulator.BaseURL+"/jenkins/job/"+simulator.JobDeploy+"/api/json?tree=builds[number],nextBuildNumber", nil)
	require.NoError(t, err)
	req.SetBasicAuth(simulator.JenkinsUser, simulator.JenkinsToken)
	res, err := (&http.Client{Transport: e.World.Transport()}).Do(req)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	var job struct {
		Builds []struct{ Number int }
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&job))
	n := 0
	for _, b := range job.Builds {
		if b.Number > simulator.DeployBadBuild {
			n++
		}
	}
	return n
}

const startPath = "/job/" + simulator.JobDeploy + "/buildWithParameters"

// TestExactlyOnce is commands by faults: how many builds are started, and what
// the command says by its exit code.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	commands := map[string]string{
		"rollback --to":    `deploy rollback api --to 17.4.0 --yes --reason test`,
		"run":              `deploy run api 17.4.1 --yes --reason test`,
		"run --no-wait":    `deploy run api 17.4.1 --yes --reason test --no-wait`,
		"rollback -o json": `deploy rollback api --previous --yes --reason test -o json`,
	}
	fault := func(kind string, status, times int) simulator.Fault {
		return simulator.Fault{Service: "jenkins", Method: http.MethodPost, PathGlob: startPath, Kind: kind, Status: status, Times: times}
	}
	read := func(kind, glob string, status, times int) simulator.Fault {
		return simulator.Fault{Service: "jenkins", Method: http.MethodGet, PathGlob: glob, Kind: kind, Status: status, Times: times}
	}
	faults := map[string]struct {
		faults []simulator.Fault
		quirks simulator.JenkinsQuirks
		builds int
		code   int
	}{
		"none":                            {nil, simulator.JenkinsQuirks{}, 1, exit.OK},
		"reset before the server read it": {[]simulator.Fault{fault(simulator.FaultResetBefore, 0, 1)}, simulator.JenkinsQuirks{}, 0, exit.Unknown},
		"reset after it":                  {[]simulator.Fault{fault(simulator.FaultResetAfter, 0, 1)}, simulator.JenkinsQuirks{}, 1, exit.OK},
		"500 and nothing done":            {[]simulator.Fault{fault(simulator.FaultStatus, 500, 1)}, simulator.JenkinsQuirks{}, 0, exit.Unknown},
		"500 and done":                    {[]simulator.Fault{fault(simulator.FaultStatusAfter, 500, 1)}, simulator.JenkinsQuirks{}, 1, exit.OK},
		"502 and done":                    {[]simulator.Fault{fault(simulator.FaultStatusAfter, 502, 1)}, simulator.JenkinsQuirks{}, 1, exit.OK},
		"504 and nothing done":            {[]simulator.Fault{fault(simulator.FaultStatus, 504, 1)}, simulator.JenkinsQuirks{}, 0, exit.Unknown},
		"sign-in page":                    {[]simulator.Fault{fault(simulator.FaultHTML, 0, 1)}, simulator.JenkinsQuirks{}, 0, exit.Auth},
		"401":                             {[]simulator.Fault{fault(simulator.FaultStatus, 401, 1)}, simulator.JenkinsQuirks{}, 0, exit.Auth},
		"403":                             {nil, simulator.JenkinsQuirks{DenyBuild: true}, 0, exit.Auth},
		"404":                             {[]simulator.Fault{fault(simulator.FaultStatus, 404, 1)}, simulator.JenkinsQuirks{}, 0, exit.NotFound},
		"409":                             {[]simulator.Fault{fault(simulator.FaultStatus, 409, 1)}, simulator.JenkinsQuirks{}, 0, exit.Guard},
		"302 refused by the queue":        {nil, simulator.JenkinsQuirks{RefuseStarts: true}, 0, exit.Guard},
		"500 of an illegal value":         {nil, simulator.JenkinsQuirks{FailStarts: true}, 0, exit.Unknown},
		"429 once, then taken":            {[]simulator.Fault{fault(simulator.FaultStatus, 429, 1)}, simulator.JenkinsQuirks{}, 1, exit.OK},
		"answer lost, queue forgets":      {[]simulator.Fault{fault(simulator.FaultResetAfter, 0, 1)}, simulator.JenkinsQuirks{QueueForgets: true}, 1, exit.OK},
		"answer lost, item waits":         {[]simulator.Fault{fault(simulator.FaultResetAfter, 0, 1), read(simulator.FaultStatus, "/queue/api/json", 503, 0)}, simulator.JenkinsQuirks{}, 0, exit.Unavailable},
		"crumb asked for":                 {nil, simulator.JenkinsQuirks{CrumbAlways: true}, 1, exit.OK},
		"a proxy's Location":              {nil, simulator.JenkinsQuirks{ProxiedLocation: true}, 1, exit.OK},
		"polls fail for a while":          {[]simulator.Fault{read(simulator.FaultStatus, "/queue/item/*", 503, 6)}, simulator.JenkinsQuirks{}, 1, exit.OK},
		"build ends FAILURE":              {nil, simulator.JenkinsQuirks{Result: "FAILURE"}, 1, exit.Failure},
		"build ends UNSTABLE":             {nil, simulator.JenkinsQuirks{Result: "UNSTABLE"}, 1, exit.Unstable},
		"build ends ABORTED":              {nil, simulator.JenkinsQuirks{Result: "ABORTED"}, 1, exit.Aborted},
		"build ends NOT_BUILT":            {nil, simulator.JenkinsQuirks{Result: "NOT_BUILT"}, 1, exit.NotBuilt},
		"Jenkins restarts":                {nil, simulator.JenkinsQuirks{Restarting: true}, 0, exit.Unavailable},
	}
	for cname, line := range commands {
		for fname, c := range faults {
			t.Run(cname+"/"+fname, func(t *testing.T) {
				t.Parallel()
				e := clitest.New(t)
				require.NoError(t, e.World.SetJenkins(c.quirks))
				for _, f := range c.faults {
					require.NoError(t, e.World.AddFault(f))
				}
				code := c.code
				if strings.HasPrefix(fname, "build ends") && strings.Contains(line, "--no-wait") {
					code = exit.OK
				}
				r := e.Run(line)
				assert.Equal(t, code, r.Code, "stdout: %s\nstderr: %s", r.Out, r.Err)
				assert.Equal(t, c.builds, started(t, e), "builds\nstderr: %s", r.Err)
				assert.NotContains(t, r.Out+r.Err, simulator.JenkinsToken)
				if code == exit.Unknown {
					assert.Contains(t, r.Err, "oncall deploy watch", "the line to run next")
				}
				if code != exit.OK && code != exit.Found {
					assert.Empty(t, r.Out, "stdout carries results alone")
				}
			})
		}
	}
}
