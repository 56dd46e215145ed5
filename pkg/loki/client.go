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
	"net/url"
	"sync/atomic"
	"time"

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
	DataSource string        // uid of a Grafana data source of type loki, or its name where FindSource is set; empty is direct
	OrgID      string        // Grafana organisation (X-Grafana-Org-Id); empty is the token's own

	// FindSource returns the uid of the data source of a name; nil knows none.
	FindSource func(ctx context.Context, name string) (uid string, err error)

	// Delays of Follow; zero is the default of each.
	Follow Delays
}

// Client reads one Loki. It is safe for concurrent use.
type Client struct {
	api    *datasource.API
	delays Delays
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error

	maxEntries atomic.Int64 // the server's limit of entries a query, once it said it; 0 is unknown
}

// vendor is the name in errors.
const vendor = "loki"

// New makes a client. It opens nothing. A missing URL is an apierr.ErrUsage.
func New(c Config) (*Client, error) {
	client := &Client{delays: c.Follow.withDefaults(), now: c.HTTP.Now, sleep: c.HTTP.Sleep}
	if client.now == nil {
		client.now = time.Now
	}
	if client.sleep == nil {
		client.sleep = sleep
	}
	access := datasource.Access{Vendor: vendor, Root: "what stands before /loki/api/v1", Token: c.Token, DataSource: c.DataSource, OrgID: c.OrgID, Find: c.FindSource}
	var err error
	if client.api, err = access.Open(c.HTTP, client.classify); err != nil {
		return nil, err
	}
	// Without this header the fields that a query parses, and structured metadata,
	// are folded into the labels: one stream arrives as many of one line each.
	client.api.Header.Set("X-Loki-Response-Encoding-Flags", "categorize-labels")
	client.api.Header.Set("X-Query-Tags", "source=oncall")
	if c.Tenant != "" {
		client.api.Header.Set("X-Scope-OrgID", c.Tenant)
	}
	return client, nil
}

// Base is the URL before /loki/api/v1.
func (c *Client) Base() string { return c.api.Base() }

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
	res, err := c.api.Query(ctx, httpx.Request{Op: op, Path: "/loki/api/v1/" + path, MaxBody: maxBody}, q, true)
	if err != nil {
		return nil, datasource.MarkPlace(err, q.Get("query"), placeOf())
	}
	return res.Body, nil
}
