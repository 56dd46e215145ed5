package simulator

import (
	"image"
	"image/color"
	"image/png"
	"io"
)

// writePicture writes a PNG of one curve. height(share) is its height, 0 to 1, at
// a share of the width.
func writePicture(w io.Writer, width, height int, curve func(share float64) float64) error {
	p := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.RGBA{17, 18, 23, 255}, color.RGBA{242, 73, 92, 255}, color.RGBA{60, 62, 70, 255}})
	for line := 1; line < 5; line++ {
		for x := range width {
			p.SetColorIndex(x, height*line/5, 2)
		}
	}
	last := -1
	for x := range width {
		y := height - 1 - int(min(max(curve(float64(x)/float64(width)), 0), 1)*float64(height-1))
		if last < 0 {
			last = y
		}
		for v := min(y, last); v <= max(y, last); v++ {
			p.SetColorIndex(x, v, 1)
		}
		last = y
	}
	return png.Encode(w, p)
}
