package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/promql"
)

// selected returns the label sets that match[] asks for; none given is all.
func (p promServer) selected(r *http.Request) ([]map[string]string, error) {
	store, err := p.store()
	if err != nil {
		return nil, err
	}
	_ = r.ParseForm()
	match := r.Form["match[]"]
	if len(match) == 0 {
		match = []string{`{__name__=~".+"}`}
	}
	out := []map[string]string{}
	for _, m := range match {
		e, err := promql.Parse(m)
		if err != nil {
			return nil, err
		}
		labels, err := promql.Engine{Storage: store}.Labels(e)
		if err != nil {
			return nil, err
		}
		for _, l := range labels {
			out = append(out, filled(l))
		}
	}
	return out, nil
}

func (p promServer) meta(rw http.ResponseWriter, r *http.Request, pick func([]map[string]string) any) {
	found, err := p.selected(r)
	if err != nil {
		promRefuse(rw, err)
		return
	}
	promOK(rw, pick(found))
}

func (p promServer) series(rw http.ResponseWriter, r *http.Request) {
	if _ = r.ParseForm(); len(r.Form["match[]"]) == 0 {
		promBad(rw, "no match[] parameter provided")
		return
	}
	p.meta(rw, r, func(found []map[string]string) any { return found })
}

func (p promServer) labels(rw http.ResponseWriter, r *http.Request) {
	p.meta(rw, r, func(found []map[string]string) any { return labelNames(found) })
}

func (p promServer) values(rw http.ResponseWriter, r *http.Request) {
	p.meta(rw, r, func(found []map[string]string) any { return labelValues(found, r.PathValue("name")) })
}

func (p promServer) targets(rw http.ResponseWriter, r *http.Request) {
	store, err := p.store()
	if err != nil {
		failed(rw, err)
		return
	}
	active := []any{}
	for _, t := range promTargets() {
		if pool := r.FormValue("scrapePool"); pool != "" && pool != t.job || r.FormValue("state") == "dropped" {
			continue
		}
		active = append(active, obj{
			"discoveredLabels": obj{"__address__": t.instance, "job": t.job}, "labels": obj{"instance": t.instance, "job": t.job},
			"scrapePool": t.job, "scrapeUrl": "http://" + t.instance + "/metrics", "globalUrl": "http://" + t.instance + "/metrics",
			"lastError": t.err, "lastScrape": store.now.Truncate(time.Second).Format(time.RFC3339Nano), "lastScrapeDuration": 0.004,
			"health": t.health, "scrapeInterval": "1s", "scrapeTimeout": "1s",
		})
	}
	promOK(rw, obj{"activeTargets": active, "droppedTargets": []any{}})
}

// promRule is an alerting rule of the demo.
type promRule struct {
	name, query string
	hold        time.Duration
	labels      obj
	summary     string
	// active says since when the expression holds, and its value.
	active func(promStore) (since time.Time, value float64, holds bool)
}

func promRules() []promRule {
	return []promRule{
		{AlertRule5xx, `sum(rate(http_requests_total{job="api",code=~"5.."}[5s])) / sum(rate(http_requests_total{job="api"}[5s])) > 0.02`, VerifyWindow,
			obj{"severity": "critical", "service": ComponentAPI}, "API 5xx ratio above 2%",
			func(p promStore) (time.Time, float64, bool) {
				failing, since := p.facts.APIFailing(p.now)
				return since, p.facts.errorRatioAt(p.now), failing
			}},
		{"TargetDown", "up == 0", 5 * time.Minute, obj{"severity": "warning"}, "a target cannot be scraped",
			func(p promStore) (time.Time, float64, bool) { return p.facts.StartedAt.Add(-9 * time.Hour), 0, true }},
		{"E2EStale", "time() - e2e_last_success_timestamp_seconds > 7200", 0, obj{"severity": "warning"}, "e2e has not passed for two hours",
			func(p promStore) (time.Time, float64, bool) {
				last := p.facts.LastE2EPass(p.now)
				age := p.now.Sub(last)
				return last.Add(2 * time.Hour), age.Seconds(), age > 2*time.Hour
			}},
		{"RDSHighCPU", `aws_rds_cpuutilization_average offset 10m > 80`, 10 * time.Minute, obj{"severity": "warning"}, "RDS CPU above 80%",
			func(promStore) (time.Time, float64, bool) { return time.Time{}, 0, false }},
	}
}

// alert is the rule's alert, nil while its expression does not hold.
func (p promStore) alert(r promRule) obj {
	since, value, holds := r.active(p)
	if !holds {
		return nil
	}
	labels := obj{"alertname": r.name}
	maps.Copy(labels, r.labels)
	if r.name == "TargetDown" {
		labels["job"], labels["instance"] = "registry", promTargetDown
	}
	state := "firing"
	if p.now.Sub(since) < r.hold {
		state = "pending"
	}
	return obj{"labels": labels, "annotations": obj{"summary": r.summary}, "state": state,
		"activeAt": since.UTC().Format(time.RFC3339Nano), "value": fmt.Sprintf("%e", value)}
}

func (p promServer) alerts(rw http.ResponseWriter, _ *http.Request) {
	store, err := p.store()
	if err != nil {
		failed(rw, err)
		return
	}
	alerts := []any{}
	for _, r := range promRules() {
		if a := store.alert(r); a != nil {
			alerts = append(alerts, a)
		}
	}
	promOK(rw, obj{"alerts": alerts})
}

func (p promServer) rules(rw http.ResponseWriter, r *http.Request) {
	store, err := p.store()
	if err != nil {
		failed(rw, err)
		return
	}
	rules := []any{}
	for _, rule := range promRules() {
		alerts, state := []any{}, "inactive"
		if a := store.alert(rule); a != nil {
			alerts, state = append(alerts, a), fmt.Sprint(a["state"])
		}
		rules = append(rules, obj{"state": state, "name": rule.name, "query": rule.query, "duration": rule.hold.Seconds(), "keepFiringFor": 0,
			"labels": rule.labels, "annotations": obj{"summary": rule.summary}, "alerts": alerts, "health": "ok",
			"evaluationTime": 0.0004, "lastEvaluation": store.now.Truncate(time.Second).Format(time.RFC3339Nano), "type": "alerting"})
	}
	if r.FormValue("type") == "record" {
		rules = []any{}
	}
	promOK(rw, obj{"groups": []any{obj{"name": "demo", "file": "/etc/prometheus/rules/demo.yml", "interval": 1, "limit": 0, "rules": rules,
		"evaluationTime": 0.002, "lastEvaluation": store.now.Truncate(time.Second).Format(time.RFC3339Nano)}}})
}

func (p promServer) metadata(rw http.ResponseWriter, r *http.Request) {
	known := map[string][]any{
		"up":                             {obj{"type": "gauge", "help": "1 when the last scrape was good", "unit": ""}},
		"http_requests_total":            {obj{"type": "counter", "help": "Requests by status code", "unit": ""}},
		"aws_rds_cpuutilization_average": {obj{"type": "gauge", "help": "CloudWatch metric AWS/RDS CPUUtilization, Average", "unit": "Percent"}},
	}
	data := obj{}
	for name, m := range known {
		if want := r.FormValue("metric"); want == "" || want == name {
			data[name] = m
		}
	}
	promOK(rw, data)
}

func (p promServer) build(rw http.ResponseWriter, _ *http.Request) {
	promOK(rw, obj{"version": "3.5.0", "revision": "demo", "branch": "demo", "buildUser": "demo", "buildDate": "20260101-00:00:00", "goVersion": "go1.26"})
}
