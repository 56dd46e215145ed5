package e2e

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/nearest"
)

type listOptions struct {
	target
	limit   int
	noWhy   bool
	results []string
	since   string
	params  []string

	from   time.Time
	wanted []jenkins.Parameter
}

// coldConsoles is how many consoles a list reads that are not in the cache.
const coldConsoles = 10

// lookBack is how many builds are gone through for those that are wanted.
const lookBack = 1000

func newCmdList(f *cli.Factory) *cobra.Command {
	o := &listOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the last builds, newest first, with the step that failed",
		Long: `List the last builds, newest first. It is one request (a choice of builds may need
more: 100 are looked at with each, 1000 at most), and for failed builds that
were not looked at before one console each, ten at most and two at a time; further
ones show "-" until they are asked about. What a finished console says is kept.`,
		Example: `oncall e2e list
oncall e2e list --result failure,unstable --since 2d
oncall e2e list --param DEVICE=qemux86-64 --no-why -o json`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			if !o.from.IsZero() && !cmd.Flags().Changed("limit") {
				o.limit = lookBack
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.IntVar(&o.limit, "limit", 20, "how many builds to show; with --since all, if it is not given")
	fs.BoolVar(&o.noWhy, "no-why", false, "do not read consoles for the failing step")
	fs.StringSliceVar(&o.results, "result", nil, "only these: success, unstable, failure, aborted, not-built, running")
	fs.StringVar(&o.since, "since", "", "only those queued since: 2h, 3d, 15:04, 2006-01-02")
	fs.StringArrayVar(&o.params, "param", nil, "only those that ran with this parameter: NAME=VALUE")
	_ = cmd.RegisterFlagCompletionFunc("result", cli.Words(resultWords...))
	for _, name := range []string{"limit", "since", "param"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	o.flags(cmd, false)
	return cmd
}

var resultWords = []string{"success", "unstable", "failure", "aborted", "not-built", "running"}

func (o *listOptions) validate() error {
	if o.limit < 1 || o.limit > 1000 {
		return cli.Usage("--limit: 1 to 1000, not %d", o.limit)
	}
	for i, r := range o.results {
		r = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(r)), "_", "-")
		if near := nearest.Of(r, resultWords); len(near) == 0 || near[0] != r {
			e := cli.Usage("--result: %q is not one of %s", o.results[i], strings.Join(resultWords, ", "))
			if len(near) > 0 {
				return e.WithHint("--result %s", near[0])
			}
			return e
		}
		o.results[i] = strings.ReplaceAll(r, "-", "_")
	}
	for _, p := range o.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return cli.Usage("--param: %q is not NAME=VALUE", p)
		}
		o.wanted = append(o.wanted, jenkins.Parameter{Name: name, Value: value})
	}
	var err error
	o.from, err = o.f.Since(o.since)
	return err
}

func (o *listOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx); err != nil {
		return err
	}
	builds, looked, err := o.collect(ctx)
	if err != nil {
		return err
	}
	items := make([]build, len(builds))
	for i, b := range builds {
		items[i] = buildOf(b)
	}
	meta := printer.Meta{Empty: o.empty(looked)}
	switch {
	case o.filtered() && looked >= lookBack:
		meta.Truncated, meta.More = true, fmt.Sprintf("no further back than %d builds was looked", looked)
	case !o.from.IsZero() && len(builds) == o.limit:
		meta.Truncated, meta.More = true, fmt.Sprintf("--limit %d shows more", min(o.limit*4, lookBack))
	}
	if !o.noWhy {
		if err := o.why(ctx, builds, items, &meta); err != nil {
			return err
		}
	}
	return printer.List(out, table(o.f), items, meta)
}

// filtered reports that not every build is wanted.
func (o *listOptions) filtered() bool {
	return len(o.results) > 0 || len(o.wanted) > 0 || !o.from.IsZero()
}

// collect finds the newest builds that are wanted, in one request when all are,
// else page by page; looked is how many it went through.
func (o *listOptions) collect(ctx context.Context) (builds []jenkins.Build, looked int, err error) {
	builds = []jenkins.Build{}
	most, page := o.limit, o.limit
	if o.filtered() {
		most, page = lookBack, 100
	}
	for looked < most {
		all, err := o.client.Builds(ctx, o.job, looked, min(looked+page, most))
		if err != nil {
			return nil, 0, err
		}
		if looked == 0 {
			if err := o.knownNames(all); err != nil {
				return nil, 0, err
			}
		}
		past := false
		for _, b := range all {
			if !o.from.IsZero() && b.Queued.Before(o.from) {
				past = true // one that waited long in the queue may stand above younger ones
				continue
			}
			looked++
			if o.fits(b) {
				if builds = append(builds, b); len(builds) == o.limit {
					return builds, looked, nil
				}
			}
		}
		if past || len(all) < page {
			break
		}
	}
	return builds, looked, nil
}

// why fills in the failing steps. A console that cannot be read leaves its build
// without one.
func (o *listOptions) why(ctx context.Context, builds []jenkins.Build, items []build, meta *printer.Meta) error {
	reader, err := o.f.E2EReader(o.client)
	if err != nil {
		return err
	}
	known, err := reader.Known(ctx, builds, coldConsoles)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		meta.Partial = append(meta.Partial, printer.Partial{Source: "jenkins", Error: err.Error()})
	}
	for i := range items {
		items[i].Failing = failingOf(known[items[i].Number])
	}
	return nil
}

func (o *listOptions) fits(b jenkins.Build) bool {
	for _, p := range o.wanted {
		if v, ok := b.Parameter(p.Name); !ok || v != p.Value {
			return false
		}
	}
	if len(o.results) == 0 {
		return true
	}
	state := strings.ToUpper(stateOf(b))
	for _, r := range o.results {
		if strings.EqualFold(r, state) {
			return true
		}
	}
	return false
}

// knownNames refuses a parameter that no build has: a typing slip would list nothing.
func (o *listOptions) knownNames(builds []jenkins.Build) error {
	if len(builds) == 0 {
		return nil
	}
	names := []string{}
	for _, p := range builds[0].Parameters {
		names = append(names, p.Name)
	}
	for _, w := range o.wanted {
		found := false
		for _, b := range builds {
			if _, ok := b.Parameter(w.Name); ok {
				found = true
				break
			}
		}
		if found {
			continue
		}
		e := cli.Usage("--param: no build has the parameter %q", w.Name)
		if near := nearest.Of(w.Name, names); len(near) > 0 {
			return e.WithHint("--param %s=%s", near[0], w.Value)
		}
		return e.WithHint("they have %s", strings.Join(names, ", "))
	}
	return nil
}

func (o *listOptions) empty(looked int) string {
	switch {
	case looked == 0 && !o.from.IsZero():
		return fmt.Sprintf("no build of %s was queued since %s", o.job, o.f.Clock(o.from))
	case looked == 0:
		return fmt.Sprintf("%s was never built", o.job)
	}
	return fmt.Sprintf("none of the last %d builds of %s is such a one", looked, o.job)
}
