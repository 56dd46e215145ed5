package deploy_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

// typist does something before it answers a question: what happens between the
// plan that is shown and the change.
type typist struct {
	before func()
	text   string
}

func (p *typist) Read(b []byte) (int, error) {
	if p.before != nil {
		p.before()
		p.before = nil
	}
	n := copy(b, p.text)
	p.text = p.text[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestTheWorldMovesBetweenPlanAndAct(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(t *testing.T, e *clitest.Env, r *repo)
		code   int
		says   string
		builds int
	}{
		"nothing":                   {func(*testing.T, *clitest.Env, *repo) {}, exit.OK, "", 1},
		"a push of another version": {func(_ *testing.T, _ *clitest.Env, r *repo) { r.commit("image_tag: 17.5.1\n") }, exit.Guard, "api is at 17.5.1 now, not at 17.5.0", 0},
		"a push beside it":          {func(_ *testing.T, _ *clitest.Env, r *repo) { r.commit("image_tag: 17.5.0\nreplicas: 3\n") }, exit.Guard, "the file was changed meanwhile", 0},
		"somebody rolled back":      {func(_ *testing.T, _ *clitest.Env, r *repo) { r.commit("image_tag: 17.4.1\n") }, exit.Guard, "api is at 17.4.1 now", 0},
		"another deployment": {func(t *testing.T, e *clitest.Env, _ *repo) {
			require.Zero(t, e.Run(`deploy run api 17.4.0 --no-wait`+yes).Code)
		}, exit.Guard, "another deployment of api is under way", 1},
		"the same deployment": {func(t *testing.T, e *clitest.Env, _ *repo) {
			require.Zero(t, e.Run(`deploy run api 17.4.1 --no-wait`+yes).Code)
		}, exit.OK, "under way already", 1},
		"Jenkins goes away": {func(t *testing.T, e *clitest.Env, _ *repo) {
			require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", Kind: simulator.FaultResetBefore}))
		}, exit.Unavailable, "", 0},
		"a sign-in page comes between": {func(t *testing.T, e *clitest.Env, _ *repo) {
			require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", Kind: simulator.FaultHTML}))
		}, exit.Auth, "", 0},
		"the repository goes away": {func(t *testing.T, _ *clitest.Env, r *repo) {
			require.NoError(t, os.Rename(r.bare, r.bare+".away"))
			require.NoError(t, os.MkdirAll(r.bare, 0o700))
		}, exit.Guard, "does not answer now", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := newRepo(t, e, "")
			e.Terminal = true
			var out, errOut bytes.Buffer
			f := e.Factory(&out, &errOut)
			f.IO.In = &typist{before: func() { e.Terminal = false; c.before(t, e, r) }, text: "api\n"}
			code := root.Run(t.Context(), f, []string{"deploy", "rollback", "api", "--no-wait"})
			said := strings.Join(strings.Fields(errOut.String()), " ")
			assert.Equal(t, c.code, code, said)
			assert.Contains(t, said, c.says)
			assert.Equal(t, c.builds, started(t, e))
		})
	}
}

// TestSeveralRollBackAtOnce: whoever comes second joins, wherever the first one
// is by then. The queue holds what is started, as it does for a moment.
func TestSeveralRollBackAtOnce(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{QueueHolds: true}))
	var wg sync.WaitGroup
	results := make([]clitest.Result, 4)
	for i := range results {
		wg.Go(func() { results[i] = e.Run(`deploy rollback api --no-wait` + yes) })
	}
	wg.Wait()
	changed := 0
	for _, r := range results {
		assert.Zero(t, r.Code, r.Err)
		assert.Contains(t, r.Out, "component/api started")
		if !strings.Contains(r.Err, "under way already") {
			changed++
		}
	}
	assert.Equal(t, 1, changed, "one of them says that it started it")
	assert.Equal(t, 1, started(t, e))
}
