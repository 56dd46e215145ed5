package heartbeat

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type pingsOptions struct {
	f     *cli.Factory
	name  string
	limit int
	body  bool
}

func newCmdPings(f *cli.Factory) *cobra.Command {
	o := &pingsOptions{f: f}
	cmd := &cobra.Command{
		Use:   "pings <name>",
		Short: "List the signals that a check received, newest first",
		Long: `List the signals that a check received, newest first. --body reads what each carried, such
as the end of a failed job's output; a text that the server keeps no longer is told
and left out. It needs a read-write key: of a read-only one the server says "wrong
api key".`,
		Example: `oncall heartbeat pings "e2e hourly"
oncall heartbeat pings database-backup --body --limit 3`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteHeartbeats(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 1 {
				return cli.Usage("--limit: %d is not above zero", o.limit)
			}
			o.name = args[0]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().IntVar(&o.limit, "limit", 20, "how many at most")
	cmd.Flags().BoolVar(&o.body, "body", false, "read what each signal carried")
	_ = cmd.RegisterFlagCompletionFunc("limit", cobra.NoFileCompletions)
	return cmd
}

func (o *pingsOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	m, err := o.f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	c, err := m.Find(ctx, o.name)
	if err != nil {
		return err
	}
	pings, more, err := m.Pings(ctx, c, o.limit)
	if err != nil {
		return err
	}
	meta := printer.Meta{Truncated: more, More: "--limit shows more", Empty: c.Label() + " never had a signal"}
	if o.body {
		for _, err := range m.Bodies(ctx, c, pings) {
			meta.Partial = append(meta.Partial, printer.Partial{Source: "healthchecks", Error: strings.TrimPrefix(err.Error(), "healthchecks: ")})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return printer.List(out, o.table(), pings, meta)
}

func (o *pingsOptions) table() printer.Table[heartbeat.Ping] {
	t := printer.Table[heartbeat.Ping]{
		Kind: "Ping",
		Columns: []printer.Column[heartbeat.Ping]{
			{Header: "N", Value: func(p heartbeat.Ping) string { return number(p.Number) }},
			{Header: "AT", Value: func(p heartbeat.Ping) string { return o.f.Clock(p.At) }},
			{Header: "SIGNAL", Value: func(p heartbeat.Ping) string { return p.Kind }, Style: pingStyle},
			{Header: "TOOK", Value: func(p heartbeat.Ping) string {
				if p.Seconds == nil {
					return "-"
				}
				return seconds(*p.Seconds)
			}},
			{Header: "VIA", Value: func(p heartbeat.Ping) string { return p.Via }},
			{Header: "FROM", Wide: true, Value: func(p heartbeat.Ping) string { return p.From }},
			{Header: "CLIENT", Wide: true, Value: func(p heartbeat.Ping) string { return p.UserAgent }},
			{Header: "RUN", Wide: true, Value: func(p heartbeat.Ping) string { return p.RunID }},
		},
		Name: func(p heartbeat.Ping) string { return number(p.Number) },
	}
	t.Columns = append(t.Columns, printer.Column[heartbeat.Ping]{Header: "TEXT", Flex: true, Value: func(p heartbeat.Ping) string {
		switch {
		case p.Body != nil:
			return strings.Join(strings.Fields(*p.Body), " ")
		case p.HasBody && !o.body:
			return "(--body)"
		}
		return ""
	}})
	return t
}

func pingStyle(p heartbeat.Ping) ios.Style {
	switch p.Kind {
	case healthchecks.PingFail:
		return ios.Red
	case healthchecks.PingSuccess:
		return ios.Green
	default:
		return ios.Dim
	}
}
