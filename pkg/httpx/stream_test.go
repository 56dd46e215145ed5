package httpx_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

// streamed opens a stream at a handler that is mounted under a base path.
func streamed(t *testing.T, ctx context.Context, r httpx.Request, h http.HandlerFunc) (*httpx.Stream, error) { //nolint:revive // t first
	t.Helper()
	srv := httptest.NewServer(http.StripPrefix("/base", h))
	t.Cleanup(srv.Close)
	s, err := client(t, httpx.Config{Vendor: "loki", BaseURL: srv.URL + "/base", Sleep: noSleep}).Stream(ctx, r)
	if err == nil {
		t.Cleanup(func() { _ = s.Body.Close() })
	}
	return s, err
}

func flush(t *testing.T, w http.ResponseWriter, text string) {
	t.Helper()
	_, err := io.WriteString(w, text)
	assert.NoError(t, err)
	assert.NoError(t, http.NewResponseController(w).Flush())
}

func TestStreamArrivesBitByBit(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	s, err := streamed(t, t.Context(), httpx.Request{Path: "/tail?q=1", Accept: "text/plain"}, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/tail?q=1", r.URL.RequestURI())
		flush(t, w, "")
		for text := range next {
			flush(t, w, text)
		}
	})
	require.NoError(t, err)
	assert.Equal(t, 200, s.Status)
	assert.Equal(t, "/base/tail", s.URL.Path)
	buf := make([]byte, 100)
	for _, text := range []string{"one\n", "two\n"} {
		next <- text
		n, err := s.Body.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, text, string(buf[:n]))
	}
	close(next)
	_, err = s.Body.Read(buf)
	require.Equal(t, io.EOF, err, "bare, as callers compare it")
	_, err = s.Body.Read(buf)
	require.Equal(t, io.EOF, err)
}

func TestStreamErrorsBeforeTheFirstByteAreThoseOfDo(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.Status(503)},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.ResetAfter()},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.Redirect(302, "/base/path/y")},
		httpxtest.Exchange{Path: "/y", Reply: httpxtest.Text(200, "ok")},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.JSON(404, `{"error":"no such build"}`)},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.LoginPage(200)},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.HTML(200)},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.Text(404, "raw")},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.HTML(200)},
	)
	c := client(t, srv.Config("jenkins"))
	r := httpx.Request{Op: "read the log", Path: "/x"}
	s, err := c.Stream(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, s.Body.Close())
	assert.Equal(t, "/base/path/y", s.URL.Path)
	_, err = c.Stream(t.Context(), r)
	require.ErrorIs(t, err, apierr.ErrNotFound)
	require.EqualError(t, err, "jenkins: read the log: not found: no such build (404)")
	_, err = c.Stream(t.Context(), r)
	require.ErrorIs(t, err, apierr.ErrAuth)
	_, err = c.Stream(t.Context(), r)
	require.ErrorIs(t, err, apierr.ErrUnavailable)

	r.AnyStatus = true
	s, err = c.Stream(t.Context(), r)
	require.NoError(t, err)
	body, err := io.ReadAll(s.Body)
	require.NoError(t, err)
	assert.Equal(t, "raw", string(body))
	assert.Equal(t, 404, s.Status)
	r.AnyType = true
	s, err = c.Stream(t.Context(), r)
	require.NoError(t, err)
	body, err = io.ReadAll(s.Body)
	require.NoError(t, err)
	require.NoError(t, s.Body.Close())
	assert.Contains(t, string(body), "nginx")
}

func TestStreamThatBreaksIsNotRepeated(t *testing.T) {
	t.Parallel()
	asked := 0
	s, err := streamed(t, t.Context(), httpx.Request{Op: "read the log"}, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		flush(t, w, "some text")
		panic(http.ErrAbortHandler)
	})
	require.NoError(t, err)
	body, err := io.ReadAll(s.Body)
	assert.Equal(t, "some text", string(body))
	require.EqualError(t, err, "loki: read the log: the connection was lost after 9 B of the answer")
	require.ErrorIs(t, err, apierr.ErrUnavailable)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, 1, asked)
	_, again := s.Body.Read(make([]byte, 1))
	assert.Equal(t, err, again, "the error stays")
}

func TestStreamEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s, err := streamed(t, ctx, httpx.Request{Op: "follow"}, func(w http.ResponseWriter, r *http.Request) {
		flush(t, w, "x")
		<-r.Context().Done()
	})
	require.NoError(t, err)
	_, err = s.Body.Read(make([]byte, 1))
	require.NoError(t, err)
	cancel()
	_, err = s.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "loki: follow: interrupted")
	assert.Empty(t, kindsOf(err))
}

func TestStreamClosedIsClosed(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s, err := streamed(t, t.Context(), httpx.Request{}, func(w http.ResponseWriter, r *http.Request) {
		flush(t, w, "x")
		<-r.Context().Done()
		close(gone)
	})
	require.NoError(t, err)
	require.NoError(t, s.Body.Close())
	<-gone // the server learns of it
	_, err = s.Body.Read(make([]byte, 1))
	require.Error(t, err)
	assert.NoError(t, s.Body.Close())
}

func TestStreamWithALimit(t *testing.T) {
	t.Parallel()
	s, err := streamed(t, t.Context(), httpx.Request{MaxBody: 10}, func(w http.ResponseWriter, _ *http.Request) { flush(t, w, strings.Repeat("x", 50)) })
	require.NoError(t, err)
	body, err := io.ReadAll(s.Body)
	require.ErrorIs(t, err, httpx.ErrTooLarge)
	assert.Len(t, body, 10)
}

// TestStreamOfAGiB reads one GiB, plain and compressed, through a small buffer.
func TestStreamOfAGiB(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a GiB takes a second")
	}
	const total = 1 << 30
	chunk := bytes.Repeat([]byte("a line of a log, as they are\n"), 1<<15)[:512<<10]
	for _, zipped := range []bool{false, true} {
		s, err := streamed(t, t.Context(), httpx.Request{Accept: "text/plain"}, func(w http.ResponseWriter, r *http.Request) {
			var out io.Writer = w
			if zipped {
				w.Header().Set("Content-Encoding", "gzip")
				z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
				if !assert.NoError(t, err) {
					return
				}
				defer z.Close()
				out = z
			}
			n := total
			if zipped {
				n = 64 << 20 // the server's compression is what takes the time
			}
			for ; n > 0; n -= len(chunk) {
				if _, err := out.Write(chunk); err != nil {
					return
				}
			}
		})
		require.NoError(t, err)
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, s.Body, make([]byte, 64<<10))
		require.NoError(t, err)
		if zipped {
			assert.EqualValues(t, 64<<20, n)
		} else {
			assert.EqualValues(t, total, n)
		}
		require.NoError(t, s.Body.Close())
	}
}

func TestStreamErrorIsAnAPIError(t *testing.T) {
	t.Parallel()
	s, err := streamed(t, t.Context(), httpx.Request{Op: "read"}, func(w http.ResponseWriter, _ *http.Request) {
		flush(t, w, "x")
		panic(http.ErrAbortHandler)
	})
	require.NoError(t, err)
	_, err = io.ReadAll(s.Body)
	var e *apierr.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "loki", e.Vendor)
	assert.Equal(t, "GET", e.Method)
}
