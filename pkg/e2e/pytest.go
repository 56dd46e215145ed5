package e2e

import (
	"bytes"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// pytest reads pytest's sections: "=== FAILURES ===" with a block "___ name ___"
// for each failure, and "FAILED file::name - why" in the short summary, which
// has the full names. With -v each test has a line of its own.
type pytest struct {
	lane  *lane
	sure  bool
	bad   bool // inside FAILURES or ERRORS
	step  *Step
	local []*Step // found in blocks, to be named by the summary
}

var (
	pytestSection = lazyregexp.New(`^={3,} (.+?) ={3,}$`)
	pytestBlock   = lazyregexp.New(`^_{3,} (.+?) _{3,}$`)
	pytestShort   = lazyregexp.New(`^(FAILED|ERROR) (\S+\.py(?:::[^ ].*?)?)(?: - (.*))?$`)
	pytestVerbose = lazyregexp.New(`^(\S+\.py::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS|RERUN)(?: .*)?(?: +\[ *\d+%\])?$`)
	pytestSums    = lazyregexp.New(`(\d+) (passed|failed|skipped|xfailed|xpassed|errors?)`)
)

func (p *pytest) line(l *ln) {
	b := l.body
	if len(b) < 3 {
		return
	}
	switch {
	case b[0] == '=' && b[1] == '=':
		if m := pytestSection().FindSubmatch(b); m != nil {
			p.section(string(m[1]))
			return
		}
	case !p.sure && !p.bad:
		return
	case b[0] == '_' && b[1] == '_' && p.bad:
		if m := pytestBlock().FindSubmatch(b); m != nil {
			p.block(l, string(m[1]))
			return
		}
	case b[0] == 'F' || b[0] == 'E' && b[1] == 'R':
		if m := pytestShort().FindSubmatch(b); m != nil && l.indent == 0 {
			p.short(l, string(m[2]), string(m[3]))
			return
		}
	}
	if !p.sure {
		return
	}
	if p.step != nil {
		if b[0] == 'E' && b[1] == ' ' {
			p.step.say(bytes.TrimSpace(b[1:]))
		}
		return
	}
	if bytes.Contains(b, []byte(".py::")) {
		if m := pytestVerbose().FindSubmatch(b); m != nil {
			p.verbose(l, string(m[1]), string(m[2]))
		}
	}
}

func (p *pytest) section(title string) {
	p.step = nil
	switch {
	case title == "test session starts":
		p.sure, p.bad = true, false
		p.local = nil
	case title == "FAILURES" || title == "ERRORS":
		p.bad = true // with -q nothing stands in front of it
	case p.sure && pytestSums().MatchString(title):
		p.bad = false
		g := p.lane.s.log(RunnerPytest)
		for _, m := range pytestSums().FindAllStringSubmatch(title, -1) {
			switch m[2] {
			case "passed", "xpassed":
				g.Passed += atoi(m[1])
			case "skipped", "xfailed":
				g.Skipped += atoi(m[1])
			}
		}
	default:
		p.bad = false
	}
}

func pytestID(id string) (suite, name string) {
	file, name, ok := strings.Cut(id, "::")
	if !ok {
		return id, "collecting the file"
	}
	return file, strings.ReplaceAll(name, "::", ".")
}

func (p *pytest) verbose(l *ln, id, verdict string) {
	suite, name := pytestID(id)
	g := p.lane.s.log(RunnerPytest)
	switch verdict {
	case "FAILED", "ERROR":
		step := p.lane.fail(RunnerPytest, suite, name, l)
		p.local = append(p.local, step)
	case "PASSED":
		if step := g.index[key(suite, name)]; step != nil {
			step.Recovered = true // the sum line counts it
		}
	case "RERUN":
		step := p.lane.fail(RunnerPytest, suite, name, l)
		step.Recovered = true // until the last verdict says otherwise
	}
}

// block is "___ TestX.test_y[param] ___", or "ERROR at setup of test_y".
func (p *pytest) block(l *ln, title string) {
	for _, lead := range []string{"ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "} {
		title = strings.TrimPrefix(title, lead)
	}
	for _, s := range p.local { // a verdict of -v named it already
		if s.Name == title && s.Message == "" || strings.HasSuffix(title, ".py") && s.Suite == title {
			p.step = s
			return
		}
	}
	suite, name := "", title
	if strings.HasSuffix(title, ".py") {
		suite, name = title, "collecting the file"
	}
	p.sure = true
	p.step = p.lane.fail(RunnerPytest, suite, name, l)
	p.local = append(p.local, p.step)
}

func (p *pytest) short(l *ln, id, why string) {
	suite, name := pytestID(id)
	g := p.lane.s.log(RunnerPytest)
	if g.index[key(suite, name)] != nil {
		return
	}
	for _, s := range p.local {
		if s.Suite == "" && s.Name == name {
			g.rename(s, suite, name)
			return
		}
	}
	step := p.lane.fail(RunnerPytest, suite, name, l)
	step.say([]byte(why))
}
