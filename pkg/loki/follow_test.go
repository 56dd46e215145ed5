package loki_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
)

// quick makes Follow's waits short.
func quick(cfg *loki.Config) {
	cfg.Follow = loki.Delays{First: time.Millisecond, Most: 5 * time.Millisecond, Poll: 5 * time.Millisecond}
}

// followed collects what Follow hands over until want lines came.
type followed struct {
	mu     sync.Mutex
	lines  []string
	events []loki.Event
}

func (f *followed) kinds() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, e := range f.events {
		out = append(out, string(e.Kind))
	}
	return strings.Join(out, " ")
}

// follow runs Follow until want lines came; onEvent and onLines may push more.
func follow(t *testing.T, c *loki.Client, fo loki.Following, want int, onEvent func(loki.Event), onLines func(n int)) *followed {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	got := &followed{}
	err := c.Follow(ctx, fo, func(page []loki.Entry) error {
		got.mu.Lock()
		for _, e := range page {
			got.lines = append(got.lines, e.Line)
		}
		n := len(got.lines)
		got.mu.Unlock()
		if n >= want {
			cancel()
		}
		if onLines != nil {
			onLines(n)
		}
		return nil
	}, func(e loki.Event) error {
		got.mu.Lock()
		got.events = append(got.events, e)
		got.mu.Unlock()
		if onEvent != nil {
			onEvent(e)
		}
		return nil
	})
	require.NoError(t, err)
	return got
}

func texts(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("line ", i))
	}
	return out
}

func TestFollowLive(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	now := time.Now().UnixNano()
	next := 0
	push := func() {
		f.push(line{ns: now + int64(next), app: "a", text: fmt.Sprint("line ", next)})
		next++
	}
	got := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`}, 3,
		func(e loki.Event) {
			if e.Kind == loki.Connected {
				push()
			}
		}, func(int) { push() })
	assert.Equal(t, texts(3), got.lines[:3])
}

func TestFollowShowsHistoryFirst(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var store []line
	for i := range 10 {
		store = append(store, line{ns: now.Add(-time.Minute).UnixNano() + int64(i), app: "a", text: fmt.Sprint("line ", i)})
	}
	f := newFake(t, store...)
	all := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`, Since: now.Add(-time.Hour)}, 10, nil, nil)
	assert.Equal(t, texts(10), all.lines)
	// The overlap of the connection, fifteen seconds, brings no older ones back.
	some := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`, Since: now.Add(-time.Hour), Lines: 4}, 5, func(e loki.Event) {
		if e.Kind == loki.Connected {
			f.push(line{ns: time.Now().Add(time.Second).UnixNano(), app: "a", text: "live"})
		}
	}, nil)
	assert.Equal(t, append(texts(10)[6:], "live"), some.lines)
}

// The connection is cut again and again, in the middle of the flow; lines that
// were stored meanwhile come all the same, each once.
func TestFollowLeavesNoGapAndDoublesNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	base := time.Now().Add(time.Second).UnixNano()
	next := 0
	push := func(n int) {
		for range n {
			f.push(line{ns: base + int64(next/3), app: "a", text: fmt.Sprint("line ", next)})
			next++
		}
	}
	var mu sync.Mutex
	cut := make(chan struct{})
	f.tail = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		c := cut
		mu.Unlock()
		f.workingTail(w, r, c)
	}
	got := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`}, 60, func(e loki.Event) {
		switch e.Kind {
		case loki.Connected:
			push(5)
		case loki.Disconnected:
			push(7) // nobody listens now
			mu.Lock()
			cut = make(chan struct{})
			mu.Unlock()
		case loki.Dropped, loki.Polling:
		}
	}, func(n int) {
		mu.Lock()
		defer mu.Unlock()
		select {
		case <-cut:
		default:
			close(cut)
		}
	})
	assert.ElementsMatch(t, texts(len(got.lines)), got.lines)
	assert.GreaterOrEqual(t, strings.Count(got.kinds(), "disconnected"), 3)
}

func TestFollowPollsWhereWebSocketsDoNotPass(t *testing.T) {
	t.Parallel()
	for name, tail := range map[string]http.HandlerFunc{
		"no upgrade": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Bad Request", 400) },
		"not found":  http.NotFound,
		"gateway":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		"plain 200":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
		"too many tails": func(w http.ResponseWriter, r *http.Request) {
			ws, err := websocket.Accept(w, r, nil)
			if err == nil {
				_ = ws.Close(websocket.StatusInternalError, "max concurrent tail requests limit exceeded, count > limit (11 > 10)")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.tail = tail
			base := time.Now().Add(time.Second).UnixNano()
			next := 0
			push := func() {
				f.push(line{ns: base + int64(next), app: "a", text: fmt.Sprint("line ", next)})
				next++
			}
			got := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`}, 5, func(e loki.Event) {
				if e.Kind == loki.Polling {
					push()
				}
			}, func(int) { push() })
			assert.Equal(t, texts(5), got.lines[:5])
			assert.Contains(t, got.kinds(), "polling")
		})
	}
}

func TestFollowTellsOfDroppedLines(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.tail = func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		_ = ws.Write(r.Context(), websocket.MessageText, []byte(`{"streams":[{"stream":{"app":"a"},"values":[["5","x"]]}],"dropped_entries":[
			{"labels":{"app":"a"},"timestamp":"7000000000"},{"labels":"{app=\"a\"}","timestamp":"1970-01-01T00:00:03Z"}]}`))
		<-r.Context().Done()
	}
	var dropped loki.Event
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	err := f.client(t, quick).Follow(ctx, loki.Following{Query: `{app="a"}`}, func([]loki.Entry) error { return nil }, func(e loki.Event) error {
		if e.Kind == loki.Dropped {
			dropped = e
			cancel()
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, 2, dropped.Dropped)
	assert.Equal(t, time.Unix(3, 0).UTC(), dropped.From)
	assert.Equal(t, time.Unix(7, 0).UTC(), dropped.To)
}

// A socket that is open but dead is left: the server pings every second.
func TestFollowLeavesASilentSocket(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var mu sync.Mutex
	n := 0
	f.tail = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		first := n == 1
		mu.Unlock()
		if first {
			ws, err := websocket.Accept(w, r, nil)
			if err == nil {
				<-ws.CloseRead(r.Context()).Done()
			}
			return
		}
		f.workingTail(w, r, nil)
	}
	base := time.Now().Add(time.Second).UnixNano()
	got := follow(t, f.client(t, quick, func(c *loki.Config) { c.Follow.Silence = 30 * time.Millisecond }), loki.Following{Query: `{app="a"}`}, 1, func(e loki.Event) {
		if e.Kind == loki.Disconnected {
			f.push(line{ns: base, app: "a", text: "line 0"})
		}
	}, nil)
	assert.Equal(t, texts(1), got.lines)
	assert.Contains(t, got.events[1].Message, "silence")
}

func TestFollowEndsWithAReadableError(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, 400, "text/plain", "parse error at line 1, col 3: syntax error", quick)
	err := c.Follow(within(t), loki.Following{Query: `{a`}, nil, nil)
	require.ErrorIs(t, err, apierr.ErrInvalid)
	assert.Contains(t, err.Error(), "parse error")

	c, _ = answering(t, 401, "application/json", `{"message":"Unauthorized"}`, quick)
	require.ErrorIs(t, c.Follow(within(t), loki.Following{Query: `{a="b"}`}, nil, nil), apierr.ErrAuth)

	c, _ = answering(t, 200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[]}}`, quick)
	require.ErrorIs(t, c.Follow(within(t), loki.Following{Query: `rate({a="b"}[1m])`}, nil, nil), apierr.ErrUsage)

	f := newFake(t, line{ns: time.Now().Add(-time.Minute).UnixNano(), app: "a", text: "x"})
	mine := errors.New("the pipe is closed")
	err = f.client(t, quick).Follow(within(t), loki.Following{Query: `{app="a"}`, Since: time.Now().Add(-time.Hour)}, func([]loki.Entry) error { return mine }, nil)
	require.ErrorIs(t, err, mine)
}
