package maintenance

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/probe"
)

type createOptions struct {
	window
	cron string
}

func newCmdCreate(f *cli.Factory) *cobra.Command {
	o := &createOptions{window: window{f: f}}
	cmd := &cobra.Command{
		Use:   "create <name>...",
		Short: "Plan to switch outside checks off again and again",
		Long: `Plan to switch outside checks off at every slot of a cron expression, for planned work that
comes again: they ask nothing then, and nobody is alerted. In which zone the vendor reads
the expression is not documented: the result tells when it runs next. It lasts until
somebody ends it: oncall probe maintenance end.`,
		Example:           `oncall probe maintenance create registry --cron "0 4 * * 3" --for 1h --reason "weekly image clean-up"`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cli.CompleteProbes(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.cron, "cron", "", "when it begins: five fields, minute to weekday")
	_ = cmd.RegisterFlagCompletionFunc("cron", cobra.NoFileCompletions)
	o.flags(cmd, "how long each lasts")
	return cmd
}

func (o *createOptions) validate() error {
	switch n := len(strings.Fields(o.cron)); {
	case n == 0:
		return cli.Usage("when? --cron is missing").WithHint("--cron \"0 4 * * 3\"; once, and now: oncall probe maintenance start")
	case n != 5:
		return cli.Usage("--cron: %q has %d fields, not 5: minute, hour, day, month, weekday", o.cron, n)
	}
	return o.length()
}

func (o *createOptions) run(ctx context.Context) error {
	effect := "not asked for " + probe.Length(o.d.Seconds()) + " at every " + o.cron + ", until somebody ends it"
	return o.make(ctx, mutate.Plan{Verb: "plan", Done: "planned", Ask: mutate.AskYesNo}, effect,
		func(ctx context.Context, d *probe.Desk, checks []probe.Check) (probe.Maintenance, bool, error) {
			return d.RepeatMaintenance(ctx, o.f.Change.Reason, o.cron, checks, o.d)
		}, func(m probe.Maintenance) string {
			if m.StartsAt == nil {
				return "when it runs next is not told"
			}
			return "next " + o.f.Clock(*m.StartsAt)
		})
}
