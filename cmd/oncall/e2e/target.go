package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/pager"
)

// target is which job, and which of its builds, a command is about.
type target struct {
	f        *cli.Factory
	jobName  string // --job
	incident string // --incident
	ref      string // [BUILD]

	client *jenkins.Client
	job    jenkins.JobName
	pasted jenkins.Target // what a pasted link said
}

// The words for a build.
const (
	refLast       = "last"
	refLastFailed = "last-failed"
	refLastGreen  = "last-green"
	// refLastBad is the newest build that ended otherwise than green: what `why`
	// and `retry` are about when nothing is said.
	refLastBad = "last-bad"
)

var refWords = []string{refLast, refLastFailed, refLastGreen}

// flags gives a command --job, and --incident when that does not stand for the
// journal's tag.
func (t *target) flags(cmd *cobra.Command, incident bool) {
	cmd.Flags().StringVar(&t.jobName, "job", "", "another job than the context's: folder/job, or a pasted link")
	_ = cmd.RegisterFlagCompletionFunc("job", cobra.NoFileCompletions)
	if incident {
		cmd.Flags().StringVar(&t.incident, "incident", "", "the build that this pager incident links to")
		_ = cmd.RegisterFlagCompletionFunc("incident", cobra.NoFileCompletions)
	}
}

// take reads [BUILD]. It sends nothing.
func (t *target) take(args []string, otherwise string) error {
	t.ref = otherwise
	if len(args) > 0 {
		t.ref = strings.TrimSpace(args[0])
		if t.incident != "" {
			return cli.Usage("a build and --incident are two ways to name one; only one of them can be given")
		}
	}
	if jenkins.IsURL(t.ref) {
		p, err := jenkins.ParseURL(t.ref)
		if err != nil {
			return err
		}
		if p.Job == nil {
			return cli.Usage("%s is a queue item, not a build", t.ref)
		}
		t.pasted = p
		return nil
	}
	switch t.ref {
	case refLast, refLastFailed, refLastGreen, refLastBad:
		return nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(t.ref, "#"))
	if err == nil && n > 0 {
		t.ref = strconv.Itoa(n)
		return nil
	}
	e := cli.Usage("%q is not a build: a number, %s, or a pasted Jenkins link", t.ref, strings.Join(refWords, ", "))
	if near := nearest.Of(t.ref, refWords); len(near) > 0 {
		return e.WithHint("%s", near[0])
	}
	return e
}

// open makes the client and finds the job.
func (t *target) open(ctx context.Context) error {
	c, err := t.f.Jenkins(ctx)
	if err != nil {
		return err
	}
	t.client = c
	if t.incident != "" {
		if err := t.fromIncident(ctx); err != nil {
			return err
		}
	}
	name := t.jobName
	if jenkins.IsURL(name) {
		p, err := jenkins.ParseURL(name)
		if err != nil {
			return err
		}
		t.job = p.Job
		t.elsewhere(p)
		return nil
	}
	if name == "" && t.pasted.Job != nil {
		t.job = t.pasted.Job
		t.elsewhere(t.pasted)
		return nil
	}
	if name == "" {
		cfg, err := t.f.Config()
		if err != nil {
			return err
		}
		if name = cfg.String("jenkins.e2e-job"); name == "" {
			return cli.Usage("no e2e job is set").WithHint("set ONCALL_JENKINS_E2E_JOB to FOLDER/JOB, or give --job")
		}
	}
	t.job, err = jenkins.ParseJobName(name)
	return err
}

// elsewhere warns about a link to another host than the configured one: Jenkins'
// own links often name an internal address, so it is only asked for its path.
func (t *target) elsewhere(p jenkins.Target) {
	if u, err := url.Parse(t.client.Base()); err == nil && !strings.EqualFold(u.Host, p.Host) {
		t.f.IO.Warn("the link is to %s; %s is asked instead", p.Host, u.Host)
	}
}

// fromIncident finds the Jenkins link inside a pager alert.
func (t *target) fromIncident(ctx context.Context) error {
	number, err := pager.Number(t.incident)
	if err != nil {
		return err
	}
	p, err := t.f.Pager(ctx)
	if err != nil {
		return err
	}
	d, err := p.Get(ctx, number)
	if err != nil {
		return err
	}
	var job *jenkins.Target
	for _, text := range incidentTexts(d) {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n<>\"'()|,", r) }) {
			if !jenkins.IsURL(word) {
				continue
			}
			link, err := jenkins.ParseURL(strings.TrimRight(word, ".;"))
			switch {
			case err != nil || link.Job == nil:
			case link.Build != "":
				t.pasted = link
				return nil
			case job == nil:
				job = &link
			}
		}
	}
	if job != nil { // the job alone: its newest trouble is meant
		t.pasted, t.ref = *job, refLastBad
		return nil
	}
	return apierr.New(apierr.ErrNotFound, "", "incident "+number, "no link to a Jenkins build is in it").
		WithHint("oncall e2e list shows the builds around %s", t.f.Clock(d.StartedAt))
}

func incidentTexts(d pager.Detail) []string {
	out := []string{}
	for _, l := range d.Links {
		out = append(out, l.URL)
	}
	for _, a := range d.Annotations {
		out = append(out, a.Value)
	}
	if d.Alert != nil {
		out = append(out, d.Alert.Message)
		for _, v := range d.Alert.Fields {
			out = append(out, v)
		}
	}
	for _, n := range d.Notes {
		out = append(out, n.Text)
	}
	return out
}

// number finds the number of the build that is meant, once.
func (t *target) number(ctx context.Context) (int, error) {
	if t.pasted.Build != "" {
		if n, err := strconv.Atoi(t.pasted.Build); err == nil {
			return n, nil
		}
		return t.client.Resolve(ctx, t.job, t.pasted.Build)
	}
	if t.pasted.Job != nil && jenkins.IsURL(t.ref) {
		return t.client.Resolve(ctx, t.job, "lastBuild")
	}
	switch t.ref {
	case refLast:
		return t.client.Resolve(ctx, t.job, "lastBuild")
	case refLastGreen:
		return t.client.Resolve(ctx, t.job, "lastStableBuild")
	case refLastFailed:
		return t.newest(ctx, "failed", func(b jenkins.Build) bool { return b.Result.Bad() })
	case refLastBad:
		return t.newest(ctx, "ended badly", func(b jenkins.Build) bool {
			return b.Result != jenkins.Success && b.Result != jenkins.NotBuilt
		})
	}
	return strconv.Atoi(t.ref)
}

// newest finds the newest finished build of a kind among the last hundred.
// Jenkins' own lastFailedBuild leaves out UNSTABLE, which is how failed tests end.
func (t *target) newest(ctx context.Context, what string, fits func(jenkins.Build) bool) (int, error) {
	builds, err := t.client.Builds(ctx, t.job, 0, 100)
	if err != nil {
		return 0, err
	}
	for _, b := range builds {
		if ended(b) && fits(b) {
			return b.Number, nil
		}
	}
	if len(builds) == 0 {
		return 0, apierr.New(apierr.ErrNotFound, "jenkins", t.job.String(), "it was never built")
	}
	hint := "oncall e2e list"
	if t.jobName != "" || t.pasted.Job != nil {
		hint += " --job " + t.job.String()
	}
	return 0, apierr.New(apierr.ErrNotFound, "jenkins", t.job.String(), "none of its last %d builds %s", len(builds), what).WithHint("%s", hint)
}

// build reads the build that is meant.
func (t *target) build(ctx context.Context) (jenkins.Build, error) {
	n, err := t.number(ctx)
	if err != nil {
		return jenkins.Build{}, err
	}
	return t.client.Build(ctx, t.job, n)
}

// wasCancelled reports an item that somebody took out of the queue.
func wasCancelled(err error) bool { return errors.Is(err, jenkins.ErrCancelled) }

// again is how a command is told to look at a build once more.
func again(verb string, b jenkins.Build, job string) string {
	line := fmt.Sprintf("oncall e2e %s %d", verb, b.Number)
	if job != "" {
		line += " --job " + b.Job.String()
	}
	return line
}
