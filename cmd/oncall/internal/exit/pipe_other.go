//go:build !windows

package exit

import "syscall"

// brokenPipes are the errors of a write whose reader is gone.
var brokenPipes = []error{syscall.EPIPE}
