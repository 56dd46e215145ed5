package prometheus_test

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/prometheus"
)

func TestQueryRange(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, `{"status":"success","data":{"resultType":"matrix","result":[
			{"metric":{"job":"web"},"values":[]},
			{"metric":{"job":"api"},"values":[ [1795323700,"0.5"] , [1795323730.5,"NaN"],[1795323760,"1e+06"]],
			 "histograms":[[1795323790,{"count":"2","sum":"1"}]]}]}}`)
	})
	from := time.Unix(1795323700, 0)
	res, err := client(t, s).QueryRange(t.Context(), prometheus.Range{Expr: "x", Start: from, End: from.Add(time.Minute), Step: 30 * time.Second})
	require.NoError(t, err)
	require.Len(t, res.Matrix, 2)
	api := res.Matrix[0]
	assert.Equal(t, `{job="api"}`, api.Metric.String())
	require.Len(t, api.Points, 3)
	assert.InDelta(t, 0.5, api.Points[0].Value, 0)
	assert.True(t, math.IsNaN(api.Points[1].Value))
	assert.Equal(t, int64(1795323730500), api.Points[1].MS)
	assert.InDelta(t, 1e6, api.Points[2].Value, 0)
	require.Len(t, api.Histograms, 1)
	assert.Equal(t, "2", api.Histograms[0].Histogram.Count.String())
	assert.Empty(t, res.Matrix[1].Points)
	assert.Equal(t, url.Values{"query": {"x"}, "start": {"1795323700.000"}, "end": {"1795323760.000"}, "step": {"30"}}, s.requests()[0].Form)
}

func TestRangeShapesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, values := range []string{`[[1]]`, `[1,2]`, `[["x","1"]]`, `[[1,"x"]]`, `{"a":1}`, `[[1,"2"`} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, 200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":`+values+`}]}}`)
		})
		_, err := client(t, s).QueryRange(t.Context(), prometheus.Range{Expr: "x", Start: time.Unix(1, 0), End: time.Unix(2, 0), Step: time.Second})
		require.Error(t, err, values)
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		span   time.Duration
		points int
		want   time.Duration
	}{
		{3 * time.Hour, 120, 2 * time.Minute}, {time.Hour, 100, time.Minute}, {time.Minute, 100, time.Second},
		{0, 10, time.Second}, {30 * 24 * time.Hour, 100, 12 * time.Hour}, {10 * 365 * 24 * time.Hour, 100, 37 * 24 * time.Hour},
		{24 * time.Hour, 1 << 40, 10 * time.Second}, {time.Hour, 0, time.Hour},
	} {
		assert.Equal(t, c.want, prometheus.AutoStep(c.span, c.points), "%s in %d", c.span, c.points)
	}
	for span, want := range map[time.Duration]time.Duration{
		0: time.Millisecond, 11000 * time.Second: time.Second, 11001 * time.Second: 2 * time.Second, time.Hour: 328 * time.Millisecond,
	} {
		got := prometheus.MinStep(span)
		assert.Equal(t, want, got)
		assert.LessOrEqual(t, int64(span/got), int64(prometheus.MaxPoints))
	}
}

func TestSorts(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]bool{
		`topk(3, up)`: true, ` sort_desc(sum by (a) (x{b=")"})) `: true, `topk by (job) (3, up)`: true, `topk(3, up) / 2`: false,
		`sum(up)`: false, `up`: false, ``: false, `sort (x{a="\")"})`: true, `topk`: false, `topk_of(x)`: false,
	} {
		assert.Equal(t, want, prometheus.Sorts(expr), expr)
	}
}

func TestValuesAndLabels(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal([]prometheus.Value{1, prometheus.Value(math.NaN()), prometheus.Value(math.Inf(-1)), 1e21, 0.1})
	require.NoError(t, err)
	assert.JSONEq(t, `["1","NaN","-Inf","1000000000000000000000","0.1"]`, string(b))
	var v prometheus.Value
	require.NoError(t, json.Unmarshal([]byte(`"4.1e-02"`), &v))
	assert.Equal(t, "0.041", v.String())
	require.Error(t, json.Unmarshal([]byte(`"x"`), &v))

	assert.Equal(t, "{}", prometheus.Labels{}.String())
	assert.Equal(t, "up", prometheus.Labels{"__name__": "up"}.String())
	assert.Equal(t, `up{a="x\"y", b="2"}`, prometheus.Labels{"__name__": "up", "b": "2", "a": `x"y`}.String())
	assert.Negative(t, prometheus.Labels{"a": "1"}.Compare(prometheus.Labels{"a": "2"}))
	assert.Zero(t, prometheus.Labels{"a": "1"}.Compare(prometheus.Labels{"a": "1"}))
	assert.Positive(t, prometheus.Labels{"__name__": "b"}.Compare(prometheus.Labels{"__name__": "a", "z": "1"}))
}

func FuzzSeconds(f *testing.F) {
	for _, s := range []string{"1795323776.773", "0", "-1.5", "1e3", "1795323776", "1.0004", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got prometheus.Seconds
		if json.Unmarshal([]byte(s), &got) != nil {
			return
		}
		var want float64
		require.NoError(t, json.Unmarshal([]byte(s), &want))
		if math.Abs(want) < 1e12 {
			assert.InDelta(t, want*1000, float64(got), 1.001)
		}
	})
}

func FuzzMatrix(f *testing.F) {
	for _, s := range []string{`[[1,"2"]]`, `[]`, `null`, `[[1,"NaN"],[2.5,"+Inf"]]`, `[[1,"2"],]`, `[ [ 1 , "2" ] ]`} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) { _ = prometheus.DecodePoints([]byte(s)) })
}

func TestMetadataReads(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"labels": `["__name__","job"]`, "label/job/values": `["api"]`, "label/U__a_2e_b__c/values": `["x"]`,
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path[len("/base/prometheus/api/v1/"):]
		if answers[path] == "" {
			http.NotFound(w, r)
			return
		}
		writeJSON(w, 200, `{"status":"success","data":`+answers[path]+`}`)
	})
	c, ctx := client(t, s), t.Context()
	names, err := c.LabelNames(ctx, prometheus.Selection{Match: []string{"up", "down"}, Start: time.Unix(1, 0), End: time.Unix(2, 0), Limit: 5})
	require.NoError(t, err)
	assert.Equal(t, []string{"__name__", "job"}, names)
	assert.Equal(t, url.Values{"match[]": {"up", "down"}, "start": {"1.000"}, "end": {"2.000"}, "limit": {"5"}}, s.requests()[0].Form)
	values, err := c.LabelValues(ctx, "job", prometheus.Selection{})
	require.NoError(t, err)
	assert.Equal(t, []string{"api"}, values)
	assert.Empty(t, s.requests()[1].Form, "what is not set is the server's own")
	values, err = c.LabelValues(ctx, "a.b_c", prometheus.Selection{})
	require.NoError(t, err)
	assert.Equal(t, []string{"x"}, values)
}

func TestAlertsRulesTargets(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/prometheus/api/v1/alerts":
			writeJSON(w, 200, `{"status":"success","data":{"alerts":[{"labels":{"alertname":"TargetDown","severity":"page"},"annotations":{"summary":"down"},"state":"firing","activeAt":"2026-11-22T05:02:42.5Z","value":"4.1e-02"}]}}`)
		case "/base/prometheus/api/v1/rules":
			next := `,"groupNextToken":"two"`
			if r.FormValue("group_next_token") == "two" {
				next = ""
			}
			writeJSON(w, 200, `{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":15,"rules":[
				{"state":"firing","name":"TargetDown","query":"up == 0","duration":30,"keepFiringFor":0,"labels":{},"annotations":{},"alerts":[],"health":"err","lastError":"bad","type":"alerting"}]}]`+next+`}}`)
		default:
			writeJSON(w, 200, `{"status":"success","data":{"activeTargets":[{"labels":{"instance":"10.0.1.11:9100","job":"api"},"scrapePool":"api","scrapeUrl":"http://10.0.1.11:9100/metrics",
				"lastError":"connection refused","lastScrape":"2026-11-22T05:02:54.06Z","lastScrapeDuration":0.0003,"health":"down","scrapeInterval":"5s","scrapeTimeout":"5s"},
				{"scrapePool":"web","health":"up"}],"droppedTargets":[]}}`)
		}
	})
	c := client(t, s)
	alerts, err := c.Alerts(t.Context())
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	assert.Equal(t, "TargetDown", alerts[0].Name())
	assert.Equal(t, "0.041", alerts[0].Value.String())
	assert.Equal(t, prometheus.Firing, alerts[0].State)

	groups, err := c.Rules(t.Context(), "alert")
	require.NoError(t, err)
	require.Len(t, groups, 2, "both pages")
	assert.Equal(t, 30*time.Second, groups[0].Rules[0].For())
	assert.Equal(t, "err", groups[0].Rules[0].Health)
	assert.Equal(t, "alert", s.requests()[1].Form.Get("type"))

	targets, err := c.Targets(t.Context(), "api")
	require.NoError(t, err)
	require.Len(t, targets, 1, "an old server ignores scrapePool")
	assert.Equal(t, "down", targets[0].Health)
	last := s.requests()[len(s.requests())-1]
	assert.Equal(t, url.Values{"state": {"active"}, "scrapePool": {"api"}}, last.Form)
}
