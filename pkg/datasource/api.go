package datasource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// API is a server as the clients of Loki, Prometheus and Grafana read it. It is
// safe for concurrent use.
type API struct {
	Host   string      // of the base URL, as a person reads it
	Header http.Header // of every request; complete before the first

	access  Access
	cfg     httpx.Config // as given
	http    atomic.Pointer[httpx.Client]
	finding sync.Mutex
	hint    string      // how to get a credential
	getOnly atomic.Bool // this server refused a form that it answered as a GET
}

// Open makes the transport to a server. It opens nothing. A missing URL is an
// apierr.ErrUsage. classify gives the vendor's own errors their meaning; a Classify
// of the caller comes after it.
func (a Access) Open(cfg httpx.Config, classify func(*httpx.Answer)) (*API, error) {
	if cfg.BaseURL == "" {
		hint := "set ONCALL_" + strings.ToUpper(a.Vendor) + "_URL to " + a.Root
		if !a.Grafana {
			hint += ", or ONCALL_GRAFANA_URL and the data source's uid"
		}
		return nil, apierr.New(apierr.ErrUsage, a.Vendor, "", "no URL is set").WithHint("%s", hint)
	}
	if cfg.Vendor == "" {
		cfg.Vendor = a.Vendor
	}
	if mine := cfg.Classify; classify != nil {
		cfg.Classify = func(e *httpx.Answer) {
			classify(e)
			if mine != nil {
				mine(e)
			}
		}
	}
	api := &API{Host: Host(cfg.BaseURL), Header: http.Header{}, access: a, cfg: cfg}
	if a.OrgID != "" {
		api.Header.Set("X-Grafana-Org-Id", a.OrgID)
	}
	cfg = a.apply(cfg)
	api.hint = cfg.LoginHint
	client, err := httpx.New(cfg)
	api.http.Store(client)
	return api, err
}

// Base is the URL below which the API is, without a slash at the end.
func (a *API) Base() string { return a.http.Load().Base() }

// Upgrader is the way to a WebSocket.
func (a *API) Upgrader(r httpx.Request) http.RoundTripper { return a.http.Load().Upgrader(r) }

// Do sends r. Where Grafana has no data source of the uid, it looks for one of that
// name, once: from then on its uid is used.
func (a *API) Do(ctx context.Context, r httpx.Request, out any) (*httpx.Response, error) {
	tried := a.http.Load()
	res, err := tried.Do(ctx, r, out)
	if a.access.Find == nil || !errors.Is(err, errNoSource) {
		return res, err
	}
	client, err := a.byName(ctx, tried)
	if err != nil {
		return nil, err
	}
	return client.Do(ctx, r, out)
}

func (a *API) byName(ctx context.Context, tried *httpx.Client) (*httpx.Client, error) {
	a.finding.Lock()
	defer a.finding.Unlock()
	if client := a.http.Load(); client != tried {
		return client, nil
	}
	access := a.access
	var err error
	if access.DataSource, err = a.access.Find(ctx, a.access.DataSource); err != nil {
		return nil, err
	}
	client, err := httpx.New(access.apply(a.cfg))
	if err == nil {
		a.http.Store(client)
	}
	return client, err
}

// Read sends a read. A web page, of whatever it tells, is the page of a login:
// these servers have none on their API.
func (a *API) Read(ctx context.Context, r httpx.Request) (*httpx.Response, error) {
	r.Header, r.AnyType = a.Header, true
	res, err := a.Do(ctx, r, nil)
	if err == nil && IsHTML(res.Header, res.Body) {
		return nil, a.Page(r.Op, res.Status)
	}
	return res, err
}

// longQuery is the length of a query string, in bytes, beyond which a query
// travels as a form: proxies cut URLs from about 2 KB on.
const longQuery = 2000

// Query sends a read with parameters. Where the server takes a form, long ones
// travel as one, and as a GET where it, or a proxy before it, refuses: Grafana
// answers 403 to forms that are not on its list.
func (a *API) Query(ctx context.Context, r httpx.Request, q url.Values, form bool) (*httpx.Response, error) {
	get := r
	get.Query = q
	if !form || a.getOnly.Load() || len(q.Encode()) <= longQuery {
		return a.Read(ctx, get)
	}
	r.Method, r.Form, r.Reads = http.MethodPost, q, true
	res, err := a.Read(ctx, r)
	var e *apierr.Error
	if !errors.As(err, &e) {
		return res, err
	}
	switch e.Status {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		return res, err
	}
	if res, err = a.Read(ctx, get); err == nil {
		a.getOnly.Store(true)
	}
	return res, err
}

// Decode reads the JSON of a 2xx answer.
func (a *API) Decode(op string, body []byte, out any) error {
	err := json.Unmarshal(body, out)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		what := "it is not JSON"
		if start := bytes.TrimSpace(body); bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[")) {
			what = "it is cut or broken"
		}
		err = errors.New(what)
	}
	if err != nil {
		return a.Unreadable(op, err)
	}
	return nil
}

// Unreadable is the error of a 2xx answer that is not what the API gives.
func (a *API) Unreadable(op string, cause error) error {
	e := &apierr.Error{Vendor: a.access.Vendor, Op: op, Kind: []error{apierr.ErrUnavailable}, Err: cause,
		Message: "the answer of " + a.Host + " cannot be read: " + cause.Error()}
	return e.WithHint("check the URL: it is %s", a.access.Root)
}

// Page is the error of a web page where data was due.
func (a *API) Page(op string, status int) error {
	e := &apierr.Error{Vendor: a.access.Vendor, Op: op, Status: status}
	notSignedIn(e, a.Host, "it answered with a web page", a.hint)
	return e
}
