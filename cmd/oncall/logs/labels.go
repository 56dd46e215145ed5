package logs

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/nearest"
)

// word is the name of a label or one of its values.
type word struct {
	Name string `json:"name"`
}

func words(all []string) []word {
	out := make([]word, len(all))
	for i, s := range all {
		out[i] = word{s}
	}
	return out
}

type labelsOptions struct {
	f    *cli.Factory
	span cli.SpanFlags
}

func newCmdLabels(f *cli.Factory) *cobra.Command {
	o := &labelsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "labels [<label>]",
		Short: "List the labels of log lines, or the values of one",
		Example: `oncall logs labels
oncall logs labels service -o name`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeLabels(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args)
		},
	}
	o.span.Bind(cmd, 6*time.Hour)
	return cmd
}

func (o *labelsOptions) run(ctx context.Context, args []string) error {
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
	t := printer.Table[word]{Kind: "LogLabel", Name: func(w word) string { return w.Name }, Columns: []printer.Column[word]{{Header: "LABEL", Value: func(w word) string { return w.Name }}}, Empty: "no lines in that time"}
	if len(args) == 0 {
		names, err := c.LabelNames(ctx, "", span)
		if err != nil {
			return err
		}
		return printer.List(out, t, words(names), printer.Meta{})
	}
	values, err := c.LabelValues(ctx, args[0], "", span)
	if err != nil {
		return err
	}
	if len(values) == 0 {
		names, err := c.LabelNames(ctx, "", span)
		if err != nil {
			return err
		}
		e := apierr.New(apierr.ErrNotFound, "loki", "", "no line has a label %q", args[0])
		if near := nearest.Of(args[0], names); len(near) > 0 {
			return e.WithHint("did you mean %s?", near[0])
		}
		return e.WithHint("oncall logs labels")
	}
	t.Kind, t.Columns[0].Header = "LogLabelValue", "VALUE"
	return printer.List(out, t, words(values), printer.Meta{})
}
