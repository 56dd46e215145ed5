// Package jenkins is a typed client of a Jenkins controller's remote API, as
// far as running jobs and reading what they did goes: jobs and folders, builds,
// the queue, consoles, stages, test reports, starting, stopping and cancelling.
//
// It authenticates with a user and an API token and keeps no cookies: Jenkins
// skips the token of a request that carries a session, and then asks for a
// crumb. A crumb is fetched only when an answer asks for one.
//
// Absolute URLs in Jenkins' answers are built from the root URL that its
// administrator configured and are never dialled; every request goes to the
// base URL of Config. Sources of the facts: the project's contract note on
// Jenkins, by section in the comments.
package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/secret"
)

const vendor = "jenkins"

// Config makes a Client. HTTP.BaseURL is the controller's root with its context
// path ("https://ci.example.test/jenkins"); there is no default.
type Config struct {
	HTTP  httpx.Config
	User  string        // owner of the token; empty is anonymous
	Token secret.String // API token, made on the user's page in Jenkins
}

// Client talks to one controller. It is safe for concurrent use.
type Client struct {
	http  *httpx.Client
	user  string
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error

	mu      sync.Mutex
	version Version       // last one seen; zero is not seen
	skew    time.Duration // server's clock minus ours, from its last Date header
}

// New makes a client. It opens nothing. A missing or malformed base URL is an
// apierr.ErrUsage.
func New(c Config) (*Client, error) {
	cfg := c.HTTP
	cfg.Vendor = vendor
	if strings.TrimSpace(cfg.BaseURL) == "" {
		return nil, apierr.New(apierr.ErrUsage, vendor, "", "no URL is set").
			WithHint("set ONCALL_JENKINS_URL to the controller's root, with its context path")
	}
	if c.User != "" {
		cfg.User, cfg.Password = c.User, c.Token
	}
	if cfg.LoginHint == "" {
		cfg.LoginHint = "oncall auth status jenkins"
	}
	out := &Client{user: c.User, now: cfg.Now, sleep: cfg.Sleep}
	if out.now == nil {
		out.now = time.Now
	}
	if out.sleep == nil {
		out.sleep = sleep
	}
	after := cfg.Classify
	cfg.Classify = func(a *httpx.Answer) {
		out.learn(a.Header)
		classify(a)
		if after != nil {
			after(a)
		}
	}
	h, err := httpx.New(cfg)
	if err != nil {
		return nil, err
	}
	out.http = h
	return out, nil
}

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

// Base returns the controller's root without a slash at the end.
func (c *Client) Base() string { return c.http.Base() }

// User returns the name that the client signs in with, "" for anonymous.
func (c *Client) User() string { return c.user }

// Version returns the controller's version as the X-Jenkins header last gave
// it; the zero Version when no answer had one.
func (c *Client) Version() Version {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

func (c *Client) learn(h http.Header) {
	v, known := ParseVersion(h.Get("X-Jenkins"))
	date, err := http.ParseTime(h.Get("Date"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !known { // perhaps a proxy's answer, whose clock is not the controller's
		return
	}
	c.version = v
	if err == nil {
		c.skew = date.Sub(c.now()).Truncate(time.Second)
	}
}

// serverTime turns a time of ours into the controller's clock, as exact as a
// Date header (one second).
func (c *Client) serverTime(t time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.Add(c.skew)
}

// get reads path + "/api/json" with a tree into out.
func (c *Client) get(ctx context.Context, op, path, tree string, out any) error {
	q := url.Values{}
	if tree != "" {
		q.Set("tree", tree)
	}
	return c.read(ctx, httpx.Request{Op: op, Path: path + "/api/json", Query: q}, out)
}

func (c *Client) read(ctx context.Context, r httpx.Request, out any) error {
	res, err := c.http.Do(ctx, r, out)
	if res != nil {
		c.learn(res.Header)
	}
	return err
}

// WhoAmI returns the user that the controller takes the credentials for,
// "anonymous" for none.
func (c *Client) WhoAmI(ctx context.Context) (string, error) {
	var out struct {
		Name string `json:"name"`
	}
	err := c.get(ctx, "who am i", "/whoAmI", "", &out)
	return out.Name, err
}

var (
	exceptionID = lazyregexp.New(`(?i)(?:logging id|id)\s*[=:]\s*([0-9a-f]{8}-[0-9a-f-]{27,})`)
	crumbWanted = lazyregexp.New(`(?i)no valid crumb`)
)

// codeCrumb marks the error of a POST that was refused for want of a crumb.
const codeCrumb = "crumb"

// classify gives Jenkins' refusals their cause (contract sections 1 and 5).
func classify(a *httpx.Answer) {
	e := a.Err
	switch a.Status {
	case http.StatusUnauthorized:
		e.Message = "the user or the API token is wrong"
	case http.StatusForbidden:
		if crumbWanted().Match(a.Body) {
			e.Code, e.Message = codeCrumb, "the controller asks for a crumb"
			return
		}
		e.Message = forbidden(a.Header)
	case http.StatusNotFound:
		e.Message = "no such thing, or no right to see it"
	case http.StatusInternalServerError:
		e.Message = "Jenkins failed on the request"
		if m := exceptionID().FindSubmatch(a.Body); m != nil {
			e.Message += ", exception id " + string(m[1]) + " in its log"
		}
	case http.StatusServiceUnavailable:
		if restarting(a.Body) {
			e.Message = "Jenkins is starting or restarting"
			e.Kind = []error{apierr.ErrUnavailable} // nothing reached a job: the page is all that runs
		}
	}
}

// forbidden names the missing permission and who the controller thinks asks.
func forbidden(h http.Header) string {
	var b strings.Builder
	b.WriteString("refused")
	if p := h.Get("X-Required-Permission"); p != "" {
		fmt.Fprintf(&b, ": needs the permission %s", p)
	}
	if u := h.Get("X-You-Are-Authenticated-As"); u != "" {
		fmt.Fprintf(&b, "; signed in as %s", u)
	}
	return b.String()
}

var restartPage = lazyregexp.New(`(?i)jenkins is (?:restarting|getting ready)|getting ready to work|restarting jenkins`)

func restarting(body []byte) bool { return restartPage().Match(body) }

// is reports whether err carries HTTP status.
func is(err error, status int) bool {
	var e *apierr.Error
	return errors.As(err, &e) && e.Status == status
}

// fail makes an error of this client.
func fail(kind error, op, format string, args ...any) *apierr.Error {
	return apierr.New(kind, vendor, op, format, args...)
}
