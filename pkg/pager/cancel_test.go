package pager_test

import (
	"context"

	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/victorops"
)

// cancelling is a client whose user presses Ctrl-C as the acknowledgement ends.
type cancelling struct {
	pager.Client
	cancel context.CancelFunc
}

func (c cancelling) Ack(ctx context.Context, in victorops.AckRequest) ([]victorops.AckResult, error) {
	out, err := c.Client.Ack(ctx, in)
	c.cancel()
	return out, err
}

// CreateOverride is interrupted the same way, between the two steps.
func (c cancelling) CreateOverride(ctx context.Context, in victorops.NewOverride) (victorops.Override, error) {
	out, err := c.Client.CreateOverride(ctx, in)
	c.cancel()
	return out, err
}
