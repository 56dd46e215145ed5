package status

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

type snoozeOptions struct {
	f     *cli.Factory
	ref   string
	pager string
	span  string
	until string
	wake  bool

	end time.Time
}

func newCmdSnooze(f *cli.Factory) *cobra.Command {
	o := &snoozeOptions{f: f}
	cmd := &cobra.Command{
		Use:   "snooze [incident]",
		Short: "Say that an open public incident is being worked on, until when and why",
		Long: `Keep an open incident out of "status stale" and "status check" for a while, because
somebody is working on it. A snooze has a reason and an end. It is kept in the
incident's own metadata, where the team and every cron job see it: nothing is posted
and nobody is notified. It is read back, and noted on the pager incident that the
public one is paired with. The reason may be seen by others: no secrets.`,
		Example: `oncall status snooze h8d2w6r0kfzp --for 1h --reason "waiting for the vendor"
oncall status snooze --pager 4127 --until 18:00 --reason "fix is rolling out"
oncall status snooze h8d2w6r0kfzp --wake`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompletePublicIncidents(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.pager, "pager", "", "the incident that is paired with this pager incident")
	fs.StringVar(&o.span, "for", "", "how long: 30m, 2h")
	fs.StringVar(&o.until, "until", "", "until when: 18:00, 2006-01-02 15:04")
	fs.BoolVar(&o.wake, "wake", false, "end the snooze there is")
	for _, name := range []string{"for", "until", "pager"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *snoozeOptions) complete(args []string) (err error) {
	if len(args) > 0 {
		o.ref = args[0]
	}
	if o.pager, err = cli.PagerNumber("pager", o.pager); err != nil {
		return err
	}
	switch {
	case o.ref != "" && o.pager != "":
		return cli.Usage("an incident and --pager: only one of them")
	case o.wake && (o.span != "" || o.until != ""):
		return cli.Usage("--wake ends a snooze; --for and --until make one")
	case o.wake:
		return nil
	case o.span != "" && o.until != "":
		return cli.Usage("--for and --until: only one of them")
	case o.span == "" && o.until == "":
		return cli.Usage("a snooze has an end").WithHint("--for 1h, or --until 18:00")
	}
	if err := publicstatus.CheckReason(o.f.Change.Reason); err != nil {
		return cli.Usage("a snooze needs a reason").WithHint("--reason TEXT, up to 500 characters")
	}
	if o.until != "" {
		o.end, err = o.f.Coming("until", o.until)
		return err
	}
	d, err := cli.Length("for", o.span, 0)
	if err != nil {
		return err
	}
	if _, err := o.f.Config(); err != nil { // the demo's clock comes with it
		return err
	}
	o.end = o.f.Now().Add(d)
	return nil
}

func (o *snoozeOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := o.look(ctx, b)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "snooze", Done: "snoozed", Kind: "public-incident", Targets: []string{p.Incident.ID}}
	note := "woken"
	if p.Snooze != nil {
		plan.Until = &p.Snooze.Until
		note = "snoozed until " + o.f.Clock(p.Snooze.Until) + ": " + p.Snooze.Reason
	} else {
		plan.Verb, plan.Done = "wake", "woken"
	}
	if p.Already {
		plan.Effects = []string{fmt.Sprintf("%s (%s) is not snoozed", p.Incident.ID, p.Incident.Title)}
		return o.f.Mutate(ctx, plan, func(_ context.Context, report mutate.Report) error {
			report(p.Incident.ID, mutate.Outcome{Words: "not snoozed", Item: p.Incident})
			return nil
		})
	}
	if was := p.Incident.Snooze; p.Snooze != nil && was != nil && was.Until.After(o.f.Now()) {
		by := ""
		if was.By != "" {
			by = " by " + was.By
		}
		plan.Notes = append(plan.Notes, "it replaces the snooze"+by+" until "+o.f.Clock(was.Until)+": "+was.Reason)
	}
	plan.Effects = []string{fmt.Sprintf("%s (%s): %s; kept in its metadata, nothing is posted and nobody is notified", p.Incident.ID, p.Incident.Title, note)}
	if p.Incident.Pager != nil && o.f.Change.Incident == "" {
		o.f.Change.Incident = p.Incident.Pager.Number
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		in, posted, err := b.Snooze(ctx, p)
		if err != nil {
			return err
		}
		if posted {
			o.f.IO.Warn("the page added an update to %s although nothing was posted: look at %s", in.ID, in.URL)
		}
		o.f.TellPager(ctx, in.Pager, "public incident "+in.ID+" "+note)
		out := mutate.Outcome{Changed: true, Item: in}
		if p.Snooze != nil {
			out.Message = "until " + o.f.Clock(p.Snooze.Until)
		}
		report(in.ID, out)
		return nil
	})
}

func (o *snoozeOptions) look(ctx context.Context, b *publicstatus.Board) (publicstatus.SnoozePlan, error) {
	if o.wake {
		return b.PlanWake(ctx, o.ref, o.pager)
	}
	return b.PlanSnooze(ctx, o.ref, o.pager, o.end, o.f.Change.Reason)
}
