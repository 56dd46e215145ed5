package promql

import "github.com/balena-io/oncall/pkg/simulator/internal/query"

// node is an expression.
type node interface{ kind() Kind }

type numberNode struct{ v float64 }
type stringNode struct{ s string }

type selectorNode struct {
	id       int // of this place in the query
	matchers []query.Matcher
	offset   int64 // milliseconds, negative looks ahead
	rng      int64 // milliseconds; 0 is an instant selector
}

func (n selectorNode) matches(labels map[string]string) bool { return query.Match(n.matchers, labels) }

type unaryNode struct{ x node }

type binaryNode struct {
	op          string
	l, r        node
	returnsBool bool
	on          bool // on(...) rather than ignoring(...)
	matched     bool // on or ignoring was given
	labels      []string
}

type aggregateNode struct {
	op      string
	param   node // of topk and bottomk
	x       node
	without bool
	labels  []string
}

type callNode struct {
	fn   function
	args []node
}

type parenNode struct{ x node }

func (numberNode) kind() Kind    { return KindScalar }
func (stringNode) kind() Kind    { return KindString }
func (n unaryNode) kind() Kind   { return n.x.kind() }
func (n callNode) kind() Kind    { return n.fn.result }
func (n parenNode) kind() Kind   { return n.x.kind() }
func (aggregateNode) kind() Kind { return KindVector }

func (n selectorNode) kind() Kind {
	if n.rng > 0 {
		return KindMatrix
	}
	return KindVector
}

func (n binaryNode) kind() Kind {
	if n.l.kind() == KindScalar && n.r.kind() == KindScalar {
		return KindScalar
	}
	return KindVector
}
