// Package promql evaluates the part of PromQL that the demo world speaks, over
// series that are computed from a clock instead of stored.
//
// Selectors, offset, rate and its kin, the *_over_time functions, aggregations,
// arithmetic, comparison and set operators are evaluated as Prometheus 3 does;
// its own engine is the judge in the tests. Syntax that is valid and not spoken
// is an *Unsupported error, never a parse error and never a wrong number.
package promql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Series is one series, computed when asked.
type Series struct {
	Labels map[string]string // with __name__
	// Points returns the samples with from < time <= to, in order. Times are
	// milliseconds since 1970.
	Points func(from, to int64) []Point
}

// Point is a sample.
type Point struct {
	T int64 // milliseconds since 1970
	V float64
}

// Storage finds series.
type Storage interface {
	// Select returns the series for which match is true.
	Select(match func(labels map[string]string) bool) []Series
}

// ParseError is a query that is not PromQL.
type ParseError struct {
	Line, Col int // from 1
	Msg       string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("%d:%d: parse error: %s", e.Line, e.Col, e.Msg)
}

// Unsupported is valid PromQL that is not spoken here.
type Unsupported struct{ What string }

func (e *Unsupported) Error() string { return "the demo does not speak " + e.What }

// ExecError is a query that cannot be evaluated.
type ExecError struct{ Msg string }

func (e *ExecError) Error() string { return e.Msg }

// Kind is the type of a value.
type Kind int

// The kinds, with the words of the API.
const (
	KindScalar Kind = iota
	KindString
	KindVector
	KindMatrix
)

func (k Kind) String() string {
	return [...]string{"scalar", "string", "instant vector", "range vector"}[k]
}

// Sample is one element of an instant vector.
type Sample struct {
	Labels map[string]string
	V      float64
}

// Value is the result at one instant.
type Value struct {
	Kind   Kind
	Scalar float64
	Text   string
	Vector []Sample
	Matrix []Row
}

// Row is one series of a range vector or of a range query.
type Row struct {
	Labels map[string]string
	Points []Point
}

// Format writes a float as the API does.
func Format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// key identifies a label set.
func key(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for k := range labels {
		names = append(names, k)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, k := range names {
		b.WriteString(k + "\xff" + labels[k] + "\xff")
	}
	return b.String()
}
