package logql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Query is a query that was read.
type Query struct {
	log    *logExpr
	metric metric
}

// IsLog reports whether the query gives lines.
func (q *Query) IsLog() bool { return q.log != nil }

// Parse reads a query. Errors are *ParseError and *Unsupported.
func Parse(src string) (*Query, error) {
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens}
	q := &Query{}
	if p.is("{") {
		q.log, err = p.logQuery()
	} else {
		q.metric, err = p.expr(0)
	}
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tEnd {
		return nil, p.unexpected("")
	}
	if p.lacks != nil {
		return nil, p.lacks
	}
	if n, ok := q.metric.(*number); ok {
		return nil, &Unsupported{"a query that is the number " + strconv.FormatFloat(n.v, 'f', -1, 64)}
	}
	return q, nil
}

// ParseSelector reads matchers alone.
func ParseSelector(src string) (func(*Stream) bool, error) {
	q, err := Parse(src)
	if err != nil {
		return nil, err
	}
	if !q.IsLog() || len(q.log.stages) > 0 {
		return nil, at(src, 0, "syntax error: only label matchers are supported")
	}
	return q.log.wants, nil
}

type parser struct {
	src    string
	tokens []token
	i      int
	depth  int
	lacks  *Unsupported // the first thing that is valid and not spoken; the rest is still read
}

func (p *parser) peek() token { return p.tokens[p.i] }
func (p *parser) take() token {
	t := p.tokens[p.i]
	p.i = min(p.i+1, len(p.tokens)-1)
	return t
}
func (p *parser) is(op string) bool { t := p.peek(); return t.kind == tOp && t.text == op }
func (p *parser) accept(op string) bool {
	if p.is(op) {
		p.take()
		return true
	}
	return false
}
func (p *parser) word(w string) bool { t := p.peek(); return t.kind == tWord && t.text == w }
func (p *parser) without(what string) {
	if p.lacks == nil {
		p.lacks = &Unsupported{what}
	}
}

var tokenNames = map[kind]string{tWord: "IDENTIFIER", tString: "STRING", tNumber: "NUMBER", tDuration: "DURATION"}

func (p *parser) unexpected(expecting string) error {
	t := p.peek()
	name := t.text
	if n, ok := tokenNames[t.kind]; ok {
		name = n
	}
	msg := "syntax error: unexpected " + name
	if expecting != "" {
		msg += ", expecting " + expecting
	}
	return at(p.src, t.pos, "%s", msg)
}

func (p *parser) need(op string) error {
	if !p.accept(op) {
		return p.unexpected(op)
	}
	return nil
}

func (p *parser) logQuery() (*logExpr, error) {
	e := &logExpr{}
	if err := p.need("{"); err != nil {
		return nil, err
	}
	for !p.is("}") {
		m, err := p.matcher()
		if err != nil {
			return nil, err
		}
		e.matchers = append(e.matchers, m)
		if !p.accept(",") {
			break
		}
	}
	if !p.is("}") {
		return nil, p.unexpected("} or ,")
	}
	p.take()
	if !slices.ContainsFunc(e.matchers, func(m matcher) bool { return !m.matches("") && (m.op == "=" || m.op == "=~") }) {
		return nil, &ParseError{Msg: "queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will"}
	}
	for {
		s, ok, err := p.stage()
		if err != nil {
			return nil, err
		}
		if !ok {
			return e, nil
		}
		if s != nil {
			e.stages = append(e.stages, s)
		}
	}
}

func (p *parser) matcher() (matcher, error) {
	if p.peek().kind != tWord {
		return matcher{}, p.unexpected("IDENTIFIER or }")
	}
	m := matcher{name: p.take().text, op: p.peek().text}
	if !p.is("=") && !p.is("!=") && !p.is("=~") && !p.is("!~") {
		return m, p.unexpected("= or != or =~ or !~")
	}
	p.take()
	t := p.peek()
	if t.kind != tString {
		return m, p.unexpected("STRING")
	}
	p.take()
	m.value = t.text
	err := p.compile(&m, t)
	return m, err
}

func (p *parser) compile(m *matcher, t token) error {
	if !strings.HasSuffix(m.op, "~") {
		return nil
	}
	re, err := regexp.Compile("^(?s:" + m.value + ")$")
	if err != nil {
		return at(p.src, t.pos, "%s", strings.Replace(err.Error(), "^(?s:"+m.value+")$", m.value, 1))
	}
	m.re = re
	return nil
}

// stage reads one step of a pipeline; not ok when there is none. A step that is
// not spoken is nil.
func (p *parser) stage() (stage, bool, error) {
	switch {
	case p.is("|=") || p.is("!=") || p.is("|~") || p.is("!~"):
		s, err := p.lineFilter()
		return s, true, err
	case p.is("|>") || p.is("!>"):
		p.take()
		p.without("pattern filters")
		if p.peek().kind != tString {
			return nil, true, p.unexpected("STRING")
		}
		p.take()
		return nil, true, nil
	case p.is("|"):
		p.take()
		s, err := p.pipe()
		return s, true, err
	}
	return nil, false, nil
}

func (p *parser) lineFilter() (stage, error) {
	f := lineFilter{op: p.take().text}
	for {
		t := p.peek()
		if t.kind == tWord && t.text == "ip" {
			p.without("the ip() filter")
			p.take()
			if err := p.parenStrings(); err != nil {
				return nil, err
			}
		} else if t.kind != tString {
			return nil, p.unexpected("STRING")
		} else {
			p.take()
			alt := alternative{text: t.text}
			if strings.HasSuffix(f.op, "~") {
				re, err := regexp.Compile(t.text)
				if err != nil {
					return nil, at(p.src, t.pos, "%s", err)
				}
				alt.re = re
			}
			f.any = append(f.any, alt)
		}
		if !p.word("or") || p.tokens[p.i+1].kind != tString {
			return f, nil
		}
		p.take()
	}
}

func (p *parser) parenStrings() error {
	if err := p.need("("); err != nil {
		return err
	}
	for !p.is(")") {
		if p.peek().kind != tString {
			return p.unexpected("STRING")
		}
		p.take()
		if !p.accept(",") {
			break
		}
	}
	return p.need(")")
}

// unspoken are the stages of LogQL that the demo lacks, with what follows them.
var unspoken = map[string]bool{"line_format": true, "label_format": true, "regexp": true, "pattern": true, "unpack": true,
	"decolorize": true, "drop": true, "keep": true, "distinct": true, "unwrap": true}

func (p *parser) pipe() (stage, error) {
	t := p.peek()
	if t.kind != tWord && !p.is("(") {
		return nil, p.unexpected("IDENTIFIER or (")
	}
	switch {
	case t.text == "json" || t.text == "logfmt":
		p.take()
		for p.is("-") && p.tokens[p.i+1].kind == tOp { // --strict, --keep-empty
			p.take()
			p.take()
			if p.peek().kind != tWord {
				return nil, p.unexpected("IDENTIFIER")
			}
			p.take()
			for p.accept("-") {
				p.take()
			}
			p.without("flags of " + t.text)
		}
		if p.peek().kind == tWord && !p.word("or") && !p.word("and") { // | json a="b"
			p.without("parameters of " + t.text)
			return nil, p.parameters()
		}
		return parserStage(t.text), nil
	case unspoken[t.text] && !p.compared():
		p.take()
		p.without(t.text)
		return nil, p.parameters()
	}
	return p.labelFilter(0)
}

// compared reports whether the word is the name of a label in a filter.
func (p *parser) compared() bool {
	next := p.tokens[p.i+1]
	return next.kind == tOp && slices.Contains([]string{"=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="}, next.text)
}

// parameters reads what follows a stage that is not spoken.
func (p *parser) parameters() error {
	for {
		switch t := p.peek(); {
		case t.kind == tString, t.kind == tWord && t.text != "by" && t.text != "without":
			p.take()
		case p.is("="), p.is(","), p.is("("), p.is("=~"), p.is("!="), p.is("!~"):
			if p.is("!=") && p.tokens[p.i-1].kind != tWord {
				return nil
			}
			if p.accept("(") {
				for !p.is(")") {
					if p.peek().kind == tEnd {
						return p.unexpected(")")
					}
					p.take()
				}
			}
			p.take()
		default:
			return nil
		}
	}
}
