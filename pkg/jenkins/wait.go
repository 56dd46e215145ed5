package jenkins

import (
	"context"
	"time"
)

// Pauses between two looks at a running build.
const (
	endPollMin = time.Second
	endPollMax = 5 * time.Second
)

// WaitEnd waits until a build is over and returns it. seen is told of every
// look; it may be nil. A controller that is away is waited for, up to
// DefaultAwayLimit at a stretch; ctx ends the wait with its own error, and the
// build as it was last seen.
func (c *Client) WaitEnd(ctx context.Context, job JobName, number int, seen func(Build)) (Build, error) {
	var last Build
	var gone time.Time
	pause := endPollMin
	for {
		b, err := c.getBuild(ctx, job, number)
		switch {
		case err == nil:
			last, gone = b, time.Time{}
			if seen != nil {
				seen(b)
			}
			if b.Finished() || over(b) {
				return b, nil
			}
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !away(err):
			return last, c.explainGone(ctx, job, number, err)
		case gone.IsZero():
			gone = c.now()
		case c.now().Sub(gone) >= DefaultAwayLimit:
			return last, err
		}
		if err := c.sleep(ctx, pause); err != nil {
			return last, err
		}
		pause = min(pause*3/2, endPollMax)
	}
}

// over reports a build that stopped without a result: its record says that
// nothing goes on, by a field that only newer controllers have.
func over(b Build) bool {
	return !b.Building && b.InProgress != nil && !*b.InProgress && b.Result == "" && b.DurationMS > 0
}

func (c *Client) explainGone(ctx context.Context, job JobName, number int, err error) error {
	if is(err, 404) {
		return c.explainBuild(ctx, job, number, err)
	}
	return err
}
