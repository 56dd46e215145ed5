package maintenance

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

type createOptions struct {
	f              *cli.Factory
	title          string
	body, file     string
	components     []string
	start, end     string
	span           string
	short          string
	manual         bool
	noRemind, mute bool

	draft publicstatus.MaintenanceDraft
}

func newCmdCreate(f *cli.Factory) *cobra.Command {
	o := &createOptions{f: f}
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Announce maintenance, at least 7 days ahead",
		Long: `Announce maintenance. It starts and ends by itself at its times: the page then moves
its state and the status of its components, and reminds subscribers an hour before.
With --manual you move it: start, verify, complete.

Times are in your zone (--tz) unless they carry one. A time that a change of clocks
skips or repeats is refused. Less than 7 days' notice is refused (exit code 8) unless
--short-notice says why; the reason is kept with the maintenance.`,
		Example: `oncall status maintenance create --title "Database upgrade" --component Dashboard --start "2026-03-20 06:00" --for 1h --body-file notice.md
oncall status maintenance create --title "Certificate" --component API --start 2h --for 10m --body "..." --short-notice "it expires tonight"`,
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
	fs.StringArrayVar(&o.components, "component", nil, "component that it concerns, several times")
	fs.StringVar(&o.start, "start", "", "when it starts: 2006-01-02 15:04, 2006-01-02T15:04:05Z, or 9d from now")
	fs.StringVar(&o.end, "end", "", "when it ends")
	fs.StringVar(&o.span, "for", "", "how long it lasts, instead of --end: 90m, 2h")
	fs.StringVar(&o.short, "short-notice", "", "reason for less than 7 days' notice")
	fs.BoolVar(&o.manual, "manual", false, "do not start and end by itself")
	fs.BoolVar(&o.noRemind, "no-remind", false, "do not remind subscribers an hour before")
	fs.BoolVar(&o.mute, "no-notify", false, "tell no subscriber, now or at start and end")
	for _, name := range []string{"title", "start", "end", "for", "short-notice"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	_ = cmd.RegisterFlagCompletionFunc("component", cli.CompleteComponents(f, false))
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *createOptions) complete(ctx context.Context) error {
	d := &o.draft
	d.Title, d.Components, d.ShortNotice = o.title, o.components, o.short
	d.Manual, d.Notify = o.manual, !o.mute
	d.Remind = d.Notify && !o.noRemind
	if o.title == "" {
		return cli.Usage("maintenance needs a title").WithHint("--title TEXT")
	}
	if err := publicstatus.CheckTitle(o.title); err != nil {
		return err
	}
	if len(o.components) == 0 {
		return cli.Usage("maintenance concerns at least one component").WithHint("--component NAME")
	}
	if err := o.times(); err != nil {
		return err
	}
	// Before the editor: nobody writes a text for a time that is refused.
	if err := publicstatus.CheckNotice(d.Start, o.f.Now(), o.short); err != nil {
		return err
	}
	var err error
	if d.Body, err = o.f.ReadText(ctx, cli.Text{Name: "body", Given: o.body, File: o.file}); err != nil {
		return err
	}
	if err := publicstatus.CheckBody(d.Body); err != nil {
		return err
	}
	return o.times() // "7d" is counted from the end of the writing
}

// times reads start and end, and refuses what cannot be before anything is asked.
func (o *createOptions) times() (err error) {
	switch {
	case o.start == "":
		return cli.Usage("maintenance needs a start").WithHint(`--start "2006-01-02 15:04"`)
	case o.end == "" && o.span == "":
		return cli.Usage("maintenance needs an end").WithHint("--end TIME, or --for 1h")
	case o.end != "" && o.span != "":
		return cli.Usage("--end and --for: only one of them")
	}
	if o.draft.Start, err = o.f.Coming("start", o.start); err != nil {
		return err
	}
	// "9d" from now has a fraction of a second that nobody meant; rounding up keeps
	// the notice.
	o.draft.Start = o.draft.Start.Add(time.Second - 1).Truncate(time.Second)
	if o.span != "" {
		var d time.Duration
		if d, err = cli.Length("for", o.span, 0); err != nil {
			return err
		}
		o.draft.End = o.draft.Start.Add(d)
	} else if o.draft.End, err = o.f.Coming("end", o.end); err != nil {
		return err
	}
	return publicstatus.CheckTimes(o.draft.Start, o.draft.End, o.f.Now())
}

func (o *createOptions) run(ctx context.Context) error {
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanMaintenance(ctx, o.draft)
	if err != nil {
		return err
	}
	return o.f.Mutate(ctx, o.plan(p), func(ctx context.Context, report mutate.Report) error {
		m, found, err := b.CreateMaintenance(ctx, p)
		if err != nil {
			return err
		}
		report(m.ID, mutate.Outcome{Words: publicstatus.SayState(m.State), Changed: true, Message: "starts " + o.f.Clock(m.StartsAt) + ", " + m.URL, Looked: found, Item: m})
		return nil
	})
}

func (o *createOptions) plan(p publicstatus.MaintenancePlan) mutate.Plan {
	plan := mutate.Plan{Verb: "announce", Done: "announced", Kind: kind, Ask: mutate.AskYesNo}
	if o.f.Change.DryRun {
		plan.Targets = []string{"new"}
	}
	names := []publicstatus.Ref{}
	for _, c := range p.Components {
		names = append(names, publicstatus.Ref{Name: c.Name})
	}
	plan.Effects = append(plan.Effects,
		fmt.Sprintf("announces %q on the public page (%s)", p.Draft.Title, cli.Audience(p.Subscribers, p.Draft.Notify)),
		fmt.Sprintf("from   %s to %s (%s), %s ahead", o.f.Clock(p.Draft.Start), o.f.Clock(p.Draft.End), ios.AgeLong(p.Draft.End.Sub(p.Draft.Start)), ios.AgeLong(p.Notice.Round(time.Minute))),
		"about  "+cli.Names(names))
	plan.Effects = append(plan.Effects, cli.Says("says", p.Draft.Body)...)
	if p.Draft.Manual {
		plan.Effects = append(plan.Effects, "you start and end it: oncall status maintenance start, complete")
	} else {
		plan.Effects = append(plan.Effects, "starts and ends by itself; its components are under maintenance meanwhile")
	}
	if p.Short() {
		plan.Notes = append(plan.Notes, "short notice: "+p.Draft.ShortNotice)
	}
	for _, m := range p.Overlaps {
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s (%s) concerns the same at the same time", m.ID, m.Title))
	}
	return plan
}
