package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Credentials of the demo's pager.
const (
	VictorOpsAPIID       = "demo-api-id"
	VictorOpsAPIKey      = "demo-api-key"
	VictorOpsReadOnlyKey = "demo-read-only-key" // may only GET
	VictorOpsRESTKey     = "demo-rest-key"      // of the alert endpoint, part of its URL
)

// voForbidden is the body of every 403. A bad key, a read-only key on a change
// and too many requests look the same (note 2).
const voForbidden = "authentication failed or rate limit reached"

func victoropsService() service {
	return service{
		name:   "victorops",
		state:  stateOf(seedVictorOps, advanceVictorOps),
		mounts: map[string]mount{"victorops": newVictorOps},
		env: func(base string) []string {
			return []string{
				"ONCALL_VICTOROPS_URL=" + base + "/victorops",
				"ONCALL_VICTOROPS_API_ID=" + VictorOpsAPIID,
				"ONCALL_VICTOROPS_API_KEY=" + VictorOpsAPIKey,
				"ONCALL_VICTOROPS_ALERT_URL=" + base + "/victorops",
				"ONCALL_VICTOROPS_REST_KEY=" + VictorOpsRESTKey,
				"ONCALL_VICTOROPS_ORG=" + Org,
			}
		},
		limits: voLimits(),
	}
}

// voLimits are those of note 2: two a second for nearly everything, one a second
// for a few, one a minute for the report. The buckets hold what arrives within
// one second, so that a client that keeps the pace is never refused for jitter.
func voLimits() []limit {
	isReport := func(r *http.Request) bool { return r.URL.Path == "/api-reporting/v2/incidents" }
	isSlow := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/api-public/v1/profile/") &&
			strings.Count(r.URL.Path, "/") == 5
	}
	isAlert := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/integrations/") }
	return []limit{
		{name: "report", n: 1, per: time.Minute, match: isReport, refuse: voThrottled},
		{name: "profile", n: 1, per: time.Second, burst: 1, match: isSlow, refuse: voThrottled},
		{
			name: "all", n: 2, per: time.Second, burst: 2, refuse: voThrottled,
			match: func(r *http.Request) bool { return !isReport(r) && !isSlow(r) && !isAlert(r) },
		},
	}
}

// voThrottled answers 403 as nearly every path does; the v2 team schedule is
// listed with 429 (note 2).
func voThrottled(rw http.ResponseWriter, r *http.Request, wait time.Duration) {
	if strings.HasPrefix(r.URL.Path, "/api-public/v2/team/") {
		retryAfter(rw, wait)
		writeText(rw, http.StatusTooManyRequests, "rate limit reached")
		return
	}
	writeText(rw, http.StatusForbidden, voForbidden)
}

// voCall is one call inside a transaction.
type voCall struct {
	s    *State
	vo   *victoropsState
	r    *http.Request
	body []byte
}

// voHandler returns the body of a 200, or a *voError. nil is an empty body.
type voHandler func(c *voCall) (any, error)

// voError is an answer that is no 200. Its body is text: the vendor documents no
// form (note 2).
type voError struct {
	status int
	text   string
}

func (e *voError) Error() string { return e.text }

func voFail(status int, format string, args ...any) error {
	return &voError{status, fmt.Sprintf(format, args...)}
}

// obj is a JSON object on its way out.
type obj = map[string]any

func newVictorOps(w *World) http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range voRoutes() {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { voServe(w, h, rw, r) })
	}
	mux.HandleFunc("POST /integrations/generic/20131114/alert/{restKey}/{routingKey}",
		func(rw http.ResponseWriter, r *http.Request) { voAlertEndpoint(w, rw, r) })
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", w.now().UTC().Format(http.TimeFormat))
		// The API does not decode %40: "@" must come as it is (note 1).
		if strings.Contains(r.URL.EscapedPath(), "%40") {
			writeText(rw, http.StatusNotFound, "not found")
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api-") {
			if status, text := voAuth(r); status != 0 {
				writeText(rw, status, text)
				return
			}
		}
		mux.ServeHTTP(rw, r)
	})
}

func voRoutes() map[string]voHandler {
	const v1, v2, reporting = "/api-public/v1", "/api-public/v2", "/api-reporting"
	return map[string]voHandler{
		"GET " + v1 + "/incidents":                        voListIncidents,
		"POST " + v1 + "/incidents":                       voCreateIncident,
		"GET " + v1 + "/incidents/{n}":                    voGetIncident,
		"PATCH " + v1 + "/incidents/ack":                  voAckNumbers,
		"PATCH " + v1 + "/incidents/resolve":              voResolveNumbers,
		"PATCH " + v1 + "/incidents/byUser/ack":           voAckByUser,
		"PATCH " + v1 + "/incidents/byUser/resolve":       voResolveByUser,
		"POST " + v1 + "/incidents/reroute":               voReroute,
		"GET " + v1 + "/incidents/{n}/notes":              voListNotes,
		"POST " + v1 + "/incidents/{n}/notes":             voCreateNote,
		"PUT " + v1 + "/incidents/{n}/notes/{name}":       voUpdateNote,
		"DELETE " + v1 + "/incidents/{n}/notes/{name}":    voDeleteNote,
		"GET " + v1 + "/alerts/{uuid}":                    voGetAlert,
		"GET " + reporting + "/v2/incidents":              voReport,
		"GET " + reporting + "/v1/team/{team}/oncall/log": voOnCallLog,

		"GET " + v1 + "/oncall/current":                         voOnCallNow,
		"GET " + v2 + "/team/{team}/oncall/schedule":            voTeamSchedule,
		"GET " + v2 + "/user/{user}/oncall/schedule":            voUserSchedule,
		"PATCH " + v1 + "/policies/{policy}/oncall/user":        voTake,
		"GET " + v1 + "/overrides":                              voListOverrides,
		"POST " + v1 + "/overrides":                             voCreateOverride,
		"GET " + v1 + "/overrides/{id}":                         voGetOverride,
		"DELETE " + v1 + "/overrides/{id}":                      voDeleteOverride,
		"GET " + v1 + "/overrides/{id}/assignments":             voListAssignments,
		"GET " + v1 + "/overrides/{id}/assignments/{policy}":    voGetAssignment,
		"PUT " + v1 + "/overrides/{id}/assignments/{policy}":    voPutAssignment,
		"DELETE " + v1 + "/overrides/{id}/assignments/{policy}": voDeleteAssignment,
		"GET " + v1 + "/teams/{team}/rotations":                 voRotationGroups,
		"GET " + v2 + "/team/{team}/rotations":                  voRotations,

		"GET " + v1 + "/user":                                       voListUsersNested,
		"GET " + v2 + "/user":                                       voListUsers,
		"POST " + v1 + "/user":                                      voCreateUser,
		"GET " + v1 + "/user/{user}":                                voGetUser,
		"PUT " + v1 + "/user/{user}":                                voUpdateUser,
		"DELETE " + v1 + "/user/{user}":                             voDeleteUser,
		"GET " + v1 + "/user/{user}/teams":                          voUserTeams,
		"GET " + v1 + "/user/{user}/policies":                       voFlatPolicies,
		"GET " + v1 + "/user/{user}/contact-methods":                voContactMethods,
		"GET " + v1 + "/user/{user}/contact-methods/{kind}":         voListContacts,
		"POST " + v1 + "/user/{user}/contact-methods/{kind}":        voAddContact,
		"GET " + v1 + "/user/{user}/contact-methods/{kind}/{id}":    voGetContact,
		"DELETE " + v1 + "/user/{user}/contact-methods/{kind}/{id}": voDeleteContact,
		"PUT " + v1 + "/user/{user}/contact-methods/{kind}/{id}":    voUpdateDevice,
		"GET " + v1 + "/profile/{user}/policies":                    voPagingPolicy,
		"POST " + v1 + "/profile/{user}/policies":                   voAddStep,
		"GET " + v1 + "/profile/{user}/policies/{step}":             voGetStep,
		"PUT " + v1 + "/profile/{user}/policies/{step}":             voPutStep,
		"POST " + v1 + "/profile/{user}/policies/{step}":            voAddRule,
		"GET " + v1 + "/profile/{user}/policies/{step}/{rule}":      voGetRule,
		"PUT " + v1 + "/profile/{user}/policies/{step}/{rule}":      voPutRule,
		"DELETE " + v1 + "/profile/{user}/policies/{step}/{rule}":   voDeleteRule,
		"GET " + v2 + "/profile/{user}/policies":                    voCustomPolicies,
		"GET " + v1 + "/policies/types/{kind}":                      voPolicyTypes,

		"GET " + v1 + "/team":                          voListTeams,
		"GET " + v1 + "/team/{team}":                   voGetTeam,
		"GET " + v1 + "/team/{team}/members":           voTeamMembers,
		"POST " + v1 + "/team/{team}/members":          voAddMember,
		"DELETE " + v1 + "/team/{team}/members/{user}": voRemoveMember,
		"GET " + v1 + "/team/{team}/admins":            voTeamAdmins,
		"GET " + v1 + "/team/{team}/policies":          voTeamPolicies,
		"GET " + v1 + "/policies":                      voListPolicies,
		"GET " + v1 + "/policies/{policy}":             voGetPolicy,
		"GET " + v1 + "/org/routing-keys":              voRoutingKeys,
		"POST " + v1 + "/org/routing-keys":             voCreateRoutingKey,
		"GET " + v1 + "/webhooks":                      voWebhooks,
		"GET " + v1 + "/maintenancemode":               voMaintenance,
		"POST " + v1 + "/maintenancemode/start":        voStartMaintenance,
		"PUT " + v1 + "/maintenancemode/{id}/end":      voEndMaintenance,
		"POST " + v1 + "/chat":                         voPostChat,
		"GET " + v1 + "/chat":                          voListChat,
	}
}

// voAuth checks the two headers: 401 when one is missing, 403 when they are
// wrong or may not do this (note 1).
func voAuth(r *http.Request) (status int, text string) {
	id, key := r.Header.Get("X-VO-Api-Id"), r.Header.Get("X-VO-Api-Key")
	switch {
	case id == "" || key == "":
		return http.StatusUnauthorized, "authentication headers missing"
	case id != VictorOpsAPIID || (key != VictorOpsAPIKey && key != VictorOpsReadOnlyKey):
		return http.StatusForbidden, voForbidden
	case key == VictorOpsReadOnlyKey && r.Method != http.MethodGet:
		return http.StatusForbidden, voForbidden
	}
	return 0, ""
}

func voServe(w *World, h voHandler, rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeText(rw, http.StatusBadRequest, "unreadable body")
		return
	}
	if len(body) > 0 {
		if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
			writeText(rw, http.StatusUnsupportedMediaType, "Expecting text/json or application/json body")
			return
		}
	}
	run := w.update
	if r.Method == http.MethodGet {
		run = w.view
	}
	var out any
	err = run(func(s *State) (err error) {
		out, err = h(&voCall{s: s, vo: part[victoropsState](s), r: r, body: body})
		return err
	})
	var refused *voError
	switch {
	case errors.As(err, &refused):
		writeText(rw, refused.status, refused.text)
	case err != nil:
		failed(rw, err)
	case out == nil:
		rw.WriteHeader(http.StatusOK)
	default:
		writeJSON(rw, http.StatusOK, out)
	}
}

// decode reads the body into v; a body that is not the JSON it should be is a 400.
func (c *voCall) decode(v any) error {
	if len(c.body) == 0 {
		return voFail(http.StatusBadRequest, "a JSON body is required")
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return voFail(http.StatusBadRequest, "Invalid Json: %v", err)
	}
	return nil
}

// voTime is how incidents carry time.
func voTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// voLocal is how schedules carry time: with the zone's offset.
func voLocal(t time.Time) string { return t.In(zone()).Format(time.RFC3339) }
