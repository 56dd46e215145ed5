// Package datasource holds what the clients of Loki, Prometheus and Grafana have in
// common: a bearer token, Grafana's data source proxy as the way to a server
// behind it, and the many answers by which Grafana or a login proxy in front
// says "not signed in".
//
// Source: Grafana's proxy and login as in the Prometheus contract note,
// sections 1 and 7 (grafana pkg/api/pluginproxy, pkg/middleware/auth.go).
package datasource

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Access is how a server is reached and with which credential.
type Access struct {
	Vendor string // name in errors, after "oncall auth login" and in ONCALL_..._URL: "loki"
	Root   string // what the URL is, in words: "what stands before /loki/api/v1"
	// Token is sent as a bearer token: a Grafana service account's (glsa_...), or
	// one that the proxy in front of the server takes. Zero sends none.
	Token secret.String
	// DataSource is the uid of a Grafana data source. When set, the base URL is
	// Grafana's root and requests travel through its data source proxy. Empty is
	// the server itself.
	DataSource string
	// Find is asked for the uid when Grafana has no data source of the uid above,
	// which may be a name. nil leaves it at that.
	Find  func(ctx context.Context, name string) (uid string, err error)
	OrgID string // Grafana organisation (X-Grafana-Org-Id); empty is the token's own
	// Grafana is true for Grafana's own API, whose answers are its own.
	Grafana bool
}

// apply returns cfg with the credential, the path through the proxy and a
// Classify that knows the answers of login proxies. It changes nothing that cfg
// points to.
func (a Access) apply(cfg httpx.Config) httpx.Config {
	cfg.Header = maps.Clone(cfg.Header)
	if cfg.Header == nil {
		cfg.Header = map[string]secret.String{}
	}
	if cfg.Masker == nil {
		cfg.Masker = new(secret.Masker)
	}
	if !a.Token.IsZero() {
		cfg.Masker.Add(a.Token)
		cfg.Header["Authorization"] = secret.New("Bearer " + a.Token.Reveal())
	}
	root := strings.TrimRight(cfg.BaseURL, "/")
	if a.DataSource != "" {
		cfg.BaseURL = root + "/api/datasources/proxy/uid/" + httpx.Segment(a.DataSource)
	}
	if a.DataSource != "" || a.Grafana {
		login := "oncall auth login grafana"
		if cfg.LoginHint != "" {
			login = cfg.LoginHint
		}
		cfg.LoginHint = "make a service account token (role Viewer) at " + root + "/org/serviceaccounts, then: " + login
	} else if cfg.LoginHint == "" {
		cfg.LoginHint = "get a token from the proxy in front of " + Host(root) + " and run: oncall auth login " + a.Vendor +
			"; or go through Grafana with a service account token"
	}
	host, hint, next := Host(root), cfg.LoginHint, cfg.Classify
	cfg.Classify = func(e *httpx.Answer) {
		explain(e, host, hint)
		if next != nil {
			next(e)
		}
	}
	return cfg
}

// errNoSource marks that Grafana has no data source with the uid.
var errNoSource = errors.New("no such data source")

// Host is the host of a URL as a person reads it, without credentials.
func Host(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return "the server"
	}
	return u.Host
}

// explain gives the errors of Grafana and of login proxies their meaning. Other
// answers stay as they are. Redirects to a login page are httpx's.
func explain(e *httpx.Answer, host, hint string) {
	text := Message(e.Body)
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden && IsHTML(e.Header, e.Body):
		notSignedIn(e.Err, host, text, hint)
	case e.Status == http.StatusBadRequest && strings.HasPrefix(text, "Authentication to data source failed"):
		e.Err.Kind = []error{apierr.ErrAuth}
		e.Err.Message = "Grafana at " + host + " could not sign in to its own data source: " + text
		e.Err.Hint = "the credential stored in Grafana's data source is wrong; one of Grafana's administrators can mend it"
	case e.Status == http.StatusNotFound && strings.HasPrefix(text, "Unable to find datasource"),
		e.Status == http.StatusBadRequest && text == "UID is invalid": // one with a space, as names have
		e.Err.Kind = []error{apierr.ErrNotFound, errNoSource}
		e.Err.Message = "Grafana at " + host + " has no data source with this uid"
		e.Err.Hint = "the uid is at the end of the data source's address in Grafana (Connections > Data sources)"
	case e.Status == http.StatusForbidden && text != "":
		e.Err.Kind = []error{apierr.ErrAuth}
		e.Err.Message = host + " refused: " + text
		e.Err.Hint = "the token has not the right for this; " + hint
	case IsHTML(e.Header, e.Body):
		// A gateway's page says nothing that its status does not say.
		e.Err.Message = "a proxy before " + host + " answered with a page: " + strings.ToLower(http.StatusText(e.Status))
	}
}

// notSignedIn turns err into the one sentence for every way of being told to log in.
func notSignedIn(err *apierr.Error, host, why, hint string) {
	err.Kind = []error{apierr.ErrAuth}
	err.Message = "not signed in to " + host
	if why != "" && !strings.EqualFold(why, "unauthorized") {
		err.Message += ": " + why
	}
	err.Hint = hint
}

// IsHTML reports whether a body is a web page, by its type or its beginning.
func IsHTML(h http.Header, body []byte) bool {
	if strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/html") {
		return true
	}
	head := strings.ToLower(strings.TrimSpace(string(body[:min(len(body), 64)])))
	return strings.HasPrefix(head, "<!doctype html") || strings.HasPrefix(head, "<html")
}

// Message is the "message" of a Grafana error body, or "".
func Message(body []byte) string {
	var m struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &m) != nil {
		return ""
	}
	return strings.Join(strings.Fields(m.Message), " ")
}
