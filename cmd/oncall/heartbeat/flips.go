package heartbeat

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type flipsOptions struct {
	f     *cli.Factory
	name  string
	since string
}

func newCmdFlips(f *cli.Factory) *cobra.Command {
	o := &flipsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "flips <name>",
		Short: "List a check's changes of state, with their causes as far as they can be told",
		Long: `List when a check went up and stopped being up, newest first. The server does not say
why, and writes down a pause and a resume like an outage. What can be told is told:
from the signals (with a read-write key), the schedule, the order of the changes, and
the pauses that oncall made. The rest is "not told", and no outage is counted for it.

The server keeps the current month and the two before.`,
		Example: `oncall heartbeat flips "e2e hourly"
oncall heartbeat flips "e2e hourly" --since 7d -o json`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteHeartbeats(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.since, "since", "", "only those since: 2h, 3d, 15:04, 2006-01-02")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	return cmd
}

func (o *flipsOptions) run(ctx context.Context) error {
	since, err := o.f.Since(o.since)
	if err != nil {
		return err
	}
	out := o.f.Printer()
	m, err := o.f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	c, err := m.Find(ctx, o.name)
	if err != nil {
		return err
	}
	flips, partial, err := m.Flips(ctx, c, since)
	if err != nil {
		return err
	}
	return printer.List(out, printer.Table[heartbeat.Flip]{
		Kind: "Flip",
		Columns: []printer.Column[heartbeat.Flip]{
			{Header: "AT", Value: func(x heartbeat.Flip) string { return o.f.Clock(x.At) }},
			{Header: "TO", Value: to, Style: flipStyle},
			{Header: "FOR", Value: func(x heartbeat.Flip) string {
				if x.Seconds == nil {
					return "-"
				}
				return seconds(*x.Seconds)
			}},
			{Header: "CAUSE", Value: func(x heartbeat.Flip) string { return x.Cause }},
			{Header: "KNOWN FROM", Flex: true, Value: func(x heartbeat.Flip) string { return x.Why }},
		},
		Empty: c.Label() + " did not change its state",
	}, flips, printer.Meta{Partial: printer.Partials(partial)})
}

func to(x heartbeat.Flip) string {
	switch {
	case x.Up:
		return "up"
	case x.Outage == nil:
		return "not up"
	case *x.Outage:
		return "down"
	}
	return "paused or new"
}

func flipStyle(x heartbeat.Flip) ios.Style {
	switch {
	case x.Up:
		return ios.Green
	case x.Outage != nil && *x.Outage:
		return ios.Red
	default:
		return ios.Yellow
	}
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}
