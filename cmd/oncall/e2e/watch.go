package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
)

type watchOptions struct {
	target
	every string

	interval time.Duration
}

func newCmdWatch(f *cli.Factory) *cobra.Command {
	o := &watchOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Follow the running build to its result, or wait for the next one",
		Long: `Follow the build that runs to its result; when none runs, wait for the next. The exit
code is that of the result. It shows how far the build is; oncall e2e logs -f shows
its console.`,
		Example: `oncall e2e watch
oncall e2e watch --timeout 2h && oncall incident resolve 4126`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.interval, err = cli.Length("every", o.every, 5*time.Second); err != nil {
				return err
			}
			if o.interval < 2*time.Second {
				return cli.Usage("--every: 2s at least, not %s", o.interval)
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.every, "every", "5s", "how often to look for the next build, 2s at least")
	_ = cmd.RegisterFlagCompletionFunc("every", cobra.NoFileCompletions)
	o.flags(cmd, false)
	return cmd
}

func (o *watchOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx); err != nil {
		return err
	}
	ctx, cancel := o.f.Limited(ctx, o.f.WaitLimit(0))
	defer cancel()
	b, err := o.follow(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return exit.With(exit.WaitRanOut, apierr.New(apierr.ErrUnavailable, "jenkins", "watch "+o.job.String(), "no build ended before the time was up").
			WithHint("resume: oncall e2e watch"))
	}
	if err != nil {
		return err
	}
	item := buildOf(b)
	if b.Result != jenkins.Success {
		if reader, err := o.f.E2EReader(o.client); err == nil {
			if r, err := reader.Console(ctx, b); err == nil {
				item.Failing = failingOf(r)
			}
		}
	}
	err = printer.Item(out, table(o.f), item, func(v *printer.Detail) {
		v.Title(fmt.Sprintf("%s #%d", o.job, b.Number), headline(o.f, b), style(item))
		v.Row("with", strings.Join(words(b), " · "))
		v.Row("failed", oneLine(item.Failing))
		if b.Result != jenkins.Success {
			v.Next(again("why", b, o.jobName), again("retry", b, o.jobName))
		}
	})
	if err != nil {
		return err
	}
	return byResult(b)
}

// follow finds the build to watch and returns it when it is over.
func (o *watchOptions) follow(ctx context.Context) (jenkins.Build, error) {
	progress := o.f.IO.Progress()
	defer progress.End()
	last := 0
	for first := true; ; first = false {
		builds, err := o.client.Builds(ctx, o.job, 0, 20)
		runs := max(0, slices.IndexFunc(builds, func(b jenkins.Build) bool { return !ended(b) })) // not always the newest
		switch {
		case err != nil && (first || !errors.Is(err, apierr.ErrUnavailable)):
			return jenkins.Build{}, err
		case err != nil:
			o.f.IO.Warn("no answer, still trying: %v", err)
		case len(builds) > 0 && (!ended(builds[runs]) || !first && builds[runs].Number > last):
			n := builds[runs].Number
			return o.client.WaitEnd(ctx, o.job, n, func(b jenkins.Build) { progress.Set(fmt.Sprintf("running #%d", n), headline(o.f, b)) })
		case len(builds) > 0 && first:
			last = builds[0].Number
		}
		progress.Set("waiting for the next build", fmt.Sprintf("the last is #%d", last))
		if err := o.f.Wait(ctx, o.interval); err != nil {
			return jenkins.Build{}, err
		}
	}
}
