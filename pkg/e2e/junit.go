package e2e

import (
	"bytes"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// junit reads maven's surefire and gradle.
//
//	[ERROR] com.example.KernelTest.loads  Time elapsed: 0.02 s  <<< FAILURE!
//	loads(com.example.KernelTest)  Time elapsed: 0.02 sec  <<< ERROR!
//	com.example.KernelTest > loads() FAILED
//	> Task :e2e:test FAILED
//	* What went wrong:
type junit struct {
	lane  *lane
	step  *Step
	tests bool // gradle named a failing test
	task  string
	wrong bool // after "* What went wrong:"
}

var (
	surefireCase   = lazyregexp.New(`^(?:\[ERROR\] +)?([\w.$]+)\.([\w$]+(?:\[[^\]]*\]|\([^)]*\))?)\s+(?:--\s+)?Time elapsed: [\d.,]+ s(?:ec)?\s+<<< (?:FAILURE|ERROR)!`)
	surefireOld    = lazyregexp.New(`^(?:\[ERROR\] +)?([\w$]+(?:\[[^\]]*\])?)\(([\w.$]+)\)\s+(?:--\s+)?Time elapsed: [\d.,]+ s(?:ec)?\s+<<< (?:FAILURE|ERROR)!`)
	surefireTotals = lazyregexp.New(`^(?:\[\w+\] +)?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)$`)
	gradleCase     = lazyregexp.New(`^([\w.$]+(?: > [^>]+)*) > (.+?)(?:\(\))? FAILED$`)
	gradleTask     = lazyregexp.New(`^> Task (:\S+) FAILED$`)
)

func (j *junit) line(l *ln) {
	b := l.body
	if len(b) == 0 {
		if j.step != nil {
			j.step = nil
		}
		return
	}
	switch {
	case l.indent > 0:
	case b[len(b)-1] == '!' && bytes.Contains(b, []byte("<<< ")):
		if m := surefireCase().FindSubmatch(b); m != nil {
			j.step = j.lane.fail(RunnerJUnit, string(m[1]), string(m[2]), l)
			return
		}
		if m := surefireOld().FindSubmatch(b); m != nil {
			j.step = j.lane.fail(RunnerJUnit, string(m[2]), string(m[1]), l)
			return
		}
	case b[len(b)-1] == 'D' && bytes.HasSuffix(b, []byte(" FAILED")):
		if m := gradleTask().FindSubmatch(b); m != nil {
			j.task = string(m[1])
			return
		}
		if m := gradleCase().FindSubmatch(b); m != nil {
			j.tests = true
			j.step = j.lane.fail(RunnerGradle, string(m[1]), string(m[2]), l)
			return
		}
	case b[0] == '*' && string(b) == "* What went wrong:":
		j.wrong = true
		return
	case (b[0] == 'T' || b[0] == '[' && len(b) > 4 && (b[1] == 'E' || b[1] == 'W' || b[1] == 'I')) && bytes.Contains(b, []byte("Tests run: ")):
		if m := surefireTotals().FindSubmatch(b); m != nil {
			g := j.lane.s.log(RunnerJUnit)
			run, bad := atoi(string(m[1])), atoi(string(m[2]))+atoi(string(m[3]))+atoi(string(m[4]))
			g.Passed, g.Skipped = max(0, run-bad), atoi(string(m[4]))
		}
	}
	if j.wrong {
		j.wrong = false
		if !j.tests { // no test was named: the task itself is what failed
			name := "gradle"
			if j.task != "" {
				name = j.task
			}
			j.step = j.lane.fail(RunnerGradle, "", name, l)
		}
	}
	if j.step != nil {
		j.step.say(b)
	}
}
