package logs_test

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/logs"
	"github.com/balena-io/oncall/pkg/loki"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"/device/v2/9f3c6a0d1e2b4f5a8c7d6e5f4a3b2c1d/state": "/device/v2/<_>/state",
		"/v7/device(123)":                         "/v7/device(<_>)",
		"/v7/device(uuid='9f3c')/owns":            "/v7/device(uuid=<_>)/owns",
		"/v7/device?$filter=id%20eq%2012":         "/v7/device?<_>",
		"/a/12/34/b":                              "/a/<_>/<_>/b",
		"/releases/17.5.0/notes":                  "/releases/<_>/notes",
		"/x/0f8fad5b-d9cb-469f-a165-70867728950e": "/x/<_>",
		"/v7/application":                         "/v7/application",
		"library/app-4":                           "library/app-4",
		"404":                                     "404",
		"9f3c6a0d1e2b4f5a8c7d6e5f4a3b2c1d":        "9f3c6a0d1e2b4f5a8c7d6e5f4a3b2c1d",
		"0f8fad5b-d9cb-469f-a165-70867728950e":    "0f8fad5b-d9cb-469f-a165-70867728950e",
		"12ms":                                    "12ms",
		"":                                        "",
		"/v2beta/deadbeef/" + strings.Repeat("\xff", 3) + "/7": "/v2beta/deadbeef/" + strings.Repeat("\xff", 3) + "/<_>",
	} {
		assert.Equal(t, want, logs.Fold(value), value)
		assert.Equal(t, want, logs.Fold(want), "what is folded stays")
	}
}

func FuzzFold(f *testing.F) {
	f.Add("/device/12/state?x=1")
	f.Fuzz(func(t *testing.T, v string) {
		if once := logs.Fold(v); logs.Fold(once) != once {
			t.Errorf("%q folds to %q, and that to %q", v, once, logs.Fold(once))
		}
	})
}

// The paths of a fleet are as many as its devices, and one each in a list of the
// largest: what they have in common is counted.
func TestTopFoldsIds(t *testing.T) {
	t.Parallel()
	s := lines(3, time.Second)
	s.answer = func(_ string, at time.Time) (*loki.Result, error) {
		counts := map[string]float64{"/ping": 12}
		for i := range 40 {
			counts[fmt.Sprintf("/device/v2/%032x/state", i)] = float64(1 + i%3)
		}
		if !at.Equal(start.Add(time.Hour - 1)) {
			counts = map[string]float64{"/device/v2/" + strings.Repeat("ab", 16) + "/state": 3, "/ping": 12}
		}
		return vector(counts), nil
	}
	c := logs.Count{Query: `{app="a"}`, Field: "path", From: start, To: start.Add(time.Hour), Compare: time.Hour, Examples: 1, Fold: true}
	res, err := logs.Top(t.Context(), s, c)
	require.NoError(t, err)
	require.Len(t, res.Groups, 2)
	got := res.Groups[0]
	assert.Equal(t, "/device/v2/<_>/state", got.Value)
	assert.Equal(t, []int64{79, 3, 40}, []int64{got.Count, got.Before, int64(got.Values)})
	assert.Equal(t, "grown", got.Change)
	assert.Contains(t, s.asked[0].Query+s.asked[1].Query, `path="/device/v2/00000000000000000000000000000002/state"`, "the example is one that there is")
	c.Fold = false
	res, err = logs.Top(t.Context(), s, c)
	require.NoError(t, err)
	assert.Len(t, res.Groups, 20)
	assert.Equal(t, 22, res.Others)
}

var rangeIn = regexp.MustCompile(`\[(\d+)s\]`)

// A server that finds the whole too much is asked for parts, and the sum is that
// of the whole.
func TestTopCountsInParts(t *testing.T) {
	t.Parallel()
	invalid := func(l *loki.Limit) error {
		return &apierr.Error{Kind: []error{apierr.ErrInvalid}, Message: "no", Err: l}
	}
	for name, c := range map[string]struct {
		limit    *loki.Limit
		most     int // seconds that the server counts at once
		requests int
	}{
		"a range with its limit":    {&loki.Limit{Kind: loki.LimitRange, Length: 25 * time.Minute}, 1500, 4},
		"bytes":                     {&loki.Limit{Kind: loki.LimitBytes}, 1000, 7},
		"time":                      {&loki.Limit{Kind: loki.LimitTime}, 2000, 3},
		"values, and no folding":    {&loki.Limit{Kind: loki.LimitSeries, Max: 500}, 1000, 7},
		"values, though folded too": {&loki.Limit{Kind: loki.LimitSeries, Max: 500}, 1000, 8},
	} {
		s := lines(3600, time.Second)
		requests := 0
		s.answer = func(q string, at time.Time) (*loki.Result, error) {
			requests++
			n, _ := strconv.Atoi(rangeIn.FindStringSubmatch(q)[1])
			if n > c.most {
				return nil, invalid(c.limit)
			}
			end := int(at.Add(1).Sub(start) / time.Second)
			return vector(map[string]float64{"/a": float64(end - max(end-n, 0)), "/b": 1}), nil
		}
		res, err := logs.Top(t.Context(), s, logs.Count{Query: `{app="a"}`, Field: "path", From: start, To: start.Add(time.Hour), Fold: strings.Contains(name, "folded")})
		require.NoError(t, err, name)
		assert.False(t, res.Here, name)
		assert.Equal(t, int64(3600), res.Groups[0].Count, name)
		assert.Equal(t, c.requests, requests, name)
	}
}

// Too many values: the server folds them, and only what no server does is done here.
func TestTopLetsTheServerFold(t *testing.T) {
	t.Parallel()
	tooMany := &apierr.Error{Kind: []error{apierr.ErrInvalid}, Message: "maximum number of series (500) reached", Err: &loki.Limit{Kind: loki.LimitSeries, Max: 500}}
	s := lines(1, 0)
	var asked string
	s.answer = func(q string, _ time.Time) (*loki.Result, error) {
		if !strings.Contains(q, "label_format") {
			return nil, tooMany
		}
		asked = q
		return vector(map[string]float64{"/device/v2/<_>/state": 9000}), nil
	}
	c := logs.Count{Query: `{app="a"}`, Field: "path", From: start, To: start.Add(time.Hour), Fold: true, Examples: 1}
	res, err := logs.Top(t.Context(), s, c)
	require.NoError(t, err)
	assert.False(t, res.Here)
	assert.Equal(t, int64(9000), res.Groups[0].Count)
	assert.Zero(t, res.Groups[0].Values, "not known")
	assert.Contains(t, asked, "path!=\"\" | label_format path=`{{ regexReplaceAll \"([/(=,])(?:")
	assert.Contains(t, s.asked[len(s.asked)-1].Query, ` | path="/device/v2/<_>/state"`)

	s = lines(0, 0)
	for i := range 600 {
		s.all = append(s.all, loki.Entry{NS: start.Add(time.Duration(i) * time.Second).UnixNano(), Line: fmt.Sprintf("path=/d/%d/state", i), Stream: &loki.Stream{}})
	}
	refused := 0
	s.answer = func(string, time.Time) (*loki.Result, error) { refused++; return nil, tooMany }
	c.Parser, err = logs.ParseParser("logfmt")
	require.NoError(t, err)
	res, err = logs.Top(t.Context(), s, c)
	require.NoError(t, err)
	assert.True(t, res.Here)
	assert.LessOrEqual(t, refused, 4, "a server is not asked for each of a hundred parts in vain")
	require.Len(t, res.Groups, 1)
	assert.Equal(t, int64(600), res.Groups[0].Count)
	assert.Equal(t, "path=/d/599/state", res.Groups[0].Examples[0].Line, "the newest, though the server gives none by this parser")

	s.answer = func(string, time.Time) (*loki.Result, error) { return nil, errors.New("no") }
	_, err = logs.Top(t.Context(), s, c)
	require.ErrorContains(t, err, "no")
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line, field, parser string
		has                 bool
	}{
		"logfmt":      {`method=GET path=/a status=200`, "path", "logfmt", true},
		"json":        {`{"path":"/a=b","n":1}`, "path", "json", true},
		"access log":  {`10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 400 12 "-" "curl"`, "path", `pattern <ip> <_> <_> [<_>] "<method> <path> <_>" <status> <_>`, true},
		"a label":     {`plain text`, "host", "", true},
		"the query's": {`path=/x`, "parsed", "", true},
		"nothing":     {`plain text`, "path", "", false},
	} {
		s := &store{}
		stream := &loki.Stream{Labels: loki.Labels{"host": "h1"}}
		for i := range 5 {
			s.all = append(s.all, loki.Entry{NS: start.Add(time.Duration(i) * time.Second).UnixNano(), Line: c.line, Stream: stream, Parsed: loki.Labels{"parsed": "yes"}})
		}
		got, err := logs.Detect(t.Context(), s, `{app="a"}`, c.field, start, start.Add(time.Hour))
		require.NoError(t, err, name)
		assert.Equal(t, c.has, got.Has, name)
		assert.Equal(t, c.parser, got.Parser.String(), name)
		assert.Equal(t, 5, got.Lines, name)
		assert.Contains(t, got.Fields, "host", name)
	}
}

// A line at the edge of two parts is counted once, also where one part is counted
// by the server and the next one here: a range in LogQL has its end in it, and its
// beginning not.
func TestTopCountsTheEdgesOnce(t *testing.T) {
	t.Parallel()
	s := lines(0, 0)
	for i := range 3600 {
		s.all = append(s.all, loki.Entry{NS: start.Add(time.Duration(i) * time.Second).UnixNano(), Line: "path=/a", Stream: &loki.Stream{}})
	}
	s.answer = func(q string, at time.Time) (*loki.Result, error) {
		n, _ := strconv.Atoi(rangeIn.FindStringSubmatch(q)[1])
		if from := at.Add(-time.Duration(n) * time.Second); from.Before(start.Add(10*time.Minute-time.Second)) || n > 1000 {
			return nil, &apierr.Error{Kind: []error{apierr.ErrInvalid}, Message: "no", Err: &loki.Limit{Kind: loki.LimitTime}}
		}
		count := 0
		for _, e := range s.all {
			if e.NS > at.Add(-time.Duration(n)*time.Second).UnixNano() && e.NS <= at.UnixNano() {
				count++
			}
		}
		return vector(map[string]float64{"/a": float64(count)}), nil
	}
	p, err := logs.ParseParser("logfmt")
	require.NoError(t, err)
	res, err := logs.Top(t.Context(), s, logs.Count{Query: `{app="a"}`, Parser: p, Field: "path", From: start, To: start.Add(time.Hour)})
	require.NoError(t, err)
	assert.True(t, res.Here)
	assert.Equal(t, int64(3600), res.Total)
}

// What one half of a comparison could not be counted for by the server, or in
// full, is told, whichever half it is.
func TestTopTellsOfEitherHalf(t *testing.T) {
	t.Parallel()
	s := lines(0, 0)
	for i := range 100_010 {
		s.all = append(s.all, loki.Entry{NS: start.Add(-time.Hour).UnixNano() + int64(i), Line: "path=/" + strconv.Itoa(i), Stream: &loki.Stream{}})
	}
	s.all = append(s.all, loki.Entry{NS: start.Add(time.Minute).UnixNano(), Line: "path=/a trace_id=t7", Stream: &loki.Stream{}})
	s.answer = func(_ string, at time.Time) (*loki.Result, error) {
		if at.After(start) {
			return vector(map[string]float64{"/a": 1}), nil
		}
		return nil, &apierr.Error{Kind: []error{apierr.ErrInvalid}, Message: "the server does not speak logfmt"}
	}
	p, err := logs.ParseParser("logfmt")
	require.NoError(t, err)
	c := logs.Count{Query: `{app="a"}`, Parser: p, Field: "path", From: start, To: start.Add(time.Hour), Examples: 1, Trace: "trace_id"}
	res, err := logs.Top(t.Context(), s, c)
	require.NoError(t, err)
	assert.False(t, res.Here || res.More)
	assert.Equal(t, "t7", res.Groups[0].Examples[0].Trace, "found in the line, as the server did not parse it")

	c.Compare = time.Hour
	res, err = logs.Top(t.Context(), s, c)
	require.NoError(t, err)
	assert.True(t, res.Here)
	assert.True(t, res.More, "a hundred thousand values are held, and no more")
	assert.Equal(t, 99_981, res.Others)
}
