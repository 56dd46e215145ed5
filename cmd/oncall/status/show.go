package status

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

type showOptions struct {
	f      *cli.Factory
	public bool
}

func newCmdShow(f *cli.Factory) *cobra.Command {
	o := &showOptions{f: f}
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the page: components, open incidents, maintenance",
		Long: `Show the status page at one glance: components by group with their status and since
when, open incidents, running and coming maintenance, each with what only the team
sees (snoozes, pager incidents, components hidden from the public).

With --public it shows what the page itself tells everybody. That needs no key, and
may be some seconds old: the page is cached.`,
		Example: `oncall status show
oncall status show --public
oncall status show --jq '.item.components[] | select(.state != "operational") | .name'`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.public, "public", false, "as the public sees it; needs no key")
	return cmd
}

func (o *showOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	v, err := o.read(ctx)
	if err != nil {
		return err
	}
	return printer.Item(out, overviewTable(), v, func(d *printer.Detail) { o.draw(d, v) }, printer.Meta{})
}

func (o *showOptions) read(ctx context.Context) (publicstatus.Overview, error) {
	if o.public {
		b, err := o.f.PublicPage()
		if err != nil {
			return publicstatus.Overview{}, err
		}
		return b.PublicOverview(ctx)
	}
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return publicstatus.Overview{}, err
	}
	return b.Overview(ctx)
}

func overviewTable() printer.Table[publicstatus.Overview] {
	return printer.Table[publicstatus.Overview]{
		Kind: "StatusPage",
		Name: func(v publicstatus.Overview) string { return v.Page.ID },
		Columns: []printer.Column[publicstatus.Overview]{
			{Header: "PAGE", Value: func(v publicstatus.Overview) string { return v.Page.Name }},
			{Header: "COMPONENTS", Value: func(v publicstatus.Overview) string { text, _ := sum(v.Components); return text }},
			{Header: "INCIDENTS", Value: func(v publicstatus.Overview) string { return fmt.Sprint(len(v.Incidents)) }},
			{Header: "MAINTENANCE", Value: func(v publicstatus.Overview) string { return fmt.Sprint(len(v.Maintenances)) }},
			{Header: "URL", Value: func(v publicstatus.Overview) string { return v.Page.URL }},
		},
	}
}

// sum says in one line how the components stand.
func sum(all []publicstatus.Component) (string, ios.Style) {
	bad, worst := 0, statuspage.Operational
	rank := map[statuspage.ComponentStatus]int{statuspage.UnderMaintenance: 1, statuspage.DegradedPerformance: 2, statuspage.PartialOutage: 3, statuspage.MajorOutage: 4}
	for _, c := range all {
		if c.State != statuspage.Operational {
			bad++
			if rank[c.State] >= rank[worst] {
				worst = c.State
			}
		}
	}
	if bad == 0 {
		return "all operational", ios.Green
	}
	return fmt.Sprintf("%d of %d not operational", bad, len(all)), componentStyle(worst)
}

func (o *showOptions) draw(d *printer.Detail, v publicstatus.Overview) {
	text, style := sum(v.Components)
	if v.Page.Description != "" {
		text = v.Page.Description
	}
	d.Title(v.Page.Name, text, style)
	groups := []string{}
	lines := map[string][][2]string{}
	for _, c := range v.Components {
		if _, ok := lines[c.Group]; !ok {
			groups = append(groups, c.Group)
		}
		lines[c.Group] = append(lines[c.Group], [2]string{c.Name, o.component(c)})
	}
	for _, g := range groups {
		label := g
		if label == "" {
			label = "others"
		}
		d.Pairs(label, lines[g]...)
	}
	d.Row("open", o.incidents(v.Incidents)...)
	d.Row("planned", o.maintenances(v.Maintenances)...)
	d.Row("page", v.Page.URL)
	if v.Page.Private {
		d.Row("seen by", "members of the team only: the page is private")
	}
	if v.Source == "public" {
		d.Row("source", "the public page, last changed "+ios.Ago(v.Page.UpdatedAt, o.f.Now()))
		return
	}
	d.Next(next(v)...)
}

func (o *showOptions) component(c publicstatus.Component) string {
	text := publicstatus.SayStatus(c.State)
	if !c.Since.IsZero() {
		text += "  " + o.f.Age(c.Since)
	}
	if c.Hidden {
		text += "  hidden from the public while it works"
	}
	return text
}

func (o *showOptions) incidents(all []publicstatus.Incident) []string {
	out := []string{}
	for _, i := range all {
		line := fmt.Sprintf("%s  %s, last update %s: %s", i.ID, publicstatus.SayState(i.State), ios.Ago(i.LastUpdateAt, o.f.Now()), i.Title)
		about := []string{}
		if len(i.Components) > 0 {
			about = append(about, cli.Names(i.Components))
		}
		if i.Pager != nil {
			about = append(about, "pager "+i.Pager.Number)
		}
		if i.Snooze != nil && i.Snooze.Until.After(o.f.Now()) {
			about = append(about, "snoozed until "+o.f.Clock(i.Snooze.Until)+": "+i.Snooze.Reason)
		}
		if len(about) > 0 {
			line += " (" + strings.Join(about, "; ") + ")"
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		out = append(out, "no incident")
	}
	return out
}

func (o *showOptions) maintenances(all []publicstatus.Maintenance) []string {
	out := []string{}
	for _, m := range all {
		line := fmt.Sprintf("%s  %s, starts %s: %s", m.ID, publicstatus.SayState(m.State), o.f.Clock(m.StartsAt), m.Title)
		if m.Running() {
			line = fmt.Sprintf("%s  %s until %s: %s", m.ID, publicstatus.SayState(m.State), o.f.Clock(m.EndsAt), m.Title)
		}
		if len(m.Components) > 0 {
			line += " (" + cli.Names(m.Components) + ")"
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		out = append(out, "no maintenance")
	}
	return out
}

// next are the commands that make sense now.
func next(v publicstatus.Overview) []string {
	if len(v.Incidents) > 0 {
		return []string{"oncall status incident get " + v.Incidents[0].ID, "oncall status check"}
	}
	return []string{"oncall status check"}
}
