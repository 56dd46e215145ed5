package ios

import "strings"

// Wrap breaks a text at its blanks into lines of at most width columns. A word
// that is wider stays whole: it is an address or a name that somebody copies.
// Runs of blanks become one. width 0 is no limit.
func Wrap(text string, width int) []string {
	out, used := []string{""}, 0
	for i, word := range strings.Fields(text) {
		w := TextWidth(word)
		last := len(out) - 1
		switch {
		case i == 0:
			out[last], used = word, w
		case width > 0 && used+1+w > width:
			out, used = append(out, word), w
		default:
			out[last] += " " + word
			used += 1 + w
		}
	}
	return out
}
