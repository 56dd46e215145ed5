package config

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

type component struct {
	Job      string            `yaml:"job"`
	Version  string            `yaml:"version"`
	Limit    int               `yaml:"limit"`
	Labels   map[string]string `yaml:"labels"`
	Checks   []check           `yaml:"checks"`
	Optional *check            `yaml:"optional"`
	Common   `yaml:",inline"`
	hidden   string
}

type check struct {
	Name string
}

type Common struct {
	Owner string `yaml:"owner"`
}

// shared is a world with a config file and a definitions file beside it.
func shared(t *testing.T, own, team string) *world {
	t.Helper()
	return newWorld(t).file("definitions: team.yaml\ncontexts: [{name: x}]\n"+own).at(".config/oncall/team.yaml", team)
}

func TestDefinition(t *testing.T) {
	t.Parallel()
	w := shared(t, `components:
  API.v2: {job: mine, version: 0123, owner: me}
`, `components:
  API.v2: {job: theirs, limit: 3}
  builder:
    job: folder/job
    labels: {Zone: no}
    checks: [{name: ready}]
    optional: {name: x}
queries:
  - one
`)
	c := w.load()
	var got map[string]component
	require.NoError(t, c.Definition("components", &got))
	assert.Equal(t, map[string]component{
		"API.v2":  {Job: "mine", Version: "0123", Common: Common{Owner: "me"}},
		"builder": {Job: "folder/job", Labels: map[string]string{"Zone": "no"}, Checks: []check{{"ready"}}, Optional: &check{"x"}},
	}, got, "names keep their case and dots, one's own entry wins whole")
	assert.Empty(t, got["builder"].hidden)

	var queries []string
	require.NoError(t, c.Definition("queries", &queries))
	assert.Equal(t, []string{"one"}, queries)

	hosts := []string{"as before"}
	require.NoError(t, c.Definition("hosts", &hosts))
	assert.Equal(t, []string{"as before"}, hosts)

	require.EqualError(t, c.Definition("componets", &got), "there is no definition called componets (did you mean components?)")
}

func TestDefinitionIsStrict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"components:\n  api:\n    jobb: x\n":                   `team.yaml:3: unknown key "jobb" (did you mean job?)`,
		"components:\n  api:\n    checks:\n    - nmae: x\n":    `team.yaml:4: unknown key "nmae" (did you mean name?)`,
		"components:\n  api:\n    optional: {nmae: x}\n":       `team.yaml:3: unknown key "nmae" (did you mean name?)`,
		"components:\n  api:\n    hidden: x\n":                 `team.yaml:3: unknown key "hidden"`,
		"components:\n  api:\n    limit: many\n":               `team.yaml:3: "many" does not belong here`,
		"components:\n  api:\n    job: [x]\n":                  `team.yaml:3: a value of this kind does not belong here`,
		"components:\n  - api\n":                               `team.yaml:2: a value of this kind does not belong here`,
		"components:\n  api: {job: x}\n  api: {job: y}\n":      `team.yaml:3: "api" is set a second time (first on line 2)`,
		"components:\n  api: {job: x}\n  builder: {zone: y}\n": `team.yaml:3: unknown key "zone"`,
	} {
		w := shared(t, "", text)
		c, err := Load(w.source())
		if err == nil {
			var got map[string]component
			err = c.Definition("components", &got)
		}
		require.ErrorIs(t, err, apierr.ErrUsage, text)
		assert.Equal(t, want, err.Error())
	}
}

func TestDefinitionsFileHasNoPower(t *testing.T) {
	t.Parallel()
	const data = ` cannot be set here: a definitions file is data; it sets no contexts, services, credentials or programs`
	for text, want := range map[string]string{
		"contexts: [{name: evil}]\n":                                         `team.yaml:1: "contexts"` + data,
		"current-context: evil\n":                                            `team.yaml:1: "current-context"` + data,
		"victorops: {url: https://evil.example.test}\n":                      `team.yaml:1: "victorops"` + data,
		"definitions: more.yaml\n":                                           `team.yaml:1: "definitions"` + data,
		"protected: false\n":                                                 `team.yaml:1: "protected"` + data,
		"output: json\n":                                                     `team.yaml:1: "output"` + data,
		"hosts:\n  a:\n    command: rm\n":                                    `team.yaml:3: "command"` + data,
		"hosts:\n  a:\n    Proxy_Command: rm\n":                              `team.yaml:3: "Proxy_Command"` + data,
		"hosts:\n  a: {identity-file: ~/.ssh/x}\n":                           `team.yaml:2: "identity-file"` + data,
		"components:\n  a:\n    token: {exec: [rm]}\n":                       `team.yaml:3: "token"` + data,
		"components:\n  a:\n    x: {exec: [rm]}\n":                           `team.yaml:3: "exec"` + data,
		"components:\n  a:\n    x: {keyring: prod}\n":                        `team.yaml:3: "keyring"` + data,
		"components:\n  a:\n    x: [{y: {env: HOME}}]\n":                     `team.yaml:3: "env"` + data,
		"components:\n  a:\n    jenkins: {url: https://evil.example.test}\n": `team.yaml:3: "jenkins.url"` + data,
		"components:\n  a:\n    api-key: x\n":                                `team.yaml:3: "api-key"` + data,
		"queries: &q\n  a: {password: x}\n":                                  `team.yaml:2: "password"` + data,
		"querys: {}\n":                                                       `team.yaml:1: unknown key "querys" (did you mean queries?)`,
		"repositories:\n  flux: ext::sh -c evil\n":                           `team.yaml:2: flux: a repository is https://..., ssh://..., user@host:path or a local path; git's helpers (NAME::...) are not used`,
		"components:\n  a:\n    repository: -uevil\n":                        `team.yaml:3: repository: a repository does not start with -`,
		"components:\n  a:\n    gitops-repository: 'http://x'\n":             `team.yaml:3: gitops-repository: a repository is https://..., ssh://..., user@host:path or a local path`,
		"repositories:\n  flux: {url: 'git://x', path: clusters}\n":          `team.yaml:2: url: a repository is https://..., ssh://..., user@host:path or a local path`,
		"repositories:\n  - file:///etc\n":                                   `team.yaml:2: repositories: a repository is https://..., ssh://..., user@host:path or a local path`,
		"components:\n  a:\n    source: 'ext::sh -c evil'\n":                 `team.yaml:3: source: a repository is https://..., ssh://..., user@host:path or a local path; git's helpers (NAME::...) are not used`,
		"hosts: [[[[[[[[[[[[[[deep]]]]]]]]]]]]]]\n":                          `team.yaml:1: nested too deeply`,
		"- a\n": `team.yaml:1: the file must be a mapping of keys to values`,
	} {
		_, err := Load(shared(t, "", text).source())
		require.ErrorIs(t, err, apierr.ErrUsage, text)
		assert.Equal(t, want, err.Error())
	}
	shared(t, "", "repositories:\n  flux: {url: https://git.example.test/flux, path: clusters/prod}\nqueries:\n  a: rate(x::y[5m])\n").load()
}

func TestOwnFileMayNotNameHelpersOfGitEither(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("repositories:\n  flux: ext::sh\n")
	_, err := Load(w.source())
	require.ErrorContains(t, err, "config.yaml:2: flux: a repository is https://")
}

func TestDefinitionsFileFromTheEnvironment(t *testing.T) {
	t.Parallel()
	w := shared(t, "", "hosts: [theirs]\n").at("ci.yaml", "hosts: [of-ci]\n")
	w.env["ONCALL_DEFINITIONS"] = filepath.Join(w.home, "ci.yaml")
	var hosts []string
	require.NoError(t, w.load().Definition("hosts", &hosts))
	assert.Equal(t, []string{"of-ci"}, hosts)
	w.env["ONCALL_DEFINITIONS"] = filepath.Join(w.home, "none.yaml")
	w.refused("ONCALL_DEFINITIONS: the definitions file " + w.home + "/none.yaml does not exist")
	w.env["ONCALL_DEFINITIONS"] = ""
	w.file("definitions: none.yaml\n")
	w.refused("config.yaml:1: the definitions file " + filepath.Join(w.home, ".config/oncall/none.yaml") + " does not exist")
}

func FuzzParseDefinitions(f *testing.F) {
	for _, s := range []string{"components: {a: {repository: ext::x}}", "hosts: &h [*h]", "queries: {a: {<<: {exec: [x]}}}", "repositories: [a, {url: b}]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDefinitions("team.yaml", []byte(text))
		if err != nil {
			require.ErrorIs(t, err, apierr.ErrUsage)
			return
		}
		assert.Empty(t, d.settings)
		assert.Empty(t, d.contexts)
		for name, def := range d.definitions {
			assert.Contains(t, Definitions(), name)
			var into map[string]component
			if err := d.decode(def.node, &into); err != nil {
				require.ErrorIs(t, err, apierr.ErrUsage)
			}
		}
	})
}
