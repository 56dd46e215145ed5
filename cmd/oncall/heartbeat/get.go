package heartbeat

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/heartbeat"
	"github.com/balena-io/oncall/pkg/shell"
)

func newCmdGet(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "get <name>",
		Short: "Show a check: schedule, last signals, changes of state, who is told",
		Long: `Show one check. It is named by its name, slug, id, the begin of exactly one of them, or
its pasted address. With a read-only key the signals and who is told are hidden; the
command says so and shows the rest.`,
		Example: `oncall heartbeat get "e2e hourly"
oncall heartbeat get e2e -o json`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteHeartbeats(f)),
		RunE:              func(cmd *cobra.Command, args []string) error { return get(cmd.Context(), f, args[0]) },
	}
}

func get(ctx context.Context, f *cli.Factory, name string) error {
	out := f.Printer()
	m, err := f.Heartbeat(ctx)
	if err != nil {
		return err
	}
	d, err := m.Get(ctx, name)
	if err != nil {
		return err
	}
	t := printer.Table[heartbeat.Detail]{Kind: "Heartbeat", Name: func(d heartbeat.Detail) string { return d.Label() }}
	for _, c := range table(f).Columns {
		t.Columns = append(t.Columns, printer.Column[heartbeat.Detail]{Header: c.Header, Wide: c.Wide, Flex: c.Flex,
			Value: func(d heartbeat.Detail) string { return c.Value(d.Check) }})
	}
	return printer.Item(out, t, d, func(v *printer.Detail) { view(f, v, d) }, printer.Meta{Partial: printer.Partials(d.Partial)})
}

func view(f *cli.Factory, v *printer.Detail, d heartbeat.Detail) {
	head := []string{stateWords(d.Check)}
	if n := note(f, d.Check); n != "" {
		head = append(head, n)
	}
	v.Title(d.Label(), strings.Join(head, " · "), style(d.Check))
	v.Row("about", d.Description)
	v.Row("due", d.Schedule.Words)
	last := "never"
	if d.LastPingAt != nil {
		last = f.Clock(*d.LastPingAt) + ", " + ios.Ago(*d.LastPingAt, f.Now())
	}
	if d.LastRun != nil {
		last += ", after " + seconds(*d.LastRun)
	}
	v.Row("last", last)
	if d.DueAt != nil && d.DownAt != nil {
		v.Row("next", fmt.Sprintf("due %s, down %s", ios.Ago(*d.DueAt, f.Now()), ios.Ago(*d.DownAt, f.Now())))
	}
	v.Row("tags", strings.Join(d.Tags, " "))
	told := []string{}
	for _, i := range d.Integrations {
		told = append(told, i.Name+" ("+i.Kind+")")
	}
	v.Row("tells", strings.Join(told, ", "))
	lines := []string{}
	for _, p := range d.LastPings {
		lines = append(lines, pingLine(f, p))
	}
	v.Row("signals", lines...)
	lines = []string{}
	for _, x := range d.Flips {
		lines = append(lines, flipLine(f, x))
	}
	v.Row("changes", lines...)
	v.Row("id", d.ID)
	name := shell.Word(d.Label())
	switch d.State {
	case heartbeat.Down, heartbeat.Late:
		v.Next("oncall heartbeat why "+name, "oncall heartbeat pause "+name+" --for 2h --reason WHY")
	case heartbeat.Paused:
		v.Next("oncall heartbeat resume " + name)
	default:
		v.Next("oncall heartbeat pings " + name)
	}
}

func pingLine(f *cli.Factory, p heartbeat.Ping) string {
	line := f.Clock(p.At) + "  " + p.Kind
	if p.Seconds != nil {
		line += ", after " + seconds(*p.Seconds)
	}
	if p.Via != "" {
		line += ", " + p.Via
	}
	if p.HasBody {
		line += ", with a text"
	}
	return line
}

func flipLine(f *cli.Factory, x heartbeat.Flip) string {
	return f.Clock(x.At) + "  " + flipWords(x)
}

// flipWords says what a change was, as far as that can be told.
func flipWords(x heartbeat.Flip) string {
	what := "not up"
	switch {
	case x.Up:
		return "up"
	case x.Cause == heartbeat.CausePause:
		what = "paused or resumed"
	case x.Outage != nil:
		what = "down"
	}
	text := what + ": " + x.Cause
	if x.Cause == heartbeat.CausePause {
		text = what
	}
	if x.Why != "" {
		text += " (" + x.Why + ")"
	}
	return text
}
