package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/balena-io/oncall/pkg/apierr"
)

// call is one Request on its way, with what became of it.
type call struct {
	r      Request
	writes bool
	stream bool
	// upgrade is a handshake: 101 is the good answer, and its body the connection.
	upgrade bool
	header  http.Header
	body    []byte // nil is no body
	target  string

	// The answer, set by the sender: the error and the answer may both be set
	// when AnyStatus keeps a bad status.
	res  *http.Response
	data []byte
	err  *apierr.Error
}

type callKey struct{}

func (c *Client) newCall(r Request, stream bool) (*call, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	cl := &call{r: r, writes: r.Writes(), stream: stream, header: http.Header{}, target: c.target(r)}
	kind, err := cl.encode()
	if err != nil {
		return nil, c.fail(cl, apierr.ErrUsage, "the request cannot be written as JSON: %s", plainJSONError(err))
	}
	cl.header.Set("User-Agent", c.cfg.UserAgent)
	cl.header.Set("Accept", "application/json")
	if r.Accept != "" {
		cl.header.Set("Accept", r.Accept)
	}
	if kind != "" {
		cl.header.Set("Content-Type", kind)
	}
	for k, v := range c.cfg.Header {
		cl.header.Set(k, v.Reveal())
	}
	if c.cfg.User != "" {
		cl.header.Set("Authorization", basic(c.cfg.User, c.cfg.Password))
	}
	for k, v := range r.Header {
		cl.header[http.CanonicalHeaderKey(k)] = v
	}
	for k, values := range cl.header {
		for _, v := range values {
			// net/http would refuse it later, without a word on which one.
			if !httpguts.ValidHeaderFieldName(k) || !httpguts.ValidHeaderFieldValue(v) {
				return nil, c.fail(cl, apierr.ErrUsage, "the value of the header %s cannot be sent (a line break or control character in it?)", k)
			}
		}
	}
	return cl, nil
}

// encode fills the body and returns its content type.
func (cl *call) encode() (string, error) {
	switch r := cl.r; {
	case r.JSON != nil:
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false) // links stay readable in dry runs and traces
		if err := e.Encode(r.JSON); err != nil {
			return "", err
		}
		cl.body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
		return "application/json", nil
	case r.Form != nil:
		cl.body = []byte(r.Form.Encode())
		return "application/x-www-form-urlencoded", nil
	case r.Raw != nil:
		cl.body = r.Raw
		return r.ContentType, nil
	}
	return cl.r.ContentType, nil
}

// newEngine makes the resty client. It repeats nothing, follows nothing, keeps
// no cookies and prints nothing: all that is the sender's, where it is tested.
func newEngine(rt http.RoundTripper) *resty.Client {
	return resty.NewWithClient(&http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).SetRetryCount(0).SetLogger(silent{}).SetDisableWarn(true)
}

// silent keeps resty's logger, which prints whole URLs, off stderr.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// execute runs cl through resty and the sender.
func (c *Client) execute(ctx context.Context, cl *call) error {
	req := c.resty.R().SetContext(context.WithValue(ctx, callKey{}, cl)).SetDoNotParseResponse(true)
	req.Header = cl.header.Clone()
	if cl.body != nil {
		req.SetBody(cl.body)
	}
	_, err := req.Execute(cl.r.Method, cl.target)
	switch {
	case cl.err != nil:
		return cl.err
	case cl.res != nil:
		return nil // net/http may still dislike the Location of a raw 3xx
	}
	var e *apierr.Error
	if errors.As(err, &e) {
		return e
	}
	return c.fail(cl, apierr.ErrUsage, "the request cannot be built: %s", c.plain(err))
}

// sender is resty's transport: everything that happens to a request between
// its being built and its answer being whole.
type sender struct{ c *Client }

func (s sender) RoundTrip(req *http.Request) (*http.Response, error) {
	cl, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("httpx: a request from outside of Do and Stream")
	}
	if err := s.c.fence(cl, req.URL); err != nil {
		cl.err = err
		return nil, err
	}
	cl.res, cl.data, cl.err = s.c.follow(req.Context(), cl, req.URL)
	if cl.err != nil {
		return nil, cl.err
	}
	return cl.res, nil
}

// fail makes an error about cl.
func (c *Client) fail(cl *call, kind error, format string, args ...any) *apierr.Error {
	e := apierr.New(kind, c.cfg.Vendor, c.cfg.Masker.Mask(cl.r.Op), format, args...)
	e.Method, e.Path = cl.r.Method, c.maskedPath(cl.target)
	e.Message = c.cfg.Masker.Mask(e.Message)
	return e
}

func (c *Client) maskedPath(target string) string {
	path, _, _ := strings.Cut(target, "?")
	if u, err := url.Parse(path); err == nil {
		path = u.EscapedPath()
	}
	return c.cfg.Masker.Mask(path)
}

func (c *Client) timeout(cl *call) time.Duration {
	switch {
	case cl.r.Timeout > 0:
		return cl.r.Timeout
	case cl.stream:
		return StreamIdle
	}
	return c.cfg.Timeout
}
