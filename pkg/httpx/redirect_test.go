package httpx

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parsed(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

func TestSameHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"https://a.test/x", "https://a.test/y", true},
		{"https://a.test/x", "https://A.TEST:443/y", true},
		{"http://a.test/x", "https://a.test/y", true},
		{"http://a.test:8080/x", "https://a.test/y", true},
		{"http://a.test:8080/x", "https://a.test:8443/y", false},
		{"http://a.test:8080/x", "http://a.test:8081/y", false},
		{"https://a.test/x", "https://a.test:8443/y", false},
		{"https://a.test/x", "https://b.test/y", false},
		{"https://a.test/x", "https://a.test.evil.test/y", false},
		{"https://a.test/x", "https://sub.a.test/y", false},
		{"http://[::1]:1/x", "http://[::1]:1/y", true},
	} {
		assert.Equal(t, c.want, sameHost(parsed(t, c.from), parsed(t, c.to)), "%s -> %s", c.from, c.to)
	}
}

func TestLooksLikeLogin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"https://g.test/grafana/d/api", "https://g.test/grafana/login", true},
		{"https://j.test/job/x", "https://j.test/securityRealm/commenceLogin?from=%2F", true},
		{"https://j.test/job/x", "https://j.test/login.jsp", true},
		{"https://g.test/x", "https://github.com/login/oauth/authorize?client_id=1", true},
		{"https://g.test/x", "https://auth.g.test/start", true},
		{"https://g.test/x", "https://acme.okta.com/app/1", true},
		{"https://g.test/x", "https://g.test/oauth2/start?rd=x", true},
		{"https://g.test/x", "https://g.test/Shibboleth.sso/Login", true},
		{"https://g.test/checks", "https://g.test/checks/", false},
		{"https://g.test/api/1/x", "https://g.test/api/1/accounts/5", false},
		{"https://g.test/x", "https://g.test/blogin/author", false},
		{"https://auth.test/login", "https://auth.test/login/", false},
	} {
		assert.Equal(t, c.want, looksLikeLogin(parsed(t, c.from), parsed(t, c.to)), "%s -> %s", c.from, c.to)
	}
}
