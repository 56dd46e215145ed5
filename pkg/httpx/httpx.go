// Package httpx is the one transport of oncall: every request to every vendor
// goes through a Client made here, and nothing else in the project opens an
// HTTP connection to one.
//
// A request passes these layers in this order, each in a file of its own: base
// URL (url.go), headers and body (call.go), resty, fence of dry-run and
// read-only (fence.go), redirects (redirect.go), retries (retry.go), pacing
// (pacer.go), time limit (attempt.go, watch.go), trace (trace.go), the connection
// (transport.go). Its answer passes: decompression and body limit (body.go),
// status to apierr.Error (status.go, message.go), content type (contenttype.go),
// then retries and redirects on the way back, decoding (decode.go). Masking
// (mask.go) is part of every text that leaves.
package httpx

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/secret"
)

// Config makes a Client for one vendor.
type Config struct {
	Vendor    string // name in errors and pacing files: "victorops"
	BaseURL   string // base whose path is kept; Request.Path is appended to it
	UserAgent string

	// Header is sent with every request (API keys). Its values are masked
	// everywhere.
	Header map[string]secret.String
	// Basic authorisation, used when User is set.
	User     string
	Password secret.String
	// Masker learns the secrets above; nil makes a private one. Pass the
	// process-wide one so that dumps of other clients are masked too.
	Masker *secret.Masker
	// SecretFields are names of JSON fields whose values a dump never shows:
	// secrets that the vendor sends and nobody knows before.
	SecretFields []string

	// Transport opens connections; nil is the real network with TLS and Proxy
	// below. Tests and the demo put a simulator here.
	Transport http.RoundTripper
	TLS       TLS
	// Proxy chooses the proxy of a request; nil is none, so that the process's
	// environment is read by the caller alone. ProxyFromEnv makes one from
	// HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Unused when Transport is set.
	Proxy func(*http.Request) (*url.URL, error)

	Mode    Mode          // fence: what may leave this process
	OnFence func(Fenced)  // told of every change that DryRun held back; may be nil
	Timeout time.Duration // one request, connect to last byte; 0 is DefaultTimeout
	Pacer   Pacer         // nil is no pacing
	Retry   RetryPolicy   // zero value is the default policy
	// OnWait is told before a pause of a second or more between two attempts: how
	// long, and the failure that asks for it. May be nil.
	OnWait func(d time.Duration, err *apierr.Error)
	Trace  Trace // -v and -vv; zero value is silent

	// LoginHint follows the error "not signed in" and a 401: how to get or
	// check a credential. Example: "oncall auth status victorops".
	LoginHint string

	// Classify lets a vendor's client give a non-2xx answer (already an
	// *apierr.Error by the common rules, which the function may change) its own
	// meaning: VictorOps says 403 for throttling. body is at most 8 KiB. nil is none.
	Classify func(e *Answer)

	Now   func() time.Time                                 // nil is time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil is a timer that ctx ends
}

// TLS is a private CA and a client certificate, as PEM files.
type TLS struct {
	CAFile   string
	CertFile string
	KeyFile  string
}

// DefaultTimeout bounds one request; ConnectTimeout bounds reaching the host.
const (
	DefaultTimeout = 30 * time.Second
	ConnectTimeout = 5 * time.Second
	// StreamIdle ends a stream on which nothing arrived for that long.
	StreamIdle = 5 * time.Minute
	// DefaultMaxBody is what a decoded answer may measure.
	DefaultMaxBody = 64 << 20
)

// Mode is the fence around changes.
type Mode int

const (
	// ReadWrite lets everything pass.
	ReadWrite Mode = iota
	// ReadOnly stops every change with apierr.ErrReadOnly.
	ReadOnly
	// DryRun stops every change with apierr.ErrReadOnly after telling OnFence of it.
	DryRun
)

// Fenced is a change that was held back, with secrets masked.
type Fenced struct {
	Vendor string `json:"vendor"`
	Method string `json:"method"`
	URL    string `json:"url"`
	Body   string `json:"body,omitempty"` // as it would have been sent
}

// Request is one call. Path is appended to the base URL and is sent as it is:
// escape the segments with Segment. A "?" in it begins a raw query.
type Request struct {
	Op     string // what is being done, for errors: "acknowledge 4127"
	Method string // default GET
	Path   string
	Query  url.Values
	// RawQuery stands before Query and is sent as it is, for vendors that do not
	// read percent-encoded structure (balena: "$filter=in(a,b)").
	RawQuery string
	Header   http.Header

	// At most one of these. JSON is marshalled; Form is URL-encoded; Raw is
	// sent as it is with ContentType.
	JSON        any
	Form        url.Values
	Raw         []byte
	ContentType string

	// Reads marks a POST that changes nothing (a search): it passes the fence
	// and may be retried. GET and HEAD always read.
	Reads bool

	Accept  string        // default application/json
	MaxBody int64         // default DefaultMaxBody; a Stream has no limit by default
	Timeout time.Duration // default the client's; of a Stream: the longest silence, default StreamIdle
	// AnyType accepts every content type (plain text, vendors that mislabel JSON).
	AnyType bool
	// AnyStatus returns 4xx and 5xx as a Response instead of an error, when the
	// retries are over; 3xx too, and no redirect is followed.
	AnyStatus bool
}

// Writes reports whether r may change something at the vendor.
func (r Request) Writes() bool {
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return !r.Reads
}

// Response is an answer whose body was read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // after redirects
}

// Answer is what Classify sees.
type Answer struct {
	Err    *apierr.Error // the error so far; change its fields
	Status int
	Header http.Header
	Body   []byte
	Writes bool
}

// Stream is an answer whose body is read by the caller, who closes it.
type Stream struct {
	Status int
	Header http.Header
	URL    *url.URL // after redirects
	Body   io.ReadCloser
}

// Pacer spaces requests so that a vendor's limit is kept. Wait returns when the
// request may go, or ctx's error.
type Pacer interface {
	Wait(ctx context.Context, writes bool) error
}

// Stamper is a Pacer that learns when a request truly left: a slot taken before
// a slow TLS handshake would otherwise be over when the request arrives. Take
// returns when the request may go; done is called once, with true when the
// first byte is being written and with false when nothing was.
type Stamper interface {
	Pacer
	Take(ctx context.Context, writes bool) (done func(sent bool), err error)
}

// RetryPolicy bounds how often a request is sent again. A read is repeated after
// a failed connection, a lost answer, 429, 502, 503 and 504; a change only when
// it surely did not arrive or the vendor said that it refused it (429, 420).
type RetryPolicy struct {
	Max  int           // further attempts; 0 is 3, negative is none
	Base time.Duration // first wait, doubled each time, with jitter; 0 is 250 ms
	Cap  time.Duration // longest wait that the client chooses; 0 is 5 s
}

// Trace prints requests. Level 1 is a line a request, 2 adds headers and bodies.
type Trace struct {
	W     io.Writer
	Level int
}

// Client sends requests to one vendor. It is safe for concurrent use.
type Client struct {
	cfg    Config
	base   *url.URL
	prefix string // base path as it is sent, without a slash at the end
	wire   http.RoundTripper
	idle   idleCloser
	resty  *resty.Client
	jitter func() float64 // [0,1)

	secretJSON func() *regexp.Regexp // fields that dumps hide
}

// New makes a client. It opens no connection; of files it reads those of
// Config.TLS. A base URL that is not http or https, and a TLS file that cannot
// be used, is an apierr.ErrUsage.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	base, err := parseBase(&cfg)
	if err != nil {
		return nil, err
	}
	cfg.learnSecrets()
	c := &Client{cfg: cfg, base: base, prefix: strings.TrimRight(base.EscapedPath(), "/"), jitter: rand.Float64, secretJSON: secretJSON(cfg.SecretFields)}
	if c.wire = cfg.Transport; c.wire == nil {
		t, err := newTransport(cfg)
		if err != nil {
			return nil, err
		}
		c.wire, c.idle.transport = t, t
	}
	c.resty = newEngine(sender{c})
	return c, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Masker == nil {
		cfg.Masker = &secret.Masker{}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "oncall"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	return cfg
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Base returns the base URL, without a slash at the end and without a user.
func (c *Client) Base() string { return c.origin() + c.prefix }

// Do sends r and decodes a JSON answer into out (nil: the body is not decoded).
// Every failure is an *apierr.Error. After a change whose answer was lost it is
// of kind apierr.ErrUnknownOutcome.
func (c *Client) Do(ctx context.Context, r Request, out any) (*Response, error) {
	cl, err := c.newCall(r, false)
	if err != nil {
		return nil, err
	}
	if err := c.execute(ctx, cl); err != nil {
		return nil, err
	}
	res := &Response{Status: cl.res.StatusCode, Header: cl.res.Header, Body: cl.data, URL: cl.res.Request.URL}
	if out == nil || res.Status < 200 || res.Status > 299 {
		return res, nil
	}
	if err := c.decode(cl, out); err != nil {
		return nil, err
	}
	return res, nil
}

// Stream sends r and hands over the body as it arrives. It has no total
// timeout: ctx ends it, or StreamIdle (Request.Timeout) without a byte. It is
// retried like Do until the first byte of the answer and never after. Errors of
// Body.Read are *apierr.Error as well; io.EOF is the regular end.
func (c *Client) Stream(ctx context.Context, r Request) (*Stream, error) {
	cl, err := c.newCall(r, true)
	if err != nil {
		return nil, err
	}
	if err := c.execute(ctx, cl); err != nil {
		return nil, err
	}
	return &Stream{Status: cl.res.StatusCode, Header: cl.res.Header, URL: cl.res.Request.URL, Body: cl.res.Body}, nil
}
