package incident

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

type resolveOptions struct {
	f *cli.Factory
	target
	body, file string
	keep       bool
	notify     notifyFlag
}

func newCmdResolve(f *cli.Factory) *cobra.Command {
	o := &resolveOptions{f: f}
	cmd := &cobra.Command{
		Use:   "resolve [incident]",
		Short: "Resolve a public incident and put its components back",
		Long: `Resolve a public incident, and in the same request make its components operational,
which the page does not do by itself. A component that another open incident or running
maintenance still names stays as it is. --keep-components leaves all of them.

Without --body it says "This incident has been resolved."`,
		Example: `oncall status incident resolve
oncall status incident resolve --pager 4127 --body "The API answers as usual again."
oncall status incident resolve h8d2w6r0kfzp --keep-components --no-notify --yes`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompletePublicIncidents(f)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := o.complete(args); err != nil {
				return err
			}
			if o.body != "" || o.file != "" {
				if o.body, err = f.ReadText(cmd.Context(), cli.Text{Name: "body", Given: o.body, File: o.file}); err != nil {
					return err
				}
			}
			return o.run(cmd.Context())
		},
	}
	o.flag(cmd)
	cli.BodyFlags(cmd, &o.body, &o.file)
	cmd.Flags().BoolVar(&o.keep, "keep-components", false, "leave the components as they are")
	o.notify.flag(cmd)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *resolveOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanResolve(ctx, publicstatus.ResolveDraft{Ref: o.ref, Pager: o.pager, Body: o.body, KeepComponents: o.keep, Notify: o.notify.value()})
	if err != nil {
		return err
	}
	tag(o.f, p.Incident.Pager)
	return o.f.Mutate(ctx, o.plan(p), func(ctx context.Context, report mutate.Report) error {
		if p.Already {
			report(p.Incident.ID, mutate.Outcome{Words: "already " + publicstatus.SayState(p.Incident.State), Item: p.Incident})
			return nil
		}
		in, sent, err := b.Resolve(ctx, p)
		switch {
		case err != nil:
			return err
		case !sent: // somebody was faster
			report(in.ID, mutate.Outcome{Words: "already " + publicstatus.SayState(in.State), Item: in})
			return nil
		}
		o.f.TellPager(ctx, in.Pager, "public incident "+in.ID+" resolved: "+p.Text.Body)
		report(in.ID, mutate.Outcome{Changed: true, Message: in.URL, Item: in})
		return nil
	})
}

func (o *resolveOptions) plan(p publicstatus.ResolvePlan) mutate.Plan {
	plan := mutate.Plan{Verb: "resolve", Done: "resolved", Kind: kind, Targets: []string{p.Incident.ID}}
	if p.Already {
		plan.Effects = []string{fmt.Sprintf("%s (%s) is %s already", p.Incident.ID, p.Incident.Title, publicstatus.SayState(p.Incident.State))}
		if bad := notWorking(p.PutBack); bad != "" {
			plan.Notes = []string{bad + ": oncall status set COMPONENT=operational"}
		}
		return plan
	}
	plan.Ask = mutate.AskYesNo
	plan.Effects = append([]string{fmt.Sprintf("resolves %q on the public page (%s)", p.Incident.Title, cli.Audience(p.Subscribers, p.Text.Notify))},
		cli.Says("says", p.Text.Body)...)
	if p.Maintenance {
		plan.Notes = append(plan.Notes, "this is maintenance, whose end is: oncall status maintenance complete "+p.Incident.ID)
	}
	for _, c := range p.PutBack {
		if c.State == statuspage.Operational {
			plan.Effects = append(plan.Effects, c.Name+": operational already")
			continue
		}
		plan.Effects = append(plan.Effects, fmt.Sprintf("%s: %s -> operational", c.Name, publicstatus.SayStatus(c.State)))
	}
	plan.Effects = append(plan.Effects, cli.Held(p.Held)...)
	if bad := notWorking(p.Kept); bad != "" {
		plan.Notes = append(plan.Notes, bad+", and stays so")
	}
	return plan
}

// notWorking names the components that do not work, "" when all do.
func notWorking(refs []publicstatus.Ref) string {
	words := []string{}
	for _, c := range refs {
		if c.State != statuspage.Operational {
			words = append(words, c.Name+" is "+publicstatus.SayStatus(c.State))
		}
	}
	return strings.Join(words, ", ")
}
