package metrics

import (
	"context"
	"math"
	"time"

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
