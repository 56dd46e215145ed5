package loki

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Labels names a stream, or holds the fields of one line.
type Labels map[string]string

// String writes the labels as LogQL: {job="api", level="error"}, sorted.
func (l Labels) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, k := range slices.Sorted(maps.Keys(l)) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(strconv.Quote(l[k]))
	}
	b.WriteByte('}')
	return b.String()
}

// Stream is a set of lines with the same labels. Entries of one stream share it.
type Stream struct {
	Labels Labels
	key    string // Labels.String()
}

func newStream(l Labels) *Stream { return &Stream{Labels: l, key: l.String()} }

// String writes the stream's labels as LogQL.
func (s *Stream) String() string { return s.key }

// Entry is one line.
type Entry struct {
	NS       int64   // nanoseconds since 1970: exact, as pages are cut by it
	Line     string  // bytes as stored; not always UTF-8, perhaps megabytes
	Stream   *Stream // true labels only; on servers before 3.0 also what the query parsed
	Metadata Labels  // structured metadata (trace ids, detected_level); nil when there is none
	Parsed   Labels  // fields that the query's own parser found; nil when there are none
}

// Time is the entry's instant in UTC.
func (e Entry) Time() time.Time { return time.Unix(0, e.NS).UTC() }

// Field looks a name up in what the query parsed, then in the structured
// metadata, then in the stream's labels.
func (e Entry) Field(name string) (string, bool) {
	for _, l := range []Labels{e.Parsed, e.Metadata, e.Stream.Labels} {
		if v, ok := l[name]; ok {
			return v, true
		}
	}
	return "", false
}

// key identifies the entry among those of its timestamp. What the query parsed
// follows from the line and is left out.
func (e Entry) key() string {
	if len(e.Metadata) == 0 {
		return e.Stream.key + "\x00" + e.Line
	}
	return e.Stream.key + "\x00" + e.Metadata.String() + "\x00" + e.Line
}

// Direction is the order of entries.
type Direction string

// The directions. The server's default is Backward, newest first.
const (
	Forward  Direction = "forward"
	Backward Direction = "backward"
)

// order sorts entries by time in a direction and keeps the server's order of
// equal times.
func order(entries []Entry, d Direction) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		switch {
		case a.NS == b.NS:
			return 0
		case (a.NS < b.NS) == (d == Forward):
			return -1
		}
		return 1
	})
}

// Sample is one series of a metric query at one instant.
type Sample struct {
	Labels Labels
	Time   time.Time
	Value  float64
}

// Point is a value at a time.
type Point struct {
	Time  time.Time
	Value float64
}

// Series is one series of a metric query over a span, oldest point first.
type Series struct {
	Labels Labels
	Points []Point
}

// Stats is what a query cost the server.
type Stats struct {
	Bytes int64         // read
	Lines int64         // read
	Took  time.Duration // taken
}

// Result is the answer to one query: Entries for a log query, Matrix or Vector
// for a metric query.
type Result struct {
	Type     string // streams, matrix, vector, scalar
	Entries  []Entry
	Matrix   []Series
	Vector   []Sample // a scalar too; its time is the server's nonsense
	Stats    Stats
	Warnings []string
}
