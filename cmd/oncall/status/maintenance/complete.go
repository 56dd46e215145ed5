package maintenance

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdComplete(f *cli.Factory) *cobra.Command {
	return newStep(f, publicstatus.Complete, "completed", &cobra.Command{
		Short: "Say that the work is over, and put its components back",
		Long: `Move maintenance to completed and its components to operational, except those that an
open incident or other running maintenance still names. Without a name it is the only
one that runs.`,
		Example: `oncall status maintenance complete
oncall status maintenance complete b0k4u8s2ydja --no-notify --yes`,
	})
}
