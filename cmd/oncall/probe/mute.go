package probe

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/probe"
)

type muteOptions struct {
	f     *cli.Factory
	names []string
	long  string

	until time.Time
}

func newCmdMute(f *cli.Factory) *cobra.Command {
	o := &muteOptions{f: f}
	cmd := &cobra.Command{
		Use:   "mute <name>...",
		Short: "Let an outside check alert nobody for a while",
		Long: `Let an outside check alert nobody for a while. It still asks, and its results are kept.
The vendor ends it by itself. Without --for it lasts until somebody ends it, and asks
first, in a protected context. The change is read back: the vendor's own answer may be
the record as it was before.`,
		Example: `oncall probe mute api --for 1h --reason "rolling back"
oncall probe mute api dashboard --for 30m --reason "database upgrade" --dry-run`,
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
	cmd.Flags().StringVar(&o.long, "for", "", "how long: 30m, 2h, 1d; needs --reason")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *muteOptions) validate() error {
	until, err := o.f.Until(o.long, "a mute")
	o.until = until.Truncate(time.Millisecond) // what the vendor keeps
	return err
}

func (o *muteOptions) run(ctx context.Context) error {
	d, all, err := targets(ctx, o.f, o.names)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "mute", Done: "muted", Kind: "probe", Ask: mutate.AskYesNo}
	end := "until somebody ends it"
	if !o.until.IsZero() {
		plan.Ask, plan.Until, end = mutate.AskNever, &o.until, "until "+o.f.Clock(o.until)
	}
	for _, c := range all {
		plan.Targets = append(plan.Targets, c.Label())
		plan.Effects = append(plan.Effects, c.Label()+" ("+stateWords(c)+") alerts nobody "+end)
	}
	if o.until.IsZero() {
		plan.Notes = append(plan.Notes, "no end is given: --for 1h --reason WHY sets one")
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		return mutate.Each(ctx, report, all, probe.Check.Label, func(c probe.Check) mutate.Outcome { return set(ctx, d, c, true, o.until, end) })
	})
}

// targets reads the checks that are named, just before they are changed.
func targets(ctx context.Context, f *cli.Factory, names []string) (*probe.Desk, []probe.Check, error) {
	d, err := f.Probe(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := d.FindAll(ctx, names)
	return d, all, err
}

func set(ctx context.Context, d *probe.Desk, c probe.Check, mute bool, until time.Time, end string) mutate.Outcome {
	now, changed, looked, err := d.SetMuted(ctx, c, mute, until)
	if err != nil {
		return mutate.Outcome{Err: err}
	}
	o := mutate.Outcome{Changed: changed, Item: now, Message: end, Looked: looked}
	if !changed {
		o.Words = "already muted"
		if !mute {
			o.Words = "not muted"
		}
	}
	return o
}
