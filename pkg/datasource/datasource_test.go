package datasource_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

func TestApply(t *testing.T) {
	t.Parallel()
	given := httpx.Config{BaseURL: "https://monitor.example.test/grafana/", Header: map[string]secret.String{"X-Mine": secret.New("mine")}}
	got := datasource.Access{Token: secret.New("glsa_secret"), DataSource: "a b"}.Apply(given, "loki")

	assert.Equal(t, "https://monitor.example.test/grafana/api/datasources/proxy/uid/a%20b", got.BaseURL)
	assert.Equal(t, "Bearer glsa_secret", got.Header["Authorization"].Reveal())
	assert.Equal(t, "mine", got.Header["X-Mine"].Reveal())
	assert.NotContains(t, given.Header, "Authorization", "the caller's map stays as it was")
	assert.Equal(t, "token ***", got.Masker.Mask("token glsa_secret"))
	assert.Contains(t, got.LoginHint, "https://monitor.example.test/grafana/org/serviceaccounts")
	assert.Contains(t, got.LoginHint, "oncall auth login grafana")

	direct := datasource.Access{}.Apply(httpx.Config{BaseURL: "https://logs.example.test/x"}, "loki")
	assert.Equal(t, "https://logs.example.test/x", direct.BaseURL)
	assert.NotContains(t, direct.Header, "Authorization")
	assert.Contains(t, direct.LoginHint, "oncall auth login loki")
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
