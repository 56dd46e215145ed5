package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/simulator"
)

// Chapter is one part of the story.
type Chapter struct {
	Title string
	Steps []Step
}

// Step is one command of the tour.
type Step struct {
	Say    string        // told before the command; "" is nothing
	Wait   time.Duration // lets the world go on for so long before the command
	Run    string        // the command line without "oncall", words quoted as in a shell
	Answer string        // typed when the command asks
	Code   int           // the exit code that it must end with
	Lines  int           // shows no more than the first so many lines; 0 is all
}

// taken is a step that was taken, as the JSON contract has it.
type taken struct {
	Chapter  string `json:"chapter"`
	Say      string `json:"say"`
	Command  string `json:"command"` // as typed
	Answer   string `json:"answer,omitempty"`
	Output   string `json:"output"` // what a terminal would show
	ExitCode int    `json:"exitCode"`
}

func takenTable() printer.Table[taken] {
	return printer.Table[taken]{
		Kind: "DemoStep",
		Name: func(s taken) string { return s.Command },
		Columns: []printer.Column[taken]{
			{Header: "CHAPTER", Value: func(s taken) string { return s.Chapter }},
			{Header: "COMMAND", Value: func(s taken) string { return s.Command }},
			{Header: "EXIT", Value: func(s taken) string { return fmt.Sprint(s.ExitCode) }},
		},
	}
}

type tourOptions struct {
	f     *cli.Factory
	yes   bool
	speed float64
	timed bool // --speed was given
}

func (o *tourOptions) validate() error {
	if o.speed < 0 || math.IsNaN(o.speed) || math.IsInf(o.speed, 0) {
		return cli.Usage("--speed: %v is not a speed; 1 is the usual one, 0 does not wait", o.speed)
	}
	return o.f.UseDemo("oncall demo")
}

func (o *tourOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	dir, err := os.MkdirTemp("", "oncall-tour-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	clock, err := newClock(o.f)
	if err != nil {
		return err
	}
	w, err := simulator.Open(simulator.Options{Now: clock.now, NoLimits: true})
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	t := &tour{f: o.f, world: w, clock: clock, dir: dir, out: o.f.IO.Stdout(), speed: o.speed}
	switch {
	case out.Format() != printer.FormatTable:
		t.out, t.quiet = io.Discard, true
	case o.f.IO.OutTTY:
		t.ask = o.f.IO.Interactive() && !o.yes && !o.timed
	default:
		t.speed = 0 // nobody looks
	}
	err = t.play(ctx)
	switch {
	case errors.Is(err, errLeft):
		o.f.IO.Hint("oncall demo plays it again")
		return nil
	case err != nil:
		return err
	case t.quiet:
		return printer.List(out, takenTable(), t.steps, printer.Meta{})
	}
	o.f.IO.Hint("play with it yourself: oncall --context demo incident list (a new start: oncall demo reset)")
	o.f.IO.Hint("set it up for your team: oncall init")
	return nil
}

// clock is the time of the tour's world: the machine's, or, where the run's own
// time stands still, one that goes on only while the tour or a command waits.
type clock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error // nil is a timer
}

func newClock(f *cli.Factory) (clock, error) {
	if _, err := f.Config(); err != nil { // it may fix the time
		return clock{}, err
	}
	if f.Sleep != nil || f.Env("ONCALL_DEMO_NOW") == "" {
		return clock{f.Clocked, f.Sleep}, nil
	}
	var mu sync.Mutex
	at := f.Now()
	return clock{
		func() time.Time { mu.Lock(); defer mu.Unlock(); return at },
		func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			at = at.Add(d)
			return ctx.Err()
		},
	}, nil
}

// tour is a tour under way.
type tour struct {
	f     *cli.Factory
	world *simulator.World
	clock clock
	dir   string
	out   io.Writer
	quiet bool    // nothing is shown as it happens
	ask   bool    // wait for Enter
	speed float64 // 0 does not wait
	pace  pace
	steps []taken
}

// pace is how long things take at speed 1.
type pace struct {
	read, enter, key time.Duration // between two steps, before a command runs, of a typed letter
}

// paceOf keeps the tour under a minute however many chapters it has: what is
// waited for reading and typing comes to 35 seconds at most.
func paceOf(all []Chapter) pace {
	steps, letters := 1, 1
	for _, c := range all {
		for _, s := range c.Steps {
			steps++
			letters += len(s.Run)
		}
	}
	return pace{
		read:  min(1500*time.Millisecond, 15*time.Second/time.Duration(steps)),
		enter: min(300*time.Millisecond, 6*time.Second/time.Duration(steps)),
		key:   min(18*time.Millisecond, 14*time.Second/time.Duration(letters)),
	}
}

// errLeft says that the person left the tour.
var errLeft = errors.New("left")

func (t *tour) play(ctx context.Context) error {
	first := true
	all := chapters()
	t.pace = paceOf(all)
	for _, c := range all {
		t.title(c.Title, first)
		for _, s := range c.Steps {
			if !first {
				if err := t.pause(ctx); err != nil {
					return err
				}
			}
			first = false
			if err := t.step(ctx, c.Title, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tour) title(text string, first bool) {
	if !first {
		t.print("\n")
	}
	width := 64
	if w := t.f.IO.Width; w > 0 {
		width = min(width, w)
	}
	line := "── " + text + " " + strings.Repeat("─", max(3, width-4-ios.TextWidth(text)))
	t.print(t.f.IO.Paint(ios.Bold|ios.Cyan, line) + "\n")
}

func (t *tour) print(text string) { _, _ = io.WriteString(t.out, text) }

// pause waits for Enter, or for a moment in which one can read.
func (t *tour) pause(ctx context.Context) error {
	if !t.ask {
		return t.wait(ctx, t.pace.read)
	}
	answer, err := t.f.IO.Ask(ctx, "\n"+t.f.IO.PaintErr(ios.Dim, "Enter goes on, q leaves "))
	switch {
	case errors.Is(err, io.EOF):
		t.ask = false // nobody types any more: go on by itself
		return nil
	case err != nil:
		return err
	case strings.EqualFold(strings.TrimSpace(answer), "q"):
		return errLeft
	}
	return nil
}

// wait lets real time pass at the tour's speed.
func (t *tour) wait(ctx context.Context, d time.Duration) error {
	if t.speed == 0 || t.quiet {
		return ctx.Err()
	}
	return t.f.Wait(ctx, time.Duration(float64(d)/t.speed))
}

func (t *tour) step(ctx context.Context, chapter string, s Step) error {
	args, err := cli.SplitLine(s.Run)
	if err != nil {
		return fmt.Errorf("demo: %s: %w", s.Run, err)
	}
	if s.Say != "" {
		t.print("\n" + fold(s.Say, t.f.IO.Width) + "\n")
	}
	if err := t.letPass(ctx, s.Wait); err != nil {
		return err
	}
	if err := t.typed(ctx, "oncall "+s.Run); err != nil {
		return err
	}
	t.print("\n")
	got := &screen{live: t.out, lines: s.Lines}
	in := &typist{text: s.Answer + "\n", echo: got}
	streams := t.f.Screen(in, got)
	if s.Answer != "" {
		streams.InTTY, streams.ErrTTY = true, true
	}
	inner := t.f.Inside(t.world, cli.Deps{IO: streams, Now: t.clock.now, Sleep: t.clock.sleep}, t.dir)
	inner.Interrupted = t.f.Interrupted
	code := t.f.Runner(ctx, inner, append(t.f.InsideFlags(), args...))
	got.close()
	if err := ctx.Err(); err != nil {
		return err
	}
	t.steps = append(t.steps, taken{chapter, s.Say, "oncall " + s.Run, s.Answer, got.all.String(), code})
	if code != s.Code {
		return &apierr.Error{
			Op:      "demo",
			Message: fmt.Sprintf("`oncall %s` ended with %d (%s), the tour expected %d", s.Run, code, exit.NameOf(code), s.Code),
			Hint:    "please report it with what is shown above",
		}
	}
	return nil
}

// letPass lets the world go on: on the tour's clock, in real time where that is
// the machine's.
func (t *tour) letPass(ctx context.Context, d time.Duration) error {
	switch {
	case d == 0:
		return nil
	case t.clock.sleep != nil:
		return t.clock.sleep(ctx, d)
	}
	return t.f.Wait(ctx, d)
}

// typed shows a command line, letter by letter where somebody looks.
func (t *tour) typed(ctx context.Context, line string) error {
	t.print("\n" + t.f.IO.Paint(ios.Dim, "$ "))
	if t.speed == 0 || t.quiet || !t.f.IO.OutTTY {
		t.print(t.f.IO.Paint(ios.Bold, line))
		return nil
	}
	for _, r := range line {
		t.print(t.f.IO.Paint(ios.Bold, string(r)))
		if err := t.wait(ctx, t.pace.key); err != nil {
			return err
		}
	}
	return t.wait(ctx, t.pace.enter)
}

// screen shows what a command prints and keeps it.
type screen struct {
	live  io.Writer
	all   bytes.Buffer
	lines int // shows no more; 0 is all
	shown int
	cut   int // lines that were not shown
}

func (s *screen) Write(p []byte) (int, error) {
	s.all.Write(p)
	if s.lines == 0 {
		return s.live.Write(p)
	}
	for _, line := range bytes.SplitAfter(p, []byte("\n")) {
		if s.shown < s.lines {
			if _, err := s.live.Write(line); err != nil {
				return 0, err
			}
		} else if bytes.HasSuffix(line, []byte("\n")) {
			s.cut++
		}
		s.shown += bytes.Count(line, []byte("\n"))
	}
	return len(p), nil
}

func (s *screen) close() {
	if s.cut > 0 {
		_, _ = fmt.Fprintf(s.live, "... (%d lines more)\n", s.cut)
	}
}

// typist answers a question and shows the answer, as a terminal's echo would.
type typist struct {
	text string
	echo io.Writer
}

func (t *typist) Read(p []byte) (int, error) {
	if strings.TrimSpace(t.text) == "" {
		return 0, io.EOF
	}
	n := copy(p, t.text)
	_, _ = io.WriteString(t.echo, t.text[:n])
	t.text = t.text[n:]
	return n, nil
}
