package incident

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

func newCmdTimeline(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "timeline <number>",
		Short: "Show what happened to an incident, in order: alerts, pages, notes, chat",
		Example: `oncall incident timeline 4127
oncall incident timeline 4127 -o md
oncall incident timeline 4127 -o jsonl`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := pager.Number(args[0])
			if err != nil {
				return err
			}
			return runTimeline(cmd.Context(), f, n)
		},
	}
}

func runTimeline(ctx context.Context, f *cli.Factory, number string) error {
	out := f.Printer()
	p, err := f.Pager(ctx)
	if err != nil {
		return err
	}
	t, err := p.Timeline(ctx, number)
	if err != nil {
		return err
	}
	return printer.List(out, printer.Table[pager.Event]{
		Kind: "Event",
		Name: func(e pager.Event) string {
			return strings.TrimSpace(e.Kind + " " + e.At.Format("2006-01-02T15:04:05Z"))
		},
		Columns: []printer.Column[pager.Event]{
			{Header: "TIME", Value: func(e pager.Event) string { return f.Clock(e.At) }},
			{Header: "EVENT", Value: func(e pager.Event) string { return e.Kind }},
			{Header: "BY", Value: func(e pager.Event) string { return e.By }},
			{Header: "TEXT", Flex: true, Value: func(e pager.Event) string { return e.Message }},
		},
		Empty: "the pager knows of no event of incident " + number,
	}, t.Events, printer.Meta{Partial: printer.Partials(t.Partial)})
}
