package mutate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/mutate"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/journal"
	"github.com/balena-io/oncall/pkg/secret"
)

type bench struct {
	*mutate.Runner
	out, err *bytes.Buffer
	calls    int
}

type set struct {
	format   string
	stdin    string
	terminal bool
	flags    mutate.Flags
	change   func(*mutate.Runner)
}

func newBench(t *testing.T, s set) *bench {
	t.Helper()
	b := &bench{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	io := &ios.Streams{In: strings.NewReader(s.stdin), Out: b.out, Err: b.err, InTTY: s.terminal, ErrTTY: s.terminal, OutTTY: s.terminal}
	p, err := printer.New(printer.Options{Format: s.format}, io)
	require.NoError(t, err)
	masker := &secret.Masker{}
	masker.Add(secret.New("hunter22"))
	b.Runner = &mutate.Runner{
		IO: io, Printer: p, Journal: journal.Open(filepath.Join(t.TempDir(), "journal.jsonl")), Flags: s.flags,
		Context: "production", User: "you", Protected: true,
		Now:   func() time.Time { return time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC) },
		NewID: func() string { return "id-1" }, Mask: masker.Mask,
	}
	if s.change != nil {
		s.change(b.Runner)
	}
	return b
}

var ack = mutate.Plan{Verb: "acknowledge", Done: "acknowledged", Kind: "incident", Targets: []string{"4127", "4126"}}

func (b *bench) run(t *testing.T, p mutate.Plan, call func(context.Context, mutate.Report) error) error {
	t.Helper()
	_, err := b.Do(t.Context(), p, func(ctx context.Context, report mutate.Report) error {
		b.calls++
		return call(ctx, report)
	})
	return err
}

func (b *bench) journal(t *testing.T) []journal.Entry {
	t.Helper()
	out := []journal.Entry{}
	for e, err := range b.Journal.All() {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func ok(context.Context, mutate.Report) error { return nil }

func TestDoneIsOneLineATarget(t *testing.T) {
	t.Parallel()
	b := newBench(t, set{flags: mutate.Flags{Incident: "4127", Reason: "looking, key hunter22"}})
	require.NoError(t, b.run(t, ack, func(_ context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Changed: true, Message: "as you, 03:18:30 UTC"})
		report("4126", mutate.Outcome{Words: "already acknowledged"})
		return nil
	}))
	assert.Equal(t, "incident/4127 acknowledged                  (as you, 03:18:30 UTC)\nincident/4126 already acknowledged\n", b.out.String())
	assert.Empty(t, b.err.String())
	assert.Equal(t, 1, b.calls)

	j := b.journal(t)
	require.Len(t, j, 2)
	assert.Equal(t, journal.Intent, j[0].Phase)
	assert.Equal(t, []string{"4127", "4126"}, j[0].Targets)
	assert.Equal(t, "4127", j[0].Incident)
	assert.Equal(t, "looking, key ***", j[0].Reason)
	assert.Equal(t, journal.Outcome, j[1].Phase)
	assert.Equal(t, j[0].ID, j[1].ID)
	assert.Equal(t, []journal.Result{{Target: "4127", State: "done", Changed: true, Message: "acknowledged (as you, 03:18:30 UTC)"}, {Target: "4126", State: "unchanged", Message: "already acknowledged"}}, j[1].Results)
}

func TestFormats(t *testing.T) {
	t.Parallel()
	b := newBench(t, set{format: "json"})
	require.NoError(t, b.run(t, ack, ok))
	assert.JSONEq(t, `{"apiVersion":"oncall/v1","kind":"ChangeList","meta":{},"items":[
		{"name":"incident/4127","state":"done","changed":true,"message":"acknowledged"},{"name":"incident/4126","state":"done","changed":true,"message":"acknowledged"}]}`, b.out.String())

	b = newBench(t, set{format: "name"})
	require.NoError(t, b.run(t, ack, ok))
	assert.Equal(t, "incident/4127\nincident/4126\n", b.out.String())
}

// TestStatesAreAClosedSet: whatever words a verb has for it, a program reads one of
// six. The last two stand where a result is printed at all: beside one that went well.
func TestStatesAreAClosedSet(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	tell := func(o set, o4127, o4126 mutate.Outcome, err error) []any {
		o.format = "json"
		b := newBench(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, _ = b.Do(ctx, ack, func(_ context.Context, report mutate.Report) error {
			report("4127", o4127)
			if err == nil {
				report("4126", o4126)
			} else {
				cancel()
			}
			return err
		})
		var out struct {
			Items []struct {
				State   string  `json:"state"`
				Message *string `json:"message"`
			} `json:"items"`
		}
		require.NoError(t, json.Unmarshal(b.out.Bytes(), &out), b.out.String())
		got := []any{}
		for _, i := range out.Items {
			seen[i.State] = true
			got = append(got, i.State)
			if i.Message != nil {
				got = append(got, *i.Message)
			}
		}
		return got
	}
	done := mutate.Outcome{Changed: true, Message: "as you"}
	fenced := mutate.Outcome{Err: apierr.New(apierr.ErrReadOnly, "", "", "dry run")}
	for _, c := range []struct {
		set  set
		a, b mutate.Outcome
		err  error
		want []any
	}{
		{a: done, b: mutate.Outcome{Words: "already acknowledged by secondary"},
			want: []any{"done", "acknowledged (as you)", "unchanged", "already acknowledged by secondary"}},
		{a: mutate.Outcome{Words: "partial outage", Changed: true}, b: mutate.Outcome{},
			want: []any{"done", "partial outage", "unchanged", "acknowledged"}},
		{set: set{flags: mutate.Flags{DryRun: true}}, a: fenced, b: mutate.Outcome{Words: "already acknowledged"},
			want: []any{"planned", "acknowledged (dry run)", "unchanged", "already acknowledged"}},
		{a: done, b: mutate.Outcome{Words: "half", Err: apierr.New(apierr.ErrInvalid, "victorops", "", "no")},
			want: []any{"done", "acknowledged (as you)", "failed"}},
		{a: done, b: mutate.Outcome{Err: apierr.New(apierr.ErrUnknownOutcome, "victorops", "", "lost")},
			want: []any{"done", "acknowledged (as you)", "unknown"}},
		{a: done, err: context.Canceled, want: []any{"done", "acknowledged (as you)", "not-sent"}},
	} {
		assert.Equal(t, c.want, tell(c.set, c.a, c.b, c.err))
	}
	known := []string{}
	for _, s := range mutate.States() {
		known = append(known, s[0])
	}
	assert.ElementsMatch(t, known, slices.Collect(maps.Keys(seen)))
}

func TestAsking(t *testing.T) {
	t.Parallel()
	post := mutate.Plan{Verb: "set", Done: "set", Kind: "component", Targets: []string{"API"}, Effects: []string{"API: operational -> partial outage"}, Ask: mutate.AskYesNo}
	deploy := post
	deploy.Ask, deploy.TypeName = mutate.AskName, "api"
	for _, c := range []struct {
		name string
		plan mutate.Plan
		set  set
		code int
	}{
		{"no terminal", post, set{}, exit.NotConfirmed},
		{"no terminal, --yes", post, set{flags: mutate.Flags{Yes: true}}, exit.OK},
		{"yes", post, set{terminal: true, stdin: "y\n"}, exit.OK},
		{"YES", post, set{terminal: true, stdin: " YES \n"}, exit.OK},
		{"enter is no", post, set{terminal: true, stdin: "\n"}, exit.NotConfirmed},
		{"end of input is no", post, set{terminal: true}, exit.NotConfirmed},
		{"no", post, set{terminal: true, stdin: "n\n"}, exit.NotConfirmed},
		{"no input", post, set{terminal: true, stdin: "y\n", change: func(r *mutate.Runner) { r.NoInput = true }}, exit.NotConfirmed},
		{"not protected", post, set{change: func(r *mutate.Runner) { r.Protected = false }}, exit.OK},
		{"read-only", post, set{flags: mutate.Flags{Yes: true}, change: func(r *mutate.Runner) { r.ReadOnly = true }}, exit.NotConfirmed},
		{"dry run never asks", post, set{flags: mutate.Flags{DryRun: true}}, exit.OK},
		{"the name", deploy, set{terminal: true, stdin: "api\n"}, exit.OK},
		{"y is not the name", deploy, set{terminal: true, stdin: "y\n"}, exit.NotConfirmed},
		{"acknowledging never asks", ack, set{}, exit.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.set)
			err := b.run(t, c.plan, ok)
			assert.Equal(t, c.code, exit.Code(err), "%v", err)
			if c.code == exit.OK {
				assert.Equal(t, 1, b.calls)
			} else {
				assert.Zero(t, b.calls, "nothing may be sent")
				assert.Empty(t, b.out.String())
				assert.Empty(t, b.journal(t))
			}
			if len(c.plan.Effects) > 0 {
				assert.Contains(t, b.err.String(), "plan   API: operational -> partial outage")
			}
		})
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"table": "incident/4127 acknowledged (dry run)\nincident/4126 acknowledged (dry run)\n",
		"json":  "",
	} {
		b := newBench(t, set{format: format, flags: mutate.Flags{DryRun: true}, change: func(r *mutate.Runner) {
			r.Fenced = func() []httpx.Fenced {
				return []httpx.Fenced{{Vendor: "victorops", Method: "PATCH", URL: "https://x/ack", Body: `{"a":1}`}}
			}
		}})
		require.NoError(t, b.run(t, ack, func(context.Context, mutate.Report) error {
			return apierr.New(apierr.ErrReadOnly, "victorops", "acknowledge", "dry run")
		}))
		if format == "table" {
			assert.Equal(t, want, b.out.String())
			assert.Contains(t, b.err.String(), "would send  PATCH https://x/ack\n")
			assert.Contains(t, b.err.String(), `{"a":1}`)
		} else {
			var got struct {
				Items []mutate.Result
				Meta  printer.Meta
			}
			require.NoError(t, json.Unmarshal(b.out.Bytes(), &got))
			assert.True(t, got.Meta.DryRun)
			assert.Len(t, got.Meta.Requests, 1)
			assert.True(t, got.Items[0].DryRun)
			assert.False(t, got.Items[0].Changed)
		}
		assert.Empty(t, b.journal(t), "a dry run is no change")
	}
}

// TestDryRunOfSomethingNew: what is made gets its name when it is made.
func TestDryRunOfSomethingNew(t *testing.T) {
	t.Parallel()
	b := newBench(t, set{flags: mutate.Flags{DryRun: true}})
	require.NoError(t, b.run(t, mutate.Plan{Verb: "trigger", Done: "triggered", Kind: "incident"}, func(context.Context, mutate.Report) error {
		return apierr.New(apierr.ErrReadOnly, "victorops", "trigger", "dry run")
	}))
	assert.Equal(t, "incident triggered (dry run)\n", b.out.String())
}

func TestFailures(t *testing.T) {
	t.Parallel()
	missing := apierr.New(apierr.ErrNotFound, "victorops", "acknowledge 4126", "no such incident").WithHint("oncall incident list")
	lost := &apierr.Error{Vendor: "victorops", Op: "acknowledge", Message: "the connection was lost", Kind: []error{apierr.ErrUnknownOutcome}}
	for _, c := range []struct {
		name string
		call func(context.Context, mutate.Report) error
		code int
		out  string
		err  string
	}{
		{"one of two", func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Changed: true})
			report("4126", mutate.Outcome{Err: missing})
			return nil
		}, exit.Partial, "incident/4127 acknowledged\n", "incident/4126 failed: victorops: acknowledge 4126: no such incident\nhint: oncall incident list\n"},
		{"both, alike", func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Err: missing})
			report("4126", mutate.Outcome{Err: missing})
			return nil
		}, exit.NotFound, "", ""},
		{"both, unlike", func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Err: missing})
			report("4126", mutate.Outcome{Err: errors.New("boom")})
			return nil
		}, exit.Failed, "", ""},
		{"the whole", func(context.Context, mutate.Report) error { return missing }, exit.NotFound, "", ""},
		{"one unknown outweighs one done", func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Changed: true})
			report("4126", mutate.Outcome{Err: lost})
			return nil
		}, exit.Unknown, "incident/4127 acknowledged\n", "incident/4126 unknown: victorops: acknowledge: the connection was lost\n"},
		{"lost as a whole", func(context.Context, mutate.Report) error { return lost }, exit.Unknown, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, set{})
			err := b.run(t, ack, c.call)
			assert.Equal(t, c.code, exit.Code(err), "%v", err)
			assert.Equal(t, c.out, b.out.String())
			if c.err != "" {
				assert.Equal(t, c.err, b.err.String())
			}
			require.Len(t, b.journal(t), 2, "an intent has its outcome")
		})
	}
}

func TestFailuresAsJSON(t *testing.T) {
	t.Parallel()
	missing := apierr.New(apierr.ErrNotFound, "victorops", "acknowledge 4126", "no such incident")
	b := newBench(t, set{format: "json"})
	err := b.run(t, ack, func(_ context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Changed: true})
		report("4126", mutate.Outcome{Err: missing})
		return nil
	})
	assert.Equal(t, exit.Partial, exit.Code(err))
	assert.JSONEq(t, `{"apiVersion":"oncall/v1","kind":"ChangeList","meta":{},"items":[
		{"name":"incident/4127","state":"done","changed":true,"message":"acknowledged"},
		{"name":"incident/4126","state":"failed","changed":false,"error":{"code":4,"name":"not-found","message":"victorops: acknowledge 4126: no such incident"}}]}`, b.out.String())

	b = newBench(t, set{format: "json"})
	err = b.run(t, ack, func(context.Context, mutate.Report) error { return missing })
	assert.Equal(t, exit.NotFound, exit.Code(err))
	assert.Empty(t, b.out.String(), "when nothing succeeded stdout stays empty")
}

func TestInterruptedBatchSaysWhatItDid(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, set{change: func(r *mutate.Runner) { r.Signal = func() (int, bool) { return exit.Interrupted, ctx.Err() != nil } }})
	_, err := b.Do(ctx, ack, func(ctx context.Context, report mutate.Report) error {
		report("4127", mutate.Outcome{Changed: true})
		cancel()
		return ctx.Err()
	})
	assert.Equal(t, exit.Interrupted, exit.Code(err))
	assert.Equal(t, "incident/4127 acknowledged\n", b.out.String())
	assert.Equal(t, "incident/4126 not sent\n", b.err.String())
	j := b.journal(t)
	require.Len(t, j, 2)
	assert.Equal(t, "not-sent", j[1].Results[1].State)
}

func TestJournalThatCannotBeWrittenIsOneWarning(t *testing.T) {
	t.Parallel()
	b := newBench(t, set{change: func(r *mutate.Runner) { r.Journal = journal.Open("/dev/null/journal.jsonl") }})
	require.NoError(t, b.run(t, ack, ok))
	assert.Equal(t, 1, strings.Count(b.err.String(), "warning: the change was not recorded"), b.err.String())
}

// TestUnwrittenResult: a full disk behind stdout hides the line that says what
// was done, so the error says it.
func TestUnwrittenResult(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "json", "name"} {
		b := newBench(t, set{format: format, change: func(r *mutate.Runner) { r.IO.Out = fullDisk{} }})
		err := b.run(t, ack, func(_ context.Context, report mutate.Report) error {
			report("4127", mutate.Outcome{Changed: true})
			report("4126", mutate.Outcome{Words: "already acknowledged"})
			return nil
		})
		require.ErrorIs(t, err, errFullDisk, format)
		assert.EqualError(t, err, "incident/4127 acknowledged, but the result could not be written: no space left on device", format)
		assert.Equal(t, exit.Failed, exit.Code(err), format)
	}
}

var errFullDisk = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFullDisk }

// TestPlanFitsTheTerminal: a terminal would break a long line in the middle of a word.
func TestPlanFitsTheTerminal(t *testing.T) {
	t.Parallel()
	p := ack
	p.Effects = []string{"pages user:secondary and everybody on the policy Operations primary", "  api  17.5.0 -> 17.4.1"}
	p.Notes = []string{"nobody is told"}
	tell := func(width int) string {
		b := newBench(t, set{change: func(r *mutate.Runner) { r.IO.ErrWidth = width }})
		require.NoError(t, b.run(t, p, func(context.Context, mutate.Report) error { return nil }))
		return b.err.String()
	}
	assert.Equal(t, "plan   pages user:secondary and\n"+
		"       everybody on the policy\n"+
		"       Operations primary\n"+
		"         api  17.5.0 -> 17.4.1\n"+
		"note   nobody is told\n", tell(32))
	assert.Contains(t, tell(0), "plan   pages user:secondary and everybody on the policy Operations primary\n", "no terminal, no limit")
	assert.Contains(t, tell(3), "       everybody\n", "a word stays whole")
}

func TestALookIsTold(t *testing.T) {
	t.Parallel()
	const note = "the answer was lost, a look shows that it arrived"
	for want, o := range map[string]mutate.Outcome{
		"(" + note + ")\n":            {Changed: true, Looked: true},
		"(until 18:00; " + note + ")": {Changed: true, Looked: true, Message: "until 18:00"},
	} {
		b := newBench(t, set{})
		require.NoError(t, b.run(t, mutate.Plan{Done: "muted", Kind: "probe", Targets: []string{"api"}}, func(_ context.Context, report mutate.Report) error {
			report("api", o)
			return nil
		}))
		assert.Contains(t, b.out.String(), want)
	}
	b := newBench(t, set{})
	require.Error(t, b.run(t, mutate.Plan{Done: "muted", Kind: "probe", Targets: []string{"api"}}, func(_ context.Context, report mutate.Report) error {
		report("api", mutate.Outcome{Looked: true, Err: apierr.New(apierr.ErrUnavailable, "", "", "away")})
		return nil
	}))
	assert.NotContains(t, b.out.String()+b.err.String(), note, "a failure says its own")
}

func TestEachEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	reported := []string{}
	err := mutate.Each(ctx, func(target string, _ mutate.Outcome) { reported = append(reported, target) }, []string{"a", "b", "c"}, strings.ToUpper, func(x string) mutate.Outcome {
		if x == "b" {
			cancel()
		}
		return mutate.Outcome{}
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []string{"A", "B"}, reported, "what was begun is reported, the rest is not begun")
}
