package printer

import (
	"slices"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

const (
	// defaultGap is the number of blanks between two columns.
	defaultGap = 2
	// minFlex is the width below which a flexible column is not cut, unless it
	// says otherwise.
	minFlex = 12
)

// fit makes the grid at most width columns wide, in this order: flexible
// columns are cut down to their least width, the gap shrinks to one blank, the
// spare columns are left out, then the last ones that are not flexible, those that
// are kept after the others. One always stays, so a very narrow terminal may still have to wrap.
// Left-out headers are returned, in the order of the columns.
func (g *grid) fit(width int) (gap int, dropped []string) {
	widths := g.widths()
	all := slices.Clone(g.headers)
	for {
		for gap := defaultGap; gap > 0; gap-- {
			if limits, ok := g.shrink(widths, width-gap*(len(widths)-1)); ok {
				g.cut(widths, limits)
				return gap, dropped
			}
		}
		column := g.least()
		if column < 0 {
			limits, _ := g.shrink(widths, width-len(widths)+1)
			g.cut(widths, limits)
			return 1, dropped
		}
		dropped = append(dropped, g.headers[column])
		slices.SortFunc(dropped, func(a, b string) int { return slices.Index(all, a) - slices.Index(all, b) })
		g.drop(column)
		widths = slices.Delete(widths, column, column+1)
	}
}

// least is the column to leave out next, -1 when all that are left must stay.
func (g *grid) least() int {
	if i := last(g.spare); i > 0 {
		return i
	}
	for i := len(g.headers) - 1; i >= 0; i-- {
		if !g.flex[i] && !g.keep[i] && (i > 0 || slices.Contains(g.keep, true)) {
			return i
		}
	}
	for i := len(g.headers) - 1; i > 0; i-- {
		if !g.flex[i] {
			return i
		}
	}
	return -1
}

// last is the place of the last true, -1 when there is none.
func last(marks []bool) int {
	for i, m := range slices.Backward(marks) {
		if m {
			return i
		}
	}
	return -1
}

// widths are the widths the columns need.
func (g *grid) widths() []int {
	widths := make([]int, len(g.headers))
	for i, h := range g.headers {
		widths[i] = ios.TextWidth(h)
	}
	for _, row := range g.cells {
		for i, text := range row {
			widths[i] = max(widths[i], ios.TextWidth(text))
		}
	}
	return widths
}

// shrink takes from the widest flexible column until the sum is at most room.
// ok is false when that cannot be reached.
func (g *grid) shrink(widths []int, room int) (limits []int, ok bool) {
	limits = slices.Clone(widths)
	sum := 0
	for _, w := range limits {
		sum += w
	}
	for ; sum > room; sum-- {
		widest := -1
		for i, w := range limits {
			if g.flex[i] && w > g.min[i] && (widest < 0 || w > limits[widest]) {
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

func (g *grid) cut(widths, limits []int) {
	for i, limit := range limits {
		if limit == widths[i] {
			continue
		}
		for _, row := range g.cells {
			row[i] = ios.Cut(row[i], limit)
		}
	}
}

func (g *grid) drop(column int) {
	g.headers = slices.Delete(g.headers, column, column+1)
	g.flex = slices.Delete(g.flex, column, column+1)
	g.keep = slices.Delete(g.keep, column, column+1)
	g.spare = slices.Delete(g.spare, column, column+1)
	g.min = slices.Delete(g.min, column, column+1)
	for r := range g.cells {
		g.cells[r] = slices.Delete(g.cells[r], column, column+1)
		g.styles[r] = slices.Delete(g.styles[r], column, column+1)
	}
}
