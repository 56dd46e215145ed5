package simulator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/judges"
)

// voKnownDefects is the one list of where the wire differs from victorops.yaml, as
// the contract note says in the section named. * stands for any text. An entry
// that no reply needs any more fails the test too.
var voKnownDefects = []struct{ op, wrong, why string }{
	{"GET /api-public/v1/incidents*", "*.entityDisplayName: not in the document", "3: on the wire, not in the document"},
	{"GET /api-public/v1/incidents*", "*.entityState: not in the document", "3: on the wire, not in the document"},
	{"GET /api-public/v1/incidents*", "*.entityType: not in the document", "3: on the wire, not in the document"},
	{"GET /api-public/v1/incidents*", "*.routingKey: not in the document", "3: on the wire, not in the document"},
	{"GET /api-public/v1/incidents*", "*.monitorType: value is not one of the allowed values", "spec: a list of examples, its last is etc"},
	{"POST /api-public/v1/incidents", "$.*: not in the document", "3: the document gives this reply the form of a note"},
	{"GET /api-public/v1/incidents/{incidentNumber}/notes", "$: value must be an object", "3: several notes"},
	{"GET /api-reporting/v2/incidents", "$.incidents[].currentPhase: value is not one of the allowed values", "8: lower case"},
	{"GET /api-public/v1/oncall/current", "$.teamsOnCall[].oncallNow: not in the document", "5: casing"},
	{"GET /api-public/v2/*/oncall/schedule", "*.overrides[].policy: not in the document", "5"},
	{"POST /api-public/v1/overrides", "$.override: not in the document", "5: newer reply"},
	{"GET /api-public/v1/teams/{team}/rotations", "$.rotationGroups[].groupId: not in the document", "5"},
	{"GET /api-public/v1/user", "$.users[]: value must be an object", "6: nested"},
	{"* /api-public/v1/user*", "$.displayName: not in the document", "6"},
	{"GET /api-public/v1/user/{user}/contact-methods", "$.*: value must be an array", "6: wrapped"},
	{"GET /api-public/v1/user/{user}/contact-methods/*", "$: value must be an array", "6: wrapped"},
	{"* /api-public/v1/user/{user}/contact-methods/*", "$.id: not in the document", "6: the item's fields"},
	{"* /api-public/v1/user/{user}/contact-methods/*", "$.contactType: not in the document", "6: the item's fields"},
	{"* /api-public/v1/user/{user}/contact-methods/*", "$.rank: not in the document", "6: the item's fields"},
	{"* /api-public/v1/user/{user}/contact-methods/*", "$.value: not in the document", "6: sent as email or phone, read as value"},
	{"* /api-public/v1/user/{user}/contact-methods/*", "$.verified: not in the document", "6: the item's fields"},
	{"* /api-public/v1/profile/{username}/policies*", "*.contact.type: value is not one of the allowed values", "6: Email and Phone in replies"},
	{"GET /api-public/v1/policies/types/timeouts", "$.timeoutTypes[].type: value *", "6: numbers as strings"},
	{"* /api-public/v1/team/{team}/members", "$.members[].verified: value must be a string", "6: text or truth value"},
	{"GET /api-public/v1/org/routing-keys", "$.routingKeys[].isMultiResponder: not in the document", "7: newer"},
	{"* /api-public/v1/maintenancemode*", "$.activeInstances[].purpose: not in the document", "8"},
}

// voCalls uses every operation once or more, in an order that works.
var voCalls = []struct{ method, path, body string }{
	{"GET", "/api-public/v1/incidents", ""},
	{"GET", "/api-public/v1/incidents/4127", ""},
	{"GET", "/api-public/v1/incidents/1", ""},
	{"PATCH", "/api-public/v1/incidents/ack", `{"userName":"you","incidentNames":["4127","9"],"message":"m"}`},
	{"PATCH", "/api-public/v1/incidents/resolve", `{"userName":"you","incidentNames":["4127"]}`},
	{"PATCH", "/api-public/v1/incidents/byUser/ack", `{"userName":"you","message":"m"}`},
	{"PATCH", "/api-public/v1/incidents/byUser/resolve", `{"userName":"you"}`},
	{"POST", "/api-public/v1/incidents", `{"summary":"s","details":"d","userName":"you","targets":[{"type":"User","slug":"secondary"}]}`},
	{"POST", "/api-public/v1/incidents", `{"summary":"s","details":"d","userName":"you","targets":[{"type":"User","slug":"nobody"}]}`},
	{"POST", "/api-public/v1/incidents/reroute", `{"userName":"you","reroutes":[{"incidentNumber":"4128","targets":[{"type":"User","slug":"you"},{"type":"User","slug":"x"}]}]}`},
	{"GET", "/api-public/v1/incidents/4127/notes", ""},
	{"POST", "/api-public/v1/incidents/4127/notes", `{"name":"a","display_name":"A","json_value":{"x":1}}`},
	{"GET", "/api-public/v1/incidents/4127/notes", ""},
	{"POST", "/api-public/v1/incidents/4127/notes", `{"name":"b","display_name":"B","json_value":{}}`},
	{"GET", "/api-public/v1/incidents/4127/notes", ""},
	{"PUT", "/api-public/v1/incidents/4127/notes/a", `{"name":"a","display_name":"A","json_value":{}}`},
	{"DELETE", "/api-public/v1/incidents/4127/notes/a", ""},
	{"GET", "/api-public/v1/alerts/{alert}", ""},
	{"GET", "/api-reporting/v2/incidents?limit=100", ""},
	{"GET", "/api-reporting/v1/team/{team}/oncall/log?start=2026-02-20T00:00:00Z", ""},
	{"GET", "/api-public/v1/oncall/current", ""},
	{"PATCH", "/api-public/v1/policies/{policy}/oncall/user", `{"fromUser":"you","toUser":"manager"}`},
	{"POST", "/api-public/v1/overrides", `{"username":"you","timezone":"Europe/Athens","start":"2026-03-08T00:00:00Z","end":"2026-03-09T00:00:00Z"}`},
	{"POST", "/api-public/v1/overrides", `{"username":"you","timezone":"Europe/Athens","start":"2026-03-09T00:00:00Z","end":"2026-03-10T00:00:00Z"}`},
	{"GET", "/api-public/v1/overrides", ""},
	{"GET", "/api-public/v1/overrides/{override}", ""},
	{"GET", "/api-public/v1/overrides/{override}/assignments", ""},
	{"PUT", "/api-public/v1/overrides/{override}/assignments/{policy}", `{"policy":"{policy}","username":"secondary"}`},
	{"GET", "/api-public/v1/overrides/{override}/assignments/{policy}", ""},
	{"GET", "/api-public/v2/team/{team}/oncall/schedule", ""},
	{"GET", "/api-public/v2/user/you/oncall/schedule?step=1&daysForward=30", ""},
	{"DELETE", "/api-public/v1/overrides/{override}/assignments/{policy}", ""},
	{"DELETE", "/api-public/v1/overrides/{override}", ""},
	{"GET", "/api-public/v1/teams/{team}/rotations", ""},
	{"GET", "/api-public/v1/user", ""},
	{"GET", "/api-public/v1/user/you", ""},
	{"POST", "/api-public/v1/user", `{"firstName":"A","lastName":"B","username":"ab","email":"ab@example.test"}`},
	{"PUT", "/api-public/v1/user/ab", `{"firstName":"A","lastName":"C","username":"ab","email":"ab@example.test"}`},
	{"DELETE", "/api-public/v1/user/ab", `{"replacement":"you"}`},
	{"GET", "/api-public/v1/user/you/teams", ""},
	{"GET", "/api-public/v1/user/you/policies", ""},
	{"GET", "/api-public/v1/user/you/contact-methods", ""},
	{"GET", "/api-public/v1/user/you/contact-methods/devices", ""},
	{"GET", "/api-public/v1/user/you/contact-methods/devices/{device}", ""},
	{"PUT", "/api-public/v1/user/you/contact-methods/devices/{device}", `{"device_label":"x"}`},
	{"DELETE", "/api-public/v1/user/you/contact-methods/devices/{device}", ""},
	{"GET", "/api-public/v1/user/you/contact-methods/emails", ""},
	{"POST", "/api-public/v1/user/you/contact-methods/emails", `{"label":"l","email":"y@example.test","rank":1}`},
	{"GET", "/api-public/v1/user/you/contact-methods/emails/{email}", ""},
	{"DELETE", "/api-public/v1/user/you/contact-methods/emails/{email}", ""},
	{"GET", "/api-public/v1/user/you/contact-methods/phones", ""},
	{"POST", "/api-public/v1/user/you/contact-methods/phones", `{"label":"l","phone":"+1 555 0100"}`},
	{"GET", "/api-public/v1/user/you/contact-methods/phones/{phone}", ""},
	{"GET", "/api-public/v1/profile/you/policies", ""},
	{"POST", "/api-public/v1/profile/you/policies", `{"timeout":10,"rules":[{"type":"push","contact":{"id":0,"type":"phone"}}]}`},
	{"GET", "/api-public/v1/profile/you/policies/0", ""},
	{"PUT", "/api-public/v1/profile/you/policies/0", `{"timeout":5,"rules":[{"type":"push","contact":{"id":0,"type":"phone"}}]}`},
	{"POST", "/api-public/v1/profile/you/policies/0", `{"type":"push","contact":{"id":0,"type":"phone"}}`},
	{"GET", "/api-public/v1/profile/you/policies/0/1", ""},
	{"PUT", "/api-public/v1/profile/you/policies/0/1", `{"type":"push","contact":{"id":0,"type":"phone"}}`},
	{"DELETE", "/api-public/v1/profile/you/policies/0/1", ""},
	{"DELETE", "/api-public/v1/user/you/contact-methods/phones/{phone}", ""},
	{"GET", "/api-public/v1/policies/types/notifications", ""},
	{"GET", "/api-public/v1/policies/types/contacts", ""},
	{"GET", "/api-public/v1/policies/types/timeouts", ""},
	{"GET", "/api-public/v1/team", ""},
	{"GET", "/api-public/v1/team/{team}", ""},
	{"GET", "/api-public/v1/team/{team}/policies", ""},
	{"GET", "/api-public/v1/team/{team}/admins", ""},
	{"GET", "/api-public/v1/team/{team}/members", ""},
	{"POST", "/api-public/v1/team/{team}/members", `{"username":"noor"}`},
	{"DELETE", "/api-public/v1/team/{team}/members/noor", `{"replacement":"you"}`},
	{"GET", "/api-public/v1/policies", ""},
	{"GET", "/api-public/v1/policies/{policy}", ""},
	{"GET", "/api-public/v1/org/routing-keys", ""},
	{"POST", "/api-public/v1/org/routing-keys", `{"routingKey":"new","targets":["{policy}"]}`},
	{"GET", "/api-public/v1/webhooks", ""},
	{"GET", "/api-public/v1/maintenancemode", ""},
	{"POST", "/api-public/v1/maintenancemode/start", `{"type":"RoutingKeys","names":["ops"],"purpose":"p"}`},
	{"PUT", "/api-public/v1/maintenancemode/{maintenance}/end", ""},
}

// voLeftOut are operations of the document that the world does not have, as
// oncall does not call them.
var voLeftOut = []string{
	"DELETE /api-public/v1/policies/{policy}",
	"DELETE /api-public/v1/team/{team}",
	"GET /api-public/v1/team/{team}/oncall/schedule", // deprecated
	"GET /api-public/v1/user/{user}/oncall/schedule", // deprecated
	"PATCH /api-public/v1/team/{team}/oncall/user",   // deprecated
	"POST /api-public/v1/policies",
	"POST /api-public/v1/team",
	"POST /api-public/v1/user/batch",
	"PUT /api-public/v1/team/{team}",
}

func TestVictorOpsContract(t *testing.T) {
	t.Parallel()
	c := swagger2(t, judges.Contract(t, "victorops.yaml"))
	w, _ := openTest(t, Options{NoLimits: true})
	values := map[string]string{"team": voTeamOps, "policy": voPolPrimary}
	fill := func(s string) string {
		for k, v := range values {
			s = strings.ReplaceAll(s, "{"+k+"}", v)
		}
		return s
	}
	used := make([]bool, len(voKnownDefects))
	seen := map[string]bool{}
	for _, call := range voCalls {
		path, body := fill(call.path), fill(call.body)
		require.NotContains(t, path, "{", "nothing before gave the value")
		bare, _, _ := strings.Cut(path, "?")
		op, name := c.find(call.method, bare)
		require.NotNil(t, op, "%s %s is not in the document", call.method, bare)
		assert.Empty(t, c.judgeRequest(op, body), "request of %s", name)
		status, text := voDo(t, w, call.method, path, body)
		if status == 200 {
			seen[name] = true
		}
		for _, wrong := range c.judgeReply(op, status, text) {
			known := false
			for i, d := range voKnownDefects {
				if !known && glob(d.op, name) && glob(d.wrong, wrong) {
					known, used[i] = true, true
				}
			}
			assert.True(t, known, "%s: %s\n%s", name, wrong, text)
		}
		learn(t, values, text)
	}
	for i, d := range voKnownDefects {
		assert.True(t, used[i], "no reply shows this known defect any more: %s %s", d.op, d.wrong)
	}

	missing := []string{}
	for template, item := range c.doc.Paths.Map() {
		for method := range item.Operations() {
			if name := method + " " + template; !seen[name] {
				missing = append(missing, name)
			}
		}
	}
	slices.Sort(missing)
	assert.Equal(t, voLeftOut, missing, "operations of the document without a call that succeeded")
}

// learn picks identifiers out of replies for later calls.
func learn(t *testing.T, values map[string]string, text string) {
	t.Helper()
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			for key, as := range map[string]string{"firstAlertUuid": "alert", "publicId": "override", "instanceId": "maintenance"} {
				if s, ok := v[key].(string); ok {
					values[as] = s
				}
			}
			if ext, ok := v["extId"].(string); ok {
				if self, ok := v["_selfUrl"].(string); ok {
					for _, kind := range voContactKinds {
						if strings.Contains(self, "/"+kind+"/") {
							values[strings.TrimSuffix(kind, "s")] = ext
						}
					}
				}
			}
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(v)
}
