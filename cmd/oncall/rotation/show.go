package rotation

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type showOptions struct {
	f     *cli.Factory
	team  string
	query pager.ScheduleQuery
}

func newCmdShow(f *cli.Factory) *cobra.Command {
	o := &showOptions{f: f}
	cmd := &cobra.Command{
		Use:   "show <team>",
		Short: "Show a team's plan: who is on call when, overrides applied, gaps shown",
		Long: `Show a team's plan for the coming days, all escalation steps of all its policies.
Overrides and takes are applied: FOR says whose shift it is by the plan. A time that
nobody holds is shown as a gap. Times are local, across changes to summer time too.`,
		Example: `oncall rotation show Operations
oncall rotation show Operations --days 90 --step 1
oncall rotation show Support --jq '.items[] | select(.user == "")'`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteTeams(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.team = args[0]
			if err := checkDays(o.query); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	scheduleFlags(cmd, &o.query, 14)
	return cmd
}

func (o *showOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	done := o.f.Busy("reading the plan")
	s, err := p.TeamSchedule(ctx, o.team, o.query)
	done()
	if err != nil {
		return err
	}
	return printer.List(out, table(o.f), s.Shifts, printer.Meta{Partial: printer.Partials(s.Partial),
		Empty: fmt.Sprintf("%s has no rotation in the next %d days", o.team, o.query.Days)})
}
