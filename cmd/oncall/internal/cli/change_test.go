package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// TestAskingIsSetUp: protection, --no-input and their variables decide whether a
// change of the public page asks.
func TestAskingIsSetUp(t *testing.T) {
	t.Parallel()
	const line = "status set API=partial"
	for _, c := range []struct {
		vars map[string]string
		line string
		code int
	}{
		{nil, line, 0}, // "y" is typed
		{map[string]string{"ONCALL_NO_INPUT": "1"}, line, 5},
		{nil, line + " --no-input", 5},
		{map[string]string{"ONCALL_NO_INPUT": "1"}, line + " --yes", 0},
		{map[string]string{"ONCALL_NO_INPUT": "1", "ONCALL_PROTECTED": "0"}, line, 0},
		{map[string]string{"ONCALL_READ_ONLY": "1"}, line + " --yes", 5},
		{nil, line + " --yes --read-only", 5},
	} {
		e := clitest.New(t)
		e.Terminal, e.Stdin = true, "y\n"
		for k, v := range c.vars {
			e.Vars[k] = v
		}
		r := e.Run(c.line)
		assert.Equal(t, c.code, r.Code, "%v %s: %s", c.vars, c.line, r.Err)
		changes, err := e.World.Changes()
		require.NoError(t, err)
		assert.Equal(t, c.code == 0, len(changes) > 0, "%v %s", c.vars, c.line)
	}
}

// TestJournalKeepsNoSecret: what a person types as a reason may quote one.
func TestJournalKeepsNoSecret(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	key := e.Vars["ONCALL_VICTOROPS_API_KEY"]
	r := e.Run("incident ack 4127 --reason 'with " + key + "'")
	require.Equal(t, 0, r.Code, r.Err)
	text, err := os.ReadFile(filepath.Join(e.Home, ".local", "state", "oncall", "journal.jsonl"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "with ")
	assert.NotContains(t, string(text), key)
}

// TestColourByTheEnvironment: ONCALL_COLOR is --color, which wins.
func TestColourByTheEnvironment(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.NotContains(t, e.Run("incident list").Out, "\x1b[", "a pipe")
	e.Vars["ONCALL_COLOR"] = "always"
	assert.Contains(t, e.Run("incident list").Out, "\x1b[")
	assert.NotContains(t, e.Run("incident list --color never").Out, "\x1b[")
}

// TestStreamsAreLinesOfJSON: unless a format was asked for, which the
// environment may do too.
func TestStreamsAreLinesOfJSON(t *testing.T) {
	t.Parallel()
	for format, json := range map[string]bool{"": true, "jsonl": true, "table": false, "name": false} {
		e := clitest.New(t)
		e.Vars["ONCALL_OUTPUT"] = format
		ctx, cancel := context.WithCancel(t.Context())
		e.OnSleep = cancel // the first look is enough
		r := e.RunContext(ctx, "incident watch")
		require.NotEmpty(t, r.Out, r.Err)
		assert.Equal(t, json, r.Out[0] == '{', "ONCALL_OUTPUT=%s: %s", format, r.Out)
	}
}
