package logs

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/metrics"
)

type queryOptions struct {
	f *cli.Factory
	selector
	span      cli.SpanFlags
	limit     int
	direction string
	parallel  int
	page      int
	raw       bool

	from, to time.Time
}

func newCmdQuery(f *cli.Factory) *cobra.Command {
	o := &queryOptions{f: f}
	cmd := &cobra.Command{
		Use:   "query [<logql>]",
		Short: "Read log lines, by labels or LogQL, whole ranges too",
		Long: `Read log lines: by flags that stand for labels, or by a LogQL query, or by a pipeline
behind the flags. The newest --limit lines are shown, oldest first; --direction sets
another order, --limit 0 reads all there are.

Whole ranges are read in pages, several parts at once (--parallel), in order: no
line is lost or doubled at an edge, however many share a timestamp. A metric query
is answered as a table.`,
		Example: `oncall logs query --service api --level error --since 1h
oncall logs query --service api --grep '/device/v2/state' '| logfmt | status = 400'
oncall logs query '{service="registry"} | json | status >= 500' --since 2h --limit 0 -o jsonl`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.bind(cmd, f)
	o.span.Bind(cmd, time.Hour)
	fs := cmd.Flags()
	fs.IntVar(&o.limit, "limit", 100, "lines at most; 0 is all")
	fs.StringVar(&o.direction, "direction", "", "order of reading and printing: forward or backward")
	fs.IntVar(&o.parallel, "parallel", 4, "parts of the range that are read at once")
	fs.IntVar(&o.page, "page", loki.DefaultPage, "lines of one request")
	fs.BoolVar(&o.raw, "raw", false, "print the lines alone, byte by byte")
	_ = cmd.RegisterFlagCompletionFunc("direction", cli.Words("forward", "backward"))
	return cmd
}

func (o *queryOptions) complete(args []string) (err error) {
	switch {
	case o.limit < 0:
		return cli.Usage("--limit: %d is below zero", o.limit)
	case o.parallel < 1 || o.parallel > 32:
		return cli.Usage("--parallel: %d is not between 1 and 32", o.parallel)
	case o.page < 1:
		return cli.Usage("--page: %d is not above zero", o.page)
	case !slices.Contains([]string{"", "forward", "backward"}, o.direction):
		return cli.Usage("--direction: %q is not forward or backward", o.direction)
	}
	if o.from, o.to, err = o.span.Read(o.f); err != nil {
		return err
	}
	return o.build(o.f, args)
}

// turned is how many of the newest lines are held to be shown oldest first.
const turned = 100_000

func (o *queryOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	if _, _, isLog := loki.SplitQuery(o.query); !isLog {
		return o.metric(ctx, c, out)
	}
	r := logs.Reading{Parallel: o.parallel, Paging: loki.Paging{Size: o.page, Incomplete: o.incomplete},
		Range: loki.Range{Query: o.query, Start: o.from, End: o.to, Limit: o.limit, Direction: loki.Direction(o.direction)}}
	turn := o.direction == "" && o.limit > 0
	switch {
	case turn && o.limit > turned:
		return cli.Usage("--limit: more than %d lines need an order", turned).WithHint("--direction forward, or --limit 0 for all")
	case turn:
		r.Range.Direction = loki.Backward
	case o.direction == "":
		r.Range.Direction = loki.Forward
	}
	n, err := o.read(ctx, c, r, newShown(o.f, out, o.raw), turn)
	switch {
	case err != nil:
		return cli.QueryFailed(o.f, err)
	case n == 0:
		if err := o.explainNothing(ctx, o.f, c, loki.Span{Start: o.from, End: o.to}); err != nil {
			return err
		}
		o.f.IO.Note("no line matches %s between %s and %s", o.query, o.f.Clock(o.from), o.f.Clock(o.to))
	case n == o.limit && out.Human() && !o.raw:
		o.f.IO.Note("the newest %d lines; --limit 0 reads all", n)
	}
	return nil
}

func (o *queryOptions) read(ctx context.Context, c *loki.Client, r logs.Reading, s *shown, turn bool) (n int, err error) {
	s.WithBuffer()
	var held []loki.Entry
	for page, err := range logs.Read(ctx, c, r) {
		if err != nil {
			return n, firstOf(s.Flush(), err)
		}
		n += len(page)
		if turn {
			held = append(held, page...)
			continue
		}
		if err := s.page(page); err != nil {
			return n, err
		}
	}
	slices.Reverse(held)
	if err := s.page(held); err != nil {
		return n, err
	}
	return n, s.Flush()
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *queryOptions) incomplete(at time.Time, shown int) {
	o.f.IO.Warn("loki: at least %d lines at %s, not all shown: the server gives no more of one instant", shown, at.Format(time.RFC3339Nano))
}

// metric answers a query that counts.
func (o *queryOptions) metric(ctx context.Context, c *loki.Client, out *printer.Printer) error {
	res, err := c.Query(ctx, o.query, o.to)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	loki.SortDesc(res.Vector)
	items := []count{}
	for _, s := range res.Vector {
		items = append(items, count{Labels: s.Labels, Value: number(s.Value)})
	}
	return printer.List(out, countTable(), items, printer.Meta{Empty: "nothing to count"})
}

// count is a group of lines and a number.
type count struct {
	Labels map[string]string `json:"labels"`
	Value  number            `json:"value"`
}

// number is a text in JSON, as NaN and +Inf are values.
type number float64

// MarshalJSON writes all digits, and no exponent.
func (n number) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatFloat(float64(n), 'f', -1, 64)), nil
}

func countTable() printer.Table[count] {
	text := func(c count) string { return loki.Labels(c.Labels).String() }
	return printer.Table[count]{Kind: "LogCount", Name: text, Columns: []printer.Column[count]{
		{Header: "LABELS", Value: text}, {Header: "VALUE", Value: func(c count) string { return metrics.Plain(float64(c.Value)) }}}}
}
