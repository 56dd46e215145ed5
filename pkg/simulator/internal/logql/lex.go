package logql

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

var operators = []string{"|=", "|~", "|>", "!>", "!=", "!~", "=~", "==", ">=", "<=", "{", "}", "(", ")", "[", "]", ",", "|", "=", ">", "<", "+", "-", "*", "/", "%", "^", "!"}

func at(src string, pos int, format string, args ...any) error {
	line, col := query.Place(src, pos)
	return &ParseError{Line: line, Col: col, Msg: fmt.Sprintf(format, args...)}
}

func lex(src string) ([]query.Token, error) {
	var out []query.Token
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
			continue
		case c == '"' || c == '`':
			text, n, ok := quoted(src[i:])
			if !ok {
				return nil, at(src, i, "literal not terminated")
			}
			out = append(out, query.Token{Kind: query.String, Text: text, Pos: i})
			i += n
			continue
		case word(c):
			j := i
			for j < len(src) && (word(src[j]) || digit(src[j])) {
				j++
			}
			out = append(out, query.Token{Kind: query.Word, Text: src[i:j], Pos: i})
			i = j
			continue
		case digit(c):
			j := i
			for j < len(src) && (digit(src[j]) || src[j] == '.' || word(src[j])) {
				j++
			}
			text := src[i:j]
			if _, err := strconv.ParseFloat(text, 64); err == nil {
				out = append(out, query.Token{Kind: query.Number, Text: text, Pos: i})
			} else if _, ok := Duration(text); ok {
				out = append(out, query.Token{Kind: query.Duration, Text: text, Pos: i})
			} else {
				return nil, at(src, i, "syntax error: unexpected IDENTIFIER: %s is neither a number nor a duration", text)
			}
			i = j
			continue
		}
		op := ""
		for _, o := range operators {
			if strings.HasPrefix(src[i:], o) {
				op = o
				break
			}
		}
		if op == "" {
			return nil, at(src, i, "syntax error: unexpected character %q", c)
		}
		out = append(out, query.Token{Kind: query.Op, Text: op, Pos: i})
		i += len(op)
	}
	return append(out, query.Token{Kind: query.End, Text: "$end", Pos: len(src)}), nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
func word(c byte) bool  { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// quoted reads a string literal at the beginning of s and returns its length.
func quoted(s string) (text string, n int, ok bool) {
	if s[0] == '`' {
		end := strings.IndexByte(s[1:], '`')
		if end < 0 {
			return "", 0, false
		}
		return s[1 : 1+end], end + 2, true
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '\n':
			return "", 0, false
		case '"':
			text, err := strconv.Unquote(s[:i+1])
			return text, i + 1, err == nil
		}
	}
	return "", 0, false
}

// Duration reads 1h30m, 2d, 500ms.
func Duration(s string) (time.Duration, bool) {
	units := map[string]time.Duration{"ns": 1, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute,
		"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}
	var total time.Duration
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i <= 0 {
			return 0, false
		}
		n, err := strconv.ParseFloat(s[:i], 64)
		rest := s[i:]
		j := strings.IndexAny(rest, "0123456789")
		if j < 0 {
			j = len(rest)
		}
		unit, ok := units[rest[:j]]
		if err != nil || !ok {
			return 0, false
		}
		total += time.Duration(n * float64(unit))
		s = rest[j:]
	}
	return total, total > 0
}
