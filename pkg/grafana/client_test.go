package grafana_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/grafana"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

func serve(t *testing.T, h http.HandlerFunc) (*grafana.Client, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := grafana.New(grafana.Config{HTTP: httpx.Config{BaseURL: s.URL + "/base/grafana", Retry: httpx.RetryPolicy{Max: -1}}, Token: secret.New("glsa_testtoken"), OrgID: "3"})
	require.NoError(t, err)
	return c, s.URL
}

func give(w http.ResponseWriter, status int, kind, body string) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestSearchReadsAllPages(t *testing.T) {
	t.Parallel()
	c, root := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/base/grafana/api/search", r.URL.Path)
		assert.Equal(t, "Bearer glsa_testtoken", r.Header.Get("Authorization"))
		assert.Equal(t, "3", r.Header.Get("X-Grafana-Org-Id"))
		assert.Equal(t, []string{"api", "prod"}, r.URL.Query()["tag"])
		switch r.URL.Query().Get("page") {
		case "1":
			give(w, 200, "application/json", `[{"uid":"a","title":"API overview","url":"/base/grafana/d/a/api-overview","tags":null,"folderTitle":"Core"},{"uid":"b","title":"B","url":"/base/grafana/d/b/b"}]`)
		case "2":
			give(w, 200, "application/json", `[{"uid":"c","title":"C","url":"https://elsewhere.test/d/c"}]`)
		default:
			give(w, 200, "application/json", `[]`)
		}
	})
	got, err := c.Search(t.Context(), grafana.SearchRequest{Query: "x", Tags: []string{"api", "prod"}, Limit: 2})
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, root+"/base/grafana/d/a/api-overview", got[0].URL)
	assert.Equal(t, "Core", got[0].Folder)
	assert.Equal(t, []string{}, got[0].Tags)
}

func TestGetDashboard(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/grafana/api/dashboards/uid/api" {
			give(w, 404, "application/json", `{"message":"Dashboard not found"}`)
			return
		}
		give(w, 200, "application/json", `{"dashboard":{"uid":"api","title":"API overview","tags":["api"],"panels":[{"id":2,"title":"5xx","type":"timeseries"},
			{"id":9,"type":"row","panels":[{"id":10,"title":"In a row","type":"stat"}]}],
			"templating":{"list":[{"name":"env","label":"","current":{"value":"production"}},{"name":"host","current":{"value":["a","b"]}}]},"time":{"from":"now-6h","to":"now"}},
			"meta":{"url":"/base/grafana/d/api/api-overview","slug":"api-overview","folderTitle":"Core"}}`)
	})
	d, err := c.Get(t.Context(), "api")
	require.NoError(t, err)
	assert.Equal(t, []grafana.Panel{{ID: 2, Title: "5xx", Type: "timeseries"}, {ID: 10, Title: "In a row", Type: "stat"}}, d.Panels)
	assert.Equal(t, "production", d.Variables[0].Current)
	assert.Empty(t, d.Variables[1].Current)
	assert.Equal(t, "now-6h", d.From)

	_, err = c.Get(t.Context(), "other")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, err.Error(), "Dashboard not found")
}

func TestLinks(t *testing.T) {
	t.Parallel()
	c, root := serve(t, func(http.ResponseWriter, *http.Request) {})
	from := time.UnixMilli(1795323776773)
	link, err := url.Parse(c.Link(grafana.Dashboard{URL: root + "/base/grafana/d/api/x"}, grafana.View{From: from, To: from.Add(time.Hour), Variables: map[string][]string{"env": {"a b&c"}, "host": {"x", "y"}}, Panel: 2}))
	require.NoError(t, err)
	assert.Equal(t, "/base/grafana/d/api/x", link.Path)
	assert.Equal(t, url.Values{"from": {"1795323776773"}, "to": {"1795327376773"}, "var-env": {"a b&c"}, "var-host": {"x", "y"}, "viewPanel": {"2"}, "orgId": {"3"}}, link.Query())

	explore, err := url.Parse(c.Explore("loki", "uid1", `{a="b"} |= "x&y"`, from, from.Add(time.Hour)))
	require.NoError(t, err)
	assert.Equal(t, "/base/grafana/explore", explore.Path)
	assert.JSONEq(t, `{"a":{"datasource":"uid1","queries":[{"refId":"A","expr":"{a=\"b\"} |= \"x&y\"","datasource":{"type":"loki","uid":"uid1"}}],"range":{"from":"1795323776773","to":"1795327376773"}}}`, explore.Query().Get("panes"))
}

func TestRender(t *testing.T) {
	t.Parallel()
	d := grafana.Dashboard{UID: "api", URL: "https://x.test/d/api/api-overview"}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		kind   error
	}{
		"png":      {func(w http.ResponseWriter) { give(w, 200, "image/png", "\x89PNG\r\n\x1a\nrest") }, nil},
		"page":     {func(w http.ResponseWriter) { give(w, 200, "text/html", "<html>panel</html>") }, apierr.ErrUnsupported},
		"login":    {func(w http.ResponseWriter) { give(w, 200, "text/html", "<html>Login</html>") }, apierr.ErrAuth},
		"redirect": {func(w http.ResponseWriter) { w.Header().Set("Location", "/base/grafana/login"); w.WriteHeader(302) }, apierr.ErrAuth},
		"no renderer": {func(w http.ResponseWriter) {
			give(w, 500, "application/json", `{"message":"Rendering failed: no image renderer plugin installed"}`)
		}, apierr.ErrUnsupported},
		"error picture": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Disposition", `inline; filename="rendering_plugin_not_installed.png"`)
			give(w, 200, "image/png", "\x89PNG\r\n\x1a\nrest")
		}, apierr.ErrUnsupported},
		"500": {func(w http.ResponseWriter) { give(w, 500, "text/plain", "boom") }, apierr.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "/base/grafana/render/d-solo/api/api-overview", r.URL.Path)
				assert.Equal(t, "2", r.URL.Query().Get("panelId"))
				assert.Equal(t, "1000", r.URL.Query().Get("width"))
				c.answer(w)
			})
			png, err := client.Render(t.Context(), grafana.Picture{Dashboard: d, View: grafana.View{Panel: 2}})
			if c.kind == nil {
				require.NoError(t, err)
				assert.True(t, strings.HasPrefix(string(png), "\x89PNG"))
				return
			}
			require.ErrorIs(t, err, c.kind)
			assert.Nil(t, png)
		})
	}
	client, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("nothing is sent") })
	_, err := client.Render(t.Context(), grafana.Picture{Dashboard: d})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1795323776773)
	mark := grafana.Annotation{Time: at, TimeEnd: at.Add(time.Minute), Text: "api 17.5.0", Tags: []string{"deploy", "api"}}
	var sent map[string]any
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "POST /base/grafana/api/annotations", r.Method+" "+r.URL.Path)
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&sent))
		give(w, 200, "application/json", `{"message":"Annotation added","id":318}`)
	})
	id, err := c.Annotate(t.Context(), mark)
	require.NoError(t, err)
	assert.Equal(t, int64(318), id)
	assert.Equal(t, map[string]any{"time": 1795323776773.0, "timeEnd": 1795323836773.0, "text": "api 17.5.0", "tags": []any{"deploy", "api"}}, sent)
}

// The answer is lost after Grafana acted: the mark is looked for, not made again.
func TestAnnotateLooksAfterALostAnswer(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1795323776773)
	for _, made := range []bool{true, false} {
		posts := 0
		c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posts++
				panic(http.ErrAbortHandler)
			}
			assert.Equal(t, []string{"deploy"}, r.URL.Query()["tags"])
			if made {
				give(w, 200, "application/json", `[{"id":7,"time":1795323776773,"text":"x","tags":["deploy"]}]`)
				return
			}
			give(w, 200, "application/json", `[]`)
		})
		id, err := c.Annotate(t.Context(), grafana.Annotation{Time: at, Text: "x", Tags: []string{"deploy"}})
		assert.Equal(t, 1, posts)
		if made {
			require.NoError(t, err)
			assert.Equal(t, int64(7), id)
		} else {
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		}
	}
}

func TestDataSourcesAndMe(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/grafana/api/datasources":
			give(w, 200, "application/json", `[{"id":1,"uid":"P1","name":"Loki","type":"loki","url":"http://loki","isDefault":true}]`)
		case "/base/grafana/api/org":
			give(w, 200, "application/json", `{"id":3,"name":"Main Org."}`)
		default:
			give(w, 404, "application/json", `{"message":"user not found"}`)
		}
	})
	ds, err := c.DataSources(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []grafana.DataSource{{UID: "P1", Name: "Loki", Type: "loki", Default: true}}, ds)
	me, err := c.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "service account in Main Org.", me.Name)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, err := grafana.New(grafana.Config{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	for name, c := range map[string]struct {
		status     int
		kind, body string
		want       error
		says       string
	}{
		"401":        {401, "application/json", `{"message":"Token revoked","error":{"id":"ERR_TOKEN_REVOKED"}}`, apierr.ErrAuth, "not signed in to 127.0.0.1"},
		"403":        {403, "application/json", `{"message":"Permission denied"}`, apierr.ErrAuth, "refused: Permission denied"},
		"login page": {200, "text/html", "<!doctype html><title>Sign in to GitHub</title>", apierr.ErrAuth, "not signed in"},
		"429":        {429, "text/plain", "slow down", apierr.ErrRateLimited, "slow down"},
		"500":        {500, "text/plain", "boom", apierr.ErrUnavailable, "boom"},
		"cut":        {200, "application/json", `[{"uid":`, apierr.ErrUnavailable, "cannot be read"},
		"proxy page": {200, "text/html", "<html>It works</html>", apierr.ErrAuth, "not signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, root := serve(t, func(w http.ResponseWriter, _ *http.Request) { give(w, c.status, c.kind, c.body) })
			_, err := client.Search(t.Context(), grafana.SearchRequest{})
			require.ErrorIs(t, err, c.want)
			assert.Contains(t, err.Error(), c.says)
			if c.want == apierr.ErrAuth { //nolint:errorlint // a row of the table
				assert.Contains(t, apierr.HintOf(err), root+"/base/grafana/org/serviceaccounts")
			}
		})
	}
	client, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Search(ctx, grafana.SearchRequest{})
	require.ErrorIs(t, err, context.Canceled)
}
