// Package metrics is what people do with metrics: named queries with thresholds,
// checks that a script can trust, and graphs to look at or to post. It works over
// the few methods of a Prometheus client that each function names.
package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// Query is a named query, from configuration.
type Query struct {
	Name        string   `json:"name"`
	Expr        string   `json:"expr"`
	Unit        string   `json:"unit"`            // ratio, percent, bytes, seconds, count or any word; "" is none
	Above       *float64 `json:"above,omitempty"` // over this is bad; nil is no such limit
	Below       *float64 `json:"below,omitempty"` // under this is bad
	Description string   `json:"description"`
}

// Bad reports whether a value is beyond the query's limits. NaN is: it says that
// something was divided by nothing, and that is not health.
func (q Query) Bad(v float64) bool {
	return math.IsNaN(v) || q.Above != nil && v > *q.Above || q.Below != nil && v < *q.Below
}

// Limits tells the thresholds: "above 2%".
func (q Query) Limits() string {
	parts := []string{}
	if q.Above != nil {
		parts = append(parts, "above "+Format(*q.Above, q.Unit))
	}
	if q.Below != nil {
		parts = append(parts, "below "+Format(*q.Below, q.Unit))
	}
	return strings.Join(parts, " or ")
}

// Find returns the query of a name; a misspelt one is an apierr.ErrNotFound with
// the nearest.
func Find(all []Query, name string) (Query, error) {
	names := []string{}
	for _, q := range all {
		if q.Name == name {
			return q, nil
		}
		names = append(names, q.Name)
	}
	err := apierr.New(apierr.ErrNotFound, "", "metrics", "there is no query called %q", name)
	if near := nearest.Of(name, names); len(near) > 0 {
		return Query{}, err.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	if len(names) == 0 {
		return Query{}, err.WithHint("name queries under `queries` in the configuration; docs/metrics.md has a sample")
	}
	slices.Sort(names)
	return Query{}, err.WithHint("there are: %s", strings.Join(names, ", "))
}

// Format writes a value in its unit, short enough for a table: 4.1%, 212 GB.
// NaN and the infinities are told as they are.
func Format(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return prometheus.Value(v).String()
	}
	switch unit {
	case "ratio":
		return short(v*100) + "%"
	case "percent":
		return short(v) + "%"
	case "bytes":
		return scaled(v, "B")
	case "seconds":
		return duration(v)
	case "", "count":
		return short(v)
	}
	return short(v) + " " + unit
}

// Plain shows a value without a unit: a whole number whole, and of others six
// digits, which leaves out the noise of the floating point.
func Plain(v float64) string {
	if math.Trunc(v) != v || math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64) // 1e+06 on the wire
}

// short writes four significant digits, without an exponent where people would
// not use one.
func short(v float64) string {
	a := math.Abs(v)
	switch {
	case v == 0:
		return "0"
	case a >= 1e15 || a < 1e-6:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	digits := 3 - int(math.Floor(math.Log10(a)))
	text := strconv.FormatFloat(v, 'f', max(digits, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func scaled(v float64, unit string) string {
	for _, s := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= s.size {
			return short(v/s.size) + " " + s.name + unit
		}
	}
	return short(v) + " " + unit
}

func duration(v float64) string {
	if math.Abs(v) < 1 {
		return short(v*1000) + "ms"
	}
	if math.Abs(v) > 1e9 {
		return short(v) + "s"
	}
	d := time.Duration(v * float64(time.Second))
	return d.Round(max(time.Millisecond, roundTo(d))).String()
}

func roundTo(d time.Duration) time.Duration {
	if d.Abs() > time.Minute {
		return time.Second
	}
	return 10 * time.Millisecond
}

// lateNames are metrics that come with a time of their own, minutes ago.
var lateNames = lazyregexp.New(`\baws_[a-z0-9_]+`)

// Late reports whether an expression reads metrics of a CloudWatch exporter,
// which are ten minutes old when they appear.
func Late(expr string) bool { return lateNames().MatchString(expr) }

// plainSelector is a selector alone, of which the samples themselves can be read.
var plainSelector = lazyregexp.New(`^\s*[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{[^{}]*\})?\s*$`)

// sortReadings puts bad ones first, then by labels.
func sortReadings(all []Reading) {
	slices.SortStableFunc(all, func(a, b Reading) int {
		return cmp.Or(cmp.Compare(rank(a.State), rank(b.State)), cmp.Compare(fmt.Sprint(a.labels), fmt.Sprint(b.labels)))
	})
}

func rank(s State) int { return slices.Index([]State{Over, NoData, OK, Unlimited}, s) }
