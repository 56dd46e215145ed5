package e2e

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
)

type openOptions struct {
	target
	web bool
}

func newCmdOpen(f *cli.Factory) *cobra.Command {
	o := &openOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "open [build]",
		Short: "Print the link to a build, or open it",
		Long:  "Print the link to a build, by default the last one.\n\n" + buildHelp,
		Example: `oncall e2e open
oncall e2e open last-failed --web`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeBuilds(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(args, refLast); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cli.WebFlag(cmd, &o.web)
	o.flags(cmd, true)
	return cmd
}

func (o *openOptions) run(ctx context.Context) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	return o.f.Open(cli.Link{Name: fmt.Sprintf("build/%d", b.Number), URL: b.URL}, o.web)
}
