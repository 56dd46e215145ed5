package httpx

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keeps checks all limits the slow way: every row of requests is long enough.
func keeps(limits []Limit, taken []time.Time, writes bool) bool {
	for i := range taken {
		for j := i; j < len(taken); j++ {
			if taken[j].Sub(taken[i]) < least(limits, j-i+1, writes) {
				return false
			}
		}
	}
	return true
}

func TestEarliestIsTheFirstMomentThatKeepsTheLimits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	zero := time.Unix(1e9, 0)
	for range 300 {
		n := 1 + r.IntN(5)
		limits := []Limit{{N: n, Per: time.Duration(1+r.IntN(5)) * time.Second, Burst: r.IntN(n + 1)}}
		if r.IntN(3) == 0 {
			limits = append(limits, Limit{N: 2 * n, Per: 20 * time.Second})
		}
		var taken []time.Time
		now := zero
		for range 3 * n {
			now = now.Add(time.Duration(r.IntN(15)) * 100 * time.Millisecond)
			ahead := slices.Clone(taken)
			if r.IntN(4) == 0 { // a slot that a change holds
				ahead = append(ahead, earliest(limits, taken, now.Add(time.Duration(r.IntN(30))*100*time.Millisecond), true))
				slices.SortFunc(ahead, time.Time.Compare)
			}
			at := earliest(limits, ahead, now, true)
			require.False(t, at.Before(now))
			with := append(slices.Clone(ahead), at)
			slices.SortFunc(with, time.Time.Compare)
			require.True(t, keeps(limits, with, true), "%v: %v after %v", limits, at, ahead)
			for earlier := now; earlier.Before(at); earlier = earlier.Add(50 * time.Millisecond) {
				with := append(slices.Clone(ahead), earlier)
				slices.SortFunc(with, time.Time.Compare)
				require.False(t, keeps(limits, with, true), "%v would do before %v", earlier, at)
			}
			taken = append(taken, at)
			now = at
		}
	}
}

func TestLimitsThatAreNone(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	taken := slices.Repeat([]time.Time{now}, 50)
	for _, l := range [][]Limit{nil, {{}}, {{N: 5}}, {{Per: time.Second}}, {{N: -1, Per: time.Second}}, {{N: 100, Per: time.Second, Burst: 1000}}} {
		assert.Equal(t, now, earliest(l, taken, now, true), "%v", l)
	}
	one := []Limit{{N: 1, Per: time.Second, Reserve: 5}}
	assert.Equal(t, now.Add(time.Second), earliest(one, taken[:1], now, false), "a reserve never stops reads altogether")
}

func FuzzPaceFile(f *testing.F) {
	for _, s := range []string{"", "null", `{"version":1}`, `{"version":1,"slots":[{"at":1,"state":2,"id":3},{"at":9e18}]}`, `{"version":1,"slots":[{"at":1e400}]}`,
		`{"version":1,"slots":[{"at":9000000000000000000,"state":1,"id":1},{"at":1000000005000000000,"state":1,"id":2}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		log := parsePaceFile(data)
		if len(log) > 200 {
			return // the search is quadratic, and a real log has at most some hundred
		}
		p := NewPacer(Limit{N: 2, Per: time.Second, Burst: 1})
		now := time.Unix(1e9, 0)
		tidied, _ := p.tidy(log, now)
		for _, s := range tidied {
			if at := time.Unix(0, s.At); at.Sub(now) > maxHeld(time.Second) {
				t.Fatalf("%v is kept", s)
			}
		}
		at := earliest(p.limits, times(tidied, now), now, true)
		if wait := at.Sub(now); wait < 0 || wait > maxHeld(time.Second)+time.Duration(len(log)+1)*time.Second {
			t.Fatalf("waits %v", wait)
		}
	})
}
