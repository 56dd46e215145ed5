//go:build !windows

package main_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/simulator"
)

// TestSignalsOfAJob: what ends oncall without a handler, and a second termination,
// go to the command; its end is reported all the same.
func TestSignalsOfAJob(t *testing.T) {
	t.Parallel()
	// Under nohup a hang-up is ignored, by all that is started too; one that is
	// listened to is not.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangup) })
	w, err := simulator.Open(simulator.Options{NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(srv.Close)
	const script = `n=0
trap 'n=$((n+1)); echo term; test $n = 2 && exit 7' TERM
trap 'echo hup' HUP
trap 'echo usr1' USR1
echo ready
while :; do sleep 0.01; done`
	cmd := exec.CommandContext(t.Context(), "oncall", "heartbeat", "run", simulator.HcUUID(simulator.CheckE2E), "--", "/bin/sh", "-c", script)
	cmd.Env = append(w.Env(srv.URL), "HOME="+t.TempDir(), "TZ=UTC", "PATH="+os.Getenv("PATH"))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for _, step := range []struct {
		line string
		next os.Signal
	}{{"ready", syscall.SIGHUP}, {"hup", syscall.SIGUSR1}, {"usr1", syscall.SIGTERM}, {"term", syscall.SIGTERM}, {"term", nil}} {
		require.True(t, lines.Scan(), step.line)
		assert.Equal(t, step.line, lines.Text())
		if step.next != nil {
			require.NoError(t, cmd.Process.Signal(step.next))
		}
	}
	require.Error(t, cmd.Wait())
	assert.Equal(t, 7, cmd.ProcessState.ExitCode(), "the job's own")
	all, err := w.Changes()
	require.NoError(t, err)
	last := all[len(all)-1]
	assert.Contains(t, last.Path, "/7")
	assert.Contains(t, last.Body, "exit code 7")
	assert.Contains(t, last.Body, "hup\nusr1\nterm\nterm\n")
}

// TestInterruptBeforeTheJob: a monitor that hangs is waited for, and whoever gives
// up meanwhile does not find the job running.
func TestInterruptBeforeTheJob(t *testing.T) {
	t.Parallel()
	asked, told := make(chan struct{}), make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		told <- r.URL.Path
		if len(r.URL.Path) > 6 && r.URL.Path[len(r.URL.Path)-6:] == "/start" {
			close(asked)
			<-r.Context().Done()
			return
		}
		_, _ = rw.Write([]byte("OK"))
	}))
	t.Cleanup(srv.Close)
	id := simulator.HcUUID(simulator.CheckE2E)
	cmd := exec.CommandContext(t.Context(), "oncall", "heartbeat", "run", id, "--", "/bin/echo", "it ran")
	cmd.Env = []string{"ONCALL_HEALTHCHECKS_PING_URL=" + srv.URL, "HOME=" + t.TempDir(), "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	<-asked
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	lines := bufio.NewScanner(out)
	assert.False(t, lines.Scan(), "the job is not started: %s", lines.Text())
	require.Error(t, cmd.Wait())
	assert.Equal(t, 130, cmd.ProcessState.ExitCode())
	assert.Equal(t, "/"+id+"/start", <-told)
	assert.Equal(t, "/"+id+"/fail", <-told, "the start is taken back")
}
