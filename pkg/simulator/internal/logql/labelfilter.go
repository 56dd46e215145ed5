package logql

import (
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// labelFilter reads filters joined by and, or and commas; or binds weakest.
func (p *parser) labelFilter(low int) (stage, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	left, err := p.oneFilter()
	if err != nil {
		return nil, err
	}
	for {
		level, and := 0, false
		switch {
		case p.Keyword("or"):
			level = 1
		case p.Keyword("and"), p.Is(","):
			level, and = 2, true
		case p.Peek().Kind == query.Word && p.compared(): // two filters beside each other
			right, err := p.labelFilter(2)
			if err != nil {
				return nil, err
			}
			left = bothFilter{left, right}
			continue
		}
		if level == 0 || level < low {
			return left, nil
		}
		p.Take()
		right, err := p.labelFilter(level + 1)
		if err != nil {
			return nil, err
		}
		if and {
			left = bothFilter{left, right}
		} else {
			left = eitherFilter{left, right}
		}
	}
}

func (p *parser) oneFilter() (stage, error) {
	if p.Accept("(") {
		f, err := p.labelFilter(0)
		if err != nil {
			return nil, err
		}
		return f, p.need(")")
	}
	if p.Peek().Kind != query.Word {
		return nil, p.unexpected("IDENTIFIER or (")
	}
	name := p.Take().Text
	op := p.Peek()
	if !p.Is("=") && !p.Is("==") && !p.Is("!=") && !p.Is("=~") && !p.Is("!~") && !p.Is(">") && !p.Is(">=") && !p.Is("<") && !p.Is("<=") {
		return nil, p.unexpected("=, ==, !=, =~, !~, >, >=, < or <=")
	}
	p.Take()
	t := p.Take()
	switch t.Kind {
	case query.String:
		if strings.ContainsAny(op.Text, "<>") || op.Text == "==" {
			return nil, p.wrong(t, "BYTES, NUMBER or DURATION")
		}
		m, err := p.compile(name, op.Text, t)
		return textFilter{m}, err
	case query.Number, query.Duration:
		if strings.HasSuffix(op.Text, "~") {
			return nil, p.wrong(t, "STRING")
		}
		f := numberFilter{name: name, op: strings.Replace(op.Text, "==", "=", 1), duration: t.Kind == query.Duration}
		if f.duration {
			d, _ := Duration(t.Text)
			f.value = float64(d)
		} else {
			f.value, _ = strconv.ParseFloat(t.Text, 64)
		}
		return f, nil
	case query.Word:
		if t.Text == "ip" && p.Is("(") {
			p.Without("the ip() filter")
			return textFilter{}, p.parenStrings()
		}
	case query.End, query.Op:
	}
	return nil, p.wrong(t, "STRING, NUMBER or DURATION")
}

type textFilter struct{ m query.Matcher }

func (f textFilter) run(w *work) bool {
	v, _ := w.label(f.m.Name)
	return f.m.Matches(v)
}

type numberFilter struct {
	name, op string
	value    float64
	duration bool
}

func (f numberFilter) run(w *work) bool {
	text, ok := w.label(f.name)
	if !ok {
		return false
	}
	v, err := strconv.ParseFloat(text, 64)
	if f.duration {
		var d time.Duration
		d, err = time.ParseDuration(text)
		v = float64(d)
	}
	if err != nil {
		w.failed = "LabelFilterErr"
		return true
	}
	switch f.op {
	case "=":
		return v == f.value
	case "!=":
		return v != f.value
	case ">":
		return v > f.value
	case ">=":
		return v >= f.value
	case "<":
		return v < f.value
	default:
		return v <= f.value
	}
}

type bothFilter [2]stage

func (f bothFilter) run(w *work) bool { return f[0].run(w) && f[1].run(w) }

type eitherFilter [2]stage

func (f eitherFilter) run(w *work) bool { return f[0].run(w) || f[1].run(w) }
