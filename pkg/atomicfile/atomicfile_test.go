package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/atomicfile"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	require.NoError(t, atomicfile.Write(path, []byte("one"), 0o600))
	require.NoError(t, atomicfile.Write(path, []byte("two"), 0o640))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "two", string(got))
	if runtime.GOOS != "windows" {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing is left behind")
}

func TestFailureLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	require.NoError(t, atomicfile.Write(path, []byte("old"), 0o600))
	boom := errors.New("boom")
	err := atomicfile.WriteFunc(path, 0o600, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return boom
	})
	require.ErrorIs(t, err, boom)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(got))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 1)

	err = atomicfile.Write(filepath.Join(dir, "missing", "a"), nil, 0o600)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, filepath.Join(dir, "missing", "a")+": no such file or directory", strings.ReplaceAll(err.Error(), "The system cannot find the path specified.", "no such file or directory"))
}

func TestReadersSeeOneOrTheOther(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a rename over a file that is open fails there")
	}
	path := filepath.Join(t.TempDir(), "a")
	texts := []string{strings.Repeat("a", 1<<16), strings.Repeat("b", 1<<17)}
	require.NoError(t, atomicfile.Write(path, []byte(texts[0]), 0o600))
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() {
			for range 20 {
				assert.NoError(t, atomicfile.Write(path, []byte(texts[n]), 0o600))
			}
		})
	}
	for range 100 {
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Contains(t, texts, string(got))
	}
	wg.Wait()
}
