package incident

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/pager"
)

func newCmdSnooze(f *cli.Factory) *cobra.Command {
	var length string
	cmd := &cobra.Command{
		Use:   "snooze <number> [--for <length>]",
		Short: "Say why an incident cannot be snoozed from here, and where it can",
		Long: `The pager has no API for snoozing. In the portal or the phone app it goes in steps of
30 minutes up to 24 hours; the incident shows as acknowledged and pages again at
the end. This command prints the link and ends with exit code 8, so that a script
does not take it for done.`,
		Example:           "oncall incident snooze 4127\noncall incident snooze 4127 --for 2h",
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := pager.Number(args[0])
			if err != nil {
				return err
			}
			d, err := cli.Length("for", length, 0)
			if err != nil {
				return err
			}
			p, err := f.Pager(cmd.Context())
			if err != nil {
				return err
			}
			return p.Snooze(cmd.Context(), n, d)
		},
	}
	cmd.Flags().StringVar(&length, "for", "", "for how long, to be told what to choose in the portal: 30m, 2h")
	_ = cmd.RegisterFlagCompletionFunc("for", cli.Words("30m", "1h", "2h", "4h", "8h", "12h", "24h"))
	return cmd
}
