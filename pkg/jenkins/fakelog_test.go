package jenkins

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// fakeLog serves one build's log as stapler's LargeText does (contract section
// 8), on both sides of 2.509, and its build's JSON.
type fakeLog struct {
	mu       sync.Mutex
	version  string // X-Jenkins; "" sends no header
	raw      []byte // the log file
	done     bool   // no more will be written
	building bool
	result   string
	lineCap  int // 10,000 in Jenkins
	latin1   bool

	faults   []func(w http.ResponseWriter) bool // one per request to the log, nil entries pass
	cutAfter []int                              // bytes after which an answer is cut; 0 is whole
	requests []string
}

func (l *fakeLog) write(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.raw = fmt.Appendf(l.raw, format, args...)
}

func (l *fakeLog) finish(result string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done, l.building, l.result = true, false, result
}

func (l *fakeLog) headerIsLength() bool {
	v, ok := ParseVersion(l.version)
	return !ok || v.AtLeast(2, 509)
}

// cut returns what an answer from start holds, and where it ends.
func (l *fakeLog) cut(start int) (body []byte, end int) {
	data := l.raw[start:]
	if !l.done {
		ends, last := 0, 0
		for i, b := range data {
			if b == '\n' || b == '\r' {
				last = i + 1
				if ends++; ends >= l.lineCap {
					break
				}
			}
		}
		data = data[:last]
	}
	return data, start + len(data)
}

func crlf(b []byte) []byte {
	var out bytes.Buffer
	for i, ch := range b {
		if ch == '\n' && (i == 0 || b[i-1] != '\r') {
			out.WriteByte('\r')
		}
		out.WriteByte(ch)
	}
	return out.Bytes()
}

func fromLatin1(b []byte) []byte {
	var out []rune
	for _, ch := range b {
		out = append(out, rune(ch))
	}
	return []byte(string(out))
}

func withoutNotes(b []byte) []byte {
	var out bytes.Buffer
	f := noteFilter{w: &out}
	_, _ = f.Write(b)
	_ = f.flush()
	return out.Bytes()
}

func (l *fakeLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/base/job/e2e/7")
	l.requests = append(l.requests, path+"?"+r.URL.RawQuery)
	if l.version != "" {
		w.Header().Set("X-Jenkins", l.version)
	}
	switch path {
	case "/api/json":
		result := "null"
		if l.result != "" {
			result = strconv.Quote(l.result)
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"number":7,"building":%v,"inProgress":%v,"result":%s,"timestamp":1,"duration":0}`, l.building, !l.done, result)
	case "/consoleText":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(withoutNotes(bytes.ReplaceAll(l.raw, []byte("\r\n"), []byte("\n"))))
	case "/logText/progressiveText":
		l.progressive(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (l *fakeLog) progressive(w http.ResponseWriter, r *http.Request) {
	if len(l.faults) > 0 {
		f := l.faults[0]
		l.faults = l.faults[1:]
		if f != nil && f(w) {
			return
		}
	}
	v, _ := ParseVersion(l.version)
	start, err := strconv.Atoi(r.URL.Query().Get("start"))
	if err != nil || start < 0 && !v.hasMultipartLog() {
		http.Error(w, "Oops", http.StatusInternalServerError)
		return
	}
	if r.Header.Get("Accept") == "multipart/form-data" && v.hasMultipartLog() {
		l.parts(w, start)
		return
	}
	if start > len(l.raw) {
		start = 0
	}
	body, end := l.cut(start)
	size := len(l.raw)
	if !l.headerIsLength() {
		size, body = end, withoutNotes(body)
	}
	if l.latin1 {
		body = fromLatin1(body)
	}
	body = crlf(body)
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	w.Header().Set("X-Text-Size", strconv.Itoa(size))
	if !l.done {
		w.Header().Set("X-More-Data", "true")
	}
	if len(l.cutAfter) > 0 {
		n := l.cutAfter[0]
		l.cutAfter = l.cutAfter[1:]
		if n > 0 && n < len(body) {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body[:n])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	_, _ = w.Write(body)
}

func (l *fakeLog) parts(w http.ResponseWriter, start int) {
	if start < 0 {
		start = max(0, len(l.raw)+start)
		if i := bytes.IndexByte(l.raw[start:], '\n'); start > 0 && i >= 0 {
			start += i + 1
		}
	}
	w.Header().Set("Content-Type", "multipart/form-data;boundary=b0")
	text := withoutNotes(l.raw[start:])
	fmt.Fprintf(w, "--b0\r\nContent-Disposition: form-data;name=\"text\"\r\n\r\n%s\r\n--b0\r\nContent-Disposition: form-data;name=\"meta\"\r\n\r\n{\"completed\":%v,\"start\":%d,\"end\":%d,\"startFromNewLine\":true}\r\n--b0--\r\n",
		text, l.done, start, len(l.raw))
}

// want is what a follower must have shown.
func (l *fakeLog) want() string {
	raw := l.raw
	if l.latin1 {
		raw = fromLatin1(raw)
	}
	return string(withoutNotes(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))))
}

// serveLog starts a server for l. Every pause of the client runs step, which
// writes to the log.
func serveLog(t *testing.T, l *fakeLog, step func(pause int, d time.Duration)) *Client {
	t.Helper()
	if l.lineCap == 0 {
		l.lineCap = 10000
	}
	srv := httptest.NewServer(l)
	t.Cleanup(srv.Close)
	clock := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	n := 0
	c, err := New(Config{User: "you", Token: secret.New("token-1"), HTTP: httpx.Config{
		BaseURL: srv.URL + "/base",
		Retry:   httpx.RetryPolicy{Max: -1},
		Now:     func() time.Time { mu.Lock(); defer mu.Unlock(); return clock },
		Sleep: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			clock = clock.Add(d)
			n++
			at := n
			mu.Unlock()
			if step != nil {
				step(at, d)
			}
			return ctx.Err()
		},
	}})
	require.NoError(t, err)
	return c
}

var job = JobName{"e2e"}

// script drives a log through pieces, one a pause, and then ends it.
func script(l *fakeLog, pieces []string) func(int, time.Duration) {
	return func(n int, _ time.Duration) {
		switch {
		case n <= len(pieces):
			l.write("%s", pieces[n-1])
		case n == len(pieces)+1:
			l.write("Finished: FAILURE\n")
			l.finish("FAILURE")
		case n > len(pieces)+200:
			panic("the follower does not end")
		}
	}
}

// randomPieces makes writes of a log: whole and partial lines, progress bars,
// notes, CRLF by chance of crlf, non-ASCII.
func randomPieces(r *rand.Rand, crlfShare float64, notes bool) []string {
	var out []string
	for range 3 + r.IntN(12) {
		var b strings.Builder
		for range r.IntN(60) * r.IntN(60) {
			switch k := r.IntN(12); {
			case k == 0:
				fmt.Fprintf(&b, "progress %d%%\r", r.IntN(100))
			case k == 1 && notes:
				fmt.Fprintf(&b, "n\x1b[8mha:%x\x1b[0m", r.Uint64()) // never between CR and LF
			case k == 2:
				b.WriteString("päivää ✓ ")
			case k == 3:
				b.WriteString("part of a line ")
			default:
				fmt.Fprintf(&b, "line %d of %d", r.IntN(5), r.IntN(1e6))
			}
			if r.IntN(4) > 0 {
				if r.Float64() < crlfShare {
					b.WriteString("\r\n")
				} else {
					b.WriteString("\n")
				}
			}
		}
		out = append(out, b.String())
	}
	return out
}

type failing struct{ after int }

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}
