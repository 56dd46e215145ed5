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

type updateOptions struct {
	f *cli.Factory
	target
	status     string
	body, file string
	title      string
	components []string
	impact     string
	notify     notifyFlag
	edit       string

	draft publicstatus.UpdateDraft
}

func newCmdUpdate(f *cli.Factory) *cobra.Command {
	o := &updateOptions{f: f}
	cmd := &cobra.Command{
		Use:   "update [incident]",
		Short: "Post an update to a public incident, or edit a past one",
		Long: `Post an update: a new status, a text, the status of components, or all of them. A new
status without a text posts the page's usual words.

Without a name it is the only open incident; when several are open nothing is guessed.
With --edit the text of a past update is replaced: its id, or "last". Subscribers are
not told of an edit.`,
		Example: `oncall status incident update --status identified --body "A deployment is being rolled back."
oncall status incident update --pager 4127 --status monitoring --component API=operational
oncall status incident update h8d2w6r0kfzp --edit last --body "We found the cause."`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompletePublicIncidents(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd.Context(), args); err != nil {
				return err
			}
			if o.edit != "" {
				return o.runEdit(cmd.Context())
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	o.flag(cmd)
	fs.StringVar(&o.status, "status", "", "investigating, identified or monitoring")
	cli.BodyFlags(cmd, &o.body, &o.file)
	fs.StringVar(&o.title, "title", "", "new public title")
	fs.StringArrayVar(&o.components, "component", nil, "COMPONENT=STATUS, several times")
	fs.StringVar(&o.impact, "impact", "", "none, minor, major or critical")
	fs.StringVar(&o.edit, "edit", "", "replace the text of this past update: its id, or last")
	o.notify.flag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("status", cli.Words("investigating", "identified", "monitoring"))
	_ = cmd.RegisterFlagCompletionFunc("component", cli.CompleteComponents(f, true))
	_ = cmd.RegisterFlagCompletionFunc("impact", cli.Words("none", "minor", "major", "critical"))
	_ = cmd.RegisterFlagCompletionFunc("edit", cli.Words("last"))
	_ = cmd.RegisterFlagCompletionFunc("title", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *updateOptions) complete(ctx context.Context, args []string) (err error) {
	if err := o.target.complete(args); err != nil {
		return err
	}
	d := &o.draft
	d.Ref, d.Pager, d.Title, d.Notify = o.ref, o.pager, o.title, o.notify.value()
	if o.title != "" {
		if err := publicstatus.CheckTitle(o.title); err != nil {
			return err
		}
	}
	if o.status != "" {
		if d.State, err = publicstatus.ParseIncidentState(o.status, statuspage.Investigating, statuspage.Identified, statuspage.Monitoring); err != nil {
			if strings.EqualFold(o.status, string(statuspage.Resolved)) {
				return cli.Usage("an incident is resolved with its components").WithHint("%s", strings.TrimSpace("oncall status incident resolve "+o.said()))
			}
			return err
		}
	}
	if o.impact != "" {
		if d.Impact, err = publicstatus.ParseImpact(o.impact); err != nil {
			return err
		}
	}
	if d.Components, err = cli.Assignments(o.components); err != nil {
		return err
	}
	if o.edit != "" && (o.status != "" || o.title != "" || o.impact != "" || len(o.components) > 0) {
		return cli.Usage("--edit replaces the text of a past update, and nothing else")
	}
	bare := o.status == "" && o.title == "" && o.impact == "" && len(o.components) == 0
	if o.body != "" || o.file != "" || bare {
		if d.Body, err = o.f.ReadText(ctx, cli.Text{Name: "body", Given: o.body, File: o.file}); err != nil {
			return err
		}
	}
	return publicstatus.CheckBody(d.Body)
}

func (o *updateOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanUpdate(ctx, o.draft)
	if err != nil {
		return err
	}
	tag(o.f, p.Incident.Pager)
	return o.f.Mutate(ctx, o.plan(p), func(ctx context.Context, report mutate.Report) error {
		in, err := b.Update(ctx, p)
		if err != nil {
			return err
		}
		o.f.TellPager(ctx, in.Pager, "public incident "+in.ID+" updated: "+publicstatus.SayState(in.State)+": "+p.Text.Body)
		report(in.ID, mutate.Outcome{Words: publicstatus.SayState(in.State), Changed: true, Message: in.URL, Item: in})
		return nil
	})
}

func (o *updateOptions) plan(p publicstatus.UpdatePlan) mutate.Plan {
	plan := mutate.Plan{Verb: "update", Done: "updated", Kind: kind, Targets: []string{p.Incident.ID}, Ask: mutate.AskYesNo, Notes: p.Warnings}
	head := fmt.Sprintf("updates %q on the public page", p.Incident.Title)
	if p.Text.State != "" {
		head += fmt.Sprintf(": %s -> %s", publicstatus.SayState(p.Incident.State), publicstatus.SayState(p.Text.State))
	}
	plan.Effects = append(plan.Effects, head+" ("+cli.Audience(p.Subscribers, p.Text.Notify)+")")
	if p.Title != "" {
		plan.Effects = append(plan.Effects, fmt.Sprintf("title  %q", p.Title))
	}
	if p.Impact != "" {
		plan.Effects = append(plan.Effects, "impact "+string(p.Incident.Impact)+" -> "+string(p.Impact))
	}
	if p.Text.Body != "" {
		plan.Effects = append(plan.Effects, cli.Says("says", p.Text.Body)...)
	}
	plan.Effects = append(plan.Effects, assignLines(p.Targets)...)
	return plan
}

func (o *updateOptions) runEdit(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanEdit(ctx, o.ref, o.pager, o.edit, o.draft.Body, false)
	if err != nil {
		return err
	}
	tag(o.f, p.Incident.Pager)
	plan := mutate.Plan{Verb: "edit", Done: "edited", Kind: kind, Targets: []string{p.Incident.ID}, Ask: mutate.AskYesNo, Effects: []string{
		fmt.Sprintf("edits the update of %s (%s) of %q (nobody is notified)", o.f.Clock(p.Update.At), publicstatus.SayState(p.Update.State), p.Incident.Title)}}
	plan.Effects = append(append(plan.Effects, cli.Says("said", p.Update.Body)...), cli.Says("says", p.Body)...)
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		u, err := b.Edit(ctx, p)
		if err != nil {
			return err
		}
		report(p.Incident.ID, mutate.Outcome{Changed: true, Message: "update " + u.ID, Item: u})
		return nil
	})
}
