package metrics

import (
	"context"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/metrics"
)

// readings shows named queries with their limits and the age of the sample.
func readings(f *cli.Factory) printer.Table[metrics.Reading] {
	return printer.Table[metrics.Reading]{
		Kind: "MetricReading",
		Name: func(r metrics.Reading) string { return r.Name },
		Columns: []printer.Column[metrics.Reading]{
			{Header: "NAME", Value: func(r metrics.Reading) string { return r.Name }},
			{Header: "VALUE", Value: func(r metrics.Reading) string {
				if r.Value == nil {
					return "no data"
				}
				return metrics.Format(float64(*r.Value), r.Query.Unit)
			}},
			{Header: "STATE", Value: stateText, Style: stateStyle},
			{Header: "LIMIT", Value: func(r metrics.Reading) string { return r.Query.Limits() }},
			{Header: "AGE", Value: func(r metrics.Reading) string {
				if r.Time == nil {
					return ""
				}
				return f.Age(*r.Time)
			}},
			{Header: "SINCE", Value: func(r metrics.Reading) string {
				if r.Since == nil {
					return ""
				}
				return f.Age(*r.Since)
			}},
			{Header: "LABELS", Flex: true, Value: func(r metrics.Reading) string { return labelsText(r.Labels, "__name__") }},
			{Header: "DESCRIPTION", Wide: true, Value: func(r metrics.Reading) string { return r.Query.Description }},
			{Header: "EXPR", Wide: true, Value: func(r metrics.Reading) string { return r.Query.Expr }},
		},
		Empty: "no query is named in the configuration; docs/metrics.md has a sample",
	}
}

func stateText(r metrics.Reading) string {
	if r.State == metrics.Unlimited {
		return ""
	}
	return string(r.State)
}

func stateStyle(r metrics.Reading) ios.Style {
	switch r.State {
	case metrics.Over:
		return ios.Red
	case metrics.NoData:
		return ios.Yellow
	case metrics.OK:
		return ios.Green
	case metrics.Unlimited:
	}
	return ios.None
}

// named finds the queries of the given names, or all of them.
func named(f *cli.Factory, names []string) ([]metrics.Query, error) {
	all, err := f.Queries()
	if err != nil || len(names) == 0 {
		return all, err
	}
	out := []metrics.Query{}
	for _, n := range names {
		q, err := metrics.Find(all, n)
		if err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}

// read evaluates queries at once, in the order that they were asked for. What
// fails is told as a missing part, unless everything does.
func read(ctx context.Context, f *cli.Factory, queries []metrics.Query, one func(ctx context.Context, src metrics.Source, q metrics.Query) ([]metrics.Reading, []string, error)) ([]metrics.Reading, []printer.Partial, error) {
	c, err := f.Prometheus(ctx)
	if err != nil {
		return nil, nil, err
	}
	type answer struct {
		readings []metrics.Reading
		warnings []string
		err      error
	}
	answers := make([]answer, len(queries))
	done := make(chan struct{})
	for i, q := range queries {
		go func() {
			a := &answers[i]
			a.readings, a.warnings, a.err = one(ctx, c, q)
			done <- struct{}{}
		}()
	}
	for range queries {
		<-done
	}
	all, partial := []metrics.Reading{}, []printer.Partial{}
	var first error
	failed := 0
	for i, a := range answers {
		tellWarnings(f, a.warnings, nil)
		if a.err != nil {
			failed++
			if first == nil {
				first = cli.QueryFailed(f, a.err)
			}
			partial = append(partial, printer.Partial{Source: queries[i].Name, Error: a.err.Error()})
			continue
		}
		all = append(all, a.readings...)
	}
	if failed > 0 && failed == len(queries) {
		return nil, nil, first
	}
	return all, partial, nil
}

// now is the instant of one round, the same for all queries of it.
func now(f *cli.Factory) time.Time { return f.Now() }
