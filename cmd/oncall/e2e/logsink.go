package e2e

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	e2epkg "github.com/balena-io/oncall/pkg/e2e"
)

// logLine is a line of a console as the JSON contract has it.
type logLine struct {
	Line  int    `json:"line,omitempty"` // from 1; absent when only the end was read
	Stage string `json:"stage,omitempty"`
	Text  string `json:"text"`
}

// maxLine is what a chosen line may measure; the rest of it is counted. Without
// a choice of lines the bytes pass as they are, however long a line is.
const maxLine = 1 << 20

// logSink takes a console's bytes, chooses lines and hands them on.
type logSink struct {
	direct io.Writer // for people
	closer io.Closer // flushes direct
	stream *printer.Stream[logLine]

	firstLine  int
	pattern    *regexp.Regexp
	stage      string
	clock      func() string // what stands in front of a line that arrives now
	unnumbered bool

	held    []byte // a line without its end
	cut     int    // bytes of it that were not kept
	line    int
	printed int // lines handed on
	scratch []byte
	stager  *e2epkg.Stager
	stages  []string // names seen, for the error about one that is not there
	found   bool     // a line of the stage was seen
}

// plain reports that every byte passes.
func (s *logSink) plain() bool {
	return s.stream == nil && s.firstLine <= 1 && s.pattern == nil && s.stage == "" && s.clock == nil
}

func (s *logSink) Write(p []byte) (int, error) {
	if s.plain() {
		return s.direct.Write(p)
	}
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.hold(p)
			return n, nil
		}
		line := p[:i]
		if len(s.held) > 0 || s.cut > 0 {
			s.hold(line)
			line = s.held
			if s.cut > 0 {
				line = fmt.Appendf(line, " [%d bytes of this line left out]", s.cut)
			}
		}
		err := s.take(line)
		s.held, s.cut = s.held[:0], 0
		if err != nil {
			return n, err
		}
		p = p[i+1:]
	}
	return n, nil
}

// restart begins the counting of lines and stages anew, as the log did.
func (s *logSink) restart() {
	s.held, s.cut, s.line, s.stager = s.held[:0], 0, 0, nil
}

func (s *logSink) hold(p []byte) {
	keep := min(len(p), max(0, maxLine-len(s.held)))
	s.held = append(s.held, p[:keep]...)
	s.cut += len(p) - keep
}

// Close hands on a last line without an end.
func (s *logSink) Close() error {
	var err error
	if len(s.held) > 0 {
		err = s.take(s.held)
		s.held = nil
	}
	if s.stream != nil {
		if ferr := s.stream.Flush(); err == nil {
			err = ferr
		}
	}
	if s.closer != nil {
		if cerr := s.closer.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

func (s *logSink) take(line []byte) error {
	s.line++
	stage := ""
	if s.stage != "" || s.stream != nil {
		in := s.around(line)
		if len(in) > 0 {
			stage = in[len(in)-1]
		}
		if s.stage != "" && !slices.ContainsFunc(in, func(n string) bool { return strings.EqualFold(n, s.stage) }) {
			return nil
		}
		s.found = true
	}
	if s.line < s.firstLine {
		return nil
	}
	if s.pattern != nil {
		// Clean may answer with line itself, which is not ours to keep.
		s.scratch = slices.Grow(s.scratch[:0], len(line))
		if !s.pattern.Match(e2epkg.Clean(line, s.scratch)) {
			return nil
		}
	}
	s.printed++
	front := ""
	if s.clock != nil {
		front = s.clock()
	}
	if s.stream != nil {
		l := logLine{Line: s.line, Stage: stage, Text: front + strings.TrimSuffix(string(line), "\r")}
		if s.unnumbered {
			l.Line = 0
		}
		return s.stream.Print(l)
	}
	_, err := s.direct.Write(append(append([]byte(front), line...), '\n'))
	return err
}

// around are the names of the stages that a line is in.
func (s *logSink) around(line []byte) []string {
	if s.stager == nil {
		s.stager = e2epkg.NewStager()
	}
	var in []string
	for _, n := range s.stager.Stages(line) {
		if n == "" {
			continue
		}
		in = append(in, n)
		if !slices.Contains(s.stages, n) && len(s.stages) < 100 {
			s.stages = append(s.stages, n)
		}
	}
	return in
}

// missing is the error about a stage that no line was in.
func (s *logSink) missing() error {
	if s.stage == "" || s.found {
		return nil
	}
	e := apierr.New(apierr.ErrNotFound, "jenkins", "stage "+s.stage, "the console names no such stage")
	if len(s.stages) == 0 {
		return e.WithHint("it names none at all")
	}
	return e.WithHint("it names %s", strings.Join(s.stages, ", "))
}
