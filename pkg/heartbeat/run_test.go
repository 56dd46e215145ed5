//go:build !windows

package heartbeat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sh(script string, out, errOut io.Writer) Command {
	return Command{Argv: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/usr/bin:/bin", "SEEN=yes"}, Stdin: strings.NewReader("in\n"),
		Stdout: out, Stderr: errOut, Tail: 100, Now: time.Now, Cancelled: func() os.Signal { return os.Interrupt }}
}

func TestRunCodes(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "exit 255": 255, "kill -9 $$": 137, "kill -TERM $$": 143, "kill -PIPE $$": 141} {
		e := Run(t.Context(), sh(script, io.Discard, io.Discard))
		assert.Equal(t, want, e.Code, script)
		assert.NoError(t, e.Err)
	}
	for argv, want := range map[string]int{"/no/such/command": 127, "no-such-command-anywhere": 127, t.TempDir(): 126} {
		c := sh("", io.Discard, io.Discard)
		c.Argv = []string{argv}
		e := Run(t.Context(), c)
		assert.Equal(t, want, e.Code, argv)
		assert.ErrorContains(t, e.Err, argv)
		assert.Contains(t, string(e.Report(1000)), "could not be started")
	}
}

func TestRunStreams(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	e := Run(t.Context(), sh(`read x; echo "$x $SEEN"; echo oops >&2`, &out, &errOut))
	assert.Equal(t, "in yes\n", out.String())
	assert.Equal(t, "oops\n", errOut.String())
	assert.Contains(t, string(e.Output), "in yes\n")
	assert.Contains(t, string(e.Output), "oops\n")
}

// TestRunTenMegabytes: all of it passes, and only the end is kept.
func TestRunTenMegabytes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e := Run(t.Context(), sh(`yes 0123456789abcde | head -c 10485760; echo; echo the end`, &out, io.Discard))
	assert.Equal(t, 10485760+9, out.Len())
	assert.Len(t, e.Output, 100)
	assert.Equal(t, int64(10485760+9-100), e.Lost)
	r := string(e.Report(10_000))
	assert.True(t, strings.HasSuffix(r, "the end\n"))
	assert.Contains(t, r, "bytes before this are left out")
}

// TestRunGoesOnWithoutAReader: nobody reads the output any more, and the job
// still ends as it would.
func TestRunGoesOnWithoutAReader(t *testing.T) {
	t.Parallel()
	e := Run(t.Context(), sh(`echo one; echo two; exit 3`, broken{}, broken{}))
	assert.Equal(t, 3, e.Code)
	assert.Equal(t, "one\ntwo\n", string(e.Output))
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

// TestRunPassesTheSignalOn: the command gets it, tidies up, and its own code counts.
func TestRunPassesTheSignalOn(t *testing.T) {
	t.Parallel()
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		ctx, cancel := context.WithCancel(t.Context())
		r, w := io.Pipe()
		go func() {
			b := make([]byte, 5)
			_, _ = io.ReadFull(r, b) // "ready"
			cancel()
			_, _ = io.Copy(io.Discard, r)
		}()
		c := sh(`trap 'echo tidied; exit 9' INT TERM; echo ready; while :; do /bin/sleep 0.01; done`, w, io.Discard)
		c.Cancelled = func() os.Signal { return s }
		e := Run(ctx, c)
		assert.Equal(t, 9, e.Code)
		assert.Equal(t, "ready\ntidied\n", string(e.Output))
		_ = w.Close()
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	e := Ended{Code: 3, Took: 72 * time.Second, Output: []byte("boom\n")}
	assert.Equal(t, "exit code 3 after 1m 12s\nboom\n", string(e.Report(10_000)))
	assert.Equal(t, "exit code 137 (killed)\n", string(Ended{Code: 137, Signal: "killed"}.Report(10_000)))
	for limit := range 400 {
		e := Ended{Code: 1, Output: bytes.Repeat([]byte("äöü€"), 50)}
		b := e.Report(limit)
		require.LessOrEqual(t, len(b), limit)
		if limit > 100 {
			assert.True(t, utf8.Valid(b), "%d: %q", limit, b)
			assert.True(t, strings.HasSuffix(string(b), "€"), "the end is what counts")
		}
	}
	assert.Len(t, NewRunID(), 36)
	assert.NotEqual(t, NewRunID(), NewRunID())
}
