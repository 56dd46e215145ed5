package deploy

import (
	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/pkg/deploy"
)

// lines tells on stderr how far a deployment is: a line for each change of state,
// and on a terminal one that moves in between.
type lines struct {
	f        *cli.Factory
	progress *ios.Progress
	state    string
	since    string // when the state began, for people
}

func (l *lines) tell(e deploy.Event) {
	if !e.Moving {
		l.end()
		l.f.IO.Note("%s %-9s %s", l.clock(), e.State, e.Detail)
		return
	}
	if l.progress == nil || l.state != e.State {
		l.end()
		l.progress, l.state, l.since = l.f.IO.Progress(), e.State, l.clock()
	}
	l.progress.Set(l.since+" "+pad(e.State), e.Detail)
}

func (l *lines) end() {
	if l.progress != nil {
		l.progress.End()
		l.progress, l.state = nil, ""
	}
}

func (l *lines) clock() string { return l.f.Now().In(l.f.Location()).Format("15:04:05") }

func pad(state string) string {
	for len(state) < 8 {
		state += " "
	}
	return state
}
