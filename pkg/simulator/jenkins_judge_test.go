package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/judges"
)

// jenkinsJudge runs a program against a world whose clock goes on by a quarter of a
// second with each request, however slow the machine is, and returns what it tells.
func jenkinsJudge(t *testing.T, name string, args ...string) map[string]any {
	t.Helper()
	var asked atomic.Int64
	w, err := Open(Options{Now: func() time.Time { return testStart.Add(time.Duration(asked.Load()) * time.Second / 4) }})
	require.NoError(t, err)
	require.NoError(t, w.SetJenkins(JenkinsQuirks{Version: "2.504.3"})) // both clients continue at the size header
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(func() { srv.Close(); _ = w.Close() })
	args = append(args, srv.URL+"/jenkins", JenkinsUser, JenkinsToken, JobE2E)
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = direct()
	out, err := cmd.Output()
	var e *exec.ExitError
	if errors.As(err, &e) {
		require.NoError(t, err, "%s", e.Stderr)
	}
	require.NoError(t, err)
	var told map[string]any
	require.NoError(t, json.Unmarshal(out, &told), "%s", out)
	return told
}

// direct is the environment for a judge that, unlike Go, takes this machine's proxy
// for this machine, too.
func direct() []string { return append(os.Environ(), "NO_PROXY=*", "no_proxy=*") }

// Debian's python3-jenkins, which no one here wrote, finds a Jenkins.
func TestJenkinsJudgedByPython(t *testing.T) {
	t.Parallel()
	python := ""
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), p, "-c", "import jenkins; jenkins.Jenkins").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		judges.Absent(t, "python3-jenkins is not installed: apt-get install python3-jenkins")
	}
	told := jenkinsJudge(t, python, "testdata/jenkins_judge.py")
	assert.Equal(t, map[string]any{
		"version": "2.504.3", "user": "Robin Vale",
		"jobs": []any{JobDeploy, JobStaging, JobE2E, JenkinsFolder, JenkinsFolder + "/" + JobNightly},
		"last": 9123.0, "red": "FAILURE", "stable": 9121.0, "lines": float64(jenkinsLines), "end": "Finished: FAILURE", "report": 3.0,
		"new": 9124.0, "result": "SUCCESS", "finished": "Finished: SUCCESS",
		"params":     map[string]any{"DEVICE": "qemux86-64", "OS_VERSION": "6.5.0", "DEBUG": false},
		"bad choice": "refused", "gone": "not found",
	}, told)
}

// npm's jenkins too, where ONCALL_NODE_JUDGES names the modules' folder.
func TestJenkinsJudgedByNode(t *testing.T) {
	t.Parallel()
	told := jenkinsJudge(t, "node", "testdata/jenkins_judge.cjs", judges.Modules(t))
	assert.Equal(t, map[string]any{
		"jobs": []any{JobDeploy, JobStaging, JobE2E, JenkinsFolder}, "last": 9123.0, "red": "FAILURE",
		"new": 9124.0, "result": "SUCCESS", "finished": "Finished: SUCCESS",
	}, told)
}
