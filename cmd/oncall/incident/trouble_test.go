package incident_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

const ackPath = "/api-public/v1/incidents/ack"

// changes counts the changes of one path that reached the pager.
func changes(t *testing.T, e *clitest.Env, method, path string) int {
	t.Helper()
	all, err := e.World.Changes()
	require.NoError(t, err)
	n := 0
	for _, r := range all {
		if r.Service == "victorops" && r.Method == method && r.Path == path {
			n++
		}
	}
	return n
}

// TestTrouble: what happens to a command when the pager or the way to it fails.
// A change arrives at most once, whatever happens.
func TestTrouble(t *testing.T) {
	t.Parallel()
	ack := simulator.Fault{Service: "victorops", Method: http.MethodPatch, PathGlob: ackPath, Times: 1}
	list := simulator.Fault{Service: "victorops", Method: http.MethodGet, PathGlob: "/api-public/v1/incidents*"}
	with := func(f simulator.Fault, change func(*simulator.Fault)) simulator.Fault {
		change(&f)
		return f
	}
	for _, c := range []struct {
		name  string
		fault simulator.Fault
		line  string
		code  int
		out   string // a part of stdout; "" is an empty stdout
		err   []string
		sent  int // how often the acknowledgement reached the pager
	}{
		{
			"reset before the pager read it: the connection is gone, a look says it did not happen",
			with(ack, func(f *simulator.Fault) { f.Kind = simulator.FaultResetBefore }),
			"incident ack 4127", 15, "",
			[]string{"cannot tell whether it arrived: the answer was lost, and the incident is still triggered", "hint: oncall incident get 4127"}, 1,
		},
		{
			"reset after the pager acted: a look says that it happened",
			with(ack, func(f *simulator.Fault) { f.Kind = simulator.FaultResetAfter }),
			"incident ack 4127", 0, "incident/4127 acknowledged", nil, 1,
		},
		{
			"an answer that breaks off after the pager acted",
			with(ack, func(f *simulator.Fault) { f.Kind = simulator.FaultCut }),
			"incident ack 4127", 0, "incident/4127 acknowledged", nil, 1,
		},
		{
			"500 after the pager acted",
			with(ack, func(f *simulator.Fault) { f.Kind, f.Status = simulator.FaultStatusAfter, 500 }),
			"incident ack 4127", 0, "incident/4127 acknowledged", nil, 1,
		},
		{
			"503 and nothing was done",
			with(ack, func(f *simulator.Fault) { f.Kind, f.Status = simulator.FaultStatus, 503 }),
			"incident ack 4127", 15, "", []string{"the incident is still triggered"}, 1,
		},
		{
			"429 with Retry-After is a refusal: sent again after the wait",
			with(ack, func(f *simulator.Fault) { f.Kind, f.Status, f.RetryAfter = simulator.FaultStatus, 429, 2*time.Second }),
			"incident ack 4127", 0, "incident/4127 acknowledged", []string{"victorops asks to wait 2s\n"}, 2,
		},
		{
			"a sign-in page in place of JSON, for a change",
			with(ack, func(f *simulator.Fault) { f.Kind = simulator.FaultHTML }),
			"incident ack 4127", 3, "", []string{"not signed in"}, 1,
		},
		{
			"a sign-in page in place of JSON, for a read",
			with(list, func(f *simulator.Fault) { f.Kind = simulator.FaultHTML }),
			"incident list", 3, "", []string{"victorops: ", "not signed in"}, 0,
		},
		{
			"a redirect to another host is not followed",
			with(list, func(f *simulator.Fault) { f.Kind = simulator.FaultRedirect }),
			"incident list", 7, "", []string{"redirect"}, 0,
		},
		{
			"reads are tried again",
			with(list, func(f *simulator.Fault) { f.Kind, f.Status, f.Times = simulator.FaultStatus, 503, 2 }),
			"incident list", 0, "4127", nil, 0,
		},
		{
			"and given up at last",
			with(list, func(f *simulator.Fault) { f.Kind, f.Status = simulator.FaultStatus, 503 }),
			"incident list", 7, "", []string{"victorops: "}, 0,
		},
		{
			"a wait that is too long ends at once and says how long",
			with(list, func(f *simulator.Fault) { f.Kind, f.Status, f.RetryAfter = simulator.FaultStatus, 429, 10*time.Minute }),
			"incident list", 7, "", []string{"10m"}, 0,
		},
		{
			"an endless answer",
			with(list, func(f *simulator.Fault) { f.Kind = simulator.FaultEndless }),
			"incident list", 7, "", []string{"victorops: "}, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.AddFault(c.fault))
			r := e.Run(c.line)
			assert.Equal(t, c.code, r.Code, "stderr: %s", r.Err)
			if c.out == "" {
				assert.Empty(t, r.Out)
			} else {
				assert.Contains(t, r.Out, c.out)
			}
			for _, want := range c.err {
				assert.Contains(t, r.Err, want)
			}
			assert.NotContains(t, r.Err, "<html", "no page is shown")
			assert.NotContains(t, r.Err, simulator.VictorOpsAPIKey)
			assert.Equal(t, c.sent, changes(t, e, http.MethodPatch, ackPath))
		})
	}
}

// TestEnvironmentAlone: the same commands against a served world, as a CI job has it.
func TestEnvironmentAlone(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run("incident ack 4127 -o json")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, `"message": "acknowledged (as you, `)
	assert.Empty(t, r.Err)
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		vars map[string]string
		line string
		code int
		err  string
	}{
		{"wrong key", map[string]string{"ONCALL_VICTOROPS_API_KEY": "wrong-key-1234"}, "incident list", 3, "bad key, read-only key, or more than 2 requests a second"},
		{"read-only key reads", map[string]string{"ONCALL_VICTOROPS_API_KEY": simulator.VictorOpsReadOnlyKey}, "incident list", 0, ""},
		{"read-only key writes", map[string]string{"ONCALL_VICTOROPS_API_KEY": simulator.VictorOpsReadOnlyKey}, "incident ack 4127", 3, "refused"},
		{"no key", map[string]string{"ONCALL_VICTOROPS_API_KEY": ""}, "incident list", 3, "victorops"},
		{"nobody to act as", map[string]string{"ONCALL_USER": ""}, "incident ack 4127", 2, "no user is set to act as"},
		{"read-only context", map[string]string{"ONCALL_READ_ONLY": "1"}, "incident ack 4127", 5, "this context is read-only; nothing was sent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			e.Serve()
			for k, v := range c.vars {
				e.Vars[k] = v
				if v == "" {
					delete(e.Vars, k)
				}
			}
			r := e.Run(c.line)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Err, c.err)
			if c.code != 0 {
				assert.Empty(t, r.Out)
			}
			assert.NotContains(t, r.Err, "wrong-key-1234")
		})
	}
}

// TestVerboseShowsNoSecret: -vv prints every header and body, masked.
func TestVerboseShowsNoSecret(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	e.Serve()
	r := e.Run("incident ack 4127 -vv")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "PATCH ")
	assert.Contains(t, strings.ToLower(r.Err), "x-vo-api-key: ***")
	assert.NotContains(t, r.Err, simulator.VictorOpsAPIKey)
	assert.NotContains(t, r.Err, simulator.VictorOpsAPIID)
}

// TestInterrupted: Ctrl-C before anything was sent sends nothing.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := e.RunContext(ctx, "incident ack 4127")
	assert.NotEqual(t, 0, r.Code)
	assert.Empty(t, r.Out)
	assert.Zero(t, changes(t, e, http.MethodPatch, ackPath))
}

// TestWrongOutputOptionSendsNothing: it is told before the pager is asked.
func TestWrongOutputOptionSendsNothing(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-o xml", "--jq .items[", "--template {{", "--jq . --template x"} {
		e := clitest.New(t)
		r := e.Run("incident ack 4127 " + flag)
		assert.Equal(t, 2, r.Code, "%s: %s", flag, r.Err)
		all, err := e.World.Requests()
		require.NoError(t, err)
		assert.Empty(t, all, flag)
	}
}

// TestErrorsAsJSON: stdout stays empty, stderr is one object.
func TestErrorsAsJSON(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("incident get 9999 -o json")
	assert.Equal(t, 4, r.Code)
	assert.Empty(t, r.Out)
	assert.JSONEq(t, `{"apiVersion":"oncall/v1","kind":"Error","error":{"code":4,"name":"not-found",
		"message":"victorops: incident 9999: no incident has this number","hint":"oncall incident list"}}`, r.Err)
}
