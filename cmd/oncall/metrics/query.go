package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/metrics"
	"github.com/balena-io/oncall/pkg/prometheus"
)

type queryOptions struct {
	f     *cli.Factory
	expr  string
	at    string
	spark bool
	unit  string
}

func newCmdQuery(f *cli.Factory) *cobra.Command {
	o := &queryOptions{f: f}
	cmd := &cobra.Command{
		Use:   "query <expr>",
		Short: "Evaluate a PromQL expression at one instant",
		Long: `Evaluate a PromQL expression at one instant. NaN and infinities are shown as such; a
query that finds nothing says so and is an empty list in JSON. Values are texts
in JSON, as Prometheus gives them.

Metrics of a CloudWatch exporter (aws_*) are ten minutes old: when nothing is
found now, they are looked for there, and the time tells it.`,
		Example: `oncall metrics query up
oncall metrics query 'sum by (code) (rate(http_requests_total{job="api"}[5m]))' --spark
oncall metrics query 'aws_rds_cpuutilization_average' --at 03:10`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: completeMetrics(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.expr = strings.Join(args, " ")
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.at, "at", "", "evaluate at that time: 10m (ago), 15:04, 2006-01-02T15:04:05Z")
	cmd.Flags().BoolVar(&o.spark, "spark", false, "draw the last hour of each series beside it")
	cmd.Flags().StringVar(&o.unit, "unit", "", "show values as: ratio, percent, bytes, seconds")
	_ = cmd.RegisterFlagCompletionFunc("at", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("unit", cli.Words("ratio", "percent", "bytes", "seconds"))
	return cmd
}

func (o *queryOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	at, err := o.f.Instant("at", o.at)
	if err != nil {
		return err
	}
	c, err := o.f.Prometheus(ctx)
	if err != nil {
		return err
	}
	res, late, err := o.evaluate(ctx, c, at)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	tellWarnings(o.f, res.Warnings, res.Infos)
	items := sampleItems(res)
	if len(items) == 0 && out.Human() {
		explainNothing(ctx, o.f, c, o.expr)
	}
	if late && len(items) > 0 && out.Human() {
		o.f.IO.Note("CloudWatch is late: these samples are %s old", o.f.Age(items[0].Time))
	}
	if o.spark && len(items) > 0 {
		if err := o.sparks(ctx, c, items); err != nil {
			return err
		}
	}
	meta := printer.Meta{Empty: "nothing found: the expression is valid, no series matches it now"}
	return printer.List(out, o.table(), items, meta)
}

// evaluate looks behind for metrics that are late.
func (o *queryOptions) evaluate(ctx context.Context, c *prometheus.Client, at time.Time) (*prometheus.Result, bool, error) {
	res, err := c.Query(ctx, prometheus.Query{Expr: o.expr, Time: at})
	if err != nil || !res.Empty() || !metrics.Late(o.expr) {
		return res, false, err
	}
	if at.IsZero() {
		at = o.f.Now()
	}
	again, err := metrics.LookBehind(ctx, c, o.expr, at)
	if err != nil {
		return res, false, err
	}
	return again, true, nil
}

// sampleItems are the rows of any result; of a range vector each series' last
// sample.
func sampleItems(res *prometheus.Result) []sample {
	items := []sample{}
	if res.Type == prometheus.String {
		return append(items, sample{Metric: map[string]string{}, Value: res.Text})
	}
	for _, s := range metrics.Samples(res) {
		x := sample{Metric: s.Metric, Time: s.Time, Value: s.Value.String()}
		if s.Histogram != nil {
			x.Value = histogramText(s.Histogram)
		}
		if x.Metric == nil {
			x.Metric = map[string]string{}
		}
		items = append(items, x)
	}
	return items
}

const sparkWidth = 24

func (o *queryOptions) sparks(ctx context.Context, c *prometheus.Client, items []sample) error {
	to := o.f.Now()
	from := to.Add(-time.Hour)
	res, err := c.QueryRange(ctx, prometheus.Range{Expr: o.expr, Start: from, End: to, Step: prometheus.AutoStep(time.Hour, 2*sparkWidth)})
	if err != nil {
		return err
	}
	byName := map[string]string{}
	for _, s := range res.Matrix {
		byName[s.Metric.String()] = metrics.Spark(s.Points, from, to, sparkWidth)
	}
	for i := range items {
		items[i].Spark = byName[items[i].name()]
	}
	return nil
}

func (o *queryOptions) table() printer.Table[sample] {
	t := printer.Table[sample]{
		Kind: "MetricSample",
		Name: sample.name,
		Columns: []printer.Column[sample]{
			{Header: "METRIC", Value: sample.name},
			{Header: "VALUE", Value: func(s sample) string { return inUnit(s.Value, o.unit) }},
		},
	}
	if o.spark {
		t.Columns = append(t.Columns, printer.Column[sample]{Header: "LAST HOUR", Value: func(s sample) string { return s.Spark }})
	}
	t.Columns = append(t.Columns, printer.Column[sample]{Header: "TIME", Wide: true, Value: func(s sample) string { return o.f.Clock(s.Time) }})
	return t
}

// inUnit shows a value in a unit that was asked for, or plain. What is no number is
// shown as it is.
func inUnit(text, unit string) string {
	var v prometheus.Value
	if v.UnmarshalJSON([]byte(text)) != nil {
		return text
	}
	if unit != "" {
		return metrics.Format(float64(v), unit)
	}
	return metrics.Plain(float64(v))
}
