package metrics

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
)

type targetsOptions struct {
	f          *cli.Factory
	job        string
	failOnDown bool
}

// target is a scraped endpoint.
type target struct {
	Name       string            `json:"name"` // instance
	Job        string            `json:"job"`
	State      string            `json:"state"`      // up, down, unknown
	LastScrape *time.Time        `json:"lastScrape"` // null when never
	Error      string            `json:"error"`
	URL        string            `json:"url"`
	Labels     map[string]string `json:"labels"`
}

func newCmdTargets(f *cli.Factory) *cobra.Command {
	o := &targetsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "targets",
		Short: "List what Prometheus scrapes, down first, with the reason",
		Example: `oncall metrics targets
oncall metrics targets --job api -o wide
oncall metrics targets --fail-on-down`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.job, "job", "", "only those of this job")
	cmd.Flags().BoolVar(&o.failOnDown, "fail-on-down", false, "exit 9 when a target is down")
	_ = cmd.RegisterFlagCompletionFunc("job", cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		all, err := o.list(ctx)
		out := []cobra.Completion{}
		for _, t := range all {
			if !slices.Contains(out, t.Job) {
				out = append(out, t.Job)
			}
		}
		return out, err
	}))
	return cmd
}

// list reads the targets, down first.
func (o *targetsOptions) list(ctx context.Context) ([]target, error) {
	c, err := o.f.Prometheus(ctx)
	if err != nil {
		return nil, err
	}
	all, err := c.Targets(ctx, "")
	if err != nil {
		return nil, err
	}
	out := []target{}
	for _, t := range all {
		x := target{Name: t.Labels["instance"], Job: t.Labels["job"], State: t.Health, Error: t.LastError, URL: t.ScrapeURL, Labels: t.Labels}
		if t.LastScrape.Year() > 1 {
			x.LastScrape = &t.LastScrape
		}
		if x.Name == "" {
			x.Name = t.ScrapeURL
		}
		if x.Labels == nil {
			x.Labels = map[string]string{}
		}
		if o.job == "" || o.job == x.Job || o.job == t.ScrapePool {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b target) int {
		rank := func(t target) int { return slices.Index([]string{"down", "unknown", "up"}, t.State) }
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Job, b.Job), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func (o *targetsOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	items, err := o.list(ctx)
	if err != nil {
		return err
	}
	empty := "no target"
	if o.job != "" {
		empty = "no target of the job " + o.job
	}
	if err := printer.List(out, o.table(), items, printer.Meta{Empty: empty}); err != nil {
		return err
	}
	if o.failOnDown && slices.ContainsFunc(items, func(t target) bool { return t.State == "down" }) {
		return exit.Quiet(exit.Found)
	}
	return nil
}

func (o *targetsOptions) table() printer.Table[target] {
	return printer.Table[target]{
		Kind: "MetricTarget",
		Name: func(t target) string { return t.Name },
		Columns: []printer.Column[target]{
			{Header: "JOB", Value: func(t target) string { return t.Job }},
			{Header: "INSTANCE", Value: func(t target) string { return t.Name }},
			{Header: "STATE", Value: func(t target) string { return t.State }, Style: func(t target) ios.Style {
				switch t.State {
				case "down":
					return ios.Red
				case "up":
					return ios.Green
				}
				return ios.Yellow
			}},
			{Header: "SCRAPED", Value: func(t target) string {
				if t.LastScrape == nil {
					return "never"
				}
				return o.f.Age(*t.LastScrape)
			}},
			{Header: "ERROR", Flex: true, Value: func(t target) string { return t.Error }},
			{Header: "URL", Wide: true, Value: func(t target) string { return t.URL }},
			{Header: "LABELS", Wide: true, Value: func(t target) string { return labelsText(t.Labels, "instance", "job") }},
		},
	}
}
