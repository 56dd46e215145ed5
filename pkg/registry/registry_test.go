package registry_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/registry"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
)

const password = "hunter2-very-secret"

func client(base string, creds bool) *registry.Client {
	c := registry.Config{HTTP: httpx.Config{BaseURL: base, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}}
	if creds {
		c.Credentials = func(context.Context, string) (registry.Credential, bool, error) {
			return registry.Credential{User: simulator.RegistryUser, Password: secret.New(simulator.RegistryPassword)}, true, nil
		}
	}
	return registry.New(c)
}

func TestHasAgainstTheSimulator(t *testing.T) {
	t.Parallel()
	w, err := simulator.Open(simulator.Options{NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	s := httptest.NewServer(http.StripPrefix("/base", w.Handler()))
	t.Cleanup(s.Close)
	base := s.URL + "/base/registry"
	ctx := t.Context()
	require.NoError(t, client(base, false).Has(ctx, "registry.example.test/balena/api", "17.4.1"))
	require.ErrorIs(t, client(base, false).Has(ctx, "registry.example.test/balena/api", "99.0.0"), apierr.ErrNotFound)
	require.ErrorIs(t, client(base, false).Has(ctx, "registry.example.test/balena/nothing", "1.0.0"), apierr.ErrNotFound)
	require.ErrorIs(t, client(base, false).Has(ctx, "registry.example.test/balena/signer", "3.1.0"), apierr.ErrAuth, "no right is not: not there")
	require.NoError(t, client(base, true).Has(ctx, "registry.example.test/balena/signer", "3.1.0"))
}

func TestAnswersThatLeaveItOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		header string // WWW-Authenticate
		kind   error
	}{
		"401 without a word": {401, "", apierr.ErrAuth},
		"basic, no user":     {401, `Basic realm="x"`, apierr.ErrAuth},
		"bearer, no realm":   {401, `Bearer service="x"`, apierr.ErrAuth},
		"realm is no http":   {401, `Bearer realm="file:///etc/passwd"`, apierr.ErrAuth},
		"403":                {403, "", apierr.ErrAuth},
		"429":                {429, "", apierr.ErrRateLimited},
		"500":                {500, "", apierr.ErrUnavailable},
		"302":                {302, "", apierr.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http.MethodHead, r.Method)
				assert.Equal(t, "/base/v2/a/b/manifests/1", r.URL.Path)
				rw.Header().Set("WWW-Authenticate", c.header)
				rw.WriteHeader(c.status)
			}))
			t.Cleanup(s.Close)
			err := client(s.URL+"/base", false).Has(t.Context(), "h.test:5000/a/b", "1")
			require.ErrorIs(t, err, c.kind)
			assert.NotErrorIs(t, err, apierr.ErrNotFound)
		})
	}
	require.ErrorIs(t, client("http://127.0.0.1:1/base", false).Has(t.Context(), "h.test/a", "1"), apierr.ErrUnavailable)
	for _, image := range []string{"h.test/../x", "H/UPPER", "", "h.test/a b", "h.test@x/a"} {
		require.ErrorIs(t, client("http://127.0.0.1:1", false).Has(t.Context(), image, "1"), apierr.ErrUsage, image)
	}
	require.ErrorIs(t, client("http://127.0.0.1:1", false).Has(t.Context(), "h.test/a", "../x"), apierr.ErrUsage)
}

func TestDockerCredentials(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.json")
	auth := base64.StdEncoding.EncodeToString([]byte("robin:" + password))
	require.NoError(t, os.WriteFile(path, []byte(`{"auths":{"https://a.test":{"auth":"`+auth+`"},"https://index.docker.io/v1/":{"auth":"`+auth+`"},"bad.test":{"auth":"!"}},"credHelpers":{"h.test":"../evil"}}`), 0o600))
	d := registry.DockerConfig{Path: path}
	for _, host := range []string{"a.test", "registry-1.docker.io"} {
		c, ok, err := d.Lookup(t.Context(), host)
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, "robin", c.User)
		assert.Equal(t, password, c.Password.Reveal())
	}
	_, ok, err := d.Lookup(t.Context(), "other.test")
	require.NoError(t, err)
	assert.False(t, ok)
	for _, host := range []string{"bad.test", "h.test"} {
		_, _, err = d.Lookup(t.Context(), host)
		require.Error(t, err)
	}
	_, ok, err = registry.DockerConfig{Path: path + "x"}.Lookup(t.Context(), "a.test")
	require.NoError(t, err)
	assert.False(t, ok)
	require.NoError(t, os.WriteFile(path, []byte(`{"auths": "`+password), 0o600))
	_, _, err = d.Lookup(t.Context(), "a.test")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), password)
}

// TestCredentialsGoToTheRegistryAlone: neither an error nor another host sees them.
func TestCredentialsGoToTheRegistryAlone(t *testing.T) {
	t.Parallel()
	var seen []string
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") == "" {
			rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		rw.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	c := registry.New(registry.Config{HTTP: httpx.Config{BaseURL: s.URL}, Credentials: func(_ context.Context, host string) (registry.Credential, bool, error) {
		assert.Equal(t, strings.TrimPrefix(s.URL, "http://"), host, "looked up for the host that is asked")
		return registry.Credential{User: "robin", Password: secret.New(password)}, true, nil
	}})
	err := c.Has(t.Context(), "elsewhere.test/a", "1")
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.NotContains(t, err.Error(), password)
	require.Len(t, seen, 2)
	assert.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("robin:"+password)), seen[1])
}
