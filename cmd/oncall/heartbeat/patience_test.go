package heartbeat_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/heartbeat"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

// jobAt runs a job named name against a monitor, with a patience of the test's.
func jobAt(t *testing.T, e *clitest.Env, vars map[string]string, patience time.Duration, name string) (out, errs string, err error) {
	t.Helper()
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["PATH"] = "/usr/bin:/bin"
	for k, v := range vars {
		e.Vars[k] = v
	}
	var o, x strings.Builder
	f := e.Factory(&o, &x)
	err = heartbeat.RunWith(t.Context(), f, patience, name, "/bin/sh", "-c", "echo ran; exit 3")
	return o.String(), x.String(), err
}

// A monitor that never answers delays the job by the patience and no more.
func TestAMonitorThatHangs(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(srv.Close)
	e := clitest.New(t)
	out, errs, err := jobAt(t, e, map[string]string{"ONCALL_HEALTHCHECKS_URL": srv.URL, "ONCALL_HEALTHCHECKS_PING_URL": srv.URL, "ONCALL_HEALTHCHECKS_API_KEY": "k"}, 50*time.Millisecond, "some job")
	assert.Equal(t, 3, exit.Code(err))
	assert.Equal(t, "ran\n", out)
	assert.Contains(t, errs, "warning: the start was not reported: ")
	assert.Contains(t, errs, "warning: the end was not reported: ")
}

// One that is away at the start and back at the end hears of the end.
func TestAMonitorThatComesBack(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	var away atomic.Bool
	away.Store(true)
	inner := e.World.Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/checks/") && away.Swap(false) {
			// A wait beyond any deadline: it is not asked again at once.
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	vars := map[string]string{}
	for _, line := range e.World.Env(srv.URL) {
		name, value, _ := strings.Cut(line, "=")
		vars[name] = value
	}
	delete(vars, "ONCALL_HEALTHCHECKS_PING_KEY")
	_, errs, err := jobAt(t, e, vars, time.Minute, "e2e hourly")
	assert.Equal(t, 3, exit.Code(err))
	all, rerr := e.World.Changes()
	require.NoError(t, rerr)
	if assert.NotEmpty(t, all, errs) {
		assert.True(t, strings.HasSuffix(all[len(all)-1].Path, simulator.HcUUID(simulator.CheckE2E)+"/3"), all[len(all)-1].Path)
	}
}
