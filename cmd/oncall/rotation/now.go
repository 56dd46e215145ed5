package rotation

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type nowOptions struct {
	f        *cli.Factory
	team     string
	contacts bool
}

func newCmdNow(f *cli.Factory) *cobra.Command {
	o := &nowOptions{f: f}
	cmd := &cobra.Command{
		Use:   "now",
		Short: "Show who is on call now, by team and escalation step",
		Long: `Show who is on call now: for each team and policy the escalation steps in order, how
long after the page each comes, and who stands there. A step that nobody holds is
shown as a gap.

Names, phone numbers and addresses come with -o wide or --contacts; they cost one
more request a person.`,
		Example: `oncall rotation now
oncall rotation now --team Operations -o wide
oncall rotation now --jq '.items[] | select(.gap) | .team.name'`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.team, "team", "", "only this team")
	cmd.Flags().BoolVar(&o.contacts, "contacts", false, "read names, phone numbers and addresses too")
	_ = cmd.RegisterFlagCompletionFunc("team", cli.CompleteTeams(f))
	return cmd
}

func (o *nowOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	done := o.f.Busy("reading who is on call")
	now, err := p.OnCallNow(ctx, pager.NowQuery{Team: o.team, Contacts: o.contacts || out.Wide()})
	done()
	if err != nil {
		return err
	}
	return printer.List(out, dutyTable(o.f), now.Duties, printer.Meta{Partial: printer.Partials(now.Partial)})
}

func dutyTable(f *cli.Factory) printer.Table[pager.Duty] {
	each := func(d pager.Duty, get func(pager.OnDuty) string) string {
		all := []string{}
		for _, o := range d.People {
			if s := get(o); s != "" {
				all = append(all, s)
			}
		}
		return strings.Join(all, ", ")
	}
	return printer.Table[pager.Duty]{
		Kind: "Duty",
		Name: dutyName,
		Columns: []printer.Column[pager.Duty]{
			{Header: "TEAM", Flex: true, Value: func(d pager.Duty) string { return d.Team.Name }},
			{Header: "POLICY", Flex: true, Value: func(d pager.Duty) string { return d.Policy.Name }},
			{Header: "STEP", Value: func(d pager.Duty) string { return stepText(d.Step) }},
			{Header: "ON CALL", Value: dutyWho, Style: func(d pager.Duty) ios.Style {
				if d.Gap {
					return ios.Red
				}
				return ios.None
			}},
			{Header: "AFTER", Value: after},
			{Header: "UNTIL", Value: func(d pager.Duty) string {
				return each(d, func(o pager.OnDuty) string { return local(f, o.Until, "") })
			}},
			{Header: "NAME", Wide: true, Value: func(d pager.Duty) string {
				return each(d, func(o pager.OnDuty) string { return o.Name })
			}},
			{Header: "PHONE", Wide: true, Value: func(d pager.Duty) string {
				return each(d, func(o pager.OnDuty) string { return strings.Join(o.Phones, " ") })
			}},
			{Header: "MAIL", Wide: true, Value: func(d pager.Duty) string {
				return each(d, func(o pager.OnDuty) string { return o.Email })
			}},
		},
		Empty: "the pager knows no team",
	}
}

// dutyName is the policy and the step; a team without anybody is its own.
func dutyName(d pager.Duty) string {
	if d.Policy.Slug == "" {
		return d.Team.Slug
	}
	return fmt.Sprintf("%s/%d", d.Policy.Slug, d.Step)
}

func after(d pager.Duty) string {
	switch {
	case d.Step == 0:
		return ""
	case d.AfterMinutes == 0:
		return "now"
	}
	return fmt.Sprintf("%d min", d.AfterMinutes)
}

// dutyWho are the people of a step, in whose place they stand, and what else it pages.
func dutyWho(d pager.Duty) string {
	if d.Gap {
		return nobody
	}
	all := []string{}
	for _, o := range d.People {
		s := o.Username
		if o.Covers != "" {
			s += " (for " + o.Covers + ")"
		}
		all = append(all, s)
	}
	return strings.Join(append(all, d.Others...), ", ")
}
