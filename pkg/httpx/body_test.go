package httpx_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

func zip(t testing.TB, kind string, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if kind == "deflate" {
		w = zlib.NewWriter(&b)
	}
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	const body = `{"a":"b"}`
	for name, c := range map[string]struct {
		encoding, body string
		says           string // "" is success
	}{
		"gzip":          {"gzip", zip(t, "gzip", []byte(body)), ""},
		"x-gzip":        {"X-GZIP", zip(t, "gzip", []byte(body)), ""},
		"deflate":       {"deflate", zip(t, "deflate", []byte(body)), ""},
		"identity":      {"identity", body, ""},
		"unknown":       {"br", body, "answered in an encoding that was not asked for"},
		"cut":           {"deflate", zip(t, "deflate", []byte(body))[:6], "the answer was cut off after"},
		"not gzip":      {"x-gzip", "plain text", "the answer was cut off after 0 B"},
		"nothing in it": {"x-gzip", "", "the answer is empty where JSON was due"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			times := 1
			if strings.Contains(c.says, "cut off") {
				times = 4
			}
			for _, stream := range []bool{false, true} {
				if stream {
					times = 1
				}
				srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Times: times, Reply: httpxtest.JSON(200, c.body).With("Content-Encoding", c.encoding)})
				vendor := client(t, srv.Config("v"))
				var err error
				var got []byte
				if stream {
					var s *httpx.Stream
					if s, err = vendor.Stream(t.Context(), httpx.Request{Path: "/x"}); err == nil {
						got, err = io.ReadAll(s.Body)
						require.NoError(t, s.Body.Close())
					}
					if name == "nothing in it" {
						require.NoError(t, err)
						assert.Empty(t, got)
						continue
					}
				} else {
					var out map[string]string
					var res *httpx.Response
					if res, err = vendor.Do(t.Context(), httpx.Request{Path: "/x"}, &out); err == nil {
						got = res.Body
						assert.Equal(t, "b", out["a"])
					}
				}
				if c.says == "" {
					require.NoError(t, err)
					assert.Equal(t, body, string(got)) //nolint:testifylint // bytes, not meaning
					continue
				}
				require.ErrorIs(t, err, apierr.ErrUnavailable)
				if !stream || name == "unknown" {
					assert.Contains(t, err.Error(), c.says)
				}
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	exact := `"` + strings.Repeat("x", 98) + `"`
	for name, c := range map[string]struct {
		reply httpxtest.Reply
		ok    bool
	}{
		"just fits":     {httpxtest.JSON(200, exact), true},
		"too long":      {httpxtest.JSON(200, exact+" "), false},
		"chunked":       {httpxtest.JSON(200, exact+" ").With("Trailer", "X"), false},
		"a zip bomb":    {httpxtest.JSON(200, zip(t, "gzip", make([]byte, 1<<20))).With("Content-Encoding", "gzip"), false},
		"zipped, fits":  {httpxtest.JSON(200, zip(t, "gzip", []byte(exact))).With("Content-Encoding", "gzip"), true},
		"a bad status":  {httpxtest.JSON(404, strings.Repeat("x", 1000)), false},
		"a long status": {httpxtest.JSON(404, strings.Repeat(" ", 1<<20)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Reply: c.reply}, httpxtest.Exchange{Method: "POST", Path: "/x", Reply: c.reply})
			var out string
			_, err := client(t, srv.Config("v")).Do(t.Context(), httpx.Request{Path: "/x", MaxBody: 100}, &out)
			_, werr := client(t, srv.Config("v")).Do(t.Context(), httpx.Request{Method: "POST", Path: "/x", MaxBody: 100}, &out)
			switch {
			case c.ok:
				require.NoError(t, err)
				require.NoError(t, werr)
				assert.Len(t, out, 98)
			case strings.Contains(name, "status"):
				require.ErrorIs(t, err, apierr.ErrNotFound, "the status stands")
			default:
				require.ErrorIs(t, err, httpx.ErrTooLarge)
				assert.EqualError(t, err, "v: the answer is larger than 100 B (200)")
				require.ErrorIs(t, werr, apierr.ErrUnknownOutcome, "a change that was answered beyond the limit")
			}
		})
	}
}

// TestEndlessBodyIsNotKept reads from a server that never stops sending.
func TestEndlessBodyIsNotKept(t *testing.T) {
	t.Parallel()
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	var sent atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			n, err := w.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	_, err := client(t, httpx.Config{BaseURL: srv.URL}).Do(t.Context(), httpx.Request{MaxBody: 1 << 20}, nil)
	require.ErrorIs(t, err, httpx.ErrTooLarge)
	assert.Less(t, sent.Load(), int64(64<<20), "it stops reading beyond the limit")
}

// TestAnswerThatAnnouncesTooMuchIsNotRead: the server sends nothing after that.
func TestAnswerThatAnnouncesTooMuchIsNotRead(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1073741824")
		assert.NoError(t, http.NewResponseController(w).Flush())
		<-r.Context().Done()
	}))
	defer srv.Close()
	_, err := client(t, httpx.Config{BaseURL: srv.URL}).Do(t.Context(), httpx.Request{Timeout: 10 * time.Second}, nil)
	require.ErrorIs(t, err, httpx.ErrTooLarge)
	assert.EqualError(t, err, "the answer is larger than 64.0 MiB (200)")
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply httpxtest.Reply
		r     httpx.Request
		says  string // "" is success
	}{
		"JSON as text":               {httpxtest.Text(200, `{"a":"b"}`), httpx.Request{}, ""},
		"JSON without a type":        {httpxtest.Status(200).With("Content-Type", ""), httpx.Request{Method: "DELETE", AnyType: true}, "empty"},
		"204":                        {httpxtest.Status(204), httpx.Request{}, ""},
		"HEAD":                       {httpxtest.JSON(200, ``), httpx.Request{Method: "HEAD"}, ""},
		"HTML when any type goes":    {httpxtest.Text(200, `<!doctype html>`), httpx.Request{AnyType: true}, "not JSON"},
		"HTML that claims text":      {httpxtest.Text(200, "\xef\xbb\xbf\r\n <!DOCTYPE HTML><p>"), httpx.Request{}, "answered a web page"},
		"HTML that claims nothing":   {httpxtest.Status(200).With("Content-Type", "application/octet-stream").WithBody("<html>"), httpx.Request{}, "answered a web page"},
		"JSON that holds HTML":       {httpxtest.JSON(200, `{"a":"<html>"}`), httpx.Request{}, ""},
		"plain text with a < in it":  {httpxtest.Text(200, `{"a":"<!doctype html>"}`), httpx.Request{}, ""},
		"page with a log in link":    {httpxtest.HTML(200).WithBody("<html><title>Wiki</title>log in"), httpx.Request{}, "answered a web page"},
		"login by title":             {httpxtest.HTML(200).WithBody("<html><TITLE lang=en>Sign In · Acme</TITLE>"), httpx.Request{}, "not signed in"},
		"login by Jenkins' redirect": {httpxtest.HTML(200).WithBody(`<html><head><meta http-equiv='refresh' content='1;url=/login?from=%2F'/>`), httpx.Request{}, "not signed in"},
		"login by header":            {httpxtest.HTML(200).With("WWW-Authenticate", "Basic"), httpx.Request{}, "not signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := c.r.Method
			srv := httpxtest.New(t, httpxtest.Exchange{Method: method, Path: "/x", Reply: c.reply})
			c.r.Path = "/x"
			var out map[string]any
			_, err := client(t, srv.Config("v")).Do(t.Context(), c.r, &out)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.says)
		})
	}
}

func TestBodyIsReturnedWhenNothingIsDecoded(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Header: map[string]string{"Accept": "text/plain"}, Reply: httpxtest.Text(200, "up 1\n")},
		httpxtest.Exchange{Path: "/page", Reply: httpxtest.HTML(200)})
	c := client(t, srv.Config("v"))
	res, err := c.Do(t.Context(), httpx.Request{Path: "/x", Accept: "text/plain"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "up 1\n", string(res.Body))
	res, err = c.Do(t.Context(), httpx.Request{Path: "/page", Accept: "text/html"}, nil)
	require.NoError(t, err)
	assert.Contains(t, string(res.Body), "nginx")
}
