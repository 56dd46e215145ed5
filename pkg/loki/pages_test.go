package loki_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
)

const day = int64(24 * time.Hour)

func at(ns int64) time.Time { return time.Unix(0, ns) }

// readAll pages a range and returns what came, as "ns app text".
func readAll(ctx context.Context, t *testing.T, c *loki.Client, r loki.Range, how loki.Paging) []string {
	t.Helper()
	var out []string
	for page, err := range c.Pages(ctx, r, how) {
		require.NoError(t, err)
		for _, e := range page {
			out = append(out, shown(e.NS, e.Stream.String(), e.Metadata, e.Line))
		}
	}
	return out
}

func wanted(lines []line, d loki.Direction) []string {
	sorted := slices.Clone(lines)
	slices.SortStableFunc(sorted, func(a, b line) int {
		if d == loki.Forward {
			return int(a.ns - b.ns)
		}
		return int(b.ns - a.ns)
	})
	var out []string
	for _, l := range sorted {
		out = append(out, shown(l.ns, `{app="`+l.app+`"}`, l.meta, l.text))
	}
	return out
}

func shown(ns int64, stream string, meta loki.Labels, text string) string {
	return fmt.Sprintf("%d %s %s %s", ns, stream, meta, text)
}

// instants returns the times of readAll's lines, which must be in order.
func instants(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i], _, _ = strings.Cut(l, "{")
	}
	return out
}

// crowdedStore has many lines on few instants, equal lines in several streams,
// and equal lines of one stream that differ in metadata alone.
func crowdedStore(r *rand.Rand, n int) []line {
	var out []line
	used := map[string]bool{}
	for len(out) < n {
		l := line{ns: day + int64(r.IntN(n/4+1)), app: string(rune('a' + r.IntN(4))), text: "line " + strconv.Itoa(r.IntN(3))}
		if r.IntN(3) == 0 {
			l.meta = map[string]string{"trace_id": strconv.Itoa(r.IntN(9))}
		}
		// Loki stores an exact duplicate once.
		if k := fmt.Sprint(l); !used[k] {
			used[k] = true
			out = append(out, l)
		}
	}
	return out
}

func TestPagesGiveEveryLineOnceInOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		store := crowdedStore(rand.New(rand.NewPCG(seed, 1)), 400)
		for _, size := range []int{1, 2, 7, 50, 399, 400, 401, 5000} {
			for _, d := range []loki.Direction{loki.Forward, loki.Backward} {
				t.Run(fmt.Sprintf("seed %d size %d %s", seed, size, d), func(t *testing.T) {
					t.Parallel()
					f := newFake(t, store...)
					r := loki.Range{Query: `{app=~".+"}`, Start: at(day), End: at(2 * day), Direction: d}
					got := readAll(t.Context(), t, f.client(t), r, loki.Paging{Size: size})
					want := wanted(store, d)
					assert.ElementsMatch(t, want, got)
					assert.Equal(t, instants(want), instants(got), "in order")
				})
			}
		}
	}
}

func TestPagesObeyTheServersLimitAndTheCallers(t *testing.T) {
	t.Parallel()
	store := crowdedStore(rand.New(rand.NewPCG(1, 1)), 300)
	f := newFake(t, store...)
	f.max = 20
	c := f.client(t)
	r := loki.Range{Query: `{app=~".+"}`, Start: at(day), End: at(2 * day), Direction: loki.Forward}
	assert.ElementsMatch(t, wanted(store, loki.Forward), readAll(t.Context(), t, c, r, loki.Paging{}))

	r.Limit = 45
	got := readAll(t.Context(), t, c, r, loki.Paging{})
	assert.Equal(t, instants(wanted(store, loki.Forward))[:45], instants(got))
	for _, q := range f.queries()[1:] {
		n, _ := strconv.Atoi(q.Get("limit"))
		assert.LessOrEqual(t, n, 20, "the limit that the server named is obeyed")
	}
}

// One instant holds more lines than the server gives: the streams are asked for
// one by one.
func TestPagesSplitACrowdByStream(t *testing.T) {
	t.Parallel()
	var store []line
	for i := range 36 {
		store = append(store, line{ns: day + 5, app: string(rune('a' + i%4)), text: fmt.Sprint("same instant ", i)})
	}
	store = append(store, line{ns: day + 4, app: "a", text: "before"}, line{ns: day + 6, app: "a", text: "after"})
	for _, d := range []loki.Direction{loki.Forward, loki.Backward} {
		f := newFake(t, store...)
		f.max = 10
		r := loki.Range{Query: `{app=~".+"} |= "e"`, Start: at(day), End: at(2 * day), Direction: d}
		got := readAll(t.Context(), t, f.client(t), r, loki.Paging{Size: 5, Incomplete: func(time.Time, int) { t.Error("nothing is incomplete") }})
		want := wanted(store, d)
		require.Len(t, got, len(want), "%s", d)
		assert.ElementsMatch(t, want, got)
	}
}

func TestPagesSayWhatCannotBeHad(t *testing.T) {
	t.Parallel()
	var store []line
	for i := range 40 {
		store = append(store, line{ns: day + 5, app: "a", text: fmt.Sprint("same instant ", i)})
	}
	store = append(store, line{ns: day + 6, app: "a", text: "after"})
	f := newFake(t, store...)
	f.max = 10
	var told []string
	r := loki.Range{Query: `{app=~".+"}`, Start: at(day), End: at(2 * day), Direction: loki.Forward}
	got := readAll(t.Context(), t, f.client(t), r, loki.Paging{Incomplete: func(at time.Time, n int) { told = append(told, fmt.Sprint(at.UnixNano()-day, " ", n >= 10)) }})
	assert.Equal(t, []string{"5 true"}, told)
	assert.Contains(t, got[len(got)-1], "after", "reading goes on behind the crowd")
	assert.Len(t, slices.Compact(slices.Sorted(slices.Values(got))), len(got), "no line twice")
}

// A range that the server finds too long, too large or too slow is read in parts.
func TestPagesSplitTheRange(t *testing.T) {
	t.Parallel()
	var store []line
	for i := range 200 {
		store = append(store, line{ns: day + int64(i)*int64(time.Minute), app: "a", text: fmt.Sprint("line ", i)})
	}
	for name, answer := range map[string]func(w http.ResponseWriter, span time.Duration) bool{
		"too long": func(w http.ResponseWriter, span time.Duration) bool {
			if span <= time.Hour {
				return false
			}
			http.Error(w, "the query time range exceeds the limit (query length: "+span.String()+", limit: 1h)", 400)
			return true
		},
		"too large": func(w http.ResponseWriter, span time.Duration) bool {
			if span <= 20*time.Minute {
				return false
			}
			http.Error(w, "the query would read too many bytes (query: 1.2TB, limit: 500GB); consider adding more specific stream selectors", 400)
			return true
		},
		"too slow": func(w http.ResponseWriter, span time.Duration) bool {
			if span <= 40*time.Minute {
				return false
			}
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(504)
			_, _ = w.Write([]byte("<html><h1>504 Gateway Time-out</h1></html>"))
			return true
		},
	} {
		for _, d := range []loki.Direction{loki.Forward, loki.Backward} {
			t.Run(name+" "+string(d), func(t *testing.T) {
				t.Parallel()
				f := newFake(t, store...)
				f.refuse = func(w http.ResponseWriter, _ *http.Request, q url.Values) bool {
					start, _ := strconv.ParseInt(q.Get("start"), 10, 64)
					end, _ := strconv.ParseInt(q.Get("end"), 10, 64)
					return answer(w, time.Duration(end-start))
				}
				r := loki.Range{Query: `{app="a"}`, Start: at(day), End: at(day + int64(4*time.Hour)), Direction: d}
				assert.Equal(t, wanted(store, d), readAll(t.Context(), t, f.client(t), r, loki.Paging{Size: 50}))
			})
		}
	}
}

func TestPagesOfVeryLongLines(t *testing.T) {
	t.Parallel()
	var store []line
	for i := range 12 {
		store = append(store, line{ns: day + int64(i/2), app: "a", text: fmt.Sprint(i, " ", strings.Repeat("x", 100<<10))})
	}
	f := newFake(t, store...)
	r := loki.Range{Query: `{app="a"}`, Start: at(day), End: at(2 * day), Direction: loki.Forward}
	n := 0
	for page, err := range f.client(t).Pages(t.Context(), r, loki.Paging{Bytes: 500 << 10}) {
		require.NoError(t, err)
		n += len(page)
	}
	assert.Equal(t, 12, n)
}

func TestPagesEndWithTheServersError(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuse = func(w http.ResponseWriter, _ *http.Request, _ url.Values) bool {
		http.Error(w, "the query would read too many bytes (query: 1.2TB, limit: 500GB)", 400)
		return true
	}
	n := 0
	for _, err := range f.client(t).Pages(t.Context(), loki.Range{Query: `{app="a"}`, Start: at(day), End: at(2 * day)}, loki.Paging{}) {
		require.ErrorIs(t, err, apierr.ErrInvalid)
		n++
	}
	assert.Equal(t, 1, n)
	assert.Less(t, len(f.queries()), 30, "it ends")

	f.refuse = nil
	for _, err := range f.client(t).Pages(t.Context(), loki.Range{Query: `{app="a"}`, Start: at(2 * day), End: at(day)}, loki.Paging{}) {
		require.ErrorIs(t, err, apierr.ErrUsage)
	}
}

func TestSplitQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][2]string{
		`{a="b"}`:                            {`{a="b"}`, ``},
		" {a=\"}\\\"\"} |= `}`":              {`{a="}\""}`, " |= `}`"},
		"{a=~`\\`} | json":                   {"{a=~`\\`}", " | json"},
		`count_over_time({a="b"}[5m])`:       {},
		`{a="b`:                              {},
		``:                                   {},
		`{a="b"} | line_format "{{.c}}" | d`: {`{a="b"}`, ` | line_format "{{.c}}" | d`},
	} {
		selector, pipeline, ok := loki.SplitQuery(query)
		assert.Equal(t, want, [2]string{selector, pipeline}, query)
		assert.Equal(t, want[0] != "", ok, query)
	}
}
