package logs

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/nearest"
)

type topOptions struct {
	f *cli.Factory
	selector
	span     cli.SpanFlags
	by       string
	status   string
	compare  string
	with     string
	limit    int
	examples int
	exact    bool

	count logs.Count
}

func newCmdTop(f *cli.Factory) *cobra.Command {
	o := &topOptions{f: f}
	cmd := &cobra.Command{
		Use:   "top [<logql>]",
		Short: "Count lines by a field: which paths, which errors, what is new",
		Long: `Count lines by a field, largest first, with an example of each and its trace id. The
field is found by the parser that the configuration names for the service, or by
--parser; without either the newest lines are looked at and it is found by itself.
The server counts; where it cannot, the lines are read and counted here.

Values that differ by an id alone are one: requests for /device/v2/9f3c.../state are
counted as /device/v2/<_>/state. --exact keeps them apart.

--compare 1h counts the same span an hour earlier too, and tells what is new, gone,
grown and fallen.`,
		Example: `oncall logs top --service api --by path --status 4xx
oncall logs top --service api --by path --status 4xx,5xx --since 20m --compare 1h
oncall logs top '{service="registry"}' --by repository --parser json -o json`,
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
	fs.StringVar(&o.by, "by", "path", "field to count by")
	fs.StringVar(&o.status, "status", "", "only these statuses: 404, 4xx, 4xx,5xx")
	fs.StringVar(&o.compare, "compare", "", "compare with the same span so long before: 1h")
	fs.StringVar(&o.with, "parser", "", "how fields are found: json, logfmt, 'pattern <ip> <path>', 'regexp (?P<path>...)'")
	fs.IntVar(&o.limit, "limit", 20, "groups at most")
	fs.IntVar(&o.examples, "examples", 1, "example lines of each group")
	fs.BoolVar(&o.exact, "exact", false, "keep values apart that differ by an id alone")
	_ = cmd.RegisterFlagCompletionFunc("by", completeFields(f))
	_ = cmd.RegisterFlagCompletionFunc("status", cli.Words("4xx", "5xx", "4xx,5xx"))
	_ = cmd.RegisterFlagCompletionFunc("compare", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("parser", cli.Words("json", "logfmt"))
	return cmd
}

func (o *topOptions) complete(args []string) (err error) {
	c := &o.count
	if o.limit < 1 || o.examples < 0 {
		return cli.Usage("--limit and --examples cannot be that small")
	}
	if c.From, c.To, err = o.span.Read(o.f); err != nil {
		return err
	}
	if c.Compare, err = cli.Length("compare", o.compare, 0); err != nil {
		return err
	}
	if err := o.build(o.f, args); err != nil {
		return err
	}
	if _, _, isLog := loki.SplitQuery(o.query); !isLog {
		return cli.Usage("this is a metric query: top counts lines itself")
	}
	c.Query, c.Parser = o.query, o.parser()
	if o.with != "" {
		if c.Parser, err = logs.ParseParser(o.with); err != nil {
			return err
		}
	}
	c.Field, c.Trace, c.Limit, c.Examples, c.Parallel, c.Fold = o.def.Field(o.by), o.def.Field("trace"), o.limit, o.examples, 4, !o.exact
	if !fieldWord().MatchString(c.Field) {
		return cli.Usage("--by: %q is not the name of a field", c.Field)
	}
	return o.filterStatus()
}

var fieldWord = lazyregexp.New(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (o *topOptions) filterStatus() error {
	if o.status == "" {
		return nil
	}
	text, err := logs.StatusFilter(o.status)
	if err != nil {
		return err
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		return err
	}
	field := o.def.Field("status")
	o.count.Filter = " | " + field + "=~" + strconv.Quote(text)
	o.count.Keep = func(fields map[string]string) bool { return re.MatchString(fields[field]) }
	return nil
}

func (o *topOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	if o.count.Parser.IsZero() {
		if err := o.detect(ctx, c, out.Human()); err != nil {
			return cli.QueryFailed(o.f, err)
		}
	}
	res, err := logs.Top(ctx, c, o.count)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	if len(res.Groups) == 0 {
		if err := o.explainNothing(ctx, o.f, c, loki.Span{Start: o.count.From, End: o.count.To}); err != nil {
			return err
		}
		if err := o.explainField(ctx, c); err != nil {
			return err
		}
	}
	if res.Here {
		o.f.IO.Note("the server cannot count this; the lines were read and counted here")
	}
	if res.More {
		o.f.IO.Warn("there are more values than can be counted here: rare ones are missing")
	}
	meta := printer.Meta{Truncated: res.Others > 0, More: fmt.Sprintf("%d more; --limit shows more", res.Others), Empty: o.nothing()}
	if out.Human() && res.Total > 0 {
		o.f.IO.Note("%d lines with %s between %s and %s%s", res.Total, o.count.Field, o.f.Clock(o.count.From), o.f.Clock(o.count.To), foldNote(res.Groups))
	}
	return printer.List(out, o.table(), res.Groups, meta)
}

func (o *topOptions) nothing() string {
	text := "no line of " + o.query + " has the field " + o.count.Field
	if o.status != "" {
		text += " and a status of " + o.status
	}
	return text
}

// foldNote tells that values were folded; "" when none was.
func foldNote(groups []logs.Group) string {
	for _, g := range groups {
		if g.Values > 1 || strings.Contains(g.Value, "<_>") {
			return "; <_> stands for ids, --exact keeps them apart"
		}
	}
	return ""
}

// detect finds the parser by the newest lines, where none is named.
func (o *topOptions) detect(ctx context.Context, c *loki.Client, human bool) error {
	s, err := logs.Detect(ctx, c, o.count.Query, o.count.Field, o.count.From, o.count.To)
	if err != nil || !s.Has {
		return err
	}
	o.count.Parser = s.Parser
	if human && !s.Parser.IsZero() {
		o.f.IO.Note("%s is found by --parser %s", o.count.Field, quoted(s.Parser.String()))
	}
	return nil
}

// explainField tells of a field that the lines do not have, with the nearest, or
// that another parser finds; nil when neither is the reason.
func (o *topOptions) explainField(ctx context.Context, c *loki.Client) error {
	ctx, cancel := o.f.Limited(ctx, courtesy)
	defer cancel()
	s, err := logs.Detect(ctx, c, o.count.Query, o.count.Field, o.count.From, o.count.To)
	if err != nil || s.Lines == 0 {
		return nil //nolint:nilerr // the counts were asked for, this is a courtesy
	}
	if s.Has {
		if s.Parser.String() != o.count.Parser.String() && !s.Parser.IsZero() {
			o.f.IO.Hint("another parser finds %s: --parser %s", o.count.Field, quoted(s.Parser.String()))
		}
		return nil
	}
	e := apierr.New(apierr.ErrNotFound, "loki", "", "no line has a field %q, of the newest %d", o.count.Field, s.Lines)
	if near := nearest.Of(o.count.Field, s.Fields); len(near) > 0 {
		return e.WithHint("did you mean --by %s?", strings.Join(near, " or --by "))
	}
	return e.WithHint("there are: %s; or name a parser: --parser 'pattern <ip> <path>'", strings.Join(s.Fields, ", "))
}

// quoted is a parser as a shell takes it.
func quoted(parser string) string {
	if strings.Contains(parser, " ") {
		return "'" + parser + "'"
	}
	return parser
}

func (o *topOptions) table() printer.Table[logs.Group] {
	example := func(g logs.Group) logs.Example {
		if len(g.Examples) == 0 {
			return logs.Example{}
		}
		return g.Examples[0]
	}
	t := printer.Table[logs.Group]{
		Kind: "LogGroup",
		Name: func(g logs.Group) string { return g.Value },
		Columns: []printer.Column[logs.Group]{
			{Header: "COUNT", Value: func(g logs.Group) string { return strconv.FormatInt(g.Count, 10) }},
			{Header: "SHARE", Value: func(g logs.Group) string { return fmt.Sprintf("%.0f%%", 100*g.Share) }},
		},
	}
	if o.count.Compare > 0 {
		t.Columns = append(t.Columns,
			printer.Column[logs.Group]{Header: "BEFORE", Value: func(g logs.Group) string { return strconv.FormatInt(g.Before, 10) }},
			printer.Column[logs.Group]{Header: "CHANGE", Value: func(g logs.Group) string { return g.Change }, Style: func(g logs.Group) ios.Style { return changeStyle(g.Change) }})
	}
	t.Columns = append(t.Columns,
		printer.Column[logs.Group]{Header: strings.ToUpper(o.by), Value: func(g logs.Group) string { return g.Value }},
		printer.Column[logs.Group]{Header: "TRACE", Value: func(g logs.Group) string { return example(g).Trace }},
		printer.Column[logs.Group]{Header: "EXAMPLE", Flex: true, Value: func(g logs.Group) string { return example(g).Line }})
	return t
}

func changeStyle(change string) ios.Style {
	switch change {
	case "new":
		return ios.Red
	case "grown":
		return ios.Yellow
	case "gone", "fallen":
		return ios.Green
	}
	return ios.None
}

// completeFields offers the fields that the server finds in the lines of all
// services.
func completeFields(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		d, err := f.Logs()
		if err != nil {
			return nil, err
		}
		c, err := f.Loki(ctx)
		if err != nil {
			return nil, err
		}
		fields, err := c.Fields(ctx, "{"+d.Label("service")+`=~".+"}`, loki.Span{})
		out := []cobra.Completion{}
		for _, x := range fields {
			out = append(out, cobra.CompletionWithDesc(x.Label, fmt.Sprintf("%s, %d values", x.Type, x.Cardinality)))
		}
		return out, err
	})
}
