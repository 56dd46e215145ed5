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

func (o *startOptions) validate() (err error) {
	o.d, err = length(o.f, o.long)
	return err
}

// length reads --for, and refuses maintenance without a reason.
func length(f *cli.Factory, long string) (time.Duration, error) {
	if long == "" {
		return 0, cli.Usage("how long? --for is missing").WithHint("--for 1h --reason WHY")
	}
	d, err := cli.Length("for", long, 0)
	if err != nil {
		return 0, err
	}
	switch {
	case d%time.Minute != 0:
		return 0, cli.Usage("--for: %s is not in whole minutes, which NodePing counts in", long)
	case f.Change.Reason == "":
		return 0, cli.Usage("maintenance needs a reason: it becomes its name").WithHint("--for %s --reason WHY", long)
	}
	return d, nil
}

// named finds the checks, with their labels.
func named(ctx context.Context, d *probe.Desk, names []string) (checks []probe.Check, labels []string, err error) {
	all, err := d.List(ctx, probe.Filter{})
	if err != nil {
		return nil, nil, err
	}
	if checks, err = probe.PickAll(all, names); err != nil {
		return nil, nil, err
	}
	for _, c := range checks {
		labels = append(labels, c.Label())
	}
	return checks, labels, nil
}

func (o *startOptions) run(ctx context.Context) error {
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	checks, labels, err := named(ctx, d, o.names)
	if err != nil {
		return err
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
