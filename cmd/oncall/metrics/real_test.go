package metrics_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/judges"
	"github.com/balena-io/oncall/pkg/simulator"
)

// realPrometheus starts a Prometheus under a prefix that scrapes a small exporter
// and something that is not there, with a rule that fires and one that does not.
// It returns its URL, prefix and all.
func realPrometheus(t *testing.T) string {
	t.Helper()
	bin := judges.Program(t, "prometheus", "prometheus")
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := time.Now().UnixMilli()
		_, _ = fmt.Fprintf(w, "# HELP demo_requests_total Requests.\n# TYPE demo_requests_total counter\ndemo_requests_total{code=\"200\"} %d\ndemo_requests_total{code=\"500\"} %d\n", n/10, n/100)
		_, _ = io.WriteString(w, "# TYPE demo_nan gauge\ndemo_nan NaN\n# TYPE demo_inf gauge\ndemo_inf +Inf\n# TYPE demo_gauge gauge\ndemo_gauge 42\n")
	}))
	t.Cleanup(exporter.Close)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	rules := write("rules.yml", `groups:
- name: demo
  interval: 1s
  rules:
  - {alert: TargetDown, expr: up == 0, for: 1s, labels: {severity: page}, annotations: {summary: a target is down}}
  - {alert: Never, expr: demo_gauge > 100}
  - {record: "demo:sum", expr: sum(demo_requests_total)}
`)
	config := write("prometheus.yml", `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [`+rules+`]
scrape_configs:
- {job_name: api, static_configs: [{targets: ["`+strings.TrimPrefix(exporter.URL, "http://")+`"]}]}
- {job_name: gone, static_configs: [{targets: ["127.0.0.1:1"]}]}
`)
	cmd := exec.CommandContext(t.Context(), bin, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--web.external-url=http://127.0.0.1/prometheus", "--log.level=info")
	told, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() })
	url, lines, all := "", bufio.NewScanner(told), ""
	for url == "" && lines.Scan() {
		all += lines.Text() + "\n"
		if m := listens.FindStringSubmatch(lines.Text()); m != nil {
			url = "http://" + m[1] + "/prometheus"
		}
	}
	require.NotEmpty(t, url, "it did not start: %s", all)
	go func() { _, _ = io.Copy(io.Discard, told) }()
	// Two samples of the exporter and one of what is not there.
	const ready = "/api/v1/query?query=rate(demo_requests_total[1m])+and+on()+up==0"
	require.Eventually(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+ready, nil)
		if err != nil {
			return false
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return bytes.Contains(b, []byte(`"value"`))
	}, patience, 200*time.Millisecond)
	return url
}

// listens is the line in which Prometheus tells its port.
var listens = regexp.MustCompile(`msg="?Listening on"?.* address=(\S+)`)

// patience is with another program beside a busy test; nobody waits as long.
const patience = 5 * time.Minute

// aimed is an Env whose clock is the true one, pointed at a server.
func aimed(t *testing.T, url string) *clitest.Env {
	t.Helper()
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_PROMETHEUS_URL"] = url
	e.Advance(time.Since(clitest.Start))
	return e
}

func TestAgainstPrometheus(t *testing.T) {
	t.Parallel()
	url := realPrometheus(t)
	e := aimed(t, url)
	file := filepath.Join(t.TempDir(), "defs.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`queries:
  errors: {expr: 'sum(rate(demo_requests_total{code="500"}[1m])) / sum(rate(demo_requests_total[1m]))', unit: ratio, above: 0.5}
  gauge: {expr: demo_gauge, above: 41}
  nothing: {expr: no_such_metric, above: 1}
`), 0o600))
	e.Vars["ONCALL_DEFINITIONS"] = file

	r := e.Run(`metrics query demo_nan`)
	assert.Contains(t, r.Out, "NaN")
	r = e.Run(`metrics query demo_inf -o json --jq '.items[0].value'`)
	assert.Equal(t, "+Inf\n", r.Out)
	r = e.Run(`metrics query no_such_metric`)
	assert.Contains(t, r.Err, "nothing found")
	r = e.Run(`metrics query 'up{'`)
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Err, "up{\n   ^\n")
	r = e.Run(`metrics query 'demo_gauge + on() up'`)
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Err, "422, execution")
	long := `demo_gauge{job=~"api` + strings.Repeat("|x", 3000) + `"}`
	r = e.Run(`metrics query '` + long + `' --jq '.items[0].value'`)
	assert.Equal(t, "42\n", r.Out, r.Err)

	r = e.Run(`metrics get errors gauge`)
	assert.Regexp(t, `errors +(8|9|10)(\.\d+)?% +ok`, r.Out)
	assert.Regexp(t, `gauge +42 +over +above 41`, r.Out)
	assert.Equal(t, 0, e.Run(`metrics check errors`).Code)
	assert.Equal(t, 9, e.Run(`metrics check gauge`).Code)
	assert.Equal(t, 9, e.Run(`metrics check nothing`).Code)
	r = e.Run(`metrics check errors --for 1h`)
	assert.Equal(t, 9, r.Code, "there is no data for an hour: not success")
	assert.Contains(t, r.Out, "no-data")

	r = e.Run(`metrics range demo_gauge --since 10s --step 1s -o json --jq '.items[0].points[-1].value'`)
	assert.Equal(t, "42\n", r.Out, r.Err)
	r = e.Run(`metrics range demo_nan --since 10s`)
	assert.Contains(t, r.Out, "NaN")
	r = e.Run(`metrics range demo_requests_total --since 20s --graph`)
	assert.Contains(t, r.Out, "┤", r.Err)
	r = e.Run(`metrics range up --since 7d --step 1s`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "more than 11000 points")

	r = e.Run(`metrics targets`)
	assert.Regexp(t, `^JOB.*\ngone +127\.0\.0\.1:1 +down`, r.Out)
	assert.Contains(t, r.Out, "connection refused")
	assert.Equal(t, 9, e.Run(`metrics targets --fail-on-down`).Code)
	require.Eventually(t, func() bool { return strings.Contains(e.Run(`metrics alerts`).Out, "firing") }, patience, 300*time.Millisecond)
	r = e.Run(`metrics alerts -o wide`)
	assert.Regexp(t, `TargetDown +firing .*a target is down.* 1s +up == 0`, r.Out)
	assert.Equal(t, 9, e.Run(`metrics alerts --fail-on-firing`).Code)
	r = e.Run(`metrics rules`)
	assert.Regexp(t, `^RULE.*\nTargetDown +firing`, r.Out)
	assert.Contains(t, r.Out, "demo:sum")
	assert.Contains(t, e.Run(`__complete metrics query demo_`).Out, "demo_gauge")

	bare := aimed(t, strings.TrimSuffix(url, "/prometheus"))
	r = bare.Run(`metrics query up`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "use the URL "+url)
}

var promtoolValue = regexp.MustCompile(`=> (\S+) @\[([0-9.]+)\]`)

// promtool reads the demo world over HTTP and prints the same numbers.
func TestPromtoolReadsTheDemo(t *testing.T) {
	t.Parallel()
	bin := judges.Program(t, "promtool", "prometheus")
	e := clitest.New(t)
	s := httptest.NewServer(e.World.Handler())
	t.Cleanup(s.Close)
	// This promtool has no flag for a token; it takes a user out of the URL.
	url := strings.Replace(s.URL, "http://", "http://demo:"+simulator.PrometheusToken+"@", 1) + "/prometheus"
	for _, q := range []string{`sum(rate(http_requests_total{job="api",code=~"5.."}[5s])) / sum(rate(http_requests_total{job="api"}[5s]))`, `count(up)`, `max(aws_rds_cpuutilization_average offset 10m)`, `sum by (code) (http_requests_total)`, `vector(0) / 0`} {
		at := strconv.FormatInt(clitest.Start.Unix(), 10)
		out, err := exec.CommandContext(t.Context(), bin, "query", "instant", "--time", at, url, q).CombinedOutput()
		require.NoError(t, err, "%s: %s", q, out)
		theirs := []float64{}
		for _, m := range promtoolValue.FindAllStringSubmatch(string(out), -1) {
			v, err := strconv.ParseFloat(m[1], 64)
			require.NoError(t, err)
			theirs = append(theirs, v)
		}
		r := e.Run(`metrics query '` + q + `' --at ` + clitest.Start.Format(time.RFC3339) + ` --jq '.items[].value'`)
		ours := strings.Fields(r.Out)
		require.Len(t, ours, len(theirs), "%s: %s%s", q, r.Out, r.Err)
		require.NotEmpty(t, theirs, "%s", out)
		same := []float64{}
		for _, text := range ours {
			v, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err)
			same = append(same, v)
		}
		slices.Sort(theirs) // promtool keeps the server's order, which is none
		slices.Sort(same)
		for i, v := range same {
			assert.True(t, v == theirs[i] || math.IsNaN(v) && math.IsNaN(theirs[i]), "%s: %v and %v", q, v, theirs[i])
		}
	}
}
