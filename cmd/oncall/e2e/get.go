package e2e

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/jenkins"
)

type getOptions struct{ target }

const buildHelp = `BUILD is a number, last, last-failed, last-green, or a pasted Jenkins link.`

func newCmdGet(f *cli.Factory) *cobra.Command {
	o := &getOptions{target{f: f}}
	cmd := &cobra.Command{
		Use:   "get [build]",
		Short: "Show one build: result, parameters, tests, what to do next",
		Long:  "Show one build, by default the last one.\n\n" + buildHelp,
		Example: `oncall e2e get
oncall e2e get last-failed
oncall e2e get https://jenkins.example.test/job/balena-e2e-ephemeral/9123/console
oncall e2e get --incident 4126`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeBuilds(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(args, refLast); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd, true)
	return cmd
}

func (o *getOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx); err != nil {
		return err
	}
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	item := buildOf(b)
	return printer.Item(out, table(o.f), item, func(v *printer.Detail) { o.view(v, item) })
}

func (o *getOptions) view(v *printer.Detail, b build) {
	v.Title(fmt.Sprintf("%s #%d", b.Job, b.Number), headline(o.f, b.from), style(b))
	params := [][2]string{}
	for _, p := range b.from.Parameters {
		params = append(params, [2]string{p.Name, b.Parameters[p.Name]})
	}
	v.Pairs("with", params...)
	v.Row("cause", b.Cause)
	if t := b.Tests; t != nil {
		v.Row("tests", fmt.Sprintf("%d of %d failed, %d skipped", t.Failed, t.Total, t.Skipped))
	}
	if b.from.Description != "" {
		v.Row("note", b.from.Description)
	}
	files := []string{}
	for _, a := range b.from.Artifacts {
		files = append(files, a.Path)
	}
	v.Row("files", files...)
	v.Row("queued", o.f.Clock(b.Since))
	v.Row("link", b.URL)
	v.Next(o.next(b)...)
}

func (o *getOptions) next(b build) []string {
	switch {
	case b.State == "running":
		return []string{again("logs", b.from, o.jobName) + " -f", again("stages", b.from, o.jobName)}
	case b.State != "success":
		return []string{again("why", b.from, o.jobName), again("retry", b.from, o.jobName)}
	}
	return []string{again("logs", b.from, o.jobName)}
}

// headline says how a build stands: "FAILURE 41m ago, after 47m".
func headline(f *cli.Factory, b jenkins.Build) string {
	if !ended(b) {
		line := fmt.Sprintf("running for %s", ios.Age(f.Now().Sub(b.Queued)))
		if b.Progress >= 0 && b.Estimate() > 0 {
			line += fmt.Sprintf(" · %d%% of the usual %s", b.Progress, ios.Age(b.Estimate()))
		}
		if b.LikelyStuck {
			line += " · Jenkins thinks that it hangs"
		}
		return line
	}
	end := b.Queued.Add(b.Duration())
	line := fmt.Sprintf("%s %s, after %s", result(b), ios.Ago(end, f.Now()), ios.Age(b.Duration()))
	if i := slices.IndexFunc(b.Causes, func(c jenkins.Cause) bool { return c.UserID != "" }); i >= 0 {
		line += " · by " + b.Causes[i].UserID
	}
	return line
}
