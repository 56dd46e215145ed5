package incident

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

type rerouteOptions struct {
	f *cli.Factory
	targets
	to  []string
	add bool
}

func newCmdReroute(f *cli.Factory) *cobra.Command {
	o := &rerouteOptions{f: f}
	cmd := &cobra.Command{
		Use:   "reroute <number>... --to {user|policy}:<name>",
		Short: "Page somebody else for incidents",
		Long: `Page somebody else for incidents, in place of those who are paged now. A target is a
user or an escalation policy by name (user:NAME, policy:NAME; team:NAME where the
team has one policy); a beginning that only one of them has is enough. --add keeps
those who are paged already (Enterprise plans).

Nothing is asked; the line says who is paged.`,
		Example: `oncall incident reroute 4127 --to user:secondary
oncall incident reroute 4127 4126 --to "policy:Operations primary"
oncall incident reroute 4127 --to user:manager --add`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd, args); err != nil {
				return err
			}
			if len(o.to) == 0 {
				return cli.Usage("%s: to whom?", cmd.CommandPath()).WithHint("--to user:NAME or --to policy:NAME")
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd, "reroute all open ones that paged me")
	cmd.Flags().StringArrayVar(&o.to, "to", nil, "whom to page: user:NAME or policy:NAME; may be given several times")
	cmd.Flags().BoolVar(&o.add, "add", false, "page them besides those who are paged now")
	_ = cmd.RegisterFlagCompletionFunc("to", completeTargets(f))
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *rerouteOptions) run(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	to, err := p.Targets(ctx, o.to)
	if err != nil {
		return err
	}
	seen, err := o.look(ctx, o.f, p, pager.Triggered, pager.Acknowledged)
	if err != nil || len(seen) == 0 {
		return err
	}
	plan := mutate.Plan{Verb: "reroute", Done: "rerouted", Kind: "incident", Targets: names(seen)}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		all, err := p.Reroute(ctx, seen, to, o.add)
		for _, x := range all {
			report(x.Number, mutate.Outcome{Changed: x.Result == pager.Done, Err: x.Err, Item: x, Message: x.Message, Looked: x.Looked})
		}
		return err
	})
}

// completeTargets offers users and policies as --to takes them.
func completeTargets(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		p, err := f.Pager(ctx)
		if err != nil {
			return nil, err
		}
		out := []cobra.Completion{}
		users, err := p.Users(ctx)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			out = append(out, cobra.CompletionWithDesc(pager.KindUser+":"+u.Username, u.Name))
		}
		policies, err := p.Policies(ctx)
		for _, x := range policies {
			out = append(out, cobra.CompletionWithDesc(pager.KindPolicy+":"+x.Name, x.Team))
		}
		return out, err
	})
}
