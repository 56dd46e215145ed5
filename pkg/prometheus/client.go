// Package prometheus is a typed client of the Prometheus HTTP API (v1), directly
// or through Grafana's data source proxy. It reads only: queries that are too
// long for a URL travel as a form POST that is marked as reading.
//
// Source: the Prometheus contract note (measured on Prometheus 2.42) and
// https://prometheus.io/docs/prometheus/latest/querying/api/ (read 2026-11).
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

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
	DataSource string        // uid of a Grafana data source of type prometheus, or its name where FindSource is set; empty is direct
	OrgID      string        // Grafana organisation (X-Grafana-Org-Id); empty is the token's own

	// FindSource returns the uid of the data source of a name; nil knows none.
	FindSource func(ctx context.Context, name string) (uid string, err error)
}

// Client reads one Prometheus. It is safe for concurrent use.
type Client struct {
	api     *datasource.API
	proxied bool
}

// vendor is the name in errors.
const vendor = "prometheus"

// New makes a client. It opens nothing. A missing URL is an apierr.ErrUsage.
func New(c Config) (*Client, error) {
	client := &Client{proxied: c.DataSource != ""}
	access := datasource.Access{Vendor: vendor, Root: "what stands before /api/v1", Token: c.Token, DataSource: c.DataSource, OrgID: c.OrgID, Find: c.FindSource}
	var err error
	client.api, err = access.Open(c.HTTP, client.classify)
	return client, err
}

// Base is the URL before /api/v1.
func (c *Client) Base() string { return c.api.Base() }

// classify reads the envelope of an error: {"status":"error","errorType","error"}.
func (c *Client) classify(e *httpx.Answer) {
	var env envelope
	if json.Unmarshal(e.Body, &env) == nil && env.Status == "error" {
		env.explain(e.Err)
		return
	}
	if e.Status == http.StatusNotFound && !datasource.IsHTML(e.Header, e.Body) && datasource.Message(e.Body) == "" {
		e.Err.Kind = []error{apierr.ErrNotFound}
		e.Err.Message = "there is no Prometheus API at this URL: " + c.api.Base() + "/api/v1"
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
	var env envelope
	res, err := c.api.Query(ctx, httpx.Request{Op: op, Path: "/api/v1/" + path}, q, form)
	if err != nil {
		return env, c.suggestPrefix(ctx, err)
	}
	if err := c.api.Decode(op, res.Body, &env); err != nil {
		return env, err
	}
	switch env.Status {
	case "success":
		return env, nil
	case "":
		return env, c.api.Unreadable(op, errors.New("it is not one of Prometheus' API"))
	}
	e := apierr.New(apierr.ErrInvalid, vendor, op, "the query failed")
	e.Status = res.Status
	env.explain(e)
	return env, e
}
