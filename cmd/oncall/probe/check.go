package probe

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/probe"
	"github.com/balena-io/oncall/pkg/shell"
)

func newCmdCheck(f *cli.Factory) *cobra.Command {
	var tags []string
	cmd := &cobra.Command{
		Use:   "check [name]...",
		Short: "Check that no outside check fails; exit code 9 when one does",
		Long: `Check that the outside world gets what it asks for: all checks, those with a tag, or those
named. Ends with 9 and a list when one fails, muted or not. One that is disabled or has
no result yet says nothing; when nothing else was left, that is exit code 4 and not
success.`,
		Example: `oncall probe check
oncall probe check api
oncall probe check --tag prod -o json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cli.CompleteProbes(f),
		RunE:              func(cmd *cobra.Command, args []string) error { return check(cmd.Context(), f, args, tags) },
	}
	tagFlag(cmd, &tags)
	return cmd
}

func check(ctx context.Context, f *cli.Factory, names, tags []string) error {
	out := f.Printer()
	d, err := f.Probe(ctx)
	if err != nil {
		return err
	}
	all, err := d.List(ctx, probe.Filter{Tags: tags})
	if err != nil {
		return err
	}
	if len(names) > 0 {
		if all, err = probe.PickAll(all, names); err != nil {
			return err
		}
	}
	bad, asked := []probe.Check{}, 0
	for _, c := range all {
		switch c.State {
		case probe.Failing:
			bad = append(bad, c)
			asked++
		case probe.Passing:
			asked++
		}
	}
	if asked == 0 {
		why := "no such check"
		if len(all) > 0 {
			why = "what is there is disabled or has no result yet, so nothing is known"
		}
		return apierr.New(apierr.ErrNotFound, "nodeping", "check", "%s", why).WithHint("oncall probe list")
	}
	good := "1 check passes"
	if asked > 1 {
		good = fmt.Sprintf("all %d checks pass", asked)
	}
	if err := printer.List(out, table(f), bad, printer.Meta{Empty: good}); err != nil {
		return err
	}
	if len(bad) == 0 {
		return nil
	}
	if out.Human() {
		f.IO.Hint("oncall probe get %s", shell.Word(bad[0].Label()))
	}
	return exit.Quiet(exit.Found)
}
