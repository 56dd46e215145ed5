package victorops_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/victorops"
)

func TestIncidentHistory(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{
		Path: "/api-reporting/v2/incidents?currentPhase=triggered%2Cacknowledged&entityId=e&host=h&incidentNumber=4%2C5%2C20%3A50&limit=2&offset=1&routingKey=r&service=s&startedAfter=2026-03-01T00%3A00%3A00Z&startedBefore=2026-03-02T00%3A00%3A00Z",
		// Reporting writes phases in lower case.
		Reply: reply(200, `{"offset":1,"limit":2,"total":3,"incidents":[{"incidentNumber":"4","currentPhase":"triggered","entityState":"critical","entityType":"service"}]}`)})
	page, err := c.IncidentHistory(t.Context(), victorops.HistoryQuery{Offset: 1, Limit: 2, Numbers: "4,5,20:50", Phases: []string{"triggered", "acknowledged"},
		StartedAfter: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), StartedBefore: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		EntityID: "e", Host: "h", Service: "s", RoutingKey: "r"})
	require.NoError(t, err)
	assert.Equal(t, victorops.Int(3), page.Total)
	assert.Equal(t, victorops.Phase("triggered"), page.Incidents[0].Phase)
}

// One call a minute: the pages after the first wait.
func TestAllIncidentHistory(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/api-reporting/v2/incidents?limit=100", Reply: reply(200, `{"offset":0,"limit":100,"total":3,"incidents":[{"incidentNumber":"1"},{"incidentNumber":"2"}]}`)},
		httpxtest.Exchange{Path: "/api-reporting/v2/incidents?limit=100&offset=2", Reply: reply(200, `{"offset":2,"limit":100,"total":3,"incidents":[{"incidentNumber":"3"}]}`)})
	var got []string
	for i, err := range newClient(t, srv).AllIncidentHistory(t.Context(), victorops.HistoryQuery{}) {
		require.NoError(t, err)
		got = append(got, string(i.Number))
	}
	assert.Equal(t, []string{"1", "2", "3"}, got)
	assert.Equal(t, []time.Duration{time.Minute}, srv.Waits())
}

func TestAllIncidentHistoryEnds(t *testing.T) {
	t.Parallel()
	two := reply(200, `{"total":4,"incidents":[{"incidentNumber":"1"},{"incidentNumber":"2"}]}`)
	t.Run("at an error", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Path: "/api-reporting/v2/incidents?limit=100", Reply: httpxtest.Status(500)})
		for _, err := range c.AllIncidentHistory(t.Context(), victorops.HistoryQuery{}) {
			require.ErrorIs(t, err, apierr.ErrUnavailable)
		}
	})
	t.Run("when the caller has enough", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Path: "/api-reporting/v2/incidents?limit=100", Reply: two})
		for range c.AllIncidentHistory(t.Context(), victorops.HistoryQuery{}) {
			break
		}
	})
	t.Run("when the context does", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Path: "/api-reporting/v2/incidents?limit=100", Reply: two})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range c.AllIncidentHistory(ctx, victorops.HistoryQuery{}) {
			n++
			if n == 2 {
				cancel()
			}
			if n > 2 {
				require.ErrorIs(t, err, context.Canceled)
			}
		}
		assert.Equal(t, 3, n)
	})
	t.Run("at an empty page", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Path: "/api-reporting/v2/incidents?limit=100", Reply: reply(200, `{"total":9,"incidents":[]}`)})
		for range c.AllIncidentHistory(t.Context(), victorops.HistoryQuery{}) {
			t.Error("there is nothing to yield")
		}
	})
}

func TestOnCallLog(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/api-reporting/v1/team/team-1/oncall/log?end=2026-03-02T00%3A00%3A00Z&start=2026-03-01T00%3A00%3A00Z&userName=you",
		Reply: reply(200, `{"teamSlug":"team-1","start":"x","end":"y","userLogs":[{"userId":"you","total":{"hours":1,"minutes":30},"adjustedTotal":{"hours":1,"minutes":0},
			"log":[{"on":"2026-03-01T00:00:00Z","off":"2026-03-01T01:30:00Z","duration":{"hours":1,"minutes":30},"escalationPolicy":{"name":"Primary","slug":"pol-1"}}]}]}`)})
	logs, err := c.OnCallLog(t.Context(), "team-1", time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), "you")
	require.NoError(t, err)
	require.Len(t, logs, 1)
	assert.Equal(t, victorops.Hours{Hours: 1, Minutes: 30}, logs[0].Total)
	assert.Equal(t, "Primary", string(logs[0].Log[0].Policy.Name))
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/maintenancemode", Reply: reply(200, `{"companyId":"example-org","activeInstances":[
		{"instanceId":"mm-1","startedBy":"you","startedAt":1772590269123,"targets":[{"type":"RoutingKeys","names":["api"]}],"isGlobal":false,"purpose":"p &amp; q"}]}`)})
	m, err := c.Maintenance(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "example-org", m.CompanyID)
	require.Len(t, m.Active, 1)
	assert.Equal(t, time.UnixMilli(1772590269123).UTC(), m.Active[0].StartedAt.Time, "milliseconds, not seconds")
	assert.Equal(t, victorops.Text("p & q"), m.Active[0].Purpose)
	assert.Equal(t, []string{"api"}, m.Active[0].Targets[0].Names)
}

func TestChat(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/api-public/v1/chat?incidentId=12&limit=100&offset=0", Reply: reply(200, `{"messages":[{"username":"a","text":"x &lt; y","serviceTime":1772590269123,"sequence":1}],"hasMore":true}`)},
		httpxtest.Exchange{Path: "/api-public/v1/chat?incidentId=12&limit=100&offset=1", Reply: reply(200, `{"messages":[{"username":"b","text":"z"}],"hasMore":false}`)})
	all, err := c.Chat(t.Context(), "12")
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, victorops.Message{Username: "a", Text: "x < y", At: victorops.EpochMillis{Time: time.UnixMilli(1772590269123).UTC()}, Sequence: 1}, all[0])
}

func TestChatThatNeverEndsIsLeft(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/chat?incidentId=12&limit=100&offset=0", Reply: reply(200, `{"messages":[],"hasMore":true}`)})
	all, err := c.Chat(t.Context(), "12")
	require.NoError(t, err)
	assert.Empty(t, all)
}
