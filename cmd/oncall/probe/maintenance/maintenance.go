// Package maintenance is `oncall probe maintenance`: windows in which outside
// checks are switched off.
package maintenance

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/probe"
)

// NewCmd makes `oncall probe maintenance`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "maintenance", "Planned windows in which checks are switched off",
		newCmdList,
		newCmdStart,
		newCmdCreate,
		newCmdEnd,
	)
}

func table(f *cli.Factory) printer.Table[probe.Maintenance] {
	return printer.Table[probe.Maintenance]{
		Kind: "ProbeMaintenance",
		Name: func(m probe.Maintenance) string { return m.ID },
		Columns: []printer.Column[probe.Maintenance]{
			{Header: "ID", Value: func(m probe.Maintenance) string { return m.ID }},
			{Header: "STATE", Value: func(m probe.Maintenance) string { return m.State }},
			{Header: "NAME", Flex: true, Value: func(m probe.Maintenance) string { return m.Name }},
			{Header: "STARTS", Value: func(m probe.Maintenance) string {
				if m.StartsAt == nil {
					return "-"
				}
				return f.Clock(*m.StartsAt)
			}},
			{Header: "FOR", Value: func(m probe.Maintenance) string { return probe.Length(m.Seconds) }},
			{Header: "CHECKS", Flex: true, Value: func(m probe.Maintenance) string { return strings.Join(m.Probes, ", ") }},
			{Header: "CRON", Wide: true, Value: func(m probe.Maintenance) string { return m.Cron }},
		},
		Empty: "no maintenance is planned",
	}
}

func completeIDs(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		d, err := f.Probe(ctx)
		if err != nil {
			return nil, err
		}
		all, err := d.Maintenances(ctx)
		out := []cobra.Completion{}
		for _, m := range all {
			out = append(out, cobra.CompletionWithDesc(m.ID, m.State+": "+m.Name))
		}
		return out, err
	})
}
