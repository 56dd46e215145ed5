package printer

import (
	"slices"

	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
)

const (
	// defaultGap is the number of blanks between two columns.
	defaultGap = 2
	// minFlex is the width below which a flexible column is not cut.
	minFlex = 12
)

// fit makes the grid at most width columns wide, in this order: flexible
// columns are cut down to minFlex, the gap shrinks to one blank, the last
// columns that are not flexible are left out. The first one always stays, so a
// very narrow terminal may still have to wrap. Left-out headers are returned.
func (g *grid) fit(width int) (gap int, dropped []string) {
	widths := g.widths()
	for {
		for gap := defaultGap; gap > 0; gap-- {
			if limits, ok := g.shrink(widths, width-gap*(len(widths)-1)); ok {
				g.cut(widths, limits)
				return gap, dropped
			}
		}
		last := len(widths) - 1
		for last > 0 && g.flex[last] {
			last--
		}
		if last <= 0 {
			limits, _ := g.shrink(widths, width-len(widths)+1)
			g.cut(widths, limits)
			return 1, dropped
		}
		dropped = slices.Insert(dropped, 0, g.headers[last])
		g.drop(last)
		widths = slices.Delete(widths, last, last+1)
	}
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
			if g.flex[i] && w > max(minFlex, ios.TextWidth(g.headers[i])) && (widest < 0 || w > limits[widest]) {
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
	for r := range g.cells {
		g.cells[r] = slices.Delete(g.cells[r], column, column+1)
		g.styles[r] = slices.Delete(g.styles[r], column, column+1)
	}
}
