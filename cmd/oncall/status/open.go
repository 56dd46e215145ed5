package status

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

func newCmdOpen(f *cli.Factory) *cobra.Command {
	var web bool
	cmd := &cobra.Command{
		Use:   "open [incident]",
		Short: "Print the link of the page or of an incident, or open it",
		Example: `oncall status open
oncall status open h8d2w6r0kfzp --web`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompletePublicIncidents(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := f.PublicStatus(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				url, err := b.Address(cmd.Context())
				if err != nil {
					return err
				}
				return f.Open(cli.Link{Name: "status-page", URL: url}, web)
			}
			in, err := b.Incident(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return f.Open(cli.Link{Name: "public-incident/" + in.ID, URL: in.URL}, web)
		},
	}
	cli.WebFlag(cmd, &web)
	return cmd
}
