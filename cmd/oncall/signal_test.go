//go:build !windows

package main_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/simulator"
)

// TestSignalInABatch: Ctrl-C while an answer is awaited. The process ends with the
// signal's code, tells what was done, what may have been and what was not sent, in
// words and in the journal, and sends nothing twice.
func TestSignalInABatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		code   int
		path   string // the request whose answer never comes
		args   []string
		out    string
		err    string
		state  string // in the journal
	}{
		{
			"acknowledge, after one that was so already", syscall.SIGINT, 130, "/api-public/v1/incidents/ack",
			[]string{"incident", "ack", "4119", "4127", "4126"},
			"incident/4119 already acknowledged by secondary\n",
			"incident/4127 unknown: victorops: acknowledge 4127: cannot tell whether it arrived: the answer was lost\n" +
				"hint: oncall incident get 4127\n" +
				"incident/4126 unknown: victorops: acknowledge 4126: cannot tell whether it arrived: the answer was lost\n" +
				"hint: oncall incident get 4126\n",
			`"target":"4126","state":"unknown"`,
		},
		{
			"resolve, by SIGTERM", syscall.SIGTERM, 143, "/api-public/v1/incidents/resolve",
			[]string{"incident", "resolve", "4127"}, "",
			"incident/4127 unknown: victorops: resolve 4127: cannot tell whether it arrived: the answer was lost\n" +
				"hint: oncall incident get 4127\n",
			`"target":"4127","state":"unknown"`,
		},
		{
			"a note", syscall.SIGINT, 130, "/api-public/v1/incidents/4127/notes",
			[]string{"incident", "note", "4127", "looking"}, "",
			"victorops: add a note to 4127: cannot tell whether it arrived: interrupted before the answer came\n" +
				"hint: oncall incident note 4127\n",
			`"target":"4127","state":"unknown"`,
		},
		{
			"a page", syscall.SIGINT, 130, "/api-public/v1/incidents",
			[]string{"incident", "trigger", "--summary", "disk", "--to", "user:secondary"}, "",
			"plan   pages user:secondary\n" +
				"victorops: trigger an incident: cannot tell whether anybody was paged: interrupted before the answer came\n" +
				"hint: oncall incident list\n",
			`"error":"victorops: trigger an incident: cannot tell`,
		},
		{
			"an alert", syscall.SIGINT, 130, "/integrations/generic/20131114/alert/" + simulator.VictorOpsRESTKey + "/ops",
			[]string{"incident", "trigger", "--summary", "disk", "--routing-key", "ops", "--entity-id", "disk/1"}, "",
			"plan   alert by routing key ops to Operations primary\n" +
				"victorops: send an alert: cannot tell whether it arrived: interrupted before the answer came\n" +
				"hint: oncall incident list\n",
			`"error":"victorops: send an alert: cannot tell`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, err := simulator.Open(simulator.Options{NoLimits: true})
			require.NoError(t, err)
			t.Cleanup(func() { _ = w.Close() })
			var sent atomic.Int32
			waiting := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				r.URL.Path = strings.TrimPrefix(r.URL.Path, "/base")
				if r.Method == http.MethodGet || r.URL.Path != "/victorops"+c.path {
					w.Handler().ServeHTTP(rw, r)
					return
				}
				w.Handler().ServeHTTP(httptest.NewRecorder(), r) // it acts, and never answers
				if sent.Add(1) == 1 {
					close(waiting)
				}
				<-r.Context().Done()
			}))
			t.Cleanup(srv.Close)

			home := t.TempDir()
			var out, errs bytes.Buffer
			cmd := exec.CommandContext(t.Context(), "oncall", c.args...)
			cmd.Env = append(w.Env(srv.URL+"/base"), "HOME="+home, "TZ=UTC", "PATH="+os.Getenv("PATH"))
			cmd.Stdout, cmd.Stderr = &out, &errs
			require.NoError(t, cmd.Start())
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-waiting:
			case err := <-ended:
				require.FailNow(t, "it sent nothing", "%v: %s", err, errs.String())
			}
			require.NoError(t, cmd.Process.Signal(c.signal))
			require.Error(t, <-ended)

			assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), errs.String())
			assert.Equal(t, c.out, out.String())
			assert.Equal(t, c.err, errs.String())
			assert.EqualValues(t, 1, sent.Load(), "sent once")
			record, err := os.ReadFile(filepath.Join(home, ".local/state/oncall/journal.jsonl"))
			require.NoError(t, err)
			lines := strings.Split(strings.TrimSpace(string(record)), "\n")
			require.Len(t, lines, 2, "an intent and an outcome")
			assert.Contains(t, lines[1], c.state)
		})
	}
}
