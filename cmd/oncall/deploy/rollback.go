package deploy

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

func newCmdRollback(f *cli.Factory) *cobra.Command {
	o := &change{component: component{f: f}}
	o.want.Rollback = true
	previous := false
	cmd := &cobra.Command{
		Use:   "rollback <component>",
		Short: "Go back to the version that ran before, once, and prove that it runs",
		Long: `Go back: to --to VERSION, or to the previous version, which is the last different one
that ran there before. Versions that were themselves rolled back are passed over.

The same line is safe to run again: a version that is there already is exit code 0
with nothing started, and a rollback that is under way is followed. What was put there
by a rollback, with nothing deployed since, is left alone; --to goes further back.

A start is sent once. When its answer is lost, the queue and the newest builds are
searched for it; what is not found there is exit code 15, never a second start.
Ctrl-C ends the waiting, not the rollback.`,
		Example: `oncall deploy rollback api
oncall deploy rollback api --to 17.4.1 --incident 4127
oncall deploy rollback api --previous --yes --reason "5xx after 17.5.0" -o json`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeComponents(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key = args[0]
			switch {
			case previous && o.want.To != "":
				return cli.Usage("--to names a version, --previous finds one: not both")
			case cmd.Flags().Changed("to") && o.want.To == "":
				return cli.Usage("--to: the version is empty; nothing was sent").WithHint("--previous finds the one that ran before")
			}
			if err := o.checked(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.want.To, "to", "", "go back to this version")
	cmd.Flags().BoolVar(&previous, "previous", false, "go back to the version that ran before (the default)")
	_ = cmd.RegisterFlagCompletionFunc("to", completeVersions(f, 1))
	o.flags(cmd)
	return cmd
}
