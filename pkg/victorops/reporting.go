package victorops

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ReportingInterval is the time between two calls of IncidentHistory that the
// vendor allows (note 2: once a minute).
const ReportingInterval = time.Minute

// MaxReportingPage is the largest page of IncidentHistory (spec).
const MaxReportingPage = 100

// HistoryQuery chooses incidents of the past. Zero fields do not filter.
type HistoryQuery struct {
	Offset, Limit int      // Limit 1..MaxReportingPage; 0 is the vendor's 20
	Numbers       string   // a list with ranges: "4,5,20:50"
	Phases        []string // resolved, triggered, acknowledged; none: resolved only (note 8)
	StartedAfter  time.Time
	StartedBefore time.Time
	EntityID      string
	Host          string
	Service       string
	RoutingKey    string
}

func (q HistoryQuery) values() url.Values {
	v := url.Values{}
	set := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	if q.Offset > 0 {
		v.Set("offset", strconv.Itoa(q.Offset))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	set("incidentNumber", q.Numbers)
	set("currentPhase", strings.Join(q.Phases, ","))
	if !q.StartedAfter.IsZero() {
		v.Set("startedAfter", q.StartedAfter.UTC().Format(time.RFC3339))
	}
	if !q.StartedBefore.IsZero() {
		v.Set("startedBefore", q.StartedBefore.UTC().Format(time.RFC3339))
	}
	set("entityId", q.EntityID)
	set("host", q.Host)
	set("service", q.Service)
	set("routingKey", q.RoutingKey)
	return v
}

// HistoryPage is a part of the answer.
type HistoryPage struct {
	Offset    Int        `json:"offset"`
	Limit     Int        `json:"limit"`
	Total     Int        `json:"total"`
	Incidents []Incident `json:"incidents"` // phases in lower case here (note 8)
}

// IncidentHistory returns one page of past incidents. It may be called once in
// ReportingInterval.
//
//contract:operation GET /api-reporting/v2/incidents
func (c *Client) IncidentHistory(ctx context.Context, q HistoryQuery) (HistoryPage, error) {
	var out HistoryPage
	_, err := c.get(ctx, "search incidents", "/api-reporting/v2/incidents", q.values(), &out)
	out.Incidents = list(out.Incidents)
	return out, err
}

// AllIncidentHistory returns every page in turn, waiting ReportingInterval
// between them. It ends at the first error, which it yields.
func (c *Client) AllIncidentHistory(ctx context.Context, q HistoryQuery) iter.Seq2[Incident, error] {
	return func(yield func(Incident, error) bool) {
		if q.Limit == 0 {
			q.Limit = MaxReportingPage
		}
		for first := true; ; first = false {
			if !first {
				if err := c.sleep(ctx, ReportingInterval); err != nil {
					yield(Incident{}, err)
					return
				}
			}
			page, err := c.IncidentHistory(ctx, q)
			if err != nil {
				yield(Incident{}, err)
				return
			}
			for _, i := range page.Incidents {
				if !yield(i, nil) {
					return
				}
			}
			q.Offset += len(page.Incidents)
			if len(page.Incidents) == 0 || q.Offset >= int(page.Total) {
				return
			}
		}
	}
}

// UserLog says when one person was on call.
type UserLog struct {
	UserID   string           `json:"userId"`
	Total    Hours            `json:"total"`
	Adjusted Hours            `json:"adjustedTotal"`
	Log      []OnCallInterval `json:"log"`
}

// Hours is a span of time.
type Hours struct {
	Hours   Int `json:"hours"`
	Minutes Int `json:"minutes"`
}

// OnCallInterval is one time on call.
type OnCallInterval struct {
	On       Time  `json:"on"`
	Off      Time  `json:"off"` // zero: still on call
	Duration Hours `json:"duration"`
	Policy   Ref   `json:"escalationPolicy"`
}

// OnCallLog returns who was on call in a team from start to end. It lags by up
// to 15 minutes (spec). Zero times mean today.
//
//contract:operation GET /api-reporting/v1/team/{team}/oncall/log
func (c *Client) OnCallLog(ctx context.Context, team string, start, end time.Time, username string) ([]UserLog, error) {
	q := url.Values{}
	if !start.IsZero() {
		q.Set("start", start.UTC().Format(time.RFC3339))
	}
	if !end.IsZero() {
		q.Set("end", end.UTC().Format(time.RFC3339))
	}
	if username != "" {
		q.Set("userName", username)
	}
	var out struct {
		Logs []UserLog `json:"userLogs"`
	}
	_, err := c.get(ctx, "get the on-call log of team "+team, "/api-reporting/v1/team/"+seg(team)+"/oncall/log", q, &out)
	return list(out.Logs), err
}
