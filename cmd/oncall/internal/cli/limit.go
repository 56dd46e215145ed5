package cli

import (
	"context"
	"time"
)

// Within bounds a wait, on the machine's clock and on the run's: a test whose
// waits pass at once comes to the end of it by the waits alone, on a machine of
// any speed.
func (f *Factory) Within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx = context.WithValue(ctx, untilKey{}, f.Now().Add(limit))
	return context.WithTimeout(ctx, limit)
}

type untilKey struct{}

// until is an error when the run's clock says that the time of ctx is up.
func (f *Factory) until(ctx context.Context) error {
	if end, ok := ctx.Value(untilKey{}).(time.Time); ok && !f.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return nil
}
