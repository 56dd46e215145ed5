// Package ios holds the three streams of a process and what is known about
// them: whether a person is looking, how wide the window is, whether colour is
// wanted. It is also where text that somebody else wrote is made safe to show.
//
// Nothing here writes to stdout on its own: Out is for results, everything
// told on the side (hints, warnings, progress, questions) goes to Err.
package ios

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"sync"

	"golang.org/x/term"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Streams are the streams of one process. The zero value of every field but
// In, Out and Err is right for a pipe, so a test can fill in buffers and go.
// A Streams must not be copied after first use.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	// InTTY, OutTTY and ErrTTY tell whether the stream is a terminal.
	InTTY, OutTTY, ErrTTY bool

	// Width is the number of columns of the terminal behind Out, 0 when there
	// is none and lines may be as long as they like.
	Width int
	// ErrWidth is the same for Err, which may be a terminal when Out is not.
	ErrWidth int

	// Color and ErrColor tell whether Out and Err take colours.
	Color, ErrColor bool
	// Dumb says that the terminal understands no escape sequences (TERM=dumb):
	// nothing is redrawn on it.
	Dumb bool

	mu       sync.Mutex
	warned   map[string]bool
	progress *Progress
	question string // what is being asked now
	lines    *bufio.Reader
	pending  chan lineResult
}

// ColorModes are the values of --color.
var ColorModes = []string{"auto", "always", "never"}

// System returns the streams of this process. colorMode is one of ColorModes;
// "" and unknown modes count as auto (SetColor reports those).
//
// COLUMNS, when exported, wins over the size the terminal reports, as in git
// and ls. It gives a pipe no width: a pipe's lines are never cut.
func System(getenv func(string) string, colorMode string) *Streams {
	s := &Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	s.InTTY = isTerminal(os.Stdin)
	s.OutTTY = isTerminal(os.Stdout)
	s.ErrTTY = isTerminal(os.Stderr)
	if s.OutTTY {
		s.Width = columns(getenv, os.Stdout)
	}
	if s.ErrTTY {
		s.ErrWidth = columns(getenv, os.Stderr)
	}
	if s.SetColor(colorMode, getenv) != nil {
		_ = s.SetColor("auto", getenv)
	}
	return s
}

// SetColor decides anew whether colours are used: always and never settle it;
// auto (or "") asks NO_COLOR, then CLICOLOR_FORCE, then TERM=dumb, then whether
// the stream is a terminal. An unknown mode is an ErrUsage.
func (s *Streams) SetColor(mode string, getenv func(string) string) error {
	s.Dumb = s.Dumb || getenv("TERM") == "dumb" // whoever made the streams may know better
	switch mode {
	case "always":
		s.Color, s.ErrColor = true, true
		return nil
	case "never":
		s.Color, s.ErrColor = false, false
		return nil
	case "", "auto":
	default:
		return apierr.New(apierr.ErrUsage, "", "--color", "unknown mode %q: auto, always or never", mode)
	}
	force := getenv("CLICOLOR_FORCE")
	switch {
	case getenv("NO_COLOR") != "":
		s.Color, s.ErrColor = false, false
	case force != "" && force != "0":
		s.Color, s.ErrColor = true, true
	case s.Dumb:
		s.Color, s.ErrColor = false, false
	default:
		s.Color = s.OutTTY && colorCapable(s.Out)
		s.ErrColor = s.ErrTTY && colorCapable(s.Err)
	}
	return nil
}

// Interactive tells whether a person can be asked: the answer can be typed
// and the question is seen.
func (s *Streams) Interactive() bool { return s.InTTY && s.ErrTTY }

// Size asks the terminal behind Out for its size now, for views that redraw.
// Both are 0 when Out is no terminal; columns is Width when the terminal does
// not say.
func (s *Streams) Size() (columns, rows int) {
	if !s.OutTTY {
		return 0, 0
	}
	if f, ok := s.Out.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w, h
		}
	}
	return s.Width, 0
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// defaultWidth is the width of a terminal that does not tell its own.
const defaultWidth = 80

// columns is the width of the terminal f.
func columns(getenv func(string) string, f *os.File) int {
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		return w
	}
	return defaultWidth
}
