package incident

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

type postmortemOptions struct {
	f *cli.Factory
	target
	file    string
	publish bool
	notify  bool

	text string
}

func newCmdPostmortem(f *cli.Factory) *cobra.Command {
	o := &postmortemOptions{f: f}
	cmd := &cobra.Command{
		Use:   "postmortem [incident]",
		Short: "Show, draft or publish the postmortem of a public incident",
		Long: `Without flags it shows the postmortem. With --file it saves the file as the draft, which
only the team sees. With --publish it shows the draft to the public; subscribers are told
only with --notify. Both flags together save and then publish.`,
		Example: `oncall status incident postmortem h8d2w6r0kfzp --file postmortem.md
oncall status incident postmortem h8d2w6r0kfzp --publish --notify
oncall status incident postmortem --pager 4127`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(completeClosed(f)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := o.complete(args); err != nil {
				return err
			}
			switch {
			case o.notify && !o.publish:
				return cli.Usage("--notify goes with --publish")
			case o.ref == "" && o.pager == "":
				return cli.Usage("say which incident").WithHint("oncall status incident list --all")
			}
			if o.file != "" {
				if o.text, err = f.ReadText(cmd.Context(), cli.Text{Name: "postmortem", File: o.file}); err != nil {
					return err
				}
				if err := publicstatus.CheckPostmortem(o.text); err != nil {
					return err
				}
			}
			return o.run(cmd.Context())
		},
	}
	o.flag(cmd)
	fs := cmd.Flags()
	fs.StringVar(&o.file, "file", "", "save this file as the draft; - is standard input")
	fs.BoolVar(&o.publish, "publish", false, "show the draft to the public")
	fs.BoolVar(&o.notify, "notify", false, "tell the subscribers of the publication")
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *postmortemOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	pm, err := b.Postmortem(ctx, o.ref, o.pager)
	if err != nil {
		return err
	}
	if o.text == "" && !o.publish {
		return printer.Item(out, postmortemTable(), pm, func(d *printer.Detail) { drawPostmortem(o.f, d, pm) }, printer.Meta{})
	}
	if o.publish && o.text == "" && pm.Draft == "" {
		return apierr.New(apierr.ErrGuard, "status", "publish the postmortem of "+pm.IncidentID, "there is no draft to publish").WithHint("oncall status incident postmortem %s --file FILE", pm.IncidentID)
	}
	if o.publish && o.text == "" && !pm.PublishedAt.IsZero() && pm.Draft == pm.Body {
		return o.f.Mutate(ctx, mutate.Plan{Verb: "publish", Done: "published", Kind: "postmortem", Targets: []string{pm.IncidentID},
			Effects: []string{fmt.Sprintf("the postmortem of %q is published already, as it stands in the draft", pm.Title)}},
			func(_ context.Context, report mutate.Report) error {
				report(pm.IncidentID, mutate.Outcome{Words: "already published", Item: pm})
				return nil
			})
	}
	return o.f.Mutate(ctx, o.plan(ctx, b, pm), func(ctx context.Context, report mutate.Report) error {
		state := ""
		if o.text != "" {
			saved, err := b.DraftPostmortem(ctx, pm, o.text)
			if err != nil && (!o.publish || !errors.Is(err, apierr.ErrReadOnly)) { // a dry run shows both requests
				return err
			}
			pm, state = saved, "drafted"
		}
		if o.publish {
			published, err := b.PublishPostmortem(ctx, pm, o.notify)
			if err != nil {
				return o.unpublished(pm.IncidentID, err)
			}
			pm, state = published, "published"
		}
		report(pm.IncidentID, mutate.Outcome{Words: state, Changed: true, Message: pm.URL, Item: pm})
		return nil
	})
}

// unpublished says of a failed publication that the draft before it is saved.
func (o *postmortemOptions) unpublished(id string, err error) error {
	if o.text == "" || errors.Is(err, apierr.ErrReadOnly) {
		return err
	}
	out := &apierr.Error{Op: "publish the postmortem of " + id, Err: err,
		Message: "the draft is saved and not published: " + err.Error(), Hint: "oncall status incident postmortem " + id + " --publish"}
	if errors.Is(err, apierr.ErrUnknownOutcome) {
		out.Message, out.Hint = "the draft is saved; whether it is published cannot be told: "+err.Error(), apierr.HintOf(err)
	}
	return out
}

func (o *postmortemOptions) plan(ctx context.Context, b *publicstatus.Board, pm publicstatus.Postmortem) mutate.Plan {
	plan := mutate.Plan{Verb: "draft", Done: "drafted", Kind: "postmortem", Targets: []string{pm.IncidentID}}
	text := pm.Draft
	if o.text != "" {
		text = o.text
		length := "1 line"
		if n := len(lines(o.text)); n > 1 {
			length = cli.Thousands(n) + " lines"
		}
		plan.Effects = append(plan.Effects, fmt.Sprintf("saves a draft of %s for %q, which only the team sees", length, pm.Title))
		if pm.Draft != "" && pm.Draft != o.text {
			plan.Notes = append(plan.Notes, "it replaces the draft there is")
		}
	}
	if o.publish {
		plan.Verb, plan.Done, plan.Ask = "publish", "published", mutate.AskYesNo
		plan.Effects = append(plan.Effects, fmt.Sprintf("publishes the postmortem of %q on the public page (%s)", pm.Title, cli.Audience(b.Subscribers(ctx), o.notify)))
		first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
		plan.Effects = append(plan.Effects, "begins "+first)
		if !pm.IncidentState.Closed() {
			plan.Notes = append(plan.Notes, "the incident is "+publicstatus.SayState(pm.IncidentState)+"; the page may refuse it before the end: oncall status incident resolve "+pm.IncidentID)
		}
	}
	return plan
}

func postmortemTable() printer.Table[publicstatus.Postmortem] {
	return printer.Table[publicstatus.Postmortem]{
		Kind: "Postmortem",
		Name: func(p publicstatus.Postmortem) string { return p.IncidentID },
		Columns: []printer.Column[publicstatus.Postmortem]{
			{Header: "INCIDENT", Value: func(p publicstatus.Postmortem) string { return p.IncidentID }},
			{Header: "STATE", Value: func(p publicstatus.Postmortem) string { return p.State }},
			{Header: "TITLE", Flex: true, Value: func(p publicstatus.Postmortem) string { return p.Title }},
		},
	}
}

func drawPostmortem(f *cli.Factory, d *printer.Detail, pm publicstatus.Postmortem) {
	d.Title(pm.Title, "postmortem: "+pm.State)
	if !pm.PublishedAt.IsZero() {
		d.Row("since", f.Clock(pm.PublishedAt))
		d.Block("public", lines(pm.Body)...)
	}
	if pm.Draft != "" && pm.Draft != pm.Body {
		d.Block("draft", lines(pm.Draft)...)
	}
	d.Row("link", pm.URL)
	switch {
	case pm.Draft == "":
		d.Next("oncall status incident postmortem " + pm.IncidentID + " --file FILE")
	case pm.PublishedAt.IsZero() || pm.Draft != pm.Body:
		d.Next("oncall status incident postmortem " + pm.IncidentID + " --publish")
	}
}

func lines(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") }

// completeClosed offers the incidents that are over.
func completeClosed(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		b, err := f.PublicStatus(ctx)
		if err != nil {
			return nil, err
		}
		all, err := b.Incidents(ctx, true, f.Now().AddDate(0, -1, 0))
		out := []cobra.Completion{}
		for _, i := range all {
			if !i.Open() {
				out = append(out, cobra.CompletionWithDesc(i.ID, publicstatus.SayState(i.State)+": "+i.Title))
			}
		}
		return out, err
	})
}
