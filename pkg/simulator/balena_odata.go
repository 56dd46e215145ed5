package simulator

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// odataQuery is the part of a request behind "?", in the words of the API.
type odataQuery struct {
	fields []string // nil: all
	expand []odataExpand
	filter odataExpr // nil: every row
	order  []odataOrder
	skip   int
	top    int
	hasTop bool
}

type odataExpand struct {
	name  string
	query odataQuery
}

type odataOrder struct {
	field string
	down  bool
}

// odataExpr is an expression of a filter.
type odataExpr func(odataScope) (any, error)

// odataScope is what an expression sees: a row, and under their names those
// that any() walks through.
type odataScope struct {
	tables odataTables
	row    obj
	bound  map[string]obj
}

var errOdata = errors.New("the query does not parse")

// parseOdata reads a raw query as strictly as the API's grammar: "$", "'" and
// spaces may be escaped, every other sign of structure must stand as it is.
func parseOdata(raw string) (odataQuery, error) {
	q := odataQuery{}
	if raw == "" {
		return q, nil
	}
	for _, option := range strings.Split(raw, "&") {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return q, errOdata
		}
		if rest, escaped := strings.CutPrefix(name, "%24"); escaped {
			name = "$" + rest
		}
		p := &odataParser{s: value}
		if err := p.option(&q, name); err != nil {
			return q, err
		}
		if p.i != len(p.s) {
			return q, errOdata
		}
	}
	return q, nil
}

// parseOdataKey reads what stands in the parentheses of a path: 42, or
// slug='acme%2Fapi'.
func parseOdataKey(text string) (odataExpr, error) {
	p := &odataParser{s: text}
	field := "id"
	if name := p.name(); name != "" {
		field = name
		if !p.take("=") {
			return nil, errOdata
		}
	}
	v, ok := p.literal()
	if !ok || p.i != len(p.s) {
		return nil, errOdata
	}
	return compareExpr("eq", pathExpr([]string{field}), func(odataScope) (any, error) { return v, nil }), nil
}

// odataParser reads text that is still escaped.
type odataParser struct {
	s     string
	i     int
	depth int
}

const odataMaxDepth = 20

func (p *odataParser) take(text string) bool {
	if strings.HasPrefix(p.s[p.i:], text) {
		p.i += len(text)
		return true
	}
	return false
}

// space takes one or more spaces, in any of their forms.
func (p *odataParser) space() bool {
	from := p.i
	for p.take("%20") || p.take("+") || p.take(" ") {
	}
	return p.i > from
}

// word takes text that spaces stand around.
func (p *odataParser) word(text string) bool {
	from := p.i
	if p.space() && p.take(text) && p.space() {
		return true
	}
	p.i = from
	return false
}

var odataName = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*`)

func (p *odataParser) name() string {
	n := odataName().FindString(p.s[p.i:])
	p.i += len(n)
	return n
}

func (p *odataParser) option(q *odataQuery, name string) error {
	switch name {
	case "$select":
		for more := true; more; more = p.take(",") {
			n := p.name()
			if n == "" {
				return errOdata
			}
			q.fields = append(q.fields, n)
		}
		return nil
	case "$expand":
		for more := true; more; more = p.take(",") {
			e, err := p.expand()
			if err != nil {
				return err
			}
			q.expand = append(q.expand, e)
		}
		return nil
	case "$filter":
		var err error
		q.filter, err = p.or()
		return err
	case "$orderby":
		for more := true; more; more = p.take(",") {
			o := odataOrder{field: p.name()}
			if o.field == "" {
				return errOdata
			}
			if p.space() {
				o.down = p.take("desc")
				if !o.down && !p.take("asc") {
					return errOdata
				}
			}
			q.order = append(q.order, o)
		}
		return nil
	case "$top", "$skip":
		digits := odataDigits().FindString(p.s[p.i:])
		n, err := strconv.Atoi(digits)
		if err != nil {
			return errOdata
		}
		p.i += len(digits)
		if name == "$top" {
			q.top, q.hasTop = n, true
		} else {
			q.skip = n
		}
		return nil
	}
	return errOdata
}

func (p *odataParser) expand() (odataExpand, error) {
	e := odataExpand{name: p.name()}
	if p.depth++; e.name == "" || p.depth > odataMaxDepth {
		return e, errOdata
	}
	defer func() { p.depth-- }()
	if !p.take("(") {
		return e, nil
	}
	for more := true; more; more = p.take(";") {
		if !p.take("$") && !p.take("%24") {
			return e, errOdata
		}
		name := p.name()
		if !p.take("=") {
			return e, errOdata
		}
		if err := p.option(&e.query, "$"+name); err != nil {
			return e, err
		}
	}
	if !p.take(")") {
		return e, errOdata
	}
	return e, nil
}

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
