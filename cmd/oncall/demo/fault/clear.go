package fault

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

func newCmdClear(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:               "clear",
		Short:             "Switch all faults off",
		Long:              "Switch all faults of the demo world off, and print those that were on.",
		Example:           "oncall demo fault clear",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			out, w, err := open(f, "oncall demo fault clear")
			if err != nil {
				return err
			}
			was, err := w.Faults()
			if err != nil {
				return err
			}
			if err := w.ClearFaults(); err != nil {
				return err
			}
			return printer.List(out, table(), items(was), printer.Meta{Empty: "no fault was on"})
		},
	}
}
