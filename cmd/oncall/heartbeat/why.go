package heartbeat

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type whyOptions struct {
	f    *cli.Factory
	name string
	job  string
}

func newCmdWhy(f *cli.Factory) *cobra.Command {
	o := &whyOptions{f: f}
	cmd := &cobra.Command{
		Use:   "why <name>",
		Short: "Say whether a job does not start, runs and fails, or hangs",
		Long: `Say why a check is down: the job does not start, it runs and fails, or it hangs. The check
alone tells much of it, also with a read-only key; the single signals tell more, and
the last builds of the Jenkins job behind the check settle it. What could not be known
is said.

The job is configured by the name of the check, in the definitions:

  heartbeats:
    e2e hourly: {job: balena-e2e-ephemeral}`,
		Example: `oncall heartbeat why "e2e hourly"
oncall heartbeat why "e2e hourly" --job folder/e2e
oncall heartbeat why database-backup -o json`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteHeartbeats(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.job, "job", "", "the Jenkins job behind the check: folder/job")
	_ = cmd.RegisterFlagCompletionFunc("job", cobra.NoFileCompletions)
	return cmd
}

func (o *whyOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	m, err := o.f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	w, err := m.Why(ctx, o.name, o.builds)
	if err != nil {
		return err
	}
	return printer.Item(out, printer.Table[heartbeat.Why]{
		Kind: "HeartbeatWhy",
		Name: func(w heartbeat.Why) string { return w.Check.Label() },
		Columns: []printer.Column[heartbeat.Why]{
			{Header: "NAME", Value: func(w heartbeat.Why) string { return w.Check.Label() }},
			{Header: "STATE", Value: func(w heartbeat.Why) string { return stateWords(w.Check) }},
			{Header: "WHY", Value: func(w heartbeat.Why) string { return string(w.Verdict) }},
		},
	}, w, func(v *printer.Detail) { o.view(v, w) })
}

// builds reads the CI's records of the job behind the check, if one is known.
func (o *whyOptions) builds(ctx context.Context, c heartbeat.Check) (heartbeat.Builds, error) {
	job := o.job
	if job == "" {
		var err error
		if job, err = o.f.HeartbeatJob(c); err != nil || job == "" {
			return nil, err
		}
	}
	return func(ctx context.Context) ([]heartbeat.Build, error) { return o.f.JobBuilds(ctx, job) }, nil
}

func (o *whyOptions) view(v *printer.Detail, w heartbeat.Why) {
	state := stateWords(w.Check)
	if n := note(o.f, w.Check); n != "" {
		state += " · " + n
	}
	v.Title(string(w.Verdict), w.Check.Label()+" · "+state, style(w.Check))
	v.Row("due", w.Check.Schedule.Words)
	sources, lines := []string{}, map[string][]string{}
	for _, e := range w.Evidence {
		line := e.Text
		if e.At != nil {
			line = o.f.Clock(*e.At) + "  " + line
		}
		if lines[e.Source] == nil {
			sources = append(sources, e.Source)
		}
		lines[e.Source] = append(lines[e.Source], line)
	}
	for _, s := range sources {
		v.Row(s, lines[s]...)
	}
	v.Styled("unknown", ios.Yellow, w.Unknown...)
	v.Next(w.Next...)
}
