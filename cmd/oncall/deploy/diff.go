package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/deploy"
	"github.com/balena-io/oncall/pkg/gitops"
)

type diffOptions struct {
	component
	from, to string
}

// difference is what lies between two versions, as JSON.
type difference struct {
	Component string `json:"component"`
	From      string `json:"from"`
	To        string `json:"to"`
	gitops.Difference
}

func newCmdDiff(f *cli.Factory) *cobra.Command {
	o := &diffOptions{component: component{f: f}}
	return &cobra.Command{
		Use:   "diff <component> [from] [to]",
		Short: "Show what changed between two versions: the manifest, what came with it",
		Long: `Show what changed in the repository between two versions of a component: the manifest,
other files of the same commits, and the commits between. Without versions it is from
the previous to the current one; with one, from that to the current one.`,
		Example: `oncall deploy diff api
oncall deploy diff api 17.4.1 17.5.0`,
		Args:              cli.RangeArgs(1, 3),
		ValidArgsFunction: completeVersions(f, 0),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key = args[0]
			if len(args) > 1 {
				o.from = args[1]
			}
			if len(args) > 2 {
				o.to = args[2]
			}
			return o.run(cmd.Context())
		},
	}
}

func (o *diffOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx, nil); err != nil {
		return err
	}
	if o.c.Backend == deploy.BackendFleet {
		return apierr.New(apierr.ErrGuard, "", "deploy diff "+o.key, "%s is a fleet: its releases have no manifest to compare", o.c.Key).WithHint("oncall deploy status %s", o.c.Key)
	}
	s, err := o.d.Look(ctx)
	if err != nil {
		return err
	}
	if s.RepoErr != nil {
		return apierr.New(apierr.ErrGuard, "", "deploy diff "+o.key, "%v", s.RepoErr).WithHint("docs/deploy.md shows how a component names its repository")
	}
	if o.to == "" {
		o.to = s.Current()
	}
	if o.from == "" {
		r, _, ok := deploy.Previous(s.Runs, o.to, o.f.Now())
		if !ok {
			return apierr.New(apierr.ErrNotFound, "", "deploy diff "+o.key, "no other version was there before %s", orUnknown(o.to))
		}
		o.from = r.Version
	}
	commits := [2]string{}
	for i, v := range []string{o.from, o.to} {
		for _, r := range s.Runs {
			if r.Version == v && commits[i] == "" {
				commits[i] = r.Commit
			}
		}
		if commits[i] == "" {
			return apierr.New(apierr.ErrNotFound, "", "deploy diff "+o.key, "%s was never declared", v).WithHint("oncall deploy history %s", o.key)
		}
	}
	d, err := o.d.Repo.Diff(ctx, commits[0], commits[1], o.c.Where.File)
	if err != nil {
		return err
	}
	x := difference{Component: o.c.Key, From: o.from, To: o.to, Difference: d}
	return printer.Item(out, printer.Table[difference]{Kind: "DeployDiff", Name: func(x difference) string { return x.Component },
		Columns: []printer.Column[difference]{
			{Header: "COMPONENT", Value: func(x difference) string { return x.Component }},
			{Header: "FROM", Value: func(x difference) string { return x.From }},
			{Header: "TO", Value: func(x difference) string { return x.To }},
			{Header: "COMMITS", Value: func(x difference) string { return fmt.Sprint(len(x.Commits)) }},
			{Header: "ALSO CHANGED", Flex: true, Value: func(x difference) string { return strings.Join(x.Files, ", ") }},
		}}, x, func(v *printer.Detail) { o.view(v, x) }, printer.Meta{Truncated: x.More})
}

func (o *diffOptions) view(v *printer.Detail, x difference) {
	v.Title(fmt.Sprintf("%s  %s -> %s", x.Component, x.From, x.To), o.c.Environment)
	if x.Patch == "" {
		v.Row("manifest", "no change")
	} else {
		v.Block("manifest", strings.Split(strings.TrimRight(x.Patch, "\n"), "\n")...)
	}
	also := x.Files
	if len(also) == 0 {
		also = []string{"nothing else in the commits that changed the file"}
	}
	v.Row("with it", also...)
	lines := []string{}
	for _, c := range x.Commits {
		lines = append(lines, fmt.Sprintf("%s  %s  %s: %s", c.Short(), o.f.Clock(c.Time), c.Author, c.Subject))
	}
	v.Row("commits", lines...)
}
