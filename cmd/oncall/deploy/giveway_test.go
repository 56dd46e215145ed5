package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

// TestAnotherStartsAtTheSameInstant: the other's start is queued in the moment in
// which ours is on its way, behind the last look of the plan.
func TestAnotherStartsAtTheSameInstant(t *testing.T) {
	t.Parallel()
	refuse := func(kind string, status int) []simulator.Fault {
		return []simulator.Fault{{Service: "jenkins", Method: http.MethodPost, PathGlob: "/queue/cancelItem", Kind: kind, Status: status}}
	}
	for name, c := range map[string]struct {
		version string // that the other one starts
		after   bool   // it comes behind ours
		more    string
		faults  []simulator.Fault
		builds  int
		cancels int32
		code    int
		says    string
	}{
		"another version":            {"17.4.0", false, ``, nil, 1, 1, exit.Guard, "(17.4.0, by you) was started first, at the same moment; ours (queue item 88052) was taken out of the queue, and nothing was deployed\nhint: oncall deploy watch"},
		"and nobody waits":           {"17.4.0", false, ` --no-wait`, nil, 1, 1, exit.Guard, "nothing was deployed"},
		"as JSON":                    {"17.4.0", false, ` -o json`, nil, 1, 1, exit.Guard, `"code":8`},
		"it comes after ours":        {"17.4.0", true, ``, nil, 2, 0, exit.OK, ""},
		"the same version":           {"17.4.1", false, ``, nil, 1, 0, exit.OK, "under way already"},
		"who wants to queue":         {"17.4.0", false, ` --wait-for-running`, nil, 2, 0, exit.OK, ""},
		"no right to take it out":    {"17.4.0", false, ``, refuse(simulator.FaultStatus, 422), 2, 1, exit.OK, "warning: deploy api: queue item 88051 (17.4.0, by you) was started first, at the same moment, and ours (queue item 88052) could not be taken out of the queue"},
		"the answer is lost, done":   {"17.4.0", false, ``, refuse(simulator.FaultResetAfter, 0), 1, 1, exit.Guard, "nothing was deployed"},
		"500, and not done":          {"17.4.0", false, ` --no-wait -o json`, refuse(simulator.FaultStatus, 500), 2, 1, exit.OK, "and ours (#883) is a build already"},
		"the queue cannot be read":   {"17.4.0", false, ``, []simulator.Fault{{Service: "jenkins", PathGlob: "/queue/api/json", Kind: simulator.FaultStatus, Status: 503}}, 2, 0, exit.OK, "whether another deployment was started at the same moment could not be seen"},
		"Jenkins goes away for long": {"17.4.0", false, ``, append(refuse(simulator.FaultResetAfter, 0), simulator.Fault{Service: "jenkins", PathGlob: "/queue/item/*", Kind: simulator.FaultResetBefore}), 1, 1, exit.Unknown, "hint: see what is under way: oncall deploy watch --component api"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: time.Minute}))
			var cancels, starts atomic.Int32
			other := func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/jenkins"+startPath+"?delay=0sec",
					strings.NewReader(url.Values{"COMPONENT": {"api"}, "VERSION": {c.version}}.Encode()))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.SetBasicAuth(simulator.JenkinsUser, simulator.JenkinsToken)
				rw := httptest.NewRecorder()
				e.World.Handler().ServeHTTP(rw, r)
				assert.Equal(t, http.StatusCreated, rw.Code)
				for _, f := range c.faults {
					assert.NoError(t, e.World.AddFault(f))
				}
			}
			ts := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method != http.MethodPost:
				case strings.HasSuffix(r.URL.Path, "/cancelItem"):
					cancels.Add(1)
				default:
					starts.Add(1)
					if c.after {
						defer other()
					} else {
						other()
					}
				}
				e.World.Handler().ServeHTTP(rw, r)
			}))
			t.Cleanup(ts.Close)
			delete(e.Vars, "ONCALL_CONTEXT")
			for _, line := range e.World.Env(ts.URL) {
				name, value, _ := strings.Cut(line, "=")
				e.Vars[name] = value
			}
			r := e.Run(`deploy run api 17.4.1` + c.more + yes)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Err, c.says)
			assert.EqualValues(t, 1, starts.Load(), "of ours")
			assert.Equal(t, c.cancels, cancels.Load())
			assert.Equal(t, c.cancels > 0, strings.Contains(r.Err, " late      queue item 88051 (17.4.0, by you) was started first; taking ours (queue item 88052) out of the queue"), r.Err)
			if c.code != exit.OK {
				assert.Empty(t, r.Out)
			}
			if strings.Contains(c.more, "json") && c.code == exit.OK {
				assert.Contains(t, r.Out, "was started first, at the same moment", "a program reads it too")
			}
			e.Advance(2 * time.Minute)
			assert.Equal(t, c.builds, started(t, e), r.Err)
		})
	}
}
