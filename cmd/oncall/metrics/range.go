package metrics

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/atomicfile"
	"github.com/balena-io/oncall/pkg/metrics"
	"github.com/balena-io/oncall/pkg/prometheus"
)

type rangeOptions struct {
	f     *cli.Factory
	expr  string
	span  cli.SpanFlags
	step  string
	graph bool
	png   string
	unit  string

	from, to time.Time
	every    time.Duration
	name     string        // of a named query
	named    metrics.Query // zero without a name
}

func newCmdRange(f *cli.Factory) *cobra.Command {
	o := &rangeOptions{f: f}
	cmd := &cobra.Command{
		Use:   "range <expr|name>",
		Short: "Evaluate PromQL, or a named query, over a time: table, graph or picture",
		Long: `Evaluate a PromQL expression, or a named query, over a time. The table has one row a
series with its least, mean, greatest and last value and a sparkline; --graph draws
curves in the terminal, --png FILE writes a picture to post. JSON has every point.

The step is chosen for the width of the terminal (--step auto), or given. A server
gives 11,000 points a series: a smaller step is raised, and the command says so.`,
		Example: `oncall metrics range api-5xx --since 3h --graph
oncall metrics range 'sum by (code) (rate(http_requests_total[5m]))' --since 3h --step 1m -o json
oncall metrics range api-5xx --since 1h --png 5xx.png`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: completeNames(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.expr = strings.Join(args, " ")
			if err := o.complete(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.span.Bind(cmd, time.Hour)
	cmd.Flags().StringVar(&o.step, "step", "auto", "time between two points: auto, or 15s, 1m")
	cmd.Flags().BoolVar(&o.graph, "graph", false, "draw curves instead of a table")
	cmd.Flags().StringVar(&o.png, "png", "", "write a picture to this file")
	cmd.Flags().StringVar(&o.unit, "unit", "", "show values as: ratio, percent, bytes, seconds")
	_ = cmd.RegisterFlagCompletionFunc("step", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("unit", cli.Words("ratio", "percent", "bytes", "seconds"))
	_ = cmd.MarkFlagFilename("png", "png")
	return cmd
}

func (o *rangeOptions) complete() error {
	var err error
	if o.from, o.to, err = o.span.Read(o.f); err != nil {
		return err
	}
	// A name of the configuration is no PromQL: those have a dash, or are listed.
	if !strings.ContainsAny(o.expr, "({[ ") {
		all, err := o.f.Queries()
		if err != nil {
			return err
		}
		if q, err := metrics.Find(all, o.expr); err == nil {
			o.expr, o.name, o.named = q.Expr, q.Name, q
			if o.unit == "" {
				o.unit = q.Unit
			}
		}
	}
	span := o.to.Sub(o.from)
	if o.step == "" || o.step == "auto" {
		points := 2 * max(o.f.IO.Width, 60)
		if o.png != "" {
			points = 900
		}
		o.every = prometheus.AutoStep(span, points)
		return nil
	}
	if o.every, err = cli.Length("step", o.step, 0); err != nil {
		return err
	}
	if least := prometheus.MinStep(span); o.every < least {
		o.f.IO.Note("a step of %s makes more than %d points; using %s", o.every, prometheus.MaxPoints, least)
		o.every = least
	}
	return nil
}

// series is one series over a time.
type series struct {
	Metric map[string]string `json:"metric"`
	Points points            `json:"points"`
	stats  stats
	spark  string
}

// points are a series' values as JSON has them: {"time","value"}, the value a
// text, as NaN and +Inf are values.
type points struct {
	values     []prometheus.Point
	histograms []prometheus.HistogramPoint
}

// MarshalJSON writes the points straight from what was received: a range may
// hold half a million.
func (p points) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+64*len(p.values))
	b = append(b, '[')
	add := func(at time.Time, value string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, `{"time":"`...)
		b = at.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `","value":`...)
		b = strconv.AppendQuote(b, value)
		b = append(b, '}')
	}
	for _, v := range p.values {
		add(v.Time(), prometheus.Value(v.Value).String())
	}
	for _, h := range p.histograms {
		add(h.Time, histogramText(&h.Histogram))
	}
	return append(b, ']'), nil
}

func (s series) name() string { return prometheus.Labels(s.Metric).String() }

func (o *rangeOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Prometheus(ctx)
	if err != nil {
		return err
	}
	res, err := c.QueryRange(ctx, prometheus.Range{Expr: o.expr, Start: o.from, End: o.to, Step: o.every})
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	tellWarnings(o.f, res.Warnings, res.Infos)
	if o.png != "" {
		if err := o.picture(res.Matrix); err != nil {
			return err
		}
	}
	empty := "nothing found between " + o.f.Clock(o.from) + " and " + o.f.Clock(o.to)
	if o.graph && out.Human() && len(res.Matrix) > 0 {
		return o.draw(res.Matrix)
	}
	items := make([]series, len(res.Matrix))
	for i := range res.Matrix {
		items[i] = o.item(&res.Matrix[i], out.Human())
	}
	return printer.List(out, o.table(), items, printer.Meta{Empty: empty})
}

// item turns a series into a row; for people the points are only summed up.
func (o *rangeOptions) item(s *prometheus.Series, human bool) series {
	x := series{Metric: s.Metric, stats: statsOf(s.Points)}
	if x.Metric == nil {
		x.Metric = map[string]string{}
	}
	if human {
		x.spark = metrics.Spark(s.Points, o.from, o.to, sparkWidth)
		return x
	}
	x.Points = points{s.Points, s.Histograms}
	return x
}

func (o *rangeOptions) draw(all []prometheus.Series) error {
	width := o.f.IO.Width
	if width <= 0 {
		width = 80
	}
	g := metrics.Graph{Width: width, Color: o.f.IO.Color, Unit: o.unit, Zone: o.f.Location(), From: o.from, To: o.to}
	text, rest := g.Draw(o.titled(all))
	if rest > 0 {
		o.f.IO.Note("the largest are drawn, %d more are not; narrow the query or leave out --graph", rest)
	}
	_, err := io.WriteString(o.f.IO.Stdout(), strings.TrimRight(text, "\n")+"\n")
	return err
}

// titled gives a series without labels the name of its query, for a legend.
func (o *rangeOptions) titled(all []prometheus.Series) []prometheus.Series {
	out := slices.Clone(all)
	for i := range out {
		if len(out[i].Metric) == 0 && o.name != "" {
			out[i].Metric = prometheus.Labels{prometheus.NameLabel: o.name}
		}
	}
	return out
}

// label is the series' name in a table.
func (o *rangeOptions) label(s series) string {
	if len(s.Metric) == 0 && o.name != "" {
		return o.name
	}
	return s.name()
}

// picture writes the PNG whole or not at all.
func (o *rangeOptions) picture(all []prometheus.Series) error {
	p := metrics.Picture{Title: o.expr, Unit: o.unit, Zone: o.f.Location(), From: o.from, To: o.to, Limit: o.named.Above}
	if p.Limit == nil {
		p.Limit = o.named.Below
	}
	if o.name != "" {
		p.Title = o.name
		for _, more := range []string{o.named.Description, o.named.Limits()} {
			if more != "" {
				p.Title += ", " + more
			}
		}
		all = o.titled(all)
	}
	rest := 0
	err := atomicfile.WriteFunc(o.png, 0o644, func(w io.Writer) (err error) {
		rest, err = p.Write(w, all)
		return err
	})
	if err != nil {
		return apierr.New(apierr.ErrUsage, "", "--png", "%v", err)
	}
	if rest > 0 {
		o.f.IO.Note("the largest are in the picture, %d more are not", rest)
	}
	o.f.IO.Note("wrote %s", o.png)
	return nil
}

func (o *rangeOptions) table() printer.Table[series] {
	column := func(header string, wide bool, v func(stats) (float64, bool)) printer.Column[series] {
		return printer.Column[series]{Header: header, Wide: wide, Value: func(s series) string {
			f, ok := v(s.stats)
			if !ok {
				return ""
			}
			return metrics.Format(f, o.unit)
		}}
	}
	return printer.Table[series]{
		Kind: "MetricSeries",
		Name: series.name,
		Columns: []printer.Column[series]{
			{Header: "METRIC", Flex: true, Value: o.label},
			column("MIN", false, func(s stats) (float64, bool) { return s.min, s.n > 0 }),
			column("MEAN", false, func(s stats) (float64, bool) { return s.mean, s.n > 0 }),
			column("MAX", false, func(s stats) (float64, bool) { return s.max, s.n > 0 }),
			column("LAST", false, func(s stats) (float64, bool) { return s.last, s.all > 0 }),
			{Header: "GRAPH", Value: func(s series) string { return s.spark }},
			{Header: "POINTS", Wide: true, Value: func(s series) string { return s.stats.counts() }},
		},
	}
}
