package ios

import (
	"strconv"
	"strings"
)

// Style is how a piece of text looks on a terminal with colours. Styles
// combine: Bold|Red. A style only underlines what the words already say.
type Style uint16

// The styles there are.
const (
	None Style = 0
	Bold Style = 1 << (iota - 1)
	Dim
	Underline
	Red
	Green
	Yellow
	Blue
	Magenta
	Cyan
)

// sgr are the parameters of the SGR sequence of each bit, in bit order.
var sgr = [...]int{1, 2, 4, 31, 32, 33, 34, 35, 36}

// Paint returns text in a style when Out takes colours, else text itself.
// text must be safe to show already (Visible).
func (s *Streams) Paint(style Style, text string) string { return paint(s.Color, style, text) }

// PaintErr is Paint for Err.
func (s *Streams) PaintErr(style Style, text string) string { return paint(s.ErrColor, style, text) }

func paint(on bool, style Style, text string) string {
	if !on || style == None || text == "" {
		return text
	}
	var b strings.Builder
	sep := "\x1b["
	for i, code := range sgr {
		if style&(1<<i) != 0 {
			b.WriteString(sep)
			b.WriteString(strconv.Itoa(code))
			sep = ";"
		}
	}
	b.WriteByte('m')
	b.WriteString(text)
	b.WriteString("\x1b[0m")
	return b.String()
}
