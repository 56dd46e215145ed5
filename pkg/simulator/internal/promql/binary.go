package promql

import (
	"slices"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

func (r *run) binary(n binaryNode, t int64) (Value, error) {
	l, err := r.eval(n.l, t)
	if err != nil {
		return Value{}, err
	}
	rt, err := r.eval(n.r, t)
	if err != nil {
		return Value{}, err
	}
	switch {
	case l.Kind == KindScalar && rt.Kind == KindScalar:
		v, ok := query.Compute(n.op, l.Scalar, rt.Scalar)
		if query.Comparison(n.op) {
			v = query.Truth(ok)
		}
		return Value{Kind: KindScalar, Scalar: v}, nil
	case l.Kind == KindScalar:
		return n.withScalar(rt.Vector, l.Scalar, true), nil
	case rt.Kind == KindScalar:
		return n.withScalar(l.Vector, rt.Scalar, false), nil
	case setOp(n.op):
		return n.sets(l.Vector, rt.Vector), nil
	}
	return n.vectors(l.Vector, rt.Vector)
}

// withScalar works on each element; swapped when the scalar stands on the left.
// A comparison filters and keeps the vector's value and name.
func (n binaryNode) withScalar(v []Sample, scalar float64, swapped bool) Value {
	out := Value{Kind: KindVector}
	for _, s := range v {
		a, b := s.V, scalar
		if swapped {
			a, b = b, a
		}
		x, ok := query.Compute(n.op, a, b)
		switch {
		case query.Comparison(n.op) && n.returnsBool:
			out.Vector = append(out.Vector, Sample{Labels: without(s.Labels, "__name__"), V: query.Truth(ok)})
		case query.Comparison(n.op) && ok:
			out.Vector = append(out.Vector, s)
		case !query.Comparison(n.op):
			out.Vector = append(out.Vector, Sample{Labels: without(s.Labels, "__name__"), V: x})
		}
	}
	return out
}

// match is the part of the labels by which two vectors are joined.
func (n binaryNode) match(labels map[string]string) map[string]string {
	if n.matched && n.on {
		return only(labels, n.labels)
	}
	return without(labels, append([]string{"__name__"}, n.labels...)...)
}

func (n binaryNode) sets(l, r []Sample) Value {
	has := func(v []Sample) map[string]bool {
		out := map[string]bool{}
		for _, s := range v {
			out[query.Key(n.match(s.Labels))] = true
		}
		return out
	}
	out := Value{Kind: KindVector}
	right, left := has(r), has(l)
	for _, s := range l {
		in := right[query.Key(n.match(s.Labels))]
		if n.op == "or" || in == (n.op == "and") {
			out.Vector = append(out.Vector, s)
		}
	}
	if n.op == "or" {
		for _, s := range r {
			if !left[query.Key(n.match(s.Labels))] {
				out.Vector = append(out.Vector, s)
			}
		}
	}
	return out
}

// vectors joins one to one.
func (n binaryNode) vectors(l, r []Sample) (Value, error) {
	right := map[string]Sample{}
	for _, s := range r {
		k := query.Key(n.match(s.Labels))
		if _, twice := right[k]; twice {
			return Value{}, &ExecError{Msg: "found duplicate series for the match group on the right hand-side of the operation;many-to-many matching not allowed: matching labels must be unique on one side"}
		}
		right[k] = s
	}
	out := Value{Kind: KindVector}
	seen := map[string]bool{}
	for _, s := range l {
		k := query.Key(n.match(s.Labels))
		other, ok := right[k]
		if !ok {
			continue
		}
		v, holds := query.Compute(n.op, s.V, other.V)
		if query.Comparison(n.op) && !holds && !n.returnsBool {
			continue
		}
		labels := n.result(s.Labels)
		if query.Comparison(n.op) {
			if n.returnsBool {
				v = query.Truth(holds)
			} else if !n.matched || !n.on || slices.Contains(n.labels, "__name__") {
				labels = n.filtered(s.Labels)
			}
		}
		if seen[k] {
			return Value{}, &ExecError{Msg: "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"}
		}
		seen[k] = true
		out.Vector = append(out.Vector, Sample{Labels: labels, V: v})
	}
	return out, nil
}

// result is the label set of an element: the labels that were matched.
func (n binaryNode) result(labels map[string]string) map[string]string {
	if n.matched && n.on {
		return only(labels, n.labels)
	}
	return without(labels, append([]string{"__name__"}, n.labels...)...)
}

// filtered is that of a comparison, which keeps the name.
func (n binaryNode) filtered(labels map[string]string) map[string]string {
	if n.matched && n.on {
		return only(labels, n.labels)
	}
	return without(labels, n.labels...)
}
