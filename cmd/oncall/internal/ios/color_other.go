//go:build !windows

package ios

import "io"

// colorCapable tells whether the terminal behind w takes escape sequences;
// outside Windows every terminal but TERM=dumb does.
func colorCapable(io.Writer) bool { return true }
