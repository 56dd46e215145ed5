package config

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	settings "github.com/balena-io/oncall/cmd/oncall/internal/config"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

func newCmdUseContext(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "use-context <name>",
		Short: "Make a context the current one",
		Long: `Write current-context into the config file; its comments and layout stay. It counts
where neither --context nor ONCALL_CONTEXT names another.`,
		Example:           "oncall config use-context staging\noncall config use-context demo",
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: onlyFirst(cli.Contexts(f)),
		RunE:              func(cmd *cobra.Command, args []string) error { return useContext(cmd.Context(), f, args[0]) },
	}
}

func useContext(ctx context.Context, f *cli.Factory, name string) error {
	out := f.StaticPrinter()
	src := f.ConfigSource()
	path := settings.Locate(src).File
	if err := settings.Edit(ctx, path, func(d *settings.Draft) error { return d.UseContext(name) }); err != nil {
		return err
	}
	all, current, err := settings.Survey(src)
	if err != nil {
		return err
	}
	if current != name {
		f.IO.Warn("%s is chosen now, by --context or ONCALL_CONTEXT", current)
	}
	for _, c := range all {
		if c.Name != name {
			continue
		}
		return printer.Item(out, contextTable(), newContextItem(c, current == name), func(d *printer.Detail) {
			d.Title("context/"+name+" is the current one in "+short(f, path), c.Describe())
		})
	}
	return nil
}
