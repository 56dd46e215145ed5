package simulator

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/promql"
)

// PrometheusToken is what the demo's Prometheus wants as a bearer token.
const PrometheusToken = "demo-prometheus-token"

// prometheusState is empty: the metrics follow from Facts and the clock.
type prometheusState struct{}

func prometheusService() service {
	return service{
		name:   "prometheus",
		state:  stateOf(func(*State, *prometheusState) {}, nil),
		mounts: map[string]mount{"prometheus": newPrometheus},
		env: func(base string) []string {
			return []string{"ONCALL_PROMETHEUS_URL=" + base + "/prometheus", "ONCALL_PROMETHEUS_TOKEN=" + PrometheusToken}
		},
	}
}

type promServer struct{ w *World }

func newPrometheus(w *World) http.Handler {
	p := promServer{w}
	mux := http.NewServeMux()
	for path, h := range map[string]http.HandlerFunc{"query": p.query, "query_range": p.queryRange, "series": p.series, "labels": p.labels} {
		getOrForm(mux, "/api/v1/"+path, h)
	}
	mux.HandleFunc("GET /api/v1/label/{name}/values", p.values)
	mux.HandleFunc("GET /api/v1/targets", p.targets)
	mux.HandleFunc("GET /api/v1/alerts", p.alerts)
	mux.HandleFunc("GET /api/v1/rules", p.rules)
	mux.HandleFunc("GET /api/v1/metadata", p.metadata)
	mux.HandleFunc("GET /api/v1/status/buildinfo", p.build)
	for path, text := range map[string]string{"/-/ready": "Prometheus Server is Ready.\n", "/-/healthy": "Prometheus Server is Healthy.\n"} {
		mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) { writeText(rw, http.StatusOK, text) })
	}
	return textAPI(mux, "/api/", PrometheusToken)
}

func promOK(rw http.ResponseWriter, data any) {
	writeJSON(rw, http.StatusOK, obj{"status": "success", "data": data})
}

func promError(rw http.ResponseWriter, status int, kind, text string) {
	writeJSON(rw, status, obj{"status": "error", "errorType": kind, "error": text})
}

func promBad(rw http.ResponseWriter, text string) {
	promError(rw, http.StatusBadRequest, "bad_data", text)
}

// promRefuse answers an error of the engine in the vendor's form.
func promRefuse(rw http.ResponseWriter, err error) {
	var parse *promql.ParseError
	if errors.As(err, &parse) {
		promBad(rw, `invalid parameter "query": `+parse.Error())
		return
	}
	promError(rw, http.StatusUnprocessableEntity, "execution", err.Error())
}

// store is the metrics as they stand at the world's now.
func (p promServer) store() (promStore, error) {
	facts, now, err := p.w.observe()
	return promStore{facts, now, map[int64]float64{}}, err
}

// promStep reads a step in milliseconds: seconds with decimals, or 1h30m.
func promStep(text string) (int64, bool) {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return int64(f * 1000), true
	}
	return promql.Duration(text)
}

// promTime reads Unix seconds or RFC 3339, in milliseconds; "" is otherwise.
func promTime(text string, otherwise int64) (int64, bool) {
	if text == "" {
		return otherwise, true
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return int64(f*1000 + 0.5), true
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.UnixMilli(), err == nil
}

func (p promServer) query(rw http.ResponseWriter, r *http.Request) {
	store, err := p.store()
	if err != nil {
		failed(rw, err)
		return
	}
	t, ok := promTime(r.FormValue("time"), store.now.UnixMilli())
	if !ok {
		promBad(rw, `invalid parameter "time": cannot parse "`+r.FormValue("time")+`" to a valid timestamp`)
		return
	}
	e, err := promql.Parse(r.FormValue("query"))
	if err != nil {
		promRefuse(rw, err)
		return
	}
	v, err := promql.Engine{Storage: store}.Instant(r.Context(), e, t)
	if err != nil {
		promRefuse(rw, err)
		return
	}
	data := obj{}
	switch v.Kind {
	case promql.KindScalar:
		data = obj{"resultType": "scalar", "result": wirePoint(t, v.Scalar)}
	case promql.KindString:
		data = obj{"resultType": "string", "result": []any{jsonSeconds(t), v.Text}}
	case promql.KindVector:
		result := []any{}
		for _, s := range v.Vector {
			result = append(result, obj{"metric": filled(s.Labels), "value": wirePoint(t, s.V)})
		}
		data = obj{"resultType": "vector", "result": result}
	case promql.KindMatrix:
		data = obj{"resultType": "matrix", "result": promRows(v.Matrix)}
	}
	promOK(rw, data)
}

func (p promServer) queryRange(rw http.ResponseWriter, r *http.Request) {
	store, err := p.store()
	if err != nil {
		failed(rw, err)
		return
	}
	start, ok1 := promTime(r.FormValue("start"), -1)
	end, ok2 := promTime(r.FormValue("end"), -1)
	step, ok3 := promStep(r.FormValue("step"))
	switch {
	case !ok1 || start < 0:
		promBad(rw, `invalid parameter "start": cannot parse "`+r.FormValue("start")+`" to a valid timestamp`)
		return
	case !ok2 || end < 0:
		promBad(rw, `invalid parameter "end": cannot parse "`+r.FormValue("end")+`" to a valid timestamp`)
		return
	case end < start:
		promBad(rw, `invalid parameter "end": end timestamp must not be before start time`)
		return
	case !ok3:
		promBad(rw, `invalid parameter "step": cannot parse "`+r.FormValue("step")+`" to a valid duration`)
		return
	case step <= 0:
		promBad(rw, `invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer`)
		return
	case (end-start)/step > 11000:
		promBad(rw, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
		return
	}
	e, err := promql.Parse(r.FormValue("query"))
	if err != nil {
		promRefuse(rw, err)
		return
	}
	rows, err := promql.Engine{Storage: store}.Range(r.Context(), e, start, end, step)
	if err != nil {
		promRefuse(rw, err)
		return
	}
	promOK(rw, obj{"resultType": "matrix", "result": promRows(rows)})
}

func promRows(rows []promql.Row) []any {
	out := []any{}
	for _, row := range rows {
		values := make([]any, len(row.Points))
		for i, pt := range row.Points {
			values[i] = wirePoint(pt.T, pt.V)
		}
		out = append(out, obj{"metric": filled(row.Labels), "values": values})
	}
	return out
}

// filled drops empty labels, which are the same as none.
func filled(labels map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range labels {
		if v != "" {
			out[k] = v
		}
	}
	return out
}
