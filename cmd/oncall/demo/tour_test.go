package demo

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/simulator"
)

// newTour makes a tour whose commands are done by run.
func newTour(t *testing.T, run func(f *cli.Factory, args []string) int) (*tour, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	f := cli.New(cli.Deps{
		IO:        &ios.Streams{In: strings.NewReader(""), Out: &out, Err: io.Discard},
		LookupEnv: func(string) (string, bool) { return "", false },
	})
	f.Runner = func(_ context.Context, f *cli.Factory, args []string) int { return run(f, args) }
	at := time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)
	w, err := simulator.Open(simulator.Options{Now: func() time.Time { return at }})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	c := clock{func() time.Time { return at }, func(_ context.Context, d time.Duration) error { at = at.Add(d); return nil }}
	return &tour{f: f, world: w, clock: c, dir: t.TempDir(), out: &out}, &out
}

func TestStepThatEndsOtherwiseStopsTheTour(t *testing.T) {
	t.Parallel()
	tr, _ := newTour(t, func(*cli.Factory, []string) int { return 6 })
	require.NoError(t, tr.step(t.Context(), "c", Step{Run: "a", Code: 6}))
	err := tr.step(t.Context(), "c", Step{Run: "a b"})
	require.EqualError(t, err, "demo: `oncall a b` ended with 6 (partial), the tour expected 0")
	assert.NotEmpty(t, apierr.HintOf(err))
}

func TestStepIsTypedAnsweredAndCut(t *testing.T) {
	t.Parallel()
	tr, out := newTour(t, func(f *cli.Factory, args []string) int {
		assert.Equal(t, []string{"--color", "never", "deploy", "rollback", "api", "-m", "two words"}, args)
		assert.True(t, f.IO.Interactive())
		answer, err := f.IO.Ask(t.Context(), "type the component: ")
		assert.NoError(t, err)
		assert.Equal(t, "api", answer)
		_, _ = io.WriteString(f.IO.Out, "one\ntwo\nthr")
		_, _ = io.WriteString(f.IO.Out, "ee\nfour\n")
		return 0
	})
	start := tr.clock.now()
	require.NoError(t, tr.step(t.Context(), "c", Step{
		Say: "so it goes", Run: "deploy rollback api -m 'two words'", Answer: "api", Lines: 3, Wait: time.Minute,
	}))
	assert.Equal(t, "\nso it goes\n\n$ oncall deploy rollback api -m 'two words'\ntype the component: api\none\ntwo\n... (2 lines more)\n", out.String())
	assert.Equal(t, start.Add(time.Minute), tr.clock.now())
	assert.Equal(t, "type the component: api\none\ntwo\nthree\nfour\n", tr.steps[0].Output, "JSON has it whole")
}

func TestAStepWithoutAnswerCannotBeAsked(t *testing.T) {
	t.Parallel()
	tr, _ := newTour(t, func(f *cli.Factory, _ []string) int {
		assert.False(t, f.IO.Interactive())
		_, err := f.IO.Ask(t.Context(), "? ")
		assert.ErrorIs(t, err, io.EOF)
		return 0
	})
	require.NoError(t, tr.step(t.Context(), "c", Step{Run: "x"}))
}

func TestChaptersAreWellFormed(t *testing.T) {
	t.Parallel()
	for _, c := range chapters() {
		assert.NotEmpty(t, c.Title)
		assert.NotEmpty(t, c.Steps, c.Title)
		for _, s := range c.Steps {
			words, err := cli.SplitLine(s.Run)
			require.NoError(t, err, s.Run)
			assert.NotEqual(t, "oncall", words[0], "Run is without the program's name")
			assert.NotContains(t, s.Run, "--context", "what is typed is what one would type")
		}
	}
}

func TestPaceKeepsALongTourUnderAMinute(t *testing.T) {
	t.Parallel()
	short := paceOf([]Chapter{{Steps: []Step{{Run: "x"}}}})
	assert.Equal(t, pace{1500 * time.Millisecond, 300 * time.Millisecond, 18 * time.Millisecond}, short)
	const n = 200
	long := make([]Step, n)
	for i := range long {
		long[i].Run = strings.Repeat("x", 90)
	}
	p := paceOf([]Chapter{{Steps: long}})
	assert.LessOrEqual(t, n*(p.read+p.enter+90*p.key), 45*time.Second)
}

func TestFold(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a bb\nccc\nlonger-than-it", fold("a  bb ccc longer-than-it", 6))
	for _, line := range strings.Split(fold(strings.Repeat("word ", 60), 0), "\n") {
		assert.LessOrEqual(t, len(line), 80)
	}
}
