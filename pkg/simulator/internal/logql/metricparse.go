package logql

import (
	"slices"
	"strconv"
)

// maxDepth of parentheses: the stack is not endless.
const maxDepth = 300

// number is a literal; only part of an operation is spoken.
type number struct{ v float64 }

func (*number) isMetric() {}

var precedence = map[string]int{"or": 1, "and": 2, "unless": 2, "==": 3, "!=": 3, ">": 3, ">=": 3, "<": 3, "<=": 3, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}

func (p *parser) expr(low int) (metric, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &Unsupported{"queries that are nested so deeply"}
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for {
		op := p.peek()
		level := precedence[op.text]
		if level == 0 || level < low || op.kind == tString {
			return left, nil
		}
		p.take()
		returnsBool := false
		if p.word("bool") && level == 3 {
			p.take()
			returnsBool = true
		}
		if p.word("on") || p.word("ignoring") {
			p.take()
			p.without("vector matching")
			if _, err := p.labelList(); err != nil {
				return nil, err
			}
			if p.word("group_left") || p.word("group_right") {
				p.take()
				if p.is("(") {
					if _, err := p.labelList(); err != nil {
						return nil, err
					}
				}
			}
		}
		right, err := p.expr(level + 1)
		if err != nil {
			return nil, err
		}
		l, lok := left.(*number)
		r, rok := right.(*number)
		switch {
		case lok && rok:
			p.without("arithmetic of numbers")
		case rok && level > 2:
			left = &scalarExpr{op: op.text, x: left, v: r.v, returnsBool: returnsBool}
		case lok && level > 2:
			left = &scalarExpr{op: op.text, x: right, v: l.v, swapped: true, returnsBool: returnsBool}
		default:
			p.without("operations between two queries")
		}
	}
}

func (p *parser) operand() (metric, error) {
	t := p.peek()
	switch {
	case p.is("("):
		p.take()
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		return x, p.need(")")
	case p.is("-") || p.is("+"):
		p.take()
		n := p.peek()
		if n.kind != tNumber {
			return nil, p.unexpected("NUMBER")
		}
		p.take()
		v, _ := strconv.ParseFloat(n.text, 64)
		if t.text == "-" {
			v = -v
		}
		return &number{v}, nil
	case t.kind == tNumber:
		p.take()
		v, _ := strconv.ParseFloat(t.text, 64)
		return &number{v}, nil
	case t.kind != tWord:
		return nil, p.unexpected("")
	case slices.Contains(rangeOps, t.text):
		return p.rangeCall()
	case slices.Contains(vectorOps, t.text):
		return p.vectorCall()
	case t.text == "label_replace" || t.text == "vector":
		p.take()
		p.without(t.text + "()")
		return &number{}, p.skipParens()
	}
	return nil, p.unexpected("")
}

func (p *parser) skipParens() error {
	if err := p.need("("); err != nil {
		return err
	}
	for depth := 1; depth > 0; {
		t := p.take()
		switch {
		case t.kind == tEnd:
			return p.unexpected(")")
		case t.kind == tOp && t.text == "(":
			depth++
		case t.kind == tOp && t.text == ")":
			depth--
		}
	}
	return nil
}

var (
	rangeOps = []string{"count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time", "rate_counter", "sum_over_time", "avg_over_time",
		"max_over_time", "min_over_time", "first_over_time", "last_over_time", "stdvar_over_time", "stddev_over_time", "quantile_over_time"}
	spokenRange  = []string{"count_over_time", "rate", "bytes_over_time", "bytes_rate"}
	vectorOps    = []string{"sum", "avg", "min", "max", "count", "topk", "bottomk", "stddev", "stdvar", "sort", "sort_desc", "approx_topk"}
	spokenVector = []string{"sum", "avg", "min", "max", "count", "topk", "bottomk"}
)

func (p *parser) rangeCall() (metric, error) {
	r := &rangeExpr{op: p.take().text}
	if !slices.Contains(spokenRange, r.op) {
		p.without(r.op + "()")
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	if r.op == "quantile_over_time" {
		if p.peek().kind != tNumber {
			return nil, p.unexpected("NUMBER")
		}
		p.take()
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
	if !p.is("{") {
		return nil, p.unexpected("{")
	}
	// The range stands behind the selector or behind the whole pipeline.
	var err error
	if r.log, err = p.logQuery(); err != nil {
		return nil, err
	}
	if err := p.need("["); err != nil {
		return nil, err
	}
	t := p.peek()
	if t.kind != tDuration {
		return nil, p.unexpected("DURATION")
	}
	p.take()
	r.window, _ = Duration(t.text)
	if err := p.need("]"); err != nil {
		return nil, err
	}
	if p.word("offset") {
		p.take()
		back := !p.accept("-")
		t := p.peek()
		if t.kind != tDuration {
			return nil, p.unexpected("DURATION")
		}
		p.take()
		if r.offset, _ = Duration(t.text); !back {
			r.offset = -r.offset
		}
	}
	for {
		s, ok, err := p.stage()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if s != nil {
			r.log.stages = append(r.log.stages, s)
		}
	}
	if err := p.need(")"); err != nil {
		return nil, err
	}
	if p.word("by") || p.word("without") {
		p.take()
		p.without("grouping of " + r.op + "()")
		_, err := p.labelList()
		return r, err
	}
	return r, nil
}

func (p *parser) vectorCall() (metric, error) {
	v := &vectorExpr{op: p.take().text}
	if !slices.Contains(spokenVector, v.op) {
		p.without(v.op + "()")
	}
	if err := p.grouping(v); err != nil {
		return nil, err
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	if v.op == "topk" || v.op == "bottomk" || v.op == "approx_topk" {
		t := p.peek()
		if t.kind != tNumber {
			return nil, p.unexpected("NUMBER")
		}
		p.take()
		k, err := strconv.Atoi(t.text)
		if err != nil || k < 1 {
			return nil, at(p.src, t.pos, "invalid parameter %s(%s,", v.op, t.text)
		}
		v.k = k
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
	x, err := p.expr(0)
	if err != nil {
		return nil, err
	}
	if _, ok := x.(*number); ok && p.lacks == nil {
		return nil, p.unexpected("")
	}
	v.x = x
	if err := p.need(")"); err != nil {
		return nil, err
	}
	if !v.grouped {
		err = p.grouping(v)
	}
	return v, err
}

func (p *parser) grouping(v *vectorExpr) error {
	if !p.word("by") && !p.word("without") {
		return nil
	}
	v.without, v.grouped = p.take().text == "without", true
	labels, err := p.labelList()
	v.labels = labels
	return err
}

func (p *parser) labelList() ([]string, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	out := []string{}
	for !p.is(")") {
		if p.peek().kind != tWord {
			return nil, p.unexpected("IDENTIFIER or )")
		}
		out = append(out, p.take().text)
		if !p.accept(",") {
			break
		}
	}
	return out, p.need(")")
}
