package status_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/simulator"
)

// webForm announces maintenance as the page's own form does: nothing of ours is in
// its metadata.
func webForm(t *testing.T, e *clitest.Env, title string, start time.Duration) {
	t.Helper()
	at := func(d time.Duration) string { return e.Now().Add(d).Format(time.RFC3339) }
	body := `{"incident":{"name":"` + title + `","status":"scheduled","body":"b","scheduled_for":"` + at(start) + `","scheduled_until":"` + at(start+time.Hour) +
		`","scheduled_auto_in_progress":true}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://demo.invalid/statuspage/pages/"+simulator.StatuspagePage+"/incidents", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "OAuth "+simulator.StatuspageKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: e.World.Transport()}).Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusCreated, resp.StatusCode)
}

type finding struct{ Rule, ID, Fix, Or string }

func found(t *testing.T, e *clitest.Env) []finding {
	t.Helper()
	return clitest.JSON[struct{ Items []finding }](t, e.Run("status check -o json")).Items
}

// TestEveryFixMends pastes each command that check prints into a terminal, as it is
// printed: the finding is gone then.
func TestEveryFixMends(t *testing.T) {
	t.Parallel()
	run := func(lines ...string) func(*testing.T, *clitest.Env) {
		return func(t *testing.T, e *clitest.Env) {
			t.Helper()
			for _, line := range lines {
				r := e.Run(line)
				require.Zero(t, r.Code, "%s: %s", line, r.Err)
			}
		}
	}
	const byHand = `status maintenance create --title Work --component 'Cloudlink (VPN)' --start 2h --for 10m --body b --manual --short-notice r --yes`
	pasted, tried := map[string]int{}, map[string]bool{}
	for name, setUp := range map[string]func(*testing.T, *clitest.Env){
		"as it is": run(),
		"outages":  run(`status set 'Cloudlink (VPN)=major' Builder=partial --yes`),
		"pager": run("status set API=major --yes", "status incident create --title T --component API=major --from 4127 --yes",
			"incident resolve 4127 --yes"),
		"never started": func(t *testing.T, e *clitest.Env) {
			t.Helper()
			run(byHand)(t, e)
			e.Advance(3 * time.Hour)
		},
		"never completed": func(t *testing.T, e *clitest.Env) {
			t.Helper()
			run(byHand, "status maintenance start Work --yes")(t, e)
			e.Advance(3 * time.Hour)
		},
		"short notice": func(t *testing.T, e *clitest.Env) {
			t.Helper()
			webForm(t, e, "Certificate", 2*time.Hour)
			webForm(t, e, "Another certificate", 3*time.Hour)
		},
		"short notice, begun": func(t *testing.T, e *clitest.Env) {
			t.Helper()
			webForm(t, e, "Certificate", time.Minute)
			e.Advance(2 * time.Minute)
		},
	} {
		fresh := func() (*clitest.Env, []finding) {
			e := clitest.New(t)
			e.Vars["EDITOR"] = "printf 'We work on it.' >"
			setUp(t, e)
			return e, found(t, e)
		}
		_, all := fresh()
		for i := range all {
			for _, or := range []bool{false, true} {
				line := all[i].Fix
				if or {
					line = all[i].Or
				}
				if line == "" || tried[line] {
					continue
				}
				tried[line] = true
				e, _ := fresh()
				r := e.Asked(strings.TrimPrefix(line, "oncall "), func() string {
					if strings.Contains(line, " keep ") {
						return "it expires tonight\n"
					}
					return "y\n"
				})
				require.Zero(t, r.Code, "%s: %s: %s", name, line, r.Err)
				for _, left := range found(t, e) {
					assert.NotEqual(t, [2]string{all[i].Rule, all[i].ID}, [2]string{left.Rule, left.ID}, "%s: %s", name, line)
				}
				pasted[all[i].Rule]++
			}
		}
	}
	for _, rule := range publicstatus.Rules {
		assert.NotZero(t, pasted[string(rule)], rule)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("status maintenance keep --reason r")
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "there is no maintenance to keep")
	webForm(t, e, "Certificate", 2*time.Hour)
	before := len(changes(t, e))

	r = e.Run("status maintenance keep")
	assert.Equal(t, 2, r.Code, "a script is not asked")
	assert.Contains(t, r.Err, "hint: --reason TEXT")
	r = e.Asked("status maintenance keep", func() string { return "" })
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "the reason is empty")
	r = e.Run("status maintenance keep --reason r --dry-run")
	require.Zero(t, r.Code, r.Err)
	assert.Len(t, changes(t, e), before)

	r = e.Run("status maintenance keep --reason 'it expires tonight'")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, " kept ")
	sent := changes(t, e)[before:]
	require.Len(t, sent, 1)
	assert.Contains(t, sent[0], `{"incident":{"deliver_notifications":false,"metadata":{"oncall":{"shortNotice":{"reason":"it expires tonight","by":"you","at":"`)
	assert.Equal(t, "it expires tonight\n", e.Run("status maintenance list --jq '.items[] | select(.title == \"Certificate\") | .shortNotice.reason'").Out)

	r = e.Run("status maintenance keep Cert --reason 'it expires tonight'")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "kept already")
	r = e.Run("status maintenance keep Registry --reason r")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "which needs no reason")
	assert.Len(t, changes(t, e), before+1)
	r = e.Run("status maintenance keep Cert --reason 'another one'")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "it replaces the reason there is: it expires tonight")
	r = e.Run("status maintenance keep " + staleID(t, e) + " --reason r")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "not maintenance")
	require.Zero(t, e.Run("status maintenance cancel Cert --yes").Code)
	r = e.Run("status maintenance keep Cert --reason r")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "nobody asks for its notice")
}
