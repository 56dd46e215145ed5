package promql

import (
	"fmt"
	"strings"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// aggregators are PromQL's; those that are not spoken are in unspoken.
var aggregators = []string{"sum", "avg", "min", "max", "count", "topk", "bottomk", "group", "stddev", "stdvar", "quantile", "count_values", "limitk", "limit_ratio"}

var unspoken = map[string]bool{"stddev": true, "stdvar": true, "quantile": true, "count_values": true, "limitk": true, "limit_ratio": true}

// suffixes reads [5m], [1h:5m], offset and @ behind an expression.
func (p *parser) suffixes(x node) (node, error) {
	for {
		switch {
		case p.Is("["):
			next, err := p.brackets(x)
			if err != nil {
				return nil, err
			}
			x = next
		case p.Keyword("offset"):
			next, err := p.offset(x)
			if err != nil {
				return nil, err
			}
			x = next
		case p.Is("@"):
			p.Take()
			if p.Keyword("start") || p.Keyword("end") {
				p.Take()
				if err := p.need("(", "in @"); err != nil {
					return nil, err
				}
				if err := p.need(")", "in @"); err != nil {
					return nil, err
				}
			} else if p.Accept("-"); p.Peek().Kind == query.Number {
				p.Take()
			} else {
				return nil, p.unexpected("in @, expected timestamp")
			}
			if _, ok := x.(selectorNode); !ok {
				return nil, p.fail("@ modifier must be preceded by an instant vector selector or range vector selector or a subquery")
			}
			p.Without("the @ modifier")
		case p.Keyword("smoothed"), p.Keyword("anchored"):
			return nil, p.unexpected("")
		default:
			return x, nil
		}
	}
}

func (p *parser) duration(where string) (int64, error) {
	t := p.Peek()
	if t.Kind == query.Duration {
		p.Take()
		ms, _ := Duration(t.Text)
		return ms, nil
	}
	if t.Kind == query.Number { // seconds, since 3.0
		p.Take()
		v, _ := parseNumber(t.Text)
		return int64(v * 1000), nil
	}
	return 0, p.unexpected(where)
}

func (p *parser) brackets(x node) (node, error) {
	open := p.Take()
	ms, err := p.duration("in subquery or range, expected duration")
	if err != nil {
		return nil, err
	}
	if ms <= 0 {
		return nil, at(p.Src, open.Pos+1, "duration must be greater than 0")
	}
	if p.Accept(":") {
		if k := x.kind(); k != KindVector {
			return nil, at(p.Src, open.Pos, fmt.Sprintf("subquery is only allowed on instant vector, got %s instead", kindWord(k)))
		}
		if !p.Is("]") {
			if _, err := p.duration("in subquery selector, expected duration"); err != nil {
				return nil, err
			}
		}
		p.Without("subqueries")
		return selectorNode{rng: ms}, p.need("]", "in subquery selector, expected \"]\"")
	}
	if err := p.need("]", "in subquery or range selector, expected \"]\""); err != nil {
		return nil, err
	}
	s, ok := x.(selectorNode)
	switch {
	case !ok || s.rng > 0:
		return nil, at(p.Src, open.Pos, "ranges only allowed for vector selectors")
	case s.offset != 0:
		return nil, at(p.Src, open.Pos, "no offset modifiers allowed before range")
	}
	s.rng = ms
	return s, nil
}

func kindWord(k Kind) string { return strings.ReplaceAll(k.String(), "instant ", "") }

func (p *parser) offset(x node) (node, error) {
	word := p.Take()
	sign := int64(1)
	if p.Accept("-") {
		sign = -1
	} else {
		p.Accept("+")
	}
	ms, err := p.duration("in offset, expected number, duration, step(), or duration expression")
	if err != nil {
		return nil, err
	}
	s, ok := x.(selectorNode)
	switch {
	case !ok:
		return nil, at(p.Src, word.Pos, "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery")
	case s.offset != 0:
		return nil, at(p.Src, word.Pos, "offset may not be set multiple times")
	}
	s.offset = sign * ms
	return s, nil
}

func (p *parser) aggregate(op string, t query.Token) (node, error) {
	n := aggregateNode{op: op}
	grouped, err := p.grouping(&n)
	if err != nil {
		return nil, err
	}
	if err := p.need("(", "in aggregation"); err != nil {
		return nil, err
	}
	args := []node{}
	for !p.Is(")") {
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
		if !p.Accept(",") {
			break
		}
	}
	if err := p.need(")", "in aggregation"); err != nil {
		return nil, err
	}
	if !grouped {
		if _, err := p.grouping(&n); err != nil {
			return nil, err
		}
	}
	want := 1
	switch op {
	case "topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio":
		want = 2
	}
	if len(args) != want {
		return nil, at(p.Src, t.Pos, fmt.Sprintf("wrong number of arguments for aggregate expression provided, expected %d, got %d", want, len(args)))
	}
	n.x = args[len(args)-1]
	if want == 2 {
		n.param = args[0]
		wantKind := KindScalar
		if op == "count_values" {
			wantKind = KindString
		}
		if n.param.kind() != wantKind {
			return nil, at(p.Src, t.Pos, fmt.Sprintf("expected type %s in aggregation parameter, got %s", wantKind, n.param.kind()))
		}
	}
	if n.x.kind() != KindVector {
		return nil, at(p.Src, t.Pos, fmt.Sprintf("expected type instant vector in aggregation expression, got %s", n.x.kind()))
	}
	if unspoken[op] {
		p.Without(op + "()")
	}
	return n, nil
}

func (p *parser) grouping(n *aggregateNode) (bool, error) {
	for _, w := range []string{"by", "without"} {
		if p.Keyword(w) {
			p.Take()
			labels, err := p.labelList()
			n.labels, n.without = labels, w == "without"
			return true, err
		}
	}
	return false, nil
}

func (p *parser) call(t query.Token) (node, error) {
	fn, known := functions[t.Text]
	if !known && !otherFunctions[t.Text] {
		return nil, at(p.Src, t.Pos, fmt.Sprintf("unknown function with name %q", t.Text))
	}
	p.Take()
	args := []node{}
	for !p.Is(")") {
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
		if !p.Accept(",") {
			break
		}
	}
	if err := p.need(")", "in function call"); err != nil {
		return nil, err
	}
	if !known {
		p.Without(t.Text + "()")
		kind := KindVector
		if t.Text == "pi" {
			kind = KindScalar
		}
		return callNode{fn: function{name: t.Text, result: kind}}, nil
	}
	if len(args) < len(fn.args)-fn.optional || len(args) > len(fn.args) {
		return nil, at(p.Src, t.Pos, fmt.Sprintf("expected %d argument(s) in call to %q, got %d", len(fn.args)-fn.optional, t.Text, len(args)))
	}
	for i, a := range args {
		if a.kind() != fn.args[i] {
			return nil, at(p.Src, t.Pos, fmt.Sprintf("expected type %s in call to function %q, got %s", fn.args[i], t.Text, a.kind()))
		}
	}
	return callNode{fn, args}, nil
}
