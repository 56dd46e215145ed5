package deploy

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/deploy"
)

func newCmdRun(f *cli.Factory) *cobra.Command {
	o := &change{component: component{f: f}}
	cmd := &cobra.Command{
		Use:   "run <component> <version>",
		Short: "Deploy a version once, and wait until it is applied, running and verified",
		Long: `Deploy a version: the plan, the question, one start of the job, then queue, build,
Flux, roll-out and checks, to the end. The exit code is that of the result.

A start is sent once. When its answer is lost, the queue and the newest builds are
searched for it; what is not found there is exit code 15, never a second start. A
deployment of the component that is under way stops it (8). Ctrl-C ends the waiting,
not the deployment.`,
		Example: `oncall deploy run api 17.5.1
oncall deploy run api 17.5.1 --dry-run
oncall deploy run api 17.5.1 --yes --reason "fix of the 5xx" --incident 4127 --timeout 30m`,
		Args:              cli.ExactArgs(2),
		ValidArgsFunction: completeVersions(f, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key, o.want.To = args[0], args[1]
			if err := deploy.CheckVersion(o.want.To); err != nil {
				return err
			}
			if err := o.checked(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd)
	return cmd
}
