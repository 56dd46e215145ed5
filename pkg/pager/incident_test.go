package pager_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/victorops"
)

func incident(t *testing.T, wire string) pager.Incident {
	t.Helper()
	var v victorops.Incident
	require.NoError(t, json.Unmarshal([]byte(wire), &v))
	return pager.FromVictorOps(v, org)
}

const wireIncident = `{"incidentNumber":"4182","currentPhase":"ACKED","startTime":"2026-03-04T02:11:09+01:00","alertCount":2,
 "entityId":"disk/db-eu-3","entityDisplayName":"Disk &gt; 93%","entityState":"CRITICAL","host":"db-eu-3","service":"disk","routingKey":"storage",
 "lastAlertTime":"2026-03-04T02:14:40Z","pagedUsers":["first.oncall"],"pagedTeams":["team-1","team-2"],
 "pagedPolicies":[{"policy":{"name":"Storage primary","slug":"pol-1"},"team":{"name":"Storage","slug":"team-1"}}],
 "transitions":[{"name":"acked","at":"2026-03-04T01:20:00Z","by":"first.oncall"},{"name":"triggered","at":"2026-03-04T01:11:09Z"},
  {"name":"UNACKED","at":"2026-03-04T01:30:00Z"},{"name":"ACKED","at":"2026-03-04T01:40:00Z","by":"second.oncall","message":"a &amp; b"}]}`

// The public contract of an incident's JSON: names are added, never changed.
func TestIncidentJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(incident(t, wireIncident))
	require.NoError(t, err)
	assert.JSONEq(t, `{"number":"4182","title":"Disk > 93%","phase":"acknowledged","service":"disk","entityId":"disk/db-eu-3",
		"startedAt":"2026-03-04T01:11:09Z","lastAlertAt":"2026-03-04T02:14:40Z","alertCount":2,"pagedUsers":["first.oncall"],
		"pagedTeams":[{"name":"Storage","slug":"team-1"},{"name":"team-2","slug":"team-2"}],
		"pagedPolicies":[{"name":"Storage primary","slug":"pol-1","team":"Storage"}],"ackedBy":"second.oncall",
		"url":"https://portal.victorops.com/client/example-org#/incident/4182"}`, string(b))

	b, err = json.Marshal(incident(t, `{}`))
	require.NoError(t, err)
	assert.JSONEq(t, `{"number":"","title":"incident ","phase":"","service":"","entityId":"","alertCount":0,"pagedUsers":[],"pagedTeams":[],
		"pagedPolicies":[],"ackedBy":"","url":""}`, string(b), "lists are never null, a time that is not known is absent")
}

func TestPhases(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string]pager.Phase{
		"UNACKED": pager.Triggered, "triggered": pager.Triggered, "ACKED": pager.Acknowledged, "acknowledged": pager.Acknowledged,
		"RESOLVED": pager.Resolved, "resolved": pager.Resolved, "PAUSED": "paused",
	} {
		assert.Equal(t, want, incident(t, `{"currentPhase":"`+wire+`"}`).Phase, wire)
	}
	assert.True(t, pager.Phase("paused").Open(), "what we do not know is not over")
	assert.False(t, pager.Resolved.Open())
}

func TestTitle(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "A & B", incident(t, `{"entityDisplayName":"A &amp; B","service":"s","entityId":"e"}`).Title)
	assert.Equal(t, "s", incident(t, `{"entityDisplayName":" ","service":"s","entityId":"e"}`).Title)
	assert.Equal(t, "e", incident(t, `{"entityId":"e"}`).Title)
	assert.Equal(t, "incident 7", incident(t, `{"incidentNumber":7}`).Title)
}

func TestNobodyHoldsATriggeredIncident(t *testing.T) {
	t.Parallel()
	i := incident(t, `{"currentPhase":"UNACKED","transitions":[{"name":"ACKED","at":"2026-03-04T01:40:00Z","by":"x"},{"name":"UNACKED","at":"2026-03-04T01:50:00Z"}]}`)
	assert.Empty(t, i.AckedBy, "it was acknowledged and came back")
}

func TestLinks(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "https://old.example.test/i/7", incident(t, `{"incidentNumber":"7","incidentUrl":"https://old.example.test/i/7"}`).URL)
	assert.Equal(t, "https://portal.victorops.com/client/example-org#/incident/7", incident(t, `{"incidentNumber":"7","incidentUrl":"javascript:alert(1)"}`).URL)
	for link, want := range map[string]bool{"https://a.example.test/x": true, "http://a.example.test": true, "javascript:alert(1)": false,
		"file:///etc/passwd": false, "//a.example.test": false, "https://": false, "": false, "ftp://a.example.test": false, "https://a b/%zz": false} {
		assert.Equal(t, want, pager.Web(link), link)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"4127": "4127", " #4127 ": "4127", "incident/4127": "4127",
		"https://portal.victorops.com/client/example-org#/incident/4127":      "4127",
		"https://portal.victorops.com/client/example-org#/incident/4127/logs": "4127"} {
		got, err := pager.Number(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got)
	}
	for _, in := range []string{"", "api", "41 27", "4127x", "-1", "#", "incident/", "1234567890123456789012"} {
		_, err := pager.Number(in)
		require.ErrorContains(t, err, "is not an incident number", in)
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"4127", "#1", "incident/2", "https://x/incident/3?a#b", "incident/incident/", "٤", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := pager.Number(s)
		if err != nil {
			return
		}
		require.Regexp(t, `^[0-9]{1,18}$`, n)
		again, err := pager.Number(n)
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}

func TestSort(t *testing.T) {
	t.Parallel()
	at := func(h int) time.Time { return start.Add(time.Duration(h) * time.Hour) }
	all := []pager.Incident{
		{Number: "1", Phase: pager.Resolved, StartedAt: at(9)}, {Number: "2", Phase: pager.Acknowledged, StartedAt: at(8)},
		{Number: "3", Phase: pager.Triggered, StartedAt: at(1)}, {Number: "4", Phase: pager.Triggered, StartedAt: at(2)},
		{Number: "10", Phase: pager.Triggered, StartedAt: at(1)}, {Number: "5", Phase: "paused", StartedAt: at(0)},
	}
	pager.Sort(all)
	order := []string{}
	for _, i := range all {
		order = append(order, i.Number)
	}
	assert.Equal(t, []string{"4", "10", "3", "5", "2", "1"}, order)
}
