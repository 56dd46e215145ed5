package statuspage_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// simulated is the demo's page behind the judge: client and simulator are held
// against the vendor's description at once.
type simulated struct {
	*statuspage.Client
	t     *testing.T
	judge *judge
	base  string

	mu  sync.Mutex
	now time.Time
}

func simulate(t *testing.T, noLimits bool) *simulated {
	t.Helper()
	s := &simulated{t: t, now: time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC), judge: newJudge(t, http.DefaultTransport)}
	w, err := simulator.Open(simulator.Options{Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }, NoLimits: noLimits})
	require.NoError(t, err)
	srv := httptest.NewServer(http.StripPrefix("/base", w.Handler()))
	t.Cleanup(func() { srv.Close(); _ = w.Close() })
	s.base = srv.URL + "/base/statuspage"
	s.Client, err = statuspage.New(statuspage.Config{HTTP: httpx.Config{BaseURL: s.base, Transport: s.judge, Retry: httpx.RetryPolicy{Max: -1}},
		APIKey: secret.New(simulator.StatuspageKey), PageID: simulator.StatuspagePage, PublicURL: s.base})
	require.NoError(t, err)
	return s
}

func (s *simulated) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// raw sends a request past the client, judged all the same.
func (s *simulated) raw(method, path, body string, auth ...string) (int, string, http.Header) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Authorization", "OAuth "+simulator.StatuspageKey)
	if len(auth) > 0 {
		req.Header.Set("Authorization", auth[0])
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{}).Do(req)
	require.NoError(s.t, err)
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	return res.StatusCode, string(out), res.Header
}

func (s *simulated) componentNamed(name string) statuspage.Component {
	s.t.Helper()
	for c, err := range s.Components(s.t.Context()) {
		require.NoError(s.t, err)
		if c.Name == name {
			return c
		}
	}
	require.FailNow(s.t, "no component "+name)
	return statuspage.Component{}
}

func TestTheSimulatedPageKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := simulate(t, true)
	ctx := t.Context()
	api := s.componentNamed("API")
	group, err := s.Component(ctx, api.GroupID)
	require.NoError(t, err)
	assert.True(t, group.IsGroup())
	assert.Len(t, group.Children, 6)
	groups, err := statuspage.Collect(s.Groups(ctx))
	require.NoError(t, err)
	require.Len(t, groups, 1)

	in, err := s.CreateIncident(ctx, statuspage.IncidentWrite{Name: new("API errors"), Body: new("We look."), ComponentIDs: []string{api.ID},
		Components: map[string]statuspage.ComponentStatus{api.ID: statuspage.PartialOutage}, Metadata: statuspage.Metadata{"oncall": json.RawMessage(`{"a":1}`)}})
	require.NoError(t, err)
	assert.Equal(t, statuspage.Investigating, in.Status)
	assert.Equal(t, statuspage.ImpactMajor, in.Impact, "computed")
	assert.Equal(t, statuspage.PartialOutage, s.componentNamed("API").Status)
	require.Len(t, in.Updates, 1)
	assert.True(t, in.Updates[0].DeliverNotifications, "the default")
	assert.Equal(t, statuspage.Operational, in.Updates[0].AffectedComponents[0].OldStatus)

	in, err = s.UpdateIncident(ctx, in.ID, statuspage.IncidentWrite{Metadata: statuspage.Metadata{"oncall": json.RawMessage(`{"b":2}`)}, DeliverNotifications: new(false)})
	require.NoError(t, err)
	assert.Len(t, in.Updates, 1, "metadata alone posts nothing")
	assert.JSONEq(t, `{"b":2}`, string(in.Metadata["oncall"]))

	in, err = s.UpdateIncident(ctx, in.ID, statuspage.IncidentWrite{Status: new(statuspage.Resolved), Body: new("Over.")})
	require.NoError(t, err)
	assert.False(t, in.ResolvedAt.IsZero())
	assert.Equal(t, statuspage.PartialOutage, s.componentNamed("API").Status, "components stay as they are on resolve")
	newest, _ := in.LastUpdate()
	assert.Equal(t, "Over.", newest.Body)
	assert.Equal(t, "Over.", in.Updates[0].Body, "newest first")
	assert.Equal(t, statuspage.PartialOutage, newest.AffectedComponents[0].OldStatus)

	upd, err := s.EditUpdate(ctx, in.ID, in.Updates[0].ID, statuspage.UpdateWrite{Body: new("It is over.")})
	require.NoError(t, err)
	assert.Equal(t, "It is over.", upd.Body)

	_, err = s.Postmortem(ctx, in.ID)
	require.ErrorIs(t, err, apierr.ErrNotFound)
	_, err = s.DraftPostmortem(ctx, in.ID, "## What happened")
	require.NoError(t, err)
	pm, err := s.PublishPostmortem(ctx, in.ID, statuspage.PostmortemPublish{})
	require.NoError(t, err)
	assert.Equal(t, "## What happened", pm.Body)
	in, err = s.Incident(ctx, in.ID)
	require.NoError(t, err)
	assert.Equal(t, statuspage.Postmortemed, in.Status)
	assert.False(t, in.PostmortemPublishedAt.IsZero())
	_, err = s.RevertPostmortem(ctx, in.ID)
	require.NoError(t, err)

	_, err = s.UpdateComponent(ctx, api.ID, statuspage.ComponentWrite{Status: new(statuspage.Operational)})
	require.NoError(t, err)
	templates, err := statuspage.Collect(s.Templates(ctx))
	require.NoError(t, err)
	assert.NotEmpty(t, templates)
	n, err := s.SubscriberCount(ctx)
	require.NoError(t, err)
	assert.Equal(t, 1204, n.Total())
	pages, err := s.Pages(ctx)
	require.NoError(t, err)
	require.Len(t, pages, 1)
	_, err = s.Page(ctx)
	require.NoError(t, err)
	for _, v := range []statuspage.View{statuspage.Unresolved, statuspage.ScheduledView, statuspage.Upcoming, statuspage.ActiveMaintenance} {
		_, err = statuspage.Collect(s.IncidentsIn(ctx, v))
		require.NoError(t, err, v)
	}
	all, err := statuspage.Collect(s.Incidents(ctx, ""))
	require.NoError(t, err)
	assert.Greater(t, len(all), 4)
	found, err := statuspage.Collect(s.Incidents(ctx, "failover"))
	require.NoError(t, err)
	assert.Len(t, found, 1)
	for name, ops := range directives(t) {
		for _, op := range ops {
			assert.NotZero(t, s.judge.seen[op], "%s: the simulator was not asked for %s", name, op)
		}
	}
}

func TestTheSimulatedPageMovesMaintenanceByTheClock(t *testing.T) {
	t.Parallel()
	s := simulate(t, true)
	start := s.now.Add(2 * time.Hour)
	registry := s.componentNamed("Registry")
	in, err := s.CreateIncident(t.Context(), statuspage.IncidentWrite{Name: new("Upgrade"), Status: new(statuspage.Scheduled), ComponentIDs: []string{registry.ID},
		ScheduledFor: statuspage.At(start), ScheduledUntil: statuspage.At(start.Add(time.Hour)), ScheduledRemindPrior: new(true), ScheduledAutoProgress: new(true),
		ScheduledAutoCompleted: new(true), AutoToMaintenance: new(true), AutoToOperational: new(true)})
	require.NoError(t, err)
	assert.Equal(t, statuspage.ImpactMaintenance, in.Impact)
	assert.Equal(t, statuspage.Operational, s.componentNamed("Registry").Status)
	s.advance(90 * time.Minute)
	in, err = s.Incident(t.Context(), in.ID)
	require.NoError(t, err)
	assert.True(t, in.ScheduledRemindedAt.Equal(start.Add(-time.Hour)))
	s.advance(time.Hour)
	in, err = s.Incident(t.Context(), in.ID)
	require.NoError(t, err)
	assert.Equal(t, statuspage.InProgress, in.Status)
	assert.Equal(t, statuspage.UnderMaintenance, s.componentNamed("Registry").Status)
	s.advance(5 * time.Hour)
	in, err = s.Incident(t.Context(), in.ID)
	require.NoError(t, err)
	assert.Equal(t, statuspage.Completed, in.Status)
	assert.True(t, in.ResolvedAt.Equal(start.Add(time.Hour)), "at its own time: %s", in.ResolvedAt)
	assert.Equal(t, statuspage.Operational, s.componentNamed("Registry").Status)
}

func TestTheSimulatedPageRefusesAsTheVendorDoes(t *testing.T) {
	t.Parallel()
	s := simulate(t, true)
	const root = "/pages/" + simulator.StatuspagePage
	api := s.componentNamed("API")
	for name, tc := range map[string]struct {
		method, path, body, auth string
		status                   int
		reply                    string
	}{
		"Bearer":                 {"GET", "/pages", "", "Bearer " + simulator.StatuspageKey, 401, `{"error":"Could not authenticate"}`},
		"wrong key":              {"GET", "/pages", "", "OAuth x", 401, `{"error":"Could not authenticate"}`},
		"lower case":             {"GET", "/pages.json", "", "oauth " + simulator.StatuspageKey, 200, ""},
		"another page":           {"GET", "/pages/aaaaaaaaaaaa/components?page=1", "", "", 401, `{"error":"Could not authenticate"}`},
		"no incident":            {"GET", root + "/incidents/aaaaaaaaaaaa", "", "", 404, `{"error":"Incident not found"}`},
		"no name":                {"POST", root + "/incidents", `{"incident":{"body":"x"}}`, "", 422, `{"error":{"name":["can't be blank"]}}`},
		"blank name":             {"POST", root + "/incidents", `{"incident":{"name":" "}}`, "", 422, `{"error":{"name":["can't be blank"]}}`},
		"long name":              {"POST", root + "/incidents", `{"incident":{"name":"` + strings.Repeat("x", 256) + `"}}`, "", 422, `{"error":{"name":["is too long (maximum is 255 characters)"]}}`},
		"long body":              {"POST", root + "/incidents", `{"incident":{"name":"x","body":"` + strings.Repeat("x", 25001) + `"}}`, "", 422, `{"error":{"body":["is too long (maximum is 25000 characters)"]}}`},
		"null":                   {"POST", root + "/incidents", `{"incident":{"name":"x","components":null}}`, "", 422, `{"error":{"components":["is invalid"]}}`},
		"a human word":           {"PATCH", root + "/components/" + api.ID, `{"component":{"status":"partial outage"}}`, "", 422, `{"error":{"status":["is not included in the list"]}}`},
		"a group":                {"PATCH", root + "/components/" + api.GroupID, `{"component":{"status":"major_outage"}}`, "", 422, `{"error":{"status":["of a group cannot be set"]}}`},
		"no object of objects":   {"POST", root + "/incidents", `{"incident":{"name":"x","metadata":{"a":1}}}`, "", 422, `{"error":{"metadata":["top level values must be objects"]}}`},
		"unwrapped":              {"POST", root + "/incidents", `{"name":"x"}`, "", 400, `{"error":"incident is missing"}`},
		"not JSON":               {"POST", root + "/incidents", `name=x`, "", 400, `{"error":"the body is not a JSON object"}`},
		"unknown component":      {"POST", root + "/incidents", `{"incident":{"name":"x","component_ids":["zz"]}}`, "", 422, `{"error":{"component_ids":["zz is not a component of this page"]}}`},
		"end before start":       {"POST", root + "/incidents", `{"incident":{"name":"x","scheduled_for":"2026-03-20T06:00:00Z","scheduled_until":"2026-03-20T05:00:00Z"}}`, "", 422, `{"error":{"scheduled_until":["must be after scheduled_for"]}}`},
		"an operation it lacks":  {"POST", root + "/nothing", `{}`, "", 404, `{"error":"Not found"}`},
		"template without title": {"POST", root + "/incident_templates", `{"template":{"name":"x","body":"y"}}`, "", 422, `{"error":{"title":["can't be blank"]}}`},
	} {
		auth := []string{}
		if tc.auth != "" {
			auth = append(auth, tc.auth)
		}
		status, body, _ := s.raw(tc.method, tc.path, tc.body, auth...)
		assert.Equal(t, tc.status, status, "%s: %s", name, body)
		if tc.reply != "" {
			assert.JSONEq(t, tc.reply, body, name)
		}
	}
	all, err := statuspage.Collect(s.Incidents(t.Context(), ""))
	require.NoError(t, err)
	assert.Len(t, all, 4, "nothing was made")
	status, body, _ := s.raw("POST", root+"/incidents", `{"incident":{"name":"x","message":"lost"}}`)
	assert.Equal(t, 201, status)
	assert.NotContains(t, body, "lost", "an unknown field is dropped without a word")
}

func TestTheSimulatedPageThrottlesAndPages(t *testing.T) {
	t.Parallel()
	s := simulate(t, false)
	const root = "/pages/" + simulator.StatuspagePage
	status, _, _ := s.raw("GET", root+"/components", "")
	assert.Equal(t, 200, status)
	status, _, h := s.raw("GET", root+"/components", "")
	assert.Equal(t, 420, status, "unpaged: one a minute")
	assert.Equal(t, "60", h.Get("Retry-After"))
	s.advance(time.Minute)
	for n := range 60 {
		status, _, _ = s.raw("GET", root, "")
		require.Equal(t, 200, status, n)
	}
	_, err := s.Page(t.Context())
	require.ErrorIs(t, err, apierr.ErrRateLimited)
	_, err = s.PublicSummary(t.Context())
	require.NoError(t, err, "the public API is not throttled")
	s.advance(time.Minute)
	_, err = s.Page(t.Context())
	require.NoError(t, err)

	many := simulate(t, true)
	for n := range 120 {
		_, err := many.CreateIncident(t.Context(), statuspage.IncidentWrite{Name: new(fmt.Sprint("n", n))})
		require.NoError(t, err)
	}
	all, err := statuspage.Collect(many.Incidents(t.Context(), ""))
	require.NoError(t, err)
	assert.Len(t, all, 124)
	open, err := statuspage.Collect(many.IncidentsIn(t.Context(), statuspage.Unresolved))
	require.NoError(t, err)
	assert.Len(t, open, 121)
	var rows []json.RawMessage
	for query, want := range map[string]int{"limit=7": 7, "per_page=7": 100, "limit=500": 100, "limit=100&page=2": 24, "limit=100&page=9": 0} {
		_, body, _ := many.raw("GET", root+"/incidents?"+query, "")
		require.NoError(t, json.Unmarshal([]byte(body), &rows))
		assert.Len(t, rows, want, query)
	}
}

func TestTheSimulatedPublicPage(t *testing.T) {
	t.Parallel()
	s := simulate(t, true)
	_, body, _ := s.raw("GET", "/api/v2/summary.json", "", "")
	assert.NotContains(t, body, "automation_email")
	assert.NotContains(t, body, "metadata")
	assert.Contains(t, body, "+02:00", "times carry the page's offset")
	sum, err := s.PublicSummary(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "none", sum.Status.Indicator)
	require.Len(t, sum.Incidents, 1)
	require.Len(t, sum.Maintenances, 1)
	assert.False(t, sum.Incidents[0].StartedAt.IsZero())
	_, err = s.UpdateComponent(t.Context(), s.componentNamed("API").ID, statuspage.ComponentWrite{Status: new(statuspage.MajorOutage)})
	require.NoError(t, err)
	sum, err = s.PublicSummary(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "critical", sum.Status.Indicator)
	for _, path := range []string{"status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances", "scheduled-maintenances/upcoming", "scheduled-maintenances/active"} {
		status, body, _ := s.raw("GET", "/api/v2/"+path+".json", "", "")
		assert.Equal(t, 200, status, path)
		assert.Contains(t, body, `"page"`, path)
	}
}
