package incident

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/pager"
)

// targets are the incidents that a command changes: by number, or --mine.
type targets struct {
	numbers []string
	mine    bool
}

func (t *targets) flags(cmd *cobra.Command, mine string) {
	cmd.Flags().BoolVar(&t.mine, "mine", false, mine)
}

func (t *targets) complete(cmd *cobra.Command, args []string) (err error) {
	switch {
	case t.mine && len(args) > 0:
		return cli.Usage("%s takes numbers or --mine, not both", cmd.CommandPath())
	case !t.mine && len(args) == 0:
		return cli.Usage("%s: which incident? give a number, or --mine", cmd.CommandPath()).WithHint("oncall incident list --mine")
	}
	t.numbers, err = numbers(args)
	return err
}

// look finds the incidents. With --mine they are those in the given phases that
// paged the user; when there are none it says so and returns none.
func (t *targets) look(ctx context.Context, f *cli.Factory, p *pager.Pager, phases ...pager.Phase) ([]pager.Seen, error) {
	if !t.mine {
		return p.Look(ctx, t.numbers)
	}
	l, err := p.List(ctx, pager.Filter{Mine: true, Phases: phases})
	if err != nil {
		return nil, err
	}
	seen := []pager.Seen{}
	for _, i := range l.Incidents {
		if p.Mine(i) {
			seen = append(seen, pager.Seen{Number: i.Number, Incident: i})
		}
	}
	if len(seen) == 0 {
		return nil, mutate.Nothing(f.Printer(), "nothing to do: no such incident paged you")
	}
	return seen, nil
}

func names(seen []pager.Seen) []string {
	out := []string{}
	for _, s := range seen {
		out = append(out, s.Number)
	}
	return out
}

// tell reports what became of each incident.
func tell(f *cli.Factory, p *pager.Pager, report mutate.Report, all []pager.Outcome) {
	for _, o := range all {
		x := mutate.Outcome{Changed: o.Result == pager.Done, Err: o.Err, Item: o}
		switch o.Result {
		case pager.Already:
			x.Words = o.Message
		case pager.Done:
			x.Message, x.Looked = "as "+p.User+", "+f.Clock(f.Now()), o.Looked
		}
		report(o.Number, x)
	}
}

func joined(names []string) string { return strings.Join(names, ", ") }
