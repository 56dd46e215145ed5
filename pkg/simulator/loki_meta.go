package simulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/balena-io/oncall/pkg/simulator/internal/logql"
)

// chosen lists the streams that the request selects by query or match[]; none
// given is all.
func (l lokiServer) chosen(rw http.ResponseWriter, r *http.Request) (*lokiStore, []*logql.Stream, bool) {
	store, err := l.store()
	if err != nil {
		failed(rw, err)
		return nil, nil, false
	}
	_ = r.ParseForm()
	selectors := slices.Concat(r.Form["match[]"], r.Form["match"])
	if q := r.Form.Get("query"); q != "" {
		selectors = append(selectors, q)
	}
	out := []*logql.Stream{}
	for _, text := range selectors {
		if text == "{}" {
			return store, store.Streams(), true
		}
		want, err := logql.ParseSelector(text)
		if err != nil {
			lokiRefuse(rw, err)
			return nil, nil, false
		}
		for _, s := range store.Streams() {
			if want(s) && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	if len(selectors) == 0 {
		out = store.Streams()
	}
	return store, out, true
}

func (l lokiServer) labels(rw http.ResponseWriter, r *http.Request) {
	_, streams, ok := l.chosen(rw, r)
	if !ok {
		return
	}
	lokiData(rw, labelNames(labelsOf(streams)))
}

func labelsOf(streams []*logql.Stream) []map[string]string {
	out := []map[string]string{}
	for _, s := range streams {
		out = append(out, s.Labels)
	}
	return out
}

// lokiData leaves the key data out when there is nothing, as Loki does.
func lokiData(rw http.ResponseWriter, data []string) {
	if len(data) == 0 {
		writeJSON(rw, http.StatusOK, obj{"status": "success"})
		return
	}
	writeJSON(rw, http.StatusOK, obj{"status": "success", "data": data})
}

func (l lokiServer) values(rw http.ResponseWriter, r *http.Request) {
	_, streams, ok := l.chosen(rw, r)
	if !ok {
		return
	}
	lokiData(rw, labelValues(labelsOf(streams), r.PathValue("name")))
}

func (l lokiServer) series(rw http.ResponseWriter, r *http.Request) {
	_, streams, ok := l.chosen(rw, r)
	if !ok {
		return
	}
	writeJSON(rw, http.StatusOK, obj{"status": "success", "data": labelsOf(streams)})
}

// measured counts lines and bytes by stream.
func measured(store *lokiStore, streams []*logql.Stream, from, to time.Time) (lines, size map[*logql.Stream]int64) {
	lines, size = map[*logql.Stream]int64{}, map[*logql.Stream]int64{}
	store.Scan(from.UnixNano(), to.UnixNano(), func(s *logql.Stream) bool { return slices.Contains(streams, s) }, func(s *logql.Stream, l logql.Line) bool {
		lines[s]++
		size[s] += int64(len(l.Text))
		return true
	})
	return lines, size
}

func (l lokiServer) stats(rw http.ResponseWriter, r *http.Request) {
	store, streams, ok := l.chosen(rw, r)
	if !ok {
		return
	}
	start, end, err := span(r, store.now)
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	lines, size := measured(store, streams, start, end)
	var n, b int64
	for s := range lines {
		// Twice the truth, as a Loki says while chunks are being flushed.
		n, b = n+2*lines[s], b+2*size[s]
	}
	writeJSON(rw, http.StatusOK, obj{"streams": len(lines), "chunks": 4 * len(lines), "bytes": b, "entries": n})
}

func (l lokiServer) volume(rw http.ResponseWriter, r *http.Request) {
	store, streams, ok := l.chosen(rw, r)
	if !ok {
		return
	}
	start, end, err := span(r, store.now)
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	targets := strings.FieldsFunc(r.FormValue("targetLabels"), func(c rune) bool { return c == ',' })
	sums := map[string]int64{}
	groups := map[string]map[string]string{}
	_, size := measured(store, streams, start, end)
	for s, n := range size {
		labels := map[string]string{}
		for k, v := range s.Labels {
			if len(targets) == 0 || slices.Contains(targets, k) {
				labels[k] = v
			}
		}
		k := logql.Text(labels)
		sums[k] += n
		groups[k] = labels
	}
	result := []any{}
	for _, k := range slices.Sorted(maps.Keys(sums)) {
		result = append(result, obj{"metric": groups[k], "value": wirePoint(end.UnixMilli(), float64(sums[k]))})
	}
	lokiOK(rw, "vector", result, nil)
}

func (l lokiServer) fields(rw http.ResponseWriter, r *http.Request) {
	store, err := l.store()
	if err != nil {
		failed(rw, err)
		return
	}
	q, ok := lokiParse(rw, r)
	if !ok {
		return
	}
	found := map[string]map[string]bool{}
	parser := map[string]string{}
	if q.IsLog() {
		entries, err := logql.Engine{Storage: store}.Lines(r.Context(), q, store.now.Add(-time.Hour).UnixNano(), store.now.UnixNano(), 100, false)
		if err != nil {
			lokiRefuse(rw, err)
			return
		}
		for _, e := range entries {
			for name, fields := range map[string]map[string]string{"json": jsonFields(e.Text), "logfmt": maps.Collect(logql.Logfmt(e.Text)), "": e.Meta} {
				for k, v := range fields {
					if found[k] == nil {
						found[k] = map[string]bool{}
					}
					found[k][v], parser[k] = true, name
				}
			}
		}
	}
	fields := []any{}
	for _, k := range slices.Sorted(maps.Keys(found)) {
		var parsers any
		if parser[k] != "" {
			parsers = []string{parser[k]}
		}
		fields = append(fields, obj{"label": k, "type": fieldType(found[k]), "cardinality": len(found[k]), "parsers": parsers})
	}
	writeJSON(rw, http.StatusOK, obj{"fields": fields, "limit": 1000})
}

func jsonFields(text string) map[string]string {
	out := map[string]string{}
	var v map[string]any
	if json.Unmarshal([]byte(text), &v) == nil {
		for k, x := range v {
			switch x := x.(type) {
			case string:
				out[k] = x
			case float64:
				out[k] = formatFloat(x)
			}
		}
	}
	return out
}

func fieldType(values map[string]bool) string {
	for v := range values {
		if _, err := strconv.Atoi(v); err != nil {
			if _, ok := logql.Duration(v); ok {
				return "duration"
			}
			return "string"
		}
	}
	return "int"
}

// format answers the query as it stands: the demo reads it and lays out nothing.
func (l lokiServer) format(rw http.ResponseWriter, r *http.Request) {
	if _, ok := lokiParse(rw, r); ok {
		writeJSON(rw, http.StatusOK, obj{"status": "success", "data": r.FormValue("query")})
	}
}

// tailEvery is how often a tail looks for new lines.
const tailEvery = 100 * time.Millisecond

// tail sends lines as the world's clock brings them. A bad query is refused
// before the upgrade; a metric query upgrades and is closed, as in Loki.
func (l lokiServer) tail(rw http.ResponseWriter, r *http.Request) {
	store, err := l.store()
	if err != nil {
		failed(rw, err)
		return
	}
	q, ok := lokiParse(rw, r)
	if !ok {
		return
	}
	from, err := lokiTime(r.FormValue("start"), store.now.Add(-time.Hour))
	if err != nil {
		lokiRefuse(rw, err)
		return
	}
	if r.Header.Get("Upgrade") == "" {
		writeText(rw, http.StatusBadRequest, "Bad Request\n")
		return
	}
	ws, err := websocket.Accept(rw, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	if !q.IsLog() {
		_ = ws.Close(websocket.StatusInternalError, "only log selector is supported")
		return
	}
	ctx := ws.CloseRead(r.Context())
	limit := 100
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil && n > 0 {
		limit = min(n, lokiMaxEntries)
	}
	categorized := r.Header.Get("X-Loki-Response-Encoding-Flags") != ""
	since := from.UnixNano()
	for {
		if store, err = l.store(); err != nil {
			return
		}
		to := store.now.UnixNano() + 1
		entries, err := logql.Engine{Storage: store}.Lines(ctx, q, since, to, limit, false)
		if err != nil {
			return
		}
		since = max(since, to)
		slices.Reverse(entries)
		for chunk := range slices.Chunk(entries, 100) {
			b, err := json.Marshal(obj{"streams": lokiStreams(chunk, categorized)})
			if err != nil || ws.Write(ctx, websocket.MessageText, b) != nil {
				return
			}
		}
		limit = lokiMaxEntries
		if l.w.pause(ctx, tailEvery) != nil {
			return
		}
	}
}
