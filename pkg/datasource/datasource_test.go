package datasource_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	var sent *http.Request
	masker := new(secret.Masker)
	given := httpx.Config{BaseURL: "https://monitor.example.test/grafana/", Header: map[string]secret.String{"X-Mine": secret.New("mine")}, Masker: masker,
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			sent = r
			return answer(401, "application/json", `{}`), nil
		})}
	api, err := datasource.Access{Vendor: "loki", Token: secret.New("glsa_secret"), DataSource: "a b", OrgID: "3"}.Open(given, nil)
	require.NoError(t, err)
	assert.Equal(t, "https://monitor.example.test/grafana/api/datasources/proxy/uid/a%20b", api.Base())
	assert.NotContains(t, given.Header, "Authorization", "the caller's map stays as it was")
	assert.Equal(t, "token ***", masker.Mask("token glsa_secret"))
	_, err = api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Contains(t, apierr.HintOf(err), "https://monitor.example.test/grafana/org/serviceaccounts")
	assert.Contains(t, apierr.HintOf(err), "oncall auth login grafana")
	assert.Equal(t, []string{"Bearer glsa_secret", "mine", "3"}, []string{sent.Header.Get("Authorization"), sent.Header.Get("X-Mine"), sent.Header.Get("X-Grafana-Org-Id")})

	given.BaseURL, given.Header = "https://logs.example.test/x", nil
	direct, err := datasource.Access{Vendor: "loki"}.Open(given, nil)
	require.NoError(t, err)
	assert.Equal(t, "https://logs.example.test/x", direct.Base())
	_, err = direct.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
	assert.Contains(t, apierr.HintOf(err), "oncall auth login loki")
	assert.NotContains(t, sent.Header, "Authorization")

	_, err = datasource.Access{Vendor: "loki", Root: "what stands before /loki/api/v1"}.Open(httpx.Config{}, nil)
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Equal(t, "set ONCALL_LOKI_URL to what stands before /loki/api/v1, or ONCALL_GRAFANA_URL and the data source's uid", apierr.HintOf(err))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, kind, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}
}

// What Grafana knows no uid of may be a name. It is looked up once, also when many
// requests ask at once; without a way to do so, or when it fails, that is told.
func TestDataSourceByName(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	access := datasource.Access{Vendor: "loki", DataSource: "My Loki", Find: func(_ context.Context, name string) (string, error) {
		asked.Add(1)
		if name != "My Loki" {
			return "", errors.New("asked for " + name)
		}
		return "P1", nil
	}}
	cfg := httpx.Config{BaseURL: "https://grafana.example.test", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/datasources/proxy/uid/P1/"):
			return answer(200, "application/json", `{}`), nil
		case strings.Contains(r.URL.Path, "My Loki"):
			return answer(400, "application/json", `{"message":"UID is invalid"}`), nil
		}
		return answer(404, "application/json", `{"message":"Unable to find datasource"}`), nil
	})}
	api, err := access.Open(cfg, nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Equal(t, int32(1), asked.Load())
	assert.Equal(t, "https://grafana.example.test/api/datasources/proxy/uid/P1", api.Base())

	access.DataSource = "Other"
	api, err = access.Open(cfg, nil)
	require.NoError(t, err)
	_, err = api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
	require.ErrorContains(t, err, "asked for Other")
	access.Find = nil
	api, err = access.Open(cfg, nil)
	require.NoError(t, err)
	_, err = api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.ErrorContains(t, err, "Grafana at grafana.example.test has no data source with this uid")
}

// The vendor's own classification comes after that of login proxies, a caller's last.
func TestOpenClassifies(t *testing.T) {
	t.Parallel()
	said := []string{}
	cfg := httpx.Config{BaseURL: "https://logs.example.test", Retry: httpx.RetryPolicy{Max: -1},
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { return answer(502, "text/html", "<html>"), nil }),
		Classify:  func(*httpx.Answer) { said = append(said, "caller") }}
	api, err := datasource.Access{Vendor: "loki"}.Open(cfg, func(e *httpx.Answer) { said = append(said, e.Err.Message) })
	require.NoError(t, err)
	_, err = api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	assert.Equal(t, []string{"a proxy before logs.example.test answered with a page: bad gateway", "caller"}, said)
}

func TestAnswersThatAreNoData(t *testing.T) {
	t.Parallel()
	body, kind := "", "application/json"
	api, err := datasource.Access{Vendor: "loki", Root: "the root"}.Open(httpx.Config{BaseURL: "https://logs.example.test",
		Transport: roundTrip(func(*http.Request) (*http.Response, error) { return answer(200, kind, body), nil })}, nil)
	require.NoError(t, err)
	for text, want := range map[string]string{`{"a":1`: "it is cut or broken", `[1,`: "it is cut or broken", `ok`: "it is not JSON", ``: "it is not JSON", `{"a":"b"}`: "cannot unmarshal"} {
		body = text
		res, err := api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
		require.NoError(t, err)
		var out struct{ A int }
		err = api.Decode("x", res.Body, &out)
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		assert.ErrorContains(t, err, "loki: x: the answer of logs.example.test cannot be read: ")
		assert.ErrorContains(t, err, want)
		assert.Equal(t, "check the URL: it is the root", apierr.HintOf(err))
	}
	body, kind = "<p>hello", "text/html"
	_, err = api.Read(t.Context(), httpx.Request{Op: "x", Path: "/y"})
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.ErrorContains(t, err, "not signed in to logs.example.test: it answered with a web page")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	html := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	asJSON := http.Header{"Content-Type": {"application/json"}}
	for name, c := range map[string]struct {
		status int
		header http.Header
		body   string
		kind   error
		want   string
		hint   string
	}{
		"401 of Grafana": {401, asJSON, `{"message":"Unauthorized"}`, apierr.ErrAuth, "not signed in to h.test", "make one"},
		"revoked":        {401, asJSON, `{"message":"Token revoked"}`, apierr.ErrAuth, "not signed in to h.test: Token revoked", "make one"},
		"403 page":       {403, html, "<html>sign in</html>", apierr.ErrAuth, "not signed in to h.test", "make one"},
		"data source":    {400, asJSON, `{"message":"Authentication to data source failed"}`, apierr.ErrAuth, "Grafana at h.test could not sign in to its own data source: Authentication to data source failed", "administrators"},
		"unknown uid":    {404, asJSON, `{"message":"Unable to find datasource"}`, apierr.ErrNotFound, "Grafana at h.test has no data source with this uid", "uid"},
		"no right":       {403, asJSON, `{"message":"Access denied to datasource"}`, apierr.ErrAuth, "h.test refused: Access denied to datasource", "right"},
		"gateway page":   {502, html, "<html><h1>502</h1>", nil, "a proxy before h.test answered with a page: bad gateway", ""},
		"plain":          {500, http.Header{"Content-Type": {"text/plain"}}, "boom", nil, "as it was", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &httpx.Answer{Err: &apierr.Error{Message: "as it was"}, Status: c.status, Header: c.header, Body: []byte(c.body)}
			datasource.Explain(a, "h.test", "make one")
			assert.Equal(t, c.want, a.Err.Message)
			assert.Contains(t, a.Err.Hint, c.hint)
			if c.kind != nil {
				assert.ErrorIs(t, a.Err, c.kind)
			}
		})
	}
}

func TestIsHTMLByBeginning(t *testing.T) {
	t.Parallel()
	assert.True(t, datasource.IsHTML(http.Header{}, []byte("\n <!DOCTYPE HTML><p>")))
	assert.False(t, datasource.IsHTML(http.Header{}, []byte("404 page not found")))
	assert.Equal(t, "the server", datasource.Host("://"))
}
