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
		Short: "Let a fleet follow its newest release again, after a rollback",
		Long: `Let a fleet follow its newest release again. A rollback of a fleet pins it, so that a
new release does not undo the rollback; until it is unpinned, deploy list shows the pin.
A fleet that follows already is left alone.`,
		Example: `oncall deploy unpin jellyfish
oncall deploy unpin jellyfish --dry-run`,
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
	fs.BoolVar(&o.wait, "wait", true, "wait until the devices run it")
	fs.BoolVar(&o.noWait, "no-wait", false, "return once it is unpinned")
	fs.StringArrayVar(&o.verify, "verify", nil, "a further check: a named query, or an expression that must find something")
	_ = cmd.RegisterFlagCompletionFunc("verify", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

// completeFleets offers the components that can be pinned.
func completeFleets(f *cli.Factory) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		set, err := f.Components()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out := []cobra.Completion{}
		for _, c := range set.All {
			if c.Backend == deploy.BackendFleet {
				out = append(out, cobra.CompletionWithDesc(c.Key, c.Fleet))
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
