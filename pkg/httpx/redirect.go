package httpx

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
)

// maxRedirects is how often one read follows.
const maxRedirects = 5

// follow sends cl to u and follows redirects by our rule: reads only, the same
// host only, never from https to http. net/http's own rule turns a POST into a
// GET and takes X-Api-Key headers along to other hosts.
func (c *Client) follow(ctx context.Context, cl *call, u *url.URL) (*http.Response, []byte, *apierr.Error) {
	for hop := 0; ; hop++ {
		res, data, err := c.send(ctx, cl, u)
		if err != nil || cl.r.AnyStatus || !redirects(res) {
			return res, data, err
		}
		_ = res.Body.Close()
		next, err := c.redirectTarget(cl, u, res, hop)
		if err != nil {
			return nil, nil, err
		}
		u = next
	}
}

func redirects(res *http.Response) bool { return res.StatusCode >= 300 && res.StatusCode <= 399 }

func (c *Client) redirectTarget(cl *call, from *url.URL, res *http.Response, hop int) (*url.URL, *apierr.Error) {
	status := res.StatusCode
	fail := func(kind error, format string, args ...any) *apierr.Error {
		e := c.fail(cl, kind, format, args...)
		e.Status, e.RequestID = status, c.requestID(res.Header)
		return e
	}
	location := res.Header.Get("Location")
	to, err := from.Parse(location)
	if location == "" || err != nil || to.Host == "" || (to.Scheme != "http" && to.Scheme != "https") {
		return nil, c.lost(cl, fail(apierr.ErrUnavailable, "unexpected answer"), status)
	}
	where := c.maskedURL(&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path, RawPath: to.RawPath})
	switch {
	case looksLikeLogin(from, to):
		return nil, c.withLoginHint(fail(apierr.ErrAuth, "not signed in to %s (redirected to a login page, %s)", from.Host, where))
	case cl.writes:
		return nil, c.lost(cl, fail(apierr.ErrUnavailable, "redirected to %s, and a change is never redirected", where), status)
	case from.Scheme == "https" && to.Scheme == "http":
		return nil, fail(apierr.ErrUnavailable, "redirected from https to %s, which is not followed", where)
	case !sameHost(from, to):
		return nil, fail(apierr.ErrUnavailable, "redirected to another host, %s, which is not followed", where).
			WithHint("if that is the right one, set it as the URL of %s", c.cfg.Vendor)
	case cl.r.Method != http.MethodGet && cl.r.Method != http.MethodHead && status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect:
		return nil, fail(apierr.ErrUnavailable, "redirected to %s, which would lose the request's body", where)
	case hop >= maxRedirects:
		return nil, fail(apierr.ErrUnavailable, "redirected more than %d times, last to %s", maxRedirects, where)
	}
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	return to, nil
}

// lost adds ErrUnknownOutcome to e when a change was answered by something that
// does not say whether it was made: 302 and 303 are also how a page answers
// after it did what was asked, other redirects say "not here".
func (c *Client) lost(cl *call, e *apierr.Error, status int) *apierr.Error {
	if cl.writes && (status == http.StatusFound || status == http.StatusSeeOther || status < 300) {
		e.Kind = append([]error{apierr.ErrUnknownOutcome}, e.Kind...)
	}
	return e
}

// sameHost allows the same host and port, and http on port 80 to become https
// on 443.
func sameHost(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	return port(from) == port(to) || from.Scheme == "http" && to.Scheme == "https" && port(to) == "443"
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// loginPaths are path segments of sign-in pages: Grafana /login, Jenkins
// /securityRealm/commenceLogin, oauth2-proxy /oauth2/start, GitHub
// /login/oauth/authorize, SAML and Shibboleth. loginHosts are host labels.
var (
	loginPaths = []string{"login", "commencelogin", "signin", "sign_in", "sign-in", "logon", "sso", "saml", "saml2", "oauth", "oauth2", "authorize", "openid", "oidc", "adfs", "shibboleth.sso", "securityrealm"}
	loginHosts = []string{"login", "signin", "sso", "auth", "oauth", "oauth2", "idp", "id", "adfs", "cas", "accounts", "okta", "auth0", "onelogin", "keycloak"}
)

// looksLikeLogin reports whether to is a sign-in page that from was not.
func looksLikeLogin(from, to *url.URL) bool {
	known := loginParts(from)
	return slices.ContainsFunc(loginParts(to), func(w string) bool { return !slices.Contains(known, w) })
}

// loginParts are the words of u that speak of signing in.
func loginParts(u *url.URL) (words []string) {
	for _, label := range strings.Split(strings.ToLower(u.Hostname()), ".") {
		if slices.Contains(loginHosts, label) {
			words = append(words, "host "+label)
		}
	}
	for _, part := range strings.Split(strings.ToLower(u.Path), "/") {
		base, _, _ := strings.Cut(part, ".") // login.html, login.jsp
		for _, w := range []string{part, base} {
			if slices.Contains(loginPaths, w) {
				words = append(words, w)
			}
		}
	}
	return words
}

func (c *Client) withLoginHint(e *apierr.Error) *apierr.Error {
	if e.Hint == "" {
		e.Hint = c.cfg.LoginHint
	}
	return e
}
