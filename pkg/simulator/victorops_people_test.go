package simulator

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVictorOpsOnCall(t *testing.T) {
	t.Parallel()
	w, clock := openTest(t, Options{NoLimits: true})
	_, text := voDo(t, w, "GET", "/api-public/v1/oncall/current", "")
	assert.Contains(t, text, `"oncallNow"`)
	assert.Contains(t, text, `"onCalluser":{"username":"you"}`)
	assert.Contains(t, text, `"users":[]`, "Support is not covered")

	path := "/api-public/v2/team/" + voTeamOps + "/oncall/schedule?daysForward=30"
	entry := dig(t, voOK(t, w, "GET", path, ""), "schedules", 0, "schedule", 0)
	assert.Equal(t, "rotation_group", dig(t, entry, "onCallType"))
	assert.Equal(t, "2026-02-27T09:00:00+02:00", dig(t, entry, "rolls", 0, "start"))
	assert.Equal(t, "2026-03-06T09:00:00+02:00", dig(t, entry, "rolls", 0, "end"))
	assert.Equal(t, "secondary", dig(t, entry, "rolls", 1, "onCallUser", "username"))
	assert.Equal(t, "2026-04-03T09:00:00+03:00", dig(t, entry, "rolls", 4, "end"), "nine o'clock in summer time too")
	step := dig(t, voOK(t, w, "GET", path+"&step=2", ""), "schedules", 0, "schedule", 0)
	assert.Equal(t, map[string]any{"onCallType": "user", "onCallUser": map[string]any{"username": "manager"}, "rolls": []any{}}, step)
	mine := voOK(t, w, "GET", "/api-public/v2/user/you/oncall/schedule?daysForward=30", "")
	for _, r := range dig(t, mine, "teamSchedules", 0, "schedules", 0, "schedule", 0, "rolls").([]any) {
		assert.Equal(t, "you", dig(t, r, "onCallUser", "username"))
	}

	take := "/api-public/v1/policies/" + voPolPrimary + "/oncall/user"
	status, _ := voDo(t, w, "PATCH", take, `{"fromUser":"noor","toUser":"you"}`)
	assert.Equal(t, 400, status, "noor is not on call here")
	assert.Equal(t, map[string]any{"result": "ok"}, voOK(t, w, "PATCH", take, `{"fromUser":"you","toUser":"manager"}`))
	clock.pass(time.Minute)
	now := voOK(t, w, "GET", "/api-public/v1/oncall/current", "")
	assert.Equal(t, "manager", dig(t, now, "teamsOnCall", 0, "oncallNow", 0, "users", 0, "onCalluser", "username"))
	assert.Equal(t, "you", dig(t, now, "teamsOnCall", 0, "oncallNow", 1, "users", 0, "onCalluser", "username"), "the other policy is untouched")
	entry = dig(t, voOK(t, w, "GET", path, ""), "schedules", 0, "schedule", 0)
	assert.Equal(t, "manager", dig(t, entry, "overrideOnCallUser", "username"))
	assert.Equal(t, "you", dig(t, entry, "onCallUser", "username"))
	voOK(t, w, "PATCH", take, `{"fromUser":"manager","toUser":"you"}`)
	now = voOK(t, w, "GET", "/api-public/v1/oncall/current", "")
	assert.Equal(t, "you", dig(t, now, "teamsOnCall", 0, "oncallNow", 0, "users", 0, "onCalluser", "username"), "taken back")
}

func TestVictorOpsOverrides(t *testing.T) {
	t.Parallel()
	w, clock := openTest(t, Options{NoLimits: true})
	create := func(start, end string) (int, string) {
		return voDo(t, w, "POST", "/api-public/v1/overrides", `{"username":"you","timezone":"Europe/Athens","start":"`+start+`","end":"`+end+`"}`)
	}
	status, text := create("2026-03-04T03:40:00Z", "2026-03-04T08:00:00Z")
	assert.Equal(t, 422, status, text)
	assert.Contains(t, text, "30 minutes")
	status, first := create("2026-03-04T04:00:00Z", "2026-03-04T08:00:00Z")
	require.Equal(t, 200, status)
	status, second := create("2026-03-20T04:00:00Z", "2026-03-20T08:00:00Z")
	require.Equal(t, 200, status)
	keys := []string{}
	var id string
	for _, text := range []string{first, second} {
		out := map[string]map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(text), &out))
		for k, o := range out {
			keys = append(keys, k)
			if id == "" {
				id = o["publicId"].(string)
			}
		}
	}
	slices.Sort(keys)
	assert.Equal(t, []string{"override", "schedule"}, keys, "both forms are on the wire")
	assert.Regexp(t, `^ovrprd-\w{16}$`, id)

	now := func() any {
		return dig(t, voOK(t, w, "GET", "/api-public/v1/oncall/current", ""), "teamsOnCall", 0, "oncallNow", 0, "users", 0, "onCalluser", "username")
	}
	clock.pass(time.Hour)
	assert.Equal(t, "you", now(), "until a policy is assigned the person away stays on duty")
	one := voOK(t, w, "GET", "/api-public/v1/overrides/"+id+"/assignments/"+voPolPrimary, "")
	assert.Equal(t, false, one["assigned"])
	one = voOK(t, w, "PUT", "/api-public/v1/overrides/"+id+"/assignments/"+voPolPrimary, `{"policy":"`+voPolPrimary+`","username":"secondary"}`)
	assert.Equal(t, true, one["assigned"])
	assert.Equal(t, "secondary", now())
	clock.pass(5 * time.Hour)
	assert.Equal(t, "you", now(), "it is over")
	list := voOK(t, w, "GET", "/api-public/v1/overrides", "")["overrides"].([]any)
	assert.Len(t, list, 1)
	status, text = voDo(t, w, "DELETE", "/api-public/v1/overrides/"+id, "")
	assert.Equal(t, 200, status)
	assert.Empty(t, text)
	status, _ = voDo(t, w, "GET", "/api-public/v1/overrides/"+id, "")
	assert.Equal(t, 404, status)
}

func TestVictorOpsPeople(t *testing.T) {
	t.Parallel()
	w, _ := openTest(t, Options{NoLimits: true})
	assert.Len(t, dig(t, voOK(t, w, "GET", "/api-public/v1/user", ""), "users", 0), 6, "v1 nests the list")
	assert.Len(t, dig(t, voOK(t, w, "GET", "/api-public/v2/user?email=YOU@example.test", ""), "users"), 1)

	you := voOK(t, w, "GET", "/api-public/v1/user/you/contact-methods", "")
	assert.Equal(t, "verified", dig(t, you, "phones", "contactMethods", 0, "verified"))
	assert.Equal(t, "iPhone", dig(t, you, "devices", "contactMethods", 0, "deviceType"))
	manager := voOK(t, w, "GET", "/api-public/v1/user/manager/contact-methods", "")
	assert.Equal(t, "unverified", dig(t, manager, "phones", "contactMethods", 0, "verified"))
	assert.Empty(t, dig(t, manager, "devices", "contactMethods"))

	added := voOK(t, w, "POST", "/api-public/v1/user/manager/contact-methods/phones", `{"label":"Work","phone":"+1 555 0100"}`)
	assert.Equal(t, "+1 555 0100", added["value"], "sent as phone, read as value")
	ext := added["extId"].(string)
	status, _ := voDo(t, w, "DELETE", "/api-public/v1/user/manager/contact-methods/phones/"+ext, "")
	assert.Equal(t, 200, status)
	status, _ = voDo(t, w, "GET", "/api-public/v1/user/manager/contact-methods/phones/"+ext, "")
	assert.Equal(t, 404, status)

	policy := voOK(t, w, "GET", "/api-public/v1/profile/you/policies", "")
	assert.Equal(t, "push", dig(t, policy, "steps", 0, "rules", 0, "type"))
	phone := int(dig(t, you, "phones", "contactMethods", 0, "id").(float64))
	assert.InDelta(t, phone, dig(t, policy, "steps", 1, "rules", 0, "contact", "id"), 0)
	out := voOK(t, w, "PUT", "/api-public/v1/profile/you/policies/0", `{"timeout":10,"rules":[]}`)
	assert.Empty(t, dig(t, out, "step", "rules"), "rules that are not sent are lost")
	status, _ = voDo(t, w, "POST", "/api-public/v1/profile/you/policies", `{"timeout":7,"rules":[]}`)
	assert.Equal(t, 400, status)
	types := voOK(t, w, "GET", "/api-public/v1/policies/types/timeouts", "")
	assert.Equal(t, "10", dig(t, types, "timeoutTypes", 2, "type"), "a number in a string")
}
