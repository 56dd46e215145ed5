package maintenance

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/probe"
)

type startOptions struct{ window }

func newCmdStart(f *cli.Factory) *cobra.Command {
	o := &startOptions{window{f: f}}
	cmd := &cobra.Command{
		Use:   "start <name>...",
		Short: "Switch outside checks off for a while, from now",
		Long: `Switch outside checks off for a while: they ask nothing and the time does not count in
their uptime. (To keep asking and alert nobody: oncall probe mute.) The vendor switches
them on again by itself.`,
		Example:           `oncall probe maintenance start dashboard registry --for 1h --reason "database upgrade"`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cli.CompleteProbes(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.length(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd, "how long")
	return cmd
}

func (o *startOptions) run(ctx context.Context) error {
	until := o.f.Now().Add(o.d)
	end := "until " + o.f.Clock(until)
	return o.make(ctx, mutate.Plan{Verb: "start", Done: "started", Until: &until}, "not asked "+end,
		func(ctx context.Context, d *probe.Desk, checks []probe.Check) (probe.Maintenance, bool, error) {
			return d.StartMaintenance(ctx, o.f.Change.Reason, checks, o.d)
		}, func(probe.Maintenance) string { return end })
}
