package demo

import (
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

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
