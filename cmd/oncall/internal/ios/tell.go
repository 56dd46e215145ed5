package ios

import (
	"fmt"
	"io"
)

// Note writes one line to Err: a fact on the side, such as why a list is
// empty. Its text is made Visible, so that no vendor's text can forge a second
// line.
func (s *Streams) Note(format string, args ...any) {
	s.tell(None, "", Visible(fmt.Sprintf(format, args...)))
}

// Hint writes "hint: ..." to Err: the next command or step.
func (s *Streams) Hint(format string, args ...any) {
	s.tell(Cyan, "hint: ", Visible(fmt.Sprintf(format, args...)))
}

// Warn writes "warning: ..." to Err, each text once per process.
func (s *Streams) Warn(format string, args ...any) {
	text := Visible(fmt.Sprintf(format, args...))
	s.mu.Lock()
	told := s.warned[text]
	if s.warned == nil {
		s.warned = map[string]bool{}
	}
	s.warned[text] = true
	s.mu.Unlock()
	if !told {
		s.tell(Yellow, "warning: ", text)
	}
}

// tell writes a line to Err. A line that cannot be told (a closed terminal, a
// full disk) must not stop the command, so errors end here.
func (s *Streams) tell(style Style, label, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.hide()
	line := s.PaintErr(style, label) + text + "\n"
	if s.question != "" {
		// Somebody is typing an answer: leave their line and ask again below.
		line = "\n" + line + s.question
	}
	_, _ = io.WriteString(s.Err, line)
	s.progress.show()
}

// Stdout returns Out as a writer that takes the progress line away while it
// writes. Everything that prints results uses it.
func (s *Streams) Stdout() io.Writer { return stdout{s} }

type stdout struct{ s *Streams }

func (o stdout) Write(p []byte) (int, error) {
	if !o.s.OutTTY {
		return o.s.Out.Write(p)
	}
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.progress.hide()
	n, err := o.s.Out.Write(p)
	if n > 0 && p[n-1] == '\n' {
		o.s.progress.show()
	}
	return n, err
}
