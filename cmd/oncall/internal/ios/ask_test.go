package ios

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{In: strings.NewReader("yes\r\nsecret word\nlast"), Err: &errs, InTTY: true, ErrTTY: true}
	answer, err := s.Ask(t.Context(), "go on? [y/N] ")
	require.NoError(t, err)
	assert.Equal(t, "yes", answer)

	answer, err = s.AskHidden(t.Context(), "key: ")
	require.NoError(t, err)
	assert.Equal(t, "secret word", answer)

	answer, err = s.Ask(t.Context(), "more? ")
	require.NoError(t, err, "a last line without line end counts")
	assert.Equal(t, "last", answer)

	_, err = s.Ask(t.Context(), "even more? ")
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, "go on? [y/N] key: \nmore? even more? \n", errs.String())
}

func TestAskShowsNoControls(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{In: strings.NewReader("\n"), Err: &errs, InTTY: true}
	answer, err := s.Ask(t.Context(), "resolve \x1b[2J\nfor sure? ")
	require.NoError(t, err)
	assert.Empty(t, answer)
	assert.Equal(t, "resolve \\x1b[2J\nfor sure? ", errs.String())
}

func TestAskInAPipeEndsItsLine(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{In: strings.NewReader("x\n"), Err: &errs}
	_, err := s.Ask(t.Context(), "name: ")
	require.NoError(t, err)
	assert.Equal(t, "name: \n", errs.String())
}

func TestAskReportsReadErrors(t *testing.T) {
	t.Parallel()
	s := &Streams{In: iotest.ErrReader(io.ErrClosedPipe), Err: io.Discard}
	_, err := s.Ask(t.Context(), "name: ")
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func TestAskEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	var errs bytes.Buffer
	s := &Streams{In: r, Err: &errs, InTTY: true}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Ask(ctx, "go on? ")
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "go on? \n", errs.String(), "what follows begins on a fresh line")

	// The read that was given up answers the next question, so that no line is
	// lost, and a hidden question does not start a second one.
	go func() { _, _ = io.WriteString(w, "typed\n") }()
	answer, err := s.AskHidden(t.Context(), "again? ")
	require.NoError(t, err)
	assert.Equal(t, "typed", answer)
}

// TestAskWithProgressAndWarnings: nothing is drawn over a question; what must
// be told stands above it, asked anew.
func TestAskWithProgressAndWarnings(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{Err: &errs, InTTY: true, ErrTTY: true, ErrWidth: 80}
	p := s.Progress()
	p.Set("waiting", "")
	s.In = readerFunc(func(buf []byte) (int, error) {
		p.Set("still waiting", "")
		s.Warn("slow")
		return copy(buf, "y\n"), nil
	})
	answer, err := s.Ask(t.Context(), "go on? ")
	require.NoError(t, err)
	assert.Equal(t, "y", answer)
	p.End()
	assert.Equal(t, "waiting\r\x1b[Kgo on? "+"\nwarning: slow\ngo on? "+"still waiting\r\x1b[K", errs.String())
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
