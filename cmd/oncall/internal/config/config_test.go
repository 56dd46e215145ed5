package config

import (
	"os"
	"path/filepath"
	"testing"

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
