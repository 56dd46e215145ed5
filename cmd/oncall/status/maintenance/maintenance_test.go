package maintenance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
)

type maintenance struct {
	ID, Title, State, StartsAt, EndsAt string
	Automatic, Cancelled               bool
	ShortNotice                        *struct{ Reason, By string }
	Components                         []struct{ Name, State string }
}

func list(t *testing.T, e *clitest.Env, flags string) []maintenance {
	t.Helper()
	return clitest.JSON[struct{ Items []maintenance }](t, e.Run("status maintenance list -o json "+flags)).Items
}

func bodies(t *testing.T, e *clitest.Env) []string {
	t.Helper()
	all, err := e.World.Changes()
	require.NoError(t, err)
	out := []string{}
	for _, r := range all {
		out = append(out, r.Method+" "+r.Body)
	}
	return out
}

func TestCreate(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`status maintenance create --title "Database upgrade" --component Dashboard --start "2026-03-29 06:00" --for 90m --tz Europe/Athens --body "Read-only for a while." --yes`)
	require.Zero(t, r.Code, r.Err)
	sent := bodies(t, e)
	require.Len(t, sent, 1)
	for _, want := range []string{`"status":"scheduled"`, `"scheduled_for":"2026-03-29T03:00:00Z"`, `"scheduled_until":"2026-03-29T04:30:00Z"`, `"scheduled_remind_prior":true`,
		`"scheduled_auto_in_progress":true`, `"scheduled_auto_completed":true`, `"auto_transition_to_maintenance_state":true`, `"auto_transition_to_operational_state":true`, `"component_ids":["`} {
		assert.Contains(t, sent[0], want)
	}
	assert.NotContains(t, sent[0], `"components"`, "a map would change the statuses now")
	assert.Contains(t, r.Err, "1,204 subscribers are notified")
	all := list(t, e, "")
	require.Len(t, all, 2)
	assert.Equal(t, "Registry storage upgrade", all[0].Title, "the next first")
	assert.True(t, all[1].Automatic)
	assert.Nil(t, all[1].ShortNotice)
}

func TestSevenDays(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	const line = "status maintenance create --title T --component API --for 1h --body b --yes --start "
	r := e.Run(line + "6d23h")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "maintenance is announced 7 days ahead; this starts in 6d 23h")
	assert.Contains(t, r.Err, "--short-notice REASON")
	assert.Empty(t, bodies(t, e))
	require.Zero(t, e.Run(line+"7d").Code)
	r = e.Run(line + `2d --short-notice "a certificate expires"`)
	require.Zero(t, r.Code, r.Err)
	all := list(t, e, "")
	require.NotNil(t, all[0].ShortNotice)
	assert.Equal(t, "a certificate expires", all[0].ShortNotice.Reason)
	assert.Equal(t, "you", all[0].ShortNotice.By)
}

func TestLifecycleByHand(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Zero(t, e.Run("status maintenance create --title T --component API --start 10m --for 1h --body b --manual --short-notice r --yes").Code)
	id := list(t, e, "")[0].ID
	r := e.Run("status maintenance start --yes")
	assert.Equal(t, 4, r.Code, "two are scheduled")
	assert.Contains(t, r.Err, "there are 2 to start: ")
	r = e.Run("status maintenance start T --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "maintenance/"+id+" in progress")
	assert.Contains(t, r.Err, "API: operational -> maintenance")
	assert.Contains(t, bodies(t, e)[1], `"under_maintenance"`)
	r = e.Run("status maintenance start T --yes")
	assert.Contains(t, r.Out, "already in progress")
	r = e.Run("status maintenance cancel T --yes")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "has begun: it is in progress")
	require.Zero(t, e.Run("status maintenance verify --yes").Code)
	assert.NotContains(t, bodies(t, e)[2], `"components"`)
	r = e.Run("status maintenance start T --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "this is a step back: it is verifying")
	r = e.Run("status incident create --title Two --body b --component API=major --yes")
	require.Zero(t, r.Code, r.Err)
	r = e.Run("status maintenance complete --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "API stays major outage: Two still names it")
	assert.Contains(t, bodies(t, e)[5], `"status":"completed"`)
	assert.NotContains(t, bodies(t, e)[5], "operational")
	all := list(t, e, "--all")
	assert.Equal(t, "completed", all[1].State)
}

func TestItMovesByItself(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Zero(t, e.Run("status maintenance create --title T --component API --start 1h --for 1h --body b --short-notice r --yes").Code)
	e.Advance(90 * time.Minute)
	all := list(t, e, "")
	assert.Equal(t, "in_progress", all[0].State)
	assert.Equal(t, "under_maintenance", all[0].Components[0].State)
	e.Advance(time.Hour)
	assert.Len(t, list(t, e, ""), 1)
	assert.Contains(t, e.Run("status show").Out, "all operational")
	assert.Len(t, bodies(t, e), 1)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("status maintenance cancel --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, " cancelled")
	sent := bodies(t, e)[0]
	assert.Contains(t, sent, `"status":"completed","body":"This maintenance has been cancelled."`)
	assert.NotContains(t, sent, `"components"`)
	all := list(t, e, "--all")
	require.Len(t, all, 1)
	assert.True(t, all[0].Cancelled)
	assert.Contains(t, e.Run("status maintenance list --all").Out, "cancelled")
	r = e.Run("status maintenance cancel Registry --yes")
	assert.Contains(t, r.Out, "already cancelled")
}

func TestAMixOfLifecyclesWarns(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := strings.TrimPrefix(strings.TrimSpace(e.Run("status incident list -o name").Out), "public-incident/")
	r := e.Run("status maintenance start " + id + " --dry-run")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, id+" is an incident (monitoring); this gives it a state of maintenance")
	planned := list(t, e, "")[0].ID
	r = e.Run("status incident update " + planned + " --status monitoring --dry-run")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, planned+" is maintenance, whose states are scheduled, in progress, verifying, completed")
	r = e.Run("status maintenance complete " + planned + " --dry-run")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "this skips a step: it is scheduled")
	r = e.Run("status maintenance cancel " + id + " --yes")
	assert.Equal(t, 8, r.Code, "an incident is not called off in the words of maintenance")
	assert.Contains(t, r.Err, id+" is an incident (monitoring), not maintenance")
	assert.Empty(t, bodies(t, e))
}

// "7d" is counted from the end of the writing, however long that took; a date
// stays, and may have come too near meanwhile.
func TestNoticeIsCountedAfterTheWriting(t *testing.T) {
	t.Parallel()
	for start, code := range map[string]int{"7d": 0, clitest.Start.Add(7*24*time.Hour + time.Minute).Format(time.RFC3339): 8} {
		e := clitest.New(t)
		r := e.Asked("status maintenance create --title T --component API --start "+start+" --for 1h --body - --yes", func() string {
			e.Advance(20 * time.Minute)
			return "We work."
		})
		assert.Equal(t, code, r.Code, "%s: %s", start, r.Err)
		if code == 0 {
			m := clitest.JSON[struct {
				Items []struct{ StartsAt, EndsAt time.Time }
			}](t, e.Run("status maintenance list -o json")).Items[0]
			assert.False(t, m.StartsAt.Before(e.Now().Add(7*24*time.Hour)), "%s", m.StartsAt)
			assert.Equal(t, time.Hour, m.EndsAt.Sub(m.StartsAt))
		}
	}
}

func TestTheEditorTakesNoNotice(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal = true
	e.Vars["EDITOR"] = "echo opened >&2; false"
	r := e.Run("status maintenance create --title T --component API --start 2d --for 1h")
	assert.Equal(t, 8, r.Code, r.Err)
	assert.NotContains(t, r.Err, "opened", "nobody writes a text for a time that is refused")
}
