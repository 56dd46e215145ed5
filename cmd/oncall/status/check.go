package status

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
)

type checkOptions struct {
	f      *cli.Factory
	maxAge string
	age    time.Duration
}

func newCmdCheck(f *cli.Factory) *cobra.Command {
	o := &checkOptions{f: f}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that the page tells the truth; exit code 9 when it does not",
		Long: `Check what people otherwise keep in their heads. It finds

  a component in outage that no open incident names
  an open incident whose pager incident is resolved
  an open incident whose components all work
  an open incident without an update for longer than --max-age, unless it is snoozed
  maintenance past its end that is not completed
  maintenance announced less than 7 days ahead, without a reason on record

and then ends with exit code 9. When the pager could not be asked about a pair and
nothing else was found, the code is 6: what is not known is not success.`,
		Example: `oncall status check
oncall status check --max-age 1h -o json`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.age, err = cli.Length("max-age", o.maxAge, publicstatus.DefaultMaxAge); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.maxAge, "max-age", "", "how long an open incident may say nothing (default 30m)")
	_ = cmd.RegisterFlagCompletionFunc("max-age", cobra.NoFileCompletions)
	return cmd
}

func (o *checkOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	b, err := o.f.PublicStatus(ctx)
	if err != nil {
		return err
	}
	found, unchecked, err := b.Check(ctx, o.age, o.f.PagerPhases)
	if err != nil {
		return err
	}
	if err := printer.List(out, o.table(), found, printer.Meta{Partial: printer.Partials(unchecked)}); err != nil {
		return err
	}
	if out.Human() && len(found) > 0 {
		o.f.IO.Hint("%s", found[0].Fix)
		if found[0].Or != "" {
			o.f.IO.Hint("or: %s", found[0].Or)
		}
	}
	switch {
	case len(found) > 0:
		return exit.Quiet(exit.Found)
	case len(unchecked) > 0:
		return exit.Quiet(exit.Partial)
	}
	return nil
}

func (o *checkOptions) table() printer.Table[publicstatus.Finding] {
	return printer.Table[publicstatus.Finding]{
		Kind: "StatusFinding",
		Name: func(x publicstatus.Finding) string { return fmt.Sprintf("%s/%s", x.Rule, x.ID) },
		Columns: []printer.Column[publicstatus.Finding]{
			{Header: "NAME", Flex: true, Value: func(x publicstatus.Finding) string { return x.Name }},
			{Header: "FINDING", Value: func(x publicstatus.Finding) string { return x.Message },
				Style: func(publicstatus.Finding) ios.Style { return ios.Yellow }},
			{Header: "ID", Value: func(x publicstatus.Finding) string { return x.ID }},
			{Header: "WHAT", Wide: true, Value: func(x publicstatus.Finding) string { return x.Kind }},
			{Header: "SINCE", Wide: true, Value: func(x publicstatus.Finding) string { return o.f.Age(x.Since) }},
			{Header: "RULE", Wide: true, Value: func(x publicstatus.Finding) string { return string(x.Rule) }},
			{Header: "FIX", Wide: true, Value: func(x publicstatus.Finding) string { return x.Fix }},
			{Header: "URL", Wide: true, Value: func(x publicstatus.Finding) string { return x.URL }},
		},
		Empty: "the page tells the truth, as far as can be seen",
	}
}
