// Package victorops is a typed client of VictorOps (now Splunk On-Call): the
// management API and the REST endpoint that takes alerts in.
//
// It knows the vendor's wire and nothing else: numbers that travel as strings,
// lists that are wrapped on one page and bare on the next, a 200 that means
// "refused". Every such oddity is handled in one place with its source. The
// vendor's words stay the vendor's (UNACKED, EscalationPolicy); package pager
// translates them.
//
// Facts cited as "note N" come from section N of the project's contract note on
// VictorOps; "spec" is the vendor's Swagger document (info.version 0.0.3).
package victorops

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Vendor names the system in errors and in pacing files.
const Vendor = "victorops"

// Defaults of the two bases. They are hosts only: the management API has two
// prefixes (/api-public and /api-reporting) on one host (note 1).
const (
	DefaultURL      = "https://api.victorops.com"
	DefaultAlertURL = "https://alert.victorops.com"
)

// Refused is what a 403 means: one status for three causes which the vendor does
// not tell apart (note 2: "authentication failed or rate limit reached").
const Refused = "refused: bad key, read-only key, or more than 2 requests a second"

// throttleWait is how long a refused read waits before its one repetition: the
// window of the limit (note 2: 2 requests a second).
const throttleWait = time.Second

// Config makes a Client.
type Config struct {
	// HTTP carries transport, fence, pacing and trace. Its BaseURL is that of the
	// management API; empty is DefaultURL.
	HTTP httpx.Config
	// Slow paces the calls of SlowLimits, besides HTTP.Pacer; nil is no pacing.
	Slow httpx.Pacer

	// APIID and APIKey are the organisation's credentials (headers X-VO-Api-Id and
	// X-VO-Api-Key). They may be missing when only alerts are sent.
	APIID  secret.String
	APIKey secret.String

	// SignHint and RESTHint tell what to do about credentials that are missing: the
	// API's two, and the REST endpoint's. Empty is to log in.
	SignHint, RESTHint string

	// AlertURL is the base of the REST endpoint; empty is DefaultAlertURL.
	AlertURL string
	// RESTKey is the secret in the path of the REST endpoint. The whole URL as
	// copied from the portal is accepted too, and is then where alerts go.
	RESTKey secret.String
}

const loginHint = "oncall auth login victorops"

// Client talks to one organisation. It is safe for concurrent use.
type Client struct {
	http    *httpx.Client
	alert   *httpx.Client
	slow    httpx.Pacer
	restKey string
	unset   string    // credentials of the management API that are missing, in words; "" when signed
	hints   [2]string // for unset, and for a missing restKey
	sleep   func(ctx context.Context, d time.Duration) error
	now     func() time.Time
	skew    atomic.Pointer[time.Duration]
}

// New makes a client. It opens nothing. Missing credentials are reported by the
// call that needs them, as an apierr.ErrAuth.
func New(c Config) (*Client, error) {
	h := c.HTTP
	h.Vendor = Vendor
	if h.BaseURL == "" {
		h.BaseURL = DefaultURL
	}
	if h.LoginHint == "" {
		h.LoginHint = "oncall auth status victorops"
	}
	if h.Masker == nil {
		h.Masker = &secret.Masker{}
	}
	h.Classify = chain(c.HTTP.Classify, classify)

	alert := h
	alert.Pacer = nil // the limit is that of the management API (note 2)
	key := c.RESTKey.Reveal()
	alert.BaseURL = c.AlertURL
	if base, k, ok := splitAlertURL(key); ok {
		alert.BaseURL, key = base, k
	} else if base, k, ok := splitAlertURL(c.AlertURL); ok {
		alert.BaseURL = base
		if key == "" {
			key = k
		}
	}
	if alert.BaseURL == "" {
		alert.BaseURL = DefaultAlertURL
	}
	h.Masker.Add(c.APIID, c.APIKey, c.RESTKey, secret.New(key))

	// The REST endpoint is another host: the API key is none of its business.
	h.Header = maps.Clone(h.Header)
	if h.Header == nil {
		h.Header = map[string]secret.String{}
	}
	unset := ""
	switch {
	case c.APIID.IsZero() && c.APIKey.IsZero():
		unset = "no API id and key are set"
	case c.APIID.IsZero():
		unset = "no API id is set"
	case c.APIKey.IsZero():
		unset = "no API key is set"
	}
	if unset == "" {
		h.Header["X-VO-Api-Id"] = c.APIID
		h.Header["X-VO-Api-Key"] = c.APIKey
	}

	management, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	alerts, err := httpx.New(alert)
	if err != nil {
		return nil, err
	}
	sleep := h.Sleep
	if sleep == nil {
		sleep = wait
	}
	now := h.Now
	if now == nil {
		now = time.Now
	}
	return &Client{http: management, alert: alerts, slow: c.Slow, restKey: key, unset: unset, sleep: sleep, now: now,
		hints: [2]string{cmp.Or(c.SignHint, loginHint), cmp.Or(c.RESTHint, loginHint)}}, nil
}

// splitAlertURL takes the REST URL that the portal shows,
// BASE/integrations/generic/20131114/alert/KEY/ROUTING_KEY, apart. The routing
// key in it is a placeholder and is left out (note 9: caronc/apprise#1125).
func splitAlertURL(s string) (base, key string, ok bool) {
	base, rest, ok := strings.Cut(s, alertPath+"/")
	if !ok || !strings.Contains(base, "://") {
		return "", "", false
	}
	key, _, _ = strings.Cut(rest, "/")
	if k, err := url.PathUnescape(key); err == nil {
		key = k
	}
	return base, key, key != ""
}

// classify gives the vendor's statuses their meaning.
func classify(a *httpx.Answer) {
	switch a.Status {
	case http.StatusForbidden:
		a.Err.Message = Refused
		if a.Header.Get("Retry-After") != "" {
			a.Err.Kind = []error{apierr.ErrRateLimited}
			return
		}
		a.Err.Kind = []error{apierr.ErrAuth}
	case 420: // too many active maintenance modes (note 2); not a throttle here
		a.Err.Kind = []error{apierr.ErrConflict}
	}
}

func chain(first, second func(*httpx.Answer)) func(*httpx.Answer) {
	if first == nil {
		return second
	}
	return func(a *httpx.Answer) { second(a); first(a) }
}

// get reads path into out. A 403 may be the throttle, so a read is tried once
// more when the limit's window has passed; a change never is.
func (c *Client) get(ctx context.Context, op, path string, q url.Values, out any) (*httpx.Response, error) {
	r := httpx.Request{Op: op, Path: path, Query: q}
	res, err := c.do(ctx, r, out)
	var e *apierr.Error
	if errors.As(err, &e) && e.Status == http.StatusForbidden && errors.Is(err, apierr.ErrAuth) {
		if c.sleep(ctx, throttleWait) != nil {
			return nil, err
		}
		return c.do(ctx, r, out)
	}
	return res, err
}

// send makes a change. out may be nil when the answer has no body worth reading.
func (c *Client) send(ctx context.Context, op, method, path string, body, out any) error {
	_, err := c.do(ctx, httpx.Request{Op: op, Method: method, Path: path, JSON: body, AnyType: out == nil}, out)
	return err
}

func (c *Client) do(ctx context.Context, r httpx.Request, out any) (*httpx.Response, error) {
	if c.unset != "" {
		return nil, apierr.New(apierr.ErrAuth, Vendor, r.Op, "%s", c.unset).WithHint("%s", c.hints[0])
	}
	res, err := c.http.Do(ctx, r, out)
	if res != nil {
		c.learn(res.Header)
	}
	return res, err
}

// learn compares clocks by an answer's Date (RFC 9110 section 6.6.1). One that a
// cache has kept tells of another time.
func (c *Client) learn(h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || h.Get("Age") != "" {
		return
	}
	d := date.Sub(c.now())
	c.skew.Store(&d)
}

// Skew is how far the vendor's clock is ahead of this machine's, negative when it
// is behind, by the last answer that told the time: as exact as a second and the
// answer's way. known is false when none did.
func (c *Client) Skew() (d time.Duration, known bool) {
	if p := c.skew.Load(); p != nil {
		return *p, true
	}
	return 0, false
}

// seg escapes a path segment. "@" goes out as it is: the API does not decode
// %40 (note 1).
func seg(s string) string { return httpx.Segment(s) }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
