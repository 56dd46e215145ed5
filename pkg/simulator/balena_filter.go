package simulator

import (
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// or reads a filter: comparisons, and, or, not, startswith and any.
func (p *odataParser) or() (odataExpr, error) {
	return p.chain("or", func() (odataExpr, error) { return p.chain("and", p.unary) })
}

func (p *odataParser) chain(op string, next func() (odataExpr, error)) (odataExpr, error) {
	first, err := next()
	if err != nil {
		return nil, err
	}
	all := []odataExpr{first}
	for p.word(op) {
		e, err := next()
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	if len(all) == 1 {
		return first, nil
	}
	return func(s odataScope) (any, error) {
		result := op == "and"
		for _, e := range all {
			// Every part is looked at: a field that is not there is an error in any case.
			v, err := e(s)
			if err != nil {
				return nil, err
			}
			if op == "and" {
				result = result && v == true
			} else {
				result = result || v == true
			}
		}
		return result, nil
	}, nil
}

func (p *odataParser) unary() (odataExpr, error) {
	if p.depth++; p.depth > odataMaxDepth {
		return nil, errOdata
	}
	defer func() { p.depth-- }()
	from := p.i
	if p.take("not") && p.space() {
		e, err := p.unary()
		if err != nil {
			return nil, err
		}
		return func(s odataScope) (any, error) { v, err := e(s); return v != true, err }, nil
	}
	p.i = from
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"eq", "ne", "gt", "ge", "lt", "le"} {
		if p.word(op) {
			right, err := p.operand()
			if err != nil {
				return nil, err
			}
			return compareExpr(op, left, right), nil
		}
	}
	return left, nil
}

func (p *odataParser) operand() (odataExpr, error) {
	if p.take("(") {
		e, err := p.or()
		if err == nil && !p.take(")") {
			err = errOdata
		}
		return e, err
	}
	if v, ok := p.literal(); ok {
		return func(odataScope) (any, error) { return v, nil }, nil
	}
	path := []string{p.name()}
	if path[0] == "" {
		return nil, errOdata
	}
	if path[0] == "startswith" && p.take("(") {
		return p.startsWith()
	}
	for p.take("/") {
		n := p.name()
		if n == "any" && p.take("(") {
			return p.any(path)
		}
		if n == "" {
			return nil, errOdata
		}
		path = append(path, n)
	}
	return pathExpr(path), nil
}

func (p *odataParser) startsWith() (odataExpr, error) {
	field, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !p.take(",") {
		return nil, errOdata
	}
	prefix, ok := p.literal()
	text, isText := prefix.(string)
	if !ok || !isText || !p.take(")") {
		return nil, errOdata
	}
	return func(s odataScope) (any, error) {
		v, err := field(s)
		if err != nil {
			return nil, err
		}
		have, ok := v.(string)
		return ok && strings.HasPrefix(have, text), nil
	}, nil
}

// any reads "alias:expression)" behind "path/any(".
func (p *odataParser) any(path []string) (odataExpr, error) {
	alias := p.name()
	if alias == "" || !p.take(":") || len(path) != 1 {
		return nil, errOdata
	}
	inner, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, errOdata
	}
	return func(s odataScope) (any, error) {
		rows, _, err := s.tables.follow(s.row, path[0])
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			in := odataScope{tables: s.tables, row: s.row, bound: map[string]obj{alias: row}}
			if v, err := inner(in); err != nil || v == true {
				return v == true, err
			}
		}
		return false, nil
	}, nil
}

var (
	odataNumber = lazyregexp.New(`^-?[0-9]{1,18}`)
	odataDigits = lazyregexp.New(`^[0-9]{1,9}`) // of $top and $skip
)

// literal reads a number, a text in quotes, true, false or null.
func (p *odataParser) literal() (any, bool) {
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if odataName().FindString(p.s[p.i:]) == word {
			p.i += len(word)
			return v, true
		}
	}
	if n := odataNumber().FindString(p.s[p.i:]); n != "" {
		p.i += len(n)
		v, err := strconv.ParseInt(n, 10, 64)
		return v, err == nil
	}
	from := p.i
	if !p.quote() {
		return nil, false
	}
	var b strings.Builder
	start := p.i
	for p.i < len(p.s) {
		end := p.i
		if !p.quote() {
			p.i++
			continue
		}
		b.WriteString(unescapeLoose(p.s[start:end]))
		if !p.quote() {
			return b.String(), true
		}
		b.WriteByte('\'')
		start = p.i
	}
	p.i = from
	return nil, false
}

func (p *odataParser) quote() bool { return p.take("'") || p.take("%27") }

// pathExpr is the value of a field, through links where it has several parts.
func pathExpr(path []string) odataExpr {
	return func(s odataScope) (any, error) {
		row, rest := s.row, path
		if bound, ok := s.bound[path[0]]; ok && len(path) > 1 {
			row, rest = bound, path[1:]
		}
		for len(rest) > 1 {
			rows, _, err := s.tables.follow(row, rest[0])
			if err != nil {
				return nil, err
			}
			if len(rows) != 1 {
				return nil, nil
			}
			row, rest = rows[0], rest[1:]
		}
		return odataField(row, rest[0])
	}
}

func compareExpr(op string, left, right odataExpr) odataExpr {
	return func(s odataScope) (any, error) {
		a, err := left(s)
		if err != nil {
			return nil, err
		}
		b, err := right(s)
		if err != nil {
			return nil, err
		}
		switch op {
		case "eq":
			return a == b, nil
		case "ne":
			return a != b, nil
		}
		if a == nil || b == nil {
			return false, nil
		}
		c := compareOdata(a, b)
		return slices.Contains(map[string][]int{"gt": {1}, "ge": {0, 1}, "lt": {-1}, "le": {-1, 0}}[op], c), nil
	}
}
