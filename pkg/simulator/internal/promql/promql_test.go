package promql_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/simulator/internal/promql"
)

type flat struct{}

func (flat) Select(match func(map[string]string) bool) []promql.Series {
	var out []promql.Series
	for name, v := range map[string]float64{"a": 1, "b": 2} {
		l := map[string]string{"__name__": "x", "n": name}
		if match(l) {
			out = append(out, promql.Series{Labels: l, Points: func(from, to int64) []promql.Point {
				if from < 1000 && to >= 1000 {
					return []promql.Point{{T: 1000, V: v}}
				}
				return nil
			}})
		}
	}
	return out
}

// The engine is judged by Prometheus' own in the module oracle; here stands what
// that module cannot be without.
func TestInstant(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]float64{`sum(x)`: 3, `max(x) - 1`: 1, `count(x > 1)`: 1, `sum(x{n=~"a|b"} * 2)`: 6} {
		e, err := promql.Parse(query)
		require.NoError(t, err)
		v, err := promql.Engine{Storage: flat{}}.Instant(t.Context(), e, 2000)
		require.NoError(t, err)
		require.Len(t, v.Vector, 1, query)
		assert.InDelta(t, want, v.Vector[0].V, 0, query)
	}
}

func TestMistakesAndLacks(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		`up{`:                 "1:4: parse error: unexpected end of input inside braces",
		"sum(\n  up{job=}\n)": "2:10: parse error: unexpected \"}\" in label matching, expected string",
		`rate(up)`:            `1:1: parse error: expected type range vector in call to function "rate", got instant vector`,
		`quantile(0.9, up)`:   "the demo does not speak quantile()",
		`up[5m:1m]`:           "the demo does not speak subqueries",
		`up @ 5`:              "the demo does not speak the @ modifier",
		`sum(up) / ignoring(a) group_right(b) up + `: "1:43: parse error: unexpected end of input",
	} {
		_, err := promql.Parse(query)
		assert.EqualError(t, err, want, query)
	}
	_, err := promql.Parse(strings.Repeat("(", 1e6))
	require.ErrorContains(t, err, "nested so deeply")
	_, err = promql.Parse(`hour()`)
	var lacks *promql.Unsupported
	require.ErrorAs(t, err, &lacks)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	e, err := promql.Parse("x")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = promql.Engine{Storage: flat{}}.Range(ctx, e, 0, 1e6, 1)
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`sum by (a) (rate(x{b=~"c"}[5m])) > 0.5`, `topk(3, x) offset 5m`, `{`, `x[1h:5m] @ end()`, `-1 ^ 2`, `"\u00e9"`, "x # c\n", `((((`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := promql.Parse(s)
		if err != nil {
			return
		}
		_, _ = promql.Engine{Storage: flat{}}.Instant(t.Context(), e, 2000)
	})
}
