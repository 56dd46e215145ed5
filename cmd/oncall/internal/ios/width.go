package ios

import "github.com/clipperhouse/displaywidth"

// TextWidth is the number of terminal columns a safe text takes: two for East
// Asian wide characters and emoji, none for combining marks. Colours must not
// be in it yet.
func TextWidth(text string) int { return displaywidth.String(text) }

// Cut shortens a safe text to at most width columns; what was cut ends in "…".
// A width below 1 leaves nothing.
func Cut(text string, width int) string {
	if TextWidth(text) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return displaywidth.TruncateString(text, width, "…")
}
