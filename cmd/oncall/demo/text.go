package demo

import (
	"errors"
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// split cuts a command line into words as a shell would: blanks part them,
// single and double quotes keep them together.
func split(line string) ([]string, error) {
	words := []string{}
	var word strings.Builder
	open, begun := rune(0), false
	for _, c := range line {
		switch {
		case open != 0 && c == open:
			open = 0
		case open == 0 && (c == '\'' || c == '"'):
			open, begun = c, true
		case open == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if begun {
				words = append(words, word.String())
				word.Reset()
			}
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if open != 0 {
		return nil, errors.New("a quote is left open")
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}

// fold breaks prose into lines of at most width columns; 0 is 80.
func fold(text string, width int) string {
	if width <= 0 || width > 80 {
		width = 80
	}
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		w := ios.TextWidth(word)
		switch {
		case i == 0:
		case used+1+w > width:
			b.WriteByte('\n')
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += w
	}
	return b.String()
}
