package e2e

import (
	"bytes"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// batsPretty reads bats' output for terminals: " ✓ name", " ✗ name" with the
// place and the output behind it, and "N tests, M failures". Its TAP form is
// read by tap.
type batsPretty struct {
	lane *lane
	file string
	step *Step
}

var batsFile = lazyregexp.New(`^\S+\.bats$`)

func (p *batsPretty) line(l *ln) {
	b := l.body
	if len(b) == 0 {
		return
	}
	if l.indent == 0 && len(b) < 300 && b[len(b)-1] == 's' && bytes.HasSuffix(b, []byte(".bats")) && batsFile().Match(b) {
		p.file, p.step = string(b), nil
		return
	}
	if p.file == "" {
		return
	}
	if b[0] == 0xe2 && l.indent <= 1 {
		if name, ok := ticked(b, "✓"); ok {
			p.step = nil
			p.lane.pass(RunnerBats, p.file, name)
		} else if name, ok := ticked(b, "✗"); ok {
			p.step = p.lane.fail(RunnerBats, p.file, name, l)
		}
		return
	}
	switch {
	case p.step != nil && l.indent >= 3:
		p.step.say(b)
	case p.step != nil && l.indent < 3:
		p.step = nil
	}
}
