package logql

import (
	"slices"
	"strconv"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// number is a literal; only part of an operation is spoken.
type number struct{ v float64 }

func (*number) isMetric() {}

func (p *parser) expr(low int) (metric, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for {
		op := p.Peek()
		level := query.Precedence(op.Text)
		if level == 0 || level < low || op.Kind == query.String {
			return left, nil
		}
		p.Take()
		returnsBool := false
		if p.Keyword("bool") && level == 3 {
			p.Take()
			returnsBool = true
		}
		if p.Keyword("on") || p.Keyword("ignoring") {
			p.Take()
			p.Without("vector matching")
			if _, err := p.labelList(); err != nil {
				return nil, err
			}
			if p.Keyword("group_left") || p.Keyword("group_right") {
				p.Take()
				if p.Is("(") {
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
			p.Without("arithmetic of numbers")
		case rok && level > 2:
			left = &scalarExpr{op: op.Text, x: left, v: r.v, returnsBool: returnsBool}
		case lok && level > 2:
			left = &scalarExpr{op: op.Text, x: right, v: l.v, swapped: true, returnsBool: returnsBool}
		default:
			p.Without("operations between two queries")
		}
	}
}

func (p *parser) operand() (metric, error) {
	t := p.Peek()
	switch {
	case p.Is("("):
		p.Take()
		x, err := p.expr(0)
		if err != nil {
			return nil, err
		}
		return x, p.need(")")
	case p.Is("-") || p.Is("+"):
		p.Take()
		n := p.Peek()
		if n.Kind != query.Number {
			return nil, p.unexpected("NUMBER")
		}
		p.Take()
		v, _ := strconv.ParseFloat(n.Text, 64)
		if t.Text == "-" {
			v = -v
		}
		return &number{v}, nil
	case t.Kind == query.Number:
		p.Take()
		v, _ := strconv.ParseFloat(t.Text, 64)
		return &number{v}, nil
	case t.Kind != query.Word:
		return nil, p.unexpected("")
	case slices.Contains(rangeOps, t.Text):
		return p.rangeCall()
	case slices.Contains(vectorOps, t.Text):
		return p.vectorCall()
	case t.Text == "label_replace" || t.Text == "vector":
		p.Take()
		p.Without(t.Text + "()")
		return &number{}, p.skipParens()
	}
	return nil, p.unexpected("")
}

func (p *parser) skipParens() error {
	if err := p.need("("); err != nil {
		return err
	}
	for depth := 1; depth > 0; {
		t := p.Take()
		switch {
		case t.Kind == query.End:
			return p.unexpected(")")
		case t.Kind == query.Op && t.Text == "(":
			depth++
		case t.Kind == query.Op && t.Text == ")":
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
	r := &rangeExpr{op: p.Take().Text}
	if !slices.Contains(spokenRange, r.op) {
		p.Without(r.op + "()")
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	if r.op == "quantile_over_time" {
		if p.Peek().Kind != query.Number {
			return nil, p.unexpected("NUMBER")
		}
		p.Take()
		if err := p.need(","); err != nil {
			return nil, err
		}
	}
	if !p.Is("{") {
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
	t := p.Peek()
	if t.Kind != query.Duration {
		return nil, p.unexpected("DURATION")
	}
	p.Take()
	r.window, _ = Duration(t.Text)
	if err := p.need("]"); err != nil {
		return nil, err
	}
	if p.Keyword("offset") {
		p.Take()
		back := !p.Accept("-")
		t := p.Peek()
		if t.Kind != query.Duration {
			return nil, p.unexpected("DURATION")
		}
		p.Take()
		if r.offset, _ = Duration(t.Text); !back {
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
	if p.Keyword("by") || p.Keyword("without") {
		p.Take()
		p.Without("grouping of " + r.op + "()")
		_, err := p.labelList()
		return r, err
	}
	return r, nil
}

func (p *parser) vectorCall() (metric, error) {
	v := &vectorExpr{op: p.Take().Text}
	if !slices.Contains(spokenVector, v.op) {
		p.Without(v.op + "()")
	}
	if err := p.grouping(v); err != nil {
		return nil, err
	}
	if err := p.need("("); err != nil {
		return nil, err
	}
	if v.op == "topk" || v.op == "bottomk" || v.op == "approx_topk" {
		t := p.Peek()
		if t.Kind != query.Number {
			return nil, p.unexpected("NUMBER")
		}
		p.Take()
		k, err := strconv.Atoi(t.Text)
		if err != nil || k < 1 {
			return nil, at(p.Src, t.Pos, "invalid parameter %s(%s,", v.op, t.Text)
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
	if _, ok := x.(*number); ok && p.Lacks == nil {
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
	if !p.Keyword("by") && !p.Keyword("without") {
		return nil
	}
	v.without, v.grouped = p.Take().Text == "without", true
	labels, err := p.labelList()
	v.labels = labels
	return err
}

func (p *parser) labelList() ([]string, error) {
	if err := p.need("("); err != nil {
		return nil, err
	}
	out := []string{}
	for !p.Is(")") {
		if p.Peek().Kind != query.Word {
			return nil, p.unexpected("IDENTIFIER or )")
		}
		out = append(out, p.Take().Text)
		if !p.Accept(",") {
			break
		}
	}
	return out, p.need(")")
}
