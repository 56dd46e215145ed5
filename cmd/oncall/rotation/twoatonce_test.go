package rotation_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// Two people take the same override back at once: it is gone, as both wanted.
func TestCancelByTwoAtOnce(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	made := e.Run("rotation override secondary --from 2h --for 8h -o name")
	require.Equal(t, 0, made.Code, made.Err)
	line := "rotation override --cancel " + strings.TrimSpace(made.Out)
	var first clitest.Result
	var once sync.Once
	world := e.World.Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			once.Do(func() { first = e.Run(line) })
		}
		world.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	mine := clitest.New(t)
	delete(mine.Vars, "ONCALL_CONTEXT")
	for _, line := range e.World.Env(srv.URL) {
		name, value, _ := strings.Cut(line, "=")
		mine.Vars[name] = value
	}
	r := mine.Run(line)
	assert.Equal(t, 0, first.Code, first.Err)
	assert.Contains(t, first.Out, " cancelled")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, " already gone")
}
