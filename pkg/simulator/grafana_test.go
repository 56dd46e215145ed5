package simulator

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func grafanaDo(t *testing.T, w *World, method, path, token, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, BaseURL+"/grafana"+path, strings.NewReader(body))
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b), res.Header
}

func TestGrafanaLogin(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	status, body, _ := grafanaDo(t, w, "GET", "/api/search", "", "")
	assert.Equal(t, 401, status)
	assert.JSONEq(t, `{"message":"Unauthorized"}`, body)
	status, _, h := grafanaDo(t, w, "GET", "/render/d-solo/api/x?panelId=2", "", "")
	assert.Equal(t, 302, status)
	assert.Equal(t, BaseURL+"/grafana/login", h.Get("Location"))
	_, body, _ = grafanaDo(t, w, "GET", "/login", "", "")
	assert.Contains(t, body, "Sign in")
}

func TestGrafanaDashboards(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	_, body, _ := grafanaDo(t, w, "GET", "/api/search?query=api&tag=production", GrafanaToken, "")
	assert.Contains(t, body, `"url":"/grafana/d/api/api-overview"`)
	assert.NotContains(t, body, "Builders")
	status, body, _ := grafanaDo(t, w, "GET", "/api/dashboards/uid/api", GrafanaToken, "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"5xx ratio"`)
	status, _, _ = grafanaDo(t, w, "GET", "/api/dashboards/uid/none", GrafanaToken, "")
	assert.Equal(t, 404, status)
	status, body, _ = grafanaDo(t, w, "GET", "/render/d-solo/api/api-overview?panelId=2&width=300&height=150", GrafanaToken, "")
	assert.Equal(t, 200, status)
	img, err := png.Decode(bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	assert.Equal(t, 300, img.Bounds().Dx())
	status, _, _ = grafanaDo(t, w, "GET", "/render/d-solo/api/api-overview?panelId=99", GrafanaToken, "")
	assert.Equal(t, 404, status)
}

func TestGrafanaProxy(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	for path, want := range map[string]string{
		"/api/datasources/proxy/uid/demo-prometheus/api/v1/query?query=vector(1)": `"1"`,
		"/api/datasources/proxy/uid/demo-loki/loki/api/v1/labels":                 `"service"`,
		"/api/datasources/proxy/uid/none/x":                                       "Unable to find datasource",
		"/api/datasources/proxy/uid/a%20b/x":                                      "UID is invalid",
		"/api/datasources":                                                        `"uid":"demo-loki"`,
		"/api/frontend/settings":                                                  `"Loki":{"id":1`,
	} {
		_, body, _ := grafanaDo(t, w, "GET", path, GrafanaToken, "")
		assert.Contains(t, body, want, path)
	}
	status, body, _ := grafanaDo(t, w, "POST", "/api/datasources/proxy/uid/demo-prometheus/api/v1/format_query", GrafanaToken, "")
	assert.Equal(t, 403, status)
	assert.Contains(t, body, "non allow-listed POSTs not allowed")
}

func TestGrafanaAnnotations(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	status, body, _ := grafanaDo(t, w, "POST", "/api/annotations", GrafanaToken, `{"text":"rolled back","tags":["deploy","api"]}`)
	assert.Equal(t, 200, status)
	assert.Contains(t, body, "Annotation added")
	_, body, _ = grafanaDo(t, w, "GET", "/api/annotations?tags=deploy&tags=api", GrafanaToken, "")
	assert.Contains(t, body, "rolled back")
	assert.Contains(t, body, "api 17.5.0")
	_, body, _ = grafanaDo(t, w, "GET", "/api/annotations?tags=deploy&limit=1", GrafanaToken, "")
	assert.Contains(t, body, "rolled back", "newest first")
	assert.NotContains(t, body, "api 17.5.0")
	status, _, _ = grafanaDo(t, w, "POST", "/api/annotations", GrafanaToken, `{"text":" "}`)
	assert.Equal(t, 400, status)
	_ = now
}
