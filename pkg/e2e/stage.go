package e2e

import (
	"bytes"
	"strings"
)

// stageTracker follows the pipeline's own lines: "[Pipeline] { (Name)" opens a
// block, a plain "[Pipeline] {" too, "[Pipeline] }" closes the innermost.
type stageTracker struct {
	lane     *lane
	stack    []string // "" for a block without a name
	branches []int    // places in stack that are parallel branches
}

// around are the blocks around a parallel branch that begins here: the branches
// beside it were opened before it and are not among them.
func (t *stageTracker) around() []string {
	if len(t.branches) > 0 {
		return t.stack[:t.branches[0]]
	}
	return t.stack
}

var pipelineMark = []byte("[Pipeline] ")

// maxStages bounds the depth that is followed; a console may lack the ends.
const maxStages = 100

// line reports whether the line was one of the pipeline's own.
func (t *stageTracker) line(l *ln) bool {
	rest, ok := bytes.CutPrefix(l.body, pipelineMark)
	if !ok {
		return false
	}
	switch {
	case len(rest) > 0 && rest[0] == '{':
		t.open(string(bytes.TrimSpace(rest[1:])))
	case len(rest) > 0 && rest[0] == '}':
		if n := len(t.stack); n > 0 {
			t.stack = t.stack[:n-1]
		}
		if n := len(t.branches); n > 0 && t.branches[n-1] >= len(t.stack) {
			t.branches = t.branches[:n-1]
		}
	}
	return true
}

func (t *stageTracker) open(name string) {
	name = strings.TrimSuffix(strings.TrimPrefix(name, "("), ")")
	if b, ok := strings.CutPrefix(name, "Branch: "); ok {
		t.lane.s.branch(b)
		name = b
		t.branches = append(t.branches, len(t.stack))
	}
	if len(t.stack) < maxStages {
		t.stack = append(t.stack, name)
	}
	if r := &t.lane.s.report; name != "" && len(r.Stages) < maxStageMarks {
		r.Stages = append(r.Stages, StageMark{Name: name, Line: t.lane.s.cur.number})
	}
}

// maxStageMarks bounds Report.Stages.
const maxStageMarks = 500

// Stager tells of each line of a console, as it comes, in which stage it is.
type Stager struct{ s *scanner }

// NewStager begins at the first line of a console.
func NewStager() *Stager { return &Stager{newScanner(Options{Before: -1, After: -1})} }

// Stages returns the named blocks around a line, the outermost first; of a line
// of a parallel branch, those of the branch. The result is valid until the next
// call.
func (g *Stager) Stages(raw []byte) []string {
	s := g.s
	text := withoutTime(withoutNotes(raw))
	at := s.main
	if len(s.lanes) > 0 && len(text) > 2 && text[0] == '[' {
		at, text = s.laneOf(text)
	}
	l := &s.cur
	l.text = Clean(text, nil)
	l.body, l.indent = trim(l.text)
	if len(l.body) > 0 && l.body[0] == '[' && l.indent == 0 {
		at.stages.line(l)
	}
	return at.stages.stack
}

// current is the innermost named stage.
func (t *stageTracker) current() string {
	for i := len(t.stack) - 1; i >= 0; i-- {
		if t.stack[i] != "" {
			return t.stack[i]
		}
	}
	return ""
}
