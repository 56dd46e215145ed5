package logs

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/loki"
)

type seriesOptions struct {
	f *cli.Factory
	selector
	span cli.SpanFlags
}

// streamRow is one stream.
type streamRow struct {
	Labels map[string]string `json:"labels"`
}

func newCmdSeries(f *cli.Factory) *cobra.Command {
	o := &seriesOptions{f: f}
	cmd := &cobra.Command{
		Use:   "series [<selector>]",
		Short: "List the streams that a selector covers, or all",
		Example: `oncall logs series --service api
oncall logs series '{level="error"}' -o json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.buildStreams(f, args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.bindLabels(cmd, f)
	o.span.Bind(cmd, time.Hour)
	return cmd
}

func (o *seriesOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	from, to, err := o.span.Read(o.f)
	if err != nil {
		return err
	}
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	span := loki.Span{Start: from, End: to}
	match := []string{}
	if o.query != "" {
		match = append(match, o.query)
	}
	all, err := c.Series(ctx, match, span)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	if len(all) == 0 {
		if err := o.explainNothing(ctx, o.f, c, span); err != nil {
			return err
		}
	}
	items := []streamRow{}
	for _, l := range all {
		items = append(items, streamRow{l})
	}
	text := func(r streamRow) string { return loki.Labels(r.Labels).String() }
	return printer.List(out, printer.Table[streamRow]{Kind: "LogStream", Name: text, Columns: []printer.Column[streamRow]{{Header: "STREAM", Value: text}},
		Empty: strings.TrimSuffix("no stream matches "+o.query, " matches ")}, items, printer.Meta{})
}
