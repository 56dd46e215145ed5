package logs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/loki"
)

// sampled is how many of the newest lines are looked at to find a parser.
const sampled = 200

// accessLog is the form in which web servers write requests.
const accessLog = `pattern <ip> <_> <_> [<_>] "<method> <path> <_>" <status> <_>`

// Sample is what a few lines tell of their fields.
type Sample struct {
	Lines  int      // that were looked at
	Has    bool     // some of them have the field
	Parser Parser   // finds the field in most of them; zero where it is a label, or the query's own parser finds it
	Fields []string // all that are there, sorted
}

// Detect looks at the newest lines of a query for a field, and for the parser that
// finds it: json, logfmt, or the form of an access log.
func Detect(ctx context.Context, src Pager, query, field string, from, to time.Time) (Sample, error) {
	lines, err := first(ctx, src, loki.Range{Query: query, Start: from, End: to, Direction: loki.Backward}, sampled)
	if err != nil {
		return Sample{}, err
	}
	out := Sample{Lines: len(lines)}
	names := map[string]bool{}
	ways := []Parser{{}}
	for _, text := range []string{"json", "logfmt", accessLog} {
		p, err := ParseParser(text)
		if err != nil {
			return out, err
		}
		ways = append(ways, p)
	}
	hits := make([]int, len(ways))
	for _, e := range lines {
		for i, p := range ways {
			fields := p.Fields(e.Line)
			if i == 0 {
				fields = merged(e.Stream.Labels, e.Metadata, e.Parsed)
			}
			if fields[field] != "" {
				hits[i]++
			}
			for name := range fields {
				names[name] = true
			}
			if len(fields) > 0 && i > 0 {
				break // a line of JSON is none of the other forms
			}
		}
	}
	best := 0
	for i, n := range hits {
		// What needs no parser is certain; of the others the most hits win.
		if n > hits[best] && hits[0] == 0 {
			best = i
		}
	}
	out.Has, out.Parser = hits[best] > 0, ways[best]
	out.Fields = slices.Sorted(maps.Keys(names))
	return out, nil
}

// String is the parser as ParseParser reads it; "" is none.
func (p Parser) String() string {
	if p.arg == "" {
		return p.kind
	}
	return p.kind + " " + p.arg
}
