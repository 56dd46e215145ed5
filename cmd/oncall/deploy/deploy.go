// Package deploy is `oncall deploy`: what runs, what ran before, put a version
// there, take it back, and prove it.
package deploy

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/pkg/deploy"
)

// NewCmd makes `oncall deploy`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "deploy", "What runs in production: see it, deploy, roll back, prove it",
		newCmdList,
		newCmdStatus,
		newCmdHistory,
		newCmdDiff,
		newCmdRun,
		newCmdRollback,
		newCmdUnpin,
		newCmdWatch,
		newCmdDiscover,
	)
}

// component is the one that a command is about.
type component struct {
	f   *cli.Factory
	key string

	set *cli.ComponentSet
	c   deploy.Component
	d   *deploy.Deployer
}

// open finds the component and makes what works on it. verify are further checks.
func (o *component) open(ctx context.Context, verify []string) (err error) {
	if err = o.find(ctx); err != nil {
		return err
	}
	o.d, err = o.f.Deployer(ctx, o.set, o.c, verify)
	return err
}

// find settles which component is meant.
func (o *component) find(ctx context.Context) (err error) {
	if o.set == nil {
		if o.set, err = o.f.Components(); err != nil {
			return err
		}
	}
	o.c, err = o.f.Component(ctx, o.set, o.key)
	return err
}

// completeComponents offers what is defined; no request is needed.
func completeComponents(f *cli.Factory) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		set, err := f.Components()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out := []cobra.Completion{}
		for _, c := range set.All {
			out = append(out, cobra.CompletionWithDesc(c.Key, c.Environment))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeVersions offers the component first, then versions that ran there.
func completeVersions(f *cli.Factory, skip int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) == 0 && skip == 0 {
			return completeComponents(f)(cmd, args, word)
		}
		return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
			if len(args) == 0 {
				return nil, nil
			}
			o := component{f: f, key: args[0]}
			if err := o.open(ctx, nil); err != nil {
				return nil, err
			}
			s, err := o.d.Look(ctx)
			if err != nil {
				return nil, err
			}
			out := []cobra.Completion{}
			seen := map[string]bool{}
			if s.Fleet != nil {
				for _, r := range s.Fleet.Releases {
					seen[r.RawVersion] = true
					out = append(out, cobra.CompletionWithDesc(r.RawVersion, "built "+f.Clock(r.CreatedAt.Time)))
				}
			}
			for _, r := range s.Runs {
				if !seen[r.Version] {
					seen[r.Version] = true
					out = append(out, cobra.CompletionWithDesc(r.Version, "since "+f.Clock(r.Since)))
				}
			}
			return out, nil
		})(cmd, args[min(1, len(args)):], word)
	}
}
