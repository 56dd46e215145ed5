package datasource

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/apierr"
)

// QueryError is a query that the server could not read, with the place that it
// named. It stands in the tree of an *apierr.Error.
type QueryError struct {
	Query   string
	Message string
	Line    int // from 1
	Column  int // from 1, in bytes
}

func (e *QueryError) Error() string { return e.Message }

// MarkPlace adds to an error of the server the place in the query that its message
// names. place finds it: its groups are the line and the column.
func MarkPlace(err error, query string, place *regexp.Regexp) error {
	var e *apierr.Error
	if !errors.As(err, &e) || e.Err != nil {
		return err
	}
	m := place.FindStringSubmatch(e.Message)
	if m == nil {
		return err
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	// Loki's lexer counts lines from 0, its parser and Prometheus from 1.
	e.Err = &QueryError{Query: query, Message: e.Message, Line: max(line, 1), Column: column}
	return err
}

// Caret is the line of the query and below it a caret under the place; "" when
// the place is not in the query. Tabs stay tabs, so that both lines move alike.
func (e *QueryError) Caret() string {
	lines := strings.Split(e.Query, "\n")
	if e.Line < 1 || e.Line > len(lines) || e.Column < 1 {
		return ""
	}
	line := lines[e.Line-1]
	at := min(e.Column-1, len(line))
	for at > 0 && at < len(line) && !utf8.RuneStart(line[at]) {
		at--
	}
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, line[:at])
	return line + "\n" + pad + "^"
}
