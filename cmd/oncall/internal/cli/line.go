package cli

import (
	"errors"
	"strings"
)

// SplitLine cuts a command line into words as a shell would: blanks part them,
// single and double quotes keep them together.
func SplitLine(line string) ([]string, error) {
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
