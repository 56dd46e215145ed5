package config

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

const handmade = `# Alice's settings

current-context:   prod    # where I work

output: wide

contexts:

  # the real thing
  - name: prod
    user:    alice   # not Alice
    victorops:
      url: 'https://pager.example.test'   # behind the proxy
      api-key: {env: PAGER}   # from the shell

  - name: EU.West
    environment: staging

# the end
`

func edited(t *testing.T, text string, change func(*Draft) error) string {
	t.Helper()
	d, err := NewDraft("config.yaml", []byte(text))
	require.NoError(t, err)
	require.NoError(t, change(d))
	_, err = parseConfig("config.yaml", d.text)
	require.NoError(t, err, d.Text())
	return d.Text()
}

func TestEditKeepsCommentsAndLayout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*Draft) error
		old, new string
	}{
		"use-context":        {func(d *Draft) error { return d.UseContext("EU.West") }, "   prod    # where", "   EU.West    # where"},
		"use demo":           {func(d *Draft) error { return d.UseContext("demo") }, "   prod    # where", "   demo    # where"},
		"top":                {func(d *Draft) error { return d.Set("", "output", "json") }, "output: wide", "output: json"},
		"in a context":       {func(d *Draft) error { return d.Set("prod", "user", "bob") }, "    alice   # not", "    bob   # not"},
		"in a service":       {func(d *Draft) error { return d.Set("prod", "victorops.url", "https://b.example.test") }, "'https://pager.example.test'   #", "https://b.example.test   #"},
		"a reference":        {func(d *Draft) error { return d.SetReference("prod", "victorops.api-key", "keyring", "prod/x") }, "{env: PAGER}   #", "{keyring: prod/x}   #"},
		"new in a service":   {func(d *Draft) error { return d.Set("prod", "victorops.org", "acme") }, "# from the shell\n", "# from the shell\n      org: acme\n"},
		"new in a context":   {func(d *Draft) error { return d.Set("EU.West", "protected", "no") }, "environment: staging\n", "environment: staging\n    protected: false\n"},
		"new service":        {func(d *Draft) error { return d.Set("EU.West", "victorops.org", "0123") }, "environment: staging\n", "environment: staging\n    victorops:\n      org: \"0123\"\n"},
		"new at the top":     {func(d *Draft) error { return d.Set("", "tz", "UTC") }, "staging\n", "staging\ntz: UTC\n"},
		"new context":        {func(d *Draft) error { return d.AddContext("Third.One") }, "staging\n", "staging\n  - name: Third.One\n"},
		"unset":              {func(d *Draft) error { return d.Unset("EU.West", "environment") }, "    environment: staging\n", ""},
		"unset what is not":  {func(d *Draft) error { return d.Unset("EU.West", "user") }, "", ""},
		"unset in a service": {func(d *Draft) error { return d.Unset("prod", "victorops.url") }, "      url: 'https://pager.example.test'   # behind the proxy\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, handmade, c.old)
			assert.Equal(t, strings.Replace(handmade, c.old, c.new, 1), edited(t, handmade, c.change))
		})
	}
}

func TestEditOfOddLayouts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":         "",
		"only comments": "# mine\n",
		"json":          `{"contexts": [{"name": "prod", "victorops": {"org": "x"}}]}`,
		"flow":          "contexts: [{name: prod, victorops: {org: x}}] # flow\n",
		"no line end":   "contexts:\n- name: prod",
		"null":          "contexts:\n",
		"crlf":          "# mine\r\ncontexts:\r\n- name: prod\r\n  victorops:\r\n    org: x # y\r\n",
		"anchors":       "contexts:\n- &p\n  name: prod\n  victorops: &v\n    org: x\n- <<: *p\n  name: other\n  victorops: *v\n",
		"null service":  "contexts:\n- name: prod\n  victorops:\n  user: x\n",
		"block scalar":  "contexts:\n- name: prod\n  victorops:\n    org: >-\n      x\n# end\n",
		"many lines":    "contexts:\n- name: prod\n  victorops: {\n    org: x,\n    url: https://a.example.test\n  }\n",
		"quoted":        "'contexts':\n- 'name': \"prod\"\n  'victorops':\n    \"org\": 'x'\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := edited(t, text, func(d *Draft) error {
				if len(d.Contexts()) == 0 {
					require.NoError(t, d.AddContext("prod"))
				}
				require.NoError(t, d.Set("prod", "victorops.org", "acme"))
				require.NoError(t, d.Set("prod", "victorops.url", "https://b.example.test"))
				require.NoError(t, d.Set("prod", "loki.tenant", "no"))
				require.NoError(t, d.Set("prod", "protected", "off"))
				require.NoError(t, d.UseContext("prod"))
				return d.Set("", "output", "json")
			})
			w := newWorld(t).file(got)
			c := w.load()
			assert.Equal(t, "prod", c.Context().Name)
			assert.Equal(t, "acme", c.String("victorops.org"))
			assert.Equal(t, "https://b.example.test", c.String("victorops.url"))
			assert.Equal(t, "no", c.String("loki.tenant"))
			assert.Equal(t, "json", c.String("output"))
			assert.False(t, c.Context().Protected)
			assert.Equal(t, strings.Count(text, "#"), strings.Count(got, "#"), "comments stay: %s", got)
		})
	}
}

func TestUnsetOfTheLastKeyTakesTheBlockAlong(t *testing.T) {
	t.Parallel()
	const text = "contexts:\n  - name: prod\n    victorops:\n      api-key: {env: X}\n    user: alice\n"
	assert.Equal(t, "contexts:\n  - name: prod\n    user: alice\n",
		edited(t, text, func(d *Draft) error { return d.Unset("prod", "victorops.api-key") }))
}

func TestEditRefusals(t *testing.T) {
	t.Parallel()
	d, err := NewDraft("config.yaml", []byte(handmade))
	require.NoError(t, err)
	for want, err := range map[string]error{
		`context "prdo" does not exist; there are prod, EU.West, environment, demo`:           d.UseContext("prdo"),
		`context "prod" exists already`:                                                       d.AddContext("prod"),
		`the name "demo" is built in; choose another`:                                         d.AddContext("demo"),
		`unknown setting "victorops.ur" (did you mean victorops.url?)`:                        d.Set("prod", "victorops.ur", "x"),
		`config is not set in the config file`:                                                d.Set("", "config", "x"),
		`user: the value is empty`:                                                            d.Set("prod", "user", ""),
		`victorops.org is set in a context`:                                                   d.Set("", "victorops.org", "x"),
		`definitions is set for all contexts, not in one`:                                     d.Set("prod", "definitions", "x"),
		`context "demo" is not in config.yaml; there are demo, prod, EU.West`:                 d.Set("demo", "user", "x"),
		`protected: "x" is not true or false`:                                                 d.Set("prod", "protected", "x"),
		`victorops.api-key: a secret is not written in the config file nor on a command line`: d.Set("prod", "victorops.api-key", "hunter2"),
		`victorops.api-id: a secret is not written in the config file nor on a command line`:  d.Set("prod", "victorops.api-id", "*hunter2"),
		`victorops.rest-key: a secret's reference is one of ` + refForms:                      d.Set("prod", "victorops.rest-key", "{vault: hunter2}"),
		`victorops.org is not a secret of oncall`:                                             d.SetReference("prod", "victorops.org", "env", "X"),
	} {
		require.ErrorIs(t, err, apierr.ErrUsage)
		assert.Equal(t, want, err.Error())
	}
	assert.Equal(t, handmade, d.Text(), "a refusal changes nothing")
	require.NoError(t, d.Set("prod", "victorops.rest-key", "{exec: [pass, show, pager]}"))
	assert.Contains(t, d.Text(), "      rest-key: {exec: [pass, show, pager]}\n")
}

func TestEditWritesForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(handmade)
	path := Locate(w.source()).File
	require.NoError(t, os.Chmod(path, 0o644)) //nolint:gosec // as an editor may have left it
	require.NoError(t, Edit(t.Context(), path, func(d *Draft) error { return d.UseContext("EU.West") }))
	assert.Equal(t, "EU.West", w.load().Context().Name)
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	fresh := filepath.Join(w.home, "a", "b", "new.yaml")
	require.NoError(t, Edit(t.Context(), fresh, func(d *Draft) error { return d.AddContext("x") }))
	data, err := os.ReadFile(fresh)
	require.NoError(t, err)
	assert.Equal(t, "contexts:\n  - name: x\n", string(data))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(filepath.Dir(fresh))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
}

func TestEditFollowsALinkAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	w := newWorld(t).at("dotfiles/oncall.yaml", handmade)
	link := filepath.Join(w.home, ".config/oncall/config.yaml")
	require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o700))
	require.NoError(t, os.Symlink(filepath.Join(w.home, "dotfiles/oncall.yaml"), link))
	require.NoError(t, Edit(t.Context(), link, func(d *Draft) error { return d.UseContext("EU.West") }))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "the link is still a link")
	assert.Equal(t, "EU.West", w.load().Context().Name)
	left, err := os.ReadDir(filepath.Join(w.home, "dotfiles"))
	require.NoError(t, err)
	assert.Len(t, left, 2, "the file and its lock")
}

func TestFailedEditWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(handmade)
	path := Locate(w.source()).File
	err := Edit(t.Context(), path, func(d *Draft) error {
		require.NoError(t, d.Set("", "output", "json"))
		return d.UseContext("none")
	})
	require.ErrorIs(t, err, apierr.ErrUsage)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, handmade, string(data))

	w.file("output: [\n")
	err = Edit(t.Context(), path, func(*Draft) error { return nil })
	require.ErrorContains(t, err, "config.yaml:1: not valid YAML")
	require.ErrorIs(t, Edit(t.Context(), "", func(*Draft) error { return nil }), apierr.ErrUsage)
	require.ErrorIs(t, Edit(t.Context(), filepath.Join(path, "below-a-file"), func(*Draft) error { return nil }), apierr.ErrUsage)
}

func TestEditsDoNotLoseEachOther(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	var all sync.WaitGroup
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, n := range names {
		all.Go(func() {
			assert.NoError(t, Edit(t.Context(), path, func(d *Draft) error { return d.AddContext(n) }))
		})
	}
	all.Wait()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	doc, err := parseConfig(path, data)
	require.NoError(t, err)
	assert.Len(t, doc.contexts, len(names))
}

func TestEditWaitsForTheLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	held := flock.New(filepath.Join(filepath.Dir(path), ".config.yaml.lock"))
	ok, err := held.TryLock()
	require.NoError(t, err)
	require.True(t, ok)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	require.ErrorIs(t, Edit(ctx, path, func(*Draft) error { return nil }), context.Canceled)
	require.NoError(t, held.Unlock())
	require.NoError(t, Edit(t.Context(), path, func(d *Draft) error { return d.AddContext("x") }))
}

func TestCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "oncall", "config.yaml")
	require.NoError(t, Create(t.Context(), path, []byte("output: wide\n"), true))
	require.ErrorIs(t, Create(t.Context(), path, []byte("output: json\n"), true), os.ErrExist)
	require.ErrorIs(t, Create(t.Context(), path, []byte("outptu: json\n"), false), apierr.ErrUsage)
	require.NoError(t, Create(t.Context(), path, []byte("output: json\n"), false))
	for name, want := range map[string]string{path: "output: json\n", path + ".bak": "output: wide\n"} {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, want, string(data))
		if runtime.GOOS != "windows" {
			info, err := os.Stat(name)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		}
	}
}

func TestSecretFileNames(t *testing.T) {
	t.Parallel()
	p := Paths{Secrets: filepath.Join(t.TempDir(), "secrets")}
	seen := map[string]string{}
	for _, name := range []string{"prod", "Prod", "..", "../x", "a/b", "a.b", "a%2fb", "con:1", "é"} {
		path, err := p.StoreSecret(name, pagerKey, "hunter2")
		require.NoError(t, err)
		assert.Equal(t, p.Secrets, filepath.Dir(path), name)
		lower := strings.ToLower(path)
		assert.Empty(t, seen[lower], "%s and %s share a file", name, seen[lower])
		seen[lower] = name
	}
	assert.Equal(t, "%50rod.victorops.api-key", filepath.Base(p.SecretFile("Prod", pagerKey)))
	_, err := Paths{}.StoreSecret("prod", pagerKey, "hunter2")
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func FuzzEdit(f *testing.F) {
	for _, text := range []string{handmade, two, "", "contexts: [{name: prod}]", "contexts:\n- name: prod\n  victorops: {org: x} # c\n", "contexts:\n- name: prod\n  user: |\n    x\n"} {
		f.Add(text, "acme")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		d, err := NewDraft("config.yaml", []byte(text))
		if err != nil || len(d.Contexts()) == 0 {
			return
		}
		name := d.Contexts()[0]
		if d.Set(name, "victorops.org", value) != nil {
			return
		}
		got, err := parseConfig("config.yaml", d.text)
		require.NoError(t, err, d.Text())
		b, ok := got.find(name)
		require.True(t, ok)
		assert.Equal(t, value, b.settings["victorops.org"].text)
		require.NoError(t, d.Unset(name, "victorops.org"))
		_, err = parseConfig("config.yaml", d.text)
		require.NoError(t, err, d.Text())
	})
}
