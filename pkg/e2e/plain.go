package e2e

import (
	"bytes"
	"strings"
)

// plain reads home-made verdicts: a word for bad in brackets in front of or
// behind a name, or behind dots. A word alone proves nothing, so a shape counts
// only when at least three lines of the same shape say something good.
type plain struct {
	lane  *lane
	good  map[string]int // by shape
	found []plainStep
	suite string // leviathan's last word
}

type plainStep struct {
	shape, name string
	at          ln
	before      []ContextLine
	stage       string
}

// siblings is how many good lines of a shape make its bad ones believable.
const siblings = 3

func (p *plain) line(l *ln) {
	b := l.body
	n := len(b)
	if n < 6 || n > 400 {
		return
	}
	switch {
	case b[0] == '[': // [FAIL] name, [  FAILED  ] Suite.name
		if end := bytes.IndexByte(b[:min(n, 16)], ']'); end > 1 && end+1 < n && !digit(b[end-1]) {
			p.take(l, "[word] name", b[1:end], b[end+1:])
		}
	case b[n-1] == ']': // name ... [FAIL]
		if open := bytes.LastIndexByte(b, '['); open > 0 && n-open <= 14 {
			p.take(l, "name [word]", b[open+1:n-1], b[:open])
		}
	case b[n-1] == 'D' || b[n-1] == 'L' || b[n-1] == 'S' || b[n-1] == 'K' || b[n-1] == 'd' || b[n-1] == 'k': // name ... FAILED
		at := max(0, n-12)
		if i := bytes.LastIndex(b[at:], []byte("...")); i >= 0 && at+i > 0 {
			p.take(l, "name ... word", b[at+i+3:], b[:at+i])
		}
	case b[0] == 'F' && bytes.HasPrefix(b, []byte("FAIL: ")), b[0] == 'P' && bytes.HasPrefix(b, []byte("PASS: ")): // automake, dotted Robot
		p.take(l, "word: name", b[:4], b[6:])
	case b[0] == 'T' && bytes.HasPrefix(b, []byte("Test suite has exited with: ")):
		p.suite = string(b[len("Test suite has exited with: "):])
	}
}

// verdictOf reads a word of a verdict: 1 is good, -1 is bad, 0 is none.
func verdictOf(word []byte) int {
	switch string(word) {
	case "PASS", "PASSED", "OK", "SUCCESS", "Pass", "Passed", "Ok", "Success", "pass", "passed", "ok", "success":
		return 1
	case "FAIL", "FAILED", "KO", "NOK", "Fail", "Failed", "fail", "failed":
		return -1
	}
	return 0
}

func (p *plain) take(l *ln, shape string, word, name []byte) {
	verdict := verdictOf(bytes.TrimSpace(word))
	if verdict == 0 {
		return
	}
	title := strings.Trim(string(name), " \t.:")
	switch {
	case title == "":
	case verdict > 0:
		if p.good == nil {
			p.good = map[string]int{}
		}
		p.good[shape]++
		if len(p.found) > 0 {
			p.recovered(title)
		}
	case len(p.found) < maxFailures:
		at := *l
		at.text, at.body = nil, nil
		p.found = append(p.found, plainStep{shape, title, at, p.lane.s.last(l.number, p.lane.s.before), p.lane.stages.current()})
	}
}

// recovered forgets failures of a name that is good now.
func (p *plain) recovered(name string) {
	for i := range p.found {
		if p.found[i].name == name {
			p.found[i].shape = "" // counts no more
		}
	}
}

func (p *plain) finish() {
	for _, f := range p.found {
		if f.shape == "" || p.good[f.shape] < siblings && f.shape != "word: name" {
			continue
		}
		s := p.lane.fail(RunnerPlain, "", f.name, &f.at)
		s.Stage, s.Before = f.stage, f.before
	}
	for _, n := range p.good {
		p.lane.s.log(RunnerPlain).Passed += n
	}
}
