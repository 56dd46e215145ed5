package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type registryClient struct {
	t    *testing.T
	w    *World
	base string // "/registry/v2", or "/v2"
	user bool
}

func (g registryClient) send(method, rawURL string, change func(*http.Request)) (*http.Response, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, rawURL, nil)
	require.NoError(g.t, err)
	if change != nil {
		change(req)
	}
	res, err := g.w.Transport().RoundTrip(req)
	require.NoError(g.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res, string(body)
}

var registryRealm = regexp.MustCompile(`^Bearer realm="([^"]+)",service="([^"]+)"(?:,scope="([^"]+)")?`)

// get asks as a client does that knows nothing: challenge, token, again.
func (g registryClient) get(method, path string) (*http.Response, string) {
	g.t.Helper()
	accept := func(r *http.Request) { r.Header.Set("Accept", registryIndex) }
	res, _ := g.send(method, BaseURL+g.base+path, accept)
	require.Equal(g.t, 401, res.StatusCode)
	m := registryRealm.FindStringSubmatch(res.Header.Get("Www-Authenticate"))
	require.NotNil(g.t, m, res.Header.Get("Www-Authenticate"))
	res, body := g.send(http.MethodGet, m[1]+"?"+url.Values{"service": {m[2]}, "scope": {m[3]}}.Encode(), func(r *http.Request) {
		if g.user {
			r.SetBasicAuth(RegistryUser, RegistryPassword)
		}
	})
	require.Equal(g.t, 200, res.StatusCode, body)
	var token struct{ Token string }
	require.NoError(g.t, json.Unmarshal([]byte(body), &token))
	return g.send(method, BaseURL+g.base+path, func(r *http.Request) {
		accept(r)
		r.Header.Set("Authorization", "Bearer "+token.Token)
	})
}

func TestRegistryKnowsTheWorldsVersions(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	for _, base := range []string{"/registry/v2", "/v2"} {
		g := registryClient{t: t, w: w, base: base}
		digest := ""
		for tag, want := range map[string]int{APIVersionGood: 200, APIVersionBad: 200, "17.3.2": 200, APIVersionUnreleased: 200, APIVersionSkipped: 200, "99.0.0": 404, "latest": 404} {
			res, body := g.get(http.MethodHead, "/balena/api/manifests/"+tag)
			assert.Equal(t, want, res.StatusCode, tag)
			assert.Empty(t, body)
			if want == 200 {
				assert.Equal(t, registryIndex, res.Header.Get("Content-Type"))
				assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, res.Header.Get("Docker-Content-Digest"))
				assert.NotEqual(t, digest, res.Header.Get("Docker-Content-Digest"))
				digest = res.Header.Get("Docker-Content-Digest")
			}
		}
		res, body := g.get(http.MethodGet, "/balena/api/manifests/"+digest)
		assert.Equal(t, 200, res.StatusCode)
		assert.Contains(t, body, `"architecture":"arm64"`)
		res, body = g.get(http.MethodGet, "/balena/api/manifests/99.0.0")
		assert.Equal(t, 404, res.StatusCode)
		assert.JSONEq(t, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"99.0.0"}}]}`, body)
		res, body = g.get(http.MethodGet, "/balena/nothing/manifests/1.0.0")
		assert.Equal(t, 404, res.StatusCode)
		assert.Contains(t, body, "NAME_UNKNOWN")
		res, _ = g.get(http.MethodGet, "/")
		assert.Equal(t, 200, res.StatusCode)
	}
	g := registryClient{t: t, w: w, base: "/registry/v2"}
	_, body := g.get(http.MethodGet, "/balena/api/tags/list")
	assert.JSONEq(t, `{"name":"balena/api","tags":["17.3.2","17.3.9","17.4.0","17.4.1","17.4.2","17.5.0"]}`, body)

	// Deploying what was never built makes no image.
	require.NoError(t, w.update(func(s *State) error { s.Facts.BeginDeploy(ComponentAPI, "99.0.0", 882, s.Now); return nil }))
	*now = now.Add(time.Hour)
	res, _ := g.get(http.MethodHead, "/balena/api/manifests/99.0.0")
	assert.Equal(t, 404, res.StatusCode)
}

func TestRegistryRights(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	g := registryClient{t: t, w: w, base: "/registry/v2"}
	res, body := g.get(http.MethodGet, "/balena/signer/manifests/3.1.0")
	assert.Equal(t, 401, res.StatusCode, "a token is given, and opens nothing")
	assert.Contains(t, body, "UNAUTHORIZED")
	assert.Contains(t, res.Header.Get("Www-Authenticate"), `scope="repository:balena/signer:pull",error="insufficient_scope"`)
	g.user = true
	res, _ = g.get(http.MethodHead, "/balena/signer/manifests/3.1.0")
	assert.Equal(t, 200, res.StatusCode)
	res, _ = g.get(http.MethodHead, "/balena/api/manifests/"+APIVersionGood)
	assert.Equal(t, 200, res.StatusCode)

	res, _ = g.send(http.MethodGet, BaseURL+"/registry/token", func(r *http.Request) { r.SetBasicAuth(RegistryUser, "wrong") })
	assert.Equal(t, 401, res.StatusCode)
	// A token of one repository opens no other, and a reader of old formats finds nothing.
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+registryToken("", "balena/api")) }
	res, _ = g.send(http.MethodHead, BaseURL+"/registry/v2/balena/ui/manifests/41.2.0", bearer)
	assert.Equal(t, 401, res.StatusCode)
	res, body = g.send(http.MethodGet, BaseURL+"/registry/v2/balena/api/manifests/"+APIVersionGood, bearer)
	assert.Equal(t, 404, res.StatusCode)
	assert.Contains(t, body, "accept header does not support OCI indexes")
	res, _ = g.send(http.MethodPut, BaseURL+"/registry/v2/balena/api/manifests/1.0.0", bearer)
	assert.Equal(t, 405, res.StatusCode)
	for _, path := range []string{"/registry/v1/x", "/registry/v2/balena/api/blobs/x", "/registry/x"} {
		res, _ = g.send(http.MethodGet, BaseURL+path, bearer)
		assert.Equal(t, 404, res.StatusCode, path)
	}
}

func TestRegistryAndFleetsAreInTheEnvironment(t *testing.T) {
	t.Parallel()
	lines := Env("http://127.0.0.1:8080")
	for _, l := range []string{"ONCALL_REGISTRY_URL=http://127.0.0.1:8080/registry", "ONCALL_BALENA_URL=http://127.0.0.1:8080/balena", "ONCALL_BALENA_TOKEN=" + BalenaToken} {
		assert.Contains(t, lines, l)
	}
}

func TestRegistryTroubleIsSwitchedOn(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	g := registryClient{t: t, w: w, base: "/registry/v2"}
	require.NoError(t, w.AddFault(Fault{Service: "registry", PathGlob: "*/manifests/*", Kind: FaultStatus, Status: 403}))
	res, _ := g.send(http.MethodHead, BaseURL+"/registry/v2/balena/api/manifests/17.4.1", nil)
	assert.Equal(t, 403, res.StatusCode)
	require.NoError(t, w.ClearFaults())
	require.NoError(t, w.AddFault(Fault{Service: "registry", Kind: FaultResetBefore}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, BaseURL+"/registry/v2/", nil)
	require.NoError(t, err)
	res, err = w.Transport().RoundTrip(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.Error(t, err)
}
