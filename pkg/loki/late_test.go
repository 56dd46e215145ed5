package loki_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/pkg/loki"
)

// A host whose clock is behind, or a shipper that is: its lines are stored with
// times from before what was shown, even from before the beginning, and come all
// the same where lines are polled. What was there at the beginning does not.
func TestFollowFindsLateLinesByPolling(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newFake(t, line{ns: now.Add(-2 * time.Minute).UnixNano(), app: "a", text: "old"})
	f.tail = http.NotFound
	got := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`}, 6, func(e loki.Event) {
		if e.Kind == loki.Polling {
			f.push(line{ns: time.Now().UnixNano(), app: "a", text: "in time"})
		}
	}, func(n int) {
		if n == 1 {
			for i := range 5 {
				f.push(line{ns: now.Add(-time.Duration(i+1) * time.Minute).UnixNano(), app: "a", text: fmt.Sprint("line ", i)})
			}
		}
	})
	assert.Equal(t, "in time", got.lines[0])
	assert.ElementsMatch(t, texts(5), got.lines[1:])
}

// What comes late while the connection is lost, with times from before what was
// shown last, is there after the next connection, each line once.
func TestFollowFindsLateLinesOfAGap(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newFake(t, line{ns: now.Add(-8 * time.Minute).UnixNano(), app: "a", text: "old"})
	cut := make(chan struct{})
	var tails atomic.Int32
	f.tail = func(w http.ResponseWriter, r *http.Request) {
		if tails.Add(1) == 1 {
			f.workingTail(w, r, cut)
		} else {
			f.workingTail(w, r, nil)
		}
	}
	got := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`, Since: now.Add(-9 * time.Minute)}, 5, func(e loki.Event) {
		if e.Kind == loki.Disconnected {
			for i := range 3 {
				f.push(line{ns: now.Add(-time.Duration(i+1) * 2 * time.Minute).UnixNano(), app: "a", text: fmt.Sprint("line ", i)})
			}
		}
	}, func(n int) {
		switch n {
		case 1:
			f.push(line{ns: now.UnixNano(), app: "a", text: "live"})
		case 2:
			close(cut)
		}
	})
	assert.Equal(t, []string{"old", "live"}, got.lines[:2])
	assert.ElementsMatch(t, texts(3), got.lines[2:])
}

// A host whose clock is ahead does not hide the lines of the others.
func TestFollowIsNotLedByAClockThatIsAhead(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.tail = http.NotFound
	got := follow(t, f.client(t, quick), loki.Following{Query: `{app="a"}`}, 3, func(e loki.Event) {
		if e.Kind == loki.Polling {
			f.push(line{ns: time.Now().Add(5 * time.Minute).UnixNano(), app: "a", text: "line 0"})
		}
	}, func(n int) {
		f.push(line{ns: time.Now().UnixNano(), app: "a", text: fmt.Sprint("line ", n)})
	})
	assert.Equal(t, texts(3), got.lines[:3])
}

// What is remembered of the lines does not grow with their number, and a deep
// reading brings nothing back.
func TestFollowForgets(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
	h := loki.NewHanded(start)
	at := start
	for i := range 200_000 {
		at = start.Add(time.Duration(i) * 5 * time.Millisecond)
		if !h.Add(at, fmt.Sprint(i)) {
			t.Fatalf("line %d is not new", i)
		}
	}
	assert.Less(t, h.Len(), 70_000)
	deep := h.Deep(at)
	assert.LessOrEqual(t, at.Sub(deep), 10*time.Minute)
	assert.Greater(t, at.Sub(deep), time.Minute)
	for i := range 200_000 {
		if was := start.Add(time.Duration(i) * 5 * time.Millisecond); !was.Before(deep) && h.Add(was, fmt.Sprint(i)) {
			t.Fatalf("line %d would be shown again", i)
		}
	}
}
