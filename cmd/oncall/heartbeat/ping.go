package heartbeat

import (
	"context"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type pingOptions struct {
	f                *cli.Factory
	name             string
	start, fail, log bool
	code             int
	body, file       string
	run              string

	signal healthchecks.Signal
	words  string
}

func newCmdPing(f *cli.Factory) *cobra.Command {
	o := &pingOptions{f: f}
	cmd := &cobra.Command{
		Use:   "ping <name>",
		Short: "Send a signal as the job would: success, start, failure, an exit code",
		Long: `Send one signal to a check: a success, or what the flag says. It is sent once; whether one
whose answer was lost has arrived is told by the check's pings.

Of a long --body-file the end is sent, about 10,000 bytes; a file that is empty or cannot
be read stops no signal.

A check is named as everywhere. Its UUID needs no key at all, its slug the ping key.
A success that did not happen hides an outage: for trying things out there is --log.`,
		Example: `oncall heartbeat ping "e2e hourly"
oncall heartbeat ping database-backup --start
oncall heartbeat ping database-backup --exit-code $? --body-file backup.log
oncall heartbeat ping 5b6c9ab8-0d3c-4f5e-9a51-7f1f2a9d3f10 --log --body "trying it out"`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteHeartbeats(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = args[0]
			if err := o.validate(cmd.Flags().Changed("exit-code")); err != nil {
				return err
			}
			return o.send(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.start, "start", false, "the job has started")
	fs.BoolVar(&o.fail, "fail", false, "the job has failed")
	fs.BoolVar(&o.log, "log", false, "only note it: the check's state stays")
	fs.IntVar(&o.code, "exit-code", 0, "the job has ended with this code, 0 to 255")
	fs.StringVar(&o.body, "body", "", "text to keep with the signal; - is standard input")
	fs.StringVar(&o.file, "body-file", "", "file with that text; - is standard input")
	fs.StringVar(&o.run, "run-id", "", "UUID that joins the start and the end of a run")
	for _, name := range []string{"exit-code", "body", "run-id"} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *pingOptions) validate(coded bool) error {
	o.signal, o.words = healthchecks.Signal{Kind: healthchecks.PingSuccess, RunID: o.run}, "success"
	given := 0
	for _, x := range []struct {
		on   bool
		kind string
	}{{o.start, healthchecks.PingStart}, {o.fail, healthchecks.PingFail}, {o.log, healthchecks.PingLog}} {
		if x.on {
			o.signal.Kind, o.words = x.kind, x.kind
			given++
		}
	}
	if coded {
		if o.code < 0 || o.code > 255 {
			return cli.Usage("--exit-code: %d is not from 0 to 255", o.code)
		}
		o.signal.Exit, o.words = &o.code, "exit code "+strconv.Itoa(o.code)
		given++
	}
	switch {
	case given > 1:
		return cli.Usage("--start, --fail, --log, --exit-code: only one of them")
	case o.body != "" && o.file != "":
		return cli.Usage("--body and --body-file: only one of them")
	case o.run != "" && !healthchecks.IsUUID(o.run):
		return cli.Usage("--run-id: %q is not a UUID", o.run)
	}
	return nil
}

// readBody takes the text of a signal. The signal counts for more: without a text
// that was to come with it, it is sent all the same.
func (o *pingOptions) readBody() {
	from, in := o.file, o.f.IO.In
	switch {
	case o.file == "-" || o.body == "-":
		from = "standard input"
	case o.file != "":
		file, err := os.Open(o.file)
		if err != nil {
			o.f.IO.Warn("the signal goes without its text: %v", err)
			return
		}
		defer file.Close()
		in = file
	default:
		o.signal.Body = []byte(o.body)
		return
	}
	end, lost, err := heartbeat.ReadEnd(in, healthchecks.DefaultBodyLimit)
	if err != nil {
		o.f.IO.Warn("the signal goes without all of its text: %s: %v", from, err)
	}
	o.signal.Body = heartbeat.Clip(end, lost, healthchecks.DefaultBodyLimit)
}

func (o *pingOptions) send(ctx context.Context) error {
	o.readBody()
	m, err := o.f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	to, err := m.Target(ctx, o.name)
	if err != nil {
		return err
	}
	plan := mutate.Plan{Verb: "ping", Done: "told: " + o.words, Kind: heartbeat.Kind, Targets: []string{to.Name}}
	if c := to.Check; c != nil {
		plan.Effects = append(plan.Effects, c.Label()+" is "+stateWords(*c)+", and gets the signal: "+o.words)
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		got, err := m.Signal(ctx, to, o.signal)
		if err != nil {
			return err
		}
		if got.Dropped {
			return apierr.New(apierr.ErrRateLimited, healthchecks.Vendor, "ping "+to.Name, "answered, and not kept: signals of this check come too often").
				WithHint("more than 5 a minute may be dropped")
		}
		out := mutate.Outcome{Changed: true}
		if n := len(o.signal.Body); n > got.BodyLimit {
			out.Message = "the server keeps the first " + strconv.Itoa(got.BodyLimit) + " of " + strconv.Itoa(n) + " bytes"
		}
		report(to.Name, out)
		return nil
	})
}
