package httpx_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
)

// TestPaceOfRealProcesses starts this binary several times; each copy comes
// here with a folder as its argument and prints when it was let go.
func TestPaceOfRealProcesses(t *testing.T) {
	t.Parallel()
	limit := httpx.Limit{N: 5, Per: 150 * time.Millisecond}
	if flag.NArg() == 1 {
		p := httpx.NewFilePacer(flag.Arg(0), "v", func(err error) { fmt.Fprintln(os.Stderr, err) }, limit)
		for i := range 8 {
			require.NoError(t, p.Wait(t.Context(), i%2 == 0))
			fmt.Fprintf(os.Stdout, "\nat %d\n", time.Now().UnixNano())
		}
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	var log sentAt
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestPaceOfRealProcesses$", "-test.paniconexit0=false", dir)
			out, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s", out)
			log.mu.Lock()
			defer log.mu.Unlock()
			for l := range strings.Lines(string(out)) {
				if at, found := strings.CutPrefix(strings.TrimSpace(l), "at "); found {
					ns, err := strconv.ParseInt(at, 10, 64)
					assert.NoError(t, err)
					log.at = append(log.at, time.Unix(0, ns))
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, log.at, 32)
	slices.SortFunc(log.at, time.Time.Compare)
	// What is printed is a little later than what was noted, hence four and not
	// six. Processes that ignored each other would need one window.
	assert.GreaterOrEqual(t, log.at[31].Sub(log.at[0]), 4*limit.Per, "32 requests are six windows and a bit")
}
