package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/gitops"
)

type discoverOptions struct {
	f      *cli.Factory
	repo   string
	branch string
	under  string
}

func newCmdDiscover(f *cli.Factory) *cobra.Command {
	o := &discoverOptions{f: f}
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "Propose definitions of components from a repository, act on none",
		Long: `Look through a GitOps repository for places where versions are written: containers of
workloads, images of a kustomization, HelmReleases, version files. Each is proposed as
a definition to check and to copy; nothing is saved and nothing else reads a proposal.`,
		Example: `oncall deploy discover --repo git@github.com:example/environment-production.git
oncall deploy discover --repo production --under kubernetes/balenacloud -o yaml`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.repo == "" && !o.inDemo() {
				return cli.Usage("which repository? give --repo").WithHint("a URL, a clone, or a name of repositories in the configuration")
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.repo, "repo", "", "the repository: a URL, a clone whose origin is taken, or a defined name")
	cmd.Flags().StringVar(&o.branch, "branch", "", "another branch than the default one")
	cmd.Flags().StringVar(&o.under, "under", "", "only files below this folder of the repository")
	_ = cmd.RegisterFlagCompletionFunc("branch", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("under", cobra.NoFileCompletions)
	return cmd
}

func (o *discoverOptions) inDemo() bool {
	cfg, err := o.f.Config()
	return err == nil && cfg.Context().Demo
}

func (o *discoverOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	set, err := o.f.Components()
	if err != nil {
		return err
	}
	m, err := o.f.Repository(ctx, set, o.repo, o.branch)
	if err != nil {
		return err
	}
	s, err := m.Refresh(ctx)
	if err != nil {
		return err
	}
	found, skipped, err := m.Discover(ctx, s.Commit, strings.Trim(o.under, "/"))
	if err != nil {
		return err
	}
	meta := printer.Meta{}
	if s.Stale != nil {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "repository", Error: fmt.Sprintf("as of %s: %v", o.f.Clock(s.FetchedAt), s.Stale)})
	}
	if skipped > 0 {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "repository", Error: fmt.Sprintf("%d files are templates, encrypted or no YAML; nothing is proposed for them", skipped)})
	}
	err = printer.List(out, printer.Table[gitops.Proposal]{
		Kind: "ComponentProposal",
		Name: func(p gitops.Proposal) string { return p.Component },
		Columns: []printer.Column[gitops.Proposal]{
			{Header: "COMPONENT", Value: func(p gitops.Proposal) string { return p.Component }},
			{Header: "VERSION", Value: func(p gitops.Proposal) string { return p.Version }},
			{Header: "FORMAT", Value: func(p gitops.Proposal) string { return string(p.Format) }},
			{Header: "FILE", Value: func(p gitops.Proposal) string { return p.File }},
			{Header: "PATH", Value: func(p gitops.Proposal) string {
				if p.Image != "" {
					return p.Image
				}
				return p.Path
			}},
			{Header: "DOCUMENT", Wide: true, Value: func(p gitops.Proposal) string { return p.Document }},
		},
		Empty: "no file of the repository declares a version that oncall can read",
	}, found, meta)
	if err == nil && len(found) > 0 {
		o.f.IO.Hint("check them, then copy what is right under components in the configuration (docs/deploy.md)")
	}
	return err
}
