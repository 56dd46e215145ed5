// Package clitest runs real command lines in the test's own process, against a
// demo world of the test's own, under a clock that the test moves.
package clitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

// Start is where the clock of every Env stands at first.
var Start = time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)

// Env is a machine with oncall on it: a home folder, variables, a demo world
// and a clock. The context is demo unless Vars or the command line say otherwise.
type Env struct {
	t     *testing.T
	World *simulator.World
	Home  string
	// Vars are the environment variables. Change them before Run.
	Vars map[string]string
	// Stdin is what the next runs read. With Terminal they read it as typed.
	Stdin string
	// Terminal makes all three streams a terminal of Width columns (80).
	Terminal bool
	Width    int
	// Keyring is an empty one of the test's own; see Ring.
	Keyring *Ring
	// CompletionBudget is how long completion may take: a minute, unless it is what
	// the test is about.
	CompletionBudget time.Duration
	// OpenURL gets the links that a command opens.
	OpenURL func(url string) error
	// OnSleep is called whenever a command has waited: the place to cancel its
	// context in the middle of a wait. Nil does nothing.
	OnSleep func()

	mu        sync.Mutex
	now       time.Time
	deadlines []*deadline
}

// New makes an Env with a fresh world that enforces no rate limit.
func New(t *testing.T) *Env {
	t.Helper()
	e := &Env{t: t, CompletionBudget: time.Minute, Keyring: &Ring{}, Home: t.TempDir(), now: Start, Vars: map[string]string{"ONCALL_CONTEXT": "demo", "ONCALL_TZ": "UTC", "TERM": "xterm"}}
	w, err := simulator.Open(simulator.Options{Now: e.Now, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	e.World = w
	return e
}

// Serve puts the world on a port of the loopback interface and makes the
// following runs use it as a CI job does: through ONCALL_* variables alone.
func (e *Env) Serve() {
	e.t.Helper()
	s := httptest.NewServer(e.World.Handler())
	e.t.Cleanup(s.Close)
	delete(e.Vars, "ONCALL_CONTEXT")
	for _, line := range e.World.Env(s.URL) {
		name, value, _ := strings.Cut(line, "=")
		e.Vars[name] = value
	}
}

// Now is the time on the Env's clock.
func (e *Env) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

// Advance moves the clock.
func (e *Env) Advance(d time.Duration) {
	e.mu.Lock()
	e.now = e.now.Add(d)
	due := e.due()
	e.mu.Unlock()
	for _, d := range due {
		d.end(context.DeadlineExceeded)
	}
}

// hung is how long a command of a test may take on the slowest machine before
// it counts as one that never ends: it fails by its name then, and not as a
// package that ran out of time.
const hung = 6 * time.Minute

var errHung = errors.New("the command did not end by itself")

// Result is what a command left behind.
type Result struct {
	Out, Err string
	Code     int
}

// Run runs a command line as a shell would, without the word oncall:
// e.Run(`incident note 4127 "looking at it"`).
func (e *Env) Run(line string) Result {
	e.t.Helper()
	return e.RunContext(e.t.Context(), line)
}

// RunContext is Run under a context that the test may cancel.
func (e *Env) RunContext(ctx context.Context, line string) Result {
	e.t.Helper()
	var out, errOut bytes.Buffer
	f := e.Factory(&out, &errOut)
	words, err := cli.SplitLine(line)
	require.NoError(e.t, err, line)
	ctx, cancel := context.WithTimeoutCause(ctx, hung, errHung)
	defer cancel()
	code := root.Run(ctx, f, words)
	assert.NotErrorIs(e.t, context.Cause(ctx), errHung, line)
	return Result{out.String(), errOut.String(), code}
}

// Asked runs a command line at a terminal and answers what it reads there with
// answer, which is called when the command first reads: the test can let
// something happen meanwhile.
func (e *Env) Asked(line string, answer func() string) Result {
	e.t.Helper()
	was := e.Terminal
	e.Terminal = true
	var out, errOut bytes.Buffer
	f := e.Factory(&out, &errOut)
	e.Terminal = was
	f.IO.In = &lazy{answer: answer}
	words, err := cli.SplitLine(line)
	require.NoError(e.t, err, line)
	code := root.Run(e.t.Context(), f, words)
	return Result{out.String(), errOut.String(), code}
}

// lazy is a reader whose text is made at the first read.
type lazy struct {
	answer func() string
	text   *strings.Reader
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.text == nil {
		l.text = strings.NewReader(l.answer())
	}
	return l.text.Read(p)
}

// Factory makes the factory of one run, for a test that needs a part of it.
func (e *Env) Factory(out, errOut io.Writer) *cli.Factory {
	vars := maps.Clone(e.Vars)
	s := &ios.Streams{In: strings.NewReader(e.Stdin), Out: out, Err: errOut}
	if e.Terminal {
		s.InTTY, s.OutTTY, s.ErrTTY, s.Width = true, true, true, e.Width
		if s.Width == 0 {
			s.Width = 80
		}
		s.ErrWidth = s.Width
	}
	return cli.New(cli.Deps{
		IO:        s,
		LookupEnv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Environ: func() []string {
			all := []string{}
			for k, v := range vars {
				all = append(all, k+"="+v)
			}
			return all
		},
		Home:    e.Home,
		Version: "test",
		Now:     e.Now,
		// Waits pass at once and move the clock, so that no test sleeps.
		Sleep: func(ctx context.Context, d time.Duration) error {
			e.Advance(d)
			if e.OnSleep != nil {
				e.OnSleep()
			}
			return ctx.Err()
		},
		Within:  e.within,
		OpenURL: e.OpenURL,
		Keyring: e.Keyring,
		World:   e.World,
		Unpaced: true,

		CompletionBudget: e.CompletionBudget,
		Patience:         hung,
	})
}

// JSON decodes the output into a fresh T.
func JSON[T any](t *testing.T, r Result) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(r.Out), &v), "stdout: %s\nstderr: %s", r.Out, r.Err)
	return v
}
