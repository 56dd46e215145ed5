package e2e

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
)

// Options of Scan.
type Options struct {
	Before int // context lines in front of a verdict; 0 is 5, negative none
	After  int // and behind it; 0 is 20, negative none
}

const (
	maxFailures  = 200     // that are kept whole
	maxTracked   = 10_000  // that are known by name
	maxLanes     = 64      // parallel branches told apart
	maxContext   = 2 << 10 // bytes of a context line
	maxMessage   = 4 << 10 // bytes of a message
	ringSize     = 64      // lines that are remembered; Options.Before is bounded by it
	tailSize     = 40      // Report.Tail
	signLines    = 64      // last lines that are searched for infrastructure trouble
	defaultAfter = 20
)

// Scan reads a console to its end and reports what it says. After a read error
// the report holds what was read up to it, and the error is returned too.
func Scan(r io.Reader, o Options) (*Report, error) {
	s := newScanner(o)
	lines := NewLines(r)
	for {
		l, err := lines.Next()
		if err != nil {
			rep := s.finish()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return rep, err
		}
		s.line(l)
	}
}

// ln is a line as the recognisers see it.
type ln struct {
	number int
	offset int64
	text   []byte // cleaned, without time and branch prefixes
	body   []byte // text without blanks around it
	indent int    // blanks in front
}

// lane is what one parallel branch says: recognisers keep their place in it.
type lane struct {
	s      *scanner
	branch string
	stages stageTracker
	robot  robot
	tap    tap
	mocha  mocha
	jest   jest
	node   nodeSpec
	bats   batsPretty
	gotest goTest
	pytest pytest
	junit  junit
	plain  plain
	own    jenkinsOwn
}

type scanner struct {
	before, after int
	report        Report
	logs          map[string]*runnerLog
	order         []*runnerLog
	main          *lane
	lanes         map[string]*lane
	ring          [ringSize]ringLine
	cur           ln
	scratch       []byte
	owing         []*Step // steps whose After is not complete
}

type ringLine struct {
	number int
	text   []byte
}

func newScanner(o Options) *scanner {
	s := &scanner{before: o.Before, after: o.After, logs: map[string]*runnerLog{}, lanes: map[string]*lane{}}
	if s.before == 0 {
		s.before = 5
	}
	if s.after == 0 {
		s.after = defaultAfter
	}
	s.before, s.after = min(max(s.before, 0), ringSize-1), max(s.after, 0)
	s.report.Stages = []StageMark{}
	s.main = s.newLane("")
	return s
}

func (s *scanner) newLane(branch string) *lane {
	l := &lane{s: s, branch: branch}
	l.stages.lane = l
	l.robot.lane, l.tap.lane, l.mocha.lane, l.jest.lane, l.node.lane = l, l, l, l, l
	l.bats.lane, l.gotest.lane, l.pytest.lane, l.junit.lane = l, l, l, l
	l.plain.lane, l.own.lane = l, l
	return l
}

func (s *scanner) line(in Line) {
	s.report.Lines, s.report.Bytes = in.Number, in.Offset+int64(len(in.Raw))+in.Cut
	text := in.Raw
	if !in.Plain {
		s.scratch = slices.Grow(s.scratch[:0], len(text))
		s.remember(in.Number, Clean(text, s.scratch))
		text = withoutNotes(text)
	} else {
		s.remember(in.Number, text)
	}
	text = withoutTime(text)
	at := s.main
	if len(s.lanes) > 0 && len(text) > 2 && text[0] == '[' {
		at, text = s.laneOf(text)
		text = withoutTime(text)
	}
	if !in.Plain { // behind the prefixes, which a progress bar's CR would take away
		text = Clean(text, s.scratch)
	}
	l := &s.cur
	l.number, l.offset, l.text = in.Number, in.Offset, text
	l.body, l.indent = trim(text)
	at.feed(l)
}

// trim cuts blanks off both ends and counts those in front.
func trim(b []byte) ([]byte, int) {
	i, j := 0, len(b)
	for i < j && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	for j > i && (b[j-1] == ' ' || b[j-1] == '\t') {
		j--
	}
	return b[i:j], i
}

// laneOf finds the parallel branch that a line is prefixed with: "[name] text".
func (s *scanner) laneOf(text []byte) (*lane, []byte) {
	end := bytes.IndexByte(text, ']')
	if end < 0 || end > 200 {
		return s.main, text
	}
	l, ok := s.lanes[string(text[1:end])]
	if !ok {
		return s.main, text
	}
	return l, bytes.TrimPrefix(text[end+1:], []byte{' '})
}

// branch makes a lane for a parallel branch that the pipeline names.
func (s *scanner) branch(name string) {
	if len(s.lanes) >= maxLanes || name == "Pipeline" || name == "" {
		return
	}
	if s.lanes[name] == nil {
		s.lanes[name] = s.newLane(name)
		s.lanes[name].stages.stack = append(append([]string{}, s.main.stages.around()...), name)
	}
}

func (l *lane) feed(n *ln) {
	if len(n.body) > 0 && n.body[0] == '[' && n.indent == 0 && l.stages.line(n) {
		l.own.pipeline(n.number)
		return
	}
	first := byte(0)
	if len(n.body) > 0 {
		first = n.body[0]
	}
	begins := beginners[first]
	l.robot.line(n)
	if begins&forTAP != 0 || l.tap.last != nil {
		l.tap.line(n)
	}
	if begins&forMocha != 0 || l.mocha.listing {
		l.mocha.line(n)
	}
	if begins&forJest != 0 || l.jest.step != nil {
		l.jest.line(n)
	}
	if begins&forNode != 0 || l.node.step != nil {
		l.node.line(n)
	}
	l.bats.line(n)
	if begins&forGo != 0 || l.gotest.busy() {
		l.gotest.line(n)
	}
	if begins&forPytest != 0 || l.pytest.sure || l.pytest.bad {
		l.pytest.line(n)
	}
	l.junit.line(n)
	l.plain.line(n)
	if begins&forJenkins != 0 || l.own.open != nil {
		l.own.line(n)
	}
}

// Most lines are nobody's. What the lines begin with that a recogniser looks at
// when it is not in the middle of something:
const (
	forTAP = 1 << iota
	forMocha
	forJest
	forNode
	forGo
	forPytest
	forJenkins
)

var beginners = func() (t [256]uint8) {
	for who, chars := range map[uint8]string{
		forTAP: "on#T1B", forMocha: "0123456789\xe2", forJest: "PFTLS\xe2", forNode: "\xe2",
		forGo: "-=Fop", forPytest: "=", forJenkins: "+FACTSBEPhjgoWs",
	} {
		for i := range len(chars) {
			t[chars[i]] |= who
		}
	}
	return t
}()

func (l *lane) finish() {
	l.robot.finish()
	l.mocha.finish()
	l.jest.finish()
	l.node.finish()
	l.gotest.finish()
	l.plain.finish()
}

// remember keeps the line for contexts, and completes those that wait for it.
func (s *scanner) remember(number int, text []byte) {
	at := &s.ring[number%ringSize]
	at.number = number
	at.text = append(at.text[:0], text[:min(len(text), maxContext)]...)
	if len(s.owing) == 0 {
		return
	}
	kept := s.owing[:0]
	for _, step := range s.owing {
		step.After = append(step.After, ContextLine{number, string(at.text)})
		if step.owed--; step.owed > 0 {
			kept = append(kept, step)
		}
	}
	s.owing = kept
}

// last returns up to n remembered lines in front of line number.
func (s *scanner) last(number, n int) []ContextLine {
	out := []ContextLine{}
	for i := max(1, number-n); i < number; i++ {
		if r := &s.ring[i%ringSize]; r.number == i {
			out = append(out, ContextLine{i, string(r.text)})
		}
	}
	return out
}

// runnerLog gathers one runner's verdicts over all lanes.
type runnerLog struct {
	Totals
	steps []*Step
	more  int              // failures beyond maxTracked
	index map[string]*Step // by suite and name
}

func (s *scanner) log(runner string) *runnerLog {
	g := s.logs[runner]
	if g == nil {
		g = &runnerLog{Totals: Totals{Runner: runner}, index: map[string]*Step{}}
		s.logs[runner] = g
		s.order = append(s.order, g)
	}
	return g
}

func key(suite, name string) string { return suite + "\x00" + name }

// fail records a failing step. A step that failed before under the same name is
// returned as it is, and fails again if it had recovered.
func (l *lane) fail(runner, suite, name string, at *ln) *Step {
	s, g := l.s, l.s.log(runner)
	if strings.TrimSpace(name) == "" {
		name = nameless
	}
	k := key(suite, name)
	if step := g.index[k]; step != nil {
		if step.Recovered {
			step.Recovered = false
			step.Line, step.Offset, step.Message = at.number, at.offset, ""
			s.context(step)
		}
		return step
	}
	step := &Step{Runner: runner, Suite: suite, Name: name, Line: at.number, Begin: at.number, Offset: at.offset,
		Stage: l.stages.current(), Branch: l.branch, Before: []ContextLine{}, After: []ContextLine{}}
	if len(g.steps) >= maxTracked {
		g.more++
		return step
	}
	g.steps = append(g.steps, step)
	g.index[k] = step
	if len(g.steps) <= maxFailures {
		s.context(step)
	}
	return step
}

// nameless stands for a step that its runner gave no name.
const nameless = "(without a name)"

// context takes the lines in front of the verdict and asks for those behind it.
func (s *scanner) context(step *Step) {
	step.Before = s.last(step.Line, s.before)
	step.After = []ContextLine{}
	if step.owed = s.after; step.owed > 0 && step.Line == s.cur.number {
		s.owing = append(s.owing, step)
	}
}

// rename gives a step the fuller name that the runner tells later.
func (g *runnerLog) rename(step *Step, suite, name string) {
	if strings.TrimSpace(name) == "" {
		name = nameless
	}
	if g.index[key(step.Suite, step.Name)] == step {
		delete(g.index, key(step.Suite, step.Name))
	}
	step.Suite, step.Name = suite, name
	if g.index[key(suite, name)] == nil {
		g.index[key(suite, name)] = step
	}
}

// pass records a good verdict, after which a step that failed under the same
// name counts as recovered.
func (l *lane) pass(runner, suite, name string) {
	g := l.s.log(runner)
	g.Passed++
	if len(g.index) > 0 {
		if step := g.index[key(suite, name)]; step != nil {
			step.Recovered = true
		}
	}
}

// say adds a line to a step's message.
func (s *Step) say(text []byte) {
	if len(s.Message)+len(text) >= maxMessage {
		return
	}
	if s.Message != "" {
		s.Message += "\n"
	}
	s.Message += string(text)
}
