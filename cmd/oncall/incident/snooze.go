package incident

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

func newCmdSnooze(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "snooze <number>",
		Short: "Say why an incident cannot be snoozed from here, and where it can",
		Long: `The pager has no API for snoozing. In the portal or the phone app it goes in steps of
30 minutes up to 24 hours; the incident shows as acknowledged and pages again at
the end. This command prints the link and ends with exit code 8, so that a script
does not take it for done.`,
		Example:           "oncall incident snooze 4127",
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := numbers(args)
			if err != nil {
				return err
			}
			p, err := f.Pager(cmd.Context())
			if err != nil {
				return err
			}
			return p.Snooze(cmd.Context(), n[0])
		},
	}
}
