package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// AlertState is pending or firing; a rule may also be inactive.
type AlertState string

// The states of alerts and rules.
const (
	Firing   AlertState = "firing"
	Pending  AlertState = "pending"
	Inactive AlertState = "inactive"
)

// Alert is one active alert. Silences are Alertmanager's and are not known here:
// a silenced alert still shows as firing.
type Alert struct {
	Labels          Labels     `json:"labels"`
	Annotations     Labels     `json:"annotations"`
	State           AlertState `json:"state"`
	ActiveAt        time.Time  `json:"activeAt"`        // since when the expression holds
	KeepFiringSince *time.Time `json:"keepFiringSince"` // nil unless it fires on after recovery
	Value           Value      `json:"value"`           // on the wire in Go's e form: "4.1e-02"
}

// Name is the rule's name.
func (a Alert) Name() string { return a.Labels["alertname"] }

// Alerts lists the active alerts, in the server's order. Inactive ones are absent.
func (c *Client) Alerts(ctx context.Context) ([]Alert, error) {
	var out struct {
		Alerts []Alert `json:"alerts"`
	}
	err := c.get(ctx, "list alerts", "alerts", nil, false, &out)
	if out.Alerts == nil {
		out.Alerts = []Alert{}
	}
	return out.Alerts, err
}

// Rule is an alerting or a recording rule.
type Rule struct {
	Type           string     `json:"type"` // alerting or recording
	Name           string     `json:"name"`
	Query          string     `json:"query"`
	State          AlertState `json:"state"`         // alerting rules only
	Duration       float64    `json:"duration"`      // "for", seconds
	KeepFiringFor  float64    `json:"keepFiringFor"` // seconds
	Labels         Labels     `json:"labels"`
	Annotations    Labels     `json:"annotations"`
	Alerts         []Alert    `json:"alerts"`
	Health         string     `json:"health"`         // ok, err, unknown
	LastError      string     `json:"lastError"`      // why health is err
	EvaluationTime float64    `json:"evaluationTime"` // seconds
	LastEvaluation time.Time  `json:"lastEvaluation"`
}

// For is how long the expression must hold before the alert fires.
func (r Rule) For() time.Duration { return time.Duration(r.Duration * float64(time.Second)) }

// RuleGroup is the unit in which rules are evaluated.
type RuleGroup struct {
	Name     string  `json:"name"`
	File     string  `json:"file"`
	Interval float64 `json:"interval"` // seconds
	Rules    []Rule  `json:"rules"`
}

// rulePages bounds the pages of a rule listing, so that a server that repeats
// its token ends.
const rulePages = 1000

// Rules lists the rule groups in the server's order. kind is "alert", "record" or
// "" for both.
func (c *Client) Rules(ctx context.Context, kind string) ([]RuleGroup, error) {
	groups := []RuleGroup{}
	v := url.Values{}
	if kind != "" {
		v.Set("type", kind)
	}
	for range rulePages {
		var page struct {
			Groups []RuleGroup `json:"groups"`
			Next   string      `json:"groupNextToken"`
		}
		if err := c.get(ctx, "list rules", "rules", v, false, &page); err != nil {
			return nil, err
		}
		groups = append(groups, page.Groups...)
		if page.Next == "" {
			return groups, nil
		}
		// The token is only given to those who asked for pages, but a proxy may
		// ask on its own.
		v.Set("group_next_token", page.Next)
		if v.Get("group_limit") == "" {
			v.Set("group_limit", strconv.Itoa(max(len(page.Groups), 1)))
		}
	}
	return nil, fmt.Errorf("%s: list rules: more than %d pages", vendor, rulePages)
}

// Target is one scraped endpoint.
type Target struct {
	DiscoveredLabels Labels    `json:"discoveredLabels"`
	Labels           Labels    `json:"labels"`
	ScrapePool       string    `json:"scrapePool"`
	ScrapeURL        string    `json:"scrapeUrl"`
	GlobalURL        string    `json:"globalUrl"`
	LastError        string    `json:"lastError"`
	LastScrape       time.Time `json:"lastScrape"`         // year 1 when never
	LastDuration     float64   `json:"lastScrapeDuration"` // seconds
	Health           string    `json:"health"`             // up, down, unknown
	ScrapeInterval   string    `json:"scrapeInterval"`     // a Prometheus duration
	ScrapeTimeout    string    `json:"scrapeTimeout"`
}

// Targets lists the active targets. Dropped ones, which can be thousands, are
// never asked for. pool narrows to one scrape pool where the server knows how.
func (c *Client) Targets(ctx context.Context, pool string) ([]Target, error) {
	v := url.Values{"state": {"active"}}
	if pool != "" {
		v.Set("scrapePool", pool)
	}
	var out struct {
		Active []Target `json:"activeTargets"`
	}
	err := c.get(ctx, "list targets", "targets", v, false, &out)
	kept := []Target{}
	for _, t := range out.Active {
		if pool == "" || t.ScrapePool == pool {
			kept = append(kept, t)
		}
	}
	return kept, err
}
