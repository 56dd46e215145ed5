package incident

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

type listOptions struct {
	f     *cli.Factory
	all   bool
	since string

	from time.Time
}

func newCmdList(f *cli.Factory) *cobra.Command {
	o := &listOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List public incidents, those that were silent longest first",
		Long: `List the open public incidents, the longest silent first. With --all also those that
are over, newest first; with --since those that were open at that time or later.`,
		Example: `oncall status incident list
oncall status incident list --all -o json
oncall status incident list --since 7d`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.from, err = f.Since(o.since); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "also those that are over")
	cmd.Flags().StringVar(&o.since, "since", "", "those that were open since: 2h, 7d, 2006-01-02")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	rows, err := b.Incidents(ctx, o.all, o.from)
	if err != nil {
		return err
	}
	empty := "no public incident is open"
	if o.all || o.since != "" {
		empty = "no such public incident"
	}
	return printer.List(out, table(o.f), rows, printer.Meta{Empty: empty})
}
