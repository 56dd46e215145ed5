package simulator

import (
	"errors"
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
