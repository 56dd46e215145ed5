package metrics

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strings"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"github.com/balena-io/oncall/pkg/prometheus"
)

// Picture is a graph as a PNG, to post where people talk. The chart libraries
// that are still kept cost two milliseconds at every start and eight megabytes;
// a few lines and a bitmap font cost nothing.
type Picture struct {
	Title    string
	Width    int // pixels; 0 is 1000
	Height   int // pixels; 0 is 500
	Unit     string
	Zone     *time.Location
	From, To time.Time
	Limit    *float64 // a threshold, drawn as a line; nil is none
}

var (
	paper   = color.RGBA{255, 255, 255, 255}
	ink     = color.RGBA{40, 42, 48, 255}
	rule    = color.RGBA{224, 226, 230, 255}
	alarm   = color.RGBA{214, 39, 40, 255}
	strokes = []color.RGBA{{31, 119, 180, 255}, {255, 127, 14, 255}, {44, 160, 44, 255}, {148, 103, 189, 255},
		{140, 86, 75, 255}, {227, 119, 194, 255}, {127, 127, 127, 255}, {23, 190, 207, 255}}
)

// frame is where the curves stand, and what the axes mean.
type frame struct {
	img       *image.RGBA
	box       image.Rectangle
	low, high float64
	from, to  int64 // milliseconds
}

func (f frame) x(ms int64) float64 {
	return float64(f.box.Min.X) + float64(f.box.Dx())*float64(ms-f.from)/float64(f.to-f.from)
}

func (f frame) y(v float64) float64 {
	return float64(f.box.Max.Y) - float64(f.box.Dy())*(v-f.low)/(f.high-f.low)
}

// Write draws the curves, the eight largest of them, and reports how many were
// left out. A gap in the data is a gap in the curve. The day and the zone stand
// above them: whoever sees it may live elsewhere, or look at it next week.
func (p Picture) Write(w io.Writer, all []prometheus.Series) (rest int, err error) {
	shown := Largest(all, maxCurves)
	width, height := or(p.Width, 1000), or(p.Height, 500)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	f := frame{img: img, box: image.Rect(90, 40, width-20, height-40-16*len(shown)), from: p.From.UnixMilli(), to: max(p.To.UnixMilli(), p.From.UnixMilli()+1)}
	f.low, f.high = bounds(shown, p.Limit)
	if f.box.Dx() < 50 || f.box.Dy() < 50 {
		f.box = image.Rect(60, 20, width-5, height-20)
	}
	span := p.span()
	write(img, width-20-7*len(span), 22, span, ink)
	title := p.Title
	if room := (width - 50 - 7*len(span)) / 7; len(title) > room {
		title = title[:max(room-3, 0)] + "..."
	}
	write(img, 10, 22, title, ink)
	p.axes(f)
	if p.Limit != nil {
		f.line(float64(f.box.Min.X), f.y(*p.Limit), float64(f.box.Max.X), f.y(*p.Limit), alarm)
	}
	for i, s := range shown {
		f.curve(s.Points, strokes[i%len(strokes)])
		y := f.box.Max.Y + 36 + 16*i
		draw.Draw(img, image.Rect(f.box.Min.X, y-9, f.box.Min.X+10, y+1), image.NewUniform(strokes[i%len(strokes)]), image.Point{}, draw.Src)
		write(img, f.box.Min.X+16, y, Graph{Width: (width - f.box.Min.X) / 7, Unit: p.Unit}.legend(s.Metric.String(), s.Points), ink)
	}
	return len(all) - len(shown), png.Encode(w, img)
}

// span tells the time that is drawn: 2026-03-04 02:18 - 03:18 EET.
func (p Picture) span() string {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	from, to := p.From.In(zone), p.To.In(zone)
	end := "15:04 MST"
	if from.Format(time.DateOnly) != to.Format(time.DateOnly) {
		end = "2006-01-02 15:04 MST"
	}
	return from.Format("2006-01-02 15:04") + " - " + to.Format(end)
}

// nice is the least of 1, 2, 2.5 and 5 times a power of ten that is v or more.
func nice(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 2.5, 5} {
		if n*power >= v*(1-1e-9) {
			return n * power
		}
	}
	return 10 * power
}

func or(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// bounds is the range of the values, with the threshold in it, and never empty.
func bounds(all []prometheus.Series, limit *float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	see := func(v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	for _, s := range all {
		for _, p := range s.Points {
			see(p.Value)
		}
	}
	if limit != nil {
		see(*limit)
	}
	if low > high {
		return 0, 1
	}
	if low > 0 && low < high/2 {
		low = 0
	}
	room := (high - low) * 0.05
	if room == 0 {
		room = math.Max(math.Abs(high)*0.1, 1e-9)
		low -= room
	}
	return low, high + room
}

func (p Picture) axes(f frame) {
	g := Graph{Zone: p.Zone, From: p.From, To: p.To}
	step := nice((f.high - f.low) / 6)
	for v := math.Ceil(f.low/step-1e-9) * step; v <= f.high; v += step {
		if math.Abs(v) < step/1e6 {
			v = 0 // and not what is left of a sum
		}
		y := f.y(v)
		f.line(float64(f.box.Min.X), y, float64(f.box.Max.X), y, rule)
		text := Format(v, p.Unit)
		write(f.img, f.box.Min.X-8-7*len(text), int(y)+4, text, ink)
	}
	columns := max(2, min(8, f.box.Dx()/110))
	for i := range columns + 1 {
		ms := f.from + (f.to-f.from)*int64(i)/int64(columns)
		x := f.x(ms)
		f.line(x, float64(f.box.Min.Y), x, float64(f.box.Max.Y), rule)
		text := g.clock(float64(ms) / 1000)
		write(f.img, min(int(x)-7*len(text)/2, f.img.Bounds().Dx()-7*len(text)-2), f.box.Max.Y+16, text, ink)
	}
}

// curve joins points that follow one another by no more than a step and a half.
func (f frame) curve(points []prometheus.Point, c color.RGBA) {
	step := int64(math.MaxInt64)
	for i := 1; i < len(points); i++ {
		step = min(step, points[i].MS-points[i-1].MS)
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for i, p := range points {
		if !finite(p.Value) {
			continue
		}
		if i > 0 && finite(points[i-1].Value) && p.MS-points[i-1].MS <= step+step/2 {
			a := points[i-1]
			f.line(f.x(a.MS), f.y(a.Value), f.x(p.MS), f.y(p.Value), c)
			f.line(f.x(a.MS), f.y(a.Value)+1, f.x(p.MS), f.y(p.Value)+1, c)
			continue
		}
		for n := range 9 { // alone, it is to be seen
			f.dot(int(f.x(p.MS))+n%3-1, int(f.y(p.Value))+n/3-1, c)
		}
	}
}

func (f frame) dot(x, y int, c color.RGBA) {
	if image.Pt(x, y).In(f.box.Inset(-1)) {
		f.img.SetRGBA(x, y, c)
	}
}

// line sets a point for each step along the longer side.
func (f frame) line(x0, y0, x1, y1 float64, c color.RGBA) {
	n := int(math.Max(math.Abs(x1-x0), math.Abs(y1-y0))) + 1
	for i := range n + 1 {
		share := float64(i) / float64(n)
		f.dot(int(x0+(x1-x0)*share), int(y0+(y1-y0)*share), c)
	}
}

// write puts text in the bitmap font, which knows ASCII.
func write(img draw.Image, x, y int, text string, c color.Color) {
	text = strings.ReplaceAll(text, "…", "...")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
	d.DrawString(text)
}
