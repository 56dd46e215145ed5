package logs_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
)

// store is a source with lines in order of time.
type store struct {
	all    []loki.Entry
	mu     sync.Mutex
	asked  []loki.Range
	fail   func(loki.Range) error
	answer func(query string, at time.Time) (*loki.Result, error)
}

func (s *store) pick(r loki.Range) []loki.Entry {
	var out []loki.Entry
	for _, e := range s.all {
		if _, part, ok := strings.Cut(r.Query, `|= "`); ok && !strings.Contains(e.Line, strings.TrimSuffix(part, `"`)) {
			continue
		}
		if e.NS >= r.Start.UnixNano() && e.NS < r.End.UnixNano() {
			out = append(out, e)
		}
	}
	if r.Direction != loki.Forward {
		slices.Reverse(out)
	}
	return out
}

func (s *store) Pages(ctx context.Context, r loki.Range, how loki.Paging) iter.Seq2[[]loki.Entry, error] {
	return func(yield func([]loki.Entry, error) bool) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		s.mu.Unlock()
		if s.fail != nil {
			if err := s.fail(r); err != nil {
				yield(nil, err)
				return
			}
		}
		size := how.Size
		if size == 0 {
			size = loki.DefaultPage
		}
		got := s.pick(r)
		if r.Limit > 0 {
			got = got[:min(len(got), r.Limit)]
		}
		for page := range slices.Chunk(got, size) {
			if ctx.Err() != nil || !yield(page, nil) {
				return
			}
		}
	}
}

func (s *store) Query(_ context.Context, q string, at time.Time) (*loki.Result, error) {
	return s.answer(q, at)
}

func lines(n int, gap time.Duration) *store {
	s := &store{}
	stream := &loki.Stream{Labels: loki.Labels{"app": "a"}}
	for i := range n {
		s.all = append(s.all, loki.Entry{NS: start.Add(time.Duration(i) * gap).UnixNano(), Line: fmt.Sprint("line ", i), Stream: stream})
	}
	return s
}

var start = time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)

func read(t *testing.T, s *store, r logs.Reading) []string {
	t.Helper()
	var out []string
	for e, err := range oneByOne(logs.Read(t.Context(), s, r)) {
		require.NoError(t, err)
		out = append(out, e.Line)
	}
	return out
}

// oneByOne turns pages into lines.
func oneByOne(pages iter.Seq2[[]loki.Entry, error]) iter.Seq2[loki.Entry, error] {
	return func(yield func(loki.Entry, error) bool) {
		for page, err := range pages {
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil && !yield(loki.Entry{}, err) {
				return
			}
		}
	}
}

func want(n int, d loki.Direction) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("line ", i))
	}
	if d != loki.Forward {
		slices.Reverse(out)
	}
	return out
}

func TestReadKeepsOrderWhateverTheParts(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 2, 3, 8} {
		for _, d := range []loki.Direction{loki.Forward, loki.Backward} {
			s := lines(5000, 700*time.Millisecond)
			r := logs.Reading{Range: loki.Range{Query: `{app="a"}`, Start: start, End: start.Add(2 * time.Hour), Direction: d}, Parallel: parallel, Paging: loki.Paging{Size: 100}}
			assert.True(t, slices.Equal(want(5000, d), read(t, s, r)), "%d %s", parallel, d)
			r.Range.Limit = 250
			assert.True(t, slices.Equal(want(5000, d)[:250], read(t, lines(5000, 700*time.Millisecond), r)), "%d %s", parallel, d)
		}
	}
}

// Lines come in bursts; the parts follow the density.
func TestReadAdapts(t *testing.T) {
	t.Parallel()
	s := lines(4000, time.Millisecond)
	for i := range 50 {
		s.all = append(s.all, loki.Entry{NS: start.Add(time.Hour).UnixNano() + int64(i)*int64(time.Hour), Line: fmt.Sprint("line ", 4000+i), Stream: s.all[0].Stream})
	}
	got := read(t, s, logs.Reading{Range: loki.Range{Query: `{app="a"}`, Start: start, End: start.Add(100 * time.Hour), Direction: loki.Forward}, Parallel: 4, Paging: loki.Paging{Size: 100}})
	assert.True(t, slices.Equal(want(4050, loki.Forward), got))
	assert.Less(t, len(s.asked), 300)
}

func TestReadEndsWithAnErrorInItsPlace(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	s := lines(1000, time.Second)
	s.fail = func(r loki.Range) error {
		if r.End.After(start.Add(600 * time.Second)) {
			return boom
		}
		return nil
	}
	n := 0
	var last error
	for e, err := range oneByOne(logs.Read(t.Context(), s, logs.Reading{Range: loki.Range{Query: "x", Start: start, End: start.Add(1000 * time.Second), Direction: loki.Forward}, Parallel: 4, Paging: loki.Paging{Size: 50}})) {
		if last = err; err == nil {
			require.Equal(t, fmt.Sprint("line ", n), e.Line)
			n++
		}
	}
	require.ErrorIs(t, last, boom)
	assert.Positive(t, n)
}

func TestSelector(t *testing.T) {
	t.Parallel()
	got, err := logs.Selector([]logs.Match{{"service", []string{"api"}}, {"level", []string{"error", "wa.rn"}}, {"host", []string{`~ip-.*`}}, {"none", nil}})
	require.NoError(t, err)
	assert.Equal(t, `{host=~"ip-.*", level=~"error|wa\\.rn", service="api"}`, got)
	_, err = logs.Selector([]logs.Match{{"a-b", []string{"x"}}})
	require.ErrorIs(t, err, apierr.ErrUsage)
	_, err = logs.Selector([]logs.Match{{"a", []string{"~("}}})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Equal(t, `{a="b"} |= "x\"y" != "z"`, logs.Contains(`{a="b"}`, []string{`x"y`}, []string{"z"}))
}

func TestStatusFilter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"4xx": "4[0-9][0-9]", "4xx,5XX": "4[0-9][0-9]|5[0-9][0-9]", "404": "404", "50x|400": "50[0-9]|400"} {
		got, err := logs.StatusFilter(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, bad := range []string{"", "6xx", "40", "x04", "abc"} {
		_, err := logs.StatusFilter(bad)
		require.ErrorIs(t, err, apierr.ErrUsage, bad)
	}
}

func TestParsers(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct {
		line  string
		want  map[string]string
		stage string
	}{
		"json":                        {`{"a":{"b-c":1},"d":true,"e":[1],"f":null,"g":"x"}`, map[string]string{"a_b_c": "1", "d": "true", "g": "x"}, ` | json | __error__=""`},
		"logfmt":                      {`a=1 b="two words" c= d`, map[string]string{"a": "1", "b": "two words"}, ` | logfmt | __error__=""`},
		`pattern <ip> - "<path>" <_>`: {`10.0.0.1 - "/a/b" rest of it`, map[string]string{"ip": "10.0.0.1", "path": "/a/b"}, ` | pattern "<ip> - \"<path>\" <_>"`},
		`regexp (?P<n>\d+)ms`:         {`took 12ms`, map[string]string{"n": "12"}, ` | regexp "(?P<n>\\d+)ms"`},
	} {
		p, err := logs.ParseParser(text)
		require.NoError(t, err, text)
		assert.Equal(t, c.want, p.Fields(c.line), text)
		assert.Equal(t, c.stage, p.Stage(), text)
	}
	for _, bad := range []string{"", "xml", "json x", "pattern abc", "pattern <a><b>", "regexp (", "regexp abc"} {
		_, err := logs.ParseParser(bad)
		require.ErrorIs(t, err, apierr.ErrUsage, bad)
	}
	p, _ := logs.ParseParser("regexp (?P<a>x)")
	assert.Nil(t, p.Fields("nothing"))
	p, _ = logs.ParseParser("json")
	assert.Nil(t, p.Fields("nothing"))
}

func vector(counts map[string]float64) *loki.Result {
	res := &loki.Result{Type: "vector"}
	for k, n := range counts {
		res.Vector = append(res.Vector, loki.Sample{Labels: loki.Labels{"path": k}, Value: n})
	}
	return res
}

func TestTopOnTheServer(t *testing.T) {
	t.Parallel()
	s := lines(3, time.Second)
	var queries []string
	s.answer = func(q string, at time.Time) (*loki.Result, error) {
		queries = append(queries, q)
		if at.Equal(start.Add(time.Hour - 1)) {
			return vector(map[string]float64{"/a": 90, "/b": 20, "/new": 7}), nil
		}
		return vector(map[string]float64{"/a": 60, "/b": 30, "/gone": 4}), nil
	}
	p, _ := logs.ParseParser("logfmt")
	res, err := logs.Top(t.Context(), s, logs.Count{Query: `{app="a"}`, Parser: p, Field: "path", Filter: ` | status=~"4.."`, From: start, To: start.Add(time.Hour), Compare: time.Hour, Limit: 4, Examples: 2, Trace: "trace_id"})
	require.NoError(t, err)
	assert.Equal(t, `sum by (path) (count_over_time({app="a"} | logfmt | __error__="" | path!="" | status=~"4.." [3600s]))`, queries[0])
	var got []string
	for _, g := range res.Groups {
		got = append(got, fmt.Sprintf("%s %d %d %s", g.Value, g.Count, g.Before, g.Change))
	}
	assert.Equal(t, []string{"/a 90 60 grown", "/b 20 30 fallen", "/new 7 0 new", "/gone 0 4 gone"}, got)
	assert.Equal(t, int64(117), res.Total)
	assert.InDelta(t, 90.0/117, res.Groups[0].Share, 1e-9)
	assert.False(t, res.Here)
	assert.Len(t, res.Groups[0].Examples, 2)
	assert.Empty(t, res.Groups[3].Examples)
}

func TestTopHereWhenTheServerCannot(t *testing.T) {
	t.Parallel()
	for _, refusal := range []error{
		&apierr.Error{Kind: []error{apierr.ErrInvalid}, Message: "maximum number of series (500) reached", Err: &loki.Limit{Kind: loki.LimitSeries}},
		&apierr.Error{Kind: []error{apierr.ErrInvalid}, Message: "the demo does not speak pattern"},
	} {
		s := lines(0, 0)
		for i := range 60 {
			s.all = append(s.all, loki.Entry{NS: start.Add(time.Duration(i) * time.Second).UnixNano(), Line: fmt.Sprintf("path=/%d status=%d", i%3, 400+i%2), Stream: &loki.Stream{}})
		}
		s.answer = func(string, time.Time) (*loki.Result, error) { return nil, refusal }
		p, _ := logs.ParseParser("logfmt")
		res, err := logs.Top(t.Context(), s, logs.Count{Query: `{app="a"}`, Parser: p, Field: "path", From: start, To: start.Add(time.Hour), Keep: func(f map[string]string) bool { return f["status"] == "400" }})
		require.NoError(t, err)
		assert.True(t, res.Here)
		assert.Equal(t, int64(30), res.Total)
		assert.Len(t, res.Groups, 3)
	}
	s := lines(1, 0)
	s.answer = func(string, time.Time) (*loki.Result, error) {
		return nil, apierr.New(apierr.ErrAuth, "loki", "", "no")
	}
	_, err := logs.Top(t.Context(), s, logs.Count{Query: "x", Field: "a", From: start, To: start.Add(time.Hour)})
	require.ErrorIs(t, err, apierr.ErrAuth)
}

func TestMiner(t *testing.T) {
	t.Parallel()
	m := logs.NewMiner()
	for i := range 100 {
		m.Add(fmt.Sprintf("client %08x connected from 10.0.0.%d port %d", i*77777, i, 1024+i), true)
		m.Add(fmt.Sprintf("client %08x connected from 10.0.0.%d port %d", i*99991, i, 1024+i), false)
	}
	for i := range 20 {
		m.Add(fmt.Sprintf("pool exhausted after %dms waiting=%d", 5000+i, i), false)
	}
	got, rest := m.Patterns()
	assert.Zero(t, rest)
	require.Len(t, got, 2)
	assert.Equal(t, "new", got[0].Novelty, "what is new comes first")
	assert.Equal(t, "pool exhausted after <_>ms waiting=<_>", got[0].Pattern)
	assert.Equal(t, "client <_> connected from <_> port <_>", got[1].Pattern)
	assert.Equal(t, int64(100), got[1].Count)
	assert.Equal(t, "same", got[1].Novelty)
}

func TestMinerIsBounded(t *testing.T) {
	t.Parallel()
	m := logs.NewMiner()
	for i := range 20_000 {
		word := strings.Map(func(r rune) rune { return 'a' + r - '0' }, fmt.Sprintf("%06d", i))
		m.Add(word+" is a word of its own "+word, false)
	}
	m.Add("", false)
	m.Add(strings.Repeat("long ", 1e6), false)
	got, rest := m.Patterns()
	assert.Less(t, len(got), 2100)
	total := rest
	for _, p := range got {
		total += p.Count
		assert.LessOrEqual(t, len(p.Example), 500)
	}
	assert.Equal(t, int64(20_002), total, "no line is forgotten")
}

func TestContext(t *testing.T) {
	t.Parallel()
	s := lines(100, 20*time.Second)
	e, err := logs.FindLine(t.Context(), s, `{app="a"}`, time.Time{}, start, start.Add(time.Hour), "line 50")
	require.NoError(t, err)
	got, err := logs.ContextOf(t.Context(), s, e, e.Stream.Labels, 4, 2)
	require.NoError(t, err)
	text := func(all []loki.Entry) string {
		var out []string
		for _, e := range all {
			out = append(out, strings.TrimPrefix(e.Line, "line "))
		}
		return strings.Join(out, " ")
	}
	assert.Equal(t, "46 47 48 49", text(got.Before), "the window was widened from a minute")
	assert.Equal(t, "51 52", text(got.After))

	e, err = logs.FindLine(t.Context(), s, `{app="a"}`, start.Add(20*time.Second), time.Time{}, time.Time{}, "")
	require.NoError(t, err)
	assert.Equal(t, "line 1", e.Line)
	// Of one instant each line stands on its side, once, in the server's order.
	crowd := lines(3, time.Second)
	for i := range 6 {
		crowd.all = append(crowd.all, loki.Entry{NS: start.Add(time.Minute).UnixNano(), Line: fmt.Sprint("line ", 10+i), Stream: crowd.all[0].Stream})
	}
	got, err = logs.ContextOf(t.Context(), crowd, crowd.all[5], e.Stream.Labels, 4, 9)
	require.NoError(t, err)
	assert.Equal(t, "1 2 10 11", text(got.Before))
	assert.Equal(t, "13 14 15", text(got.After))
	got, err = logs.ContextOf(t.Context(), crowd, crowd.all[5], e.Stream.Labels, 1, 2)
	require.NoError(t, err)
	assert.Equal(t, "11 | 13 14", text(got.Before)+" | "+text(got.After))

	_, err = logs.FindLine(t.Context(), s, `{app="a"}`, time.Time{}, start, start.Add(time.Hour), "nothing")
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

func TestServerPatterns(t *testing.T) {
	t.Parallel()
	p := func(text string, n int64) loki.Pattern {
		return loki.Pattern{Pattern: text, Samples: [][2]int64{{1, n - 1}, {2, 1}}}
	}
	got := logs.ServerPatterns([]loki.Pattern{p("steady <_>", 90), p("new <_>", 10)}, []loki.Pattern{p("steady <_>", 85), p("gone <_>", 7)})
	require.Len(t, got, 3)
	assert.Equal(t, logs.Pattern{Pattern: "new <_>", Count: 10, Share: 0.1, Novelty: "new"}, got[0])
	assert.Equal(t, "same", got[1].Novelty)
	assert.Equal(t, logs.Pattern{Pattern: "gone <_>", Before: 7, Novelty: "gone"}, got[2])
	assert.Empty(t, logs.ServerPatterns([]loki.Pattern{p("a", 1)}, nil)[0].Novelty)
}
