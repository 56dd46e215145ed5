package status

import (
	"context"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

type staleOptions struct {
	f       *cli.Factory
	maxAge  string
	webhook string

	age time.Duration
}

func newCmdStale(f *cli.Factory) *cobra.Command {
	o := &staleOptions{f: f}
	cmd := &cobra.Command{
		Use:   "stale",
		Short: "List the open public incidents that need an update, as a chat bot would",
		Long: `List the open incidents that have had no update for longer than --max-age, the longest
silent first, and then those that are snoozed, with their reason and end.

With --webhook it posts the reminder to a chat channel, as JSON with a "text" field,
and only when something is due: made for a cron job. The address may hold a secret, so
it is never printed; "-" reads it from standard input.`,
		Example: `oncall status stale
oncall status stale --max-age 1h --webhook https://chat.example.test/hooks/on-call`,
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
	fs.StringVar(&o.maxAge, "max-age", "", "how long an open incident may say nothing (default 30m)")
	fs.StringVar(&o.webhook, "webhook", "", "post the reminder to this address when something is due")
	_ = cmd.RegisterFlagCompletionFunc("max-age", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("webhook", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *staleOptions) complete(ctx context.Context) (err error) {
	if o.age, err = cli.Length("max-age", o.maxAge, publicstatus.DefaultMaxAge); err != nil {
		return err
	}
	if o.webhook == "-" {
		if o.webhook, err = o.f.ReadText(ctx, cli.Text{Name: "webhook", Given: "-"}); err != nil {
			return err
		}
	}
	if o.webhook == "" {
		return nil
	}
	if u, err := url.Parse(o.webhook); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return cli.Usage("--webhook: not a web address")
	}
	return nil
}

func (o *staleOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	rows, err := b.Stale(ctx, o.age)
	if err != nil {
		return err
	}
	text := publicstatus.ReminderText(rows, o.f.Now())
	if o.webhook == "" || text == "" {
		err := printer.List(out, o.table(), rows, printer.Meta{})
		if err == nil && text != "" && out.Human() {
			o.f.IO.Hint("oncall status incident update %s", rows[0].ID) // what is due is listed first
		}
		return err
	}
	hook, err := o.f.Webhook(o.webhook)
	if err != nil {
		return err
	}
	// The reminder is the result here; the list is what it says.
	plan := mutate.Plan{Verb: "post", Done: "posted", Kind: "reminder", Targets: []string{hook.Host},
		Effects: append([]string{"posts a reminder to " + hook.Host}, cli.Says("says", text)...)}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		if err := hook.Post(ctx, text); err != nil {
			return err
		}
		report(hook.Host, mutate.Outcome{Changed: true, Item: rows})
		return nil
	})
}

func (o *staleOptions) table() printer.Table[publicstatus.Reminder] {
	return printer.Table[publicstatus.Reminder]{
		Kind: "Reminder",
		Name: func(r publicstatus.Reminder) string { return r.ID },
		Columns: []printer.Column[publicstatus.Reminder]{
			{Header: "ID", Value: func(r publicstatus.Reminder) string { return r.ID }},
			{Header: "STATE", Value: func(r publicstatus.Reminder) string { return publicstatus.SayState(r.State) }},
			{Header: "SILENT", Value: func(r publicstatus.Reminder) string { return o.f.Age(r.Since) }, Style: func(r publicstatus.Reminder) ios.Style {
				if r.Due {
					return ios.Yellow
				}
				return ios.None
			}},
			{Header: "TITLE", Flex: true, Value: func(r publicstatus.Reminder) string { return r.Title }},
			{Header: "SNOOZED", Value: o.snoozed},
			{Header: "WHY", Flex: true, Value: func(r publicstatus.Reminder) string {
				if r.Snooze == nil {
					return ""
				}
				return r.Snooze.Reason
			}},
			{Header: "PAGER", Wide: true, Value: func(r publicstatus.Reminder) string {
				if r.Pager == nil {
					return ""
				}
				return r.Pager.Number
			}},
			{Header: "LAST UPDATE", Wide: true, Value: func(r publicstatus.Reminder) string { return o.f.Clock(r.Since) }},
			{Header: "URL", Wide: true, Value: func(r publicstatus.Reminder) string { return r.URL }},
		},
		Empty: "no open public incident needs an update",
	}
}

func (o *staleOptions) snoozed(r publicstatus.Reminder) string {
	if r.Snooze == nil {
		return ""
	}
	text := "until " + o.f.Clock(r.Snooze.Until)
	if r.Snooze.By != "" {
		text += " by " + r.Snooze.By
	}
	return text
}
