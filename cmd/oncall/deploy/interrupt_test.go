package deploy_test

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

var resume = regexp.MustCompile(`(?m)^hint: still deploying\. resume: oncall (deploy watch .+)$`)

// TestCtrlCStopsTheWaitAlone: the process ends, the deployment goes on, and the
// line that was printed picks it up.
func TestCtrlCStopsTheWaitAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be sent Ctrl-C there")
	}
	at := func(part string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Method == http.MethodGet && strings.Contains(r.URL.Path, part) }
	}
	for name, strike := range map[string]func(*http.Request) bool{
		"in the queue":           at("/queue/item/"),
		"while the build runs":   at("/job/" + simulator.JobDeploy + "/882/"),
		"in the watch after one": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, home := newServer(t, 700*time.Millisecond), t.TempDir()
			line := "deploy rollback api --yes --reason test"
			if s.press, s.strike = true, strike; strike == nil {
				code, out := s.run(t, home, false, line+" --no-wait")
				require.Equal(t, 0, code, out)
				line, s.strike = "deploy watch", at("/job/"+simulator.JobDeploy+"/882/")
			}
			code, out := s.run(t, home, true, line)
			struck, posts := s.counts()
			require.True(t, struck, out)
			assert.Equal(t, exit.Interrupted, code, out)
			assert.Equal(t, 1, posts, out)
			m := resume.FindStringSubmatch(out)
			require.Len(t, m, 2, out)
			code, out = s.run(t, home, false, m[1])
			assert.Equal(t, 0, code, out)
			assert.Contains(t, out, "#882")
			_, posts = s.counts()
			assert.Equal(t, 1, posts, "neither the interrupt nor the watch starts or stops anything")
			code, out = s.run(t, home, false, "deploy rollback api --yes --reason test")
			assert.Equal(t, 0, code, out)
			assert.Contains(t, out, "already rolled back 17.5.0 -> 17.4.1")
		})
	}
}

// TestInterruptedAtEveryWait is the same within the process, at each of the waits
// in turn: what is left behind is a deployment that goes on, once, and words that
// lead back to it.
func TestInterruptedAtEveryWait(t *testing.T) {
	t.Parallel()
	for _, command := range []string{`deploy rollback api`, `deploy rollback api-staging --hold`, `deploy rollback jellyfish`} {
		for nth := 1; nth <= 8; nth++ {
			t.Run(command+strings.Repeat("'", nth), func(t *testing.T) {
				t.Parallel()
				e := clitest.New(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var out, errOut bytes.Buffer
				f := e.Factory(&out, &errOut)
				waits := 0
				f.Sleep = func(ctx context.Context, d time.Duration) error {
					e.Advance(d)
					if waits++; waits == nth {
						cancel()
						f.Interrupted = func() (int, bool) { return exit.Interrupted, true }
					}
					return ctx.Err()
				}
				code := root.Run(ctx, f, append(strings.Fields(command), "--yes", "--reason", "test"))
				if waits < nth {
					require.Equal(t, exit.OK, code, errOut.String())
					return // it was through before
				}
				require.Equal(t, exit.Interrupted, code, errOut.String())
				m := resume.FindStringSubmatch(errOut.String())
				require.Len(t, m, 2, errOut.String())
				r := e.Run(m[1])
				require.Zero(t, r.Code, r.Err)
				r = e.Run(command + yes)
				require.Zero(t, r.Code, r.Err)
				assert.Contains(t, r.Out, "already rolled back")
				if strings.Contains(command, "staging") {
					assert.Equal(t, 1, staged(t, e))
				}
				assert.Equal(t, map[bool]int{true: 1, false: 0}[command == `deploy rollback api`], started(t, e))
			})
		}
	}
}
