//go:build unix

package heartbeat

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// passedOn are the signals besides interrupt and termination that go to the
// command. One that is ignored, as under nohup, stays so.
func passedOn() []os.Signal {
	all := []os.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
	return slices.DeleteFunc(all, signal.Ignored)
}
