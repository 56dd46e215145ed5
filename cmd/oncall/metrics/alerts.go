package metrics

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/prometheus"
)

type alertsOptions struct {
	f            *cli.Factory
	failOnFiring bool
}

// alert is an active alert with the rule that made it.
type alert struct {
	Name     string            `json:"name"`
	State    string            `json:"state"` // firing, pending
	Since    time.Time         `json:"since"`
	Severity string            `json:"severity"`
	Value    string            `json:"value"`
	Labels   map[string]string `json:"labels"`
	Summary  string            `json:"summary"`
	Expr     string            `json:"expr"` // "" when the rule cannot be read
	For      string            `json:"for"`
	Group    string            `json:"group"`
}

func newCmdAlerts(f *cli.Factory) *cobra.Command {
	o := &alertsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "List active alerts, firing first, with the rule of each",
		Long: `List Prometheus' active alerts, firing first, then the most severe, then the newest,
with the rule's expression and for how long it must hold. Silences are Alertmanager's: a silenced
alert is still listed as firing.`,
		Example: `oncall metrics alerts
oncall metrics alerts -o wide
oncall metrics alerts --fail-on-firing`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().BoolVar(&o.failOnFiring, "fail-on-firing", false, "exit 9 when an alert fires")
	return cmd
}

func (o *alertsOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Prometheus(ctx)
	if err != nil {
		return err
	}
	alerts, err := c.Alerts(ctx)
	if err != nil {
		return err
	}
	meta := printer.Meta{Empty: "no alert is active"}
	groups, err := c.Rules(ctx, "alert")
	if err != nil { // the alerts are worth showing without their rules
		meta.Partial = []printer.Partial{{Source: "rules", Error: err.Error()}}
	}
	items, firing := withRules(alerts, groups), 0
	for _, a := range items {
		if a.State == string(prometheus.Firing) {
			firing++
		}
	}
	if err := printer.List(out, alertTable(o.f), items, meta); err != nil {
		return err
	}
	if o.failOnFiring && firing > 0 {
		return exit.Quiet(exit.Found)
	}
	return nil
}

// withRules puts beside each alert the rule of its name; of several rules with
// one name the one whose own alerts have its labels.
func withRules(alerts []prometheus.Alert, groups []prometheus.RuleGroup) []alert {
	out := []alert{}
	for _, a := range alerts {
		x := alert{Name: a.Name(), State: string(a.State), Since: a.ActiveAt, Severity: a.Labels["severity"], Value: a.Value.String(), Labels: a.Labels, Summary: a.Annotations["summary"]}
		if x.Labels == nil {
			x.Labels = map[string]string{}
		}
		if x.Summary == "" {
			x.Summary = a.Annotations["description"]
		}
		for _, g := range groups {
			for _, r := range g.Rules {
				owns := slices.ContainsFunc(r.Alerts, func(b prometheus.Alert) bool { return b.Labels.Compare(a.Labels) == 0 })
				if r.Name == x.Name && (x.Expr == "" || owns) {
					x.Expr, x.For, x.Group = r.Query, lengthText(r.For()), g.Name
				}
			}
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b alert) int {
		rank := func(x alert) int { return slices.Index([]string{"firing", "pending"}, x.State) }
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(severity(a.Severity), severity(b.Severity)), b.Since.Compare(a.Since), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// severity ranks the words that people use, the worst first; what is not known
// stands between a warning and a mere note.
func severity(word string) int {
	switch strings.ToLower(word) {
	case "critical", "page", "disaster", "emergency", "crit", "p1":
		return 0
	case "error", "major", "high", "p2":
		return 1
	case "warning", "warn", "minor", "p3":
		return 2
	case "info", "information", "none", "low":
		return 4
	}
	return 3
}

func alertTable(f *cli.Factory) printer.Table[alert] {
	return printer.Table[alert]{
		Kind: "MetricAlert",
		Name: func(a alert) string { return a.Name },
		Columns: []printer.Column[alert]{
			{Header: "ALERT", Value: func(a alert) string { return a.Name }},
			{Header: "STATE", Value: func(a alert) string { return a.State }, Style: func(a alert) ios.Style {
				if a.State == "firing" {
					return ios.Red
				}
				return ios.Yellow
			}},
			{Header: "SINCE", Value: func(a alert) string { return f.Age(a.Since) }},
			{Header: "SEVERITY", Value: func(a alert) string { return a.Severity }},
			{Header: "VALUE", Value: func(a alert) string { return inUnit(a.Value, "count") }},
			{Header: "LABELS", Flex: true, Min: 20, Spare: true, Value: func(a alert) string { return labelsText(a.Labels, "alertname", "severity") }},
			{Header: "SUMMARY", Flex: true, Min: 22, Value: func(a alert) string { return a.Summary }},
			{Header: "FOR", Spare: true, Value: func(a alert) string { return a.For }},
			{Header: "EXPR", Flex: true, Spare: true, Value: func(a alert) string { return a.Expr }},
		},
	}
}
