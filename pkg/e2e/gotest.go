package e2e

import (
	"bytes"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// goTest reads go test with and without -v. A parent's FAIL stands in front of
// its subtests' and is left out when one of those follows; the package is told
// only at its end.
type goTest struct {
	lane     *lane
	found    []*Step           // failures of the package under way
	passed   map[string]bool   // names that passed in it and had failed elsewhere
	step     *Step             // whose output follows
	indent   int               // of its verdict
	outputs  map[string][]byte // -v: what a test logged in front of its verdict, by test
	running  string            // -v: the test that logs now
	panicked *Step
}

var (
	goVerdict = lazyregexp.New(`^--- (FAIL|PASS|SKIP): (\S+) \(\d+\.\d+s\)$`)
	goPackage = lazyregexp.New(`^(FAIL|ok  )\t(\S+)(?:\s+(.*))?$`)
	goRunning = lazyregexp.New(`^(\S+) \(\d[\dhms.]*\)$`)
)

const maxOutputs = 1000

// busy reports that every line may matter.
func (g *goTest) busy() bool { return g.step != nil || g.panicked != nil || g.running != "" }

func (g *goTest) line(l *ln) {
	b := l.body
	if len(b) == 0 {
		return
	}
	switch b[0] {
	case '-':
		if m := goVerdict().FindSubmatch(b); m != nil {
			g.verdict(l, string(m[1]), string(m[2]))
			return
		}
	case '=':
		if rest, ok := bytes.CutPrefix(b, []byte("=== ")); ok && l.indent == 0 {
			word, name, _ := bytes.Cut(rest, []byte{' '})
			switch string(word) {
			case "RUN", "CONT", "NAME":
				g.running, g.step = string(bytes.TrimSpace(name)), nil
				return
			}
		}
	case 'F', 'o':
		if l.indent == 0 && bytes.IndexByte(b, '\t') > 0 {
			if m := goPackage().FindSubmatch(b); m != nil {
				g.end(l, string(m[1]) == "FAIL", string(m[2]), string(m[3]))
				return
			}
		}
	case 'p':
		if l.indent == 0 && bytes.HasPrefix(b, []byte("panic: ")) {
			g.panics(l)
			return
		}
	}
	switch {
	case g.panicked != nil:
		g.afterPanic(l)
	case g.step != nil && l.indent > g.indent:
		g.step.say(b)
	case g.step != nil:
		g.step = nil
	case g.running != "" && l.indent >= 4 && bytes.Contains(b, []byte(".go:")) || g.running != "" && l.indent >= 8:
		if g.outputs == nil {
			g.outputs = map[string][]byte{}
		}
		if o := g.outputs[g.running]; len(g.outputs) < maxOutputs && len(o)+len(b) < maxMessage {
			if len(o) > 0 {
				o = append(o, '\n')
			}
			g.outputs[g.running] = append(o, b...)
		}
	}
}

func (g *goTest) verdict(l *ln, verdict, name string) {
	g.step = nil
	log := g.lane.s.log(RunnerGo)
	switch verdict {
	case "SKIP":
		log.Skipped++
	case "PASS":
		log.Passed++
		if len(log.steps) > 0 && len(g.passed) < maxTracked {
			if g.passed == nil {
				g.passed = map[string]bool{}
			}
			g.passed[name] = true
		}
	case "FAIL":
		if n := len(g.found); n > 0 { // the parent's verdict said the same
			if parent := g.found[n-1]; strings.HasPrefix(name, parent.Name+"/") && parent.Message == "" {
				g.found = g.found[:n-1]
				log.drop(parent)
			}
		}
		// The package is not known yet: a name of its own keeps it apart.
		step := g.lane.fail(RunnerGo, pendingSuite, name, l)
		if o := g.outputs[name]; len(o) > 0 {
			step.Message = string(o)
		}
		g.found = append(g.found, step)
		g.step, g.indent = step, l.indent
	}
	delete(g.outputs, name)
	if g.running == name {
		g.running = ""
	}
}

// pendingSuite stands for a package that has not been told yet.
const pendingSuite = "\x01"

func (g *goTest) panics(l *ln) {
	if g.step != nil { // --- FAIL came first: this is why
		g.step.say(l.body)
		g.panicked, g.step = g.step, nil
		return
	}
	var name string
	if bytes.Contains(l.body, []byte("test timed out after")) {
		name = "test timed out"
	} else if g.running == "" {
		return // some program's panic; the package's verdict would make it ours
	} else {
		name = g.running
	}
	step := g.lane.fail(RunnerGo, pendingSuite, name, l)
	step.say(l.body)
	g.found = append(g.found, step)
	g.panicked = step
}

// afterPanic looks for the test that hung; the rest is goroutines.
func (g *goTest) afterPanic(l *ln) {
	if m := goRunning().FindSubmatch(l.body); m != nil && l.indent >= 2 && g.panicked.Name == "test timed out" {
		g.lane.s.log(RunnerGo).rename(g.panicked, g.panicked.Suite, string(m[1]))
		return
	}
	if bytes.HasPrefix(l.body, []byte("exit status")) {
		g.panicked = nil
	}
}

// end is a package's own verdict.
func (g *goTest) end(l *ln, failed bool, pkg, rest string) {
	log := g.lane.s.log(RunnerGo)
	for _, step := range g.found {
		if old := log.index[key(pkg, step.Name)]; old != nil && old != step {
			old.Recovered = false // it failed again
			log.drop(step)
			continue
		}
		log.rename(step, pkg, step.Name)
	}
	for name := range g.passed {
		if old := log.index[key(pkg, name)]; old != nil && !contains(g.found, old) {
			old.Recovered = true
		}
	}
	if failed && len(g.found) == 0 {
		step := g.lane.fail(RunnerGo, pkg, "the package", l)
		step.Message = strings.Trim(rest, "[]")
	}
	if !failed {
		if old := log.index[key(pkg, "the package")]; old != nil {
			old.Recovered = true
		}
		if len(g.passed) == 0 { // without -v passes are not listed
			for _, old := range log.steps {
				if old.Suite == pkg {
					old.Recovered = true
				}
			}
		}
	}
	g.found, g.passed, g.step, g.panicked, g.running = nil, nil, nil, nil, ""
	g.outputs = nil
}

func contains(steps []*Step, s *Step) bool {
	for _, k := range steps {
		if k == s {
			return true
		}
	}
	return false
}

// finish takes what a package said that never ended.
func (g *goTest) finish() {
	for _, step := range g.found {
		g.lane.s.log(RunnerGo).rename(step, "", step.Name)
	}
}
