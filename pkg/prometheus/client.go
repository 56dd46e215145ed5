// Package prometheus is a typed client of the Prometheus HTTP API (v1), directly
// or through Grafana's data source proxy. It reads only: queries that are too
// long for a URL travel as a form POST that is marked as reading.
//
// Source: the Prometheus contract note (measured on Prometheus 2.42) and
// https://prometheus.io/docs/prometheus/latest/querying/api/ (read 2026-11).
package prometheus

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Config makes a Client. HTTP.BaseURL is what stands before /api/v1, its path
// kept ("https://monitor.example.test/prometheus"); with DataSource set it is
// Grafana's root. There is no default.
type Config struct {
	HTTP       httpx.Config
	Token      secret.String // bearer token, a Grafana service account's with DataSource; zero sends none
	DataSource string        // uid of a Grafana data source of type prometheus; empty is direct
	OrgID      string        // Grafana organisation (X-Grafana-Org-Id); empty is the token's own
}

// Client reads one Prometheus. It is safe for concurrent use.
type Client struct {
	http    *httpx.Client
	host    string
	proxied bool
	header  http.Header
	hint    string // how to get a credential

	getOnly atomic.Bool // this server refused a form POST that it answered as a GET
}

// vendor is the name in errors.
const vendor = "prometheus"

// longQuery is the length of a query string, in bytes, beyond which a query
// travels as a form: proxies cut URLs from about 2 KB on.
const longQuery = 2000

// New makes a client. It opens nothing. A missing URL is an apierr.ErrUsage.
func New(c Config) (*Client, error) {
	if c.HTTP.BaseURL == "" {
		return nil, apierr.New(apierr.ErrUsage, vendor, "", "no URL is set").
			WithHint("set ONCALL_PROMETHEUS_URL to what stands before /api/v1, or ONCALL_GRAFANA_URL and the data source's uid")
	}
	if c.HTTP.Vendor == "" {
		c.HTTP.Vendor = vendor
	}
	client := &Client{host: datasource.Host(c.HTTP.BaseURL), proxied: c.DataSource != "", header: http.Header{}}
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

// Base is the URL before /api/v1.
func (c *Client) Base() string { return c.http.Base() }

// classify reads the envelope of an error: {"status":"error","errorType","error"}.
func (c *Client) classify(e *httpx.Answer) {
	var env envelope
	if json.Unmarshal(e.Body, &env) == nil && env.Status == "error" {
		env.explain(e.Err)
		return
	}
	if e.Status == http.StatusNotFound && !datasource.IsHTML(e.Header, e.Body) && datasource.Message(e.Body) == "" {
		e.Err.Kind = []error{apierr.ErrNotFound}
		e.Err.Message = "there is no Prometheus API at this URL: " + c.http.Base() + "/api/v1"
		e.Err.Code = codeNoAPI
	}
}

// codeNoAPI marks the text 404 by which Prometheus, served under a prefix,
// answers a path without it.
const codeNoAPI = "no_api"

// envelope is the frame of every answer of /api/v1.
type envelope struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Warnings  []string        `json:"warnings"`
	Infos     []string        `json:"infos"`
}

// explain writes the server's own error into err.
func (e envelope) explain(err *apierr.Error) {
	err.Code = e.ErrorType
	err.Message = strings.Join(strings.Fields(e.Error), " ")
	switch e.ErrorType {
	case "bad_data", "execution", "not_acceptable":
		err.Kind = []error{apierr.ErrInvalid}
	case "not_found":
		err.Kind = []error{apierr.ErrNotFound}
	case "timeout":
		err.Kind = []error{apierr.ErrUnavailable}
		err.Hint = "the server gave up on the query: ask for a shorter range, a larger step or fewer series"
	default:
		err.Kind = []error{apierr.ErrUnavailable}
	}
	if strings.Contains(e.Error, "query processing would load too many samples") {
		err.Hint = "ask for a shorter range, a larger step or fewer series"
	}
}

// read sends one query of /api/v1 and returns its envelope. form is true for the
// endpoints that take a form POST.
func (c *Client) read(ctx context.Context, op, path string, q url.Values, form bool) (envelope, error) {
	// Every type is taken here, as a page of any kind is one of a login.
	req := httpx.Request{Op: op, Path: "/api/v1/" + path, Header: c.header, AnyType: true}
	encoded := q.Encode()
	if form && len(encoded) > longQuery && !c.getOnly.Load() {
		req.Method, req.Form, req.Reads = http.MethodPost, q, true
		env, err := c.send(ctx, req)
		if !refusesForm(err) {
			return env, err
		}
		req.Method, req.Form, req.Reads = http.MethodGet, nil, false
		req.Query = q
		got, again := c.send(ctx, req)
		if again == nil {
			c.getOnly.Store(true)
		}
		return got, again
	}
	req.Query = q
	return c.send(ctx, req)
}

// refusesForm reports whether a server or a proxy before it takes no POST:
// Grafana refuses those that are not on its list with 403.
func refusesForm(err error) bool {
	switch statusOf(err) {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

func (c *Client) send(ctx context.Context, req httpx.Request) (envelope, error) {
	var env envelope
	res, err := c.http.Do(ctx, req, nil)
	if err != nil {
		return env, c.suggestPrefix(ctx, err)
	}
	if err := json.Unmarshal(res.Body, &env); err != nil || env.Status == "" {
		return env, c.notPrometheus(req.Op, res, err)
	}
	if env.Status != "success" {
		e := apierr.New(apierr.ErrInvalid, vendor, req.Op, "%s", "the query failed")
		e.Status = res.Status
		env.explain(e)
		return env, e
	}
	return env, nil
}

// notPrometheus explains a 2xx answer that is not the envelope of /api/v1.
func (c *Client) notPrometheus(op string, res *httpx.Response, cause error) error {
	if datasource.IsHTML(res.Header, res.Body) {
		return datasource.Page(vendor, op, res.Status, c.host, c.hint)
	}
	e := &apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrUnavailable}, Err: cause}
	e.Message = "the answer of " + c.host + " is not one of Prometheus' API"
	if cause != nil && bytes.HasPrefix(bytes.TrimSpace(res.Body), []byte("{")) {
		e.Message = "the answer of " + c.host + " is cut or broken"
	}
	e.Hint = "check the URL: it is what stands before /api/v1"
	return e
}
