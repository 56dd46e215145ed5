package incident

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/shell"
	"github.com/balena-io/oncall/pkg/statuspage"
)

type createOptions struct {
	f          *cli.Factory
	title      string
	body, file string
	status     string
	components []string
	impact     string
	notify     notifyFlag
	template   string
	from       string

	draft publicstatus.Draft
}

func newCmdCreate(f *cli.Factory) *cobra.Command {
	o := &createOptions{f: f}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Open a public incident, which tells the subscribers",
		Long: `Open a public incident. Each --component gets its status in the same request.

With --template the title, text, status and components come from a template of the
page; its internal name stays internal. A template says no status for its components:
give one for each, or answer when asked. With --from the title is that of a pager
incident, and the two are remembered as a pair, on the page and in the pager's notes.

The text comes from --body, a file, standard input or your editor; a script that gives
none posts the page's usual words. Title up to 255 characters, text up to 25,000.`,
		Example: `oncall status incident create --title "API errors" --component API=partial --body "We are looking into it."
oncall status incident create --template api-errors --component API=major --from 4127
oncall status incident create --title "Slow builds" --component Builder=degraded --body-file - --no-notify --yes`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(cmd.Context()); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.title, "title", "", "public title")
	cli.BodyFlags(cmd, &o.body, &o.file)
	fs.StringVar(&o.status, "status", "", "investigating (the default), identified or monitoring")
	fs.StringArrayVar(&o.components, "component", nil, "COMPONENT=STATUS, several times")
	fs.StringVar(&o.impact, "impact", "", "none, minor, major or critical (default: computed from the components)")
	fs.StringVar(&o.template, "template", "", "name of a template of the page")
	fs.StringVar(&o.from, "from", "", "number of a pager incident to take title and link from")
	o.notify.flag(cmd)
	_ = cmd.RegisterFlagCompletionFunc("title", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("status", cli.Words("investigating", "identified", "monitoring"))
	_ = cmd.RegisterFlagCompletionFunc("component", cli.CompleteComponents(f, true))
	_ = cmd.RegisterFlagCompletionFunc("impact", cli.Words("none", "minor", "major", "critical"))
	_ = cmd.RegisterFlagCompletionFunc("template", completeTemplates(f))
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *createOptions) complete(ctx context.Context) (err error) {
	d := &o.draft
	d.Title, d.Template, d.Notify = o.title, o.template, o.notify.value()
	if o.title != "" {
		if err := publicstatus.CheckTitle(o.title); err != nil {
			return err
		}
	}
	if o.status != "" {
		if d.State, err = publicstatus.ParseIncidentState(o.status, statuspage.Investigating, statuspage.Identified, statuspage.Monitoring); err != nil {
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
	if o.from, err = cli.PagerNumber("from", o.from); err != nil {
		return err
	}
	if o.title == "" && o.template == "" && o.from == "" {
		return cli.Usage("a public incident needs a title").WithHint("--title TEXT, --template NAME, or --from PAGER_INCIDENT")
	}
	return o.readBody(ctx)
}

// readBody takes the text that was given, or asks for one in the editor where a
// person sits and no template has it. What stays empty becomes usual words.
func (o *createOptions) readBody(ctx context.Context) (err error) {
	if o.body == "" && o.file == "" {
		asks, err := o.asks()
		if err != nil || !asks || o.template != "" {
			return err
		}
	}
	start := publicstatus.DefaultBody(o.draft.State)
	if o.draft.State == "" {
		start = publicstatus.DefaultBody(statuspage.Investigating)
	}
	if o.draft.Body, err = o.f.ReadText(ctx, cli.Text{Name: "body", Given: o.body, File: o.file, Start: start}); err != nil {
		return err
	}
	return publicstatus.CheckBody(o.draft.Body)
}

// asks reports whether a person sits there who may be asked.
func (o *createOptions) asks() (bool, error) {
	cfg, err := o.f.Config()
	if err != nil {
		return false, err
	}
	return o.f.IO.Interactive() && !cfg.Bool("no-input") && !o.f.Change.Yes && !o.f.Change.DryRun, nil
}

func (o *createOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	if o.from != "" {
		pair, title, err := o.f.PagerIncident(ctx, o.from)
		if err != nil {
			return err
		}
		o.draft.Pager, o.draft.PagerTitle = &pair, title
	}
	p, err := o.planned(ctx, b)
	if err != nil {
		return err
	}
	tag(o.f, p.Pager)
	_, err = o.f.MutateResults(ctx, o.plan(p), func(ctx context.Context, report mutate.Report) error {
		in, found, err := b.Create(ctx, p)
		if err != nil {
			return err
		}
		o.f.TellPager(ctx, in.Pager, "public incident "+in.ID+" opened: "+in.Title+" "+in.URL)
		report(in.ID, mutate.Outcome{Words: publicstatus.SayState(in.State), Changed: true, Message: in.URL, Looked: found, Item: in})
		return nil
	})
	return err
}

// planned makes the plan. Where a template leaves the status of a component open
// a person is asked for it.
func (o *createOptions) planned(ctx context.Context, b *publicstatus.Board) (publicstatus.CreatePlan, error) {
	p, err := b.PlanCreate(ctx, o.draft)
	var need *publicstatus.NeedTargets
	if !errors.As(err, &need) {
		return p, err
	}
	asks, cerr := o.asks()
	switch {
	case cerr != nil:
		return p, cerr
	case !asks:
		return p, err
	}
	for _, c := range need.Components {
		status, err := o.ask(ctx, c)
		if err != nil {
			return p, err
		}
		o.draft.Components = append(o.draft.Components, publicstatus.Assignment{Name: c.ID, Status: status})
	}
	return b.PlanCreate(ctx, o.draft)
}

// ask asks for a component's status until it gets one.
func (o *createOptions) ask(ctx context.Context, c publicstatus.Ref) (statuspage.ComponentStatus, error) {
	for range 3 {
		answer, err := o.f.IO.Ask(ctx, c.Name+" is now (operational, degraded, partial, major, maintenance): ")
		if err != nil {
			return "", err
		}
		status, err := publicstatus.ParseComponentStatus(answer)
		if err == nil {
			return status, nil
		}
		o.f.IO.Note("%v", err)
	}
	return "", cli.Usage("no status for %s", c.Name).WithHint("--component %s", shell.Word(c.Name+"=STATUS"))
}

func (o *createOptions) plan(p publicstatus.CreatePlan) mutate.Plan {
	plan := mutate.Plan{Verb: "open", Done: "opened", Kind: kind, Ask: mutate.AskYesNo}
	if o.f.Change.DryRun {
		plan.Targets = []string{"new"}
	}
	impact := "impact computed by the page"
	if p.Impact != "" {
		impact = "impact " + string(p.Impact)
	}
	plan.Effects = append(plan.Effects, fmt.Sprintf("opens %q on the public page: %s, %s (%s)", p.Title, publicstatus.SayState(p.Text.State), impact, cli.Audience(p.Subscribers, p.Text.Notify)))
	plan.Effects = append(plan.Effects, cli.Says("says", p.Text.Body)...)
	plan.Effects = append(plan.Effects, assignLines(p.Targets)...)
	if p.Pager != nil {
		plan.Effects = append(plan.Effects, "pairs it with pager incident "+p.Pager.Number)
	}
	if len(p.Targets) == 0 {
		plan.Notes = append(plan.Notes, "it names no component: --component COMPONENT=STATUS")
	}
	for _, in := range p.Same {
		plan.Notes = append(plan.Notes, fmt.Sprintf("an open incident has this title already: %s", in.ID))
	}
	return plan
}

func completeTemplates(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		b, err := f.PublicStatus(ctx)
		if err != nil {
			return nil, err
		}
		all, err := b.Templates(ctx)
		out := []cobra.Completion{}
		for _, t := range all {
			out = append(out, cobra.CompletionWithDesc(t.Name, t.Title))
		}
		return out, err
	})
}
