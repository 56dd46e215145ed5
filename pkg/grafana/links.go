package grafana

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"time"
)

// View is how a dashboard opens.
type View struct {
	From, To  time.Time           // zero is the dashboard's own range
	Variables map[string][]string // var-NAME=VALUE, several of one name
	Panel     int64               // this panel alone; 0 is all
}

func (v View) values(panelKey string) url.Values {
	q := url.Values{}
	if !v.From.IsZero() {
		q.Set("from", itoa(v.From.UnixMilli()))
	}
	if !v.To.IsZero() {
		q.Set("to", itoa(v.To.UnixMilli()))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Variables)) {
		q["var-"+name] = v.Variables[name]
	}
	if v.Panel > 0 {
		q.Set(panelKey, itoa(v.Panel))
	}
	return q
}

// Link is the address of a dashboard in a view. Times are epoch milliseconds.
func (c *Client) Link(d Dashboard, v View) string {
	u, err := url.Parse(d.URL)
	if err != nil {
		return ""
	}
	q := v.values("viewPanel")
	if c.org != "" {
		q.Set("orgId", c.org)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Explore is the address at which Grafana shows a query. kind is the type of the
// data source: loki or prometheus. Grafana 10 and later.
func (c *Client) Explore(kind, uid, query string, from, to time.Time) string {
	type source struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	type search struct {
		RefID      string `json:"refId"`
		Expr       string `json:"expr"`
		DataSource source `json:"datasource"`
	}
	type span struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	type pane struct {
		DataSource string   `json:"datasource"`
		Queries    []search `json:"queries"`
		Range      span     `json:"range"`
	}
	panes, err := json.Marshal(map[string]pane{"a": {DataSource: uid,
		Queries: []search{{RefID: "A", Expr: query, DataSource: source{kind, uid}}},
		Range:   span{itoa(from.UnixMilli()), itoa(to.UnixMilli())}}})
	if err != nil {
		return "" // strings always have a form in JSON
	}
	q := url.Values{"schemaVersion": {"1"}, "panes": {string(panes)}}
	if c.org != "" {
		q.Set("orgId", c.org)
	}
	return c.api.Base() + "/explore?" + q.Encode()
}
