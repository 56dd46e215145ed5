package logs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/loki"
)

// TopSource is what Top reads from.
type TopSource interface {
	Pager
	Query(ctx context.Context, query string, at time.Time) (*loki.Result, error)
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
	Fold     bool // values that differ by an id alone are one group
}

// Group is one value of the field.
type Group struct {
	Value    string    `json:"value"`            // <_> stands for what was folded
	Values   int       `json:"values,omitempty"` // how many there are of it; 0 is not known
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

func (c Count) pipeline() string {
	return c.Query + c.Parser.Stage() + " | " + c.Field + `!=""` + c.Filter
}

// Top counts the values of a field over a span, largest first. The server counts
// when it can, in parts where the whole is too much for it; where it cannot, the
// lines are read and counted here.
func Top(ctx context.Context, src TopSource, c Count) (TopResult, error) {
	if c.Limit <= 0 {
		c.Limit = 20
	}
	now, err := c.count(ctx, src, c.From, c.To)
	if err != nil {
		return TopResult{}, err
	}
	out := TopResult{Here: now.here, More: now.more}
	before := &tally{}
	if c.Compare > 0 {
		if before, err = c.count(ctx, src, c.From.Add(-c.Compare), c.To.Add(-c.Compare)); err != nil {
			return TopResult{}, err
		}
		out.Here, out.More = out.Here || before.here, out.More || before.more
	}
	groups := c.gather(now, before)
	for _, g := range groups {
		out.Total += g.Count
	}
	for _, g := range groups {
		if out.Total > 0 {
			g.Share = float64(g.Count) / float64(out.Total)
		}
		if c.Compare > 0 {
			g.Change = change(g.Before, g.Count)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(b.Before, a.Before), cmp.Compare(a.Value, b.Value))
	})
	if n := len(groups); n > c.Limit {
		groups, out.Others = groups[:c.Limit], n-c.Limit
	}
	err = c.examples(ctx, src, now, groups)
	for _, g := range groups {
		out.Groups = append(out.Groups, g.Group)
	}
	return out, err
}

// group is a Group in the making.
type group struct {
	Group
	largest string // value with the most lines, and how many
	most    int64
}

// gather makes the groups of what was counted, folded if that is wanted.
func (c Count) gather(now, before *tally) []*group {
	found := map[string]*group{}
	get := func(value string) *group {
		if c.Fold {
			value = Fold(value)
		}
		if found[value] == nil {
			found[value] = &group{Group: Group{Value: value, Examples: []Example{}}}
		}
		return found[value]
	}
	for v, n := range now.counts {
		g := get(v)
		g.Count += n
		g.Values++
		if n > g.most || n == g.most && v < g.largest {
			g.largest, g.most = v, n
		}
	}
	for v, n := range before.counts {
		get(v).Before += n
	}
	out := []*group{}
	for _, g := range found {
		// What was folded where it was counted has no number of its own.
		if now.folds || now.over {
			g.Values = 0
		}
		out = append(out, g)
	}
	return out
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

// examples fetches lines of the shown groups, several groups at once.
func (c Count) examples(ctx context.Context, src TopSource, t *tally, groups []*group) error {
	if c.Examples <= 0 {
		return nil
	}
	errs := make([]error, len(groups))
	gate := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for i, g := range groups {
		if g.Count == 0 {
			continue
		}
		if e, ok := t.examples[g.Value]; ok {
			g.Examples = []Example{c.example(e)}
			continue
		}
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			g.Examples, errs[i] = c.exampleLines(ctx, src, t, g.largest)
		})
	}
	wg.Wait()
	for _, err := range errs {
		var l *loki.Limit
		if err != nil && !doesNotKnow(err) && !errors.As(err, &l) { // the counts are worth showing without a line of each
			return err
		}
	}
	return nil
}

func (c Count) exampleLines(ctx context.Context, src TopSource, t *tally, value string) ([]Example, error) {
	out := []Example{}
	query := c.pipeline()
	if t.folds {
		query += foldStage(c.Field)
	}
	r := loki.Range{Query: query + " | " + c.Field + "=" + strconv.Quote(value), Start: c.From, End: c.To, Direction: loki.Backward}
	lines, err := first(ctx, src, r, c.Examples)
	if err != nil {
		return out, err
	}
	for _, e := range lines {
		out = append(out, c.example(e))
	}
	return out, nil
}

func (c Count) example(e loki.Entry) Example {
	x := Example{Time: e.Time(), Line: e.Line, Labels: e.Stream.Labels}
	x.Trace, _ = e.Field(c.Trace)
	if x.Trace == "" {
		x.Trace = c.Parser.Fields(e.Line)[c.Trace]
	}
	return x
}
