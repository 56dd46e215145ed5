package httpx

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage is the longest text of a vendor that goes into an error.
const maxMessage = 300

// oneLine makes a vendor's text safe in an error: one line, without control and
// formatting characters (ANSI, bidi), at most max runes.
func oneLine(s string, max int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = n > 0
			continue
		}
		if !shown(r) {
			continue
		}
		if n >= max {
			b.WriteString("...")
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

func shown(r rune) bool {
	return r != utf8.RuneError && !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Co, r)
}

// printable drops what could act on a terminal and keeps the layout.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || shown(r) {
			return r
		}
		return -1
	}, s)
}
