package clitest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Child is oncall as a process of its own, for what only a process has: the
// memory that it took.
type Child struct{ path string }

// NewChild builds oncall for a benchmark.
func NewChild(b *testing.B) Child {
	b.Helper()
	path := filepath.Join(b.TempDir(), "oncall")
	out, err := exec.CommandContext(b.Context(), "go", "build", "-o", path, "github.com/balena-io/oncall/cmd/oncall").CombinedOutput()
	require.NoError(b, err, "%s", out)
	return Child{path}
}

// Run runs a command line with its output going nowhere, under these variables
// (NAME=value) alone, and returns the most memory it held, in MiB; 0 where the
// system does not tell.
func (c Child) Run(b *testing.B, env []string, args ...string) (peakMiB float64) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), c.path, args...)
	cmd.Env = append([]string{"HOME=" + b.TempDir()}, env...)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	require.NoError(b, err)
	defer null.Close()
	var errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = null, &errOut
	require.NoError(b, cmd.Run(), "%s", &errOut)
	return peak(cmd.ProcessState)
}
