package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

type getOptions struct {
	f      *cli.Factory
	number string
}

func newCmdGet(f *cli.Factory) *cobra.Command {
	o := &getOptions{f: f}
	return &cobra.Command{
		Use:   "get <number>",
		Short: "Show an incident: what, since when, who was paged, links, what to do next",
		Example: `oncall incident get 4127
oncall incident get 4127 -o wide
oncall incident get 4127 --jq '.item.links[].url'`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := pager.Number(args[0])
			if err != nil {
				return err
			}
			o.number = n
			return o.run(cmd.Context())
		},
	}
}

func (o *getOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	d, err := p.Get(ctx, o.number)
	if err != nil {
		return err
	}
	o.f.WarnOfClock(p, d.Incident)
	t := printer.Table[pager.Detail]{Kind: "Incident", Name: func(d pager.Detail) string { return d.Number }}
	for _, c := range table(o.f).Columns {
		t.Columns = append(t.Columns, printer.Column[pager.Detail]{Header: c.Header, Wide: c.Wide, Flex: c.Flex, Min: c.Min, Keep: c.Keep,
			Value: func(d pager.Detail) string { return c.Value(d.Incident) }})
	}
	return printer.Item(out, t, d, func(v *printer.Detail) { view(o.f, v, d) }, printer.Meta{Partial: printer.Partials(d.Partial)})
}

// view draws an incident on one screen.
func view(f *cli.Factory, v *printer.Detail, d pager.Detail) {
	v.Title(d.Title, headline(f, d), phaseStyle(d.Incident))
	v.Row("paged", paged(f, d)...)
	if d.AckedBy != "" {
		v.Row("held by", d.AckedBy)
	}
	if d.Alert != nil {
		v.Row("alert", d.Alert.Message)
		if v.Wide() {
			v.Pairs("fields", alertFields(d.Alert)...)
		}
	}
	links := [][2]string{}
	for _, l := range d.Links {
		links = append(links, [2]string{l.Title, l.URL})
	}
	v.Pairs("links", links...)
	extras := map[string][][2]string{}
	for _, a := range d.Annotations {
		if a.Kind == "note" {
			v.Row(strings.ToLower(a.Title), a.Value)
			continue
		}
		extras[a.Kind] = append(extras[a.Kind], [2]string{a.Title, a.Value})
	}
	v.Pairs("images", extras["image"]...)
	v.Pairs("no links", extras["url"]...) // said to be one, and none that may be opened
	history := []string{}
	for _, e := range d.History {
		history = append(history, eventLine(f, e))
	}
	v.Row("history", history...)
	notes := []string{}
	for _, n := range d.Notes {
		notes = append(notes, noteLine(f, n))
	}
	if len(notes) == 0 {
		notes = append(notes, "none")
	}
	v.Row("notes", notes...)
	if d.URL != "" {
		v.Row("portal", d.URL)
	}
	if v.Wide() {
		v.Row("entity", d.EntityID)
		v.Row("routing", d.RoutingKey)
		v.Row("host", d.Host)
	}
	v.Next(next(d)...)
}

// headline says how an incident stands: "triggered 6m ago · critical · api".
func headline(f *cli.Factory, d pager.Detail) string {
	parts := []string{strings.TrimSpace(string(d.Phase) + " " + ios.Ago(since(d), f.Now()))}
	for _, s := range []string{d.Severity, d.Service} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " · ")
}

// since is when the incident came into its phase, as far as the history tells.
func since(d pager.Detail) time.Time {
	at := d.StartedAt
	for _, e := range d.History {
		if e.Kind == string(d.Phase) && e.At.After(at) {
			at = e.At
		}
	}
	return at
}

// paged says who was paged, through which policies, and who comes next.
func paged(f *cli.Factory, d pager.Detail) []string {
	who := "nobody"
	if len(d.PagedUsers) > 0 {
		who = joined(d.PagedUsers)
	}
	policies := []string{}
	for _, p := range d.PagedPolicies {
		policies = append(policies, p.Label())
	}
	if len(policies) > 0 {
		who += " (" + joined(policies) + ")"
	}
	if d.Next != nil {
		who += fmt.Sprintf(" · next: %s %s", joined(d.Next.Who), ios.Ago(d.Next.At, f.Now()))
	}
	return []string{who}
}

func alertFields(a *pager.Alert) [][2]string {
	out := [][2]string{}
	for k, val := range a.Fields {
		out = append(out, [2]string{k, val})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

func eventLine(f *cli.Factory, e pager.Event) string {
	line := f.Clock(e.At) + "  " + e.Kind
	if e.By != "" {
		line += " by " + e.By
	}
	if e.Message != "" {
		line += ": " + e.Message
	}
	return line
}

func noteLine(f *cli.Factory, n pager.Note) string {
	head := []string{}
	if !n.At.IsZero() {
		head = append(head, f.Clock(n.At))
	}
	if n.By != "" {
		head = append(head, n.By)
	}
	if len(head) == 0 {
		return n.Text
	}
	return strings.Join(head, " ") + ": " + n.Text
}

// next are the commands that make sense now.
func next(d pager.Detail) []string {
	switch d.Phase {
	case pager.Triggered:
		return []string{"oncall incident ack " + d.Number, "oncall incident reroute " + d.Number + " --to user:NAME"}
	case pager.Acknowledged:
		return []string{"oncall incident note " + d.Number + " TEXT", "oncall incident resolve " + d.Number}
	default:
		return nil
	}
}
