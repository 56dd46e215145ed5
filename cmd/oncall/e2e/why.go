package e2e

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	e2epkg "github.com/balena-io/oncall/pkg/e2e"
	"github.com/balena-io/oncall/pkg/jenkins"
)

type whyOptions struct {
	target
	around  int
	history int
}

// why is what `oncall e2e why` says, as the JSON contract has it.
type why struct {
	Build      build                `json:"build"`
	Recognised bool                 `json:"recognised"`
	Kind       e2epkg.Kind          `json:"kind"`
	Infra      string               `json:"infrastructure"` // sign of it, "" for none
	Aborted    string               `json:"aborted"`
	Lines      int                  `json:"lines"` // of the console
	First      *e2epkg.Step         `json:"first"` // null when nothing was recognised
	Running    *e2epkg.Step         `json:"running"`
	Others     []e2epkg.Step        `json:"others"`
	OtherCount int                  `json:"otherCount"`
	Recovered  []e2epkg.Step        `json:"recovered"`
	Runners    []e2epkg.Totals      `json:"runners"`
	History    *e2epkg.StepHistory  `json:"history"` // null without a step, or when it was not asked for
	LastGreen  int                  `json:"lastGreen"`
	Tail       []e2epkg.ContextLine `json:"tail"` // the last lines, when nothing was recognised
}

// shownAround is how many lines around a verdict are shown when nobody says.
const shownAround = 5

func newCmdWhy(f *cli.Factory) *cobra.Command {
	o := &whyOptions{target: target{f: f}}
	cmd := &cobra.Command{
		Use:   "why [build]",
		Short: "Say why a build failed: the first failing step, and how often it fails",
		Long: `Say why a build failed: the first failing step, where it stands in the console, what
failed after it, whether the machines rather than the tests are to blame, and how that
step fared in the builds before. By default the newest build that did not end green.

` + buildHelp + `

Published test results come before the console's text. When nothing is recognised
the last lines are shown and the exit code is 9.`,
		Example: `oncall e2e why
oncall e2e why 9123 -C 20
oncall e2e why --incident 4126 -o json`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeBuilds(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(args, refLastBad); err != nil {
				return err
			}
			if o.around < 0 || o.around > 60 {
				return cli.Usage("--around: 0 to 60 lines, not %d", o.around)
			}
			if o.history < 0 || o.history > 500 {
				return cli.Usage("--history: 0 to 500 builds, not %d", o.history)
			}
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().IntVarP(&o.around, "around", "C", shownAround, "lines to show before and after the verdict")
	cmd.Flags().IntVar(&o.history, "history", 40, "builds to look back on for the step's history; 0 leaves it out")
	_ = cmd.RegisterFlagCompletionFunc("around", cobra.NoFileCompletions)
	_ = cmd.RegisterFlagCompletionFunc("history", cobra.NoFileCompletions)
	o.flags(cmd, true)
	return cmd
}

func (o *whyOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx); err != nil {
		return err
	}
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	reader, err := o.f.E2EReader(o.client)
	if err != nil {
		return err
	}
	r, err := o.read(ctx, reader, b)
	if err != nil {
		return err
	}
	w := o.answer(b, r)
	meta := printer.Meta{}
	if w.First != nil && o.history > 0 {
		if err := o.addHistory(ctx, reader, &w, r); err != nil {
			if ctx.Err() != nil {
				return err
			}
			meta.Partial = append(meta.Partial, printer.Partial{Source: "jenkins", Error: "history: " + err.Error()})
		}
	}
	t := printer.Table[why]{Kind: "Why", Name: func(w why) string { return fmt.Sprint(w.Build.Number) }}
	if err := printer.Item(out, t, w, func(v *printer.Detail) { o.view(v, w) }, meta); err != nil {
		return err
	}
	if !w.Recognised {
		return exit.Quiet(exit.Found)
	}
	return nil
}

// read asks the cache, unless more context is wanted than it holds.
func (o *whyOptions) read(ctx context.Context, reader *e2epkg.Reader, b jenkins.Build) (*e2epkg.Report, error) {
	if o.around <= e2epkg.ContextBefore {
		return reader.Why(ctx, b)
	}
	wide := *reader
	wide.Cache, wide.Context = nil, o.around
	return wide.Why(ctx, b)
}

func (o *whyOptions) answer(b jenkins.Build, r *e2epkg.Report) why {
	w := why{Build: buildOf(b), Kind: r.Kind, Infra: r.Infra, Aborted: r.Aborted, Lines: r.Lines, Running: r.Running,
		Others: []e2epkg.Step{}, Recovered: r.Recovered, Runners: r.Runners, Tail: []e2epkg.ContextLine{}}
	w.Build.Failing = failingOf(r)
	if first := r.First(); first != nil {
		w.First = o.trim(*first)
		for _, s := range r.Failures[1:] {
			w.Others = append(w.Others, *o.trim(s))
		}
		w.OtherCount = r.Total() - 1
	}
	if r.Running != nil {
		w.Running = o.trim(*r.Running)
	}
	w.Recognised = w.First != nil || w.Running != nil || r.Infra != "" || r.Aborted != "" || b.Result == jenkins.Success
	if w.First == nil && b.Result != jenkins.Success {
		w.Tail = r.Tail
	}
	return w
}

// trim cuts the context to what was asked for.
func (o *whyOptions) trim(s e2epkg.Step) *e2epkg.Step {
	s.Before = s.Before[max(0, len(s.Before)-o.around):]
	s.After = s.After[:min(len(s.After), o.around)]
	return &s
}

func (o *whyOptions) addHistory(ctx context.Context, reader *e2epkg.Reader, w *why, r *e2epkg.Report) error {
	builds, err := o.client.Builds(ctx, o.job, 0, o.history)
	if err != nil {
		return err
	}
	reports, err := reader.Known(ctx, builds, o.history)
	if reports != nil {
		if _, ok := reports[w.Build.Number]; ok {
			reports[w.Build.Number] = r // with the structured verdicts
		}
		h := e2epkg.HistoryOf(*w.First, builds, reports)
		w.History = &h
	}
	for _, b := range builds {
		if ended(b) && b.Result == jenkins.Success {
			w.LastGreen = b.Number
			break
		}
	}
	return err
}

// view draws the answer on one screen.
func (o *whyOptions) view(v *printer.Detail, w why) {
	b := w.Build.from
	v.Title(strings.TrimSpace(fmt.Sprintf("#%d %s", b.Number, headline(o.f, b))), strings.Join(words(b), " · "), style(w.Build))
	switch {
	case w.First != nil:
		o.viewStep(v, "first failure", w.First, w)
		o.viewOthers(v, w)
	case w.Running != nil:
		o.viewStep(v, "was running", w.Running, w)
	case b.Result == jenkins.Success:
		v.Row("verdict", "nothing failed")
	case !w.Recognised && w.Lines == 0:
		v.Row("verdict", "its console is empty")
	case !w.Recognised:
		v.Row("verdict", fmt.Sprintf("no failing step was recognised in %s lines; the last ones:", commas(w.Lines)))
	}
	if w.First == nil && b.Result != jenkins.Success {
		v.Block("", texts(w.Tail[max(0, len(w.Tail)-2*max(1, o.around)):])...)
	}
	v.Row("blame", blame(w)...)
	if len(w.Recovered) > 0 {
		names := []string{}
		for _, s := range w.Recovered[:min(3, len(w.Recovered))] {
			names = append(names, s.Name)
		}
		v.Row("recovered", fmt.Sprintf("%d passed on a later try in this build: %s", len(w.Recovered), strings.Join(names, ", ")))
	}
	v.Row("history", history(w)...)
	if b.Result == jenkins.Success {
		v.Next("oncall e2e why last-failed")
		return
	}
	if !ended(b) {
		v.Next(again("logs", b, o.jobName) + " -f")
		return
	}
	v.Next(again("retry", b, o.jobName), fmt.Sprintf("oncall e2e logs %d --since-line %d", b.Number, max(1, lineOf(w)-20)))
}

func lineOf(w why) int {
	switch {
	case w.First != nil && w.First.Line > 0:
		return w.First.Line
	case w.Running != nil:
		return w.Running.Line
	}
	return w.Lines
}

func (o *whyOptions) viewStep(v *printer.Detail, label string, s *e2epkg.Step, w why) {
	where := "in the published results"
	if s.Line > 0 {
		where = fmt.Sprintf("line %s of %s", commas(s.Line), commas(w.Lines))
	}
	facts := []string{where, s.Runner}
	if s.Stage != "" {
		facts = append(facts, "stage "+s.Stage)
	}
	v.Row(label, s.Full(), strings.Join(facts, " · "))
	if s != w.Running {
		v.Block("", passage(s, o.around)...)
	}
}

// passage is the message, or without one the lines around the verdict; with
// more context than usual always the lines.
func passage(s *e2epkg.Step, around int) []string {
	if s.Message != "" && around <= shownAround {
		lines := strings.Split(s.Message, "\n")
		if lines[0] == s.Name { // an error of Jenkins' own is its own name
			lines = lines[1:]
		}
		if len(lines) > 12 {
			lines = append(lines[:12], fmt.Sprintf("(%d more lines: -C %d)", len(lines)-12, 2*shownAround))
		}
		return lines
	}
	out := []string{}
	for _, l := range s.Before {
		out = append(out, fmt.Sprintf("%7d  %s", l.Number, l.Text))
	}
	if s.Line > 0 {
		out = append(out, fmt.Sprintf("%7d  >>> the verdict on %s", s.Line, s.Name))
	}
	for _, l := range s.After {
		out = append(out, fmt.Sprintf("%7d  %s", l.Number, l.Text))
	}
	return out
}

func (o *whyOptions) viewOthers(v *printer.Detail, w why) {
	if w.OtherCount == 0 {
		return
	}
	same := 0
	for _, s := range w.Others {
		if s.Suite == w.First.Suite && s.Suite != "" {
			same++
		}
	}
	text := fmt.Sprintf("%d more", w.OtherCount)
	switch {
	case same == w.OtherCount:
		text += " in the same suite"
	case same > 0:
		text += fmt.Sprintf(", %d of them in the same suite", same)
	}
	names := []string{}
	for _, s := range w.Others[:min(5, len(w.Others))] {
		line := s.Name
		if s.Line > 0 {
			line += fmt.Sprintf(" (line %s)", commas(s.Line))
		}
		names = append(names, line)
	}
	v.Row("then", append([]string{text + ":"}, names...)...)
}

// blame tells trouble of the tests from trouble below them.
func blame(w why) []string {
	switch w.Kind {
	case e2epkg.KindInfra:
		return []string{"looks like infrastructure (" + w.Infra + "): a retry may help, a change to the tests will not"}
	case e2epkg.KindTimeout:
		return []string{"a limit of the pipeline ran out: " + w.Aborted}
	case e2epkg.KindAborted:
		return []string{strings.TrimSuffix("it was stopped: "+w.Aborted, ": ")}
	case e2epkg.KindBuild:
		return []string{"a step of the pipeline, not a test"}
	}
	return nil
}

// history is the step's past in one sentence.
func history(w why) []string {
	h := w.History
	if h == nil {
		return nil
	}
	line := fmt.Sprintf("failed %d of the last %d", h.Failed, h.Looked)
	if h.Recovered > 0 {
		line += fmt.Sprintf(", %d of those passed on retry", h.Recovered)
	}
	if h.Failed > 0 && h.Recovered == 0 && h.Failed > 1 {
		line += ", none of those passed on retry"
	}
	if h.Trend != "" && h.Trend != e2epkg.Steady {
		line += " · " + string(h.Trend)
	}
	if w.LastGreen > 0 {
		line += fmt.Sprintf(" · last green #%d", w.LastGreen)
	}
	if h.Unread > 0 {
		line += fmt.Sprintf(" · %d builds could not be read", h.Unread)
	}
	return []string{line}
}

func texts(lines []e2epkg.ContextLine) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l.Text
	}
	return out
}

// commas writes 41877 as 41,877.
func commas(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// passages is `oncall e2e logs --failures`: what why would show of each failing
// step, with the lines around it.
func (o *whyOptions) passages(ctx context.Context, out *printer.Printer) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	reader, err := o.f.E2EReader(o.client)
	if err != nil {
		return err
	}
	r, err := reader.Why(ctx, b)
	if err != nil {
		return err
	}
	w := o.answer(b, r)
	t := printer.Table[why]{Kind: "Why", Name: func(w why) string { return fmt.Sprint(w.Build.Number) }}
	err = printer.Item(out, t, w, func(v *printer.Detail) {
		v.Title(strings.TrimSpace(fmt.Sprintf("#%d %s", b.Number, headline(o.f, b))), "", style(w.Build))
		steps := w.Others
		if w.First != nil {
			steps = append([]e2epkg.Step{*w.First}, steps...)
		} else if w.Running != nil {
			steps = append(steps, *w.Running)
		}
		for _, s := range steps {
			v.Row("step", s.Full())
			s.Message, s.Name = "", s.Full()
			v.Block("", passage(&s, o.around)...)
		}
		if len(steps) == 0 && b.Result == jenkins.Success {
			v.Row("verdict", "nothing failed")
		} else if len(steps) == 0 {
			v.Row("verdict", "no failing step was recognised; the last lines:")
			v.Block("", texts(w.Tail)...)
		}
	})
	if err == nil && !w.Recognised {
		return exit.Quiet(exit.Found)
	}
	return err
}
