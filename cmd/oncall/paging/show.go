package paging

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type showOptions struct {
	f    *cli.Factory
	user string
}

func newCmdShow(f *cli.Factory) *cobra.Command {
	o := &showOptions{f: f}
	return &cobra.Command{
		Use:   "show [user]",
		Short: "Show how a person is paged: contacts, and the policy in words",
		Long: `Show a person's contact methods and paging policies in words; yours when no user is
given. A custom policy, which holds at certain times, comes before the primary one:
the first that holds is used.`,
		Example: `oncall paging show
oncall paging show secondary
oncall paging show --jq '.item.policies[].words'`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteUsers(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.user = args[0]
			}
			return o.run(cmd.Context())
		},
	}
}

func (o *showOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	user, err := username(ctx, p, o.user)
	if err != nil {
		return err
	}
	how, err := p.Paging(ctx, user)
	if err != nil {
		return err
	}
	return printer.Item(out, printer.Table[pager.Paging]{
		Kind: "Paging",
		Name: func(x pager.Paging) string { return x.Username },
	}, how, func(v *printer.Detail) { view(v, how) }, printer.Meta{Partial: printer.Partials(how.Partial)})
}

func view(v *printer.Detail, how pager.Paging) {
	v.Title(how.Username, fmt.Sprintf("%d ways to reach", len(how.Contacts)))
	for _, p := range how.Policies {
		name := p.Name
		if p.When != "always" {
			name += ", " + p.When
		}
		v.Row("policy", name+": "+p.Words)
		for _, line := range dead(p) {
			v.Row("", line)
		}
	}
	contacts := [][2]string{}
	for _, c := range how.Contacts {
		value := c.Value
		if !c.Verified {
			value += "  (not verified)"
		}
		contacts = append(contacts, [2]string{c.Kind + " " + c.Label, value})
	}
	v.Pairs("contacts", contacts...)
	v.Next("oncall paging check " + how.Username)
}

// dead are the notifications of a policy that arrive nowhere.
func dead(p pager.PagingPolicy) []string {
	out := []string{}
	for n, s := range p.Steps {
		for _, r := range s.Rules {
			if r.Reaches {
				continue
			}
			to := "a contact that is gone"
			if r.Contact != "" {
				to = r.Contact
			}
			out = append(out, fmt.Sprintf("step %d: %s to %s reaches nobody", n+1, r.Type, to))
		}
	}
	return out
}
