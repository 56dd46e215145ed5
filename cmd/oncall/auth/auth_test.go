package auth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

const file = `# mine
current-context: prod
contexts:
  - name: prod   # the real thing
    victorops:
      org: acme
  - name: staging
`

// machine is an Env with a config file and no context from the environment.
func machine(t *testing.T, text string) *clitest.Env {
	t.Helper()
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	write(t, e, ".config/oncall/config.yaml", text)
	return e
}

func write(t *testing.T, e *clitest.Env, name, text string) {
	t.Helper()
	path := filepath.Join(e.Home, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func read(t *testing.T, e *clitest.Env, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(e.Home, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(data)
}

func config(t *testing.T, e *clitest.Env) string { return read(t, e, ".config/oncall/config.yaml") }

// shows fails when any output or the config file holds a secret.
func shows(t *testing.T, e *clitest.Env, r clitest.Result, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		assert.NotContains(t, r.Out+r.Err+config(t, e), s)
	}
}

func TestLoginIntoTheKeyring(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Stdin = "id-hunter2\n  key-hunter2  \r\n"
	r := e.Run("auth login victorops")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `SETTING            CONTEXT  STATE   KEPT IN
victorops.api-id   prod     stored  {keyring: prod/victorops/api-id}
victorops.api-key  prod     stored  {keyring: prod/victorops/api-key}
`, strings.ReplaceAll(r.Out, "prod/victorops.", "prod/victorops/"))
	assert.Equal(t, "hint: oncall auth status victorops --context prod\n", r.Err)
	shows(t, e, r, "hunter2")
	got, err := e.Keyring.Get("prod/victorops.api-key")
	require.NoError(t, err)
	assert.Equal(t, "key-hunter2", got)
	assert.Equal(t, strings.Replace(file, "      org: acme\n", "      org: acme\n      api-id: {keyring: prod/victorops.api-id}\n      api-key: {keyring: prod/victorops.api-key}\n", 1), config(t, e))
}

func TestLoginWithoutAKeyring(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Keyring.Absent = true
	e.Stdin = "id-hunter2\nkey-hunter2\nrest-hunter2\n"
	r := e.Run("auth login victorops --context staging -o json")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 1, strings.Count(r.Err, "no keyring answers here: the secret goes into a file that you alone can read"))
	assert.Contains(t, config(t, e), "      rest-key: {file: ~/.config/oncall/secrets/staging.victorops.rest-key}\n")
	assert.Equal(t, "key-hunter2\n", read(t, e, ".config/oncall/secrets/staging.victorops.api-key"))
	shows(t, e, r, "hunter2")
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Join(e.Home, ".config/oncall/secrets/staging.victorops.api-key"))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	r = e.Run("auth login victorops --store keyring")
	assert.Equal(t, 3, r.Code)
	assert.Equal(t, "victorops: login: no keyring answers here; nothing was stored\nhint: oncall auth login victorops --store file\n", r.Err)
	assert.Empty(t, r.Out)
}

func TestLoginAsksOnATerminal(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Terminal = true
	e.Vars["ONCALL_VICTOROPS_URL"] = httpxtest.Refused(t)
	e.Stdin = "id-hunter2\nkey-hunter2\n\n"
	r := e.Run("auth login victorops")
	require.Equal(t, 7, r.Code, "they are kept, and could not be tried: %s", r.Err)
	assert.Contains(t, r.Out, "unreachable")
	assert.Contains(t, r.Err, "victorops api-key (API key): ")
	assert.Contains(t, r.Err, "Enter leaves it out): ")
	assert.NotContains(t, config(t, e), "rest-key")
	shows(t, e, r, "hunter2")

	e.Stdin = "id-hunter2\n"
	r = e.Run("auth login victorops")
	assert.Equal(t, 5, r.Code)
	assert.Contains(t, r.Err, "victorops: login: the input ended; nothing was stored")
	e.Stdin = "\n"
	r = e.Run("auth login victorops")
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "victorops.api-id: the secret is empty; nothing was stored")
	r = e.Run("auth login victorops --no-input")
	assert.Equal(t, 5, r.Code)
	assert.Contains(t, r.Err, "nobody may be asked here")
}

func TestLoginOfOneKey(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Stdin = "rest-hunter2"
	r := e.Run("auth login victorops --key rest-key")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, config(t, e), "rest-key: {keyring: prod/victorops.rest-key}")
	assert.NotContains(t, config(t, e), "api-key")
}

func TestLoginSaysWhatElseIsOpen(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Stdin = "hunter2"
	e.Vars["ONCALL_JENKINS_TOKEN"] = "other"
	r := e.Run("auth login jenkins --context prod")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "hint: jenkins.url is not set yet: oncall config set jenkins.url VALUE --context prod\n")
	assert.Contains(t, r.Err, "warning: ONCALL_JENKINS_TOKEN is set and wins over the config file, unless --context names the context\n")
}

func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct {
		stdin, err string
	}{
		"auth login victorop":               {"", "\"victorop\" is not a service of oncall; there are victorops, statuspage, jenkins, loki, prometheus, grafana, healthchecks, nodeping, balena, deploy, registry\nhint: did you mean victorops?\n"},
		"auth login victorops":              {"hunter2\n", "auth login victorops: standard input has 1 line; it takes one secret a line: api-id, api-key, rest-key (optional)\nhint: oncall auth login victorops, on a terminal, asks\n"},
		"auth login statuspage":             {"hunter2\nhunter3\n", "auth login statuspage: standard input has 2 lines; it takes one secret a line: api-key\nhint: oncall auth login statuspage, on a terminal, asks\n"},
		"auth login nodeping":               {"hunter\x002\n", "nodeping.token: the secret has a control character in it; nothing was stored\n"},
		"auth login nodeping --key x":       {"hunter2\n", "--key: nodeping has no secret \"x\"; it has token\n"},
		"auth login nodeping --store cloud": {"hunter2\n", "--store: \"cloud\" is not one of auto, keyring, file\n"},
		"auth login nodeping -c demo":       {"hunter2\n", "the demo context has its credentials built in\nhint: name another context with --context, or make one with oncall init\n"},
		"auth login nodeping -c none":       {"hunter2\n", "--context: context \"none\" does not exist; there are prod, staging, demo\nhint: oncall config contexts\n"},
		"auth login nodeping hunter2":       {"", "oncall auth login takes one argument, got 2 (\"hunter2\" is one too many)\nhint: oncall auth login <service> [flags]\n"},
	} {
		e := machine(t, file)
		e.Stdin = want.stdin
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, line)
		assert.Equal(t, want.err, r.Err)
		assert.Empty(t, r.Out)
		assert.Equal(t, file, config(t, e))
	}
	e := clitest.New(t)
	e.Vars = map[string]string{"ONCALL_NODEPING_TOKEN": "x"}
	r := e.Run("auth login nodeping")
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "no context of a config file is chosen, and credentials are kept for one\nhint: oncall init makes one")
}

func TestLogout(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Stdin = "id-hunter2\nkey-hunter2\n"
	require.Equal(t, 0, e.Run("auth login victorops").Code)
	e.Stdin = "rest-hunter2\n"
	require.Equal(t, 0, e.Run("auth login victorops --key rest-key --store file").Code)
	e.Vars["ONCALL_VICTOROPS_API_ID"] = "exported"
	r := e.Run("auth logout victorops")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 3, strings.Count(r.Out, "forgotten"))
	assert.Contains(t, r.Err, "warning: ONCALL_VICTOROPS_API_ID is still set in this shell")
	assert.Equal(t, file, config(t, e), "the file is as it was before")
	_, err := e.Keyring.Get("prod/victorops.api-key")
	require.Error(t, err)
	assert.NoFileExists(t, filepath.Join(e.Home, ".config/oncall/secrets/prod.victorops.rest-key"))

	delete(e.Vars, "ONCALL_VICTOROPS_API_ID")
	r = e.Run("auth logout victorops")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Err, "context prod holds no credential of victorops")
}

func TestLogoutLeavesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	const theirs = "contexts:\n  - name: prod\n    victorops:\n      api-id: {file: ~/id}\n      api-key: {exec: [pass, show, pager]}\n      rest-key: {keyring: shared}\n"
	e := machine(t, theirs)
	write(t, e, "id", "x")
	require.NoError(t, e.Keyring.Set("shared", "x"))
	r := e.Run("auth logout victorops")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 3, strings.Count(r.Out, " left "))
	assert.Contains(t, r.Err, "hint: {exec: [pass]} is not oncall's to delete; to drop the reference: oncall config set victorops.api-key --unset --context prod\n")
	assert.Equal(t, theirs, config(t, e))
	assert.FileExists(t, filepath.Join(e.Home, "id"))
	_, err := e.Keyring.Get("shared")
	require.NoError(t, err)

	e = machine(t, "contexts:\n  - name: prod\n    nodeping: {token: {keyring: prod/nodeping.token}}\n")
	e.Keyring.Absent = true
	r = e.Run("auth logout nodeping")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "nodeping: logout: no keyring answers here; {keyring: prod/nodeping.token} was not deleted")
}

func TestStatusInTheDemo(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("auth status victorops statuspage")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "SERVICE     STATE     FROM      MESSAGE\nvictorops   accepted  built in  -\nstatuspage  accepted  built in  -\n", r.Out)
}

// served is a machine whose context prod talks to the demo world over HTTP.
func served(t *testing.T) (*clitest.Env, map[string]string) {
	t.Helper()
	e := clitest.New(t)
	s := httptest.NewServer(http.StripPrefix("/base", e.World.Handler()))
	t.Cleanup(s.Close)
	delete(e.Vars, "ONCALL_CONTEXT")
	vars := map[string]string{}
	for _, line := range e.World.Env(s.URL + "/base") {
		name, value, _ := strings.Cut(line, "=")
		vars[name] = value
	}
	write(t, e, ".config/oncall/config.yaml", "contexts:\n  - name: prod\n    victorops:\n      url: "+vars["ONCALL_VICTOROPS_URL"]+
		"\n      api-id: {file: ~/id}\n      api-key: {file: ~/key}\n")
	write(t, e, "id", vars["ONCALL_VICTOROPS_API_ID"])
	write(t, e, "key", vars["ONCALL_VICTOROPS_API_KEY"])
	return e, vars
}

func TestStatusTriesTheCredential(t *testing.T) {
	t.Parallel()
	e, _ := served(t)
	e.Vars["ONCALL_USER"] = "you"
	r := e.Run("auth status")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "SERVICE    STATE     FROM                         MESSAGE\nvictorops  accepted  {file: ~/id}, {file: ~/key}  -\n", r.Out)

	write(t, e, "key", "key-hunter2")
	r = e.Run("auth status")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Out, "victorops  refused  {file: ~/id}, {file: ~/key}  ")
	assert.Equal(t, "hint: oncall auth login victorops\n", r.Err)
	shows(t, e, r, "hunter2")

	r = e.Run("auth status -o json")
	assert.Equal(t, 3, r.Code)
	type list struct {
		Kind  string
		Items []struct {
			Name, State, Message string
			Secrets              []struct{ Name, Origin, Where, Kept string }
		}
	}
	got := clitest.JSON[list](t, r)
	assert.Equal(t, "CredentialStatusList", got.Kind)
	require.Len(t, got.Items, 1)
	assert.Equal(t, "refused", got.Items[0].State)
	assert.Equal(t, []struct{ Name, Origin, Where, Kept string }{
		{"victorops.api-id", "context", "config.yaml:5", "{file: ~/id}"}, {"victorops.api-key", "context", "config.yaml:6", "{file: ~/key}"},
	}, got.Items[0].Secrets)
}

func TestStatusOfLogsMetricsAndDashboards(t *testing.T) {
	t.Parallel()
	e, vars := served(t)
	for _, service := range []string{"loki", "prometheus", "grafana"} {
		name := "ONCALL_" + strings.ToUpper(service)
		e.Vars[name+"_URL"], e.Vars[name+"_TOKEN"] = vars[name+"_URL"], vars[name+"_TOKEN"]
		r := e.Run("auth status " + service)
		assert.Equal(t, 0, r.Code, r.Err)
		assert.Regexp(t, `(?m)^`+service+` +accepted`, r.Out)
		e.Vars[name+"_TOKEN"] = "wrong"
		r = e.Run("auth status " + service)
		assert.Equal(t, 3, r.Code, r.Out)
		assert.Regexp(t, `(?m)^`+service+` +refused`, r.Out)
	}
}

func TestStatusOfWhatIsMissing(t *testing.T) {
	t.Parallel()
	e, vars := served(t)
	require.NoError(t, os.Remove(filepath.Join(e.Home, "key")))
	r := e.Run("auth status victorops loki statuspage")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Out, "victorops   missing")
	assert.Contains(t, r.Out, "{file: ~/key} at config.yaml:6: there is no such file")
	assert.Contains(t, r.Out, "loki        not needed")
	assert.Contains(t, r.Out, "statuspage  missing     -")
	assert.Contains(t, r.Err, "hint: oncall auth login victorops, or set ONCALL_VICTOROPS_API_KEY\n")

	// A variable shows as such.
	e.Vars["ONCALL_VICTOROPS_API_KEY"] = vars["ONCALL_VICTOROPS_API_KEY"]
	r = e.Run("auth status")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "{file: ~/id}, ONCALL_VICTOROPS_API_KEY")

	// A login would not win over it.
	e.Vars["ONCALL_VICTOROPS_API_KEY"] = "wrong"
	r = e.Run("auth status")
	assert.Equal(t, 3, r.Code)
	assert.Equal(t, "hint: correct ONCALL_VICTOROPS_API_KEY in the environment\n", r.Err)

	e = machine(t, "contexts: [{name: prod}]\n")
	r = e.Run("auth status")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Err, "context prod has nothing set for any service")
	r = e.Run("auth status nope")
	assert.Equal(t, 2, r.Code)
}

func TestStatusOfAServiceThatIsDown(t *testing.T) {
	t.Parallel()
	e := machine(t, "")
	e.Vars = map[string]string{"ONCALL_VICTOROPS_URL": httpxtest.Refused(t), "ONCALL_VICTOROPS_API_ID": "id-hunter2", "ONCALL_VICTOROPS_API_KEY": "key-hunter2"}
	r := e.Run("auth status")
	assert.Equal(t, 7, r.Code)
	assert.Contains(t, r.Out, "victorops  unreachable  ONCALL_VICTOROPS_API_ID, ONCALL_VICTOROPS_API_KEY")
	shows(t, e, r, "hunter2")
}

func TestStatusOfAnOpenSecretFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing there")
	}
	e := machine(t, file)
	e.Stdin = "hunter2"
	require.Equal(t, 0, e.Run("auth login nodeping --store file").Code)
	path := filepath.Join(e.Home, ".config/oncall/secrets/prod.nodeping.token")
	require.NoError(t, os.Chmod(path, 0o644)) //nolint:gosec // that is the fault under test
	r := e.Run("auth status nodeping")
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Out, "others can read this secret (mode 0644)")
	assert.Contains(t, r.Err, "hint: chmod 600 "+path)
	shows(t, e, r, "hunter2")
}

// In the demo nothing that the environment says of a service counts: a listener
// that stands where the variables point must hear nothing.
func TestDemoDialsNobody(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	t.Cleanup(s.Close)
	e := clitest.New(t)
	for _, name := range []string{"VICTOROPS_URL", "VICTOROPS_ALERT_URL", "STATUSPAGE_URL", "JENKINS_URL", "LOKI_URL", "PROMETHEUS_URL", "GRAFANA_URL", "HEALTHCHECKS_URL", "NODEPING_URL", "BALENA_URL"} {
		e.Vars["ONCALL_"+name] = s.URL
	}
	for _, line := range []string{"auth status", "incident list", "incident ack 4127", "config view --origin"} {
		r := e.Run(line)
		assert.Equal(t, 0, r.Code, "%s: %s", line, r.Err)
		assert.NotContains(t, r.Out, s.URL)
	}
	assert.Zero(t, heard.Load())
}

// A context named by --context keeps to its own services, whatever is exported.
func TestNamedContextDialsItsOwn(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	t.Cleanup(s.Close)
	e, _ := served(t)
	e.Vars["ONCALL_VICTOROPS_URL"] = s.URL
	e.Vars["ONCALL_VICTOROPS_API_KEY"] = "key-hunter2"
	r := e.Run("auth status --context prod")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "victorops  accepted  {file: ~/id}, {file: ~/key}")
	assert.Zero(t, heard.Load())

	assert.NotZero(t, e.Run("auth status").Code)
	assert.NotZero(t, heard.Load(), "without --context the environment wins")
}

func TestInterruptedStatus(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	r := e.RunContext(ctx, "auth status")
	assert.NotZero(t, r.Code)
	assert.Empty(t, r.Out)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Contains(t, e.Run("__complete auth login ''").Out, "victorops\n")
	assert.NotContains(t, e.Run("__complete auth login victorops ''").Out, "loki\n")
	out := e.Run("__complete auth status victorops ''").Out
	assert.Contains(t, out, "loki\n")
	assert.NotContains(t, out, "victorops\n")
	assert.Contains(t, e.Run("__complete auth login victorops --key ''").Out, "rest-key\tkey of the REST alert integration")
	assert.Contains(t, e.Run("__complete auth login victorops --store ''").Out, "keyring\n")
}
