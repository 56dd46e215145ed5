package rotation_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

// changes counts the changes that reached the pager.
func changes(t *testing.T, e *clitest.Env) int {
	t.Helper()
	all, err := e.World.Changes()
	require.NoError(t, err)
	return len(all)
}

type list struct {
	Kind  string           `json:"kind"`
	Items []map[string]any `json:"items"`
	Meta  struct {
		Partial []struct{ Source, Error string } `json:"partial"`
	} `json:"meta"`
}

func TestNowJSON(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("rotation now --team Operations -o json")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Empty(t, r.Err)
	l := clitest.JSON[list](t, r)
	assert.Equal(t, "DutyList", l.Kind)
	require.Len(t, l.Items, 5)
	first := l.Items[2]
	assert.InDelta(t, 1, first["step"], 0)
	assert.Equal(t, false, first["gap"])
	person := first["people"].([]any)[0].(map[string]any)
	assert.Equal(t, "you", person["username"])
	assert.Equal(t, []any{}, person["phones"], "contacts are read when asked for")

	l = clitest.JSON[list](t, e.Run("rotation now --team Operations --contacts -o json"))
	person = l.Items[2]["people"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"+44 20 7946 0101"}, person["phones"])

	r = e.Run("rotation now --team Operations -o name")
	assert.Len(t, strings.Split(strings.TrimSpace(r.Out), "\n"), 5)
	assert.Regexp(t, `^duty/pol-\w+/1\n`, r.Out)
}

func TestNowWithAPartMissing(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Method: http.MethodGet, PathGlob: "/api-public/v1/policies/*", Kind: simulator.FaultStatus, Status: 500}))
	r := e.Run("rotation now --team Operations -o json")
	require.Equal(t, 0, r.Code, r.Err)
	l := clitest.JSON[list](t, r)
	assert.Len(t, l.Meta.Partial, 2)
	for _, d := range l.Items {
		assert.InDelta(t, 0, d["step"], 0, "at which step is not known")
	}
}

func TestTroubleOfReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line, glob string
		fault      simulator.Fault
		code       int
		says       string
	}{
		{"rotation now", "/api-public/v1/oncall/current", simulator.Fault{Kind: simulator.FaultHTML}, 3, "not signed in"},
		{"rotation now", "/api-public/v1/oncall/current", simulator.Fault{Kind: simulator.FaultStatus, Status: 503}, 7, "503"},
		{"rotation show Operations", "/api-public/v2/team/*", simulator.Fault{Kind: simulator.FaultResetBefore}, 7, "victorops: "},
		{"rotation mine", "/api-public/v2/user/*", simulator.Fault{Kind: simulator.FaultStatus, Status: 403}, 3, "bad key, read-only key, or more than 2 requests a second"},
		{"rotation export Operations", "/api-public/v1/team", simulator.Fault{Kind: simulator.FaultStatus, Status: 500}, 7, "500"},
	} {
		t.Run(c.line+" "+c.says, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			c.fault.Service, c.fault.PathGlob = "victorops", c.glob
			require.NoError(t, e.World.AddFault(c.fault))
			r := e.Run(c.line)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Empty(t, r.Out)
			assert.Contains(t, r.Err, c.says)
			assert.NotContains(t, r.Err, simulator.VictorOpsAPIKey)
		})
	}
}

// A take arrives once, whatever happens to its answer, and is believed only when
// the list of who is on call shows it.
func TestTroubleOfTake(t *testing.T) {
	t.Parallel()
	take := simulator.Fault{Service: "victorops", Method: http.MethodPatch, PathGlob: "/api-public/v1/policies/*", Times: 1}
	now := simulator.Fault{Service: "victorops", Method: http.MethodGet, PathGlob: "/api-public/v1/oncall/current"}
	for _, c := range []struct {
		name string
		kind string
		code int
		out  string
		err  string
	}{
		{"reset after the pager acted", simulator.FaultResetAfter, 0, "policy/Operations primary taken", ""},
		{"reset before the pager read it", simulator.FaultResetBefore, 15, "", "cannot tell whether it arrived: the answer was lost; VictorOps shows you is on call there"},
		{"an answer that breaks off", simulator.FaultCut, 0, "the answer was lost, a look shows that it arrived", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Vars["ONCALL_USER"] = "secondary"
			f := take
			f.Kind = c.kind
			require.NoError(t, e.World.AddFault(f))
			r := e.Run(`rotation take "Operations primary"`)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Out, c.out)
			assert.Contains(t, r.Err, c.err)
			assert.Equal(t, 1, changes(t, e))
		})
	}
	t.Run("without a look before it nothing is sent", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Vars["ONCALL_USER"] = "secondary"
		now.Kind, now.Status = simulator.FaultStatus, 500
		require.NoError(t, e.World.AddFault(now))
		r := e.Run(`rotation take "Operations primary"`)
		assert.Equal(t, 7, r.Code)
		assert.Zero(t, changes(t, e))
	})
	t.Run("a dry run sends nothing", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Vars["ONCALL_USER"] = "secondary"
		r := e.Run(`rotation take "Operations primary" --dry-run`)
		assert.Equal(t, 0, r.Code, r.Err)
		assert.Contains(t, r.Out, "(dry run)")
		assert.Contains(t, r.Err, "/oncall/user")
		assert.Zero(t, changes(t, e))
	})
	t.Run("read-only refuses", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Vars["ONCALL_USER"] = "secondary"
		r := e.Run(`rotation take "Operations primary" --read-only`)
		assert.Equal(t, 5, r.Code, r.Err)
		assert.Empty(t, r.Out)
		assert.Zero(t, changes(t, e))
	})
}

// A policy that is typed twice is taken once: the second take would be refused, and
// hide that the first was made.
func TestTakeOfOneTypedTwice(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Vars["ONCALL_USER"] = "secondary"
	r := e.Run(`rotation take "Operations primary" "operations prim" "Operations/Operations primary" -o name`)
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "policy/Operations primary\n", r.Out)
	assert.Equal(t, 1, changes(t, e))
}

// Two teams may call their policies alike: what became of each is told apart.
func TestTakeOfTwoCalledAlike(t *testing.T) {
	t.Parallel()
	onCall := map[string]string{"pol-1": "noor", "pol-2": "noor"}
	var mu sync.Mutex
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		policy := func(team, slug string) string {
			return `{"policy":{"name":"Primary","slug":"` + slug + `"},"team":{"name":"` + team + `","slug":"team-` + team + `"}}`
		}
		now := func(team, slug string) string {
			return `{"team":{"name":"` + team + `","slug":"team-` + team + `"},"oncallNow":[{"escalationPolicy":{"name":"Primary","slug":"` + slug + `"},` +
				`"users":[{"onCalluser":{"username":"` + onCall[slug] + `"}}]}]}`
		}
		switch {
		case r.URL.Path == "/api-public/v1/policies":
			_, _ = fmt.Fprintf(w, `{"policies":[%s,%s]}`, policy("Red", "pol-1"), policy("Blue", "pol-2"))
		case r.URL.Path == "/api-public/v1/oncall/current":
			_, _ = fmt.Fprintf(w, `{"teamsOnCall":[%s,%s]}`, now("Red", "pol-1"), now("Blue", "pol-2"))
		case r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "pol-2"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"message":"no"}`)
		case r.Method == http.MethodPatch:
			onCall["pol-1"] = "you"
			_, _ = fmt.Fprint(w, `{"result":"ok"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{}`)
		}
	}))
	t.Cleanup(srv.Close)
	e := clitest.New(t)
	e.Vars = map[string]string{"ONCALL_VICTOROPS_URL": srv.URL, "ONCALL_VICTOROPS_API_ID": "id", "ONCALL_VICTOROPS_API_KEY": "key", "ONCALL_USER": "you"}
	r := e.Run("rotation take Red/Primary Blue/Primary")
	assert.Equal(t, 6, r.Code, r.Err)
	assert.Regexp(t, `^policy/Primary taken +\(from noor\)\n$`, r.Out)
	assert.Contains(t, r.Err, "policy/Blue/Primary failed: ")
}

// Ctrl-C in the middle of a batch: what was done is told, the rest is not sent.
func TestTakeInterrupted(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	world := e.World.Handler()
	// The user presses Ctrl-C when the first take is answered and read back.
	taken := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		world.ServeHTTP(w, r)
		switch {
		case r.Method == http.MethodPatch:
			taken = true
		case taken:
			_ = http.NewResponseController(w).Flush()
			cancel()
		}
	}))
	t.Cleanup(srv.Close)
	delete(e.Vars, "ONCALL_CONTEXT")
	for _, line := range e.World.Env(srv.URL) {
		name, value, _ := strings.Cut(line, "=")
		e.Vars[name] = value
	}
	e.Vars["ONCALL_USER"] = "secondary"
	r := e.RunContext(ctx, `rotation take "Operations primary" "Operations low urgency"`)
	assert.NotZero(t, r.Code)
	assert.Contains(t, r.Err, "policy/Operations low urgency not sent")
	assert.Equal(t, 1, changes(t, e))
}

// Ctrl-C while the take's answer is awaited: nobody can tell, and that is said.
func TestTakeInterruptedInFlight(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	world := e.World.Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPatch {
			world.ServeHTTP(w, r)
			return
		}
		world.ServeHTTP(httptest.NewRecorder(), r)
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	delete(e.Vars, "ONCALL_CONTEXT")
	for _, line := range e.World.Env(srv.URL) {
		name, value, _ := strings.Cut(line, "=")
		e.Vars[name] = value
	}
	e.Vars["ONCALL_USER"] = "secondary"
	r := e.RunContext(ctx, `rotation take "Operations primary"`)
	assert.NotZero(t, r.Code)
	assert.Empty(t, r.Out)
	assert.Contains(t, r.Err, "take on-call: cannot tell whether it was taken: interrupted before the answer came\nhint: oncall rotation now\n")
	assert.Equal(t, 1, changes(t, e))
}

// Two people override at the same moment, and the vendor keeps both: the one who
// comes later reads so, with the line that takes theirs back.
func TestOverrideByTwoAtOnce(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "json"} {
		e := clitest.New(t)
		var first clitest.Result
		var once sync.Once
		world := e.World.Handler()
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				once.Do(func() { first = e.Run("rotation override manager --from 2h --for 8h -o name") })
			}
			world.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		mine := clitest.New(t)
		delete(mine.Vars, "ONCALL_CONTEXT")
		for _, line := range e.World.Env(srv.URL) {
			name, value, _ := strings.Cut(line, "=")
			mine.Vars[name] = value
		}
		mine.Vars["ONCALL_USER"] = "you"
		mine.Vars["ONCALL_TZ"] = "UTC"
		r := mine.Run("rotation override secondary --from 2h --for 8h -o " + format)
		require.Equal(t, 0, first.Code, first.Err)
		assert.Equal(t, 8, r.Code, r.Err)
		other := strings.TrimPrefix(strings.TrimSpace(first.Out), "override/")
		assert.Contains(t, r.Err, "and somebody made "+other+" at the same moment: manager for you, ")
		own := regexp.MustCompile(`override/(ovrprd-\w+)`).FindStringSubmatch(r.Out)
		require.NotNil(t, own, "the one that was made is told: %s", r.Out)
		assert.Contains(t, r.Err, "take the other back: oncall rotation override --cancel "+own[1])
		assert.NotContains(t, r.Err, "undo:")
		assert.Equal(t, 0, mine.Run("rotation override --cancel "+own[1]).Code)
	}
}

func TestTroubleOfOverride(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, glob, kind string
		status, code, sent       int
		says                     string
	}{
		{"the cover is refused: all is undone", http.MethodPut, "/api-public/v1/overrides/*", simulator.FaultStatus, 422, 1, 2, "nothing was left behind"},
		{"the first step is lost on the way", http.MethodPost, "/api-public/v1/overrides", simulator.FaultResetBefore, 0, 15, 1, "cannot tell whether it arrived"},
		{"the first step's answer is lost", http.MethodPost, "/api-public/v1/overrides", simulator.FaultResetAfter, 0, 0, 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Method: c.method, PathGlob: c.glob, Kind: c.kind, Status: c.status, Times: 1}))
			r := e.Run("rotation override secondary --from 2h --for 8h")
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Err, c.says)
			if c.code == 0 {
				assert.Contains(t, r.Out, "a look shows that it arrived")
			} else {
				assert.Empty(t, r.Out)
			}
			posts := 0
			all, err := e.World.Changes()
			require.NoError(t, err)
			for _, x := range all {
				if x.Method == http.MethodPost {
					posts++
				}
			}
			assert.Equal(t, 1, posts, "the override is made once")
		})
	}
}

func TestExportToAFile(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	path := filepath.Join(t.TempDir(), "mine.ics")
	r := e.Run("rotation export --mine --file " + path + " -o json")
	require.Equal(t, 0, r.Code, r.Err)
	out := clitest.JSON[struct {
		Item struct {
			Events   int
			File     string
			Calendar string
		}
	}](t, r)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, out.Item.Events, strings.Count(string(b), "BEGIN:VEVENT"))
	assert.Equal(t, path, out.Item.File)
	assert.Empty(t, out.Item.Calendar)

	r = e.Run("rotation export --mine --file " + filepath.Join(path, "no", "such"))
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Err, "write the calendar: ")

	// The text on stdout is the file, byte for byte, and so a day later when the
	// plan is the same.
	r = e.Run("rotation export --mine")
	assert.Equal(t, string(b), r.Out)
}

func TestExportWithAPartMissingSaysSo(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Method: http.MethodGet, PathGlob: "/api-public/v2/team/*", Kind: simulator.FaultStatus, Status: 500, Times: 1}))
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "victorops", Method: http.MethodGet, PathGlob: "/api-public/v2/user", Kind: simulator.FaultStatus, Status: 500}))
	r := e.Run("rotation export Operations")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "is missing from the file")
	assert.Contains(t, r.Err, "usernames stand for them")
	assert.Contains(t, r.Out, "SUMMARY:On call: you (")
}

func TestWithoutAUser(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	delete(e.Vars, "ONCALL_USER")
	for _, line := range []string{"rotation mine", "rotation export --mine", `rotation take "Operations primary"`, "rotation override secondary --from 2h --for 8h"} {
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, r.Err)
		assert.Contains(t, r.Err, "ONCALL_USER", line)
		assert.Empty(t, r.Out, line)
	}
	assert.Zero(t, changes(t, e))
	r := e.Run("rotation now -o json")
	assert.Equal(t, 0, r.Code, r.Err)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for _, line := range []string{"rotation show", "rotation show Operations --days 0", "rotation show Operations --step 5", "rotation mine --days 121",
		"rotation export Operations --user you", "rotation override secondary --until 8h", "rotation override secondary --from yesterdayish --for 8h",
		"rotation override secondary --from 2h --for never", "rotation nwo"} {
		r := e.Run(line)
		assert.Equal(t, 2, r.Code, "%s: %s", line, r.Err)
		assert.Empty(t, r.Out, line)
	}
	assert.Zero(t, changes(t, e))
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	assert.Contains(t, e.Run(`__complete rotation show ""`).Out, "Operations")
	assert.Contains(t, e.Run(`__complete rotation override ""`).Out, "secondary")
	assert.Contains(t, e.Run(`__complete rotation take ""`).Out, "Operations primary\tteam Operations")
	assert.NotContains(t, e.Run(`__complete rotation show Operations ""`).Out, "Support")
}

// In a window as narrow as a phone's the answer is still there.
func TestNarrow(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Terminal, e.Width = true, 60
	r := e.Run("rotation now")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "ON CALL")
	assert.Contains(t, r.Out, "nobody (gap)")
	r = e.Run("rotation show Operations")
	assert.Contains(t, r.Out, "ON CALL")
	assert.Contains(t, r.Out, "secondary")
}
