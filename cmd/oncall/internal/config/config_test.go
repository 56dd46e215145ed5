package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

// world is a Source with a home of its own and no variables but those of env.
type world struct {
	t     *testing.T
	env   map[string]string
	flags map[string]string
	home  string
	ring  Keyring
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, env: map[string]string{}, flags: map[string]string{}, home: t.TempDir(), ring: &memoryRing{}}
}

// file writes the default config file.
func (w *world) file(text string) *world {
	w.t.Helper()
	return w.at(".config/oncall/config.yaml", text)
}

// at writes a file below home, for its owner alone.
func (w *world) at(name, text string) *world {
	w.t.Helper()
	path := filepath.Join(w.home, filepath.FromSlash(name))
	require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o600))
	return w
}

func (w *world) source() Source {
	return Source{
		LookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		Environ: func() []string {
			var out []string
			for k, v := range w.env {
				out = append(out, k+"="+v)
			}
			return out
		},
		Flags: w.flags, Home: w.home, GOOS: "linux", Keyring: w.ring,
	}
}

func (w *world) load() *Config {
	w.t.Helper()
	c, err := Load(w.source())
	require.NoError(w.t, err)
	return c
}

// refused loads and expects a usage error of exactly this text.
func (w *world) refused(text string) {
	w.t.Helper()
	_, err := Load(w.source())
	require.ErrorIs(w.t, err, apierr.ErrUsage)
	assert.Equal(w.t, text, err.Error())
}

const two = `# my contexts
current-context: production
output: wide
contexts:
  - name: production
    environment: production
    user: alice
    victorops:
      url: https://pager.example.test/base
      api-id: {env: PROD_ID}
      api-key: {keyring: production/victorops/api-key}
  - name: EU.West
    environment: staging
    protected: false
    timeout: 5s
    victorops:
      org: 0123
`

func TestPrecedence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.file(two)
	c := w.load()
	assert.Equal(t, Value{"30s", Origin{}, false}, c.Get("timeout"), "default")
	assert.Equal(t, Value{"wide", Origin{FromFile, "config.yaml:3"}, true}, c.Get("output"), "file")

	w.flags["context"] = "EU.West"
	c = w.load()
	assert.Equal(t, Value{"5s", Origin{FromContext, "config.yaml:15"}, true}, c.Get("timeout"), "context")

	w.env["ONCALL_TIMEOUT"] = "7s"
	c = w.load()
	assert.Equal(t, Value{"7s", Origin{FromEnv, "ONCALL_TIMEOUT"}, true}, c.Get("timeout"), "environment")

	w.flags["timeout"] = "9s"
	c = w.load()
	assert.Equal(t, Value{"9s", Origin{FromFlag, "--timeout"}, true}, c.Get("timeout"), "flag")
}

func TestPrecedenceOfEveryOption(t *testing.T) {
	t.Parallel()
	// Every option takes its value from each layer it may stand in, and tells which.
	samples := map[Kind][2]string{
		String: {"one", "two"}, Bool: {"true", "false"}, Duration: {"1s", "2s"}, URL: {"https://one.example.test/a", "https://two.example.test"},
		Path: {"/one", "/two"}, Zone: {"UTC", "local"},
	}
	for _, o := range Options() {
		if o.Key == "context" || o.Key == "config" || o.Key == "definitions" || o.Kind == Secret {
			continue
		}
		t.Run(o.Key, func(t *testing.T) {
			t.Parallel()
			pair, ok := samples[o.Kind]
			if o.Kind == Enum {
				pair, ok = [2]string{o.Values[0], o.Values[1]}, true
			}
			require.True(t, ok)
			w := newWorld(t)
			line := o.Key + ": " + pair[0]
			if o.Service != "" {
				line = o.Service + ":\n      " + strings.TrimPrefix(o.Key, o.Service+".") + ": " + pair[0]
			}
			if o.Scope == InContext || o.Scope == Everywhere {
				w.file("current-context: x\ncontexts:\n  - name: x\n    " + line + "\n")
				v := w.load().Get(o.Key)
				assert.Equal(t, pair[0], v.Text)
				assert.Equal(t, FromContext, v.Origin.Kind)
			}
			if o.Scope == TopLevel || o.Scope == Everywhere {
				w.file("current-context: x\n" + line + "\ncontexts:\n  - name: x\n")
				v := w.load().Get(o.Key)
				assert.Equal(t, pair[0], v.Text)
				assert.Equal(t, Origin{FromFile, "config.yaml:2"}, v.Origin)
			}
			if o.Env != "" {
				w.env[o.Env] = pair[1]
				assert.Equal(t, Value{pair[1], Origin{FromEnv, o.Env}, true}, w.load().Get(o.Key))
			}
			if o.Flag != "" {
				w.flags[o.Flag] = pair[0]
				assert.Equal(t, Value{pair[0], Origin{FromFlag, "--" + o.Flag}, true}, w.load().Get(o.Key))
			}
		})
	}
}

func TestContextNamedByFlagBeatsServiceVariables(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(two)
	w.env = map[string]string{"ONCALL_VICTOROPS_URL": "https://else.example.test", "ONCALL_VICTOROPS_ORG": "exported",
		"ONCALL_VICTOROPS_API_KEY": "exported-key", "PROD_ID": "the-id", "ONCALL_USER": "bob"}
	c := w.load()
	assert.Equal(t, "https://else.example.test", c.String("victorops.url"), "the current context gives way to the environment")

	w.flags["context"] = "production"
	c = w.load()
	assert.Equal(t, Value{"https://pager.example.test/base", Origin{FromContext, "config.yaml:9"}, true}, c.Get("victorops.url"))
	assert.Equal(t, "{keyring: production/victorops/api-key}", c.Get("victorops.api-key").Text, "its credential too")
	assert.Equal(t, Value{"exported", Origin{FromEnv, "ONCALL_VICTOROPS_ORG"}, true}, c.Get("victorops.org"), "the environment fills what is left open")
	assert.Equal(t, "bob", c.Context().User, "globals keep their precedence")

	delete(w.flags, "context")
	w.env["ONCALL_CONTEXT"] = "production"
	assert.Equal(t, "https://else.example.test", w.load().String("victorops.url"), "only the flag turns it round")
}

func TestDemoReadsNoServiceVariableAndNoFile(t *testing.T) {
	t.Parallel()
	for name, choose := range map[string]func(*world){
		"flag":     func(w *world) { w.flags["context"] = "demo" },
		"variable": func(w *world) { w.env["ONCALL_CONTEXT"] = "demo" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).file("this: [is broken\n")
			for _, o := range Options() {
				if o.Service != "" {
					w.env[o.Env] = "not even valid \x01"
				}
			}
			w.env["ONCALL_DEFINITIONS"] = "/nowhere"
			choose(w)
			c := w.load()
			assert.Equal(t, Context{Name: "demo", Environment: "demo", User: "you", Protected: true, Demo: true}, c.Context())
			for _, o := range Options() {
				if v := c.Get(o.Key); o.Service != "" && v.Set {
					assert.Equal(t, Origin{FromContext, "built in"}, v.Origin, o.Key)
				}
			}
			for _, o := range Options() {
				if o.Kind == URL {
					assert.Regexp(t, "^http://demo\\.invalid/", c.String(o.Key), "%s leaves the demo", o.Key)
				}
			}
			s, err := c.Secret(t.Context(), "victorops.api-key")
			require.NoError(t, err)
			assert.Equal(t, demoSecret, s.Reveal())
			assert.Empty(t, c.Warnings())
			assert.Equal(t, filepath.Join(w.home, ".local/state/oncall/demo"), c.StateDir())
			assert.Equal(t, filepath.Join(w.home, ".cache/oncall/demo"), c.CacheDir())
		})
	}
}

func TestDemoChosenInTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("current-context: demo\noutput: wide\nuser: alice\ndefinitions: nowhere.yaml\ncontexts: [{name: x}]\n")
	c := w.load()
	assert.True(t, c.Context().Demo)
	assert.Equal(t, "you", c.Context().User)
	assert.Equal(t, "table", c.String("output"))
	assert.Equal(t, []string{"x", "demo"}, c.Contexts())
}

func TestDemoTakesItsBuiltInValuesFromSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flags["context"] = "demo"
	s := w.source()
	s.Demo = map[string]string{"victorops.url": "http://demo.invalid/else", "victorops.api-key": "key-of-the-world"}
	c, err := Load(s)
	require.NoError(t, err)
	assert.Equal(t, "http://demo.invalid/else", c.String("victorops.url"))
	got, err := c.Secret(t.Context(), "victorops.api-key")
	require.NoError(t, err)
	assert.Equal(t, "key-of-the-world", got.Reveal())
}

func TestDemoAndProtection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.flags["context"] = "demo"
	w.env["ONCALL_PROTECTED"] = "0"
	w.env["ONCALL_READ_ONLY"] = "1"
	assert.Equal(t, Context{Name: "demo", Environment: "demo", User: "you", ReadOnly: true, Demo: true}, w.load().Context())
}

func TestProtected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, env string
		want      bool
	}{
		{"", "", true}, {"protected: true", "", true}, {"protected: false", "", false}, {"protected: no", "", false}, {"protected:", "", true},
		{"protected: true", "0", false}, {"protected: false", "1", true}, {"protected: false", "", false}, {"", "off", false},
	} {
		w := newWorld(t).file("contexts:\n  - name: x\n    " + c.file + "\n")
		w.env["ONCALL_PROTECTED"] = c.env
		assert.Equal(t, c.want, w.load().Context().Protected, "%q %q", c.file, c.env)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("contexts:\n  - name: x\n    read-only: true\n")
	assert.True(t, w.load().Context().ReadOnly)
	w.env["ONCALL_READ_ONLY"] = "no"
	assert.False(t, w.load().Context().ReadOnly)
	w.flags["read-only"] = "true"
	assert.True(t, w.load().Context().ReadOnly)
}

func TestBadValuesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ env, value, want string }{
		{"ONCALL_PROTECTED", "maybe", `ONCALL_PROTECTED: "maybe" is not true or false`},
		{"ONCALL_TIMEOUT", "30", `ONCALL_TIMEOUT: "30" is not a duration; write 30s or 2m`},
		{"ONCALL_TIMEOUT", "-1s", `ONCALL_TIMEOUT: "-1s" is not above zero`},
		{"ONCALL_OUTPUT", "xml", `ONCALL_OUTPUT: "xml" is not one of table, wide, json, jsonl, yaml, name, md`},
		{"ONCALL_TZ", "Mars", `ONCALL_TZ: "Mars" is not a time zone; write local, UTC or a name such as Europe/Athens`},
		{"ONCALL_LOKI_URL", "loki.example.test", `ONCALL_LOKI_URL: "loki.example.test" is not an http or https URL`},
		{"ONCALL_LOKI_URL", "https://me:hunter2@loki.example.test", `ONCALL_LOKI_URL: a URL carries no user or password here; they have settings of their own`},
		{"ONCALL_LOKI_URL", "https://me:hunter2%zz@loki", `ONCALL_LOKI_URL: not a URL`},
		{"ONCALL_LOKI_URL", "https://loki.example.test?x=1", `ONCALL_LOKI_URL: a base URL has no ? and no #`},
		{"ONCALL_LOKI_TOKEN", "hunter2\nX-Evil: 1", `ONCALL_LOKI_TOKEN: a value is one line without control characters`},
	} {
		w := newWorld(t).file("contexts: [{name: x}]\n")
		w.env[c.env] = c.value
		w.refused(c.want)
	}
	w := newWorld(t).file("contexts: [{name: x}]\n")
	w.flags["output"] = "xml"
	w.flags["color"] = "blue"
	w.refused("--output: \"xml\" is not one of table, wide, json, jsonl, yaml, name, md\n--color: \"blue\" is not one of auto, always, never")
}

func TestRequire(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file(two)
	c := w.load()
	url, err := c.Require("victorops.url")
	require.NoError(t, err)
	assert.Equal(t, "https://pager.example.test/base", url)
	_, err = c.Require("jenkins.e2e-job")
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Equal(t, "jenkins.e2e-job is not set: set ONCALL_JENKINS_E2E_JOB, jenkins.e2e-job in the config file", err.Error())
	assert.Contains(t, apierr.HintOf(err), "oncall init")
}

func TestMisspeltVariableIsAWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("contexts:\n  - name: x\n    loki: {token: {env: ONCALL_LOKI_TOKEN_PROD}}\n")
	w.env["ONCALL_VICTOROPS_APIKEY"] = "hunter2"
	w.env["ONCALL_LOKI_TOKEN_PROD"] = "fine"
	w.env["ONCALL_DEMO_NOW"] = "fine"
	assert.Equal(t, []string{"ONCALL_VICTOROPS_APIKEY is no setting of oncall and is ignored (did you mean ONCALL_VICTOROPS_API_KEY?)"}, w.load().Warnings())
}

func TestConfigFileNamedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t).at("else/my.yaml", "contexts: [{name: mine}]\n").file("contexts: [{name: default}]\n")
	w.env["ONCALL_CONFIG"] = "~/else/my.yaml"
	c := w.load()
	assert.Equal(t, "mine", c.Context().Name)
	assert.Equal(t, filepath.Join(w.home, "else/my.yaml"), c.ConfigFile())
	w.flags["config"] = filepath.Join(w.home, "none.yaml")
	w.refused("--config: " + w.home + "/none.yaml does not exist")
	w.flags["config"] = ""
	w.refused("--config: the path is empty")
	w.flags["config"] = w.home
	w.refused("config file: read " + w.home + ": is a folder")
}

func TestPathsStartAtTheirFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("contexts:\n  - name: x\n    loki: {ca-file: ca.pem, cert-file: ~/c.pem, key-file: /k.pem}\n")
	c := w.load()
	assert.Equal(t, filepath.Join(w.home, ".config/oncall/ca.pem"), c.Path("loki.ca-file"))
	assert.Equal(t, filepath.Join(w.home, "c.pem"), c.Path("loki.cert-file"))
	assert.Equal(t, "/k.pem", c.Path("loki.key-file"))
	assert.Empty(t, c.Path("balena.ca-file"))
	w.env["ONCALL_LOKI_CA_FILE"] = "ca.pem"
	assert.Equal(t, "ca.pem", w.load().Path("loki.ca-file"), "from the environment it starts in the working folder")
}

func TestTypedGetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t).file("tz: Europe/Athens\ntimeout: 90s\nno-input: on\ncontexts: [{name: x}]\n")
	c := w.load()
	assert.Equal(t, "Europe/Athens", c.Location().String())
	assert.Equal(t, 90*time.Second, c.Duration("timeout"))
	assert.True(t, c.Bool("no-input"))
	assert.Zero(t, c.Get("no.such"))
}

func TestConfigFileThatEverybodyMayChange(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes say nothing there")
	}
	w := newWorld(t).file("contexts: [{name: x}]\n")
	path := w.load().ConfigFile()
	require.NoError(t, os.Chmod(path, 0o664)) //nolint:gosec // usual where every user has a group
	assert.Empty(t, w.load().Warnings())
	require.NoError(t, os.Chmod(path, 0o666)) //nolint:gosec // that is the fault under test
	assert.Equal(t, []string{"config file " + path + " can be changed by everybody (chmod 600 " + path + ")"}, w.load().Warnings())
}

func TestBlankSecretInTheEnvironmentIsNone(t *testing.T) {
	t.Parallel()
	w := keyed(t, "{env: KEY}")
	w.env["ONCALL_VICTOROPS_API_KEY"] = " \n"
	w.env["KEY"] = "the-key"
	got, _, err := w.secret()
	require.NoError(t, err)
	assert.Equal(t, "the-key", got)
}
