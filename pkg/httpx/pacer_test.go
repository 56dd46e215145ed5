package httpx_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

var (
	victorOps  = httpx.Limit{N: 2, Per: time.Second}
	statuspage = httpx.Limit{N: 60, Per: time.Minute, Burst: 10, Reserve: 2}
)

// inBubble runs f with a clock of its own, in which waiting takes no time.
func inBubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

// sentAt notes when requests went, sorted.
type sentAt struct {
	mu sync.Mutex
	at []time.Time
}

func (s *sentAt) now() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now())
}

// requireWindow fails when more than n requests lie in any stretch of per.
func (s *sentAt) requireWindow(t *testing.T, n int, per time.Duration) {
	t.Helper()
	slices.SortFunc(s.at, time.Time.Compare)
	for i := range s.at {
		if i+n < len(s.at) {
			require.GreaterOrEqual(t, s.at[i+n].Sub(s.at[i]), per, "requests %d to %d", i, i+n)
		}
	}
}

func TestPacerKeepsAnySlidingWindowAcrossProcesses(t *testing.T) {
	t.Parallel()
	for _, limit := range []httpx.Limit{victorOps, statuspage, {N: 5, Per: 3 * time.Second, Burst: 2}} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			inBubble(t, func(t *testing.T) {
				var log sentAt
				var wg sync.WaitGroup
				for process := range 4 {
					// A pacer of its own, as another process has: only the file is shared.
					p := httpx.NewFilePacer(dir, "vendor", nil, limit)
					wg.Go(func() {
						for i := range 25 {
							done, err := p.Take(t.Context(), i%3 == 0)
							if !assert.NoError(t, err) {
								return
							}
							time.Sleep(time.Duration(process*i%7) * 40 * time.Millisecond) // TLS handshake
							done(true)
							log.now()
							time.Sleep(time.Duration(i*process%5) * 130 * time.Millisecond)
						}
					})
				}
				wg.Wait()
				require.Len(t, log.at, 100)
				log.requireWindow(t, limit.N, limit.Per)
			})
		})
	}
}

func TestPacerLetsABurstGoAndSpacesTheRest(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		p := httpx.NewPacer(httpx.Limit{N: 60, Per: time.Minute, Burst: 10})
		start := time.Now()
		var at []time.Duration
		for range 75 {
			require.NoError(t, p.Wait(t.Context(), true))
			at = append(at, time.Since(start))
		}
		for i := range 10 {
			assert.Zero(t, at[i], "request %d of the burst", i)
		}
		for i := 10; i < 60; i++ {
			assert.Equal(t, time.Duration(i-9)*time.Second, at[i], "request %d", i)
		}
		for i := 60; i < 70; i++ {
			assert.Equal(t, time.Minute, at[i], "request %d waits until the burst is a minute old", i)
		}
	})
}

func TestPacerSendsAChangeBeforeWaitingReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubble(t, func(t *testing.T) {
		limit := httpx.Limit{N: 1, Per: time.Second}
		require.NoError(t, httpx.NewFilePacer(dir, "v", nil, limit).Wait(t.Context(), false))
		start := time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var order []string
		var at []time.Duration
		send := func(what string, writes bool) {
			p := httpx.NewFilePacer(dir, "v", nil, limit)
			wg.Go(func() {
				assert.NoError(t, p.Wait(t.Context(), writes))
				mu.Lock()
				defer mu.Unlock()
				order, at = append(order, what), append(at, time.Since(start))
			})
		}
		for range 3 {
			send("read", false)
		}
		synctest.Wait() // the reads were first
		send("change", true)
		synctest.Wait()
		send("change", true)
		wg.Wait()
		assert.Equal(t, []string{"change", "change", "read", "read", "read"}, order)
		for i, d := range at {
			// A lock that another goroutine has is asked for again 2 ms later.
			assert.InDelta(t, float64(i+1), d.Seconds(), 0.05, "no slot is wasted")
		}
	})
}

// late wakes a millisecond after it was asked to, as every real timer does.
func late(ctx context.Context, d time.Duration) error {
	time.Sleep(d + time.Millisecond)
	return ctx.Err()
}

func TestPacerQueueOfChangesMovesOnThoughEachWakesLate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubble(t, func(t *testing.T) {
		limit := httpx.Limit{N: 1, Per: time.Second}
		start := time.Now()
		var log sentAt
		var wg sync.WaitGroup
		for range 10 {
			p := httpx.NewFilePacer(dir, "v", nil, limit).WithClock(time.Now, late)
			wg.Go(func() {
				assert.NoError(t, p.Wait(t.Context(), true))
				log.now()
			})
			synctest.Wait()
		}
		wg.Wait()
		log.requireWindow(t, 1, time.Second)
		assert.Less(t, time.Since(start), 9*time.Second+200*time.Millisecond, "no slot is wasted")
	})
}

func TestPacerReadsLeaveRoomForAChange(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		p := httpx.NewPacer(statuspage)
		start := time.Now()
		for range 8 {
			require.NoError(t, p.Wait(t.Context(), false))
		}
		assert.Zero(t, time.Since(start), "eight of the ten that are free")
		require.NoError(t, p.Wait(t.Context(), true))
		require.NoError(t, p.Wait(t.Context(), true))
		assert.Zero(t, time.Since(start), "two are kept for changes")
		require.NoError(t, p.Wait(t.Context(), false))
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestPacerCountsFromWhenARequestLeft(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		p := httpx.NewPacer(victorOps)
		start := time.Now()
		one, err := p.Take(t.Context(), false)
		require.NoError(t, err)
		two, err := p.Take(t.Context(), false)
		require.NoError(t, err)
		time.Sleep(400 * time.Millisecond)
		one(true)
		time.Sleep(200 * time.Millisecond)
		two(true)
		require.NoError(t, p.Wait(t.Context(), false))
		assert.Equal(t, 1400*time.Millisecond, time.Since(start))
	})
}

func TestPacerGivesBackASlotThatWasNotUsed(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		p := httpx.NewPacer(httpx.Limit{N: 1, Per: time.Minute})
		start := time.Now()
		done, err := p.Take(t.Context(), true)
		require.NoError(t, err)
		done(false) // connection refused
		require.NoError(t, p.Wait(t.Context(), true))
		assert.Zero(t, time.Since(start))
	})
}

func TestPacerStopsWithTheContextAndLeavesNoSlot(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		p := httpx.NewPacer(httpx.Limit{N: 1, Per: time.Minute})
		start := time.Now()
		require.NoError(t, p.Wait(t.Context(), true))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.ErrorIs(t, p.Wait(ctx, true), context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(start))
		require.ErrorIs(t, p.Wait(ctx, false), context.DeadlineExceeded)
		require.NoError(t, p.Wait(t.Context(), true))
		assert.Equal(t, time.Minute, time.Since(start), "the slot of the one that gave up is free")
	})
}

func TestPacerSurvivesTheDeathOfAProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubble(t, func(t *testing.T) {
		limit := httpx.Limit{N: 1, Per: time.Second}
		start := time.Now()
		_, err := httpx.NewFilePacer(dir, "v", nil, limit).Take(t.Context(), true)
		require.NoError(t, err) // dies while it connects
		require.NoError(t, httpx.NewFilePacer(dir, "v", nil, limit).Wait(t.Context(), true))
		assert.LessOrEqual(t, time.Since(start), 12*time.Second)
	})
}

func TestPacerWithAWrongFileOrClock(t *testing.T) {
	t.Parallel()
	future := time.Date(2000, 1, 1, 2, 0, 0, 0, time.UTC).UnixNano() // a bubble begins at 2000-01-01
	for name, c := range map[string]struct {
		content string
		atMost  time.Duration
	}{
		"empty":                    {"", 0},
		"not JSON":                 {"\x00\x01 garbage", 0},
		"another version":          {`{"version":9,"slots":[{"at":1,"id":2}]}`, 0},
		"sent in the future":       {fmt.Sprintf(`{"version":1,"slots":[{"at":%d,"id":2}]}`, future), time.Second},
		"leaving in the future":    {fmt.Sprintf(`{"version":1,"slots":[{"at":%d,"id":2,"state":2}]}`, future), 12 * time.Second},
		"held in the far future":   {fmt.Sprintf(`{"version":1,"slots":[{"at":%d,"id":2,"state":1}]}`, future), 0},
		"the end of time":          {`{"version":1,"slots":[{"at":9223372036854775807,"id":2},{"at":-9223372036854775808,"id":3}]}`, time.Second},
		"a state that is not ours": {`{"version":1,"slots":[{"at":1,"id":2,"state":77}]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "v.pace"), []byte(c.content), 0o600))
			inBubble(t, func(t *testing.T) {
				p := httpx.NewFilePacer(dir, "V", func(err error) { t.Error(err) }, httpx.Limit{N: 1, Per: time.Second})
				start := time.Now()
				require.NoError(t, p.Wait(t.Context(), false))
				assert.LessOrEqual(t, time.Since(start), c.atMost)
				start = time.Now()
				require.NoError(t, p.Wait(t.Context(), false))
				assert.Equal(t, time.Second, time.Since(start), "and from then on as always")
			})
		})
	}
}

func TestPacerGoesOnWithoutItsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	directory := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(directory, "v.pace"), 0o700)) // cannot be written
	for name, dir := range map[string]string{"no folder can be made": filepath.Join(file, "sub"), "no file can be written": directory} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				var warnings []error
				p := httpx.NewFilePacer(dir, "v", func(err error) { warnings = append(warnings, err) }, victorOps)
				start := time.Now()
				for range 6 {
					require.NoError(t, p.Wait(t.Context(), true))
				}
				assert.Equal(t, 2*time.Second, time.Since(start), "still paced")
				require.Len(t, warnings, 1, "told once")
				assert.Contains(t, warnings[0].Error(), strings.TrimSuffix(dir, "/sub"))
			})
		})
	}
}

func TestPacerOnAFullDiskForgetsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := os.Stat("/dev/full"); err != nil || os.Symlink("/dev/full", filepath.Join(dir, "v.pace")) != nil {
		t.Skip("no disk that is always full")
	}
	inBubble(t, func(t *testing.T) {
		warnings := 0
		p := httpx.NewFilePacer(dir, "v", func(error) { warnings++ }, victorOps)
		start := time.Now()
		for range 5 {
			require.NoError(t, p.Wait(t.Context(), true))
		}
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 1, warnings)
	})
}

func TestPacerWhoseFileIsLostForgetsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	inBubble(t, func(t *testing.T) {
		p := httpx.NewFilePacer(dir, "v", nil, victorOps)
		start := time.Now()
		require.NoError(t, httpx.NewFilePacer(dir, "v", nil, victorOps).Wait(t.Context(), true)) // another process
		require.NoError(t, p.Wait(t.Context(), true))
		require.NoError(t, os.Remove(filepath.Join(dir, "v.pace")))
		require.NoError(t, os.Mkdir(filepath.Join(dir, "v.pace"), 0o700))
		require.NoError(t, p.Wait(t.Context(), true))
		assert.Equal(t, time.Second, time.Since(start))
	})
}

func TestPacerFileIsPrivateAndNamesNoSecret(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state", "pacing")
	key := httpx.PacerKey("victorops", secret.New("s3cr3t-key"))
	assert.NotContains(t, key, "s3cr3t")
	assert.NotEqual(t, key, httpx.PacerKey("victorops", secret.New("another")))
	assert.Equal(t, "victorops", httpx.PacerKey("victorops", secret.String{}))
	require.NoError(t, httpx.NewFilePacer(dir, key, nil, victorOps).Wait(t.Context(), false))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f.Name())
	}
}

func BenchmarkFilePacer(b *testing.B) {
	p := httpx.NewFilePacer(b.TempDir(), "v", nil, httpx.Limit{N: 1 << 30, Per: time.Millisecond})
	for b.Loop() {
		if err := p.Wait(b.Context(), false); err != nil {
			b.Fatal(err)
		}
	}
}
