package maintenance

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

func newCmdVerify(f *cli.Factory) *cobra.Command {
	return newStep(f, publicstatus.Verify, "verifying", &cobra.Command{
		Short: "Say that the work is done and being verified",
		Long: `Move maintenance to verifying; its components stay under maintenance. Without a name it
is the only one in progress.`,
		Example: `oncall status maintenance verify`,
	})
}
