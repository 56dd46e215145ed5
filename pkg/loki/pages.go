package loki

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// DefaultPage is the number of lines of one request, the server's own default
// limit; 5000 a page is four times as fast as 1000 (contract note section 5).
const DefaultPage = 5000

// Paging is how Pages reads.
type Paging struct {
	Size int // lines a request; 0 is DefaultPage. A lower limit of the server is obeyed
	// Bytes is how large an answer may be; a larger one is asked for again with
	// fewer lines. 0 is DefaultPageBytes.
	Bytes int64
	// Incomplete is told of an instant that holds more lines than the server gives
	// at all, after every way to get them was tried. shown is how many were. May be nil.
	Incomplete func(at time.Time, shown int)
}

// DefaultPageBytes is the largest answer that Pages reads by default.
const DefaultPageBytes = 32 << 20

// Pages reads the lines of a range in order, at most r.Limit (0 is all of them),
// one slice a page. Every line comes once, however many share a timestamp. A
// range that the server finds too long, too large or too slow is read in parts.
//
// The rule is that of the contract note, section 5: a page begins at the last
// timestamp of the page before it, and what was seen of that instant is
// subtracted as a multiset of (labels, metadata, line).
func (c *Client) Pages(ctx context.Context, r Range, how Paging) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		p, err := c.newPager(r, how)
		if err != nil {
			yield(nil, err)
			return
		}
		for !p.done() {
			page, err := p.next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) > 0 && !yield(page, nil) {
				return
			}
		}
	}
}

// pager holds what is left of a range, [lo, hi) in nanoseconds.
type pager struct {
	c    *Client
	r    Range
	how  Paging
	lo   int64
	hi   int64
	left int           // lines still wanted; -1 is all
	page int           // lines of a request, as asked for or as the server allows
	size int           // lines of the next request: fewer where lines are very long
	span time.Duration // longest range of one request; 0 is no limit

	edge   map[string]int // what was read of the instant edgeNS, by Entry.key
	edgeN  int            // sum of edge
	edgeNS int64
	crowd  int // size to which one instant has raised the request; 0 is not
	most   int // lines here that were too large for an answer; 0 is unknown
}

func (c *Client) newPager(r Range, how Paging) (*pager, error) {
	r.Step = 0
	if err := check("read lines", r); err != nil {
		return nil, err
	}
	p := &pager{c: c, r: r, how: how, lo: r.Start.UnixNano(), hi: r.End.UnixNano(), left: -1, page: how.Size}
	if r.Direction == "" {
		p.r.Direction = Backward
	}
	if r.Limit > 0 {
		p.left = r.Limit
	}
	if p.page <= 0 {
		p.page = DefaultPage
	}
	if p.how.Bytes <= 0 {
		p.how.Bytes = DefaultPageBytes
	}
	p.page = p.allowed(p.page)
	p.size = p.page
	return p, nil
}

func (p *pager) forward() bool { return p.r.Direction == Forward }
func (p *pager) done() bool    { return p.lo >= p.hi || p.left == 0 }

// allowed is n, or the server's limit where that is known and lower.
func (p *pager) allowed(n int) int {
	if known := int(p.c.maxEntries.Load()); known > 0 {
		n = min(n, known)
	}
	if p.most > 0 {
		n = min(n, p.most)
	}
	return n
}

// minSpan is the shortest range into which a refused one is cut.
const minSpan = time.Second

// next reads one page.
func (p *pager) next(ctx context.Context) ([]Entry, error) {
	lo, hi := p.lo, p.hi
	if s := int64(p.span); s > 0 && hi-lo > s {
		if p.forward() {
			hi = lo + s
		} else {
			lo = hi - s
		}
	}
	want := p.want()
	r := p.r
	r.Start, r.End, r.Limit = time.Unix(0, lo), time.Unix(0, hi), want
	res, err := p.c.queryRange(ctx, r, p.how.Bytes)
	if err != nil {
		return nil, p.adapt(err, time.Duration(hi-lo), want)
	}
	if res.Type != "streams" {
		return nil, apierr.New(apierr.ErrUsage, vendor, "read lines", "this is a metric query: it has no lines")
	}
	got := res.Entries
	fresh := p.unseen(got)
	if len(got) < want {
		p.passed(lo, hi)
		return p.cut(fresh), nil
	}
	first, last := got[0].NS, got[len(got)-1].NS
	p.remember(got, last)
	if first != last {
		p.moveTo(last)
		p.crowd, p.most = 0, 0
		p.size = min(p.size+p.size/4+1, p.page)
		return p.cut(fresh), nil
	}
	more, err := p.crowded(ctx, last, want)
	return p.cut(append(fresh, more...)), err
}

// want is the limit of the next request. It always leaves room beyond what is
// known of the edge, so that every request can bring something new.
func (p *pager) want() int {
	n := max(p.size, p.crowd)
	if p.left >= 0 {
		n = min(n, p.left+p.edgeN)
	}
	if n <= p.edgeN {
		n = p.edgeN + p.size
	}
	return p.allowed(n)
}

// adapt answers a refusal by asking for less; nil means that the next call does.
func (p *pager) adapt(err error, span time.Duration, want int) error {
	limit := limitIn(err)
	switch {
	case limit != nil && limit.Kind == LimitEntries && limit.Max > 0 && limit.Max < want:
		p.c.maxEntries.Store(int64(limit.Max))
		p.page, p.size = min(p.page, limit.Max), min(p.size, limit.Max)
		return nil
	case limit != nil && limit.Splits() && span > minSpan:
		p.span = max(span/2, minSpan)
		if limit.Length > 0 {
			p.span = min(limit.Length, span-1)
		}
		return nil
	case errors.Is(err, httpx.ErrTooLarge) && want > 1:
		p.most = max(want/4, 1)
		p.size = p.most
		return nil
	}
	return err
}

// unseen is what the page brings beyond the edge.
func (p *pager) unseen(page []Entry) []Entry {
	if p.edgeN == 0 {
		return page
	}
	left := make(map[string]int, len(p.edge))
	for k, n := range p.edge {
		left[k] = n
	}
	out := make([]Entry, 0, len(page))
	for _, e := range page {
		if e.NS == p.edgeNS {
			if k := e.key(); left[k] > 0 {
				left[k]--
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

// remember notes what the page holds of the instant at. When the edge did not
// move, what was known of it stays known.
func (p *pager) remember(page []Entry, at int64) {
	now := map[string]int{}
	for i := len(page) - 1; i >= 0 && page[i].NS == at; i-- {
		now[page[i].key()]++
	}
	if p.edgeN > 0 && p.edgeNS == at {
		for k, n := range p.edge {
			now[k] = max(now[k], n)
		}
	}
	p.edge, p.edgeNS, p.edgeN = now, at, 0
	for _, n := range now {
		p.edgeN += n
	}
}

func (p *pager) forget() { p.edge, p.edgeN, p.crowd, p.most = nil, 0, 0, 0 }

// passed leaves a part of the range that was read to its end.
func (p *pager) passed(lo, hi int64) {
	if p.forward() {
		p.lo = hi
	} else {
		p.hi = lo
	}
	p.forget()
	if p.span > 0 {
		p.span *= 2
	}
}

// moveTo makes the next request begin at an instant, which it reads again.
func (p *pager) moveTo(at int64) {
	if p.forward() {
		p.lo = at
	} else {
		p.hi = at + 1
	}
}

// leave goes on behind an instant.
func (p *pager) leave(at int64) {
	if p.forward() {
		p.lo = at + 1
	} else {
		p.hi = at
	}
	p.forget()
}

// cut keeps to the number of lines that are wanted.
func (p *pager) cut(page []Entry) []Entry {
	if p.left < 0 {
		return page
	}
	page = page[:min(len(page), p.left)]
	p.left -= len(page)
	return page
}
