package publicstatus_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// The JSON of these types is a public contract: fields are added, never renamed
// or removed. A change of this test is a change of that contract.
func TestJSONContract(t *testing.T) {
	t.Parallel()
	ref := publicstatus.Ref{ID: "c1", Name: "API", State: statuspage.PartialOutage}
	pager := &publicstatus.Pager{Number: "4127", URL: "https://p"}
	snooze := &publicstatus.Snooze{Until: now, Reason: "r", By: "you", At: now}
	update := publicstatus.Update{ID: "u", State: statuspage.Identified, Body: "b", At: now, Notified: true,
		Components: []publicstatus.Change{{ID: "c1", Name: "API", From: statuspage.Operational, To: statuspage.PartialOutage}}}
	const (
		at      = `"2026-03-04T03:18:30Z"`
		refJSON = `{"id":"c1","name":"API","state":"partial_outage"}`
		updJSON = `{"id":"u","state":"identified","body":"b","at":` + at + `,"notified":true,"components":[{"id":"c1","name":"API","from":"operational","to":"partial_outage"}]}`
		snzJSON = `{"until":` + at + `,"reason":"r","by":"you","at":` + at + `}`
		pagJSON = `{"number":"4127","url":"https://p"}`
	)
	for want, v := range map[string]any{
		`{"id":"c1","name":"API","group":"g","description":"d","state":"operational","since":` + at + `,"hidden":true}`: publicstatus.Component{
			ID: "c1", Name: "API", Group: "g", Description: "d", State: statuspage.Operational, Since: now, Hidden: true},
		`{"id":"c1","name":"API","group":"","state":""}`: publicstatus.Component{ID: "c1", Name: "API"},
		`{"id":"i","title":"t","state":"monitoring","impact":"minor","since":` + at + `,"lastUpdateAt":` + at + `,"resolvedAt":` + at + `,"components":[` + refJSON + `],"url":"https://u","pager":` + pagJSON + `,"snooze":` + snzJSON + `,"postmortemAt":` + at + `,"updates":[` + updJSON + `]}`: publicstatus.Incident{
			ID: "i", Title: "t", State: statuspage.Monitoring, Impact: statuspage.ImpactMinor, Since: now, LastUpdateAt: now, ResolvedAt: now, Components: []publicstatus.Ref{ref},
			URL: "https://u", Pager: pager, Snooze: snooze, PostmortemAt: now, Updates: []publicstatus.Update{update}},
		`{"id":"m","title":"t","state":"scheduled","startsAt":` + at + `,"endsAt":` + at + `,"announcedAt":` + at + `,"since":` + at + `,"automatic":false,"cancelled":true,"components":[` + refJSON + `],"url":"https://u","shortNotice":{"reason":"r","by":"you","at":` + at + `},"updates":[]}`: publicstatus.Maintenance{
			ID: "m", Title: "t", State: statuspage.Scheduled, StartsAt: now, EndsAt: now, AnnouncedAt: now, Since: now, Automatic: new(false), Cancelled: true, Components: []publicstatus.Ref{ref},
			URL: "https://u", ShortNotice: &publicstatus.ShortNotice{Reason: "r", By: "you", At: now}, Updates: []publicstatus.Update{}},
		`{"id":"t","name":"n","title":"t","body":"b","state":"monitoring","notify":false,"components":[{"id":"c1","name":"API"}]}`: publicstatus.Template{
			ID: "t", Name: "n", Title: "t", Body: "b", State: statuspage.Monitoring, Notify: new(false), Components: []publicstatus.Ref{{ID: "c1", Name: "API"}}},
		`{"rule":"stale","kind":"incident","id":"i","name":"n","state":"monitoring","since":` + at + `,"message":"m","fix":"f","url":"https://u"}`: publicstatus.Finding{
			Rule: publicstatus.RuleStale, Kind: "incident", ID: "i", Name: "n", State: "monitoring", Since: now, Message: "m", Fix: "f", URL: "https://u"},
		`{"id":"i","title":"t","state":"monitoring","since":` + at + `,"dueAt":` + at + `,"due":true,"snooze":` + snzJSON + `,"pager":` + pagJSON + `,"url":"https://u","snoozed":true}`: publicstatus.Reminder{
			ID: "i", Title: "t", State: statuspage.Monitoring, Since: now, DueAt: now, Due: true, Snooze: snooze, Pager: pager, URL: "https://u", Snoozed: true},
		`{"incidentId":"i","title":"t","state":"draft","draft":"d","body":"b","publishedAt":` + at + `,"draftedAt":` + at + `,"url":"https://u","incidentState":"resolved"}`: publicstatus.Postmortem{
			IncidentID: "i", Title: "t", State: "draft", Draft: "d", Body: "b", PublishedAt: now, DraftedAt: now, URL: "https://u", IncidentState: statuspage.Resolved},
		`{"source":"public","page":{"id":"p","name":"n","url":"https://u","timeZone":"UTC","private":true,"indicator":"minor","description":"d","updatedAt":` + at + `},"components":[],"incidents":[],"maintenances":[]}`: publicstatus.Overview{
			Source: "public", Page: publicstatus.PageInfo{ID: "p", Name: "n", URL: "https://u", TimeZone: "UTC", Private: true, Indicator: "minor", Description: "d", UpdatedAt: now},
			Components: []publicstatus.Component{}, Incidents: []publicstatus.Incident{}, Maintenances: []publicstatus.Maintenance{}},
	} {
		got, err := json.Marshal(v)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(got))
	}
}

// A list is never null, whatever the vendor leaves out.
func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	for _, v := range []any{publicstatus.FromIncident(statuspage.Incident{}), publicstatus.FromMaintenance(statuspage.Incident{}),
		publicstatus.FromIncident(statuspage.Incident{Updates: []statuspage.Update{{}}})} {
		got, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(got), "null")
	}
}
