package maintenance

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/probe"
)

type createOptions struct {
	f     *cli.Factory
	names []string
	cron  string
	long  string
	d     time.Duration
}

func newCmdCreate(f *cli.Factory) *cobra.Command {
	o := &createOptions{f: f}
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
	cmd.Flags().StringVar(&o.long, "for", "", "how long each lasts: 30m, 2h; whole minutes")
	for _, name := range []string{"cron", "for"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *createOptions) validate() (err error) {
	switch n := len(strings.Fields(o.cron)); {
	case n == 0:
		return cli.Usage("when? --cron is missing").WithHint("--cron \"0 4 * * 3\"; once, and now: oncall probe maintenance start")
	case n != 5:
		return cli.Usage("--cron: %q has %d fields, not 5: minute, hour, day, month, weekday", o.cron, n)
	}
	o.d, err = length(o.f, o.long)
	return err
}

func (o *createOptions) run(ctx context.Context) error {
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	checks, labels, err := named(ctx, d, o.names)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "plan", Done: "planned", Kind: "probe-maintenance", Ask: mutate.AskYesNo,
		Effects: []string{strings.Join(labels, ", ") + ": not asked for " + probe.Length(o.d.Seconds()) + " at every " + o.cron + ", until somebody ends it"}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		m, looked, err := d.RepeatMaintenance(ctx, o.f.Change.Reason, o.cron, checks, o.d)
		if err != nil {
			return err
		}
		out := mutate.Outcome{Changed: true, Item: m, Message: "when it runs next is not told"}
		if m.StartsAt != nil {
			out.Message = "next " + o.f.Clock(*m.StartsAt)
		}
		if looked {
			out.Message += "; the answer was lost; a look shows that it arrived"
		}
		report(m.ID, out)
		return nil
	})
}
