package probe

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nodeping"
	"github.com/balena-io/oncall/pkg/probe"
)

type outagesOptions struct {
	f      *cli.Factory
	name   string
	since  string
	uptime string
}

func newCmdOutages(f *cli.Factory) *cobra.Command {
	o := &outagesOptions{f: f}
	cmd := &cobra.Command{
		Use:   "outages [name]",
		Short: "List outages with begin, end and length; or the uptime by day and month",
		Long: `List the outages of one check or of all, newest first, as the results show them: from the
first failed run to the first of two good ones in a row, since a single good one may be
the one place that still gets through. About a month of results is kept.

--uptime days or months lists the vendor's own sums instead.`,
		Example: `oncall probe outages
oncall probe outages api --since 7d
oncall probe outages api --uptime days`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteProbes(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.name = args[0]
			}
			switch o.uptime {
			case "", nodeping.ByDay, nodeping.ByMonth:
			default:
				return cli.Usage("--uptime: %q is not days or months", o.uptime)
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.since, "since", "", "only those since: 2h, 3d, 2006-01-02 (default 1d; of --uptime what the vendor gives)")
	fs.StringVar(&o.uptime, "uptime", "", "list the uptime instead, by days or months")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("uptime", cli.Words(nodeping.ByDay, nodeping.ByMonth))
	return cmd
}

func (o *outagesOptions) run(ctx context.Context) error {
	since, err := o.f.Since(o.since)
	if err != nil {
		return err
	}
	out := o.f.Printer()
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	all, err := d.List(ctx, probe.Filter{})
	if err != nil {
		return err
	}
	if o.name != "" {
		c, err := probe.Pick(all, o.name)
		if err != nil {
			return err
		}
		all = []probe.Check{c}
	}
	if o.uptime != "" {
		return o.uptimes(ctx, out, d, all, since)
	}
	if since.IsZero() {
		since = o.f.Now().Add(-24 * time.Hour)
	}
	found, partial, err := d.AllOutages(ctx, all, since)
	if err != nil {
		return err
	}
	return printer.List(out, o.table(), found, printer.Meta{Partial: printer.Partials(partial), Empty: "no outage since " + o.f.Clock(since)})
}

func (o *outagesOptions) table() printer.Table[probe.Outage] {
	return printer.Table[probe.Outage]{
		Kind: "ProbeOutage",
		Name: func(x probe.Outage) string { return x.Probe },
		Columns: []printer.Column[probe.Outage]{
			{Header: "PROBE", Value: func(x probe.Outage) string { return x.Probe }},
			{Header: "BEGAN", Value: func(x probe.Outage) string {
				if x.Earlier {
					return "before " + o.f.Clock(x.Start)
				}
				return o.f.Clock(x.Start)
			}},
			{Header: "ENDED", Value: func(x probe.Outage) string {
				if x.End == nil {
					return "it lasts"
				}
				return o.f.Clock(*x.End)
			}, Style: func(x probe.Outage) ios.Style {
				if x.End == nil {
					return ios.Red
				}
				return ios.None
			}},
			{Header: "LENGTH", Value: func(x probe.Outage) string { return length(x.Seconds) }},
			{Header: "FIRST ANSWER", Flex: true, Value: func(x probe.Outage) string { return x.Words }},
			{Header: "SEEN FROM", Flex: true, Value: func(x probe.Outage) string { return strings.Join(x.From, ",") }},
			{Header: "FAILED", Wide: true, Value: func(x probe.Outage) string { return fmt.Sprint(x.Failed) }},
		},
	}
}

func (o *outagesOptions) uptimes(ctx context.Context, out *printer.Printer, d *probe.Desk, all []probe.Check, since time.Time) error {
	rows, meta := []probe.Uptime{}, printer.Meta{}
	var last error
	for _, c := range all {
		up, err := d.Uptime(ctx, c, o.uptime, since)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			last = err
			meta.Partial = append(meta.Partial, printer.Partial{Source: c.Label(), Error: err.Error()})
		}
		rows = append(rows, up...)
	}
	if len(rows) == 0 && last != nil {
		return last
	}
	return printer.List(out, printer.Table[probe.Uptime]{
		Kind: "ProbeUptime",
		Name: func(u probe.Uptime) string { return u.Probe },
		Columns: []printer.Column[probe.Uptime]{
			{Header: "PROBE", Value: func(u probe.Uptime) string { return u.Probe }},
			{Header: "SPAN", Value: func(u probe.Uptime) string { return u.Span }},
			{Header: "UPTIME", Value: func(u probe.Uptime) string { return fmt.Sprintf("%.3f%%", u.Percent) }},
			{Header: "DOWN", Value: func(u probe.Uptime) string {
				if u.Down == 0 {
					return "-"
				}
				return length(u.Down)
			}},
			{Header: "WATCHED", Wide: true, Value: func(u probe.Uptime) string { return length(u.Watched) }},
		},
		Empty: "no uptime is known",
	}, rows, meta)
}
