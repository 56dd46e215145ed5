package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/pkg/nodeping"
	"github.com/balena-io/oncall/pkg/probe"
)

// NodePing makes the client of the outside probes.
func (f *Factory) NodePing(ctx context.Context) (*nodeping.Client, error) {
	h, cfg, err := f.HTTP(nodeping.Vendor)
	if err != nil {
		return nil, err
	}
	s, err := secrets(ctx, cfg, "nodeping.token")
	if err != nil {
		return nil, err
	}
	f.pace(&h, cfg, s[0], nodeping.Limits()...)
	return nodeping.New(nodeping.Config{HTTP: h, Token: s[0], Account: cfg.String("nodeping.account")})
}

// Probe makes the outside probes as the team uses them.
func (f *Factory) Probe(ctx context.Context) (*probe.Desk, error) {
	c, err := f.NodePing(ctx)
	if err != nil {
		return nil, err
	}
	return &probe.Desk{Client: c, Now: f.Clocked, Wait: f.Wait}, nil
}

// askTimeout bounds one question to a target from here.
const askTimeout = 15 * time.Second

// Asker asks targets from here. In the demo that is the demo world and nobody else.
func (f *Factory) Asker() (*probe.Asker, error) {
	cfg, err := f.Config()
	if err != nil {
		return nil, err
	}
	a := &probe.Asker{Now: f.Clocked, Timeout: f.RequestLimit(cfg, askTimeout), UserAgent: "oncall/" + f.Version}
	if cfg.Context().Demo {
		w, err := f.DemoWorld()
		if err != nil {
			return nil, err
		}
		a.Transport = w.Transport()
	}
	return a, nil
}

// CompleteProbes offers the outside checks by name.
func CompleteProbes(f *Factory) cobra.CompletionFunc {
	return Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		d, err := f.Probe(ctx)
		if err != nil {
			return nil, err
		}
		all, err := d.List(ctx, probe.Filter{})
		out := []cobra.Completion{}
		for _, c := range all {
			out = append(out, cobra.CompletionWithDesc(c.Label(), string(c.State)+", "+c.Type+" "+c.Target))
		}
		return out, err
	})
}
