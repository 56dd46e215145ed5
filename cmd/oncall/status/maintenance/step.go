package maintenance

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

// stepOptions moves maintenance through its lifecycle; the verbs start, verify,
// complete and cancel differ in the step alone.
type stepOptions struct {
	f          *cli.Factory
	step       publicstatus.Step
	verb, done string
	ref        string
	body, file string
	quiet      bool
}

// newStep makes the command of a step; the verb's file gives its texts.
func newStep(f *cli.Factory, step publicstatus.Step, done string, cmd *cobra.Command) *cobra.Command {
	o := &stepOptions{f: f, step: step, verb: string(step), done: done}
	cmd.Use = string(step) + " [maintenance]"
	cmd.Args = cli.MaxArgs(1)
	cmd.ValidArgsFunction = cli.FirstOnly(cli.CompleteMaintenance(f))
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if len(args) > 0 {
			o.ref = args[0]
		}
		if o.body != "" || o.file != "" {
			if o.body, err = f.ReadText(cmd.Context(), cli.Text{Name: "body", Given: o.body, File: o.file}); err != nil {
				return err
			}
		}
		return o.run(cmd.Context())
	}
	fs := cmd.Flags()
	cli.BodyFlags(cmd, &o.body, &o.file)
	fs.BoolVar(&o.quiet, "no-notify", false, "tell no subscriber")
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *stepOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanStep(ctx, o.step, o.ref, o.body, !o.quiet)
	if err != nil {
		return err
	}
	return o.f.Mutate(ctx, o.plan(p), func(ctx context.Context, report mutate.Report) error {
		if p.Already {
			report(p.Maintenance.ID, mutate.Outcome{Words: "already " + state(p.Maintenance), Item: p.Maintenance})
			return nil
		}
		m, sent, err := b.Move(ctx, p)
		switch {
		case err != nil:
			return err
		case !sent: // somebody was faster, or the clock
			report(m.ID, mutate.Outcome{Words: "already " + state(m), Item: m})
			return nil
		}
		report(m.ID, mutate.Outcome{Changed: true, Message: m.URL, Item: m})
		return nil
	})
}

func (o *stepOptions) plan(p publicstatus.StepPlan) mutate.Plan {
	plan := mutate.Plan{Verb: o.verb, Done: o.done, Kind: kind, Targets: []string{p.Maintenance.ID}, Notes: p.Warnings}
	if p.Already {
		plan.Effects = []string{fmt.Sprintf("%s (%s) is %s already", p.Maintenance.ID, p.Maintenance.Title, state(p.Maintenance))}
		return plan
	}
	plan.Ask = mutate.AskYesNo
	plan.Effects = append([]string{fmt.Sprintf("%q: %s -> %s on the public page (%s)", p.Maintenance.Title, state(p.Maintenance), publicstatus.SayState(p.Text.State), cli.Audience(p.Subscribers, p.Text.Notify))},
		cli.Says("says", p.Text.Body)...)
	for _, c := range p.Targets {
		plan.Effects = append(plan.Effects, fmt.Sprintf("%s: %s -> %s", c.Name, publicstatus.SayStatus(c.State), publicstatus.SayStatus(p.Status)))
	}
	plan.Effects = append(plan.Effects, cli.Held(p.Held)...)
	return plan
}
