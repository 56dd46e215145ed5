package simulator

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func newNodePingAsker(t *testing.T, path string) *asker {
	t.Helper()
	return newAsker(t, "/nodeping/api/1"+path, map[string]string{"Authorization": basic(NodePingToken, "x")})
}

func (a *asker) npCheck(label, query string) map[string]any {
	a.t.Helper()
	for _, v := range a.json("GET", "/checks"+query, "") {
		if c := v.(map[string]any); c["label"] == label {
			return c
		}
	}
	require.Fail(a.t, "no check "+label)
	return nil
}

// Failures are a 200 with an error, all but a bad token (note 8).
func TestNodePingRefusesInItsOwnWay(t *testing.T) {
	t.Parallel()
	a := newNodePingAsker(t, "")
	for _, x := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", "/checks/nobody", "", 200, `{"error":"Unable to find that check"}`},
		{"PUT", "/checks/nobody", `{"mute":true}`, 200, `{"error":"Unable to find that check"}`},
		{"GET", "/results/nobody", "", 200, `{"error":`},
		{"DELETE", "/maintenance/nobody", "", 200, `{"error":`},
		{"POST", "/maintenance/ad-hoc", `{"name":"x"}`, 200, `{"error":`},
		{"GET", "/checks?customerid=20100101000099999", "", 200, `{"error":"Not authorized`},
		{"PUT", "/checks/x", `{`, 400, `{"error":`},
		{"GET", "/nothing", "", 501, `{"error":`},
	} {
		status, kind, text := a.ask(x.method, x.path, x.body)
		assert.Equal(t, x.status, status, "%s %s", x.method, x.path)
		assert.Contains(t, kind, "application/json")
		assert.Contains(t, text, x.text, "%s %s", x.method, x.path)
	}
	for _, head := range []map[string]string{nil, {"Authorization": basic("wrong", "x")}} {
		b := newAsker(t, "/nodeping/api/1", head)
		status, _, text := b.ask("GET", "/checks", "")
		assert.Equal(t, 403, status)
		assert.Contains(t, text, `{"error":`)
	}
	b := newAsker(t, "/nodeping/api/1", nil)
	status, _, _ := b.ask("GET", "/checks?token="+NodePingToken, "")
	assert.Equal(t, 200, status, "the token is taken from the query too")
}

// The odd types of the wire (note 2, note 3).
func TestNodePingOddTypes(t *testing.T) {
	t.Parallel()
	a := newNodePingAsker(t, "")
	seen := map[string]bool{}
	for _, v := range a.json("GET", "/checks?lastresult=1", "") {
		c := v.(map[string]any)
		if _, ok := c["state"]; !ok {
			seen["no state"] = true
		}
		if c["enable"] == "inactive" {
			seen["disabled"] = true
			assert.Equal(t, false, c["queue"])
			assert.EqualValues(t, 0, c["state"], "a stale one")
		}
		switch c["runlocations"].(type) {
		case string:
			seen["one location"] = true
		case []any:
			seen["locations"] = true
		}
		for _, how := range c["notifications"].([]any)[0].(map[string]any) {
			if _, ok := how.(string); ok {
				seen["old notification"] = true
			}
		}
		assert.IsType(t, "", c["parameters"].(map[string]any)["threshold"])
		if last, ok := c["lastresult"].(map[string]any); ok {
			seen["last"] = true
			assert.IsType(t, "", last["ra"], "a number as text")
			assert.IsType(t, 0.0, last["s"])
		}
	}
	for _, want := range []string{"no state", "disabled", "one location", "locations", "old notification", "last"} {
		assert.True(t, seen[want], want)
	}
	assert.NotContains(t, a.npCheck("api", ""), "lastresult", "when it is asked for")
}

func TestNodePingResultsFollowTheDeploy(t *testing.T) {
	t.Parallel()
	a := newNodePingAsker(t, "")
	api := a.npCheck("api", "")
	assert.EqualValues(t, 0, api["state"])
	assert.NotZero(t, api["firstdown"])
	rows := func(query string) []map[string]any {
		_, _, text := a.ask("GET", "/results/"+api["_id"].(string)+query, "")
		out := []map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(text), &out), text)
		return out
	}
	wrapped := rows("?limit=2")
	require.Len(t, wrapped, 2)
	assert.Contains(t, wrapped[0], "doc", "wrapped unless clean is asked for")
	assert.Contains(t, rows("?limit=1")[0], "_id", "one row alone is not")
	clean := rows("?limit=12&clean=true")
	require.Len(t, clean, 12)
	failed := 0
	for i, r := range clean {
		if i > 0 {
			assert.Less(t, r["s"], clean[i-1]["s"], "newest first")
		}
		if r["su"] == false {
			failed++
			assert.NotEmpty(t, r["m"])
			assert.Greater(t, len(r["l"].(map[string]any)), 1, "others asked again")
		}
	}
	assert.GreaterOrEqual(t, failed, 5)
	assert.Less(t, failed, 12, "the last place still gets through")
	assert.Len(t, rows("?span=1&clean=true"), 60)

	up := a.json("GET", "/results/uptime/"+api["_id"].(string)+"?interval=days", "")
	assert.Contains(t, up, "total")
	assert.IsType(t, "", up["total"].(map[string]any)["down"], "a number as text")
	assert.Less(t, up["2026-03-04"].(map[string]any)["uptime"], 100.0)
}

// An update may be answered with the record as it was (note 8); a mute ends by
// itself where it has an end, and maintenance switches the check off.
func TestNodePingChanges(t *testing.T) {
	t.Parallel()
	a := newNodePingAsker(t, "")
	id := a.npCheck("api", "")["_id"].(string)
	until := float64(a.clock().Add(time.Hour).UnixMilli())
	stale := 0
	for range 4 {
		for _, mute := range []any{until, true, false} {
			body, err := json.Marshal(map[string]any{"mute": mute})
			require.NoError(t, err)
			if got := a.json("PUT", "/checks/"+id, string(body)); got["mute"] != mute {
				stale++
			}
			assert.Equal(t, mute, a.json("GET", "/checks/"+id, "")["mute"], "it is so all the same")
		}
	}
	assert.Equal(t, 6, stale, "every second answer is the old record")

	got := a.json("POST", "/maintenance/ad-hoc", `{"name":"upgrade","duration":30,"checklist":["`+id+`"],"enabled":true}`)
	assert.Equal(t, true, got["ok"])
	assert.Len(t, got, 3, "the new id stands beside flags")
	var window string
	for k, v := range got {
		if _, ok := v.(map[string]any); ok {
			window = k
		}
	}
	assert.Equal(t, "inactive", a.json("GET", "/checks/"+id, "")["enable"])
	assert.Equal(t, true, a.json("GET", "/maintenance", "")[window].(map[string]any)["processing"])
	a.pass(30 * time.Minute)
	assert.Equal(t, "active", a.json("GET", "/checks/"+id, "")["enable"])
	assert.NotContains(t, a.json("GET", "/maintenance", ""), window, "one that happens once vanishes")
}
