package promql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
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
	p := &parser{Cursor: query.Cursor{Src: src, Tokens: tokens}}
	if p.Peek().Kind == query.End {
		return nil, p.fail("no expression found in input")
	}
	root, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	if p.Peek().Kind != query.End {
		return nil, p.unexpected("")
	}
	if p.Lacks != nil {
		return nil, p.Lacks
	}
	return &Expr{root}, nil
}

type parser struct {
	query.Cursor
	selectors int
}

func (p *parser) fail(format string, args ...any) error {
	return at(p.Src, p.Peek().Pos, fmt.Sprintf(format, args...))
}

func (p *parser) unexpected(where string) error {
	t := p.Peek()
	what := fmt.Sprintf("unexpected %q", t.Text)
	switch t.Kind {
	case query.End:
		what = "unexpected end of input"
	case query.Word:
		what = fmt.Sprintf("unexpected identifier %q", t.Text)
	case query.Number:
		what = fmt.Sprintf("unexpected number %q", t.Text)
	case query.String:
		what = fmt.Sprintf("unexpected string %q", t.Text)
	case query.Duration, query.Op:
	}
	if where != "" {
		what += " " + where
	}
	return p.fail("%s", what)
}

func (p *parser) need(op, where string) error {
	if !p.Accept(op) {
		return p.unexpected(where)
	}
	return nil
}

// precedence of binary operators, low to high; 0 is none.
func precedence(op string) int {
	if op == "atan2" {
		return query.Precedence("*")
	}
	return query.Precedence(op)
}

func (p *parser) binaryOp() (string, bool) {
	t := p.Peek()
	op := t.Text
	if t.Kind == query.Word {
		op = strings.ToLower(op)
		return op, op == "or" || op == "and" || op == "unless" || op == "atan2"
	}
	return op, t.Kind == query.Op && precedence(op) > 0
}

func (p *parser) expr(low int) (node, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for {
		op, ok := p.binaryOp()
		if !ok || precedence(op) < low || precedence(op) == 0 {
			return left, nil
		}
		opToken := p.Take()
		b := binaryNode{op: op, l: left}
		if op == "atan2" {
			p.Without("atan2")
		}
		if err := p.modifiers(&b); err != nil {
			return nil, err
		}
		next := precedence(op) + 1
		if op == "^" { // binds to the right
			next = precedence(op)
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

func setOp(op string) bool { return op == "and" || op == "or" || op == "unless" }

func (p *parser) modifiers(b *binaryNode) error {
	if p.Keyword("bool") {
		if !query.Comparison(b.op) {
			return p.fail("bool modifier can only be used on comparison operators")
		}
		p.Take()
		b.returnsBool = true
	}
	for _, w := range []string{"on", "ignoring"} {
		if !p.Keyword(w) {
			continue
		}
		p.Take()
		labels, err := p.labelList()
		if err != nil {
			return err
		}
		b.matched, b.on, b.labels = true, w == "on", labels
		for _, g := range []string{"group_left", "group_right"} {
			if !p.Keyword(g) {
				continue
			}
			if setOp(b.op) {
				return p.fail("no grouping allowed for %q operation", b.op)
			}
			p.Take()
			p.Without(g)
			if p.Is("(") {
				if _, err := p.labelList(); err != nil {
					return err
				}
			}
		}
		break
	}
	return nil
}

func (p *parser) checkBinary(b binaryNode, op query.Token) error {
	l, r := b.l.kind(), b.r.kind()
	for _, k := range []Kind{l, r} {
		if k != KindScalar && k != KindVector {
			return at(p.Src, op.Pos, "binary expression must contain only scalar and instant vector types")
		}
	}
	both := l == KindVector && r == KindVector
	switch {
	case b.matched && !both:
		return at(p.Src, op.Pos, "vector matching only allowed between instant vectors")
	case setOp(b.op) && !both:
		return at(p.Src, op.Pos, fmt.Sprintf("set operator %q not allowed in binary scalar expression", b.op))
	case query.Comparison(b.op) && l == KindScalar && r == KindScalar && !b.returnsBool:
		return at(p.Src, op.Pos, "comparisons between scalars must use BOOL modifier")
	}
	return nil
}

func (p *parser) unary() (node, error) {
	if p.Is("-") || p.Is("+") {
		op := p.Take()
		x, err := p.expr(precedence("^"))
		if err != nil {
			return nil, err
		}
		if k := x.kind(); k != KindScalar && k != KindVector {
			return nil, at(p.Src, op.Pos, fmt.Sprintf("unary expression only allowed on expressions of type scalar or instant vector, got %q", k))
		}
		if op.Text == "+" {
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
	t := p.Peek()
	switch {
	case t.Kind == query.Number:
		p.Take()
		v, _ := parseNumber(t.Text)
		return numberNode{v}, nil
	case t.Kind == query.Duration: // a number of seconds, since 3.0
		p.Take()
		ms, _ := Duration(t.Text)
		return numberNode{float64(ms) / 1000}, nil
	case t.Kind == query.String:
		p.Take()
		return stringNode{t.Text}, nil
	case p.Accept("("):
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		if err := p.need(")", "in paren expression, expected \")\""); err != nil {
			return nil, err
		}
		return parenNode{x}, nil
	case p.Is("{"):
		return p.selector("")
	case t.Kind == query.Word:
		return p.named()
	}
	return nil, p.unexpected("")
}

func (p *parser) named() (node, error) {
	t := p.Take()
	lower := strings.ToLower(t.Text)
	switch lower {
	case "inf", "nan":
		v, _ := parseNumber(t.Text)
		return numberNode{v}, nil
	}
	if slices.Contains(aggregators, lower) && (p.Is("(") || p.Keyword("by") || p.Keyword("without")) {
		return p.aggregate(lower, t)
	}
	if p.Is("(") {
		return p.call(t)
	}
	if lower == "bool" {
		return nil, at(p.Src, t.Pos, "unexpected <bool>")
	}
	return p.selector(t.Text)
}

func (p *parser) labelList() ([]string, error) {
	if err := p.need("(", "in grouping opts, expected \"(\""); err != nil {
		return nil, err
	}
	out := []string{}
	for !p.Is(")") {
		t := p.Peek()
		if t.Kind != query.Word && t.Kind != query.String {
			return nil, p.unexpected("in grouping opts, expected label")
		}
		out = append(out, p.Take().Text)
		if !p.Accept(",") {
			break
		}
	}
	return out, p.need(")", "in grouping opts, expected \",\" or \")\"")
}

func (p *parser) selector(name string) (node, error) {
	p.selectors++
	n := selectorNode{id: p.selectors}
	if name != "" {
		n.matchers = append(n.matchers, query.Matcher{Name: "__name__", Op: "=", Value: name})
	}
	open := p.Peek()
	if p.Accept("{") {
		for !p.Is("}") {
			if err := p.matcher(&n, name); err != nil {
				return nil, err
			}
			if !p.Accept(",") {
				break
			}
		}
		if err := p.need("}", "inside braces"); err != nil {
			return nil, err
		}
	}
	if !n.matches(nil) {
		return n, nil
	}
	return nil, at(p.Src, open.Pos, "vector selector must contain at least one non-empty matcher")
}

func (p *parser) matcher(n *selectorNode, name string) error {
	t := p.Peek()
	if t.Kind != query.Word && t.Kind != query.String {
		return p.unexpected("inside braces")
	}
	p.Take()
	if t.Kind == query.String && (p.Is(",") || p.Is("}")) { // {"name"}, since 3.0
		if name != "" {
			return at(p.Src, t.Pos, fmt.Sprintf("metric name must not be set twice: %q or %q", name, t.Text))
		}
		n.matchers = append(n.matchers, query.Matcher{Name: "__name__", Op: "=", Value: t.Text})
		return nil
	}
	op := p.Peek().Text
	if !p.Is("=") && !p.Is("!=") && !p.Is("=~") && !p.Is("!~") {
		return p.unexpected("in label matching, expected label matching operator")
	}
	p.Take()
	v := p.Peek()
	if v.Kind != query.String {
		return p.unexpected("in label matching, expected string")
	}
	p.Take()
	if t.Text == "__name__" && name != "" && op == "=" {
		return at(p.Src, t.Pos, fmt.Sprintf("metric name must not be set twice: %q or %q", name, v.Text))
	}
	m, err := query.NewMatcher(t.Text, op, v.Text)
	if err != nil {
		return at(p.Src, t.Pos, err.Error())
	}
	n.matchers = append(n.matchers, m)
	return nil
}
