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
	return strings.Join(ios.Wrap(text, width), "\n")
}
