// Package balena is a typed client of the balenaCloud API, as far as moving
// fleets between releases goes: who the token is, fleets, their releases and
// devices, pinning a fleet to a release and letting it follow the newest again.
//
// The API is OData, and its grammar wants structure as literal signs: a query
// with %28 or %2C in it is answered 500. So queries are written by hand, in
// odata.go, and only what stands in quotes is escaped.
//
// A PATCH is answered 200 with an empty body whether it changed a row or not, so
// every change is read back, and what was read is the result (target.go). Facts
// cited as "note N" come from section N of the project's contract note on balena.
package balena

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Vendor names the system in errors and settings.
const Vendor = "balena"

// DefaultBaseURL is what stands before "/v7" (note 1).
const DefaultBaseURL = "https://api.balena-cloud.com"

// resources is the version of the API. In v6 words and fields of devices mean
// other things (note 6), so it is no setting.
const resources = "/v7/"

// Config makes a Client.
type Config struct {
	HTTP httpx.Config // empty BaseURL is DefaultBaseURL
	// Token is an API key or a session token, sent as a bearer token and never
	// in a URL.
	Token secret.String
}

// Client talks to one balenaCloud. It is safe for concurrent use.
type Client struct {
	http   *httpx.Client
	signed bool
	sleep  func(ctx context.Context, d time.Duration) error
}

// New makes a client. It opens nothing. A missing token is reported by the call
// that needs it, as an apierr.ErrAuth.
func New(c Config) (*Client, error) {
	h := c.HTTP
	h.Vendor = Vendor
	if h.BaseURL == "" {
		h.BaseURL = DefaultBaseURL
	}
	if h.LoginHint == "" {
		h.LoginHint = "oncall auth status balena"
	}
	if h.Masker == nil {
		h.Masker = &secret.Masker{}
	}
	h.Masker.Add(c.Token)
	h.Header = maps.Clone(h.Header)
	if h.Header == nil {
		h.Header = map[string]secret.String{}
	}
	if !c.Token.IsZero() {
		h.Header["Authorization"] = secret.New("Bearer " + c.Token.Reveal())
	}
	mine, theirs := classify, c.HTTP.Classify
	h.Classify = func(a *httpx.Answer) {
		mine(a)
		if theirs != nil {
			theirs(a)
		}
	}
	if h.Sleep == nil {
		h.Sleep = wait
	}
	hc, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	return &Client{http: hc, signed: !c.Token.IsZero(), sleep: h.Sleep}, nil
}

// classify tells what two statuses mean here (note 2, Errors): a missing right
// is answered 401, like a bad token, and a query that cannot be read 500.
func classify(a *httpx.Answer) {
	switch a.Status {
	case http.StatusUnauthorized:
		a.Err.Message = "the token was refused, or does not have this right"
	case http.StatusInternalServerError:
		if !a.Writes {
			a.Err.Message = "server error, which balena also says of a query that it cannot read"
		}
	}
}

// send does one request.
func (c *Client) send(ctx context.Context, r httpx.Request, out any) error {
	if !c.signed {
		return apierr.New(apierr.ErrAuth, Vendor, r.Op, "no token is set").
			WithHint("oncall auth login balena, or ONCALL_BALENA_TOKEN")
	}
	_, err := c.http.Do(ctx, r, out)
	return err
}

// list reads rows of a resource. No row, and no right to see one, look the same:
// an empty list (note 2).
func list[T any](ctx context.Context, c *Client, op, resource string, q query) ([]T, error) {
	var answer struct {
		D *[]T `json:"d"`
	}
	if err := c.send(ctx, httpx.Request{Op: op, Path: resources + resource, RawQuery: q.raw()}, &answer); err != nil {
		return nil, err
	}
	if answer.D == nil {
		return nil, apierr.New(apierr.ErrUnavailable, Vendor, op, `the answer has no list "d" (is the URL that of a balena API?)`)
	}
	return *answer.D, nil
}

// Actor is whom a token belongs to.
type Actor struct {
	ID       int64  `json:"id"`
	Kind     string `json:"actorType"` // user, application, device
	Username string `json:"username"`  // of a user
	Email    string `json:"email"`     // of a user, may be missing
	Slug     string `json:"slug"`      // of an application
	UUID     string `json:"uuid"`      // of a device
}

// WhoAmI asks whom the token belongs to; it is the cheapest way to try one.
func (c *Client) WhoAmI(ctx context.Context) (Actor, error) {
	var a Actor
	err := c.send(ctx, httpx.Request{Op: "ask whose token it is", Path: "/actor/v1/whoami"}, &a)
	if err == nil && a.Kind == "" {
		err = apierr.New(apierr.ErrUnavailable, Vendor, "ask whose token it is", "the answer names no actor (is the URL that of a balena API?)")
	}
	return a, err
}

func lost(err error) bool { return errors.Is(err, apierr.ErrUnknownOutcome) }

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
