package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type runOptions struct {
	f     *cli.Factory
	name  string
	argv  []string
	quiet bool

	patience time.Duration
}

func newCmdRun(f *cli.Factory) *cobra.Command {
	o := &runOptions{f: f, patience: cli.BriefTimeout}
	cmd := &cobra.Command{
		Use:   "run <name> [flags] -- <command> [argument]...",
		Short: "Run a job and report its start, its end and its exit code",
		Long: `Run a command and report to its check that it started, how it ended, its exit code and the
end of its output, as much as the server keeps. The command's output passes through
as it comes, its environment is its own without the secrets of oncall (the ONCALL_*
variables that hold one), and its exit code is the exit code: 128+n when signal n
ended it, 127 when there is no such command, 126 when it cannot be run.

A report that fails is a warning and nothing more: the job runs, and its exit code
counts. A monitor that does not answer delays its start and its end by 10 seconds
each at most. Signals go to the command, whose end is then reported; one that comes
before it has begun ends it there.

A job on a machine without an API key gives the check's UUID, or its slug and a ping
key; neither needs the API.`,
		Example: `oncall heartbeat run database-backup -- /usr/local/bin/backup --all
oncall heartbeat run 5b6c9ab8-0d3c-4f5e-9a51-7f1f2a9d3f10 --no-output -- ./rotate-secrets
oncall heartbeat run e2e-hourly -- sh -c 'make test && make publish'`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch at := cmd.ArgsLenAtDash(); {
			case at < 0:
				return cli.Usage("the command stands after --").WithHint("oncall heartbeat run NAME -- COMMAND ARGUMENT...")
			case at != 1:
				return cli.Usage("before -- stands one name, got %d", at).WithHint("oncall heartbeat run NAME -- COMMAND ARGUMENT...")
			case len(args) < 2 || args[1] == "":
				return cli.Usage("there is no command after --").WithHint("oncall heartbeat run NAME -- COMMAND ARGUMENT...")
			}
			return nil
		},
		ValidArgsFunction: cli.FirstOnly(cli.CompleteHeartbeats(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name, o.argv = args[0], args[1:]
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.quiet, "no-output", false, "report the exit code alone, none of the command's output")
	return cmd
}

func (o *runOptions) run(ctx context.Context) error {
	r := &reporter{f: o.f, name: o.name, run: heartbeat.NewRunID(), limit: healthchecks.DefaultBodyLimit, patience: o.patience}
	r.begin(ctx)
	if ctx.Err() != nil {
		r.cancelled(context.WithoutCancel(ctx))
		return ctx.Err()
	}
	signals, stop := o.pass(ctx)
	defer stop()
	tail := r.limit
	if o.quiet {
		tail = 0
	}
	e := heartbeat.Run(ctx, heartbeat.Command{
		Argv: o.argv, Env: o.f.ChildEnv(), Stdin: o.f.IO.In, Stdout: o.f.IO.Stdout(), Stderr: o.f.IO.Err, Tail: tail,
		Cancelled: o.signal, Signals: signals, Now: o.f.Clocked,
	})
	// What ends the job must not end the report of it.
	r.end(context.WithoutCancel(ctx), e)
	switch {
	case e.Err != nil:
		return exit.Pass(e.Code, fmt.Errorf("heartbeat run: %w", e.Err))
	case e.Code != 0:
		return exit.Pass(e.Code, nil)
	}
	return nil
}

// signal is what the command gets when oncall is told to stop. A terminal sends
// its interrupt to both, and a second one may mean more than the first.
func (o *runOptions) signal() os.Signal {
	code, _ := o.f.Interrupted()
	switch {
	case code == exit.Terminated:
		return syscall.SIGTERM
	case code == exit.Interrupted && o.f.IO.InTTY:
		return nil
	}
	return os.Interrupt
}

// pass collects the signals that the command gets besides the one that ends ctx:
// those that would end oncall and leave the command behind, and every further
// interrupt or termination.
func (o *runOptions) pass(ctx context.Context) (got <-chan os.Signal, stop func()) {
	ch := make(chan os.Signal, 4)
	if s := passedOn(); len(s) > 0 {
		signal.Notify(ch, s...)
	}
	// After the first of these the process would end at the second.
	again := context.AfterFunc(ctx, func() {
		if _, ok := o.f.Interrupted(); ok && !o.f.IO.InTTY {
			signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
		}
	})
	return ch, func() { again(); signal.Stop(ch) }
}

// reporter tells the check of one run. Whatever fails in it is a warning.
type reporter struct {
	f        *cli.Factory
	m        *heartbeat.Monitor
	to       heartbeat.Target
	name     string
	run      string
	limit    int
	patience time.Duration // for all that is asked before the job, and again after it
	lost     bool          // the check was not found, and may be later
	silent   bool          // there is no check to report to
	started  bool          // the start was sent, or may have been
}

// find looks for the check. Half of the patience is left for the signal itself.
func (r *reporter) find(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience/2)
	defer cancel()
	if r.m == nil {
		if r.m, err = r.f.Heartbeat(ctx); err != nil {
			return err
		}
	}
	r.to, err = r.m.Target(ctx, r.name)
	return err
}

func (r *reporter) begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	if err := r.find(ctx); err != nil {
		// A monitor that is away now may be back when the job ends.
		r.lost = r.m != nil && (errors.Is(err, apierr.ErrUnavailable) || errors.Is(err, apierr.ErrRateLimited) || errors.Is(err, context.DeadlineExceeded))
		r.silent = !r.lost
		what := "the job runs without reports"
		if r.lost {
			what = "the start was not reported"
		}
		r.warn(what, err)
		return
	}
	r.started = true
	got, err := r.m.Signal(ctx, r.to, healthchecks.Signal{Kind: healthchecks.PingStart, RunID: r.run})
	if err == nil {
		r.limit = got.BodyLimit
	}
	r.told("the start", got, err)
}

func (r *reporter) end(ctx context.Context, e heartbeat.Ended) {
	if r.silent {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	if r.lost {
		if err := r.find(ctx); err != nil {
			r.warn("the end was not reported", err)
			return
		}
	}
	code := min(max(e.Code, 0), 255)
	if e.Code != 0 && code == 0 {
		code = 255
	}
	body := []byte(r.f.Masker.Mask(string(e.Report(r.limit))))
	got, err := r.m.Signal(ctx, r.to, healthchecks.Signal{Exit: &code, Body: body[:min(len(body), r.limit)], RunID: r.run})
	r.told("the end", got, err)
}

// cancelled takes a start back: the job was stopped before it began.
func (r *reporter) cancelled(ctx context.Context) {
	if !r.started {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	got, err := r.m.Signal(ctx, r.to, healthchecks.Signal{Kind: healthchecks.PingFail, Body: []byte("interrupted before it began\n"), RunID: r.run})
	r.told("that it did not begin", got, err)
}

func (r *reporter) told(what string, got healthchecks.Pinged, err error) {
	switch {
	case err != nil:
		r.warn(what+" was not reported", err)
	case got.Dropped:
		r.f.IO.Warn("%s was not reported: the server drops signals that come too often", what)
	}
}

func (r *reporter) warn(what string, err error) {
	r.f.IO.Warn("%s: %s", what, strings.ReplaceAll(r.f.Masker.Mask(err.Error()), "\n", "; "))
}
