package cli_test

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// TestVictorOpsIsPacedBetweenProcesses: what the vendor allows less of has a file
// of its own besides the common one.
func TestVictorOpsIsPacedBetweenProcesses(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	f := e.Factory(io.Discard, io.Discard)
	f.Unpaced = false
	c, err := f.VictorOps(t.Context())
	require.NoError(t, err)

	files := func(pattern string) []string {
		found, err := filepath.Glob(filepath.Join(e.Home, ".cache/oncall/demo/pacing", pattern))
		require.NoError(t, err)
		return found
	}
	_, err = c.Teams(t.Context())
	require.NoError(t, err)
	assert.Len(t, files("victorops-*.pace"), 1)
	assert.Empty(t, files("victorops-*-slow.pace"))

	_, err = c.PagingPolicy(t.Context(), "you")
	require.NoError(t, err)
	assert.Len(t, files("victorops-*-slow.pace"), 1)
}

// TestOnlyTheDemoIsUnpaced: a variable for the demo must not let a real vendor be
// asked too often.
func TestOnlyTheDemoIsUnpaced(t *testing.T) {
	t.Parallel()
	for folder, served := range map[string]bool{".cache/oncall/pacing": true, ".cache/oncall/demo/pacing": false} {
		e := clitest.New(t)
		if served {
			e.Serve()
		}
		e.Vars["ONCALL_DEMO_PACING"] = "off"
		f := e.Factory(io.Discard, io.Discard)
		f.Unpaced = false
		c, err := f.VictorOps(t.Context())
		require.NoError(t, err)
		_, err = c.Teams(t.Context())
		require.NoError(t, err)
		found, err := filepath.Glob(filepath.Join(e.Home, folder, "*.pace"))
		require.NoError(t, err)
		assert.Equal(t, served, len(found) == 1, folder)
	}
}
