package logs

import (
	"context"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/loki"
)

type tailOptions struct {
	f *cli.Factory
	selector
	since  string
	lines  int
	raw    bool
	during string

	following loki.Following
	limit     time.Duration
}

func newCmdTail(f *cli.Factory) *cobra.Command {
	o := &tailOptions{f: f}
	cmd := &cobra.Command{
		Use:   "tail [<logql>]",
		Short: "Follow log lines as they are stored",
		Long: `Follow log lines as they are stored, each once, until Ctrl-C. After a lost connection
what was missed is read before it goes on. Where WebSockets do not pass, the lines
are asked for every two seconds. When the server drops lines, because they are read
too slowly, that is told with the time they are of.`,
		Example: `oncall logs tail --service api --level error
oncall logs tail '{service="api"} |= "500"' --lines 20
oncall logs tail --service api --since 10m --for 30s -o jsonl`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.bind(cmd, f)
	fs := cmd.Flags()
	fs.StringVar(&o.since, "since", "", "first show the lines since: 10m, 15:04")
	fs.IntVarP(&o.lines, "lines", "n", 0, "first show so many of the newest lines")
	fs.BoolVar(&o.raw, "raw", false, "print the lines alone, byte by byte")
	fs.StringVar(&o.during, "for", "", "end after following for that time: 30s")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.NoFileCompletions)
	return cmd
}

func (o *tailOptions) complete(args []string) (err error) {
	if o.lines < 0 {
		return cli.Usage("--lines: %d is below zero", o.lines)
	}
	if o.limit, err = cli.Length("for", o.during, 0); err != nil {
		return err
	}
	if o.following.Since, err = o.f.Since(o.since); err != nil {
		return err
	}
	if err := o.build(o.f, args); err != nil {
		return err
	}
	o.following.Query, o.following.Lines = o.query, o.lines
	if o.lines > 0 && o.following.Since.IsZero() {
		if _, err := o.f.Config(); err != nil {
			return err
		}
		o.following.Since = o.f.Now().Add(-time.Hour)
	}
	return nil
}

func (o *tailOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	c, err := o.f.Loki(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, tell := newShown(o.f, out, o.raw), o.tell()
	var began sync.Once
	err = c.Follow(ctx, o.following, s.page, func(e loki.Event) error {
		// --for is a time of following: a server that is slow to answer at first
		// must not make it one that had nothing to say.
		began.Do(func() {
			if o.limit > 0 {
				time.AfterFunc(o.limit, cancel)
			}
		})
		return tell(e)
	})
	return cli.QueryFailed(o.f, err)
}

// tell says on stderr what happens to the connection: a loss once, not each try.
func (o *tailOptions) tell() func(loki.Event) error {
	lost, first := false, true
	return func(e loki.Event) error {
		switch e.Kind {
		case loki.Connected:
			if lost {
				o.f.IO.Note("connected again; what was missed follows")
			} else if first && o.f.IO.ErrTTY {
				o.f.IO.Note("%s; Ctrl-C ends it", e.Message)
			}
			lost, first = false, false
		case loki.Disconnected:
			if !lost {
				o.f.IO.Note("%s", e.Message)
			}
			lost = true
		case loki.Dropped:
			o.f.IO.Warn("loki: %s", e.Message)
			o.f.IO.Hint("oncall logs query --from %s --to %s --limit 0 with the same selector shows them",
				e.From.Format(time.RFC3339Nano), e.To.Add(1).Format(time.RFC3339Nano))
		case loki.Polling:
			o.f.IO.Warn("loki: %s", e.Message)
		}
		return nil
	}
}
