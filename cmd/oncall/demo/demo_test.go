package demo_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/cmd/oncall/root"
	"github.com/balena-io/oncall/pkg/simulator"
)

type step struct {
	Chapter, Say, Command, Output string
	ExitCode                      int
}

func steps(t *testing.T, r clitest.Result) []step {
	t.Helper()
	return clitest.JSON[struct {
		APIVersion, Kind string
		Items            []step
	}](t, r).Items
}

func TestTour(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT") // nothing is configured
	r := e.Run("demo")
	require.Equal(t, 0, r.Code, r.Out+r.Err)
	assert.NotContains(t, r.Out, "\x1b", "a pipe gets no colours")
	assert.NotContains(t, r.Err, "Enter", "a pipe is asked nothing")
	assert.Contains(t, r.Err, "oncall --context demo incident list")

	again := clitest.New(t) // the first tour moved the clock
	delete(again.Vars, "ONCALL_CONTEXT")
	j := again.Run("demo -o json")
	require.Equal(t, 0, j.Code, j.Err)
	all := steps(t, j)
	require.NotEmpty(t, all)
	for _, s := range all {
		assert.NotEmpty(t, s.Output, "%s shows nothing", s.Command)
		assert.Contains(t, r.Out, "\n$ "+s.Command+"\n"+s.Output, "the transcript holds what JSON tells")
	}
	assert.Contains(t, all[0].Output, "API 5xx ratio above 2%", "the page arrives")
	assert.Zero(t, all[0].ExitCode)

	log, err := e.World.Requests()
	require.NoError(t, err)
	assert.Empty(t, log, "the tour has a world of its own")
	entries, err := os.ReadDir(e.Home)
	require.NoError(t, err)
	assert.Empty(t, entries, "nothing of the user's is written")
	assert.Less(t, e.Now().Sub(clitest.Start), 26*time.Second, "and without a terminal it waits for nothing but the rollback and the e2e build")
}

func TestTourKeepsOutOfTheUsersSettings(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(srv.Close)
	e := clitest.New(t)
	e.Vars = map[string]string{
		"ONCALL_CONTEXT": "prod", "ONCALL_VICTOROPS_URL": srv.URL, "ONCALL_VICTOROPS_API_KEY": "real",
		"ONCALL_READ_ONLY": "1", "ONCALL_USER": "somebody", "ONCALL_CONFIG": filepath.Join(t.TempDir(), "broken.yaml"), "HTTP_PROXY": srv.URL,
	}
	require.NoError(t, os.WriteFile(e.Vars["ONCALL_CONFIG"], []byte("contexts: ["), 0o600))
	r := e.Run("demo")
	assert.Equal(t, 0, r.Code, r.Out+r.Err)
	assert.Contains(t, r.Out, "(as you,")
	assert.Zero(t, hits.Load())
}

func TestTourOnATerminal(t *testing.T) {
	t.Parallel()
	t.Run("Enter goes on and q leaves", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Terminal, e.Stdin = true, "\nq\n"
		r := e.Run("demo")
		assert.Equal(t, 0, r.Code, r.Err)
		assert.Equal(t, 2, strings.Count(r.Err, "Enter goes on, q leaves"))
		assert.Contains(t, r.Out, "incident/4127", "the second step was played")
		assert.NotContains(t, r.Out, "acknowledged by you")
		assert.Contains(t, r.Err, "oncall demo plays it again")
	})
	t.Run("the end of input does not stop it", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Terminal = true
		r := e.Run("demo")
		assert.Equal(t, 0, r.Code, r.Err)
		assert.Equal(t, 1, strings.Count(r.Err, "Enter goes on"))
	})
	t.Run("yes asks nothing and stays under a minute", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Terminal = true
		r := e.Run("demo --yes")
		assert.Equal(t, 0, r.Code, r.Err)
		assert.NotContains(t, r.Err, "Enter")
		took := e.Now().Sub(clitest.Start)
		assert.Greater(t, took, 5*time.Second, "one can read along")
		assert.Less(t, took, time.Minute)
	})
	t.Run("speed 0 does not wait", func(t *testing.T) {
		t.Parallel()
		e := clitest.New(t)
		e.Terminal = true
		r := e.Run("demo --speed 0")
		assert.Equal(t, 0, r.Code, r.Err)
		assert.NotContains(t, r.Err, "Enter")
		assert.Less(t, e.Now().Sub(clitest.Start), 30*time.Second, "but for what the commands themselves wait")
	})
}

func TestTourRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"demo --speed=-1":          "--speed: -1 is not a speed",
		"demo --speed NaN":         "is not a speed",
		"demo --context prod":      `oncall demo works in the built-in world, not in the context "prod"`,
		"demo story":               `"story" is not a command of oncall demo`,
		"demo -o cards":            `unknown format "cards"`,
		"demo reset --context x":   "oncall demo reset works in the built-in world",
		"demo fault list -c other": "oncall demo fault list works in the built-in world",
		"demo reset now":           "takes no argument",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			r := clitest.New(t).Run(line)
			assert.Equal(t, 2, r.Code)
			assert.Contains(t, r.Err, want)
			assert.Empty(t, r.Out)
		})
	}
}

func TestTourIsInterrupted(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := e.RunContext(ctx, "demo")
	assert.NotEqual(t, 0, r.Code)
}

func TestReset(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.Equal(t, 0, e.Run("incident ack 4127").Code)
	require.NoError(t, e.World.AddFault(simulator.Fault{Kind: simulator.FaultHTML, Service: "statuspage"}))
	var journals []string
	find := func() {
		journals = nil
		require.NoError(t, filepath.WalkDir(e.Home, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.Name() == "journal.jsonl" {
				journals = append(journals, p)
			}
			return err
		}))
	}
	find()
	require.Len(t, journals, 1)

	e.Advance(time.Hour)
	r := e.Run("demo reset --yes -o json")
	require.Equal(t, 0, r.Code, r.Err)
	got := clitest.JSON[struct {
		Kind string
		Item struct{ StartedAt time.Time }
	}](t, r)
	assert.Equal(t, "DemoWorld", got.Kind)
	assert.Equal(t, clitest.Start.Add(time.Hour), got.Item.StartedAt)
	list := e.Run(`incident list --jq '.items[] | select(.number == "4127") | .phase'`)
	assert.Equal(t, "triggered\n", list.Out, list.Err)
	faults, err := e.World.Faults()
	require.NoError(t, err)
	assert.Empty(t, faults)
	find()
	assert.Empty(t, journals)
	assert.Contains(t, e.Run("demo reset").Out, "a new demo world")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("demo fault list")
	assert.Equal(t, 0, r.Code)
	assert.Empty(t, r.Out)
	assert.Equal(t, "no fault is on\n", r.Err)

	r = e.Run("demo fault add reset-after --service victorops --method patch --path '*/ack' --times 1 -o name")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "fault/1\n", r.Out)
	r = e.Run("demo fault add status --status 429 --retry-after 45s --path '*/incidents'")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "until cleared")
	on, err := e.World.Faults()
	require.NoError(t, err)
	assert.Equal(t, []simulator.Fault{
		{Kind: "reset-after", Service: "victorops", Method: "PATCH", PathGlob: "*/ack", Times: 1},
		{Kind: "status", Status: 429, RetryAfter: 45 * time.Second, PathGlob: "*/incidents"},
	}, on)

	r = e.Run("incident ack 4127")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "acknowledged")
	changes, err := e.World.Changes()
	require.NoError(t, err)
	assert.Len(t, changes, 1, "the lost answer is looked up, the change not repeated")

	list := clitest.JSON[struct{ Items []map[string]any }](t, e.Run("demo fault list -o json")).Items
	require.Len(t, list, 1, "one fault was for one request")
	assert.InDelta(t, 45, list[0]["retryAfterSeconds"], 0)
	r = e.Run("demo fault clear")
	assert.Equal(t, 0, r.Code)
	assert.Contains(t, r.Out, "status")
	on, err = e.World.Faults()
	require.NoError(t, err)
	assert.Empty(t, on)
	assert.Equal(t, "no fault was on\n", e.Run("demo fault clear").Err)
}

func TestFaultRefusals(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"add":                            "takes one argument",
		"add bang":                       `"bang" is not one of reset-before, reset-after`,
		"add htlm":                       "hint: html",
		"add html --service pager":       `--service: "pager" is not one of victorops`,
		"add html --status 500":          "--status is for the kinds status and status-after, not for html",
		"add status --delay 1s":          "--delay is for the kinds slow, not for status",
		"add slow --retry-after 1s":      "--retry-after is for the kinds status",
		"add html --location http://x/":  "--location is for the kinds redirect",
		"add status --status 302":        "--status: 302 is not from 400 to 599",
		"add html --times=-1":            "--times: -1",
		"add slow --delay soon":          `--delay: "soon"`,
		"add status --retry-after later": `--retry-after: "later"`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := e.Run("demo fault " + line)
			assert.Equal(t, 2, r.Code, r.Out)
			assert.Contains(t, r.Err, want)
			on, err := e.World.Faults()
			require.NoError(t, err)
			assert.Empty(t, on)
		})
	}
}

// serve runs `oncall demo serve` until stop is called, and returns what it
// printed first.
func serve(t *testing.T, e *clitest.Env, flags string) (lines []string, stop func() int) {
	t.Helper()
	out, w := io.Pipe()
	errs, errw := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		code <- root.Run(ctx, e.Factory(w, errw), append([]string{"demo", "serve", "--listen", "127.0.0.1:0"}, strings.Fields(flags)...))
		_ = w.Close()
		_ = errw.Close()
	}()
	ready := make(chan struct{})
	go func() {
		s := bufio.NewScanner(errs)
		for s.Scan() {
			if strings.HasPrefix(s.Text(), "serving the demo world at http://127.0.0.1:") {
				close(ready)
			}
		}
	}()
	got := make(chan []string)
	go func() {
		all := []string{}
		for s := bufio.NewScanner(out); s.Scan(); {
			all = append(all, s.Text())
			if strings.Contains(s.Text(), "ONCALL_VICTOROPS_ORG") {
				got <- all
			}
		}
	}()
	lines = <-got
	<-ready
	return lines, func() int { cancel(); return <-code }
}

func TestServe(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	lines, stop := serve(t, e, "")
	other := clitest.New(t)
	delete(other.Vars, "ONCALL_CONTEXT")
	for _, l := range lines {
		name, value, ok := strings.Cut(strings.TrimPrefix(l, "export "), "=")
		require.True(t, ok && strings.HasPrefix(l, "export "), l)
		other.Vars[name] = value
	}
	require.Contains(t, other.Vars, "ONCALL_VICTOROPS_API_KEY")
	r := other.Run("incident ack 4127")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Out, "incident/4127 acknowledged")
	r = e.Run(`incident list --jq '.items[] | select(.number == "4127") | .ackedBy'`)
	assert.Equal(t, "you\n", r.Out, "it is the world of the context demo")

	assert.Equal(t, 0, stop(), "Ctrl-C is how it ends")
	r = other.Run("incident list")
	assert.Equal(t, 7, r.Code, "nobody is there any more")
}

func TestServeThrowawayAsJSON(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	lines, stop := serve(t, e, "--throwaway --no-limits -o json")
	var v struct{ Name, Value string }
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &v))
	assert.Equal(t, "ONCALL_VICTOROPS_URL", v.Name)
	for range 5 { // more than the pager takes in a second
		req, err := http.NewRequestWithContext(t.Context(), "GET", v.Value+"/api-public/v1/incidents", nil)
		require.NoError(t, err)
		req.Header.Set("X-VO-Api-Id", simulator.VictorOpsAPIID)
		req.Header.Set("X-VO-Api-Key", simulator.VictorOpsAPIKey)
		res, err := (&http.Client{}).Do(req)
		require.NoError(t, err)
		assert.Equal(t, 200, res.StatusCode)
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	assert.Equal(t, 0, stop())
	log, err := e.World.Requests()
	require.NoError(t, err)
	assert.Empty(t, log, "the world of the context demo was left alone")
}

func TestServeRefusals(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	for flags, want := range map[string]struct {
		code int
		text string
	}{
		"--listen 4127":                        {2, `"4127" is not ADDRESS:PORT`},
		"--listen 0.0.0.0:0":                   {2, "would let others on the network in"},
		"--listen :0":                          {2, "would let others on the network in"},
		"--listen [::]:0":                      {2, "would let others on the network in"},
		"--listen example.test:0":              {2, "would let others on the network in"},
		"--listen " + taken.Addr().String():    {1, "listen on " + taken.Addr().String()},
		"--listen 127.0.0.1:0 --context mine":  {2, "works in the built-in world"},
		"--listen 127.0.0.1:0 extra":           {2, "takes no argument"},
		"--listen 127.0.0.1:0 --jq '.items[' ": {2, "--jq"},
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			r := clitest.New(t).Run("demo serve " + flags)
			assert.Equal(t, want.code, r.Code, r.Err)
			assert.Contains(t, r.Err, want.text)
			assert.Empty(t, r.Out)
		})
	}
}
