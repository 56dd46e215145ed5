package printer

import (
	"bytes"
	"cmp"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// grid is a table as text: safe, uncoloured, before it is fitted to a width.
type grid struct {
	headers []string
	flex    []bool
	keep    []bool
	spare   []bool
	min     []int
	cells   [][]string    // by row, then column
	styles  [][]ios.Style // the same
}

// noValue is shown where there is nothing.
const noValue = "-"

func newGrid[T any](columns []Column[T], items []T, wide bool) grid {
	var shown []Column[T]
	var g grid
	for _, c := range columns {
		if c.Wide && !wide {
			continue
		}
		shown = append(shown, c)
		g.headers = append(g.headers, ios.Visible(c.Header))
		g.flex = append(g.flex, c.Flex)
		g.keep = append(g.keep, c.Keep)
		g.spare = append(g.spare, c.Spare)
		g.min = append(g.min, max(cmp.Or(c.Min, minFlex), ios.TextWidth(c.Header)))
	}
	for _, x := range items {
		cells := make([]string, len(shown))
		styles := make([]ios.Style, len(shown))
		for i, c := range shown {
			cells[i] = ios.Visible(c.Value(x))
			if strings.TrimSpace(cells[i]) == "" {
				cells[i] = noValue
			} else if c.Style != nil {
				styles[i] = c.Style(x)
			}
		}
		g.cells = append(g.cells, cells)
		g.styles = append(g.styles, styles)
	}
	return g
}

// table prints a grid with blanks between columns, as kubectl does. On a
// terminal it is fitted to the width, unless everything was asked for.
func (p *Printer) table(w io.Writer, g grid) error {
	if len(g.headers) == 0 {
		return nil
	}
	gap := defaultGap
	if p.io.Width > 0 && !p.Wide() {
		var dropped []string
		gap, dropped = g.fit(p.io.Width)
		if len(dropped) > 0 {
			p.io.Note("no room for %s (-o wide shows all)", list(dropped, "and"))
		}
	}
	lines, err := g.layout(gap)
	if err != nil {
		return err
	}
	starts := make([]int, len(g.headers))
	at := 0
	for i, width := range g.widths() {
		starts[i] = at
		at += width + gap
	}
	var out strings.Builder
	for r, line := range lines {
		// The first line is the header.
		if cells := g.headers; r > 0 {
			cells = g.cells[r-1]
			line = splice(line, starts, cells, func(c int) string { return p.io.Paint(g.styles[r-1][c], cells[c]) })
		} else {
			line = splice(line, starts, cells, func(c int) string { return cells[c] })
		}
		out.WriteString(strings.TrimRight(line, " "))
		out.WriteByte('\n')
	}
	_, err = io.WriteString(w, out.String())
	return err
}

// layout has the columns aligned. It lays out dummies of the width of each
// cell, one byte a column: tablewriter measures rune by rune, so an emoji with
// a modifier or a coloured cell would shift what follows.
func (g *grid) layout(gap int) ([]string, error) {
	var b bytes.Buffer
	t := tablewriter.NewTable(&b,
		tablewriter.WithRendition(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone},
		}),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithPadding(tw.Padding{Right: strings.Repeat(" ", gap), Overwrite: true}),
	)
	t.Header(dummies(g.headers))
	for _, cells := range g.cells {
		// tablewriter keeps the slice it is given.
		if err := t.Append(dummies(cells)); err != nil {
			return nil, err
		}
	}
	if err := t.Render(); err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n"), nil
}

func dummies(cells []string) []string {
	out := make([]string, len(cells))
	for i, text := range cells {
		out[i] = strings.Repeat("x", ios.TextWidth(text))
	}
	return out
}

// splice puts the shown form of cells in the place of their dummies. starts are
// the columns at which they begin.
func splice(line string, starts []int, cells []string, shown func(int) string) string {
	var b strings.Builder
	at := 0
	for i, text := range cells {
		b.WriteString(line[at:starts[i]])
		b.WriteString(shown(i))
		at = starts[i] + ios.TextWidth(text)
	}
	return b.String()
}
