package metrics_test

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

func TestGet(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`metrics get api-5xx rds-cpu`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `api-5xx +4\.1% +over +above 2% +now`, r.Out)
	assert.Regexp(t, `rds-cpu +4\d\.\d+% +ok +above 80% +10m`, r.Out, "the sample's age is told")

	type reading struct {
		Name, State, Value string
		Late               bool
	}
	got := clitest.JSON[struct{ Items []reading }](t, e.Run(`metrics get api-5xx rds-cpu -o json`))
	assert.Equal(t, "over", got.Items[0].State)
	assert.True(t, strings.HasPrefix(got.Items[0].Value, "0.041") || strings.HasPrefix(got.Items[0].Value, "0.0409"), got.Items[0].Value)
	assert.True(t, got.Items[1].Late)
	assert.Len(t, clitest.JSON[struct{ Items []reading }](t, e.Run(`metrics get -o json`)).Items, 6)

	r = e.Run(`metrics get api-5x`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, `there is no query called "api-5x"`)
	assert.Contains(t, r.Err, "hint: did you mean api-5xx")
}

func TestCheckFollowsTheRollback(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`metrics check api-5xx`)
	assert.Equal(t, 9, r.Code)
	assert.Contains(t, r.Out, "over")
	r = e.Run(`metrics check api-5xx registry-disk`)
	assert.Equal(t, 9, r.Code)
	r = e.Run(`metrics check registry-disk rds-cpu --for 5m`)
	assert.Equal(t, 0, r.Code, r.Out+r.Err)
	r = e.Run(`metrics check api-5xx --for 5m`)
	assert.Equal(t, 9, r.Code)
	assert.Regexp(t, `over +above 2% +now +5m`, r.Out, "since when")

	r = e.Run(`metrics check api-5xx --wait --timeout 20s`)
	assert.Equal(t, 124, r.Code, r.Err)
	assert.Contains(t, r.Err, "did not hold within 20s")
}

func TestCheckWithoutDataOrLimit(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve() // the demo's queries are its own
	file := filepath.Join(t.TempDir(), "defs.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`queries:
  nothing: {expr: no_such_metric, above: 1}
  nan: {expr: "0 * vector(1) / 0", above: 1}
  free: {expr: vector(1)}
  broken: {expr: "sum(", above: 1}
`), 0o600))
	e.Vars["ONCALL_DEFINITIONS"] = file
	r := e.Run(`metrics check nothing`)
	assert.Equal(t, 9, r.Code)
	assert.Contains(t, r.Out, "no data")
	r = e.Run(`metrics check nan`)
	assert.Equal(t, 9, r.Code)
	assert.Regexp(t, `NaN +over`, r.Out)
	r = e.Run(`metrics check free`)
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "no threshold")
	r = e.Run(`metrics get free broken`)
	assert.Equal(t, 6, r.Code, r.Err)
	assert.Contains(t, r.Out, "free")
	assert.Contains(t, r.Err, "parse error")
	r = e.Run(`metrics get nothing --jq '.items[0].value'`)
	assert.Equal(t, "null\n", r.Out)
}

func TestQuery(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`metrics query 'vector(0)/0'`)
	assert.Contains(t, r.Out, "NaN", "NaN is a value")
	r = e.Run(`metrics query no_such_metric`)
	assert.Equal(t, 0, r.Code)
	assert.Empty(t, r.Out)
	assert.Contains(t, r.Err, "nothing found")
	r = e.Run(`metrics query 'rate(http_request_total{job="api"}[5m])'`)
	assert.Contains(t, r.Err, "there is no metric http_request_total; did you mean http_requests_total?")
	r = e.Run(`metrics query 'up{jbo="api"}'`)
	assert.Contains(t, r.Err, "no series has a label jbo; did you mean job?")
	r = e.Run(`metrics query no_such_metric -o json --jq '.items'`)
	assert.Equal(t, "[]\n", r.Out)
	r = e.Run(`metrics query aws_rds_cpuutilization_average`)
	assert.Regexp(t, `api-main.* 4\d`, r.Out)
	assert.Contains(t, r.Err, "CloudWatch is late: these samples are 10m old")
	r = e.Run(`metrics query 'sum(rate(http_requests_total{code=~"5.."}[5s]))/sum(rate(http_requests_total[5s]))' --unit ratio --spark`)
	assert.Regexp(t, `\{\} +4\.1% +▁`, r.Out)
	assert.Equal(t, "METRIC  VALUE\n{}      0.666667\n", e.Run(`metrics query 'vector(2)/3'`).Out, "without the noise of the floating point")
	assert.Equal(t, "METRIC  VALUE\n{}      123456789\n", e.Run(`metrics query 'vector(123456789)'`).Out)
	assert.Equal(t, "0.6666666666666666\n", e.Run(`metrics query 'vector(2)/3' --jq '.items[0].value'`).Out, "all of it for a program")
	r = e.Run(`metrics query up --at 1h -o jsonl`)
	assert.Contains(t, r.Out, `"time":"2026-03-04T02:18:30Z"`)
	r = e.Run(`metrics query '"text"'`)
	assert.Contains(t, r.Out, "text")
	r = e.Run(`metrics query 'up{'`)
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Err, "up{\n   ^\n")
	assert.Contains(t, r.Err, "unexpected end of input inside braces")
	r = e.Run(`metrics query 'histogram_quantile(0.9, up)'`)
	assert.Contains(t, r.Err, "the demo does not speak histogram_quantile()")
	r = e.Run(`metrics query up --at 03/04`)
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "two ways")
}

func TestRange(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`metrics range api-5xx --since 40m`)
	assert.Regexp(t, `api-5xx +0\.2% +\S+ +4\.1% +4\.1% +▁+.*█`, r.Out)
	e.Terminal, e.Width = true, 70
	r = e.Run(`metrics range api-5xx --since 40m --graph --color never`)
	assert.Contains(t, r.Out, "4.1% ┤")
	assert.Contains(t, r.Out, "03:18")
	for _, line := range strings.Split(r.Out, "\n") {
		assert.LessOrEqual(t, len([]rune(line)), 70, line)
	}
	e.Terminal = false
	r = e.Run(`metrics range 'count(up)' --since 4h --step 1s --jq '[(.items[0].points|length), .items[0].points[0].time]'`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.JSONEq(t, `[7201,"2026-03-03T23:18:30Z"]`, r.Out)
	assert.Contains(t, r.Err, "a step of 1s makes more than 11000 points; using 2s")
	r = e.Run(`metrics range up --from 03:00 --to 02:00`)
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "the time begins")
	r = e.Run(`metrics range no_such`)
	assert.Contains(t, r.Err, "nothing found between")

	file := filepath.Join(t.TempDir(), "x.png")
	r = e.Run(`metrics range api-5xx --since 1h --png ` + file)
	require.Equal(t, 0, r.Code, r.Err)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	red := 0
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			if r, g, b, _ := img.At(x, y).RGBA(); r>>8 == 214 && g>>8 == 39 && b>>8 == 40 {
				red++
			}
		}
	}
	assert.Greater(t, red, 500, "the query's limit is drawn")
	r = e.Run(`metrics range api-5xx --png /no/such/folder/x.png`)
	assert.Equal(t, 2, r.Code, r.Err)
}

func TestAlertsTargetsRules(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`metrics alerts`)
	assert.Contains(t, r.Out, "up == 0", "the rule's expression beside the alert")
	assert.Regexp(t, `(?s)\nAPI5xxRatioHigh +firing.*\nE2EStale.*\nTargetDown`, r.Out, "the most severe first, then the newest")
	assert.Regexp(t, `TargetDown .* instance="10\.0\.4\.22:5001", job="registry" .* 5m +up == 0`, r.Out, "which target it is about")
	assert.Equal(t, 9, e.Run(`metrics alerts --fail-on-firing`).Code)
	r = e.Run(`metrics targets`)
	assert.Regexp(t, `^JOB.*\nregistry +10\.0\.4\.22:5001 +down`, r.Out, "down first")
	assert.Equal(t, 9, e.Run(`metrics targets --fail-on-down`).Code)
	assert.Equal(t, 0, e.Run(`metrics targets --job api --fail-on-down`).Code)
	r = e.Run(`metrics rules --type alert`)
	assert.Regexp(t, `^RULE.*\nAPI5xxRatioHigh +firing`, r.Out)
	assert.Equal(t, 2, e.Run(`metrics rules --type odd`).Code)
	assert.Contains(t, e.Run(`metrics rules --type record`).Err, "no rule")
}

// Every way to be told to sign in is one sentence, with the way to a token.
func TestSessionErrors(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"GitHub page": func(w http.ResponseWriter, _ *http.Request) {
			page(w, "<!DOCTYPE html><title>Sign in to GitHub</title>")
		},
		"any page": func(w http.ResponseWriter, _ *http.Request) { page(w, "<html><h1>It works</h1>") },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
		"401": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			_, _ = io.WriteString(w, `{"message":"Unauthorized"}`)
		},
	} {
		for _, through := range []string{"", "uid1"} {
			t.Run(name+through, func(t *testing.T) {
				t.Parallel()
				s := httptest.NewServer(answer)
				t.Cleanup(s.Close)
				e := clitest.New(t)
				delete(e.Vars, "ONCALL_CONTEXT")
				e.Vars["ONCALL_PROMETHEUS_URL"], e.Vars["ONCALL_GRAFANA_URL"] = s.URL+"/prometheus", s.URL
				e.Vars["ONCALL_PROMETHEUS_DATA_SOURCE"], e.Vars["ONCALL_GRAFANA_TOKEN"] = through, "glsa_sekrit"
				r := e.Run(`metrics query up`)
				assert.Equal(t, 3, r.Code)
				assert.Empty(t, r.Out)
				assert.Contains(t, r.Err, "not signed in to 127.0.0.1")
				assert.Contains(t, r.Err, "token")
				assert.NotContains(t, r.Err, "sekrit")
			})
		}
	}
}

func page(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, text)
}

func TestMissingPrefixAndSettings(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/prometheus/graph", http.StatusFound)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(s.Close)
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_PROMETHEUS_URL"] = s.URL
	r := e.Run(`metrics query up`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "hint: Prometheus is served below a prefix: use the URL "+s.URL+"/prometheus")
	delete(e.Vars, "ONCALL_PROMETHEUS_URL")
	e.Vars["ONCALL_GRAFANA_URL"] = s.URL
	r = e.Run(`metrics query up`)
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "ONCALL_PROMETHEUS_URL")
}

func TestOverTheNetworkAndThroughGrafana(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	want := e.Run(`metrics query 'count(up)' -o json`)
	require.Equal(t, 0, want.Code, want.Err)
	for _, source := range []string{simulator.GrafanaPrometheusUID, "Prometheus"} {
		e.Vars["ONCALL_PROMETHEUS_DATA_SOURCE"] = source
		assert.Equal(t, want.Out, e.Run(`metrics query 'count(up)' -o json`).Out, source)
	}
	e.Vars["ONCALL_PROMETHEUS_DATA_SOURCE"] = "Promethius"
	r := e.Run(`metrics query up`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "grafana: find the data source: there is none of the type prometheus with the uid or the name \"Promethius\"\nhint: did you mean Prometheus?\n")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for kind, code := range map[string]int{"reset-after": 0, "cut": 0, "html": 3} {
		e := clitest.New(t)
		require.NoError(t, e.World.AddFault(simulator.Fault{Service: "prometheus", Kind: kind, Times: 1}))
		r := e.Run(`metrics query 'count(up)'`)
		assert.Equal(t, code, r.Code, "%s: %s", kind, r.Err)
	}
	e := clitest.New(t)
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "prometheus", Kind: "status", Status: 503, Times: 99}))
	assert.Equal(t, 7, e.Run(`metrics query up`).Code)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`__complete metrics check api`)
	assert.Contains(t, r.Out, "api-5xx\tshare of the API's requests answered 5xx")
	r = e.Run(`__complete metrics targets --job ''`)
	assert.Contains(t, r.Out, "registry")
	r = e.Run(`__complete metrics query http_`)
	assert.Contains(t, r.Out, "http_requests_total")
}

// On a narrow terminal an alert keeps its state and age; the rule's words give way.
func TestAlertsOnANarrowTerminal(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 60
	r := e.Run(`metrics alerts`)
	assert.Regexp(t, `ALERT +STATE +SINCE +SEVERITY +SUMMARY`, r.Out)
	assert.Contains(t, r.Out, "API 5xx ratio above 2%")
	assert.Contains(t, r.Err, "no room for VALUE, LABELS, FOR and EXPR (-o wide shows all)")
}

func TestPictureIntoAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := clitest.New(t).Run(`metrics range up --since 10m --png missing/x.png`)
	assert.Equal(t, 2, r.Code)
	assert.Equal(t, 1, strings.Count(r.Err, "missing/x.png"), r.Err)
	assert.Contains(t, r.Err, "--png: missing/x.png: ")
}
