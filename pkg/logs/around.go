package logs

import (
	"context"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
)

// Ranger sends one range query.
type Ranger interface {
	QueryRange(ctx context.Context, r loki.Range) (*loki.Result, error)
}

// FindLine looks for the line to which somebody points: at an instant when at is
// set (the first whose text holds part), else the newest in [from, to) that holds
// part. Nothing found is an apierr.ErrNotFound.
func FindLine(ctx context.Context, src Ranger, query string, at, from, to time.Time, part string) (loki.Entry, error) {
	r := loki.Range{Query: query, Start: from, End: to, Limit: 1, Direction: loki.Backward}
	if part != "" {
		r.Query = Contains(query, []string{part}, nil)
	}
	if !at.IsZero() {
		// People copy times with the precision that they were shown: all of that
		// second, millisecond or nanosecond is meant.
		r.Start, r.End, r.Direction = at, at.Add(precision(at)), loki.Forward
	}
	res, err := src.QueryRange(ctx, r)
	if err != nil {
		return loki.Entry{}, err
	}
	if len(res.Entries) == 0 {
		e := apierr.New(apierr.ErrNotFound, "loki", "find the line", "no line matches %s", r.Query)
		if !at.IsZero() {
			e.Message += " at " + at.Format(time.RFC3339Nano)
		}
		return loki.Entry{}, e.WithHint("widen it: --since, another selector, or a part of the text with --line")
	}
	return res.Entries[0], nil
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
// labels (all of e's own by default).
func ContextOf(ctx context.Context, src Ranger, e loki.Entry, labels loki.Labels, before, after int) (Around, error) {
	out := Around{Line: e}
	query := labels.String()
	at := time.Unix(0, e.NS)
	read := func(n int, r loki.Range) ([]loki.Entry, error) {
		if n <= 0 {
			return nil, nil
		}
		var got []loki.Entry
		for _, w := range windows {
			// One more than asked for: the line itself is among them, and others of
			// its instant may be on either side.
			r.Query, r.Limit = query, n+1
			if r.Direction == loki.Backward {
				r.Start, r.End = at.Add(-w), at.Add(1)
			} else {
				r.Start, r.End = at, at.Add(w)
			}
			res, err := src.QueryRange(ctx, r)
			if err != nil {
				return nil, err
			}
			got = withoutLine(res.Entries, e)
			if len(got) >= n {
				return got[:n], nil
			}
		}
		return got, nil
	}
	after2, err := read(after, loki.Range{Direction: loki.Forward})
	if err != nil {
		return out, err
	}
	back, err := read(before, loki.Range{Direction: loki.Backward})
	if err != nil {
		return out, err
	}
	shown := map[string]bool{}
	for _, x := range after2 {
		if x.NS == e.NS { // lines of the same instant are shown once, behind
			shown[x.Line] = true
		}
		out.After = append(out.After, x)
	}
	for i := len(back) - 1; i >= 0; i-- {
		if back[i].NS == e.NS && shown[back[i].Line] {
			continue
		}
		out.Before = append(out.Before, back[i])
	}
	return out, nil
}

// withoutLine leaves out e, once.
func withoutLine(all []loki.Entry, e loki.Entry) []loki.Entry {
	out := make([]loki.Entry, 0, len(all))
	found := false
	for _, x := range all {
		if !found && x.NS == e.NS && x.Line == e.Line && x.Stream.String() == e.Stream.String() {
			found = true
			continue
		}
		out = append(out, x)
	}
	return out
}
