package ios

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Progress is the one line on Err that tells how far a wait is. On a terminal
// it is redrawn in place and taken away at the end; elsewhere each change of
// state is a line of its own. A nil Progress shows nothing.
type Progress struct {
	s     *Streams
	state string
	line  string
	drawn bool
	ended bool
}

// Progress begins a progress line; it takes the place of an earlier one. Call
// End when the wait is over.
func (s *Streams) Progress() *Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress != nil {
		s.progress.hide()
		s.progress.ended = true
	}
	s.progress = &Progress{s: s}
	return s.progress
}

// Set shows where the wait stands: state ("running #882") and a detail that
// changes often ("38% of the usual 3m"). Where nothing can be redrawn a line
// is written only when the state changes, with the detail of that moment.
func (p *Progress) Set(state, detail string) {
	if p == nil {
		return
	}
	state = Visible(state)
	line := state
	if detail != "" {
		line += "  " + Visible(detail)
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.ended {
		return
	}
	if p.live() {
		if line != p.line || !p.drawn {
			p.hide()
			p.state, p.line = state, line
			p.show()
		}
		return
	}
	if state != p.state || p.line == "" {
		p.state, p.line = state, line
		_, _ = io.WriteString(p.s.Err, line+"\n")
	}
}

// End takes the line away. It may be called twice.
func (p *Progress) End() {
	if p == nil {
		return
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.hide()
	p.ended = true
	if p.s.progress == p {
		p.s.progress = nil
	}
}

func (p *Progress) live() bool { return p.s.ErrTTY && !p.s.Dumb }

// hide and show are called with the lock of Streams held.
func (p *Progress) hide() {
	if p == nil || !p.drawn {
		return
	}
	_, _ = io.WriteString(p.s.Err, "\r\x1b[K")
	p.drawn = false
}

func (p *Progress) show() {
	if p == nil || p.ended || p.drawn || p.line == "" || !p.live() || p.s.question != "" {
		return
	}
	// The last column stays free: a terminal wraps when it is filled.
	_, _ = io.WriteString(p.s.Err, Cut(p.line, p.width()-1))
	p.drawn = true
}

// width is how wide the line may be now: a window can shrink during a wait,
// and a line that wraps cannot be taken away any more.
func (p *Progress) width() int {
	width := p.s.ErrWidth
	if width <= 0 {
		width = defaultWidth
	}
	if f, ok := p.s.Err.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = min(width, w)
		}
	}
	return width
}
