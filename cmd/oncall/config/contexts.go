package config

import (
	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	settings "github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

func newCmdContexts(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "contexts",
		Short: "List the contexts that can be chosen",
		Long: `List the contexts of the config file, "environment" when ONCALL_* variables describe
a service, and the built-in "demo". One is chosen by --context, else ONCALL_CONTEXT, else
current-context in the file, else by being the only one.`,
		Example:           "oncall config contexts\noncall config contexts -o name",
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			out := f.Printer()
			all, current, err := settings.Survey(f.ConfigSource())
			if err != nil {
				return err
			}
			items := []contextItem{}
			for _, c := range all {
				items = append(items, newContextItem(c, c.Name == current))
			}
			if err := printer.List(out, contextTable(), items, printer.Meta{}); err != nil {
				return err
			}
			switch {
			case current != "":
			case len(items) == 1:
				f.IO.Hint("only the demo is there: oncall init sets up a context of your own")
			default:
				f.IO.Hint("no context is chosen: oncall config use-context NAME")
			}
			return nil
		},
	}
}
