package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/loki"
)

// TopSource is what Top reads from.
type TopSource interface {
	Pager
	Query(ctx context.Context, query string, at time.Time) (*loki.Result, error)
	QueryRange(ctx context.Context, r loki.Range) (*loki.Result, error)
}

// Count asks how often each value of a field occurs.
type Count struct {
	Query    string                              // selector and filters, without the parser
	Parser   Parser                              // zero: the field is a label or structured metadata
	Field    string                              // group by it
	Filter   string                              // further filters behind the parser: ` | status=~"4.."`
	Keep     func(fields map[string]string) bool // Filter, for counting here
	From, To time.Time
	Limit    int           // groups; 0 is 20
	Compare  time.Duration // also count the span of the same length that ended so long before To; 0 is not
	Examples int           // lines of each group
	Trace    string        // field with the trace id; may be empty
	Parallel int
}

// Group is one value of the field.
type Group struct {
	Value    string    `json:"value"`
	Count    int64     `json:"count"`
	Share    float64   `json:"share"`            // of all that were counted, 0 to 1
	Before   int64     `json:"before"`           // in the span before; 0 without a comparison
	Change   string    `json:"change,omitempty"` // new, gone, grown, fallen, same
	Examples []Example `json:"examples"`
}

// Example is a line of a group.
type Example struct {
	Time   time.Time         `json:"time"`
	Line   string            `json:"line"`
	Labels map[string]string `json:"labels"`
	Trace  string            `json:"traceId,omitempty"`
}

// TopResult are the largest groups, and what was left out of them.
type TopResult struct {
	Groups []Group
	Total  int64 // lines that have the field
	Others int   // groups that are not shown
	Here   bool  // counted here, as the server could not
	More   bool  // there were more values than are counted here; the smallest are missing
}

// maxGroups bounds what is counted here.
const maxGroups = 50_000

func (c Count) pipeline() string {
	return c.Query + c.Parser.Stage() + " | " + c.Field + `!=""` + c.Filter
}

// Top counts the values of a field over a span, largest first. The server counts
// when it can: when it has too many series for that, or does not know the
// parser, the lines are read and counted here.
func Top(ctx context.Context, src TopSource, c Count) (TopResult, error) {
	if c.Limit <= 0 {
		c.Limit = 20
	}
	now, here, more, err := c.count(ctx, src, c.From, c.To)
	if err != nil {
		return TopResult{}, err
	}
	out := TopResult{Here: here, More: more}
	before := map[string]int64{}
	if c.Compare > 0 {
		var again bool
		if before, _, again, err = c.count(ctx, src, c.From.Add(-c.Compare), c.To.Add(-c.Compare)); err != nil {
			return TopResult{}, err
		}
		out.More = out.More || again
	}
	for v, n := range now {
		out.Total += n
		out.Groups = append(out.Groups, Group{Value: v, Count: n, Before: before[v], Examples: []Example{}})
	}
	if c.Compare > 0 {
		for v, n := range before {
			if now[v] == 0 {
				out.Groups = append(out.Groups, Group{Value: v, Before: n, Examples: []Example{}})
			}
		}
	}
	for i := range out.Groups {
		g := &out.Groups[i]
		if out.Total > 0 {
			g.Share = float64(g.Count) / float64(out.Total)
		}
		if c.Compare > 0 {
			g.Change = change(g.Before, g.Count)
		}
	}
	slices.SortFunc(out.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(b.Before, a.Before), cmp.Compare(a.Value, b.Value))
	})
	if n := len(out.Groups); n > c.Limit {
		out.Groups, out.Others = out.Groups[:c.Limit], n-c.Limit
	}
	return out, c.examples(ctx, src, out.Groups)
}

// change names what happened to a group. A change below a half, or of a handful
// of lines, is noise.
func change(before, now int64) string {
	switch {
	case before == 0 && now > 0:
		return "new"
	case now == 0:
		return "gone"
	case float64(now) >= 1.5*float64(before) && now-before >= 5:
		return "grown"
	case float64(before) >= 1.5*float64(now) && before-now >= 5:
		return "fallen"
	}
	return "same"
}

func (c Count) count(ctx context.Context, src TopSource, from, to time.Time) (counts map[string]int64, here, more bool, err error) {
	counts = map[string]int64{}
	// Whole seconds: a range in LogQL has no smaller unit that everybody reads.
	span := max(to.Sub(from).Round(time.Second), time.Second)
	query := fmt.Sprintf("sum by (%s) (count_over_time(%s [%ds]))", c.Field, c.pipeline(), int64(span.Seconds()))
	res, err := src.Query(ctx, query, to)
	if err == nil {
		for _, s := range res.Vector {
			counts[s.Labels[c.Field]] += int64(s.Value)
		}
		return counts, false, false, nil
	}
	if !countsHere(err) {
		return nil, false, false, err
	}
	more, err = c.countHere(ctx, src, from, to, counts)
	return counts, true, more, err
}

// countsHere reports whether the server cannot count but can hand over lines.
func countsHere(err error) bool {
	var l *loki.Limit
	if errors.As(err, &l) {
		return l.Kind == loki.LimitSeries || l.Splits()
	}
	var e *apierr.Error
	return errors.As(err, &e) && errors.Is(err, apierr.ErrInvalid) && lacks(e.Message)
}

func (c Count) countHere(ctx context.Context, src Pager, from, to time.Time, counts map[string]int64) (more bool, err error) {
	r := Reading{Range: loki.Range{Query: c.Query, Start: from, End: to, Direction: loki.Forward}, Parallel: c.Parallel}
	for page, err := range Read(ctx, src, r) {
		if err != nil {
			return more, err
		}
		for _, e := range page {
			fields := c.Parser.merged(e.Stream.Labels, e.Metadata, e.Parsed, c.Parser.Fields(e.Line))
			v := fields[c.Field]
			if v == "" || c.Keep != nil && !c.Keep(fields) {
				continue
			}
			if _, known := counts[v]; !known && len(counts) >= maxGroups {
				more = true
				continue
			}
			counts[v]++
		}
	}
	return more, nil
}

// examples fetches lines of the shown groups, several groups at once.
func (c Count) examples(ctx context.Context, src TopSource, groups []Group) error {
	if c.Examples <= 0 {
		return nil
	}
	errs := make([]error, len(groups))
	gate := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for i := range groups {
		if groups[i].Count == 0 {
			continue
		}
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			groups[i].Examples, errs[i] = c.exampleLines(ctx, src, groups[i].Value)
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil && !countsHere(err) { // a server without the parser has no examples by it
			return err
		}
	}
	return nil
}

func (c Count) exampleLines(ctx context.Context, src TopSource, value string) ([]Example, error) {
	out := []Example{}
	r := loki.Range{Query: c.pipeline() + " | " + c.Field + "=" + strconv.Quote(value), Start: c.From, End: c.To, Limit: c.Examples, Direction: loki.Backward}
	res, err := src.QueryRange(ctx, r)
	if err != nil {
		return out, err
	}
	for _, e := range res.Entries {
		x := Example{Time: e.Time(), Line: e.Line, Labels: e.Stream.Labels}
		x.Trace, _ = e.Field(c.Trace)
		out = append(out, x)
	}
	return out, nil
}

// lacks reports whether a server's words say that it does not know a stage.
func lacks(message string) bool {
	return slices.ContainsFunc([]string{"does not speak", "unexpected IDENTIFIER", "unknown"}, func(s string) bool { return strings.Contains(message, s) })
}

// Lines is a Pager's pages one by one, for callers that look at lines.
func Lines(pages iter.Seq2[[]loki.Entry, error]) iter.Seq2[loki.Entry, error] {
	return func(yield func(loki.Entry, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(loki.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}
