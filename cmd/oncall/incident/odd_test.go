package incident_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

// odd is a machine whose pager answers as no demo world would.
func odd(t *testing.T, answers map[string]string) *clitest.Env {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.Error(w, "{}", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header()["Date"] = nil // the answers are of no time
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	e := clitest.New(t)
	e.Vars = map[string]string{"ONCALL_VICTOROPS_URL": s.URL + "/base", "ONCALL_VICTOROPS_API_ID": "id", "ONCALL_VICTOROPS_API_KEY": "key",
		"ONCALL_USER": "you", "ONCALL_TZ": "UTC"}
	return e
}

const (
	pathIncidents = "/base/api-public/v1/incidents"
	pathAlerts    = "/base/api-public/v1/alerts"
)

// A phase that nobody has heard of is open until told otherwise, and among all.
func TestPhaseThatIsNotKnown(t *testing.T) {
	t.Parallel()
	e := odd(t, map[string]string{pathIncidents: `{"incidents":[{"incidentNumber":"7","currentPhase":"SNOOZED","startTime":"2026-03-04T03:00:00Z","service":"x"}]}`})
	for _, line := range []string{"incident list -o name", "incident list --phase all -o name", "incident list --phase triggered,acknowledged,resolved -o name"} {
		r := e.Run(line)
		require.Equal(t, 0, r.Code, r.Err)
		assert.Equal(t, "incident/7\n", r.Out, line)
	}
	assert.Empty(t, e.Run("incident list --phase resolved -o name").Out)
	assert.Contains(t, e.Run("incident list").Out, "7       snoozed")
}

// Ages are all a person sees of times: when the clock is wrong, that is said.
func TestClockThatIsBehind(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string { return clitest.Start.Add(d).Format(time.RFC3339) }
	one := func(start string) string {
		return `{"incidentNumber":"7","currentPhase":"UNACKED","startTime":"` + start + `","service":"x"}`
	}
	e := odd(t, map[string]string{pathIncidents: `{"incidents":[` + one(at(95*time.Minute)) + `]}`, pathIncidents + "/7": one(at(95 * time.Minute))})
	const said = "warning: this machine's clock is at least 1h 35m behind the pager's: ages, --since and times to come are wrong by that\n"
	for _, line := range []string{"incident list", "incident get 7", "incident list -o json"} {
		r := e.Run(line)
		require.Equal(t, 0, r.Code, r.Err)
		assert.Contains(t, r.Err, said, line)
	}
	e = odd(t, map[string]string{pathIncidents: `{"incidents":[` + one(at(20*time.Second)) + `]}`})
	r := e.Run("incident list")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Empty(t, r.Err, "no two clocks agree")
}

// The pager's answers bear its time: a clock that is ahead hides new incidents from
// --since, and makes an override that is to begin "in 2h" begin too late.
func TestClockThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		off  time.Duration // of this machine's clock
		says string
	}{
		"ahead":               {95*time.Minute + 10*time.Second, "warning: this machine's clock is at least 1h 35m ahead of the pager's: ages, --since and times to come are wrong by that\n"},
		"behind":              {-95*time.Minute - 10*time.Second, "warning: this machine's clock is at least 1h 35m behind the pager's: ages, --since and times to come are wrong by that\n"},
		"no two clocks agree": {40 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there, e := clitest.New(t), clitest.New(t)
			there.Serve()
			e.Vars = there.Vars
			e.Vars["ONCALL_USER"] = "you"
			e.Advance(c.off)
			for _, line := range []string{"incident list --since 30m -o name", "rotation override secondary --from 5h --for 1h --dry-run -o name"} {
				r := e.Run(line)
				require.Equal(t, 0, r.Code, r.Err)
				warned, _, _ := strings.Cut(r.Err, "plan ")
				assert.Equal(t, c.says, warned, line)
			}
		})
	}
}

// What a monitor attached is shown, also what is no link.
func TestGetShowsEveryAnnotation(t *testing.T) {
	t.Parallel()
	e := odd(t, map[string]string{
		pathIncidents + "/7": `{"incidentNumber":"7","currentPhase":"UNACKED","startTime":"2026-03-04T03:00:00Z","service":"x","firstAlertUuid":"u"}`,
		pathAlerts + "/u": `{"messageType":"CRITICAL","stateMessage":"it is down","raw":"{\"vo_annotate.u.Dash\":\"https://m.example.test/d\",\"vo_annotate.u.Bad\":\"javascript:alert(1)\",` +
			`\"vo_annotate.i.Graph\":\"https://m.example.test/g.png\",\"vo_annotate.s.Meaning\":\"all of it\"}"}`,
	})
	r := e.Run("incident get 7")
	require.Equal(t, 0, r.Code, r.Err)
	for _, line := range []string{"links     Dash  https://m.example.test/d", "images    Graph  https://m.example.test/g.png", "no links  Bad  javascript:alert(1)", "meaning   all of it"} {
		assert.Contains(t, strings.Split(r.Out, "\n"), line)
	}
}

// One incident has one number, however it is written: told twice, once truly and
// once not, is worse than not at all.
func TestNumbersAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("incident ack 4127,04126 '#4127'")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Regexp(t, `^incident/4127 acknowledged .*\nincident/4126 acknowledged .*\n$`, r.Out)
	assert.Equal(t, "incident/4119 already acknowledged by secondary\n", e.Run("incident ack 04119").Out)
	for _, line := range []string{"incident get 4127,4126", "incident ack ,", "incident note 4127,4126 text", "incident timeline 4127,4126"} {
		assert.Equal(t, 2, e.Run(line).Code, line)
	}
}

func TestSnoozeSaysWhatToChoose(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for line, want := range map[string]string{
		"incident snooze 4127":            "the portal has: in steps of 30 minutes, up to 24 h\n",
		"incident snooze 4127 --for 20m":  "the portal has: choose 30m there (in steps of 30 minutes, up to 24 h)\n",
		"incident snooze 4127 --for 2h":   "the portal has: choose 2h there (",
		"incident snooze 4127 --for 70m":  "the portal has: choose 1h 30m there (",
		"incident snooze 4127 --for 100d": "the portal has: choose 24h there (",
	} {
		r := e.Run(line)
		assert.Equal(t, 8, r.Code, line)
		assert.Contains(t, r.Err, want)
		assert.Contains(t, r.Err, "hint: https://portal.victorops.com/client/balena-demo#/incident/4127\n")
	}
	assert.Equal(t, 2, e.Run("incident snooze 4127 --for soon").Code)
}

// A shell writes descriptions as it gets them, into the prompt.
func TestCompletionOfHostileTitles(t *testing.T) {
	t.Parallel()
	e := odd(t, map[string]string{pathIncidents: `{"incidents":[` +
		`{"incidentNumber":"7","currentPhase":"UNACKED","startTime":"2026-03-04T03:00:00Z","entityDisplayName":"a\u001b[2J\n8\tsmuggled\u202e` + strings.Repeat("x", 500) + `"},` +
		`{"incidentNumber":"9\u001b[2J","currentPhase":"UNACKED","startTime":"2026-03-04T02:00:00Z"}]}`})
	r := e.Run(`__complete incident ack ""`)
	require.Equal(t, 0, r.Code, r.Err)
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	require.Len(t, lines, 2, r.Out)
	assert.True(t, strings.HasPrefix(lines[0], "7\ttriggered 18m: a"), lines[0])
	assert.NotContains(t, r.Out, "\x1b")
	assert.NotContains(t, r.Out, "smuggled\u202e")
	assert.Less(t, len(lines[0]), 100)
}
