package incident

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

type ackOptions struct {
	f *cli.Factory
	targets
	message string
}

func newCmdAck(f *cli.Factory) *cobra.Command {
	o := &ackOptions{f: f}
	cmd := &cobra.Command{
		Use:   "ack <number>...",
		Short: "Acknowledge incidents: you have them, the paging stops",
		Long: `Acknowledge incidents as you. One that is acknowledged already is left as it is and
counts as done. Nothing is asked. Each incident gets a line of its own; when some
could not be acknowledged the exit code is 6.`,
		Example: `oncall incident ack 4127
oncall incident ack 4127 4126 -m "looking"
oncall incident ack --mine`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeNumbers(f, pager.Triggered),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd, args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd, "acknowledge all triggered ones that paged me")
	cmd.Flags().StringVarP(&o.message, "message", "m", "", "what the timeline says beside it")
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *ackOptions) run(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	seen, err := o.look(ctx, o.f, p, pager.Triggered)
	if err != nil || len(seen) == 0 {
		return err
	}
	plan := mutate.Plan{Verb: "acknowledge", Done: "acknowledged", Kind: "incident", Targets: names(seen)}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		all, err := p.Ack(ctx, seen, o.message)
		tell(o.f, p, report, all)
		return err
	})
}
