package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/guptarohit/asciigraph"

	"github.com/balena-io/oncall/pkg/prometheus"
)

// maxCurves is how many curves a graph shows: more cannot be told apart.
const maxCurves = 8

// Graph is a drawing for a terminal.
type Graph struct {
	Width  int // columns, all told
	Height int // rows of the curves; 0 is 12
	Color  bool
	Unit   string
	Zone   *time.Location
	From   time.Time
	To     time.Time
}

var curveColors = []asciigraph.AnsiColor{asciigraph.Green, asciigraph.Red, asciigraph.Blue, asciigraph.Yellow, asciigraph.Magenta, asciigraph.Cyan, asciigraph.Orange, asciigraph.White}

// curveChars tell curves apart where there is no colour.
var curveChars = []string{"*", "+", "o", "x", "#", "@", "%", "="}

// Largest are the n series with the largest values of either sign, in the order
// in which they came: of many curves only a few can be told apart.
func Largest(all []prometheus.Series, n int) []prometheus.Series {
	if len(all) <= n {
		return all
	}
	top := make([]float64, len(all))
	order := make([]int, len(all))
	for i, s := range all {
		order[i], top[i] = i, -1
		for _, p := range s.Points {
			if a := math.Abs(p.Value); !math.IsInf(a, 0) && a > top[i] {
				top[i] = a
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(top[b], top[a]) })
	order = order[:n]
	slices.Sort(order)
	out := make([]prometheus.Series, n)
	for i, at := range order {
		out[i] = all[at]
	}
	return out
}

// Draw draws curves over time, the largest where there are more than eight. A step
// without a value is a gap; values that are not finite are gaps too and are
// counted below. rest is how many curves were left out.
func (g Graph) Draw(all []prometheus.Series) (text string, rest int) {
	shown := Largest(all, maxCurves)
	rest = len(all) - len(shown)
	low, high := math.Inf(1), math.Inf(-1)
	odd := 0
	for _, s := range shown {
		for _, p := range s.Points {
			if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
				odd++
				continue
			}
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	if low > high {
		return "no finite value to draw", rest
	}
	label := max(utf8.RuneCountInString(Format(low, g.Unit)), utf8.RuneCountInString(Format(high, g.Unit)), utf8.RuneCountInString(Format((low+high)/2, g.Unit)))
	columns := max(g.Width-label-8, 20) // axis, and half of the last time below it
	data := make([][]float64, len(shown))
	names := make([]string, len(shown))
	for i, s := range shown {
		data[i] = g.columns(s.Points, columns)
		names[i] = s.Metric.String()
	}
	height := g.Height
	if height <= 0 {
		height = 12
	}
	if low == high {
		height = 2
	}
	o := []asciigraph.Option{asciigraph.Height(height), asciigraph.Width(columns),
		asciigraph.YAxisValueFormatter(func(v float64) string { return fmt.Sprintf("%*s", label, Format(v, g.Unit)) }),
		asciigraph.XAxisRange(float64(g.From.Unix()), float64(g.To.Unix())), asciigraph.XAxisTickCount(max(2, min(6, columns/16))),
		asciigraph.XAxisValueFormatter(func(v float64) string { return g.clock(v) })}
	if low == high { // a flat curve has no range of its own
		o = append(o, asciigraph.LowerBound(low-math.Max(math.Abs(low)*0.1, 1e-9)), asciigraph.UpperBound(high+math.Max(math.Abs(high)*0.1, 1e-9)))
	}
	colors := slices.Clone(curveColors[:len(shown)])
	if !g.Color {
		for i := range colors {
			colors[i] = asciigraph.Default
		}
	}
	o = append(o, asciigraph.SeriesColors(colors...))
	plain := !g.Color && len(shown) > 1
	if plain {
		sets := make([]asciigraph.CharSet, len(shown))
		for i := range sets {
			sets[i] = asciigraph.CreateCharSet(curveChars[i])
		}
		o = append(o, asciigraph.SeriesChars(sets...))
	}
	var b strings.Builder
	b.WriteString(asciigraph.PlotMany(data, o...))
	b.WriteByte('\n')
	for i, name := range names {
		mark := "─ "
		switch {
		case g.Color:
			mark = curveColors[i].String() + "■\x1b[0m "
		case plain:
			mark = curveChars[i] + " "
		}
		b.WriteString(mark + g.legend(name, shown[i].Points) + "\n")
	}
	if odd > 0 {
		fmt.Fprintf(&b, "%d values are NaN or infinite and are not drawn\n", odd)
	}
	return b.String(), rest
}

// legend is a curve's name, cut to the width, and its last value.
func (g Graph) legend(name string, points []prometheus.Point) string {
	last := ""
	if n := len(points); n > 0 {
		last = "  last " + Format(points[n-1].Value, g.Unit)
	}
	room := max(g.Width-2-utf8.RuneCountInString(last), 10)
	if r := []rune(name); len(r) > room {
		name = string(r[:room-1]) + "…"
	}
	return name + last
}

func (g Graph) clock(seconds float64) string {
	zone := g.Zone
	if zone == nil {
		zone = time.UTC
	}
	t := time.Unix(int64(seconds), 0).In(zone)
	switch span := g.To.Sub(g.From); {
	case span <= 10*time.Minute:
		return t.Format("15:04:05")
	case span <= 36*time.Hour:
		return t.Format("15:04")
	}
	return t.Format("01-02 15h")
}

// columns puts points into columns by their time: the last one of each counts,
// an empty column takes the value before it unless a step was left out.
func (g Graph) columns(points []prometheus.Point, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	from, span := g.From.UnixMilli(), max(g.To.UnixMilli()-g.From.UnixMilli(), 1)
	place := func(p prometheus.Point) int {
		return int(min(max((p.MS-from)*int64(n-1)/span, 0), int64(n-1)))
	}
	step := int64(math.MaxInt64)
	for i := 1; i < len(points); i++ {
		step = min(step, points[i].MS-points[i-1].MS)
	}
	for i, p := range points {
		v := p.Value
		if math.IsInf(v, 0) {
			v = math.NaN()
		}
		at := place(p)
		out[at] = v
		if i+1 < len(points) && points[i+1].MS-p.MS <= step+step/2 {
			next := points[i+1]
			for x := at + 1; x < place(next); x++ {
				share := float64(x-at) / float64(place(next)-at)
				out[x] = v + (next.Value-v)*share
			}
		}
	}
	return out
}

// Spark draws points in one line of n columns: ▁▂▃▄▅▆▇█, a blank where there is
// no value, ! where it is not finite.
func Spark(points []prometheus.Point, from, to time.Time, n int) string {
	blocks := []rune("▁▂▃▄▅▆▇█")
	low, high := math.Inf(1), math.Inf(-1)
	cells := make([][]float64, n)
	span := max(to.UnixMilli()-from.UnixMilli(), 1)
	for _, p := range points {
		i := min(max((p.MS-from.UnixMilli())*int64(n)/span, 0), int64(n-1))
		cells[i] = append(cells[i], p.Value)
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	out := make([]rune, n)
	for i, c := range cells {
		out[i] = ' '
		for _, v := range c {
			switch {
			case math.IsNaN(v) || math.IsInf(v, 0):
				out[i] = '!'
			case out[i] != '!':
				k := 0
				if high > low {
					k = int((v - low) / (high - low) * float64(len(blocks)-1))
				}
				out[i] = max(out[i], blocks[k])
			}
		}
	}
	return strings.TrimRight(string(out), " ")
}
