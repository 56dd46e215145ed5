package exit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/pkg/apierr"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"nil", nil, 0},
		{"unclassed", errors.New("boom"), 1},
		{"usage", apierr.New(apierr.ErrUsage, "", "", "x"), 2},
		{"auth", apierr.New(apierr.ErrAuth, "", "", "x"), 3},
		{"not found", apierr.New(apierr.ErrNotFound, "", "", "x"), 4},
		{"ambiguous", apierr.New(apierr.ErrAmbiguous, "", "", "x"), 4},
		{"read-only", apierr.New(apierr.ErrReadOnly, "", "", "x"), 5},
		{"partial", exit.With(exit.Partial, errors.New("x")), 6},
		{"unavailable", apierr.New(apierr.ErrUnavailable, "", "", "x"), 7},
		{"throttled", apierr.New(apierr.ErrRateLimited, "", "", "x"), 7},
		{"deadline", fmt.Errorf("x: %w", context.DeadlineExceeded), 7},
		{"i/o deadline", fmt.Errorf("x: %w", os.ErrDeadlineExceeded), 7},
		{"guard", apierr.New(apierr.ErrGuard, "", "", "x"), 8},
		{"conflict", apierr.New(apierr.ErrConflict, "", "", "x"), 8},
		{"no api", apierr.New(apierr.ErrUnsupported, "", "", "x"), 8},
		{"check", exit.Quiet(exit.Found), 9},
		{"unknown outcome wins over unavailable", &apierr.Error{Kind: []error{apierr.ErrUnavailable, apierr.ErrUnknownOutcome}}, 15},
		{"broken pipe", fmt.Errorf("write: %w", syscall.EPIPE), 141},
		{"a code set by hand wins over a kind", exit.With(exit.WaitRanOut, apierr.New(apierr.ErrUnavailable, "", "", "x")), 124},
		{"wrapped", fmt.Errorf("more: %w", exit.With(exit.Failure, errors.New("x"))), 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, c.want, exit.Code(c.err))
		})
	}
}

func TestTableIsCompleteAndOrdered(t *testing.T) {
	t.Parallel()
	last := -1
	for _, r := range exit.Table {
		assert.Greater(t, r.Code, last, r.Name)
		assert.NotEmpty(t, r.Meaning)
		assert.Equal(t, r.Name, exit.NameOf(r.Code))
		last = r.Code
	}
	assert.Equal(t, "command", exit.NameOf(77))
}
