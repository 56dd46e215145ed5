package heartbeat

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

func newCmdResume(f *cli.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume <name>...",
		Short: "Watch a paused job again",
		Long: `Watch a paused job again. The server then forgets the last signal: the check is "new", and
cannot go down before the job's next one. If the job may be dead, run it once.`,
		Example:           `oncall heartbeat resume "e2e hourly"`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cli.CompleteHeartbeats(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return resume(cmd.Context(), f, args) },
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func resume(ctx context.Context, f *cli.Factory, names []string) error {
	m, targets, err := targets(ctx, f, names)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: heartbeat.VerbResume, Done: "resumed", Kind: heartbeat.Kind}
	for _, c := range targets {
		plan.Targets = append(plan.Targets, c.Label())
		line := c.Label() + ": paused -> new; it cannot go down before the job's next signal"
		if c.State != heartbeat.Paused {
			line = c.Label() + ": " + stateWords(c) + ", so nothing is sent"
		}
		plan.Effects = append(plan.Effects, line)
	}
	return f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		return mutate.Each(ctx, report, targets, heartbeat.Check.Label, func(c heartbeat.Check) mutate.Outcome { return set(ctx, f, m, c, false, nil) })
	})
}
