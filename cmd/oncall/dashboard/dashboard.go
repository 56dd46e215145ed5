// Package dashboard is `oncall dashboard`: Grafana's dashboards, pictures of their
// panels, and marks on them.
package dashboard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/grafana"
	"github.com/balena-io/oncall/pkg/nearest"
)

// NewCmd makes `oncall dashboard`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "dashboard", "Grafana: find dashboards, link to them, picture a panel, mark a deploy",
		newCmdList,
		newCmdOpen,
		newCmdSnapshot,
		newCmdAnnotate,
	)
}

// row is a dashboard.
type row struct {
	Name   string   `json:"name"` // uid
	Title  string   `json:"title"`
	Folder string   `json:"folder"`
	Tags   []string `json:"tags"`
	URL    string   `json:"url"`
}

func newRow(d grafana.Dashboard) row {
	return row{Name: d.UID, Title: d.Title, Folder: d.Folder, Tags: d.Tags, URL: d.URL}
}

func table() printer.Table[row] {
	return printer.Table[row]{
		Kind: "Dashboard",
		Name: func(r row) string { return r.Name },
		Columns: []printer.Column[row]{
			{Header: "NAME", Value: func(r row) string { return r.Name }},
			{Header: "TITLE", Flex: true, Value: func(r row) string { return r.Title }},
			{Header: "FOLDER", Value: func(r row) string { return r.Folder }},
			{Header: "TAGS", Value: func(r row) string { return strings.Join(r.Tags, ",") }},
			{Header: "URL", Wide: true, Value: func(r row) string { return r.URL }},
		},
		Empty: "no dashboard",
	}
}

// find takes a uid, a title, a part of one, or a pasted address.
func find(ctx context.Context, c *grafana.Client, name string) (grafana.Dashboard, error) {
	if _, rest, ok := strings.Cut(name, "/d/"); ok {
		name, _, _ = strings.Cut(rest, "/")
		name, _, _ = strings.Cut(name, "?")
	}
	all, err := c.Search(ctx, grafana.SearchRequest{})
	if err != nil {
		return grafana.Dashboard{}, err
	}
	exact, part, titles := []grafana.Dashboard{}, []grafana.Dashboard{}, []string{}
	for _, d := range all {
		titles = append(titles, d.Title, d.UID)
		switch {
		case d.UID == name || strings.EqualFold(d.Title, name):
			exact = append(exact, d)
		case strings.Contains(strings.ToLower(d.Title), strings.ToLower(name)):
			part = append(part, d)
		}
	}
	if len(exact) == 0 {
		exact = part
	}
	switch len(exact) {
	case 1:
		return exact[0], nil
	case 0:
		err := apierr.New(apierr.ErrNotFound, "grafana", "dashboard "+name, "not found")
		if near := nearest.Of(name, titles); len(near) > 0 {
			return grafana.Dashboard{}, err.WithHint("did you mean %s?", near[0])
		}
		return grafana.Dashboard{}, err.WithHint("oncall dashboard list")
	}
	matches := []string{}
	for _, d := range exact {
		matches = append(matches, d.Title+" ("+d.UID+")")
	}
	return grafana.Dashboard{}, apierr.New(apierr.ErrAmbiguous, "grafana", "", "%q matches %s", name, strings.Join(matches, " and ")).WithHint("use the name in parentheses")
}

// findPanel takes a panel's number or a part of its title.
func findPanel(ctx context.Context, c *grafana.Client, d grafana.Dashboard, name string) (grafana.Panel, error) {
	detail, err := c.Get(ctx, d.UID)
	if err != nil {
		return grafana.Panel{}, err
	}
	exact, part, titles := []grafana.Panel{}, []grafana.Panel{}, []string{}
	for _, p := range detail.Panels {
		titles = append(titles, p.Title+" ("+itoa(p.ID)+")")
		switch {
		case itoa(p.ID) == name:
			return p, nil
		case strings.EqualFold(p.Title, name):
			exact = append(exact, p)
		case strings.Contains(strings.ToLower(p.Title), strings.ToLower(name)):
			part = append(part, p)
		}
	}
	if len(exact) == 0 {
		exact = part
	}
	fail := func(kind error, text string) (grafana.Panel, error) {
		return grafana.Panel{}, apierr.New(kind, "grafana", "dashboard "+d.Title, "%s", text).WithHint("its panels: %s", strings.Join(titles, ", "))
	}
	switch {
	case name == "" && len(detail.Panels) == 1:
		return detail.Panels[0], nil
	case name == "":
		return fail(apierr.ErrUsage, "which panel? give it with --panel")
	case len(exact) == 1:
		return exact[0], nil
	case len(exact) > 1:
		return fail(apierr.ErrAmbiguous, fmt.Sprintf("%q fits several panels", name))
	}
	return fail(apierr.ErrNotFound, fmt.Sprintf("there is no panel %q", name))
}

// checkVariables tells of a variable that the dashboard does not have: Grafana
// passes over it in silence and shows something else.
func checkVariables(ctx context.Context, f *cli.Factory, c *grafana.Client, d grafana.Dashboard, v grafana.View) {
	if len(v.Variables) == 0 {
		return
	}
	detail, err := c.Get(ctx, d.UID)
	if err != nil {
		return // the link is good without it
	}
	names := []string{}
	for _, known := range detail.Variables {
		names = append(names, known.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Variables)) {
		if slices.Contains(names, name) {
			continue
		}
		f.IO.Warn("grafana: dashboard %s has no variable %q", d.Title, name)
		if near := nearest.Of(name, names); len(near) > 0 {
			f.IO.Hint("did you mean %s?", near[0])
		} else if len(names) > 0 {
			f.IO.Hint("there are: %s", strings.Join(names, ", "))
		}
	}
}

// view is --since/--from/--to, --var and --incident of a link or a picture.
type view struct {
	span     cli.SpanFlags
	vars     []string
	incident string
}

func (v *view) bind(cmd *cobra.Command, f *cli.Factory) {
	v.span.Bind(cmd, time.Hour)
	cmd.Flags().StringArrayVar(&v.vars, "var", nil, "set a variable of the dashboard: NAME=VALUE, repeatable")
	cmd.Flags().StringVar(&v.incident, "incident", "", "at the time of this incident of the pager")
	_ = cmd.RegisterFlagCompletionFunc("var", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("incident", cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) { return openIncidents(ctx, f) }))
}

// before and after are how much of the time around an incident is shown.
const (
	before = 30 * time.Minute
	after  = 10 * time.Minute
)

// read makes the view. An incident's time begins half an hour before it and ends
// ten minutes after it was resolved, or now.
func (v *view) read(ctx context.Context, f *cli.Factory) (grafana.View, error) {
	out := grafana.View{Variables: map[string][]string{}}
	for _, pair := range v.vars {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return out, cli.Usage("--var: %q is not NAME=VALUE", pair)
		}
		out.Variables[name] = append(out.Variables[name], value)
	}
	if v.incident == "" {
		var err error
		out.From, out.To, err = v.span.Read(f)
		return out, err
	}
	if v.span.Given() {
		return out, cli.Usage("--incident has its own time: leave out --since, --from and --to")
	}
	begin, end, err := incidentTime(ctx, f, v.incident)
	if err != nil {
		return out, err
	}
	out.From, out.To = begin.Add(-before), f.Now()
	if !end.IsZero() && end.Add(after).Before(out.To) {
		out.To = end.Add(after)
	}
	return out, nil
}
