package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testClock is a clock that stands until it is moved.
type testClock struct{ at time.Time }

func (c *testClock) now() time.Time { return c.at }

func (c *testClock) pass(d time.Duration) { c.at = c.at.Add(d) }

// openTest makes a world in memory that began at testStart.
func openTest(t *testing.T, o Options) (*World, *testClock) {
	t.Helper()
	c := &testClock{at: testStart}
	o.Now = c.now
	w, err := Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w, c
}

// voDo sends one call to the pager with the demo's key and returns status and body.
func voDo(t *testing.T, w *World, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, BaseURL+"/victorops"+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-VO-Api-Id", VictorOpsAPIID)
	req.Header.Set("X-VO-Api-Key", VictorOpsAPIKey)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	res, err := (&http.Client{Transport: w.Transport()}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

// voOK is voDo for a call that must answer 200; it decodes the body into a tree.
func voOK(t *testing.T, w *World, method, path, body string) map[string]any {
	t.Helper()
	status, text := voDo(t, w, method, path, body)
	require.Equal(t, http.StatusOK, status, text)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(text), &out), text)
	return out
}

func voIncidentOf(t *testing.T, w *World, number string) map[string]any {
	t.Helper()
	return voOK(t, w, "GET", "/api-public/v1/incidents/"+number, "")
}

// dig follows keys and indexes into a decoded tree.
func dig(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(t, ok, "%v is no object", v)
			v = m[p]
		case int:
			l, ok := v.([]any)
			require.True(t, ok, "%v is no list", v)
			require.Less(t, p, len(l))
			v = l[p]
		}
	}
	return v
}

func TestVictorOpsFixedIncidents(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	i := voIncidentOf(t, w, Incident5xx)
	assert.Equal(t, "API 5xx ratio above 2%", i["entityDisplayName"])
	assert.Equal(t, "UNACKED", i["currentPhase"])
	assert.Equal(t, "CRITICAL", i["entityState"])
	assert.Equal(t, "2026-03-04T03:12:00Z", i["startTime"])
	assert.Equal(t, []any{"you"}, i["pagedUsers"])
	assert.Equal(t, []any{voTeamOps}, i["pagedTeams"], "slugs, not names")
	alert := voOK(t, w, "GET", "/api-public/v1/alerts/"+i["firstAlertUuid"].(string), "")
	assert.Contains(t, alert["stateMessage"], "&gt;", "texts hold HTML entities")
	raw := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(alert["raw"].(string)), &raw), "raw is JSON inside a string")
	assert.Equal(t, PlaybookURL, raw["vo_annotate.u.Playbook"])
	assert.Contains(t, raw["vo_annotate.u.Dashboard"], DashboardURL+"?from=")

	i = voIncidentOf(t, w, IncidentE2E)
	assert.Equal(t, "e2e hourly: no success for 1h", i["entityDisplayName"])
	assert.Equal(t, "2026-03-04T02:37:00Z", i["startTime"])
	assert.Equal(t, []any{"you"}, i["pagedUsers"])
	assert.Equal(t, "Healthchecks.io", i["monitorName"])

	i = voIncidentOf(t, w, IncidentForgotten)
	assert.Equal(t, "ACKED", i["currentPhase"])
	assert.Equal(t, []any{"you"}, i["pagedUsers"])
	assert.Equal(t, "2026-02-28T03:18:00Z", dig(t, i, "transitions", 1, "at"))
	assert.Equal(t, "secondary", dig(t, i, "transitions", 1, "by"))

	i = voIncidentOf(t, w, IncidentTest)
	assert.Equal(t, []any{voTeamDevices}, i["pagedTeams"])
	assert.NotContains(t, i["pagedUsers"], "you")
	assert.Equal(t, "vouser-noor", i["monitorName"])

	list := voOK(t, w, "GET", "/api-public/v1/incidents", "")["incidents"].([]any)
	phases := map[any]int{}
	for _, x := range list {
		phases[dig(t, x, "currentPhase")]++
	}
	assert.Equal(t, map[any]int{"UNACKED": 3, "ACKED": 1, "RESOLVED": 5}, phases, "resolved ones of the last week only")
}

func TestVictorOpsFactsHoldWhateverTheHour(t *testing.T) {
	t.Parallel()
	for hour := range 24 * 8 {
		start := time.Date(2026, 3, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour) * time.Hour) // summer time begins within
		s := newState(start, []service{victoropsService()})
		vo := part[victoropsState](s)
		i, ok := vo.incident(4127)
		require.True(t, ok)
		assert.Equal(t, []string{UserYou}, i.PagedUsers, start)
		p, _ := vo.policy(voPolPrimary)
		assert.Equal(t, []string{UserYou}, vo.onCall(p, 0, start))
		assert.Equal(t, []string{UserSecondary}, vo.onCall(p, 1, start))
		p, _ = vo.policy(voPolSupport)
		assert.Empty(t, vo.onCall(p, 0, start), "Support has a gap at the start: %s", start)
		assert.Equal(t, []string{UserSupport}, vo.onCall(p, 0, start.Add(5*time.Hour)))
		advanceVictorOps(s, vo, start.Add(3*time.Minute))
		assert.Equal(t, []string{UserYou}, i.PagedUsers, "a short session is not disturbed")
	}
}

func TestVictorOpsRefusals(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	const ack, body = "/api-public/v1/incidents/ack", `{"userName":"you","incidentNames":["4127"]}`
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		want                     int
		text                     string
	}{
		{"no key", "GET", "/api-public/v1/incidents", "", []string{"X-VO-Api-Key", ""}, 401, "missing"},
		{"wrong key", "GET", "/api-public/v1/incidents", "", []string{"X-VO-Api-Key", "nope"}, 403, voForbidden},
		{"wrong id", "GET", "/api-public/v1/incidents", "", []string{"X-VO-Api-Id", "nope"}, 403, voForbidden},
		{"read-only key reads", "GET", "/api-public/v1/incidents/4127", "", []string{"X-VO-Api-Key", VictorOpsReadOnlyKey}, 200, "4127"},
		{"read-only key writes", "PATCH", ack, body, []string{"X-VO-Api-Key", VictorOpsReadOnlyKey}, 403, voForbidden},
		{"unknown incident", "GET", "/api-public/v1/incidents/9", "", nil, 404, "not found"},
		{"no number", "GET", "/api-public/v1/incidents/abc", "", nil, 400, "Int"},
		{"unknown user acts", "PATCH", ack, `{"userName":"nobody","incidentNames":["4127"]}`, nil, 404, "nobody"},
		{"not JSON", "PATCH", ack, "{", nil, 400, "Invalid Json"},
		{"no content type", "PATCH", ack, body, []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{"escaped @", "GET", "/api-public/v1/user/lee%40example.test", "", nil, 404, "not found"},
		{"raw @", "GET", "/api-public/v1/user/lee@example.test", "", nil, 200, "Archer"},
		{"unknown path", "GET", "/api-public/v1/org", "", nil, 404, "not found"},
		{"wrong method", "DELETE", "/api-public/v1/incidents", "{}", nil, 405, ""},
		{"delete without a body", "DELETE", "/api-public/v1/user/noor", "", nil, 400, "body"},
		{"delete with an empty object", "DELETE", "/api-public/v1/user/noor", "{}", nil, 422, "replacement"},
		{"unknown team", "GET", "/api-public/v2/team/team-x/oncall/schedule", "", nil, 404, "team-x"},
		{"too many days", "GET", "/api-public/v2/team/" + voTeamOps + "/oncall/schedule?daysForward=31", "", nil, 400, "30"},
		{"report of more than a page", "GET", "/api-reporting/v2/incidents?limit=101", "", nil, 400, "100"},
		{"unknown alert", "GET", "/api-public/v1/alerts/4127", "", nil, 404, "alert"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, text := voDo(t, w, c.method, c.path, c.body, c.header...)
			assert.Equal(t, c.want, status, text)
			assert.Contains(t, strings.ToLower(text), strings.ToLower(c.text))
		})
	}
}

func TestVictorOpsLimits(t *testing.T) {
	t.Parallel()
	w, clock := openTest(t, Options{})
	for range 2 {
		status, _ := voDo(t, w, "GET", "/api-public/v1/incidents", "")
		require.Equal(t, 200, status)
	}
	status, text := voDo(t, w, "GET", "/api-public/v1/incidents", "")
	assert.Equal(t, 403, status)
	assert.Equal(t, voForbidden, text, "as a wrong key")
	clock.pass(500 * time.Millisecond)
	status, _ = voDo(t, w, "GET", "/api-public/v1/incidents", "")
	assert.Equal(t, 200, status)

	clock.pass(time.Minute)
	status, _ = voDo(t, w, "GET", "/api-reporting/v2/incidents", "")
	assert.Equal(t, 200, status)
	clock.pass(59 * time.Second)
	status, _ = voDo(t, w, "GET", "/api-reporting/v2/incidents", "")
	assert.Equal(t, 403, status)
	clock.pass(time.Second)
	status, _ = voDo(t, w, "GET", "/api-reporting/v2/incidents", "")
	assert.Equal(t, 200, status)

	log, err := w.Requests()
	require.NoError(t, err)
	refused := 0
	for _, r := range log {
		if r.Refused {
			refused++
		}
	}
	assert.Equal(t, 2, refused)
}

func TestVictorOpsAck(t *testing.T) {
	t.Parallel()
	w, clock := openTest(t, Options{NoLimits: true})
	clock.pass(30 * time.Second)
	out := voOK(t, w, "PATCH", "/api-public/v1/incidents/ack", `{"userName":"you","incidentNames":["4127","4119","9","4124"],"message":"looking"}`)
	results := out["results"].([]any)
	require.Len(t, results, 4)
	assert.Equal(t, true, dig(t, results, 0, "cmdAccepted"))
	assert.Equal(t, voEntity5xx, dig(t, results, 0, "entityId"))
	for i, why := range map[int]string{1: "acked", 2: "not found", 3: "resolved"} {
		assert.Equal(t, false, dig(t, results, i, "cmdAccepted"))
		assert.Contains(t, dig(t, results, i, "message"), why)
	}
	i := voIncidentOf(t, w, "4127")
	assert.Equal(t, "ACKED", i["currentPhase"])
	last := dig(t, i, "transitions", 1).(map[string]any)
	assert.Equal(t, map[string]any{"name": "ACKED", "at": "2026-03-04T03:18:30Z", "by": "you", "message": "looking", "manually": true}, last)

	clock.pass(time.Hour)
	assert.Equal(t, []any{"you"}, voIncidentOf(t, w, "4127")["pagedUsers"], "what is acknowledged does not escalate")
	out = voOK(t, w, "PATCH", "/api-public/v1/incidents/byUser/resolve", `{"userName":"you"}`)
	numbers := []string{}
	for _, r := range out["results"].([]any) {
		numbers = append(numbers, dig(t, r, "incidentNumber").(string))
	}
	assert.Equal(t, []string{"4119", "4126", "4127"}, numbers)
	assert.Equal(t, "UNACKED", voIncidentOf(t, w, "4125")["currentPhase"], "it did not page you")
}

func TestVictorOpsEscalates(t *testing.T) {
	t.Parallel()
	w, clock := openTest(t, Options{NoLimits: true})
	clock.pass(4*time.Minute - time.Second)
	assert.Equal(t, []any{"you"}, voIncidentOf(t, w, "4127")["pagedUsers"])
	clock.pass(time.Second)
	assert.Equal(t, []any{"you", "secondary"}, voIncidentOf(t, w, "4127")["pagedUsers"])
	clock.pass(24 * time.Hour)
	assert.Equal(t, []any{"you", "secondary", "manager"}, voIncidentOf(t, w, "4127")["pagedUsers"])
	require.NoError(t, w.view(func(s *State) error {
		i, _ := part[victoropsState](s).incident(4127)
		assert.Equal(t, testStart.Add(24*time.Minute), i.Paths[0].At, "it happened when it was due, not when somebody looked")
		return nil
	}))
}

func TestVictorOpsFollowsTheWorld(t *testing.T) {
	t.Parallel()
	w, clock := openTest(t, Options{NoLimits: true})
	var running time.Time
	require.NoError(t, w.update(func(s *State) error {
		running = s.Facts.BeginDeploy(ComponentAPI, APIVersionGood, 882, s.Now).RunningAt
		s.Facts.RecordE2EPass(s.Now.Add(30 * time.Minute))
		return nil
	}))
	clock.at = running
	assert.Equal(t, "UNACKED", voIncidentOf(t, w, "4127")["currentPhase"])
	clock.pass(time.Hour)
	i := voIncidentOf(t, w, "4127")
	assert.Equal(t, "RESOLVED", i["currentPhase"])
	last := i["transitions"].([]any)[len(i["transitions"].([]any))-1]
	assert.Equal(t, "SYSTEM", dig(t, last, "by"))
	at, err := time.Parse(time.RFC3339, dig(t, last, "at").(string))
	require.NoError(t, err)
	assert.WithinDuration(t, running.Add(VerifyWindow), at, liveRamp)
	i = voIncidentOf(t, w, "4126")
	assert.Equal(t, "RESOLVED", i["currentPhase"])
	assert.Equal(t, "2026-03-04T03:48:00Z", dig(t, i, "transitions", 1, "at"))

	// Without another green run the heartbeat stops again: a new incident.
	clock.pass(3 * time.Hour)
	n := voIncidentOf(t, w, "4128")
	assert.Equal(t, "e2e hourly: no success for 1h", n["entityDisplayName"])
	assert.Equal(t, "2026-03-04T05:48:00Z", n["startTime"])
}

func TestVictorOpsCreateAndReroute(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	out := voOK(t, w, "POST", "/api-public/v1/incidents",
		`{"summary":"Registry is slow","details":"pulls take minutes","userName":"you","targets":[{"type":"EscalationPolicy","slug":"`+voPolPrimary+`"}]}`)
	assert.Equal(t, "4128", out["incidentNumber"])
	i := voIncidentOf(t, w, "4128")
	assert.Equal(t, "vouser-you", i["monitorName"])
	assert.Equal(t, []any{"you"}, i["pagedUsers"])
	assert.Equal(t, "Operations primary", dig(t, i, "pagedPolicies", 0, "policy", "name"))

	out = voOK(t, w, "POST", "/api-public/v1/incidents", `{"summary":"x","details":"y","userName":"you","targets":[{"type":"User","slug":"nobody"}]}`)
	assert.Equal(t, map[string]any{"error": "nobody: no such user"}, out, "a 200 that is no success")

	out = voOK(t, w, "POST", "/api-public/v1/incidents/reroute",
		`{"userName":"you","reroutes":[{"incidentNumber":"4127","targets":[{"type":"User","slug":"secondary"},{"type":"User","slug":"nobody"}],"addTargets":false},{"incidentNumber":"9","targets":[{"type":"User","slug":"secondary"}]}]}`)
	assert.Equal(t, false, dig(t, out, "statuses", 0, "success"))
	assert.Equal(t, true, dig(t, out, "statuses", 0, "targetStatus", 0, "success"))
	assert.Equal(t, "no such user", dig(t, out, "statuses", 0, "targetStatus", 1, "message"))
	assert.Equal(t, false, dig(t, out, "statuses", 1, "success"))
	assert.Equal(t, []any{"secondary"}, voIncidentOf(t, w, "4127")["pagedUsers"])

	voOK(t, w, "POST", "/api-public/v1/incidents/reroute",
		`{"userName":"you","reroutes":[{"incidentNumber":"4127","targets":[{"type":"User","slug":"manager"}],"addTargets":true}]}`)
	assert.Equal(t, []any{"secondary", "manager"}, voIncidentOf(t, w, "4127")["pagedUsers"])
}

func TestVictorOpsAlertEndpoint(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	const path = "/integrations/generic/20131114/alert/" + VictorOpsRESTKey + "/ops"
	send := func(path, body string) map[string]any {
		status, text := voDo(t, w, "POST", path, body, "X-VO-Api-Key", "", "X-VO-Api-Id", "")
		require.Equal(t, 200, status, "the status tells nothing")
		out := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(text), &out))
		return out
	}
	out := send(path, `{"message_type":"CRITICAL","entity_id":"disk/db-1","entity_display_name":"Disk full","host_name":"db-1","vo_annotate.u.Graph":"https://g.example.test"}`)
	assert.Equal(t, map[string]any{"result": "success", "entity_id": "disk/db-1"}, out)
	i := voIncidentOf(t, w, "4128")
	assert.Equal(t, "Disk full", i["entityDisplayName"])
	assert.Equal(t, "db-1", i["host"])
	assert.Equal(t, []any{"you"}, i["pagedUsers"])

	send(path, `{"message_type":"CRITICAL","entity_id":"disk/db-1"}`)
	assert.InDelta(t, 2, voIncidentOf(t, w, "4128")["alertCount"], 0, "the same entity is the same incident")
	send(path, `{"message_type":"ACKNOWLEDGEMENT","entity_id":"disk/db-1","ack_author":"you"}`)
	assert.Equal(t, "ACKED", voIncidentOf(t, w, "4128")["currentPhase"])
	send(path, `{"message_type":"ok","entity_id":"disk/db-1"}`)
	assert.Equal(t, "RESOLVED", voIncidentOf(t, w, "4128")["currentPhase"])

	out = send(path, `{"message_type":"CRITCAL","entity_id":"typo"}`)
	assert.Equal(t, "success", out["result"], "a typo is taken")
	status, _ := voDo(t, w, "GET", "/api-public/v1/incidents/4129", "")
	assert.Equal(t, 404, status, "and pages nobody")
	assert.NotEmpty(t, send(path, `{"message_type":"INFO"}`)["entity_id"])

	for body, p := range map[string]string{
		`{"message_type":"CRITICAL"}`: strings.Replace(path, VictorOpsRESTKey, "wrong", 1),
		`{"entity_id":"x"}`:           path,
		`nope`:                        path,
	} {
		out := send(p, body)
		assert.Equal(t, "failure", out["result"])
		assert.NotEmpty(t, out["message"])
	}
}

func TestVictorOpsNotes(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	const path = "/api-public/v1/incidents/4127/notes"
	assert.Empty(t, voOK(t, w, "GET", path, ""))
	one := voOK(t, w, "POST", path, `{"name":"n1","display_name":"Note 1","json_value":{"text":"rolling back"}}`)
	assert.Equal(t, map[string]any{"name": "n1", "displayName": "Note 1", "json_value": map[string]any{"text": "rolling back"}}, one)
	assert.Equal(t, one, voOK(t, w, "GET", path, ""), "one note comes bare")
	voOK(t, w, "POST", path, `{"name":"n 2","display_name":"Note 2","json_value":{}}`)
	_, text := voDo(t, w, "GET", path, "")
	var list []any
	require.NoError(t, json.Unmarshal([]byte(text), &list), "several come as a list")
	assert.Len(t, list, 2)

	status, text := voDo(t, w, "PUT", path+"/n%202", `{"display_name":"Note two","json_value":{"a":1}}`)
	assert.Equal(t, 200, status)
	assert.Empty(t, text, "without a body")
	status, _ = voDo(t, w, "DELETE", path+"/n1", "")
	assert.Equal(t, 200, status)
	assert.Equal(t, "Note two", voOK(t, w, "GET", path, "")["displayName"])
	status, _ = voDo(t, w, "POST", path, `{"name":"n3","json_value":"text"}`)
	assert.Equal(t, 400, status, "json_value is an object, not text")
}

func TestVictorOpsReport(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	out := voOK(t, w, "GET", "/api-reporting/v2/incidents?limit=3&offset=1", "")
	assert.InDelta(t, 8, out["total"], 0)
	list := out["incidents"].([]any)
	assert.Len(t, list, 3)
	assert.Equal(t, "resolved", dig(t, list, 0, "currentPhase"), "lower case, and resolved ones only")
	assert.Equal(t, "critical", dig(t, list, 0, "entityState"))
	out = voOK(t, w, "GET", "/api-reporting/v2/incidents?currentPhase=triggered,acknowledged&incidentNumber=4119,4126:4127", "")
	assert.InDelta(t, 3, out["total"], 0)
	out = voOK(t, w, "GET", "/api-reporting/v2/incidents?startedAfter=2026-03-03T00:00:00Z&service=infra", "")
	assert.Equal(t, "4124", dig(t, out, "incidents", 0, "incidentNumber"))
}

func TestVictorOpsMembersAndMaintenance(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	status, text := voDo(t, w, "GET", "/api-public/v1/team", "")
	assert.Equal(t, 200, status)
	assert.True(t, strings.HasPrefix(text, "["), "a bare list")
	status, _ = voDo(t, w, "DELETE", "/api-public/v1/team/"+voTeamOps+"/members/you", `{"replacement":"secondary"}`)
	assert.Equal(t, 200, status)
	now := voOK(t, w, "GET", "/api-public/v1/oncall/current", "")
	assert.Equal(t, "secondary", dig(t, now, "teamsOnCall", 0, "oncallNow", 0, "users", 0, "onCalluser", "username"))

	out := voOK(t, w, "POST", "/api-public/v1/maintenancemode/start", `{"type":"RoutingKeys","names":[],"purpose":"x"}`)
	assert.Equal(t, true, dig(t, out, "activeInstances", 0, "isGlobal"), "no names mute everybody")
	status, _ = voDo(t, w, "POST", "/api-public/v1/maintenancemode/start", `{"type":"RoutingKeys","names":[]}`)
	assert.Equal(t, 409, status)
	id := dig(t, out, "activeInstances", 0, "instanceId").(string)
	assert.Empty(t, voOK(t, w, "PUT", "/api-public/v1/maintenancemode/"+id+"/end", "")["activeInstances"])
}
