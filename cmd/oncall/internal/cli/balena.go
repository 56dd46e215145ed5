package cli

import (
	"context"

	"github.com/balena-io/oncall/pkg/balena"
)

// Balena makes the client of balenaCloud. Its limits are not published, so
// nothing is paced: a Retry-After is waited for.
func (f *Factory) Balena(ctx context.Context) (*balena.Client, error) {
	h, cfg, err := f.HTTP(balena.Vendor)
	if err != nil {
		return nil, err
	}
	s, err := secrets(ctx, cfg, "balena.token")
	if err != nil {
		return nil, err
	}
	return balena.New(balena.Config{HTTP: h, Token: s[0]})
}
