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
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/secret"
)

type retryOptions struct {
	target
	force      bool
	times      int
	untilGreen bool
	noWait     bool
	params     []string

	changes []jenkins.Parameter
	ask     mutate.Ask
	newest  int // number of the job's newest build before the next start; 0: not known
}

const (
	maxTimes    = 10
	lostStart   = 20 * time.Second // how long a start is looked for whose answer was lost
	retryWaited = 6 * time.Hour    // bound of a whole retry when --timeout says nothing
)

func newCmdRetry(f *cli.Factory) *cobra.Command {
	o := &retryOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "retry [build]",
		Short: "Start a build again with the same parameters and follow it to the end",
		Long: `Start a build again with the parameters it ran with, and follow it to its end: the
exit code is that of the result. By default the newest build that did not end green.

` + buildHelp + `

An equal run that is queued or running stops it (--force starts one all the same).
With --until-green it goes on after UNSTABLE and FAILURE; a build that was aborted,
or not built, ends it.
A start is sent once: when its answer is lost the queue and the newest builds are
searched for it, and what is not found there is exit code 15, never a second start.`,
		Example: `oncall e2e retry
oncall e2e retry 9123 --param DEBUG=true
oncall e2e retry --times 3 --until-green --reason "flaky kernel module"`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeBuilds(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(args, refLastBad); err != nil {
				return err
			}
			if err := o.validate(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.force, "force", false, "start although an equal run is queued or running")
	fs.IntVar(&o.times, "times", 1, "at most so many builds, one after the other; needs --until-green")
	fs.BoolVar(&o.untilGreen, "until-green", false, "go on until a build is green, --times at most")
	fs.BoolVar(&o.noWait, "no-wait", false, "return once the build has started")
	fs.StringArrayVar(&o.params, "param", nil, "run with this parameter instead: NAME=VALUE")
	_ = cmd.RegisterFlagCompletionFunc("times", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("param", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, f)
	o.flags(cmd, false)
	return cmd
}

func (o *retryOptions) validate(cmd *cobra.Command) error {
	switch {
	case o.times < 1 || o.times > maxTimes:
		return cli.Usage("--times: 1 to %d, not %d", maxTimes, o.times)
	case o.times > 1 && !o.untilGreen:
		return cli.Usage("--times %d needs --until-green, which says when to stop", o.times)
	case o.untilGreen && !cmd.Flags().Changed("times"):
		return cli.Usage("--until-green needs a bound").WithHint("--times 3 --until-green")
	case o.untilGreen && o.noWait:
		return cli.Usage("--until-green waits for each build, --no-wait does not")
	}
	for _, p := range o.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return cli.Usage("--param: %q is not NAME=VALUE", p)
		}
		o.changes = append(o.changes, jenkins.Parameter{Name: name, Value: value})
	}
	return nil
}

func (o *retryOptions) run(ctx context.Context) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	ask, err := o.fence()
	if err != nil {
		return err
	}
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	j, err := o.client.Job(ctx, o.job)
	if err != nil {
		return err
	}
	given, notes, err := o.given(j, b)
	if err != nil {
		return err
	}
	all, err := j.Effective(given)
	if err != nil {
		return err
	}
	if j.Disabled || !j.Buildable {
		return apierr.New(apierr.ErrConflict, "jenkins", "start "+o.job.String(), "the job is disabled, or not saved yet: Jenkins takes no builds of it")
	}
	equal, err := o.equalRun(ctx, all)
	if err != nil {
		return err
	}
	if equal != "" && !o.force {
		return apierr.New(apierr.ErrGuard, "jenkins", fmt.Sprintf("retry #%d", b.Number), "an equal run is there already: %s", equal).
			WithHint("oncall e2e watch follows it; --force starts one more")
	}
	if equal != "" {
		notes = append(notes, "an equal run is there already: "+equal)
	}
	o.ask = ask
	return o.start(ctx, j, b, given, all, notes)
}

// fence keeps a retry from being a way around what a deployment asks: that job is
// refused here. Any other job than the context's may do anything, and is asked
// about.
func (o *retryOptions) fence() (mutate.Ask, error) {
	cfg, err := o.f.Config()
	if err != nil {
		return 0, err
	}
	deploys, err := o.f.DeployJobs()
	if err != nil {
		return 0, err
	}
	if slices.ContainsFunc(deploys, o.job.Equal) {
		return 0, apierr.New(apierr.ErrGuard, "jenkins", "retry "+o.job.String(), "this job deploys, which is not started here").
			WithHint("oncall deploy run shows what would change, and asks")
	}
	own, err := jenkins.ParseJobName(cfg.String("jenkins.e2e-job"))
	if err != nil || !own.Equal(o.job) {
		return mutate.AskYesNo, nil
	}
	return mutate.AskNever, nil
}

// given are the parameters to send: those of the build that the job still
// takes, changed by --param.
func (o *retryOptions) given(j jenkins.Job, b jenkins.Build) (out []jenkins.Parameter, notes []string, err error) {
	for _, c := range o.changes {
		if slices.ContainsFunc(j.Parameters, func(d jenkins.Definition) bool { return d.Name == c.Name && d.Secret() }) {
			o.f.Masker.Add(secret.New(c.Value))
		}
	}
	out = []jenkins.Parameter{}
	defined := func(name string) bool {
		return slices.ContainsFunc(j.Parameters, func(d jenkins.Definition) bool { return d.Name == name })
	}
	for _, p := range b.Parameters {
		changed := slices.ContainsFunc(o.changes, func(c jenkins.Parameter) bool { return c.Name == p.Name })
		switch {
		case changed:
		case !defined(p.Name):
			notes = append(notes, fmt.Sprintf("the job no longer takes %s; it is left out", p.Name))
		case p.Secret:
			return nil, nil, apierr.New(apierr.ErrGuard, "jenkins", fmt.Sprintf("retry #%d", b.Number), "Jenkins does not hand out the value of %s, so the build cannot be repeated", p.Name).
				WithHint("--param %s=VALUE gives it, in your shell's history too; or rebuild it on Jenkins' own page: %s", p.Name, b.URL)
		default:
			out = append(out, p)
		}
	}
	return append(out, o.changes...), notes, nil
}

// equalRun tells of a build with the same parameters that runs or waits.
func (o *retryOptions) equalRun(ctx context.Context, all []jenkins.Parameter) (string, error) {
	seen, err := o.client.Activity(ctx, o.job, 20)
	if err != nil {
		return "", err
	}
	for _, b := range seen.Builds {
		o.newest = max(o.newest, b.Number)
		if !ended(b) && jenkins.SameParameters(b.Parameters, all) {
			return fmt.Sprintf("#%d %s", b.Number, headline(o.f, b)), nil
		}
	}
	for _, q := range seen.Waiting {
		if jenkins.SameParameters(q.Parameters, all) {
			return fmt.Sprintf("queue item %d, %s", q.ID, q.Why), nil
		}
	}
	return "", nil
}

func (o *retryOptions) start(ctx context.Context, j jenkins.Job, b jenkins.Build, given, all []jenkins.Parameter, notes []string) error {
	ctx, cancel := o.f.Limited(ctx, o.f.WaitLimit(retryWaited))
	defer cancel()
	values := []string{}
	for _, p := range all {
		if p.Secret {
			p.Value = "(secret)"
		}
		values = append(values, p.Name+"="+p.Value)
	}
	effect := fmt.Sprintf("%s again, as #%d: %s", o.job, b.Number, strings.Join(values, " "))
	if o.times > 1 {
		effect += fmt.Sprintf(" (up to %d times, until one is green)", o.times)
	}
	var last jenkins.Build
	var waited error
	err := o.f.Mutate(ctx, mutate.Plan{Verb: "retry", Done: "started", Kind: "build", Effects: []string{effect}, Notes: notes, Ask: o.ask},
		func(ctx context.Context, report mutate.Report) error {
			for n := 1; n <= o.times; n++ {
				var err error
				last, err = o.once(ctx, j, given, report, &waited)
				if err != nil || waited != nil {
					return err
				}
				if !last.Result.Bad() { // green; or stopped by somebody, who would be surprised by another
					return nil
				}
			}
			return nil
		})
	switch {
	case err != nil:
		return err
	case waited != nil:
		return waited
	case o.noWait || last.Number == 0:
		return nil
	}
	o.explain(ctx, last)
	return byResult(last)
}

// once starts one build and follows it. An end of the wait that leaves the build
// running is no failure of the change: it goes into waited.
func (o *retryOptions) once(ctx context.Context, j jenkins.Job, given []jenkins.Parameter, report mutate.Report, waited *error) (jenkins.Build, error) {
	progress := o.f.IO.Progress()
	defer progress.End()
	number := 0
	s, err := o.client.Start(ctx, j, given, jenkins.StartOptions{NoDelay: true, Newest: o.newest})
	if err != nil {
		if !errors.Is(err, apierr.ErrUnknownOutcome) {
			return jenkins.Build{}, err
		}
		if s.QueueID, number, err = o.lookFor(ctx, s, err); err != nil {
			return jenkins.Build{}, err
		}
	}
	if s.Folded {
		o.f.IO.Note("Jenkins folded it into queue item %d, which waited with equal parameters", s.QueueID)
	}
	if number == 0 {
		number, err = o.client.WaitStart(ctx, o.job, s.QueueID, func(q jenkins.QueueItem) {
			state := fmt.Sprintf("queued (item %d) %s", q.ID, q.State)
			if q.Stuck {
				state += ", STUCK"
			}
			progress.Set(state, q.Why)
		})
		if err != nil {
			return jenkins.Build{}, o.lost(ctx, s, err)
		}
	}
	o.newest = max(o.newest, number)
	if o.noWait {
		report(itoa(number), mutate.Outcome{Changed: true, Message: "oncall e2e logs " + itoa(number) + " -f"})
		return jenkins.Build{Number: number}, nil
	}
	b, err := o.client.WaitEnd(ctx, o.job, number, func(b jenkins.Build) { progress.Set(fmt.Sprintf("running #%d", number), headline(o.f, b)) })
	progress.End()
	if err != nil {
		report(itoa(number), mutate.Outcome{Changed: true, Message: "still running"})
		*waited = o.ranOut(number, err)
		return b, nil
	}
	item := buildOf(b)
	report(itoa(number), mutate.Outcome{Words: result(b), Changed: true, Message: "after " + took(o.f, b), Item: item})
	return b, nil
}

// lookFor searches for a start whose answer was lost.
func (o *retryOptions) lookFor(ctx context.Context, s jenkins.Started, lost error) (item int64, build int, err error) {
	o.f.IO.Note("the answer was lost; looking for the build in the queue and among the newest")
	found, ok, err := o.client.FindStarted(ctx, o.job, s, lostStart)
	if ok {
		return found.QueueID, found.Build, nil
	}
	if err != nil && ctx.Err() != nil {
		return 0, 0, err
	}
	var e *apierr.Error
	if errors.As(lost, &e) {
		e.Hint = "it is not in the queue and not among the newest builds yet; look again: oncall e2e list --no-why"
	}
	return 0, 0, lost
}

// lost explains why a queue item did not become a build.
func (o *retryOptions) lost(ctx context.Context, s jenkins.Started, err error) error {
	switch {
	case wasCancelled(err):
		return exit.With(exit.Cancelled, err)
	case ctx.Err() != nil:
		o.f.IO.Hint("queue item %d still waits; oncall e2e watch follows what comes of it", s.QueueID)
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return exit.With(exit.WaitRanOut, fmt.Errorf("jenkins: queue item %d still waited when the time was up", s.QueueID))
		}
	}
	return err
}

func (o *retryOptions) ranOut(number int, err error) error {
	resume := fmt.Sprintf("oncall e2e logs %d -f --tail 20", number)
	if errors.Is(err, context.DeadlineExceeded) {
		return exit.With(exit.WaitRanOut, apierr.New(apierr.ErrUnavailable, "jenkins", fmt.Sprintf("retry: #%d", number), "still running when the time was up").WithHint("resume: %s", resume))
	}
	o.f.IO.Hint("#%d goes on; resume: %s", number, resume)
	return err
}

// explain says in one line why the last build was not green.
func (o *retryOptions) explain(ctx context.Context, b jenkins.Build) {
	if b.Result == jenkins.Success || b.Number == 0 {
		return
	}
	reader, err := o.f.E2EReader(o.client)
	if err != nil {
		return
	}
	if r, err := reader.Console(ctx, b); err == nil {
		if s := failingOf(r); s != nil {
			o.f.IO.Note("first failure  %s", oneLine(s))
		}
	}
	o.f.IO.Hint("%s", again("why", b, o.jobName))
}
