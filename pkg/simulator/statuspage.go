package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Credentials and page of the demo's status page.
const (
	StatuspageKey  = "demo-statuspage-key"
	StatuspagePage = "k3v9x1t6pqzd"
	statuspageName = "balenaCloud status"
)

func statuspageService() service {
	return service{
		name:   "statuspage",
		state:  stateOf(seedStatuspage, advanceStatuspage),
		mounts: map[string]mount{"statuspage": newStatuspage},
		env: func(base string) []string {
			return []string{
				"ONCALL_STATUSPAGE_URL=" + base + "/statuspage",
				"ONCALL_STATUSPAGE_API_KEY=" + StatuspageKey,
				"ONCALL_STATUSPAGE_PAGE_ID=" + StatuspagePage,
				"ONCALL_STATUSPAGE_PUBLIC_URL=" + base + "/statuspage",
			}
		},
		limits: statuspageLimits(),
	}
}

// statuspageLimits are those of the contract note, section 1: 60 requests in any
// 60 s, and one a minute for a component list that is not paged. The public API
// has none.
func statuspageLimits() []limit {
	manage := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/pages") }
	return []limit{
		{name: "minute", n: 60, per: time.Minute, match: manage, refuse: spThrottled},
		{name: "unpaged", n: 1, per: time.Minute, refuse: spThrottled, match: func(r *http.Request) bool {
			q := r.URL.Query()
			return r.Method == http.MethodGet && strings.HasSuffix(spPath(r.URL.Path), "/components") && !q.Has("page") && !q.Has("per_page")
		}},
	}
}

// spThrottled answers 420, which is what is met more often than 429.
func spThrottled(rw http.ResponseWriter, _ *http.Request, wait time.Duration) {
	retryAfter(rw, wait)
	writeJSON(rw, 420, obj{"error": "Too many requests"})
}

// spPath is a path without the suffix that any path may have.
func spPath(p string) string { return strings.TrimSuffix(p, ".json") }

// spCall is one call inside a transaction.
type spCall struct {
	s    *State
	sp   *statuspageState
	r    *http.Request
	body []byte
	self string // address of the mount, for short links
}

// spHandler returns status and body of an answer, or a *spError.
type spHandler func(c *spCall) (int, any, error)

// spError is a refusal; its body is {"error": what}, a text, a list or a tree.
type spError struct {
	status int
	what   any
}

func (e *spError) Error() string { return fmt.Sprint(e.status, " ", e.what) }

func spNotFound(what string) error { return &spError{http.StatusNotFound, what + " not found"} }

// spInvalid is a 422 with the tree of one field.
func spInvalid(field, why string) error {
	return &spError{http.StatusUnprocessableEntity, obj{field: []string{why}}}
}

func newStatuspage(w *World) http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range spRoutes() {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { spServe(w, h, rw, r) })
	}
	for path, what := range spPublicRoutes() {
		mux.HandleFunc("GET /api/v2/"+path, func(rw http.ResponseWriter, r *http.Request) {
			spServe(w, func(c *spCall) (int, any, error) { return http.StatusOK, what(c), nil }, rw, r)
		})
	}
	mux.HandleFunc("GET /incidents/{id}", spIncidentPage(w))
	mux.HandleFunc("/", func(rw http.ResponseWriter, _ *http.Request) {
		writeJSON(rw, http.StatusNotFound, obj{"error": "Not found"})
	})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/pages") {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = spPath(r.URL.Path), ""
			if !spSigned(r) {
				writeJSON(rw, http.StatusUnauthorized, obj{"error": "Could not authenticate"})
				return
			}
		}
		mux.ServeHTTP(rw, r)
	})
}

// spSigned checks the key. The scheme is OAuth in any case; Bearer is refused. A
// page that the key does not reach is refused in the same words.
func spSigned(r *http.Request) bool {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if q := r.URL.Query().Get("api_key"); q != "" {
		scheme, key = "oauth", q
	}
	if !strings.EqualFold(scheme, "oauth") || key != StatuspageKey {
		return false
	}
	_, tail, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	page, _, _ := strings.Cut(tail, "/")
	return !ok || page == StatuspagePage
}

func spRoutes() map[string]spHandler {
	const p = "/pages/{page}"
	routes := map[string]spHandler{
		"GET /pages": func(c *spCall) (int, any, error) { return http.StatusOK, []obj{c.page()}, nil },
		"GET " + p:   func(c *spCall) (int, any, error) { return http.StatusOK, c.page(), nil },

		"GET " + p + "/components":       spListComponents,
		"GET " + p + "/components/{id}":  spGetComponent,
		"GET " + p + "/component-groups": spListGroups,

		"GET " + p + "/incidents":                    spListIncidents,
		"GET " + p + "/incidents/unresolved":         spView((*spIncident).unresolved),
		"GET " + p + "/incidents/scheduled":          spView((*spIncident).scheduled),
		"GET " + p + "/incidents/upcoming":           spView((*spIncident).scheduled),
		"GET " + p + "/incidents/active_maintenance": spView((*spIncident).running),
		"POST " + p + "/incidents":                   spCreateIncident,
		"GET " + p + "/incidents/{id}":               spGetIncident,
		"DELETE " + p + "/incidents/{id}":            spDeleteIncident,

		"GET " + p + "/incidents/{id}/postmortem":         spGetPostmortem,
		"PUT " + p + "/incidents/{id}/postmortem":         spDraftPostmortem,
		"DELETE " + p + "/incidents/{id}/postmortem":      spDeletePostmortem,
		"PUT " + p + "/incidents/{id}/postmortem/publish": spPublishPostmortem,
		"PUT " + p + "/incidents/{id}/postmortem/revert":  spRevertPostmortem,

		"GET " + p + "/incident_templates":  spListTemplates,
		"POST " + p + "/incident_templates": spCreateTemplate,
		"GET " + p + "/subscribers/count":   spCountSubscribers,
	}
	for _, method := range []string{"PATCH", "PUT"} {
		routes[method+" "+p+"/components/{id}"] = spUpdateComponent
		routes[method+" "+p+"/incidents/{id}"] = spUpdateIncident
		routes[method+" "+p+"/incidents/{id}/incident_updates/{update}"] = spEditUpdate
	}
	return routes
}

func spServe(w *World, h spHandler, rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeJSON(rw, http.StatusBadRequest, obj{"error": "unreadable body"})
		return
	}
	if len(body) > 0 {
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
			writeJSON(rw, http.StatusBadRequest, obj{"message": "the body is not of its Content-Type"})
			return
		}
	}
	run := w.update
	if r.Method == http.MethodGet {
		run = w.view
	}
	var (
		status int
		out    []byte
	)
	err = run(func(s *State) error {
		c := &spCall{s: s, sp: part[statuspageState](s), r: r, body: body, self: SelfURL(r)}
		code, v, err := h(c)
		if err != nil {
			return err
		}
		status = code
		out, err = spEncode(v)
		return err
	})
	var refused *spError
	switch {
	case errors.As(err, &refused):
		writeJSON(rw, refused.status, obj{"error": refused.what})
	case err != nil:
		failed(rw, err)
	case status == http.StatusNoContent:
		rw.WriteHeader(status)
	default:
		writeJSON(rw, status, json.RawMessage(out))
	}
}

func spEncode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// spFields are the fields of a write, by name. What is not there was not sent.
type spFields map[string]json.RawMessage

// fields takes the wrapped object out of the body. Unknown fields inside it are
// dropped without a word, as the vendor does.
func (c *spCall) fields(wrapper string) (spFields, error) {
	var outer map[string]json.RawMessage
	if json.Unmarshal(c.body, &outer) != nil {
		return nil, &spError{http.StatusBadRequest, "the body is not a JSON object"}
	}
	raw, ok := outer[wrapper]
	var f spFields
	if !ok || json.Unmarshal(raw, &f) != nil || f == nil {
		return nil, &spError{http.StatusBadRequest, wrapper + " is missing"}
	}
	return f, nil
}

// spTake reads field name into a fresh T. A value of another type, null
// included, is a 422.
func spTake[T any](f spFields, name string) (*T, error) {
	raw, ok := f[name]
	if !ok {
		return nil, nil
	}
	var v *T
	if json.Unmarshal(raw, &v) != nil || v == nil {
		return nil, spInvalid(name, "is invalid")
	}
	return v, nil
}

// spWord reads a field whose value is one of words.
func spWord(f spFields, name string, words ...string) (*string, error) {
	v, err := spTake[string](f, name)
	if err != nil || v == nil {
		return nil, err
	}
	for _, w := range words {
		if *v == w {
			return v, nil
		}
	}
	return nil, spInvalid(name, "is not included in the list")
}

// Times of records have whole seconds, those inside updates milliseconds, and
// those of the public API milliseconds and the page's offset (note 1 and 4).
func spTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func spMillis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func spPublicTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(zone()).Format("2006-01-02T15:04:05.000-07:00")
}

// orNull is null for the empty string.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
