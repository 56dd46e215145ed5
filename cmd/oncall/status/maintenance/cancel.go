package maintenance

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdCancel(f *cli.Factory) *cobra.Command {
	return newStep(f, publicstatus.Cancel, "cancelled", &cobra.Command{
		Short: "Call off maintenance that has not begun",
		Long: `Call off maintenance that has not begun: it is closed with a text that says so, and
stays on the page as a record. What has begun is completed instead (exit code 8).`,
		Example: `oncall status maintenance cancel b0k4u8s2ydja --body "We will announce a new date."`,
	})
}
