package httpx

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// slotState tells what a slot in the log of requests stands for.
type slotState int

const (
	slotSent    slotState = iota // a request was written at this time
	slotHeld                     // a waiting change will go at this time
	slotLeaving                  // a request may go and is connecting
)

// slot is one request in the log. Times are Unix nanoseconds, as processes
// share them.
type slot struct {
	At    int64     `json:"at"`
	State slotState `json:"state,omitempty"`
	ID    uint64    `json:"id"`
}

// slotStore keeps the log. update calls f under a lock; f returns what to keep,
// or nil for no change.
type slotStore interface {
	update(ctx context.Context, f func([]slot) []slot) error
}

// LimitPacer keeps the limits of one vendor. It is a Pacer and a Stamper, and
// safe for concurrent use. A change goes before reads that wait, as it queues
// with a slot that it holds while a read just asks again when it wakes.
type LimitPacer struct {
	limits []Limit
	store  slotStore
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
}

// NewPacer paces the requests of this process alone.
func NewPacer(limits ...Limit) *LimitPacer {
	return &LimitPacer{limits: limits, store: &memoryStore{}, now: time.Now, sleep: sleep}
}

// WithClock sets the clock and the wait, for tests. Call it before first use.
func (p *LimitPacer) WithClock(now func() time.Time, sleep func(context.Context, time.Duration) error) *LimitPacer {
	p.now, p.sleep = now, sleep
	return p
}

// Wait returns when the request may go, or ctx's error.
func (p *LimitPacer) Wait(ctx context.Context, writes bool) error {
	done, err := p.Take(ctx, writes)
	if err == nil {
		done(true)
	}
	return err
}

// leavingFor is how long a request that was let go may take to connect. After
// that its process is taken for dead.
const leavingFor = 2 * ConnectTimeout

// Take returns when the request may go, or ctx's error. done must be called
// once: with true when the first byte is written, with false when nothing was.
func (p *LimitPacer) Take(ctx context.Context, writes bool) (done func(sent bool), err error) {
	id := rand.Uint64() | 1
	var held int64 // when this change was to go; 0 is not yet in the queue
	for {
		if err := ctx.Err(); err != nil {
			p.drop(id)
			return nil, err
		}
		var wait time.Duration
		err := p.store.update(ctx, func(log []slot) []slot {
			now := p.now()
			tidied, mended := p.tidy(log, now)
			log = without(tidied, id)
			at := earliest(p.limits, times(ahead(log, held), now), now, writes)
			wait = at.Sub(now)
			switch {
			case wait <= 0:
				return append(log, slot{At: now.UnixNano(), State: slotLeaving, ID: id})
			case writes:
				held = at.UnixNano()
				return append(log, slot{At: held, State: slotHeld, ID: id})
			case mended:
				return log
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if wait <= 0 {
			return p.doneFunc(id), nil
		}
		if err := p.sleep(ctx, wait); err != nil {
			if writes {
				p.drop(id)
			}
			return nil, err
		}
	}
}

func (p *LimitPacer) doneFunc(id uint64) func(bool) {
	var once sync.Once
	return func(sent bool) {
		once.Do(func() {
			if !sent {
				p.drop(id)
				return
			}
			_ = p.store.update(context.Background(), func(log []slot) []slot {
				for i := range log {
					if log[i].ID == id {
						log = slices.Clone(log)
						log[i].At, log[i].State = p.now().UnixNano(), slotSent
						return log
					}
				}
				return nil
			})
		})
	}
}

// drop takes a slot out of the log, as nothing was sent.
func (p *LimitPacer) drop(id uint64) {
	_ = p.store.update(context.Background(), func(log []slot) []slot {
		if !slices.ContainsFunc(log, func(s slot) bool { return s.ID == id }) {
			return nil
		}
		return without(log, id)
	})
}

func without(log []slot, id uint64) []slot {
	return slices.DeleteFunc(slices.Clone(log), func(s slot) bool { return s.ID == id })
}

// ahead is log without the slots that changes behind this one hold. A process
// wakes a little late, always; the ones behind it make room, as each looks again
// when it wakes. Were it to go behind them it might never go.
func ahead(log []slot, held int64) []slot {
	if held == 0 {
		return log
	}
	return slices.DeleteFunc(slices.Clone(log), func(s slot) bool { return s.State == slotHeld && s.At > held })
}

// tidy forgets what no longer matters and mends what a clock that was set back
// leaves behind: requests "sent" in the future count as sent now, and slots that
// are held impossibly late are let go. What was mended must be kept: a slot that
// is moved to now at every look would never grow old.
func (p *LimitPacer) tidy(log []slot, now time.Time) (out []slot, mended bool) {
	h := horizon(p.limits)
	out = make([]slot, 0, len(log)+1)
	for _, s := range log {
		at := time.Unix(0, s.At)
		switch {
		case s.State == slotHeld && at.Sub(now) > maxHeld(h):
			continue
		case s.State != slotHeld && at.After(now):
			s.At, mended = now.UnixNano(), true
		case s.State == slotLeaving && now.Sub(at) > leavingFor:
			s.State = slotSent
		}
		if s.State != slotLeaving && now.Sub(time.Unix(0, s.At)) >= h {
			continue
		}
		out = append(out, s)
	}
	return out, mended
}

// maxHeld is how far ahead changes may queue before a slot is taken for the
// work of a wrong clock.
func maxHeld(horizon time.Duration) time.Duration { return 10*horizon + time.Minute }

// times are the moments that count for the limits, sorted. A request that is
// still connecting will arrive after now, so it counts as sent now.
func times(log []slot, now time.Time) []time.Time {
	out := make([]time.Time, 0, len(log))
	for _, s := range log {
		if s.State == slotLeaving {
			out = append(out, now)
			continue
		}
		out = append(out, time.Unix(0, s.At))
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// memoryStore is the log of one process.
type memoryStore struct {
	mu  sync.Mutex
	log []slot
}

func (m *memoryStore) update(_ context.Context, f func([]slot) []slot) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if log := f(m.log); log != nil {
		m.log = log
	}
	return nil
}
