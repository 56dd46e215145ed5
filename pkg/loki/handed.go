package loki

import (
	"hash/maphash"
	"slices"
	"time"
)

// handed remembers which lines were handed over, so that a span can be read again
// without doubling them. It holds a hash of each, not the line, and it forgets
// what no reading can bring back: memory does not grow with the time of following.
type handed struct {
	seed    maphash.Seed
	seen    map[handedLine]struct{}
	newest  int64 // time of the newest line
	room    int   // lines before it is tidied up again
	overlap time.Duration
	late    time.Duration
	floor   int64 // everything handed over from here on is in seen
}

// handedLine is one line: a hash alone could be that of another line, but hardly
// of one of the same nanosecond.
type handedLine struct {
	ns   int64
	hash uint64
}

const (
	leastRoom = 1024
	// mostLate is how many lines are read again at most to find late ones.
	mostLate = 20_000
)

func newHanded(from time.Time, d Delays) *handed {
	return &handed{seed: maphash.MakeSeed(), seen: map[handedLine]struct{}{}, newest: from.UnixNano(), room: leastRoom,
		overlap: d.Overlap, late: d.Late, floor: from.UnixNano()}
}

// add notes a line; false is one that was handed over before.
func (h *handed) add(e Entry) bool {
	k := handedLine{e.NS, maphash.String(h.seed, e.key())}
	if _, ok := h.seen[k]; ok {
		return false
	}
	h.seen[k] = struct{}{}
	h.newest = max(h.newest, e.NS)
	return true
}

// reach is up to when all lines that were stored in time were handed over: the
// newest line's time, but not beyond sure, when the server was last heard. A line
// of a host whose clock is ahead says nothing about the lines of the others.
func (h *handed) reach(sure time.Time) int64 { return min(h.newest, sure.UnixNano()) }

// shallow and deep are where a reading begins that shall find lines which were
// stored a little late, or much.
func (h *handed) shallow(sure time.Time) int64 {
	return max(h.reach(sure)-int64(h.overlap), h.floor)
}

func (h *handed) deep(sure time.Time) int64 {
	return max(h.reach(sure)-int64(h.late), h.floor)
}

// tidy forgets what is older than any reading can bring back, and of late lines
// what is more than mostLate of them.
func (h *handed) tidy(sure time.Time) {
	if len(h.seen) < h.room {
		return
	}
	reach := h.reach(sure)
	recent, far := reach-2*int64(h.overlap), reach-int64(h.late)
	var old []int64
	for k := range h.seen {
		if k.ns >= far && k.ns < recent {
			old = append(old, k.ns)
		}
	}
	h.floor = max(h.floor, min(far, recent))
	if len(old) > mostLate {
		slices.Sort(old)
		h.floor = max(h.floor, old[len(old)-mostLate])
	}
	for k := range h.seen {
		if k.ns < h.floor {
			delete(h.seen, k)
		}
	}
	h.room = max(leastRoom, 2*len(h.seen))
}
