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

// markdownSpecial are the characters that mean something within a line of
// Markdown: markup, HTML, entities, links, cell borders, formulas.
const markdownSpecial = "\\`*_[]<>&|~$"

// escapeMarkdown makes a text one line that shows as it is written: no markup,
// no HTML, no cell border, and no link but a URL that is seen as such.
func escapeMarkdown(text string) string {
	text = ios.Visible(text)
	if !strings.ContainsAny(text, markdownSpecial) {
		return text
	}
	var b strings.Builder
	for text != "" {
		at, size := findURL(text)
		escapeWords(&b, text[:at])
		if size > 0 {
			// In brackets nothing in it is markup, such as the _ of a path.
			b.WriteString("<" + text[at:at+size] + ">")
		}
		text = text[at+size:]
	}
	return b.String()
}

func escapeWords(b *strings.Builder, text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '&':
			b.WriteString("&amp;")
		default:
			if strings.IndexByte(markdownSpecial, c) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
	}
}

// findURL is where the first http(s) URL in a text begins and how long it is;
// the end of the text and 0 when there is none.
func findURL(text string) (at, size int) {
	for at < len(text) {
		next := strings.Index(text[at:], "http")
		if next < 0 {
			break
		}
		at += next
		host := strings.TrimPrefix(strings.TrimPrefix(text[at:], "http"), "s")
		if strings.HasPrefix(host, "://") {
			url := text[at:]
			if end := strings.IndexAny(url, " <>|\"`\\[]"); end >= 0 {
				url = url[:end]
			}
			url = strings.TrimRight(url, ".,;:!?'()*_~")
			if strings.Contains(url, "://") && !strings.HasSuffix(url, "/") || strings.Count(url, "/") > 2 {
				return at, len(url)
			}
		}
		at += len("http")
	}
	return len(text), 0
}

// escapeMarkdownLine is escapeMarkdown for a text that begins a line, where
// more means something: headings, lists, rules and indented code.
func escapeMarkdownLine(text string) string {
	text = strings.TrimLeft(escapeMarkdown(text), " ")
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	switch {
	case text == "":
		return text
	case strings.IndexByte("#+-=", text[0]) >= 0:
		return `\` + text
	case digits > 0 && digits < len(text) && (text[digits] == '.' || text[digits] == ')'):
		return text[:digits] + `\` + text[digits:]
	}
	return text
}

// codeSpan is a text as inline code.
func codeSpan(text string) string {
	fence := strings.Repeat("`", longestTicks(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// longestTicks is the length of the longest run of backticks in a text.
func longestTicks(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// markdown is the detail to paste: a heading, a list of labels, blocks as code.
func (d *Detail) markdown() string {
	var b strings.Builder
	if d.left != "" {
		b.WriteString("### " + escapeMarkdown(d.left) + "\n\n")
	}
	if d.right != "" {
		b.WriteString(escapeMarkdownLine(d.right) + "\n\n")
	}
	for _, r := range d.rows {
		b.WriteString("- **" + escapeMarkdown(r.label) + "**:")
		switch {
		case r.block:
			r.markdownBlock(&b)
		case r.code:
			for _, u := range r.lines[0].units {
				b.WriteString("\n  - " + codeSpan(u))
			}
		case len(r.lines) == 1:
			b.WriteString(" " + escapeMarkdown(strings.Join(r.lines[0].units, r.lines[0].sep)))
		default:
			for _, l := range r.lines {
				b.WriteString("\n  - " + escapeMarkdownLine(strings.Join(l.units, l.sep)))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// markdownBlock writes lines as fenced code within a list item.
func (r detailRow) markdownBlock(b *strings.Builder) {
	ticks := 2
	for _, l := range r.lines {
		ticks = max(ticks, longestTicks(l.units[0]))
	}
	fence := strings.Repeat("`", ticks+1)
	b.WriteString("\n\n  " + fence + "\n")
	for _, l := range r.lines {
		b.WriteString("  " + l.units[0] + "\n")
	}
	b.WriteString("  " + fence + "\n")
}
