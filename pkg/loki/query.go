package loki

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Range asks for a span: entries of a log query, or points of a metric query.
type Range struct {
	Query     string
	Start     time.Time // inclusive
	End       time.Time // exclusive for lines
	Limit     int       // entries at most in this request; 0 is the server's default (100)
	Direction Direction // "" is Backward
	Step      time.Duration
	Interval  time.Duration // of a log query: at most one entry an interval; 0 is all
}

// MaxPoints is the number of steps after which a server refuses a metric query.
const MaxPoints = 11000

func (r Range) values() url.Values {
	v := url.Values{"query": {r.Query}, "start": {ns(r.Start)}, "end": {ns(r.End)}}
	if r.Limit > 0 {
		v.Set("limit", strconv.Itoa(r.Limit))
	}
	if r.Direction != "" {
		v.Set("direction", string(r.Direction))
	}
	if r.Step > 0 {
		v.Set("step", seconds(r.Step))
	}
	if r.Interval > 0 {
		v.Set("interval", seconds(r.Interval))
	}
	return v
}

// ns writes an instant in nanoseconds: other forms are read by their length, and
// thirteen digits of milliseconds as the year 1970.
func ns(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// maxAnswer is the largest answer to one request, in bytes.
const maxAnswer = 64 << 20

// QueryRange sends one request: at most Limit entries, ordered by Direction
// across streams. Pages reads whole ranges.
//
// Source: contract note section 3, GET/POST /loki/api/v1/query_range.
func (c *Client) QueryRange(ctx context.Context, r Range) (*Result, error) {
	return c.queryRange(ctx, r, maxAnswer)
}

func (c *Client) queryRange(ctx context.Context, r Range, maxBody int64) (*Result, error) {
	const op = "query range"
	if err := check(op, r); err != nil {
		return nil, err
	}
	body, err := c.read(ctx, op, "query_range", r.values(), maxBody)
	if err != nil {
		return nil, err
	}
	res, err := decodeResult(body)
	if err != nil {
		return nil, c.api.Unreadable(op, err)
	}
	order(res.Entries, r.Direction)
	return res, nil
}

func check(op string, r Range) error {
	switch {
	case r.Query == "":
		return apierr.New(apierr.ErrUsage, vendor, op, "the query is empty")
	case !r.Start.Before(r.End):
		return apierr.New(apierr.ErrUsage, vendor, op, "the range ends (%s) before it begins (%s)",
			r.End.UTC().Format(time.RFC3339), r.Start.UTC().Format(time.RFC3339))
	case r.Step > 0 && r.End.Sub(r.Start)/r.Step > MaxPoints:
		return apierr.New(apierr.ErrUsage, vendor, op, "a step of %s makes more than the %d points that a server gives", r.Step, MaxPoints)
	}
	return nil
}

// Query evaluates a metric query at one instant; at zero is the server's now. The
// vector's order is the server's, which topk leaves unsorted. A log query is
// refused by the server.
func (c *Client) Query(ctx context.Context, query string, at time.Time) (*Result, error) {
	const op = "query"
	if query == "" {
		return nil, apierr.New(apierr.ErrUsage, vendor, op, "the query is empty")
	}
	v := url.Values{"query": {query}}
	if !at.IsZero() {
		v.Set("time", ns(at))
	}
	body, err := c.read(ctx, op, "query", v, 0)
	if err != nil {
		return nil, err
	}
	res, err := decodeResult(body)
	if err != nil {
		return nil, c.api.Unreadable(op, err)
	}
	return res, nil
}
