package heartbeat

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type pauseOptions struct {
	f     *cli.Factory
	names []string
	long  string

	until *time.Time
}

func newCmdPause(f *cli.Factory) *cobra.Command {
	o := &pauseOptions{f: f}
	cmd := &cobra.Command{
		Use:   "pause <name>...",
		Short: "Stop watching a job for a while",
		Long: `Stop watching a job: its check cannot go down and nobody is paged for it. The server knows
no end of a pause, so --for is a reminder: it stands in the journal, in list and in
check until somebody resumes it. The next signal of the job ends the pause too, unless
the check is set up otherwise. Without --for it asks first, in a protected context.`,
		Example: `oncall heartbeat pause "e2e hourly" --for 2h --reason "Jenkins is down for its upgrade"
oncall heartbeat pause database-backup --for 1d --reason "restoring" --dry-run`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cli.CompleteHeartbeats(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.long, "for", "", "how long: 90m, 2h, 1d; needs --reason")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *pauseOptions) validate() error {
	at, err := o.f.Until(o.long, "a pause")
	if !at.IsZero() {
		o.until = &at
	}
	return err
}

func (o *pauseOptions) run(ctx context.Context) error {
	m, targets, err := targets(ctx, o.f, o.names)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: heartbeat.VerbPause, Done: "paused", Kind: heartbeat.Kind, Until: o.until, Ask: mutate.AskYesNo}
	if o.until != nil {
		plan.Ask = mutate.AskNever
	}
	for _, c := range targets {
		plan.Targets = append(plan.Targets, c.Label())
		line := c.Label() + ": " + stateWords(c) + " -> paused; it cannot go down"
		if o.until != nil {
			line += ", to be resumed " + o.f.Clock(*o.until)
		} else if c.State != heartbeat.Paused {
			plan.Notes = append(plan.Notes, "no end is given: --for 2h --reason WHY reminds of it")
		}
		if c.State == heartbeat.Paused {
			line = c.Label() + ": paused already"
			if o.until != nil {
				line += ", to be resumed " + o.f.Clock(*o.until)
			}
		}
		plan.Effects = append(plan.Effects, line)
		if !c.Manual && c.State != heartbeat.Paused {
			plan.Notes = append(plan.Notes, c.Label()+": the job's next signal ends the pause")
		}
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		return mutate.Each(ctx, report, targets, heartbeat.Check.Label, func(c heartbeat.Check) mutate.Outcome { return set(ctx, o.f, m, c, true, o.until) })
	})
}

// targets reads the checks that are named, just before they are changed.
func targets(ctx context.Context, f *cli.Factory, names []string) (*heartbeat.Monitor, []heartbeat.Check, error) {
	m, err := f.Heartbeat(ctx)
	if err != nil {
		return nil, nil, err
	}
	all, err := m.FindAll(ctx, names)
	return m, all, err
}

func set(ctx context.Context, f *cli.Factory, m *heartbeat.Monitor, c heartbeat.Check, paused bool, until *time.Time) mutate.Outcome {
	now, changed, looked, err := m.SetPaused(ctx, c, paused)
	if err != nil {
		return mutate.Outcome{Err: err}
	}
	o := mutate.Outcome{Changed: changed, Item: now, Looked: looked}
	switch {
	case !changed && paused:
		o.Words = "already paused"
	case !changed:
		o.Words = "not paused, but " + string(now.State)
	case !paused:
		o.Message = "new: its first signal starts the watch"
	}
	if until != nil {
		o.Message = "until " + f.Clock(*until)
	}
	return o
}
