// Package query is what LogQL and PromQL have in common: the results and the
// mistakes of a query, matchers of labels, operators, and the tokens of which a
// parser reads one after the other.
package query

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Point is a value at a time.
type Point struct {
	T int64 // milliseconds since 1970
	V float64
}

// Sample is one series at one instant.
type Sample struct {
	Labels map[string]string
	V      float64
}

// Row is one series over a span, oldest point first.
type Row struct {
	Labels map[string]string
	Points []Point
}

// Unsupported is a valid query of which something is not spoken here.
type Unsupported struct{ What string }

func (e *Unsupported) Error() string { return "the demo does not speak " + e.What }

// ExecError is a query that cannot be evaluated.
type ExecError struct{ Msg string }

func (e *ExecError) Error() string { return e.Msg }

// Key identifies a label set.
func Key(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(k + "\xff" + labels[k] + "\xff")
	}
	return b.String()
}

// Rows gathers the samples of one instant after the other into series.
type Rows map[string]*Row

// Add puts the samples of the instant t, in milliseconds, behind what is there.
func (r Rows) Add(t int64, samples []Sample) {
	for _, s := range samples {
		k := Key(s.Labels)
		if r[k] == nil {
			r[k] = &Row{Labels: s.Labels}
		}
		r[k].Points = append(r[k].Points, Point{t, s.V})
	}
}

// Sorted returns the series by their labels.
func (r Rows) Sorted() []Row {
	out := make([]Row, 0, len(r))
	for _, k := range slices.Sorted(maps.Keys(r)) {
		out = append(out, *r[k])
	}
	return out
}

// Matcher compares one label: NAME OP "VALUE".
type Matcher struct {
	Name, Op, Value string
	re              *regexp.Regexp
}

// NewMatcher compiles the value of =~ and !~, which has to match as a whole. The
// error is that of the value as it was written.
func NewMatcher(name, op, value string) (Matcher, error) {
	m := Matcher{Name: name, Op: op, Value: value}
	if !strings.HasSuffix(op, "~") {
		return m, nil
	}
	whole := "^(?s:" + value + ")$"
	re, err := regexp.Compile(whole)
	if err != nil {
		return m, &ExecError{strings.Replace(err.Error(), whole, value, 1)}
	}
	m.re = re
	return m, nil
}

// Matches reports whether a value fits; a label that is missing is "".
func (m Matcher) Matches(v string) bool {
	switch m.Op {
	case "=":
		return v == m.Value
	case "!=":
		return v != m.Value
	case "=~":
		return m.re.MatchString(v)
	default:
		return !m.re.MatchString(v)
	}
}

// Match reports whether a label set fits all matchers.
func Match(all []Matcher, labels map[string]string) bool {
	return !slices.ContainsFunc(all, func(m Matcher) bool { return !m.Matches(labels[m.Name]) })
}

// Precedence of the binary operators, from 1, which binds weakest; 0 is none.
func Precedence(op string) int {
	switch op {
	case "or":
		return 1
	case "and", "unless":
		return 2
	case "==", "!=", ">", ">=", "<", "<=":
		return 3
	case "+", "-":
		return 4
	case "*", "/", "%":
		return 5
	case "^":
		return 6
	}
	return 0
}

// Comparison reports whether an operator compares.
func Comparison(op string) bool { return Precedence(op) == 3 }

// Compute returns the value of an operation, that of a comparison being its left
// side, and whether a comparison holds.
func Compute(op string, a, b float64) (v float64, holds bool) {
	switch op {
	case "+":
		return a + b, true
	case "-":
		return a - b, true
	case "*":
		return a * b, true
	case "/":
		return a / b, true
	case "%":
		return math.Mod(a, b), true
	case "^":
		return math.Pow(a, b), true
	case "==":
		return a, a == b
	case "!=":
		return a, a != b
	case ">":
		return a, a > b
	case "<":
		return a, a < b
	case ">=":
		return a, a >= b
	default:
		return a, a <= b
	}
}

// Truth is the value of a comparison with bool.
func Truth(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
