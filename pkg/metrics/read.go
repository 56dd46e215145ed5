package metrics

import (
	"context"
	"math"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// Source evaluates queries.
type Source interface {
	Query(ctx context.Context, q prometheus.Query) (*prometheus.Result, error)
	QueryRange(ctx context.Context, r prometheus.Range) (*prometheus.Result, error)
}

// State is how a value stands to its query's limits.
type State string

// States of a reading.
const (
	OK        State = "ok"
	Over      State = "over"      // beyond a limit
	NoData    State = "no-data"   // the query finds nothing
	Unlimited State = "unlimited" // the query has no limits
)

// Reading is one series of a named query.
type Reading struct {
	Name   string            `json:"name"`
	State  State             `json:"state"`
	Labels map[string]string `json:"labels"`
	Value  *prometheus.Value `json:"value"`           // nil without data; a text, as NaN and +Inf are values
	Time   *time.Time        `json:"time"`            // of the sample, as far as it is known; nil without data
	Late   bool              `json:"late,omitempty"`  // found only by looking back
	Since  *time.Time        `json:"since,omitempty"` // since when it is over or without data, as far as was looked
	Query  Query             `json:"query"`
	labels prometheus.Labels
}

// Float is the value, NaN without data.
func (r Reading) Float() float64 {
	if r.Value == nil {
		return math.NaN()
	}
	return float64(*r.Value)
}

// lookBack is how far behind a CloudWatch exporter's samples are looked for.
const (
	lookBack = 20 * time.Minute
	lag      = 10 * time.Minute
)

// Get evaluates a named query at an instant; one reading a series, at least one:
// without data it is a reading of state NoData. A CloudWatch exporter's samples
// are ten minutes old, more than a query at now looks back: they are looked for
// there, and Time tells their age. warnings are the server's.
func Get(ctx context.Context, src Source, q Query, at time.Time) (out []Reading, warnings []string, err error) {
	res, err := src.Query(ctx, prometheus.Query{Expr: q.Expr, Time: at})
	if err != nil {
		return nil, nil, err
	}
	warnings = res.Warnings
	late := false
	if res.Empty() && Late(q.Expr) {
		again, lateErr := LookBehind(ctx, src, q.Expr, at)
		if lateErr != nil {
			return nil, warnings, lateErr
		}
		late = true
		warnings = append(warnings, again.Warnings...)
		res = again
	}
	for _, s := range Samples(res) {
		v, when := s.Value, s.Time
		r := Reading{Name: q.Name, Labels: s.Metric, Value: &v, Time: &when, Late: late, Query: q, labels: s.Metric, State: OK}
		switch {
		case q.Above == nil && q.Below == nil:
			r.State = Unlimited
		case q.Bad(float64(v)):
			r.State = Over
		}
		if r.Labels == nil {
			r.Labels = map[string]string{}
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		out = []Reading{{Name: q.Name, State: NoData, Labels: map[string]string{}, Query: q}}
	}
	sortReadings(out)
	return out, warnings, nil
}

// LookBehind reads the samples themselves where the query is a selector alone,
// so that their own time is known, and evaluates any other query ten minutes ago.
func LookBehind(ctx context.Context, src Source, expr string, at time.Time) (*prometheus.Result, error) {
	if plainSelector().MatchString(expr) {
		return src.Query(ctx, prometheus.Query{Expr: expr + "[20m]", Time: at})
	}
	if at.IsZero() {
		at = time.Now()
	}
	return src.Query(ctx, prometheus.Query{Expr: expr, Time: at.Add(-lag)})
}

// Samples are the values of any result that has numbers; of a series its last.
func Samples(res *prometheus.Result) []prometheus.Sample {
	switch res.Type {
	case prometheus.Vector:
		return res.Vector
	case prometheus.Scalar:
		return []prometheus.Sample{res.Scalar}
	case prometheus.Matrix:
		out := []prometheus.Sample{}
		for _, s := range res.Matrix {
			if n := len(s.Points); n > 0 {
				out = append(out, prometheus.Sample{Metric: s.Metric, Time: s.Points[n-1].Time(), Value: prometheus.Value(s.Points[n-1].Value)})
			}
		}
		return out
	case prometheus.String:
	}
	return nil
}

// Check is Get for a script: besides now, every value of the last hold must be
// within the limits, with no gap longer than half of it. Since tells since when
// it is not. A query without limits is an apierr.ErrUsage: it can only be read.
func Check(ctx context.Context, src Source, q Query, at time.Time, hold time.Duration) ([]Reading, []string, error) {
	if q.Above == nil && q.Below == nil {
		return nil, nil, apierr.New(apierr.ErrUsage, "", "metrics check "+q.Name, "the query has no threshold: above or below").
			WithHint("oncall metrics get %s", q.Name)
	}
	now, warnings, err := Get(ctx, src, q, at)
	if err != nil || hold <= 0 {
		return now, warnings, err
	}
	step := prometheus.AutoStep(hold, 30)
	end := at
	if len(now) > 0 && now[0].Late {
		end = at.Add(-lag)
	}
	res, err := src.QueryRange(ctx, prometheus.Range{Expr: q.Expr, Start: end.Add(-hold), End: end, Step: step})
	if err != nil {
		return nil, warnings, err
	}
	series := map[string][]prometheus.Point{}
	for _, s := range res.Matrix {
		series[s.Metric.String()] = s.Points
	}
	for i := range now {
		r := &now[i]
		points := series[r.labels.String()]
		if r.State == NoData {
			r.since(end.Add(-hold))
			if n := len(points); n > 0 {
				r.since(points[n-1].Time())
			}
			continue
		}
		r.judge(points, end.Add(-hold), hold)
	}
	sortReadings(now)
	return now, append(warnings, res.Warnings...), nil
}

func (r *Reading) since(t time.Time) { r.Since = &t }

// judge looks at the values of the time before.
func (r *Reading) judge(points []prometheus.Point, begin time.Time, hold time.Duration) {
	if len(points) == 0 || points[0].Time().Sub(begin) > hold/2 {
		if r.State == OK {
			r.State = NoData
		}
		r.since(begin)
		return
	}
	for i := len(points) - 1; i >= 0; i-- {
		bad := r.Query.Bad(points[i].Value)
		if r.State == OK && bad { // over within the time, though not now
			r.State = Over
			r.since(points[i].Time())
			return
		}
		if r.State == Over {
			if !bad {
				return
			}
			r.since(points[i].Time())
		}
	}
}
