package maintenance

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List planned and running maintenance of the outside checks",
		Example:           "oncall probe maintenance list",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), f) },
	}
}

func list(ctx context.Context, f *cli.Factory) error {
	out := f.Printer()
	d, err := f.Probe(ctx)
	if err != nil {
		return err
	}
	all, err := d.Maintenances(ctx)
	if err != nil {
		return err
	}
	return printer.List(out, table(f), all, printer.Meta{})
}
