package httpx

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
)

// isHTML reports whether a body is a web page, by its type or its beginning.
func isHTML(contentType string, body []byte) bool {
	kind := mediaType(contentType)
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return true
	}
	if strings.Contains(kind, "json") {
		return false
	}
	start := bytes.ToLower(bytes.TrimLeft(body[:min(len(body), 512)], "\xef\xbb\xbf \t\r\n"))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// checkType refuses a web page where data was due: net/http gives no error
// then, and an encoding/json error about "<" tells nobody that a sign-in page
// of a proxy answered.
func (c *Client) checkType(cl *call, u *url.URL, res *http.Response, body []byte) *apierr.Error {
	if cl.r.AnyType || len(body) == 0 || strings.Contains(cl.r.Accept, "html") || !isHTML(res.Header.Get("Content-Type"), body) {
		return nil
	}
	return c.webPage(cl, u, res, body)
}

// checkStreamType is checkType for a body that has not been read.
func (c *Client) checkStreamType(cl *call, u *url.URL, res *http.Response) *apierr.Error {
	if cl.r.AnyType || strings.Contains(cl.r.Accept, "html") || mediaType(res.Header.Get("Content-Type")) != "text/html" {
		return nil
	}
	page := make([]byte, 32<<10)
	n := 0
	for n < len(page) {
		m, err := res.Body.Read(page[n:])
		n += m
		if err != nil {
			break
		}
	}
	return c.webPage(cl, u, res, page[:n])
}

func (c *Client) webPage(cl *call, u *url.URL, res *http.Response, body []byte) *apierr.Error {
	var e *apierr.Error
	if smellsOfLogin(res.Header, body) {
		e = c.withLoginHint(c.fail(cl, apierr.ErrAuth, "not signed in to %s (it answered a login page)", u.Host))
	} else {
		e = c.fail(cl, apierr.ErrUnavailable, "%s answered a web page, not data (a proxy, or the wrong URL?)", u.Host)
		e = c.lost(cl, e, res.StatusCode)
	}
	e.Status, e.RequestID = res.StatusCode, c.requestID(res.Header)
	return e
}

// loginMarks stand in the sign-in pages of Grafana, Jenkins, GitHub,
// oauth2-proxy, Okta, Keycloak, ADFS and hand-made ones; titleMarks only count
// within the title, as any page may have a "log in" link.
var (
	loginMarks = []string{`type="password"`, `type='password'`, "type=password", "samlrequest", "commencelogin", "/login?", `action="/login`, "/oauth2/start", "/oauth2/sign_in", "/login/oauth", "openid-connect/auth"}
	titleMarks = []string{"sign in", "sign-in", "signin", "log in", "login", "log-in", "single sign", "authenticat", "unauthori"}
)

func smellsOfLogin(h http.Header, body []byte) bool {
	if h.Get("Www-Authenticate") != "" {
		return true
	}
	page := strings.ToLower(string(body[:min(len(body), 64<<10)]))
	in := func(text string) func(string) bool { return func(m string) bool { return strings.Contains(text, m) } }
	_, title, _ := strings.Cut(page, "<title")
	title, _, _ = strings.Cut(title, "</title")
	return slices.ContainsFunc(loginMarks, in(page)) || slices.ContainsFunc(titleMarks, in(title))
}
