// Package loki is a typed client of the Loki HTTP API, directly or through
// Grafana's data source proxy. It reads only.
//
// Loki gives at most some thousand lines a request and has no cursor: Pages reads
// whole ranges without losing or doubling lines that share a timestamp, Follow
// reads live lines without a gap.
//
// Source: the Loki contract note (measured on Loki 3.7.6) and
// https://grafana.com/docs/loki/latest/reference/loki-http-api/ (read 2026-11).
package loki

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Config makes a Client. HTTP.BaseURL is what stands before /loki/api/v1, its
// path kept; with DataSource set it is Grafana's root. There is no default.
type Config struct {
	HTTP       httpx.Config
	Token      secret.String // bearer token, a Grafana service account's with DataSource; zero sends none
	Tenant     string        // X-Scope-OrgID; several are joined by "|" for queries, not for tails. Empty sends none
	DataSource string        // uid of a Grafana data source of type loki; empty is direct
	OrgID      string        // Grafana organisation (X-Grafana-Org-Id); empty is the token's own

	// Delays of Follow; zero is the default of each.
	Follow Delays
}

// Client reads one Loki. It is safe for concurrent use.
type Client struct {
	http   *httpx.Client
	host   string
	header http.Header
	hint   string // how to get a credential
	delays Delays
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error

	maxEntries atomic.Int64 // the server's limit of entries a query, once it said it; 0 is unknown
}

// vendor is the name in errors.
const vendor = "loki"

// longQuery is the length of a query string, in bytes, beyond which a query
// travels as a form: proxies cut URLs from about 2 KB on.
const longQuery = 2000

// New makes a client. It opens nothing. A missing URL is an apierr.ErrUsage.
func New(c Config) (*Client, error) {
	if c.HTTP.BaseURL == "" {
		return nil, apierr.New(apierr.ErrUsage, vendor, "", "no URL is set").
			WithHint("set ONCALL_LOKI_URL to what stands before /loki/api/v1, or ONCALL_GRAFANA_URL and the data source's uid")
	}
	if c.HTTP.Vendor == "" {
		c.HTTP.Vendor = vendor
	}
	client := &Client{host: datasource.Host(c.HTTP.BaseURL), header: http.Header{}, delays: c.Follow.withDefaults(), now: c.HTTP.Now, sleep: c.HTTP.Sleep}
	if client.now == nil {
		client.now = time.Now
	}
	if client.sleep == nil {
		client.sleep = sleep
	}
	// Without this header the fields that a query parses, and structured metadata,
	// are folded into the labels: one stream arrives as many of one line each.
	client.header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	client.header.Set("X-Query-Tags", "source=oncall")
	if c.Tenant != "" {
		client.header.Set("X-Scope-OrgID", c.Tenant)
	}
	if c.OrgID != "" {
		client.header.Set("X-Grafana-Org-Id", c.OrgID)
	}
	mine := c.HTTP.Classify
	c.HTTP.Classify = func(e *httpx.Answer) {
		client.classify(e)
		if mine != nil {
			mine(e)
		}
	}
	cfg := datasource.Access{Token: c.Token, DataSource: c.DataSource}.Apply(c.HTTP, vendor)
	client.hint = cfg.LoginHint
	var err error
	client.http, err = httpx.New(cfg)
	return client, err
}

// Base is the URL before /loki/api/v1.
func (c *Client) Base() string { return c.http.Base() }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// read sends one query below /loki/api/v1 and returns the body of its answer.
// maxBody is in bytes, 0 is the transport's default.
func (c *Client) read(ctx context.Context, op, path string, q url.Values, maxBody int64) ([]byte, error) {
	// Every type is taken here, as a page of any kind is one of a login.
	req := httpx.Request{Op: op, Path: "/loki/api/v1/" + path, Header: c.header, AnyType: true, MaxBody: maxBody}
	if len(q.Encode()) > longQuery {
		req.Method, req.Form, req.Reads = http.MethodPost, q, true
	} else {
		req.Query = q
	}
	res, err := c.http.Do(ctx, req, nil)
	if err != nil {
		return nil, markPlace(err, q.Get("query"))
	}
	if datasource.IsHTML(res.Header, res.Body) {
		return nil, datasource.Page(vendor, op, res.Status, c.host, c.hint)
	}
	return res.Body, nil
}

// unreadable is the error of a 2xx answer that is not what the API gives.
func (c *Client) unreadable(op string, cause error) error {
	e := &apierr.Error{Vendor: vendor, Op: op, Kind: []error{apierr.ErrUnavailable}, Err: cause,
		Message: "the answer of " + c.host + " cannot be read: " + cause.Error()}
	return e.WithHint("check the URL: it is what stands before /loki/api/v1")
}
