package loki_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/secret"
)

type asked struct {
	method, path string
	form         url.Values
	header       http.Header
}

// answering makes a client of a server that gives one answer to everything, and
// a function that returns what it was asked last.
func answering(t *testing.T, status int, kind, body string, change ...func(*loki.Config)) (*loki.Client, func() asked) {
	t.Helper()
	var last asked
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		last = asked{r.Method, r.URL.Path, r.Form, r.Header}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	cfg := loki.Config{HTTP: httpx.Config{BaseURL: s.URL + "/base", Mode: httpx.ReadOnly, Retry: httpx.RetryPolicy{Max: -1}}, Token: secret.New("glsa_testtoken")}
	for _, f := range change {
		f(&cfg)
	}
	c, err := loki.New(cfg)
	require.NoError(t, err)
	return c, func() asked { return last }
}

const twoStreams = `{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels"],"result":[
 {"stream":{"host":"ip-10-0-1-11","unit":"api.service"},"values":[
  ["1795324309152373972","method=GET path=\/v7\/device \"q\" status=400 \u00e9\ud83d\ude00",{"structuredMetadata":{"trace_id":"87c2"},"parsed":{"status":"400"}}],
  ["1795324309152373970","older",{}]]},
 {"stream":{"host":"ip-10-0-1-12"},"values":[["1795324309152373971","   at Stack.trace (indented)"]]}],
 "stats":{"summary":{"totalBytesProcessed":396338,"totalLinesProcessed":2977,"execTime":0.25,"extra":[1,{"a":null}]},"querier":{}}},"warnings":["partial"]}`

func hour() (time.Time, time.Time) {
	end := time.Unix(1795324400, 123)
	return end.Add(-time.Hour), end
}

func TestQueryRange(t *testing.T) {
	t.Parallel()
	c, last := answering(t, 200, "application/json", twoStreams, func(cfg *loki.Config) { cfg.Tenant = "a|b" })
	start, end := hour()
	res, err := c.QueryRange(t.Context(), loki.Range{Query: `{host=~".+"}`, Start: start, End: end, Limit: 7, Step: time.Minute, Interval: time.Second})
	require.NoError(t, err)

	require.Len(t, res.Entries, 3)
	assert.Equal(t, []int64{1795324309152373972, 1795324309152373971, 1795324309152373970}, []int64{res.Entries[0].NS, res.Entries[1].NS, res.Entries[2].NS}, "newest first, across streams")
	e := res.Entries[0]
	assert.Equal(t, `method=GET path=/v7/device "q" status=400 é😀`, e.Line)
	assert.Equal(t, `{host="ip-10-0-1-11", unit="api.service"}`, e.Stream.String())
	assert.Equal(t, time.Unix(0, 1795324309152373972).UTC(), e.Time())
	for field, want := range map[string]string{"status": "400", "trace_id": "87c2", "unit": "api.service"} {
		got, ok := e.Field(field)
		assert.True(t, ok)
		assert.Equal(t, want, got)
	}
	_, ok := e.Field("nothing")
	assert.False(t, ok)
	assert.Equal(t, "   at Stack.trace (indented)", res.Entries[1].Line, "leading spaces are kept")
	assert.Equal(t, loki.Stats{Bytes: 396338, Lines: 2977, Took: 250 * time.Millisecond}, res.Stats)
	assert.Equal(t, []string{"partial"}, res.Warnings)

	got := last()
	assert.Equal(t, "/base/loki/api/v1/query_range", got.path)
	assert.Equal(t, url.Values{"query": {`{host=~".+"}`}, "start": {"1795320800000000123"}, "end": {"1795324400000000123"}, "limit": {"7"}, "step": {"60"}, "interval": {"1"}}, got.form)
	assert.Equal(t, "categorize-labels", got.header.Get("X-Loki-Response-Encoding-Flags"))
	assert.Equal(t, "a|b", got.header.Get("X-Scope-OrgID"))
	assert.Equal(t, "Bearer glsa_testtoken", got.header.Get("Authorization"))
}

func TestLongQueryIsAForm(t *testing.T) {
	t.Parallel()
	c, last := answering(t, 200, "application/json", twoStreams)
	start, end := hour()
	_, err := c.QueryRange(t.Context(), loki.Range{Query: `{a=~"` + strings.Repeat("x|", 2000) + `"}`, Start: start, End: end})
	require.NoError(t, err)
	assert.Equal(t, http.MethodPost, last().method)
	assert.Contains(t, last().form.Get("query"), "x|x|")
}

// The lexer of a real server counts lines from 0, its parser from 1.
func TestPlaceOnLineZero(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, 400, "text/plain", "parse error at line 0, col 21: missing closing ']' in duration")
	_, err := c.Query(t.Context(), `rate({service="api"}[5m`, time.Time{})
	var q *datasource.QueryError
	require.ErrorAs(t, err, &q)
	assert.Equal(t, "rate({service=\"api\"}[5m\n                    ^", strings.TrimRight(q.Caret(), "\n"))
}

func TestMetricQueries(t *testing.T) {
	t.Parallel()
	c, last := answering(t, 200, "application/json", `{"status":"success","data":{"result":[
		{"metric":{"path":"/a"},"value":[1795324312.608,"2"]},{"metric":{"path":"/b"},"value":[1795324312.608,"NaN"]},{"metric":{"path":"/c"},"value":[1795324312.608,"7"]}],"resultType":"vector"}}`)
	res, err := c.Query(t.Context(), "topk(3, x)", time.Unix(5, 6))
	require.NoError(t, err)
	require.Len(t, res.Vector, 3)
	assert.True(t, math.IsNaN(res.Vector[1].Value))
	loki.SortDesc(res.Vector[:1])
	assert.Equal(t, time.UnixMilli(1795324312608).UTC(), res.Vector[0].Time)
	assert.Equal(t, "5000000006", last().form.Get("time"))

	c, _ = answering(t, 200, "application/json", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1795324312,"2"],[1795324313.5,"+Inf"]]}]}}`)
	start, end := hour()
	res, err = c.QueryRange(t.Context(), loki.Range{Query: "sum(x)", Start: start, End: end, Step: time.Minute})
	require.NoError(t, err)
	require.Len(t, res.Matrix, 1)
	assert.True(t, math.IsInf(res.Matrix[0].Points[1].Value, 1))

	c, _ = answering(t, 200, "application/json", `{"status":"success","data":{"resultType":"scalar","result":[1.795324312e+21,"2"]}}`)
	res, err = c.Query(t.Context(), "1+1", time.Time{})
	require.NoError(t, err)
	assert.InDelta(t, 2, res.Vector[0].Value, 0)
	assert.True(t, res.Vector[0].Time.IsZero(), "the nonsense time is left out")
}

func TestSortDesc(t *testing.T) {
	t.Parallel()
	s := []loki.Sample{{Labels: loki.Labels{"p": "b"}, Value: 1}, {Labels: loki.Labels{"p": "a"}, Value: 1}, {Labels: loki.Labels{"p": "c"}, Value: 9}}
	loki.SortDesc(s)
	assert.Equal(t, "cab", s[0].Labels["p"]+s[1].Labels["p"]+s[2].Labels["p"])
}

func TestInvalidUTF8IsKept(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, 200, "application/json", "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"stream\":{},\"values\":[[\"1\",\"a\xff\xfeb\\u001b[31m\"]]}]}}")
	start, end := hour()
	res, err := c.QueryRange(t.Context(), loki.Range{Query: `{}`, Start: start, End: end})
	require.NoError(t, err)
	assert.Equal(t, "a\xff\xfeb\x1b[31m", res.Entries[0].Line)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       error
		says       []string
		limit      *loki.Limit
	}{
		"parse error": {400, "text/plain", "parse error at line 1, col 3: syntax error: unexpected $end, expecting } or ,", apierr.ErrInvalid, []string{"unexpected $end"}, nil},
		"no matcher":  {400, "text/plain", "parse error : queries require at least one regexp or equality matcher", apierr.ErrInvalid, []string{"at least one regexp"}, nil},
		"entries":     {400, "text/plain", "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)", apierr.ErrInvalid, []string{"5000"}, &loki.Limit{Kind: loki.LimitEntries, Max: 5000}},
		"range":       {400, "text/plain", "the query time range exceeds the limit (query length: 960h0m0.1s, limit: 30d1h)", apierr.ErrInvalid, []string{"shorter range"}, &loki.Limit{Kind: loki.LimitRange, Length: 721 * time.Hour}},
		"series":      {400, "text/plain", "maximum number of series (500) reached for a single query; consider reducing", apierr.ErrInvalid, []string{"fewer labels"}, &loki.Limit{Kind: loki.LimitSeries, Max: 500}},
		"bytes":       {400, "text/plain", "the query would read too many bytes (query: 1.2TB, limit: 500GB); consider", apierr.ErrInvalid, []string{"narrow"}, &loki.Limit{Kind: loki.LimitBytes}},
		"timeout":     {504, "text/plain", "request timed out, decrease the duration of the request or add more label matchers", apierr.ErrUnavailable, []string{"timed out", "shorter"}, &loki.Limit{Kind: loki.LimitTime}},
		"tenants":     {500, "text/plain", "multiple org IDs present", apierr.ErrInvalid, []string{"several tenants", "name one"}, nil},
		"load":        {429, "text/plain", "too many outstanding requests", apierr.ErrRateLimited, []string{"too many outstanding requests", "--parallel"}, &loki.Limit{Kind: loki.LimitLoad}},
		"429":         {429, "text/plain", "Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)", apierr.ErrRateLimited, []string{"limit: 4194304 bytes/sec"}, nil},
		"no tenant":   {401, "text/plain", "no org id\n", apierr.ErrAuth, []string{"wants a tenant: no org id", "ONCALL_LOKI_TENANT"}, nil},
		"401":         {401, "application/json", `{"message":"Unauthorized"}`, apierr.ErrAuth, []string{"not signed in to 127.0.0.1", "token"}, nil},
		"403":         {403, "application/json", `{"message":"Access denied to datasource"}`, apierr.ErrAuth, []string{"refused: Access denied to datasource"}, nil},
		"404":         {404, "text/plain", "404 page not found\n", apierr.ErrNotFound, []string{"no Loki API at this URL", "stands before /loki/api/v1"}, nil},
		"500":         {500, "text/plain", "empty ring", apierr.ErrUnavailable, []string{"empty ring"}, nil},
		"502 page":    {502, "text/html", "<html>nginx</html>", apierr.ErrUnavailable, []string{"bad gateway"}, nil},
		"login page":  {200, "text/html", "<!DOCTYPE html><title>Sign in to GitHub</title>", apierr.ErrAuth, []string{"not signed in to 127.0.0.1"}, nil},
		"proxy page":  {200, "text/html", "<html>It works</html>", apierr.ErrAuth, []string{"not signed in to 127.0.0.1"}, nil},
		"cut":         {200, "application/json", twoStreams[:300], apierr.ErrUnavailable, []string{"cut off"}, nil},
		"other API":   {200, "application/json", `{"database":"ok"}`, apierr.ErrUnavailable, []string{"cannot be read", "check the URL"}, nil},
		"not JSON":    {200, "text/plain", `ready`, apierr.ErrUnavailable, []string{"cannot be read"}, nil},
		"no number":   {200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}`, apierr.ErrUnavailable, []string{"cannot be read", `"many" is not a number`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, c.status, c.kind, c.body)
			start, end := hour()
			_, err := client.QueryRange(t.Context(), loki.Range{Query: "{a", Start: start, End: end})
			require.ErrorIs(t, err, c.want)
			for _, text := range c.says {
				assert.Contains(t, err.Error()+"\n"+apierr.HintOf(err), text)
			}
			assert.NotContains(t, err.Error(), "<")
			assert.NotContains(t, err.Error(), "glsa_testtoken")
			var l *loki.Limit
			if c.limit != nil {
				require.ErrorAs(t, err, &l)
				c.limit.Message = l.Message
				assert.Equal(t, c.limit, l)
			}
			var place *datasource.QueryError
			if name == "parse error" {
				require.ErrorAs(t, err, &place)
				assert.Equal(t, "{a\n  ^", place.Caret())
			}
		})
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	_, err := loki.New(loki.Config{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	c, last := answering(t, 200, "application/json", twoStreams)
	start, end := hour()
	for _, r := range []loki.Range{{Start: start, End: end}, {Query: "{a=\"b\"}", Start: end, End: start}, {Query: "x", Start: start, End: end, Step: 300 * time.Millisecond}} {
		_, err := c.QueryRange(t.Context(), r)
		require.ErrorIs(t, err, apierr.ErrUsage)
	}
	_, err = c.Query(t.Context(), "", time.Time{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Empty(t, last().path, "nothing was sent")
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	c, _ := answering(t, 200, "application/json", twoStreams)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start, end := hour()
	_, err := c.QueryRange(ctx, loki.Range{Query: "{}", Start: start, End: end})
	require.ErrorIs(t, err, context.Canceled)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	start, end := hour()
	span := loki.Span{Start: start, End: end}

	c, last := answering(t, 200, "application/json", `{"status":"success","data":["unit","host"]}`)
	names, err := c.LabelNames(ctx, `{a="b"}`, span)
	require.NoError(t, err)
	assert.Equal(t, []string{"host", "unit"}, names)
	assert.Equal(t, "1795320800000000123", last().form.Get("start"))

	c, last = answering(t, 200, "application/json", `{"status":"success"}`)
	values, err := c.LabelValues(ctx, "odd/name", "", loki.Span{})
	require.NoError(t, err)
	assert.Equal(t, []string{}, values, "no match: the data key is absent")
	assert.Equal(t, "/base/loki/api/v1/label/odd/name/values", last().path)

	c, last = answering(t, 200, "application/json", `{"status":"success","data":[{"b":"2"},{"a":"1"}]}`)
	series, err := c.Series(ctx, []string{`{a="1"}`, `{b="2"}`}, span)
	require.NoError(t, err)
	assert.Equal(t, []loki.Labels{{"a": "1"}, {"b": "2"}}, series)
	assert.Len(t, last().form["match[]"], 2)

	c, _ = answering(t, 200, "application/json", `{"streams":10,"chunks":42,"bytes":20109312,"entries":196065}`)
	est, err := c.Estimate(ctx, `{a="1"}`, span)
	require.NoError(t, err)
	assert.Equal(t, loki.Estimate{Streams: 10, Chunks: 42, Bytes: 20109312, Entries: 196065}, est)

	c, last = answering(t, 200, "application/json", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"app":"a"},"value":[1,"5"]},{"metric":{"app":"b"},"value":[1,"50"]}]}}`)
	volume, err := c.Volume(ctx, loki.VolumeRequest{Selector: `{app=~".+"}`, Span: span, TargetLabels: []string{"app", "host"}, ByLabels: true, Limit: 3})
	require.NoError(t, err)
	assert.Equal(t, "b", volume[0].Labels["app"])
	assert.Equal(t, "app,host", last().form.Get("targetLabels"))
	assert.Equal(t, "labels", last().form.Get("aggregateBy"))

	c, _ = answering(t, 200, "application/json", `{"status":"success","data":[{"pattern":"a <_>","level":"info","samples":[[1,2],[3,4]]}]}`)
	patterns, err := c.Patterns(ctx, `{a="1"}`, span)
	require.NoError(t, err)
	assert.Equal(t, int64(6), patterns[0].Count())

	c, _ = answering(t, 200, "application/json", `{"fields":[{"label":"status","type":"int","cardinality":8,"parsers":["logfmt"]},{"label":"trace_id","parsers":null}],"limit":1000}`)
	fields, err := c.Fields(ctx, `{a="1"}`, span)
	require.NoError(t, err)
	assert.Equal(t, []string{"logfmt"}, fields[0].Parsers)
	assert.Nil(t, fields[1].Parsers)
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{twoStreams, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}`,
		`{"status":"success","data":{"result":[],"resultType":"streams"}}`, `{"status":"success","data":null}`, `{"streams":null,"dropped_entries":[{"labels":{},"timestamp":"5"}]}`,
		`{"status":"\u12"`, `{"a":"\`, `{"x":` + strings.Repeat("[", 1000), `{"status":"success","data":{"resultType":"streams","result":[{"values":[["1","\ud800x"]]}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = loki.DecodeFrame(b)
		got, err := loki.Decode(b)
		if !json.Valid(b) || err != nil {
			return
		}
		// What encoding/json reads and we read must be the same lines.
		var want struct {
			Data struct {
				Type   string `json:"resultType"`
				Result []struct {
					Values [][]any `json:"values"`
				} `json:"result"`
			} `json:"data"`
		}
		if json.Unmarshal(b, &want) != nil || want.Data.Type != "streams" || got.Type != "streams" {
			return
		}
		n := 0
		for _, r := range want.Data.Result {
			n += len(r.Values)
		}
		if n != len(got.Entries) && !strings.Contains(strings.ToLower(string(b)), "result\":") {
			t.Fatalf("%d entries where %d are", len(got.Entries), n)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9\ud83d\ude00\n"`, `"\ud800"`, `"\x"`, `"`, `"a\"b"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want string
		ok := json.Unmarshal([]byte(s), &want) == nil && strings.HasPrefix(strings.TrimSpace(s), `"`)
		got, err := loki.ScanText([]byte(s))
		if !ok {
			return
		}
		require.NoError(t, err)
		assert.Equal(t, want, string([]rune(got)), s)
	})
}
