package e2e

import (
	"bytes"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// jenkinsOwn reads what Jenkins and its pipeline say themselves. Its failures
// count only when no test speaks.
type jenkinsOwn struct {
	lane    *lane
	command string // the last "+ command" of a shell step
	at      ln
	stage   string // where it ran; the error comes after the stages were closed
}

var (
	ownExit    = lazyregexp.New(`^(?:ERROR: )?script returned exit code (\d+)$`)
	ownStep    = lazyregexp.New(`^Build step '(.+)' marked build as (?:failure|unstable)$`)
	ownAborted = lazyregexp.New(`^(?:Aborted by .+|Cancelling nested steps due to timeout|Timeout set to expire.*has been exceeded|Build timed out \(after .*|Click here to forcibly (?:kill entire build|terminate running steps).*|Sending interrupt signal to process|Build was aborted)$`)
	ownResult  = lazyregexp.New(`^Finished: (\S+)$`)
	ownTrouble = [][]byte{[]byte("ERROR: "), []byte("FATAL: "), []byte("hudson.AbortException: "), []byte("java.io.IOException: "),
		[]byte("java.lang."), []byte("java.nio."), []byte("hudson.remoting."), []byte("groovy.lang."), []byte("org.jenkinsci.plugins."), []byte("WorkflowScript: "), []byte("org.codehaus.groovy.")}
)

// ownBegins is a quick look at what ownAborted may match.
func ownBegins(b []byte) bool {
	switch string(b[:4]) {
	case "Abor", "Canc", "Time", "Buil", "Clic", "Send":
		return true
	}
	return false
}

func (o *jenkinsOwn) line(l *ln) {
	b := l.body
	if len(b) < 4 || l.indent > 0 {
		return
	}
	switch b[0] {
	case '+':
		if b[1] == ' ' {
			o.command = string(b[2:min(len(b), 300)])
			o.at = *l
			o.at.text, o.at.body = nil, nil
			o.stage = o.lane.stages.current()
		}
		return
	case 'F':
		if m := ownResult().FindSubmatch(b); m != nil {
			o.lane.s.ended(string(m[1]), l.number)
			return
		}
	case 'A', 'C', 'T', 'S':
		if ownBegins(b) && ownAborted().Match(b) {
			o.lane.s.aborted(string(b))
			return
		}
	case 'B':
		if m := ownStep().FindSubmatch(b); m != nil {
			s := o.lane.fail(RunnerJenkins, "", "build step: "+string(m[1]), l)
			s.say(b)
			return
		}
		if ownBegins(b) && ownAborted().Match(b) {
			o.lane.s.aborted(string(b))
			return
		}
	}
	switch b[0] {
	case 'E', 'F', 'h', 'j', 'g', 'o', 'W', 's':
	default:
		return
	}
	if m := ownExit().FindSubmatch(b); m != nil {
		name := "a shell step"
		if o.command != "" {
			name = o.command
		}
		s := o.lane.fail(RunnerJenkins, "", name, l)
		if s.Line == l.number {
			s.say(b)
			if o.command != "" {
				s.Begin, s.Stage = o.at.number, o.stage
			}
		}
		return
	}
	for _, mark := range ownTrouble {
		if bytes.HasPrefix(b, mark) {
			s := o.lane.fail(RunnerJenkins, "", string(b[:min(len(b), 300)]), l)
			if s.Line == l.number {
				s.say(b)
			}
			return
		}
	}
}
