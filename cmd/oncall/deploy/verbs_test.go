package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/simulator"
)

const yes = ` --yes --reason "5xx after 17.5.0"`

func TestRollbackHealsAndSaysSo(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy rollback api --incident 4127` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "component/api rolled back")
	assert.Contains(t, r.Out, "17.5.0 -> 17.4.1, #882")
	assert.Contains(t, r.Out, "undo: oncall deploy run api 17.5.0")
	for _, want := range []string{"sent", "SUCCESS   #882", "declared", "applied", "running   17.4.1 in 6 of 6", "verified  api-5xx 0.2%"} {
		assert.Contains(t, r.Err, want)
	}
	assert.Less(t, strings.Count(r.Err, "\n"), 25, "a line for each change of state, not for each look:\n%s", r.Err)
	r = e.Run(`incident note 4127`)
	assert.Contains(t, r.Out, "roll back: api 17.5.0 -> 17.4.1 (#882")

	// The same line again starts nothing, and does not go back further.
	for range 2 {
		r = e.Run(`deploy rollback api` + yes)
		require.Zero(t, r.Code, r.Err)
		assert.Contains(t, r.Out, "already rolled back 17.5.0 -> 17.4.1")
		assert.Contains(t, r.Out, "further back: --to 17.4.0")
	}
	r = e.Run(`deploy rollback api --to 17.4.1` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already at 17.4.1: nothing to do")
	assert.Equal(t, 1, started(t, e))
	r = e.Run(`deploy history api -o json --jq '[.items[] | .version + " " + (.rollback|tostring) + " " + (.rolledBack|tostring)]'`)
	assert.JSONEq(t, `["17.4.1 true false", "17.5.0 false true", "17.4.1 false false", "17.4.0 false false", "17.3.2 false false"]`, r.Out)
}

func TestRollbackAsksForTheName(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy rollback api`)
	assert.Equal(t, exit.NotConfirmed, r.Code)
	assert.Contains(t, r.Err, "17.5.0 -> 17.4.1")
	e.Terminal, e.Stdin = true, "y\n"
	assert.Equal(t, exit.NotConfirmed, e.Run(`deploy rollback api`).Code, "a yes is not the name")
	assert.Equal(t, 0, started(t, e))
	e.Stdin = "api\n"
	assert.Equal(t, 0, e.Run(`deploy rollback api`).Code)
	assert.Equal(t, 1, started(t, e))
}

func TestDryRunStartsNothing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy rollback api --dry-run`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "would send  POST")
	assert.Contains(t, r.Err, "VERSION=17.4.1")
	assert.Contains(t, r.Err, "between them: 3 commits")
	assert.Equal(t, 0, started(t, e))
}

func TestUsageSendsNothing(t *testing.T) {
	t.Parallel()
	for line, c := range map[string]struct {
		code int
		text string
	}{
		`deploy rollback api --yes`:                          {exit.Usage, "needs --reason in production"},
		`deploy run api '>=17.0.0'` + yes:                    {exit.Usage, "is a range"},
		`deploy run api 17.x` + yes:                          {exit.Usage, "is a range"},
		`deploy run api latest` + yes:                        {exit.Usage, "a name that moves"},
		`deploy run api ""` + yes:                            {exit.Usage, "is no version"},
		`deploy rollback api --to ""` + yes:                  {exit.Usage, "is empty"},
		`deploy rollback api --to 17.4.1 --previous`:         {exit.Usage, "not both"},
		`deploy rollback api --wait --no-wait` + yes:         {exit.Usage, "contradict"},
		`deploy rollback api --incident x` + yes:             {exit.Usage, "--incident"},
		`deploy rollback api --verify api-5x` + yes:          {exit.NotFound, "api-5xx"},
		`deploy rollback ap` + yes:                           {exit.NotFound, "did you mean api"},
		`deploy status nosuchthing`:                          {exit.NotFound, "there are: "},
		`deploy rollback`:                                    {exit.Usage, ""},
		`deploy watch 99999`:                                 {exit.NotFound, "#881"},
		`deploy watch nine`:                                  {exit.Usage, "no number of a build"},
		`deploy history api --limit 0`:                       {exit.Usage, "--limit"},
		`deploy diff api 1.2.3`:                              {exit.NotFound, "was never declared"},
		`deploy run api-staging 17.4.1` + yes:                {exit.Guard, "--hold stops it in the same build"},
		`deploy rollback jellyfish --stale-ok` + yes:         {exit.Usage, "has no repository that could be old"},
		`deploy rollback jellyfish --wait-for-running` + yes: {exit.Usage, "a pin waits in no queue"},
		`deploy run jellyfish 2.14.0 --require-image` + yes:  {exit.Usage, "never at a registry"},
		`deploy discover --repo ext::x`:                      {exit.Usage, "the demo has no repository"},
		`deploy diff jellyfish`:                              {exit.Guard, "its releases have no manifest to compare"},
		`deploy unpin api` + yes:                             {exit.Guard, "there is nothing to take away"},
		`deploy status api --kustomization ""`:               {exit.Usage, "the file is missing"},
		`deploy status api --kustomization /nowhere`:         {exit.Usage, "no such file"},
		`deploy status jellyfish --kustomization /nowhere`:   {exit.Usage, "has no meaning here"},
		`deploy watch 881 --component ui`:                    {exit.Usage, "#881 of Deploy-Component-To-Production does not deploy ui"},
		`deploy watch --component apo`:                       {exit.NotFound, "did you mean api"},
		`deploy run api 99.9.9` + yes:                        {exit.Guard, "the registry has no registry.example.test/balena/api:99.9.9"},
		`deploy rollback builder` + yes:                      {exit.Guard, "no other version"},
		`deploy rollback api --jq '.['` + yes:                {exit.Usage, ""},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := e.Run(line)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Err, c.text)
			assert.Equal(t, 0, started(t, e))
		})
	}
}

func TestRegistryIsAskedOnlyAboutWhatNeverRan(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy run api ` + simulator.APIVersionUnreleased + ` --dry-run`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "is in the registry")
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "registry", Kind: simulator.FaultStatus, Status: 503}))
	r = e.Run(`deploy run api ` + simulator.APIVersionUnreleased + ` --dry-run`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "image not checked")
	assert.Equal(t, exit.Guard, e.Run(`deploy run api `+simulator.APIVersionUnreleased+` --require-image --dry-run`).Code)
	assert.Zero(t, e.Run(`deploy run api 17.4.1 --require-image --dry-run`).Code, "it ran there before")
}

func TestAnotherDeploymentIsInTheWay(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: 5 * time.Minute, Result: "FAILURE"}))
	require.Zero(t, e.Run(`deploy run api 17.4.0 --no-wait`+yes).Code)
	e.Advance(3 * time.Second)
	r := e.Run(`deploy rollback api --to 17.4.1` + yes)
	assert.Equal(t, exit.Guard, r.Code)
	assert.Contains(t, r.Err, "#882 (17.4.0, by you)")
	assert.Contains(t, r.Err, "oncall deploy watch 882")
	// Another component is not in the way.
	assert.Zero(t, e.Run(`deploy rollback ui --dry-run`).Code)

	// Our own to the same version is followed, not repeated.
	r = e.Run(`deploy run api 17.4.0` + yes)
	assert.Equal(t, exit.Failure, r.Code, r.Err)
	assert.Contains(t, r.Err, "under way already")
	assert.Equal(t, 1, started(t, e))
}

func TestQueueBehind(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: 30 * time.Second, Result: "FAILURE"}))
	require.Zero(t, e.Run(`deploy run api 17.4.0 --no-wait`+yes).Code)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{}))
	r := e.Run(`deploy rollback api --to 17.4.1 --wait-for-running` + yes)
	assert.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "behind #882")
	assert.Equal(t, 2, started(t, e))
}

// TestUndoAfterAWait names what the deployment before left, not what was there when
// the wait began.
func TestUndoAfterAWait(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Zero(t, e.Run(`deploy run api 17.4.0 --no-wait`+yes).Code)
	r := e.Run(`deploy run api 17.4.1 --wait-for-running` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "(17.4.0 -> 17.4.1, #883")
	assert.Contains(t, r.Out, "undo: oncall deploy run api 17.4.0)")
}

// TestTheTargetIsAnotherAfterAWait: what was previous is not, and nothing is started.
func TestTheTargetIsAnotherAfterAWait(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Zero(t, e.Run(`deploy run api 17.4.0 --no-wait`+yes).Code)
	r := e.Run(`deploy rollback api --wait-for-running` + yes)
	assert.Equal(t, exit.Guard, r.Code, r.Err)
	assert.Contains(t, r.Err, "after the other deployment the target is 17.4.0, not 17.4.1")
	assert.Equal(t, 1, started(t, e))
}

func TestWaitRunsOutAndIsResumed(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{QueueHolds: true}))
	r := e.Run(`deploy rollback api --timeout 20m` + yes)
	assert.Equal(t, exit.WaitRanOut, r.Code, r.Err)
	assert.Contains(t, r.Out, "still deploying")
	assert.Contains(t, r.Err, "resume: oncall deploy watch")
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{}))
	r = e.Run(`deploy watch`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "17.4.1")
	assert.Contains(t, r.Err, "verified")
	assert.Equal(t, 1, started(t, e))
}

func TestVerificationThatFails(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`deploy rollback api --verify 'vector(1) > 2'` + yes)
	assert.Equal(t, exit.Found, r.Code, r.Err)
	assert.Contains(t, r.Out, "rolled back, not verified")
	assert.Contains(t, r.Err, "finds nothing")
	assert.Equal(t, 1, started(t, e))
}

// TestFromTheEnvironmentAlone is a CI job: no definitions, no file.
func TestFromTheEnvironmentAlone(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run(`deploy rollback api -o json` + yes)
	require.Zero(t, r.Code, r.Err)
	type result struct {
		Items []struct {
			Name string
			Item struct {
				From, To, Result string
				Build            int
				Facts            []struct{ Name, Answer string }
			}
		}
	}
	x := clitest.JSON[result](t, r)
	require.Len(t, x.Items, 1)
	got := x.Items[0].Item
	assert.Equal(t, []any{"17.5.0", "17.4.1", "SUCCESS", 882}, []any{got.From, got.To, got.Result, got.Build})
	for _, f := range got.Facts {
		assert.Equal(t, "unknown", f.Answer, "%s is never shown as yes", f.Name)
	}
	r = e.Run(`deploy rollback api` + yes)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already rolled back 17.5.0 -> 17.4.1")
	assert.Equal(t, 1, started(t, e))
	r = e.Run(`deploy rollback apo` + yes)
	assert.Equal(t, exit.NotFound, r.Code)
	assert.Contains(t, r.Err, "did you mean api")
}

// repo is a repository of the test's own, as a team would have it.
type repo struct {
	t          *testing.T
	work, bare string
}

func newRepo(t *testing.T, e *clitest.Env, more string) *repo {
	t.Helper()
	e.Serve() // the demo's own components take no definitions
	r := &repo{t, filepath.Join(t.TempDir(), "work"), filepath.Join(t.TempDir(), "origin.git")}
	r.git(".", "init", "-q", "--bare", "--initial-branch=master", r.bare)
	r.git(".", "init", "-q", "--initial-branch=master", r.work)
	r.git(r.work, "remote", "add", "origin", r.bare)
	defs := filepath.Join(t.TempDir(), "team.yaml")
	text := "components:\n  api:\n    repo: " + r.bare + "\n    file: api.yaml\n    format: file\n    path: image_tag\n" + more
	require.NoError(t, os.WriteFile(defs, []byte(text), 0o600))
	e.Vars["ONCALL_DEFINITIONS"] = defs
	for _, v := range []string{"17.4.0", "17.4.1", "17.5.0"} {
		r.commit("image_tag: " + v + "\n")
	}
	return r
}

// environ is the environment without the machine's settings of git, and without
// what a hook, from which the tests may be run, tells it.
func environ() []string {
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GIT_") })
	return append(own, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
}

func (r *repo) git(dir string, args ...string) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", append([]string{"-c", "user.name=robin", "-c", "user.email=r@example.test"}, args...)...)
	cmd.Dir, cmd.Env = dir, environ()
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, "%s", out)
}

func (r *repo) commit(text string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(filepath.Join(r.work, "api.yaml"), []byte(text), 0o600))
	r.git(r.work, "add", "-A")
	r.git(r.work, "commit", "-q", "-m", "x")
	r.git(r.work, "push", "-q", "origin", "master")
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, line string
		code       int
		says       string
	}{
		"templated":                      {"image_tag: \"{{ tag }}\"\n", `deploy rollback api` + yes, exit.Guard, "is a template"},
		"encrypted":                      {"image_tag: x\nsops: {mac: y}\n", `deploy rollback api` + yes, exit.Guard, "is encrypted"},
		"a range":                        {"image_tag: \">=17\"\n", `deploy status api`, exit.OK, ""},
		"automation":                     {"image_tag: 17.6.0 # {\"$imagepolicy\": \"flux-system:api\"}\n", `deploy rollback api` + yes, exit.Guard, "write its version back"},
		"automation, hold without means": {"image_tag: 17.6.0\nautomatic_deploys_enabled: true\n", `deploy rollback api --hold` + yes, exit.Guard, "make it automatic_deploys_enabled: false in line 2 of api.yaml"},
		"gone":                           {"other: 1\n", `deploy rollback api` + yes, exit.Guard, "there is no image_tag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := newRepo(t, e, "")
			r.commit(c.text)
			got := e.Run(c.line)
			assert.Equal(t, c.code, got.Code, got.Err)
			assert.Contains(t, got.Out+got.Err, c.says)
			assert.Equal(t, 0, started(t, e))
		})
	}
}

func TestUnreachableRepositoryRefusesAChange(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := newRepo(t, e, "")
	require.Zero(t, e.Run(`deploy history api`).Code)
	e.Advance(time.Hour)
	require.NoError(t, os.Rename(r.bare, r.bare+".away"))
	require.NoError(t, os.MkdirAll(r.bare, 0o700)) // still a folder, no repository
	got := e.Run(`deploy rollback api` + yes)
	assert.Equal(t, exit.Guard, got.Code)
	assert.Contains(t, got.Err, "was read 1h ago")
	assert.Contains(t, got.Err, "--stale-ok")
	assert.Equal(t, 0, started(t, e))
	got = e.Run(`deploy rollback api --stale-ok --no-wait` + yes)
	assert.Zero(t, got.Code, got.Err)
	assert.Equal(t, 1, started(t, e))
}
