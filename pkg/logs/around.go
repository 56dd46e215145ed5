package logs

import (
	"context"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
)

// FindLine looks for the line to which somebody points: at an instant when at is
// set (the first whose text holds part), else the newest in [from, to) that holds
// part. Nothing found is an apierr.ErrNotFound.
func FindLine(ctx context.Context, src Pager, query string, at, from, to time.Time, part string) (loki.Entry, error) {
	r := loki.Range{Query: query, Start: from, End: to, Direction: loki.Backward}
	if part != "" {
		r.Query = Contains(query, []string{part}, nil)
	}
	if !at.IsZero() {
		// People copy times with the precision that they were shown: all of that
		// second, millisecond or nanosecond is meant.
		r.Start, r.End, r.Direction = at, at.Add(precision(at)), loki.Forward
	}
	found, err := first(ctx, src, r, 1)
	if err != nil {
		return loki.Entry{}, err
	}
	if len(found) == 0 {
		e := apierr.New(apierr.ErrNotFound, "loki", "find the line", "no line matches %s", r.Query)
		if !at.IsZero() {
			e.Message += " at " + at.Format(time.RFC3339Nano)
		}
		return loki.Entry{}, e.WithHint("widen it: --since, another selector, or a part of the text with --line")
	}
	return found[0], nil
}

func precision(t time.Time) time.Duration {
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return time.Second
	case ns%int(time.Millisecond) == 0:
		return time.Millisecond
	case ns%int(time.Microsecond) == 0:
		return time.Microsecond
	}
	return 1
}

// Around is a line with what stands before and after it in its own stream.
type Around struct {
	Before []loki.Entry // oldest first
	Line   loki.Entry
	After  []loki.Entry
}

// windows are tried one after the other, so that a busy stream is not asked for a
// day and a quiet one still shows something.
var windows = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}

// ContextOf reads before and after lines around e, from the stream with the given
// labels (all of e's own by default). Lines of the same instant keep the server's
// order: those that it gives ahead of e stand before it.
func ContextOf(ctx context.Context, src Pager, e loki.Entry, labels loki.Labels, before, after int) (Around, error) {
	out := Around{Line: e}
	at := time.Unix(0, e.NS)
	r := loki.Range{Query: labels.String(), Start: at, End: at.Add(1), Direction: loki.Forward}
	same, err := first(ctx, src, r, 0)
	if err != nil {
		return out, err
	}
	own := max(slices.IndexFunc(same, func(x loki.Entry) bool { return x.Line == e.Line && x.Stream.String() == e.Stream.String() }), 0)
	out.Before = same[max(own-before, 0):own]
	if len(same) > 0 {
		out.After = same[own+1 : min(own+1+after, len(same))]
	}
	r.Start = at.Add(1)
	more, err := widening(ctx, src, r, after-len(out.After))
	if err != nil {
		return out, err
	}
	out.After = append(out.After, more...)
	r.Direction, r.End = loki.Backward, at
	more, err = widening(ctx, src, r, before-len(out.Before))
	slices.Reverse(more)
	out.Before = append(more, out.Before...)
	return out, err
}

// widening reads n lines from one end of a range on, in ever wider windows.
func widening(ctx context.Context, src Pager, r loki.Range, n int) (got []loki.Entry, err error) {
	if n <= 0 {
		return nil, nil
	}
	for _, w := range windows {
		if r.Direction == loki.Backward {
			r.Start = r.End.Add(-w)
		} else {
			r.End = r.Start.Add(w)
		}
		if got, err = first(ctx, src, r, n); err != nil || len(got) >= n {
			return got, err
		}
	}
	return got, nil
}
