package incident_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

type incident struct {
	ID, Title, State, Impact string
	Components               []struct{ Name, State string }
	Pager                    *struct{ Number, URL string }
	Updates                  []struct {
		ID, State, Body string
		Notified        bool
	}
}

func get(t *testing.T, e *clitest.Env, ref string) incident {
	t.Helper()
	return clitest.JSON[struct{ Item incident }](t, e.Run("status incident get "+ref+" -o json")).Item
}

// create opens an incident and returns its id.
func create(t *testing.T, e *clitest.Env, flags string) string {
	t.Helper()
	r := e.Run("status incident create --yes -o json " + flags)
	require.Zero(t, r.Code, r.Err)
	v := clitest.JSON[struct {
		Items []struct{ Item incident }
	}](t, r)
	require.Len(t, v.Items, 1)
	return v.Items[0].Item.ID
}

func TestCreateSendsWhatWasSetAndNoMore(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := create(t, e, `--title "API errors" --body "We look." --component API=partial`)
	body := e.Changes("statuspage")[0].Body
	assert.Contains(t, body, `"name":"API errors","status":"investigating","body":"We look."`)
	for _, absent := range []string{"impact_override", "scheduled", "reminder", "null", `""`} {
		assert.NotContains(t, body, absent)
	}
	in := get(t, e, id)
	assert.Equal(t, "major", in.Impact, "computed by the page")
	assert.True(t, in.Updates[0].Notified)
	assert.Equal(t, "partial_outage", in.Components[0].State)

	quiet := create(t, e, `--title "Slow builds" --body b --status identified --impact minor --no-notify`)
	in = get(t, e, quiet)
	assert.Equal(t, "identified", in.State)
	assert.Equal(t, "minor", in.Impact)
	assert.False(t, in.Updates[0].Notified)
}

func TestCreateFromATemplate(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := create(t, e, "--template api-errors --component API=degraded")
	in := get(t, e, id)
	assert.Equal(t, "API errors", in.Title, "the public title, never the internal name")
	assert.Equal(t, "investigating", in.State)
	assert.Contains(t, in.Updates[0].Body, "Some requests to the API fail.")
	assert.NotContains(t, e.Changes("statuspage")[0].Body, "api-errors")

	id = create(t, e, `--template WATCH --title "Ours" --body "Our words."`)
	in = get(t, e, id)
	assert.Equal(t, "Ours", in.Title)
	assert.Equal(t, "Our words.", in.Updates[0].Body)
	assert.Equal(t, "monitoring", in.State)
	assert.False(t, in.Updates[0].Notified, "the template says so")
}

func TestATemplateAsksForTheStatusOfItsComponents(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Stdin = true, "partail\npartial\ny\n"
	r := e.Run("status incident create --template api-errors")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "API is now (operational, degraded, partial, major, maintenance)")
	assert.Contains(t, r.Err, `"partail" is no status`)
	assert.Contains(t, e.Changes("statuspage")[0].Body, `"partial_outage"`)
}

func TestATemplateAsksNobodyInADryRunOrWithoutInput(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--dry-run", "--no-input", "--yes"} {
		e := clitest.New(t)
		e.Terminal, e.Stdin = true, "partial\ny\n"
		r := e.Run("status incident create --template api-errors " + flag)
		assert.Equal(t, 2, r.Code, flag)
		assert.NotContains(t, r.Err, "API is now", flag)
		assert.Contains(t, r.Err, "--component API=STATUS", flag)
		assert.Empty(t, e.Changes("statuspage"), flag)
	}
}

func TestCreatePairsWithAPagerIncident(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := create(t, e, "--from 4127 --component API=major --body b")
	in := get(t, e, "--pager 4127")
	assert.Equal(t, id, in.ID)
	assert.Equal(t, "API 5xx ratio above 2%", in.Title, "taken over")
	require.NotNil(t, in.Pager)
	assert.Equal(t, "4127", in.Pager.Number)
	assert.Contains(t, in.Pager.URL, "4127")
	assert.Contains(t, e.Run("incident note 4127").Out, "public incident "+id+" opened")
	journal, err := os.ReadFile(journalFile(t, e))
	require.NoError(t, err)
	assert.Contains(t, string(journal), `"incident":"4127"`)

	r := e.Run("status incident create --from 4127 --component API=major --yes")
	assert.Equal(t, 8, r.Code, "it has a pair already")
	assert.Contains(t, r.Err, "pager incident 4127 has an open public incident already: "+id)
	assert.Len(t, e.Changes("statuspage"), 1)
}

func TestWhatThePublicSeesAsksFirst(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for _, line := range []string{"status incident create --title T --body b", "status incident update --body b", "status incident update --edit last --body b", "status incident resolve",
		"status maintenance create --title M --component API --start 9d --for 1h --body b", "status maintenance start", "status maintenance cancel"} {
		r := e.Run(line)
		assert.Equal(t, 5, r.Code, line)
		assert.Contains(t, r.Err, "plan   ", line)
	}
	assert.Empty(t, e.Changes("statuspage"))
}

func TestEveryPublicWordIsNotedOnThePage(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := create(t, e, "--from 4127 --component API=major --body b")
	require.Zero(t, e.Run(`status incident update --pager 4127 --body "more is known" --yes`).Code)
	require.Zero(t, e.Run(`status snooze --pager 4127 --for 1h --reason "rolling back"`).Code)
	require.Zero(t, e.Run("status incident resolve --pager 4127 --yes").Code)
	notes := e.Run("incident note 4127 -o wide").Out
	for _, want := range []string{"opened", "updated: investigating: more is known", "snoozed until 04:18:30 UTC: rolling back", "resolved: This incident has been resolved."} {
		assert.Contains(t, notes, "public incident "+id+" "+want)
	}
	// A pager that cannot be told stops nothing.
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Kind: simulator.FaultStatus, Status: 503}))
	r := e.Run("status incident update --pager 4127 --body again --yes")
	assert.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "warning: pager incident 4127 got no note of it")
}

func journalFile(t *testing.T, e *clitest.Env) string {
	t.Helper()
	var found string
	err := filepath.WalkDir(e.Home, func(p string, _ os.DirEntry, err error) error {
		if filepath.Base(p) == "journal.jsonl" {
			found = p
		}
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func TestTheBodyComesFromEverywhere(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	body := func(id string) string { return get(t, e, id).Updates[0].Body }
	e.Stdin = "from stdin\n"
	assert.Equal(t, "from stdin", body(create(t, e, "--title a --body -")))
	assert.Equal(t, "from stdin", body(create(t, e, "--title b --body-file -")))
	file := filepath.Join(e.Home, "body.md")
	require.NoError(t, os.WriteFile(file, []byte("from a \"file\"\n\nwith lines\n"), 0o600))
	assert.Equal(t, "from a \"file\"\n\nwith lines", body(create(t, e, "--title c --body-file "+file)))
	assert.Equal(t, "We are currently investigating this issue.", body(create(t, e, "--title d")), "the page's usual words")
	e.Vars["EDITOR"] = `printf 'typed by hand\n' >`
	e.Vars["ONCALL_PROTECTED"], e.Terminal = "0", true
	r := e.Run("status incident create --title e")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, e.Changes("statuspage")[4].Body, "typed by hand")
	assert.Contains(t, r.Err, "says   typed by hand")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("status incident update --status monitoring --yes") // the only open one
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "monitoring -> monitoring")
	id := create(t, e, "--title X --body b --component API=major --from 4127")
	r = e.Run("status incident update --body more --yes")
	assert.Equal(t, 4, r.Code)
	assert.Contains(t, r.Err, "2 public incidents are open: "+id+" (X) and ")
	assert.Len(t, e.Changes("statuspage"), 2, "nothing is guessed")

	r = e.Run("status incident update --pager 4127 --status identified --component Dashboard=degraded --yes")
	require.Zero(t, r.Code, r.Err)
	sent := e.Changes("statuspage")[2].Body
	assert.Contains(t, sent, `"status":"identified","body":"The issue has been identified and a fix is being implemented."`)
	in := get(t, e, id)
	require.Len(t, in.Components, 2, "those named before stay")
	require.Len(t, in.Updates, 2)
	assert.Equal(t, "investigating", in.Updates[0].State, "in order")

	r = e.Run(`status incident update x --edit last --body "better words" --yes`)
	require.Zero(t, r.Code, r.Err)
	in = get(t, e, id)
	assert.Equal(t, "better words", in.Updates[1].Body)
	require.Len(t, in.Updates, 2)
	r = e.Run("status incident update " + id + " --edit " + in.Updates[0].ID + " --body first --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Equal(t, "first", get(t, e, id).Updates[0].Body)
	assert.Equal(t, "PATCH", e.Changes("statuspage")[4].Method)
	assert.Contains(t, e.Changes("statuspage")[4].Body, `{"incident_update":{"body":"first","deliver_notifications":false}}`)
}

func TestResolvePutsBackItsOwnComponents(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	one := create(t, e, "--title One --body b --component API=major --component Dashboard=degraded")
	create(t, e, "--title Two --body b --component Dashboard=partial")
	r := e.Run("status incident resolve One --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "API: major outage -> operational")
	assert.Contains(t, r.Err, "Dashboard stays partial outage: Two still names it")
	all := e.Changes("statuspage")
	require.Len(t, all, 3, "one request")
	assert.Contains(t, all[2].Body, `"status":"resolved","body":"This incident has been resolved.","component_ids":["`)
	assert.Equal(t, 1, strings.Count(all[2].Body, `":"operational"`))
	shown := e.Run("status show -o json").Out
	assert.Contains(t, shown, `"partial_outage"`)
	assert.NotContains(t, shown, `"major_outage"`)

	r = e.Run("status incident resolve " + one + " --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already resolved")
	assert.Len(t, e.Changes("statuspage"), 3)

	r = e.Run("status incident resolve Two --keep-components --no-notify --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "Dashboard is partial outage, and stays so")
	assert.NotContains(t, e.Changes("statuspage")[3].Body, "component")
}

func TestResolveLeavesWhatRunningMaintenanceNames(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Zero(t, e.Run(`status maintenance create --title M --component API --start 10m --for 2h --body b --short-notice r --yes`).Code)
	e.Advance(20 * time.Minute)
	create(t, e, "--title One --body b --component API=major")
	r := e.Run("status incident resolve One --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "API stays major outage: M still names it")
	assert.NotContains(t, e.Changes("statuspage")[2].Body, "component")
}

func TestPostmortem(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := get(t, e, "").ID
	r := e.Run("status incident postmortem " + id)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "postmortem: none")
	r = e.Run("status incident postmortem " + id + " --publish --yes")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "there is no draft to publish")
	file := filepath.Join(e.Home, "pm.md")
	require.NoError(t, os.WriteFile(file, []byte("## What happened\nA disk was full.\n"), 0o600))
	r = e.Run("status incident postmortem " + id + " --file " + file) // a draft asks nothing
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "postmortem/"+id+" drafted")
	r = e.Run("status incident postmortem " + id + " --publish")
	assert.Equal(t, 5, r.Code)
	r = e.Run("status incident postmortem " + id + " --publish --yes")
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Err, "the incident is monitoring; the page may refuse it")
	assert.Contains(t, r.Err, "incident is not resolved")
	require.Zero(t, e.Run("status incident resolve --yes").Code)
	r = e.Run("status incident postmortem " + id + " --publish --notify --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "postmortem/"+id+" published")
	assert.Contains(t, e.Changes("statuspage")[len(e.Changes("statuspage"))-1].Body, `"notify_subscribers":true`)
	assert.Equal(t, "postmortem", get(t, e, id).State)
	r = e.Run("status incident postmortem " + id)
	assert.Contains(t, r.Out, "| A disk was full.")
	before := len(e.Changes("statuspage"))
	r = e.Run("status incident postmortem " + id + " --publish")
	assert.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "already published")
	assert.Len(t, e.Changes("statuspage"), before)
}

// The draft and its publication are two requests: what is done of them is told.
func TestAPostmortemThatIsSavedAndNotPublished(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault simulator.Fault
		code  int
		text  string
		hint  string
		state string
	}{
		"refused":            {simulator.Fault{Kind: simulator.FaultStatus, Status: 422}, 1, "the draft is saved and not published: ", "--publish", "draft"},
		"never arrived":      {simulator.Fault{Kind: simulator.FaultResetBefore}, 15, "the draft is saved; whether it is published cannot be told: ", "oncall status incident postmortem ", "draft"},
		"the answer is lost": {simulator.Fault{Kind: simulator.FaultResetAfter}, 0, "", "", "published"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Stdin = "What happened"
			id := get(t, e, "").ID
			require.Zero(t, e.Run("status incident resolve --yes").Code)
			tc.fault.Service, tc.fault.Method, tc.fault.PathGlob = "statuspage", "PUT", "*/postmortem/publish"
			require.NoError(t, e.World.AddFault(tc.fault))
			r := e.Run("status incident postmortem " + id + " --file - --publish --yes")
			assert.Equal(t, tc.code, r.Code, r.Err)
			assert.Contains(t, r.Err, tc.text)
			assert.Contains(t, r.Err, tc.hint)
			require.NoError(t, e.World.ClearFaults())
			pm := clitest.JSON[struct {
				Item struct{ State, Draft, Body string }
			}](t, e.Run("status incident postmortem "+id+" -o json")).Item
			assert.Equal(t, tc.state, pm.State)
			assert.Equal(t, "What happened", pm.Draft)
			assert.Len(t, e.Changes("statuspage"), 3, "resolve, draft, publish: each once")
		})
	}
	e := clitest.New(t)
	e.Stdin = "What happened"
	r := e.Run("status incident postmortem last --file - --publish --dry-run")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "/postmortem\n", "the draft")
	assert.Contains(t, r.Err, "/postmortem/publish", "and its publication")
}

// A text that was written in the editor and not used is not lost.
func TestWhatWasWrittenIsKept(t *testing.T) {
	t.Parallel()
	for answer, code := range map[string]int{"n\n": 5, "y\n": 0} {
		e := clitest.New(t)
		e.Terminal, e.Stdin = true, answer
		e.Vars["PATH"] = os.Getenv("PATH")
		e.Vars["EDITOR"] = "echo We found the cause. | tee"
		r := e.Run("status incident update")
		assert.Equal(t, code, r.Code, r.Err)
		_, name, kept := strings.Cut(r.Err, "your text is kept: --body-file ")
		assert.Equal(t, code != 0, kept, r.Err)
		if !kept {
			assert.Contains(t, e.Changes("statuspage")[0].Body, "We found the cause.")
			continue
		}
		name = strings.TrimSpace(name)
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		assert.Equal(t, "We found the cause.\n", string(text))
		e.Terminal = false
		require.Zero(t, e.Run("status incident update --yes --body-file "+name).Code)
		require.NoError(t, os.Remove(name))
	}
}

func TestSomebodyElseIsFaster(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := get(t, e, "").ID
	// The question is answered after another person has resolved it.
	r := e.Asked("status incident resolve", func() string {
		require.Zero(t, e.Run("status incident resolve "+id+" --yes --body Theirs.").Code)
		return "y\n"
	})
	assert.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "public-incident/"+id+" already resolved")
	assert.Len(t, e.Changes("statuspage"), 1, "the public is told once")

	r = e.Asked("status incident update "+id+" --body Ours.", func() string {
		require.Zero(t, e.Run("status incident update "+id+" --status monitoring --body Again. --yes").Code)
		return "y\n"
	})
	assert.Equal(t, 8, r.Code, r.Err)
	assert.Contains(t, r.Err, id+" has changed since it was looked at: it is monitoring now and was resolved; nothing was sent")
	assert.Len(t, e.Changes("statuspage"), 2)
}

func TestList(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	count := func(flags string) int {
		return len(clitest.JSON[struct{ Items []incident }](t, e.Run("status incident list -o json "+flags)).Items)
	}
	assert.Equal(t, 1, count(""))
	assert.Equal(t, 3, count("--all"))
	assert.Equal(t, 1, count("--since 7d"))
	assert.Equal(t, 2, count("--since 30d"))
	require.Zero(t, e.Run("status incident resolve --yes").Code)
	r := e.Run("status incident list")
	assert.Zero(t, r.Code)
	assert.Contains(t, r.Err, "no public incident is open")
	assert.Empty(t, r.Out)
	assert.Contains(t, e.Run("status incident get last").Out, "Delta updates fail")
}

// After a lost answer the page is looked at: what happened is told, what cannot
// be known is exit code 15, and nothing is sent twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	const createLine = "status incident create --title Lost --body b --component API=major --yes"
	for name, tc := range map[string]struct {
		fault    simulator.Fault
		line     string
		code     int
		out, err string
	}{
		"created, then reset":      {simulator.Fault{Method: "POST", Kind: simulator.FaultResetAfter}, createLine, 0, "the answer was lost, a look shows that it arrived", ""},
		"created, then 502":        {simulator.Fault{Method: "POST", Kind: simulator.FaultStatusAfter, Status: 502}, createLine, 0, "the answer was lost", ""},
		"created, answer cut":      {simulator.Fault{Method: "POST", Kind: simulator.FaultCut}, createLine, 0, "the answer was lost", ""},
		"reset before":             {simulator.Fault{Method: "POST", Kind: simulator.FaultResetBefore}, createLine, 15, "", "the page does not show the change yet"},
		"503 before":               {simulator.Fault{Method: "POST", Kind: simulator.FaultStatus, Status: 503}, createLine, 15, "", "oncall status incident list"},
		"refused":                  {simulator.Fault{Method: "POST", Kind: simulator.FaultStatus, Status: 403}, createLine, 3, "", "incident_manager"},
		"update, then reset":       {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetAfter}, "status incident update --body more --yes", 0, "monitoring", ""},
		"update, reset before":     {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetBefore}, "status incident update --body more --yes", 15, "", "oncall status incident get"},
		"component, before":        {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetBefore}, "status incident update --component Builder=degraded --yes", 15, "", "the page does not show the change yet"},
		"component, then reset":    {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetAfter}, "status incident update --component Builder=degraded --yes", 0, "monitoring", ""},
		"edit, reset before":       {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetBefore}, "status incident update --edit last --body more --yes", 15, "", "oncall status incident get"},
		"edit, then reset":         {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetAfter}, "status incident update --edit last --body more --yes", 0, "edited", ""},
		"resolve, then reset":      {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetAfter}, "status incident resolve --yes", 0, "resolved", ""},
		"resolve, reset before":    {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetBefore}, "status incident resolve --yes", 15, "", "the page does not show the change yet"},
		"set, then reset":          {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetAfter}, "status set API=major --yes", 0, "component/API major outage", ""},
		"set, reset before":        {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetBefore}, "status set API=major --yes", 15, "", "oncall status show"},
		"snooze, then reset":       {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetAfter}, "status snooze --for 1h --reason r", 0, "snoozed", ""},
		"snooze, reset before":     {simulator.Fault{Method: "PATCH", Kind: simulator.FaultResetBefore}, "status snooze --for 1h --reason r", 15, "", "the page does not show the change yet"},
		"maintenance, then reset":  {simulator.Fault{Method: "POST", Kind: simulator.FaultResetAfter}, "status maintenance create --title M --component API --start 9d --for 1h --body b --yes", 0, "the answer was lost", ""},
		"maintenance, then before": {simulator.Fault{Method: "POST", Kind: simulator.FaultResetBefore}, "status maintenance create --title M --component API --start 9d --for 1h --body b --yes", 15, "", "oncall status maintenance list"},
		"draft, then reset":        {simulator.Fault{Method: "PUT", Kind: simulator.FaultResetAfter}, "status incident postmortem last --file - --yes", 0, "drafted", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Stdin = "text"
			tc.fault.Service, tc.fault.Times = "statuspage", 1
			require.NoError(t, e.World.AddFault(tc.fault))
			r := e.Run(tc.line)
			assert.Equal(t, tc.code, r.Code, r.Err)
			assert.Contains(t, r.Out, tc.out)
			assert.Contains(t, r.Err, tc.err)
			assert.Len(t, e.Changes("statuspage"), 1, "sent once")
		})
	}
}

func TestTrouble(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault simulator.Fault
		code  int
		err   string
	}{
		"throttled for long": {simulator.Fault{Kind: simulator.FaultStatus, Status: 420, RetryAfter: time.Hour}, 7, "asks to wait 1h"},
		"down":               {simulator.Fault{Kind: simulator.FaultStatus, Status: 500}, 7, "500"},
		"a sign-in page":     {simulator.Fault{Kind: simulator.FaultHTML}, 3, "statuspage"},
		"cut":                {simulator.Fault{Kind: simulator.FaultCut}, 7, "statuspage"},
		"reset":              {simulator.Fault{Kind: simulator.FaultResetBefore}, 7, "statuspage"},
		"another host":       {simulator.Fault{Kind: simulator.FaultRedirect}, 7, "statuspage"},
	} {
		for _, line := range []string{"status show", "status incident list", "status check", "status set API=major --yes", "status incident create --title x --yes", "status stale", "status maintenance list", "status template list"} {
			t.Run(name+"/"+line, func(t *testing.T) {
				t.Parallel()
				e := clitest.New(t)
				fault := tc.fault
				fault.Service = "statuspage"
				require.NoError(t, e.World.AddFault(fault))
				r := e.Run(line)
				assert.Equal(t, tc.code, r.Code, r.Err)
				assert.Contains(t, r.Err, tc.err)
				assert.NotContains(t, r.Err, simulator.StatuspageKey)
				assert.NotContains(t, r.Err, "<html")
				assert.Empty(t, r.Out)
				assert.Empty(t, e.Changes("statuspage"))
			})
		}
	}
}

func TestThrottledChangesAreSentAgain(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "statuspage", Method: "POST", Kind: simulator.FaultStatus, Status: 420, RetryAfter: 2 * time.Second, Times: 2}))
	create(t, e, "--title T --body b")
	assert.Len(t, e.Changes("statuspage"), 3, "the vendor refused two of them")
	assert.Len(t, clitest.JSON[struct{ Items []incident }](t, e.Run("status incident list -o json")).Items, 2)
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := e.RunContext(ctx, "status incident create --title T --body b --yes")
	assert.NotZero(t, r.Code)
	assert.Empty(t, e.Changes("statuspage"))
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for _, line := range []string{"status set API=major --yes", "status incident create --title T --yes", "status incident resolve --yes", "status snooze --for 1h --reason r",
		"status incident update --body b --yes", "status maintenance create --title M --component API --start 9d --for 1h --body b --yes", "status maintenance cancel --yes",
		"status stale --webhook http://" + simulator.Host + simulator.ChatHook} {
		r := e.Run(line + " --read-only")
		assert.Equal(t, 5, r.Code, "%s: %s", line, r.Err)
		r = e.Run(line + " --dry-run -o json")
		assert.Zero(t, r.Code, "%s: %s", line, r.Err)
	}
	all, err := e.World.Changes()
	require.NoError(t, err)
	assert.Empty(t, all)
}
