package journal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/journal"
)

func read(t *testing.T, j *journal.Journal) []journal.Entry {
	t.Helper()
	out := []journal.Entry{}
	for e, err := range j.All() {
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}

func TestAppendAndAll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "journal.jsonl")
	j := journal.Open(path)
	assert.Empty(t, read(t, j), "a journal that was never written is empty")

	at := time.Date(2026, 3, 4, 2, 11, 9, 0, time.UTC)
	in := journal.Entry{ID: "a", Time: at, Phase: journal.Intent, Context: "production", User: "you", Verb: "acknowledge", Kind: "incident", Targets: []string{"4127"}, Incident: "4127"}
	out := journal.Entry{ID: "a", Time: at.Add(time.Second), Phase: journal.Outcome, Verb: "acknowledge", Kind: "incident", Results: []journal.Result{{Target: "4127", State: "acknowledged", Changed: true}}}
	require.NoError(t, j.Append(in))
	require.NoError(t, j.Append(out))
	assert.Equal(t, []journal.Entry{in, out}, read(t, j))

	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Regexp(t, `^\{"id":"a"[^\n]*\}\n\{"id":"a"[^\n]*\}\n$`, string(text), "a line each, and no other")
}

func TestTornLineIsPassedOverAndNotExtended(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(`{"id":"a","verb":"x"}`+"\n"+`{"id":"b","ve`), 0o600))
	j := journal.Open(path)
	require.NoError(t, j.Append(journal.Entry{ID: "c"}))
	got := read(t, j)
	require.Len(t, got, 2)
	assert.Equal(t, "a", got[0].ID)
	assert.Equal(t, "c", got[1].ID)
}

func TestParallelWritersLoseNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			j := journal.Open(path) // a handle of its own, as another process has
			for i := range 10 {
				assert.NoError(t, j.Append(journal.Entry{ID: fmt.Sprintf("%d-%d", w, i)}))
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, e := range read(t, journal.Open(path)) {
		seen[e.ID] = true
	}
	assert.Len(t, seen, 80)
}

func TestUnwritableFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a-file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	err := journal.Open(filepath.Join(file, "journal.jsonl")).Append(journal.Entry{ID: "a"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "journal: ")
}

func FuzzAll(f *testing.F) {
	f.Add([]byte(`{"id":"a"}` + "\n\x00\n{"))
	f.Add([]byte("[1]\nnull\n\"x\"\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		for _, err := range journal.Open(path).All() {
			require.NoError(t, err)
		}
		j := journal.Open(path)
		require.NoError(t, j.Append(journal.Entry{ID: "last"}))
		got := read(t, j)
		require.NotEmpty(t, got)
		assert.Equal(t, "last", got[len(got)-1].ID)
	})
}
