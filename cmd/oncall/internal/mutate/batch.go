package mutate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clipperhouse/displaywidth"

	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// batch gathers what becomes of the targets of one plan.
type batch struct {
	r       *Runner
	p       Plan
	byName  map[string]Result
	printed map[string]bool
	order   []string
	broken  error // stdout could not be written; the change goes on all the same
}

func newBatch(r *Runner, p Plan) *batch {
	return &batch{r: r, p: p, byName: map[string]Result{}, printed: map[string]bool{}, order: slices.Clone(p.Targets)}
}

// lookedNote stands beside a change whose answer was lost.
const lookedNote = "the answer was lost, a look shows that it arrived"

func (b *batch) report(target string, o Outcome) {
	if o.Looked && o.Err == nil {
		o.Message = strings.TrimPrefix(o.Message+"; "+lookedNote, "; ")
	}
	res := Result{Name: strings.TrimSuffix(b.p.Kind+"/"+target, "/"), Changed: o.Changed, Item: o.Item, words: o.Words, note: o.Message, err: o.Err}
	if res.words == "" {
		res.words = b.p.Done
	}
	switch {
	case o.Err == nil && o.Changed:
		res.State = Done
	case o.Err == nil:
		res.State = Unchanged
	case b.r.Flags.DryRun && errors.Is(o.Err, apierr.ErrReadOnly):
		res.State, res.DryRun, res.err = Planned, true, nil
		res.words = b.p.Done + " (dry run)"
	default:
		res.fail(o.Err)
	}
	if res.err == nil {
		res.Message = res.words
		if res.note != "" {
			res.Message += " (" + res.note + ")"
		}
	}
	if !slices.Contains(b.order, target) {
		b.order = append(b.order, target) // a thing that got its name when it was made
	}
	b.byName[target] = res
	b.printLine(target, res)
}

// Each makes one change after another and reports each. An interrupt ends it: those
// that were not begun were not sent.
func Each[T any](ctx context.Context, report Report, all []T, name func(T) string, change func(T) Outcome) error {
	for _, x := range all {
		report(name(x), change(x))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// fail makes r the result of a target whose change came to nothing, or may have.
func (r *Result) fail(err error) {
	r.State, r.err, r.Error = Failed, err, FaultOf(err)
	if errors.Is(err, apierr.ErrUnknownOutcome) {
		r.State = Unknown
	}
	r.words = string(r.State)
}

// noteColumn is where the note of a line begins, so that notes stand in a column.
const noteColumn = 44

// printLine tells a person at once; the other formats wait for the whole.
func (b *batch) printLine(target string, res Result) {
	if !b.r.Printer.Human() || b.printed[target] {
		return
	}
	b.printed[target] = true
	if res.err != nil {
		b.r.IO.Note("%s %s: %s", res.Name, res.words, res.Error.Message)
		if res.Error.Hint != "" {
			b.r.IO.Hint("%s", res.Error.Hint)
		}
		return
	}
	line := ios.Visible(res.Name + " " + res.words)
	if res.note != "" {
		note := "(" + ios.Visible(res.note) + ")"
		gap := noteColumn - displaywidth.String(line)
		if b.r.IO.Width > 0 {
			gap = min(gap, b.r.IO.Width-displaywidth.String(line)-displaywidth.String(note))
		}
		line += strings.Repeat(" ", max(2, gap)) + b.r.IO.Paint(ios.Dim, note)
	}
	if _, err := fmt.Fprintln(b.r.IO.Stdout(), line); err != nil && b.broken == nil {
		b.broken = err
	}
}

// finish settles the targets that nobody reported, from the error of the call.
func (b *batch) finish(ctx context.Context, err error) []Result {
	for _, target := range b.p.Targets {
		if _, ok := b.byName[target]; ok {
			continue
		}
		res := Result{Name: b.p.Kind + "/" + target}
		switch {
		case b.r.Flags.DryRun && (err == nil || errors.Is(err, apierr.ErrReadOnly)):
			b.report(target, Outcome{Err: apierr.New(apierr.ErrReadOnly, "", "", "dry run")})
		case err == nil:
			b.report(target, Outcome{Changed: true})
		case ctx.Err() != nil && !errors.Is(err, apierr.ErrUnknownOutcome):
			res.fail(b.notSent())
			res.State, res.words = NotSent, "not sent"
			b.byName[target] = res
			if b.r.Printer.Human() && len(b.p.Targets) > 1 {
				b.r.IO.Note("%s %s", res.Name, res.words)
			}
		default:
			res.fail(err)
			b.byName[target] = res
		}
	}
	if b.r.Flags.DryRun && len(b.order) == 0 && (err == nil || errors.Is(err, apierr.ErrReadOnly)) {
		b.report("", Outcome{Err: apierr.New(apierr.ErrReadOnly, "", "", "dry run")}) // its name comes with its making
	}
	out := []Result{}
	for _, target := range b.order {
		if res, ok := b.byName[target]; ok {
			out = append(out, res)
		}
	}
	return out
}

// notSent is the error of a target that an interrupt came before.
func (b *batch) notSent() error {
	err := errors.New("not sent: an interrupt came before it")
	if b.r.Signal != nil {
		if code, ok := b.r.Signal(); ok {
			return exit.With(code, err)
		}
	}
	return err
}

// Nothing says why there is nothing to change: a sentence for people, an empty
// list of changes in the other formats.
func Nothing(p *printer.Printer, why string) error {
	return printer.List(p, table(), []Result{}, printer.Meta{Empty: why})
}

// table is how a change looks in the formats that are not lines.
func table() printer.Table[Result] {
	return printer.Table[Result]{
		Kind: "Change",
		Columns: []printer.Column[Result]{
			{Header: "NAME", Value: func(x Result) string { return x.Name }},
			{Header: "STATE", Value: func(x Result) string { return x.words }},
			{Header: "NOTE", Value: func(x Result) string {
				if x.Error != nil {
					return x.Error.Message
				}
				return x.note
			}},
		},
	}
}

// print writes the dry run's requests, and the results in the formats that are
// written whole. When nothing succeeded stdout stays empty: the error says it.
func (b *batch) print(results []Result) error {
	var fenced []httpx.Fenced
	if b.r.Flags.DryRun && b.r.Fenced != nil {
		fenced = b.r.Fenced()
	}
	if b.r.Printer.Human() {
		for _, f := range fenced {
			b.r.IO.Note("would send  %s %s", f.Method, f.URL)
			if f.Body != "" {
				b.r.IO.Note("            %s", f.Body)
			}
		}
		return b.broken
	}
	if !slices.ContainsFunc(results, func(x Result) bool { return x.err == nil }) {
		return nil
	}
	if b.r.Printer.Format() == printer.FormatName {
		for _, x := range results {
			if x.err == nil {
				if _, err := fmt.Fprintln(b.r.IO.Stdout(), ios.Visible(x.Name)); err != nil {
					return err
				}
			}
		}
		return nil
	}
	meta := printer.Meta{}
	if b.r.Flags.DryRun {
		meta.DryRun, meta.Plan, meta.Requests = true, b.p.Effects, fenced
	}
	return printer.List(b.r.Printer, table(), results, meta)
}

// unwritten is the error of a result that could not be written. What was done is
// told with it: nobody can see it elsewhere.
func unwritten(results []Result, err error) error {
	done := []string{}
	for _, x := range results {
		if x.err == nil && x.Changed {
			done = append(done, x.Name+" "+x.words)
		}
	}
	if len(done) == 0 {
		return err
	}
	return fmt.Errorf("%s, but the result could not be written: %w", strings.Join(done, ", "), err)
}

// exitError folds the results into the one error that the process ends with.
func (b *batch) exitError(results []Result, err error) error {
	var failed []error
	codes := map[int]bool{}
	for _, x := range results {
		if x.err != nil {
			failed = append(failed, x.err)
			codes[exit.Code(x.err)] = true
		}
	}
	if b.r.Signal != nil {
		// What was in flight when the signal came may have arrived: that is told.
		if code, ok := b.r.Signal(); ok && err != nil {
			if errors.Is(err, apierr.ErrUnknownOutcome) {
				return exit.With(code, err)
			}
			return exit.Quiet(code)
		}
	}
	if len(failed) == 0 {
		if b.r.Flags.DryRun && errors.Is(err, apierr.ErrReadOnly) {
			return nil
		}
		return err
	}
	code := exit.Partial
	switch {
	case codes[exit.Unknown]:
		code = exit.Unknown
	case len(failed) == len(results) && len(codes) == 1:
		code = exit.Code(failed[0])
	case len(failed) == len(results):
		code = exit.Failed
	}
	// The lines of a batch have already told each failure to a person; the call's
	// own error has not been told, and no other format has told any.
	told := b.r.Printer.Human() && err == nil
	if told {
		return exit.Quiet(code)
	}
	if err != nil {
		return exit.With(code, err)
	}
	if len(failed) < len(results) {
		return exit.With(code, fmt.Errorf("%d of %d failed: %w", len(failed), len(results), failed[0]))
	}
	return exit.With(code, errors.Join(failed...))
}
