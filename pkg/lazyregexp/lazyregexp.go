// Package lazyregexp compiles a regular expression when it is first used. One
// compiled while the program starts is paid for by every command, also by the
// shell's completion, and few commands use any.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns a function that returns the compiled expr. It panics at its first
// use if expr is wrong: a test of the whole tree holds that none is.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
