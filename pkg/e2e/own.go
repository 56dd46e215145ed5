package e2e

import (
	"bytes"
	"strings"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// jenkinsOwn reads what Jenkins and its pipeline say themselves. Its failures
// count only when no test speaks.
type jenkinsOwn struct {
	lane    *lane
	command string // the last "+ command" of a shell step
	at      ln
	stage   string // where it ran; the error comes after the stages were closed
	said    []ContextLine
	closed  bool // said holds the command's last lines
	frozen  bool // a stage was skipped: the command that failed is behind us
	post    bool // what runs now is what always runs, in postStage
	postIn  string
	open    *Step // whose message may go on
}

const (
	saidLines   = 6 // of a command's output, in front of its error
	moreLines   = 8 // of an error of Jenkins' own
	postActions = "Declarative: Post Actions"
)

// after are the words that an error of Jenkins' own goes on with.
var after = [][]byte{[]byte("stdout:"), []byte("stderr:"), []byte("fatal:"), []byte("error:"), []byte("Caused by:"), []byte("WorkflowScript:")}

// pipeline is told of the pipeline's own lines: the first one after a command
// comes when that has ended.
func (o *jenkinsOwn) pipeline(number int) {
	o.open = nil
	if o.command == "" || o.closed {
		return
	}
	o.closed = true
	o.said = o.lane.saidSince(o.at.number, number)
	if m := o.lane.s.mark(o.stage); m != nil && m.CommandLine == o.at.number {
		m.said = o.said
	}
}

// ran notes a command, unless it is one that runs after the failure, whatever
// happened.
func (o *jenkinsOwn) ran(l *ln) {
	stage := o.lane.stages.current()
	if o.post && stage != o.postIn {
		o.post = false
	}
	if o.command != "" && (o.frozen || o.post || stage == postActions) {
		return
	}
	o.command = string(l.body[2:min(len(l.body), 300)])
	o.at = *l
	o.at.text, o.at.body = nil, nil
	o.stage, o.closed, o.said = stage, false, nil
	if m := o.lane.s.mark(stage); m != nil {
		m.Command, m.CommandLine, m.said = o.command, l.number, nil
	}
}

// mark is the newest mark of a stage.
func (s *scanner) mark(stage string) *StageMark {
	for i := len(s.report.Stages) - 1; i >= 0 && stage != ""; i-- {
		if s.report.Stages[i].Name == stage {
			return &s.report.Stages[i]
		}
	}
	return nil
}

// goesOn adds a line to the message of an error, and reports whether it was one
// of it.
func (o *jenkinsOwn) goesOn(l *ln) bool {
	if len(l.body) == 0 || bytes.HasPrefix(l.body, []byte("at ")) {
		o.open = nil
		return false
	}
	for _, a := range after {
		if bytes.HasPrefix(l.body, a) {
			o.open.say(l.body)
			if o.open.owedMessage--; o.open.owedMessage <= 0 {
				o.open = nil
			}
			return true
		}
	}
	return false
}

// saidSince are the last lines that the lane said between two others.
func (l *lane) saidSince(from, to int) []ContextLine {
	out := []ContextLine{}
	for _, c := range l.s.last(to, min(tailSize, to-from-1)) {
		c.Text = string(withoutTime([]byte(c.Text)))
		if l.branch != "" {
			text, mine := strings.CutPrefix(c.Text, "["+l.branch+"] ")
			if !mine {
				continue // another branch's
			}
			c.Text = text
		}
		out = append(out, c)
	}
	return out[max(0, len(out)-saidLines):]
}

func messageOf(said []ContextLine, last []byte) string {
	out := ""
	for _, l := range said {
		out += l.Text + "\n"
	}
	return clip(out+string(last), maxMessage)
}

var (
	ownExit    = lazyregexp.New(`^(?:ERROR: )?script returned exit code (\d+)$`)
	ownStep    = lazyregexp.New(`^Build step '(.+)' marked build as (?:failure|unstable)$`)
	ownAborted = lazyregexp.New(`^(?:Aborted by .+|Cancelling nested steps due to timeout|Timeout set to expire.*has been exceeded|Build timed out \(after .*|Click here to forcibly (?:kill entire build|terminate running steps).*|Sending interrupt signal to process|Build was aborted)$`)
	ownSkipped = lazyregexp.New(`^Stage ".+" skipped due to earlier failure\(s\)$`)
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
	if o.open != nil && o.goesOn(l) {
		return
	}
	b := l.body
	if len(b) < 4 || l.indent > 0 {
		return
	}
	switch b[0] {
	case '+':
		if b[1] == ' ' {
			o.ran(l)
		}
		return
	case 'P':
		if string(b) == "Post stage" {
			o.post, o.postIn = true, o.lane.stages.current()
		}
		return
	case 'F':
		if m := ownResult().FindSubmatch(b); m != nil {
			o.lane.s.ended(string(m[1]), l.number)
			return
		}
	case 'A', 'C', 'T', 'S':
		if ownSkipped().Match(b) {
			o.frozen = true
			return
		}
		if ownBegins(b) && ownAborted().Match(b) {
			o.lane.s.aborted(string(b))
			return
		}
	case 'B':
		if m := ownStep().FindSubmatch(b); m != nil {
			s := o.lane.fail(RunnerJenkins, "", "build step: "+string(m[1]), l)
			if s.Message == "" {
				s.Message = messageOf(o.lane.saidSince(o.at.number, l.number), b)
			}
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
			o.pipeline(l.number)
			s.Message = messageOf(o.said, b)
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
				s.owedMessage, o.open = moreLines, s
			}
			return
		}
	}
}
