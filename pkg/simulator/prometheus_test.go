package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promGet asks the demo's Prometheus and returns status and body.
func promGet(t *testing.T, w *World, path string, q url.Values) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, BaseURL+"/prometheus/api/v1/"+path+"?"+q.Encode(), nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+PrometheusToken)
	res, err := w.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(b, &out), "%s", b)
	return res.StatusCode, out
}

// promValue is the one value of an instant query, NaN text and all; "" when
// there is none.
func promValue(t *testing.T, w *World, query string) string {
	t.Helper()
	status, body := promGet(t, w, "query", url.Values{"query": {query}})
	require.Equal(t, 200, status, "%v", body)
	data, _ := body["data"].(map[string]any)
	result, _ := data["result"].([]any)
	if len(result) == 0 {
		return ""
	}
	require.Len(t, result, 1)
	s, _ := result[0].(map[string]any)
	v, _ := s["value"].([]any)
	text, _ := v[1].(string)
	return text
}

const ratio5xx = `sum(rate(http_requests_total{job="api",code=~"5.."}[5s])) / sum(rate(http_requests_total{job="api"}[5s]))`

func ratio(t *testing.T, w *World) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(promValue(t, w, ratio5xx), 64)
	require.NoError(t, err)
	return f
}

func TestMetricsFollowTheWorld(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	assert.InDelta(t, ErrorRatioBad, ratio(t, w), 0.002)
	assert.Equal(t, "1", promValue(t, w, `ALERTS{alertname="API5xxRatioHigh"}`))
	assert.Equal(t, "6", promValue(t, w, `count(app_version_info{version="17.5.0"})`))

	require.NoError(t, w.update(func(s *State) error { s.Facts.BeginDeploy(ComponentAPI, APIVersionGood, 882, s.Now); return nil }))
	*now = now.Add(BuildDelay + FluxDelay + RolloutDelay + liveRamp + VerifyWindow + 2*time.Second)
	assert.InDelta(t, ErrorRatioGood, ratio(t, w), 0.002)
	assert.Equal(t, "6", promValue(t, w, `count(app_version_info{version="17.4.1"})`))
	// Counters never fall.
	assert.Empty(t, promValue(t, w, `count(delta(http_requests_total[1m]) < 0)`))
}

func TestCloudwatchIsLate(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	assert.Empty(t, promValue(t, w, "aws_rds_cpuutilization_average"))
	assert.NotEmpty(t, promValue(t, w, "aws_rds_cpuutilization_average offset 10m"))
	assert.NotEmpty(t, promValue(t, w, "last_over_time(aws_rds_cpuutilization_average[20m])"))
}

func TestPrometheusRefusesInItsOwnForm(t *testing.T) {
	t.Parallel()
	w, now := clocked(t)
	for query, want := range map[string][2]any{
		`up{`:                              {400, `invalid parameter "query": 1:4: parse error: unexpected end of input inside braces`},
		`histogram_quantile(0.9, up)`:      {422, "the demo does not speak histogram_quantile()"},
		`up * on(job) group_left() up`:     {422, "the demo does not speak group_left"},
		`max_over_time(rate(up[1m])[5m:])`: {422, "the demo does not speak subqueries"},
		`foo(up)`:                          {400, `invalid parameter "query": 1:1: parse error: unknown function with name "foo"`},
	} {
		status, body := promGet(t, w, "query", url.Values{"query": {query}})
		assert.Equal(t, want[0], status, query)
		assert.Equal(t, want[1], body["error"], query)
		assert.Equal(t, "error", body["status"])
	}
	end := strconv.FormatInt(now.Unix(), 10)
	start := strconv.FormatInt(now.Unix()-11001, 10)
	status, body := promGet(t, w, "query_range", url.Values{"query": {"up"}, "start": {start}, "end": {end}, "step": {"1"}})
	assert.Equal(t, 400, status)
	assert.Contains(t, body["error"], "exceeded maximum resolution of 11,000 points")
}

func TestPrometheusWithoutPrefixOrToken(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	for path, want := range map[string]string{"/prometheus/api/v1/query?query=up": "Unauthorized\n", "/prometheus/api/v2/x": "Unauthorized\n", "/prometheus/nothing": "404 page not found\n", "/prometheus/-/ready": "Prometheus Server is Ready.\n"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, BaseURL+path, nil)
		require.NoError(t, err)
		res, err := w.Transport().RoundTrip(req)
		require.NoError(t, err)
		b, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		assert.Equal(t, want, string(b), path)
	}
}

func TestAlertsRulesTargets(t *testing.T) {
	t.Parallel()
	w, _ := clocked(t)
	_, body := promGet(t, w, "alerts", nil)
	assert.Len(t, body["data"].(map[string]any)["alerts"], 3)
	_, body = promGet(t, w, "targets", url.Values{"state": {"active"}, "scrapePool": {"registry"}})
	assert.Len(t, body["data"].(map[string]any)["activeTargets"], 2)
	_, body = promGet(t, w, "rules", url.Values{"type": {"alert"}})
	assert.Len(t, body["data"].(map[string]any)["groups"], 1)
	_, body = promGet(t, w, "label/job/values", nil)
	assert.Contains(t, body["data"], "cloudwatch")
}

// clocked makes a world whose clock the test moves.
func clocked(t *testing.T) (*World, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 22, 3, 18, 0, 0, time.UTC)
	w, err := Open(Options{Now: func() time.Time { return now }, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w, &now
}
