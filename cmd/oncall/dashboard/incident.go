package dashboard

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/pager"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// incidentTime is when an incident began, and when it was resolved; zero while
// it is open.
func incidentTime(ctx context.Context, f *cli.Factory, number string) (begin, end time.Time, err error) {
	n, err := pager.Number(number)
	if err != nil {
		return begin, end, err
	}
	p, err := f.Pager(ctx)
	if err != nil {
		return begin, end, err
	}
	d, err := p.Get(ctx, n)
	if err != nil {
		return begin, end, err
	}
	if d.Phase == pager.Resolved {
		for _, e := range d.History {
			if e.Kind == string(pager.Resolved) && e.At.After(end) {
				end = e.At
			}
		}
	}
	return d.StartedAt, end, nil
}

func openIncidents(ctx context.Context, f *cli.Factory) ([]cobra.Completion, error) {
	p, err := f.Pager(ctx)
	if err != nil {
		return nil, err
	}
	l, err := p.List(ctx, pager.Filter{})
	out := []cobra.Completion{}
	for _, i := range l.Incidents {
		out = append(out, cobra.CompletionWithDesc(i.Number, i.Title))
	}
	return out, err
}

// completeDashboards offers the dashboards by name, with their titles.
func completeDashboards(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		c, err := f.Grafana(ctx)
		if err != nil {
			return nil, err
		}
		all, err := list(ctx, c, "", nil)
		out := []cobra.Completion{}
		for _, r := range all {
			out = append(out, cobra.CompletionWithDesc(r.Name, r.Title))
		}
		return out, err
	})
}
