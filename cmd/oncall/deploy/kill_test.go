package deploy_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

const beOncall = "ONCALL_TEST_PROCESS"

// TestMain lets a test run oncall as a process that can be killed.
func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(beOncall); ok {
		os.Exit(root.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// server serves a world whose clock moves by the requests alone, so that the same
// request finds the same state on a machine of any speed, and strikes a process at
// a request.
type server struct {
	world *simulator.World
	url   string
	steps atomic.Int64

	mu     sync.Mutex
	strike func(r *http.Request) bool
	after  bool // let the world handle the request first
	press  bool // Ctrl-C instead of a kill: the request is answered, then the signal comes
	child  *exec.Cmd
	struck bool
	posts  int
}

func newServer(t *testing.T, step time.Duration) *server {
	t.Helper()
	s := &server{}
	begin := time.Now() // as the processes have it
	w, err := simulator.Open(simulator.Options{NoLimits: true, Now: func() time.Time { return begin.Add(time.Duration(s.steps.Load()) * step) }})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	s.world = w
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	s.url = ts.URL
	return s
}

// counts tells whether the child was struck, and how many starts arrived.
func (s *server) counts() (struck bool, posts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck, s.posts
}

func (s *server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.steps.Add(1)
	s.mu.Lock()
	hit := s.child != nil && !s.struck && s.strike(r)
	s.struck = s.struck || hit
	if hit && !s.after && !s.press {
		_ = s.child.Process.Kill()
		s.mu.Unlock()
		return
	}
	if r.Method == http.MethodPost {
		s.posts++
	}
	s.mu.Unlock()
	if !hit || s.press {
		s.world.Handler().ServeHTTP(rw, r)
		if hit {
			s.mu.Lock()
			defer s.mu.Unlock()
			_ = s.child.Process.Signal(os.Interrupt)
		}
		return
	}
	s.world.Handler().ServeHTTP(httptest.NewRecorder(), r)
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.child.Process.Kill()
}

// run runs oncall to its end and returns its exit code, -1 for a killed one.
func (s *server) run(t *testing.T, home string, victim bool, line string) (code int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(line)...)
	cmd.Env = append(s.world.Env(s.url), beOncall+"=1", "HOME="+home, "PATH="+os.Getenv("PATH"), "TZ=UTC")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	s.mu.Lock()
	require.NoError(t, cmd.Start())
	if victim {
		s.child = cmd
	}
	s.mu.Unlock()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), text.String()
}

func TestKilledAtEveryStepAndRunAgain(t *testing.T) {
	t.Parallel()
	nth := func(n int, method, part string) func(*http.Request) bool {
		seen := 0
		return func(r *http.Request) bool {
			if r.Method == method && strings.Contains(r.URL.Path, part) {
				seen++
				return seen == n
			}
			return false
		}
	}
	job := "/job/" + simulator.JobDeploy
	for name, c := range map[string]struct {
		strike func(*http.Request) bool
		after  bool
	}{
		"while it looks":             {nth(2, http.MethodGet, "/jenkins/"), false},
		"while it looks again":       {nth(5, http.MethodGet, "/jenkins/"), false},
		"before the start arrived":   {nth(1, http.MethodPost, job), false},
		"after the start arrived":    {nth(1, http.MethodPost, job), true},
		"while it looks for others":  {nth(7, http.MethodGet, "/jenkins/"), false},
		"while it follows the queue": {nth(1, http.MethodGet, "/queue/item/"), true},
		"while it follows the build": {nth(1, http.MethodGet, job+"/882/"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, home := newServer(t, 2*time.Second), t.TempDir()
			s.strike, s.after = c.strike, c.after
			const line = "deploy rollback api --yes --reason test"
			code, out := s.run(t, home, true, line)
			struck, _ := s.counts()
			require.True(t, struck, "the step was reached: %s", out)
			require.Equal(t, -1, code, out)
			for range 2 {
				code, out = s.run(t, home, false, line)
				assert.Equal(t, 0, code, out)
			}
			assert.Contains(t, out, "already rolled back 17.5.0 -> 17.4.1")
			_, posts := s.counts()
			assert.Equal(t, 1, posts, "starts that reached the controller")
			code, out = s.run(t, home, false, "deploy watch")
			assert.Equal(t, 0, code, out)
			assert.Contains(t, out, "#882")
		})
	}
}
