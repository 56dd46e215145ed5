package incident

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/pager"
)

type listOptions struct {
	f      *cli.Factory
	mine   bool
	team   string
	phases []string
	since  string

	filter pager.Filter
}

func newCmdList(f *cli.Factory) *cobra.Command {
	o := &listOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List incidents, triggered first, then newest",
		Long: `List the pager's incidents, triggered first, then newest. By default the open ones
of everybody; --mine keeps those that paged you, that you acknowledged or that are
of one of your teams.

The pager forgets resolved incidents after some days.`,
		Example: `oncall incident list --mine
oncall incident list --team Operations --since 2d
oncall incident list --phase resolved --since 1d -o json`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd)
	return cmd
}

// flags are those that choose incidents; watch has them too.
func (o *listOptions) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&o.mine, "mine", false, "only those that paged me, that I acknowledged, or of my teams")
	fs.StringVar(&o.team, "team", "", "only those of this team")
	fs.StringSliceVar(&o.phases, "phase", nil, "only these: triggered, acknowledged, resolved, or all (default: the open ones)")
	fs.StringVar(&o.since, "since", "", "only those that started since: 2h, 3d, 15:04, 2006-01-02")
	_ = cmd.RegisterFlagCompletionFunc("team", cli.CompleteTeams(o.f))
	_ = cmd.RegisterFlagCompletionFunc("phase", cli.Words("triggered", "acknowledged", "resolved", "all"))
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.NoFileCompletions)
}

func (o *listOptions) validate() error {
	phases, err := parsePhases(o.phases)
	if err != nil {
		return err
	}
	since, err := o.f.Since(o.since)
	if err != nil {
		return err
	}
	o.filter = pager.Filter{Mine: o.mine, Team: o.team, Phases: phases, Since: since}
	return nil
}

// parsePhases reads the words of --phase, the vendor's own among them.
func parsePhases(words []string) ([]pager.Phase, error) {
	known := map[string][]pager.Phase{
		"all":       pager.Phases(),
		"open":      {pager.Triggered, pager.Acknowledged},
		"triggered": {pager.Triggered}, "unacked": {pager.Triggered},
		"acknowledged": {pager.Acknowledged}, "acked": {pager.Acknowledged},
		"resolved": {pager.Resolved},
	}
	out := []pager.Phase{}
	for _, w := range words {
		p, ok := known[strings.ToLower(strings.TrimSpace(w))]
		if !ok {
			err := cli.Usage("--phase: %q is not one of triggered, acknowledged, resolved, all", w)
			if near := nearest.Of(w, []string{"triggered", "acknowledged", "resolved"}); len(near) > 0 {
				return nil, err.WithHint("--phase %s", near[0])
			}
			return nil, err
		}
		for _, x := range p {
			if !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	return out, nil
}

func (o *listOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	p, err := o.f.Pager(ctx)
	if err != nil {
		return err
	}
	l, err := p.List(ctx, o.filter)
	if err != nil {
		return err
	}
	o.f.WarnOfClock(p, l.Incidents...)
	return printer.List(out, table(o.f), l.Incidents, printer.Meta{Partial: printer.Partials(l.Partial), Empty: o.empty(l)})
}

// empty says why nothing is listed, and what there is instead.
func (o *listOptions) empty(l pager.Listing) string {
	what := "no open incident"
	if len(o.filter.Phases) > 0 {
		what = "no such incident"
	}
	if o.team != "" {
		what += " of " + o.team
	}
	if o.mine {
		what += " pages you"
	}
	if l.Others > 0 {
		return fmt.Sprintf("%s; `oncall incident list` shows %d of others", what, l.Others)
	}
	return what
}

func alertCount(i pager.Incident) string { return strconv.Itoa(i.AlertCount) }
