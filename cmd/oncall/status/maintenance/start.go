package maintenance

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdStart(f *cli.Factory) *cobra.Command {
	return newStep(f, publicstatus.Start, "in progress", &cobra.Command{
		Short: "Say that the work has begun",
		Long: `Move maintenance to in progress and its components to under maintenance. Without a name
it is the only one that is scheduled.`,
		Example: `oncall status maintenance start
oncall status maintenance start b0k4u8s2ydja --body "We begin now."`,
	})
}
