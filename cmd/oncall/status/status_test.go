package status_test

import (
	"encoding/json"
	"fmt"
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

// changes are the requests of the page's API that asked for a change, as
// "METHOD path body" without the page.
func changes(t *testing.T, e *clitest.Env) []string {
	t.Helper()
	out := []string{}
	for _, r := range e.Changes("statuspage") {
		out = append(out, r.Method+" "+strings.TrimPrefix(r.Path, "/pages/"+simulator.StatuspagePage)+" "+r.Body)
	}
	return out
}

func componentID(t *testing.T, e *clitest.Env, name string) string {
	t.Helper()
	r := e.Run(`status show --jq '.item.components[] | select(.name == "` + name + `") | .id'`)
	require.Zero(t, r.Code, r.Err)
	return strings.TrimSpace(r.Out)
}

func staleID(t *testing.T, e *clitest.Env) string {
	t.Helper()
	r := e.Run(`status incident list -o name`)
	require.Zero(t, r.Code, r.Err)
	return strings.TrimPrefix(strings.TrimSpace(r.Out), "public-incident/")
}

func TestShow(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("status show")
	require.Zero(t, r.Code, r.Err)
	for _, want := range []string{"balenaCloud status", "all operational", "Cloudlink (VPN)", "Delta updates fail for some devices", "monitoring, last update 30h ago", "Registry storage upgrade", "https://status.example.test"} {
		assert.Contains(t, r.Out, want)
	}
	v := clitest.JSON[struct {
		Kind string
		Item struct {
			Source     string
			Components []struct{ Name, Group, State, Since string }
			Incidents  []struct {
				Title, State string
				Updates      []struct{ State string }
			}
			Maintenances []struct{ State, StartsAt, EndsAt string }
		}
	}](t, e.Run("status show -o json"))
	assert.Equal(t, "StatusPage", v.Kind)
	assert.Equal(t, "manage", v.Item.Source)
	require.Len(t, v.Item.Components, 6)
	assert.Equal(t, "API", v.Item.Components[0].Name, "in the page's order")
	assert.Equal(t, "balenaCloud", v.Item.Components[0].Group)
	require.Len(t, v.Item.Incidents, 1)
	assert.Equal(t, "investigating", v.Item.Incidents[0].Updates[0].State, "oldest first")
	require.Len(t, v.Item.Maintenances, 1)
}

func TestShowPublicNeedsNoKey(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	delete(e.Vars, "ONCALL_STATUSPAGE_API_KEY")
	r := e.Run("status show --public -o json")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, `"source": "public"`)
	assert.NotContains(t, r.Out, "automation")
	r = e.Run("status show")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "statuspage: ")
	assert.Contains(t, r.Err, "no API key is set")
	assert.Empty(t, r.Out)
}

func TestShowPublicDoesNotLookUpTheKey(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	delete(e.Vars, "ONCALL_STATUSPAGE_API_KEY")
	e.Vars["ONCALL_CONFIG"] = filepath.Join(e.Home, "config.yaml")
	// "false" stands for a password manager that is locked.
	text := "current-context: prod\ncontexts:\n  - name: prod\n    statuspage:\n      api-key: {exec: [\"false\"]}\n"
	require.NoError(t, os.WriteFile(e.Vars["ONCALL_CONFIG"], []byte(text), 0o600))
	r := e.Run("status show --public -o name")
	require.Zero(t, r.Code, r.Err)
	r = e.Run("status show")
	assert.NotZero(t, r.Code)
	assert.Contains(t, r.Err, "false")
}

func TestSet(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	api := componentID(t, e, "API")
	r := e.Run("status set API=partial --yes")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "component/API partial outage")
	assert.Contains(t, r.Err, "API: operational -> partial outage on the public page (1,204 subscribers may be told)")
	assert.Contains(t, r.Err, `no open public incident names API; outages should have one: --incident "TITLE" opens it`)
	assert.Equal(t, []string{"PATCH /components/" + api + ` {"component":{"status":"partial_outage"}}`}, changes(t, e))

	r = e.Run("status set api PARTIAL_OUTAGE") // already so: nothing to ask or send
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "component/API already partial outage")
	assert.NotContains(t, r.Err, "subscribers", "nobody is told of it")
	assert.Len(t, changes(t, e), 1)

	r = e.Run(`status set "Cloudlink (VPN)" degraded --yes`)
	require.Zero(t, r.Code, r.Err)
	r = e.Run("status set API=operational balenacloud/dash=major Cloud=operational --yes -o json")
	assert.Equal(t, 4, r.Code, r.Err) // GROUP/NAME is the whole name
	r = e.Run("status set API=operational balenacloud/dashboard=under_maintenance Cloud=operational --yes -o json")
	require.Zero(t, r.Code, r.Err)
	list := clitest.JSON[struct {
		Items []struct {
			Name, State, Message string
			Changed              bool
			Item                 struct{ State string }
		}
	}](t, r)
	require.Len(t, list.Items, 3)
	assert.Equal(t, "done", list.Items[1].State)
	assert.Contains(t, list.Items[1].Message, "maintenance")
	assert.Equal(t, "under_maintenance", list.Items[1].Item.State)
	assert.True(t, list.Items[2].Changed)
}

func TestSetAsks(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("status set API=partial")
	assert.Equal(t, 5, r.Code)
	assert.Empty(t, r.Out)
	assert.Empty(t, changes(t, e))
	e.Terminal, e.Stdin = true, "n\n"
	r = e.Run("status set API=partial")
	assert.Equal(t, 5, r.Code)
	assert.Contains(t, r.Err, "go on? [y/N]")
	assert.Empty(t, changes(t, e))
	e.Stdin = "y\n"
	r = e.Run("status set API=partial")
	assert.Zero(t, r.Code, r.Err)
	assert.Len(t, changes(t, e), 1)
	e.Vars["ONCALL_PROTECTED"], e.Terminal = "0", false
	r = e.Run("status set API=operational")
	assert.Zero(t, r.Code, r.Err)
}

func TestSetDryRun(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`status set API=major Builder=operational --incident "API is down" --dry-run`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, `opens the public incident "API is down"`)
	assert.Contains(t, r.Err, "would send  POST")
	assert.Empty(t, changes(t, e))
}

func TestSetOpensTheIncidentWithIt(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	api, dash := componentID(t, e, "API"), componentID(t, e, "Dashboard")
	require.Zero(t, e.Run("status set Dashboard=degraded --yes").Code)
	r := e.Run(`status set API=major Dashboard=operational --incident "API is down" --yes`)
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, `"We are currently investigating this issue." (1,204 subscribers may be told)`)
	sent := changes(t, e)
	require.Len(t, sent, 3, "the incident sets its components itself")
	assert.Contains(t, sent[1], `POST /incidents {"incident":{"name":"API is down","status":"investigating","body":"We are currently investigating this issue.","component_ids":["`+api+`"],"components":{"`+api+`":"major_outage"}`)
	assert.Contains(t, sent[2], "PATCH /components/"+dash)
	r = e.Run("status set API=partial --yes")
	require.Zero(t, r.Code)
	assert.NotContains(t, r.Err, "no open public incident names")
	r = e.Run("status set API=operational --yes --incident 4127")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Err, "stays open: oncall status incident resolve")
	assert.Len(t, changes(t, e), 5, "a number is a tag, not a title")
}

// Bad input: a clear error, the right code, nothing posted.
func TestBadInput(t *testing.T) {
	t.Parallel()
	at := func(s string) string { return "status maintenance create --title T --component API --body b " + s }
	for line, want := range map[string]struct {
		code int
		text string
	}{
		"status set D=partial --yes":                                  {4, `status: "D" matches Dashboard and Delta updates`},
		"status set balenaCloud=partial --yes":                        {4, `status: "balenaCloud" is a group, and its status follows from its components`},
		"status set balena=partial --yes":                             {4, "is a group"},
		"status set Dashbord=partial --yes":                           {4, "hint: did you mean Dashboard?"},
		"status set API=partail --yes":                                {2, `"partail" is no status; there are operational, degraded, partial, major, maintenance`},
		"status set API=opperational --yes":                           {2, "hint: did you mean operational?"},
		"status set API --yes":                                        {2, `"API" is not COMPONENT=STATUS`},
		"status set =partial --yes":                                   {2, "names no component"},
		"status set API=partail Dashboard=oprational --yes":           {2, `"partail" is no status`},
		"status incident create --title T --impact maintenance --yes": {2, `"maintenance" is no impact; there are none, minor, major, critical`},
		"status incident update --pager 4127 --status Resolved --yes": {2, "hint: oncall status incident resolve --pager 4127"},
		"status set":                                                    {2, "takes at least one argument"},
		"status set API=partial API=major --yes":                        {2, "API is asked to be partial outage and major outage at once"},
		`status set API=operational --incident "x" --yes`:               {2, "components that work need no incident"},
		"status set API=partial --incident '" + long(256) + "' --yes":   {2, "the title has 256 characters; the page takes 255"},
		"status incident create --yes":                                  {2, "a public incident needs a title"},
		"status incident create --title '" + long(256) + "' --yes":      {2, "the title has 256 characters; the page takes 255"},
		"status incident create --title T --body '" + long(25001) + "'": {2, "the body has 25001 characters; the page takes 25000"},
		"status incident create --title T --status resolved --yes":      {2, `"resolved" is no status`},
		"status incident create --title T --status monitorin --yes":     {2, "hint: did you mean monitoring?"},
		"status incident create --title T --impact huge --yes":          {2, `"huge" is no impact`},
		"status incident create --title T --component API --yes":        {2, "is not COMPONENT=STATUS"},
		"status incident create --title T --component Nope=major --yes": {4, `no component is called "Nope"`},
		"status incident create --template nope --yes":                  {4, `no template is called "nope"`},
		"status incident create --template api-errors --yes":            {2, "names API without saying what their status shall be"},
		"status incident create --template planned-upgrade --yes":       {2, "is for maintenance"},
		"status incident create --from abc --title T --yes":             {2, `--from: "abc" is not the number of a pager incident`},
		"status incident create --from 99999 --yes":                     {4, "99999"},
		"status incident create --title T --body-file /nope.md --yes":   {2, "/nope.md: no such file"},
		"status incident update --status resolved --yes":                {2, "oncall status incident resolve"},
		"status incident update --yes":                                  {2, "no body: give --body"},
		"status incident update nosuchtitle --body b --yes":             {4, `no incident is called "nosuchtitle"`},
		"status incident update aaaaaaaaaaaa --body b --yes":            {4, "Incident not found"},
		"status incident update --pager 4126 --body b --yes":            {4, "no public incident is paired with pager incident 4126"},
		"status incident update x --pager 4127 --body b --yes":          {2, "only one of them"},
		"status incident update --edit nope --body b --yes":             {4, `has no update "nope"`},
		"status incident update --edit last --status monitoring --yes":  {2, "--edit replaces the text of a past update"},
		"status incident postmortem --file x.md --yes":                  {2, "say which incident"},
		"status incident postmortem last --notify --yes":                {2, "--notify goes with --publish"},
		"status incident get ../../pages --yes":                         {2, "unknown flag"},
		"status incident get ../pages":                                  {4, `no incident is called "../pages"`},
		"status snooze --for 1h --yes":                                  {2, "a snooze needs a reason"},
		"status snooze --reason r --yes":                                {2, "a snooze has an end"},
		"status snooze --reason r --for 0s --yes":                       {2, "--for"},
		"status snooze --reason r --for 1h --until 18:00":               {2, "only one of them"},
		"status snooze --reason r --until 2020-01-01":                   {2, "which is over"},
		"status stale --webhook ftp://x/y":                              {2, "--webhook: not a web address"},
		"status stale --max-age x":                                      {2, "--max-age"},
		"status check --max-age -5m":                                    {2, "--max-age"},
		"status bogus":                                                  {2, `"bogus" is not a command of oncall status`},
		"status maintenance create --title T --body b --start 9d":       {2, "concerns at least one component"},
		at("--start 9d"):                    {2, "maintenance needs an end"},
		at("--for 1h"):                      {2, "maintenance needs a start"},
		at("--start 9d --end 8d --yes"):     {2, "is not after the start"},
		at("--start 9d --for 1h --end 10d"): {2, "--end and --for: only one of them"},
		at("--start '2026-03-01 06:00' --end '2026-03-01 07:00' --yes"):     {2, "is over already"},
		at("--start '2026-03-04 03:00' --end '2026-03-20 07:00' --yes"):     {2, "the start (2026-03-04T03:00:00Z) is over already"},
		at("--start '2026-03-29 03:30' --for 1h --tz Europe/Athens"):        {2, "does not exist in Europe/Athens"},
		at("--start '2026-10-25 03:30' --for 1h --tz Europe/Athens"):        {2, "happens twice in Europe/Athens"},
		at("--start 03/04/2026 --for 1h"):                                   {2, "two ways"},
		at("--start 6d --for 1h --yes"):                                     {8, "maintenance is announced 7 days ahead; this starts in 6d"},
		at("--start 6d --for 1h --short-notice ' ' --yes"):                  {2, "the reason is empty"},
		"status maintenance complete --yes":                                 {4, "there is no maintenance to complete"},
		"status maintenance start nope --yes":                               {4, `no maintenance is called "nope"`},
		"status show --jq '.['":                                             {2, "--jq"},
		"status template list extra":                                        {2, "takes no argument"},
		"status incident resolve --pager 4127 --body '" + long(25001) + "'": {2, "the body has 25001 characters"},
	} {
		t.Run(clip(line), func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := e.Run(line)
			assert.Equal(t, want.code, r.Code, r.Err)
			assert.Contains(t, r.Err, want.text)
			assert.Empty(t, r.Out)
			assert.Empty(t, changes(t, e), "nothing may be posted")
		})
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func clip(s string) string { return s[:min(len(s), 80)] }

func TestAnotherAccountsPageAndAWrongKey(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	e.Vars["ONCALL_STATUSPAGE_PAGE_ID"] = "aaaaaaaaaaaa"
	r := e.Run("status set API=partial --yes")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "page aaaaaaaaaaaa is not among the pages of this key: "+simulator.StatuspagePage)
	e.Vars["ONCALL_STATUSPAGE_PAGE_ID"] = simulator.StatuspagePage
	e.Vars["ONCALL_STATUSPAGE_API_KEY"] = "another-key"
	r = e.Run("status incident list")
	assert.Equal(t, 3, r.Code)
	assert.Contains(t, r.Err, "the key was refused")
	assert.NotContains(t, r.Err, "another-key")
	assert.Empty(t, changes(t, e))
	// Without a page id the key's only page is taken.
	delete(e.Vars, "ONCALL_STATUSPAGE_PAGE_ID")
	e.Vars["ONCALL_STATUSPAGE_API_KEY"] = simulator.StatuspageKey
	r = e.Run("status incident list -o name")
	assert.Zero(t, r.Code, r.Err)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	rules := func(line string) (int, []string) {
		r := e.Run(line + " -o json")
		out := []string{}
		for _, x := range clitest.JSON[struct {
			Items []struct{ Rule, Name string }
		}](t, r).Items {
			out = append(out, x.Rule+": "+x.Name)
		}
		return r.Code, out
	}
	const title = "Delta updates fail for some devices"
	code, found := rules("status check")
	assert.Equal(t, 9, code)
	assert.Equal(t, []string{"incident-without-outage: " + title, "stale: " + title}, found)

	require.Zero(t, e.Run(`status snooze --for 2h --reason "working on it"`).Code)
	require.Zero(t, e.Run("status set Delta=degraded --yes").Code)
	code, found = rules("status check")
	assert.Zero(t, code, found)
	r := e.Run("status check")
	assert.Contains(t, r.Err, "the page tells the truth")
	assert.Empty(t, r.Out)

	e.Advance(3 * time.Hour)
	code, found = rules("status check")
	assert.Equal(t, 9, code)
	assert.Equal(t, []string{"stale: " + title}, found, "the snooze has ended")
	code, _ = rules("status check --max-age 3d")
	assert.Zero(t, code)
	require.Zero(t, e.Run("status incident resolve --yes").Code)

	require.Zero(t, e.Run("status set API=major --yes").Code)
	_, found = rules("status check")
	assert.Equal(t, []string{"outage-without-incident: API"}, found)
	require.Zero(t, e.Run(`status incident create --title "API errors" --component API=major --from 4127 --yes`).Code)
	code, _ = rules("status check")
	assert.Zero(t, code)
	r = e.Run("incident resolve 4127 --yes")
	require.Zero(t, r.Code, r.Err)
	_, found = rules("status check")
	assert.Equal(t, []string{"pager-resolved: API errors"}, found)

	// The pager cannot be asked: what is not known is not success.
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Kind: simulator.FaultStatus, Status: 503}))
	r = e.Run("status check -o json")
	assert.Equal(t, 6, r.Code, r.Err)
	assert.Contains(t, r.Out, `"source": "pager incident 4127"`)
	require.NoError(t, e.World.ClearFaults())

	// Maintenance: short notice without a reason on record, and past its end.
	require.Zero(t, e.Run("status incident resolve --yes").Code)
	r = e.Run(`status maintenance create --title "Certificate" --component API --start 2h --for 10m --body b --manual --short-notice "it expires" --yes`)
	require.Zero(t, r.Code, r.Err)
	code, found = rules("status check")
	assert.Zero(t, code, found)
	e.Advance(3 * time.Hour)
	_, found = rules("status check")
	assert.Equal(t, []string{"maintenance-overdue: Certificate"}, found)
}

func TestStaleAndSnooze(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := staleID(t, e)
	r := e.Run("status stale")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, id)
	assert.Equal(t, "hint: oncall status incident update "+id+"\n", r.Err)
	r = e.Run("status stale --max-age 2d")
	require.Zero(t, r.Code)
	assert.Contains(t, r.Err, "no open public incident needs an update")

	r = e.Run("status snooze " + id + ` --for 1h --reason "waiting for the vendor"`)
	require.Zero(t, r.Code, r.Err)
	sent := changes(t, e)
	require.Len(t, sent, 1)
	assert.Equal(t, "PATCH /incidents/"+id+` {"incident":{"deliver_notifications":false,"metadata":{"oncall":{"snooze":{"until":"2026-03-04T04:18:30Z","reason":"waiting for the vendor","by":"you","at":"2026-03-04T03:18:30Z"}}}}}`, sent[0])
	r = e.Run("status incident get -o json")
	assert.Contains(t, r.Out, `"reason": "waiting for the vendor"`)
	in := clitest.JSON[struct{ Item struct{ Updates []any } }](t, r)
	assert.Len(t, in.Item.Updates, 3, "nothing was posted")
	r = e.Run("status stale")
	assert.Contains(t, r.Out, "until 04:18:30 UTC by you")
	assert.Contains(t, r.Out, "waiting for the vendor")

	require.Zero(t, e.Run("status snooze --wake").Code)
	r = e.Run("status stale -o json")
	assert.Contains(t, r.Out, `"due": true`)
	assert.NotContains(t, r.Out, `"snooze": `)
	n := len(changes(t, e))
	r = e.Run("status snooze --wake")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "public-incident/"+id+" not snoozed")
	assert.Len(t, changes(t, e), n, "there was nothing to end")
}

func TestStalePostsToAChannel(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	hook := "http://" + simulator.Host + simulator.ChatHook
	r := e.Run("status stale --max-age 2d --webhook " + hook)
	require.Zero(t, r.Code, r.Err)
	sent := func() []simulator.Request {
		all, err := e.World.Changes()
		require.NoError(t, err)
		return all
	}
	assert.Empty(t, sent(), "nothing is due")
	r = e.Run("status stale --webhook " + hook + " --dry-run")
	require.Zero(t, r.Code, r.Err)
	assert.Empty(t, sent())
	assert.NotContains(t, r.Err, "hooks/on-call", "the address is a credential")
	r = e.Run("status stale --webhook " + hook)
	require.Zero(t, r.Code, r.Err)
	require.Len(t, sent(), 1)
	var m map[string]string
	require.NoError(t, json.Unmarshal([]byte(sent()[0].Body), &m))
	assert.Contains(t, m["text"], `"Delta updates fail for some devices" (monitoring) has had no update for 1d 6h`)
	r = e.Run("status stale --webhook http://" + simulator.Host + "/chat/hooks/secret-hook-path")
	assert.Equal(t, 4, r.Code, r.Err)
	assert.NotContains(t, r.Err, "secret-hook-path")
}

func TestOpen(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	var opened []string
	e.OpenURL = func(u string) error { opened = append(opened, u); return nil }
	r := e.Run("status open")
	require.Zero(t, r.Code, r.Err)
	assert.Equal(t, "https://status.example.test\n", r.Out)
	id := staleID(t, e)
	r = e.Run("status open Delta --web")
	require.Zero(t, r.Code, r.Err)
	assert.Equal(t, []string{fmt.Sprintf("http://%s/statuspage/incidents/%s", simulator.Host, id)}, opened)
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	id := staleID(t, e)
	for line, want := range map[string]string{
		"status set A": "API=partial\tnow operational", "status incident update '' ": id + "\tmonitoring: Delta updates fail", "status incident create --template ''": "api-errors\tAPI errors",
		"status incident create --status ''": "investigating", "status incident create --component A": "API=major", "status maintenance start ''": "Registry storage upgrade",
		"status maintenance create --component A": "API\toperational", "status incident postmortem ''": ":4", "status snooze ''": id, "status open ''": id,
	} {
		r := e.Run("__complete " + strings.TrimSpace(line))
		assert.Contains(t, r.Out, want, line)
		assert.NotContains(t, r.Out, "automation", line)
	}
	assert.Empty(t, changes(t, e))
}
