package heartbeat

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Codes of a command that did not run, as a shell has them, and what is added
// to the number of a signal that ended it.
const (
	codeNotRunnable = 126
	codeNotFound    = 127
	codeSignal      = 128
)

// MaxTail bounds how much of a command's output is kept, whatever the server takes.
const MaxTail = 1 << 20

// Command is a program to run.
type Command struct {
	Argv   []string
	Env    []string // "NAME=value"
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Tail   int // how many bytes of its output are kept; 0 is none
	// Cancelled tells which signal to pass on when the context ends; nil is none,
	// as a terminal gives an interrupt to the whole group by itself.
	Cancelled func() os.Signal
	Signals   <-chan os.Signal // further ones to pass on as they come; may be nil
	Now       func() time.Time
}

// Ended is what became of a command.
type Ended struct {
	Code   int   // its own; 128+n when signal n ended it; 127 and 126 when it could not be started
	Err    error // why it could not be started; nil when it ran
	Signal string
	Took   time.Duration
	Output []byte // the end of what it wrote, both streams as they came
	Lost   int64  // how many bytes before it were left out
}

// drain is how long output is awaited after the end of a command: what it left
// running in the background may hold the pipes open.
const drain = 2 * time.Second

// Run runs a command to its end. The end of ctx is passed on to it as a signal,
// and its end is still awaited: it decides how it stops.
func Run(ctx context.Context, c Command) Ended {
	begin := c.Now()
	tail := &tail{max: min(max(c.Tail, 0), MaxTail)}
	// Bound to nothing: a context would kill it, and it may have to tidy up.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.Argv[0], c.Argv[1:]...) //nolint:gosec // the user's own command
	cmd.Env, cmd.Stdin, cmd.WaitDelay = c.Env, c.Stdin, drain
	cmd.Stdout, cmd.Stderr = tail.tee(c.Stdout), tail.tee(c.Stderr)
	// A signal that this process ignores would stay ignored in the command; one
	// that it takes is as usual there.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	if err := cmd.Start(); err != nil {
		e := Ended{Code: codeNotRunnable, Err: fmt.Errorf("%s: %w", c.Argv[0], cause(err))}
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			e.Code = codeNotFound
		}
		return e
	}
	over := make(chan struct{})
	var passing sync.WaitGroup
	passing.Go(func() {
		done := ctx.Done()
		for {
			var s os.Signal
			select {
			case <-over:
				return
			case <-done:
				done, s = nil, c.Cancelled()
			case s = <-c.Signals:
			}
			if s != nil {
				_ = cmd.Process.Signal(s) // it may have ended just now
			}
		}
	})
	_ = cmd.Wait() // its exit status is read below; lost output is not the job's failure
	close(over)
	passing.Wait()
	out, lost := tail.bytes()
	e := Ended{Code: cmd.ProcessState.ExitCode(), Took: c.Now().Sub(begin), Output: out, Lost: lost}
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		e.Code, e.Signal = codeSignal+int(w.Signal()), w.Signal().String()
	}
	return e
}

// cause is why a program could not be started, without the words around it.
func cause(err error) error {
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Report is what the last signal of a run carries: a line that says how it ended,
// and as much of the end of its output as fits.
func (e Ended) Report(limit int) []byte {
	head := fmt.Sprintf("exit code %d", e.Code)
	if e.Signal != "" {
		head += " (" + e.Signal + ")"
	}
	if e.Err != nil {
		head = "could not be started: " + e.Err.Error()
	} else if e.Took >= time.Second {
		head += " after " + Length(e.Took)
	}
	body := []byte(head + "\n")
	if len(e.Output) == 0 || len(body) >= limit {
		return body[:min(len(body), limit)]
	}
	return append(body, Clip(e.Output, e.Lost, limit-len(body))...)
}

// tail keeps the end of what is written to it, from both streams.
type tail struct {
	max  int
	mu   sync.Mutex
	buf  []byte
	lost int64
}

func (t *tail) keep(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(p) - t.max; n > 0 {
		t.lost += int64(len(t.buf)) + int64(n)
		t.buf = append(t.buf[:0], p[n:]...)
		return
	}
	t.buf = append(t.buf, p...)
	// Cut seldom: a copy for each line of a long output would cost as much again.
	if n := len(t.buf) - 2*t.max; n > 0 {
		t.drop(len(t.buf) - t.max)
	}
}

func (t *tail) drop(n int) {
	t.lost += int64(n)
	t.buf = append(t.buf[:0], t.buf[n:]...)
}

func (t *tail) bytes() ([]byte, int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.buf) - t.max; n > 0 {
		t.drop(n)
	}
	return bytes.Clone(t.buf), t.lost
}

func (t *tail) tee(w io.Writer) io.Writer { return &teeWriter{t: t, w: w} }

// teeWriter passes output on as it comes. When nobody reads it any more the
// command goes on all the same: it is the job that counts.
type teeWriter struct {
	t      *tail
	w      io.Writer
	broken bool
}

func (w *teeWriter) Write(p []byte) (int, error) {
	w.t.keep(p)
	if !w.broken {
		_, err := w.w.Write(p)
		w.broken = err != nil
	}
	return len(p), nil
}

// NewRunID makes a UUID that joins the signals of one run.
func NewRunID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
