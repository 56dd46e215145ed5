package httpx

import (
	"context"
	"time"
)

// watch ends a request's context when a limit passes. It runs from its making;
// a stream stops it and starts it again around every read.
type watch struct {
	ctx    context.Context
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newWatch(parent context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(parent)
	w := &watch{ctx: ctx, cancel: cancel}
	w.timer = time.AfterFunc(limit, func() { cancel(errTimedOut) })
	return ctx, w
}

func (w *watch) stopReplay()                 { w.cancel(errReplay) }
func (w *watch) pause()                      { w.timer.Stop() }
func (w *watch) restart(limit time.Duration) { w.timer.Reset(limit) }

// cause tells what ended the context: errTimedOut, the caller's own reason, or
// nil when it is still good.
func (w *watch) cause() error {
	if w.ctx.Err() == nil {
		return nil
	}
	return context.Cause(w.ctx)
}

// end releases the context. Whatever still reads from it is cut.
func (w *watch) end() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}
