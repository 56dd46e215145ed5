package e2e

import (
	"bytes"
	"strings"
)

// tap reads the Test Anything Protocol as tape, tap, node --test, mocha -R tap
// and bats print it. A parent's "not ok" repeats what its children said and is
// left out, and so are tests that are marked TODO or SKIP.
type tap struct {
	lane    *lane
	runner  string // RunnerBats when its marks were seen
	sure    bool   // a version or a plan was seen
	stream  int    // counts versions and plans in front of tests: one run each
	started bool   // a test point of this stream was seen
	open    []int  // indents at which a test point failed since its parent's began
	names   []tapName
	comment string // tape: the test that the assertions belong to
	passed  int    // in this stream
	skipped int

	last  *Step // that the following block explains
	depth int   // its indent
	yaml  bool
	stack bool // in its stack trace
	where string
}

// tapName is the name of a subtest that was announced: "# Subtest: name".
type tapName struct {
	indent int
	name   string
}

func (t *tap) line(l *ln) {
	b := l.body
	if t.last != nil && t.explain(l) {
		return
	}
	if len(b) < 2 {
		return
	}
	switch b[0] {
	case 'o':
		if b[1] == 'k' {
			t.point(l, b[2:], true)
		}
	case 'n':
		if rest, ok := bytes.CutPrefix(b, []byte("not ok")); ok {
			t.point(l, rest, false)
		}
	case '#':
		t.remark(l, string(bytes.TrimSpace(b[1:])))
	case 'T':
		if bytes.HasPrefix(b, []byte("TAP version 1")) && len(b) <= 16 {
			t.begin()
		}
	case '1':
		if isPlan(b) {
			if l.indent == 0 && !t.started {
				t.begin()
			} else if l.indent == 0 {
				t.sure, t.started = true, false // a plan at the end closes the stream
			}
		}
	case 'B':
		if rest, ok := bytes.CutPrefix(b, []byte("Bail out!")); ok && t.sure {
			s := t.lane.fail(t.name(), "", "Bail out!", l)
			s.say(bytes.TrimSpace(rest))
		}
	}
}

func (t *tap) name() string {
	if t.runner != "" {
		return t.runner
	}
	return RunnerTAP
}

func (t *tap) begin() {
	t.sure, t.started = true, false
	t.stream++
	t.passed, t.skipped = 0, 0
	t.open, t.names, t.comment = t.open[:0], t.names[:0], ""
}

func isPlan(b []byte) bool {
	rest, ok := bytes.CutPrefix(b, []byte("1.."))
	if !ok || len(rest) == 0 || len(rest) > 9 {
		return false
	}
	for _, ch := range rest {
		if !digit(ch) {
			return false
		}
	}
	return true
}

// point is a test point: "ok 1 - name # directive", without its first word.
func (t *tap) point(l *ln, rest []byte, good bool) {
	if len(rest) > 0 && rest[0] != ' ' {
		return
	}
	name := string(bytes.TrimSpace(rest))
	number := 0
	for number < len(name) && digit(name[number]) {
		number++
	}
	numbered := number > 0 && (number == len(name) || name[number] == ' ')
	if numbered {
		name = strings.TrimSpace(name[number:])
	}
	dashed := strings.HasPrefix(name, "- ")
	name = strings.TrimSpace(strings.TrimPrefix(name, "- "))
	if !numbered && !dashed && !t.sure {
		return // "ok" as a word
	}
	name, directive := tapDirective(name)
	t.started = true
	inner := t.childFailed(l.indent)
	suite := t.suite(l.indent, name)
	runner := t.name()
	g := t.lane.s.log(runner)
	switch {
	case directive != "":
		g.Skipped++
		t.skipped++
	case good:
		g.Passed++
		t.passed++
		if step := g.index[key(suite, name)]; step != nil && t.stream > step.run {
			step.Recovered = true
		}
	case inner:
		t.mark(l.indent)
	default:
		if name == "" {
			name = "test point without a name"
		}
		step := t.lane.fail(runner, suite, name, l)
		step.run = t.stream
		t.last, t.depth, t.yaml = step, l.indent, false
		t.mark(l.indent)
	}
	if directive != "" || good {
		t.last = nil
	}
}

// tapDirective cuts "# TODO why" and "# SKIP why" off a name.
func tapDirective(name string) (string, string) {
	i := strings.LastIndex(name, "#")
	for i >= 0 {
		word := strings.ToUpper(strings.TrimSpace(name[i+1:]))
		if strings.HasPrefix(word, "SKIP") || strings.HasPrefix(word, "TODO") {
			return strings.TrimSpace(name[:i]), word[:4]
		}
		if strings.HasPrefix(word, "TIME=") { // node-tap: "name # time=12ms"
			name = strings.TrimSpace(name[:i])
		}
		i = strings.LastIndex(name[:i], "#")
	}
	return name, ""
}

// mark remembers that a test point failed at this depth.
func (t *tap) mark(indent int) {
	if len(t.open) < 100 {
		t.open = append(t.open, indent)
	}
}

// childFailed reports, and forgets, failures at a greater depth.
func (t *tap) childFailed(indent int) bool {
	found := false
	for len(t.open) > 0 && t.open[len(t.open)-1] > indent {
		t.open = t.open[:len(t.open)-1]
		found = true
	}
	return found
}

// suite is the path of the announced subtests around a test point.
func (t *tap) suite(indent int, name string) string {
	for len(t.names) > 0 && t.names[len(t.names)-1].indent > indent {
		t.names = t.names[:len(t.names)-1]
	}
	var path []string
	for _, n := range t.names {
		if n.indent < indent || n.name != name {
			path = append(path, n.name)
		}
	}
	if n := len(t.names); n > 0 && t.names[n-1].indent == indent {
		t.names = t.names[:n-1] // it ends here
	}
	if len(path) == 0 && indent == 0 {
		return t.comment
	}
	return strings.Join(path, " › ")
}

// remark is a comment: tape names its tests so, node-tap its subtests, bats
// explains.
func (t *tap) remark(l *ln, text string) {
	if name, ok := strings.CutPrefix(text, "Subtest: "); ok {
		for len(t.names) > 0 && t.names[len(t.names)-1].indent >= l.indent {
			t.names = t.names[:len(t.names)-1]
		}
		if len(t.names) < 100 {
			t.names = append(t.names, tapName{l.indent, name})
		}
		return
	}
	if !t.sure || l.indent > 0 || text == "" || strings.HasPrefix(text, "(") {
		return
	}
	word, _, _ := strings.Cut(text, " ")
	switch word {
	case "tests", "pass", "fail", "ok", "skip", "todo", "suites", "cancelled", "skipped", "duration_ms", "TODO", "SKIP", "failed":
		return
	}
	if t.runner == "" {
		t.comment = text
	}
}

// explain reads what stands behind a failed test point: a YAML block, bats'
// comments, or mocha's indented lines. It reports whether the line was of that.
func (t *tap) explain(l *ln) bool {
	b := l.body
	switch {
	case t.yaml:
		if string(b) == "..." && l.indent > t.depth {
			if t.where != "" {
				t.last.say([]byte("at " + t.where))
			}
			t.yaml, t.last = false, nil
			return true
		}
		if l.indent <= t.depth && len(b) > 0 {
			t.yaml, t.last = false, nil
			return false
		}
		t.explainYAML(string(b))
		return true
	case string(b) == "---" && l.indent > t.depth:
		t.yaml, t.stack, t.where = true, false, ""
		return true
	case len(b) > 0 && b[0] == '#' && l.indent == t.depth:
		text := bytes.TrimPrefix(b[1:], []byte{' '})
		if bytes.HasPrefix(text, []byte("(in test file ")) || bytes.HasPrefix(text, []byte("(from function ")) {
			t.becomeBats()
		} else if t.name() != RunnerBats {
			t.last = nil
			return false
		}
		t.last.say(bytes.TrimRight(text, " "))
		return true
	case l.indent > t.depth && len(b) > 0 && !bytes.HasPrefix(b, []byte("ok ")) && !bytes.HasPrefix(b, []byte("not ok")) && b[0] != '#':
		t.last.say(b)
		return true
	case len(b) == 0:
		return true
	}
	t.last = nil
	return false
}

// explainYAML keeps what a person wants of a block: not times, codes and stacks.
func (t *tap) explainYAML(line string) {
	field, value, _ := strings.Cut(line, ":")
	switch field {
	case "stack":
		t.stack = true
		return
	case "duration_ms", "failureType", "type", "code", "name", "generatedMessage":
		return
	case "location", "at":
		t.where = strings.Trim(strings.TrimSpace(value), "'")
		return
	case "error", "message":
		line = strings.Trim(strings.TrimSpace(value), "'\"|->")
	}
	if !t.stack && line != "" {
		t.last.say([]byte(line))
	}
}

// becomeBats moves what was taken for plain TAP to bats.
func (t *tap) becomeBats() {
	if t.runner == RunnerBats {
		return
	}
	t.runner, t.comment = RunnerBats, ""
	s := t.lane.s
	from, to := s.log(RunnerTAP), s.log(RunnerBats)
	from.Passed, to.Passed = from.Passed-t.passed, to.Passed+t.passed
	from.Skipped, to.Skipped = from.Skipped-t.skipped, to.Skipped+t.skipped
	for _, step := range append([]*Step{}, from.steps...) {
		if step.run != t.stream {
			continue
		}
		from.drop(step)
		step.Runner, step.Suite = RunnerBats, ""
		to.steps = append(to.steps, step)
		to.index[key("", step.Name)] = step
	}
}
