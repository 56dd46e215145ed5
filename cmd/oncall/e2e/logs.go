package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	e2epkg "github.com/balena-io/oncall/pkg/e2e"
	"github.com/balena-io/oncall/pkg/jenkins"
)

type logsOptions struct {
	target
	follow     bool
	tail       int
	sinceLine  int
	grep       string
	stage      string
	timestamps bool
	raw        bool
	failures   bool
	resultCode bool

	pattern *regexp.Regexp
}

func newCmdLogs(f *cli.Factory) *cobra.Command {
	o := &logsOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "logs [build]",
		Short: "Print a build's console, or follow it to the end",
		Long: `Print a build's console as it is, by default the last build's. With -f it is followed
to its last line, across restarts of Jenkins, and the exit code is that of the result:
10 UNSTABLE, 11 FAILURE, 12 ABORTED, 13 NOT_BUILT.

` + buildHelp + `

Control characters are made visible and colours pass to a terminal only; --raw gives
the bytes. With -f, --timestamps tells when a line arrived, as Jenkins does not say.
--grep chooses among the lines that the other flags leave.`,
		Example: `oncall e2e logs -f
oncall e2e logs 9123 --tail 200
oncall e2e logs last-failed --failures
oncall e2e logs 9123 --stage 'autohat qemux86-64' --grep 'FATAL|FAIL'`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeBuilds(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(args, refLast); err != nil {
				return err
			}
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.follow, "follow", "f", false, "follow to the last line and the final result")
	fs.IntVar(&o.tail, "tail", 0, "only the last lines")
	fs.IntVar(&o.sinceLine, "since-line", 0, "only from this line on, counted from 1")
	fs.StringVar(&o.grep, "grep", "", "only lines that match this regular expression")
	fs.StringVar(&o.stage, "stage", "", "only lines of this stage, or parallel branch")
	fs.BoolVar(&o.timestamps, "timestamps", false, "with the time of each line")
	fs.BoolVar(&o.raw, "raw", false, "the bytes as Jenkins gives them")
	fs.BoolVar(&o.failures, "failures", false, "only the passages that failed, as in oncall e2e why")
	fs.BoolVar(&o.resultCode, "result-code", true, "with -f, exit by the build's result")
	for _, name := range []string{"tail", "since-line", "grep", "stage"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	o.flags(cmd, true)
	return cmd
}

func (o *logsOptions) validate() error {
	switch {
	case o.tail < 0:
		return cli.Usage("--tail: a number of lines, not %d", o.tail)
	case o.sinceLine < 0:
		return cli.Usage("--since-line: a line counted from 1, not %d", o.sinceLine)
	case o.tail > 0 && (o.sinceLine > 0 || o.stage != ""):
		return cli.Usage("--tail does not go with --since-line or --stage, which are counted from the first line")
	case o.failures && (o.follow || o.tail > 0 || o.sinceLine > 0 || o.grep != "" || o.stage != "" || o.timestamps || o.raw):
		return cli.Usage("--failures shows passages and goes with no other choice of lines")
	}
	if o.grep != "" {
		re, err := regexp.Compile(o.grep)
		if err != nil {
			return cli.Usage("--grep: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		o.pattern = re
	}
	return nil
}

func (o *logsOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if o.failures {
		w := whyOptions{target: o.target, around: shownAround}
		return w.passages(ctx, out)
	}
	if err := o.open(ctx); err != nil {
		return err
	}
	n, err := o.number(ctx)
	if err != nil {
		return err
	}
	sink := o.sink(out)
	if o.follow {
		return o.followTo(ctx, n, sink)
	}
	err = o.copyTo(ctx, n, sink)
	if cerr := sink.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		o.nothing(n, sink)
	}
	return cmp.Or(err, sink.missing())
}

// nothing says why nothing was printed.
func (o *logsOptions) nothing(n int, sink *logSink) {
	switch {
	case sink.plain() || sink.printed > 0 || sink.missing() != nil:
	case o.pattern != nil:
		o.f.IO.Note("no line of #%d that was looked at matches %s", n, o.grep)
	case o.sinceLine > sink.line && !sink.unnumbered:
		o.f.IO.Note("the console of #%d has %s lines", n, commas(sink.line))
	}
}

// copyTo writes the console as it stands.
func (o *logsOptions) copyTo(ctx context.Context, n int, sink *logSink) error {
	if o.tail > 0 && !o.timestamps {
		return o.client.Tail(ctx, o.job, n, o.tail, sink)
	}
	var body io.ReadCloser
	var err error
	if o.timestamps {
		first := o.sinceLine
		if o.tail > 0 {
			first = -o.tail
		}
		if o.stage == "" {
			sink.firstLine = 0 // the plugin gives no more than the lines asked for
		} else {
			first = 0 // but a stage is counted from the first line
		}
		body, err = o.client.Timestamps(ctx, o.job, n, jenkins.TimestampsOptions{First: first})
	} else {
		body, err = o.client.Console(ctx, o.job, n)
	}
	if err != nil {
		return err
	}
	ahead := e2epkg.ReadAhead(body)
	defer func() { _ = ahead.Close() }()
	_, err = io.Copy(sink, ahead)
	return err
}

// followTo writes the console as it grows and ends by the result.
func (o *logsOptions) followTo(ctx context.Context, n int, sink *logSink) error {
	ctx, cancel := o.f.Limited(ctx, o.f.WaitLimit(0))
	defer cancel()
	b, err := o.client.Follow(ctx, o.job, n, sink, jenkins.FollowOptions{Tail: o.tail, Notify: func(e jenkins.FollowEvent) { o.notify(e, sink) }})
	if cerr := sink.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return o.stopped(n, err)
	}
	o.f.IO.Note("#%d %s", n, headline(o.f, b))
	if err := sink.missing(); err != nil {
		return err
	}
	if !o.resultCode {
		return nil
	}
	return byResult(b)
}

func (o *logsOptions) notify(e jenkins.FollowEvent, sink *logSink) {
	switch e.Kind {
	case jenkins.FollowRestart:
		sink.restart()
		o.f.IO.Note("%s", e.Text)
	case jenkins.FollowCounting:
		if o.f.Verbose > 0 {
			o.f.IO.Note("%s", e.Text)
		}
	case jenkins.FollowAway:
		o.f.IO.Warn("%s: %v", e.Text, e.Err)
	default:
		o.f.IO.Note("%s", e.Text)
	}
}

// stopped adds how to go on to an error that ended a follow.
func (o *logsOptions) stopped(n int, err error) error {
	resume := fmt.Sprintf("oncall e2e logs %d -f --tail 20", n)
	if o.jobName != "" || o.pasted.Job != nil {
		resume += " --job " + o.job.String()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return exit.With(exit.WaitRanOut, apierr.New(apierr.ErrUnavailable, "jenkins", fmt.Sprintf("follow #%d", n), "still running when the time was up").
			WithHint("resume: %s", resume))
	case errors.Is(err, context.Canceled):
		o.f.IO.Hint("#%d goes on; resume: %s", n, resume)
	case errors.Is(err, apierr.ErrUnavailable):
		o.f.IO.Hint("resume: %s", resume)
	}
	return err
}

// sink makes what the console is written to.
func (o *logsOptions) sink(out *printer.Printer) *logSink {
	s := &logSink{firstLine: o.sinceLine, pattern: o.pattern, stage: o.stage}
	if o.timestamps && o.follow {
		s.clock = func() string { return o.f.Now().In(o.f.Location()).Format("15:04:05") + "  " }
	}
	filter := ios.FilterOptions{Color: o.f.IO.Color, Raw: o.raw}
	if out.Human() {
		s.direct = o.f.IO.Stdout()
		if !o.raw {
			f := ios.NewFilter(s.direct, filter)
			s.direct, s.closer = f, f
		}
	} else {
		s.stream = printer.NewStream(out, "Line", func(l logLine) string { return l.Text }).WithRaw(o.raw)
		if !o.follow {
			s.stream = s.stream.WithBuffer()
		}
		s.unnumbered = o.tail > 0 || o.timestamps
	}
	return s
}
