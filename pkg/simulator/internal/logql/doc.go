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
	"slices"
	"strconv"
	"strings"
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

// Unsupported is valid LogQL that is not spoken here.
type Unsupported struct{ What string }

func (e *Unsupported) Error() string { return "the demo does not speak " + e.What }

// ExecError is a query that cannot be evaluated.
type ExecError struct{ Msg string }

func (e *ExecError) Error() string { return e.Msg }

// Entry is one line of a result.
type Entry struct {
	Line
	Stream *Stream
	Parsed map[string]string
}

// Sample is one series at one instant.
type Sample struct {
	Labels map[string]string
	V      float64
}

// Point is a value at a time in milliseconds.
type Point struct {
	T int64
	V float64
}

// Row is one series of a range query.
type Row struct {
	Labels map[string]string
	Points []Point
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

// Text writes labels as a selector, sorted.
func Text(labels map[string]string) string {
	names := make([]string, 0, len(labels))
	for k := range labels {
		names = append(names, k)
	}
	slices.Sort(names)
	parts := make([]string, len(names))
	for i, k := range names {
		parts[i] = k + "=" + strconv.Quote(labels[k])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
