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

type startOptions struct {
	f     *cli.Factory
	names []string
	long  string
	d     time.Duration
}

func newCmdStart(f *cli.Factory) *cobra.Command {
	o := &startOptions{f: f}
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
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.long, "for", "", "how long: 30m, 2h; whole minutes")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *startOptions) validate() error {
	if o.long == "" {
		return cli.Usage("how long? --for is missing").WithHint("--for 1h --reason WHY")
	}
	var err error
	if o.d, err = cli.Length("for", o.long, 0); err != nil {
		return err
	}
	switch {
	case o.d%time.Minute != 0:
		return cli.Usage("--for: %s is not in whole minutes, which NodePing counts in", o.long)
	case o.f.Change.Reason == "":
		return cli.Usage("maintenance needs a reason: it becomes its name").WithHint("--for %s --reason WHY", o.long)
	}
	return nil
}

func (o *startOptions) run(ctx context.Context) error {
	if _, err := o.f.Printer(); err != nil {
		return err
	}
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	all, err := d.List(ctx, probe.Filter{})
	if err != nil {
		return err
	}
	checks, labels := []probe.Check{}, []string{}
	for _, n := range o.names {
		c, err := probe.Pick(all, n)
		if err != nil {
			return err
		}
		checks, labels = append(checks, c), append(labels, c.Label())
	}
	until := o.f.Now().Add(o.d)
	plan := mutate.Plan{Verb: "start", Done: "started", Kind: "probe-maintenance", Until: &until,
		Effects: []string{strings.Join(labels, ", ") + ": not asked until " + o.f.Clock(until)}}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		m, looked, err := d.StartMaintenance(ctx, o.f.Change.Reason, checks, o.d)
		if err != nil {
			return err
		}
		out := mutate.Outcome{Changed: true, Item: m, Message: "until " + o.f.Clock(until)}
		if looked {
			out.Message += "; the answer was lost; a look shows that it arrived"
		}
		report(m.ID, out)
		return nil
	})
}
