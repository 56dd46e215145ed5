package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
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

// TestWithoutAHomeFolder: nothing can be kept, which stops nothing and is told.
func TestWithoutAHomeFolder(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Home = ""
	r := e.Run("incident ack 4127")
	assert.Equal(t, 0, r.Code)
	assert.Equal(t, "warning: the change is not recorded: there is no home folder, and no XDG_STATE_HOME\n", r.Err)
	assert.Empty(t, e.Run("incident ack 4126 --dry-run -o name").Err)

	var errs bytes.Buffer
	f := e.Factory(io.Discard, &errs)
	f.Unpaced = false
	c, err := f.VictorOps(t.Context())
	require.NoError(t, err)
	_, err = c.Teams(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "warning: victorops: requests are paced in this process alone: there is no home folder, and no XDG_CACHE_HOME\n", errs.String())
}

// TestCompletionGivesUp: a shell does not hang with the pager.
func TestCompletionGivesUp(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.CompletionBudget = 0 // what a shell has
	e.Serve()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(srv.Close)
	e.Vars["ONCALL_VICTOROPS_URL"] = srv.URL
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := e.RunContext(ctx, `__complete incident ack ""`)
	assert.Equal(t, ":4\n", r.Out)
	require.NoError(t, ctx.Err(), "it waited longer than a person would")
}

// TestCompletionSaysNothing: a warning would stand in the prompt.
func TestCompletionSaysNothing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Home = "" // pacing warns
	var out, errs bytes.Buffer
	f := e.Factory(&out, &errs)
	f.Unpaced = false
	root.Run(t.Context(), f, []string{"__complete", "incident", "ack", ""})
	assert.Contains(t, out.String(), "4127\t")
	assert.NotContains(t, errs.String(), "warning")
}

// TestFences: the transport holds changes back, whatever a command does.
func TestFences(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*cli.Factory){
		"dry run":   func(f *cli.Factory) { f.Change.DryRun = true },
		"read-only": func(f *cli.Factory) { f.Flags["read-only"] = "true" },
	} {
		e := clitest.New(t)
		f := e.Factory(io.Discard, io.Discard)
		set(f)
		c, err := f.VictorOps(t.Context())
		require.NoError(t, err)
		_, err = c.Ack(t.Context(), victorops.AckRequest{UserName: "you", Numbers: []string{"4127"}})
		require.ErrorIs(t, err, apierr.ErrReadOnly, name)
		sent, err := e.World.Changes()
		require.NoError(t, err)
		assert.Empty(t, sent, name)
	}
}
