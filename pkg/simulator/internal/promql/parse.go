package promql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Expr is a query that was read.
type Expr struct{ root node }

// Kind is the type of its result.
func (e *Expr) Kind() Kind { return e.root.kind() }

// Parse reads a query. Errors are *ParseError and *Unsupported.
func Parse(src string) (*Expr, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens}
	if p.peek().kind == tEOF {
		return nil, p.fail("no expression found in input")
	}
	root, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tEOF {
		return nil, p.unexpected("")
	}
	if p.lacks != nil {
		return nil, p.lacks
	}
	return &Expr{root}, nil
}

type parser struct {
	src    string
	tokens []token
	i      int
	// lacks is the first thing in a valid query that is not spoken here. The rest
	// is still read, as a mistake in it is a mistake.
	lacks     *Unsupported
	selectors int
	depth     int
}

// maxDepth of parentheses and calls: the stack is not endless.
const maxDepth = 500

func (p *parser) peek() token { return p.tokens[p.i] }
func (p *parser) take() token { t := p.tokens[p.i]; p.i = min(p.i+1, len(p.tokens)-1); return t }

func (p *parser) is(op string) bool { t := p.peek(); return t.kind == tOp && t.text == op }
func (p *parser) accept(op string) bool {
	if p.is(op) {
		p.take()
		return true
	}
	return false
}

func (p *parser) word(w string) bool {
	t := p.peek()
	return t.kind == tIdent && strings.EqualFold(t.text, w)
}

func (p *parser) fail(format string, args ...any) error {
	return at(p.src, p.peek().pos, fmt.Sprintf(format, args...))
}

func (p *parser) without(what string) {
	if p.lacks == nil {
		p.lacks = &Unsupported{what}
	}
}

func (p *parser) unexpected(where string) error {
	t := p.peek()
	what := fmt.Sprintf("unexpected %q", t.text)
	switch t.kind {
	case tEOF:
		what = "unexpected end of input"
	case tIdent:
		what = fmt.Sprintf("unexpected identifier %q", t.text)
	case tNumber:
		what = fmt.Sprintf("unexpected number %q", t.text)
	case tString:
		what = fmt.Sprintf("unexpected string %q", t.text)
	case tDuration, tOp:
	}
	if where != "" {
		what += " " + where
	}
	return p.fail("%s", what)
}

func (p *parser) need(op, where string) error {
	if !p.accept(op) {
		return p.unexpected(where)
	}
	return nil
}

// precedence of binary operators, low to high.
var precedence = map[string]int{"or": 1, "and": 2, "unless": 2, "==": 3, "!=": 3, "<=": 3, "<": 3, ">=": 3, ">": 3,
	"+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6}

func (p *parser) binaryOp() (string, bool) {
	t := p.peek()
	op := t.text
	if t.kind == tIdent {
		op = strings.ToLower(op)
		return op, op == "or" || op == "and" || op == "unless" || op == "atan2"
	}
	return op, t.kind == tOp && precedence[op] > 0
}

func (p *parser) expr(low int) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &Unsupported{"queries that are nested so deeply"}
	}
	defer func() { p.depth-- }()
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		op, ok := p.binaryOp()
		if !ok || precedence[op] < low || precedence[op] == 0 {
			return left, nil
		}
		opToken := p.take()
		b := binaryNode{op: op, l: left}
		if op == "atan2" {
			p.without("atan2")
		}
		if err := p.modifiers(&b); err != nil {
			return nil, err
		}
		next := precedence[op] + 1
		if op == "^" { // binds to the right
			next = precedence[op]
		}
		if b.r, err = p.expr(next); err != nil {
			return nil, err
		}
		if err := p.checkBinary(b, opToken); err != nil {
			return nil, err
		}
		left = b
	}
}

func comparison(op string) bool { return precedence[op] == 3 }
func setOp(op string) bool      { return op == "and" || op == "or" || op == "unless" }

func (p *parser) modifiers(b *binaryNode) error {
	if p.word("bool") {
		if !comparison(b.op) {
			return p.fail("bool modifier can only be used on comparison operators")
		}
		p.take()
		b.returnsBool = true
	}
	for _, w := range []string{"on", "ignoring"} {
		if !p.word(w) {
			continue
		}
		p.take()
		labels, err := p.labelList()
		if err != nil {
			return err
		}
		b.matched, b.on, b.labels = true, w == "on", labels
		for _, g := range []string{"group_left", "group_right"} {
			if !p.word(g) {
				continue
			}
			if setOp(b.op) {
				return p.fail("no grouping allowed for %q operation", b.op)
			}
			p.take()
			p.without(g)
			if p.is("(") {
				if _, err := p.labelList(); err != nil {
					return err
				}
			}
		}
		break
	}
	return nil
}

func (p *parser) checkBinary(b binaryNode, op token) error {
	l, r := b.l.kind(), b.r.kind()
	for _, k := range []Kind{l, r} {
		if k != KindScalar && k != KindVector {
			return at(p.src, op.pos, "binary expression must contain only scalar and instant vector types")
		}
	}
	both := l == KindVector && r == KindVector
	switch {
	case b.matched && !both:
		return at(p.src, op.pos, "vector matching only allowed between instant vectors")
	case setOp(b.op) && !both:
		return at(p.src, op.pos, fmt.Sprintf("set operator %q not allowed in binary scalar expression", b.op))
	case comparison(b.op) && l == KindScalar && r == KindScalar && !b.returnsBool:
		return at(p.src, op.pos, "comparisons between scalars must use BOOL modifier")
	}
	return nil
}

func (p *parser) unary() (node, error) {
	if p.is("-") || p.is("+") {
		op := p.take()
		x, err := p.expr(precedence["^"])
		if err != nil {
			return nil, err
		}
		if k := x.kind(); k != KindScalar && k != KindVector {
			return nil, at(p.src, op.pos, fmt.Sprintf("unary expression only allowed on expressions of type scalar or instant vector, got %q", k))
		}
		if op.text == "+" {
			return x, nil
		}
		if n, ok := x.(numberNode); ok {
			return numberNode{-n.v}, nil
		}
		return unaryNode{x}, nil
	}
	x, err := p.primary()
	if err != nil {
		return nil, err
	}
	return p.suffixes(x)
}

func (p *parser) primary() (node, error) {
	t := p.peek()
	switch {
	case t.kind == tNumber:
		p.take()
		v, _ := parseNumber(t.text)
		return numberNode{v}, nil
	case t.kind == tDuration: // a number of seconds, since 3.0
		p.take()
		ms, _ := parseDuration(t.text)
		return numberNode{float64(ms) / 1000}, nil
	case t.kind == tString:
		p.take()
		return stringNode{t.text}, nil
	case p.accept("("):
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		if err := p.need(")", "in paren expression, expected \")\""); err != nil {
			return nil, err
		}
		return parenNode{x}, nil
	case p.is("{"):
		return p.selector("")
	case t.kind == tIdent:
		return p.named()
	}
	return nil, p.unexpected("")
}

func (p *parser) named() (node, error) {
	t := p.take()
	lower := strings.ToLower(t.text)
	switch lower {
	case "inf", "nan":
		v, _ := parseNumber(t.text)
		return numberNode{v}, nil
	}
	if slices.Contains(aggregators, lower) && (p.is("(") || p.word("by") || p.word("without")) {
		return p.aggregate(lower, t)
	}
	if p.is("(") {
		return p.call(t)
	}
	if lower == "bool" {
		return nil, at(p.src, t.pos, "unexpected <bool>")
	}
	return p.selector(t.text)
}

func (p *parser) labelList() ([]string, error) {
	if err := p.need("(", "in grouping opts, expected \"(\""); err != nil {
		return nil, err
	}
	out := []string{}
	for !p.is(")") {
		t := p.peek()
		if t.kind != tIdent && t.kind != tString {
			return nil, p.unexpected("in grouping opts, expected label")
		}
		out = append(out, p.take().text)
		if !p.accept(",") {
			break
		}
	}
	return out, p.need(")", "in grouping opts, expected \",\" or \")\"")
}

func (p *parser) selector(name string) (node, error) {
	p.selectors++
	n := selectorNode{id: p.selectors}
	if name != "" {
		n.matchers = append(n.matchers, matcher{name: "__name__", op: "=", value: name})
	}
	open := p.peek()
	if p.accept("{") {
		for !p.is("}") {
			if err := p.matcher(&n, name); err != nil {
				return nil, err
			}
			if !p.accept(",") {
				break
			}
		}
		if err := p.need("}", "inside braces"); err != nil {
			return nil, err
		}
	}
	for _, m := range n.matchers {
		if !m.matches(nil) {
			return n, nil
		}
	}
	return nil, at(p.src, open.pos, "vector selector must contain at least one non-empty matcher")
}

func (p *parser) matcher(n *selectorNode, name string) error {
	t := p.peek()
	if t.kind != tIdent && t.kind != tString {
		return p.unexpected("inside braces")
	}
	p.take()
	if t.kind == tString && (p.is(",") || p.is("}")) { // {"name"}, since 3.0
		if name != "" {
			return at(p.src, t.pos, fmt.Sprintf("metric name must not be set twice: %q or %q", name, t.text))
		}
		n.matchers = append(n.matchers, matcher{name: "__name__", op: "=", value: t.text})
		return nil
	}
	m := matcher{name: t.text, op: p.peek().text}
	if !p.is("=") && !p.is("!=") && !p.is("=~") && !p.is("!~") {
		return p.unexpected("in label matching, expected label matching operator")
	}
	p.take()
	v := p.peek()
	if v.kind != tString {
		return p.unexpected("in label matching, expected string")
	}
	p.take()
	m.value = v.text
	if m.name == "__name__" && name != "" && m.op == "=" {
		return at(p.src, t.pos, fmt.Sprintf("metric name must not be set twice: %q or %q", name, m.value))
	}
	if strings.HasSuffix(m.op, "~") {
		re, err := regexp.Compile("^(?s:" + m.value + ")$")
		if err != nil {
			return at(p.src, t.pos, strings.Replace(err.Error(), "^(?s:"+m.value+")$", m.value, 1))
		}
		m.re = re
	}
	n.matchers = append(n.matchers, m)
	return nil
}
