package heartbeat

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type runOptions struct {
	f     *cli.Factory
	name  string
	argv  []string
	quiet bool
}

func newCmdRun(f *cli.Factory) *cobra.Command {
	o := &runOptions{f: f}
	cmd := &cobra.Command{
		Use:   "run <name> [flags] -- <command> [argument]...",
		Short: "Run a job and report its start, its end and its exit code",
		Long: `Run a command and report to its check that it started, how it ended, its exit code and the
end of its output, as much as the server keeps. The command's output passes through
as it comes, its environment is its own without the secrets of oncall (the ONCALL_*
variables that hold one), and its exit code is the exit code: 128+n when signal n
ended it, 127 when there is no such command, 126 when it cannot be run.

A report that fails is a warning and nothing more: the job runs, and its exit code
counts. An interrupt goes to the command, whose end is then reported.

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
	r := &reporter{f: o.f, run: heartbeat.NewRunID(), limit: healthchecks.DefaultBodyLimit}
	r.begin(ctx, o.name)
	tail := r.limit
	if o.quiet {
		tail = 0
	}
	e := heartbeat.Run(ctx, heartbeat.Command{
		Argv: o.argv, Env: o.f.ChildEnv(), Stdin: o.f.IO.In, Stdout: o.f.IO.Stdout(), Stderr: o.f.IO.Err, Tail: tail,
		Cancelled: o.signal, Now: o.f.Clocked,
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

// reporter tells the check of one run. Whatever fails in it is a warning.
type reporter struct {
	f      *cli.Factory
	m      *heartbeat.Monitor
	to     heartbeat.Target
	run    string
	limit  int
	silent bool // there is no check to report to
}

func (r *reporter) begin(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, cli.BriefTimeout)
	defer cancel()
	var err error
	if r.m, err = r.f.Heartbeat(ctx); err == nil {
		r.to, err = r.m.Target(ctx, name)
	}
	if err != nil {
		r.silent = true
		r.warn("the job runs without reports", err)
		return
	}
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
	ctx, cancel := context.WithTimeout(ctx, cli.BriefTimeout)
	defer cancel()
	code := min(max(e.Code, 0), 255)
	if e.Code != 0 && code == 0 {
		code = 255
	}
	body := []byte(r.f.Masker.Mask(string(e.Report(r.limit))))
	got, err := r.m.Signal(ctx, r.to, healthchecks.Signal{Exit: &code, Body: body[:min(len(body), r.limit)], RunID: r.run})
	r.told("the end", got, err)
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
