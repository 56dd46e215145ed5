package probe

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/probe"
)

type listOptions struct {
	f      *cli.Factory
	states []string
	filter probe.Filter
}

func newCmdList(f *cli.Factory) *cobra.Command {
	o := &listOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the outside checks, failing first, with their last answer",
		Long: `List the outside checks, failing first: since when, what was answered last, how long it
took, and which probes asked ("nl +de,ld": others asked again to be sure). A disabled
check, as in maintenance, is not asked at all: its last state says nothing.`,
		Example: `oncall probe list
oncall probe list --state failing
oncall probe list --muted -o json`,
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
	fs.StringSliceVar(&o.states, "state", nil, "only these: failing, new, disabled, passing")
	fs.BoolVar(&o.filter.Muted, "muted", false, "only those that alert nobody")
	tagFlag(cmd, &o.filter.Tags)
	_ = cmd.RegisterFlagCompletionFunc("state", cli.Words(stateNames()...))
	return cmd
}

func stateNames() []string {
	out := []string{}
	for _, s := range probe.States() {
		out = append(out, string(s))
	}
	return out
}

func (o *listOptions) validate() error {
	for _, w := range o.states {
		s := strings.ToLower(strings.TrimSpace(w))
		if !slices.Contains(stateNames(), s) {
			err := cli.Usage("--state: %q is not one of %s", w, strings.Join(stateNames(), ", "))
			if near := nearest.Of(s, stateNames()); len(near) > 0 {
				return err.WithHint("--state %s", near[0])
			}
			return err
		}
		o.filter.States = append(o.filter.States, probe.State(s))
	}
	return nil
}

func (o *listOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	all, err := d.List(ctx, o.filter)
	if err != nil {
		return err
	}
	meta := printer.Meta{}
	if len(o.states) > 0 || o.filter.Muted || len(o.filter.Tags) > 0 {
		meta.Empty = "no such check; `oncall probe list` shows all"
	}
	return printer.List(out, table(o.f), all, meta)
}
