// Package logs is what people do with log lines: read whole ranges in order and
// fast, count by a field, find what is new, group what is similar, and see what
// stood around one line. It works over the few methods of a Loki client that each
// function names.
package logs

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/loki"
)

// Pager reads the lines of a range in order.
type Pager interface {
	Pages(ctx context.Context, r loki.Range, how loki.Paging) iter.Seq2[[]loki.Entry, error]
}

// first reads the first limit lines of a range in its direction. It goes through
// the pager, as any server may find the range or the number too large for one query.
func first(ctx context.Context, src Pager, r loki.Range, limit int) ([]loki.Entry, error) {
	r.Limit = limit
	out := []loki.Entry{}
	for page, err := range src.Pages(ctx, r, loki.Paging{}) {
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
	}
	return out, nil
}

// Estimator tells roughly how many lines a selector covers.
type Estimator interface {
	Estimate(ctx context.Context, selector string, s loki.Span) (loki.Estimate, error)
}

// Reading is what Read reads.
type Reading struct {
	Range    loki.Range // Limit 0 is all
	Parallel int        // parts of the range that are read at once; less than 2 is one after the other
	Paging   loki.Paging
}

// Read hands over the lines of a range in order, page by page, each once. With
// Parallel it reads several parts of the range at once, as narrow as a page, and
// holds at most three pages of each: memory does not grow with the range.
//
// An error ends it; what came before is in order and whole up to there.
func Read(ctx context.Context, src Pager, r Reading) iter.Seq2[[]loki.Entry, error] {
	size := r.Paging.Size
	if size <= 0 {
		size = loki.DefaultPage
	}
	// A part is worth its request only when there is more than one page.
	if r.Parallel < 2 || r.Range.Limit > 0 && r.Range.Limit <= size {
		return src.Pages(ctx, r.Range, r.Paging)
	}
	return func(yield func([]loki.Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		p := &parallel{src: src, r: r, size: size, parts: make(chan *part, r.Parallel-1)}
		defer p.wg.Wait()
		defer cancel()
		p.start(ctx)
		left := r.Range.Limit
		for part := range p.parts {
			for got := range part.pages {
				if got.err != nil {
					yield(nil, got.err)
					return
				}
				page := got.entries
				if r.Range.Limit > 0 {
					page = page[:min(len(page), left)]
					left -= len(page)
				}
				if len(page) > 0 && !yield(page, nil) || r.Range.Limit > 0 && left == 0 {
					return
				}
			}
		}
	}
}

// part is a piece of the range, [from, to) in nanoseconds.
type part struct {
	from, to int64
	pages    chan gotPage
}

type gotPage struct {
	entries []loki.Entry
	err     error
}

type parallel struct {
	src   Pager
	r     Reading
	size  int
	parts chan *part // in order of the result; its room bounds how far reading is ahead
	wg    sync.WaitGroup

	mu    sync.Mutex
	width int64 // of the next part, nanoseconds
}

const (
	minWidth = int64(time.Millisecond)
	// fill is how much of a page a part should hold, so that one request does.
	fill = 0.8
)

// start cuts the range into parts and reads them, Parallel at once.
func (p *parallel) start(ctx context.Context) {
	lo, hi := p.r.Range.Start.UnixNano(), p.r.Range.End.UnixNano()
	p.width = max((hi-lo)/int64(4*p.r.Parallel), minWidth)
	p.guess(ctx, hi-lo)
	p.wg.Go(func() {
		defer close(p.parts)
		for lo < hi {
			width := min(p.next(), hi-lo)
			x := &part{pages: make(chan gotPage, 1)}
			if p.r.Range.Direction == loki.Forward {
				x.from, x.to = lo, lo+width
				lo += width
			} else {
				x.from, x.to = hi-width, hi
				hi -= width
			}
			select {
			case p.parts <- x:
			case <-ctx.Done():
				return
			}
			p.wg.Go(func() { p.read(ctx, x) })
		}
	})
}

// guess sets the first width by the server's estimate. It is an estimate of the
// stored lines, up to double the truth and without the query's filters, so it
// only prevents parts that are far too wide.
func (p *parallel) guess(ctx context.Context, span int64) {
	e, ok := p.src.(Estimator)
	selector, _, isLog := loki.SplitQuery(p.r.Range.Query)
	if !ok || !isLog {
		return
	}
	est, err := e.Estimate(ctx, selector, loki.Span{Start: p.r.Range.Start, End: p.r.Range.End})
	if err != nil || est.Entries <= 0 {
		return
	}
	p.width = max(min(p.width, int64(float64(span)*fill*float64(p.size)/float64(est.Entries))), minWidth)
}

func (p *parallel) next() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.width
}

// learn moves the width towards one full page, by a factor of four at most.
func (p *parallel) learn(width int64, lines int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	want := 4 * width
	if lines > 0 {
		want = int64(float64(width) * fill * float64(p.size) / float64(lines))
	}
	p.width = max(min(max(want, width/4), 4*width), minWidth)
}

func (p *parallel) read(ctx context.Context, x *part) {
	defer close(x.pages)
	r := p.r.Range
	r.Start, r.End = time.Unix(0, x.from), time.Unix(0, x.to)
	lines := 0
	for page, err := range p.src.Pages(ctx, r, p.r.Paging) {
		lines += len(page)
		select {
		case x.pages <- gotPage{page, err}:
		case <-ctx.Done():
			return
		}
	}
	p.learn(x.to-x.from, lines)
}
