package incident

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

type resolveOptions struct {
	f *cli.Factory
	targets
	message string
}

func newCmdResolve(f *cli.Factory) *cobra.Command {
	o := &resolveOptions{f: f}
	cmd := &cobra.Command{
		Use:   "resolve <number>...",
		Short: "Resolve incidents: they are over",
		Long: `Resolve incidents as you. Those that paged you or that you acknowledged are resolved
without a question; for those of others a protected context asks. One that is
resolved already counts as done.`,
		Example: `oncall incident resolve 4127 -m "rolled back to 17.4.1"
oncall incident resolve --mine
oncall incident resolve 4119 --yes`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeNumbers(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(cmd, args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd, "resolve all open ones that paged me")
	cmd.Flags().StringVarP(&o.message, "message", "m", "", "what the timeline says beside it")
	cli.ChangeFlags(cmd, f)
	return cmd
}

func (o *resolveOptions) run(ctx context.Context) error {
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	seen, err := o.look(ctx, o.f, p, pager.Triggered, pager.Acknowledged)
	if err != nil || len(seen) == 0 {
		return err
	}
	plan := mutate.Plan{Verb: "resolve", Done: "resolved", Kind: "incident", Targets: names(seen)}
	for _, s := range seen {
		if s.Err == nil && s.Incident.Phase.Open() && !p.Mine(s.Incident) {
			plan.Ask = mutate.AskYesNo
			plan.Effects = append(plan.Effects, fmt.Sprintf("resolve %s %q, which is %s", s.Number, s.Incident.Title, heldBy(s.Incident)))
		}
	}
	return o.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		all, err := p.Resolve(ctx, seen, o.message)
		tell(o.f, p, report, all)
		return err
	})
}

// heldBy says whose incident it is, when it is not mine.
func heldBy(i pager.Incident) string {
	switch {
	case i.AckedBy != "":
		return "acknowledged by " + i.AckedBy
	case len(i.PagedUsers) > 0:
		return "paging " + joined(i.PagedUsers)
	default:
		return "paging nobody"
	}
}
