package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

// asked counts requests of a kind since the last call.
func asked(t *testing.T, e *clitest.Env, method, part string) int {
	t.Helper()
	all, err := e.World.Requests()
	require.NoError(t, err)
	n := 0
	for _, r := range all {
		if r.Service == "jenkins" && r.Method == method && strings.Contains(r.Path+"?"+r.Query, part) {
			n++
		}
	}
	return n
}

func starts(t *testing.T, e *clitest.Env) int {
	return asked(t, e, http.MethodPost, "buildWithParameters")
}

func TestList(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("e2e list --limit 3")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `NUMBER  RESULT   AGE  TOOK  PARAMETERS             FAILING STEP
9123    FAILURE  41m  47m   qemux86-64 · os 6.4.1  Checking if kernel module loading works +2
9122    ABORTED  1h   47m   qemux86-64 · os 6.4.1  Checking kernel log for errors (the agent was lost)
9121    SUCCESS  2h   47m   qemux86-64 · os 6.4.1  -
`, r.Out)

	type item struct {
		Number     int
		State, URL string
		Parameters map[string]string
		Failing    *struct {
			Step, Suite, Runner, Kind string
			Line, More                int
		}
	}
	l := clitest.JSON[struct {
		Kind  string
		Items []item
	}](t, e.Run("e2e list --limit 1 -o json"))
	assert.Equal(t, "BuildList", l.Kind)
	require.Len(t, l.Items, 1)
	got := l.Items[0]
	assert.Equal(t, 41877, got.Failing.Line)
	assert.Equal(t, "Robot Framework", got.Failing.Runner)
	assert.Equal(t, "failure", got.State)
	assert.Equal(t, "qemux86-64", got.Parameters["DEVICE"])
	assert.Equal(t, "http://demo.invalid/jenkins/job/balena-e2e-ephemeral/9123/", got.URL)
	assert.Equal(t, "build/9123\n", e.Run("e2e list --limit 1 -o name").Out)
}

// A list is one request, plus ten consoles when nothing is known yet, then none.
func TestListIsCheap(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("e2e list --limit 50 --no-why")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 1, asked(t, e, http.MethodGet, ""))
	assert.Equal(t, 41, strings.Count(r.Out, "\n"))
	r = e.Run("e2e list --limit 50")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 10, asked(t, e, http.MethodGet, "consoleText"), "all of the ten that ended badly")
	before := asked(t, e, http.MethodGet, "")
	e.Run("e2e list --limit 50")
	assert.Equal(t, before+1, asked(t, e, http.MethodGet, ""), "the rest is remembered")
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	numbers := func(line string) string {
		r := e.Run(line + " --no-why --jq '.items[].number'")
		require.Equal(t, 0, r.Code, r.Err)
		return strings.Join(strings.Fields(r.Out), " ")
	}
	assert.Equal(t, "9122", numbers("e2e list --result aborted"))
	assert.Equal(t, "9114 9096", numbers("e2e list --limit 50 --result unstable"))
	assert.Equal(t, "9123 9122", numbers("e2e list --since 3h --result failure,aborted"))
	assert.Equal(t, "9123", numbers("e2e list --param DEVICE=qemux86-64 --limit 1"))
	assert.Empty(t, numbers("e2e list --param DEVICE=raspberrypi4-64"))
	assert.Equal(t, "9123 9117 9110", numbers("e2e list --limit 3 --result failure"), "the limit is of what is shown")
	assert.Len(t, strings.Fields(numbers("e2e list --since 2d")), 40, "a time is not cut at twenty builds")
	cut := e.Run("e2e list --since 2d --limit 2 --no-why --jq '[(.items|length),.meta.truncated]|@csv'")
	assert.Equal(t, "2,true\n", cut.Out, cut.Err)
	assert.Equal(t, "no build of balena-e2e-ephemeral was queued since 03:08:30 UTC\n", e.Run("e2e list --since 10m").Err)
	assert.Equal(t, "team/nightly was never built\n", e.Run("e2e list --job team/nightly --result failure").Err)
}

func TestGetByEveryName(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for line, want := range map[string]string{
		"e2e get":             "9123",
		"e2e get 9100":        "9100",
		"e2e get '#9100'":     "9100",
		"e2e get last":        "9123",
		"e2e get last-failed": "9123",
		"e2e get last-green":  "9121",
		"e2e get http://jenkins.internal:8080/view/x/job/balena-e2e-ephemeral/9090/console": "9090",
		"e2e get https://demo.invalid/jenkins/job/balena-e2e-ephemeral/lastStableBuild/":    "9121",
		"e2e get https://demo.invalid/jenkins/job/Deploy-Component-To-Production/":          "881",
		"e2e get --incident 4126":                              "9123",
		"e2e get --job Deploy-Component-To-Production 880":     "880",
		"e2e get --job http://x/job/balena-e2e-ephemeral last": "9123",
	} {
		r := e.Run(line + " --jq .item.number")
		assert.Equal(t, 0, r.Code, "%s: %s", line, r.Err)
		assert.Equal(t, want+"\n", r.Out, line)
	}
	r := e.Run("e2e get")
	assert.Contains(t, r.Out, "balena-e2e-ephemeral #9123   FAILURE 41m ago, after 47m\n")
	assert.Contains(t, r.Out, "next     oncall e2e why 9123 · oncall e2e retry 9123\n")
	assert.Contains(t, e.Run("e2e get --incident 4126").Err, "the link is to jenkins.internal:8080; demo.invalid is asked instead")
}

func TestWhy(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("e2e why")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `#9123 FAILURE 41m ago, after 47m   qemux86-64 · os 6.4.1
first failure  E2E.Kernel › Checking if kernel module loading works
               line 41,877 of 60,212 · Robot Framework · stage autohat qemux86-64
               | modprobe: FATAL: Module overlay not found in directory /lib/modules/6.6.87: 1 != 0
then           2 more in the same suite:
               Loading an out-of-tree module (line 43,898)
               Checking that modules survive an update (line 45,920)
history        failed 7 of the last 40, 6 of those passed on retry · last green #9121
next           oncall e2e retry 9123 · oncall e2e logs 9123 --since-line 41857
`, r.Out)
	consoles := asked(t, e, http.MethodGet, "consoleText")
	again := e.Run("e2e why 9123")
	assert.Equal(t, r.Out, again.Out)
	assert.Equal(t, consoles, asked(t, e, http.MethodGet, "consoleText"), "a finished console is read once")

	wide := e.Run("--context demo e2e why 9123 -C 30")
	assert.Contains(t, wide.Out, "|   41875  + modprobe overlay\n")
	before, _, _ := strings.Cut(wide.Out, "|   41877  >>> the verdict on")
	assert.Equal(t, 30, strings.Count(before, "|   418"), "thirty lines in front of the verdict")

	aborted := e.Run("e2e why 9122")
	assert.Contains(t, aborted.Out, "was running  E2E.Kernel › Checking kernel log for errors")
	assert.Contains(t, aborted.Out, "looks like infrastructure (the agent was lost): a retry may help")
	assert.Contains(t, e.Run("e2e why last-green").Out, "verdict  nothing failed")
	assert.Equal(t, "\"infrastructure\"\n", e.Run("e2e why 9096 --jq '.item.kind|tojson'").Out)
}

func TestWhyNothingRecognised(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: "NOT_BUILT", NoTests: true, NoStages: true}))
	start(t, e)
	r := e.Run("e2e why 9124")
	assert.Equal(t, 9, r.Code)
	assert.Contains(t, r.Out, "no failing step was recognised in")
	assert.Contains(t, r.Out, "| [Pipeline] End of Pipeline")
	assert.Equal(t, 9, e.Run("e2e logs 9124 --failures").Code)
}

// start makes build 9124, which is over afterwards.
func start(t *testing.T, e *clitest.Env) {
	t.Helper()
	r := e.Run("e2e retry 9123 --no-wait")
	require.Equal(t, 0, r.Code, r.Err)
	require.Equal(t, "build/9124 started                          (oncall e2e logs 9124 -f)\n", r.Out)
	e.Advance(time.Minute)
}

func TestLogs(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	whole := e.Run("e2e logs 9123")
	require.Equal(t, 0, whole.Code, whole.Err)
	lines := strings.SplitAfter(whole.Out, "\n")
	assert.Len(t, lines, 60_213)
	for line, want := range map[string]string{
		"e2e logs 9123 --tail 2":                                     "ERROR: script returned exit code 3\nFinished: FAILURE\n",
		"e2e logs 9123 --since-line 60212":                           "Finished: FAILURE\n",
		"e2e logs 9123 --grep '^Finished|exit code'":                 "ERROR: script returned exit code 3\nFinished: FAILURE\n",
		"e2e logs 9123 --stage Checkout --grep Clon":                 "Cloning the remote Git repository\n",
		"e2e logs 9123 --stage checkout --grep 'docker'":             "",
		"e2e logs 9123 --since-line 41876 --grep '^. FAIL'":          "| FAIL |\n| FAIL |\n| FAIL |\n",
		"e2e logs 9123 --tail 1 --timestamps":                        lastStamped(e),
		"e2e logs 9123 --tail 1 -o jsonl":                            `{"text":"Finished: FAILURE"}` + "\n",
		"e2e logs 9123 --since-line 60212 -o jsonl":                  `{"line":60212,"text":"Finished: FAILURE"}` + "\n",
		"e2e logs 9123 --grep 'docker build' -o jsonl":               `{"line":16,"stage":"Build the runner","text":"+ docker build -t autohat ."}` + "\n",
		"e2e logs 9123 --since-line 60212 --jq '.text'":              "Finished: FAILURE\n",
		"e2e logs 9123 --grep autohat:latest --template '{{.line}}'": "1205\n",
	} {
		r := e.Run(line)
		assert.Equal(t, 0, r.Code, "%s: %s", line, r.Err)
		assert.Equal(t, want, r.Out, line)
	}
	assert.Equal(t, 1, asked(t, e, http.MethodGet, "/timestamps"), "one request")
	staged := e.Run("e2e logs 9123 --timestamps --stage Cleanup --since-line 58066 --grep cleanup.sh").Out
	assert.Regexp(t, `^\d\d:\d\d:\d\d  \+ \./cleanup\.sh\n$`, staged)
	for line, note := range map[string]string{
		"e2e logs 9123 --grep nothing-like-it":          "no line of #9123 that was looked at matches nothing-like-it\n",
		"e2e logs 9123 --tail 3 --grep Started":         "no line of #9123 that was looked at matches Started\n",
		"e2e logs 9123 --since-line 70000":              "the console of #9123 has 60,212 lines\n",
		"e2e logs 9123 --since-line 70000 -o jsonl":     "the console of #9123 has 60,212 lines\n",
		"e2e logs 9123 --since-line 60212 --grep Finis": "",
	} {
		r := e.Run(line)
		assert.Equal(t, 0, r.Code, line)
		assert.Equal(t, note, r.Err, line)
	}
	f := e.Run("e2e logs 9123 --failures")
	assert.Contains(t, f.Out, "|   41876  modprobe: FATAL: Module overlay not found")
	assert.Equal(t, 3, strings.Count(f.Out, ">>> the verdict on"))
}

func lastStamped(e *clitest.Env) string {
	return e.Now().Add(-simulator.E2EFailedBefore-time.Second).UTC().Format("15:04:05") + "  Finished: FAILURE\n"
}

// Following ends with the last line, and with the exit code of the result.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	for result, code := range map[string]int{"SUCCESS": 0, "UNSTABLE": 10, "FAILURE": 11, "ABORTED": 12, "NOT_BUILT": 13, "WEIRD": 1, "null": 1} {
		for _, version := range []string{"2.504.3", "2.516.3", "2.579", "none"} {
			t.Run(result+" "+version, func(t *testing.T) {
				t.Parallel()
				e := clitest.New(t)
				require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: result, Version: version, BuildTime: 20 * time.Second, LineCap: 25}))
				require.Equal(t, 0, e.Run("e2e retry 9123 --no-wait").Code)
				r := e.Run("e2e logs -f")
				assert.Equal(t, code, r.Code, r.Err)
				whole := e.Run("e2e logs 9124").Out
				assert.Equal(t, whole, r.Out)
				assert.Contains(t, r.Err, "#9124 ")
				assert.Equal(t, 0, e.Run("e2e logs 9124 -f --tail 1 --result-code=false").Code)
			})
		}
	}
}

// A log that begins anew is counted anew: its lines are those that --since-line
// and the stages mean.
func TestLogsFollowRestart(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	q := simulator.JenkinsQuirks{BuildTime: 30 * time.Second}
	require.NoError(t, e.World.SetJenkins(q))
	require.Equal(t, 0, e.Run("e2e retry 9123 --no-wait").Code)
	waits := 0
	e.OnSleep = func() {
		if waits++; waits == 8 {
			q.LogsRestart = true
			assert.NoError(t, e.World.SetJenkins(q))
		}
	}
	r := e.Run("e2e logs -f -o jsonl --jq '[.line,.text]|@csv'")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "the log began anew; it follows from its first line")
	at := strings.LastIndex(r.Out, "\n1,")
	require.Positive(t, at, r.Out)
	assert.Equal(t, e.Run("e2e logs 9124 -o jsonl --jq '[.line,.text]|@csv'").Out, r.Out[at+1:])
}

func TestLogsFollowTailAndFaults(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: 90 * time.Second, Windows: true}))
	require.Equal(t, 0, e.Run("e2e retry 9123 --no-wait").Code)
	e.Advance(40 * time.Second)
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", PathGlob: "*progressiveText", Kind: simulator.FaultCut, Times: 3}))
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", PathGlob: "*progressiveText", Kind: simulator.FaultStatus, Status: 503, Times: 6}))
	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", PathGlob: "*progressiveText", Kind: simulator.FaultResetBefore, Times: 2}))
	r := e.Run("e2e logs -f --tail 3")
	require.Equal(t, 0, r.Code, r.Err)
	whole := strings.SplitAfter(e.Run("e2e logs 9124").Out, "\n")
	at := len(whole) - strings.Count(r.Out, "\n") - 1
	assert.Equal(t, strings.Join(whole[at:], ""), r.Out, "nothing lost, nothing twice")
	assert.Contains(t, r.Err, "Jenkins does not answer; waiting for it")
	assert.Contains(t, r.Err, "Jenkins answers again; going on where the log was left")

	require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", Kind: simulator.FaultHTML, PathGlob: "*progressiveText"}))
	login := e.Run("e2e logs 9124 -f")
	assert.Equal(t, 3, login.Code)
	assert.Empty(t, login.Out)
	assert.Contains(t, login.Err, "not signed in")
}

// A console is somebody else's text: what could harm a terminal is made visible,
// colours pass to a terminal alone, and --raw gives the bytes.
func TestHostileConsole(t *testing.T) {
	t.Parallel()
	const evil = "\x1b]0;pwned\x07\x1b[31mred\x1b[0m\r\n10%\r100%\n\x9b2J a\u202eb\x00\n| FAIL |\n"
	long := strings.Repeat("x", 50<<20)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/consoleText"):
			_, _ = io.WriteString(w, evil)
			if strings.Contains(r.URL.Path, "/2/") {
				_, _ = io.WriteString(w, long+" FATAL\nnot ok 1 - after it\n")
			}
		case strings.HasSuffix(r.URL.Path, "/api/json") && !strings.Contains(r.URL.Path, "testReport") && !strings.Contains(r.URL.Path, "robot"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"number":2,"building":false,"inProgress":false,"result":"FAILURE","timestamp":1,"duration":1}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	e := clitest.New(t)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_JENKINS_URL"], e.Vars["ONCALL_JENKINS_E2E_JOB"] = srv.URL+"/ci", "e2e"
	e.Vars["ONCALL_JENKINS_USER"], e.Vars["ONCALL_JENKINS_TOKEN"] = "you", "token-123"

	r := e.Run("e2e logs 1")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "\\x1b]0;pwned\\x07red\n10%\\r100%\n\\x9b2J a\\u202eb\\x00\n| FAIL |\n", r.Out)
	assert.Equal(t, evil, e.Run("e2e logs 1 --raw").Out)
	lines := strings.Split(strings.TrimSpace(e.Run("e2e logs 1 -o jsonl").Out), "\n")
	require.Len(t, lines, 4)
	for _, l := range lines {
		assert.NotContains(t, l, "\x1b")
	}

	r = e.Run("e2e logs 2")
	require.Equal(t, 0, r.Code, r.Err)
	assert.True(t, strings.HasSuffix(r.Out, "xxx FATAL\nnot ok 1 - after it\n"), "a line of 50 MB passes")
	assert.Greater(t, len(r.Out), 50<<20)
	r = e.Run("e2e logs 2 --grep '^xxx'")
	assert.Regexp(t, `^x+ \[51380230 bytes of this line left out\]\n$`, r.Out)
	r = e.Run("e2e why 2 --history 0 --jq '.item.first|[.name,.line]|@csv'")
	assert.Equal(t, "\"after it\",6\n", r.Out, r.Err)
	e.Terminal = true
	assert.Contains(t, e.Run("e2e logs 1").Out, "\x1b[31mred\x1b[0m", "colours pass to a terminal")
}

func TestStages(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("e2e stages 9123")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `STAGE               VERDICT  BEGAN         TOOK  ERROR
Checkout            success  01:50:30 UTC  28s   -
Build the runner    success  01:50:58 UTC  1m    -
autohat qemux86-64  failed   01:52:51 UTC  44m   script returned exit code 3
Cleanup             success  02:37:01 UTC  28s   -
`, r.Out)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{NoStages: true}))
	r = e.Run("e2e stages 9123 --jq '.items[] | .name + \" \" + .state + \" \" + (.line|tostring)'")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "Checkout unknown 7\nBuild the runner unknown 14\nautohat qemux86-64 failed 1209\nCleanup unknown 58064\n", r.Out)
	assert.Contains(t, r.Err, "has no stage view")
}

func TestFlakes(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("e2e flakes")
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, `STEP                                                  FAILS  PASSES  RECOVERED  LAST SEEN       TREND
E2E.Kernel › Checking if kernel module loading works  7      32      6          #9123, 1h ago   steady
E2E.Kernel › Checking that modules survive an update  7      32      6          #9123, 1h ago   steady
E2E.Kernel › Loading an out-of-tree module            7      32      6          #9123, 1h ago   steady
E2E.Network › Pulling a release from the registry     2      37      2          #9114, 10h ago  steady
`, r.Out)
	assert.Equal(t, "3\n", e.Run("e2e flakes --since 5h --jq '.items|length'").Out)
	assert.Equal(t, "5\n", e.Run("e2e flakes --builds 5 --jq '.items[0].looked'").Out)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	opened := ""
	e.OpenURL = func(u string) error { opened = u; return nil }
	assert.Equal(t, "http://demo.invalid/jenkins/job/balena-e2e-ephemeral/9121/\n", e.Run("e2e open last-green").Out)
	assert.Empty(t, opened)
	e.Run("e2e open 9100 --web")
	assert.Equal(t, "http://demo.invalid/jenkins/job/balena-e2e-ephemeral/9100/", opened)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: time.Minute, Result: "FAILURE"}))
	require.Equal(t, 0, e.Run("e2e retry 9123 --no-wait").Code)
	r := e.Run("e2e watch")
	assert.Equal(t, 11, r.Code, r.Err)
	assert.Contains(t, r.Err, "running #9124")
	assert.Contains(t, r.Out, "failed   Checking if kernel module loading works +2")

	late := e.Run("e2e watch --timeout 1m")
	assert.Equal(t, 124, late.Code, late.Err)
	assert.Contains(t, late.Err, "waiting for the next build")
	assert.Contains(t, late.Err, "hint: resume: oncall e2e watch")
}

// TestWatchOfAnOlderBuild: a job whose builds run side by side may have an older one
// that runs and a newer one that is over.
func TestWatchOfAnOlderBuild(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	const over = `{"number":12,"result":"FAILURE","timestamp":2}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.Path, "/11/") {
			_, _ = io.WriteString(w, `{"number":11,"result":"SUCCESS","timestamp":1}`)
			return
		}
		_, _ = io.WriteString(w, `{"builds":[`+over+`,{"number":11,"building":true,"timestamp":1}]}`)
	}))
	t.Cleanup(srv.Close)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_JENKINS_URL"], e.Vars["ONCALL_JENKINS_E2E_JOB"] = srv.URL, "e2e"
	r := e.Run("e2e watch --timeout 1m")
	require.Zero(t, r.Code, r.Err)
	assert.Contains(t, r.Out, "e2e #11")
}
