package setup_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

func machine(t *testing.T) *clitest.Env {
	t.Helper()
	e := clitest.New(t)
	e.Vars = map[string]string{"NO_COLOR": "1"}
	return e
}

func path(e *clitest.Env) string { return filepath.Join(e.Home, ".config", "oncall", "config.yaml") }

func config(t *testing.T, e *clitest.Env) string {
	t.Helper()
	data, err := os.ReadFile(path(e))
	require.NoError(t, err)
	return string(data)
}

const head = `# Contexts and settings of oncall. What holds and why: oncall config view --origin
# Secrets are never written here, only where they are kept: oncall auth login SERVICE
`

func TestInitFromFlags(t *testing.T) {
	t.Parallel()
	e := machine(t)
	r := e.Run("init --name EU.West --user alice --environment production --service balena --set victorops.org=0123 --set victorops.api-key='{env: PAGER}' --set output=wide --unprotected")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, head+`current-context: EU.West
contexts:
  - name: EU.West
    environment: production
    user: alice
    protected: false
    victorops:
      org: "0123"
      api-key: {env: PAGER}
    output: wide
`, config(t, e))
	assert.Equal(t, `wrote ~/.config/oncall/config.yaml   production
context     EU.West
user        alice
services    balena, victorops
still open  balena.token, victorops.api-id
next        oncall auth login balena · oncall auth login victorops
`, r.Out)
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path(e))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	assert.Equal(t, "EU.West\n", e.Run("config contexts --jq '.items[] | select(.current) | .name'").Out)
}

func TestInitAsksOnATerminal(t *testing.T) {
	t.Parallel()
	e := machine(t)
	e.Terminal = true
	e.Stdin = strings.Join([]string{
		"demo", "", // the built-in name is refused, then the default
		"", "alice", // who you are is needed
		"maybe", "", // victorops: asked again, then the default yes
		"id-hunter2", "key-hunter2", "acme", // api-id, api-key, org
		"y", "", "p4g3", "ftp://nowhere", "", // statuspage: api-key left for later, page-id, public-url refused and left
		"n", "n", "n", "n", "n", "n", "n",
	}, "\n") + "\n"
	r := e.Run("init")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, head+`current-context: production
contexts:
  - name: production
    environment: production
    user: alice
    victorops:
      org: acme
      api-id: {keyring: production/victorops.api-id}
      api-key: {keyring: production/victorops.api-key}
    statuspage:
      page-id: p4g3
`, config(t, e))
	assert.NotContains(t, r.Out+r.Err, "hunter2")
	got, err := e.Keyring.Get("production/victorops.api-key")
	require.NoError(t, err)
	assert.Equal(t, "key-hunter2", got)
	for _, text := range []string{"the name \"demo\" is built in; choose another", "name of the context [production]: ", "set up victorops? [Y/n] ", "set up jenkins? [y/N] ",
		"\"ftp://nowhere\" is not an http or https URL", "this one is needed", "victorops org (organisation slug, for links to the portal): "} {
		assert.Contains(t, r.Err, text)
	}
	assert.NotContains(t, r.Err, "https://api.victorops.com", "what has a default is not asked for")
	assert.Contains(t, r.Out, "next        oncall auth login statuspage\n")
}

func TestInitWithoutAKeyring(t *testing.T) {
	t.Parallel()
	e := machine(t)
	e.Terminal, e.Keyring.Absent = true, true
	e.Stdin = "id-hunter2\nkey-hunter2\n\n"
	r := e.Run("init --name prod --environment production --user alice --service victorops")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, config(t, e), "api-key: {file: ~/.config/oncall/secrets/prod.victorops.api-key}")
	assert.Equal(t, 1, strings.Count(r.Err, "no keyring answers here"))
	assert.Contains(t, r.Out, "next      oncall auth status · oncall incident list --mine\n")
	assert.NotContains(t, r.Err, "set up", "a service named by flag is not asked for, others are not offered")
}

func TestInitThatIsLeft(t *testing.T) {
	t.Parallel()
	for _, stdin := range []string{"", "prod\n", "prod\nalice\ny\nid-hunter2\nkey-hunter2\n"} {
		e := machine(t)
		e.Terminal, e.Stdin = true, stdin
		r := e.Run("init")
		assert.Equal(t, 5, r.Code, "%q", stdin)
		assert.Contains(t, r.Err, "init: the input ended; nothing was written")
		assert.NoFileExists(t, path(e))
		_, err := e.Keyring.Get("prod/victorops.api-key")
		require.Error(t, err, "nothing was stored either")
	}
}

// Who looked around first has a file that chooses the demo and says nothing else.
func TestInitAfterLookingAround(t *testing.T) {
	t.Parallel()
	e := machine(t)
	require.Equal(t, 0, e.Run("config use-context demo").Code)
	r := e.Run("init --name production --user alice --service victorops")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, config(t, e), "current-context: production\n")
	r = e.Run("init --name staging --user alice --service victorops")
	assert.Equal(t, 2, r.Code, "a file with contexts is kept")
	assert.Contains(t, r.Err, "exists already; nothing was written")
}

func TestInitKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	e := machine(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(path(e)), 0o700))
	const old = "this: [is broken\n"
	require.NoError(t, os.WriteFile(path(e), []byte(old), 0o600))
	e.Terminal = true
	r := e.Run("init")
	assert.Equal(t, 2, r.Code)
	assert.Equal(t, "~/.config/oncall/config.yaml exists already; nothing was written\n"+
		"hint: change it with oncall config set and oncall auth login, or start afresh with --force (the old one is kept as .bak)\n", r.Err, "nobody is asked in vain")
	assert.Equal(t, old, config(t, e))

	e.Terminal = false
	r = e.Run("init --user alice --force")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, config(t, e), "user: alice")
	kept, err := os.ReadFile(path(e) + ".bak")
	require.NoError(t, err)
	assert.Equal(t, old, string(kept))
}

func TestInitRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"init":                                          "init: nobody may be asked here, and who you are is missing\nhint: oncall init --user NAME --service victorops --set victorops.org=SLUG\n",
		"init --user a --service victorop":              "--service: \"victorop\" is not a service of oncall; there are victorops, statuspage, jenkins, loki, prometheus, grafana, healthchecks, nodeping, balena, deploy, registry\nhint: did you mean victorops?\n",
		"init --user a --name demo":                     "--name: the name \"demo\" is built in; choose another\n",
		"init --user a --set victorops.org":             "--set takes KEY=VALUE\nhint: --set victorops.org=acme\n",
		"init --user a --set victorop.org=x":            "unknown setting \"victorop.org\" (did you mean victorops.org?)\nhint: oncall config view --all\n",
		"init --user a --set victorops.api-key=hunter2": "victorops.api-key: a secret is not written in the config file nor on a command line\nhint: oncall auth login victorops\n",
		"init now": "oncall init takes no argument, got 1 (\"now\" is one too many)\nhint: oncall init [flags]\n",
	} {
		e := machine(t)
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, line)
		assert.Equal(t, want, r.Err)
		assert.NoFileExists(t, path(e))
	}
	e := machine(t)
	e.Terminal = true
	assert.Equal(t, 2, e.Run("init --no-input").Code, "--no-input asks nobody")
	e.Vars["ONCALL_USER"] = "alice"
	r := e.Run("init --no-input -o json")
	require.Equal(t, 0, r.Code, r.Err)
	got := clitest.JSON[struct {
		Kind string
		Item struct {
			Name, File string
			Services   []string
			Next       []string
		}
	}](t, r)
	assert.Equal(t, "Setup", got.Kind)
	assert.Equal(t, "production", got.Item.Name)
	assert.Equal(t, []string{"oncall auth login victorops"}, got.Item.Next)
	e = machine(t)
	e.Home = ""
	assert.Equal(t, 2, e.Run("init --user a").Code)
}

func TestInitWritesWhereToldTo(t *testing.T) {
	t.Parallel()
	e := machine(t)
	file := filepath.Join(e.Home, "deep", "my.yaml")
	r := e.Run("init --user alice --config " + file)
	require.Equal(t, 0, r.Code, r.Err)
	assert.FileExists(t, file)
	assert.NoFileExists(t, path(e))
}
