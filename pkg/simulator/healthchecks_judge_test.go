package simulator

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/judges"
)

// hcWorld is a world on a port of the loopback interface, and a client of ours that
// looks at what the foreign one has done.
func hcWorld(t *testing.T) (a *asker, url string) {
	t.Helper()
	a = newAsker(t, "/healthchecks", keyed(HealthchecksAPIKey))
	srv := httptest.NewServer(a.w.Handler())
	t.Cleanup(srv.Close)
	return a, srv.URL
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.Output()
	var e *exec.ExitError
	if errors.As(err, &e) {
		require.NoError(t, err, "%s", e.Stderr)
	}
	require.NoError(t, err)
	return string(out)
}

// runitor, by which many jobs report, takes the demo for a server: start, exit code,
// output, run id and the limit of the body. Its module cannot be had everywhere, so
// it is never required.
func TestHealthchecksJudgedByRunitor(t *testing.T) {
	t.Parallel()
	program := os.Getenv("ONCALL_RUNITOR")
	if program == "" {
		t.Skip("ONCALL_RUNITOR names no runitor")
	}
	a, url := hcWorld(t)
	pings := func() []map[string]any {
		out := []map[string]any{}
		for _, p := range a.json("GET", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pings/", "")["pings"].([]any) {
			out = append(out, p.(map[string]any))
		}
		return out
	}
	run := func(args ...string) int {
		cmd := exec.CommandContext(t.Context(), program, append([]string{"-api-url", url + "/hc-ping"}, args...)...)
		_, err := cmd.CombinedOutput()
		var e *exec.ExitError
		if err != nil {
			require.ErrorAs(t, err, &e)
		}
		return cmd.ProcessState.ExitCode()
	}
	assert.Equal(t, 3, run("-uuid", HcUUID(CheckE2E), "--", "/bin/sh", "-c", "echo no space left; exit 3"))
	got := pings()
	assert.Equal(t, "fail", got[0]["type"])
	assert.Equal(t, "start", got[1]["type"])
	assert.Equal(t, got[1]["rid"], got[0]["rid"])
	assert.NotNil(t, got[0]["rid"])
	_, _, body := a.ask("GET", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pings/"+jsonNumber(got[0]["n"])+"/body", "")
	assert.Contains(t, body, "no space left")

	assert.Equal(t, 0, run("-ping-key", HealthchecksPingKey, "-slug", "e2e-hourly", "--", "/bin/sh", "-c", "head -c 50000 /dev/zero | tr '\\0' a; echo the end"))
	got = pings()
	assert.Equal(t, "success", got[0]["type"])
	_, _, body = a.ask("GET", "/api/v3/checks/"+HcUUID(CheckE2E)+"/pings/"+jsonNumber(got[0]["n"])+"/body", "")
	assert.LessOrEqual(t, len(body), hcBodyLimit)
	assert.Contains(t, body, "the end", "it has cut the output to the limit that it was told")
	assert.Equal(t, "up", a.hcCheck("v3", CheckE2E)["status"])
}

const hcScript = `
const { HealthChecksApiClient, HealthChecksPingClient } = require(process.argv[1] + '/healthchecks-io-client');
const [, , root, key, uuid, name] = process.argv;
(async () => {
  const api = new HealthChecksApiClient({ apiKey: key, baseUrl: root + '/healthchecks', apiVersion: 1 });
  const ping = new HealthChecksPingClient({ uuid, baseUrl: root + '/hc-ping' });
  const told = {};
  const all = (await api.getChecks()).checks;
  told.count = all.length;
  told.found = all.find(c => c.name === name).status;
  told.tagged = (await api.getChecks(['e2e', 'prod'])).checks.map(c => c.name);
  await ping.start();
  told.started = (await api.getCheck(uuid)).status;
  await ping.success('all well');
  told.after = (await api.getCheck(uuid)).status;
  await ping.fail('no space left');
  told.failed = (await api.getCheck(uuid)).status;
  told.pings = (await api.listPings(uuid)).pings.slice(0, 3).map(p => p.type);
  told.flips = (await api.listFlips(uuid, { seconds: 3600 })).flips.map(f => f.up);
  told.paused = (await api.pauseCheck(uuid)).status;
  told.integrations = (await api.getIntegrations()).channels.map(c => c.kind);
  try {
    await new HealthChecksApiClient({ apiKey: 'x'.repeat(32), baseUrl: root + '/healthchecks' }).getChecks();
  } catch (e) {
    told.refused = e.statusCode;
  }
  console.log(JSON.stringify(told));
})().catch(e => { console.error(e); process.exit(1); });
`

// healthchecks-io-client, which nobody here wrote, finds a Healthchecks.io.
func TestHealthchecksJudgedByNode(t *testing.T) {
	t.Parallel()
	modules := judges.Modules(t)
	a, url := hcWorld(t)
	a.pass(time.Second)
	node := exec.CommandContext(t.Context(), "node", "-e", hcScript, modules, url, HealthchecksAPIKey, HcUUID(CheckE2E), CheckE2E)
	node.Env = direct()
	text := output(t, node)
	told := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(text), &told), text)
	assert.Equal(t, map[string]any{
		"count": 8.0, "found": "down", "tagged": []any{CheckE2E}, "started": "started", "after": "up", "failed": "down",
		"pings": []any{"fail", "success", "start"}, "flips": told["flips"], "paused": "paused", "integrations": []any{"victorops", "email"}, "refused": 401.0,
	}, told)
	assert.Subset(t, told["flips"], []any{0.0, 1.0})
}
