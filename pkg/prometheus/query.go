package prometheus

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
)

// ResultType is the shape of a result.
type ResultType string

// The result types of the API. Unknown ones are an error.
const (
	Vector ResultType = "vector"
	Matrix ResultType = "matrix"
	Scalar ResultType = "scalar"
	String ResultType = "string"
)

// Query asks for one instant.
type Query struct {
	Expr     string
	Time     time.Time     // zero is the server's now
	Timeout  time.Duration // after which the server gives up; 0 is its own
	Limit    int           // series at most; 0 is all. Servers before 2.55 ignore it
	Lookback time.Duration // how old a sample may be; 0 is the server's (5 m)
}

// Range asks for a span with both ends inclusive, one point a step.
type Range struct {
	Expr       string
	Start, End time.Time
	Step       time.Duration
	Timeout    time.Duration // after which the server gives up; 0 is its own
	Limit      int           // series at most; 0 is all. Servers before 2.55 ignore it
}

// Sample is one series at one instant: a value, or a native histogram.
type Sample struct {
	Metric    Labels
	Time      time.Time // UTC, milliseconds
	Value     Value
	Histogram *Histogram // nil for plain values
}

// Point is a value at a time.
type Point struct {
	MS    int64 // milliseconds since 1970
	Value float64
}

// Time is the point's instant in UTC.
func (p Point) Time() time.Time { return time.UnixMilli(p.MS).UTC() }

// HistogramPoint is a native histogram at a time.
type HistogramPoint struct {
	Time      time.Time
	Histogram Histogram
}

// Series is one series over a span, oldest point first. A step without a sample
// has no point.
type Series struct {
	Metric     Labels
	Points     []Point
	Histograms []HistogramPoint // native histograms; mostly nil
}

// Result is the answer to a query. The slices are never nil for their type.
type Result struct {
	Type     ResultType
	Vector   []Sample // Type vector; sorted by labels unless the query sorts
	Matrix   []Series // Type matrix; sorted by labels
	Scalar   Sample   // Type scalar, without labels
	Text     string   // Type string
	Warnings []string // the result may be incomplete or wrong: always tell the user
	Infos    []string // annotations of 3.0 and later ("metric might not be a counter")
}

// Query evaluates an expression at one instant. A query that finds nothing is an
// empty vector, not an error.
//
// Source: contract note section 3, GET/POST /api/v1/query.
func (c *Client) Query(ctx context.Context, q Query) (*Result, error) {
	if q.Expr == "" {
		return nil, apierr.New(apierr.ErrUsage, vendor, "query", "the expression is empty")
	}
	v := url.Values{"query": {q.Expr}}
	if !q.Time.IsZero() {
		v.Set("time", wireTime(q.Time))
	}
	if q.Lookback > 0 {
		v.Set("lookback_delta", wireDuration(q.Lookback))
	}
	setCommon(v, q.Timeout, q.Limit)
	return c.result(ctx, "query", "query", q.Expr, v)
}

// QueryRange evaluates an expression over a span. More than MaxPoints steps are
// an apierr.ErrUsage: the server would refuse them.
//
// Source: contract note section 3, GET/POST /api/v1/query_range.
func (c *Client) QueryRange(ctx context.Context, r Range) (*Result, error) {
	const op = "query range"
	switch {
	case r.Expr == "":
		return nil, apierr.New(apierr.ErrUsage, vendor, op, "the expression is empty")
	case r.End.Before(r.Start):
		return nil, apierr.New(apierr.ErrUsage, vendor, op, "the range ends (%s) before it begins (%s)",
			r.End.UTC().Format(time.RFC3339), r.Start.UTC().Format(time.RFC3339))
	case r.Step < time.Millisecond:
		return nil, apierr.New(apierr.ErrUsage, vendor, op, "the step is %s; the least is 1ms", r.Step)
	case r.End.Sub(r.Start)/r.Step > MaxPoints:
		return nil, apierr.New(apierr.ErrUsage, vendor, op, "a step of %s makes more than the %d points that a server gives", r.Step, MaxPoints).
			WithHint("the least step for this range is %s", MinStep(r.End.Sub(r.Start)))
	}
	v := url.Values{"query": {r.Expr}, "start": {wireTime(r.Start)}, "end": {wireTime(r.End)}, "step": {wireDuration(r.Step)}}
	setCommon(v, r.Timeout, r.Limit)
	return c.result(ctx, op, "query_range", r.Expr, v)
}

func setCommon(v url.Values, timeout time.Duration, limit int) {
	if timeout > 0 {
		v.Set("timeout", wireDuration(timeout))
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
}

func (c *Client) result(ctx context.Context, op, path, expr string, v url.Values) (*Result, error) {
	env, err := c.read(ctx, op, path, v, true)
	if err != nil {
		return nil, datasource.MarkPlace(err, expr, placeInError())
	}
	res := &Result{Warnings: env.Warnings, Infos: env.Infos}
	if err := res.decode(env.Data); err != nil {
		return nil, c.api.Unreadable(op, err)
	}
	if res.Type == Vector && !Sorts(expr) {
		slices.SortStableFunc(res.Vector, func(a, b Sample) int { return a.Metric.Compare(b.Metric) })
	}
	return res, nil
}

// Empty reports whether the query found no series at all.
func (r *Result) Empty() bool {
	switch r.Type {
	case Vector:
		return len(r.Vector) == 0
	case Matrix:
		return len(r.Matrix) == 0
	case Scalar, String:
	}
	return false
}

type wirePair [2]json.RawMessage

func (r *Result) decode(data []byte) error {
	var d struct {
		Type   ResultType      `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	r.Type = d.Type
	switch d.Type {
	case Vector:
		return r.decodeVector(d.Result)
	case Matrix:
		return r.decodeMatrix(d.Result)
	case Scalar:
		return decodePair(d.Result, &r.Scalar)
	case String:
		var p wirePair
		if err := json.Unmarshal(d.Result, &p); err != nil {
			return err
		}
		return json.Unmarshal(p[1], &r.Text)
	default:
		return &json.UnsupportedValueError{Str: "unknown result type " + strconv.Quote(string(d.Type))}
	}
}

func decodePair(b []byte, s *Sample) error {
	var at Seconds
	if err := json.Unmarshal(b, &[]any{&at, &s.Value}); err != nil {
		return err
	}
	s.Time = at.Time()
	return nil
}

func (r *Result) decodeVector(b []byte) error {
	var wire []struct {
		Metric    Labels          `json:"metric"`
		Value     json.RawMessage `json:"value"`
		Histogram *wirePair       `json:"histogram"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	r.Vector = make([]Sample, len(wire))
	for i, w := range wire {
		s := &r.Vector[i]
		s.Metric = w.Metric
		if w.Histogram != nil {
			h, err := decodeHistogram(*w.Histogram)
			if err != nil {
				return err
			}
			s.Time, s.Histogram = h.Time, &h.Histogram
			continue
		}
		if err := decodePair(w.Value, s); err != nil {
			return err
		}
	}
	return nil
}

func decodeHistogram(p wirePair) (HistogramPoint, error) {
	var out HistogramPoint
	var at Seconds
	if err := json.Unmarshal(p[0], &at); err != nil {
		return out, err
	}
	out.Time = at.Time()
	return out, json.Unmarshal(p[1], &out.Histogram)
}

func (r *Result) decodeMatrix(b []byte) error {
	var wire []struct {
		Metric     Labels     `json:"metric"`
		Values     points     `json:"values"`
		Histograms []wirePair `json:"histograms"`
	}
	if err := json.Unmarshal(b, &wire); err != nil {
		return err
	}
	r.Matrix = make([]Series, len(wire))
	for i, w := range wire {
		r.Matrix[i] = Series{Metric: w.Metric, Points: w.Values}
		for _, p := range w.Histograms {
			h, err := decodeHistogram(p)
			if err != nil {
				return err
			}
			r.Matrix[i].Histograms = append(r.Matrix[i].Histograms, h)
		}
	}
	slices.SortStableFunc(r.Matrix, func(a, b Series) int { return a.Metric.Compare(b.Metric) })
	return nil
}
