// Package logql evaluates the part of LogQL that the demo world speaks: stream
// selectors, line filters, the parsers json and logfmt, label filters,
// count_over_time, rate, bytes_over_time and bytes_rate, and sums over them.
//
// Syntax that is valid and not spoken is an *Unsupported error, never a parse
// error and never a wrong number. It was written from Loki's documentation
// (https://grafana.com/docs/loki/latest/query/, read 2026-11); no code of Loki is
// used.
package logql

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/simulator/internal/query"
)

// Stream is a set of lines with the same labels. It is told apart by its address.
type Stream struct{ Labels map[string]string }

// Line is one stored line.
type Line struct {
	NS   int64
	Text string
	Meta map[string]string // structured metadata; nil when there is none
}

// Storage holds lines.
type Storage interface {
	// Streams lists all streams.
	Streams() []*Stream
	// Scan hands over the lines with from <= time < to of the wanted streams, in
	// order of time, until emit returns false.
	Scan(from, to int64, want func(*Stream) bool, emit func(*Stream, Line) bool)
}

// ParseError is a query that is not LogQL.
type ParseError struct {
	Line, Col int
	Msg       string
}

func (e *ParseError) Error() string {
	if e.Line == 0 {
		return "parse error : " + e.Msg
	}
	return fmt.Sprintf("parse error at line %d, col %d: %s", e.Line, e.Col, e.Msg)
}

// What a query gives, and why it does not.
type (
	Sample      = query.Sample
	Point       = query.Point
	Row         = query.Row
	Unsupported = query.Unsupported
	ExecError   = query.ExecError
)

// Entry is one line of a result.
type Entry struct {
	Line
	Stream *Stream
	Parsed map[string]string
}

// Text writes labels as a selector, sorted.
func Text(labels map[string]string) string {
	parts := []string{}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, k+"="+strconv.Quote(labels[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
