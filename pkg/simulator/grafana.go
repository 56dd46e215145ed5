package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials and data sources of the demo's Grafana.
const (
	GrafanaToken         = "glsa_demo_grafana_token"
	GrafanaLokiUID       = "demo-loki"
	GrafanaPrometheusUID = "demo-prometheus"
	GrafanaDashboardAPI  = "api"
)

type grafanaState struct {
	Annotations []grafanaAnnotation `json:"annotations"` // oldest first
}

type grafanaAnnotation struct {
	ID        int64    `json:"id"`
	Time      int64    `json:"time"` // milliseconds
	TimeEnd   int64    `json:"timeEnd"`
	Text      string   `json:"text"`
	Tags      []string `json:"tags"`
	Dashboard string   `json:"dashboardUID,omitempty"`
	Panel     int64    `json:"panelId,omitempty"`
	Login     string   `json:"login"`
}

func grafanaService() service {
	return service{
		name:   "grafana",
		state:  stateOf(seedGrafana, nil),
		mounts: map[string]mount{"grafana": newGrafana},
		env: func(base string) []string {
			return []string{"ONCALL_GRAFANA_URL=" + base + "/grafana", "ONCALL_GRAFANA_TOKEN=" + GrafanaToken}
		},
	}
}

// seedGrafana marks the bad deployment, as a pipeline does.
func seedGrafana(s *State, g *grafanaState) {
	at := s.StartedAt.Add(-BadDeployBefore).UnixMilli()
	g.Annotations = []grafanaAnnotation{{ID: s.nextID("grafana"), Time: at, TimeEnd: at, Text: "api " + APIVersionBad, Tags: []string{"deploy", ComponentAPI}, Login: "jenkins"}}
}

type grafanaServer struct{ w *World }

func newGrafana(w *World) http.Handler {
	g := grafanaServer{w}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/user", func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, http.StatusOK, obj{"id": 1, "login": "sa-oncall", "name": "oncall", "email": "sa-oncall", "orgId": 1})
	})
	mux.HandleFunc("GET /api/org", func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, http.StatusOK, obj{"id": 1, "name": "Main Org."})
	})
	mux.HandleFunc("GET /api/search", g.search)
	mux.HandleFunc("GET /api/dashboards/uid/{uid}", g.dashboard)
	mux.HandleFunc("GET /api/datasources", g.dataSources)
	mux.HandleFunc("GET /api/frontend/settings", g.settings)
	mux.HandleFunc("/api/datasources/proxy/uid/{uid}/", g.proxy)
	mux.HandleFunc("GET /api/annotations", g.annotations)
	mux.HandleFunc("POST /api/annotations", g.annotate)
	mux.HandleFunc("GET /render/d-solo/{uid}/{slug}", g.render)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		signedIn := bearer(r, GrafanaToken)
		_, pattern := mux.Handler(r)
		switch {
		case r.URL.Path == "/login":
			rw.Header().Set("Content-Type", "text/html; charset=UTF-8")
			_, _ = rw.Write([]byte("<!DOCTYPE html><html><head><title>Grafana</title></head><body>Sign in with GitHub<a href=\"login/github\">Login</a></body></html>"))
		case strings.HasPrefix(r.URL.Path, "/api/") && !signedIn:
			writeJSON(rw, http.StatusUnauthorized, obj{"message": "Unauthorized"})
		case !signedIn:
			http.Redirect(rw, r, SelfURL(r)+"/login", http.StatusFound)
		case pattern == "":
			writeJSON(rw, http.StatusNotFound, obj{"message": "Not found"})
		default:
			mux.ServeHTTP(rw, r)
		}
	})
}

type grafanaPanel struct {
	id    int
	title string
	kind  string
}

type grafanaDashboard struct {
	uid, slug, title string
	tags             []string
	panels           []grafanaPanel
	variables        []string
}

func grafanaDashboards() []grafanaDashboard {
	return []grafanaDashboard{
		{GrafanaDashboardAPI, "api-overview", "API overview", []string{"api", "production"}, []grafanaPanel{{2, "5xx ratio", "timeseries"}, {4, "Requests by code", "timeseries"}, {6, "Versions", "stat"}}, []string{"env", "instance"}},
		{"builders", "builders", "Builders", []string{"builder"}, []grafanaPanel{{1, "Queue", "timeseries"}}, nil},
		{"rds", "rds", "RDS", []string{"aws", "production"}, []grafanaPanel{{1, "CPU", "timeseries"}, {2, "Connections", "timeseries"}}, []string{"dbinstance"}},
		{"vpn", "cloudlink-vpn", "Cloudlink (VPN)", []string{"vpn", "production"}, []grafanaPanel{{1, "Clients", "timeseries"}}, nil},
	}
}

func (d grafanaDashboard) path(r *http.Request) string {
	u, err := url.Parse(SelfURL(r))
	if err != nil {
		return ""
	}
	return u.Path + "/d/" + d.uid + "/" + d.slug
}

func (g grafanaServer) search(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	out := []any{}
	for i, d := range grafanaDashboards() {
		fits := strings.Contains(strings.ToLower(d.title), strings.ToLower(q.Get("query"))) && q.Get("starred") != "true"
		for _, tag := range q["tag"] {
			fits = fits && slices.Contains(d.tags, tag)
		}
		if fits {
			out = append(out, obj{"id": i + 1, "uid": d.uid, "title": d.title, "uri": "db/" + d.slug, "url": d.path(r), "type": "dash-db",
				"tags": d.tags, "isStarred": false, "folderUid": "core", "folderTitle": "Core"})
		}
	}
	limit, page := 1000, 1
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 {
		limit = min(n, 5000)
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 {
		page = n
	}
	from := min((page-1)*limit, len(out))
	writeJSON(rw, http.StatusOK, out[from:min(from+limit, len(out))])
}

func (g grafanaServer) find(r *http.Request) (grafanaDashboard, bool) {
	all := grafanaDashboards()
	i := slices.IndexFunc(all, func(d grafanaDashboard) bool { return d.uid == r.PathValue("uid") })
	if i < 0 {
		return grafanaDashboard{}, false
	}
	return all[i], true
}

func (g grafanaServer) dashboard(rw http.ResponseWriter, r *http.Request) {
	d, ok := g.find(r)
	if !ok {
		writeJSON(rw, http.StatusNotFound, obj{"message": "Dashboard not found", "status": "not-found"})
		return
	}
	panels, variables := []any{}, []any{}
	for _, p := range d.panels {
		panels = append(panels, obj{"id": p.id, "title": p.title, "type": p.kind, "datasource": obj{"type": "prometheus", "uid": GrafanaPrometheusUID}})
	}
	for _, v := range d.variables {
		variables = append(variables, obj{"name": v, "label": "", "type": "query", "current": obj{"text": "All", "value": "$__all"}})
	}
	writeJSON(rw, http.StatusOK, obj{
		"dashboard": obj{"uid": d.uid, "title": d.title, "tags": d.tags, "panels": panels, "templating": obj{"list": variables}, "time": obj{"from": "now-6h", "to": "now"}},
		"meta":      obj{"url": d.path(r), "slug": d.slug, "folderUid": "core", "folderTitle": "Core"},
	})
}

func (g grafanaServer) dataSources(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, []any{
		obj{"id": 1, "uid": GrafanaLokiUID, "name": "Loki", "type": "loki", "url": "http://loki:3100", "access": "proxy", "isDefault": false},
		obj{"id": 2, "uid": GrafanaPrometheusUID, "name": "Prometheus", "type": "prometheus", "url": "http://prometheus:9090/prometheus", "access": "proxy", "isDefault": true},
	})
}

// settings is what Grafana's own pages read; a Viewer may, too.
func (g grafanaServer) settings(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, obj{"defaultDatasource": "Prometheus", "datasources": obj{
		"Loki":            obj{"id": 1, "uid": GrafanaLokiUID, "name": "Loki", "type": "loki"},
		"Prometheus":      obj{"id": 2, "uid": GrafanaPrometheusUID, "name": "Prometheus", "type": "prometheus", "isDefault": true},
		"-- Dashboard --": obj{"id": -3, "uid": "-- Dashboard --", "name": "-- Dashboard --", "type": "datasource"},
	}})
}

// proxied are the endpoints of Prometheus that Grafana lets a POST through to.
var proxied = []string{"/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/labels", "/api/v1/query_exemplars"}

// uidLetters are those that a uid may have.
const uidLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// proxy passes a request on to a data source, with Grafana's own credential.
func (g grafanaServer) proxy(rw http.ResponseWriter, r *http.Request) {
	uid := r.PathValue("uid")
	rest := strings.TrimPrefix(r.URL.Path, "/api/datasources/proxy/uid/"+uid)
	var h http.Handler
	var token string
	switch uid {
	case GrafanaLokiUID:
		h, token = newLoki(g.w), LokiToken
	case GrafanaPrometheusUID:
		h, token = newPrometheus(g.w), PrometheusToken
		if r.Method != http.MethodGet && !slices.Contains(proxied, rest) {
			writeJSON(rw, http.StatusForbidden, obj{"message": "non allow-listed " + r.Method + "s not allowed on proxied Prometheus datasource"})
			return
		}
	default:
		if strings.ContainsFunc(uid, func(c rune) bool { return !strings.ContainsRune(uidLetters, c) }) {
			writeJSON(rw, http.StatusBadRequest, obj{"message": "UID is invalid"})
			return
		}
		writeJSON(rw, http.StatusNotFound, obj{"message": "Unable to find datasource"})
		return
	}
	r2 := r.Clone(r.Context())
	r2.URL.Path, r2.URL.RawPath = rest, ""
	r2.Header.Set("Authorization", "Bearer "+token)
	h.ServeHTTP(rw, r2)
}

func (g grafanaServer) annotations(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	bound := func(name string, otherwise int64) int64 {
		if n, err := strconv.ParseInt(q.Get(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	from, to, limit := bound("from", 0), bound("to", 1<<62), bound("limit", 100)
	out := []grafanaAnnotation{}
	err := g.w.view(func(s *State) error {
		for _, a := range slices.Backward(part[grafanaState](s).Annotations) {
			fits := a.TimeEnd >= from && a.Time <= to && int64(len(out)) < limit
			for _, tag := range q["tags"] {
				fits = fits && slices.Contains(a.Tags, tag)
			}
			if fits {
				out = append(out, a)
			}
		}
		return nil
	})
	if err != nil {
		failed(rw, err)
		return
	}
	writeJSON(rw, http.StatusOK, out)
}

func (g grafanaServer) annotate(rw http.ResponseWriter, r *http.Request) {
	var a grafanaAnnotation
	if readJSON(r, &a) != nil {
		writeJSON(rw, http.StatusBadRequest, obj{"message": "bad request data"})
		return
	}
	if strings.TrimSpace(a.Text) == "" {
		writeJSON(rw, http.StatusBadRequest, obj{"message": "Failed to save annotation"})
		return
	}
	err := g.w.update(func(s *State) error {
		a.ID, a.Login = s.nextID("grafana"), "sa-oncall"
		if a.Time == 0 {
			a.Time = s.Now.UnixMilli()
		}
		a.TimeEnd = max(a.TimeEnd, a.Time)
		p := part[grafanaState](s)
		p.Annotations = append(p.Annotations, a)
		return nil
	})
	if err != nil {
		failed(rw, err)
		return
	}
	writeJSON(rw, http.StatusOK, obj{"message": "Annotation added", "id": a.ID})
}

// render draws a panel: the error ratio, as far as the demo's panels go.
func (g grafanaServer) render(rw http.ResponseWriter, r *http.Request) {
	d, ok := g.find(r)
	id, err := strconv.Atoi(r.URL.Query().Get("panelId"))
	if !ok || err != nil || !slices.ContainsFunc(d.panels, func(p grafanaPanel) bool { return p.id == id }) {
		writeJSON(rw, http.StatusNotFound, obj{"message": "Panel not found"})
		return
	}
	size := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(r.URL.Query().Get(name)); err == nil && n > 0 {
			return min(n, 4000)
		}
		return otherwise
	}
	facts, now, err := g.w.observe()
	if err != nil {
		failed(rw, err)
		return
	}
	from, to := now.Add(-6*time.Hour), now
	if n, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64); err == nil {
		from = time.UnixMilli(n)
	}
	if n, err := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64); err == nil {
		to = time.UnixMilli(n)
	}
	rw.Header().Set("Content-Type", "image/png")
	_ = writePicture(rw, size("width", 1000), size("height", 500), func(share float64) float64 {
		return facts.errorRatioAt(from.Add(time.Duration(share*float64(to.Sub(from))))) / 0.05
	})
}
