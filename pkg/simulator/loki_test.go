package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func lokiGet(t *testing.T, w *World, path string, q url.Values, flags string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, BaseURL+"/loki/loki/api/v1/"+path+"?"+q.Encode(), nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+LokiToken)
	if flags != "" {
		req.Header.Set("X-Loki-Response-Encoding-Flags", flags)
	}
	res, err := w.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

type lokiAnswer struct {
	Status string `json:"status"`
	Data   struct {
		ResultType string `json:"resultType"`
		Result     []struct {
			Stream map[string]string   `json:"stream"`
			Metric map[string]string   `json:"metric"`
			Values [][]json.RawMessage `json:"values"`
			Value  []any               `json:"value"`
		} `json:"result"`
	} `json:"data"`
}

func lokiDecode(t *testing.T, status int, body string) lokiAnswer {
	t.Helper()
	require.Equal(t, 200, status, body)
	var a lokiAnswer
	require.NoError(t, json.Unmarshal([]byte(body), &a), body)
	return a
}

func lokiNumber(t *testing.T, w *World, query string) float64 {
	t.Helper()
	status, body := lokiGet(t, w, "query", url.Values{"query": {query}}, "")
	a := lokiDecode(t, status, body)
	if len(a.Data.Result) == 0 {
		return 0
	}
	text, _ := a.Data.Result[0].Value[1].(string)
	f, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return f
}

func TestLinesFollowTheWorld(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	const bad, all, refused = `sum(count_over_time({service="api"} | logfmt | status >= 500 [5m]))`, `sum(count_over_time({service="api"} |= "method=" [5m]))`,
		`sum(count_over_time({service="api"} | logfmt | status = 400 | path=~"/device/v2/.*" [5m]))`
	assert.InDelta(t, ErrorRatioBad, lokiNumber(t, w, bad)/lokiNumber(t, w, all), 0.02)
	assert.Greater(t, lokiNumber(t, w, refused), 60.0, "17.5.0 refuses one path")
	require.NoError(t, w.update(func(s *State) error { s.Facts.BeginDeploy(ComponentAPI, APIVersionGood, 882, s.Now); return nil }))
	*now = now.Add(6 * time.Minute)
	assert.Less(t, lokiNumber(t, w, bad)/lokiNumber(t, w, all), 0.01)
	assert.Less(t, lokiNumber(t, w, refused), 20.0)
}

// The same query gives the same lines again, and two halves are the whole.
func TestLinesAreSteady(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	read := func(from, to time.Time) int {
		status, body := lokiGet(t, w, "query_range", url.Values{"query": {`{service=~".+"}`}, "limit": {"5000"}, "direction": {"forward"},
			"start": {strconv.FormatInt(from.UnixNano(), 10)}, "end": {strconv.FormatInt(to.UnixNano(), 10)}}, "categorize-labels")
		n := 0
		for _, s := range lokiDecode(t, status, body).Data.Result {
			n += len(s.Values)
		}
		return n
	}
	a, b := now.Add(-3*time.Minute), now.Add(-2*time.Minute)
	assert.Equal(t, read(a, *now), read(a, b)+read(b, *now))
	once := read(a, b)
	assert.Equal(t, once, read(a, b))
	assert.Greater(t, read(a, b), 400)
}

func TestLokiEncodings(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	q := url.Values{"query": {`{service="api",level="error"} | logfmt | status=500`}, "limit": {"1"}}
	status, body := lokiGet(t, w, "query_range", q, "categorize-labels")
	a := lokiDecode(t, status, body)
	assert.Len(t, a.Data.Result[0].Stream, 4)
	require.Len(t, a.Data.Result[0].Values[0], 3)
	assert.Contains(t, string(a.Data.Result[0].Values[0][2]), `"trace_id"`)
	status, body = lokiGet(t, w, "query_range", q, "")
	a = lokiDecode(t, status, body)
	assert.Equal(t, "500", a.Data.Result[0].Stream["status"], "folded into the labels without the flag")
	assert.Len(t, a.Data.Result[0].Values[0], 2)
}

func TestLokiRefuses(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	nano := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).UnixNano(), 10) }
	for name, c := range map[string]struct {
		path string
		q    url.Values
		want string
	}{
		"parse":     {"query_range", url.Values{"query": {`{a="b"`}}, "parse error at line 1, col 7"},
		"lacks":     {"query_range", url.Values{"query": {`{a="b"} | line_format "x"`}}, "the demo does not speak line_format"},
		"entries":   {"query_range", url.Values{"query": {`{a="b"}`}, "limit": {"5001"}}, "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)"},
		"limit":     {"query_range", url.Values{"query": {`{a="b"}`}, "limit": {"0"}}, "limit must be a positive value"},
		"range":     {"query_range", url.Values{"query": {`{a="b"}`}, "start": {nano(-40 * 24 * time.Hour)}}, "the query time range exceeds the limit"},
		"backwards": {"query_range", url.Values{"query": {`{a="b"}`}, "start": {nano(0)}, "end": {nano(-time.Hour)}}, "end timestamp must not be before"},
		"points":    {"query_range", url.Values{"query": {`{a="b"}`}, "step": {"0.1"}}, "11,000 points"},
		"instant":   {"query", url.Values{"query": {`{a="b"}`}}, "log queries are not supported as an instant query type"},
		"series":    {"query", url.Values{"query": {`count_over_time({service="api"}[10m])`}}, "maximum number of series (500) reached"},
		"pipeline":  {"query", url.Values{"query": {`count_over_time({service="vpn"} | json [1m])`}}, "pipeline error: 'JSONParserErr'"},
		"upgrade":   {"tail", url.Values{"query": {`{a="b"}`}}, "Bad Request"},
	} {
		status, body := lokiGet(t, w, c.path, c.q, "")
		assert.Equal(t, 400, status, name)
		assert.Contains(t, body, c.want, name)
	}
	status, body := lokiGet(t, w, "patterns", nil, "")
	assert.Equal(t, 404, status)
	assert.Equal(t, "404 page not found\n", body)
}

func TestLokiMetadata(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	for path, want := range map[string]string{
		"labels": `["env","host","level","service"]`, "label/service/values": `["api","registry","vpn"]`, "label/nothing/values": `{"status":"success"}`,
		`series?match[]={service="vpn"}`: `"ip-10-0-2-11"`, `index/stats?query={service="vpn"}`: `"streams":2`, `index/volume?targetLabels=service&query={service=~".%2b"}`: `{"service":"api"}`,
		`detected_fields?query={service="api"}`: `"label":"status"`, "status/buildinfo": "3.7.6", `format_query?query={a="b"}`: `{a=\"b\"}`,
	} {
		path, raw, _ := strings.Cut(path, "?")
		q, err := url.ParseQuery(raw)
		require.NoError(t, err)
		status, body := lokiGet(t, w, path, q, "")
		assert.Equal(t, 200, status, path)
		assert.Contains(t, body, want, path)
	}
}

func TestLokiTail(t *testing.T) {
	t.Parallel()
	w, err := Open(Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dial := func(q url.Values) *websocket.Conn {
		ws, _, err := websocket.Dial(ctx, BaseURL+"/loki/loki/api/v1/tail?"+q.Encode(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: w.Transport()},
			HTTPHeader: http.Header{"Authorization": {"Bearer " + LokiToken}, "X-Loki-Response-Encoding-Flags": {"categorize-labels"}}})
		require.NoError(t, err)
		t.Cleanup(func() { _ = ws.CloseNow() })
		ws.SetReadLimit(1 << 24)
		return ws
	}
	ws := dial(url.Values{"query": {`{service="api"}`}, "limit": {"3"}, "start": {strconv.FormatInt(time.Now().Add(-time.Minute).UnixNano(), 10)}})
	_, history, err := ws.Read(ctx)
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(string(history), `["`), "%s", history)
	_, live, err := ws.Read(ctx)
	require.NoError(t, err)
	assert.Contains(t, string(live), "structuredMetadata")

	ws = dial(url.Values{"query": {`rate({service="api"}[1m])`}})
	_, _, err = ws.Read(ctx)
	assert.Equal(t, websocket.StatusInternalError, websocket.CloseStatus(err))
	assert.ErrorContains(t, err, "only log selector is supported")
}
