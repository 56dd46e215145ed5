package metrics_test

import (
	"bytes"
	"context"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/metrics"
	"github.com/balena-io/oncall/pkg/prometheus"
)

var now = time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)

type source struct {
	query  func(q prometheus.Query) *prometheus.Result
	points []prometheus.Point // of {a="b"}
	more   []prometheus.Point // of {a="c"}
	asked  []prometheus.Query
}

func (s *source) Query(_ context.Context, q prometheus.Query) (*prometheus.Result, error) {
	s.asked = append(s.asked, q)
	return s.query(q), nil
}

func (s *source) QueryRange(context.Context, prometheus.Range) (*prometheus.Result, error) {
	return &prometheus.Result{Type: prometheus.Matrix, Matrix: []prometheus.Series{{Metric: prometheus.Labels{"a": "b"}, Points: s.points}, {Metric: prometheus.Labels{"a": "c"}, Points: s.more}}}, nil
}

func vector(values ...float64) *prometheus.Result {
	res := &prometheus.Result{Type: prometheus.Vector, Vector: []prometheus.Sample{}}
	for _, v := range values {
		res.Vector = append(res.Vector, prometheus.Sample{Metric: prometheus.Labels{"a": "b"}, Time: now, Value: prometheus.Value(v)})
	}
	return res
}

func limit(v float64) *float64 { return &v }

func TestGet(t *testing.T) {
	t.Parallel()
	q := metrics.Query{Name: "q", Expr: "x", Above: limit(0.02)}
	for v, want := range map[float64]metrics.State{0.01: metrics.OK, 0.02: metrics.OK, 0.041: metrics.Over, math.Inf(1): metrics.Over} {
		got, _, err := metrics.Get(t.Context(), &source{query: func(prometheus.Query) *prometheus.Result { return vector(v) }}, q, now)
		require.NoError(t, err)
		assert.Equal(t, want, got[0].State, v)
		assert.InDelta(t, v, got[0].Float(), 0)
	}
	for v, bad := range map[float64]bool{0.9: true, 1: false, 2: false, 3: false, 3.1: true} {
		assert.Equal(t, bad, metrics.Query{Below: limit(1), Above: limit(3)}.Bad(v), v)
	}
	got, _, err := metrics.Get(t.Context(), &source{query: func(prometheus.Query) *prometheus.Result { return vector(math.NaN()) }}, q, now)
	require.NoError(t, err)
	assert.Equal(t, metrics.Over, got[0].State, "NaN is not health")
	assert.Equal(t, "NaN", got[0].Value.String(), "and is not nothing")
	got, _, err = metrics.Get(t.Context(), &source{query: func(prometheus.Query) *prometheus.Result { return vector() }}, q, now)
	require.NoError(t, err)
	assert.Equal(t, metrics.NoData, got[0].State)
	assert.Nil(t, got[0].Value)
	got, _, err = metrics.Get(t.Context(), &source{query: func(prometheus.Query) *prometheus.Result { return vector(1) }}, metrics.Query{Expr: "x"}, now)
	require.NoError(t, err)
	assert.Equal(t, metrics.Unlimited, got[0].State)
}

func TestCloudwatchIsLookedForBehind(t *testing.T) {
	t.Parallel()
	s := &source{query: func(q prometheus.Query) *prometheus.Result {
		if strings.HasSuffix(q.Expr, "[20m]") {
			return &prometheus.Result{Type: prometheus.Matrix, Matrix: []prometheus.Series{{Metric: prometheus.Labels{"a": "b"},
				Points: []prometheus.Point{{MS: now.Add(-12 * time.Minute).UnixMilli(), Value: 1}, {MS: now.Add(-11 * time.Minute).UnixMilli(), Value: 42}}}}}
		}
		if q.Time.Before(now) {
			return vector(7)
		}
		return vector()
	}}
	got, _, err := metrics.Get(t.Context(), s, metrics.Query{Expr: `aws_rds_cpuutilization_average{db="x"}`, Above: limit(50)}, now)
	require.NoError(t, err)
	assert.InDelta(t, 42, got[0].Float(), 0)
	assert.True(t, got[0].Late)
	assert.Equal(t, now.Add(-11*time.Minute), *got[0].Time)
	assert.Equal(t, metrics.OK, got[0].State)
	got, _, err = metrics.Get(t.Context(), s, metrics.Query{Expr: `max(aws_rds_cpuutilization_average)`}, now)
	require.NoError(t, err)
	assert.InDelta(t, 7, got[0].Float(), 0)
	assert.Equal(t, now.Add(-10*time.Minute), s.asked[len(s.asked)-1].Time)
}

func points(step time.Duration, values ...float64) []prometheus.Point {
	var out []prometheus.Point
	for i, v := range values {
		out = append(out, prometheus.Point{MS: now.Add(-step * time.Duration(len(values)-1-i)).UnixMilli(), Value: v})
	}
	return out
}

func TestCheckFor(t *testing.T) {
	t.Parallel()
	q := metrics.Query{Name: "q", Expr: "x", Above: limit(2)}
	for name, c := range map[string]struct {
		now    float64
		points []prometheus.Point
		want   metrics.State
		since  time.Duration
	}{
		"good all the time": {1, points(time.Minute, 1, 1, 1, 1, 1, 1), metrics.OK, 0},
		"was over":          {1, points(time.Minute, 1, 1, 3, 3, 1, 1), metrics.Over, 2 * time.Minute},
		"over since":        {3, points(time.Minute, 1, 1, 3, 3, 3, 3), metrics.Over, 3 * time.Minute},
		"data is too young": {1, points(time.Minute, 1, 1), metrics.NoData, 5 * time.Minute},
		"no data before":    {1, nil, metrics.NoData, 5 * time.Minute},
		"a gap amidst":      {1, append(points(time.Minute, 1, 1, 1, 1, 1, 1)[:1], points(time.Minute, 1, 1)...), metrics.NoData, 5 * time.Minute},
		"a short gap":       {1, append(points(time.Minute, 1, 1, 1, 1, 1, 1)[:3], points(time.Minute, 1, 1)...), metrics.OK, 0},
		"over now alone":    {3, points(time.Minute, 1, 1, 1, 1, 1, 1), metrics.Over, 0},
	} {
		s := &source{query: func(prometheus.Query) *prometheus.Result { return vector(c.now) }, points: c.points}
		got, _, err := metrics.Check(t.Context(), s, q, now, 5*time.Minute)
		require.NoError(t, err)
		assert.Len(t, got, 1, name)
		assert.Equal(t, c.want, got[0].State, name)
		if c.since > 0 {
			require.NotNil(t, got[0].Since, name)
			assert.Equal(t, now.Add(-c.since), got[0].Since.UTC(), name)
		}
	}
	// Without a value now it has had none since the last one there was.
	s := &source{query: func(prometheus.Query) *prometheus.Result { return vector() }, points: points(time.Minute, 1, 1, 1, 1, 1, 1)[:3]}
	got, _, err := metrics.Check(t.Context(), s, q, now, 5*time.Minute)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, metrics.NoData, got[0].State)
	assert.Equal(t, now.Add(-3*time.Minute), got[0].Since.UTC())
	// A series that ended while it was over is not forgotten: a crashed replica.
	s = &source{query: func(prometheus.Query) *prometheus.Result {
		return &prometheus.Result{Type: prometheus.Vector, Vector: []prometheus.Sample{{Metric: prometheus.Labels{"a": "c"}, Time: now, Value: 1}}}
	}, points: points(time.Minute, 1, 1, 3, 3, 1, 1)[:4], more: points(time.Minute, 1, 1, 1, 1, 1, 1)}
	got, _, err = metrics.Check(t.Context(), s, q, now, 5*time.Minute)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, metrics.Over, got[0].State)
	assert.Equal(t, map[string]string{"a": "b"}, got[0].Labels)
	assert.Equal(t, now.Add(-2*time.Minute), got[0].Since.UTC())
	assert.Equal(t, metrics.OK, got[1].State)

	_, _, err = metrics.Check(t.Context(), &source{}, metrics.Query{Expr: "x"}, now, 0)
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestFindAndFormat(t *testing.T) {
	t.Parallel()
	all := []metrics.Query{{Name: "api-5xx", Above: limit(0.02), Unit: "ratio"}, {Name: "rds-cpu"}}
	q, err := metrics.Find(all, "api-5xx")
	require.NoError(t, err)
	assert.Equal(t, "above 2%", q.Limits())
	_, err = metrics.Find(all, "api-5x")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, apierr.HintOf(err), "api-5xx")
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{{0.0412, "ratio", "4.12%"}, {0, "ratio", "0%"}, {34.5, "percent", "34.5%"}, {212e9, "bytes", "212 GB"}, {512, "bytes", "512 B"}, {0.25, "seconds", "250ms"},
		{90, "seconds", "1m30s"}, {1234567, "", "1234567"}, {3.14159, "rps", "3.142 rps"}, {math.NaN(), "ratio", "NaN"}, {math.Inf(-1), "", "-Inf"}, {1e-9, "", "1e-09"}} {
		assert.Equal(t, c.want, metrics.Format(c.v, c.unit))
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	series := []prometheus.Series{{Metric: prometheus.Labels{"code": "500"}, Points: points(time.Minute, 1, 2, math.NaN(), 4, 8, math.Inf(1))}}
	g := metrics.Graph{Width: 60, Height: 6, Unit: "count", From: now.Add(-5 * time.Minute), To: now}
	text, rest := g.Draw(series)
	assert.Zero(t, rest)
	assert.Contains(t, text, `{code="500"}`)
	assert.Contains(t, text, "2 values are NaN or infinite")
	assert.NotContains(t, text, "\x1b", "no colour unless asked for")
	assert.Contains(t, text, "03:13")
	for _, line := range strings.Split(text, "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 60, line)
	}
	g.Color = true
	text, _ = g.Draw(series)
	assert.Contains(t, text, "\x1b[")
	text, _ = g.Draw(nil)
	assert.Equal(t, "no finite value to draw", text)
	// Of many the largest are drawn, told apart without colour too, each with its
	// last value and no line beyond the width.
	var many []prometheus.Series
	for i := range 200 {
		many = append(many, prometheus.Series{Metric: prometheus.Labels{"instance": strings.Repeat("long-", 12) + string(rune('a'+i%26))}, Points: points(time.Minute, 0, -float64(i), 1)})
	}
	g.Color = false
	text, rest = g.Draw(many)
	assert.Equal(t, 192, rest)
	assert.Contains(t, text, "-199", "values below zero too")
	assert.Contains(t, text, "\n= {instance=\"long-")
	assert.Equal(t, 8, strings.Count(text, "…  last 1"))
	for _, line := range strings.Split(text, "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 60, line)
	}
	text, _ = g.Draw([]prometheus.Series{{Points: points(time.Minute, 5, 5, 5)}})
	assert.Contains(t, text, "5")

	assert.Equal(t, "▁█", metrics.Spark([]prometheus.Point{{MS: 0, Value: 1}, {MS: 1000, Value: 2}}, time.UnixMilli(0), time.UnixMilli(1000), 2))
	assert.Equal(t, "▁ !", metrics.Spark([]prometheus.Point{{MS: 0, Value: 1}, {MS: 1000, Value: math.NaN()}}, time.UnixMilli(0), time.UnixMilli(1000), 3))
}

func TestPicture(t *testing.T) {
	t.Parallel()
	// Over ten minutes: it rises for four, is missing for three, and falls.
	p := metrics.Picture{Title: "5xx \u00fc", Unit: "ratio", From: now.Add(-10 * time.Minute), To: now, Limit: limit(0.02)}
	values := points(time.Minute, 0, 0.01, 0.02, 0.04, 0.05, math.NaN(), math.NaN(), 0.05, 0.03, math.Inf(1), 0.01)
	var b bytes.Buffer
	rest, err := p.Write(&b, []prometheus.Series{{Points: slices.Concat(values[:5], values[7:])}})
	require.NoError(t, err)
	assert.Zero(t, rest)
	img, err := png.Decode(&b)
	require.NoError(t, err)
	assert.Equal(t, 1000, img.Bounds().Dx())
	curve := func(minute float64) bool { // in the column of that time, above the legend
		x := 90 + int(890*minute/10)
		for y := 40; y < 440; y++ {
			if r, g, bl, _ := img.At(x, y).RGBA(); r>>8 == 31 && g>>8 == 119 && bl>>8 == 180 {
				return true
			}
		}
		return false
	}
	for at := 0.05; at < 9.9; at += 0.1 {
		// Neither the missing minutes nor those to and from infinity have a line.
		want := at < 4 || at > 7 && at < 8
		assert.Equal(t, want, curve(at), "minute %.2f", at)
	}
	assert.True(t, curve(10), "a value alone is a dot")
	_, err = metrics.Picture{Width: 30, Height: 20}.Write(&b, nil)
	require.NoError(t, err)
}
