package exit

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// brokenPipes are the errors of a write whose reader is gone. Windows has codes
// of its own for it, which Go does not turn into EPIPE.
var brokenPipes = []error{syscall.EPIPE, windows.ERROR_NO_DATA, windows.ERROR_BROKEN_PIPE}
