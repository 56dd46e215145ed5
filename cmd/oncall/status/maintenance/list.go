package maintenance

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
		Short: "List maintenance: what runs, then what comes",
		Long: `List maintenance: what runs, then what comes, the next first. With --all also what is
over, newest first; with --since what was not over at that time.`,
		Example: `oncall status maintenance list
oncall status maintenance list --all -o wide`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.from, err = f.Since(o.since); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "also what is over")
	cmd.Flags().StringVar(&o.since, "since", "", "what was not over at that time: 2h, 7d, 2006-01-02")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	return cmd
}

func (o *listOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	rows, err := b.Maintenances(ctx, o.all, o.from)
	if err != nil {
		return err
	}
	empty := "no maintenance is running or planned"
	if o.all || o.since != "" {
		empty = "no such maintenance"
	}
	return printer.List(out, table(o.f), rows, printer.Meta{Empty: empty})
}
