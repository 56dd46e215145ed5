package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/lazyregexp"
)

type watchOptions struct {
	component
	number int
	only   string
	url    *jenkins.Target
}

func newCmdWatch(f *cli.Factory) *cobra.Command {
	o := &watchOptions{component: component{f: f}}
	cmd := &cobra.Command{
		Use:   "watch [build]",
		Short: "Pick up a deployment that is under way, also one whose command died",
		Long: `Follow a deployment to its end: the build, Flux, the roll-out, the checks. It starts
nothing. Without a number it takes the deployment that is under way; when there is
none, the newest one, and shows how far that got. The exit code is that of the result.`,
		Example: `oncall deploy watch
oncall deploy watch 882
oncall deploy watch --component api --timeout 30m`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if err := o.take(args[0]); err != nil {
					return err
				}
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.only, "component", "", "only deployments of this component")
	_ = cmd.RegisterFlagCompletionFunc("component", completeComponents(f))
	return cmd
}

var buildNumber = lazyregexp.New(`^#?([1-9][0-9]{0,8})$`)

func (o *watchOptions) take(text string) error {
	if jenkins.IsURL(text) {
		t, err := jenkins.ParseURL(text)
		if err != nil {
			return err
		}
		if o.number, err = strconv.Atoi(t.Build); err != nil {
			return cli.Usage("%q is no link to a build", text)
		}
		o.url = &t
		return nil
	}
	m := buildNumber().FindStringSubmatch(text)
	if m == nil {
		return cli.Usage("%q is no number of a build", text).WithHint("oncall deploy watch 882")
	}
	o.number, _ = strconv.Atoi(m[1])
	return nil
}

// jobs are those to look at: of the components, and the context's.
func (o *watchOptions) jobs() ([]jenkins.JobName, error) {
	if o.url != nil {
		return []jenkins.JobName{o.url.Job}, nil
	}
	if o.only != "" && o.c.Backend == deploy.BackendJenkins {
		return []jenkins.JobName{o.c.Job}, nil
	}
	out, err := o.f.DeployJobs()
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, cli.Usage("no job that deploys is set").WithHint("set ONCALL_JENKINS_DEPLOY_JOB")
	}
	return out, nil
}

func (o *watchOptions) run(ctx context.Context) (err error) {
	out := o.f.Printer()
	if o.set, err = o.f.Components(); err != nil {
		return err
	}
	if o.only != "" {
		o.key = o.only
		if err := o.find(ctx); err != nil {
			return err
		}
		switch o.c.Backend {
		case deploy.BackendFleet:
			return o.fleet(ctx, out)
		case deploy.BackendNone:
			return apierr.New(apierr.ErrGuard, "", "deploy watch", "nothing is configured that deploys %s: there is nothing to follow", o.only)
		case deploy.BackendJenkins:
		}
	}
	client, err := o.f.Jenkins(ctx)
	if err != nil {
		return err
	}
	found, err := o.pick(ctx, client)
	if err != nil {
		return err
	}
	if err := o.openFound(ctx, found); err != nil {
		return err
	}
	return o.follow(ctx, out, found)
}

// fleet follows a fleet's devices to where it is sent.
func (o *watchOptions) fleet(ctx context.Context, out *printer.Printer) error {
	if o.number > 0 {
		return cli.Usage("%s is a fleet, and has no builds", o.c.Key)
	}
	if err := o.open(ctx, nil); err != nil {
		return err
	}
	s, err := o.d.Look(ctx)
	if err != nil {
		return err
	}
	return o.follow(ctx, out, found{params: []jenkins.Parameter{{Name: o.c.VersionParam, Value: s.Current()}}})
}

// found is the deployment to follow.
type found struct {
	job         jenkins.JobName
	build, item int64
	params      []jenkins.Parameter
	over        bool // nothing was under way: it is the newest of the past
}

// pick chooses: the number, what is under way, or the newest.
func (o *watchOptions) pick(ctx context.Context, client *jenkins.Client) (found, error) {
	jobs, err := o.jobs()
	if err != nil {
		return found{}, err
	}
	if o.number > 0 {
		return o.numbered(ctx, client, jobs)
	}
	var newest *jenkins.Build
	for _, job := range jobs {
		seen, err := client.Activity(ctx, job, 30)
		if err != nil {
			return found{}, err
		}
		for i, b := range seen.Builds {
			if !o.about(job, b.Parameters) {
				continue
			}
			if !b.Finished() && b.Building {
				return found{job, int64(b.Number), b.QueueID, b.Parameters, false}, nil
			}
			if newest == nil || b.Queued.After(newest.Queued) {
				newest = &seen.Builds[i]
			}
		}
		for _, q := range seen.Waiting {
			if o.about(job, q.Parameters) {
				return found{job, 0, q.ID, q.Parameters, false}, nil
			}
		}
	}
	if newest == nil {
		return found{}, apierr.New(apierr.ErrNotFound, "jenkins", "watch", "no deployment is under way, and none is remembered")
	}
	o.f.IO.Note("no deployment is under way; the newest is #%d", newest.Number)
	return found{newest.Job, int64(newest.Number), newest.QueueID, newest.Parameters, true}, nil
}

// numbered finds the build with the number among the jobs.
func (o *watchOptions) numbered(ctx context.Context, client *jenkins.Client, jobs []jenkins.JobName) (found, error) {
	var hits []jenkins.Build
	var missing error
	for _, job := range jobs {
		b, err := client.Build(ctx, job, o.number)
		switch {
		case errors.Is(err, apierr.ErrNotFound):
			missing = cmp.Or(missing, err)
			continue
		case err != nil:
			return found{}, err
		}
		b.Job = job
		hits = append(hits, b)
	}
	switch len(hits) {
	case 0:
		return found{}, missing
	case 1:
	default:
		return found{}, apierr.New(apierr.ErrAmbiguous, "jenkins", fmt.Sprintf("#%d", o.number), "%s and %s have both a build of this number", hits[0].Job, hits[1].Job).
			WithHint("--component NAME, or paste the link to the build")
	}
	b := hits[0]
	if !o.about(b.Job, b.Parameters) {
		return found{}, cli.Usage("#%d of %s does not deploy %s", b.Number, b.Job, o.only)
	}
	over := b.Finished() && o.f.Now().Sub(b.Queued.Add(b.Duration())) > longOver
	return found{b.Job, int64(b.Number), b.QueueID, b.Parameters, over}, nil
}

// longOver is when a build that ended is one of the past: what it declared is
// there by then or will not come.
const longOver = 10 * time.Minute

// about reports whether a build is of the component that was asked for.
func (o *watchOptions) about(job jenkins.JobName, params []jenkins.Parameter) bool {
	if o.only == "" {
		return true
	}
	return o.c.Job.Equal(job) && (o.c.ComponentParam == "" || value(params, o.c.ComponentParam) == o.c.Name)
}

func value(params []jenkins.Parameter, name string) string {
	for _, p := range params {
		if name != "" && p.Name == name {
			return p.Value
		}
	}
	return ""
}

// openFound finds the component that the build deploys.
func (o *watchOptions) openFound(ctx context.Context, x found) error {
	for _, c := range o.set.All {
		if c.Backend == deploy.BackendJenkins && c.Job.Equal(x.job) && (c.ComponentParam == "" || value(x.params, c.ComponentParam) == c.Name) {
			o.key = c.Key
			return o.open(ctx, nil)
		}
	}
	cfg, err := o.f.Config()
	if err != nil {
		return err
	}
	if o.key = value(x.params, cfg.String("deploy.component-param")); o.key == "" {
		return apierr.New(apierr.ErrGuard, "", "deploy watch", "build #%d of %s has no parameter %s: it is not known what it deploys", x.build, x.job, cfg.String("deploy.component-param"))
	}
	return o.open(ctx, nil)
}

func (o *watchOptions) follow(ctx context.Context, out *printer.Printer, x found) error {
	to := value(x.params, o.c.VersionParam)
	l := &lines{f: o.f}
	defer l.end()
	wctx, cancel := o.f.Limited(ctx, o.f.WaitLimit(waitLimit))
	defer cancel()
	begin := o.f.Now()
	t := &deploy.Trip{QueueID: x.item, Build: int(x.build), To: to}
	item := outcome{Component: o.c.Key, Environment: o.c.Environment, To: to, Facts: []deploy.Fact{}, Evidence: []string{}, Skipped: []deploy.Skip{}}
	b, err := o.d.Finish(wctx, t, l.tell)
	if err == nil {
		item.Build, item.URL, item.Result = b.Number, b.URL, string(b.Result)
		if b.Result != jenkins.Success {
			l.end()
			return errors.Join(o.print(out, item), badResult(b))
		}
		item.Facts, err = o.facts(wctx, to, x.over, b.Queued, l.tell)
	}
	l.end()
	item.Took = o.f.Now().Sub(begin).Seconds()
	resume := "oncall deploy watch --component " + o.c.Key
	if t.Build > 0 {
		resume = fmt.Sprintf("oncall deploy watch %d", t.Build)
	}
	switch {
	case errors.Is(err, jenkins.ErrCancelled):
		return exit.With(exit.Cancelled, err)
	case errors.Is(err, deploy.ErrSuspended):
		return errors.Join(o.print(out, item), exit.With(exit.Found, err))
	case ctx.Err() != nil:
		o.f.IO.Hint("still deploying. resume: %s", resume)
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return exit.With(exit.WaitRanOut, apierr.New(nil, "", "deploy "+o.c.Key, "still on its way when the time was up").WithHint("resume: %s", resume))
	case err != nil:
		return err
	}
	if err := o.print(out, item); err != nil {
		return err
	}
	if x.over && item.Facts[0].Answer == deploy.No {
		return apierr.New(apierr.ErrConflict, "", "deploy "+o.c.Key, "%s is declared now, not %s (%s)", item.Facts[0].Version, to, item.Facts[0].Evidence)
	}
	if told := value(x.params, o.c.HoldParam); told == "true" && !x.over {
		if err := o.d.CheckHold(ctx, told, to); errors.Is(err, apierr.ErrGuard) {
			return exit.With(exit.Found, err)
		}
	}
	if len(item.Facts) == 4 && item.Facts[3].Answer == deploy.No {
		return exit.With(exit.Found, apierr.New(nil, "", "deploy "+o.c.Key, "%s is there, and the checks do not hold: %s", to, item.Facts[3].Evidence))
	}
	return nil
}

// facts waits for them; those of a deployment that is long through are looked at
// once.
func (o *watchOptions) facts(ctx context.Context, to string, over bool, since time.Time, tell func(deploy.Event)) ([]deploy.Fact, error) {
	if over {
		s, err := o.d.Look(ctx)
		if err != nil {
			return nil, err
		}
		facts := o.d.Facts(ctx, s, to)
		onItsWay := facts[0].Answer == deploy.Yes && (facts[1].Answer == deploy.No || facts[2].Answer == deploy.No)
		if !onItsWay {
			return facts, nil
		}
	}
	return o.d.Settle(ctx, to, since, tell)
}

func (o *watchOptions) print(out *printer.Printer, x outcome) error {
	return printer.Item(out, printer.Table[outcome]{Kind: "Deployment", Name: func(x outcome) string { return x.Component },
		Columns: []printer.Column[outcome]{
			{Header: "BUILD", Value: func(x outcome) string { return strconv.Itoa(x.Build) }},
			{Header: "COMPONENT", Value: func(x outcome) string { return x.Component }},
			{Header: "VERSION", Value: func(x outcome) string { return x.To }},
			{Header: "RESULT", Value: func(x outcome) string { return x.Result }},
		}}, x, func(v *printer.Detail) {
		right := x.Environment
		if x.Build > 0 {
			right = fmt.Sprintf("#%d %s", x.Build, x.Result)
		}
		v.Title(fmt.Sprintf("%s %s", x.Component, x.To), right)
		factRows(o.f, v, x.Facts)
	})
}
