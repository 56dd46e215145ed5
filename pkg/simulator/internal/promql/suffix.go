package promql

import (
	"fmt"
	"strings"
)

// aggregators are PromQL's; those that are not spoken are in unspoken.
var aggregators = []string{"sum", "avg", "min", "max", "count", "topk", "bottomk", "group", "stddev", "stdvar", "quantile", "count_values", "limitk", "limit_ratio"}

var unspoken = map[string]bool{"stddev": true, "stdvar": true, "quantile": true, "count_values": true, "limitk": true, "limit_ratio": true}

// suffixes reads [5m], [1h:5m], offset and @ behind an expression.
func (p *parser) suffixes(x node) (node, error) {
	for {
		switch {
		case p.is("["):
			next, err := p.brackets(x)
			if err != nil {
				return nil, err
			}
			x = next
		case p.word("offset"):
			next, err := p.offset(x)
			if err != nil {
				return nil, err
			}
			x = next
		case p.is("@"):
			p.take()
			if p.word("start") || p.word("end") {
				p.take()
				if err := p.need("(", "in @"); err != nil {
					return nil, err
				}
				if err := p.need(")", "in @"); err != nil {
					return nil, err
				}
			} else if p.accept("-"); p.peek().kind == tNumber {
				p.take()
			} else {
				return nil, p.unexpected("in @, expected timestamp")
			}
			if _, ok := x.(selectorNode); !ok {
				return nil, p.fail("@ modifier must be preceded by an instant vector selector or range vector selector or a subquery")
			}
			p.without("the @ modifier")
		case p.word("smoothed"), p.word("anchored"):
			return nil, p.unexpected("")
		default:
			return x, nil
		}
	}
}

func (p *parser) duration(where string) (int64, error) {
	t := p.peek()
	if t.kind == tDuration {
		p.take()
		ms, _ := parseDuration(t.text)
		return ms, nil
	}
	if t.kind == tNumber { // seconds, since 3.0
		p.take()
		v, _ := parseNumber(t.text)
		return int64(v * 1000), nil
	}
	return 0, p.unexpected(where)
}

func (p *parser) brackets(x node) (node, error) {
	open := p.take()
	ms, err := p.duration("in subquery or range, expected duration")
	if err != nil {
		return nil, err
	}
	if ms <= 0 {
		return nil, at(p.src, open.pos+1, "duration must be greater than 0")
	}
	if p.accept(":") {
		if k := x.kind(); k != KindVector {
			return nil, at(p.src, open.pos, fmt.Sprintf("subquery is only allowed on instant vector, got %s instead", kindWord(k)))
		}
		if !p.is("]") {
			if _, err := p.duration("in subquery selector, expected duration"); err != nil {
				return nil, err
			}
		}
		p.without("subqueries")
		return selectorNode{rng: ms}, p.need("]", "in subquery selector, expected \"]\"")
	}
	if err := p.need("]", "in subquery or range selector, expected \"]\""); err != nil {
		return nil, err
	}
	s, ok := x.(selectorNode)
	switch {
	case !ok || s.rng > 0:
		return nil, at(p.src, open.pos, "ranges only allowed for vector selectors")
	case s.offset != 0:
		return nil, at(p.src, open.pos, "no offset modifiers allowed before range")
	}
	s.rng = ms
	return s, nil
}

func kindWord(k Kind) string { return strings.ReplaceAll(k.String(), "instant ", "") }

func (p *parser) offset(x node) (node, error) {
	word := p.take()
	sign := int64(1)
	if p.accept("-") {
		sign = -1
	} else {
		p.accept("+")
	}
	ms, err := p.duration("in offset, expected number, duration, step(), or duration expression")
	if err != nil {
		return nil, err
	}
	s, ok := x.(selectorNode)
	switch {
	case !ok:
		return nil, at(p.src, word.pos, "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery")
	case s.offset != 0:
		return nil, at(p.src, word.pos, "offset may not be set multiple times")
	}
	s.offset = sign * ms
	return s, nil
}

func (p *parser) aggregate(op string, t token) (node, error) {
	n := aggregateNode{op: op}
	grouped, err := p.grouping(&n)
	if err != nil {
		return nil, err
	}
	if err := p.need("(", "in aggregation"); err != nil {
		return nil, err
	}
	args := []node{}
	for !p.is(")") {
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
		if !p.accept(",") {
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
		return nil, at(p.src, t.pos, fmt.Sprintf("wrong number of arguments for aggregate expression provided, expected %d, got %d", want, len(args)))
	}
	n.x = args[len(args)-1]
	if want == 2 {
		n.param = args[0]
		wantKind := KindScalar
		if op == "count_values" {
			wantKind = KindString
		}
		if n.param.kind() != wantKind {
			return nil, at(p.src, t.pos, fmt.Sprintf("expected type %s in aggregation parameter, got %s", wantKind, n.param.kind()))
		}
	}
	if n.x.kind() != KindVector {
		return nil, at(p.src, t.pos, fmt.Sprintf("expected type instant vector in aggregation expression, got %s", n.x.kind()))
	}
	if unspoken[op] {
		p.without(op + "()")
	}
	return n, nil
}

func (p *parser) grouping(n *aggregateNode) (bool, error) {
	for _, w := range []string{"by", "without"} {
		if p.word(w) {
			p.take()
			labels, err := p.labelList()
			n.labels, n.without = labels, w == "without"
			return true, err
		}
	}
	return false, nil
}

func (p *parser) call(t token) (node, error) {
	fn, known := functions[t.text]
	if !known && !otherFunctions[t.text] {
		return nil, at(p.src, t.pos, fmt.Sprintf("unknown function with name %q", t.text))
	}
	p.take()
	args := []node{}
	for !p.is(")") {
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		args = append(args, x)
		if !p.accept(",") {
			break
		}
	}
	if err := p.need(")", "in function call"); err != nil {
		return nil, err
	}
	if !known {
		p.without(t.text + "()")
		kind := KindVector
		if t.text == "pi" {
			kind = KindScalar
		}
		return callNode{fn: function{name: t.text, result: kind}}, nil
	}
	if len(args) < len(fn.args)-fn.optional || len(args) > len(fn.args) {
		return nil, at(p.src, t.pos, fmt.Sprintf("expected %d argument(s) in call to %q, got %d", len(fn.args)-fn.optional, t.text, len(args)))
	}
	for i, a := range args {
		if a.kind() != fn.args[i] {
			return nil, at(p.src, t.pos, fmt.Sprintf("expected type %s in call to function %q, got %s", fn.args[i], t.text, a.kind()))
		}
	}
	return callNode{fn, args}, nil
}
