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
