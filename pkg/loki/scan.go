package loki

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON in one pass. encoding/json reads an answer three times
// through interfaces and replaces bytes that are not UTF-8, of which logs are
// full; here a line keeps its bytes. The first error sticks, and every method
// returns at once then.
type scanner struct {
	b     []byte
	i     int
	depth int // of nested values that are skipped
	err   error
}

// maxDepth bounds the nesting of what is skipped: the stack is not endless.
const maxDepth = 200

var errCut = errors.New("the answer is cut off")

func (s *scanner) fail(what string) {
	if s.err != nil {
		return
	}
	if s.i >= len(s.b) {
		s.err = errCut
		return
	}
	s.err = fmt.Errorf("at byte %d: %s where %s was due", s.i, strconv.QuoteRune(rune(s.b[s.i])), what)
}

// next skips space and returns the byte there, 0 at the end.
func (s *scanner) next() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// take consumes one byte.
func (s *scanner) take(c byte) {
	if s.err == nil && s.next() == c && s.i < len(s.b) {
		s.i++
		return
	}
	s.fail(strconv.QuoteRune(rune(c)))
}

// null consumes null, if it is there.
func (s *scanner) null() bool {
	if s.next() == 'n' && bytes.HasPrefix(s.b[s.i:], []byte("null")) {
		s.i += 4
		return true
	}
	return false
}

// object calls member with each name; member consumes the value. null is an
// empty object.
func (s *scanner) object(member func(name string)) {
	if s.err != nil || s.null() {
		return
	}
	s.take('{')
	if s.next() == '}' {
		s.i++
		return
	}
	for s.err == nil {
		name := s.text()
		s.take(':')
		if s.err != nil {
			return
		}
		member(name)
		if s.err != nil {
			return
		}
		if s.next() == '}' {
			s.i++
			return
		}
		s.take(',')
	}
}

// array calls element before each element, which it consumes. null is empty.
func (s *scanner) array(element func(i int)) {
	if s.err != nil || s.null() {
		return
	}
	s.take('[')
	if s.next() == ']' {
		s.i++
		return
	}
	for i := 0; s.err == nil; i++ {
		element(i)
		if s.err != nil {
			return
		}
		if s.next() == ']' {
			s.i++
			return
		}
		s.take(',')
	}
}

// bytes returns the inside of a string as it stands, and whether it has escapes.
func (s *scanner) bytes() (raw []byte, escaped bool) {
	s.take('"')
	if s.err != nil {
		return nil, false
	}
	start := s.i
	for {
		j := bytes.IndexByte(s.b[s.i:], '"')
		if j < 0 {
			s.i = len(s.b)
			s.fail("")
			return nil, false
		}
		if k := bytes.IndexByte(s.b[s.i:s.i+j], '\\'); k >= 0 {
			escaped = true
			s.i += k + 2
			if s.i > len(s.b) {
				s.i = len(s.b)
				s.fail("")
				return nil, false
			}
			continue
		}
		s.i += j
		raw = s.b[start:s.i]
		s.i++
		return raw, escaped
	}
}

// text reads a string.
func (s *scanner) text() string {
	raw, escaped := s.bytes()
	if !escaped {
		return string(raw)
	}
	out, ok := unescape(raw)
	if !ok && s.err == nil {
		s.err = fmt.Errorf("at byte %d: a string has an unknown escape", s.i)
	}
	return out
}

var simpleEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func unescape(raw []byte) (string, bool) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		j := bytes.IndexByte(raw[i:], '\\')
		if j < 0 {
			out = append(out, raw[i:]...)
			break
		}
		out = append(out, raw[i:i+j]...)
		i += j + 1
		if i >= len(raw) {
			return "", false
		}
		if c, ok := simpleEscapes[raw[i]]; ok {
			out = append(out, c)
			i++
			continue
		}
		r, ok := hex4(raw, i)
		if !ok {
			return "", false
		}
		i += 5
		if utf16.IsSurrogate(r) {
			low, ok := rune(0), false
			if i < len(raw) && raw[i] == '\\' {
				low, ok = hex4(raw, i+1)
			}
			if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
				r = pair
				i += 6
			} else {
				r = utf8.RuneError
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), true
}

// hex4 reads u and four hex digits at i.
func hex4(raw []byte, i int) (rune, bool) {
	if i+5 > len(raw) || raw[i] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 32)
	return rune(n), err == nil
}

// scalar returns the text of a number, true or false.
func (s *scanner) scalar() []byte {
	if s.err != nil {
		return nil
	}
	s.next()
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '+', c == '-', c == '.', c == 'E':
			s.i++
			continue
		}
		break
	}
	if s.i == start {
		s.fail("a value")
	}
	return s.b[start:s.i]
}

// number reads a number, also one that stands in a string.
func (s *scanner) number() float64 {
	var text string
	if s.err == nil && s.next() == '"' {
		text = s.text()
	} else {
		text = string(s.scalar())
	}
	if s.err != nil {
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		s.err = fmt.Errorf("at byte %d: %q is not a number", s.i, text)
	}
	return f
}

// skip consumes any value.
func (s *scanner) skip() {
	if s.depth++; s.depth > maxDepth && s.err == nil {
		s.err = errors.New("the answer is nested too deeply")
	}
	defer func() { s.depth-- }()
	if s.err != nil {
		return
	}
	switch s.next() {
	case '{':
		s.object(func(string) { s.skip() })
	case '[':
		s.array(func(int) { s.skip() })
	case '"':
		s.bytes()
	default:
		s.scalar()
	}
}

// labels reads an object of strings; other values are kept as their text.
func (s *scanner) labels() Labels {
	var l Labels
	s.object(func(name string) {
		if l == nil {
			l = Labels{}
		}
		if s.next() == '"' {
			l[name] = s.text()
			return
		}
		start := s.i
		s.skip()
		l[name] = string(s.b[start:min(s.i, len(s.b))])
	})
	return l
}

// texts reads a list of strings.
func (s *scanner) texts() []string {
	var out []string
	s.array(func(int) { out = append(out, s.text()) })
	return out
}

// end fails unless nothing but space is left.
func (s *scanner) end() error {
	if s.err == nil && s.next() != 0 {
		s.fail("the end")
	}
	return s.err
}
