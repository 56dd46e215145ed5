package ios

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
)

type lineResult struct {
	text string
	err  error
}

// Ask writes a question to Err and reads one line from In, without its line
// end. The end of input before anything was typed is io.EOF, a cancelled ctx is
// its error. It asks even without a terminal: who must not, looks at
// Interactive first.
func (s *Streams) Ask(ctx context.Context, question string) (string, error) {
	s.ask(question)
	text, err := s.readLine(ctx)
	// The answer's own line end was echoed; without an answer there is none.
	s.asked(err != nil || !s.InTTY)
	return text, err
}

// AskHidden is Ask for a secret: on a terminal the answer is not shown. The echo
// is off before the question is there to be answered, and back when AskHidden
// returns, however it returns.
func (s *Streams) AskHidden(ctx context.Context, question string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if f, ok := s.In.(*os.File); ok && isTerminal(f) {
		restore, err := echoOff(f)
		if err != nil {
			return "", err
		}
		defer restore()
	}
	s.ask(question)
	text, err := s.readLine(ctx)
	s.asked(true)
	return text, err
}

// ask shows the question; the progress line stays away until asked.
func (s *Streams) ask(question string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress.hide()
	s.question = VisibleBlock(question)
	_, _ = io.WriteString(s.Err, s.question)
}

func (s *Streams) asked(newline bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.question = ""
	if newline {
		_, _ = io.WriteString(s.Err, "\n")
	}
	s.progress.show()
}

// readLine reads one line in a goroutine, as a read from a terminal cannot be
// cancelled. A read given up by ctx stays pending and answers the next call.
func (s *Streams) readLine(ctx context.Context) (string, error) {
	s.mu.Lock()
	if s.lines == nil {
		s.lines = bufio.NewReader(s.In)
	}
	if s.pending == nil {
		got := make(chan lineResult, 1)
		s.pending = got
		go func(lines *bufio.Reader) {
			text, err := lines.ReadString('\n')
			if errors.Is(err, io.EOF) && text != "" {
				err = nil
			}
			got <- lineResult{strings.TrimRight(text, "\r\n"), err}
		}(s.lines)
	}
	got := s.pending
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-got:
		s.mu.Lock()
		s.pending = nil
		s.mu.Unlock()
		return r.text, r.err
	}
}
