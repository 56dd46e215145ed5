package metrics

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/prometheus"
)

type rulesOptions struct {
	f    *cli.Factory
	kind string
}

// rule is an alerting or a recording rule.
type rule struct {
	Name   string            `json:"name"`
	Type   string            `json:"type"`   // alerting, recording
	State  string            `json:"state"`  // firing, pending, inactive; "" for a recording rule
	Health string            `json:"health"` // ok, err, unknown
	Error  string            `json:"error"`
	Expr   string            `json:"expr"`
	For    string            `json:"for"`
	Labels map[string]string `json:"labels"`
	Group  string            `json:"group"`
	File   string            `json:"file"`
}

func newCmdRules(f *cli.Factory) *cobra.Command {
	o := &rulesOptions{f: f}
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List rules: broken ones first, then firing, with expression and for",
		Example: `oncall metrics rules
oncall metrics rules --type alert -o wide`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.kind, "type", "", "only these: alert or record")
	_ = cmd.RegisterFlagCompletionFunc("type", cli.Words("alert", "record"))
	return cmd
}

func (o *rulesOptions) run(ctx context.Context) error {
	if !slices.Contains([]string{"", "alert", "record"}, o.kind) {
		return apierr.New(apierr.ErrUsage, "", "--type", "%q is not alert or record", o.kind)
	}
	out := o.f.Printer()
	c, err := o.f.Prometheus(ctx)
	if err != nil {
		return err
	}
	groups, err := c.Rules(ctx, o.kind)
	if err != nil {
		return err
	}
	items := []rule{}
	for _, g := range groups {
		for _, r := range g.Rules {
			items = append(items, newRule(g, r))
		}
	}
	slices.SortStableFunc(items, func(a, b rule) int { return cmp.Compare(a.rank(), b.rank()) })
	return printer.List(out, ruleTable(), items, printer.Meta{Empty: "no rule"})
}

func newRule(g prometheus.RuleGroup, r prometheus.Rule) rule {
	x := rule{Name: r.Name, Type: r.Type, State: string(r.State), Health: r.Health, Error: r.LastError, Expr: r.Query, Labels: r.Labels, Group: g.Name, File: g.File}
	if r.Type == "alerting" {
		x.For = lengthText(r.For())
	}
	if x.Labels == nil {
		x.Labels = map[string]string{}
	}
	return x
}

func (r rule) rank() int {
	if r.Health == "err" {
		return -1
	}
	return slices.Index([]string{"firing", "pending", "inactive", ""}, r.State)
}

func ruleTable() printer.Table[rule] {
	return printer.Table[rule]{
		Kind: "MetricRule",
		Name: func(r rule) string { return r.Name },
		Columns: []printer.Column[rule]{
			{Header: "RULE", Value: func(r rule) string { return r.Name }},
			{Header: "STATE", Value: func(r rule) string {
				if r.Health == "err" {
					return "broken"
				}
				return r.State
			}, Style: func(r rule) ios.Style {
				switch {
				case r.Health == "err" || r.State == "firing":
					return ios.Red
				case r.State == "pending":
					return ios.Yellow
				}
				return ios.None
			}},
			{Header: "FOR", Value: func(r rule) string { return r.For }},
			{Header: "EXPR", Flex: true, Value: func(r rule) string {
				if r.Error != "" {
					return r.Error
				}
				return r.Expr
			}},
			{Header: "TYPE", Wide: true, Value: func(r rule) string { return r.Type }},
			{Header: "GROUP", Wide: true, Value: func(r rule) string { return r.Group }},
			{Header: "LABELS", Wide: true, Value: func(r rule) string { return labelsText(r.Labels) }},
		},
	}
}
