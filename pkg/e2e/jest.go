package e2e

import (
	"bytes"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// jest reads jest's default and verbose reporters: "FAIL file", ticks and
// crosses under --verbose, and a block "● suite › name" for each failure, which
// is the same with and without --verbose and so is what counts.
type jest struct {
	lane    *lane
	file    string
	failing bool // the file's verdict was FAIL
	crosses []jestCross
	retries []*Step // failures that were tried again, before their file is known
	step    *Step
	count   bool // a file was seen
}

// jestCross is a "✕ name" whose block is to come.
type jestCross struct {
	name string
	at   ln
}

var (
	jestFile  = lazyregexp.New(`^(PASS|FAIL) +(\S+\.(?:[cm]?[jt]sx?|coffee|vue|snap))(?: \([\d.]+ m?s\))?$`)
	jestTests = lazyregexp.New(`^Tests: +(.*\d+ total)$`)
	jestNum   = lazyregexp.New(`(\d+) (passed|skipped|todo|failed)`)
	jestFrame = lazyregexp.New(`^(?:> *)?\d* *\|`) // source around an error
	jestTime  = lazyregexp.New(` \([\d.]+ m?s\)$`)
)

func (j *jest) line(l *ln) {
	b := l.body
	if len(b) < 4 {
		return
	}
	switch b[0] {
	case 'P', 'F':
		if l.indent > 1 || string(b[:4]) != "PASS" && string(b[:4]) != "FAIL" {
			break
		}
		if g := jestFile().FindSubmatch(b); g != nil {
			j.begin(string(g[2]), string(g[1]) == "FAIL")
			return
		}
	case 'T':
		if l.indent == 0 && j.count {
			if g := jestTests().FindSubmatch(b); g != nil {
				j.summary(string(g[1]))
				return
			}
			if bytes.HasPrefix(b, []byte("Test Suites:")) {
				j.step = nil
				return
			}
		}
	case 'L':
		if name, ok := bytes.CutPrefix(b, []byte("LOGGING RETRY ERRORS ")); ok {
			j.retried(l, string(bytes.TrimSpace(name)))
			return
		}
	case 'S':
		if bytes.HasPrefix(b, []byte("Summary of all failing tests")) {
			j.step = nil
			return
		}
	case 0xe2:
		if !j.count {
			return
		}
		if name, ok := ticked(b, "✕", "×"); ok && l.indent >= 2 {
			at := *l
			at.text, at.body = nil, nil
			if len(j.crosses) < maxTracked {
				j.crosses = append(j.crosses, jestCross{jestTime().ReplaceAllString(name, ""), at})
			}
			return
		}
		if name, ok := ticked(b, "●"); ok && l.indent == 2 && j.failing {
			j.block(l, name)
			return
		}
	}
	if j.step != nil && l.indent >= 4 && !jestFrame().Match(b) {
		j.step.say(b)
	}
}

func (j *jest) begin(file string, failing bool) {
	g := j.lane.s.log(RunnerJest)
	if !failing { // a file that passes after all
		for _, s := range g.steps {
			if s.Suite == file || strings.HasPrefix(s.Suite, file+" › ") {
				s.Recovered = true
			}
		}
	}
	for _, s := range j.retries {
		suite, name := jestTitle(file, s.Name)
		g.rename(s, suite, name)
	}
	j.retries = nil
	j.file, j.failing, j.count, j.step = file, failing, true, nil
	j.crosses = j.crosses[:0]
}

func (j *jest) block(l *ln, title string) {
	j.step = nil
	if title == "Console" {
		return
	}
	suite, name := jestTitle(j.file, title)
	at := l
	for i := range j.crosses {
		if j.crosses[i].name == name {
			at = &j.crosses[i].at
			j.crosses[i].name = ""
			break
		}
	}
	step := j.lane.fail(RunnerJest, suite, name, at)
	if step.Message == "" { // not its repetition in the summary
		j.step = step
	}
}

// retried is a failure that jest tries again: bad only if a block follows. The
// file is told later.
func (j *jest) retried(l *ln, title string) {
	j.step = nil
	step := j.lane.fail(RunnerJest, pendingSuite, title, l)
	step.Recovered = true
	j.retries = append(j.retries, step)
}

func (j *jest) summary(text string) {
	g := j.lane.s.log(RunnerJest)
	for _, m := range jestNum().FindAllStringSubmatch(text, -1) {
		switch m[2] {
		case "passed":
			g.Passed += atoi(m[1])
		case "skipped", "todo":
			g.Skipped += atoi(m[1])
		}
	}
	j.step = nil
}

// jestTitle splits "suite › inner › name".
func jestTitle(file, title string) (suite, name string) {
	if i := strings.LastIndex(title, " › "); i >= 0 {
		return file + " › " + title[:i], title[i+len(" › "):]
	}
	return file, title
}

// finish reports crosses whose blocks never came.
func (j *jest) finish() {
	for _, s := range j.retries {
		j.lane.s.log(RunnerJest).rename(s, j.file, s.Name)
	}
	if !j.failing {
		return
	}
	for i := range j.crosses {
		if c := &j.crosses[i]; c.name != "" {
			j.lane.fail(RunnerJest, j.file, c.name, &c.at)
		}
	}
}

// atoi reads a number that a regexp has checked.
func atoi(s string) int {
	n := 0
	for i := 0; i < len(s) && n < 1<<40; i++ {
		n = n*10 + int(s[i]-'0')
	}
	return n
}
