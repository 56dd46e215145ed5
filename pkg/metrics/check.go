package metrics

import (
	"context"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// Check is Get for a script: besides now, every value of the last hold must be
// within the limits, with no gap longer than half of it. A series that ended
// within hold counts when one of its values was beyond them. Since tells since
// when it is not. A query without limits is an apierr.ErrUsage: it can only be read.
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
	begin := end.Add(-hold)
	res, err := src.QueryRange(ctx, prometheus.Range{Expr: q.Expr, Start: begin, End: end, Step: step})
	if err != nil {
		return nil, warnings, err
	}
	series := map[string]prometheus.Series{}
	for _, s := range res.Matrix {
		series[s.Metric.String()] = s
	}
	for i := range now {
		r := &now[i]
		name := r.labels.String()
		if r.State == NoData {
			r.since(lastOf(res.Matrix, begin))
			continue
		}
		r.judge(series[name].Points, begin, end)
		delete(series, name)
	}
	for _, s := range res.Matrix {
		if _, ended := series[s.Metric.String()]; !ended || len(s.Points) == 0 {
			continue
		}
		if r := endedReading(q, s); r.State == Over {
			now = append(now, r)
		}
	}
	sortReadings(now)
	return now, append(warnings, res.Warnings...), nil
}

// lastOf is the time of the last value of any series, or begin.
func lastOf(all []prometheus.Series, begin time.Time) time.Time {
	out := begin
	for _, s := range all {
		if n := len(s.Points); n > 0 && s.Points[n-1].Time().After(out) {
			out = s.Points[n-1].Time()
		}
	}
	return out
}

// endedReading is the reading of a series that has no value any more: its last
// one, Over when any was.
func endedReading(q Query, s prometheus.Series) Reading {
	last := s.Points[len(s.Points)-1]
	v, when := prometheus.Value(last.Value), last.Time()
	r := Reading{Name: q.Name, State: OK, Labels: s.Metric, Value: &v, Time: &when, Query: q, labels: s.Metric}
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	r.judgeValues(s.Points)
	return r
}

func (r *Reading) since(t time.Time) { r.Since = &t }

// judge looks at the values of the time before.
func (r *Reading) judge(points []prometheus.Point, begin, end time.Time) {
	r.judgeValues(points)
	if r.State != OK {
		if r.Since == nil { // over now alone, or nothing is known of before
			r.since(end)
		}
		return
	}
	// From one value to the next, and from and to the ends: the longest way.
	most, at := time.Duration(0), begin
	from := begin
	for i := 0; i <= len(points); i++ {
		to := end
		if i < len(points) {
			to = points[i].Time()
		}
		if d := to.Sub(from); d > most {
			most, at = d, from
		}
		from = to
	}
	if most > end.Sub(begin)/2 {
		r.State = NoData
		r.since(at)
	}
}

// judgeValues finds since when the values are beyond the limits. Values that were
// and are good again make the reading Over too, since the last of them.
func (r *Reading) judgeValues(points []prometheus.Point) {
	for i := len(points) - 1; i >= 0; i-- {
		bad := r.Query.Bad(points[i].Value)
		switch {
		case r.State == OK && bad: // over within the time, though not now
			r.State = Over
			r.since(points[i].Time())
			return
		case r.State == Over && !bad:
			return
		case r.State == Over:
			r.since(points[i].Time())
		}
	}
}
