package loki

import (
	"context"
	"errors"
	"time"
)

// errSilent is a socket on which nothing came, not even a ping.
var errSilent = errors.New("silence: not even a ping came")

// inFlight is how many frames wait for a slow reader before the socket is left
// unread; each holds 100 lines at most.
const inFlight = 256

type pumped struct {
	frame
	err error
}

// pump reads the socket in goroutines of its own until it fails, which is the
// last thing on the channel. ctx ends it.
func (t *tail) pump(ctx context.Context, silence time.Duration) <-chan pumped {
	ctx, cancel := context.WithCancelCause(ctx)
	out := make(chan pumped, inFlight)
	go t.watch(ctx, cancel, silence)
	go func() {
		defer close(out)
		defer cancel(nil)
		for {
			f, err := t.read(ctx)
			if cause := context.Cause(ctx); err != nil && errors.Is(cause, errSilent) {
				err = cause
			}
			select {
			case out <- pumped{f, err}:
			case <-ctx.Done():
				if err == nil {
					return
				}
				// The reason of the end is worth the wait of nobody: there is room or not.
				select {
				case out <- pumped{f, err}:
				default:
				}
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}

// watch ends a dead socket: the server pings every second, so silence means that
// the way to it is gone, which TCP alone tells after many minutes.
func (t *tail) watch(ctx context.Context, cancel context.CancelCauseFunc, silence time.Duration) {
	timer := time.NewTimer(silence)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.alive:
			timer.Reset(silence)
		case <-timer.C:
			cancel(errSilent)
			return
		}
	}
}
