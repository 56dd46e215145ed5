// Package healthchecks is a typed client of Healthchecks.io and of servers of
// the same kind: the management API, which tells what the checks know, and the
// ping API, which jobs report to.
//
// It knows the vendor's wire and nothing else: errors that are JSON, a page, a
// word or nothing; read-only keys that hide identifiers; a slash at the end that
// collections need and single things must not have. Package heartbeat gives it
// words.
//
// Facts cited as "note N" come from section N of the project's contract note on
// Healthchecks.io, which was read from the server's source.
package healthchecks

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Vendor names the system in errors and in pacing files.
const Vendor = "healthchecks"

// Defaults of the two bases. A server of one's own has both under its root:
// ROOT/api/v3 and ROOT/ping (note 1).
const (
	DefaultURL     = "https://healthchecks.io/api/v3"
	DefaultPingURL = "https://hc-ping.com"
)

// PingTimeout bounds one ping: a job must not wait for its monitor.
const PingTimeout = 10 * time.Second

// Config makes a Client.
type Config struct {
	// HTTP carries transport, fence, pacing and trace. Its BaseURL is that of the
	// management API, with its version; empty is DefaultURL.
	HTTP httpx.Config
	// APIKey is a project's key (header X-Api-Key), read-write or read-only. It
	// may be missing when only pings by UUID or ping key are sent.
	APIKey secret.String
	// PingURL is the base of pings; empty is DefaultPingURL.
	PingURL string
	// PingKey is the project's key for pings by slug. The vendor takes it in the
	// path and nowhere else (note 4); it is masked wherever a path is shown.
	PingKey secret.String
}

// Client talks to one project. It is safe for concurrent use.
type Client struct {
	http     *httpx.Client
	ping     *httpx.Client
	pingKey  string
	signed   bool
	readOnly bool
}

// New makes a client. It opens nothing. A missing key is reported by the call
// that needs it, as an apierr.ErrAuth.
func New(c Config) (*Client, error) {
	h := c.HTTP
	h.Vendor = Vendor
	if h.BaseURL == "" {
		h.BaseURL = DefaultURL
	}
	if h.LoginHint == "" {
		h.LoginHint = "oncall auth status healthchecks"
	}
	if h.Masker == nil {
		h.Masker = &secret.Masker{}
	}
	h.Masker.Add(c.APIKey, c.PingKey)

	// Jobs ping another host: the API key is none of its business, and the limit
	// is that of the management API.
	p := h
	p.BaseURL, p.Pacer, p.LoginHint = c.PingURL, nil, ""
	if p.BaseURL == "" {
		p.BaseURL = DefaultPingURL
	}
	p.Classify = chain(c.HTTP.Classify, classifyPing)

	h.Classify = chain(c.HTTP.Classify, classify)
	h.Header = maps.Clone(h.Header)
	if h.Header == nil {
		h.Header = map[string]secret.String{}
	}
	if !c.APIKey.IsZero() {
		h.Header["X-Api-Key"] = c.APIKey
	}
	management, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	pings, err := httpx.New(p)
	if err != nil {
		return nil, err
	}
	return &Client{http: management, ping: pings, pingKey: c.PingKey.Reveal(), signed: !c.APIKey.IsZero(),
		readOnly: strings.HasPrefix(c.APIKey.Reveal(), "hcr_")}, nil
}

// Signed reports whether there is an API key, so that checks can be read.
func (c *Client) Signed() bool { return c.signed }

// CanPingBySlug reports whether there is a ping key.
func (c *Client) CanPingBySlug() bool { return c.pingKey != "" }

// Limits are what the vendor asks its users to keep: under 100 requests a
// minute (note 5).
func Limits() []httpx.Limit { return []httpx.Limit{{N: 100, Per: time.Minute}} }

// classify gives the statuses of the management API their meaning (note 5).
func classify(a *httpx.Answer) {
	switch a.Status {
	case http.StatusForbidden: // its body is always empty
		a.Err.Message = "refused: the check belongs to another project than the key"
	case http.StatusServiceUnavailable:
		if a.Writes {
			return
		}
		a.Err.Message = "its store does not answer"
	}
}

// classifyPing gives those of the ping API theirs (note 4): plain words.
func classifyPing(a *httpx.Answer) {
	switch a.Status {
	case http.StatusNotFound:
		a.Err.Message = "no check has this UUID or slug"
	case http.StatusConflict:
		a.Err.Kind, a.Err.Message = []error{apierr.ErrAmbiguous}, "several checks have this slug"
	}
}

func chain(first, second func(*httpx.Answer)) func(*httpx.Answer) {
	if first == nil {
		return second
	}
	return func(a *httpx.Answer) { second(a); first(a) }
}

// needsWrite is told of a 401 where only a read-write key will do: the server
// says "wrong api key" of a read-only one as well (note 1).
const needsWrite = "this needs a read-write key; of a read-only one the server says the same as of a wrong one. Try: oncall auth status healthchecks"

// read gets path into out. full says that a read-only key does not do.
func (c *Client) read(ctx context.Context, r httpx.Request, full bool, out any) (*httpx.Response, error) {
	if err := c.admit(r.Op, full); err != nil {
		return nil, err
	}
	res, err := c.http.Do(ctx, r, out)
	return res, explain(err, full)
}

// send makes a change. The body is {} as some versions refuse none (note 6.2).
func (c *Client) send(ctx context.Context, op, path string, out any) error {
	if err := c.admit(op, true); err != nil {
		return err
	}
	_, err := c.http.Do(ctx, httpx.Request{Op: op, Method: http.MethodPost, Path: path, JSON: struct{}{}}, out)
	return explain(err, true)
}

// admit refuses what cannot succeed before anything is sent.
func (c *Client) admit(op string, full bool) error {
	switch {
	case !c.signed:
		return apierr.New(apierr.ErrAuth, Vendor, op, "no API key is set").WithHint("oncall auth login healthchecks")
	case full && c.readOnly:
		return apierr.New(apierr.ErrAuth, Vendor, op, "the API key is read-only (hcr_...), and this needs a read-write one").
			WithHint("oncall auth login healthchecks")
	}
	return nil
}

func explain(err error, full bool) error {
	var e *apierr.Error
	if full && errors.As(err, &e) && e.Status == http.StatusUnauthorized {
		e.Hint = needsWrite
	}
	return err
}
