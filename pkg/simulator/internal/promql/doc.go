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

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// Series is one series, computed when asked.
type Series struct {
	Labels map[string]string // with __name__
	// Points returns the samples with from < time <= to, in order. Times are
	// milliseconds since 1970.
	Points func(from, to int64) []Point
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

// What a query gives, and why it does not.
type (
	Sample      = query.Sample
	Point       = query.Point
	Row         = query.Row
	Unsupported = query.Unsupported
	ExecError   = query.ExecError
)

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

// Value is the result at one instant.
type Value struct {
	Kind   Kind
	Scalar float64
	Text   string
	Vector []Sample
	Matrix []Row
}
