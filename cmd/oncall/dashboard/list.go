package dashboard

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/grafana"
)

func newCmdList(f *cli.Factory) *cobra.Command {
	var tags []string
	cmd := &cobra.Command{
		Use:   "list [<words>...]",
		Short: "List Grafana's dashboards, or those whose title holds the words",
		Example: `oncall dashboard list
oncall dashboard list api --tag production -o wide`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			out := f.Printer()
			c, err := f.Grafana(cmd.Context())
			if err != nil {
				return err
			}
			words := strings.Join(args, " ")
			items, err := list(cmd.Context(), c, words, tags)
			if err != nil {
				return err
			}
			empty := "no dashboard"
			if words != "" {
				empty += " has " + words + " in its title"
			}
			return printer.List(out, table(), items, printer.Meta{Empty: empty})
		},
	}
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "only those with all of these tags")
	_ = cmd.RegisterFlagCompletionFunc("tag", cobra.NoFileCompletions)
	return cmd
}

func list(ctx context.Context, c *grafana.Client, query string, tags []string) ([]row, error) {
	all, err := c.Search(ctx, grafana.SearchRequest{Query: query, Tags: tags})
	if err != nil {
		return nil, err
	}
	out := []row{}
	for _, d := range all {
		out = append(out, newRow(d))
	}
	return out, nil
}
