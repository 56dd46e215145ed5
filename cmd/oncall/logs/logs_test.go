package logs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

// The primer's example in one line: elevated 400s, which paths?
func TestTopFindsTheRequestPaths(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`logs top --service api --by path --status 4xx --since 12m --compare 1h`)
	require.Equal(t, 0, r.Code, r.Err)
	lines := strings.Split(r.Out, "\n")
	assert.Regexp(t, `^COUNT +SHARE +BEFORE +CHANGE +PATH +TRACE +EXAMPLE`, lines[0])
	assert.Regexp(t, `^\d+ +\d+% +\d+ +grown +/device/v2/<_>/state +[0-9a-f]{16} +method=\S+ path=/device/v2/[0-9a-f]{32}/state status=4`, lines[1])

	type group struct {
		Value, Change string
		Count, Before int
		Examples      []struct{ TraceID, Line string }
	}
	got := clitest.JSON[struct{ Items []group }](t, e.Run(`logs top --service api --by path --status 4xx --since 12m --compare 1h -o json`))
	assert.Equal(t, "/device/v2/<_>/state", got.Items[0].Value)
	assert.NotEmpty(t, got.Items[0].Examples[0].TraceID)

	// A parser that the server lacks is applied here, with the same counts.
	server := e.Run(`logs top --service api --by path --status 5xx --since 12m --examples 0 -o json --jq '.items'`)
	here := e.Run(`logs top --service api --by path --status 5xx --since 12m --examples 0 -o json --jq '.items' --parser 'pattern method=<_> path=<path> status=<status> <_>'`)
	assert.Equal(t, server.Out, here.Out)
	assert.Contains(t, here.Err, "counted here")

	r = e.Run(`logs top --service vpn --by path`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, `no line has a field "path"`)
	r = e.Run(`logs top --service api --by pth`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "did you mean --by path?")
	r = e.Run(`logs top --service api --by path --parser json`)
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Err, "another parser finds path: --parser logfmt")

	// A path is one, whatever the device; each by itself on request.
	assert.Contains(t, e.Run(`logs top --service api --by path --status 4xx`).Err, "<_> stands for ids")
	assert.Regexp(t, `^/device/v2/[0-9a-f]{32}/state$`, clitest.JSON[struct{ Items []group }](t, e.Run(`logs top '{service="api"} |= "/device/v2/"' --by path --exact -o json`)).Items[0].Value)
	assert.Equal(t, 2, e.Run(`logs top --service api --status 9xx`).Code)
	assert.Equal(t, 2, e.Run(`logs top --service api --by a-b`).Code)
	assert.Equal(t, 2, e.Run(`logs top --service api --parser xml`).Code)
	assert.Equal(t, 2, e.Run(`logs top 'rate({service="api"}[5m])'`).Code)
}

func TestQuery(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`logs query --service api --level error --limit 4`)
	require.Equal(t, 0, r.Code, r.Err)
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	require.Len(t, lines, 4)
	assert.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3} api/ip-10-0-1-1\d error `, lines[0])
	assert.LessOrEqual(t, lines[0][:12], lines[3][:12], "oldest first")
	assert.Contains(t, r.Err, "the newest 4 lines")

	r = e.Run(`logs query --service api --grep status=400 '| logfmt | path=~"/device/v2/.*"' --limit 3 -o jsonl`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Len(t, strings.Split(strings.TrimSpace(r.Out), "\n"), 3)
	assert.Contains(t, r.Out, `"fields":{`)
	assert.Contains(t, r.Out, `"trace_id"`)
	r = e.Run(`logs query --service api --limit 2 --raw`)
	assert.Regexp(t, `^(method=|msg=)`, r.Out)
	r = e.Run(`logs query 'sum by (level) (count_over_time({service="api"}[10m]))'`)
	assert.Regexp(t, `level="info"\} +\d+`, r.Out)
	r = e.Run(`logs query --service api --direction backward --limit 3 --jq .time`)
	times := strings.Split(strings.TrimSpace(r.Out), "\n")
	assert.Greater(t, times[0], times[2])
}

// Whole ranges: every page size and every number of parts gives the same lines.
func TestWholeRanges(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	want := e.Run(`logs query --label env=production --since 20m --limit 0 --parallel 1 -o jsonl`)
	require.Equal(t, 0, want.Code, want.Err)
	n := strings.Count(want.Out, "\n")
	assert.Greater(t, n, 9000, "more than a page")
	// Lines of one instant come in any order; within the file each stands once.
	sorted := func(s string) string { return fmt.Sprint(len(s), strings.Count(s, "pool exhausted")) }
	for _, flags := range []string{"--page 700 --parallel 4", "--page 5000 --parallel 2", "--page 7000 --parallel 8"} {
		got := e.Run(`logs query --label env=production --since 20m --limit 0 -o jsonl ` + flags)
		assert.Equal(t, n, strings.Count(got.Out, "\n"), flags)
		assert.Equal(t, sorted(want.Out), sorted(got.Out), flags)
		last := ""
		for line := range strings.Lines(got.Out) {
			at := regexp.MustCompile(`"time":"([^"]+)"`).FindStringSubmatch(line)[1]
			stamp, err := time.Parse(time.RFC3339Nano, at)
			require.NoError(t, err)
			key := stamp.Format("2006-01-02T15:04:05.000000000")
			require.LessOrEqual(t, last, key, "in order")
			last = key
		}
	}
}

func TestPatternsAndContext(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`logs patterns --service api --since 6m --compare 1h`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `^COUNT.*\n\d+ +\d+% +\d+ +(grown|new) +msg="timeout acquiring a connection"`, r.Out)
	r = e.Run(`logs context --service api --line 'pool exhausted' -C 2 -o jsonl --jq '[.match//false, .line[0:4]]|tostring'`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, `[true,"msg="]`)
	at := strings.TrimSpace(e.Run(`logs query --service api --level error --grep pool --limit 1 --jq .time`).Out)
	r = e.Run(`logs context ` + at + ` --service api --level error --line pool --host-wide -B 3 -A 0`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "> ")
	assert.Contains(t, r.Err, `{host="ip-10-0-1-1`)
	assert.Equal(t, 4, e.Run(`logs context --service api --line 'no such text'`).Code)
	assert.Equal(t, 2, e.Run(`logs context --service api`).Code)
}

func TestLabelsSeriesVolume(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Equal(t, "log-label/env\nlog-label/host\nlog-label/level\nlog-label/service\n", e.Run(`logs labels -o name`).Out)
	assert.Equal(t, "VALUE\napi\nregistry\nvpn\n", e.Run(`logs labels service`).Out)
	r := e.Run(`logs labels servise`)
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "did you mean service?")
	assert.Contains(t, e.Run(`logs series --service vpn`).Out, `host="ip-10-0-2-11"`)
	assert.Regexp(t, `\{service="api"\} +\d`, e.Run(`logs volume --label env=production`).Out)
	// Who logs most, and what there is: without knowing any label.
	assert.Regexp(t, `(?s)\{service="api"\} +\d.*\{service="vpn"\} +\d`, e.Run(`logs volume`).Out)
	assert.Regexp(t, `\{host="registry-1"\} +\d`, e.Run(`logs volume --by host`).Out)
	all := e.Run(`logs series`)
	assert.Equal(t, 0, all.Code, all.Err)
	assert.Contains(t, all.Out, `service="vpn"`)
	assert.Contains(t, all.Out, `service="registry"`)
	for _, wrong := range []string{`logs series --service api '| json'`, `logs volume '{service="api"} |= "x"'`, `logs volume --by ''`} {
		assert.Equal(t, 2, e.Run(wrong).Code, wrong)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`logs tail --service api --lines 3 --for 1s -o jsonl`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 3, strings.Count(r.Out, "\n"))
	r = e.Run(`logs tail 'rate({service="api"}[1m])' --for 1s`)
	assert.Equal(t, 2, r.Code)
	r = e.Run(`logs tail '{service="api"' --for 1s`)
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Err, "^")
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for line, want := range map[string]struct {
		code int
		says string
	}{
		`logs query`:         {2, "no label is given"},
		`logs query api`:     {2, "\"api\" is no LogQL\nhint: --service api,"},
		`logs top 'api 5xx'`: {2, "hint: --service 'api 5xx',"},
		`logs query 5`:       {1, "number 5"},
		`logs query --service api '{service="api"}'`:          {2, "only one of them"},
		`logs query --label x`:                                {2, "is not NAME=VALUE"},
		`logs query --label 'x~=y'`:                           {2, "NAME=~REGEXP"},
		`logs query --service api --from 1h --to 2h`:          {2, "the time begins"},
		`logs query --service api --since 03/04`:              {2, "two ways"},
		`logs query --service api --since 1h --from 2h`:       {2, "only one of them"},
		`logs query --service api --direction up`:             {2, "forward or backward"},
		`logs query --service api --limit 200000`:             {2, "--direction"},
		`logs query --service api --parallel 99`:              {2, "between 1 and 32"},
		`logs query '{service="api"'`:                         {1, "{service=\"api\"\n              ^\n"},
		`logs query '{service="api"} | line_format "x"'`:      {1, "the demo does not speak line_format"},
		`logs query '{servise="api"}'`:                        {4, "did you mean service?"},
		`logs query --service apu`:                            {4, "did you mean api"},
		`logs query --service '~('`:                           {2, "not a regular expression"},
		`logs query --service api --grep nothing-like-it`:     {0, "no line matches"},
		`logs query --service registry --since 40d --limit 1`: {0, ""},
	} {
		r := e.Run(line)
		assert.Equal(t, want.code, r.Code, "%s: %s", line, r.Err)
		assert.Contains(t, r.Err, want.says, line)
	}
}

// answer makes a Loki that says one thing.
func answer(t *testing.T, h http.HandlerFunc) *clitest.Env {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_LOKI_URL"] = s.URL + "/base"
	return e
}

func TestServersWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		kind, body string
		code       int
		says       string
	}{
		"tenant":     {401, "text/plain", "no org id", 3, "ONCALL_LOKI_TENANT"},
		"login page": {200, "text/html", "<html>Sign in to GitHub</html>", 3, "not signed in to 127.0.0.1"},
		"404":        {404, "text/plain", "404 page not found", 4, "there is no Loki API at this URL"},
		"429":        {429, "text/plain", "too many outstanding requests", 7, "too many outstanding requests"},
		"limit":      {400, "text/plain", "the query would read too many bytes (query: 1.2TB, limit: 500GB)", 1, "limit: 500GB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := answer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			r := e.Run(`logs query '{a="b"}' --since 1s`)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Err, c.says)
			assert.Empty(t, r.Out)
		})
	}
}

// Lines are hostile: escapes are made visible, bytes stay bytes with --raw, JSON
// is JSON.
func TestHostileLines(t *testing.T) {
	t.Parallel()
	const text = "red \\u001b[31mRED\\u001b[0m title \\u001b]0;pwned\\u0007 bad \xff\xfe end"
	e := answer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"b\u001b[2J"},"values":[["1772594310000000000","`+text+`"]]}]}}`)
	})
	r := e.Run(`logs query '{a="b"}' --limit 1`)
	assert.NotContains(t, r.Out, "\x1b")
	assert.Contains(t, r.Out, "RED")
	r = e.Run(`logs query '{a="b"}' --limit 1 --raw`)
	assert.Contains(t, r.Out, "\x1b]0;pwned\x07 bad \xff\xfe end")
	r = e.Run(`logs query '{a="b"}' --limit 1 -o jsonl`)
	assert.NotContains(t, r.Out, "\x1b")
	assert.Contains(t, r.Out, `\u001b]0;pwned`)
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3<<20)
	e := answer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"b"},"values":[["1772594310000000000","`+long+`"]]}]}}`)
	})
	r := e.Run(`logs query '{a="b"}' --limit 1 --raw`)
	assert.Equal(t, long+"\n", r.Out)
}

func TestConfiguredLabelsAndTenant(t *testing.T) {
	t.Parallel()
	var asked, tenant string
	e := answer(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "query_range") {
			asked, tenant = r.URL.Query().Get("query"), r.Header.Get("X-Scope-OrgID")
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"streams","result":[]}}`)
	})
	file := filepath.Join(t.TempDir(), "defs.yaml")
	require.NoError(t, os.WriteFile(file, []byte("logs:\n  labels: {service: app, level: severity}\n  default: [env=production]\n  parser: json\n"), 0o600))
	e.Vars["ONCALL_DEFINITIONS"], e.Vars["ONCALL_LOKI_TENANT"] = file, "team"
	r := e.Run(`logs query --service api,builder --level error --not health`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `{app=~"api|builder", env="production", severity="error"} != "health"`, asked)
	assert.Equal(t, "team", tenant)
}

func TestOverTheNetworkAndThroughGrafana(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	want := e.Run(`logs query '{service="api"}' --limit 5 -o jsonl`)
	require.Equal(t, 0, want.Code, want.Err)
	for _, source := range []string{simulator.GrafanaLokiUID, "Loki", "loki"} {
		e.Vars["ONCALL_LOKI_DATA_SOURCE"] = source
		assert.Equal(t, want.Out, e.Run(`logs query '{service="api"}' --limit 5 -o jsonl`).Out, source)
	}
	r := e.Run(`logs tail '{service="api"}' --lines 2 --for 1s -o jsonl`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 2, strings.Count(r.Out, "\n"))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for kind, code := range map[string]int{simulator.FaultResetAfter: 0, simulator.FaultCut: 0, simulator.FaultHTML: 3} {
		e := clitest.New(t)
		require.NoError(t, e.World.AddFault(simulator.Fault{Service: "loki", Kind: kind, Times: 1}))
		r := e.Run(`logs query --service api --limit 3`)
		assert.Equal(t, code, r.Code, "%s: %s", kind, r.Err)
		if code == 0 {
			assert.Equal(t, 3, strings.Count(r.Out, "\n"))
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for line, want := range map[string]string{
		`__complete logs query --service ''`:        "registry",
		`__complete logs query --label ''`:          "service=",
		`__complete logs query --label service=''`:  "service=vpn",
		`__complete logs labels ''`:                 "host",
		`__complete logs top --service api --by ''`: "path\tstring",
	} {
		assert.Contains(t, e.Run(line).Out, want, line)
	}
}

// Without any configuration, by the variables of the environment alone: the
// parser is found by the lines.
func TestTopFindsTheParser(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run(`logs top --service api --by path --status 4xx`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `(?m)^\d+ +\d+% +/device/v2/<_>/state +[0-9a-f]{16} +method=`, r.Out)
	assert.Contains(t, r.Err, "path is found by --parser logfmt")
	assert.Contains(t, e.Run(`logs top --service registry --by repository`).Err, "repository is found by --parser json")
	assert.NotContains(t, e.Run(`logs top --service api --by host`).Err, "--parser", "a label needs none")
}

// A table shows what a person reads, JSON every digit.
func TestNumbersOfAMetricQuery(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"1"},"value":[1,"4.133333333333324"]},
			{"metric":{"a":"2"},"value":[1,"12345678"]},{"metric":{"a":"3"},"value":[1,"+Inf"]}]}}`)
	}))
	t.Cleanup(s.Close)
	e := clitest.New(t)
	e.Serve()
	e.Vars["ONCALL_LOKI_URL"] = s.URL
	assert.Equal(t, "LABELS   VALUE\n{a=\"3\"}  +Inf\n{a=\"2\"}  12345678\n{a=\"1\"}  4.13333\n", e.Run(`logs query 'sum(rate({a="b"}[1m]))'`).Out)
	assert.Equal(t, "+Inf\n12345678\n4.133333333333324\n", e.Run(`logs query 'sum(rate({a="b"}[1m]))' --jq '.items[].value'`).Out)
}
