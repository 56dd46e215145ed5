package promql

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// lookback is how old a sample of an instant selector may be.
const lookback = 5 * 60 * 1000

// maxSamples is what a query may load, as Prometheus' own default.
const maxSamples = 50_000_000

// Engine evaluates queries.
type Engine struct{ Storage Storage }

// Instant evaluates e at one instant, in milliseconds.
func (g Engine) Instant(ctx context.Context, e *Expr, t int64) (Value, error) {
	run := newRun(ctx, g.Storage, t, t)
	v, err := run.eval(e.root, t)
	if err != nil {
		return Value{}, err
	}
	if v.Kind == KindVector {
		if err := unique(v.Vector); err != nil {
			return Value{}, err
		}
	}
	return v, nil
}

// Range evaluates e at start, start+step, ... up to end, in milliseconds. The
// rows are sorted by labels.
func (g Engine) Range(ctx context.Context, e *Expr, start, end, step int64) ([]Row, error) {
	if k := e.Kind(); k != KindScalar && k != KindVector {
		return nil, &ExecError{Msg: fmt.Sprintf("invalid expression type %q for range query, must be Scalar or instant Vector", k)}
	}
	run := newRun(ctx, g.Storage, start, end)
	rows := query.Rows{}
	for t := start; t <= end; t += step {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v, err := run.eval(e.root, t)
		if err != nil {
			return nil, err
		}
		if v.Kind == KindScalar {
			v.Vector = []Sample{{Labels: map[string]string{}, V: v.Scalar}}
		}
		if err := unique(v.Vector); err != nil {
			return nil, err
		}
		rows.Add(t, v.Vector)
	}
	return rows.Sorted(), nil
}

func unique(v []Sample) error {
	seen := make(map[string]bool, len(v))
	for _, s := range v {
		k := query.Key(s.Labels)
		if seen[k] {
			return &ExecError{Msg: "vector cannot contain metrics with the same labelset"}
		}
		seen[k] = true
	}
	return nil
}

// run is one evaluation: what each selector needs is computed once for all steps.
type run struct {
	ctx        context.Context //nolint:containedctx // lives as long as the call
	storage    Storage
	start, end int64
	loaded     map[int][]Row
	samples    int
}

func newRun(ctx context.Context, s Storage, start, end int64) *run {
	return &run{ctx: ctx, storage: s, start: start, end: end, loaded: map[int][]Row{}}
}

func (r *run) load(n selectorNode) ([]Row, error) {
	if rows, ok := r.loaded[n.id]; ok {
		return rows, nil
	}
	back := n.rng
	if back == 0 {
		back = lookback
	}
	rows := []Row{}
	for _, s := range r.storage.Select(n.matches) {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		points := s.Points(r.start-n.offset-back, r.end-n.offset)
		if r.samples += len(points); r.samples > maxSamples {
			return nil, &ExecError{Msg: "query processing would load too many samples into memory in query execution"}
		}
		rows = append(rows, Row{Labels: s.Labels, Points: points})
	}
	r.loaded[n.id] = rows
	return rows, nil
}

// window is the points with from < T <= to.
func window(points []Point, from, to int64) []Point {
	i := sort.Search(len(points), func(i int) bool { return points[i].T > from })
	j := sort.Search(len(points), func(i int) bool { return points[i].T > to })
	return points[i:j]
}

func (r *run) eval(n node, t int64) (Value, error) {
	switch n := n.(type) {
	case numberNode:
		return Value{Kind: KindScalar, Scalar: n.v}, nil
	case stringNode:
		return Value{Kind: KindString, Text: n.s}, nil
	case parenNode:
		return r.eval(n.x, t)
	case selectorNode:
		return r.selector(n, t)
	case unaryNode:
		v, err := r.eval(n.x, t)
		v.Scalar = -v.Scalar
		for i := range v.Vector {
			v.Vector[i] = Sample{Labels: without(v.Vector[i].Labels, "__name__"), V: -v.Vector[i].V}
		}
		return v, err
	case aggregateNode:
		return r.aggregate(n, t)
	case callNode:
		args := make([]Value, len(n.args))
		for i, a := range n.args {
			v, err := r.eval(a, t)
			if err != nil {
				return Value{}, err
			}
			args[i] = v
		}
		return n.fn.call(&callFrame{args: args, nodes: n.args, t: t})
	case binaryNode:
		return r.binary(n, t)
	}
	return Value{}, &ExecError{Msg: fmt.Sprintf("unknown expression %T", n)}
}

func (r *run) selector(n selectorNode, t int64) (Value, error) {
	rows, err := r.load(n)
	if err != nil {
		return Value{}, err
	}
	t -= n.offset
	if n.rng > 0 {
		out := Value{Kind: KindMatrix}
		for _, row := range rows {
			if w := window(row.Points, t-n.rng, t); len(w) > 0 {
				out.Matrix = append(out.Matrix, Row{Labels: row.Labels, Points: w})
			}
		}
		return out, nil
	}
	out := Value{Kind: KindVector}
	for _, row := range rows {
		if w := window(row.Points, t-lookback, t); len(w) > 0 {
			out.Vector = append(out.Vector, Sample{Labels: row.Labels, V: w[len(w)-1].V})
		}
	}
	return out, nil
}

// without returns the labels less some; the map is a new one.
func without(labels map[string]string, names ...string) map[string]string {
	out := make(map[string]string, len(labels))
	for k, v := range labels {
		if !slices.Contains(names, k) {
			out[k] = v
		}
	}
	return out
}

func only(labels map[string]string, names []string) map[string]string {
	out := make(map[string]string, len(names))
	for _, k := range names {
		if v, ok := labels[k]; ok {
			out[k] = v
		}
	}
	return out
}

// sum adds with Neumaier's compensation, as Prometheus does.
type sum struct{ total, rest float64 }

func (s *sum) add(v float64) {
	t := s.total + v
	switch {
	case math.IsInf(t, 0):
		s.rest = 0
	case math.Abs(s.total) >= math.Abs(v):
		s.rest += (s.total - t) + v
	default:
		s.rest += (v - t) + s.total
	}
	s.total = t
}

func (s *sum) value() float64 { return s.total + s.rest }

// Labels returns the label sets of the series that a selector finds.
func (g Engine) Labels(e *Expr) ([]map[string]string, error) {
	n, ok := e.root.(selectorNode)
	if !ok || n.rng > 0 {
		return nil, &ParseError{Line: 1, Col: 1, Msg: "a series selector was due"}
	}
	out := []map[string]string{}
	for _, s := range g.Storage.Select(n.matches) {
		out = append(out, s.Labels)
	}
	return out, nil
}
