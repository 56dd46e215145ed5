package logs

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/metrics"
)

type volumeOptions struct {
	f *cli.Factory
	selector
	span cli.SpanFlags
	by   []string
}

// volumeRow is how much a group of streams logged.
type volumeRow struct {
	Labels map[string]string `json:"labels"`
	Bytes  int64             `json:"bytes"`
}

func newCmdVolume(f *cli.Factory) *cobra.Command {
	o := &volumeOptions{f: f}
	cmd := &cobra.Command{
		Use:   "volume [<selector>]",
		Short: "Show who logs how many bytes, most first",
		Example: `oncall logs volume
oncall logs volume --service api --by host --since 6h`,
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
	cmd.Flags().StringSliceVar(&o.by, "by", []string{"service"}, "labels to group by")
	_ = cmd.RegisterFlagCompletionFunc("by", completeLabels(f))
	return cmd
}

func (o *volumeOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	from, to, err := o.span.Read(o.f)
	if err != nil {
		return err
	}
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	if len(o.by) == 0 {
		return cli.Usage("--by: which label?").WithHint("oncall logs labels lists them")
	}
	labels := []string{}
	for _, b := range o.by {
		labels = append(labels, o.def.Label(b))
	}
	span := loki.Span{Start: from, End: to}
	if o.query == "" {
		// A server wants a matcher that an absent label does not match.
		o.query = "{" + labels[0] + `=~".+"}`
	}
	all, err := c.Volume(ctx, loki.VolumeRequest{Selector: o.query, Span: span, TargetLabels: labels})
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	if len(all) == 0 {
		if err := o.explainNothing(ctx, o.f, c, span); err != nil {
			return err
		}
	}
	items := []volumeRow{}
	for _, s := range all {
		items = append(items, volumeRow{s.Labels, int64(s.Value)})
	}
	text := func(r volumeRow) string { return loki.Labels(r.Labels).String() }
	return printer.List(out, printer.Table[volumeRow]{Kind: "LogVolume", Name: text, Columns: []printer.Column[volumeRow]{
		{Header: "LABELS", Value: text},
		{Header: "VOLUME", Value: func(r volumeRow) string { return metrics.Format(float64(r.Bytes), "bytes") }},
		{Header: "BYTES", Wide: true, Value: func(r volumeRow) string { return strconv.FormatInt(r.Bytes, 10) }},
	}, Empty: "nothing was logged by " + o.query}, items, printer.Meta{})
}
