package logs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Match is a label with the values it may have.
type Match struct {
	Label  string
	Values []string // several are alternatives
}

// Selector writes matches as a stream selector, sorted by label. A value that
// begins with ~ is a regular expression.
func Selector(matches []Match) (string, error) {
	parts := []string{}
	for _, m := range matches {
		if len(m.Values) == 0 {
			continue
		}
		if !labelName().MatchString(m.Label) {
			return "", apierr.New(apierr.ErrUsage, "", "", "%q is not the name of a label", m.Label)
		}
		if len(m.Values) == 1 && !strings.HasPrefix(m.Values[0], "~") {
			parts = append(parts, m.Label+"="+strconv.Quote(m.Values[0]))
			continue
		}
		alternatives := []string{}
		for _, v := range m.Values {
			re, isRegexp := strings.CutPrefix(v, "~")
			if !isRegexp {
				re = regexp.QuoteMeta(v)
			} else if _, err := regexp.Compile(re); err != nil {
				return "", apierr.New(apierr.ErrUsage, "", "", "%q is not a regular expression: %v", re, err)
			}
			alternatives = append(alternatives, re)
		}
		parts = append(parts, m.Label+"=~"+strconv.Quote(strings.Join(alternatives, "|")))
	}
	if len(parts) == 0 {
		return "", nil
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}", nil
}

var labelName = lazyregexp.New(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Contains adds line filters to a query: every one of has, none of hasNot.
func Contains(query string, has, hasNot []string) string {
	for _, s := range has {
		query += " |= " + strconv.Quote(s)
	}
	for _, s := range hasNot {
		query += " != " + strconv.Quote(s)
	}
	return query
}

// StatusFilter turns "4xx,5xx", "404" or "50x" into a regular expression of
// statuses.
func StatusFilter(text string) (string, error) {
	out := []string{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
		p := strings.ToLower(part)
		if !statusWord().MatchString(p) {
			return "", apierr.New(apierr.ErrUsage, "", "--status", "%q is not a status: write 404, 4xx or 4xx,5xx", part)
		}
		out = append(out, strings.ReplaceAll(p, "x", "[0-9]"))
	}
	if len(out) == 0 {
		return "", apierr.New(apierr.ErrUsage, "", "--status", "no status is given: write 404, 4xx or 4xx,5xx")
	}
	return strings.Join(out, "|"), nil
}

var statusWord = lazyregexp.New(`^[1-5]([0-9]{2}|[0-9]x|xx)$`)
