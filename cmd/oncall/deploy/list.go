package deploy

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/deploy"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	environment := ""
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List components: declared and running version, since when, by whom",
		Long: `List the components that are defined, with the version that the repository declares and
the one that runs. A ? is what nothing tells. STATE marks what differs or is under way;
FOLLOWS marks what takes the newest version by itself.`,
		Example: `oncall deploy list
oncall deploy list --environment production -o json`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), f, environment)
		},
	}
	cmd.Flags().StringVar(&environment, "environment", "", "only components of this environment")
	_ = cmd.RegisterFlagCompletionFunc("environment", cli.Words("production", "staging"))
	return cmd
}

func list(ctx context.Context, f *cli.Factory, environment string) error {
	out := f.Printer()
	set, err := f.Components()
	if err != nil {
		return err
	}
	all := []deploy.Component{}
	for _, c := range set.All {
		if environment == "" || c.Environment == environment {
			all = append(all, c)
		}
	}
	done := f.Busy("looking at what is there")
	stands, errs := lookAll(ctx, f, set, all, looking{})
	done()
	items, partial := []standing{}, []printer.Partial{}
	var last error
	for i, c := range all {
		if errs[i] != nil {
			last = errs[i]
			partial = append(partial, printer.Partial{Source: c.Key, Error: errs[i].Error()})
			continue
		}
		items = append(items, stands[i])
	}
	if len(items) == 0 && last != nil {
		return last
	}
	empty := ""
	switch {
	case len(set.All) == 0:
		empty = "no component is defined; docs/deploy.md shows how"
	case environment != "":
		empty = "no component of " + environment + " is defined"
	}
	return printer.List(out, standingTable(f), items, printer.Meta{Partial: partial, Empty: empty})
}
