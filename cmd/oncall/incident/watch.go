package incident

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type watchOptions struct {
	list  listOptions
	every string
	bell  bool

	interval time.Duration
}

func newCmdWatch(f *cli.Factory) *cobra.Command {
	o := &watchOptions{list: listOptions{f: f}}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Watch incidents: redrawn on a terminal, one line for each change elsewhere",
		Long: `Watch incidents until Ctrl-C. On a terminal the list is redrawn; in a pipe each change
is a JSON line (or what -o says), beginning with those that are there. A network
that goes away is told on stderr and waited for.`,
		Example: `oncall incident watch --mine --bell
oncall incident watch --team Operations | jq -r '.kind + " " + .incident.number'`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.list.validate(); err != nil {
				return err
			}
			var err error
			if o.interval, err = cli.Length("every", o.every, 10*time.Second); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.list.flags(cmd)
	cmd.Flags().StringVar(&o.every, "every", "10s", "how often to look, 2s at least")
	cmd.Flags().BoolVar(&o.bell, "bell", false, "ring when an incident is triggered")
	_ = cmd.RegisterFlagCompletionFunc("every", cobra.NoFileCompletions)
	return cmd
}

func (o *watchOptions) run(ctx context.Context) error {
	f := o.list.f
	out := f.StreamPrinter()
	p, err := f.Pager(ctx)
	if err != nil {
		return err
	}
	p.Wait = f.Wait
	show := o.lines(out)
	if f.IO.OutTTY && !f.IO.Dumb && out.Human() {
		show = o.screen(out)
	}
	for poll, err := range p.Watch(ctx, o.list.filter, o.interval) {
		if err != nil {
			return err
		}
		if err := show(poll); err != nil {
			return err
		}
		if o.bell && rings(poll) {
			_, _ = fmt.Fprint(f.IO.Err, "\a")
		}
	}
	return ctx.Err()
}

// rings reports whether somebody is paged anew.
func rings(p pager.Poll) bool {
	for _, c := range p.Changes {
		if c.Kind == string(pager.Triggered) || c.Kind == pager.ChangePaged {
			return true
		}
	}
	return false
}

// lines tells each change once, and on stderr when the pager went away and came back.
func (o *watchOptions) lines(out *printer.Printer) func(pager.Poll) error {
	f := o.list.f
	stream := printer.NewStream(out, "IncidentChange", func(c pager.Change) string { return changeLine(f, c) }).
		WithName(func(c pager.Change) string { return c.Incident.Number })
	lost := false
	return func(p pager.Poll) error {
		switch {
		case p.Err != nil && !lost:
			f.IO.Warn("no answer since %s, still trying: %v", f.Clock(p.Lost), p.Err)
		case p.Back > 0:
			f.IO.Note("the pager answers again, after %s", ios.AgeLong(p.Back))
		}
		lost = p.Err != nil
		for _, c := range p.Changes {
			if err := stream.Print(c); err != nil {
				return err
			}
		}
		return nil
	}
}

func changeLine(f *cli.Factory, c pager.Change) string {
	line := fmt.Sprintf("%s  %s %s", f.Clock(c.At), c.Incident.Number, c.Kind)
	if c.Kind == pager.ChangePresent {
		line = fmt.Sprintf("%s  %s %s", f.Clock(c.At), c.Incident.Number, c.Incident.Phase)
	}
	if c.By != "" {
		line += " by " + c.By
	}
	line += "  " + c.Incident.Title
	if c.Message != "" {
		line += ": " + c.Message
	}
	return ios.Visible(line)
}

// screen draws the list anew at each look, and says so when what it shows is old.
func (o *watchOptions) screen(out *printer.Printer) func(pager.Poll) error {
	f := o.list.f
	last := []string{}
	return func(p pager.Poll) error {
		for _, c := range p.Changes {
			if c.Kind != pager.ChangePresent {
				last = append(last, changeLine(f, c))
			}
		}
		last = last[max(0, len(last)-5):]
		state := f.Clock(p.At) + " · every " + o.interval.String() + " · Ctrl-C ends"
		if p.Err != nil {
			state = f.IO.Paint(ios.Red, ios.Visible(fmt.Sprintf("%s · NO ANSWER since %s, this is old: %v", f.Clock(p.At), f.Clock(p.Lost), p.Err)))
		}
		// Home, then erase what was below: less flicker than erasing first.
		if _, err := fmt.Fprintf(f.IO.Out, "\x1b[H\x1b[J%s\n\n", state); err != nil {
			return err
		}
		if len(p.Incidents) == 0 {
			if _, err := fmt.Fprintln(f.IO.Out, "no such incident"); err != nil {
				return err
			}
		} else if err := printer.List(out, table(f), p.Incidents, printer.Meta{}); err != nil {
			return err
		}
		if len(last) == 0 {
			return nil
		}
		_, err := fmt.Fprintf(f.IO.Out, "\n%s\n", strings.Join(last, "\n"))
		return err
	}
}
