package logs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
)

type patternsOptions struct {
	f *cli.Factory
	selector
	span    cli.SpanFlags
	limit   int
	lines   int
	compare string
	local   bool

	from, to time.Time
	before   time.Duration
}

func newCmdPatterns(f *cli.Factory) *cobra.Command {
	o := &patternsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "patterns [<logql>]",
		Short: "Group similar lines: what is said, how often, what is new",
		Long: `Group similar lines; <_> stands for what varies. With --compare the same span so long
before is looked at too, and what is new or grown comes first.

The server's own patterns are used when it has them (matchers alone, the last
hours); otherwise the newest --lines lines of each span are read and grouped here,
in bounded memory.`,
		Example: `oncall logs patterns --service api --since 20m --compare 1h
oncall logs patterns --service vpn --lines 0 -o json`,
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
	fs.IntVar(&o.limit, "limit", 20, "groups at most")
	fs.IntVar(&o.lines, "lines", 50_000, "lines to read of each span; 0 is all")
	fs.StringVar(&o.compare, "compare", "", "compare with the same span so long before: 1h")
	fs.BoolVar(&o.local, "local", false, "group here even if the server has patterns of its own")
	_ = cmd.RegisterFlagCompletionFunc("compare", cobra.NoFileCompletions)
	return cmd
}

func (o *patternsOptions) complete(args []string) (err error) {
	if o.limit < 1 || o.lines < 0 {
		return cli.Usage("--limit and --lines cannot be that small")
	}
	if o.from, o.to, err = o.span.Read(o.f); err != nil {
		return err
	}
	if o.before, err = cli.Length("compare", o.compare, 0); err != nil {
		return err
	}
	if err := o.build(o.f, args); err != nil {
		return err
	}
	if _, _, isLog := loki.SplitQuery(o.query); !isLog {
		return cli.Usage("this is a metric query: it has no lines to group")
	}
	return nil
}

func (o *patternsOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	items, err := o.ofServer(ctx, c)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	if items == nil {
		if items, err = o.here(ctx, c, out); err != nil {
			return cli.QueryFailed(o.f, err)
		}
	}
	if len(items) == 0 {
		if err := o.explainNothing(ctx, o.f, c, loki.Span{Start: o.from, End: o.to}); err != nil {
			return err
		}
	}
	meta := printer.Meta{Empty: "no line matches " + o.query}
	if rest := len(items) - o.limit; rest > 0 {
		items = items[:o.limit]
		meta.Truncated, meta.More = true, fmt.Sprintf("%d more; --limit shows more", rest)
	}
	return printer.List(out, o.table(), items, meta)
}

// ofServer asks for the server's patterns; nil when it has none to give.
func (o *patternsOptions) ofServer(ctx context.Context, c *loki.Client) ([]logs.Pattern, error) {
	selector, pipeline, _ := loki.SplitQuery(o.query)
	if o.local || pipeline != "" {
		return nil, nil
	}
	now, err := c.Patterns(ctx, selector, loki.Span{Start: o.from, End: o.to})
	if errors.Is(err, apierr.ErrNotFound) || err == nil && len(now) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var before []loki.Pattern
	if o.before > 0 {
		if before, err = c.Patterns(ctx, selector, loki.Span{Start: o.from.Add(-o.before), End: o.to.Add(-o.before)}); err != nil {
			return nil, err
		}
	}
	return logs.ServerPatterns(now, before), nil
}

// here reads the lines and groups them.
func (o *patternsOptions) here(ctx context.Context, c *loki.Client, out *printer.Printer) ([]logs.Pattern, error) {
	m := logs.NewMiner()
	read := func(from, to time.Time, before bool) error {
		n := 0
		r := logs.Reading{Range: loki.Range{Query: o.query, Start: from, End: to, Limit: o.lines, Direction: loki.Backward}, Parallel: 4}
		for page, err := range logs.Read(ctx, c, r) {
			if err != nil {
				return err
			}
			for _, e := range page {
				m.Add(e.Line, before)
			}
			n += len(page)
		}
		if o.lines > 0 && n == o.lines && out.Human() {
			o.f.IO.Note("only the newest %d lines before %s were looked at; --lines 0 reads all", n, o.f.Clock(to))
		}
		return nil
	}
	if err := read(o.from, o.to, false); err != nil {
		return nil, err
	}
	if o.before > 0 {
		if err := read(o.from.Add(-o.before), o.to.Add(-o.before), true); err != nil {
			return nil, err
		}
	}
	items, rest := m.Patterns()
	if rest > 0 {
		o.f.IO.Warn("there are more groups than are kept: %d lines are in rare ones that are not listed", rest)
	}
	return items, nil
}

func (o *patternsOptions) table() printer.Table[logs.Pattern] {
	t := printer.Table[logs.Pattern]{
		Kind: "LogPattern",
		Name: func(p logs.Pattern) string { return p.Pattern },
		Columns: []printer.Column[logs.Pattern]{
			{Header: "COUNT", Value: func(p logs.Pattern) string { return strconv.FormatInt(p.Count, 10) }},
			{Header: "SHARE", Value: func(p logs.Pattern) string { return fmt.Sprintf("%.0f%%", 100*p.Share) }},
		},
	}
	if o.before > 0 {
		t.Columns = append(t.Columns,
			printer.Column[logs.Pattern]{Header: "BEFORE", Value: func(p logs.Pattern) string { return strconv.FormatInt(p.Before, 10) }},
			printer.Column[logs.Pattern]{Header: "CHANGE", Value: func(p logs.Pattern) string { return p.Novelty }, Style: func(p logs.Pattern) ios.Style { return changeStyle(p.Novelty) }})
	}
	t.Columns = append(t.Columns,
		printer.Column[logs.Pattern]{Header: "PATTERN", Flex: true, Value: func(p logs.Pattern) string { return p.Pattern }},
		printer.Column[logs.Pattern]{Header: "EXAMPLE", Wide: true, Value: func(p logs.Pattern) string { return p.Example }})
	return t
}
