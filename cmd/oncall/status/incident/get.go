package incident

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

type getOptions struct {
	f *cli.Factory
	target
}

func newCmdGet(f *cli.Factory) *cobra.Command {
	o := &getOptions{f: f}
	cmd := &cobra.Command{
		Use:   "get [incident]",
		Short: "Show a public incident with its updates in order",
		Long: `Show a public incident: its updates in the order in which they were posted, its
components as they are now, the pager incident it is paired with. An incident is named
by its id, a link, its title or the beginning of it, or "last"; without a name it is
the only one that is open.`,
		Example: `oncall status incident get
oncall status incident get last
oncall status incident get --pager 4127 --jq '.item.updates[].body'`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompletePublicIncidents(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flag(cmd)
	return cmd
}

func (o *getOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	in, err := b.FindIncident(ctx, o.ref, o.pager)
	if err != nil {
		return err
	}
	return printer.Item(out, table(o.f), in, func(d *printer.Detail) { draw(o.f, d, in) }, printer.Meta{})
}

// draw shows an incident on one screen.
func draw(f *cli.Factory, d *printer.Detail, in publicstatus.Incident) {
	head := publicstatus.SayState(in.State) + " · impact " + string(in.Impact) + " · opened " + ios.Ago(in.Since, f.Now())
	d.Title(in.Title, head, stateStyle(in))
	parts := [][2]string{}
	for _, c := range in.Components {
		parts = append(parts, [2]string{c.Name, publicstatus.SayStatus(c.State)})
	}
	d.Pairs("components", parts...)
	lines := []string{}
	for _, u := range in.Updates {
		lines = append(lines, updateLines(f, u, d.Wide())...)
	}
	d.Row("updates", lines...)
	if in.Pager != nil {
		d.Row("pager", strings.TrimSpace(in.Pager.Number+" "+in.Pager.URL))
	}
	if s := snoozed(f, in); s != "" {
		d.Row("snoozed", s)
	}
	if !in.PostmortemAt.IsZero() {
		d.Row("account", "postmortem published "+f.Clock(in.PostmortemAt))
	}
	d.Row("link", in.URL)
	if d.Wide() {
		d.Row("id", in.ID)
	}
	d.Next(next(in)...)
}

// updateLines tells an update: when and what, then what it did to components.
func updateLines(f *cli.Factory, u publicstatus.Update, wide bool) []string {
	head := f.Clock(u.At) + "  " + publicstatus.SayState(u.State)
	if !u.Notified {
		head += " (nobody notified)"
	}
	if wide {
		head += "  [" + u.ID + "]"
	}
	out := []string{head}
	for line := range strings.Lines(u.Body) {
		out = append(out, "  "+strings.TrimRight(line, "\n"))
	}
	for _, c := range u.Components {
		out = append(out, fmt.Sprintf("  %s: %s -> %s", c.Name, publicstatus.SayStatus(c.From), publicstatus.SayStatus(c.To)))
	}
	return out
}

// next are the commands that make sense now.
func next(in publicstatus.Incident) []string {
	switch {
	case in.Open():
		return []string{"oncall status incident update " + in.ID, "oncall status incident resolve " + in.ID}
	case in.PostmortemAt.IsZero():
		return []string{"oncall status incident postmortem " + in.ID + " --file FILE"}
	}
	return nil
}
