package probe

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nodeping"
)

func TestListFilters(t *testing.T) {
	t.Parallel()
	f := &fake{checks: []nodeping.Check{
		{ID: "A-1", Label: "api", Enabled: true, Known: true, Failing: true, Tags: []string{"prod", "eu"}},
		{ID: "A-2", Label: "docs", Enabled: true, Known: true, Tags: []string{"prod"}, Muted: true},
		{ID: "A-3", Label: "new", Enabled: true, Muted: true},
	}}
	for want, filter := range map[string]Filter{
		"api new docs": {}, "api": {States: []State{Failing}}, "new docs": {Muted: true}, "docs": {Muted: true, States: []State{Passing}}, "api docs": {Tags: []string{"prod"}}, "": {States: []State{Failing}, Muted: true},
	} {
		all, err := desk(f).List(t.Context(), filter)
		require.NoError(t, err)
		got := ""
		for _, c := range all {
			if got != "" {
				got += " "
			}
			got += c.Name
		}
		assert.Equal(t, want, got)
	}
	all, err := desk(f).List(t.Context(), Filter{Tags: []string{"prod", "eu"}})
	require.NoError(t, err)
	assert.Len(t, all, 1, "all of them")
	twice, err := PickAll(f.picked(t), []string{"docs", "api", "docs", "A-2"})
	require.NoError(t, err)
	require.Len(t, twice, 2, "named twice, meant once")
	assert.Equal(t, "docs", twice[0].Name, "in the order of the words")
	_, err = PickAll(twice, []string{"docs", "nobody"})
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

func (f *fake) picked(t *testing.T) []Check {
	t.Helper()
	all, err := desk(f).List(t.Context(), Filter{})
	require.NoError(t, err)
	return all
}

// many is an account with more results than one call gives, all of them failures.
type many struct {
	fake
	rows int
}

func (m *many) Results(_ context.Context, _ string, _ time.Time, limit int) ([]nodeping.Result, error) {
	out := make([]nodeping.Result, min(limit, m.rows))
	for i := range out {
		out[i] = nodeping.Result{ID: "r", Start: nodeping.Millis{Time: now.Add(-time.Duration(i) * 15 * time.Second)}}
	}
	return out, nil
}

func TestWhatIsCutIsTold(t *testing.T) {
	t.Parallel()
	d := &Desk{Client: &many{rows: 5}, Now: func() time.Time { return now }}
	for limit, want := range map[int]bool{4: true, 5: false, 6: false} {
		out, more, err := d.Results(t.Context(), Check{ID: "A-1"}, time.Time{}, limit)
		require.NoError(t, err)
		assert.Equal(t, want, more, limit)
		assert.Len(t, out, min(limit, 5))
	}
	_, partial, err := d.AllOutages(t.Context(), []Check{{ID: "A-1", Name: "api"}}, now.Add(-time.Hour))
	require.NoError(t, err)
	assert.Empty(t, partial)

	d.Client = &many{rows: nodeping.MaxResults}
	_, partial, err = d.AllOutages(t.Context(), []Check{{ID: "A-1", Name: "api"}}, time.Time{})
	require.NoError(t, err)
	require.Len(t, partial, 1)
	assert.Equal(t, "api", partial[0].Source)
	assert.ErrorContains(t, partial[0].Err, "too many results: those before 2026-02-24T15:18:45Z were not read")
}
