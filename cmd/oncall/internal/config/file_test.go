package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

func TestMistakesInTheFile(t *testing.T) {
	t.Parallel()
	const head = "contexts:\n  - name: x\n"
	for name, c := range map[string]struct{ text, want string }{
		"typo in a service":         {head + "    victoropz:\n      url: https://a.example.test\n", `config.yaml:3: unknown key "victoropz" (did you mean victorops?)`},
		"typo in a setting":         {head + "    victorops:\n      api_key: {env: X}\n", `config.yaml:4: unknown key "api_key" in victorops (did you mean api-key?)`},
		"typo in a context":         {head + "    protectd: false\n", `config.yaml:3: unknown key "protectd" (did you mean protected?)`},
		"typo at the top":           {"curent-context: x\n" + head, `config.yaml:1: unknown key "curent-context" (did you mean current-context?)`},
		"nothing like it":           {"zzzzzzzz: x\n", `config.yaml:1: unknown key "zzzzzzzz"`},
		"another service's setting": {head + "    loki: {page-id: x}\n", `config.yaml:3: unknown key "page-id" in loki`},
		"upper case":                {head + "    VictorOps: {org: x}\n", `config.yaml:3: unknown key "VictorOps" (did you mean victorops?)`},
		"service at the top":        {"victorops: {org: x}\n", `config.yaml:1: "victorops" belongs in a context: below contexts, in the item with its name`},
		"environment at the top":    {"environment: x\n", `config.yaml:1: "environment" belongs in a context: below contexts, in the item with its name`},
		"output twice":              {"output: wide\noutput: json\n", `config.yaml:2: "output" is set a second time (first on line 1)`},
		"key twice in a service":    {head + "    loki:\n      tenant: a\n      tenant: b\n", `config.yaml:5: loki."tenant" is set a second time (first on line 4)`},
		"two of one name":           {head + "  - name: y\n  - name: x\n", `config.yaml:4: context "x" is here and on line 2; a name stands for one context`},
		"no name":                   {"contexts:\n  - user: alice\n", `config.yaml:2: a context has no name`},
		"empty name":                {"contexts:\n  - name: ''\n", `config.yaml:2: a context's name is not empty`},
		"built-in name":             {"contexts:\n  - name: demo\n", `config.yaml:2: the name "demo" is built in; choose another`},
		"name with a blank":         {"contexts:\n  - name: a b\n", `config.yaml:2: a context's name has no blanks and no invisible characters`},
		"name like a flag":          {"contexts:\n  - name: -x\n", `config.yaml:2: a context's name does not start with -`},
		"name is a list":            {"contexts:\n  - name: [x]\n", `config.yaml:2: name must be a word`},
		"contexts as a map":         {"contexts:\n  prod:\n    user: x\n", `config.yaml:1: contexts is a list: each item starts with - name: NAME`},
		"context as a word":         {"contexts:\n  - prod\n", `config.yaml:2: a context is a mapping that starts with name: NAME`},
		"service as a word":         {head + "    balena: x\n", `config.yaml:3: balena is a mapping of its settings: url, token, ca-file, cert-file, key-file`},
		"list for a word":           {head + "    user: [x]\n", `config.yaml:3: user takes one value`},
		"bad bool":                  {head + "    protected: never\n", `config.yaml:3: protected: "never" is not true or false`},
		"bad enum":                  {"color: red\n", `config.yaml:1: color: "red" is not one of auto, always, never`},
		"password in a URL":         {head + "    jenkins: {url: 'https://me:hunter2@ci.example.test'}\n", `config.yaml:3: jenkins.url: a URL carries no user or password here; they have settings of their own`},
		"a list at the top":         {"- a\n", `config.yaml:1: the file must be a mapping of keys to values`},
		"two documents":             {"output: wide\n---\noutput: json\n", `config.yaml:2: a second document starts here; put everything in one`},
		"a key that is a list":      {"? [a]\n: b\n", `config.yaml:1: a key must be a word`},
		"merge of a word":           {"<<: a\n", `config.yaml:1: << merges mappings only`},
		"all at once":               {"outputt: x\ntimezone: y\n", "config.yaml:1: unknown key \"outputt\" (did you mean output?)\nconfig.yaml:2: unknown key \"timezone\" (did you mean timeout?)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newWorld(t).file(c.text).refused(c.want)
		})
	}
}

func TestBrokenYAML(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"output: [wide\ncolor: x\n":                         "config.yaml:2: not valid YAML: did not find expected ',' or ']'",
		"output: wide\n\tcolor: auto\n":                     "config.yaml:2: not valid YAML: found a tab character that violates indentation",
		"output: wide\nhunter2\ncolor: auto\n":              "config.yaml:2: not valid YAML: could not find expected ':'",
		"output: wide\n\nx: *hunter2\n":                     "config.yaml:3: not valid YAML: a value that starts with * needs quotes",
		"output: wide\nx: \x01\n":                           "config.yaml:2: not valid YAML: control characters are not allowed",
		"output: wide\nx: \xff\n":                           "config.yaml:2: not valid YAML: the text is not UTF-8",
		"output: wide\n---\nx: [\n":                         "config.yaml:3: not valid YAML: did not find expected node content",
		"output: wide\ncontexts:\n  - name: x\n   foo: 1\n": "config.yaml:3: not valid YAML: did not find expected '-' indicator",
	} {
		w := newWorld(t).file(text)
		_, err := Load(w.source())
		require.ErrorIs(t, err, apierr.ErrUsage, text)
		assert.Equal(t, want, err.Error())
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestLiteralSecretIsRefusedWithoutShowingIt(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"hunter2", "'hunter2'", "[hunter2]", "{hunter2: hunter2}", "{exec: hunter2}", "{exec: []}", "{exec: [[hunter2]]}", "{exec: ['']}",
		"{file: }", "{env: [hunter2]}", "{keyring: hunter2, env: hunter2}", "{exec: [./hunter2]}", "{exec: [bin/hunter2]}", `{file: "hunter2\n"}`, "{[hunter2]: x}", "|\n        hunter2\n"} {
		w := newWorld(t).file("contexts:\n  - name: x\n    victorops:\n      api-key: " + value + "\n")
		_, err := Load(w.source())
		require.ErrorIs(t, err, apierr.ErrUsage, value)
		assert.True(t, strings.HasPrefix(err.Error(), "config.yaml:4: victorops.api-key: "), err.Error())
		assert.NotContains(t, err.Error(), "hunter2")
	}
	w := newWorld(t).file("contexts:\n  - name: x\n    victorops: {api-key: hunter2}\n")
	w.refused("config.yaml:3: victorops.api-key: a secret is not written in a file; write where it is kept: " +
		"{env: NAME}, {file: PATH}, {exec: [COMMAND, ARG]} or {keyring: NAME} (oncall auth login does it for you)")
}

// The traps of viper that style.md names: names are lower-cased, a dot splits a
// key, 0123 is read as 83, unknown keys pass, and Unmarshal misses what only
// the environment sets.
func TestNamesAndNumbersStayAsWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(`contexts:
  - name: EU.West
    user: Alice.B
    victorops: {org: 0123}
    loki: {tenant: 1e3}
    statuspage: {page-id: 0x1F}
  - name: eu.west
    user: no
  - name: eu
    user: 12:30
`)
	w.env["ONCALL_CONTEXT"] = "EU.West"
	c := w.load()
	assert.Equal(t, "EU.West", c.Context().Name)
	assert.Equal(t, "Alice.B", c.Context().User)
	assert.Equal(t, "0123", c.String("victorops.org"))
	assert.Equal(t, "1e3", c.String("loki.tenant"))
	assert.Equal(t, "0x1F", c.String("statuspage.page-id"))
	assert.Equal(t, []string{"EU.West", "eu.west", "eu", "demo"}, c.Contexts())
	w.env["ONCALL_CONTEXT"] = "eu.west"
	assert.Equal(t, "no", w.load().Context().User)
	w.env["ONCALL_CONTEXT"] = "eu"
	assert.Equal(t, "12:30", w.load().Context().User)
}

func TestEmptyValuesAreLeftOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("output:\ncontexts:\n  - name: x\n    user: ~\n    victorops:\n    loki: {url: , tenant: ''}\n    protected:\ncomponents:\n")
	c := w.load()
	assert.False(t, c.Get("loki.tenant").Set)
	assert.Equal(t, "table", c.String("output"))
	assert.True(t, c.Context().Protected)
	w.env["ONCALL_USER"] = ""
	w.env["ONCALL_PROTECTED"] = ""
	assert.True(t, w.load().Context().Protected, "an empty variable is none")
}

func TestEmptyFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n", "~\n", "contexts:\n", "contexts: []\n", "\ufeff# with a byte order mark\n"} {
		w := newWorld(t).file(text)
		_, err := Load(w.source())
		require.ErrorIs(t, err, apierr.ErrUsage)
		assert.Contains(t, err.Error(), "nothing is configured", "%q", text)
	}
}

func TestAliasesAndMerges(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(`contexts:
  - &base
    name: prod
    user: alice
    victorops: &pager {org: acme, api-key: {env: KEY}}
  - <<: *base
    name: staging
    victorops:
      <<: *pager
      org: acme-staging
`)
	w.env["ONCALL_CONTEXT"] = "staging"
	w.env["KEY"] = "the-key"
	c := w.load()
	assert.Equal(t, "alice", c.Context().User)
	assert.Equal(t, "acme-staging", c.String("victorops.org"))
	s, err := c.Secret(t.Context(), "victorops.api-key")
	require.NoError(t, err)
	assert.Equal(t, "the-key", s.Reveal())
}

func TestAliasBombsEnd(t *testing.T) {
	t.Parallel()
	var merges, lists strings.Builder
	merges.WriteString("components:\n  a0: &a0 {k: v}\n")
	lists.WriteString("queries:\n  a0: &a0 [x, x]\n")
	for i := 1; i < 40; i++ {
		p, q := string(rune('0'+i/10))+string(rune('0'+i%10)), string(rune('0'+(i-1)/10))+string(rune('0'+(i-1)%10))
		if i == 1 {
			q = "0"
		}
		merges.WriteString("  a" + p + ": &a" + p + " {<<: [" + strings.Repeat("*a"+q+", ", 10) + "]}\n")
		lists.WriteString("  a" + p + ": &a" + p + " [" + strings.Repeat("*a"+q+", ", 10) + "]\n")
	}
	for _, text := range []string{merges.String(), lists.String(), "contexts:\n  - &x\n    name: x\n    <<: *x\n", "contexts:\n  - &x\n    name: x\n    <<: &y {<<: *x}\n", "components: &x [*x]\n"} {
		w := newWorld(t).file(text)
		_, err := Load(w.source())
		require.ErrorIs(t, err, apierr.ErrUsage)
	}
}

func TestHugeFileIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(strings.Repeat("# much\n", maxFile/7+1))
	_, err := Load(w.source())
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Contains(t, err.Error(), "is larger than 1024 KiB")
}

func FuzzParseConfig(f *testing.F) {
	for _, text := range []string{two, "contexts:\n  - &x\n    name: x\n    <<: *x\n", "a: &x [*x]", "contexts: [{name: x, victorops: {api-key: {exec: [op, read]}}}]", "? {a: b}\n: c\n", "components: {a: {repository: 'ext::sh'}}", "<<: [*a]\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseConfig("config.yaml", []byte(text))
		if err != nil {
			require.ErrorIs(t, err, apierr.ErrUsage)
			return
		}
		for _, b := range d.contexts {
			require.NoError(t, CheckContextName(b.name))
		}
	})
}
