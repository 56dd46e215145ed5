package simulator

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/logql"
)

// LokiToken is what the demo's Loki wants as a bearer token.
const LokiToken = "demo-loki-token"

// The limits of the demo's Loki are Loki's own defaults.
const (
	lokiMaxEntries = 5000
	lokiMaxRange   = 30*24*time.Hour + time.Hour
	lokiMaxPoints  = 11000
)

// lokiState is empty: the lines follow from Facts and the clock.
type lokiState struct{}

func lokiService() service {
	return service{
		name:   "loki",
		state:  stateOf(func(*State, *lokiState) {}, nil),
		mounts: map[string]mount{"loki": newLoki},
		env: func(base string) []string {
			return []string{"ONCALL_LOKI_URL=" + base + "/loki", "ONCALL_LOKI_TOKEN=" + LokiToken}
		},
	}
}

type lokiServer struct{ w *World }

func newLoki(w *World) http.Handler {
	l := lokiServer{w}
	mux := http.NewServeMux()
	for path, h := range map[string]http.HandlerFunc{"query_range": l.queryRange, "query": l.query, "labels": l.labels, "label/{name}/values": l.values,
		"series": l.series, "index/stats": l.stats, "index/volume": l.volume, "detected_fields": l.fields, "format_query": l.format} {
		getOrForm(mux, "/loki/api/v1/"+path, h)
	}
	mux.HandleFunc("GET /loki/api/v1/tail", l.tail)
	mux.HandleFunc("GET /loki/api/v1/status/buildinfo", func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, http.StatusOK, obj{"version": "3.7.6", "revision": "demo", "branch": "demo", "goVersion": "go1.26"})
	})
	mux.HandleFunc("GET /ready", func(rw http.ResponseWriter, _ *http.Request) { writeText(rw, http.StatusOK, "ready\n") })
	// There is no pattern ingester here, as on many servers: its path is not known.
	return textAPI(mux, "/loki/", LokiToken)
}

// lokiBad answers a mistake: plain text, as Loki does.
func lokiBad(rw http.ResponseWriter, format string, args ...any) {
	writeText(rw, http.StatusBadRequest, fmt.Sprintf(format, args...)+"\n")
}

// lokiRefuse answers an error of the engine.
func lokiRefuse(rw http.ResponseWriter, err error) { lokiBad(rw, "%s", err) }

func (l lokiServer) store() (*lokiStore, error) {
	facts, now, err := l.w.observe()
	return newLokiStore(facts, now), err
}

// lokiTime reads a timestamp: more than ten digits are nanoseconds, fewer are
// seconds, also with decimals, else RFC 3339.
func lokiTime(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if len(text) <= 10 {
			return time.Unix(n, 0), nil
		}
		return time.Unix(0, n), nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMilli(int64(f * 1000)), nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// span reads start, end and since, with Loki's defaults.
func span(r *http.Request, now time.Time) (start, end time.Time, err error) {
	end, err = lokiTime(r.FormValue("end"), now)
	if err != nil {
		return start, end, fmt.Errorf("could not parse 'end' parameter: %w", err)
	}
	since := time.Hour
	if text := r.FormValue("since"); text != "" {
		var ok bool
		if since, ok = logql.Duration(text); !ok {
			return start, end, fmt.Errorf("could not parse 'since' parameter: not a valid duration string: %q", text)
		}
	}
	start, err = lokiTime(r.FormValue("start"), minTime(end, now).Add(-since))
	if err != nil {
		return start, end, fmt.Errorf("could not parse 'start' parameter: %w", err)
	}
	return start, end, nil
}

func lokiParse(rw http.ResponseWriter, r *http.Request) (*logql.Query, bool) {
	q, err := logql.Parse(r.FormValue("query"))
	if err != nil {
		lokiRefuse(rw, err)
		return nil, false
	}
	return q, true
}

func (l lokiServer) queryRange(rw http.ResponseWriter, r *http.Request) {
	store, err := l.store()
	if err != nil {
		failed(rw, err)
		return
	}
	start, end, err := span(r, store.now)
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	step := max(end.Sub(start)/250, time.Second).Truncate(time.Second)
	if text := r.FormValue("step"); text != "" {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			step = time.Duration(f * float64(time.Second))
		} else if d, ok := logql.Duration(text); ok {
			step = d
		} else {
			lokiBad(rw, "cannot parse %q to a valid duration", text)
			return
		}
	}
	switch {
	case !end.After(start):
		lokiBad(rw, "end timestamp must not be before or equal to start time")
		return
	case step <= 0:
		lokiBad(rw, "zero or negative query resolution step widths are not accepted. Try a positive integer")
		return
	case end.Sub(start)/step > lokiMaxPoints:
		lokiBad(rw, "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter")
		return
	}
	q, ok := lokiParse(rw, r)
	if !ok {
		return
	}
	if end.Sub(start) > lokiMaxRange {
		lokiBad(rw, "the query time range exceeds the limit (query length: %s, limit: 30d1h)", end.Sub(start))
		return
	}
	if q.IsLog() {
		l.lines(rw, r, store, q, start, end)
		return
	}
	// The frontend aligns a metric range to its step.
	from := start.UnixNano() / int64(step) * int64(step)
	to := (end.UnixNano() + int64(step) - 1) / int64(step) * int64(step)
	rows, err := logql.Limited(logql.Engine{Storage: store}.Range(r.Context(), q, from, to, int64(step)))
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	result := []any{}
	for _, row := range rows {
		values := []any{}
		for _, p := range row.Points {
			values = append(values, wirePoint(p.T, p.V))
		}
		result = append(result, obj{"metric": row.Labels, "values": values})
	}
	lokiOK(rw, "matrix", result, nil)
}

func lokiOK(rw http.ResponseWriter, kind string, result any, flags []string) {
	data := obj{"resultType": kind, "result": result, "stats": obj{"summary": obj{"totalBytesProcessed": 0, "totalLinesProcessed": 0, "execTime": 0.004}}}
	if flags != nil {
		data["encodingFlags"] = flags
	}
	writeJSON(rw, http.StatusOK, obj{"status": "success", "data": data})
}

// lines answers a log query. Without the flag categorize-labels parsed fields
// and structured metadata are folded into the labels of the stream.
func (l lokiServer) lines(rw http.ResponseWriter, r *http.Request, store *lokiStore, q *logql.Query, start, end time.Time) {
	limit := 100
	if text := r.FormValue("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			lokiBad(rw, "limit must be a positive value")
			return
		}
		limit = n
	}
	if limit > lokiMaxEntries {
		lokiBad(rw, "max entries limit per query exceeded, limit > max_entries_limit_per_query (%d > %d)", limit, lokiMaxEntries)
		return
	}
	forward := strings.EqualFold(r.FormValue("direction"), "forward")
	entries, err := logql.Engine{Storage: store}.Lines(r.Context(), q, start.UnixNano(), end.UnixNano(), limit, forward)
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	categorized := strings.Contains(r.Header.Get("X-Loki-Response-Encoding-Flags"), "categorize-labels")
	var flags []string
	if categorized {
		flags = []string{"categorize-labels"}
	}
	lokiOK(rw, "streams", lokiStreams(entries, categorized), flags)
}

// lokiStreams groups entries by stream, in the order of their first line.
func lokiStreams(entries []logql.Entry, categorized bool) []any {
	type group struct {
		labels map[string]string
		values []any
	}
	groups := map[string]*group{}
	order := []string{}
	for _, e := range entries {
		labels := e.Stream.Labels
		if !categorized {
			labels = maps.Clone(labels)
			maps.Copy(labels, e.Meta)
			maps.Copy(labels, e.Parsed)
		}
		k := logql.Text(labels)
		if groups[k] == nil {
			groups[k] = &group{labels: labels}
			order = append(order, k)
		}
		value := []any{strconv.FormatInt(e.NS, 10), e.Text}
		if categorized {
			extra := obj{}
			if len(e.Meta) > 0 {
				extra["structuredMetadata"] = e.Meta
			}
			if len(e.Parsed) > 0 {
				extra["parsed"] = e.Parsed
			}
			value = append(value, extra)
		}
		groups[k].values = append(groups[k].values, value)
	}
	out := []any{}
	for _, k := range order {
		out = append(out, obj{"stream": groups[k].labels, "values": groups[k].values})
	}
	return out
}

func (l lokiServer) query(rw http.ResponseWriter, r *http.Request) {
	store, err := l.store()
	if err != nil {
		failed(rw, err)
		return
	}
	at, err := lokiTime(r.FormValue("time"), store.now)
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	q, ok := lokiParse(rw, r)
	if !ok {
		return
	}
	if q.IsLog() {
		lokiBad(rw, "log queries are not supported as an instant query type, please change your query to a range query type")
		return
	}
	samples, err := logql.Limited(logql.Engine{Storage: store}.Instant(r.Context(), q, at.UnixNano()))
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	result := []any{}
	for _, s := range samples {
		result = append(result, obj{"metric": s.Labels, "value": wirePoint(at.UnixMilli(), s.V)})
	}
	lokiOK(rw, "vector", result, nil)
}
