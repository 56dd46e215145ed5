package printer

import (
	"bytes"
	"io"
	"strings"

	"github.com/clipperhouse/displaywidth"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/tw"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

// grid is a table as text: safe, uncoloured, before it is fitted to a width.
type grid struct {
	headers []string
	flex    []bool
	cells   [][]string // by row, then column
	styles  [][]ios.Style
}

const noValue = "-"

func newGrid[T any](columns []Column[T], items []T, wide bool) grid {
	var shown []Column[T]
	var g grid
	for _, c := range columns {
		if c.Wide && !wide {
			continue
		}
		shown = append(shown, c)
		g.headers = append(g.headers, c.Header)
		g.flex = append(g.flex, c.Flex)
	}
	for _, x := range items {
		cells := make([]string, len(shown))
		styles := make([]ios.Style, len(shown))
		for i, c := range shown {
			if cells[i] = ios.Visible(c.Value(x)); cells[i] == "" {
				cells[i] = noValue
			}
			if c.Style != nil {
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
	gap := 2
	if p.io.Width > 0 && !p.Wide() {
		var dropped []string
		gap, dropped = g.fit(p.io.Width)
		if len(dropped) > 0 {
			p.io.Note("no room for %s (-o wide shows all)", list(dropped, "and"))
		}
	}
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
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithEastAsian(tw.Off),
	)
	t.Header(g.headers)
	for r, cells := range g.cells {
		row := make([]string, len(cells))
		for c, text := range cells {
			row[c] = p.io.Paint(g.styles[r][c], text)
		}
		if err := t.Append(row); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(b.String()) {
		out.WriteString(strings.TrimRight(line, " \n"))
		out.WriteByte('\n')
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// minFlex is the width below which a flexible column is not cut.
const minFlex = 8

// fit makes the grid at most width columns wide, in this order: flexible
// columns are cut down to minFlex, the gap shrinks to one blank, the last
// columns that are not flexible are left out. The first one always stays.
func (g *grid) fit(width int) (gap int, dropped []string) {
	widths := g.widths()
	gap = 2
	for {
		for _, gap = range []int{2, 1} {
			if limits, ok := shrink(widths, g.flex, width-gap*(len(widths)-1)); ok {
				g.cut(limits)
				return gap, dropped
			}
		}
		last := len(widths) - 1
		for last > 0 && g.flex[last] {
			last--
		}
		if last <= 0 {
			return gap, dropped
		}
		dropped = append([]string{g.headers[last]}, dropped...)
		g.drop(last)
		widths = append(widths[:last], widths[last+1:]...)
	}
}

// widths are the widths the columns want.
func (g *grid) widths() []int {
	widths := make([]int, len(g.headers))
	for i, h := range g.headers {
		widths[i] = displaywidth.String(h)
	}
	for _, row := range g.cells {
		for i, text := range row {
			widths[i] = max(widths[i], displaywidth.String(text))
		}
	}
	return widths
}

// shrink takes from the widest flexible column until the sum is at most room.
// ok is false when that cannot be reached.
func shrink(widths []int, flex []bool, room int) (limits []int, ok bool) {
	limits = append([]int(nil), widths...)
	sum := 0
	for _, w := range limits {
		sum += w
	}
	for ; sum > room; sum-- {
		widest := -1
		for i, w := range limits {
			if flex[i] && w > minFlex && (widest < 0 || w > limits[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return limits, false
		}
		limits[widest]--
	}
	return limits, true
}

func (g *grid) cut(limits []int) {
	for _, row := range g.cells {
		for i, text := range row {
			if g.flex[i] && displaywidth.String(text) > limits[i] {
				row[i] = displaywidth.TruncateString(text, limits[i], "…")
			}
		}
	}
}

func (g *grid) drop(column int) {
	g.headers = append(g.headers[:column], g.headers[column+1:]...)
	g.flex = append(g.flex[:column], g.flex[column+1:]...)
	for r := range g.cells {
		g.cells[r] = append(g.cells[r][:column], g.cells[r][column+1:]...)
		g.styles[r] = append(g.styles[r][:column], g.styles[r][column+1:]...)
	}
}
