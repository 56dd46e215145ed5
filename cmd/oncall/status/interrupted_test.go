package status_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/root"
)

// Ctrl-C in the middle of several: what is set, what cannot be told and what was
// not sent are told apart.
func TestSetIsInterrupted(t *testing.T) {
	t.Parallel()
	for format, want := range map[string][]string{
		"":         {"component/API partial outage", "component/Dashboard unknown: ", "interrupted after the request was sent; it may have arrived", "component/Builder not sent"},
		" -o yaml": {"name: component/API\n    state: done", "name: component/Dashboard\n    state: unknown", "interrupted after the request was sent; it may have arrived", "name: component/Builder\n    state: not-sent"},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var patches atomic.Int32
			inner := e.World.Handler()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && patches.Add(1) == 2 {
					_, _ = io.Copy(io.Discard, r.Body) // only then the end of the connection is noticed
					cancel()                           // the person presses Ctrl-C now
					<-r.Context().Done()
					return
				}
				inner.ServeHTTP(w, r)
			}))
			defer s.Close()
			delete(e.Vars, "ONCALL_CONTEXT")
			for _, line := range e.World.Env(s.URL) {
				name, value, _ := strings.Cut(line, "=")
				e.Vars[name] = value
			}
			var out, errOut bytes.Buffer
			f := e.Factory(&out, &errOut)
			f.Interrupted = func() (int, bool) { return 130, ctx.Err() != nil }
			words, err := cli.SplitLine("status set API=partial Dashboard=major Builder=degraded --yes" + format)
			require.NoError(t, err)
			assert.Equal(t, 130, root.Run(ctx, f, words), errOut.String())
			for _, text := range want {
				assert.Contains(t, out.String()+errOut.String(), text)
			}
			assert.EqualValues(t, 2, patches.Load(), "nothing is sent after it")
		})
	}
}
