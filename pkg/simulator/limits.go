package simulator

import (
	"net/http"
	"time"
)

// limit is one of a vendor's rate limits.
type limit struct {
	name  string // in the state, unique within the service
	n     int    // requests ...
	per   time.Duration
	burst int // 0: no more than n in any window of per; else a bucket of burst, refilled at n in per

	match func(*http.Request) bool // nil: every request
	// refuse answers in the vendor's manner; wait is the time until the next
	// request would pass.
	refuse func(rw http.ResponseWriter, r *http.Request, wait time.Duration)
}

// rate is the count behind one limit.
type rate struct {
	Hits   []time.Time `json:"hits,omitempty"`
	Tokens float64     `json:"tokens,omitempty"`
	At     time.Time   `json:"at,omitzero"`
}

// overLimit counts r and returns the first limit it breaks. A refused request
// does not count. now is the clock's own time, which, unlike the world's, may go
// back when somebody sets it: counts from the future are forgotten then.
func (s *State) overLimit(svc service, r *http.Request, now time.Time) (*limit, time.Duration) {
	for _, l := range svc.limits {
		if l.match != nil && !l.match(r) {
			continue
		}
		key := svc.name + "/" + l.name
		next, wait := s.Rates[key].take(l, now.UTC())
		if wait > 0 {
			return &l, wait
		}
		s.Rates[key] = next
	}
	return nil, 0
}

func (c rate) take(l limit, now time.Time) (rate, time.Duration) {
	if l.burst > 0 {
		return c.takeToken(l, now)
	}
	kept := []time.Time{}
	for _, t := range c.Hits {
		if age := now.Sub(t); age >= 0 && age < l.per {
			kept = append(kept, t)
		}
	}
	if len(kept) >= l.n {
		return c, kept[len(kept)-l.n].Add(l.per).Sub(now)
	}
	return rate{Hits: append(kept, now)}, 0
}

func (c rate) takeToken(l limit, now time.Time) (rate, time.Duration) {
	perToken := l.per / time.Duration(l.n)
	tokens := float64(l.burst)
	if !c.At.IsZero() && !c.At.After(now) {
		tokens = min(tokens, c.Tokens+float64(now.Sub(c.At))/float64(perToken))
	}
	if tokens < 1 {
		return c, max(1, time.Duration((1-tokens)*float64(perToken)))
	}
	return rate{Tokens: tokens - 1, At: now}, 0
}
