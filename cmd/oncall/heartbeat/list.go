package heartbeat

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/heartbeat"
)

type listOptions struct {
	f      *cli.Factory
	tags   []string
	states []string

	filter heartbeat.Filter
}

func newCmdList(f *cli.Factory) *cobra.Command {
	o := &listOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the checks, worst first",
		Long: `List the checks of the project that the key belongs to, worst first: down, late (due, and
within its time of grace), paused, new (it cannot go down before its first signal),
running, up. A pause that oncall made shows who made it, why, and until when.`,
		Example: `oncall heartbeat list
oncall heartbeat list --state down,late
oncall heartbeat list --tag prod -o wide`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	tagFlag(cmd, &o.tags)
	fs.StringSliceVar(&o.states, "state", nil, "only these: down, late, paused, new, running, up")
	words := []string{}
	for _, s := range heartbeat.States() {
		words = append(words, string(s))
	}
	_ = cmd.RegisterFlagCompletionFunc("state", cli.Words(words...))
	return cmd
}

func tagFlag(cmd *cobra.Command, tags *[]string) {
	cmd.Flags().StringSliceVar(tags, "tag", nil, "only those with this tag, and with every other that is given")
	_ = cmd.RegisterFlagCompletionFunc("tag", cobra.NoFileCompletions)
}

func (o *listOptions) validate() error {
	o.filter.Tags = o.tags
	for _, w := range o.states {
		s, err := heartbeat.ParseState(w)
		if err != nil {
			return err
		}
		o.filter.States = append(o.filter.States, s)
	}
	return nil
}

func (o *listOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	m, err := o.f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	all, err := m.List(ctx, o.filter)
	if err != nil {
		return err
	}
	meta := printer.Meta{}
	if len(o.tags)+len(o.states) > 0 {
		meta.Empty = "no such check; `oncall heartbeat list` shows all"
	}
	if err := printer.List(out, table(o.f), all, meta); err != nil {
		return err
	}
	if out.Human() {
		remind(o.f, all)
	}
	return nil
}
