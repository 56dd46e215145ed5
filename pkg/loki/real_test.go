package loki_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/loki"
	"github.com/balena-io/oncall/pkg/loki/lokitest"
)

// realLoki is a client of the judge, and what stores lines there.
func realLoki(t *testing.T) (c *loki.Client, push func(run string, lines ...line)) {
	t.Helper()
	s := lokitest.Real(t)
	c, err := loki.New(loki.Config{HTTP: httpx.Config{BaseURL: s.URL, Timeout: 2 * time.Minute}, Tenant: s.Tenant})
	require.NoError(t, err)
	return c, func(run string, lines ...line) {
		byApp := map[string][]lokitest.Line{}
		for _, l := range lines {
			byApp[l.app] = append(byApp[l.app], lokitest.Line{NS: l.ns, Text: l.text, Metadata: l.meta})
		}
		for app, some := range byApp {
			s.Push(t, map[string]string{"app": app, "run": run}, some...)
		}
	}
}

// Every line comes back exactly once, in order, in both directions, at several
// page sizes: contract note section 5 has what a naive pager gets wrong.
func TestAgainstLoki(t *testing.T) {
	t.Parallel()
	c, push := realLoki(t)
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	begin := time.Now().Add(-10 * time.Minute).Truncate(time.Second)
	r := rand.New(rand.NewPCG(1, 2))
	used := map[string]bool{}
	var store []line
	for len(store) < 30_000 {
		l := line{ns: begin.UnixNano() + int64(r.IntN(60))*int64(time.Second) + int64(r.IntN(40)), app: string(rune('a' + r.IntN(5))), text: fmt.Sprint("line ", r.IntN(50))}
		if k := fmt.Sprint(l.ns, l.app, l.text); !used[k] {
			used[k] = true
			store = append(store, l)
		}
	}
	for i := 0; i < len(store); i += 5000 {
		push(run, store[i:i+5000]...)
	}
	query := fmt.Sprintf(`{run=%q}`, run)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, d := range []loki.Direction{loki.Forward, loki.Backward} {
		for _, size := range []int{5000, 1000, 333} {
			got := map[string]int{}
			var last int64
			n := 0
			for page, err := range c.Pages(ctx, loki.Range{Query: query, Start: begin.Add(-time.Minute), End: begin.Add(5 * time.Minute), Direction: d}, loki.Paging{Size: size}) {
				require.NoError(t, err)
				for _, e := range page {
					if n > 0 && d == loki.Forward {
						require.GreaterOrEqual(t, e.NS, last)
					} else if n > 0 {
						require.LessOrEqual(t, e.NS, last)
					}
					last = e.NS
					n++
					got[fmt.Sprint(e.NS, e.Stream.Labels["app"], e.Line)]++
				}
			}
			assert.Len(t, got, len(store), "%s %d", d, size)
			assert.Equal(t, len(store), n, "%s %d: each line once", d, size)
		}
	}
}

// What is pushed while the tail runs comes through it.
func TestTailAgainstLoki(t *testing.T) {
	t.Parallel()
	c, push := realLoki(t)
	run := "tail-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	next := 0
	pushNext := func() {
		push(run, line{ns: time.Now().UnixNano(), app: "a", text: fmt.Sprint("line ", next)})
		next++
	}
	got := follow(t, c, loki.Following{Query: fmt.Sprintf(`{run=%q}`, run)}, 5, func(e loki.Event) {
		if e.Kind == loki.Connected {
			pushNext()
		}
	}, func(int) { pushNext() })
	assert.Equal(t, texts(5), got.lines[:5])
}
