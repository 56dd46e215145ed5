package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// TestDemoWithoutAFolder: where nothing can be written, as in a read-only
// container, the demo is played in memory and says so.
func TestDemoWithoutAFolder(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.World = nil // one is made in the state folder
	// A file where the folder would be: that holds for root and on Windows too.
	e.Vars["XDG_STATE_HOME"] = filepath.Join(e.Home, "state")
	require.NoError(t, os.WriteFile(e.Vars["XDG_STATE_HOME"], nil, 0o600))

	r := e.Run("incident list -o name")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "incident/4127\n")
	assert.Contains(t, r.Err, "warning: the demo world is forgotten when this command ends: mkdir ")
	assert.Contains(t, r.Err, "; XDG_STATE_HOME can name another folder\n")

	r = e.Run("demo reset")
	assert.Equal(t, 2, r.Code, r.Err)
	assert.Empty(t, r.Out)
	assert.Contains(t, r.Err, "demo world: ")
	assert.Contains(t, r.Err, "hint: set XDG_STATE_HOME to a folder that can be written\n")
}
