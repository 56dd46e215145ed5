package e2e

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// robot reads Robot Framework's console: rules of = frame suites, rules of -
// part tests; a verdict is "| PASS |", "| FAIL |" or "| SKIP |" at the end of
// the name's line, or on a line of its own when the test printed something. A
// suite's verdict has the same form and is told by the count line behind it.
type robot struct {
	lane  *lane
	known bool   // a frame or a verdict was seen
	sure  bool   // and it was one that nothing else prints
	suite string // of the last frame
	frame int    // 1: after a rule of =, the suite's name is next; 2: and its closing rule
	fresh bool   // after a rule of -, or a frame: a test's name is next
	name  string // of the test under way
	begin ln     // where it was named
	stage string // and in which stage

	pending *pendingRobot
	region  [2]int // lines of the last run
	regions [][2]int
}

// pendingRobot is a bad verdict whose message is being read: only what follows
// tells a test's from a suite's.
type pendingRobot struct {
	name    string
	begin   int
	at      ln
	lines   []string
	skip    bool
	counted bool // a count line came: it was a suite
}

// nameWidth is where Robot cuts or pads a name, with its 78 columns.
const (
	nameWidth  = 70
	robotWidth = 78
)

var robotCount = lazyregexp.New(`^\d+ (?:critical )?tests?(?: total)?, \d+ passed, \d+ failed`)

func (r *robot) line(l *ln) {
	if n := len(l.body); n >= 20 && l.indent == 0 {
		switch l.body[0] {
		case '=':
			if isRule(l.body) {
				r.rule(l)
				return
			}
		case '-':
			if r.known && isRule(l.body) {
				r.settle()
				r.fresh, r.name = true, ""
				return
			}
		}
	}
	if n := len(l.body); n > 0 && r.known && l.body[n-1] == '|' { // a table may have such cells
		if name, verdict, ok := robotVerdict(l.body); ok {
			r.verdict(l, name, verdict)
			return
		}
	}
	if !r.known || len(l.body) == 0 {
		return
	}
	if bytes.HasPrefix(l.body, []byte("Output:  ")) {
		r.closeRegion(l.number)
		return
	}
	switch {
	case r.pending != nil:
		if len(r.pending.lines) < 60 {
			r.pending.lines = append(r.pending.lines, string(l.body[:min(len(l.body), maxContext)]))
		}
		if digit(l.body[0]) && robotCount().Match(l.body) {
			r.pending.counted = true
		}
	case r.frame == 1:
		r.suite, _ = robotName(l.body)
		r.frame = 2
	case r.fresh && bytes.HasPrefix(l.body, []byte("FAIL: ")): // --dotted
		r.suite = "" // it is part of the name there
		r.verdict(l, l.body[len("FAIL: "):], "FAIL")
	case r.fresh && r.named(l):
		r.fresh = false
	}
}

// named takes a test's name from a line that stands where one is due. Robot pads
// it, so what a test prints at once may stand behind it.
func (r *robot) named(l *ln) bool {
	text := l.text
	if utf8.RuneCount(text) >= nameWidth {
		cut := 0
		for i := 0; i < nameWidth; i++ {
			_, size := utf8.DecodeRune(text[cut:])
			cut += size
		}
		text = text[:cut]
	} else if l.indent > 0 {
		return false
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return false
	}
	r.name, _ = robotName(text)
	r.begin, r.stage = *l, r.lane.stages.current()
	r.begin.text, r.begin.body = nil, nil
	return true
}

func isRule(b []byte) bool {
	for _, ch := range b {
		if ch != b[0] {
			return false
		}
	}
	return true
}

// rule is a line of =: it opens or closes a suite's frame, or ends a suite.
func (r *robot) rule(l *ln) {
	if !r.known {
		// The first frame: three lines, of which this may be the first.
		r.known, r.frame = true, 1
		r.sure = r.sure || len(l.body) == robotWidth
		r.region = [2]int{l.number, 0}
		return
	}
	r.settle()
	named := r.name
	r.name = ""
	switch {
	case r.frame == 2:
		r.frame, r.fresh = 0, true
	case named != "" && r.begin.number == l.number-1:
		// The line between two rules was the name of a suite in the suite.
		r.suite, r.fresh = named, true
	default:
		r.frame, r.fresh = 1, false
	}
}

// robotVerdict splits "name   | FAIL |".
func robotVerdict(b []byte) (name []byte, verdict string, ok bool) {
	open := bytes.LastIndexByte(b[:len(b)-1], '|')
	if open < 0 || len(b)-open > 16 {
		return nil, "", false
	}
	switch word := string(bytes.TrimSpace(b[open+1 : len(b)-1])); word {
	case "PASS", "FAIL", "SKIP", "NOT RUN":
		return bytes.TrimSpace(b[:open]), word, true
	}
	return nil, "", false
}

// robotName drops the documentation that follows a name: "name :: doc".
func robotName(b []byte) (name string, cut bool) {
	s := string(b)
	if i := strings.Index(s, " :: "); i > 0 {
		return strings.TrimSpace(s[:i]), false
	}
	return strings.TrimSpace(s), strings.HasSuffix(s, "...")
}

func (r *robot) verdict(l *ln, name []byte, verdict string) {
	r.known, r.sure = true, true
	if r.region[0] == 0 {
		r.region = [2]int{l.number, 0}
	}
	r.settle()
	r.frame = 0
	begin := l.number
	text, _ := robotName(name)
	if text == "" {
		text = r.name
		if text != "" {
			begin = r.begin.number
		}
	}
	r.name, r.fresh = "", false
	if text == "" {
		text = "(a test without a name)"
	}
	if verdict == "PASS" {
		if !r.isSuite(text) {
			r.lane.pass(RunnerRobot, r.suite, text)
		}
		return
	}
	r.pending = &pendingRobot{name: text, begin: begin, at: *l, skip: verdict != "FAIL"}
	if verdict == "FAIL" && !r.isSuite(text) {
		// Recorded at once, so that the context begins here.
		r.record(r.pending)
	}
}

// isSuite reports whether a verdict bears the name of the suite, or of one
// around it: "E2E.Sub" ends after "E2E.Sub.Network".
func (r *robot) isSuite(name string) bool {
	full := strings.TrimSuffix(name, "...")
	return name == r.suite || strings.HasPrefix(r.suite, full+".") || strings.HasSuffix(name, "...") && strings.HasPrefix(r.suite, full) && strings.Contains(full, ".")
}

func (r *robot) record(p *pendingRobot) {
	step := r.lane.fail(RunnerRobot, r.suite, p.name, &p.at)
	step.Begin = p.begin
}

// settle ends the verdict under way: now its message is whole.
func (r *robot) settle() {
	p := r.pending
	r.pending = nil
	if p == nil {
		return
	}
	g := r.lane.s.log(RunnerRobot)
	if p.skip {
		if !p.counted {
			g.Skipped++
		}
		return
	}
	step := g.index[key(r.suite, p.name)]
	if step == nil || step.Line != p.at.number {
		return // a suite's own verdict
	}
	if p.counted { // a suite after all, under a name that was not its frame's
		g.drop(step)
		return
	}
	step.Message = strings.TrimSpace(clip(strings.Join(p.lines, "\n"), maxMessage))
}

// drop forgets a step that turned out to be none.
func (g *runnerLog) drop(step *Step) {
	delete(g.index, key(step.Suite, step.Name))
	for i, s := range g.steps {
		if s == step {
			g.steps = append(g.steps[:i], g.steps[i+1:]...)
			return
		}
	}
}

func (r *robot) closeRegion(line int) {
	r.settle()
	if r.region[0] > 0 && r.sure {
		r.region[1] = line
		if len(r.regions) < maxTracked {
			r.regions = append(r.regions, r.region)
		}
	}
	r.region = [2]int{}
	r.known, r.frame, r.fresh, r.name = false, 0, false, ""
}

func (r *robot) finish() {
	if r.name != "" && r.pending == nil && r.sure {
		r.lane.s.running(&Step{Runner: RunnerRobot, Suite: r.suite, Name: r.name, Line: r.begin.number, Begin: r.begin.number,
			Offset: r.begin.offset, Stage: r.stage, Branch: r.lane.branch, Before: []ContextLine{}, After: []ContextLine{}})
	}
	r.closeRegion(1 << 62)
}

// clip cuts text to at most n bytes, at a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
