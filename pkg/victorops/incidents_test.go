package victorops_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/victorops"
)

// wireIncident is GET v1/incidents as it comes: numbers as strings, entities in
// texts, fields that the spec does not have, one that nobody knows.
const wireIncident = `{"incidentNumber":"4182","currentPhase":"UNACKED","startTime":"2026-03-04T02:11:09Z","alertCount":2,
 "entityId":"disk/db-eu-3","entityDisplayName":"Disk &gt; 93% on &quot;db-eu-3&quot;","entityState":"CRITICAL","entityType":"SERVICE","host":"db-eu-3",
 "service":"disk &amp; net","routingKey":"storage","lastAlertId":"5c0e2b7a-0d41-4d1c-9a6e-3f0a7b1c2d3e","lastAlertTime":"2026-03-04T02:14:40+0000",
 "firstAlertUuid":"11111111-0d41-4d1c-9a6e-3f0a7b1c2d3e","monitorName":"vouser-first.oncall","monitorType":"Manual","isMultiResponder":false,
 "pagedUsers":["first.oncall"],"pagedTeams":["team-Ab3dEf6hIj9kLm2n"],
 "pagedPolicies":[{"policy":{"name":"Storage primary","slug":"pol-Qw3rTy6uIo9pAs2d","_selfUrl":"/x"},"team":{"name":"Storage","slug":"team-Ab3dEf6hIj9kLm2n"}}],
 "transitions":[{"name":"triggered","at":"2026-03-04T02:11:09Z","manually":false,"alertId":"5c0e","alertUrl":"/api-public/v1/alerts/5c0e"},
  {"name":"acked","at":"2026-03-04T02:12:00Z","by":"SYSTEM","message":"a &lt;b&gt;","manually":true}]}`

func checkIncident(t *testing.T, i victorops.Incident) {
	t.Helper()
	assert.Equal(t, victorops.ID("4182"), i.Number)
	assert.Equal(t, victorops.Unacked, i.Phase)
	assert.Equal(t, victorops.Text(`Disk > 93% on "db-eu-3"`), i.EntityDisplayName)
	assert.Equal(t, victorops.Text("disk & net"), i.Service)
	assert.Equal(t, "disk/db-eu-3", i.EntityID)
	assert.Equal(t, victorops.Int(2), i.AlertCount)
	assert.Equal(t, time.Date(2026, 3, 4, 2, 11, 9, 0, time.UTC), i.StartTime.UTC())
	assert.Equal(t, time.Date(2026, 3, 4, 2, 14, 40, 0, time.UTC), i.LastAlertTime.UTC())
	assert.Equal(t, []string{"team-Ab3dEf6hIj9kLm2n"}, i.PagedTeams)
	assert.Equal(t, []victorops.PolicyRef{{Policy: victorops.Ref{Name: "Storage primary", Slug: "pol-Qw3rTy6uIo9pAs2d"},
		Team: victorops.Ref{Name: "Storage", Slug: "team-Ab3dEf6hIj9kLm2n"}}}, i.PagedPolicies)
	require.Len(t, i.Transitions, 2)
	assert.Equal(t, victorops.Text("a <b>"), i.Transitions[1].Message)
	assert.True(t, i.Transitions[1].Manually)
	assert.Equal(t, "CRITICAL", i.EntityState)
	assert.Equal(t, "storage", i.RoutingKey)
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/incidents", Reply: reply(200, `{"incidents":[`+wireIncident+`]}`)},
		httpxtest.Exchange{Path: "/api-public/v1/incidents/4182", Reply: reply(200, wireIncident)})
	all, err := c.Incidents(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	checkIncident(t, all[0])
	one, err := c.Incident(t.Context(), "4182")
	require.NoError(t, err)
	checkIncident(t, one)
}

func TestIncidentsOfNullIsAnEmptyList(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/incidents", Reply: reply(200, `{"incidents":null}`)})
	all, err := c.Incidents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []victorops.Incident{}, all)
}

func TestNumbersTravelAsStringsInBodies(t *testing.T) {
	t.Parallel()
	const asked = `{"userName":"first.oncall","incidentNames":["4182","4183"],"message":"looking"}`
	const got = `{"results":[{"incidentNumber":"4182","entityId":"disk/db-eu-3","cmdAccepted":true,"message":""},
		{"incidentNumber":4183,"entityId":"x","cmdAccepted":false,"message":"incident &quot;4183&quot; not open"}]}`
	want := []victorops.AckResult{{Number: "4182", EntityID: "disk/db-eu-3", Accepted: true},
		{Number: "4183", EntityID: "x", Message: `incident "4183" not open`}}
	c := talk(t,
		httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/ack", Body: asked, Reply: reply(200, got),
			Header: map[string]string{"Content-Type": "application/json"}},
		httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/resolve", Body: asked, Reply: reply(200, got)},
		httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/byUser/ack", Body: `{"userName":"first.oncall","message":"m"}`, Reply: reply(200, got)},
		httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/byUser/resolve", Body: `{"userName":"first.oncall"}`, Reply: reply(200, `{}`)})
	in := victorops.AckRequest{UserName: "first.oncall", Numbers: []string{"4182", "4183"}, Message: "looking"}
	res, err := c.Ack(t.Context(), in)
	require.NoError(t, err, "a 200 with cmdAccepted false is an item, not an error")
	assert.Equal(t, want, res)
	res, err = c.Resolve(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, want, res)
	res, err = c.AckByUser(t.Context(), victorops.ByUserRequest{UserName: "first.oncall", Message: "m"})
	require.NoError(t, err)
	assert.Equal(t, want, res)
	res, err = c.ResolveByUser(t.Context(), victorops.ByUserRequest{UserName: "first.oncall"})
	require.NoError(t, err)
	assert.Equal(t, []victorops.AckResult{}, res)
}

func TestManyNumbersMakeAShortError(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/ack", Reply: httpxtest.Status(400)})
	_, err := c.Ack(t.Context(), victorops.AckRequest{Numbers: []string{"1", "2", "3", "4", "5", "6"}})
	assert.ErrorContains(t, err, "acknowledge 1 and 5 more: ")
}

func TestReroute(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Method: "POST", Path: "/api-public/v1/incidents/reroute",
		Body:  `{"userName":"first.oncall","reroutes":[{"incidentNumber":"4182","targets":[{"type":"User","slug":"second.oncall"}],"addTargets":false}]}`,
		Reply: reply(200, `{"statuses":[{"incidentNumber":"4182","success":false,"targetStatus":[{"slug":"second.oncall","success":false,"message":"no such user"}]}]}`)})
	got, err := c.Reroute(t.Context(), victorops.RerouteRequest{UserName: "first.oncall", Reroutes: []victorops.Reroute{
		{Number: "4182", Targets: []victorops.Target{{Type: victorops.TargetUser, Slug: "second.oncall"}}}}})
	require.NoError(t, err)
	assert.Equal(t, []victorops.RerouteStatus{{Number: "4182", Targets: []victorops.TargetStatus{{Slug: "second.oncall", Message: "no such user"}}}}, got)
}

func TestCreateIncident(t *testing.T) {
	t.Parallel()
	in := victorops.NewIncident{Summary: "s", Details: "d", UserName: "you", Targets: []victorops.Target{{Type: victorops.TargetPolicy, Slug: "pol-1"}}}
	const path, body = "/api-public/v1/incidents", `{"summary":"s","details":"d","userName":"you","targets":[{"type":"EscalationPolicy","slug":"pol-1"}]}`
	t.Run("made", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Method: "POST", Path: path, Body: body,
			Reply: reply(200, `{"incidentNumber":"4200","entityId":"e","conferenceBridge":{"errorMsg":"none"}}`)})
		n, err := c.CreateIncident(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, "4200", n)
	})
	t.Run("a 200 with an error is a refusal", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Method: "POST", Path: path, Reply: reply(200, `{"error":"user you isn&#39;t in a team"}`)})
		_, err := c.CreateIncident(t.Context(), in)
		require.ErrorIs(t, err, apierr.ErrInvalid)
		assert.EqualError(t, err, "victorops: trigger an incident: user you isn't in a team")
	})
	t.Run("a 200 that names no incident proves nothing", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Method: "POST", Path: path, Reply: reply(200, `{}`)})
		_, err := c.CreateIncident(t.Context(), in)
		require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	})
	t.Run("nothing is sent twice", func(t *testing.T) {
		t.Parallel()
		for _, r := range []httpxtest.Reply{httpxtest.ResetAfter(), httpxtest.ResetBefore(), httpxtest.Status(503)} {
			srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: path, Reply: r})
			_, err := newClient(t, srv).CreateIncident(t.Context(), in)
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
			assert.Len(t, srv.Seen(), 1)
		}
	})
}

// "@" goes out raw: the vendor does not decode %40. Slashes and spaces may not.
func TestSegmentsOnTheWire(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/user/first@example.test", Reply: reply(200, `{"username":"first@example.test"}`)},
		httpxtest.Exchange{Path: "/api-public/v1/user/a%2Fb%20c/teams", Reply: reply(200, `{"teams":[]}`)},
		httpxtest.Exchange{Method: "DELETE", Path: "/api-public/v1/incidents/12/notes/a%2Fb%20@c", Reply: httpxtest.Status(200)})
	_, err := c.User(t.Context(), "first@example.test")
	require.NoError(t, err)
	_, err = c.UserTeams(t.Context(), "a/b c")
	require.NoError(t, err)
	require.NoError(t, c.DeleteNote(t.Context(), "12", "a/b @c"))
}
