package jenkins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

// versions are both sides of 2.509, a controller with multipart logs, and a
// proxy that drops the header (behind it both kinds).
var versions = []string{"2.504.3", "2.516.3", "2.579", ""}

func TestFollowLosesNothing(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		for seed := range uint64(40) {
			t.Run(fmt.Sprintf("%s/%d", version, seed), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(seed, 1))
				share := []float64{0, 0, 1, 0.3}[seed%4]
				l := &fakeLog{version: version, building: true, lineCap: 1000 + r.IntN(500)}
				pieces := randomPieces(r, share, seed%3 > 0)
				for range 40 {
					l.cutAfter = append(l.cutAfter, []int{0, 0, r.IntN(30000)}[r.IntN(3)])
				}
				var out bytes.Buffer
				c := serveLog(t, l, script(l, pieces))
				b, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{})
				require.NoError(t, err)
				assert.Equal(t, Failure, b.Result)
				assertSameText(t, l.want(), out.String())
			})
		}
	}
}

// A bare CR may be held back at the end of an answer, which is all that may differ.
func assertSameText(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	from := max(0, i-60)
	t.Fatalf("the text differs at byte %d of %d (got %d):\nwant ...%q\ngot  ...%q", i, len(want), len(got),
		want[from:min(len(want), i+60)], got[from:min(len(got), i+60)])
}

func TestFollowLongBursts(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			l := &fakeLog{version: version, building: true}
			var burst strings.Builder
			for i := range 35_000 {
				fmt.Fprintf(&burst, "line %d\n", i)
			}
			c := serveLog(t, l, script(l, []string{burst.String() + "and half a li", "ne\n"}))
			var out bytes.Buffer
			_, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{})
			require.NoError(t, err)
			assertSameText(t, l.want(), out.String())
		})
	}
}

func TestFollowLatin1(t *testing.T) {
	t.Parallel()
	l := &fakeLog{version: "2.516.3", building: true, latin1: true}
	var pieces []string
	for i := range 30 {
		pieces = append(pieces, fmt.Sprintf("%d: caf\xe9 \xe4\xf6\xfc\xdf\xe9\xe9\xe9\xe9\n%d: plain\n", i, i))
	}
	c := serveLog(t, l, script(l, pieces))
	var out bytes.Buffer
	_, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{})
	require.NoError(t, err)
	assertSameText(t, l.want(), out.String())
}

func TestFollowIsQuietWhenIdle(t *testing.T) {
	t.Parallel()
	l := &fakeLog{version: "2.516.3", building: true, raw: []byte("one\ntwo")}
	var waited time.Duration
	pauses := 0
	c := serveLog(t, l, func(n int, d time.Duration) {
		waited, pauses = waited+d, n
		assert.GreaterOrEqual(t, d, time.Second)
		assert.LessOrEqual(t, d, 6*time.Second)
		if n == 200 {
			l.write("\n")
			l.finish("SUCCESS")
		}
	})
	_, err := c.Follow(t.Context(), job, 7, io.Discard, FollowOptions{})
	require.NoError(t, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	assert.LessOrEqual(t, float64(len(l.requests)), waited.Seconds(), "more than a request a second")
	assert.Equal(t, 200, pauses)
}

func TestFollowRestarts(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			l := &fakeLog{version: version, building: true, raw: []byte(strings.Repeat("first life\n", 100))}
			c := serveLog(t, l, func(n int, _ time.Duration) {
				l.mu.Lock()
				defer l.mu.Unlock()
				switch n {
				case 1:
					l.raw = []byte("second life, short\n")
				case 2:
					l.raw = append(l.raw, strings.Repeat("more of it\n", 500)...)
				case 3:
					l.done, l.building, l.result = true, false, "SUCCESS"
				}
			})
			var out bytes.Buffer
			var kinds []FollowKind
			_, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{Notify: func(e FollowEvent) { kinds = append(kinds, e.Kind) }})
			require.NoError(t, err)
			assert.Contains(t, kinds, FollowRestart)
			assertSameText(t, strings.Repeat("first life\n", 100)+l.want(), out.String())
		})
	}
}

// The new log is longer than the old one was: only the text tells.
func TestFollowRestartThatOutgrew(t *testing.T) {
	t.Parallel()
	l := &fakeLog{version: "2.516.3", building: true, raw: []byte("first life\n")}
	c := serveLog(t, l, func(n int, _ time.Duration) {
		switch n {
		case 1:
			l.mu.Lock()
			l.raw = []byte(strings.Repeat("second life\n", 100))
			l.mu.Unlock()
		case 2:
			l.finish("SUCCESS")
		}
	})
	var out bytes.Buffer
	_, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{})
	require.NoError(t, err)
	assertSameText(t, "first life\n"+l.want(), out.String())
}

func TestFollowControllerRestarts(t *testing.T) {
	t.Parallel()
	down := func(w http.ResponseWriter) bool {
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html><title>Restarting Jenkins</title>Please wait while Jenkins is restarting</html>")
		return true
	}
	drop := func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) }
	lost := func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusNotFound); return true }
	l := &fakeLog{version: "2.504.3", building: true, raw: []byte("before \x1b[8mha:AAAA\x1b[0mthe restart\n")}
	l.faults = []func(http.ResponseWriter) bool{nil, drop, down, lost, down, nil}
	c := serveLog(t, l, func(n int, _ time.Duration) {
		switch n {
		case 3: // it comes back as a newer version
			l.mu.Lock()
			l.version = "2.516.3"
			l.mu.Unlock()
			l.write("while \x1b[8mha:BBBB\x1b[0mit was away\n")
		case 8:
			l.write("after it\n")
			l.finish("ABORTED")
		}
	})
	var out bytes.Buffer
	var kinds []FollowKind
	b, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{Notify: func(e FollowEvent) { kinds = append(kinds, e.Kind) }})
	require.NoError(t, err)
	assert.Equal(t, Aborted, b.Result)
	assert.Equal(t, []FollowKind{FollowCounting, FollowAway, FollowCounting, FollowBack}, kinds)
	assert.Equal(t, "before the restart\nwhile it was away\nafter it\n", out.String())
}

func TestFollowEndsOnlyWhenTheBuildDoes(t *testing.T) {
	t.Parallel()
	// Freestyle: "building" is false and More-Data gone while lines still come.
	l := &fakeLog{version: "2.516.3", raw: []byte("tests\n"), result: "UNSTABLE"}
	c := serveLog(t, l, func(n int, _ time.Duration) {
		switch n {
		case 2:
			l.write("publishing reports\n")
		case 4:
			l.write("Finished: UNSTABLE\n")
			l.finish("UNSTABLE")
		}
	})
	var out bytes.Buffer
	b, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{})
	require.NoError(t, err)
	assert.Equal(t, Unstable, b.Result)
	assert.Equal(t, "tests\npublishing reports\nFinished: UNSTABLE\n", out.String())
}

func TestFollowFails(t *testing.T) {
	t.Parallel()
	login := func(w http.ResponseWriter) bool {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<form action="/login"><input type="password"></form>`)
		return true
	}
	status := func(n int) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool { w.WriteHeader(n); return true }
	}
	type faults = []func(http.ResponseWriter) bool
	for name, tc := range map[string]struct {
		faults faults
		kind   error
	}{
		"login page with 200": {faults{nil, login}, apierr.ErrAuth},
		"401":                 {faults{nil, status(401)}, apierr.ErrAuth},
		"403":                 {faults{nil, status(403)}, apierr.ErrAuth},
		"gone for good":       {faults{nil, status(404), status(404), status(404), status(404), status(404)}, apierr.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &fakeLog{version: "2.516.3", building: true, raw: []byte("a\n"), faults: tc.faults}
			c := serveLog(t, l, nil)
			_, err := c.Follow(t.Context(), job, 7, io.Discard, FollowOptions{})
			assert.ErrorIs(t, err, tc.kind)
		})
	}
	t.Run("away too long", func(t *testing.T) {
		t.Parallel()
		l := &fakeLog{version: "2.516.3", building: true, raw: []byte("a\n")}
		for range 400 {
			l.faults = append(l.faults, status(503))
		}
		c := serveLog(t, l, nil)
		_, err := c.Follow(t.Context(), job, 7, io.Discard, FollowOptions{AwayLimit: time.Minute})
		assert.ErrorIs(t, err, apierr.ErrUnavailable)
	})
	t.Run("the reader went away", func(t *testing.T) {
		t.Parallel()
		l := &fakeLog{version: "2.516.3", building: true, raw: []byte(strings.Repeat("a\n", 100))}
		c := serveLog(t, l, nil)
		_, err := c.Follow(t.Context(), job, 7, &failing{after: 10}, FollowOptions{})
		assert.ErrorIs(t, err, io.ErrClosedPipe)
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		l := &fakeLog{version: "2.516.3", building: true, raw: []byte("a\n")}
		c := serveLog(t, l, func(int, time.Duration) { cancel() })
		_, err := c.Follow(ctx, job, 7, io.Discard, FollowOptions{})
		assert.ErrorIs(t, err, context.Canceled)
	})
}

func TestTail(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&text, "line %d \x1b[8mha:AAAA\x1b[0m%s\n", i, strings.Repeat("x", i%40))
	}
	for _, version := range versions {
		for _, finished := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/finished=%v", version, finished), func(t *testing.T) {
				t.Parallel()
				l := &fakeLog{version: version, building: true, raw: []byte(text.String())}
				if finished {
					l.finish("FAILURE")
				}
				c := serveLog(t, l, nil)
				for _, n := range []int{1, 10, 4000, 29_999, 50_000} {
					var out bytes.Buffer
					require.NoError(t, c.Tail(t.Context(), job, 7, n, &out))
					lines := strings.SplitAfter(l.want(), "\n")
					lines = lines[:len(lines)-1]
					assertSameText(t, strings.Join(lines[max(0, len(lines)-n):], ""), out.String())
				}
			})
		}
	}
}

func TestTailThenFollow(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			l := &fakeLog{version: version, building: true, raw: []byte(strings.Repeat("old\n", 50_000) + "newest\nhalf ")}
			c := serveLog(t, l, script(l, []string{"", "a line\n", strings.Repeat("burst\n", 20_000)}))
			var out bytes.Buffer
			_, err := c.Follow(t.Context(), job, 7, &out, FollowOptions{Tail: 2})
			require.NoError(t, err)
			assertSameText(t, "old\nnewest\nhalf a line\n"+strings.Repeat("burst\n", 20_000)+"Finished: FAILURE\n", out.String())
		})
	}
}

func TestTailOfNothing(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		l := &fakeLog{version: version, building: true}
		c := serveLog(t, l, nil)
		var out bytes.Buffer
		require.NoError(t, c.Tail(t.Context(), job, 7, 5, &out))
		assert.Empty(t, out.String())
		assert.ErrorIs(t, c.Tail(t.Context(), job, 7, 0, &out), apierr.ErrUsage)
	}
}

func TestTailBoundsALine(t *testing.T) {
	t.Parallel()
	ring := newLastLines(2)
	chunk := bytes.Repeat([]byte("y"), 1<<16)
	for range 64 {
		_, _ = ring.Write(chunk)
	}
	_, _ = ring.Write([]byte("\nlast\n"))
	var out bytes.Buffer
	require.NoError(t, ring.writeTo(&out))
	assert.Equal(t, strings.Repeat("y", maxTailLine)+fmt.Sprintf(" [%d bytes of this line left out]\nlast\n", 4<<20-maxTailLine), out.String())
}

func TestNoteFilter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\x1b[8mha:QUJD\x1b[0mb\n":                 "ab\n",
		"\x1b[8mha:no end\nnext\x1b[0m\n":           "\x1b[8mha:no end\nnext\x1b[0m\n",
		"\x1b[31mred\x1b[0m\n":                      "\x1b[31mred\x1b[0m\n",
		"x\x1b[8mha:A\x1b[0m\x1b[8mha:B\x1b[0my":    "xy",
		"\x1b[8mha:A":                               "\x1b[8mha:A",
		"\x1b\x1b[8mha:A\x1b[0m!":                   "\x1b!",
		"\x1b[8mha:\x1b[8mha:A\x1b[0m still a note": " still a note",
	} {
		for size := 1; size <= len(in); size++ {
			var out bytes.Buffer
			f := noteFilter{w: &out}
			for i := 0; i < len(in); i += size {
				n, err := f.Write([]byte(in[i:min(len(in), i+size)]))
				require.NoError(t, err)
				require.Positive(t, n)
			}
			require.NoError(t, f.flush())
			assert.Equal(t, want, out.String(), "%q in pieces of %d", in, size)
		}
	}
}

// However the text is cut into pieces, the filters say the same.
func FuzzLogText(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\n\r\n\r\r\n"), 3)
	f.Add([]byte("a\x1b[8mha:QUJD\x1b[0mb\n\x1b[8mha:"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size = 1 + (size&0x7fffffff)%64
		var whole, pieces bytes.Buffer
		for _, c := range []struct {
			out  *bytes.Buffer
			size int
		}{{&whole, max(1, len(in))}, {&pieces, size}} {
			var u unfold
			n := noteFilter{w: c.out}
			for i := 0; i < len(in); i += c.size {
				_, err := n.Write(u.next(in[i:min(len(in), i+c.size)], nil))
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := n.flush(); err != nil {
				t.Fatal(err)
			}
			if u.held {
				c.out.WriteByte('\r')
			}
		}
		if !bytes.Equal(whole.Bytes(), pieces.Bytes()) {
			t.Fatalf("%q in pieces of %d: %q, not %q", in, size, pieces.Bytes(), whole.Bytes())
		}
		if bytes.Contains(whole.Bytes(), []byte("\r\n")) && !bytes.Contains(in, []byte("\r\r\n")) && !bytes.Contains(in, notePreamble) {
			t.Fatalf("a CRLF is left of %q", in)
		}
	})
}

var errAny = errors.New("any")

func TestUnsink(t *testing.T) {
	t.Parallel()
	assert.Equal(t, errAny, unsink(fmt.Errorf("x: %w", errSink{errAny})))
	assert.NoError(t, unsink(nil))
}
