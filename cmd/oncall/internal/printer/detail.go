package printer

import (
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// Detail builds the view of one thing: a title, labelled rows, what to do
// next. Every text given to it is made ios.Visible. Rows are wrapped at the
// width of the terminal with a hanging indent; a word, so a URL too, is never
// broken. In a pipe nothing is wrapped.
type Detail struct {
	wide        bool
	left, right string
	style       ios.Style
	rows        []detailRow
}

// detailRow is one label with its lines.
type detailRow struct {
	label string
	lines []detailLine
}

// detailLine is one line before wrapping: units that are not broken, joined by
// sep, with continuation lines indented by hang.
type detailLine struct {
	units []string
	sep   string
	hang  int
	block bool
}

// Wide tells whether everything there is was asked for (-o wide).
func (d *Detail) Wide() bool { return d.wide }

// Title is the first line: what it is on the left, how it stands on the right.
// The style, at most one, is for the right side.
func (d *Detail) Title(left, right string, style ...ios.Style) {
	d.left, d.right = ios.Visible(left), ios.Visible(right)
	for _, s := range style {
		d.style |= s
	}
}

// Row is a label with one or more lines of prose. A row without text is left
// out.
func (d *Detail) Row(label string, text ...string) {
	row := detailRow{label: ios.Visible(label)}
	for _, t := range text {
		if t = ios.Visible(t); strings.TrimSpace(t) != "" {
			row.lines = append(row.lines, prose(t))
		}
	}
	d.add(row)
}

// Pairs is a label with lines of two columns, such as a link's name and its
// URL.
func (d *Detail) Pairs(label string, pairs ...[2]string) {
	wide := 0
	for _, p := range pairs {
		wide = max(wide, displaywidth.String(ios.Visible(p[0])))
	}
	row := detailRow{label: ios.Visible(label)}
	for _, p := range pairs {
		key := ios.Visible(p[0])
		key += strings.Repeat(" ", wide-displaywidth.String(key)+2)
		units := strings.Fields(ios.Visible(p[1]))
		if len(units) == 0 {
			units = []string{noValue}
		}
		units[0] = key + units[0]
		row.lines = append(row.lines, detailLine{units: units, sep: " ", hang: wide + 2})
	}
	d.add(row)
}

// Block is a label with lines shown as they are, marked by a bar and not
// wrapped: a piece of a log.
func (d *Detail) Block(label string, lines ...string) {
	row := detailRow{label: ios.Visible(label)}
	for _, l := range lines {
		row.lines = append(row.lines, detailLine{units: []string{ios.Visible(l)}, block: true})
	}
	d.add(row)
}

// Next are the commands that make sense now.
func (d *Detail) Next(commands ...string) {
	row := detailRow{label: "next"}
	var units []string
	for _, c := range commands {
		units = append(units, ios.Visible(c))
	}
	if len(units) > 0 {
		row.lines = []detailLine{{units: units, sep: " · "}}
	}
	d.add(row)
}

func (d *Detail) add(row detailRow) {
	if len(row.lines) > 0 {
		d.rows = append(d.rows, row)
	}
}

// prose splits a text at single blanks; runs of blanks align something and stay.
func prose(text string) detailLine {
	return detailLine{units: strings.Split(text, " "), sep: " "}
}

// titleWidth is the widest a title line is spread.
const titleWidth = 100

func (d *Detail) render(s *ios.Streams) string {
	var b strings.Builder
	d.renderTitle(&b, s)
	labels := 7
	for _, r := range d.rows {
		labels = max(labels, displaywidth.String(r.label))
	}
	indent := labels + 2
	for _, r := range d.rows {
		label := s.Paint(ios.Dim, r.label) + strings.Repeat(" ", indent-displaywidth.String(r.label))
		for _, line := range r.lines {
			for _, text := range line.wrap(s.Width - indent) {
				b.WriteString(strings.TrimRight(label+text, " "))
				b.WriteByte('\n')
				label = strings.Repeat(" ", indent)
			}
		}
	}
	return b.String()
}

func (d *Detail) renderTitle(b *strings.Builder, s *ios.Streams) {
	if d.left == "" && d.right == "" {
		return
	}
	left, right := s.Paint(ios.Bold, d.left), s.Paint(d.style, d.right)
	used := displaywidth.String(d.left) + displaywidth.String(d.right)
	switch width := min(s.Width, titleWidth); {
	case d.right == "":
		b.WriteString(left)
	case s.Width <= 0:
		b.WriteString(left + "   " + right)
	case used+3 <= width:
		b.WriteString(left + strings.Repeat(" ", width-used) + right)
	default:
		b.WriteString(left + "\n" + right)
	}
	b.WriteByte('\n')
}

// wrap breaks a line between units so that it fits width; 0 or less is no
// limit.
func (l detailLine) wrap(width int) []string {
	if l.block {
		return []string{"| " + l.units[0]}
	}
	if width <= 0 {
		return []string{strings.Join(l.units, l.sep)}
	}
	var out []string
	line, used := l.units[0], displaywidth.String(l.units[0])
	for _, u := range l.units[1:] {
		w := displaywidth.String(u)
		if used+displaywidth.String(l.sep)+w > width && strings.TrimSpace(line) != "" {
			out = append(out, line)
			line, used = strings.Repeat(" ", l.hang)+u, l.hang+w
			continue
		}
		line += l.sep + u
		used += displaywidth.String(l.sep) + w
	}
	return append(out, line)
}

// markdown is the detail to paste: a heading, a list of labels, code blocks.
func (d *Detail) markdown() string {
	var b strings.Builder
	if d.left != "" {
		b.WriteString("### " + escapeMarkdown(d.left) + "\n\n")
	}
	if d.right != "" {
		b.WriteString(escapeMarkdown(d.right) + "\n\n")
	}
	for _, r := range d.rows {
		b.WriteString("- **" + escapeMarkdown(r.label) + "**")
		for _, l := range r.lines {
			if len(r.lines) == 1 {
				b.WriteString(": ")
			} else {
				b.WriteString("\n  - ")
			}
			b.WriteString(escapeMarkdown(strings.Join(l.units, l.sep)))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
