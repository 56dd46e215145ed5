package httpx

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// The defaults of RetryPolicy.
const (
	defaultRetries = 3
	defaultBase    = 250 * time.Millisecond
	defaultCap     = 5 * time.Second
	// maxRetryAfter is the longest Retry-After that is waited for; after a longer
	// one the command ends at once and says how long to wait.
	maxRetryAfter = 60 * time.Second
)

func (p RetryPolicy) withDefaults() RetryPolicy {
	if p.Max == 0 {
		p.Max = defaultRetries
	}
	if p.Base <= 0 {
		p.Base = defaultBase
	}
	if p.Cap <= 0 {
		p.Cap = defaultCap
	}
	return p
}

// wait is the pause before attempt n+1: doubled each time, and between half of
// that and all of it, so that parallel processes do not meet again.
func (p RetryPolicy) wait(n int, jitter float64) time.Duration {
	d := p.Cap
	if n-1 < 32 && p.Base<<(n-1) > 0 {
		d = min(p.Base<<(n-1), p.Cap)
	}
	return d/2 + time.Duration(float64(d/2)*jitter)
}

// outcome is what one attempt came to. A bad status under AnyStatus sets both
// res and err: err decides about another attempt, res is what is returned.
type outcome struct {
	res   *http.Response
	data  []byte
	err   *apierr.Error
	again bool // the failure allows another attempt
}

// send makes one hop: attempts, each paced, until one is good or none is left.
func (c *Client) send(ctx context.Context, cl *call, u *url.URL) (*http.Response, []byte, *apierr.Error) {
	policy := c.cfg.Retry.withDefaults()
	var busy time.Duration
	for n := 1; ; n++ {
		paced, err := c.pace(ctx, cl)
		if err != nil {
			return nil, nil, err
		}
		start := time.Now()
		o := c.attempt(ctx, cl, u, n, paced)
		busy += time.Since(start)
		if o.err == nil {
			return o.res, o.data, nil
		}
		// A vendor that let the whole time pass will not do better at once.
		if !o.again || n > policy.Max || ctx.Err() != nil || busy >= c.timeout(cl) {
			return o.final(cl)
		}
		wait := policy.wait(n, c.jitter())
		if o.err.RetryAfter > 0 {
			wait = o.err.RetryAfter + time.Duration(float64(policy.Base)*c.jitter())
		}
		deadline, ok := ctx.Deadline()
		if o.err.RetryAfter > maxRetryAfter || ok && time.Until(deadline) <= wait {
			if o.err.RetryAfter > 0 && !errors.Is(o.err, apierr.ErrRateLimited) {
				o.err.Kind = append(o.err.Kind, apierr.ErrRateLimited)
			}
			return o.final(cl)
		}
		if o.res != nil {
			_ = o.res.Body.Close()
		}
		if c.cfg.OnWait != nil && wait >= time.Second {
			c.cfg.OnWait(wait, o.err)
		}
		if err := c.cfg.Sleep(ctx, wait); err != nil {
			return nil, nil, c.interrupted(cl, err, o.err)
		}
	}
}

func (o outcome) final(cl *call) (*http.Response, []byte, *apierr.Error) {
	if o.res != nil && cl.r.AnyStatus {
		return o.res, o.data, nil
	}
	return nil, nil, o.err
}

// interrupted is the error of a request that ctx ended while it waited and
// nothing was under way. last may be nil.
func (c *Client) interrupted(cl *call, err error, last *apierr.Error) *apierr.Error {
	e := c.fail(cl, nil, "interrupted before the request was sent")
	if errors.Is(err, context.DeadlineExceeded) {
		e = c.fail(cl, apierr.ErrUnavailable, "out of time before the request was sent")
	}
	e.Err = err
	if last != nil {
		e.Message += " again, after: " + last.Message
		e.Kind = append(e.Kind, last.Kind...)
		e.Status, e.RetryAfter, e.Hint, e.RequestID = last.Status, last.RetryAfter, last.Hint, last.RequestID
	}
	return e
}

func (c *Client) pace(ctx context.Context, cl *call) (done func(sent bool), _ *apierr.Error) {
	done = func(bool) {}
	if err := ctx.Err(); err != nil {
		return nil, c.interrupted(cl, err, nil)
	}
	var err error
	switch p := c.cfg.Pacer.(type) {
	case nil:
		return done, nil
	case Stamper:
		done, err = p.Take(ctx, cl.writes)
	default:
		err = p.Wait(ctx, cl.writes)
	}
	if err != nil {
		return nil, c.interrupted(cl, err, nil)
	}
	return done, nil
}
