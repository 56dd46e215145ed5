package jenkins

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Started is what Jenkins said to a start.
type Started struct {
	QueueID int64
	// Folded: nothing new was queued, an item with equal parameters was waiting
	// already, and QueueID is that item's.
	Folded bool
	// Sent is when the request left, by our clock.
	Sent time.Time
	// Parameters is the whole set that the build runs with.
	Parameters []Parameter

	newest int // StartOptions.Newest
}

// StartOptions are how a build is started.
type StartOptions struct {
	NoDelay bool // skip the quiet period
	// Newest is the number of the job's newest build before the start, 0 when that
	// is not known: should the answer be lost, a later build is told from an earlier
	// one by it, and by time otherwise.
	Newest int
}

var queueLocation = lazyregexp.New(`/queue/item/(\d+)(?:/|$)`)

// Start queues a build of j with parameters, which are checked by
// Job.Effective first. The request is sent once.
//
// Errors, with nothing queued: apierr.ErrUsage (names and values; the job takes
// no parameters after all), apierr.ErrConflict (disabled or not saved; refused
// by a queue decision handler), apierr.ErrAuth, apierr.ErrNotFound. When
// nobody knows whether it was queued, a lost answer or a 5xx, the error is an
// apierr.ErrUnknownOutcome: ask FindStarted, never start again blindly.
func (c *Client) Start(ctx context.Context, j Job, given []Parameter, o StartOptions) (Started, error) {
	op := "start " + j.Name.String()
	all, err := j.Effective(given)
	if err != nil {
		return Started{}, err
	}
	if j.Disabled {
		return Started{}, disabled(op)
	}
	form := url.Values{}
	for _, p := range given {
		form.Set(p.Name, p.Value)
	}
	r := httpx.Request{Op: op, Path: j.Name.path() + "/build", Form: form}
	if j.Parameterised() {
		r.Path = j.Name.path() + "/buildWithParameters"
	}
	if o.NoDelay {
		form.Set("delay", "0sec")
	}
	s := Started{Sent: c.now(), Parameters: all, newest: o.Newest}
	res, err := c.post(ctx, r)
	if err != nil {
		return s, c.startLost(err)
	}
	return s, c.started(op, res, &s)
}

func disabled(op string) error {
	return fail(apierr.ErrConflict, op, "the job is disabled, or not saved yet: Jenkins takes no builds of it")
}

// started reads the answers of contract section 5.
func (c *Client) started(op string, res *httpx.Response, s *Started) error {
	location := res.Header.Get("Location")
	switch res.Status {
	case http.StatusCreated, http.StatusSeeOther:
		// Host and scheme of the Location are what a proxy made of them: only the id counts.
		m := queueLocation().FindStringSubmatch(location)
		if m == nil {
			if res.Status == http.StatusSeeOther && loginPage(res.Header) {
				return notSignedIn(op)
			}
			return (&apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrUnknownOutcome},
				Message: "Jenkins accepted the start but named no queue item"}).WithHint("look at the newest builds of the job")
		}
		id, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return &apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrUnknownOutcome}, Message: "the queue item's number is not one", Err: err}
		}
		s.QueueID, s.Folded = id, res.Status == http.StatusSeeOther
		return nil
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if loginPage(res.Header) {
			return notSignedIn(op)
		}
		if res.Status != http.StatusFound {
			return (&apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrUsage},
				Message: "the request was sent elsewhere, which is never followed for a change; nothing was started"}).
				WithHint("set the Jenkins URL to where it really is: %s", location)
		}
		return &apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrConflict},
			Message: "refused by a rule of the queue (a plugin's decision handler); nothing was started"}
	case http.StatusBadRequest:
		e := &apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrInvalid}, Message: "Jenkins found the request wrong; nothing was started"}
		if strings.Contains(string(res.Body), "is not parameterized") {
			e.Message = "the job takes no parameters (they were removed just now); nothing was started"
		}
		return e
	case http.StatusMethodNotAllowed:
		return &apierr.Error{Vendor: vendor, Op: op, Status: res.Status, Kind: []error{apierr.ErrInvalid},
			Message: "something on the way turned the POST into a GET; nothing was started"}
	case http.StatusConflict:
		e := disabled(op)
		var a *apierr.Error
		if errors.As(e, &a) {
			a.Status = res.Status
		}
		return e
	}
	return c.startLost(c.unexpected(op, res))
}

// startLost adds the way on to an error after which the outcome is open.
func (c *Client) startLost(err error) error {
	var e *apierr.Error
	if !errors.As(err, &e) || !errors.Is(err, apierr.ErrUnknownOutcome) {
		return err
	}
	switch {
	case e.Status == http.StatusInternalServerError:
		e.Message = "cannot tell whether the build was started: " + e.Message + "; often a value that the job does not take"
	case e.Status != 0:
		e.Message = "cannot tell whether the build was started: " + e.Message
	default:
		e.Message = "cannot tell whether the build was started: the connection was lost after the request was sent"
	}
	return err
}

// loginPage reports whether a redirect leads to signing in.
func loginPage(h http.Header) bool {
	l := strings.ToLower(h.Get("Location"))
	return strings.Contains(l, "/login") || strings.Contains(l, "commencelogin") || strings.Contains(l, "/sso") || strings.Contains(l, "/oauth")
}

func notSignedIn(op string) error {
	return fail(apierr.ErrAuth, op, "not signed in: the answer leads to a login page; nothing was done").WithHint("oncall auth status jenkins")
}

// post sends a change whose 3xx and 4xx answers are the caller's to read. A
// refusal for want of a crumb surely did nothing, so it is sent once more with
// one; never else.
func (c *Client) post(ctx context.Context, r httpx.Request) (*httpx.Response, error) {
	r.Method, r.AnyType, r.AnyStatus = http.MethodPost, true, true
	res, err := c.http.Do(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	c.learn(res.Header)
	if res.Status != http.StatusForbidden || !crumbWanted().Match(res.Body) {
		return res, nil
	}
	crumb, err := c.crumb(ctx, r.Op)
	if err != nil {
		return nil, err
	}
	r.Header = crumb
	return c.http.Do(ctx, r, nil)
}

// crumb fetches a crumb and the session that it belongs to (contract section
// 1), for one request.
func (c *Client) crumb(ctx context.Context, op string) (http.Header, error) {
	var w struct {
		Crumb string `json:"crumb"`
		Field string `json:"crumbRequestField"`
	}
	res, err := c.http.Do(ctx, httpx.Request{Op: op + ": crumb", Path: "/crumbIssuer/api/json"}, &w)
	if err != nil {
		return nil, err
	}
	if w.Crumb == "" || w.Field == "" {
		return nil, fail(apierr.ErrAuth, op, "the controller asks for a crumb and gives none")
	}
	h := http.Header{w.Field: {w.Crumb}}
	for _, cookie := range (&http.Response{Header: res.Header}).Cookies() {
		h.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	if cookies := h["Cookie"]; len(cookies) > 1 {
		h["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	return h, nil
}

// unexpected makes an error of an answer to a change that fits no rule.
func (c *Client) unexpected(op string, res *httpx.Response) error {
	e := &apierr.Error{Vendor: vendor, Op: op, Method: http.MethodPost, Status: res.Status, Message: "Jenkins answered what it should not"}
	switch {
	case res.Status == http.StatusServiceUnavailable && restarting(res.Body):
		e.Kind = []error{apierr.ErrUnavailable}
	case res.Status >= http.StatusInternalServerError:
		e.Kind = []error{apierr.ErrUnknownOutcome, apierr.ErrUnavailable}
	case res.Status == http.StatusUnauthorized, res.Status == http.StatusForbidden:
		e.Kind = []error{apierr.ErrAuth}
		e.Hint = "oncall auth status jenkins"
	case res.Status == http.StatusNotFound:
		e.Kind = []error{apierr.ErrNotFound}
	case res.Status == http.StatusTooManyRequests:
		e.Kind = []error{apierr.ErrRateLimited}
	case res.Status == http.StatusOK:
		e.Kind = []error{apierr.ErrUnknownOutcome}
		if strings.Contains(res.Header.Get("Content-Type"), "text/html") {
			e.Kind = []error{apierr.ErrAuth}
			e.Message = "not signed in: a page came where an answer was due"
			e.Hint = "oncall auth status jenkins"
			return e
		}
	default:
		e.Kind = []error{apierr.ErrInvalid}
	}
	classify(&httpx.Answer{Err: e, Status: res.Status, Header: res.Header, Body: res.Body, Writes: true})
	return e
}
