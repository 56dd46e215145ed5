package logs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/root"
)

// A Loki with a million lines in the last hour. It takes its time: a real one
// gave 33,000 lines a second on one connection (contract note section 5), so each
// line of an answer costs 30 microseconds besides what it costs to send.
const (
	millionLines = 1_000_000
	lineCost     = 30 * time.Microsecond
	maxMemory    = 128 // MiB
)

type million struct{ begin, gap int64 }

func (m million) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if strings.HasSuffix(r.URL.Path, "index/stats") {
		_, _ = io.WriteString(w, `{"streams":1,"chunks":9,"bytes":400000000,"entries":2000000}`)
		return
	}
	start, _ := strconv.ParseInt(q.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(q.Get("end"), 10, 64)
	limit, _ := strconv.Atoi(q.Get("limit"))
	first := max((start-m.begin+m.gap-1)/m.gap, 0)
	last := min((end-m.begin+m.gap-1)/m.gap, millionLines)
	if n := last - first; n > int64(limit) {
		if q.Get("direction") == "forward" {
			last = first + int64(limit)
		} else {
			first = last - int64(limit)
		}
	}
	time.Sleep(time.Duration(max(last-first, 0)) * lineCost)
	var b bytes.Buffer
	b.WriteString(`{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[{"stream":{"service":"api","host":"ip-10-0-1-11","level":"info"},"values":[`)
	for i := first; i < last; i++ {
		if i > first {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `["%d","method=GET path=/v7/device status=200 duration=12ms version=17.4.1 request=%d user_agent=supervisor/16.1.0 bytes=5120",{"structuredMetadata":{"trace_id":"%016x"}}]`, m.begin+i*m.gap, i, i)
	}
	b.WriteString(`]}]}}`)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.Bytes())
}

// singleConnection is the fastest reader on one connection: it asks for page
// after page and looks for nothing in them but the last time.
func singleConnection(b *testing.B, base string, begin, end int64) {
	b.Helper()
	var buf bytes.Buffer
	for start := begin; ; {
		v := url.Values{"query": {"{}"}, "start": {strconv.FormatInt(start, 10)}, "end": {strconv.FormatInt(end, 10)}, "limit": {"5000"}, "direction": {"forward"}}
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, base+"/loki/api/v1/query_range?"+v.Encode(), nil)
		require.NoError(b, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(b, err)
		buf.Reset()
		_, err = buf.ReadFrom(res.Body)
		require.NoError(b, err)
		_ = res.Body.Close()
		at := bytes.LastIndex(buf.Bytes(), []byte(`["1`))
		if at < 0 || bytes.Count(buf.Bytes(), []byte(`"trace_id"`)) < 5000 {
			return
		}
		last, err := strconv.ParseInt(string(buf.Bytes()[at+2:at+21]), 10, 64)
		require.NoError(b, err)
		start = last + 1
	}
}

// BenchmarkMillionLines reads a million lines out of one server and fails when it
// is not half as fast again as a reader on one connection, or holds more than
// 128 MiB.
func BenchmarkMillionLines(b *testing.B) {
	now := time.Now()
	m := million{begin: now.Add(-59 * time.Minute).UnixNano(), gap: int64(58*time.Minute) / millionLines}
	s := httptest.NewServer(m)
	defer s.Close()
	start := time.Now()
	singleConnection(b, s.URL, m.begin, now.UnixNano())
	single := time.Since(start)
	child := clitest.NewChild(b)
	for b.Loop() {
		start := time.Now()
		peak := child.Run(b, []string{"ONCALL_LOKI_URL=" + s.URL}, "logs", "query", `{service="api"}`, "--since", "1h", "--limit", "0", "-o", "jsonl")
		took := time.Since(start)
		b.ReportMetric(millionLines/took.Seconds(), "lines/s")
		b.ReportMetric(millionLines/single.Seconds(), "single-lines/s")
		b.ReportMetric(single.Seconds()/took.Seconds(), "x")
		b.ReportMetric(peak, "MiB")
		if took > single*2/3 {
			b.Errorf("%s for a million lines, one connection took %s", took, single)
		}
		if peak > maxMemory {
			b.Errorf("it held %.0f MiB", peak)
		}
	}
}

// clock remembers when something was written.
type clock struct {
	mu   sync.Mutex
	took []time.Duration
}

// Write reads the time in a line of raw output.
func (c *clock) Write(p []byte) (int, error) {
	now := time.Now().UnixNano()
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		if sent, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64); err == nil {
			c.took = append(c.took, time.Duration(now-sent))
		}
	}
	return len(p), nil
}

// BenchmarkTail measures how long after the server sent a line it is printed.
func BenchmarkTail(b *testing.B) {
	const lines = 50
	out := &clock{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/tail") {
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"streams","result":[]}}`)
			return
		}
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		ctx := ws.CloseRead(r.Context())
		for range lines {
			time.Sleep(20 * time.Millisecond)
			now := strconv.FormatInt(time.Now().UnixNano(), 10)
			frame, _ := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"a": "b"}, "values": [][]string{{now, now}}}}})
			if ws.Write(ctx, websocket.MessageText, frame) != nil {
				return
			}
		}
		<-ctx.Done()
	}))
	defer s.Close()
	for b.Loop() {
		f := cli.New(cli.Deps{IO: &ios.Streams{Out: out, Err: io.Discard}, LookupEnv: func(name string) (string, bool) {
			if name != "ONCALL_LOKI_URL" {
				return "", false
			}
			return s.URL, true
		}, Environ: func() []string { return nil }, Home: b.TempDir(), Now: time.Now})
		require.Zero(b, root.Run(b.Context(), f, []string{"logs", "tail", `{a="b"}`, "--raw", "--for", "2s"}))
		out.mu.Lock()
		require.GreaterOrEqual(b, len(out.took), lines-5)
		var sum, worst time.Duration
		for _, d := range out.took {
			sum += d
			worst = max(worst, d)
		}
		b.ReportMetric(float64(sum.Microseconds())/float64(len(out.took))/1000, "ms/line")
		b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
		if worst > 50*time.Millisecond {
			b.Errorf("a line was printed %s after it was sent", worst)
		}
		out.took = nil
		out.mu.Unlock()
	}
}
