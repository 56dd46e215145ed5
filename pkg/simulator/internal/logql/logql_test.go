package logql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/simulator/internal/logql"
)

type store struct {
	streams []*logql.Stream
	lines   []struct {
		s int
		l logql.Line
	}
}

func (s *store) Streams() []*logql.Stream { return s.streams }
func (s *store) Scan(from, to int64, want func(*logql.Stream) bool, emit func(*logql.Stream, logql.Line) bool) {
	for _, x := range s.lines {
		if st := s.streams[x.s]; x.l.NS >= from && x.l.NS < to && want(st) && !emit(st, x.l) {
			return
		}
	}
}

func (s *store) add(stream int, at time.Duration, text string, meta map[string]string) {
	s.lines = append(s.lines, struct {
		s int
		l logql.Line
	}{stream, logql.Line{NS: int64(at), Text: text, Meta: meta}})
}

func fixture() *store {
	s := &store{streams: []*logql.Stream{{Labels: map[string]string{"app": "api", "level": "info"}}, {Labels: map[string]string{"app": "api", "level": "error"}}, {Labels: map[string]string{"app": "db"}}}}
	s.add(0, 10*time.Second, `method=GET path=/a status=200 duration=15ms msg="all is well"`, nil)
	s.add(1, 20*time.Second, `method=GET path=/b status=500 duration=1.5s`, map[string]string{"trace_id": "t1"})
	s.add(0, 30*time.Second, `method=PUT path=/a status=404 duration=9ms`, nil)
	s.add(2, 40*time.Second, `{"status":200,"q":{"text":"select"},"level":"odd"}`, nil)
	s.add(1, 50*time.Second, `method=GET path=/b status=503 duration=2s`, map[string]string{"trace_id": "t2"})
	return s
}

func texts(t *testing.T, query string) []string {
	t.Helper()
	q, err := logql.Parse(query)
	require.NoError(t, err, query)
	require.True(t, q.IsLog())
	got, err := logql.Engine{Storage: fixture()}.Lines(t.Context(), q, 0, int64(time.Minute), 100, true)
	require.NoError(t, err)
	out := []string{}
	for _, e := range got {
		path, _, _ := strings.Cut(strings.TrimPrefix(e.Text, "method="), " duration")
		out = append(out, path)
	}
	return out
}

func TestLines(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		`{app="api"} |= "path=/a"`:                                       {"GET path=/a status=200", "PUT path=/a status=404"},
		`{app="api",level!="info"}`:                                      {"GET path=/b status=500", "GET path=/b status=503"},
		`{app=~"a.*"} |~ "GET|PUT" != "GET" # a comment`:                 {"PUT path=/a status=404"},
		"{app=\"api\"} !~ `status=[45]..`":                               {"GET path=/a status=200"},
		`{app="api"} |= "404" or "503"`:                                  {"PUT path=/a status=404", "GET path=/b status=503"},
		`{app="api"} | logfmt | status >= 500`:                           {"GET path=/b status=500", "GET path=/b status=503"},
		`{app="api"} | logfmt | status=~"4..|5.." and method="PUT"`:      {"PUT path=/a status=404"},
		`{app="api"} | logfmt | status=404 or duration > 1s`:             {"GET path=/b status=500", "PUT path=/a status=404", "GET path=/b status=503"},
		`{app="api"} | logfmt | msg="all is well"`:                       {"GET path=/a status=200"},
		`{app="api"} | logfmt | (status<300 or status>500), path!=""`:    {"GET path=/a status=200", "GET path=/b status=503"},
		`{app="api"} | trace_id="t2"`:                                    {"GET path=/b status=503"},
		`{app="api"} | logfmt | missing > 1`:                             {},
		`{app="db"} | json | q_text="select" | status=200`:               {`{"status":200,"q":{"text":"select"},"level":"odd"}`},
		`{app="api"} | json | __error__="JSONParserErr" | level="error"`: {"GET path=/b status=500", "GET path=/b status=503"},
	} {
		assert.Equal(t, want, texts(t, query), query)
	}
}

func TestNewestLines(t *testing.T) {
	t.Parallel()
	q, err := logql.Parse(`{app="api"}`)
	require.NoError(t, err)
	got, err := logql.Engine{Storage: fixture()}.Lines(t.Context(), q, 0, int64(50*time.Second), 2, false)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []int64{int64(30 * time.Second), int64(20 * time.Second)}, []int64{got[0].NS, got[1].NS}, "the end is exclusive")
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]map[string]float64{
		`count_over_time({app="api"}[1m])`:                                                       {`{app="api", level="error", trace_id="t1"}`: 1, `{app="api", level="error", trace_id="t2"}`: 1, `{app="api", level="info"}`: 2},
		`sum by (path) (count_over_time({app="api"} | logfmt [1m]))`:                             {`{path="/a"}`: 2, `{path="/b"}`: 2},
		`sum(rate({app="api"} |= "GET" [30s]))`:                                                  {`{}`: 1.0 / 30},
		`topk(1, sum by (status) (count_over_time({app="api"} | logfmt | status=~"5.." [20s])))`: {`{status="503"}`: 1},
		`sum(bytes_over_time({app="db"}[1m]))`:                                                   {`{}`: 50},
		`avg by (level) (count_over_time({app="api"}[1m]))`:                                      {`{level="error"}`: 1, `{level="info"}`: 2},
		`sum without (trace_id, app) (count_over_time({app="api"}[1m])) > 1`:                     {`{level="error"}`: 2, `{level="info"}`: 2},
		`2 * sum(count_over_time({app="db"}[1m]))`:                                               {`{}`: 2},
		`sum(count_over_time({app="api"}[10s] offset 40s))`:                                      {`{}`: 1},
		`count(count_over_time({app="api"}[1m]))`:                                                {`{}`: 3},
		`max(count_over_time({app="api"}[1m])) - 1`:                                              {`{}`: 1},
	} {
		q, err := logql.Parse(query)
		require.NoError(t, err, query)
		got, err := logql.Engine{Storage: fixture()}.Instant(t.Context(), q, int64(time.Minute))
		require.NoError(t, err, query)
		found := map[string]float64{}
		for _, s := range got {
			found[logql.Text(s.Labels)] = s.V
		}
		assert.Equal(t, want, found, query)
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	q, err := logql.Parse(`sum(count_over_time({app="api"}[20s]))`)
	require.NoError(t, err)
	rows, err := logql.Engine{Storage: fixture()}.Range(t.Context(), q, 0, int64(time.Minute), int64(20*time.Second))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	assert.Equal(t, []logql.Point{{T: 20000, V: 2}, {T: 40000, V: 1}, {T: 60000, V: 1}}, rows[0].Points)
}

func TestMistakesAndLacks(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`{app="api"`:                            "parse error at line 1, col 11: syntax error: unexpected $end, expecting } or ,",
		`{app=}`:                                "parse error at line 1, col 6: syntax error: unexpected }, expecting STRING",
		`{app=~".*"}`:                           "parse error : queries require at least one regexp",
		`{}`:                                    "parse error : queries require at least one regexp",
		`{app="a"} |= x`:                        "parse error at line 1, col 14: syntax error: unexpected IDENTIFIER, expecting STRING",
		`{app="a"} | logfmt | status >`:         "parse error at line 1, col 30: syntax error: unexpected $end, expecting STRING, NUMBER or DURATION",
		`{app="a"} | nonsense`:                  "parse error at line 1, col 21: syntax error: unexpected $end",
		`{app="a`:                               "literal not terminated",
		`{app=~"("}`:                            "error parsing regexp",
		`count_over_time({app="a"})`:            "unexpected ), expecting [",
		`sum(1)`:                                "syntax error",
		``:                                      "unexpected $end",
		`foo({app="a"}[1m])`:                    "unexpected IDENTIFIER",
		`{app="a"} | pattern "<ip> - <_>"`:      "the demo does not speak pattern",
		`{app="a"} | line_format "{{.x}}"`:      "the demo does not speak line_format",
		`{app="a"} | json a="b" | a="c"`:        "the demo does not speak parameters of json",
		`{app="a"} | regexp "(?P<a>x)" | a="x"`: "the demo does not speak regexp",
		`sum_over_time({app="a"} | unwrap b [1m])`:                           "the demo does not speak sum_over_time()",
		`quantile_over_time(0.9, {app="a"} | logfmt | unwrap d [1m]) by (x)`: "the demo does not speak quantile_over_time()",
		`rate({app="a"}[1m]) / rate({app="b"}[1m])`:                          "the demo does not speak operations between two queries",
		`{app="a"} | drop level, host`:                                       "the demo does not speak drop",
		`stddev(rate({app="a"}[1m]))`:                                        "the demo does not speak stddev()",
		`{app="a"} |> "<_> x"`:                                               "the demo does not speak pattern filters",
		`label_replace(rate({app="a"}[1m]), "a", "b", "c", "d")`:             "the demo does not speak label_replace()",
	} {
		_, err := logql.Parse(query)
		assert.ErrorContains(t, err, want, query)
	}
	_, err := logql.Parse(strings.Repeat("(", 1e6))
	require.ErrorContains(t, err, "nested so deeply")
	q, err := logql.Parse(`count_over_time({app="api"} | json [1m])`)
	require.NoError(t, err)
	_, err = logql.Engine{Storage: fixture()}.Instant(t.Context(), q, int64(time.Minute))
	require.ErrorContains(t, err, "pipeline error: 'JSONParserErr'")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{a="b"} |= "c" | json | d >= 5 or e="f"`, `topk(3, sum by (a) (rate({b=~"c"} | logfmt [5m] offset 1h))) > 2`, `{`, "{a=`b`} | line_format \"x\"", `((((`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := logql.Parse(s)
		if err != nil {
			return
		}
		g := logql.Engine{Storage: fixture()}
		if q.IsLog() {
			_, _ = g.Lines(t.Context(), q, 0, int64(time.Minute), 10, true)
			return
		}
		_, _ = g.Instant(t.Context(), q, int64(time.Minute))
	})
}
