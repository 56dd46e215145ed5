package loki_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/loki"
)

// line is one stored line of the fake.
type line struct {
	ns   int64
	app  string // the stream
	text string
	meta map[string]string
}

// fake is a Loki with the rules that matter to a pager: a limit of entries, no
// cursor, ties in any order, categorised labels.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	lines  []line
	max    int // entries a query
	shift  int // changes which of equal times come first, at each query
	seen   []url.Values
	heads  []http.Header
	refuse func(w http.ResponseWriter, r *http.Request, q url.Values) bool
	tail   func(w http.ResponseWriter, r *http.Request) // nil is a working tail
	live   map[chan []line]bool
}

func newFake(t *testing.T, lines ...line) *fake {
	t.Helper()
	f := &fake{lines: lines, max: 5000, live: map[chan []line]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/loki/api/v1/query_range", f.queryRange)
	mux.HandleFunc("/loki/api/v1/series", f.series)
	mux.HandleFunc("/loki/api/v1/tail", f.serveTail)
	f.Server = httptest.NewServer(http.StripPrefix("/base", mux))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) client(t *testing.T, change ...func(*loki.Config)) *loki.Client {
	t.Helper()
	cfg := loki.Config{HTTP: httpx.Config{BaseURL: f.URL + "/base", Mode: httpx.ReadOnly, Retry: httpx.RetryPolicy{Max: -1}}}
	for _, c := range change {
		c(&cfg)
	}
	c, err := loki.New(cfg)
	require.NoError(t, err)
	return c
}

func (f *fake) queries() []url.Values {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

func (f *fake) push(lines ...line) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, lines...)
	for ch := range f.live {
		ch <- lines
	}
}

// pick returns the lines of a query such as {app="x"} or {app=~".+"}, with |= "y".
func (f *fake) pick(query string, start, end int64) []line {
	selector, pipeline, _ := loki.SplitQuery(query)
	app := ""
	if strings.Contains(selector, `app="`) {
		app = strings.Split(strings.Split(selector, `app="`)[1], `"`)[0]
	}
	want := ""
	if strings.Contains(pipeline, `|= "`) {
		want = strings.Split(strings.Split(pipeline, `|= "`)[1], `"`)[0]
	}
	var out []line
	for _, l := range f.lines {
		if l.ns >= start && l.ns < end && (app == "" || l.app == app) && strings.Contains(l.text, want) {
			out = append(out, l)
		}
	}
	return out
}

func (f *fake) queryRange(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r.Form)
	f.heads = append(f.heads, r.Header)
	if f.refuse != nil && f.refuse(w, r, r.Form) {
		return
	}
	start, _ := strconv.ParseInt(r.Form.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(r.Form.Get("end"), 10, 64)
	limit, _ := strconv.Atoi(r.Form.Get("limit"))
	if limit > f.max {
		http.Error(w, fmt.Sprintf("max entries limit per query exceeded, limit > max_entries_limit_per_query (%d > %d)", limit, f.max), 400)
		return
	}
	got := f.pick(r.Form.Get("query"), start, end)
	// Ties come in any order: rotate them from query to query.
	f.shift++
	if n := len(got); n > 0 {
		got = append(got[f.shift%n:], got[:f.shift%n]...)
	}
	slices.SortStableFunc(got, func(a, b line) int {
		if r.Form.Get("direction") == "forward" {
			return int(a.ns - b.ns)
		}
		return int(b.ns - a.ns)
	})
	writeStreams(w, got[:min(limit, len(got))])
}

// writeStreams groups lines by stream, in the order of the first of each.
func writeStreams(w http.ResponseWriter, got []line) {
	var result []any
	var apps []string
	for _, l := range got {
		if !slices.Contains(apps, l.app) {
			apps = append(apps, l.app)
		}
	}
	for _, app := range apps {
		result = append(result, map[string]any{"stream": map[string]string{"app": app}, "values": values(got, app)})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{
		"resultType": "streams", "encodingFlags": []string{"categorize-labels"}, "result": result,
		"stats": map[string]any{"summary": map[string]any{"totalBytesProcessed": 396338, "totalLinesProcessed": 2977, "execTime": 0.5}}}})
}

func values(got []line, app string) [][]any {
	var out [][]any
	for _, l := range got {
		if l.app == app {
			extra := map[string]any{}
			if l.meta != nil {
				extra["structuredMetadata"] = l.meta
			}
			out = append(out, []any{strconv.FormatInt(l.ns, 10), l.text, extra})
		}
	}
	return out
}

func (f *fake) series(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	f.mu.Lock()
	defer f.mu.Unlock()
	start, _ := strconv.ParseInt(r.Form.Get("start"), 10, 64)
	end, _ := strconv.ParseInt(r.Form.Get("end"), 10, 64)
	found := map[string]bool{}
	data := []map[string]string{}
	for _, l := range f.pick(r.Form.Get("match[]"), start, end) {
		if !found[l.app] {
			found[l.app] = true
			data = append(data, map[string]string{"app": l.app})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

func (f *fake) serveTail(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	own := f.tail
	f.mu.Unlock()
	if own != nil {
		own(w, r)
		return
	}
	f.workingTail(w, r, nil)
}

// workingTail sends what is pushed until cut is closed, then drops the connection.
func (f *fake) workingTail(w http.ResponseWriter, r *http.Request, cut <-chan struct{}) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ctx := ws.CloseRead(r.Context())
	ch := make(chan []line, 100)
	f.mu.Lock()
	f.live[ch] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.live, ch)
		f.mu.Unlock()
	}()
	for {
		select {
		case got := <-ch:
			var streams []any
			for _, l := range got {
				streams = append(streams, map[string]any{"stream": map[string]string{"app": l.app}, "values": values([]line{l}, l.app)})
			}
			b, _ := json.Marshal(map[string]any{"streams": streams})
			if ws.Write(ctx, websocket.MessageText, b) != nil {
				return
			}
		case <-cut:
			return
		case <-ctx.Done():
			return
		}
	}
}

// within ends what would never end; no machine is so slow that it ends anything else.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
