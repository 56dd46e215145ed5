package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

var allKinds = []error{apierr.ErrUsage, apierr.ErrAuth, apierr.ErrNotFound, apierr.ErrAmbiguous, apierr.ErrInvalid, apierr.ErrConflict, apierr.ErrGuard,
	apierr.ErrRateLimited, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, apierr.ErrReadOnly, apierr.ErrUnsupported}

// kindsOf lists the kinds that errors.Is finds in err.
func kindsOf(err error) (out []error) {
	for _, k := range allKinds {
		if errors.Is(err, k) {
			out = append(out, k)
		}
	}
	return out
}

type kinds []error

// TestFaults is the table that everything else rests on: what each fault is
// called, and how often the vendor was asked.
func TestFaults(t *testing.T) {
	t.Parallel()
	var (
		unavailable = kinds{apierr.ErrUnavailable}
		unknown     = kinds{apierr.ErrUnavailable, apierr.ErrUnknownOutcome}
		throttled   = kinds{apierr.ErrRateLimited}
		auth        = kinds{apierr.ErrAuth}
	)
	for name, c := range map[string]struct {
		reply             httpxtest.Reply
		read, write       kinds
		reads, writes     int // requests that the server saw
		readsay, writesay string
	}{
		"reset before the body was read": {httpxtest.ResetBefore(), unavailable, unknown, 4, 1, "was lost after the request was sent", "was lost after the request was sent"},
		"reset after it acted":           {httpxtest.ResetAfter(), unavailable, unknown, 4, 1, "was lost after the request was sent", "was lost after the request was sent"},
		"cut body":                       {httpxtest.CutBody(200, `{"a":`), unavailable, unknown, 4, 1, "the answer was cut off after 5 B (200)", "the answer was cut off after 5 B (200)"},
		"no answer in time":              {httpxtest.Hang(), unavailable, unknown, 1, 1, "timed out after 1s waiting for the answer of", "timed out after 1s waiting for the answer of"},
		"JSON that ends early":           {httpxtest.JSON(200, `{"a":`), unavailable, unknown, 1, 1, "the answer was cut off: its JSON has no end (200)", ""},
		"no JSON":                        {httpxtest.JSON(200, `nope`), unavailable, unknown, 1, 1, "the answer is not valid JSON (at byte 2) (200)", ""},
		"text":                           {httpxtest.Text(200, "OK"), unavailable, unknown, 1, 1, "the answer is text/plain, not JSON (200)", ""},
		"empty":                          {httpxtest.JSON(200, " \n"), unavailable, unknown, 1, 1, "the answer is empty where JSON was due (200)", ""},
		"another shape":                  {httpxtest.JSON(200, `{"a":[1]}`), nil, kinds{apierr.ErrUnknownOutcome}, 1, 1, "the answer has a list at a, where text was due (200)", ""},
		"web page":                       {httpxtest.HTML(200), unavailable, unknown, 1, 1, "answered a web page, not data (a proxy, or the wrong URL?) (200)", ""},
		"login page":                     {httpxtest.LoginPage(200), auth, auth, 1, 1, "not signed in to 127.0.0.1:", "(it answered a login page) (200)"},
		"400":                            {httpxtest.JSON(400, `{"message":"bad number"}`), kinds{apierr.ErrInvalid}, kinds{apierr.ErrInvalid}, 1, 1, "not accepted: bad number (400)", ""},
		"401":                            {httpxtest.JSON(401, `{"error":"Could not authenticate"}`), auth, auth, 1, 1, ": Could not authenticate (401)", ""},
		"403":                            {httpxtest.Status(403), auth, auth, 1, 1, "refused by 127.0.0.1:", ""},
		"403 with a page":                {httpxtest.HTML(403), auth, auth, 1, 1, "refused by 127.0.0.1:", ""},
		"404":                            {httpxtest.JSON(404, `{"error":"Incident not found"}`), kinds{apierr.ErrNotFound}, kinds{apierr.ErrNotFound}, 1, 1, "v: do it: Incident not found (404)", ""},
		"410":                            {httpxtest.Status(410), kinds{apierr.ErrNotFound}, kinds{apierr.ErrNotFound}, 1, 1, "not found (410)", ""},
		"405":                            {httpxtest.Status(405), kinds{apierr.ErrInvalid}, kinds{apierr.ErrInvalid}, 1, 1, "method not allowed (405)", ""},
		"408":                            {httpxtest.Status(408), unavailable, unavailable, 4, 1, "did not get the request in time (408)", ""},
		"409":                            {httpxtest.Text(409, "busy"), kinds{apierr.ErrConflict}, kinds{apierr.ErrConflict}, 1, 1, "conflict: busy (409)", ""},
		"422":                            {httpxtest.JSON(422, `{"error":{"name":["can't be blank"]}}`), kinds{apierr.ErrInvalid}, kinds{apierr.ErrInvalid}, 1, 1, "not accepted: name can't be blank (422)", ""},
		"420":                            {httpxtest.Status(420), throttled, throttled, 4, 4, "throttled (420)", ""},
		"429":                            {httpxtest.Status(429), throttled, throttled, 4, 4, "throttled (429)", ""},
		"429 with Retry-After":           {httpxtest.RetryAfter(429, 7), throttled, throttled, 4, 4, "throttled, asks to wait 7s (429)", ""},
		"429 for an hour":                {httpxtest.RetryAfter(429, 3600), throttled, throttled, 1, 1, "throttled, asks to wait 1h0m0s (429)", ""},
		"500":                            {httpxtest.Text(500, "oops"), unavailable, unknown, 1, 1, "internal server error: oops (500)", ""},
		"502":                            {httpxtest.HTML(502), unavailable, unknown, 4, 1, "v: do it: bad gateway (502)", ""},
		"503":                            {httpxtest.Status(503), unavailable, unknown, 4, 1, "service unavailable (503)", ""},
		"503 for an hour":                {httpxtest.RetryAfter(503, 3600), kinds{apierr.ErrRateLimited, apierr.ErrUnavailable}, unknown, 1, 1, "service unavailable, asks to wait 1h0m0s (503)", ""},
		"504":                            {httpxtest.Status(504), unavailable, unknown, 4, 1, "gateway timeout (504)", ""},
		"304":                            {httpxtest.Status(304), unavailable, unavailable, 1, 1, "unexpected answer (304)", ""},
		"301 to the same host":           {httpxtest.Redirect(301, "/base/path/y"), nil, unavailable, 1, 1, "", "redirected to http://127.0.0.1:"},
		"302 to the same host":           {httpxtest.Redirect(302, "y"), nil, unknown, 1, 1, "", "and a change is never redirected (302)"},
		"302 to another host":            {httpxtest.Redirect(302, "https://other.invalid/x?token=1"), unavailable, unknown, 1, 1, "redirected to another host, https://other.invalid/x, which is not followed (302)", "redirected to https://other.invalid/x, and a change is never redirected (302)"},
		"302 to a login page":            {httpxtest.Redirect(302, "/login?from=x"), auth, auth, 1, 1, "not signed in to 127.0.0.1:", "(redirected to a login page, http://127.0.0.1:"},
		"302 to a login host":            {httpxtest.Redirect(302, "https://sso.example.invalid/start"), auth, auth, 1, 1, "not signed in to 127.0.0.1:", "https://sso.example.invalid/start) (302)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, writes := range []bool{false, true} {
				method, want, times, says := "GET", c.read, c.reads, c.readsay
				if writes {
					method, want, times = "POST", c.write, c.writes
					if c.writesay != "" {
						says = c.writesay
					}
				}
				t.Run(method, func(t *testing.T) {
					t.Parallel()
					exchanges := []httpxtest.Exchange{{Method: method, Path: "/x", Reply: c.reply, Times: times}}
					redirected := !writes && want == nil && c.readsay == ""
					if redirected {
						exchanges = append(exchanges, httpxtest.Exchange{Path: "/y", Reply: httpxtest.JSON(200, `{"a":"b"}`)})
					}
					srv := httpxtest.New(t, exchanges...)
					cfg := srv.Config("v")
					r := httpx.Request{Op: "do it", Method: method, Path: "/x", Timeout: 5 * time.Second}
					if name == "no answer in time" {
						r.Timeout = time.Second
					}
					if writes {
						r.JSON = map[string]int{"a": 1}
					}
					var out struct {
						A string `json:"a"`
					}
					res, err := client(t, cfg).Do(t.Context(), r, &out)
					assert.Len(t, srv.Waits(), times-1)
					if redirected {
						require.NoError(t, err)
						assert.Equal(t, "b", out.A)
						assert.Equal(t, httpxtest.Base+"/y", res.URL.Path)
						return
					}
					require.Error(t, err)
					assert.Nil(t, res)
					assert.Equal(t, want, kinds(kindsOf(err)), "%v", err)
					var e *apierr.Error
					require.ErrorAs(t, err, &e)
					assert.Same(t, e, err, "the error itself, not a wrapping of net/http")
					assert.Contains(t, err.Error(), says)
					assert.Regexp(t, `^v: do it: `, err.Error())
					assert.Equal(t, method, e.Method)
					assert.Equal(t, httpxtest.Base+"/x", e.Path)
					assert.NotContains(t, err.Error(), "token=1")
				})
			}
		})
	}
}

// TestFaultsBeforeAnythingWasSent: a change that surely did not arrive is sent
// again.
func TestFaultsBeforeAnythingWasSent(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, c := range map[string]struct {
		err   error
		tries int
		says  string
	}{
		"refused":      {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), 4, "connection refused by host.invalid"},
		"no route":     {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), 4, "no route to host.invalid"},
		"connect time": {dial(timeoutError{}), 4, "timed out after 5s connecting to host.invalid"},
		"no such host": {dial(&net.DNSError{Err: "no such host", Name: "host.invalid", Server: "192.0.2.1:53", IsNotFound: true}), 1, "no such host host.invalid"},
		"DNS fails":    {dial(&net.DNSError{Err: "server misbehaving", Name: "host.invalid", IsTemporary: true}), 4, "the name host.invalid could not be looked up"},
		"other":        {dial(os.NewSyscallError("connect", syscall.ENOBUFS)), 4, "could not connect to host.invalid: no buffer space available"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "POST"} {
				tries := 0
				cfg := httpx.Config{Vendor: "v", BaseURL: "http://host.invalid/base", Sleep: noSleep}
				cfg.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { tries++; return nil, c.err }}
				_, err := client(t, cfg).Do(t.Context(), httpx.Request{Op: "do it", Method: method, Path: "/x"}, nil)
				require.EqualError(t, err, "v: do it: "+c.says)
				assert.Equal(t, kinds{apierr.ErrUnavailable}, kinds(kindsOf(err)))
				assert.Equal(t, c.tries, tries)
				require.ErrorIs(t, err, c.err, "the cause is still in the tree")
			}
		})
	}
}

type timeoutError struct{}

func (timeoutError) Error() string   { return "i/o timeout" }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// TestTransportWithoutHooks: where nobody tells whether a byte left, one may have.
func TestTransportWithoutHooks(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{"GET": 4, "POST": 1} {
		tries := 0
		c := client(t, httpx.Config{Vendor: "v", BaseURL: "http://host.invalid", Sleep: noSleep, Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			tries++
			return nil, syscall.ECONNREFUSED
		})})
		_, err := c.Do(t.Context(), httpx.Request{Method: method, Path: "/x"}, nil)
		assert.Equal(t, want, tries)
		assert.Equal(t, method == "POST", errors.Is(err, apierr.ErrUnknownOutcome))
	}
}

func TestConnectionRefusedByRealKernel(t *testing.T) {
	t.Parallel()
	c := client(t, httpx.Config{Vendor: "v", BaseURL: httpxtest.Refused(t), Sleep: noSleep})
	_, err := c.Do(t.Context(), httpx.Request{Op: "ack", Method: "POST", Path: "/x"}, nil)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	require.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Regexp(t, `^v: ack: connection refused by 127\.0\.0\.1:\d+$`, err.Error())
}

// TestKeptConnectionThatDied: net/http replays on a dead kept connection only
// what it did not write, so a change is seen once.
func TestKeptConnectionThatDied(t *testing.T) {
	t.Parallel()
	for range 20 { // the moment of the server's close differs
		srv := httpxtest.New(t,
			httpxtest.Exchange{Path: "/a", Reply: httpxtest.JSON(200, `{}`).With("Connection", "keep-alive")},
			httpxtest.Exchange{Method: "POST", Path: "/b", Reply: httpxtest.ResetAfter()})
		c := client(t, srv.Config("v"))
		_, err := c.Do(t.Context(), httpx.Request{Path: "/a"}, nil)
		require.NoError(t, err)
		_, err = c.Do(t.Context(), httpx.Request{Method: "POST", Path: "/b", JSON: 1}, nil)
		require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		assert.Len(t, srv.Seen(), 2)
	}
}

func TestEndOfContext(t *testing.T) {
	t.Parallel()
	deadline := func(t *testing.T, d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		t.Cleanup(cancel)
		return ctx
	}
	for _, method := range []string{"GET", "POST"} {
		t.Run(method+" interrupted", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			srv := httpxtest.New(t, httpxtest.Exchange{Method: method, Path: "/x", Check: func(testing.TB, httpxtest.Recorded) { cancel() }, Reply: httpxtest.Hang()})
			_, err := client(t, srv.Config("v")).Do(ctx, httpx.Request{Op: "ack", Method: method, Path: "/x"}, nil)
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, method == "POST", errors.Is(err, apierr.ErrUnknownOutcome))
			assert.NotErrorIs(t, err, apierr.ErrUnavailable)
			assert.Contains(t, err.Error(), "v: ack: interrupted while waiting for the answer of 127.0.0.1:")
		})
		t.Run(method+" out of time", func(t *testing.T) {
			t.Parallel()
			slow(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *testing.T, c *httpx.Client) {
				start := time.Now()
				_, err := c.Do(deadline(t, 12*time.Second), httpx.Request{Op: "ack", Method: method, Path: "/x"}, nil)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, apierr.ErrUnavailable)
				assert.Equal(t, method == "POST", errors.Is(err, apierr.ErrUnknownOutcome))
				require.EqualError(t, err, "loki: ack: out of time while waiting for the answer of memory")
				assert.Equal(t, 12*time.Second, time.Since(start))
			})
		})
		t.Run(method+" before it began", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := client(t, httpxtest.New(t).Config("v")).Do(ctx, httpx.Request{Op: "ack", Method: method}, nil)
			require.ErrorIs(t, err, context.Canceled)
			require.EqualError(t, err, "v: ack: interrupted before the request was sent")
			assert.Empty(t, kindsOf(err))
		})
		t.Run(method+" while it waits to try again", func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Method: method, Path: "/x", Reply: httpxtest.RetryAfter(429, 5)})
			cfg := srv.Config("v")
			cfg.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
			_, err := client(t, cfg).Do(t.Context(), httpx.Request{Op: "ack", Method: method, Path: "/x"}, nil)
			require.ErrorIs(t, err, context.Canceled)
			assert.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
			assert.EqualError(t, err, "v: ack: interrupted before the request was sent again, after: throttled, asks to wait 5s (429)")
		})
		t.Run(method+" Retry-After beyond the deadline", func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Method: method, Path: "/x", Reply: httpxtest.RetryAfter(429, 30)})
			_, err := client(t, srv.Config("v")).Do(deadline(t, 20*time.Second), httpx.Request{Op: "ack", Method: method, Path: "/x"}, nil)
			var e *apierr.Error
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, apierr.ErrRateLimited)
			assert.Equal(t, 30*time.Second, e.RetryAfter)
			assert.Empty(t, srv.Waits(), "it ends at once")
		})
	}
}

func ExampleClient_Do() {
	c, err := httpx.New(httpx.Config{Vendor: "loki", BaseURL: "ftp://logs.example.test"})
	fmt.Println(c, err)
	// Output: <nil> loki: the URL "ftp://logs.example.test" is not http(s)://HOST[/PATH]
}
