package httpx_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

func TestRetriesUntilItWorks(t *testing.T) {
	t.Parallel()
	ok := httpxtest.JSON(200, `{"a":"b"}`)
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.ResetAfter()},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.CutBody(200, `{`)},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.RetryAfter(503, 20)},
		httpxtest.Exchange{Path: "/x", Reply: ok},
		httpxtest.Exchange{Method: "POST", Path: "/search", Body: `{"q":1}`, Reply: httpxtest.ResetAfter()},
		httpxtest.Exchange{Method: "POST", Path: "/search", Body: `{"q":1}`, Reply: ok},
		httpxtest.Exchange{Method: "PATCH", Path: "/ack", Body: `{"n":"4127"}`, Reply: httpxtest.RetryAfter(429, 3)},
		httpxtest.Exchange{Method: "PATCH", Path: "/ack", Body: `{"n":"4127"}`, Reply: httpxtest.Status(420)},
		httpxtest.Exchange{Method: "PATCH", Path: "/ack", Body: `{"n":"4127"}`, Reply: ok},
	)
	cfg := srv.Config("v")
	var told []string
	cfg.OnWait = func(d time.Duration, err *apierr.Error) {
		told = append(told, d.Truncate(time.Second).String()+" "+err.Message)
	}
	c := client(t, cfg)
	for _, r := range []httpx.Request{
		{Path: "/x"},
		{Method: "POST", Path: "/search", Reads: true, JSON: map[string]int{"q": 1}},
		{Method: "PATCH", Path: "/ack", JSON: map[string]string{"n": "4127"}},
	} {
		var out map[string]string
		_, err := c.Do(t.Context(), r, &out)
		require.NoError(t, err)
		assert.Equal(t, "b", out["a"])
	}
	waits := srv.Waits()
	require.Len(t, waits, 6)
	assert.Equal(t, []string{"20s service unavailable, asks to wait 20s", "3s throttled, asks to wait 3s"}, told)
	for i, least := range []time.Duration{125e6, 250e6, 20e9, 125e6, 3e9, 250e6} {
		assert.GreaterOrEqual(t, waits[i], least, "wait %d", i)
		assert.LessOrEqual(t, waits[i], max(2*least, least+250*time.Millisecond), "wait %d", i)
	}
}

func TestRetryPolicyIsTheCallers(t *testing.T) {
	t.Parallel()
	for max, want := range map[int]int{-1: 1, 1: 2, 5: 6} {
		srv := httpxtest.New(t, httpxtest.Exchange{Path: "/x", Times: want, Reply: httpxtest.Status(503)})
		cfg := srv.Config("v")
		cfg.Retry.Max = max
		_, err := client(t, cfg).Do(t.Context(), httpx.Request{Path: "/x"}, nil)
		require.ErrorIs(t, err, apierr.ErrUnavailable)
	}
}

func TestClassifyDecidesAboutRetries(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Method: "POST", Path: "/x", Times: 4, Reply: httpxtest.JSON(403, `{"m":1}`)},
		httpxtest.Exchange{Method: "POST", Path: "/y", Reply: httpxtest.Status(420)},
		httpxtest.Exchange{Method: "POST", Path: "/z", Reply: httpxtest.Status(503)})
	cfg := srv.Config("v")
	var saw []httpx.Answer
	cfg.Classify = func(a *httpx.Answer) {
		saw = append(saw, *a)
		switch a.Status {
		case 403:
			a.Err.Kind, a.Err.Message, a.Err.Hint = []error{apierr.ErrRateLimited}, "the limit", "wait a minute"
		case 420:
			a.Err.Kind = []error{apierr.ErrConflict}
		case 503: // an outcome that is not known stays so, whatever else it is
			a.Err.Kind = append(a.Err.Kind, apierr.ErrRateLimited)
		}
	}
	c := client(t, cfg)
	_, err := c.Do(t.Context(), httpx.Request{Op: "do", Method: "POST", Path: "/x"}, nil)
	require.ErrorIs(t, err, apierr.ErrRateLimited)
	require.EqualError(t, err, "v: do: the limit (403)")
	assert.Equal(t, "wait a minute", apierr.HintOf(err))
	assert.JSONEq(t, `{"m":1}`, string(saw[0].Body))
	assert.True(t, saw[0].Writes)
	_, err = c.Do(t.Context(), httpx.Request{Method: "POST", Path: "/y"}, nil)
	require.ErrorIs(t, err, apierr.ErrConflict)
	_, err = c.Do(t.Context(), httpx.Request{Method: "POST", Path: "/z"}, nil)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
}

func TestAnyStatusReturnsWhatIsLeftAfterRetries(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/x", Times: 4, Reply: httpxtest.JSON(503, `{"starting":true}`)},
		httpxtest.Exchange{Path: "/gone", Reply: httpxtest.Text(404, "none")},
		httpxtest.Exchange{Method: "POST", Path: "/x", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Method: "POST", Path: "/build", Reply: httpxtest.Redirect(303, "http://other.invalid/login")},
		httpxtest.Exchange{Path: "/odd", Reply: httpxtest.Redirect(302, "::not a url::%zz")})
	c := client(t, srv.Config("v"))
	var out map[string]bool
	for _, w := range []struct {
		r      httpx.Request
		status int
		body   string
	}{
		{httpx.Request{Path: "/x"}, 503, `{"starting":true}`},
		{httpx.Request{Path: "/gone"}, 404, "none"},
		{httpx.Request{Method: "POST", Path: "/x"}, 500, ""},
		{httpx.Request{Method: "POST", Path: "/build"}, 303, ""},
		{httpx.Request{Path: "/odd"}, 302, ""},
	} {
		w.r.AnyStatus = true
		res, err := c.Do(t.Context(), w.r, &out)
		require.NoError(t, err)
		assert.Equal(t, w.status, res.Status)
		assert.Equal(t, w.body, string(res.Body))
		assert.Empty(t, out, "only a 2xx is decoded")
	}
}

func TestPacerSeesEveryAttempt(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.Status(503)},
		httpxtest.Exchange{Path: "/x", Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: "POST", Path: "/x", Reply: httpxtest.JSON(200, `{}`)})
	p := &countingPacer{}
	cfg := srv.Config("v")
	cfg.Pacer = p
	c := client(t, cfg)
	_, err := c.Do(t.Context(), httpx.Request{Path: "/x"}, nil)
	require.NoError(t, err)
	_, err = c.Do(t.Context(), httpx.Request{Method: "POST", Path: "/x"}, nil)
	require.NoError(t, err)
	assert.Equal(t, []bool{false, false, true}, p.asked)
	assert.Equal(t, []bool{true, true, true}, p.left)

	cfg.BaseURL, p.left = httpxtest.Refused(t), nil
	_, err = client(t, cfg).Do(t.Context(), httpx.Request{Method: "POST"}, nil)
	require.Error(t, err)
	assert.Equal(t, []bool{false, false, false, false}, p.left, "nothing left, so the slot is given back")

	p.err = context.DeadlineExceeded
	_, err = client(t, cfg).Do(t.Context(), httpx.Request{Op: "ack", Method: "POST"}, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.EqualError(t, err, "v: ack: out of time before the request was sent")
}

// countingPacer counts each done once, as the contract of Stamper wants.
type countingPacer struct {
	asked, left []bool
	err         error
}

func (p *countingPacer) Wait(context.Context, bool) error { panic("Take is preferred") }

func (p *countingPacer) Take(_ context.Context, writes bool) (func(bool), error) {
	p.asked = append(p.asked, writes)
	i := len(p.left)
	return func(sent bool) {
		if i == len(p.left) {
			p.left = append(p.left, sent)
		}
	}, p.err
}
