package maintenance

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/probe"
)

// kind names windows in results.
const kind = "probe-maintenance"

// window is what start and create have in common: which checks are off for how long,
// and why.
type window struct {
	f     *cli.Factory
	names []string
	long  string
	d     time.Duration
}

func (w *window) flags(cmd *cobra.Command, long string) {
	cmd.Flags().StringVar(&w.long, "for", "", long+": 30m, 2h; whole minutes")
	_ = cmd.RegisterFlagCompletionFunc("for", cobra.NoFileCompletions)
	cli.ChangeFlags(cmd, w.f)
}

// length reads --for, and refuses maintenance without a reason.
func (w *window) length() (err error) {
	if w.long == "" {
		return cli.Usage("how long? --for is missing").WithHint("--for 1h --reason WHY")
	}
	if w.d, err = cli.Length("for", w.long, 0); err != nil {
		return err
	}
	switch {
	case w.d%time.Minute != 0:
		return cli.Usage("--for: %s is not in whole minutes, which NodePing counts in", w.long)
	case w.f.Change.Reason == "":
		return cli.Usage("maintenance needs a reason: it becomes its name").WithHint("--for %s --reason WHY", w.long)
	}
	_, err = w.f.Config() // the demo's clock comes with it
	return err
}

// make plans and sends a window. effect is what becomes of the checks, note what is
// told of the window that was made.
func (w *window) make(ctx context.Context, plan mutate.Plan, effect string,
	send func(context.Context, *probe.Desk, []probe.Check) (m probe.Maintenance, looked bool, err error), note func(probe.Maintenance) string) error {
	d, err := w.f.Probe(ctx)
	if err != nil {
		return err
	}
	checks, err := d.FindAll(ctx, w.names)
	if err != nil {
		return err
	}
	labels := []string{}
	for _, c := range checks {
		labels = append(labels, c.Label())
	}
	plan.Kind, plan.Effects = kind, []string{strings.Join(labels, ", ") + ": " + effect}
	return w.f.Mutate(ctx, plan, func(ctx context.Context, report mutate.Report) error {
		m, looked, err := send(ctx, d, checks)
		if err == nil {
			report(m.ID, mutate.Outcome{Changed: true, Item: m, Message: note(m), Looked: looked})
		}
		return err
	})
}
