package balena

import (
	"strconv"
	"strings"
)

// query is the part of a URL behind "?". Its texts are structure and are sent as
// they are, but for spaces; what comes from outside goes through quote.
type query struct {
	fields string // $select: "id,slug"
	expand string
	filter string
	order  string
	top    int // 0 is no $top
}

// raw writes the query. No sign of structure is escaped: the API answers 500 to
// %28, %29, %2C and their like (note 2).
func (q query) raw() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, "$"+name+"="+strings.ReplaceAll(value, " ", "%20"))
		}
	}
	add("select", q.fields)
	add("expand", q.expand)
	add("filter", q.filter)
	add("orderby", q.order)
	if q.top > 0 {
		add("top", strconv.Itoa(q.top))
	}
	return strings.Join(parts, "&")
}

// quote writes text as a literal: a quotation mark is doubled, and every byte
// that could mean something to a URL or to the grammar is escaped. The API
// decodes what stands in quotes.
func quote(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(text) {
		switch ch := text[i]; {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9', ch == '-', ch == '.', ch == '_':
			b.WriteByte(ch)
		case ch == '\'':
			b.WriteString("''")
		default:
			b.WriteByte('%')
			b.WriteByte(hex[ch>>4])
			b.WriteByte(hex[ch&15])
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// number of a reference, or "null".
func numberOrNull(n int64) string {
	if n == 0 {
		return "null"
	}
	return number(n)
}

// row is the path of one row: "application(42)".
func row(resource string, id int64) string { return resource + "(" + number(id) + ")" }
