// Package oracle_test judges the demo world's PromQL by Prometheus' own parser
// and engine.
package oracle_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	reference "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/simulator/internal/promql"
)

// store is one set of series for both engines.
type store []promql.Series

func (s store) Select(match func(map[string]string) bool) []promql.Series {
	var out []promql.Series
	for _, x := range s {
		if match(x.Labels) {
			out = append(out, x)
		}
	}
	return out
}

const now = int64(1795323776773)

// data are counters with resets, gauges with NaN, gaps and series that end.
func data() store {
	var out store
	add := func(step, newest int64, value func(i int64) (float64, bool), pairs ...string) {
		l := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			l[pairs[i]] = pairs[i+1]
		}
		out = append(out, promql.Series{Labels: l, Points: func(from, to int64) []promql.Point {
			var p []promql.Point
			for t := (from/step + 1) * step; t <= min(to, newest); t += step {
				if v, ok := value(t / step); ok {
					p = append(p, promql.Point{T: t, V: v})
				}
			}
			return p
		}})
	}
	for i, code := range []string{"200", "400", "500", "502"} {
		for _, inst := range []string{"a", "b"} {
			add(15000, now, func(n int64) (float64, bool) { return float64((n % 97) * int64(i+1) * 3), n%11 != 0 }, "__name__", "http_requests_total", "job", "api", "code", code, "instance", inst)
		}
	}
	add(1000, now, func(n int64) (float64, bool) { return float64(n%40) * 0.1, true }, "__name__", "gauge", "job", "api")
	add(1000, now, func(n int64) (float64, bool) {
		if n%3 == 0 {
			return math.NaN(), true
		}
		return -float64(n % 7), true
	}, "__name__", "gauge", "job", "nan")
	add(60000, now-600000, func(n int64) (float64, bool) { return float64(n % 50), true }, "__name__", "aws_late", "db", "main")
	add(15000, now-100000, func(n int64) (float64, bool) { return 1, true }, "__name__", "up", "job", "gone")
	add(15000, now, func(n int64) (float64, bool) { return float64(n % 2), true }, "__name__", "up", "job", "api")
	return out
}

// queries of every part of the language, spoken and not, right and wrong.
var queries = []string{
	`up`, `up{job="api"}`, `up{job!="api"}`, `{job=~"a.*"}`, `{__name__=~"up|gauge"}`, `up{job!~"a.+",job!=""}`, `gauge offset 30s`, `gauge offset -10s`, `aws_late`, `aws_late offset 10m`,
	`last_over_time(aws_late[20m])`, `rate(http_requests_total[1m])`, `rate(http_requests_total[5m] offset 1m)`, `irate(http_requests_total[2m])`, `increase(http_requests_total{code="500"}[10m])`, `delta(gauge[30s])`,
	`sum by (code) (rate(http_requests_total[5m]))`, `sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))`,
	`sum(rate(http_requests_total{code=~"5.."}[5m])) by (instance) / sum by (instance) (rate(http_requests_total[5m]))`,
	`avg without (code) (http_requests_total)`, `min(gauge)`, `max(gauge)`, `count(http_requests_total) by (job, code)`, `group(up)`, `avg(gauge)`, `sum(gauge)`,
	`topk(2, http_requests_total)`, `bottomk(3, http_requests_total)`, `topk by (instance) (1, http_requests_total)`, `topk(0, up)`, `topk(99, up)`,
	`avg_over_time(gauge[30s])`, `min_over_time(gauge[30s])`, `max_over_time(gauge[30s])`, `sum_over_time(gauge[30s])`, `count_over_time(gauge[1m])`, `present_over_time(gauge[1m])`, `last_over_time(gauge[1m])`,
	`gauge > 1`, `gauge > bool 1`, `1 < gauge`, `gauge == gauge`, `gauge != bool gauge`, `up == 0`, `http_requests_total > on(code, instance) http_requests_total`, `up * 2 + 1`, `-up`, `-(up)`, `- gauge ^ 2`, `2 ^ 3 ^ 2`, `1 + 2 * 3 % 4`, `10 % 3 - 1`, `7 / 0`, `0 / 0`, `-1 / 0`, `1 == bool 1`, `1 > bool 2`,
	`up and gauge`, `up or gauge`, `up unless on(job) gauge`, `up and on(job) gauge`, `gauge or on(job) up`, `up + on(job) gauge`, `up - ignoring(job) up{job="gone"}`, `http_requests_total{code="200"} / ignoring(code) http_requests_total{code="400"}`,
	`abs(gauge)`, `ceil(gauge)`, `floor(gauge)`, `round(gauge)`, `round(gauge, 0.25)`, `clamp_min(gauge, 1)`, `clamp_max(gauge, 1)`, `time()`, `vector(3)`, `scalar(up{job="api"})`, `scalar(up)`, `sort(http_requests_total)`, `sort_desc(http_requests_total)`,
	`absent(nothing{a="b"})`, `absent(up)`, `absent(nothing{a="b",a="c",d=~"e"})`, `"text"`, `'single'`, "`raw`", `1e3`, `0x1F`, `.5`, `5.`, `Inf`, `-inf`, `NaN`, `1_000`, `(1)`, `((up))`, `5m`, `gauge[5s]`, `nothing`, `SUM(up)`, `sum BY (job) (up)`,
	`up # a comment`, "up{\n job=\"api\"\n}", `{"up"}`, `{"up", job="api"}`, `up{job="api",}`, `sum by (job,) (up)`, `sum by () (up)`, `rate(http_requests_total[1h30m])`, `job:up:sum`, `sum(up) > 0 and count(up) > 1`,
	`sum(http_requests_total) without (code)`, `http_requests_total + http_requests_total`, `up + on() gauge`, `http_requests_total * on(instance) http_requests_total`,
	// Valid, and not spoken.
	`histogram_quantile(0.9, up)`, `up * on(job) group_left() gauge`, `rate(up[5m])[10m:1m]`, `max_over_time(rate(http_requests_total[1m])[5m:])`, `up @ 1795323776`, `up @ start()`, `quantile(0.5, up)`, `stddev(up)`, `count_values("v", up)`,
	`label_replace(up, "a", "b", "c", "d")`, `predict_linear(gauge[5m], 60)`, `changes(up[5m])`, `quantile_over_time(0.5, gauge[1m])`, `timestamp(up)`, `hour()`, `sqrt(gauge)`, `clamp(gauge, 0, 1)`, `pi()`, `1 atan2 2`, `sgn(gauge)`, `deriv(gauge[1m])`,
	// Wrong.
	`up{`, `up{job}`, `up{job=}`, `up{job="a"`, `up)`, `(up`, `up[`, `up[5m`, `up[5x]`, `up[0s]`, `rate(up)`, `rate(up[5m], 1)`, `sum()`, `sum(1)`, `sum(up[5m])`, `topk(up)`, `topk("a", up)`, `foo(up)`, `{}`, `{job=""}`, `{job=~".*"}`, `up{job=~"("}`, `up{__name__="x"}`, ``, `   `, `# only`,
	`1 +`, `+`, `up up`, `up 5m`, `up offset`, `up offset 5m offset 5m`, `sum(up) offset 5m`, `up[5m][5m]`, `(up)[5m]`, `"a" + 1`, `up == bool`, `1 == 1`, `1 and 1`, `up and 1`, `up + bool 1`, `1 + on(a) 2`, `up on(a) up`, `up{a="b" c="d"}`, `"unterminated`, `'x`, "`x", `$`, `up ! up`, `up =~ up`, `5mm`, `1m1h`, `by(up)`, `up{a=~"b",=}`, `sum by job (up)`, `sum(up) by`, `-"a"`, `-gauge[5m]`, `up @`, `up[5m:]x`, `and`, `sum`, `rate`, `offset`, `bool`,
}

func TestSameVerdictAsTheParser(t *testing.T) {
	t.Parallel()
	p := parser.NewParser(parser.Options{})
	for _, q := range queries {
		_, want := p.ParseExpr(q)
		_, got := promql.Parse(q)
		var lacks *promql.Unsupported
		switch {
		case errors.As(got, &lacks):
			assert.NoError(t, want, "%s: a mistake is called unspoken", q)
		case want == nil:
			assert.NoError(t, got, "%s: is valid", q)
		default:
			assert.Error(t, got, "%s: is wrong: %v", q, want)
		}
	}
}

func TestSameNumbersAsTheEngine(t *testing.T) {
	t.Parallel()
	engine := reference.NewEngine(reference.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, EnableNegativeOffset: true, EnableAtModifier: true, LookbackDelta: 5 * time.Minute})
	ours := promql.Engine{Storage: data()}
	compared := 0
	for _, q := range queries {
		e, err := promql.Parse(q)
		if err != nil {
			continue
		}
		for _, at := range []int64{now, now - 7777, now - 3600_000} {
			rq, err := engine.NewInstantQuery(context.Background(), queryable{data()}, nil, q, time.UnixMilli(at))
			require.NoError(t, err, q)
			want := rq.Exec(context.Background())
			got, err := ours.Instant(context.Background(), e, at)
			if want.Err != nil {
				assert.Error(t, err, "%s: %v", q, want.Err)
				continue
			}
			require.NoError(t, err, q)
			same(t, q, rows(want.Value), oursRows(got))
			compared++
		}
		if k := e.Kind(); k != promql.KindScalar && k != promql.KindVector {
			continue
		}
		rq, err := engine.NewRangeQuery(context.Background(), queryable{data()}, nil, q, time.UnixMilli(now-600_000), time.UnixMilli(now), 17*time.Second)
		require.NoError(t, err, q)
		want := rq.Exec(context.Background())
		got, err := ours.Range(context.Background(), e, now-600_000, now, 17_000)
		if want.Err != nil {
			assert.Error(t, err, "%s: %v", q, want.Err)
			continue
		}
		require.NoError(t, err, q)
		same(t, "range of "+q, rows(want.Value), oursRows(promql.Value{Kind: promql.KindMatrix, Matrix: got}))
		compared++
	}
	assert.Greater(t, compared, 300)
}

// same compares rows "labels time" -> value.
func same(t *testing.T, q string, want, got map[string]float64) {
	t.Helper()
	if !assert.Len(t, got, len(want), "%s: %v and %v", q, want, got) {
		return
	}
	for k, w := range want {
		g, ok := got[k]
		if !assert.True(t, ok, "%s: %s is missing in %v", q, k, got) {
			return
		}
		if math.IsNaN(w) && math.IsNaN(g) || w == g {
			continue
		}
		assert.InEpsilon(t, w, g, 1e-9, "%s: %s", q, k)
	}
}

func rows(v parser.Value) map[string]float64 {
	out := map[string]float64{}
	put := func(l labels.Labels, at int64, f float64) { out[fmt.Sprint(l.Map(), at)] = f }
	switch v := v.(type) {
	case reference.Vector:
		for _, s := range v {
			put(s.Metric, 0, s.F)
		}
	case reference.Matrix:
		for _, s := range v {
			for _, p := range s.Floats {
				put(s.Metric, p.T, p.F)
			}
		}
	case reference.Scalar:
		out["scalar"] = v.V
	case reference.String:
		out["text "+v.V] = 0
	}
	return out
}

func oursRows(v promql.Value) map[string]float64 {
	out := map[string]float64{}
	put := func(l map[string]string, at int64, f float64) { out[fmt.Sprint(labels.FromMap(l).Map(), at)] = f }
	switch v.Kind {
	case promql.KindVector:
		for _, s := range v.Vector {
			put(s.Labels, 0, s.V)
		}
	case promql.KindMatrix:
		for _, s := range v.Matrix {
			for _, p := range s.Points {
				put(s.Labels, p.T, p.V)
			}
		}
	case promql.KindScalar:
		out["scalar"] = v.Scalar
	case promql.KindString:
		out["text "+v.Text] = 0
	}
	return out
}

// queryable hands the same series to Prometheus' engine.
type queryable struct{ s store }

func (q queryable) Querier(mint, maxt int64) (storage.Querier, error) {
	return querier{q.s, mint, maxt}, nil
}

type querier struct {
	s          store
	mint, maxt int64
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}
func (querier) Close() error { return nil }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, s := range q.s {
		ok := true
		for _, m := range matchers {
			ok = ok && m.Matches(s.Labels[m.Name])
		}
		if ok {
			var list []chunks.Sample
			for _, p := range s.Points(q.mint-1, q.maxt) {
				list = append(list, sample{p.T, p.V})
			}
			found = append(found, storage.NewListSeries(labels.FromMap(s.Labels), list))
		}
	}
	slices.SortFunc(found, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &seriesSet{found, -1}
}

type seriesSet struct {
	s []storage.Series
	i int
}

func (s *seriesSet) Next() bool                      { s.i++; return s.i < len(s.s) }
func (s *seriesSet) At() storage.Series              { return s.s[s.i] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                    { return s.t }
func (s sample) ST() int64                   { return 0 }
func (s sample) F() float64                  { return s.v }
func (sample) H() *histogram.Histogram       { return nil }
func (sample) FH() *histogram.FloatHistogram { return nil }
func (sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample         { return s }
func (s sample) String() string              { return strconv.FormatFloat(s.v, 'f', -1, 64) }
