package logs_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/loki/lokitest"
)

// Every command against a real Loki.
func TestAgainstLoki(t *testing.T) {
	t.Parallel()
	judge := lokitest.Real(t)
	run := "r" + strconv.FormatInt(time.Now().UnixNano(), 36)
	begin := time.Now().Add(-5 * time.Minute).Truncate(time.Second)
	var lines []lokitest.Line
	for i := range 700 {
		line := fmt.Sprintf("method=GET path=/device/v2/%032x/state status=%d", i, 400+i%2)
		if i%7 == 0 {
			line = "method=GET path=/ping status=200"
		}
		lines = append(lines, lokitest.Line{NS: begin.Add(time.Duration(i) * 100 * time.Millisecond).UnixNano(), Text: line, Metadata: map[string]string{"trace_id": fmt.Sprintf("t%d", i)}})
	}
	judge.Push(t, map[string]string{"run": run, "service": "api", "host": "h1"}, lines...)

	e := clitest.New(t)
	e.Serve() // the variables of the environment, and none of the demo context
	e.Vars["ONCALL_LOKI_URL"], e.Vars["ONCALL_LOKI_TENANT"] = judge.URL, judge.Tenant
	e.Vars["ONCALL_LOKI_TOKEN"] = ""
	span := " --label run=" + run + " --from " + begin.Add(-time.Second).UTC().Format(time.RFC3339) + " --to " + begin.Add(2*time.Minute).UTC().Format(time.RFC3339)

	r := e.Run(`logs top --by path --status 4xx` + span)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `(?m)^600 +100% +/device/v2/<_>/state +t\d+ +method=GET path=/device`, r.Out)
	assert.Contains(t, r.Err, "path is found by --parser logfmt")
	assert.NotContains(t, r.Err, "counted here", "the server folds what are more than 500 values")
	r = e.Run(`logs top --by path --exact --limit 1` + span)
	assert.Regexp(t, `(?m)^100 +14% +/ping `, r.Out, r.Err)
	assert.Contains(t, r.Err, "600 more")

	r = e.Run(`logs query --limit 0 --raw --page 50` + span)
	assert.Equal(t, 700, strings.Count(r.Out, "\n"), r.Err)
	r = e.Run(`logs context --line 00000000000000000000000000000064/state -C 1 --raw` + span)
	assert.Regexp(t, `(?s)^[^\n]*063/state[^\n]*\n[^\n]*064/state[^\n]*\n[^\n]*065/state[^\n]*\n$`, r.Out, r.Err)
	assert.Contains(t, e.Run(`logs labels run`+span[len(" --label run="+run):]).Out, run)
	assert.Contains(t, e.Run(`logs series`+span).Out, `host="h1"`)
	assert.Regexp(t, `700 +100% +method=GET <_> status=<_>`, e.Run(`logs patterns --local`+span).Out)
	r = e.Run(`logs query '{run="` + run + `"} |~ ('`)
	assert.Contains(t, r.Err, "|~ (\n")
	assert.Contains(t, r.Err, "^\n")
	r = e.Run(`logs query --label rum=` + run + span[len(" --label run="+run):])
	assert.Contains(t, r.Err, "did you mean run")
}
