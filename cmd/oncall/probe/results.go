package probe

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nodeping"
	"github.com/balena-io/oncall/pkg/probe"
)

type resultsOptions struct {
	f      *cli.Factory
	name   string
	since  string
	from   string
	failed bool
	limit  int
}

func newCmdResults(f *cli.Factory) *cobra.Command {
	o := &resultsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "results <name>",
		Short: "List what a service answered the probes, run by run",
		Long: `List what a service answered, newest first: when, whether it passed, status code and
message, how long it took, and which probe asked. A line on stderr draws the run times.
About a month is kept; the bodies of answers are not.`,
		Example: `oncall probe results api
oncall probe results api --since 2h --failed
oncall probe results api --from nl -o json`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteProbes(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 1 || o.limit >= nodeping.MaxResults {
				return cli.Usage("--limit: %d is not from 1 to %d", o.limit, nodeping.MaxResults-1)
			}
			o.name = args[0]
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.since, "since", "1h", "only those since: 2h, 3d, 15:04, 2006-01-02")
	fs.StringVar(&o.from, "from", "", "only those of this probe: nl")
	fs.BoolVar(&o.failed, "failed", false, "only those that failed")
	fs.IntVar(&o.limit, "limit", 60, "how many at most")
	for _, name := range []string{"since", "from", "limit"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	return cmd
}

func (o *resultsOptions) run(ctx context.Context) error {
	since, err := o.f.Since(o.since)
	if err != nil {
		return err
	}
	out := o.f.Printer()
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	c, err := d.Find(ctx, o.name)
	if err != nil {
		return err
	}
	ask := o.limit
	if o.failed || o.from != "" { // the vendor cannot filter
		ask = nodeping.MaxResults - 1
	}
	all, more, err := d.Results(ctx, c, since, ask)
	if err != nil {
		return err
	}
	kept := []probe.Result{}
	for _, r := range all {
		if o.failed && r.Passed || o.from != "" && !strings.EqualFold(r.From, o.from) {
			continue
		}
		if len(kept) == o.limit {
			more = true
			break
		}
		kept = append(kept, r)
	}
	meta := printer.Meta{Truncated: more, More: "--limit shows more", Empty: o.empty(c, since, len(all))}
	if err := printer.List(out, o.table(), kept, meta); err != nil {
		return err
	}
	if line := spark(all); out.Human() && line != "" {
		o.f.IO.Note("run times  %s  %s", line, bounds(all))
	}
	return nil
}

func bounds(all []probe.Result) string {
	low, high := all[0].Seconds, all[0].Seconds
	for _, r := range all {
		low, high = min(low, r.Seconds), max(high, r.Seconds)
	}
	return took(low) + " to " + took(high)
}

func (o *resultsOptions) empty(c probe.Check, since time.Time, seen int) string {
	switch {
	case seen > 0:
		return c.Label() + ": no such result among those since " + o.f.Clock(since)
	case c.State == probe.Disabled:
		return c.Label() + " is disabled and is not asked"
	}
	return c.Label() + " has no result since " + o.f.Clock(since)
}

func (o *resultsOptions) table() printer.Table[probe.Result] {
	return printer.Table[probe.Result]{
		Kind: "ProbeResult",
		Name: func(r probe.Result) string { return r.ID },
		Columns: []printer.Column[probe.Result]{
			{Header: "AT", Value: func(r probe.Result) string { return o.f.Clock(r.At) }},
			{Header: "RESULT", Value: func(r probe.Result) string {
				if r.Passed {
					return "passed"
				}
				return "failed"
			}, Style: func(r probe.Result) ios.Style {
				if r.Passed {
					return ios.Green
				}
				return ios.Red
			}},
			{Header: "CODE", Value: func(r probe.Result) string { return r.Code }},
			{Header: "TOOK", Value: func(r probe.Result) string { return took(r.Seconds) }},
			{Header: "FROM", Value: func(r probe.Result) string { return from(&r) }},
			{Header: "ANSWER", Flex: true, Value: func(r probe.Result) string { return r.Words }},
			{Header: "MESSAGE", Wide: true, Value: func(r probe.Result) string { return r.Message }},
		},
	}
}
