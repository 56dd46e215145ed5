package simulator

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/promql"
)

// The metrics of the demo world are functions of the clock and of Facts; nothing
// is stored. A scrape happens every second, so that what a rollback heals in
// seconds can be seen in seconds.
const (
	promScrape      = int64(1000)         // milliseconds
	promRetention   = 31 * 24 * time.Hour // nothing older is there
	cloudwatchLag   = 10 * time.Minute    // CloudWatch's samples are that old
	apiRate         = 240.0               // requests a second
	APIReplicas     = 6                   // of api
	extra400        = 2.5                 // 400s of the bad version, by its excess of 5xx
	promTargetDown  = "10.0.4.22:5001"    // a target that is down
	promTargetError = "Get \"http://10.0.4.22:5001/metrics\": dial tcp 10.0.4.22:5001: connect: connection refused"
)

// apiInstance is the address of a replica of api.
func apiInstance(n int) string { return fmt.Sprintf("10.0.1.%d:9100", 11+n) }

// statusShare is what part of the requests is answered how. The shares of 5xx are
// parts of the error ratio, those of the rest parts of what is left.
var statusShare = []struct {
	code  string
	share float64
}{{"200", 0.9}, {"201", 0.055}, {"401", 0.01}, {"404", 0.02}, {"400", 0.015}, {"500", 0.6}, {"502", 0.3}, {"503", 0.1}}

// errorArea is the error ratio summed up over time, in seconds, from a fixed
// instant before all data to t. A counter of errors is its product with a rate.
func (f *Facts) errorArea(t time.Time) float64 {
	from := f.StartedAt.Add(-2 * promRetention)
	area := 0.0
	flat := func(until time.Time, ratio float64) {
		if until.After(from) {
			area += ratio * until.Sub(from).Seconds()
			from = until
		}
	}
	v := ErrorRatioGood
	for _, m := range f.moves(t) {
		flat(minTime(m.begin, minTime(m.end, t)), m.from)
		// On the ramp the ratio moves evenly, so the mean of its ends is its mean.
		if end := minTime(m.begin.Add(m.ramp), minTime(m.end, t)); end.After(from) {
			area += (m.at(from) + m.at(end)) / 2 * end.Sub(from).Seconds()
			from = end
		}
		flat(minTime(m.end, t), m.to)
		v = m.at(minTime(m.end, t))
	}
	flat(t, v)
	return area
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// promStore is the series as they stand at now, for one request.
type promStore struct {
	facts *Facts
	now   time.Time
	areas map[int64]float64 // what errorArea said, by Unix nanoseconds
}

// errorArea is computed once for all the counters that are scraped at t.
func (p promStore) errorArea(t time.Time) float64 {
	at := t.UnixNano()
	area, ok := p.areas[at]
	if !ok {
		area = p.facts.errorArea(t)
		p.areas[at] = area
	}
	return area
}

// Select implements promql.Storage.
func (p promStore) Select(match func(map[string]string) bool) []promql.Series {
	out := []promql.Series{}
	for _, s := range p.all() {
		if match(s.Labels) {
			out = append(out, s)
		}
	}
	return out
}

// every makes a series with a sample each scrape; value may say that there is none.
func (p promStore) every(step, lag int64, labels map[string]string, value func(t time.Time) (float64, bool)) promql.Series {
	oldest := p.facts.StartedAt.Add(-promRetention).UnixMilli()
	newest := p.now.UnixMilli() - lag
	return promql.Series{Labels: labels, Points: func(from, to int64) []promql.Point {
		from, to = max(from, oldest), min(to, newest)
		if to <= from {
			return nil
		}
		out := make([]promql.Point, 0, (to-from)/step+1)
		for t := (from/step + 1) * step; t <= to; t += step {
			if v, ok := value(time.UnixMilli(t)); ok {
				out = append(out, promql.Point{T: t, V: v})
			}
		}
		return out
	}}
}

func always(fn func(t time.Time) float64) func(time.Time) (float64, bool) {
	return func(t time.Time) (float64, bool) { return fn(t), true }
}

func named(name string, labels ...string) map[string]string {
	out := map[string]string{"__name__": name}
	for i := 0; i+1 < len(labels); i += 2 {
		out[labels[i]] = labels[i+1]
	}
	return out
}

// jitter is in [-1, 1), steady for a while and different for each name.
func jitter(t time.Time, hold time.Duration, parts ...any) float64 {
	return 2*quickNoise(uint64(t.UnixNano()/int64(hold)), parts...) - 1
}

func (p promStore) all() []promql.Series {
	out := []promql.Series{}
	add := func(labels map[string]string, fn func(t time.Time) (float64, bool)) {
		out = append(out, p.every(promScrape, 0, labels, fn))
	}
	for _, t := range promTargets() {
		up := 1.0
		if t.health == "down" {
			up = 0
		}
		add(named("up", "job", t.job, "instance", t.instance), always(func(time.Time) float64 { return up }))
	}
	for n := range APIReplicas {
		p.replica(n, add)
	}
	add(named("node_filesystem_size_bytes", "job", "node", "instance", "registry-2:9100", "mountpoint", "/"), always(func(time.Time) float64 { return 500e9 }))
	add(named("node_filesystem_avail_bytes", "job", "node", "instance", "registry-2:9100", "mountpoint", "/"),
		always(func(t time.Time) float64 { return 45e9 - 1e9*jitter(t, time.Minute, "disk") }))
	add(named("e2e_last_success_timestamp_seconds", "job", "e2e"), func(t time.Time) (float64, bool) {
		last := p.facts.LastE2EPass(t)
		return float64(last.Unix()), !last.IsZero()
	})
	add(named("ALERTS", "alertname", AlertRule5xx, "alertstate", "firing", "severity", "critical", "service", ComponentAPI),
		func(t time.Time) (float64, bool) { failing, _ := p.facts.APIFailing(t); return 1, failing })
	return append(out, p.cloudwatch()...)
}

func (p promStore) replica(n int, add func(map[string]string, func(time.Time) (float64, bool))) {
	instance := apiInstance(n)
	begin := p.facts.StartedAt.Add(-2 * promRetention)
	for _, s := range statusShare {
		add(named("http_requests_total", "job", ComponentAPI, "instance", instance, "code", s.code), always(func(t time.Time) float64 {
			bad, all := p.errorArea(t), t.Sub(begin).Seconds()
			extra := extra400 * (bad - ErrorRatioGood*all)
			area := s.share * bad
			switch {
			case s.code == "200":
				area = s.share*(all-bad) - extra
			case s.code == "400":
				area = s.share*(all-bad) + extra
			case s.code < "500":
				area = s.share * (all - bad)
			}
			// Not a whole number: over five seconds a few rare codes would make the ratio jump.
			return math.Round(1000*apiRate/APIReplicas*area) / 1000
		}))
	}
	versions := map[string]bool{}
	for _, d := range p.facts.Deploys {
		if d.Component == ComponentAPI {
			versions[d.To] = true
		}
	}
	for _, v := range slices.Sorted(maps.Keys(versions)) {
		add(named("app_version_info", "job", ComponentAPI, "instance", instance, "version", v), func(t time.Time) (float64, bool) {
			return 1, p.facts.apiVersionAt(t) == v
		})
	}
	add(named("process_resident_memory_bytes", "job", ComponentAPI, "instance", instance), always(func(t time.Time) float64 {
		return math.Round(420e6 + 30e6*jitter(t, time.Minute, instance))
	}))
}

// cloudwatch is what the exporter shows: gauges once a minute, ten minutes late
// and with CloudWatch's own time, so that a query at now finds nothing.
func (p promStore) cloudwatch() []promql.Series {
	gauge := func(name string, fn func(t time.Time) float64) promql.Series {
		return p.every(60_000, cloudwatchLag.Milliseconds(), named(name, "job", "cloudwatch", "instance", "", "dbinstance_identifier", RDSInstance), always(fn))
	}
	return []promql.Series{
		gauge("aws_rds_cpuutilization_average", func(t time.Time) float64 {
			return math.Round((34+4*jitter(t, time.Minute, "cpu")+450*(p.facts.errorRatioAt(t)-ErrorRatioGood))*100) / 100
		}),
		gauge("aws_rds_free_storage_space_average", func(t time.Time) float64 { return math.Round(212e9 - 3e8*jitter(t, time.Hour, "storage")) }),
		gauge("aws_rds_database_connections_average", func(t time.Time) float64 {
			return math.Round(180 + 12*jitter(t, time.Minute, "connections") + 3000*(p.facts.errorRatioAt(t)-ErrorRatioGood))
		}),
	}
}

// promTarget is something that is scraped.
type promTarget struct{ job, instance, health, err string }

func promTargets() []promTarget {
	out := []promTarget{}
	for n := range APIReplicas {
		out = append(out, promTarget{ComponentAPI, apiInstance(n), "up", ""})
	}
	for n := range 2 {
		out = append(out, promTarget{"vpn", "10.0.2." + strconv.Itoa(11+n) + ":9100", "up", ""})
	}
	return append(out, promTarget{"cloudwatch", "10.0.9.5:9106", "up", ""}, promTarget{"e2e", "10.0.9.6:9091", "up", ""},
		promTarget{"node", "registry-2:9100", "up", ""}, promTarget{"prometheus", "localhost:9090", "up", ""},
		promTarget{"registry", "10.0.4.21:5001", "up", ""}, promTarget{"registry", promTargetDown, "down", promTargetError})
}
