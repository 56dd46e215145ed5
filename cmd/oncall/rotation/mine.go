package rotation

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type mineOptions struct {
	f     *cli.Factory
	query pager.ScheduleQuery
}

func newCmdMine(f *cli.Factory) *cobra.Command {
	o := &mineOptions{f: f}
	cmd := &cobra.Command{
		Use:   "mine",
		Short: "Show when I am on call, in all teams",
		Long: `Show when you are on call in the coming days, in all teams and at all escalation
steps. What others cover for you is left out, what you cover for others is there.`,
		Example: `oncall rotation mine
oncall rotation mine --days 60 --step 1`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkDays(o.query); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	scheduleFlags(cmd, &o.query, 30)
	return cmd
}

func (o *mineOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	user, err := me(p)
	if err != nil {
		return err
	}
	done := o.f.Busy("reading your plan")
	s, err := p.UserSchedule(ctx, user, o.query)
	done()
	if err != nil {
		return err
	}
	return printer.List(out, table(o.f), s.Shifts, printer.Meta{Partial: printer.Partials(s.Partial),
		Empty: fmt.Sprintf("you are not on call in the next %d days", o.query.Days)})
}

// me is the user of the context.
func me(p *pager.Pager) (string, error) {
	if p.User == "" {
		return "", cli.Usage("who are you? no user is set").WithHint("set ONCALL_USER, or: oncall config set user NAME")
	}
	return p.User, nil
}
