package clitest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/simulator"
)

// Changes are the requests so far that asked a service for a change.
func (e *Env) Changes(service string) []simulator.Request {
	e.t.Helper()
	all, err := e.World.Changes()
	assert.NoError(e.t, err) // also called outside of the test's goroutine
	out := []simulator.Request{}
	for _, r := range all {
		if r.Service == service {
			out = append(out, r)
		}
	}
	return out
}

// Trouble is a fault that a change meets once, and what comes of it.
type Trouble struct {
	Name   string
	Kind   string // simulator.FaultReset...
	Status int    // of the kinds that answer with one
	Code   int    // exit code
	Text   string // told on either stream
	Sent   int    // how often the change reached the service
}

// InTrouble runs line once for each trouble, in a fresh world in which it strikes
// where at says, and then looks at the world.
func InTrouble(t *testing.T, line string, at simulator.Fault, all []Trouble, then func(t *testing.T, e *Env, c Trouble)) {
	t.Helper()
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			e, f := New(t), at
			f.Kind, f.Status, f.Times = c.Kind, c.Status, 1
			require.NoError(t, e.World.AddFault(f))
			r := e.Run(line)
			assert.Equal(t, c.Code, r.Code, r.Err)
			assert.Contains(t, r.Out+r.Err, c.Text)
			assert.Len(t, e.Changes(at.Service), c.Sent)
			if then != nil {
				then(t, e, c)
			}
		})
	}
}
