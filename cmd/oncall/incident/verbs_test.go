package incident_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

func TestRerouteByName(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("incident reroute 4127 4126 --to user:secondary")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "incident/4127 rerouted                      (to user:secondary)\nincident/4126 rerouted                      (to user:secondary)\n", r.Out)
	assert.Equal(t, 1, changes(t, e, http.MethodPost, "/api-public/v1/incidents/reroute"), "one request for both")
	assert.Equal(t, "secondary\n", e.Run(`incident list --jq '.items[] | select(.number=="4127") | .pagedUsers[]'`).Out)
}

func TestRerouteTroubles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		code int
		err  string
	}{
		{"incident reroute 4127", 2, "to whom?\nhint: --to user:NAME or --to policy:NAME"},
		{"incident reroute 4127 --to user:s", 4, `"s" matches sam.field and secondary`},
		{"incident reroute 4127 --to user:secondry", 4, "hint: did you mean secondary?"},
		{"incident reroute 4127 --to group:x", 2, `"group:x" is not user:NAME, policy:NAME or team:NAME`},
		{"incident reroute 9999 --to user:secondary", 4, "no incident has this number"},
	} {
		e := clitest.New(t)
		r := e.Run(c.line)
		assert.Equal(t, c.code, r.Code, "%s: %s", c.line, r.Err)
		assert.Empty(t, r.Out, c.line)
		assert.Contains(t, r.Err, c.err, c.line)
		all, err := e.World.Changes()
		require.NoError(t, err)
		assert.Empty(t, all, c.line)
	}
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`incident trigger --summary "Registry, disk full" --to user:secondary`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "incident/4128 triggered                     (pages user:secondary)\n", r.Out)
	assert.Contains(t, r.Err, "pages user:secondary")
	assert.Equal(t, "Registry, disk full\n", e.Run("incident get 4128 --jq .item.title").Out)

	// The alert endpoint: the same entity ties trigger and recovery together.
	r = e.Run(`incident trigger --routing-key ops --entity-id disk/registry-2 --summary "Disk 97%" --annotate-url "Dashboard=https://monitor.example.test/d/disk" -o json`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, `"name": "alert/disk/registry-2"`)
	got := e.Run(`incident list --jq '.items[] | select(.entityId=="disk/registry-2") | .number'`)
	number := strings.TrimSpace(got.Out)
	require.NotEmpty(t, number)
	assert.Contains(t, e.Run("incident get "+number).Out, "Dashboard  https://monitor.example.test/d/disk")
	require.Equal(t, 0, e.Run("incident trigger --routing-key ops --entity-id disk/registry-2 --type recovery").Code)
	assert.Equal(t, "resolved\n", e.Run("incident get "+number+" --jq .item.phase").Out)
}

// TestTriggerIsCheckedHere: the pager would take each of these and page nobody.
func TestTriggerIsCheckedHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		code int
		err  string
	}{
		{"incident trigger --summary x", 2, "whom to page?"},
		{"incident trigger --to user:you", 2, "hint: --summary "},
		{"incident note 4127 ''", 2, "the note is empty; nothing was sent\n"},
		{"incident note 4127 '' --dry-run", 2, "the note is empty; nothing was sent\n"},
		{"incident trigger --summary ' ' --to user:you", 2, "what is wrong?"},
		{"incident trigger --summary x --to user:you --routing-key ops", 2, "only one of them"},
		{"incident trigger --summary x --to user:you --entity-id y", 2, "--entity-id goes with --routing-key"},
		{"incident trigger --summary x --routing-key ops --all", 2, "--all goes with --to"},
		{"incident trigger --summary x --routing-key ops --type critcal", 2, "hint: did you mean critical?"},
		{"incident trigger --summary x --routing-key opps", 4, "hint: did you mean ops"},
		{"incident trigger --routing-key ops --type recovery", 2, "recovery needs the entity id"},
		{"incident trigger --summary x --routing-key ops --annotate-url nonsense", 2, `"nonsense" is not TITLE=URL`},
		{"incident trigger --summary x --routing-key ops --annotate-url a=javascript:alert(1)", 2, "is not an http or https address"},
		{"incident trigger --summary " + strings.Repeat("x", 1025) + " --routing-key ops", 2, "has 1025 characters, VictorOps takes 1024"},
	} {
		e := clitest.New(t)
		r := e.Run(c.line)
		assert.Equal(t, c.code, r.Code, "%s: %s", c.line, r.Err)
		assert.Empty(t, r.Out, c.line)
		assert.Contains(t, r.Err, c.err, c.line)
		all, err := e.World.Changes()
		require.NoError(t, err)
		assert.Empty(t, all, c.line)
	}
}

// TestLostAnswersAreLookedUp: the pager acted, nobody heard. Nothing is sent twice.
func TestLostAnswersAreLookedUp(t *testing.T) {
	t.Parallel()
	for line, path := range map[string]string{
		"incident reroute 4127 --to user:secondary":                         "/api-public/v1/incidents/reroute",
		"incident note 4127 hello":                                          "/api-public/v1/incidents/4127/notes",
		"incident trigger --summary boom --to user:secondary":               "/api-public/v1/incidents",
		"incident trigger --summary disk --routing-key ops --entity-id d/1": "*/alert/*",
		"incident resolve 4127":                                             "/api-public/v1/incidents/resolve",
	} {
		for kind, code := range map[string]int{simulator.FaultResetAfter: 0, simulator.FaultResetBefore: 15} {
			t.Run(kind+" "+line, func(t *testing.T) {
				t.Parallel()
				e := clitest.New(t)
				require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", PathGlob: path, Kind: kind, Times: 1,
					Method: map[bool]string{true: http.MethodPatch, false: http.MethodPost}[strings.Contains(line, "resolve")]}))
				r := e.Run(line)
				assert.Equal(t, code, r.Code, r.Err)
				all, err := e.World.Changes()
				require.NoError(t, err)
				assert.Len(t, all, 1, "sent once")
				if code == 0 {
					assert.Contains(t, r.Out, "the answer was lost, a look shows that it arrived")
				} else {
					assert.Empty(t, r.Out)
					assert.Contains(t, r.Err, "cannot tell")
					assert.Contains(t, r.Err, "hint: oncall incident ")
				}
			})
		}
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Equal(t, 0, e.Run("incident ack 4127 -m looking").Code)
	e.Advance(time.Minute)
	require.Equal(t, 0, e.Run(`incident note 4127 "5xx began with 17.5.0"`).Code)
	r := e.Run("incident timeline 4127")
	require.Equal(t, 0, r.Code, r.Err)
	for _, want := range []string{"triggered", "alert", "acknowledged", "looking", "note", "5xx began with 17.5.0"} {
		assert.Contains(t, r.Out, want)
	}
	assert.Less(t, strings.Index(r.Out, "acknowledged"), strings.Index(r.Out, "5xx began with"), "in order")
}

func TestNotes(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("incident note 4127")
	assert.Equal(t, 0, r.Code)
	assert.Empty(t, r.Out)
	assert.Contains(t, r.Err, "incident 4127 has no notes")
	e.Stdin = "from a\nfile\n"
	require.Equal(t, 0, e.Run("incident note 4127 -").Code)
	assert.Equal(t, "from a\nfile\n", e.Run("incident note 4127 --jq .items[].text").Out)
	e.Stdin = "  \n"
	r = e.Run("incident note 4127 -")
	assert.Equal(t, 2, r.Code)
	assert.Contains(t, r.Err, "the note is empty; nothing was sent")
	assert.Equal(t, 4, e.Run("incident note 9999 hello").Code)
}

func TestOpenAndSnooze(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	opened := ""
	e.OpenURL = func(url string) error { opened = url; return nil }
	const link = "https://portal.victorops.com/client/balena-demo#/incident/4127"
	assert.Equal(t, link+"\n", e.Run("incident open 4127").Out)
	assert.Empty(t, opened)
	assert.Equal(t, link+"\n", e.Run("incident open "+link+" --web").Out, "a pasted link is a number too")
	assert.Equal(t, link, opened)
	r := e.Run("incident snooze 4127")
	assert.Equal(t, 8, r.Code)
	assert.Empty(t, r.Out)
	assert.Contains(t, r.Err, "no API for it")
	assert.Contains(t, r.Err, "hint: "+link)
}

// hook calls fn with what was written so far, after each write.
type hook struct {
	text bytes.Buffer // not embedded: its WriteString would pass the hook by
	fn   func(sofar string)
}

func (h *hook) Write(p []byte) (int, error) {
	n, err := h.text.Write(p)
	h.fn(h.text.String())
	return n, err
}

func (h *hook) String() string { return h.text.String() }

// TestWatch follows what happens line by line, through a lost network, and ends
// when it is told to.
func TestWatch(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a watch that misses its end must not hang
	defer cancel()
	stage := 0
	var errOut hook
	errOut.fn = func(sofar string) {
		if stage == 1 && strings.Contains(sofar, "no answer since") {
			stage = 2
			assert.NoError(t, e.World.ClearFaults())
		}
		if stage == 2 && strings.Contains(sofar, "the pager answers again") {
			stage = 3
			cancel()
		}
	}
	var out hook
	out.fn = func(sofar string) {
		if stage == 0 && strings.Contains(sofar, `"kind":"present"`) {
			stage = 1
			assert.Equal(t, 0, e.Run("incident ack 4127 -m looking").Code)
			assert.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Kind: simulator.FaultResetBefore}))
		}
	}
	f := e.Factory(&out, &errOut)
	code := root.Run(ctx, f, []string{"incident", "watch", "--mine", "--bell"})
	assert.NotEqual(t, 0, code)
	assert.Equal(t, 3, stage, "stderr: %s", errOut.String())
	assert.Equal(t, 1, strings.Count(out.String(), `"kind":"acknowledged","by":"you","message":"looking"`), out.String())
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		assert.True(t, strings.HasPrefix(line, "{") && strings.HasSuffix(line, "}"), "a JSON line each: %s", line)
	}
}

func TestWatchRedrawsOnATerminal(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 100
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out hook
	out.fn = func(sofar string) {
		if strings.Count(sofar, "\x1b[H\x1b[J") == 2 {
			cancel()
		}
	}
	code := root.Run(ctx, e.Factory(&out, &hook{fn: func(string) {}}), []string{"incident", "watch"})
	assert.NotEqual(t, 0, code)
	assert.Contains(t, out.String(), "NUMBER  PHASE")
	assert.Contains(t, out.String(), "every 10s")
}

// TestWatchRings: the bell rings for a page, not for what was there, and a list
// that is old says so.
func TestWatchRings(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 100
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	errOut := hook{fn: func(string) {}}
	draws := 0
	var out hook
	out.fn = func(sofar string) {
		if n := strings.Count(sofar, "\x1b[H\x1b[J"); n == draws {
			return
		}
		draws++
		switch draws {
		case 1:
			assert.Equal(t, 0, e.Run("incident trigger --summary drill --to user:you").Code)
		case 2:
			assert.Empty(t, errOut.String(), "nobody was paged before")
			assert.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Kind: simulator.FaultResetBefore}))
		case 3:
			assert.Contains(t, sofar, "NO ANSWER since 03:18:")
			cancel()
		}
	}
	root.Run(ctx, e.Factory(&out, &errOut), []string{"incident", "watch", "--bell"})
	assert.Equal(t, 3, draws)
	assert.Equal(t, 1, strings.Count(errOut.String(), "\a"))
	assert.Contains(t, out.String(), "4128 triggered")
}

// A terminal that cannot be redrawn gets a line for each change.
func TestWatchOnADumbTerminal(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Vars["TERM"] = true, "dumb"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := hook{fn: func(sofar string) {
		if strings.Contains(sofar, "4119") {
			cancel()
		}
	}}
	root.Run(ctx, e.Factory(&out, &hook{fn: func(string) {}}), []string{"incident", "watch"})
	assert.Contains(t, out.String(), "4119 acknowledged by secondary  Disk 91% on registry-2\n")
	assert.NotContains(t, out.String(), "\x1b")
}

func TestWidths(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 100} {
		e := clitest.New(t)
		e.Terminal, e.Width = true, width
		e.Vars["NO_COLOR"] = "1"
		for _, line := range []string{"incident list", "incident get 4127", "incident timeline 4127"} {
			r := e.Run(line)
			require.Equal(t, 0, r.Code, r.Err)
			for _, l := range strings.Split(r.Out, "\n") {
				if !strings.Contains(l, "https://") { // a link is never broken
					assert.LessOrEqual(t, len([]rune(l)), width, "%s at %d: %q", line, width, l)
				}
			}
		}
	}
}

// What is missing from a list is named.
func TestMissingPartsAreNamed(t *testing.T) {
	t.Parallel()
	for line, path := range map[string]string{
		"incident list --mine":   "/api-public/v1/user/you/teams",
		"incident timeline 4127": "/api-public/v1/incidents/4127/notes",
		"incident get 4127":      "/api-public/v1/incidents/4127/notes",
	} {
		e := clitest.New(t)
		require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", PathGlob: path, Kind: simulator.FaultStatus, Status: 500}))
		r := e.Run(line + " -o json --jq .meta.partial[].source")
		assert.Equal(t, 0, r.Code, r.Err)
		assert.NotEmpty(t, strings.TrimSpace(strings.ReplaceAll(r.Out, "null", "")), line)
		assert.Contains(t, e.Run(line).Err, "warning: ", line)
	}
}

// With nothing to acknowledge a script still gets a list of changes.
func TestNothingToDo(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Equal(t, 0, e.Run("incident ack --mine").Code)
	r := e.Run("incident ack --mine -o json")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.JSONEq(t, `{"apiVersion":"oncall/v1","kind":"ChangeList","items":[],"meta":{}}`, r.Out)
	r = e.Run("incident ack --mine")
	assert.Equal(t, 0, r.Code)
	assert.Empty(t, r.Out)
	assert.Equal(t, "nothing to do: no such incident paged you\n", r.Err)
}

// In a narrow window the title can still be read, and who has it is still there.
func TestListInANarrowWindow(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 60
	r := e.Run("incident list --mine --color never")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "NUMBER PHASE        AGE TITLE                      ACKED BY\n"+
		"4127   triggered    6m  API 5xx ratio above 2%     -\n"+
		"4126   triggered    41m e2e hourly: no success fo… -\n"+
		"4119   acknowledged 4d  Disk 91% on registry-2     secondary\n", r.Out)
	assert.Equal(t, "no room for SERVICE and PAGED (-o wide shows all)\n", r.Err)
}

// The alert's own fields, entity and routing key are under -o wide alone.
func TestGetWide(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	wide := e.Run("incident get 4127 -o wide").Out
	for _, want := range []string{"fields   alertname  API5xxRatioHigh\n", "entity   prometheus/API5xxRatioHigh/api\n", "routing  ops\n"} {
		assert.Contains(t, wide, want)
		assert.NotContains(t, e.Run("incident get 4127").Out, want)
	}
}
