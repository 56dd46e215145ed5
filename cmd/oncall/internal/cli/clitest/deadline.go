package clitest

import (
	"context"
	"sync"
	"time"
)

// deadline is a context that ends on the Env's clock, so that a wait of a test
// runs out by what the command waited and not by how fast the machine is.
type deadline struct {
	context.Context // of the caller

	at   time.Time     // on the Env's clock
	done chan struct{} // its own: contexts made from this one then ask this one's Err

	mu  sync.Mutex
	err error
}

// Deadline returns none: it is no time of the wall clock, by which others would
// set their timers.
func (d *deadline) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the time is up, or the caller's context ends.
func (d *deadline) Done() <-chan struct{} { return d.done }

// Err tells why it ended.
func (d *deadline) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

func (d *deadline) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
		close(d.done)
	}
}

// within is cli.Deps.Within.
func (e *Env) within(ctx context.Context, length time.Duration) (context.Context, context.CancelFunc) {
	d := &deadline{Context: ctx, done: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { d.end(ctx.Err()) })
	e.mu.Lock()
	defer e.mu.Unlock()
	d.at = e.now.Add(length)
	e.deadlines = append(e.deadlines, d)
	return d, func() { stop(); d.end(context.Canceled) }
}

// due takes out the deadlines that have passed; e.mu is held.
func (e *Env) due() []*deadline {
	var out, left []*deadline
	for _, d := range e.deadlines {
		switch {
		case d.Err() != nil:
		case d.at.After(e.now):
			left = append(left, d)
		default:
			out = append(out, d)
		}
	}
	e.deadlines = left
	return out
}
