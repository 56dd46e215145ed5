package promql

import (
	"math"
	"slices"
)

type callFrame struct {
	args  []Value
	nodes []node
	t     int64
}

type function struct {
	name     string
	args     []Kind
	optional int // how many of the last may be left out
	result   Kind
	call     func(f *callFrame) (Value, error)
}

var functions = map[string]function{}

func init() { //nolint:gochecknoinits // the table refers to functions that use it
	over := func(name string, fold func([]Point) float64, keepsName bool) {
		functions[name] = function{name, []Kind{KindMatrix}, 0, KindVector, func(f *callFrame) (Value, error) {
			out := Value{Kind: KindVector}
			for _, row := range f.args[0].Matrix {
				labels := row.Labels
				if !keepsName {
					labels = without(labels, "__name__")
				}
				out.Vector = append(out.Vector, Sample{Labels: labels, V: fold(row.Points)})
			}
			return out, nil
		}}
	}
	over("avg_over_time", func(p []Point) float64 { return mean(values(p)) }, false)
	over("sum_over_time", func(p []Point) float64 { return total(values(p)) }, false)
	over("count_over_time", func(p []Point) float64 { return float64(len(p)) }, false)
	over("present_over_time", func([]Point) float64 { return 1 }, false)
	over("min_over_time", func(p []Point) float64 { return extreme(values(p), func(a, b float64) bool { return a < b }) }, false)
	over("max_over_time", func(p []Point) float64 { return extreme(values(p), func(a, b float64) bool { return a > b }) }, false)
	over("last_over_time", func(p []Point) float64 { return p[len(p)-1].V }, true)

	for name, kind := range map[string][2]bool{"rate": {true, true}, "increase": {true, false}, "delta": {false, false}} {
		functions[name] = function{name, []Kind{KindMatrix}, 0, KindVector, func(f *callFrame) (Value, error) {
			n, _ := f.nodes[0].(selectorNode)
			out := Value{Kind: KindVector}
			for _, row := range f.args[0].Matrix {
				if v, ok := extrapolated(row.Points, f.t-n.offset, n.rng, kind[0], kind[1]); ok {
					out.Vector = append(out.Vector, Sample{Labels: without(row.Labels, "__name__"), V: v})
				}
			}
			return out, nil
		}}
	}
	functions["irate"] = function{"irate", []Kind{KindMatrix}, 0, KindVector, irate}

	each := func(name string, fn func(float64) float64) {
		functions[name] = function{name, []Kind{KindVector}, 0, KindVector, func(f *callFrame) (Value, error) {
			return f.each(fn), nil
		}}
	}
	each("abs", math.Abs)
	each("ceil", math.Ceil)
	each("floor", math.Floor)
	bound := func(name string, fn func(v, limit float64) float64) {
		functions[name] = function{name, []Kind{KindVector, KindScalar}, 0, KindVector, func(f *callFrame) (Value, error) {
			limit := f.args[1].Scalar
			return f.each(func(v float64) float64 { return fn(v, limit) }), nil
		}}
	}
	bound("clamp_min", math.Max)
	bound("clamp_max", math.Min)
	functions["round"] = function{"round", []Kind{KindVector, KindScalar}, 1, KindVector, func(f *callFrame) (Value, error) {
		inverse := 1.0
		if len(f.args) > 1 {
			inverse = 1 / f.args[1].Scalar
		}
		return f.each(func(v float64) float64 { return math.Floor(v*inverse+0.5) / inverse }), nil
	}}
	functions["time"] = function{"time", nil, 0, KindScalar, func(f *callFrame) (Value, error) {
		return Value{Kind: KindScalar, Scalar: float64(f.t) / 1000}, nil
	}}
	functions["vector"] = function{"vector", []Kind{KindScalar}, 0, KindVector, func(f *callFrame) (Value, error) {
		return Value{Kind: KindVector, Vector: []Sample{{Labels: map[string]string{}, V: f.args[0].Scalar}}}, nil
	}}
	functions["scalar"] = function{"scalar", []Kind{KindVector}, 0, KindScalar, func(f *callFrame) (Value, error) {
		v := math.NaN()
		if len(f.args[0].Vector) == 1 {
			v = f.args[0].Vector[0].V
		}
		return Value{Kind: KindScalar, Scalar: v}, nil
	}}
	functions["sort"] = function{"sort", []Kind{KindVector}, 0, KindVector, func(f *callFrame) (Value, error) { return f.sorted(false), nil }}
	functions["sort_desc"] = function{"sort_desc", []Kind{KindVector}, 0, KindVector, func(f *callFrame) (Value, error) { return f.sorted(true), nil }}
	functions["absent"] = function{"absent", []Kind{KindVector}, 0, KindVector, absent}
}

func values(p []Point) []float64 {
	out := make([]float64, len(p))
	for i, x := range p {
		out[i] = x.V
	}
	return out
}

func (f *callFrame) each(fn func(float64) float64) Value {
	out := Value{Kind: KindVector}
	for _, s := range f.args[0].Vector {
		out.Vector = append(out.Vector, Sample{Labels: without(s.Labels, "__name__"), V: fn(s.V)})
	}
	return out
}

func (f *callFrame) sorted(desc bool) Value {
	g := group{members: slices.Clone(f.args[0].Vector)}
	return Value{Kind: KindVector, Vector: g.best(desc, math.Inf(1))}
}

// extrapolated is Prometheus' rate, increase and delta: the change between the
// first and the last sample, extended to the window's edges unless the series
// seems to begin or end inside it.
func extrapolated(p []Point, t, rng int64, counter, perSecond bool) (float64, bool) {
	if len(p) < 2 {
		return 0, false
	}
	first, last := p[0], p[len(p)-1]
	change := last.V - first.V
	if counter {
		prev := first.V
		for _, x := range p[1:] {
			if x.V < prev {
				change += prev
			}
			prev = x.V
		}
	}
	toStart := float64(first.T-(t-rng)) / 1000
	toEnd := float64(t-last.T) / 1000
	sampled := float64(last.T-first.T) / 1000
	average := sampled / float64(len(p)-1)
	threshold := average * 1.1
	if toStart >= threshold {
		toStart = average / 2
	}
	if counter && change > 0 && first.V >= 0 {
		// A counter does not go below zero.
		if zero := sampled * (first.V / change); zero < toStart {
			toStart = zero
		}
	}
	if toEnd >= threshold {
		toEnd = average / 2
	}
	factor := (sampled + toStart + toEnd) / sampled
	if perSecond {
		factor /= float64(rng) / 1000
	}
	return change * factor, true
}

func irate(f *callFrame) (Value, error) {
	out := Value{Kind: KindVector}
	for _, row := range f.args[0].Matrix {
		n := len(row.Points)
		if n < 2 {
			continue
		}
		a, b := row.Points[n-2], row.Points[n-1]
		change := b.V - a.V
		if b.V < a.V {
			change = b.V
		}
		if b.T == a.T {
			continue
		}
		out.Vector = append(out.Vector, Sample{Labels: without(row.Labels, "__name__"), V: change / (float64(b.T-a.T) / 1000)})
	}
	return out, nil
}

// absent is one element when there is none, labelled by the equality matchers.
func absent(f *callFrame) (Value, error) {
	out := Value{Kind: KindVector}
	if len(f.args[0].Vector) > 0 {
		return out, nil
	}
	labels := map[string]string{}
	if s, ok := f.nodes[0].(selectorNode); ok {
		twice := map[string]bool{}
		for _, m := range s.matchers {
			if m.Name == "__name__" {
				continue
			}
			if _, ok := labels[m.Name]; ok || m.Op != "=" {
				twice[m.Name] = true
			}
			labels[m.Name] = m.Value
		}
		for name := range twice {
			delete(labels, name)
		}
	}
	out.Vector = []Sample{{Labels: labels, V: 1}}
	return out, nil
}

// otherFunctions are PromQL's that the demo does not evaluate.
var otherFunctions = set("absent_over_time", "acos", "acosh", "asin", "asinh", "atan", "atanh", "changes", "clamp", "cos", "cosh",
	"day_of_month", "day_of_week", "day_of_year", "days_in_month", "deg", "deriv", "exp", "histogram_avg", "histogram_count",
	"histogram_fraction", "histogram_quantile", "histogram_stddev", "histogram_stdvar", "histogram_sum", "hour", "idelta",
	"label_join", "label_replace", "ln", "log10", "log2", "mad_over_time", "minute", "month", "pi", "predict_linear",
	"quantile_over_time", "rad", "resets", "sgn", "sin", "sinh", "sort_by_label", "sort_by_label_desc", "sqrt", "stddev_over_time",
	"stdvar_over_time", "tan", "tanh", "timestamp", "year", "double_exponential_smoothing", "holt_winters", "info",
	"first_over_time", "ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time")

func set(words ...string) map[string]bool {
	out := map[string]bool{}
	for _, w := range words {
		out[w] = true
	}
	return out
}
