package promql

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

type lexer struct {
	src    string
	pos    int
	tokens []query.Token
	depth  int // of braces
	square bool
}

func (l *lexer) fail(pos int, msg string) error { return at(l.src, pos, msg) }

// at makes a parse error at a byte offset.
func at(src string, pos int, msg string) error {
	line, col := query.Place(src, pos)
	return &ParseError{Line: line, Col: col, Msg: msg}
}

var operators = []string{"=~", "!~", "!=", "==", ">=", "<=", "=", ">", "<", "+", "-", "*", "/", "%", "^", "(", ")", "{", "}", "[", "]", ",", ":", "@"}

func lex(src string) ([]query.Token, error) {
	l := &lexer{src: src}
	for {
		l.space()
		if l.pos >= len(src) {
			l.tokens = append(l.tokens, query.Token{Kind: query.End, Text: "", Pos: len(src)})
			return l.tokens, nil
		}
		if err := l.one(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) space() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.pos++
		case c == '#':
			end := strings.IndexByte(l.src[l.pos:], '\n')
			if end < 0 {
				l.pos = len(l.src)
			} else {
				l.pos += end
			}
		default:
			return
		}
	}
}

func (l *lexer) emit(kind query.Kind, text string, start int) {
	l.tokens = append(l.tokens, query.Token{Kind: kind, Text: text, Pos: start})
}

func (l *lexer) one() error {
	start := l.pos
	c := l.src[l.pos]
	switch {
	case c == '"' || c == '\'' || c == '`':
		return l.quoted(c)
	case c >= '0' && c <= '9', c == '.' && start+1 < len(l.src) && l.src[start+1] >= '0' && l.src[start+1] <= '9':
		return l.number()
	case letter(rune(c)) || c == ':' && l.depth == 0 && !l.square && start+1 < len(l.src) && letter(rune(l.src[start+1])):
		for l.pos < len(l.src) && (letter(rune(l.src[l.pos])) || l.src[l.pos] >= '0' && l.src[l.pos] <= '9' || l.src[l.pos] == ':' && l.depth == 0 && !l.square) {
			l.pos++
		}
		l.emit(query.Word, l.src[start:l.pos], start)
		return nil
	}
	for _, op := range operators {
		if strings.HasPrefix(l.src[start:], op) {
			l.pos += len(op)
			switch op {
			case "{":
				l.depth++
			case "}":
				l.depth--
			case "[":
				l.square = true
			case "]":
				l.square = false
			}
			l.emit(query.Op, op, start)
			return nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.src[start:])
	if r == '!' {
		return l.fail(start, "unexpected character after '!': "+quoteNext(l.src[start+1:]))
	}
	return l.fail(start, "unexpected character: "+strconv.QuoteRune(r))
}

func quoteNext(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return "end of input"
	}
	return strconv.QuoteRune(r)
}

func letter(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (l *lexer) quoted(q byte) error {
	start := l.pos
	for i := start + 1; i < len(l.src); i++ {
		switch {
		case l.src[i] == '\\' && q != '`':
			i++
		case l.src[i] == '\n' && q != '`':
			return l.fail(start, "unterminated quoted string")
		case l.src[i] == q:
			text, ok := unquote(l.src[start+1:i], q)
			if !ok {
				return l.fail(start, "invalid syntax")
			}
			l.pos = i + 1
			l.emit(query.String, text, start)
			return nil
		}
	}
	if q == '`' {
		return l.fail(start, "unterminated raw string")
	}
	return l.fail(start, "unterminated quoted string")
}

func unquote(s string, q byte) (string, bool) {
	if q == '`' {
		return s, true
	}
	var b strings.Builder
	for s != "" {
		r, multibyte, tail, err := strconv.UnquoteChar(s, q)
		if err != nil {
			return "", false
		}
		s = tail
		if r < utf8.RuneSelf || !multibyte {
			b.WriteByte(byte(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String(), true
}

func (l *lexer) number() error {
	start := l.pos
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		exponent := (c == '+' || c == '-') && (l.src[l.pos-1] == 'e' || l.src[l.pos-1] == 'E') && !strings.HasPrefix(l.src[start:], "0x")
		if !exponent && c != '.' && c != '_' && !unicode.IsLetter(rune(c)) && !unicode.IsDigit(rune(c)) {
			break
		}
		l.pos++
	}
	text := l.src[start:l.pos]
	if _, ok := parseNumber(text); ok {
		l.emit(query.Number, text, start)
		return nil
	}
	if _, ok := Duration(text); ok {
		l.emit(query.Duration, text, start)
		return nil
	}
	return l.fail(start, "bad number or duration syntax: "+strconv.Quote(text))
}

func parseNumber(s string) (float64, bool) {
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return float64(n), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// Duration reads 1h30m in milliseconds; units go from long to short. It is more
// than 0, but for "0" itself.
func Duration(s string) (int64, bool) {
	units := []struct {
		name string
		ms   int64
	}{{"y", 365 * 86400000}, {"w", 7 * 86400000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}}
	if s == "0" {
		return 0, true
	}
	var total int64
	last := -1
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if end <= 0 {
			return 0, false
		}
		n, err := strconv.ParseInt(s[:end], 10, 64)
		if err != nil {
			return 0, false
		}
		rest := s[end:]
		size := strings.IndexFunc(rest, func(r rune) bool { return r >= '0' && r <= '9' })
		if size < 0 {
			size = len(rest)
		}
		found := -1
		for i, u := range units {
			if u.name == rest[:size] {
				found = i
			}
		}
		if found <= last {
			return 0, false
		}
		last = found
		total += n * units[found].ms
		s = rest[size:]
	}
	return total, total > 0
}
