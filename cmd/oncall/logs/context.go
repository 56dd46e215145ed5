package logs

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
)

type contextOptions struct {
	f *cli.Factory
	selector
	span          cli.SpanFlags
	part          string
	after, before int
	around        int
	hostWide      bool
	raw           bool

	at       time.Time
	from, to time.Time
}

func newCmdContext(f *cli.Factory) *cobra.Command {
	o := &contextOptions{f: f}
	cmd := &cobra.Command{
		Use:   "context [<time>]",
		Short: "Show the lines around one line, in its own stream",
		Long: `Show what stands before and after one line in its own stream, unfiltered. The line is
found by its time (as logs query prints it under -o wide or json), by a part of its
text (--line, the newest that holds it), or both; --service and the like narrow it.
--host-wide shows all streams of its host.`,
		Example: `oncall logs context --service api --line 'pool exhausted' -C 5
oncall logs context 2026-03-04T03:18:22.104Z --service api -B 20
oncall logs context --service api --level error --line 503 --host-wide`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd, args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.bind(cmd, f)
	o.span.Bind(cmd, time.Hour)
	fs := cmd.Flags()
	fs.StringVar(&o.part, "line", "", "a part of the line's text")
	fs.IntVarP(&o.after, "after", "A", 10, "lines after it")
	fs.IntVarP(&o.before, "before", "B", 10, "lines before it")
	fs.IntVarP(&o.around, "around", "C", 10, "lines before and after it")
	fs.BoolVar(&o.hostWide, "host-wide", false, "all streams of its host, not its own alone")
	fs.BoolVar(&o.raw, "raw", false, "print the lines alone, byte by byte")
	_ = cmd.RegisterFlagCompletionFunc("line", cobra.NoFileCompletions)
	return cmd
}

func (o *contextOptions) complete(cmd *cobra.Command, args []string) (err error) {
	if cmd.Flags().Changed("around") {
		for name, v := range map[string]*int{"after": &o.after, "before": &o.before} {
			if !cmd.Flags().Changed(name) {
				*v = o.around
			}
		}
	}
	if o.after < 0 || o.before < 0 || o.after > 5000-1 || o.before > 5000-1 {
		return cli.Usage("-A, -B and -C are between 0 and 4999")
	}
	if len(args) == 0 && o.part == "" {
		return cli.Usage("which line? give its time, or a part of its text with --line")
	}
	if len(args) == 1 {
		if o.at, err = o.f.Instant("time", args[0]); err != nil {
			return err
		}
	}
	if o.from, o.to, err = o.span.Read(o.f); err != nil {
		return err
	}
	return o.build(o.f, nil)
}

func (o *contextOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	e, err := logs.FindLine(ctx, c, o.query, o.at, o.from, o.to, o.part)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	around, err := logs.ContextOf(ctx, c, e, o.stream(e), o.before, o.after)
	if err != nil {
		return cli.QueryFailed(o.f, err)
	}
	if out.Human() && !o.raw {
		if _, err := io.WriteString(o.f.IO.Err, o.stream(e).String()+"\n"); err != nil {
			return err
		}
	}
	s := newShown(o.f, out, o.raw)
	if err := s.page(around.Before); err != nil {
		return err
	}
	found := newLine(e)
	found.Match = true
	if err := s.Print(found); err != nil {
		return err
	}
	return s.page(around.After)
}

// stream is the labels of the lines to show: the line's own, or those of its host.
func (o *contextOptions) stream(e loki.Entry) loki.Labels {
	if !o.hostWide {
		return e.Stream.Labels
	}
	host := o.def.Label("host")
	if v := e.Stream.Labels[host]; v != "" {
		return loki.Labels{host: v}
	}
	for k, v := range e.Stream.Labels {
		if strings.Contains(k, "host") || k == "instance" || k == "node" {
			return loki.Labels{k: v}
		}
	}
	return e.Stream.Labels
}
