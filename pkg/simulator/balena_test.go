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

type balenaWorld struct {
	t *testing.T
	*World
	now *time.Time
}

func newBalenaWorld(t *testing.T) balenaWorld {
	t.Helper()
	w, now := clocked(t)
	return balenaWorld{t, w, now}
}

// do sends the query as it is given: nothing is escaped on the way.
func (b balenaWorld) do(method, path, body string, change ...func(*http.Request)) (int, string, http.Header) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, BaseURL+"/balena"+path, strings.NewReader(body))
	require.NoError(b.t, err)
	req.Header.Set("Authorization", "Bearer "+BalenaToken)
	for _, f := range change {
		f(req)
	}
	res, err := b.Transport().RoundTrip(req)
	require.NoError(b.t, err)
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return res.StatusCode, string(out), res.Header
}

func (b balenaWorld) rows(path string) []map[string]any {
	b.t.Helper()
	status, body, _ := b.do(http.MethodGet, path, "")
	require.Equal(b.t, 200, status, "%s: %s", path, body)
	var out struct {
		D []map[string]any `json:"d"`
	}
	require.NoError(b.t, json.Unmarshal([]byte(body), &out))
	require.NotNil(b.t, out.D, "an empty list is [], not null")
	return out.D
}

// names joins one field of the rows.
func (b balenaWorld) names(path, field string) string {
	b.t.Helper()
	words := []string{}
	for _, r := range b.rows(path) {
		text, _ := r[field].(string)
		words = append(words, text)
	}
	return strings.Join(words, " ")
}

func TestBalenaGrammar(t *testing.T) {
	t.Parallel()
	b := newBalenaWorld(t)
	for query, want := range map[string]string{
		"$select=slug": "balena-demo/jellyfish fleet-commons/weather-station",
		"%24select=slug&%24filter=slug%20eq%20%27balena-demo%2Fjellyfish%27":                                                    "balena-demo/jellyfish",
		"$select=slug&$filter=slug+eq+'balena-demo/jellyfish'":                                                                  "balena-demo/jellyfish",
		"$select=id,slug&$filter=is_directly_accessible_by__user/any(dau:1%20eq%201)":                                           "balena-demo/jellyfish",
		"$select=slug&$filter=is_directly_accessible_by__user/any(dau:true)":                                                    "balena-demo/jellyfish",
		"$select=slug&$filter=owns__device/any(d:d/device_name%20eq%20'reef-02')":                                               "balena-demo/jellyfish",
		"$select=slug&$filter=owns__device/any(d:d/device_name%20eq%20'reef-99')":                                               "",
		"$select=slug&$filter=not%20is_directly_accessible_by__user/any(u:1%20eq%201)":                                          "fleet-commons/weather-station",
		"$select=slug&$filter=slug%20eq%20'no%27%27body'%20or%20(is_archived%20eq%20false%20and%20app_name%20eq%20'jellyfish')": "balena-demo/jellyfish",
		"$select=slug&$filter=slug%20ne%20null&$orderby=slug%20desc":                                                            "fleet-commons/weather-station balena-demo/jellyfish",
		"$select=slug&$orderby=id&$skip=1&$top=5":                                                                               "balena-demo/jellyfish",
		"$select=slug&$top=0": "",
		"$select=slug&$filter=id%20gt%201500900%20and%20id%20le%201664001":                   "balena-demo/jellyfish",
		"$select=slug&$filter=should_be_running__release/raw_version%20eq%20'2.14.0%2Brev1'": "balena-demo/jellyfish",
		"$select=slug&$filter=startswith(slug,'fleet-')":                                     "fleet-commons/weather-station",
	} {
		assert.Equal(t, want, b.names("/v7/application?"+query, "slug"), query)
	}
	for _, query := range []string{
		"$select=id%2Cslug", "$expand=owns__device%28$select=id%29", "$filter=startswith%28slug,'a'%29", "$filter=startswith(slug%2C'a')",
		"$filter=is_directly_accessible_by__user%2Fany(dau:1%20eq%201)", "$filter=is_directly_accessible_by__user/any(dau%3A1%20eq%201)",
		"$filter=slug%20eq%20balena", "$filter=slug%20eq%20'a", "$filter=slug%20eq", "$filter=(id%20eq%201", "$orderby=slug%20up", "$top=x", "$top",
		"$select=nothing", "$filter=nothing%20eq%201", "$orderby=nothing", "$expand=nothing", "$expand=owns__device($select=nothing)", "$select=owns__device",
		"$filter=id%20eq%201%20and%20nothing%20eq%202", "$pretty=1", "$filter=" + strings.Repeat("(", 50) + "true" + strings.Repeat(")", 50),
		"$filter=" + strings.Repeat("not%20", 50) + "true", "apikey=x", "$select=", "$filter=",
	} {
		status, body, _ := b.do(http.MethodGet, "/v7/application?"+query, "")
		assert.Equal(t, 500, status, query)
		assert.Equal(t, "\"Server error\"\n", body, query)
	}
	for _, path := range []string{"/v7/nothing", "/v7/access", "/v7/application%2842%29", "/v7/application()", "/v7/application(slug=)", "/v7/application(nothing=1)", "/v7/release?$filter=belongs_to__application%20eq%201%20and%20nothing%20eq%201"} {
		status, _, _ := b.do(http.MethodGet, path, "")
		assert.Equal(t, 500, status, path)
	}
}

func FuzzBalenaQuery(f *testing.F) {
	f.Add("$select=id,slug&$filter=is_directly_accessible_by__user/any(dau:1%20eq%201)&$orderby=app_name%20asc&$top=3&$skip=1")
	f.Add("$expand=owns__device($select=is_online;$filter=is_online%20eq%20true),should_be_running__release($select=id)")
	f.Add("$filter=startswith(slug,'a''b%2F')%20or%20not%20(id%20ne%20-1)")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseOdata(raw)
		if err != nil {
			return
		}
		s := newState(testStart, []service{balenaService()})
		tables := part[balenaState](s).tables(s)
		rows, err := tables.query("application", tables["application"], nil, q)
		if err == nil {
			assert.LessOrEqual(t, len(rows), 2)
		}
	})
}

func TestBalenaKeysAndLinks(t *testing.T) {
	t.Parallel()
	b := newBalenaWorld(t)
	assert.Equal(t, "jellyfish", b.names("/v7/application(1664001)?$select=app_name", "app_name"))
	assert.Equal(t, "jellyfish", b.names("/v7/application(slug='balena-demo%2Fjellyfish')?$select=app_name", "app_name"))
	assert.Empty(t, b.rows("/v7/application(7)?$select=app_name"), "nothing found is 200 and []")

	all := b.rows("/v7/application(1664001)")[0]
	target, ok := all["should_be_running__release"].(map[string]any)
	require.True(t, ok, "a link that is not expanded is an object")
	assert.InDelta(t, 2801005, target["__id"], 0)
	assert.NotContains(t, all, "owns__device")

	f := b.rows("/v7/application(1664001)?$select=id&$expand=should_be_running__release($select=id,raw_version),owns__device($select=device_name;$filter=is_online%20eq%20false;$top=3)")[0]
	assert.Equal(t, []any{map[string]any{"id": 2801005.0, "raw_version": "2.14.0+rev1"}}, f["should_be_running__release"])
	assert.Equal(t, []any{map[string]any{"device_name": "reef-04"}}, f["owns__device"])

	r := b.rows("/v7/release?$select=raw_version,note&$expand=is_created_by__user($select=username)&$filter=raw_version%20eq%20'2.14.0'")
	require.Len(t, r, 1)
	assert.Equal(t, map[string]any{"raw_version": "2.14.0", "note": nil, "is_created_by__user": []any{}}, r[0], "a key made it")
	d := b.rows("/v7/device?$select=is_pinned_on__release&$filter=device_name%20eq%20'reef-01'")[0]
	assert.Nil(t, d["is_pinned_on__release"])
	assert.Contains(t, d, "is_pinned_on__release")
}

func TestBalenaReleasesOfTheFleet(t *testing.T) {
	t.Parallel()
	b := newBalenaWorld(t)
	const of = "/v7/release?$select=raw_version,semver&$filter=belongs_to__application%20eq%201664001"
	const trackable = "%20and%20is_final%20eq%20true%20and%20is_passing_tests%20eq%20true%20and%20is_invalidated%20eq%20false%20and%20status%20eq%20'success'&$orderby=start_timestamp%20desc"
	assert.Equal(t, "2.14.0+rev1 2.14.0 2.13.4", b.names(of+trackable, "raw_version"), "the three of the primer")
	assert.Equal(t, "2.14.0 2.14.0 2.13.4", b.names(of+trackable, "semver"))
	all := b.names(of+"&$orderby=created_at%20desc", "raw_version")
	assert.Regexp(t, `^2\.15\.0-\d{13} 2\.14\.1 2\.14\.0\+rev1 2\.14\.0 2\.13\.5 2\.13\.4$`, all)
}

func TestBalenaTokenAndRoutes(t *testing.T) {
	t.Parallel()
	b := newBalenaWorld(t)
	other := func(r *http.Request) { r.Header.Set("Authorization", "Bearer other") }
	for _, path := range []string{"/v7/application", "/actor/v1/whoami"} {
		status, body, _ := b.do(http.MethodGet, path, "", other)
		assert.Equal(t, 401, status)
		assert.Equal(t, "\"Unauthorized\"\n", body)
	}
	status, body, _ := b.do(http.MethodGet, "/actor/v1/whoami", "")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"id":4711,"actorType":"user","actorTypeId":301,"username":"you","email":"you@example.test"}`, body)
	status, _, _ = b.do(http.MethodGet, "/v8/application", "")
	assert.Equal(t, 404, status)
	for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
		status, _, _ = b.do(method, "/v7/application(1664001)", "{}")
		assert.Equal(t, 401, status, "a missing right is 401")
	}
	status, _, _ = b.do(http.MethodPatch, "/v7/release(2801005)", "{}")
	assert.Equal(t, 401, status)
}

func (b balenaWorld) target() (track bool, release string) {
	b.t.Helper()
	f := b.rows("/v7/application(1664001)?$select=should_track_latest_release&$expand=should_be_running__release($select=raw_version)")[0]
	track, _ = f["should_track_latest_release"].(bool)
	if rows, ok := f["should_be_running__release"].([]any); ok && len(rows) == 1 {
		r, _ := rows[0].(map[string]any)
		release, _ = r["raw_version"].(string)
	}
	return track, release
}

func TestBalenaPatch(t *testing.T) {
	t.Parallel()
	b := newBalenaWorld(t)
	const fleet = "/v7/application(1664001)"
	pin := func(id string) string {
		return `{"should_be_running__release":` + id + `,"should_track_latest_release":false}`
	}
	still := func(why string) {
		t.Helper()
		track, release := b.target()
		assert.True(t, track, why)
		assert.Equal(t, BalenaReleaseNewest, release, why)
	}
	for why, c := range map[string]struct {
		query, body string
		status      int
		text        string
	}{
		"a filter that does not match": {"?$filter=should_be_running__release%20eq%209002", pin("2801004"), 200, ""},
		"no target is not this one":    {"?$filter=should_be_running__release%20eq%20null", pin("2801004"), 200, ""},
		"a text for a number":          {"", pin(`"2801004"`), 400, `"\"should_be_running__release\" must be a number"` + "\n"},
		"a text for a boolean":         {"", `{"should_track_latest_release":"false"}`, 400, `"\"should_track_latest_release\" must be a boolean"` + "\n"},
		"null for a boolean":           {"", `{"should_track_latest_release":null}`, 400, `"\"should_track_latest_release\" must be a boolean"` + "\n"},
		"no JSON":                      {"", `{`, 400, "\"Bad request body\"\n"},
		"another fleet's release":      {"", pin("2801001"), 400, ""},
		"a failed build":               {"", pin("2801006"), 400, ""},
		"a field that is not there":    {"", `{"nothing":1}`, 500, "\"Server error\"\n"},
		"a filter that cannot be read": {"?$filter=should_be_running__release%20eq%20%28", pin("2801004"), 500, "\"Server error\"\n"},
		"an unknown field in a filter": {"?$filter=nothing%20eq%201", pin("2801004"), 500, "\"Server error\"\n"},
	} {
		status, body, _ := b.do(http.MethodPatch, fleet+c.query, c.body)
		assert.Equal(t, c.status, status, why)
		if c.text != "" {
			assert.Equal(t, c.text, body, why)
		}
		still(why)
	}
	_, body, _ := b.do(http.MethodPatch, fleet, pin("2801006"))
	assert.Contains(t, body, `has a status that is equal to \"success\" and belongs to the application`)

	for _, id := range []string{"2801003", "2801007"} { // invalidated, then a draft
		status, body, _ := b.do(http.MethodPatch, fleet, pin(id))
		assert.Equal(t, 200, status, id)
		assert.Empty(t, body)
		track, _ := b.target()
		assert.False(t, track, "the server takes it: %s", id)
	}
	status, body, _ := b.do(http.MethodPatch, fleet+"?$filter=should_be_running__release%20eq%202801007", `{"should_be_running__release":2801005,"should_track_latest_release":true}`)
	assert.Equal(t, 200, status)
	assert.Empty(t, body)
	still("put back")
	status, _, _ = b.do(http.MethodPatch, fleet, `{"should_be_running__release":null}`)
	assert.Equal(t, 200, status)
	_, release := b.target()
	assert.Empty(t, release)

	status, body, _ = b.do(http.MethodPatch, "/v7/application(1500900)", `{"should_track_latest_release":false}`)
	assert.Equal(t, 200, status, "no row of ours matches, which is no error")
	assert.Empty(t, body)
	assert.Equal(t, true, b.rows("/v7/application(1500900)")[0]["should_track_latest_release"])
}

// devices is the state of the fleet's devices, one word each.
func (b balenaWorld) devices() string {
	b.t.Helper()
	words := []string{}
	for _, d := range b.rows("/v7/device?$select=overall_status&$expand=is_running__release($select=raw_version)&$filter=belongs_to__application%20eq%201664001&$orderby=device_name%20asc") {
		running, _ := d["is_running__release"].([]any)
		r, _ := running[0].(map[string]any)
		status, _ := d["overall_status"].(string)
		version, _ := r["raw_version"].(string)
		words = append(words, status[:3]+":"+version)
	}
	return strings.Join(words, " ")
}

func TestBalenaDevicesFollow(t *testing.T) {
	t.Parallel()
	b := newBalenaWorld(t)
	assert.Equal(t, "ope:2.14.0+rev1 ope:2.14.0+rev1 ope:2.14.0+rev1 dis:2.14.0 ope:2.13.4 upd:2.14.0", b.devices())
	d := b.rows("/v7/device?$select=overall_progress,is_online,api_heartbeat_state&$expand=should_be_running__release($select=raw_version)&$orderby=device_name%20desc&$top=1")[0]
	assert.InDelta(t, 66, d["overall_progress"], 1)
	*b.now = b.now.Add(61 * time.Second)
	assert.Equal(t, "ope:2.14.0+rev1 ope:2.14.0+rev1 ope:2.14.0+rev1 dis:2.14.0 ope:2.13.4 ope:2.14.0+rev1", b.devices())

	status, _, _ := b.do(http.MethodPatch, "/v7/application(1664001)", `{"should_be_running__release":2801004,"should_track_latest_release":false}`)
	require.Equal(t, 200, status)
	assert.Equal(t, "upd:2.14.0+rev1 upd:2.14.0+rev1 upd:2.14.0+rev1 dis:2.14.0 ope:2.13.4 upd:2.14.0+rev1", b.devices(), "pinned is not running")
	*b.now = b.now.Add(2 * time.Second)
	assert.Equal(t, "ope:2.14.0 upd:2.14.0+rev1 upd:2.14.0+rev1 dis:2.14.0 ope:2.13.4 upd:2.14.0+rev1", b.devices())
	*b.now = b.now.Add(2 * time.Second)
	assert.Equal(t, "ope:2.14.0 ope:2.14.0 ope:2.14.0 dis:2.14.0 ope:2.13.4 ope:2.14.0", b.devices())
	// A device that is on its way turns round.
	status, _, _ = b.do(http.MethodPatch, "/v7/application(1664001)", `{"should_be_running__release":2801005}`)
	require.Equal(t, 200, status)
	status, _, _ = b.do(http.MethodPatch, "/v7/application(1664001)", `{"should_be_running__release":2801004}`)
	require.Equal(t, 200, status)
	assert.Equal(t, "ope:2.14.0 ope:2.14.0 ope:2.14.0 dis:2.14.0 ope:2.13.4 ope:2.14.0", b.devices())
}
