package incident

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/pager"
)

func newCmdOpen(f *cli.Factory) *cobra.Command {
	var web bool
	cmd := &cobra.Command{
		Use:   "open <number>",
		Short: "Print the portal's link to an incident, or open it",
		Example: `oncall incident open 4127
oncall incident open 4127 --web`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := pager.Number(args[0])
			if err != nil {
				return err
			}
			p, err := f.Pager(cmd.Context())
			if err != nil {
				return err
			}
			url, err := p.Link(cmd.Context(), n)
			if err != nil {
				return err
			}
			return f.Open(cli.Link{Name: "incident/" + n, URL: url}, web)
		},
	}
	cli.WebFlag(cmd, &web)
	return cmd
}
