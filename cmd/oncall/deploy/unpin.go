package deploy

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/deploy"
)

func newCmdUnpin(f *cli.Factory) *cobra.Command {
	o := &change{component: component{f: f}}
	o.want.Unpin = true
	cmd := &cobra.Command{
		Use:   "unpin <component>",
		Short: "Let a fleet, or a held component, follow the newest version again",
		Long: `Let a component follow the newest version by itself again. A rollback of a fleet pins it,
and --hold stops the automation of a component whose job can (hold-param), so that a new
version does not undo the rollback; until it is unpinned, deploy list shows it. What
follows already is left alone.

A fleet moves to its newest release at once. Of another component the same version is
deployed with the automation on, which takes the newest at its next round.`,
		Example: `oncall deploy unpin jellyfish
oncall deploy unpin jellyfish --dry-run
oncall deploy unpin api-staging`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeFleets(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key = args[0]
			if err := o.checked(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.wait, "wait", true, "wait until the devices run it, or the build has ended")
	fs.BoolVar(&o.noWait, "no-wait", false, "return once it is unpinned")
	fs.StringArrayVar(&o.verify, "verify", nil, "a further check: a named query, or an expression that must find something")
	_ = cmd.RegisterFlagCompletionFunc("verify", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

// completeFleets offers the components that can be pinned or held.
func completeFleets(f *cli.Factory) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		set, err := f.Components()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out := []cobra.Completion{}
		for _, c := range set.All {
			switch {
			case c.Backend == deploy.BackendFleet:
				out = append(out, cobra.CompletionWithDesc(c.Key, c.Fleet))
			case c.HoldParam != "":
				out = append(out, cobra.CompletionWithDesc(c.Key, c.Environment))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
