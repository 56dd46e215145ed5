package apierr_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
)

func TestErrorLeavesOutWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*apierr.Error{
		"": {},
		"victorops: acknowledge 4127: not found (404)": {Vendor: "victorops", Op: "acknowledge 4127", Message: "not found", Status: 404},
		"victorops: not found":                         {Vendor: "victorops", Kind: []error{apierr.ErrNotFound}},
		"list: boom":                                   {Op: "list", Err: errors.New("boom")},
		"boom (409, E12, req ab12)":                    {Message: "boom", Err: errors.New("hidden"), Status: 409, Code: "E12", RequestID: "ab12"},
		"v: outcome unknown":                           {Vendor: "v", Kind: []error{apierr.ErrUnknownOutcome, apierr.ErrUnavailable}},
		"v: (503)":                                     {Vendor: "v", Status: 503},
		"loki: query: throttled, asks to wait 1m0s (429, req x-1)": {Vendor: "loki", Op: "query", Method: "GET", Path: "/x", Message: "throttled, asks to wait 1m0s", Status: 429, RequestID: "x-1", RetryAfter: time.Minute, Hint: "not in the text"},
	} {
		assert.Equal(t, want, e.Error())
	}
}

func TestKindsAndCausesAreFoundThroughWrapping(t *testing.T) {
	t.Parallel()
	e := &apierr.Error{Kind: []error{apierr.ErrUnknownOutcome, apierr.ErrUnavailable}, Err: fmt.Errorf("read: %w", context.Canceled)}
	err := errors.Join(errors.New("first"), fmt.Errorf("wrapped: %w", e))
	for _, is := range []error{apierr.ErrUnknownOutcome, apierr.ErrUnavailable, context.Canceled, e} {
		require.ErrorIs(t, err, is)
	}
	for _, not := range []error{apierr.ErrUsage, apierr.ErrAuth, apierr.ErrNotFound, apierr.ErrAmbiguous, apierr.ErrInvalid, apierr.ErrConflict,
		apierr.ErrGuard, apierr.ErrRateLimited, apierr.ErrReadOnly, apierr.ErrUnsupported, context.DeadlineExceeded} {
		require.NotErrorIs(t, err, not)
	}
	var found *apierr.Error
	require.ErrorAs(t, err, &found)
	assert.Same(t, e, found)
	require.Empty(t, (&apierr.Error{}).Unwrap())
	assert.Equal(t, []error{apierr.ErrUnknownOutcome, apierr.ErrUnavailable}, e.Kind, "Unwrap keeps Kind as it is")
}

func TestNew(t *testing.T) {
	t.Parallel()
	e := apierr.New(apierr.ErrAmbiguous, "status", "", "%q matches %s", "ap", "API and API docs").WithHint("use the %s", "whole name")
	require.EqualError(t, e, `status: "ap" matches API and API docs`)
	assert.Equal(t, "use the whole name", e.Hint)
	require.ErrorIs(t, e, apierr.ErrAmbiguous)
	assert.Empty(t, apierr.New(nil, "v", "", "x").Kind)
}

func TestHintOf(t *testing.T) {
	t.Parallel()
	bare := &apierr.Error{Message: "a"}
	hinted := (&apierr.Error{Message: "b"}).WithHint("do c")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"nil":                    {nil, ""},
		"another error":          {errors.New("x"), ""},
		"no hint":                {bare, ""},
		"a hint":                 {hinted, "do c"},
		"wrapped":                {fmt.Errorf("x: %w", hinted), "do c"},
		"as cause":               {&apierr.Error{Message: "x", Err: fmt.Errorf("y: %w", hinted)}, "do c"},
		"the outer one is first": {(&apierr.Error{Err: hinted}).WithHint("outer"), "outer"},
		"second of several":      {errors.Join(bare, nil, hinted), "do c"},
		"first of several":       {errors.Join(hinted, (&apierr.Error{}).WithHint("later")), "do c"},
	} {
		assert.Equal(t, c.want, apierr.HintOf(c.err), name)
	}
}
