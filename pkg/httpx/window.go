package httpx

import (
	"sort"
	"time"
)

// Limit is one rule of a vendor: at most N requests in any stretch of time that
// is Per long (exact sliding windows, not a bucket that lets 2N pass at the edge
// of two).
type Limit struct {
	N   int
	Per time.Duration
	// Burst requests may go at once; those after them Per/N apart. 0 is N: no
	// even spacing within the window.
	Burst int
	// Reserve of N, and of Burst, is kept for changes: a read waits earlier, so
	// that a change finds room.
	Reserve int
}

// least is the shortest time that may lie between the first and the last of
// count requests in a row; for a read fewer count.
func (l Limit) least(count int, writes bool) time.Duration {
	n, burst := l.N, l.Burst
	if n <= 0 || l.Per <= 0 {
		return 0
	}
	if !writes {
		n -= min(l.Reserve, n-1)
		if burst > 0 {
			burst -= min(l.Reserve, burst-1)
		}
	}
	var need time.Duration
	if count > n {
		need = l.Per
	}
	if burst > 0 && count > burst {
		need = max(need, time.Duration(count-burst)*(l.Per/time.Duration(max(l.N, 1))))
		// A long row is bounded by the window, not by the whole of its spacing.
		need = min(need, l.Per)
	}
	return need
}

func least(limits []Limit, count int, writes bool) time.Duration {
	var need time.Duration
	for _, l := range limits {
		need = max(need, l.least(count, writes))
	}
	return need
}

// earliest is the first moment from now on at which one more request keeps all
// limits. taken is sorted; it holds the requests that went and, after now, the
// slots that waiting changes hold.
func earliest(limits []Limit, taken []time.Time, now time.Time, writes bool) time.Time {
	t := now
	for {
		next := firstConflict(limits, taken, t, writes)
		if !next.After(t) {
			return t
		}
		t = next
	}
}

// firstConflict returns a later moment to try when a request at t would break a
// limit, else t.
func firstConflict(limits []Limit, taken []time.Time, t time.Time, writes bool) time.Time {
	pos := sort.Search(len(taken), func(i int) bool { return taken[i].After(t) })
	// Rows that end with t: wait until the row is long enough.
	for i := range pos {
		if end := taken[i].Add(least(limits, pos-i+1, writes)); end.After(t) {
			return end
		}
	}
	// Rows that t joins and a held slot ends: only going after that slot helps.
	for j := pos; j < len(taken); j++ {
		for i := 0; i <= pos; i++ {
			start := t
			if i < pos {
				start = taken[i]
			}
			if taken[j].Sub(start) < least(limits, j-i+2, writes) {
				return taken[j]
			}
		}
	}
	return t
}

// horizon is how long a request matters to the limits.
func horizon(limits []Limit) time.Duration {
	var h time.Duration
	for _, l := range limits {
		h = max(h, l.Per)
	}
	return h
}
