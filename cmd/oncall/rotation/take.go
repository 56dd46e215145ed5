package rotation

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

type takeOptions struct {
	f    *cli.Factory
	args []string
	from string
}

func newCmdTake(f *cli.Factory) *cobra.Command {
	o := &takeOptions{f: f}
	cmd := &cobra.Command{
		Use:   "take <policy>...",
		Short: "Take on-call from whoever has it, now",
		Long: `Take the on-call of escalation policies, now, until the turn ends. Nothing is asked.

Whoever has it is found out; --from says whom you mean when there are several. What
the pager answers proves little, so who is on call is read again: when that does not
show you, the take counts as refused (exit 8). The pager has no call to take it
back; the portal has, or the other person takes it from you.`,
		Example: `oncall rotation take "Operations primary"
oncall rotation take "Operations primary" "Operations low urgency" --from secondary`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: cli.CompletePolicies(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.args = args
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.from, "from", "", "from whom, when several have it")
	_ = cmd.RegisterFlagCompletionFunc("from", cli.CompleteUsers(f))
	cli.ChangeFlags(cmd, f)
	return cmd
}

// taking is one policy to take, or why it cannot be.
type taking struct {
	pager.Taking
	name string // how its outcome is told: the policy's name, unless another one has it too
	err  error
}

func (o *takeOptions) run(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	user, err := me(p)
	if err != nil {
		return err
	}
	from := ""
	if o.from != "" {
		u, err := p.FindUser(ctx, o.from)
		if err != nil {
			return err
		}
		from = u.Username
	}
	all, err := o.look(ctx, p, from, user)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "take", Done: "taken", Kind: "policy"}
	for _, t := range all {
		plan.Targets = append(plan.Targets, t.name)
		if t.err == nil && !t.Already {
			plan.Effects = append(plan.Effects, fmt.Sprintf("%s: %s in the place of %s, until the turn ends", t.Policy.Label(), user, t.From))
		}
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		for _, t := range all {
			if err := ctx.Err(); err != nil {
				return err // the rest is not sent, and mutate says so
			}
			if t.err != nil {
				report(t.name, mutate.Outcome{Err: t.err})
				continue
			}
			done, err := p.Take(ctx, t.Taking)
			if err != nil && len(all) == 1 {
				return err
			}
			report(t.name, outcome(done, err))
		}
		return nil
	})
}

func outcome(t pager.Taking, err error) mutate.Outcome {
	switch {
	case err != nil:
		return mutate.Outcome{Err: err}
	case t.Already:
		return mutate.Outcome{Words: "already yours", Item: t}
	}
	return mutate.Outcome{Changed: true, Item: t, Message: "from " + t.From, Looked: t.Looked}
}

// look finds out from whom each policy would be taken. With one policy what speaks
// against it is the error of the command; with several it is that policy's.
func (o *takeOptions) look(ctx context.Context, p *pager.Pager, from, to string) ([]taking, error) {
	all := []taking{}
	for _, typed := range o.args {
		r, err := p.FindPolicy(ctx, typed)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(t taking) bool { return t.Policy.Slug == r.Slug }) {
			continue // it was typed twice, and can be taken once
		}
		t, err := p.PlanTake(ctx, r, from, to)
		if err != nil && len(o.args) == 1 {
			return nil, err
		}
		name := r.Name
		if slices.ContainsFunc(all, func(t taking) bool { return t.name == name }) {
			name = r.Team + "/" + r.Name
		}
		all = append(all, taking{t, name, err})
	}
	return all, nil
}
