package printer

import (
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// Detail builds the view of one thing: a title, labelled rows, what to do
// next. Every text given to it is made ios.Visible. On a terminal rows are
// wrapped at its width with a hanging indent; a word, so a URL too, is never
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
	style ios.Style
	lines []detailLine
	block bool // lines are shown as they are
	code  bool // units are commands
}

// detailLine is one line before wrapping: units that are not broken, joined by
// sep; continuation lines are indented by hang columns.
type detailLine struct {
	units []string
	sep   string
	hang  int
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

// Row is a label with one or more lines of prose. Lines whose begin is set
// off by two blanks ("03:12:04 EET  triggered") hang under what follows. Empty
// lines and rows without a line are left out.
func (d *Detail) Row(label string, lines ...string) { d.Styled(label, ios.None, lines...) }

// Styled is Row with a style for its lines.
func (d *Detail) Styled(label string, style ios.Style, lines ...string) {
	row := detailRow{label: ios.Visible(label), style: style}
	for _, l := range lines {
		if l = ios.Visible(l); strings.TrimSpace(l) != "" {
			row.lines = append(row.lines, prose(l))
		}
	}
	d.add(row)
}

// Pairs is a label with lines of two columns, such as a link's name and its
// URL.
func (d *Detail) Pairs(label string, pairs ...[2]string) {
	keys := 0
	for _, p := range pairs {
		keys = max(keys, ios.TextWidth(ios.Visible(p[0])))
	}
	row := detailRow{label: ios.Visible(label)}
	for _, p := range pairs {
		value := ios.Visible(p[1])
		if strings.TrimSpace(value) == "" {
			value = noValue
		}
		units := strings.Split(value, " ")
		units[0] = pad(ios.Visible(p[0]), keys+defaultGap) + units[0]
		row.lines = append(row.lines, detailLine{units: units, sep: " ", hang: keys + defaultGap})
	}
	d.add(row)
}

// Block is a label with lines shown as they are, marked by a bar and not
// wrapped: a piece of a log.
func (d *Detail) Block(label string, lines ...string) {
	row := detailRow{label: ios.Visible(label), block: true}
	for _, l := range lines {
		row.lines = append(row.lines, detailLine{units: []string{ios.Visible(l)}})
	}
	d.add(row)
}

// Next are the commands that make sense now.
func (d *Detail) Next(commands ...string) {
	line := detailLine{sep: " · "}
	for _, c := range commands {
		line.units = append(line.units, ios.Visible(c))
	}
	row := detailRow{label: "next", code: true}
	if len(line.units) > 0 {
		row.lines = []detailLine{line}
	}
	d.add(row)
}

func (d *Detail) add(row detailRow) {
	if len(row.lines) > 0 {
		d.rows = append(d.rows, row)
	}
}

// maxHang is the deepest hanging indent within a line.
const maxHang = 24

// prose makes a line of a text: it may break at each blank, and hangs under
// what stands behind a short begin set off by two blanks or more.
func prose(text string) detailLine {
	l := detailLine{units: strings.Split(text, " "), sep: " "}
	// A line that is set in stays so.
	if n := len(text) - len(strings.TrimLeft(text, " ")); n <= maxHang {
		l.hang = n
	}
	if begin, rest, ok := strings.Cut(text, "  "); ok && begin != "" {
		behind := strings.TrimLeft(rest, " ")
		if hang := ios.TextWidth(text) - ios.TextWidth(behind); hang <= maxHang {
			l.hang = hang
		}
	}
	return l
}

const (
	// titleWidth is the widest a title line is spread.
	titleWidth = 100
	// minLabels is the width labels are given at least, so that details of
	// different things look alike.
	minLabels = 7
	// minText is the width below which text is not squeezed.
	minText = 24
)

// render draws the detail for Out.
func (d *Detail) render(s *ios.Streams) string {
	var b strings.Builder
	d.renderTitle(&b, s)
	labels := minLabels
	for _, r := range d.rows {
		labels = max(labels, ios.TextWidth(r.label))
	}
	indent := labels + defaultGap
	room := 0
	if s.Width > 0 {
		room = max(minText, s.Width-indent)
	}
	for _, r := range d.rows {
		label := s.Paint(ios.Dim, r.label) + pad("", indent-ios.TextWidth(r.label))
		for _, line := range r.lines {
			for _, text := range line.wrap(room, r.block) {
				b.WriteString(strings.TrimRight(label+s.Paint(r.style, text), " "))
				b.WriteByte('\n')
				label = pad("", indent)
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
	used := ios.TextWidth(d.left) + ios.TextWidth(d.right)
	width := min(s.Width, titleWidth)
	switch {
	case d.left == "" || d.right == "":
		b.WriteString(left + right)
	case s.Width <= 0:
		b.WriteString(left + "   " + right)
	case used+3 <= width:
		b.WriteString(left + pad("", width-used) + right)
	default:
		b.WriteString(left + "\n" + right)
	}
	b.WriteByte('\n')
}

// wrap breaks a line between units so that its parts fit width; 0 is no limit.
func (l detailLine) wrap(width int, block bool) []string {
	if block {
		return []string{"| " + l.units[0]}
	}
	if width == 0 {
		return []string{strings.Join(l.units, l.sep)}
	}
	var out []string
	line, used := l.units[0], ios.TextWidth(l.units[0])
	leads := false // whether what comes next begins a continuation line
	for _, u := range l.units[1:] {
		w := ios.TextWidth(u)
		switch {
		case leads:
			// Blanks beyond the one that was broken at lead no line.
			line, used, leads = line+u, used+w, u == ""
		case used+ios.TextWidth(l.sep)+w > width && used > l.hang:
			out = append(out, line)
			line, used, leads = pad("", l.hang)+u, l.hang+w, u == ""
		default:
			line += l.sep + u
			used += ios.TextWidth(l.sep) + w
		}
	}
	return append(out, line)
}

// pad fills a text with blanks up to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ios.TextWidth(text)))
}
