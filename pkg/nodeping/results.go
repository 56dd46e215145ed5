package nodeping

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// Result is what a service answered once.
type Result struct {
	ID        string
	Type      string
	Target    string
	Scheduled Millis
	Start     Millis
	End       Millis
	Code      string // HTTP: the status; others: Success, Error, ... (note 3)
	Message   string // the failure in words, "" when there is none
	Passed    bool
	Took      time.Duration
	Threshold time.Duration
	// Places are the probes that asked, in order: more than one, the others asked
	// again to be sure.
	Places []string
}

type resultWire struct {
	Doc   json.RawMessage `json:"doc"`
	ID    string          `json:"_id"`
	T     Text            `json:"t"`
	TG    Text            `json:"tg"`
	TH    Number          `json:"th"` // seconds
	RA    Millis          `json:"ra"`
	S     Millis          `json:"s"`
	E     Millis          `json:"e"`
	SC    Text            `json:"sc"`
	M     Text            `json:"m"`
	SU    Bool            `json:"su"`
	RT    Number          `json:"rt"` // milliseconds
	Where json.RawMessage `json:"l"`
}

// UnmarshalJSON reads a result, also one that is wrapped in "doc" (note 3).
func (r *Result) UnmarshalJSON(b []byte) error {
	var w resultWire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if len(w.Doc) > 0 && w.ID == "" && string(w.Doc) != "null" {
		doc := w.Doc
		w = resultWire{}
		if err := json.Unmarshal(doc, &w); err != nil {
			return err
		}
	}
	*r = Result{
		ID: w.ID, Type: string(w.T), Target: string(w.TG), Scheduled: w.RA, Start: w.S, End: w.E, Code: string(w.SC), Message: string(w.M),
		Passed: bool(w.SU), Took: length(w.RT, time.Millisecond), Threshold: length(w.TH, time.Second), Places: places(w.Where),
	}
	return nil
}

// places reads {"<ms>":"<probe>"}, whose keys are the order.
func places(b []byte) []string {
	m := map[string]Text{}
	if json.Unmarshal(b, &m) != nil {
		return []string{}
	}
	keys := slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	out := []string{}
	for _, k := range keys {
		if m[k] != "" {
			out = append(out, string(m[k]))
		}
	}
	return out
}

// MaxResults is how many results one call gives (note 3).
const MaxResults = 43201

// Results lists what the service answered since a moment, newest first, at most
// limit. About a month is kept. The bodies of answers are not.
func (c *Client) Results(ctx context.Context, id string, since time.Time, limit int) ([]Result, error) {
	// Without clean=true every row is wrapped (note 3).
	q := url.Values{"clean": {"true"}, "limit": {strconv.Itoa(limit)}}
	if !since.IsZero() {
		q.Set("start", ms(since))
	}
	var raw json.RawMessage
	if err := c.do(ctx, httpx.Request{Op: "results of check " + id, Path: "/results/" + seg(id), Query: q}, &raw); err != nil {
		return nil, err
	}
	out, err := decodeResults(raw)
	if err != nil {
		return out, &apierr.Error{Vendor: Vendor, Op: "results of check " + id, Message: "the answer has another form than expected", Kind: []error{apierr.ErrUnavailable}, Err: err}
	}
	return out, nil
}

func decodeResults(raw []byte) ([]Result, error) {
	out := []Result{}
	raw = bytes.TrimSpace(raw)
	if bytes.HasPrefix(raw, []byte("{")) { // {} is an empty list (note 8); a map is keyed by id
		m := map[string]Result{}
		if err := json.Unmarshal(raw, &m); err != nil {
			return out, err
		}
		out = slices.Collect(maps.Values(m))
	} else if err := json.Unmarshal(raw, &out); err != nil {
		return []Result{}, err
	}
	if out == nil {
		out = []Result{}
	}
	// The order is not documented (note 3).
	slices.SortStableFunc(out, func(a, b Result) int { return b.Start.Compare(a.Start.Time) })
	return out, nil
}

// Uptime is the share of a span in which a check passed.
type Uptime struct {
	Span    string        // "2026-10", "2026-10-31", "total"
	Enabled time.Duration // how long it was watched
	Down    time.Duration
	Percent float64 // 0 to 100
}

// Spans of Uptime.
const (
	ByMonth = "months"
	ByDay   = "days"
)

// Uptime tells it by month or by day, oldest first, the total last.
func (c *Client) Uptime(ctx context.Context, id, interval string, from time.Time) ([]Uptime, error) {
	q := url.Values{"interval": {interval}}
	if !from.IsZero() {
		q.Set("start", from.UTC().Format("2006-01-02"))
	}
	raw := map[string]struct {
		Enabled Number `json:"enabled"`
		Down    Number `json:"down"` // may be text (note 3)
		Uptime  Number `json:"uptime"`
	}{}
	if err := c.do(ctx, httpx.Request{Op: "uptime of check " + id, Path: "/results/uptime/" + seg(id), Query: q}, &raw); err != nil {
		return nil, err
	}
	out := []Uptime{}
	for span, w := range raw {
		out = append(out, Uptime{Span: span, Enabled: millis(w.Enabled), Down: millis(w.Down), Percent: w.Uptime.V})
	}
	slices.SortFunc(out, func(a, b Uptime) int {
		return cmp.Or(cmp.Compare(strings.Count(a.Span, "total"), strings.Count(b.Span, "total")), cmp.Compare(a.Span, b.Span))
	})
	return out, nil
}

func millis(n Number) time.Duration {
	if !n.Set || n.V < 0 || n.V > 1e13 {
		return 0
	}
	return time.Duration(n.V * float64(time.Millisecond))
}

// Maintenance is a window in which checks are switched off. NodePing's own
// history of it is not read.
type Maintenance struct {
	ID       string
	Name     string
	Enabled  bool
	Running  bool
	Cron     string // "" for one that happens once
	Duration time.Duration
	NextRun  Millis
	Checks   []string // ids
}

type maintenanceWire struct {
	Name       Text   `json:"name"`
	Enabled    Bool   `json:"enabled"`
	Processing Bool   `json:"processing"`
	Cron       Text   `json:"cron"`
	Duration   Number `json:"duration"` // minutes
	NextRun    Millis `json:"nextrun"`
	Checklist  Words  `json:"checklist"`
}

func (w maintenanceWire) maintenance(id string) Maintenance {
	m := Maintenance{ID: id, Name: string(w.Name), Enabled: bool(w.Enabled), Running: bool(w.Processing), Cron: string(w.Cron),
		Duration: length(w.Duration, time.Minute), NextRun: w.NextRun, Checks: w.Checklist}
	if m.Checks == nil {
		m.Checks = []string{}
	}
	return m
}

// Maintenances lists the windows there are, the next one first. Those that
// happen once vanish when they are over (note 5).
func (c *Client) Maintenances(ctx context.Context) ([]Maintenance, error) {
	raw := map[string]json.RawMessage{}
	if err := c.do(ctx, httpx.Request{Op: "list maintenance", Path: "/maintenance"}, &raw); err != nil {
		return nil, err
	}
	return decodeMaintenances(raw), nil
}

// decodeMaintenances leaves out what is no record: replies mix them with flags (note 5).
func decodeMaintenances(raw map[string]json.RawMessage) []Maintenance {
	out := []Maintenance{}
	for id, b := range raw {
		var w maintenanceWire
		if b = bytes.TrimSpace(b); len(b) == 0 || b[0] != '{' || json.Unmarshal(b, &w) != nil {
			continue
		}
		out = append(out, w.maintenance(id))
	}
	slices.SortFunc(out, func(a, b Maintenance) int {
		return cmp.Or(a.NextRun.Compare(b.NextRun.Time), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// StartMaintenance switches checks off for a length of time, from now. A second
// call would make a second window: it is sent once.
func (c *Client) StartMaintenance(ctx context.Context, name string, checks []string, d time.Duration) (Maintenance, error) {
	return c.newMaintenance(ctx, "start maintenance", "/maintenance/ad-hoc", map[string]any{"name": name, "duration": int(d / time.Minute), "checklist": checks, "enabled": true})
}

// RepeatMaintenance switches checks off for a length of time at every slot of a
// cron expression of five fields; in which zone is not documented, so NextRun of
// what comes back is to be looked at. A second call would make a second window.
func (c *Client) RepeatMaintenance(ctx context.Context, name, cron string, checks []string, d time.Duration) (Maintenance, error) {
	return c.newMaintenance(ctx, "plan maintenance", "/maintenance",
		map[string]any{"name": name, "cron": cron, "duration": int(d / time.Minute), "checklist": checks, "enabled": true})
}

// newMaintenance returns the record that the answer holds; one without an ID says
// that it held none.
func (c *Client) newMaintenance(ctx context.Context, op, path string, body map[string]any) (Maintenance, error) {
	raw := map[string]json.RawMessage{}
	if err := c.do(ctx, httpx.Request{Op: op, Method: http.MethodPost, Path: path, JSON: body}, &raw); err != nil {
		return Maintenance{}, err
	}
	if all := decodeMaintenances(raw); len(all) > 0 {
		return all[0], nil
	}
	return Maintenance{}, nil
}

// EndMaintenance deletes a window.
func (c *Client) EndMaintenance(ctx context.Context, id string) error {
	return c.do(ctx, httpx.Request{Op: "end maintenance " + id, Method: http.MethodDelete, Path: "/maintenance/" + seg(id)}, nil)
}

// Tools of Diagnose that answer with text.
const (
	ToolPing       = "ping"
	ToolTraceroute = "traceroute"
	ToolMTR        = "mtr"
	ToolDig        = "dig"
)

// diagnoseTimeout is how long a diagnostic may take (note 6).
const diagnoseTimeout = 60 * time.Second

// Diagnose runs a tool from a probe against the check's target now. The vendor
// allows 10 in 5 minutes and stores each as an event. The form of its answer is
// not documented (note 6): what is text in it comes back.
func (c *Client) Diagnose(ctx context.Context, id, location, tool string) (string, error) {
	var raw json.RawMessage
	q := url.Values{"location": {strings.ToLower(location)}, "tool": {tool}}
	err := c.do(ctx, httpx.Request{Op: tool + " from " + location, Path: "/diagnostics/" + seg(id), Query: q, Timeout: diagnoseTimeout}, &raw)
	if err != nil {
		return "", err
	}
	return textIn(raw), nil
}

// textIn finds the text of an answer of unknown form: the longest string in it.
func textIn(raw []byte) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	best := ""
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if depth > 8 {
			return
		}
		switch v := v.(type) {
		case string:
			if len(v) > len(best) {
				best = v
			}
		case []any:
			lines := []string{}
			for _, x := range v {
				if s, ok := x.(string); ok {
					lines = append(lines, s)
					continue
				}
				walk(x, depth+1)
			}
			if s := strings.Join(lines, "\n"); len(s) > len(best) {
				best = s
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k], depth+1)
			}
		}
	}
	walk(v, 0)
	return best
}
