package logql

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// maxSeries is how many series a metric query may have, Loki's own default.
const maxSeries = 500

// Engine evaluates queries.
type Engine struct{ Storage Storage }

func (e *logExpr) run(w *work) bool {
	for _, s := range e.stages {
		if !s.run(w) {
			return false
		}
	}
	return true
}

// Lines returns at most limit lines with from <= time < to; the newest ones,
// newest first, unless forward.
func (g Engine) Lines(ctx context.Context, q *Query, from, to int64, limit int, forward bool) ([]Entry, error) {
	out := []Entry{}
	n := 0
	g.Storage.Scan(from, to, q.log.wants, func(s *Stream, l Line) bool {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return false
		}
		w := work{stream: s, line: l}
		if !q.log.run(&w) {
			return true
		}
		if w.failed != "" {
			w.set("__error__", w.failed)
		}
		out = append(out, Entry{Line: l, Stream: s, Parsed: w.parsed})
		if forward {
			return len(out) < limit
		}
		if len(out) >= 2*limit+1024 { // keep the newest, in bounded memory
			out = slices.Clone(out[len(out)-limit:])
		}
		return true
	})
	if !forward {
		out = out[max(len(out)-limit, 0):]
		slices.Reverse(out)
	}
	return out, ctx.Err()
}

// Instant evaluates a metric query at one time in nanoseconds.
func (g Engine) Instant(ctx context.Context, q *Query, at int64) ([]Sample, error) {
	r := run{ctx: ctx, g: g, start: at, end: at}
	return r.eval(q.metric, at)
}

// Range evaluates a metric query at start, start+step, ... in nanoseconds.
func (g Engine) Range(ctx context.Context, q *Query, start, end, step int64) ([]Row, error) {
	r := run{ctx: ctx, g: g, start: start, end: end}
	rows := query.Rows{}
	for t := start; t <= end; t += step {
		v, err := r.eval(q.metric, t)
		if err != nil {
			return nil, err
		}
		rows.Add(t/1e6, v)
	}
	return rows.Sorted(), nil
}

// series is what a range expression counts: times and sizes of one label set.
type series struct {
	labels map[string]string
	at     []int64
	sizes  []float64 // running sums
}

type run struct {
	ctx        context.Context //nolint:containedctx // lives as long as the call
	g          Engine
	start, end int64
	loaded     map[*rangeExpr][]*series
}

func (r *run) load(e *rangeExpr) ([]*series, error) {
	if s, ok := r.loaded[e]; ok {
		return s, nil
	}
	found := map[string]*series{}
	var failed error
	n := 0
	from, to := r.start-int64(e.window)-int64(e.offset)+1, r.end-int64(e.offset)+1
	r.g.Storage.Scan(from, to, e.log.wants, func(s *Stream, l Line) bool {
		if n++; n%4096 == 0 && r.ctx.Err() != nil {
			return false
		}
		w := work{stream: s, line: l}
		if !e.log.run(&w) {
			return true
		}
		labels := maps.Clone(s.Labels)
		maps.Copy(labels, l.Meta)
		maps.Copy(labels, w.parsed)
		if w.failed != "" {
			failed = &ExecError{Msg: fmt.Sprintf("pipeline error: '%s' for series: '%s'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"%s\").", w.failed, Text(labels), w.failed)}
			return false
		}
		k := query.Key(labels)
		x := found[k]
		if x == nil {
			x = &series{labels: labels}
			found[k] = x
		}
		size := float64(len(l.Text))
		if len(x.sizes) > 0 {
			size += x.sizes[len(x.sizes)-1]
		}
		x.at, x.sizes = append(x.at, l.NS), append(x.sizes, size)
		return true
	})
	if failed != nil {
		return nil, failed
	}
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	out := []*series{}
	for _, k := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[k])
	}
	if r.loaded == nil {
		r.loaded = map[*rangeExpr][]*series{}
	}
	r.loaded[e] = out
	return out, nil
}

func tooMany(n int) error {
	if n <= maxSeries {
		return nil
	}
	return &ExecError{Msg: fmt.Sprintf("maximum number of series (%d) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum, count or topk", maxSeries)}
}

func (r *run) eval(m metric, t int64) ([]Sample, error) {
	switch m := m.(type) {
	case *rangeExpr:
		return r.counted(m, t)
	case *vectorExpr:
		return r.folded(m, t)
	case *scalarExpr:
		return r.compared(m, t)
	}
	return nil, &ExecError{Msg: "a number is no query"}
}

func (r *run) counted(e *rangeExpr, t int64) ([]Sample, error) {
	all, err := r.load(e)
	if err != nil {
		return nil, err
	}
	t -= int64(e.offset)
	out := []Sample{}
	for _, s := range all {
		i := sort.Search(len(s.at), func(i int) bool { return s.at[i] > t-int64(e.window) })
		j := sort.Search(len(s.at), func(i int) bool { return s.at[i] > t })
		if i == j {
			continue
		}
		v := float64(j - i)
		if e.op == "bytes_over_time" || e.op == "bytes_rate" {
			v = s.sizes[j-1]
			if i > 0 {
				v -= s.sizes[i-1]
			}
		}
		if e.op == "rate" || e.op == "bytes_rate" {
			v /= e.window.Seconds()
		}
		out = append(out, Sample{Labels: s.labels, V: v})
	}
	return out, nil
}

func (r *run) folded(e *vectorExpr, t int64) ([]Sample, error) {
	v, err := r.eval(e.x, t)
	if err != nil {
		return nil, err
	}
	groups := map[string][]Sample{}
	labelsOf := map[string]map[string]string{}
	for _, s := range v {
		labels := map[string]string{}
		for k, x := range s.Labels {
			if slices.Contains(e.labels, k) != e.without {
				labels[k] = x
			}
		}
		k := query.Key(labels)
		groups[k], labelsOf[k] = append(groups[k], s), labels
	}
	out := []Sample{}
	for _, k := range slices.Sorted(maps.Keys(groups)) {
		members := groups[k]
		if e.k > 0 {
			slices.SortStableFunc(members, func(a, b Sample) int {
				if e.op == "topk" {
					a, b = b, a
				}
				switch {
				case a.V < b.V:
					return -1
				case a.V > b.V:
					return 1
				}
				return 0
			})
			out = append(out, members[:min(e.k, len(members))]...)
			continue
		}
		out = append(out, Sample{Labels: labelsOf[k], V: fold(e.op, members)})
	}
	return out, nil
}

func fold(op string, members []Sample) float64 {
	if op == "count" {
		return float64(len(members))
	}
	v := members[0].V
	for _, m := range members[1:] {
		switch op {
		case "min":
			v = math.Min(v, m.V)
		case "max":
			v = math.Max(v, m.V)
		default:
			v += m.V
		}
	}
	if op == "avg" {
		v /= float64(len(members))
	}
	return v
}

func (r *run) compared(e *scalarExpr, t int64) ([]Sample, error) {
	v, err := r.eval(e.x, t)
	if err != nil {
		return nil, err
	}
	out := []Sample{}
	for _, s := range v {
		a, b := s.V, e.v
		if e.swapped {
			a, b = b, a
		}
		x, holds := query.Compute(e.op, a, b)
		switch {
		case !query.Comparison(e.op):
			out = append(out, Sample{Labels: s.Labels, V: x})
		case e.returnsBool:
			out = append(out, Sample{Labels: s.Labels, V: query.Truth(holds)})
		case holds:
			out = append(out, s)
		}
	}
	return out, nil
}

// Limited refuses a result with more series than Loki gives.
func Limited[T any](v []T, err error) ([]T, error) {
	if err == nil {
		err = tooMany(len(v))
	}
	return v, err
}
