package httpx_test

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

// steady replaces what differs from run to run.
func steady(s string) string {
	s = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(s, "HOST")
	s = regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs|s)\b`).ReplaceAllString(s, "TIME")
	return regexp.MustCompile(`Date: .*`).ReplaceAllString(s, "Date: DATE")
}

func TestTraceIsALineARequest(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/x?token=abc", Reply: httpxtest.RetryAfter(503, 2)},
		httpxtest.Exchange{Path: "/x?token=abc", Reply: httpxtest.ResetAfter()},
		httpxtest.Exchange{Path: "/x?token=abc", Reply: httpxtest.JSON(200, `{"a":"`+strings.Repeat("x", 2000)+`"}`)},
		httpxtest.Exchange{Path: "/log", Reply: httpxtest.Text(200, "x")})
	var out bytes.Buffer
	cfg := srv.Config("v")
	cfg.Trace = httpx.Trace{W: &out, Level: 1}
	c := client(t, cfg)
	_, err := c.Do(t.Context(), httpx.Request{Path: "/x?token=abc"}, nil)
	require.NoError(t, err)
	s, err := c.Stream(t.Context(), httpx.Request{Path: "/log"})
	require.NoError(t, err)
	require.NoError(t, s.Body.Close())
	assert.Equal(t, `GET http://HOST/base/path/x?token=*** 503 TIME 0 B
GET http://HOST/base/path/x?token=*** TIME the connection to HOST was lost after the request was sent (attempt 2)
GET http://HOST/base/path/x?token=*** 200 TIME 2.0 KiB (attempt 3)
GET http://HOST/base/path/log 200 TIME stream
`, steady(out.String()))
}

func TestTraceWithHeadersAndBodies(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Method: "PATCH", Path: "/ack", Reply: httpxtest.JSON(200, `{"ok":true,"access_token":"t0ps3cret","echo":"k3y-value"}`).
		With("Set-Cookie", "sid=1234").With("X-Escape", "a\x9bb")})
	var out bytes.Buffer
	cfg := srv.Config("v")
	cfg.Trace = httpx.Trace{W: &out, Level: 2}
	cfg.Header = map[string]secret.String{"X-VO-Api-Key": secret.New("k3y-value")}
	_, err := client(t, cfg).Do(t.Context(), httpx.Request{Method: "PATCH", Path: "/ack", JSON: map[string]string{"message": "line\nk3y-value", "password": "zz"},
		Header: http.Header{"X-Note": {"k3y-value inside"}}}, nil)
	require.NoError(t, err)
	assert.Equal(t, `> PATCH http://HOST/base/path/ack
> Accept: application/json
> Content-Type: application/json
> User-Agent: oncall
> X-Note: *** inside
> X-Vo-Api-Key: ***
> {"message":"line\n***","password":"***"}
PATCH http://HOST/base/path/ack 200 TIME 57 B
< HTTP/1.1 200 OK
< Content-Length: 57
< Content-Type: application/json
< Date: DATE
< Set-Cookie: ***
< X-Escape: ab
< {"ok":true,"access_token":"***","echo":"***"}
`, steady(out.String()))
}

func TestTraceCutsAndHidesWhatIsNoText(t *testing.T) {
	t.Parallel()
	const key = "a-long-secret-key-at-the-cut"
	long := strings.Repeat("x", 4096-10) + key + strings.Repeat("y", 10_000)
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/long", Reply: httpxtest.Text(200, long)},
		httpxtest.Exchange{Path: "/bin", Reply: httpxtest.Text(200, "\x89PNG\x00\x1b[31m")})
	var out bytes.Buffer
	cfg := srv.Config("v")
	cfg.Trace = httpx.Trace{W: &out, Level: 2}
	cfg.Header = map[string]secret.String{"X-Key": secret.New(key)}
	c := client(t, cfg)
	for _, path := range []string{"/long", "/bin"} {
		_, err := c.Do(t.Context(), httpx.Request{Path: path, Accept: "text/plain"}, nil)
		require.NoError(t, err)
	}
	text := out.String()
	assert.NotContains(t, text, "a-long")
	assert.Contains(t, text, "... 13.8 KiB in all")
	assert.Contains(t, text, "< (10 B that are no text)")
	assert.NotContains(t, text, "\x1b")
	assert.Less(t, len(text), 6000)
}

func TestTraceOfParallelRequestsKeepsLinesWhole(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Times: 20, Reply: httpxtest.JSON(200, `{}`)})
	w := &pieces{}
	cfg := srv.Config("v")
	cfg.Trace = httpx.Trace{W: w, Level: 2}
	c := client(t, cfg)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := c.Do(t.Context(), httpx.Request{Path: "/x"}, nil)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, w.writes, 40, "one write for what was sent and one for what came")
	for _, s := range w.writes {
		assert.True(t, strings.HasSuffix(s, "\n"))
	}
}

// pieces is not safe for concurrent use: the trace must see to that.
type pieces struct{ writes []string }

func (p *pieces) Write(b []byte) (int, error) {
	p.writes = append(p.writes, string(b))
	return len(b), nil
}

// TestNoSecretIsEverShown puts a secret everywhere a vendor or a fault could
// show it again, and looks for it in everything that people get to see.
func TestNoSecretIsEverShown(t *testing.T) {
	t.Parallel()
	const key, pass = "k3y/with+odd&chars=", "p@ss \"word\""
	echo := key + " k3y%2Fwith+odd&chars= k3y%2Fwith%2Bodd%26chars%3D " + pass
	replies := map[string]httpxtest.Reply{
		"text 400":     httpxtest.Text(400, "bad "+echo),
		"JSON 422":     httpxtest.JSON(422, `{"error":{"key":["`+key+`"]}}`),
		"401":          httpxtest.Text(401, echo).With("X-Request-Id", key),
		"429":          httpxtest.Text(429, echo),
		"500":          httpxtest.Text(500, echo),
		"page":         httpxtest.HTML(200).WithBody("<html>" + echo),
		"redirect":     httpxtest.Redirect(302, "https://other.invalid/k3y%2Fwith+odd&chars=/x?k="+key),
		"login":        httpxtest.Redirect(302, "/login/k3y%2Fwith+odd&chars="),
		"reset":        httpxtest.ResetAfter(),
		"cut":          httpxtest.CutBody(200, key),
		"no JSON":      httpxtest.JSON(200, key),
		"content type": httpxtest.JSON(200, key).With("Content-Type", key),
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "POST"} {
				path := "/hook/" + httpx.Segment(key) + "/x?api_key=unknown-to-all&q=" + "k3y%2Fwith%2Bodd%26chars%3D"
				srv := httpxtest.AnyOrder(t, httpxtest.Exchange{Method: method, Path: path, Reply: reply})
				var trace bytes.Buffer
				cfg := srv.Config("v")
				cfg.Retry.Max = -1
				cfg.Trace = httpx.Trace{W: &trace, Level: 2}
				cfg.Header = map[string]secret.String{"Authorization": secret.New("Bearer " + key)}
				cfg.Masker = &secret.Masker{}
				cfg.Masker.Add(secret.New(pass))
				r := httpx.Request{Op: "send " + key, Method: method, Path: path}
				if method == "POST" {
					r.JSON = map[string]string{"k": key, "p": pass}
				}
				var out map[string]any
				_, err := client(t, cfg).Do(t.Context(), r, &out)
				require.Error(t, err)
				seen := trace.String() + everyText(err)
				for _, s := range []string{key, pass, "k3y", "with+odd", "p@ss", "unknown-to-all"} {
					assert.NotContains(t, seen, s)
				}
				assert.Contains(t, seen, secret.Hidden)
			}
		})
	}
}

// everyText is the text of every error in the tree of err.
func everyText(err error) string {
	text := err.Error() + "\n"
	switch e := err.(type) { //nolint:errorlint // a walk over the tree
	case interface{ Unwrap() error }:
		if u := e.Unwrap(); u != nil {
			text += everyText(u)
		}
	case interface{ Unwrap() []error }:
		for _, u := range e.Unwrap() {
			text += everyText(u)
		}
	}
	return text
}

func TestSilentByDefault(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Reply: httpxtest.Slow(time.Millisecond, httpxtest.JSON(200, `{}`))})
	cfg := srv.Config("v")
	cfg.Trace = httpx.Trace{Level: 2} // no writer
	_, err := client(t, cfg).Do(t.Context(), httpx.Request{Path: "/x"}, nil)
	require.NoError(t, err)
}
