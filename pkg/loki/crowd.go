package loki

import (
	"context"
	"time"
)

// crowded deals with a page that is wholly of one instant: there may be more
// lines there than a request gives, and the range cannot be cut any finer. First
// the request grows to the server's limit, then each stream is asked for by
// itself, and what is still missing is told. It returns what it found; the pager
// stands behind the instant afterwards, or asks again with a larger request.
func (p *pager) crowded(ctx context.Context, at int64, want int) ([]Entry, error) {
	p.moveTo(at)
	if p.allowed(want*2) > want {
		// Unknown limits are found by running into them: the server names its own.
		p.crowd = want * 2
		return nil, nil
	}
	found, complete, err := p.byStream(ctx, at)
	if err != nil {
		return nil, err
	}
	shown := p.edgeN
	p.leave(at)
	if !complete && p.how.Incomplete != nil {
		p.how.Incomplete(time.Unix(0, at).UTC(), shown)
	}
	return found, nil
}

// byStream asks for the lines of one instant stream by stream. complete is false
// when a stream has more than a request gives, or the streams cannot be listed.
func (p *pager) byStream(ctx context.Context, at int64) (found []Entry, complete bool, err error) {
	selector, pipeline, ok := SplitQuery(p.r.Query)
	if !ok {
		return nil, false, nil
	}
	span := Span{time.Unix(0, at), time.Unix(0, at+1)}
	streams, err := p.c.Series(ctx, []string{selector}, span)
	if err != nil {
		return nil, false, err
	}
	complete = len(streams) > 0
	limit := p.allowed(max(p.page, p.crowd))
	for _, labels := range streams {
		r := p.r
		r.Query, r.Start, r.End, r.Limit = labels.String()+pipeline, span.Start, span.End, limit
		res, err := p.c.queryRange(ctx, r, p.how.Bytes)
		if err != nil {
			return nil, false, err
		}
		complete = complete && len(res.Entries) < limit
		fresh := p.unseen(res.Entries)
		p.remember(res.Entries, at)
		found = append(found, fresh...)
	}
	return found, complete, nil
}

// SplitQuery parts a log query into its stream selector and its pipeline:
// `{job="api"}` and ` |= "x"`. Not ok: it does not begin with a selector, as a
// metric query does.
func SplitQuery(query string) (selector, pipeline string, ok bool) {
	i := 0
	for i < len(query) && (query[i] == ' ' || query[i] == '\t' || query[i] == '\n' || query[i] == '\r') {
		i++
	}
	if i == len(query) || query[i] != '{' {
		return "", "", false
	}
	quote := byte(0)
	for j := i; j < len(query); j++ {
		switch ch := query[j]; {
		case quote != 0:
			if ch == '\\' && quote == '"' {
				j++
			} else if ch == quote {
				quote = 0
			}
		case ch == '"' || ch == '`':
			quote = ch
		case ch == '}':
			return query[i : j+1], query[j+1:], true
		}
	}
	return "", "", false
}
