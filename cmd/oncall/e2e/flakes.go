package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	e2epkg "github.com/balena-io/oncall/pkg/e2e"
	"github.com/balena-io/oncall/pkg/jenkins"
)

type flakesOptions struct {
	target
	builds int
	since  string

	from time.Time
}

func newCmdFlakes(f *cli.Factory) *cobra.Command {
	o := &flakesOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "flakes",
		Short: "Show how each failing step fared over the last builds",
		Long: `Show for each step that failed how it fared over the last builds, or since a time:
fails, passes, failures after which the next build with equal parameters (or a later
try in the same build) passed, when it was last seen, and whether it fails more often
in the newer half of the builds than in the older one.

Consoles of failed builds are read once and remembered: a finished log never changes.`,
		Example: `oncall e2e flakes
oncall e2e flakes --builds 100
oncall e2e flakes --since 7d -o json`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.builds < 1 || o.builds > 1000 {
				return cli.Usage("--builds: 1 to 1000, not %d", o.builds)
			}
			var err error
			if o.from, err = o.f.Since(o.since); err != nil {
				return err
			}
			if !o.from.IsZero() && !cmd.Flags().Changed("builds") {
				o.builds = 1000
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&o.builds, "builds", 50, "how many builds to look at")
	cmd.Flags().StringVar(&o.since, "since", "", "only builds queued since: 2h, 3d, 15:04, 2006-01-02")
	_ = cmd.RegisterFlagCompletionFunc("builds", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	o.flags(cmd, false)
	return cmd
}

func (o *flakesOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx); err != nil {
		return err
	}
	builds, err := o.recent(ctx)
	if err != nil {
		return err
	}
	reader, err := o.f.E2EReader(o.client)
	if err != nil {
		return err
	}
	reports, err := reader.Known(ctx, builds, len(builds))
	meta := printer.Meta{Empty: fmt.Sprintf("no step failed in the last %d builds of %s", len(builds), o.job)}
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		meta.Partial = append(meta.Partial, printer.Partial{Source: "jenkins", Error: err.Error()})
	}
	return printer.List(out, o.table(), e2epkg.Statistics(builds, reports), meta)
}

// recent reads builds page by page, up to the limit or the time.
func (o *flakesOptions) recent(ctx context.Context) ([]jenkins.Build, error) {
	const page = 100
	out := []jenkins.Build{}
	for at := 0; at < o.builds; at += page {
		builds, err := o.client.Builds(ctx, o.job, at, min(at+page, o.builds))
		if err != nil {
			return nil, err
		}
		past := false
		for _, b := range builds {
			if !o.from.IsZero() && b.Queued.Before(o.from) {
				past = true
				continue
			}
			out = append(out, b)
		}
		if past || len(builds) < min(page, o.builds-at) {
			break
		}
	}
	return out, nil
}

func (o *flakesOptions) table() printer.Table[e2epkg.StepHistory] {
	number := func(of func(e2epkg.StepHistory) int) func(e2epkg.StepHistory) string {
		return func(h e2epkg.StepHistory) string { return itoa(of(h)) }
	}
	return printer.Table[e2epkg.StepHistory]{
		Kind: "Flake",
		Name: func(h e2epkg.StepHistory) string { return h.Step },
		Columns: []printer.Column[e2epkg.StepHistory]{
			{Header: "STEP", Flex: true, Value: func(h e2epkg.StepHistory) string { return h.Step }},
			{Header: "FAILS", Value: number(func(h e2epkg.StepHistory) int { return h.Failed }), Style: func(e2epkg.StepHistory) ios.Style { return ios.Red }},
			{Header: "PASSES", Value: number(func(h e2epkg.StepHistory) int { return h.Passed })},
			{Header: "RECOVERED", Value: number(func(h e2epkg.StepHistory) int { return h.Recovered })},
			{Header: "LAST SEEN", Value: func(h e2epkg.StepHistory) string {
				return fmt.Sprintf("#%d, %s", h.LastFailed, ios.Ago(h.LastSeen, o.f.Now()))
			}},
			{Header: "TREND", Value: func(h e2epkg.StepHistory) string { return string(h.Trend) }},
			{Header: "BUILDS", Wide: true, Value: number(func(h e2epkg.StepHistory) int { return h.Builds })},
			{Header: "RUNNER", Wide: true, Value: func(h e2epkg.StepHistory) string { return h.Runner }},
			{Header: "UNREAD", Wide: true, Value: number(func(h e2epkg.StepHistory) int { return h.Unread })},
		},
	}
}
