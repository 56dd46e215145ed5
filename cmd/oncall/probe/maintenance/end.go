package maintenance

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
)

func newCmdEnd(f *cli.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "end <id>",
		Short:             "End or cancel a maintenance: its checks ask again",
		Example:           "oncall probe maintenance end 9VKOB",
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(completeIDs(f)),
		RunE:              func(cmd *cobra.Command, args []string) error { return end(cmd.Context(), f, args[0]) },
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func end(ctx context.Context, f *cli.Factory, id string) error {
	d, err := f.Probe(ctx)
	if err != nil {
		return err
	}
	all, err := d.Maintenances(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.ID != id {
			continue
		}
		plan := mutate.Plan{Verb: "end", Done: "ended", Kind: kind, Targets: []string{id}, Ask: mutate.AskYesNo,
			Effects: []string{m.Name + " (" + m.State + ") is deleted; its checks are asked as before"}}
		return f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
			changed, looked, err := d.EndMaintenance(ctx, id)
			if err != nil {
				return err
			}
			out := mutate.Outcome{Changed: changed, Looked: looked}
			if !changed {
				out.Words = "ended already"
			}
			report(id, out)
			return nil
		})
	}
	return apierr.New(apierr.ErrNotFound, "nodeping", "end maintenance "+id, "there is none with this id").WithHint("oncall probe maintenance list")
}
