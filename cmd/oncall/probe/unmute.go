package probe

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/probe"
)

func newCmdUnmute(f *cli.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "unmute <name>...",
		Short:             "Let an outside check alert again",
		Example:           "oncall probe unmute api",
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cli.CompleteProbes(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return unmute(cmd.Context(), f, args) },
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func unmute(ctx context.Context, f *cli.Factory, names []string) error {
	d, all, err := targets(ctx, f, names)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "unmute", Done: "unmuted", Kind: "probe"}
	for _, c := range all {
		plan.Targets = append(plan.Targets, c.Label())
		line := c.Label() + " (" + stateWords(c) + ") alerts again"
		if !c.Muted {
			line = c.Label() + " (" + stateWords(c) + ") is not muted, so nothing is sent"
		}
		plan.Effects = append(plan.Effects, line)
	}
	return f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		return mutate.Each(ctx, report, all, probe.Check.Label, func(c probe.Check) mutate.Outcome { return set(ctx, d, c, false, time.Time{}, "") })
	})
}
