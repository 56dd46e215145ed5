package pager_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/simulator"
)

// faster lets somebody else take just before the client does.
type faster struct {
	pager.Client
	to string
}

func (f faster) TakeOnCall(ctx context.Context, policy, from, to string) (string, error) {
	if _, err := f.Client.TakeOnCall(ctx, policy, from, f.to); err != nil {
		return "", err
	}
	return f.Client.TakeOnCall(ctx, policy, from, to)
}

// Two people take at once: the vendor refuses the second, who is told who has it.
func TestTakeByTwoAtOnce(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]string{
		"manager":   "victorops: take on-call of Operations primary: you does not have it any more: manager is on call there",
		"secondary": "", // from another terminal
	} {
		w := demo(t, "secondary")
		policy, err := w.FindPolicy(t.Context(), "Operations primary")
		require.NoError(t, err)
		plan, err := w.PlanTake(t.Context(), policy, "", "secondary")
		require.NoError(t, err)
		there := w.Client
		w.Client = faster{Client: there, to: first}
		got, err := w.Take(t.Context(), plan)
		if want == "" {
			require.NoError(t, err)
			assert.True(t, got.Already)
			continue
		}
		require.ErrorIs(t, err, apierr.ErrGuard)
		require.EqualError(t, err, want)
		assert.Equal(t, "oncall rotation now", apierr.HintOf(err))
	}

	// Refused for another reason: the vendor's own words.
	w := demo(t, "secondary")
	policy, err := w.FindPolicy(t.Context(), "Operations primary")
	require.NoError(t, err)
	w.fault(t, simulator.FaultStatus, patch, "/api-public/v1/policies/*", func(f *simulator.Fault) { f.Status = 400 })
	_, err = w.Take(t.Context(), pager.Taking{Policy: policy, From: "you", To: "secondary"})
	require.ErrorIs(t, err, apierr.ErrInvalid)
}
