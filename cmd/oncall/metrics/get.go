package metrics

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/metrics"
)

type getOptions struct {
	f     *cli.Factory
	names []string
}

func newCmdGet(f *cli.Factory) *cobra.Command {
	o := &getOptions{f: f}
	return &cobra.Command{
		Use:   "get [<name>...]",
		Short: "Show named queries: value, limit, age of the sample",
		Long: `Show the named queries of the configuration (` + "`queries`" + `), or those that are given, with
unit, limit and the age of the sample. Metrics of a CloudWatch exporter are ten
minutes late; they are found there, and AGE tells it.`,
		Example: `oncall metrics get
oncall metrics get api-5xx rds-cpu
oncall metrics get api-5xx --jq '.items[].value'`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeNames(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.names = args
			return o.run(cmd.Context())
		},
	}
}

func (o *getOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	queries, err := named(o.f, o.names)
	if err != nil {
		return err
	}
	at := now(o.f)
	all, partial, err := read(ctx, o.f, queries, func(ctx context.Context, src metrics.Source, q metrics.Query) ([]metrics.Reading, []string, error) {
		return metrics.Get(ctx, src, q, at)
	})
	if err != nil {
		return err
	}
	if err := printer.List(out, readings(o.f), all, printer.Meta{Partial: partial}); err != nil {
		return err
	}
	if len(partial) > 0 {
		return exit.Quiet(exit.Partial)
	}
	return nil
}
