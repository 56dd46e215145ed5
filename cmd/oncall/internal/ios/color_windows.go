package ios

import (
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// colorCapable switches the console behind w to escape sequences and tells
// whether it could. Consoles before Windows 10 cannot.
func colorCapable(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	var mode uint32
	h := windows.Handle(f.Fd())
	if windows.GetConsoleMode(h, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(h, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
