package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/nodeping"
	"github.com/balena-io/oncall/pkg/probe"
	"github.com/balena-io/oncall/pkg/shell"
)

// asked is both answers, side by side.
type asked struct {
	Check     probe.Check `json:"probe"`
	Here      probe.Local `json:"here"`
	Tool      string      `json:"tool"`      // "" when NodePing was not asked
	From      string      `json:"from"`      // the probe that ran it
	Diagnosis string      `json:"diagnosis"` // what the tool wrote
}

type runOptions struct {
	f    *cli.Factory
	name string
	tool string
	from string
	here bool
}

func newCmdRun(f *cli.Factory) *cobra.Command {
	o := &runOptions{f: f}
	cmd := &cobra.Command{
		Use:   "run <name>",
		Short: "Ask the target now, from here and from one of the probes",
		Long: `Ask the target now: from here, step by step with times (name, connection, certificate with
the days it has left, answer), and beside it what the probes were answered last. A check
cannot be run out of turn through NodePing's API; a diagnostic tool can, from the probe
that asked last or from --from. The vendor allows 10 of these in 5 minutes and keeps
each with the check's events; --here leaves it out.

Ends with 9 when the target does not answer well from here, with 6 when it was not asked.`,
		Example: `oncall probe run api
oncall probe run api --here
oncall probe run api --tool mtr --from nl`,
		Args:              cli.ExactArgs(1),
		ValidArgsFunction: cli.FirstOnly(cli.CompleteProbes(f)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(tools, o.tool) {
				return cli.Usage("--tool: %q is not one of %s", o.tool, strings.Join(tools, ", "))
			}
			o.name = args[0]
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.tool, "tool", nodeping.ToolPing, "what the probe runs: ping, mtr, traceroute, dig")
	fs.StringVar(&o.from, "from", "", "the probe that runs it: nl (default: the one that asked last)")
	fs.BoolVar(&o.here, "here", false, "ask from here alone")
	_ = cmd.RegisterFlagCompletionFunc("tool", cli.Words(tools...))
	_ = cmd.RegisterFlagCompletionFunc("from", cobra.NoFileCompletions)
	return cmd
}

var tools = []string{nodeping.ToolPing, nodeping.ToolMTR, nodeping.ToolTraceroute, nodeping.ToolDig}

func (o *runOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	d, err := o.f.Probe(ctx)
	if err != nil {
		return err
	}
	c, err := d.Find(ctx, o.name)
	if err != nil {
		return err
	}
	asker, err := o.f.Asker()
	if err != nil {
		return err
	}
	place := o.from
	if place == "" && c.Last != nil {
		place = c.Last.From
	}
	a := asked{Check: c}
	meta := printer.Meta{}
	progress := o.f.IO.Progress()
	progress.Set("asking", c.Target)
	var wg sync.WaitGroup
	wg.Go(func() { a.Here = asker.Ask(ctx, c) })
	if !o.here && place == "" {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "nodeping", Error: "no probe has asked yet: --from names one"})
	}
	var diagErr error
	if !o.here && place != "" {
		a.Tool, a.From = o.tool, place
		wg.Go(func() { a.Diagnosis, diagErr = d.Client.Diagnose(ctx, c.ID, place, o.tool) })
	}
	wg.Wait()
	progress.End()
	if err := ctx.Err(); err != nil {
		return err
	}
	if diagErr != nil {
		meta.Partial = append(meta.Partial, printer.Partial{Source: "nodeping", Error: diagErr.Error()})
	}
	if err := printer.Item(out, o.table(), a, func(v *printer.Detail) { o.view(v, a) }, meta); err != nil {
		return err
	}
	switch {
	case a.Here.Skipped:
		return exit.Quiet(exit.Partial)
	case !a.Here.Passed:
		return exit.Quiet(exit.Found)
	}
	return nil
}

func (o *runOptions) table() printer.Table[asked] {
	return printer.Table[asked]{
		Kind: "ProbeRun",
		Name: func(a asked) string { return a.Check.Label() },
		Columns: []printer.Column[asked]{
			{Header: "NAME", Value: func(a asked) string { return a.Check.Label() }},
			{Header: "HERE", Value: func(a asked) string { return a.Here.Words }},
			{Header: "PROBES", Value: func(a asked) string { return answer(a.Check.Last) }},
		},
	}
}

func (o *runOptions) view(v *printer.Detail, a asked) {
	head, st := "answers here", ios.Green
	switch {
	case a.Here.Skipped:
		head, st = "was not asked from here", ios.Yellow
	case !a.Here.Passed:
		head, st = "does not answer well here", ios.Red
	}
	v.Title(a.Check.Label(), head, st)
	v.Row("target", a.Here.Target)
	here := a.Here.Words
	if a.Here.Step != "" && a.Here.Step != "http" {
		here = "failed at " + a.Here.Step + ": " + here
	}
	if n := len(a.Here.Redirects); n > 0 {
		here += ", at " + a.Here.Redirects[n-1]
	}
	if a.Here.Location != "" {
		here += " -> " + a.Here.Location
	}
	v.Row("here", here)
	times := []string{}
	for _, t := range a.Here.Times {
		times = append(times, t.Step+" "+took(t.Seconds))
	}
	v.Row("", strings.Join(times, " · "))
	if a.Here.Address != "" {
		v.Row("", a.Here.Address+" of "+strings.Join(a.Here.Addresses, ", "))
	}
	if t := a.Here.TLS; t != nil {
		line := fmt.Sprintf("%s, %s by %s, %d days left (%s)", t.Version, t.Subject, t.Issuer, t.Days, t.NotAfter.Format("2006-01-02"))
		if t.Error != "" {
			line += ", not trusted: " + t.Error
		}
		v.Row("tls", line)
	}
	probes := stateWords(a.Check)
	if a.Check.Last != nil {
		probes += ", last " + answer(a.Check.Last) + " " + ios.Ago(a.Check.Last.At, o.f.Now()) + ", from " + from(a.Check.Last)
	}
	v.Row("probes", probes)
	if a.Diagnosis != "" {
		v.Block(a.Tool+" "+a.From, strings.Split(strings.TrimRight(a.Diagnosis, "\n"), "\n")...)
	}
	v.Next("oncall probe results " + shell.Word(a.Check.Label()))
}
