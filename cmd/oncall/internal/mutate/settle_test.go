package mutate_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/pkg/apierr"
)

var (
	errRefused = apierr.New(apierr.ErrInvalid, "victorops", "", "refused")
	errLost    = apierr.New(apierr.ErrUnknownOutcome, "victorops", "", "the answer was lost")
	errFenced  = apierr.New(apierr.ErrReadOnly, "victorops", "", "held back")
)

func states(results []mutate.Result) []mutate.State {
	out := []mutate.State{}
	for _, r := range results {
		out = append(out, r.State)
	}
	return out
}

// TestWhatIsLeftUnreported: a target that the call did not speak of is settled by
// how the call ended, and by nothing else.
func TestWhatIsLeftUnreported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dryRun, cancelled bool
		err               error
		want              mutate.State
		code              int
	}{
		"all went well":                            {want: mutate.Done},
		"refused":                                  {err: errRefused, want: mutate.Failed, code: exit.Failed},
		"held back outside of a dry run":           {err: errFenced, want: mutate.Failed, code: exit.NotConfirmed},
		"the answer was lost":                      {err: errLost, want: mutate.Unknown, code: exit.Unknown},
		"a dry run, held back":                     {dryRun: true, err: errFenced, want: mutate.Planned},
		"a dry run, the call kept it to itself":    {dryRun: true, want: mutate.Planned},
		"a dry run that failed before":             {dryRun: true, err: errRefused, want: mutate.Failed, code: exit.Failed},
		"interrupted before it":                    {cancelled: true, err: context.Canceled, want: mutate.NotSent, code: exit.Failed},
		"interrupted after it, the answer lost":    {cancelled: true, err: errLost, want: mutate.Unknown, code: exit.Unknown},
		"interrupted, and all had been done":       {cancelled: true, want: mutate.Done},
		"interrupted in a dry run, when held back": {dryRun: true, cancelled: true, err: errFenced, want: mutate.Planned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := newBench(t, set{format: "json", flags: mutate.Flags{DryRun: c.dryRun}})
			got, err := b.Do(ctx, ack, func(context.Context, mutate.Report) error {
				if c.cancelled {
					cancel()
				}
				return c.err
			})
			assert.Equal(t, []mutate.State{c.want, c.want}, states(got))
			assert.Equal(t, c.code, exit.Code(err), "%v", err)
		})
	}
}

// TestHeldBack: that a change was held back is a plan in a dry run, and a failure
// in a context that is read-only.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dryRun bool
		err    error
		want   mutate.State
	}{
		"a dry run":                    {true, errFenced, mutate.Planned},
		"no dry run":                   {false, errFenced, mutate.Failed},
		"a dry run, and it is refused": {true, errRefused, mutate.Failed},
	} {
		b := newBench(t, set{flags: mutate.Flags{DryRun: c.dryRun}})
		got, _ := b.Do(t.Context(), ack, func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Err: c.err})
			report("4126", mutate.Outcome{Err: c.err})
			return nil
		})
		assert.Equal(t, []mutate.State{c.want, c.want}, states(got), name)
	}
}

func TestReadOnlyContext(t *testing.T) {
	t.Parallel()
	readOnly := func(r *mutate.Runner) { r.ReadOnly = true }
	b := newBench(t, set{change: readOnly})
	err := b.run(t, ack, ok)
	assert.Equal(t, exit.NotConfirmed, exit.Code(err))
	assert.Zero(t, b.calls)

	b = newBench(t, set{change: readOnly, flags: mutate.Flags{DryRun: true}})
	require.NoError(t, b.run(t, ack, func(context.Context, mutate.Report) error { return errFenced }), "a dry run changes nothing")
	assert.Equal(t, "incident/4127 acknowledged (dry run)\nincident/4126 acknowledged (dry run)\n", b.out.String())
}

// TestNameThatComesWithTheMaking: the thing is in the result and in the journal,
// though no target was known before.
func TestNameThatComesWithTheMaking(t *testing.T) {
	t.Parallel()
	b := newBench(t, set{format: "json"})
	require.NoError(t, b.run(t, mutate.Plan{Verb: "trigger", Done: "triggered", Kind: "incident"}, func(_ context.Context, report mutate.Report) error {
		report("4128", mutate.Outcome{Changed: true})
		return nil
	}))
	assert.JSONEq(t, `{"apiVersion":"oncall/v1","kind":"ChangeList","meta":{},"items":[
		{"name":"incident/4128","state":"done","changed":true,"message":"triggered"}]}`, b.out.String())
	j := b.journal(t)
	require.Len(t, j, 2)
	require.Len(t, j[1].Results, 1)
	assert.Equal(t, "4128", j[1].Results[0].Target)
}

// TestNotSentInJSON: a program reads why in a sentence, with the code of the signal.
func TestNotSentInJSON(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, set{format: "json", change: func(r *mutate.Runner) {
		r.Signal = func() (int, bool) { return exit.Terminated, ctx.Err() != nil }
	}})
	_, err := b.Do(ctx, ack, func(ctx context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Changed: true})
		cancel()
		return ctx.Err()
	})
	assert.Equal(t, exit.Terminated, exit.Code(err))
	var got struct{ Items []mutate.Result }
	require.NoError(t, json.Unmarshal(b.out.Bytes(), &got))
	require.Len(t, got.Items, 2)
	assert.Equal(t, &mutate.Fault{Code: exit.Terminated, Name: "terminated", Message: "not sent: an interrupt came before it"}, got.Items[1].Error)
	assert.Equal(t, "not sent: an interrupt came before it", b.journal(t)[1].Results[1].Message)
}

// TestInterruptOfOne: a person knows that they pressed Ctrl-C; that nothing was
// sent is told only where something was.
func TestInterruptOfOne(t *testing.T) {
	t.Parallel()
	one := ack
	one.Targets = one.Targets[:1]
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{context.Canceled, exit.Interrupted, exit.NameOf(exit.Interrupted)},
		{errLost, exit.Interrupted, "victorops: the answer was lost"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBench(t, set{change: func(r *mutate.Runner) {
			r.Signal = func() (int, bool) { return exit.Interrupted, ctx.Err() != nil }
		}})
		_, err := b.Do(ctx, one, func(context.Context, mutate.Report) error {
			cancel()
			return c.err
		})
		assert.Equal(t, c.code, exit.Code(err))
		assert.EqualError(t, err, c.says)
		assert.Empty(t, b.out.String())
		assert.Empty(t, b.err.String())
	}
}

// TestSignalWithoutHarm: one that came when all was done changes nothing, and one
// that did not come hides no error.
func TestSignalWithoutHarm(t *testing.T) {
	t.Parallel()
	for _, signalled := range []bool{true, false} {
		b := newBench(t, set{change: func(r *mutate.Runner) {
			r.Signal = func() (int, bool) { return exit.Interrupted, signalled }
		}})
		require.NoError(t, b.run(t, ack, ok))
	}
	b := newBench(t, set{change: func(r *mutate.Runner) { r.Signal = func() (int, bool) { return 0, false } }})
	require.ErrorIs(t, b.run(t, ack, func(context.Context, mutate.Report) error { return errRefused }), errRefused)
}

// TestErrorOfABatch: what the lines have told is not told again, what no line has
// told is.
func TestErrorOfABatch(t *testing.T) {
	t.Parallel()
	half := func(_ context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Changed: true})
		report("4126", mutate.Outcome{Err: errRefused})
		return nil
	}
	none := func(_ context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Err: errRefused})
		report("4126", mutate.Outcome{Err: errRefused})
		return nil
	}
	stopped := func(_ context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Err: errRefused})
		return errors.New("the rest was given up")
	}
	for name, c := range map[string]struct {
		call   func(context.Context, mutate.Report) error
		format string
		code   int
		says   string
	}{
		"a person has read the lines":       {half, "table", exit.Partial, "partial"},
		"a person has read all lines":       {none, "table", exit.Failed, "failed"},
		"a person has not read the end":     {stopped, "table", exit.Failed, "the rest was given up"},
		"a program is told of the first":    {half, "json", exit.Partial, "1 of 2 failed: victorops: refused"},
		"a program is told of all":          {none, "json", exit.Failed, "victorops: refused\nvictorops: refused"},
		"a program is told of what stopped": {stopped, "json", exit.Failed, "the rest was given up"},
	} {
		b := newBench(t, set{format: c.format})
		err := b.run(t, ack, c.call)
		assert.Equal(t, c.code, exit.Code(err), name)
		assert.EqualError(t, err, c.says, name)
	}
}

// TestJournalOfAChange: who did it when and where, with secrets masked wherever
// they may stand, and the plan of the caller as it was.
func TestJournalOfAChange(t *testing.T) {
	t.Parallel()
	p := ack
	p.Effects = []string{"tells hunter22"}
	b := newBench(t, set{})
	_ = b.run(t, p, func(_ context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Err: errRefused})
		return errors.New("hunter22 was refused")
	})
	j := b.journal(t)
	require.Len(t, j, 2)
	for _, e := range j {
		assert.Equal(t, "production", e.Context)
		assert.Equal(t, "you", e.User)
		assert.True(t, e.Time.Equal(time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)), "%s", e.Time)
	}
	assert.Equal(t, []string{"tells ***"}, j[0].Effects)
	assert.Equal(t, []string{"tells hunter22"}, p.Effects, "the plan is the caller's")
	assert.Equal(t, "*** was refused", j[1].Error)
	assert.Equal(t, "victorops: refused", j[1].Results[0].Message)
}

// TestNotesOfLinesFit: a note stands in its column, and moves to the left where
// the terminal is too narrow for that.
func TestNotesOfLinesFit(t *testing.T) {
	t.Parallel()
	tell := func(width int) string {
		b := newBench(t, set{change: func(r *mutate.Runner) { r.IO.Width = width }})
		require.NoError(t, b.run(t, ack, func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Changed: true, Message: "as you"})
			report("4126", mutate.Outcome{Changed: true})
			return nil
		}))
		return b.out.String()
	}
	assert.Equal(t, "incident/4127 acknowledged                  (as you)\nincident/4126 acknowledged\n", tell(0))
	assert.Equal(t, "incident/4127 acknowledged      (as you)\nincident/4126 acknowledged\n", tell(40))
	assert.Equal(t, "incident/4127 acknowledged  (as you)\nincident/4126 acknowledged\n", tell(20))
}

// TestQuestionWithoutATerminal: nobody is there to read it, so it is not written.
func TestQuestionWithoutATerminal(t *testing.T) {
	t.Parallel()
	p := ack
	p.Ask = mutate.AskYesNo
	for name, s := range map[string]set{
		"no terminal": {stdin: "y\n"},
		"--no-input":  {stdin: "y\n", terminal: true, change: func(r *mutate.Runner) { r.NoInput = true }},
	} {
		b := newBench(t, s)
		err := b.run(t, p, ok)
		assert.Equal(t, exit.NotConfirmed, exit.Code(err), name)
		assert.ErrorContains(t, err, "there is no terminal to ask; nothing was sent", name)
		assert.Empty(t, b.err.String(), name)
		assert.Zero(t, b.calls, name)
	}
}
