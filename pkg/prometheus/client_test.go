package prometheus_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/prometheus"
	"github.com/balena-io/oncall/pkg/secret"
)

// server records what it is asked and answers by path below /base/prometheus.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

type seen struct {
	Method, Path string
	Form         url.Values
	Header       http.Header
}

func (s *server) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		s.mu.Lock()
		s.seen = append(s.seen, seen{r.Method, r.URL.Path, r.Form, r.Header})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, s *server, change ...func(*prometheus.Config)) *prometheus.Client {
	t.Helper()
	cfg := prometheus.Config{
		HTTP: httpx.Config{BaseURL: s.URL + "/base/prometheus", Retry: httpx.RetryPolicy{Max: 1}, Mode: httpx.ReadOnly,
			Sleep: func(context.Context, time.Duration) error { return nil }},
		Token: secret.New("glsa_testtoken"),
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := prometheus.New(cfg)
	require.NoError(t, err)
	return c
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const oneSample = `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"api"},"value":[1795323776.773,"1"]}]}}`

func TestQuery(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, `{"status":"success","data":{"resultType":"vector","result":[
			{"metric":{"__name__":"up","job":"web"},"value":[1795323776.773,"NaN"]},
			{"metric":{"__name__":"up","job":"api"},"value":[1795323776.773,"+Inf"]},
			{"metric":{"__name__":"up","job":"db"},"histogram":[1795323776.773,{"count":"60","sum":"33.5","buckets":[[0,"0.5","1","20"]]}]}]},
			"warnings":["one store did not answer"],"infos":["metric might not be a counter"]}`)
	})
	res, err := client(t, s).Query(t.Context(), prometheus.Query{Expr: "up", Time: time.UnixMilli(1795323776773), Timeout: 3 * time.Second, Limit: 7, Lookback: time.Minute})
	require.NoError(t, err)

	require.Len(t, res.Vector, 3)
	assert.Equal(t, prometheus.Vector, res.Type)
	assert.Equal(t, `up{job="api"}`, res.Vector[0].Metric.String(), "sorted by labels")
	assert.Equal(t, "+Inf", res.Vector[0].Value.String())
	assert.Equal(t, time.UnixMilli(1795323776773).UTC(), res.Vector[0].Time)
	require.NotNil(t, res.Vector[1].Histogram)
	assert.Equal(t, "60", res.Vector[1].Histogram.Count.String())
	assert.InDelta(t, 0.5, float64(res.Vector[1].Histogram.Buckets[0].Lower), 0)
	assert.Equal(t, "NaN", res.Vector[2].Value.String())
	assert.Equal(t, []string{"one store did not answer"}, res.Warnings)
	assert.Equal(t, []string{"metric might not be a counter"}, res.Infos)
	assert.False(t, res.Empty())

	got := s.requests()[0]
	assert.Equal(t, http.MethodGet, got.Method)
	assert.Equal(t, "/base/prometheus/api/v1/query", got.Path)
	assert.Equal(t, "Bearer glsa_testtoken", got.Header.Get("Authorization"))
	assert.Equal(t, url.Values{"query": {"up"}, "time": {"1795323776.773"}, "timeout": {"3"}, "limit": {"7"}, "lookback_delta": {"60"}}, got.Form)
}

func TestQueryOtherTypes(t *testing.T) {
	t.Parallel()
	body := ""
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, body) })
	c := client(t, s)

	body = `{"status":"success","data":{"resultType":"scalar","result":[1795323777.557,"-Inf"]}}`
	res, err := c.Query(t.Context(), prometheus.Query{Expr: "-1/0"})
	require.NoError(t, err)
	assert.Equal(t, "-Inf", res.Scalar.Value.String())
	assert.False(t, res.Empty())

	body = `{"status":"success","data":{"resultType":"string","result":[1795323777.557,"hello"]}}`
	res, err = c.Query(t.Context(), prometheus.Query{Expr: `"hello"`})
	require.NoError(t, err)
	assert.Equal(t, "hello", res.Text)

	body = `{"status":"success","data":{"resultType":"vector","result":[]}}`
	res, err = c.Query(t.Context(), prometheus.Query{Expr: "nothing"})
	require.NoError(t, err)
	assert.True(t, res.Empty())
	assert.NotNil(t, res.Vector)

	body = `{"status":"success","data":{"resultType":"matrix","result":[]}}`
	res, err = c.Query(t.Context(), prometheus.Query{Expr: "nothing[5m]"})
	require.NoError(t, err)
	assert.True(t, res.Empty())
	body = `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}`
	res, err = c.Query(t.Context(), prometheus.Query{Expr: "up[5m]"})
	require.NoError(t, err)
	assert.False(t, res.Empty())

	body = `{"status":"success","data":{"resultType":"tensor","result":[]}}`
	_, err = c.Query(t.Context(), prometheus.Query{Expr: "x"})
	require.ErrorContains(t, err, "unknown result type")
}

func TestServerOrderIsKeptWhenTheQuerySorts(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"z"},"value":[1,"9"]},{"metric":{"a":"b"},"value":[1,"1"]}]}}`)
	})
	res, err := client(t, s).Query(t.Context(), prometheus.Query{Expr: "topk(2, x)"})
	require.NoError(t, err)
	assert.Equal(t, "z", res.Vector[0].Metric["a"])
	res, err = client(t, s).Query(t.Context(), prometheus.Query{Expr: "topk(2, x) + 1"})
	require.NoError(t, err)
	assert.Equal(t, "b", res.Vector[0].Metric["a"])
}

func TestLongQueryTravelsAsFormAndAsGetWhereRefused(t *testing.T) {
	t.Parallel()
	refuse := false
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if refuse && r.Method == http.MethodPost {
			writeJSON(w, 403, `{"message":"non allow-listed POSTs not allowed on proxied Prometheus datasource"}`)
			return
		}
		writeJSON(w, 200, oneSample)
	})
	c := client(t, s)
	long := `up{job=~"` + strings.Repeat("a|", 1500) + `"}`

	_, err := c.Query(t.Context(), prometheus.Query{Expr: long})
	require.NoError(t, err)
	got := s.requests()
	require.Len(t, got, 1)
	assert.Equal(t, http.MethodPost, got[0].Method)
	assert.Equal(t, long, got[0].Form.Get("query"))

	refuse = true
	_, err = c.Query(t.Context(), prometheus.Query{Expr: long})
	require.NoError(t, err)
	_, err = c.Query(t.Context(), prometheus.Query{Expr: long})
	require.NoError(t, err)
	var methods []string
	for _, r := range s.requests()[1:] {
		methods = append(methods, r.Method)
	}
	assert.Equal(t, []string{"POST", "GET", "GET"}, methods, "the refusal is remembered")
}

func TestThroughGrafana(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, oneSample) })
	c := client(t, s, func(cfg *prometheus.Config) {
		cfg.HTTP.BaseURL, cfg.DataSource, cfg.OrgID = s.URL+"/base/grafana", "prom uid", "3"
	})
	_, err := c.Query(t.Context(), prometheus.Query{Expr: "up"})
	require.NoError(t, err)
	got := s.requests()[0]
	assert.Equal(t, "/base/grafana/api/datasources/proxy/uid/prom uid/api/v1/query", got.Path)
	assert.Equal(t, "3", got.Header.Get("X-Grafana-Org-Id"))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		kind   string
		header string
		body   string
		want   error
		says   []string
	}{
		"parse error": {400, "application/json", "", `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected end of input inside braces"}`,
			apierr.ErrInvalid, []string{"prometheus: query: ", "unexpected end of input", "400, bad_data"}},
		"execution":     {422, "application/json", "", `{"status":"error","errorType":"execution","error":"found duplicate series for the match group"}`, apierr.ErrInvalid, []string{"found duplicate series"}},
		"timeout":       {503, "application/json", "", `{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}`, apierr.ErrUnavailable, []string{"query timed out", "shorter range"}},
		"success error": {200, "application/json", "", `{"status":"error","errorType":"internal","error":"boom"}`, apierr.ErrUnavailable, []string{"boom"}},
		"401":           {401, "application/json", "", `{"message":"Unauthorized"}`, apierr.ErrAuth, []string{"not signed in to 127.0.0.1", "token"}},
		"403":           {403, "application/json", "", `{"message":"Access denied"}`, apierr.ErrAuth, []string{"refused: Access denied"}},
		"login page":    {200, "text/html", "", `<!DOCTYPE html><title>Sign in to GitHub</title>`, apierr.ErrAuth, []string{"not signed in to 127.0.0.1", "token"}},
		"proxy page":    {200, "text/html", "", `<html><h1>It works!</h1>`, apierr.ErrAuth, []string{"not signed in to 127.0.0.1", "web page", "token"}},
		"to GitHub":     {302, "text/html", "https://github.com/login/oauth/authorize?client_id=1", "", apierr.ErrAuth, []string{"not signed in to 127.0.0.1", "token"}},
		"429":           {429, "text/plain", "", "slow down", apierr.ErrRateLimited, nil},
		"500":           {500, "text/plain", "", "panic", apierr.ErrUnavailable, []string{"500"}},
		"gateway page":  {502, "text/html", "", "<html><h1>Bad Gateway</h1>", apierr.ErrUnavailable, []string{"bad gateway"}},
		"cut":           {200, "application/json", "", `{"status":"success","data":{"resultTy`, apierr.ErrUnavailable, []string{"cut or broken"}},
		"other API":     {200, "application/json", "", `{"name":"something else"}`, apierr.ErrUnavailable, []string{"not one of Prometheus' API", "check the URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				if c.header != "" {
					w.Header().Set("Location", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := client(t, s).Query(t.Context(), prometheus.Query{Expr: "up{"})
			require.ErrorIs(t, err, c.want)
			for _, text := range c.says {
				assert.Contains(t, err.Error()+"\n"+apierr.HintOf(err), text)
			}
			assert.NotContains(t, err.Error(), "<")
			assert.NotContains(t, err.Error(), "glsa_testtoken")
		})
	}
}

func TestParseErrorHasACaret(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 400, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected end of input inside braces"}`)
	})
	_, err := client(t, s).Query(t.Context(), prometheus.Query{Expr: "up{"})
	var place *datasource.QueryError
	require.ErrorAs(t, err, &place)
	assert.Equal(t, "up{\n   ^", place.Caret())
}

func TestMissingPrefix(t *testing.T) {
	t.Parallel()
	redirect := true
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case redirect && r.URL.Path == "/":
			http.Redirect(w, r, "/deep/prometheus/graph", http.StatusFound)
		case r.URL.Path == "/deep/prometheus/graph":
			w.Header().Set("Content-Type", "text/html")
		default:
			http.NotFound(w, r)
		}
	})
	c := client(t, s, func(cfg *prometheus.Config) { cfg.HTTP.BaseURL = s.URL })
	_, err := c.Query(t.Context(), prometheus.Query{Expr: "up"})
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, err.Error(), "there is no Prometheus API at this URL: "+s.URL+"/api/v1 (404)")
	assert.Equal(t, "Prometheus is served below a prefix: use the URL "+s.URL+"/deep/prometheus", apierr.HintOf(err))

	redirect = false
	_, err = c.Query(t.Context(), prometheus.Query{Expr: "up"})
	assert.Equal(t, "is a prefix missing? try the URL "+s.URL+"/prometheus", apierr.HintOf(err))
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client(t, s).Query(ctx, prometheus.Query{Expr: "up"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestResetBeforeTheAnswerIsTriedAgain(t *testing.T) {
	t.Parallel()
	var once sync.Once
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		cut := false
		once.Do(func() { cut = true })
		if cut {
			panic(http.ErrAbortHandler)
		}
		writeJSON(w, 200, oneSample)
	})
	res, err := client(t, s).Query(t.Context(), prometheus.Query{Expr: "up"})
	require.NoError(t, err)
	assert.Len(t, res.Vector, 1)
}

func TestConfigAndUsage(t *testing.T) {
	t.Parallel()
	_, err := prometheus.New(prometheus.Config{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Contains(t, apierr.HintOf(err), "ONCALL_PROMETHEUS_URL")

	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, 200, oneSample) })
	c := client(t, s)
	now := time.UnixMilli(1795323776773)
	for name, f := range map[string]func() error{
		"empty query": func() error { _, err := c.Query(t.Context(), prometheus.Query{}); return err },
		"empty range": func() error { _, err := c.QueryRange(t.Context(), prometheus.Range{}); return err },
		"ends before": func() error {
			_, err := c.QueryRange(t.Context(), prometheus.Range{Expr: "up", Start: now, End: now.Add(-1), Step: 1e9})
			return err
		},
		"no step": func() error {
			_, err := c.QueryRange(t.Context(), prometheus.Range{Expr: "up", Start: now, End: now})
			return err
		},
		"too many": func() error {
			_, err := c.QueryRange(t.Context(), prometheus.Range{Expr: "up", Start: now.Add(-11001 * time.Second), End: now, Step: time.Second})
			return err
		},
	} {
		assert.ErrorIs(t, f(), apierr.ErrUsage, name)
	}
	assert.Empty(t, s.requests(), "nothing was sent")
	var e *apierr.Error
	require.ErrorAs(t, func() error {
		_, err := c.QueryRange(t.Context(), prometheus.Range{Expr: "up", Start: now.Add(-22000 * time.Second), End: now, Step: time.Second})
		return err
	}(), &e)
	assert.Equal(t, "the least step for this range is 2s", e.Hint)
}
