package dashboard_test

import (
	"bytes"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

func TestList(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`dashboard list --tag production`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "API overview")
	assert.NotContains(t, r.Out, "Builders")
	assert.Equal(t, "dashboard/vpn\n", e.Run(`dashboard list cloudlink -o name`).Out)
	r = e.Run(`dashboard list nothing`)
	assert.Contains(t, r.Err, "no dashboard has nothing in its title")
}

func TestOpenAtAnIncident(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	opened := ""
	e.OpenURL = func(u string) error { opened = u; return nil }
	r := e.Run(`dashboard open "api over" --incident 4127 --var env=production --panel 5xx --web`)
	require.Equal(t, 0, r.Code, r.Err)
	link, err := url.Parse(strings.TrimSpace(r.Out))
	require.NoError(t, err)
	assert.Equal(t, "/grafana/d/api/api-overview", link.Path)
	// The incident began at 03:12:30; half an hour before it is shown too.
	assert.Equal(t, url.Values{"from": {"1772592150000"}, "to": {"1772594310000"}, "var-env": {"production"}, "viewPanel": {"2"}}, link.Query())
	assert.Equal(t, link.String(), opened)

	assert.Contains(t, e.Run(`dashboard open api --var env=a --var env=b`).Out, "var-env=a&var-env=b", "several values of one variable")

	e.Serve()
	e.Vars["ONCALL_LOKI_DATA_SOURCE"] = "loki"
	r = e.Run(`dashboard open --logs '{service="api"}' --since 30m`)
	assert.Contains(t, r.Out, "%22uid%22%3A%22demo-loki%22", "a name is not what Explore wants")
	r = e.Run(`dashboard open --logs '{service="api"}' --since 30m -o json --jq .item.name`)
	assert.Equal(t, "explore/loki\n", r.Out)
	assert.Contains(t, e.Run(`dashboard open --metrics up`).Out, "demo-prometheus")
	for line, want := range map[string]struct {
		code int
		says string
	}{
		`dashboard open`:                                {2, "give one of"},
		`dashboard open api --logs x`:                   {2, "give one of"},
		`dashboard open apy`:                            {4, "did you mean api?"},
		`dashboard open i`:                              {4, "matches"},
		`dashboard open api --panel zz`:                 {4, "its panels: 5xx ratio"},
		`dashboard open api --var x`:                    {2, "NAME=VALUE"},
		`dashboard open api --incident 4127 --since 1h`: {2, "its own time"},
		`dashboard open api --incident 9999`:            {4, "9999"},
		`dashboard open api --incident 4127 --to 1h`:    {2, "its own time"},
		`dashboard open api --var evn=staging`:          {0, "did you mean env?"},
		`dashboard snapshot api`:                        {2, "which panel?"},
		`dashboard snapshot api --panel r`:              {4, "\"r\" fits several panels"},
	} {
		r := e.Run(line)
		assert.Equal(t, want.code, r.Code, "%s: %s", line, r.Err)
		assert.Contains(t, r.Err, want.says, line)
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	file := filepath.Join(t.TempDir(), "x.png")
	r := e.Run(`dashboard snapshot api --panel 5xx --width 400 --height 200 --png ` + file)
	require.Equal(t, 0, r.Code, r.Err)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	assert.Equal(t, 400, img.Bounds().Dx())
	assert.Equal(t, 2, e.Run(`dashboard snapshot api --panel 5xx --png /no/such/x.png`).Code)
}

// A Grafana without its renderer gives no picture, and none is written.
func TestSnapshotWithoutRenderer(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasPrefix(r.URL.Path, "/render"):
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>No image renderer available/installed</html>")
		case r.URL.Path == "/api/search":
			_, _ = io.WriteString(w, `[{"uid":"api","title":"API","url":"/d/api/api"}]`)
		default:
			_, _ = io.WriteString(w, `{"dashboard":{"uid":"api","title":"API","panels":[{"id":2,"title":"5xx","type":"timeseries"}]},"meta":{}}`)
		}
	}))
	t.Cleanup(s.Close)
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_GRAFANA_URL"], e.Vars["ONCALL_GRAFANA_TOKEN"] = s.URL, "glsa_x123"
	file := filepath.Join(t.TempDir(), "x.png")
	r := e.Run(`dashboard snapshot api --panel 5xx --png ` + file)
	assert.NotEqual(t, 0, r.Code)
	assert.Contains(t, r.Err, "this Grafana makes no pictures")
	assert.Contains(t, r.Err, "metrics range EXPR --png")
	assert.NoFileExists(t, file)
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`dashboard annotate "API 5xx" --tag incident --incident 4127 --dry-run`)
	assert.Equal(t, 0, r.Code, r.Err)
	changes, err := e.World.Changes()
	require.NoError(t, err)
	assert.Empty(t, changes, "a dry run sends nothing")

	r = e.Run(`dashboard annotate "API 5xx" --tag incident --incident 4127`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `^annotation/\d+ added +\(API 5xx, 03:12:30`, r.Out)
	changes, err = e.World.Changes()
	require.NoError(t, err)
	require.Len(t, changes, 1)
	assert.JSONEq(t, `{"time":1772593950000,"text":"API 5xx","tags":["incident","incident:4127"]}`, changes[0].Body)

	assert.Equal(t, 2, e.Run(`dashboard annotate x --at 10m --until 20m`).Code)
	assert.Equal(t, 2, e.Run(`dashboard annotate " "`).Code)
	assert.Equal(t, 5, e.Run(`dashboard annotate x --read-only`).Code)
}

// The answer is lost after Grafana acted: the mark is found, not made again.
func TestAnnotateOnce(t *testing.T) {
	t.Parallel()
	for kind, code := range map[string]int{simulator.FaultResetAfter: 0, simulator.FaultResetBefore: 15} {
		e := clitest.New(t)
		require.NoError(t, e.World.AddFault(simulator.Fault{Service: "grafana", Method: "POST", Kind: kind, Times: 1}))
		r := e.Run(`dashboard annotate once --tag deploy`)
		assert.Equal(t, code, r.Code, "%s: %s", kind, r.Err)
		changes, err := e.World.Changes()
		require.NoError(t, err)
		assert.Len(t, changes, 1, kind)
	}
}

func TestSignedOut(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	e.Vars["ONCALL_GRAFANA_TOKEN"] = "glsa_wrong"
	for _, line := range []string{`dashboard list`, `dashboard open api`, `dashboard annotate x`} {
		r := e.Run(line)
		assert.Equal(t, 3, r.Code, line)
		assert.Contains(t, r.Err, "not signed in to 127.0.0.1")
		assert.Contains(t, r.Err, "/org/serviceaccounts")
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Contains(t, e.Run(`__complete dashboard open ''`).Out, "api\tAPI overview")
	assert.Contains(t, e.Run(`__complete dashboard open api --incident ''`).Out, "4127")
}
