package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"
)

// TestSystemKeyring goes the whole way of a secret through the library that asks
// the desktop's keyring. Its double is one for the whole process, so this is the
// only test that touches it.
func TestSystemKeyring(t *testing.T) {
	t.Parallel()
	keyring.MockInit()
	home := t.TempDir()
	file := filepath.Join(home, "config.yaml")
	require.NoError(t, os.WriteFile(file, []byte("contexts:\n  - name: prod\n    victorops:\n      api-key: {keyring: prod/victorops.api-key}\n"), 0o600))
	src := Source{LookupEnv: func(string) (string, bool) { return "", false }, Home: home, Flags: map[string]string{"config": file}}

	secret := func() (string, error) {
		cfg, err := Load(src)
		require.NoError(t, err)
		s, err := cfg.Secret(t.Context(), "victorops.api-key")
		return s.Reveal(), err
	}
	_, err := secret()
	require.ErrorContains(t, err, "{keyring: prod/victorops.api-key} at config.yaml:4: the keyring has no such entry")

	k, err := src.Keep(t.Context(), "prod", "victorops.api-key", "key-hunter2", false)
	require.NoError(t, err)
	assert.Equal(t, "{keyring: prod/victorops.api-key}", k.String())
	text, err := keyring.Get("oncall", "prod/victorops.api-key")
	require.NoError(t, err, "that is where a person finds it")
	assert.Equal(t, "key-hunter2", text)
	text, err = secret()
	require.NoError(t, err)
	assert.Equal(t, "key-hunter2", text)

	require.NoError(t, src.Forget(t.Context(), Kept{Kind: "keyring", Arg: "prod/victorops.api-key", Ours: true}))
	_, err = keyring.Get("oncall", "prod/victorops.api-key")
	require.ErrorIs(t, err, keyring.ErrNotFound)
	require.NoError(t, src.Forget(t.Context(), Kept{Kind: "keyring", Arg: "prod/victorops.api-key", Ours: true}), "gone already is gone")

	// A locked one, or none: its own words may hold anything and are not repeated.
	keyring.MockInitWithError(errors.New("dbus: prompt dismissed, hunter2"))
	_, err = src.Keep(t.Context(), "prod", "victorops.api-key", "key-hunter2", false)
	require.ErrorIs(t, err, ErrNoKeyring)
	_, err = secret()
	require.ErrorContains(t, err, "no keyring answers")
	assert.NotContains(t, err.Error(), "hunter2")
	require.ErrorIs(t, src.Forget(t.Context(), Kept{Kind: "keyring", Arg: "prod/victorops.api-key", Ours: true}), ErrNoKeyring)
}
