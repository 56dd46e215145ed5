package httpx_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// pipes is a network in memory, so that hours pass at once in a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// slow runs f in a bubble with a client of a server in memory.
func slow(t *testing.T, h http.HandlerFunc, f func(t *testing.T, c *httpx.Client)) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		srv := &http.Server{Handler: h}
		go func() { _ = srv.Serve(p) }()
		tr := &http.Transport{DialContext: p.dial}
		defer func() {
			tr.CloseIdleConnections()
			assert.NoError(t, srv.Close())
		}()
		f(t, client(t, httpx.Config{Vendor: "loki", BaseURL: "http://memory/base", Transport: tr}))
	})
}

func TestStreamEndsWhenNothingArrives(t *testing.T) {
	t.Parallel()
	slow(t, func(w http.ResponseWriter, r *http.Request) {
		flush(t, w, "x")
		<-r.Context().Done()
	}, func(t *testing.T, c *httpx.Client) {
		start := time.Now()
		s, err := c.Stream(t.Context(), httpx.Request{Op: "follow"})
		require.NoError(t, err)
		_, err = io.ReadAll(s.Body)
		require.EqualError(t, err, "loki: follow: nothing arrived for 5m0s")
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		assert.Equal(t, httpx.StreamIdle, time.Since(start))
		require.NoError(t, s.Body.Close())
	})
}

func TestStreamEndsWhenNoAnswerComes(t *testing.T) {
	t.Parallel()
	slow(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *testing.T, c *httpx.Client) {
		_, err := c.Stream(t.Context(), httpx.Request{Op: "follow", Timeout: time.Minute})
		require.EqualError(t, err, "loki: follow: timed out after 1m0s waiting for the answer of memory")
		require.ErrorIs(t, err, apierr.ErrUnavailable)
	})
}

func TestStreamOfHoursIsNotCut(t *testing.T) {
	t.Parallel()
	slow(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			flush(t, w, "x")
			time.Sleep(4 * time.Minute)
		}
	}, func(t *testing.T, c *httpx.Client) {
		start := time.Now()
		s, err := c.Stream(t.Context(), httpx.Request{})
		require.NoError(t, err)
		time.Sleep(time.Hour) // before the first read nothing is late either
		buf := make([]byte, 1)
		for i := range 100 {
			_, err := s.Body.Read(buf)
			require.NoError(t, err)
			if i == 50 {
				time.Sleep(time.Hour) // a slow reader: nothing was asked for, so nothing is late
			}
		}
		_, err = s.Body.Read(buf)
		require.Equal(t, io.EOF, err)
		assert.Greater(t, time.Since(start), 6*time.Hour)
		require.NoError(t, s.Body.Close())
	})
}

func TestRequestLimitCountsTheBodyToo(t *testing.T) {
	t.Parallel()
	slow(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := io.WriteString(w, "x"); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Second)
		}
	}, func(t *testing.T, c *httpx.Client) {
		start := time.Now()
		_, err := c.Do(t.Context(), httpx.Request{Op: "look"}, nil)
		require.EqualError(t, err, "loki: look: timed out after 30s reading the answer of memory (200)")
		assert.Equal(t, httpx.DefaultTimeout, time.Since(start), "and it is not tried again")
		res, err := c.Do(t.Context(), httpx.Request{Op: "look", Timeout: 2 * time.Minute}, nil)
		require.NoError(t, err, "a request can have a limit of its own")
		assert.Len(t, res.Body, 100)
	})
}
