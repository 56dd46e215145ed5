package logql

import (
	"strconv"
	"strings"
	"time"
)

// labelFilter reads filters joined by and, or and commas; or binds weakest.
func (p *parser) labelFilter(low int) (stage, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &Unsupported{"queries that are nested so deeply"}
	}
	defer func() { p.depth-- }()
	left, err := p.oneFilter()
	if err != nil {
		return nil, err
	}
	for {
		level, and := 0, false
		switch {
		case p.word("or"):
			level = 1
		case p.word("and"), p.is(","):
			level, and = 2, true
		case p.peek().kind == tWord && p.compared(): // two filters beside each other
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
		p.take()
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
	if p.accept("(") {
		f, err := p.labelFilter(0)
		if err != nil {
			return nil, err
		}
		return f, p.need(")")
	}
	if p.peek().kind != tWord {
		return nil, p.unexpected("IDENTIFIER or (")
	}
	name := p.take().text
	op := p.peek()
	if !p.is("=") && !p.is("==") && !p.is("!=") && !p.is("=~") && !p.is("!~") && !p.is(">") && !p.is(">=") && !p.is("<") && !p.is("<=") {
		return nil, p.unexpected("=, ==, !=, =~, !~, >, >=, < or <=")
	}
	p.take()
	value := p.i
	t := p.take()
	switch t.kind {
	case tString:
		m := matcher{name: name, op: op.text, value: t.text}
		if strings.ContainsAny(op.text, "<>") || op.text == "==" {
			p.i = value
			return nil, p.unexpected("BYTES, NUMBER or DURATION")
		}
		if err := p.compile(&m, t); err != nil {
			return nil, err
		}
		return textFilter{m}, nil
	case tNumber, tDuration:
		if strings.HasSuffix(op.text, "~") {
			p.i = value
			return nil, p.unexpected("STRING")
		}
		f := numberFilter{name: name, op: strings.Replace(op.text, "==", "=", 1), duration: t.kind == tDuration}
		if f.duration {
			d, _ := Duration(t.text)
			f.value = float64(d)
		} else {
			f.value, _ = strconv.ParseFloat(t.text, 64)
		}
		return f, nil
	case tWord:
		if t.text == "ip" && p.is("(") {
			p.without("the ip() filter")
			return textFilter{matcher{name: name, op: "!=", value: ""}}, p.parenStrings()
		}
	case tEnd, tOp:
	}
	p.i = value
	return nil, p.unexpected("STRING, NUMBER or DURATION")
}

type textFilter struct{ m matcher }

func (f textFilter) run(w *work) bool {
	v, _ := w.label(f.m.name)
	return f.m.matches(v)
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
