package dashboard

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/grafana"
)

type openOptions struct {
	f *cli.Factory
	view
	panel   string
	web     bool
	logs    string
	metrics string
}

func newCmdOpen(f *cli.Factory) *cobra.Command {
	o := &openOptions{f: f}
	cmd := &cobra.Command{
		Use:   "open [<dashboard>]",
		Short: "Link to a dashboard at a time, with variables; or to a query in Explore",
		Long: `Print the link to a dashboard, with a time and variables in it; --web opens it in the
browser. With --incident the time is that of the incident. --logs and --metrics link
to a query in Explore instead.`,
		Example: `oncall dashboard open api --incident 4127 --web
oncall dashboard open "API overview" --since 3h --var env=production --panel 5xx
oncall dashboard open --logs '{service="api"} |= "500"' --since 30m`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeDashboards(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(args); err != nil {
				return err
			}
			return o.run(cmd.Context(), args)
		},
	}
	o.bind(cmd, f)
	fs := cmd.Flags()
	fs.StringVar(&o.panel, "panel", "", "this panel alone: a number or a part of its title")
	fs.StringVar(&o.logs, "logs", "", "a LogQL query to show in Explore")
	fs.StringVar(&o.metrics, "metrics", "", "a PromQL query to show in Explore")
	cli.WebFlag(cmd, &o.web)
	for _, name := range []string{"panel", "logs", "metrics"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func (o *openOptions) validate(args []string) error {
	given := len(args)
	for _, s := range []string{o.logs, o.metrics} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return cli.Usage("give one of: a dashboard, --logs, --metrics").WithHint("oncall dashboard list")
	}
	return nil
}

func (o *openOptions) run(ctx context.Context, args []string) error {
	v, err := o.read(ctx, o.f)
	if err != nil {
		return err
	}
	c, err := o.f.Grafana(ctx)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return o.explore(ctx, c, v)
	}
	d, err := find(ctx, c, args[0])
	if err != nil {
		return err
	}
	if o.panel != "" {
		p, err := findPanel(ctx, c, d, o.panel)
		if err != nil {
			return err
		}
		v.Panel = p.ID
	}
	checkVariables(ctx, o.f, c, d, v)
	return o.f.Open(cli.Link{Name: "dashboard/" + d.UID, URL: c.Link(d, v)}, o.web)
}

func (o *openOptions) explore(ctx context.Context, c *grafana.Client, v grafana.View) error {
	kind, query := "loki", o.logs
	if query == "" {
		kind, query = "prometheus", o.metrics
	}
	uid, err := source(ctx, o.f, c, kind)
	if err != nil {
		return err
	}
	return o.f.Open(cli.Link{Name: "explore/" + kind, URL: c.Explore(kind, uid, query, v.From, v.To)}, o.web)
}

// source is the uid of the data source of a kind: the configured one, or the
// default or only one that Grafana lists.
func source(ctx context.Context, f *cli.Factory, c *grafana.Client, kind string) (string, error) {
	cfg, err := f.Config()
	if err != nil {
		return "", err
	}
	name := cfg.String(kind + ".data-source")
	d, err := c.DataSourceOf(ctx, kind, name)
	if name != "" && errors.Is(err, apierr.ErrAuth) {
		return name, nil // a token that may not list them; the uid is what most people set
	}
	return d.UID, err
}
