// Package mutate is the one door to a change. Every command that changes
// something gives it a Plan and a function; mutate says what will happen, asks
// when it must, keeps the journal, runs the function once, and says what
// happened, in the same words for every noun.
package mutate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/journal"
)

// Flags are the options that every changing command has.
type Flags struct {
	DryRun   bool
	Yes      bool
	Reason   string
	Incident string // number of the pager incident that the change belongs to
}

// Ask is how much a change asks before it goes on, in a protected context.
type Ask int

const (
	// AskNever is for what is cheap to do and worse to delay: acknowledge, note,
	// trigger, reroute, take, anything with an end.
	AskNever Ask = iota
	// AskYesNo is for what the public or somebody else will notice.
	AskYesNo
	// AskName makes a person type Plan.TypeName: production deploys only.
	AskName
)

// Plan says in words what will happen.
type Plan struct {
	Verb     string   // infinitive: "acknowledge"
	Done     string   // what a target is afterwards: "acknowledged"
	Kind     string   // "incident"
	Targets  []string // names as printed after the kind: "4127"
	Effects  []string // one line each: what, where, who is told; printed before the change
	Notes    []string // what gives pause; printed before the change
	Ask      Ask
	TypeName string     // with AskName: the word to type
	Until    *time.Time // when the change lapses by itself, for the journal
}

// State is what became of one target, in a word that is the same for every verb.
// The words are a closed set and part of the public contract.
type State string

// States.
const (
	Done      State = "done"      // the change was made
	Unchanged State = "unchanged" // there was nothing to change; a success
	Planned   State = "planned"   // a dry run: it would be made
	Failed    State = "failed"    // it was not made; Result.Error says why
	Unknown   State = "unknown"   // the answer was lost, and no look has settled it
	NotSent   State = "not-sent"  // an interrupt came before it
)

// States are all of them with their meaning, in the order in which they are told.
func States() [][2]string {
	return [][2]string{
		{string(Done), "the change was made"},
		{string(Unchanged), "there was nothing to change, which is a success"},
		{string(Planned), "a dry run: it would be made"},
		{string(Failed), "it was not made; error says why"},
		{string(Unknown), "its answer was lost; error says how to find out"},
		{string(NotSent), "an interrupt came before it"},
	}
}

// Result is what became of one target, and the JSON item that tells it.
type Result struct {
	Name    string `json:"name"` // "incident/4127"
	State   State  `json:"state"`
	Changed bool   `json:"changed"`
	DryRun  bool   `json:"dryRun,omitempty"`
	Message string `json:"message,omitempty"` // for people: "acknowledged (as you, 03:18:30 EET)"; "" beside an Error
	Error   *Fault `json:"error,omitempty"`
	Item    any    `json:"item,omitempty"` // the thing as it is afterwards, where the command knows it

	words string // what became of it, in the words of the verb: "already acknowledged by secondary"
	note  string // facts beside the words: "as you, 03:18:30 EET"
	err   error
}

// Fault is an error as JSON.
type Fault struct {
	Code    int    `json:"code"` // exit code
	Name    string `json:"name"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// FaultOf describes err.
func FaultOf(err error) *Fault {
	code := exit.Code(err)
	return &Fault{Code: code, Name: exit.NameOf(code), Message: err.Error(), Hint: apierr.HintOf(err)}
}

// Report tells mutate what became of one target. Call it as soon as it is
// known: a batch that is interrupted has then said what it did.
type Report func(target string, o Outcome)

// Outcome is what became of one target in the words of the command.
type Outcome struct {
	Words   string // in words for people, "already acknowledged by secondary"; "" is Plan.Done
	Changed bool   // false: it was so already
	Message string // facts beside the words, may be empty
	Looked  bool   // the answer was lost, and a look settled it; that is told
	Item    any    // the thing afterwards, nil when not known
	Err     error  // why it failed; Words then count for nothing
}

// Runner is what a change needs of the command's surroundings.
type Runner struct {
	IO      *ios.Streams
	Printer *printer.Printer
	Journal *journal.Journal
	Flags   Flags

	Context   string // name of the context
	User      string
	Protected bool
	ReadOnly  bool
	NoInput   bool

	Now    func() time.Time
	NewID  func() string
	Mask   func(string) string        // hides secrets in the journal and the dry run
	Fenced func() []httpx.Fenced      // changes that the fence held back in a dry run
	Signal func() (code int, ok bool) // the signal that ended the command, if one did
}

// Do carries out one change. It returns the results besides printing them, for
// a command that has more to say, and an error that carries the exit code.
// call gets the targets through the plan it was made from; whatever target it
// neither reports nor returns an error for counts as done.
func (r *Runner) Do(ctx context.Context, p Plan, call func(ctx context.Context, report Report) error) ([]Result, error) {
	if err := r.admit(ctx, p); err != nil {
		return nil, err
	}
	id := r.NewID()
	if !r.Flags.DryRun {
		r.record(journal.Entry{ID: id, Phase: journal.Intent, Effects: p.Effects, Until: p.Until}, p)
	}
	b := newBatch(r, p)
	err := call(ctx, b.report)
	results := b.finish(ctx, err)
	if !r.Flags.DryRun {
		r.record(outcomeEntry(id, results, err), p)
	}
	if perr := b.print(results); perr != nil {
		return results, unwritten(results, perr)
	}
	return results, b.exitError(results, err)
}

// admit prints the plan and settles whether the change may go on.
func (r *Runner) admit(ctx context.Context, p Plan) error {
	asks := p.Ask != AskNever && r.Protected && !r.Flags.Yes && !r.Flags.DryRun
	r.lines("plan", p.Effects)
	r.lines("note", p.Notes)
	if r.ReadOnly && !r.Flags.DryRun {
		return apierr.New(apierr.ErrReadOnly, "", p.Verb+" "+p.Kind, "this context is read-only; nothing was sent").
			WithHint("oncall config view --origin shows where read-only was set")
	}
	if !asks {
		return nil
	}
	if r.NoInput || !r.IO.Interactive() {
		return exit.With(exit.NotConfirmed, (&apierr.Error{Op: p.Verb + " " + p.Kind, Message: "not confirmed: this context is protected and there is no terminal to ask; nothing was sent"}).
			WithHint("--yes confirms it, --dry-run shows the requests"))
	}
	return r.ask(ctx, p)
}

func (r *Runner) ask(ctx context.Context, p Plan) error {
	question, want := "go on? [y/N] ", ""
	if p.Ask == AskName {
		question, want = fmt.Sprintf("type %s to go on: ", p.TypeName), p.TypeName
	}
	answer, err := r.IO.Ask(ctx, question)
	if err != nil && ctx.Err() != nil {
		return err
	}
	answer = strings.TrimSpace(answer)
	if err == nil && (want != "" && answer == want || want == "" && (strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"))) {
		return nil
	}
	return exit.With(exit.NotConfirmed, errors.New("not confirmed; nothing was sent"))
}

// labelWidth is the column at which the text of a plan begins.
const labelWidth = 7

// lines prints a block whose first line carries the label. On a terminal a line
// that is too long is broken between words and goes on below its text.
func (r *Runner) lines(label string, lines []string) {
	for _, text := range lines {
		for _, part := range r.fit(text) {
			r.IO.Note("%-*s%s", labelWidth, label, part)
			label = ""
		}
	}
}

func (r *Runner) fit(text string) []string {
	room := r.IO.ErrWidth - labelWidth
	if r.IO.ErrWidth == 0 || ios.TextWidth(ios.Visible(text)) <= room {
		return []string{text}
	}
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	out := ios.Wrap(text, max(room-len(indent), labelWidth))
	for i := range out {
		out[i] = indent + out[i]
	}
	return out
}

// record writes a journal line; a journal that cannot be written is one warning.
func (r *Runner) record(e journal.Entry, p Plan) {
	if r.Journal == nil {
		return
	}
	e.Time, e.Context, e.User = r.Now().UTC(), r.Context, r.User
	e.Verb, e.Kind, e.Targets = p.Verb, p.Kind, p.Targets
	e.Incident, e.Reason = r.Flags.Incident, r.Mask(r.Flags.Reason)
	e.Effects = slices.Clone(e.Effects) // the plan's own stay as they are
	for i := range e.Effects {
		e.Effects[i] = r.Mask(e.Effects[i])
	}
	e.Error = r.Mask(e.Error)
	if err := r.Journal.Append(e); err != nil {
		r.IO.Warn("the change was not recorded: %v", err)
	}
}

func outcomeEntry(id string, results []Result, err error) journal.Entry {
	e := journal.Entry{ID: id, Phase: journal.Outcome}
	for _, x := range results {
		_, target, _ := strings.Cut(x.Name, "/")
		res := journal.Result{Target: target, State: string(x.State), Changed: x.Changed, Message: x.Message}
		if x.Error != nil {
			res.Message = x.Error.Message
		}
		e.Results = append(e.Results, res)
	}
	if err != nil {
		e.Error = err.Error()
	}
	return e
}
