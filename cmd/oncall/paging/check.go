package paging

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type checkOptions struct {
	f      *cli.Factory
	user   string
	team   string
	within string

	limit time.Duration
}

func newCmdCheck(f *cli.Factory) *cobra.Command {
	o := &checkOptions{f: f}
	cmd := &cobra.Command{
		Use:   "check [<user> | --team <team>]",
		Short: "Check whether a person, or a whole team, could be woken by a page",
		Long: `Check whether a page could wake a person (you, when nobody is named) or each member of
a team. It takes: a device or a verified phone number, a step of the paging policy
that reaches it, more than one channel, and a first phone call within --within.
Custom policies, which hold at certain times, must satisfy this too.

Exit code 9 when somebody could not be woken, 6 when somebody could not be judged.`,
		Example: `oncall paging check
oncall paging check secondary --within 5m
oncall paging check --team Operations --jq '.items[] | select(.reachable | not) | .username'`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteUsers(f)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if len(args) == 1 {
				o.user = args[0]
			}
			if o.user != "" && o.team != "" {
				return cli.Usage("%s takes a user or --team, not both", cmd.CommandPath())
			}
			if o.limit, err = cli.Length("within", o.within, pager.FirstCall); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.team, "team", "", "every member of this team")
	cmd.Flags().StringVar(&o.within, "within", "10m", "how soon the first phone call must come")
	_ = cmd.RegisterFlagCompletionFunc("team", cli.CompleteTeams(f))
	_ = cmd.RegisterFlagCompletionFunc("within", cli.Words("5m", "10m", "15m", "30m"))
	return cmd
}

func (o *checkOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	done := o.f.Busy("reading how people are paged")
	all, err := o.judge(ctx, p)
	done()
	if err != nil {
		return err
	}
	if err := o.print(out, all); err != nil {
		return err
	}
	for _, v := range all.Verdicts {
		if !v.Reachable {
			return exit.Quiet(exit.Found)
		}
	}
	switch {
	case len(all.Verdicts) == 0 && len(all.Partial) == 0:
		return exit.Quiet(exit.Found) // nobody to wake is not success
	case len(all.Partial) > 0:
		return exit.Quiet(exit.Partial)
	}
	return nil
}

// print shows the verdicts. People get the reasons in full below each name: a
// column of them would be cut or dropped in a narrow window, and they are the answer.
func (o *checkOptions) print(out *printer.Printer, all pager.TeamVerdicts) error {
	empty := "team " + all.Team.Name + " has no members"
	if !out.Human() || len(all.Verdicts) == 0 {
		return printer.List(out, table(), all.Verdicts, printer.Meta{Partial: printer.Partials(all.Partial), Empty: empty})
	}
	width := 0
	for _, v := range all.Verdicts {
		width = max(width, ios.TextWidth(ios.Visible(v.Username)))
	}
	lines := printer.NewStream(out, "PagingCheck", func(v pager.Verdict) string { return o.verdict(v, width) })
	for _, v := range all.Verdicts {
		if err := lines.Print(v); err != nil {
			return err
		}
	}
	for _, p := range all.Partial {
		o.f.IO.Warn("%s: %v", p.Source, p.Err)
	}
	return nil
}

// verdict is a person's lines: what is too long for the terminal goes on below
// where it began.
func (o *checkOptions) verdict(v pager.Verdict, width int) string {
	word, style := "yes", ios.Green
	if !v.Reachable {
		word, style = "no ", ios.Red
	}
	name := ios.Visible(v.Username)
	head := name + strings.Repeat(" ", width-ios.TextWidth(name)+3) + o.f.IO.Paint(style, word) + "   "
	indent, room := width+9, 0
	if o.f.IO.Width > 0 {
		room = max(minText, o.f.IO.Width-indent)
	}
	lines := []string{}
	for _, text := range append([]string{words(v)}, reasons(v)...) {
		lines = append(lines, ios.Wrap(ios.Visible(text), room)...)
	}
	return head + strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// minText is the width below which text is not squeezed.
const minText = 24

func (o *checkOptions) judge(ctx context.Context, p *pager.Pager) (pager.TeamVerdicts, error) {
	if o.team != "" {
		return p.CheckTeam(ctx, o.team, o.limit)
	}
	user, err := username(ctx, p, o.user)
	if err != nil {
		return pager.TeamVerdicts{}, err
	}
	v, err := p.Check(ctx, user, o.limit)
	return pager.TeamVerdicts{Verdicts: []pager.Verdict{v}, Partial: v.Partial}, err
}

func table() printer.Table[pager.Verdict] {
	return printer.Table[pager.Verdict]{
		Kind: "PagingCheck",
		Name: func(v pager.Verdict) string { return v.Username },
		Columns: []printer.Column[pager.Verdict]{
			{Header: "USER", Value: func(v pager.Verdict) string { return v.Username }},
			{Header: "WOKEN", Value: woken},
			{Header: "PAGED BY", Value: words},
			{Header: "WHY NOT", Value: why},
		},
	}
}

func woken(v pager.Verdict) string {
	if v.Reachable {
		return "yes"
	}
	return "no"
}

// words is the primary policy, which is the last.
func words(v pager.Verdict) string {
	if n := len(v.Paging.Policies); n > 0 {
		return v.Paging.Policies[n-1].Words
	}
	return ""
}

func why(v pager.Verdict) string { return strings.Join(reasons(v), "; ") }

func reasons(v pager.Verdict) []string {
	all := []string{}
	for _, r := range v.Reasons {
		all = append(all, r.Text)
	}
	return all
}
