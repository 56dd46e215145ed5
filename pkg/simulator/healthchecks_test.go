package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asker asks one service of a world as a foreign client would.
type asker struct {
	t    *testing.T
	w    *World
	base string
	head map[string]string

	mu  sync.Mutex // another program's requests read the time as well
	now time.Time
}

func (a *asker) clock() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *asker) pass(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
}

func newAsker(t *testing.T, base string, head map[string]string) *asker {
	t.Helper()
	a := &asker{t: t, now: time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC), base: BaseURL + base, head: head}
	w, err := Open(Options{Now: a.clock, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	a.w = w
	return a
}

// ask returns status, Content-Type and body; a redirect is not followed.
func (a *asker) ask(method, path, body string) (status int, kind, text string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	require.NoError(a.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range a.head {
		req.Header.Set(k, v)
	}
	res, err := a.w.Transport().RoundTrip(req)
	require.NoError(a.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(a.t, err)
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

func (a *asker) json(method, path, body string) map[string]any {
	a.t.Helper()
	status, _, text := a.ask(method, path, body)
	require.Less(a.t, status, 300, text)
	v := map[string]any{}
	require.NoError(a.t, json.Unmarshal([]byte(text), &v), text)
	return v
}

func (a *asker) hcCheck(version, name string) map[string]any {
	a.t.Helper()
	for _, v := range a.json("GET", "/api/"+version+"/checks/", "")["checks"].([]any) {
		if c := v.(map[string]any); c["name"] == name {
			return c
		}
	}
	require.Fail(a.t, "no check "+name)
	return nil
}

func keyed(key string) map[string]string { return map[string]string{"X-Api-Key": key} }

// The table of statuses, bodies and slashes (note 2, note 5).
func TestHealthchecksAnswersAsTheContractSays(t *testing.T) {
	t.Parallel()
	id := "/api/v3/checks/" + HcUUID(CheckE2E)
	for _, x := range []struct {
		key, method, path, body string
		status                  int
		kind, text              string
	}{
		{HealthchecksAPIKey, "GET", "/api/v3/checks/", "", 200, "application/json", `"uuid":`},
		{HealthchecksAPIKey, "GET", "/api/v3/checks", "", 301, "", ""},
		{HealthchecksAPIKey, "POST", "/api/v3/checks", "{}", 301, "", ""},
		{HealthchecksAPIKey, "GET", id + "/pings", "", 301, "", ""},
		{HealthchecksAPIKey, "HEAD", "/api/v3/checks/", "", 405, "", ""},
		{HealthchecksAPIKey, "GET", id + "/", "", 404, "text/html", "<"},
		{HealthchecksAPIKey, "GET", strings.ToUpper(id), "", 404, "text/html", "<"},
		{HealthchecksAPIKey, "GET", "/api/v3/checks/" + strings.ToUpper(HcUUID(CheckE2E)), "", 404, "text/html", "<"},
		{HealthchecksAPIKey, "GET", "/api/v4/checks/", "", 404, "text/html", "<"},
		{HealthchecksAPIKey, "GET", id + "/pause", "", 405, "", ""},
		{HealthchecksAPIKey, "POST", id + "/pause", "null", 400, "application/json", `{"error":"could not parse request body"}`},
		{HealthchecksAPIKey, "POST", id + "/resume", "{}", 409, "text/", "check is not paused"},
		{HealthchecksAPIKey, "GET", id + "/flips/?start=1.5", "", 400, "", ""},
		{HealthchecksAPIKey, "GET", id + "/pings/999999/body", "", 404, "text/html", "<"},
		{"", "GET", "/api/v3/checks/", "", 401, "application/json", `{"error":"missing api key"}`},
		{"short", "GET", "/api/v3/checks/", "", 401, "application/json", `{"error":"missing api key"}`},
		{"hcw_demodemodemodemodemodemodem0", "GET", "/api/v3/checks/", "", 401, "application/json", `{"error":"wrong api key"}`},
		{HealthchecksReadOnlyKey, "GET", id, "", 200, "application/json", `"unique_key":`},
		{HealthchecksReadOnlyKey, "GET", id + "/flips/", "", 200, "application/json", `{"flips":[`},
		{HealthchecksReadOnlyKey, "GET", id + "/pings/", "", 401, "application/json", `{"error":"wrong api key"}`},
		{HealthchecksReadOnlyKey, "GET", "/api/v3/channels/", "", 401, "application/json", `{"error":"wrong api key"}`},
		{HealthchecksReadOnlyKey, "POST", id + "/pause", "{}", 401, "application/json", `{"error":"wrong api key"}`},
		{"", "GET", "/api/v3/status/", "", 200, "text/", "OK"},
	} {
		a := newAsker(t, "/healthchecks", keyed(x.key))
		status, kind, text := a.ask(x.method, x.path, x.body)
		assert.Equal(t, x.status, status, "%s %s", x.method, x.path)
		assert.True(t, strings.HasPrefix(kind, x.kind), "%s %s: %s", x.method, x.path, kind)
		assert.Contains(t, text, x.text, "%s %s", x.method, x.path)
		if x.status == 405 || x.status == 400 && x.text == "" {
			assert.Empty(t, text, "%s %s", x.method, x.path)
		}
	}
}

func TestHealthchecksHidesWhatAReadOnlyKeyMayNotSee(t *testing.T) {
	t.Parallel()
	a := newAsker(t, "/healthchecks", keyed(HealthchecksReadOnlyKey))
	c := a.hcCheck("v3", CheckE2E)
	for _, hidden := range []string{"uuid", "ping_url", "update_url", "pause_url", "resume_url", "channels"} {
		assert.NotContains(t, c, hidden)
	}
	assert.Len(t, c["unique_key"], 40)
	got := a.json("GET", "/api/v3/checks/"+c["unique_key"].(string), "")
	assert.Equal(t, CheckE2E, got["name"])
	a.head = keyed(HealthchecksAPIKey)
	full := a.hcCheck("v3", CheckE2E)
	assert.NotContains(t, full, "unique_key")
	status, _, _ := a.ask("GET", "/api/v3/checks/"+c["unique_key"].(string)+"/pings/", "")
	assert.Equal(t, 404, status, "pings are listed by UUID alone")
	cron := a.hcCheck("v3", "database backup")
	assert.NotContains(t, cron, "timeout")
	assert.NotContains(t, full, "schedule", "one or the other")
}

// A job's life as the checks tell it (note 3), and as the versions do (note 1).
func TestHealthchecksLifeOfAJob(t *testing.T) {
	t.Parallel()
	a := newAsker(t, "/healthchecks", keyed(HealthchecksAPIKey))
	ping := func(tail, body string) (int, string) {
		t.Helper()
		p := &asker{t: t, w: a.w, base: BaseURL + "/hc-ping"}
		status, _, text := p.ask("POST", "/"+HcUUID(CheckE2E)+tail, body)
		return status, text
	}
	state := func(version string) string {
		c := a.hcCheck(version, CheckE2E)
		return c["status"].(string)
	}
	assert.Equal(t, "down", state("v3"))
	status, text := ping("/start", "")
	assert.Equal(t, 200, status)
	assert.Equal(t, "OK", text)
	c := a.hcCheck("v3", CheckE2E)
	assert.Equal(t, "down", c["status"], "down and started is normal")
	assert.Equal(t, true, c["started"])
	assert.Equal(t, "started", state("v1"), "which version 1 hides")
	before := c["last_ping"]
	_, _ = ping("/log", "a word")
	assert.Equal(t, before, a.hcCheck("v3", CheckE2E)["last_ping"], "a start and a log do not move it")
	_, _ = ping("", "")
	c = a.hcCheck("v3", CheckE2E)
	assert.Equal(t, "up", c["status"])
	assert.NotEqual(t, before, c["last_ping"])
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`, c["last_ping"])
	assert.NotNil(t, c["next_ping"])
	_, _ = ping("/3", "no space left")
	c = a.hcCheck("v3", CheckE2E)
	assert.Equal(t, "down", c["status"])
	assert.Nil(t, c["next_ping"])
	n := int(c["n_pings"].(float64))
	pings := a.json("GET", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pings/", "")["pings"].([]any)
	newest := pings[0].(map[string]any)
	assert.Equal(t, "fail", newest["type"], "which code is not told")
	assert.EqualValues(t, n, newest["n"])
	_, _, body := a.ask("GET", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pings/"+jsonNumber(newest["n"])+"/body", "")
	assert.Equal(t, "no space left", body)
	flips := a.json("GET", "/api/v3/checks/"+HcUUID(CheckE2E)+"/flips/", "")["flips"].([]any)
	assert.EqualValues(t, 0, flips[0].(map[string]any)["up"])
	assert.EqualValues(t, 1, flips[1].(map[string]any)["up"])

	c = a.json("POST", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pause", "{}")
	assert.Equal(t, "paused", c["status"])
	c = a.json("POST", "/api/v3/checks/"+HcUUID(CheckE2E)+"/resume", "")
	assert.Equal(t, "new", c["status"])
	assert.Nil(t, c["last_ping"])
	assert.EqualValues(t, n, c["n_pings"], "it remembers how many")
	_ = a.json("POST", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pause", "{}")
	_, _ = ping("/fail", "")
	assert.Equal(t, "down", state("v3"), "a failure ends a pause too")

	for tail, want := range map[string]string{"/256": "invalid url format", "/-1": "invalid url format", "/x": "invalid url format", "?rid=7": "invalid uuid format"} {
		status, text := ping(tail, "")
		assert.Equal(t, 400, status, tail)
		assert.Equal(t, want, text, tail)
	}
	require.NoError(t, a.w.update(func(s *State) error {
		for _, k := range part[healthchecksState](s).Checks {
			if k.Name == "certificate renewal" {
				k.Slug = "certificate-renewal" // two of one name
			}
		}
		return nil
	}))
	p := &asker{t: t, w: a.w, base: BaseURL + "/hc-ping"}
	for path, want := range map[string]int{"/" + HcUUID("nobody"): 404, "/" + HealthchecksPingKey + "/certificate-renewal": 409, "/" + HealthchecksPingKey + "/nobody": 404, "/" + HealthchecksPingKey + "/e2e-hourly": 200} {
		status, _, text := p.ask("GET", path, "")
		assert.Equal(t, want, status, "%s: %s", path, text)
	}
}

// Late and down come with the time alone, and a run that does not end is down
// within its period.
func TestHealthchecksByTheClock(t *testing.T) {
	t.Parallel()
	a := newAsker(t, "/healthchecks", keyed(HealthchecksAPIKey))
	p := &asker{t: t, w: a.w, base: BaseURL + "/hc-ping"}
	_, _, _ = p.ask("POST", "/"+HcUUID(CheckE2E), "")
	for after, want := range map[time.Duration]string{time.Hour - time.Second: "up", time.Hour: "grace", 2*time.Hour - time.Second: "grace", 2 * time.Hour: "down"} {
		b := newAsker(t, "/healthchecks", keyed(HealthchecksAPIKey))
		q := &asker{t: t, w: b.w, base: BaseURL + "/hc-ping"}
		_, _, _ = q.ask("POST", "/"+HcUUID(CheckE2E), "")
		b.pass(after)
		assert.Equal(t, want, b.hcCheck("v3", CheckE2E)["status"], "%s", after)
	}
	_, _, _ = p.ask("POST", "/"+HcUUID(CheckE2E)+"/start", "")
	a.pass(time.Hour)
	assert.Equal(t, "down", a.hcCheck("v3", CheckE2E)["status"], "started and not ended within the time of grace")
}

func jsonNumber(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
