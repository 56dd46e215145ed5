package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

const file = `# mine
current-context: prod
output: table
contexts:
  - name: prod   # the real thing
    environment: production
    user: alice
    victorops:
      org: acme
      api-key: {env: PAGER}
  - name: EU.West
    protected: false
    read-only: true
`

func machine(t *testing.T, text string) *clitest.Env {
	t.Helper()
	e := clitest.New(t)
	e.Vars = map[string]string{}
	if text != "" {
		path := filepath.Join(e.Home, ".config", "oncall", "config.yaml")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return e
}

func config(t *testing.T, e *clitest.Env) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(e.Home, ".config", "oncall", "config.yaml"))
	require.NoError(t, err)
	return string(data)
}

func TestContexts(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	r := e.Run("config contexts")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `NAME     CURRENT  ENVIRONMENT  USER   PROTECTED  READ-ONLY
prod     yes      production   alice  yes        -
EU.West  -        -            -      -          yes
demo     -        demo         you    yes        -
`, r.Out)
	assert.Equal(t, "context/prod\ncontext/EU.West\ncontext/demo\n", e.Run("config contexts -o name").Out)
	r = e.Run("config contexts -c demo --jq '.items[] | select(.current) | .name'")
	assert.Equal(t, "demo\n", r.Out, "the file is listed in the demo too")

	e = machine(t, "")
	r = e.Run("config contexts")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Err, "hint: only the demo is there: oncall init sets up a context of your own")
	e = machine(t, "contexts: [{name: a}, {name: b}]\n")
	assert.Contains(t, e.Run("config contexts").Err, "hint: no context is chosen: oncall config use-context NAME")
	e = machine(t, "contextz: x\n")
	r = e.Run("config contexts")
	assert.Equal(t, 2, r.Code)
	assert.Equal(t, "config.yaml:1: unknown key \"contextz\" (did you mean contexts?)\n", r.Err)
}

func TestUseContext(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	r := e.Run("config use-context EU.West")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "context/EU.West is the current one in ~/.config/oncall/config.yaml   read-only\n", r.Out)
	assert.Equal(t, strings.Replace(file, "current-context: prod", "current-context: EU.West", 1), config(t, e))

	e.Vars["ONCALL_CONTEXT"] = "demo"
	r = e.Run("config use-context prod -o json")
	require.Equal(t, 0, r.Code)
	assert.Equal(t, "warning: demo is chosen now, by --context or ONCALL_CONTEXT\n", r.Err)
	got := clitest.JSON[struct {
		Kind string
		Item struct {
			Name    string
			Current bool
		}
	}](t, r)
	assert.Equal(t, "Context", got.Kind)
	assert.Equal(t, "prod", got.Item.Name)
	assert.False(t, got.Item.Current)

	r = e.Run("config use-context eu.west")
	assert.Equal(t, 2, r.Code)
	assert.Equal(t, "context \"eu.west\" does not exist; there are EU.West, prod, environment, demo\nhint: oncall config contexts\n", r.Err)
	assert.Equal(t, 2, e.Run("config use-context").Code)
}

func TestPath(t *testing.T) {
	t.Parallel()
	e := machine(t, "this is [not yaml")
	r := e.Run("config path")
	require.Equal(t, 0, r.Code, "a broken file does not stand in the way")
	assert.Equal(t, filepath.Join(e.Home, ".config/oncall/config.yaml")+"\n", r.Out)
	assert.Empty(t, r.Err)
	e.Vars["ONCALL_CONFIG"] = "/nowhere/my.yaml"
	r = e.Run("config path")
	assert.Equal(t, "/nowhere/my.yaml\n", r.Out)
	assert.Equal(t, "hint: the file does not exist yet: oncall init\n", r.Err)
	got := clitest.JSON[struct {
		Item struct {
			Name, NamedBy, State string
			Exists               bool
		}
	}](t, e.Run("config path -o json"))
	assert.Equal(t, "ONCALL_CONFIG", got.Item.NamedBy)
	assert.False(t, got.Item.Exists)
	assert.Contains(t, e.Run("config path -o wide").Out, filepath.Join(e.Home, ".local/state/oncall"))
	e = machine(t, "")
	e.Home = ""
	assert.Equal(t, 2, e.Run("config path").Code)
}

func TestView(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Vars["ONCALL_LOKI_TOKEN"] = "hunter2"
	e.Vars["PAGER"] = "hunter3"
	e.Vars["ONCALL_USER"] = "bob"
	r := e.Run("config view --origin --timeout 5s")
	require.Equal(t, 0, r.Code, r.Err)
	rows := [][]string{} // how wide the columns are is the table's business
	for line := range strings.Lines(r.Out) {
		rows = append(rows, strings.Fields(line))
	}
	for _, line := range []string{
		"context prod file config.yaml:2",
		"user bob env ONCALL_USER",
		"timeout 5s flag --timeout",
		"protected true default",
		"output table file config.yaml:3",
		"victorops.url https://api.victorops.com default",
		"victorops.api-key {env: PAGER} context config.yaml:10",
		"loki.token *** env ONCALL_LOKI_TOKEN",
	} {
		assert.Contains(t, rows, strings.Fields(line))
	}
	assert.NotContains(t, r.Out, "hunter")
	assert.NotContains(t, r.Out, "rest-key", "what has no value is left out")
	assert.NotContains(t, e.Run("config view").Out, "config.yaml:2")

	r = e.Run("config view victorops user")
	assert.Equal(t, 1+1+9, strings.Count(r.Out, "\n"))
	assert.Contains(t, e.Run("config view --all -o name").Out, "setting/balena.key-file\n")

	got := clitest.JSON[struct {
		Items []struct {
			Name, Value, Origin, Where, Env, FileKey string
			Set, Secret                              bool
		}
	}](t, e.Run("config view context loki.token -o json"))
	require.Len(t, got.Items, 2)
	assert.Equal(t, "current-context", got.Items[0].FileKey)
	assert.True(t, got.Items[1].Secret)
	assert.Equal(t, "***", got.Items[1].Value)

	r = e.Run("config view victorop")
	assert.Equal(t, 2, r.Code)
	assert.Equal(t, "unknown setting \"victorop\"\nhint: oncall config view victorops\n", r.Err)
}

func TestViewWithoutAContext(t *testing.T) {
	t.Parallel()
	e := machine(t, "")
	r := e.Run("config view --origin")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, "output ")
	assert.Contains(t, r.Err, "nothing is configured: no config file and no ONCALL_* variable of a service\nhint: look around with `oncall --context demo incident list`, or set up with `oncall init`\n")
}

func TestSet(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ out, old, new string }{
		"config set user bob":                                    {"setting/user set: bob   context prod, ~/.config/oncall/config.yaml\n", "user: alice", "user: bob"},
		"config set output json":                                 {"", "output: table", "output: json"},
		"config set victorops.org big":                           {"setting/victorops.org set: big   context prod, ~/.config/oncall/config.yaml\n", "org: acme", "org: big"},
		"config set protected yes -c EU.West":                    {"setting/protected set: yes   context EU.West, ~/.config/oncall/config.yaml\n", "protected: false", "protected: true"},
		"config set timeout 5s -c EU.West":                       {"setting/timeout set: 5s   context EU.West, ~/.config/oncall/config.yaml\n", "read-only: true\n", "read-only: true\n    timeout: 5s\n"},
		"config set victorops.api-key '{exec: [pass, show, p]}'": {"setting/victorops.api-key set: {exec: [pass, show, p]}   context prod, ~/.config/oncall/config.yaml\n", "{env: PAGER}", "{exec: [pass, show, p]}"},
		"config set user --unset":                                {"setting/user removed   context prod, ~/.config/oncall/config.yaml\n", "    user: alice\n", ""},
		"config set current-context EU.West":                     {"context/EU.West is the current one in ~/.config/oncall/config.yaml   read-only\n", "current-context: prod", "current-context: EU.West"},
		"config set definitions team.yaml":                       {"", "read-only: true\n", "read-only: true\ndefinitions: team.yaml\n"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			e := machine(t, file)
			require.NoError(t, os.WriteFile(filepath.Join(e.Home, ".config", "oncall", "team.yaml"), nil, 0o600))
			r := e.Run(line)
			require.Equal(t, 0, r.Code, r.Err)
			if want.out != "" {
				assert.Equal(t, want.out, r.Out)
			}
			assert.Equal(t, strings.Replace(file, want.old, want.new, 1), config(t, e))
		})
	}
}

func TestSetWarnsWhenSomethingElseWins(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	e.Vars["ONCALL_USER"] = "carol"
	r := e.Run("config set user bob")
	require.Equal(t, 0, r.Code)
	assert.Equal(t, "warning: ONCALL_USER wins over it here: user is carol\n", r.Err)
}

func TestSetRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"config set usr bob":                     "unknown setting \"usr\" (did you mean user?)\nhint: oncall config view --all\n",
		"config set user":                        "config set user: the value is missing\nhint: oncall config set user VALUE, or --unset\n",
		"config set user bob --unset":            "--unset takes no value\nhint: oncall config set user --unset\n",
		"config set current-context --unset":     "the current context is changed, not removed\nhint: oncall config use-context NAME\n",
		"config set output xml":                  "output: \"xml\" is not one of table, wide, json, jsonl, yaml, name, md\n",
		"config set victorops.api-key hunter2":   "victorops.api-key: a secret is not written in the config file nor on a command line\nhint: oncall auth login victorops\n",
		"config set user bob -c demo":            "the context demo is not in the config file; nothing can be set in it\nhint: name one with --context, or make one with oncall init\n",
		"config set definitions x.yaml -c prod":  "definitions is set for all contexts, not in one\n",
		"config set config x.yaml":               "config is not set in the config file\n",
		"config set jenkins.url https://a:b@c.d": "jenkins.url: a URL carries no user or password here; they have settings of their own\n",
		"config set user bob -c none":            "--context: context \"none\" does not exist; there are prod, EU.West, demo\nhint: oncall config contexts\n",
	} {
		e := machine(t, file)
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, line)
		assert.Equal(t, want, r.Err)
		assert.NotContains(t, r.Err, "hunter2")
		assert.Empty(t, r.Out)
		assert.Equal(t, file, config(t, e))
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := machine(t, file)
	out := e.Run("__complete config use-context ''").Out
	assert.Contains(t, out, "EU.West\tread-only\n")
	assert.Contains(t, out, "prod\tproduction, protected\n")
	assert.NotContains(t, e.Run("__complete config use-context prod ''").Out, "EU.West")
	assert.Contains(t, e.Run("__complete incident list --context ''").Out, "demo\tbuilt-in world, protected\n")
	assert.Contains(t, e.Run("__complete config set vict").Out, "victorops.org\torganisation slug")
	assert.Contains(t, e.Run("__complete config set output ''").Out, "jsonl\n")
	assert.Contains(t, e.Run("__complete config set protected ''").Out, "false\n")
	assert.Contains(t, e.Run("__complete config view lok").Out, "loki.token\n")

	broken := machine(t, "contextz: x\n")
	r := broken.Run("__complete config use-context ''")
	assert.Equal(t, 0, r.Code)
	assert.NotContains(t, r.Out+r.Err, "unknown key", "completion fails in silence")
}
