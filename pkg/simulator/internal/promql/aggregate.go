package promql

import (
	"math"
	"slices"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

type group struct {
	labels  map[string]string
	members []Sample
}

func (r *run) aggregate(n aggregateNode, t int64) (Value, error) {
	k := 0.0
	if n.param != nil {
		p, err := r.eval(n.param, t)
		if err != nil {
			return Value{}, err
		}
		k = p.Scalar
		if math.IsNaN(k) {
			return Value{}, &ExecError{Msg: "Parameter value is NaN"}
		}
	}
	v, err := r.eval(n.x, t)
	if err != nil {
		return Value{}, err
	}
	groups := map[string]*group{}
	order := []string{}
	for _, s := range v.Vector {
		labels := only(s.Labels, n.labels)
		if n.without {
			labels = without(s.Labels, append([]string{"__name__"}, n.labels...)...)
		}
		id := query.Key(labels)
		if groups[id] == nil {
			groups[id] = &group{labels: labels}
			order = append(order, id)
		}
		groups[id].members = append(groups[id].members, s)
	}
	out := Value{Kind: KindVector}
	for _, id := range order {
		g := groups[id]
		if n.op == "topk" || n.op == "bottomk" {
			out.Vector = append(out.Vector, g.best(n.op == "topk", k)...)
			continue
		}
		out.Vector = append(out.Vector, Sample{Labels: g.labels, V: g.fold(n.op)})
	}
	return out, nil
}

func (g *group) fold(op string) float64 {
	values := make([]float64, len(g.members))
	for i, m := range g.members {
		values[i] = m.V
	}
	switch op {
	case "sum":
		return total(values)
	case "avg":
		return mean(values)
	case "count":
		return float64(len(values))
	case "group":
		return 1
	case "min":
		return extreme(values, func(a, b float64) bool { return a < b })
	default:
		return extreme(values, func(a, b float64) bool { return a > b })
	}
}

func total(values []float64) float64 {
	var s sum
	for _, v := range values {
		s.add(v)
	}
	return s.value()
}

func mean(values []float64) float64 {
	s := total(values)
	return s / float64(len(values))
}

// extreme is the value that beats all others; NaN is beaten by everything.
func extreme(values []float64, beats func(a, b float64) bool) float64 {
	best := values[0]
	for _, v := range values[1:] {
		if beats(v, best) || math.IsNaN(best) {
			best = v
		}
	}
	return best
}

// best keeps the k largest or smallest members, with their own labels, best
// first. NaN comes last.
func (g *group) best(largest bool, k float64) []Sample {
	n := int(min(max(k, 0), float64(len(g.members))))
	all := slices.Clone(g.members)
	slices.SortStableFunc(all, func(a, b Sample) int {
		switch {
		case math.IsNaN(a.V) && math.IsNaN(b.V), a.V == b.V:
			return 0
		case math.IsNaN(b.V), !math.IsNaN(a.V) && (a.V > b.V) == largest:
			return -1
		}
		return 1
	})
	return all[:n]
}
