package fault

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the faults that are on",
		Example:           "oncall demo fault list",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			out, w, err := open(f, "oncall demo fault list")
			if err != nil {
				return err
			}
			all, err := w.Faults()
			if err != nil {
				return err
			}
			return printer.List(out, table(), items(all), printer.Meta{})
		},
	}
}
