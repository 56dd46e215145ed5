package maintenance

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
)

func newCmdKeep(f *cli.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keep [maintenance]",
		Short: "Keep maintenance that was announced on short notice, and say why",
		Long: `Put the reason on record why maintenance was announced less than 7 days ahead, as create
does with --short-notice: for one that was made in the page's web form. "status check" is
then silent about it. The reason is kept in the maintenance's own metadata, where the
team sees it: nothing is posted and nobody is notified. No secrets: others may see it.

Without a name it is the only one that has no reason. Without --reason a terminal is
asked for it.`,
		Example: `oncall status maintenance keep b0k4u8s2ydja --reason "the certificate expires tonight"
oncall status maintenance keep`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteMaintenance(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := ""
			if len(args) > 0 {
				ref = args[0]
			}
			return keep(cmd.Context(), f, ref)
		},
	}
	cli.ChangeFlags(cmd, f)
	return cmd
}

func keep(ctx context.Context, f *cli.Factory, ref string) error {
	if err := askReason(ctx, f); err != nil {
		return err
	}
	b, err := f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	p, err := b.PlanKeep(ctx, ref, f.Change.Reason)
	if err != nil {
		return err
	}
	m := p.Maintenance
	plan := mutate.Plan{Verb: "keep", Done: "kept", Kind: kind, Targets: []string{m.ID}}
	words := ""
	switch was := m.ShortNotice; {
	case p.Already && was != nil:
		words = "kept already: " + was.Reason
	case p.Already:
		words = "announced " + ios.AgeLong(p.Notice) + " ahead, which needs no reason"
	case was != nil:
		plan.Notes = []string{"it replaces the reason there is: " + was.Reason}
	}
	if p.Already {
		plan.Effects = []string{fmt.Sprintf("%s (%s): %s", m.ID, m.Title, words)}
		return f.Mutate(ctx, plan, func(_ context.Context, report mutate.Report) error {
			report(m.ID, mutate.Outcome{Words: words, Item: m})
			return nil
		})
	}
	plan.Effects = []string{fmt.Sprintf("%s (%s) had short notice: %s; kept in its metadata, nothing is posted and nobody is notified", m.ID, m.Title, p.Reason)}
	return f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		m, posted, err := b.Keep(ctx, p)
		if err != nil {
			return err
		}
		if posted {
			f.IO.Warn("the page added an update to %s although nothing was posted: look at %s", m.ID, m.URL)
		}
		report(m.ID, mutate.Outcome{Changed: true, Message: p.Reason, Item: m})
		return nil
	})
}

// askReason asks a person who gave no --reason for one.
func askReason(ctx context.Context, f *cli.Factory) error {
	if f.Change.Reason != "" {
		return nil
	}
	cfg, err := f.Config()
	if err != nil {
		return err
	}
	if !f.IO.Interactive() || cfg.Bool("no-input") {
		return cli.Usage("why less than 7 days' notice? --reason is missing").WithHint("--reason TEXT")
	}
	f.Change.Reason, err = f.IO.Ask(ctx, "why less than 7 days' notice? ")
	if errors.Is(err, io.EOF) {
		return nil // nothing was said; the check of the reason tells it
	}
	return err
}
