package registry_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/registry"
)

// helper writes a credential helper and docker's configuration that names it.
func helper(t *testing.T, script string) registry.DockerConfig {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the helper is a shell script")
	}
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700))
	}
	write("docker-credential-fake", "#!/bin/sh\n"+script+"\n")
	write("config.json", `{"credHelpers":{"h.test":"fake","nobody.test":"absent"},"credsStore":"fake","auths":{"s.test":{},"p.test":{"auth":"cm9iaW46cHc="}}}`)
	return registry.DockerConfig{Path: filepath.Join(folder, "config.json"), Environ: []string{"PATH=" + folder + ":/usr/bin:/bin", "ONCALL_JENKINS_TOKEN=" + password}}
}

func TestCredentialHelpers(t *testing.T) {
	t.Parallel()
	const good = `[ "$1" = get ] || exit 9; read -r server; printf '{"ServerURL":"%s","Username":"robin@%s","Secret":"` + password + `"}' "$server" "$server"`
	for name, c := range map[string]struct {
		script, host string
		user         string // "" for none
		says         string // of the error
	}{
		"one for the host":           {good, "h.test", "robin@h.test", ""},
		"the store":                  {good, "s.test", "robin@s.test", ""},
		"what is written beside it":  {good, "p.test", "robin", ""},
		"a host that nobody knows":   {good, "other.test", "", ""},
		"one that is not there":      {good, "nobody.test", "", "docker-credential-absent gives no credential: it is not in PATH"},
		"it has none":                {"echo 'credentials not found in native keychain'; exit 1", "h.test", "", ""},
		"it fails":                   {"echo " + password + "; exit 3", "h.test", "", "exit status 3"},
		"garbage":                    {"echo " + password, "h.test", "", "its answer is none"},
		"half an answer":             {`printf '{"Username":"robin","Secret":"` + password + `'`, "h.test", "", "its answer is none"},
		"an empty secret":            {`echo '{"Username":"robin"}'`, "h.test", "", "its answer is none"},
		"an identity token":          {`echo '{"Username":"<token>","Secret":"` + password + `"}'`, "h.test", "", "identity token"},
		"it never stops writing":     {`while :; do echo ` + strings.Repeat(password, 50) + ` || exit 0; done`, "h.test", "", "gives no credential"},
		"it sees no setting of ours": {`[ -z "$ONCALL_JENKINS_TOKEN" ] || exit 7; ` + good, "h.test", "robin@h.test", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := helper(t, c.script)
			d.Limit = 30 * time.Second
			if name == "it never stops writing" {
				d.Limit = 200 * time.Millisecond
			}
			got, ok, err := d.Lookup(t.Context(), c.host)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.NotContains(t, err.Error(), password)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.user != "", ok)
			assert.Equal(t, c.user, got.User)
		})
	}
}

// TestAHelperThatHangs also leaves a child behind that keeps the pipe open.
func TestAHelperThatHangs(t *testing.T) {
	t.Parallel()
	d := helper(t, "sleep 600 & sleep 600")
	d.Limit = 50 * time.Millisecond
	_, _, err := d.Lookup(t.Context(), "h.test")
	require.ErrorContains(t, err, "docker-credential-fake gives no credential: it did not end within 50ms")
}
