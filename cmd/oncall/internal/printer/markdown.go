package printer

import (
	"io"
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// markdownTable prints a GitHub table. Wide columns are left out as in table.
func markdownTable[T any](w io.Writer, columns []Column[T], items []T) error {
	g := newGrid(columns, items, false)
	var b strings.Builder
	row := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| ")
			b.WriteString(escapeMarkdown(c))
			b.WriteByte(' ')
		}
		b.WriteString("|\n")
	}
	row(g.headers)
	b.WriteString(strings.Repeat("| --- ", len(g.headers)) + "|\n")
	for _, cells := range g.cells {
		row(cells)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeMarkdown makes one line of text show as it is written: no markup, no
// HTML, no link, no cell border.
func escapeMarkdown(text string) string {
	text = ios.Visible(text)
	if !strings.ContainsAny(text, markdownSpecial) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune(markdownSpecial, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

const markdownSpecial = "\\`*_[]<>&|~$"
