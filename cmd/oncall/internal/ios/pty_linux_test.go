package ios

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openPTY returns both ends of a pseudo-terminal of the given size: what a
// person types and sees, and what a program reads and writes.
func openPTY(t *testing.T, columns, rows uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = program.Close() })
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}))
	return person, program
}

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return assert.NoError(t, err) && state.Lflag&unix.ECHO != 0
}

func TestTerminalSize(t *testing.T) {
	t.Parallel()
	_, program := openPTY(t, 93, 31)
	assert.Equal(t, 93, columns(env(nil), program))
	assert.Equal(t, 60, columns(env(map[string]string{"COLUMNS": "60"}), program))
	assert.Equal(t, 93, columns(env(map[string]string{"COLUMNS": "0"}), program))
	assert.Equal(t, 93, columns(env(map[string]string{"COLUMNS": "wide"}), program))
	s := &Streams{Out: program, OutTTY: true}
	width, height := s.Size()
	assert.Equal(t, 93, width)
	assert.Equal(t, 31, height)
}

func TestTerminalWithoutSize(t *testing.T) {
	t.Parallel()
	_, program := openPTY(t, 0, 0)
	assert.Equal(t, defaultWidth, columns(env(nil), program))
	width, _ := (&Streams{Out: program, OutTTY: true, Width: 80}).Size()
	assert.Equal(t, 80, width)
}

func TestProgressFollowsAShrinkingWindow(t *testing.T) {
	t.Parallel()
	person, program := openPTY(t, 10, 5)
	s := &Streams{Err: program, ErrTTY: true, ErrWidth: 80}
	s.Progress().Set("a line longer than that", "")
	buf := make([]byte, 100)
	n, err := person.Read(buf)
	require.NoError(t, err)
	assert.Equal(t, "a line l…", string(buf[:n]))
}

func TestAskHiddenOnATerminal(t *testing.T) {
	t.Parallel()
	person, program := openPTY(t, 80, 24)
	s := &Streams{In: program, Err: program, InTTY: true, ErrTTY: true}
	done := make(chan lineResult, 1)
	go func() {
		text, err := s.AskHidden(t.Context(), "key: ")
		done <- lineResult{text, err}
	}()
	screen := bufio.NewReader(person)
	prompt := make([]byte, len("key: "))
	_, err := io.ReadFull(screen, prompt)
	require.NoError(t, err)
	assert.Equal(t, "key: ", string(prompt))
	require.False(t, echoes(t, program), "who answers at once is not shown either")
	_, err = io.WriteString(person, "hunter2\n")
	require.NoError(t, err)
	got := <-done
	require.NoError(t, got.err)
	assert.Equal(t, "hunter2", got.text)
	assert.True(t, echoes(t, program), "the echo is back")
	line, err := screen.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "\r\n", line, "the secret is not on the screen")
}

func TestAskHiddenGivesTheEchoBackWhenCancelled(t *testing.T) {
	t.Parallel()
	_, program := openPTY(t, 80, 24)
	s := &Streams{In: program, Err: io.Discard, InTTY: true}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := s.AskHidden(ctx, "key: ")
		done <- err
	}()
	require.Eventually(t, func() bool { return !echoes(t, program) }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.True(t, echoes(t, program))

	_, err := s.AskHidden(ctx, "key: ")
	require.ErrorIs(t, err, context.Canceled)
	assert.True(t, echoes(t, program), "nothing was begun")
}

func TestTerminalIsFound(t *testing.T) {
	t.Parallel()
	_, program := openPTY(t, 80, 24)
	assert.True(t, isTerminal(program))
	assert.True(t, colorCapable(program))
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	assert.False(t, isTerminal(w))
}

// TestOneReaderOnATerminal: a read that was given up still gets the next line,
// so a hidden question must not compete with it for the terminal.
func TestOneReaderOnATerminal(t *testing.T) {
	t.Parallel()
	person, program := openPTY(t, 80, 24)
	s := &Streams{In: program, Err: io.Discard, InTTY: true}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Ask(ctx, "go on? ")
	require.ErrorIs(t, err, context.Canceled)
	_, err = io.WriteString(person, "typed\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		waiting, err := unix.IoctlGetInt(int(program.Fd()), unix.TIOCINQ)
		return assert.NoError(t, err) && waiting == 0
	}, time.Minute, time.Millisecond, "the first reader has the line")
	soon, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	text, err := s.AskHidden(soon, "key: ")
	require.NoError(t, err)
	assert.Equal(t, "typed", text)
}
