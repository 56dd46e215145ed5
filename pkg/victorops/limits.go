package victorops

import (
	"context"
	"time"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Limits are what the vendor allows one credential: two requests in any second
// for nearly everything (note 2, the vendor's file of May 2021).
func Limits() []httpx.Limit { return []httpx.Limit{{N: 2, Per: time.Second}} }

// SlowLimits are those of the calls that the vendor allows less of: one a second
// for reading paging policies (note 2, the same file).
func SlowLimits() []httpx.Limit { return []httpx.Limit{{N: 1, Per: time.Second}} }

// slowly calls f when the slow calls before it are far enough away. The slot is
// held until f returns: f waits for the common limit too, so the moment at which
// it was let go tells nothing about the one at which it left.
func (c *Client) slowly(ctx context.Context, f func() error) error {
	switch p := c.slow.(type) {
	case nil:
	case httpx.Stamper:
		// Take fails when ctx has ended; f then says so in the usual words.
		if done, err := p.Take(ctx, false); err == nil {
			defer done(true)
		}
	default:
		_ = p.Wait(ctx, false)
	}
	return f()
}
