package logql

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
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
	p := &parser{query.Cursor{Src: src, Tokens: tokens}}
	q := &Query{}
	if p.Is("{") {
		q.log, err = p.logQuery()
	} else {
		q.metric, err = p.expr(0)
	}
	if err != nil {
		return nil, err
	}
	if p.Peek().Kind != query.End {
		return nil, p.unexpected("")
	}
	if p.Lacks != nil {
		return nil, p.Lacks
	}
	if n, ok := q.metric.(*number); ok {
		return nil, &Unsupported{What: "a query that is the number " + strconv.FormatFloat(n.v, 'f', -1, 64)}
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

type parser struct{ query.Cursor }

var tokenNames = map[query.Kind]string{query.Word: "IDENTIFIER", query.String: "STRING", query.Number: "NUMBER", query.Duration: "DURATION"}

func (p *parser) unexpected(expecting string) error {
	return p.wrong(p.Peek(), expecting)
}

func (p *parser) wrong(t query.Token, expecting string) error {
	name := t.Text
	if n, ok := tokenNames[t.Kind]; ok {
		name = n
	}
	msg := "syntax error: unexpected " + name
	if expecting != "" {
		msg += ", expecting " + expecting
	}
	return at(p.Src, t.Pos, "%s", msg)
}

func (p *parser) need(op string) error {
	if !p.Accept(op) {
		return p.unexpected(op)
	}
	return nil
}

func (p *parser) logQuery() (*logExpr, error) {
	e := &logExpr{}
	if err := p.need("{"); err != nil {
		return nil, err
	}
	for !p.Is("}") {
		m, err := p.matcher()
		if err != nil {
			return nil, err
		}
		e.matchers = append(e.matchers, m)
		if !p.Accept(",") {
			break
		}
	}
	if !p.Is("}") {
		return nil, p.unexpected("} or ,")
	}
	p.Take()
	if !slices.ContainsFunc(e.matchers, func(m query.Matcher) bool { return !m.Matches("") && (m.Op == "=" || m.Op == "=~") }) {
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

func (p *parser) matcher() (query.Matcher, error) {
	if p.Peek().Kind != query.Word {
		return query.Matcher{}, p.unexpected("IDENTIFIER or }")
	}
	name, op := p.Take().Text, p.Peek().Text
	if !p.Is("=") && !p.Is("!=") && !p.Is("=~") && !p.Is("!~") {
		return query.Matcher{}, p.unexpected("= or != or =~ or !~")
	}
	p.Take()
	if p.Peek().Kind != query.String {
		return query.Matcher{}, p.unexpected("STRING")
	}
	return p.compile(name, op, p.Take())
}

// compile makes a matcher of its value.
func (p *parser) compile(name, op string, value query.Token) (query.Matcher, error) {
	m, err := query.NewMatcher(name, op, value.Text)
	if err != nil {
		err = at(p.Src, value.Pos, "%s", err)
	}
	return m, err
}

// stage reads one step of a pipeline; not ok when there is none. A step that is
// not spoken is nil.
func (p *parser) stage() (stage, bool, error) {
	switch {
	case p.Is("|=") || p.Is("!=") || p.Is("|~") || p.Is("!~"):
		s, err := p.lineFilter()
		return s, true, err
	case p.Is("|>") || p.Is("!>"):
		p.Take()
		p.Without("pattern filters")
		if p.Peek().Kind != query.String {
			return nil, true, p.unexpected("STRING")
		}
		p.Take()
		return nil, true, nil
	case p.Is("|"):
		p.Take()
		s, err := p.pipe()
		return s, true, err
	}
	return nil, false, nil
}

func (p *parser) lineFilter() (stage, error) {
	f := lineFilter{op: p.Take().Text}
	for {
		t := p.Peek()
		if t.Kind == query.Word && t.Text == "ip" {
			p.Without("the ip() filter")
			p.Take()
			if err := p.parenStrings(); err != nil {
				return nil, err
			}
		} else if t.Kind != query.String {
			return nil, p.unexpected("STRING")
		} else {
			p.Take()
			alt := alternative{text: t.Text}
			if strings.HasSuffix(f.op, "~") {
				re, err := regexp.Compile(t.Text)
				if err != nil {
					return nil, at(p.Src, t.Pos, "%s", err)
				}
				alt.re = re
			}
			f.any = append(f.any, alt)
		}
		if !p.Keyword("or") || p.After(1).Kind != query.String {
			return f, nil
		}
		p.Take()
	}
}

func (p *parser) parenStrings() error {
	if err := p.need("("); err != nil {
		return err
	}
	for !p.Is(")") {
		if p.Peek().Kind != query.String {
			return p.unexpected("STRING")
		}
		p.Take()
		if !p.Accept(",") {
			break
		}
	}
	return p.need(")")
}

// unspoken are the stages of LogQL that the demo lacks, with what follows them.
var unspoken = map[string]bool{"line_format": true, "label_format": true, "regexp": true, "pattern": true, "unpack": true,
	"decolorize": true, "drop": true, "keep": true, "distinct": true, "unwrap": true}

func (p *parser) pipe() (stage, error) {
	t := p.Peek()
	if t.Kind != query.Word && !p.Is("(") {
		return nil, p.unexpected("IDENTIFIER or (")
	}
	switch {
	case t.Text == "json" || t.Text == "logfmt":
		p.Take()
		for p.Is("-") && p.After(1).Kind == query.Op { // --strict, --keep-empty
			p.Take()
			p.Take()
			if p.Peek().Kind != query.Word {
				return nil, p.unexpected("IDENTIFIER")
			}
			p.Take()
			for p.Accept("-") {
				p.Take()
			}
			p.Without("flags of " + t.Text)
		}
		if p.Peek().Kind == query.Word && !p.Keyword("or") && !p.Keyword("and") { // | json a="b"
			p.Without("parameters of " + t.Text)
			return nil, p.parameters()
		}
		return parserStage(t.Text), nil
	case unspoken[t.Text] && !p.compared():
		p.Take()
		p.Without(t.Text)
		return nil, p.parameters()
	}
	return p.labelFilter(0)
}

// compared reports whether the word is the name of a label in a filter.
func (p *parser) compared() bool {
	next := p.After(1)
	return next.Kind == query.Op && slices.Contains([]string{"=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="}, next.Text)
}

// parameters reads what follows a stage that is not spoken.
func (p *parser) parameters() error {
	for {
		switch t := p.Peek(); {
		case t.Kind == query.String, t.Kind == query.Word && t.Text != "by" && t.Text != "without":
			p.Take()
		case p.Is("="), p.Is(","), p.Is("("), p.Is("=~"), p.Is("!="), p.Is("!~"):
			if p.Is("!=") && p.After(-1).Kind != query.Word {
				return nil
			}
			if p.Accept("(") {
				for !p.Is(")") {
					if p.Peek().Kind == query.End {
						return p.unexpected(")")
					}
					p.Take()
				}
			}
			p.Take()
		default:
			return nil
		}
	}
}
