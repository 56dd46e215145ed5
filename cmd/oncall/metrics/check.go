package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/metrics"
)

type checkOptions struct {
	f       *cli.Factory
	queries []metrics.Query
	hold    string
	wait    bool

	holdFor time.Duration
}

func newCmdCheck(f *cli.Factory) *cobra.Command {
	o := &checkOptions{f: f}
	cmd := &cobra.Command{
		Use:   "check <name>...",
		Short: "Exit 9 when a named query is over its limit or without data",
		Long: `Check named queries against their limits: exit 0 when all are within them, 9 when one
is over, is NaN, or finds nothing. No data is not success.

--for 5m wants every value of the last five minutes within the limits, with data for
them; SINCE tells since when it is not. --wait waits until the check holds, at most
--timeout (10m by default), and exits 124 when it does not.`,
		Example: `oncall metrics check api-5xx
oncall metrics check api-5xx rds-cpu --for 5m
oncall metrics check api-5xx --for 5m --wait --timeout 15m`,
		Args:              cli.MinArgs(1),
		ValidArgsFunction: completeNames(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.hold, "for", "", "every value of that time must be good: 5m")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until it holds")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.NoFileCompletions)
	return cmd
}

func (o *checkOptions) complete(names []string) (err error) {
	if o.holdFor, err = cli.Length("for", o.hold, 0); err != nil {
		return err
	}
	o.queries, err = named(o.f, names)
	return err
}

// pollEvery is the time between two looks of --wait.
const pollEvery = 5 * time.Second

func (o *checkOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	limit := o.f.WaitLimit(10 * time.Minute)
	end := o.f.Now().Add(limit)
	progress := o.f.IO.Progress()
	defer progress.End()
	for {
		all, partial, err := o.look(ctx)
		bad := 0
		for _, r := range all {
			if r.State != metrics.OK {
				bad++
			}
		}
		good := err == nil && bad == 0 && len(partial) == 0
		// A server that is away for a moment does not end a wait.
		if err != nil && (!o.wait || !passing(err)) {
			return err
		}
		last := !o.f.Now().Add(pollEvery).Before(end)
		if good || !o.wait || last {
			progress.End()
			if err != nil {
				return err
			}
			if err := printer.List(out, readings(o.f), all, printer.Meta{Partial: partial}); err != nil {
				return err
			}
			return o.verdict(good, len(partial), limit)
		}
		progress.Set("waiting", waitingFor(all, err))
		if err := o.f.Wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func passing(err error) bool { return isUnavailable(err) }

func (o *checkOptions) look(ctx context.Context) ([]metrics.Reading, []printer.Partial, error) {
	at := now(o.f)
	return read(ctx, o.f, o.queries, func(ctx context.Context, src metrics.Source, q metrics.Query) ([]metrics.Reading, []string, error) {
		return metrics.Check(ctx, src, q, at, o.holdFor)
	})
}

func waitingFor(all []metrics.Reading, err error) string {
	if err != nil {
		return "prometheus is unreachable"
	}
	for _, r := range all {
		if r.State != metrics.OK {
			value := "no data"
			if r.Value != nil {
				value = metrics.Format(float64(*r.Value), r.Query.Unit)
			}
			return fmt.Sprintf("%s is %s (%s)", r.Name, value, r.Query.Limits())
		}
	}
	return ""
}

func (o *checkOptions) verdict(good bool, failed int, limit time.Duration) error {
	switch {
	case good:
		return nil
	case o.wait:
		err := apierr.New(apierr.ErrGuard, "", "metrics check", "it did not hold within %s", limit)
		return exit.With(exit.WaitRanOut, err.WithHint("look again with the same command, or wait longer: --timeout 30m"))
	case failed > 0:
		return exit.Quiet(exit.Partial)
	}
	return exit.Quiet(exit.Found)
}
