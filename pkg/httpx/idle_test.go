package httpx

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestChangeAfterAPauseUsesAFreshConnection: on a kept one that the server is
// just closing, the outcome of a change would be unknown.
func TestChangeAfterAPauseUsesAFreshConnection(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c, err := New(Config{BaseURL: srv.URL})
	require.NoError(t, err)
	// idle says when the last request was, in place of a clock that a slow machine
	// lets run between two steps.
	idle := func(ago time.Duration) {
		c.idle.mu.Lock()
		defer c.idle.mu.Unlock()
		c.idle.last = time.Now().Add(-ago)
	}
	for i, step := range []struct {
		method string
		pause  bool
		conns  int32
	}{{"GET", false, 1}, {"POST", false, 1}, {"GET", true, 1}, {"POST", true, 2}, {"POST", false, 2}} {
		idle(-time.Hour)
		if step.pause {
			idle(keepFor + time.Second)
		}
		_, err := c.Do(t.Context(), Request{Method: step.method}, nil)
		require.NoError(t, err)
		assert.Equal(t, step.conns, conns.Load(), "step %d", i)
	}
}
