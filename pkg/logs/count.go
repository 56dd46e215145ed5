package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
)

const (
	// maxGroups bounds the values that are counted here; so many more are kept
	// for what they fold to.
	maxGroups = 50_000
	// maxKept bounds the values of which a line is kept as an example, and
	// maxKeptLine the bytes of such a line.
	maxKept     = 5_000
	maxKeptLine = 1_000
	// leastSpan is the shortest part into which a span is cut for the server.
	leastSpan = time.Minute
)

// tally is what was counted of one span.
type tally struct {
	counts   map[string]int64
	examples map[string]loki.Entry // newest line of each group that was counted here
	over     bool                  // values are folded, as there are too many to be kept apart
	folds    bool                  // the server folds, as it has too many values otherwise
	lacks    bool                  // the server does not know a stage of the query
	crowded  bool                  // it has too many values even in a small part
	here     bool
	more     bool
}

// count counts a span on the server: whole, else with values folded by the
// server, else in parts; what remains is read and counted here.
func (c Count) count(ctx context.Context, src TopSource, from, to time.Time) (*tally, error) {
	t := &tally{counts: map[string]int64{}, examples: map[string]loki.Entry{}}
	return t, c.part(ctx, src, t, from, to, max(leastSpan, to.Sub(from)/128))
}

// part counts one part of a span; least is the shortest that is cut further.
func (c Count) part(ctx context.Context, src TopSource, t *tally, from, to time.Time, least time.Duration) error {
	if t.lacks || t.crowded {
		return c.countHere(ctx, src, t, from, to)
	}
	err := c.onServer(ctx, src, t, from, to)
	if err == nil {
		return nil
	}
	var l *loki.Limit
	errors.As(err, &l)
	switch {
	case l == nil && doesNotKnow(err):
		if t.folds { // it was the folding that it does not know
			t.folds = false
			return c.countHere(ctx, src, t, from, to)
		}
		t.lacks = true
		return c.countHere(ctx, src, t, from, to)
	case l == nil:
		return err
	case l.Kind == loki.LimitSeries && c.Fold && !t.folds:
		t.folds = true
		return c.part(ctx, src, t, from, to, least)
	case l.Kind != loki.LimitSeries && !l.Splits():
		return err
	}
	width := to.Sub(from) / 2
	if l.Length > 0 && l.Length < to.Sub(from) {
		width = max(l.Length.Truncate(time.Second), width/64)
	}
	width = width.Round(time.Second)
	// A quarter of the span with too many values: they are as many as the lines, or
	// nearly, and no part will do.
	t.crowded = l.Kind == loki.LimitSeries && to.Sub(from) <= c.To.Sub(c.From)/4
	if width < least || t.crowded {
		return c.countHere(ctx, src, t, from, to)
	}
	for at := from; at.Before(to); at = at.Add(width) {
		end := at.Add(width)
		if end.After(to) || to.Sub(end) < time.Second {
			end = to
		}
		if err := c.part(ctx, src, t, at, end, least); err != nil {
			return err
		}
		if end.Equal(to) {
			break
		}
	}
	return nil
}

// onServer lets the server count.
func (c Count) onServer(ctx context.Context, src TopSource, t *tally, from, to time.Time) error {
	// Whole seconds: a range in LogQL has no smaller unit that everybody reads.
	span := max(to.Sub(from).Round(time.Second), time.Second)
	pipeline := c.pipeline()
	if t.folds {
		pipeline += foldStage(c.Field)
	}
	query := fmt.Sprintf("sum by (%s) (count_over_time(%s [%ds]))", c.Field, pipeline, int64(span.Seconds()))
	// A range in LogQL leaves its beginning out and has its end in it; read lines are
	// the other way round. A nanosecond makes them agree, or a line at the edge of two
	// parts would be counted twice or not at all.
	res, err := src.Query(ctx, query, to.Add(-1))
	if err != nil {
		return err
	}
	for _, s := range res.Vector {
		t.counts[s.Labels[c.Field]] += int64(s.Value)
	}
	return nil
}

// doesNotKnow reports whether the server refuses the query for a stage that it
// does not know, while it can hand over lines.
func doesNotKnow(err error) bool {
	var e *apierr.Error
	return errors.As(err, &e) && errors.Is(err, apierr.ErrInvalid) &&
		slices.ContainsFunc([]string{"does not speak", "unexpected IDENTIFIER", "unknown"}, func(s string) bool { return strings.Contains(e.Message, s) })
}

// countHere reads the lines of a span and counts them. A server that knows the
// parser hands over only those that matter.
func (c Count) countHere(ctx context.Context, src Pager, t *tally, from, to time.Time) error {
	t.here = true
	query := c.pipeline()
	if t.lacks {
		query = c.Query
	}
	r := Reading{Range: loki.Range{Query: query, Start: from, End: to, Direction: loki.Forward}, Parallel: c.Parallel}
	for page, err := range Read(ctx, src, r) {
		if err != nil {
			return err
		}
		for _, e := range page {
			c.tallyLine(t, e)
		}
	}
	return nil
}

func (c Count) tallyLine(t *tally, e loki.Entry) {
	fields := merged(e.Stream.Labels, e.Metadata, e.Parsed, c.Parser.Fields(e.Line))
	v := fields[c.Field]
	if v == "" || c.Keep != nil && !c.Keep(fields) {
		return
	}
	group := v
	if c.Fold {
		group = Fold(v)
	}
	if _, known := t.counts[v]; !known && len(t.counts) >= maxGroups {
		if v, t.over = group, true; len(t.counts) >= 2*maxGroups {
			if _, known := t.counts[v]; !known {
				t.more = true
				return
			}
		}
	}
	t.counts[strings.Clone(v)]++ // a part of a line would hold its page
	if _, known := t.examples[group]; c.Examples > 0 && (known || len(t.examples) < maxKept) {
		e.Line = strings.Clone(e.Line[:min(len(e.Line), maxKeptLine)])
		t.examples[strings.Clone(group)] = e
	}
}
