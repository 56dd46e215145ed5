package grafana_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/grafana"
)

const fiveSources = `[{"id":1,"uid":"P1","name":"Loki","type":"loki"},{"id":2,"uid":"P2","name":"LOGS","type":"loki"},{"id":3,"uid":"P3","name":"logs","type":"loki"},
	{"id":4,"uid":"M1","name":"Metrics","type":"prometheus"},{"id":5,"uid":"M2","name":"Amazon metrics","type":"grafana-amazonprometheus-datasource","isDefault":true}]`

func TestDataSourceOf(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { give(w, 200, "application/json", fiveSources) })
	for _, x := range []struct{ kind, name, uid string }{
		{"loki", "P2", "P2"}, {"loki", "Loki", "P1"}, {"loki", "lOkI", "P1"}, {"loki", "logs", "P3"}, {"loki", "", "P2"},
		{"prometheus", "", "M2"}, {"prometheus", "amazon metrics", "M2"}, {"prometheus", "metrics", "M1"},
	} {
		d, err := c.DataSourceOf(t.Context(), x.kind, x.name)
		require.NoError(t, err, x)
		assert.Equal(t, x.uid, d.UID, x)
	}
	for _, x := range []struct {
		kind, name, says, hint string
		is                     error
	}{
		{"loki", "Logs", `"Logs" is the name of 2 data sources`, "write it as Grafana does, or use the uid: LOGS, Loki, logs", apierr.ErrAmbiguous},
		{"loki", "Lokki", `there is none of the type loki with the uid or the name "Lokki"`, "did you mean Loki?", apierr.ErrNotFound},
		{"loki", "production", `the name "production"`, "there are: LOGS, Loki, logs", apierr.ErrNotFound},
		{"loki", "Metrics", "Metrics is a data source of the type prometheus, not loki", "", apierr.ErrNotFound},
		{"tempo", "Loki2", "Grafana lists no data source of the type tempo", "the token may have no right", apierr.ErrNotFound},
	} {
		_, err := c.DataSourceOf(t.Context(), x.kind, x.name)
		require.ErrorIs(t, err, x.is, x)
		assert.ErrorContains(t, err, x.says)
		assert.Contains(t, apierr.HintOf(err), x.hint)
	}
}

// A Viewer may not list data sources, but may read what Grafana's pages read.
func TestDataSourcesOfAViewer(t *testing.T) {
	t.Parallel()
	settings := 200
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/base/grafana/api/frontend/settings" {
			give(w, settings, "application/json", `{"defaultDatasource":"Metrics","datasources":{"Metrics":{"id":4,"uid":"M1","name":"Metrics","type":"prometheus"},
				"Loki":{"id":1,"uid":"P1","type":"loki"},"-- Mixed --":{"id":-2,"uid":"-- Mixed --","type":"datasource"}}}`)
			return
		}
		give(w, 403, "application/json", `{"message":"You'll need additional permissions to perform this action. Permissions needed: datasources:read"}`)
	})
	got, err := c.DataSources(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []grafana.DataSource{{UID: "P1", Name: "Loki", Type: "loki"}, {UID: "M1", Name: "Metrics", Type: "prometheus", Default: true}}, got)
	settings = 403
	_, err = c.DataSources(t.Context())
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.ErrorContains(t, err, "datasources:read", "the first refusal says what is missing")
}
