package prometheus

import (
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Sorts reports whether a query's outermost call orders its result (sort,
// sort_desc, sort_by_label, topk, bottomk), so that the server's order counts.
func Sorts(expr string) bool {
	e := strings.TrimSpace(expr)
	end := strings.IndexFunc(e, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	if end <= 0 {
		return false
	}
	switch e[:end] {
	case "sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "topk", "bottomk":
	default:
		return false
	}
	rest := strings.TrimSpace(e[end:])
	for _, clause := range []string{"by", "without"} {
		if after, ok := strings.CutPrefix(rest, clause); ok {
			rest = afterParens(strings.TrimSpace(after))
			break
		}
	}
	return strings.HasPrefix(rest, "(") && afterParens(rest) == ""
}

// afterParens is what follows the parenthesis with which s begins; s itself when
// it begins with none.
func afterParens(s string) string {
	if !strings.HasPrefix(s, "(") {
		return s
	}
	depth, quote := 0, byte(0)
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case quote != 0:
			if ch == '\\' && quote != '`' {
				i++
			} else if ch == quote {
				quote = 0
			}
		case ch == '"' || ch == '\'' || ch == '`':
			quote = ch
		case ch == '(':
			depth++
		case ch == ')':
			depth--
			if depth == 0 {
				return strings.TrimSpace(s[i+1:])
			}
		}
	}
	return s
}

// placeInError finds the place that a parse error names: "1:4: parse error: ...".
var placeInError = lazyregexp.New(`(?:^|[^0-9])(\d+):(\d+): parse error`)
