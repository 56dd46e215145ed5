package heartbeat

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/heartbeat"
	"github.com/balena-io/oncall/pkg/shell"
)

type checkOptions struct {
	f     *cli.Factory
	tags  []string
	names []string
}

func newCmdCheck(f *cli.Factory) *cobra.Command {
	o := &checkOptions{f: f}
	cmd := &cobra.Command{
		Use:   "check [name]...",
		Short: "Check that no job is down or late; exit code 9 when one is",
		Long: `Check that every job reported in time: all of the project, those with a tag, or those
named. Ends with 9 and a list when one is down or late. A check that is paused or has
never had a signal cannot be down and is not counted; when nothing was left to look
at, that is exit code 4 and not success.`,
		Example: `oncall heartbeat check
oncall heartbeat check "e2e hourly"
oncall heartbeat check --tag prod -o json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cli.CompleteHeartbeats(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			return o.run(cmd.Context())
		},
	}
	tagFlag(cmd, &o.tags)
	return cmd
}

func (o *checkOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	m, err := o.f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	all, err := m.List(ctx, heartbeat.Filter{Tags: o.tags})
	if err != nil {
		return err
	}
	if len(o.names) > 0 {
		if all, err = heartbeat.PickAll(all, o.names); err != nil {
			return err
		}
	}
	bad, watched := []heartbeat.Check{}, 0
	for _, c := range all {
		switch c.State {
		case heartbeat.Down, heartbeat.Late, heartbeat.Unknown:
			bad = append(bad, c)
			watched++
		case heartbeat.Up, heartbeat.Running:
			watched++
		}
	}
	if watched == 0 {
		return apierr.New(apierr.ErrNotFound, "healthchecks", "check", "%s", o.nothing(len(all))).WithHint("oncall heartbeat list")
	}
	if err := printer.List(out, table(o.f), bad, printer.Meta{Empty: count(watched) + " in time"}); err != nil {
		return err
	}
	if out.Human() {
		remind(o.f, all)
	}
	if len(bad) == 0 {
		return nil
	}
	if out.Human() {
		o.f.IO.Hint("oncall heartbeat why %s", shell.Word(bad[0].Label()))
	}
	return exit.Quiet(exit.Found)
}

// nothing says why there was nothing to look at.
func (o *checkOptions) nothing(listed int) string {
	switch {
	case listed > 0:
		return "what is there is paused or has never had a signal, so nothing is known"
	case len(o.tags) > 0:
		return "no check has the tag " + strings.Join(o.tags, " and ")
	}
	return "the project of the key has no checks"
}

func count(n int) string {
	if n == 1 {
		return "1 job is"
	}
	return "all " + number(n) + " jobs are"
}
