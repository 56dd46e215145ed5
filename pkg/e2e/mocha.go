package e2e

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// mocha reads mocha's spec reporter: a tree in which a failing test is "1) name"
// and a passing one has a tick, then "N failing" and the failures again, by the
// same numbers, with their full paths and errors.
type mocha struct {
	lane    *lane
	run     int
	ticks   int // passing tests of this run
	pending []mochaTest
	listing bool // inside the failures after "N failing"
	number  int  // of the failure that is being read
	total   int  // how many there are
	path    []string
	named   bool  // its path is whole
	step    *Step // it
}

// mochaTest is a "1) name" in the tree, which may be a list in some text until
// the summary confirms it.
type mochaTest struct {
	number int
	step   Step
	at     ln
}

var (
	mochaItem    = lazyregexp.New(`^(\d{1,5})\) (\S.*)$`)
	mochaSummary = lazyregexp.New(`^(\d+) (passing|failing|pending)(?: \([0-9a-z]+\))?$`)
	mochaTime    = lazyregexp.New(` \(\d+m?s\)$`)
)

func (m *mocha) line(l *ln) {
	b := l.body
	if m.listing {
		m.detail(l)
		return
	}
	if len(b) == 0 || l.indent < 1 {
		return
	}
	switch {
	case digit(b[0]):
		if i := bytes.IndexByte(b, ')'); i > 0 && i < 6 && l.indent >= 2 {
			m.item(l)
		} else if g := mochaSummary().FindSubmatch(b); g != nil {
			m.summary(string(g[1]), string(g[2]))
		}
	case b[0] == 0xe2: // ticks are E2 9C 93, E2 9C 94, E2 88 9A
		if _, ok := ticked(b, "✓", "✔", "√"); ok && l.indent >= 2 {
			m.ticks++
		}
	}
}

// ticked cuts one of the marks and a blank off the beginning of b.
func ticked(b []byte, marks ...string) (string, bool) {
	for _, mark := range marks {
		if rest, ok := bytes.CutPrefix(b, []byte(mark)); ok && len(rest) > 1 && rest[0] == ' ' {
			return string(bytes.TrimSpace(rest)), true
		}
	}
	return "", false
}

func (m *mocha) item(l *ln) {
	g := mochaItem().FindSubmatch(l.body)
	if g == nil || len(m.pending) >= maxFailures {
		return
	}
	n, err := strconv.Atoi(string(g[1]))
	if err != nil || n != len(m.pending)+1 {
		return
	}
	at := *l
	at.text, at.body = nil, nil
	step := Step{Name: mochaTime().ReplaceAllString(string(g[2]), ""), Stage: m.lane.stages.current()}
	step.Before = m.lane.s.last(l.number, m.lane.s.before)
	m.pending = append(m.pending, mochaTest{number: n, step: step, at: at})
}

func (m *mocha) summary(count, word string) {
	n, _ := strconv.Atoi(count)
	g := m.lane.s.log(RunnerMocha)
	switch word {
	case "passing":
		g.Passed += n
		m.run++
	case "pending":
		g.Skipped += n
	case "failing":
		m.listing, m.number, m.total = true, 0, n
	}
}

// detail reads the list of failures:
//
//  1. suite
//     inner suite
//     name:
//     Error: ...
func (m *mocha) detail(l *ln) {
	b := l.body
	if len(b) == 0 {
		return
	}
	if g := mochaItem().FindSubmatch(b); g != nil && l.indent >= 1 && l.indent <= 4 {
		if n, err := strconv.Atoi(string(g[1])); err == nil && n == m.number+1 {
			m.number, m.named = n, false
			m.path = append(m.path[:0], string(g[2]))
			m.step = nil
			if name, ok := strings.CutSuffix(string(g[2]), ":"); ok {
				m.path[0] = name
				m.fail(l)
			}
			return
		}
	}
	switch {
	case l.indent == 0 && m.number >= m.total:
		m.end() // mocha indents the list, but for what an error's own text holds
	case m.number == 0:
	case !m.named:
		text := string(b)
		name, last := strings.CutSuffix(text, ":")
		m.path = append(m.path, name)
		if last || len(m.path) > 20 {
			m.fail(l)
		}
	case m.step != nil:
		m.step.say(b)
	}
}

func (m *mocha) fail(l *ln) {
	m.named = true
	at, pending := *l, (*mochaTest)(nil)
	if m.number <= len(m.pending) {
		pending = &m.pending[m.number-1]
		at = pending.at
	}
	n := len(m.path) - 1
	m.step = m.lane.fail(RunnerMocha, strings.Join(m.path[:n], " › "), m.path[n], &at)
	m.step.run = m.run
	if pending != nil {
		m.step.Stage, m.step.Before = pending.step.Stage, pending.step.Before
	}
}

// end closes a run.
func (m *mocha) end() {
	m.listing, m.step, m.number, m.ticks = false, nil, 0, 0
	m.pending = m.pending[:0]
}

// finish reports the tree's failures when the run was cut before its summary:
// ticks beside them make sure that they are mocha's.
func (m *mocha) finish() {
	if m.listing || m.ticks == 0 {
		return
	}
	for _, p := range m.pending {
		s := m.lane.fail(RunnerMocha, "", p.step.Name, &p.at)
		s.Stage, s.Before = p.step.Stage, p.step.Before
	}
}
