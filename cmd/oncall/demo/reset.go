package demo

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

// world is the demo world as the JSON contract has it.
type world struct {
	Path      string    `json:"path"` // folder, "" when it is in memory alone
	StartedAt time.Time `json:"startedAt"`
}

func newCmdReset(f *cli.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Begin the demo world anew",
		Long: `Begin the world of the context demo anew: the page came six minutes ago, nothing is
acknowledged, no fault is on, and the demo's journal is empty. This is also the way on when its file
cannot be read. Nothing is asked: what goes is what you did in the demo, and --yes is there for
scripts that say it everywhere.`,
		Example:           "oncall demo reset",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if err := f.UseDemo("oncall demo reset"); err != nil {
				return err
			}
			out := f.Printer()
			w, err := f.FreshDemoWorld()
			if err != nil {
				return err
			}
			var item world
			if item.Path, err = f.DemoWorldPath(); err != nil {
				return err
			}
			if item.StartedAt, err = w.StartedAt(); err != nil {
				return err
			}
			t := printer.Table[world]{Kind: "DemoWorld", Name: func(world) string { return "demo" }}
			return printer.Item(out, t, item, func(d *printer.Detail) {
				d.Title("a new demo world", "began "+f.Clock(item.StartedAt))
				d.Row("folder", item.Path)
				d.Next("oncall --context demo incident list --mine")
			})
		},
	}
	cmd.Flags().Bool("yes", false, "do not ask; a reset never does")
	return cmd
}
