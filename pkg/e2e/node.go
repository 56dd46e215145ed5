package e2e

import (
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// nodeSpec reads the spec reporter of node --test: "▶ suite" opens, "✔ name" and
// "✖ name" are verdicts, and a suite's own verdict follows its children at its
// indent. The failures are repeated at the end.
type nodeSpec struct {
	lane   *lane
	sure   bool // "▶" or an "ℹ tests" line was seen
	suites []tapName
	bad    []int // indents of failures whose parents are still open
	found  []*nodeStep
	passed int
	ended  bool // the repetition began
	step   *Step
}

type nodeStep struct {
	step *Step
	at   ln
}

var nodeTime = lazyregexp.New(` \([\d.]+ms\)`)

func (n *nodeSpec) line(l *ln) {
	b := l.body
	if len(b) == 0 {
		return
	}
	if b[0] != 0xe2 {
		if n.step != nil {
			n.step.say(b)
		}
		return
	}
	if n.ended {
		if _, ok := ticked(b, "▶"); !ok {
			return
		}
		n.ended = false // another run
	}
	if name, ok := ticked(b, "▶"); ok {
		n.step = nil
		n.sure = true
		n.leave(l.indent)
		if len(n.suites) < 100 {
			n.suites = append(n.suites, tapName{l.indent, nodeTime().ReplaceAllString(name, "")})
		}
		return
	}
	if name, ok := ticked(b, "ℹ"); ok {
		n.step = nil
		n.sure = n.sure || strings.HasPrefix(name, "tests ")
		return
	}
	if name, ok := ticked(b, "✔"); ok && nodeTime().MatchString(name) {
		n.step = nil
		n.leave(l.indent)
		n.passed++
		if n.sure {
			n.lane.pass(RunnerNode, n.path(), nodeTime().ReplaceAllString(name, ""))
			n.passed--
		}
		return
	}
	if name, ok := ticked(b, "✖"); ok {
		n.failed(l, name)
	}
}

func (n *nodeSpec) failed(l *ln, name string) {
	n.step = nil
	if name == "failing tests:" {
		n.ended = n.sure
		return
	}
	if !nodeTime().MatchString(name) {
		return
	}
	parent := false
	for len(n.bad) > 0 && n.bad[len(n.bad)-1] > l.indent {
		n.bad = n.bad[:len(n.bad)-1]
		parent = true
	}
	n.leave(l.indent)
	_, directive := tapDirective(name)
	if directive != "" {
		return
	}
	n.bad = append(n.bad, l.indent)
	if parent {
		return
	}
	title := nodeTime().ReplaceAllString(name, "")
	at := *l
	at.text, at.body = nil, nil
	step := &Step{Runner: RunnerNode, Suite: n.path(), Name: title, Stage: n.lane.stages.current()}
	step.Before = n.lane.s.last(l.number, n.lane.s.before)
	n.step = step
	if len(n.found) < maxFailures {
		n.found = append(n.found, &nodeStep{step, at})
	}
}

// leave closes the suites that end at an indent.
func (n *nodeSpec) leave(indent int) {
	for len(n.suites) > 0 && n.suites[len(n.suites)-1].indent >= indent {
		n.suites = n.suites[:len(n.suites)-1]
	}
}

func (n *nodeSpec) path() string {
	names := make([]string, len(n.suites))
	for i, s := range n.suites {
		names[i] = s.name
	}
	return strings.Join(names, " › ")
}

// finish records what was found, if anything proved that it was node's.
func (n *nodeSpec) finish() {
	if !n.sure {
		return
	}
	n.lane.s.log(RunnerNode).Passed += n.passed
	for _, f := range n.found {
		s := n.lane.fail(RunnerNode, f.step.Suite, f.step.Name, &f.at)
		if s.Message == "" {
			s.Message = f.step.Message
		}
		s.Stage, s.Before = f.step.Stage, f.step.Before
	}
}
