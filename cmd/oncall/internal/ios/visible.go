package ios

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden tells whether a rune must not reach a terminal as it is: it moves the
// cursor, changes the order in which text reads, or cannot be seen at all, and
// so lets a text pretend to be another one. Tab and newline are among them;
// who can place them allows them.
func Hidden(r rune) bool {
	if r < 0x7f {
		return r < 0x20
	}
	if r < 0xa0 {
		return true
	}
	if r < 0x34f {
		return r == 0xad
	}
	switch {
	case r >= 0x600 && r <= 0x605, r == 0x6dd, r == 0x70f, r == 0x8e2, r == 0x110bd, r == 0x110cd:
		return false // format characters that are seen: Arabic number signs and the like
	case r == 0x34f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x3164, r == 0xffa0:
		return true // letters and marks that show nothing
	case r == 0x2028, r == 0x2029:
		return true // line and paragraph separators
	case r >= 0xe0100 && r <= 0xe01ef:
		return true // variation selectors that can carry a hidden text
	}
	return unicode.Is(unicode.Cf, r)
}

// Visible returns text as one line that is safe on a terminal: control
// characters (ESC, CR, LF and C1 too), bidi and invisible characters and bytes
// that are not UTF-8 are written out (\x1b, \n, \u202e, \xff), a tab becomes a
// space. A text without any is returned as it is; Visible of Visible changes
// nothing.
func Visible(text string) string { return visible(text, false) }

// VisibleBlock is Visible for a text of several lines: newlines and tabs stay,
// and CR before a newline, the line end of other systems, is dropped.
func VisibleBlock(text string) string { return visible(text, true) }

func visible(text string, block bool) string {
	first := firstHidden(text, block)
	if first < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	b.WriteString(text[:first])
	for i := first; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\t' && !block:
			b.WriteByte(' ')
		case block && (r == '\t' || r == '\n'):
			b.WriteByte(byte(r))
		case block && r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case Hidden(r):
			b.WriteString(escaped(r))
		default:
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}

// firstHidden is the index of the first byte of text that visible would
// change, or -1.
func firstHidden(text string, block bool) int {
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if (c < 0x20 || c == 0x7f) && !(block && (c == '\t' || c == '\n')) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 || Hidden(r) {
			return i
		}
		i += n
	}
	return -1
}

// escaped is how a hidden rune is written out.
func escaped(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}
