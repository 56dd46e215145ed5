package loki_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/loki"
)

// realLoki is a Loki to push to and read from, for example one started with
// `loki -config.file=loki-local-config.yaml`:
//
//	ONCALL_TEST_LOKI_URL=http://127.0.0.1:3100 go test ./pkg/loki -run TestAgainstLoki -v
func realLoki(t *testing.T) (*loki.Client, string) {
	t.Helper()
	url := os.Getenv("ONCALL_TEST_LOKI_URL")
	if url == "" {
		t.Skip("ONCALL_TEST_LOKI_URL is not set: the address of a Loki to push to and read from")
	}
	c, err := loki.New(loki.Config{HTTP: httpx.Config{BaseURL: url, Timeout: 2 * time.Minute}, Tenant: os.Getenv("ONCALL_TEST_LOKI_TENANT")})
	require.NoError(t, err)
	return c, url
}

// pushLines stores lines and fails the test when Loki does not take them.
func pushLines(t *testing.T, url string, lines []line, run string) {
	t.Helper()
	byApp := map[string][][]any{}
	for _, l := range lines {
		v := []any{strconv.FormatInt(l.ns, 10), l.text}
		if l.meta != nil {
			v = append(v, l.meta)
		}
		byApp[l.app] = append(byApp[l.app], v)
	}
	var streams []any
	for app, values := range byApp {
		streams = append(streams, map[string]any{"stream": map[string]string{"app": app, "run": run}, "values": values})
	}
	body, err := json.Marshal(map[string]any{"streams": streams})
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/loki/api/v1/push", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if tenant := os.Getenv("ONCALL_TEST_LOKI_TENANT"); tenant != "" {
		req.Header.Set("X-Scope-OrgID", tenant)
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	require.Equal(t, http.StatusNoContent, res.StatusCode, "%s", text)
}

// Every line comes back exactly once, in order, in both directions, at several
// page sizes: contract note section 5 has what a naive pager gets wrong.
func TestAgainstLoki(t *testing.T) {
	t.Parallel()
	c, url := realLoki(t)
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
		pushLines(t, url, store[i:i+5000], run)
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
	c, url := realLoki(t)
	run := "tail-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	next := 0
	push := func() {
		pushLines(t, url, []line{{ns: time.Now().UnixNano(), app: "a", text: fmt.Sprint("line ", next)}}, run)
		next++
	}
	got := follow(t, c, loki.Following{Query: fmt.Sprintf(`{run=%q}`, run)}, 5, func(e loki.Event) {
		if e.Kind == loki.Connected {
			push()
		}
	}, func(int) { push() })
	assert.Equal(t, texts(5), got.lines[:5])
}
