package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli/clitest"
	"github.com/balena-io/oncall/pkg/simulator"
)

// Every bad input has its message, its way on and its code, and starts nothing.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		code int
		err  string
	}{
		{"e2e get lst", 2, "\"lst\" is not a build: a number, last, last-failed, last-green, or a pasted Jenkins link\nhint: last\n"},
		{"e2e get 0", 2, `"0" is not a build`},
		{"e2e get https://example.test/elsewhere", 2, `"https://example.test/elsewhere" is not a link to a Jenkins job or build`},
		{"e2e get https://h/queue/item/5/", 2, "is a queue item, not a build"},
		{"e2e get 9123 --incident 4126", 2, "only one of them can be given"},
		{"e2e get --incident 41x", 2, `"41x" is not an incident number`},
		{"e2e get --incident 4127", 4, "incident 4127: no link to a Jenkins build is in it\nhint: oncall e2e list shows the builds around"},
		{"e2e get 5", 4, "jenkins: build balena-e2e-ephemeral #5: the build is gone: Jenkins no longer keeps it (404)\nhint: kept are #9084 to #9123\n"},
		{"e2e logs 5", 4, "the build is gone: Jenkins no longer keeps it (404)\nhint: kept are #9084 to #9123\n"},
		{"e2e logs 5 -f", 4, "the build is gone"},
		{"e2e why 99999", 4, "no such build yet (404)\nhint: the newest is #9123\n"},
		{"e2e list --job team", 2, "jenkins: job team: this is a folder, not a job\nhint: name a job in it: team/nightly\n"},
		{"e2e get --job team", 2, "this is a folder, not a job"},
		{"e2e logs 7 --job team", 2, "this is a folder, not a job"},
		{"e2e list --job nosuch", 4, "no such job, or no right to see it (404)\nhint: jobs are named FOLDER/JOB below http://demo.invalid/jenkins"},
		{"e2e list --job a//b", 2, `the job name "a//b" is not FOLDER/JOB`},
		{"e2e list --result faliure", 2, "hint: --result failure"},
		{"e2e list --param DEVICE", 2, `--param: "DEVICE" is not NAME=VALUE`},
		{"e2e list --param DEVISE=x", 2, "no build has the parameter \"DEVISE\"\nhint: --param DEVICE=x\n"},
		{"e2e list --limit 0", 2, "--limit: 1 to 1000, not 0"},
		{"e2e list --since soon", 2, "--since"},
		{"e2e logs --grep '('", 2, "--grep: missing closing )"},
		{"e2e logs --tail -1", 2, "--tail: a number of lines, not -1"},
		{"e2e logs --tail 5 --stage x", 2, "--tail does not go with --since-line or --stage"},
		{"e2e logs --failures -f", 2, "--failures shows passages"},
		{"e2e logs 9123 --stage nosuch", 4, "jenkins: stage nosuch: the console names no such stage\nhint: it names Checkout, Build the runner, autohat qemux86-64, Cleanup\n"},
		{"e2e why --around 100", 2, "--around: 0 to 60 lines, not 100"},
		{"e2e flakes --builds 0", 2, "--builds: 1 to 1000, not 0"},
		{"e2e watch --every 1s", 2, "--every: 2s at least, not 1s"},
		{"e2e retry 9123 --param VERSON=1", 2, "jenkins: start balena-e2e-ephemeral: the job has no parameter \"VERSON\"; Jenkins would ignore it and use the defaults\nhint: it takes: DEVICE, OS_VERSION, DEBUG\n"},
		{"e2e retry 9123 --param DEVISE=1", 2, "hint: did you mean DEVICE? it takes: DEVICE, OS_VERSION, DEBUG\n"},
		{"e2e retry 9123 --param DEVICE=qemux86", 2, "jenkins: start balena-e2e-ephemeral: DEVICE=qemux86 is not offered\nhint: did you mean DEVICE=qemux86-64? offered: qemux86-64, raspberrypi4-64, genericx86-64-ext\n"},
		{"e2e retry 9123 --param DEBUG=yes", 2, `DEBUG is true or false, not "yes"`},
		{"e2e retry --times 3", 2, "--times 3 needs --until-green, which says when to stop"},
		{"e2e retry --until-green", 2, "--until-green needs a bound\nhint: --times 3 --until-green\n"},
		{"e2e retry --times 99 --until-green", 2, "--times: 1 to 10, not 99"},
		{"e2e get --job team/nigthly", 4, "no such job, or no right to see it (404)\nhint: did you mean team/nightly?\n"},
		{"e2e list --job tem/nightly", 4, "hint: did you mean team/nightly?\n"},
		{"e2e why --job team/nightly", 4, "jenkins: team/nightly: it was never built\n"},
		{"e2e why --job Deploy-Component-To-Production", 4, "ended badly\nhint: oncall e2e list --job Deploy-Component-To-Production\n"},
		{"e2e retry last --job team/nightly", 4, "there is none"},
		{"e2e rety", 2, `"rety" is not a command of oncall e2e`},
	} {
		t.Run(c.line, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			r := e.Run(c.line)
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Empty(t, r.Out)
			assert.Contains(t, r.Err, c.err)
			assert.Zero(t, starts(t, e))
		})
	}
}

// Faults of the way and of the controller, for a read each.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault simulator.Fault
		code  int
		err   string
	}{
		{simulator.Fault{Kind: simulator.FaultHTML}, 3, "not signed in"},
		{simulator.Fault{Kind: simulator.FaultStatus, Status: 401}, 3, "the user or the API token is wrong"},
		{simulator.Fault{Kind: simulator.FaultStatus, Status: 403}, 3, "jenkins"},
		{simulator.Fault{Kind: simulator.FaultStatus, Status: 429, RetryAfter: 10 * time.Minute}, 7, "10m"},
		{simulator.Fault{Kind: simulator.FaultStatus, Status: 500}, 7, "Jenkins failed on the request"},
		{simulator.Fault{Kind: simulator.FaultStatus, Status: 503}, 7, "jenkins"},
		{simulator.Fault{Kind: simulator.FaultResetBefore}, 7, "jenkins"},
		{simulator.Fault{Kind: simulator.FaultCut}, 7, "jenkins"},
		{simulator.Fault{Kind: simulator.FaultRedirect, Location: "https://elsewhere.invalid/"}, 7, "which is not followed"},
	} {
		for _, line := range []string{"e2e list", "e2e why 9123", "e2e logs 9123", "e2e retry 9123", "e2e stages 9123", "e2e flakes"} {
			t.Run(c.fault.Kind+" "+line, func(t *testing.T) {
				t.Parallel()
				e := clitest.New(t)
				fault := c.fault
				fault.Service = "jenkins"
				require.NoError(t, e.World.AddFault(fault))
				r := e.Run(line)
				assert.Equal(t, c.code, r.Code, r.Err)
				assert.Contains(t, r.Err, c.err)
				assert.NotContains(t, r.Out+r.Err, simulator.JenkinsToken)
				assert.Zero(t, starts(t, e))
				if c.fault.Kind != simulator.FaultCut { // a cut console was printed as far as it came
					assert.Empty(t, r.Out)
				}
			})
		}
	}
}

func TestRestartPage(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Restarting: true}))
	r := e.Run("e2e list")
	assert.Equal(t, 7, r.Code)
	assert.Contains(t, r.Err, "Jenkins is starting or restarting")
}

func TestRetryPasses(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run(`e2e retry --incident 4126 --reason flaky`)
	require.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, "build/9124 SUCCESS                          (after 4s)\n", r.Out)
	assert.Contains(t, r.Err, "plan   balena-e2e-ephemeral again, as #9123: DEVICE=qemux86-64 OS_VERSION=6.4.1 DEBUG=false\n")
	assert.Equal(t, 1, starts(t, e))
	assert.Contains(t, e.Run("e2e get last --jq '.item|[.startedBy,.state,.parameters.DEVICE]|@csv'").Out, `"you","success","qemux86-64"`)
	type change struct {
		Items []struct {
			Name, State string
			Item        struct {
				Number int
				Result string
			}
		}
	}
	got := clitest.JSON[change](t, e.Run("e2e retry 9123 -o json"))
	require.Len(t, got.Items, 1)
	assert.Equal(t, "build/9125", got.Items[0].Name)
	assert.Equal(t, "done", got.Items[0].State)
	assert.Equal(t, "SUCCESS", got.Items[0].Item.Result)
	assert.Equal(t, 9125, got.Items[0].Item.Number)
}

// The result is the exit code; why it failed is said in a line.
func TestRetryByResult(t *testing.T) {
	t.Parallel()
	for result, code := range map[string]int{"UNSTABLE": 10, "FAILURE": 11, "ABORTED": 12, "NOT_BUILT": 13, "null": 1, "WEIRD": 1} {
		t.Run(result, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: result}))
			r := e.Run("e2e retry 9123")
			assert.Equal(t, code, r.Code, r.Err)
			assert.Contains(t, r.Out, "build/9124 ")
			assert.Contains(t, r.Err, "hint: oncall e2e why 9124")
			assert.Equal(t, 1, starts(t, e))
		})
	}
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: "FAILURE"}))
	assert.Contains(t, e.Run("e2e retry 9123").Err, "first failure  Checking if kernel module loading works +2\n")
}

func TestRetryUntilGreen(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: "UNSTABLE"}))
	r := e.Run("e2e retry 9123 --times 3 --until-green")
	assert.Equal(t, 10, r.Code, r.Err)
	assert.Equal(t, 3, starts(t, e), "the bound holds")
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{}))
	r = e.Run("e2e retry 9123 --times 3 --until-green")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Equal(t, 4, starts(t, e), "one was enough")
}

// What somebody stopped is not started again behind their back.
func TestRetryUntilGreenEndsWithAnAbort(t *testing.T) {
	t.Parallel()
	for result, code := range map[string]int{"ABORTED": 12, "NOT_BUILT": 13, "WEIRD": 1} {
		e := clitest.New(t)
		require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{Result: result}))
		assert.Equal(t, code, e.Run("e2e retry 9123 --times 3 --until-green").Code, result)
		assert.Equal(t, 1, starts(t, e), result)
	}
}

// A retry is no way around what a deployment asks, and another job than the
// context's is asked about.
func TestRetryOfOtherJobs(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	for _, line := range []string{"e2e retry --job Deploy-Component-To-Production 881", "e2e retry --yes --force http://x/job/Deploy-Component-To-Production/881/"} {
		r := e.Run(line)
		assert.Equal(t, 8, r.Code, r.Err)
		assert.Contains(t, r.Err, "jenkins: retry Deploy-Component-To-Production: this job deploys, which is not started here\nhint: oncall deploy run")
	}
	e.Serve()
	e.Vars["ONCALL_JENKINS_E2E_JOB"] = "team/nightly"
	r := e.Run("e2e retry 9123 --job balena-e2e-ephemeral")
	assert.Equal(t, 5, r.Code, r.Err)
	assert.Contains(t, r.Err, "plan   balena-e2e-ephemeral again, as #9123")
	assert.Zero(t, starts(t, e))
	assert.Equal(t, 0, e.Run("e2e retry 9123 --job balena-e2e-ephemeral --no-wait --yes").Code)
	assert.Equal(t, 1, starts(t, e))
}

// A password that is given for a retry is shown nowhere.
func TestRetryHidesPasswords(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	answers := map[string]string{
		"/job/e2e/api/json": `{"_class":"x","name":"e2e","buildable":true,"builds":[],"property":[{"parameterDefinitions":[
			{"name":"KEY","type":"PasswordParameterDefinition"},{"name":"DEVICE","type":"StringParameterDefinition"}]}]}`,
		"/job/e2e/7/api/json": `{"number":7,"building":false,"result":"FAILURE","timestamp":1,"duration":1,
			"actions":[{"parameters":[{"name":"KEY"},{"name":"DEVICE","value":"qemu"}]}]}`,
		"/queue/api/json": `{"items":[]}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !assert.Equal(t, http.MethodGet, r.Method) || answers[r.URL.Path] == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answers[r.URL.Path])
	}))
	t.Cleanup(srv.Close)
	delete(e.Vars, "ONCALL_CONTEXT")
	e.Vars["ONCALL_JENKINS_URL"], e.Vars["ONCALL_JENKINS_E2E_JOB"] = srv.URL, "e2e"
	r := e.Run("e2e retry 7 --dry-run -vv")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "Jenkins does not hand out the value of KEY")
	r = e.Run("e2e retry 7 --param KEY=hunter-2-hunter --dry-run -vv")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "KEY=(secret) DEVICE=qemu")
	assert.Contains(t, r.Err, "would send  POST")
	assert.NotContains(t, r.Out+r.Err, "hunter-2")
}

func TestRetryRefusesAnEqualRun(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{QueueHolds: true}))
	queued, cancel := context.WithCancel(t.Context())
	e.OnSleep = cancel
	e.RunContext(queued, "e2e retry 9123") // left in the queue
	e.OnSleep = nil
	r := e.Run("e2e retry 9123")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "jenkins: retry #9123: an equal run is there already: queue item ")
	assert.Contains(t, r.Err, "hint: oncall e2e watch follows it; --force starts one more")
	assert.Equal(t, 1, e.World.CancelJenkinsQueue(), "no second one was queued")

	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: 2 * time.Minute}))
	require.Equal(t, 0, e.Run("e2e retry 9123 --no-wait").Code)
	e.Advance(time.Minute)
	r = e.Run("e2e retry 9123")
	assert.Equal(t, 8, r.Code)
	assert.Contains(t, r.Err, "an equal run is there already: #9124 running for ")
	assert.Equal(t, 0, e.Run("e2e retry 9123 --param OS_VERSION=6.5.0 --force --no-wait").Code, "other parameters are another run")
}

// A start is sent once: what became of one whose answer was lost is looked up.
func TestRetryLostAnswers(t *testing.T) {
	t.Parallel()
	for kind, code := range map[string]int{simulator.FaultResetAfter: 0, simulator.FaultStatusAfter: 0, simulator.FaultResetBefore: 15} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.AddFault(simulator.Fault{Service: "jenkins", Method: http.MethodPost, Kind: kind, Status: 502, Times: 1}))
			r := e.Run("e2e retry 9123")
			assert.Equal(t, code, r.Code, r.Err)
			assert.Equal(t, 1, starts(t, e), "never sent twice")
			assert.Contains(t, r.Err, "the answer was lost; looking for the build")
			if code == 0 {
				assert.Contains(t, r.Out, "build/9124 SUCCESS")
				return
			}
			assert.Empty(t, r.Out)
			assert.Contains(t, r.Err, "cannot tell whether the build was started")
			assert.Contains(t, r.Err, "hint: it is not in the queue and not among the newest builds yet; look again: oncall e2e list --no-why")
		})
	}
}

// Every refusal of a start is told apart from the others.
func TestRetryRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		quirks simulator.JenkinsQuirks
		code   int
		err    string
	}{
		"302 decision handler": {simulator.JenkinsQuirks{RefuseStarts: true}, 8, "refused by a rule of the queue"},
		"403 permission":       {simulator.JenkinsQuirks{DenyBuild: true}, 3, "needs the permission hudson.model.Item.Build; signed in as you"},
		"500":                  {simulator.JenkinsQuirks{FailStarts: true}, 15, "cannot tell whether the build was started"},
		"item vanishes":        {simulator.JenkinsQuirks{QueueForgets: true, QueueHolds: true}, 15, "lost track: Jenkins no longer knows the item"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.SetJenkins(c.quirks))
			r := e.Run("e2e retry 9123")
			assert.Equal(t, c.code, r.Code, r.Err)
			assert.Contains(t, r.Err, c.err)
			assert.Empty(t, r.Out)
			assert.Equal(t, 1, starts(t, e))
		})
	}
	for name, quirks := range map[string]simulator.JenkinsQuirks{
		"crumb asked for":  {CrumbAlways: true},
		"proxied Location": {ProxiedLocation: true},
		"item gone":        {QueueForgets: true}, // but the build tells which item it came of
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := clitest.New(t)
			require.NoError(t, e.World.SetJenkins(quirks))
			r := e.Run("e2e retry 9123")
			assert.Equal(t, 0, r.Code, r.Err)
			assert.Contains(t, r.Out, "build/9124 SUCCESS")
		})
	}
}

func TestRetryDryRunAndReadOnly(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	r := e.Run("e2e retry 9123 --dry-run")
	assert.Equal(t, 0, r.Code, r.Err)
	assert.Contains(t, r.Err, "would send  POST http://demo.invalid/jenkins/job/balena-e2e-ephemeral/buildWithParameters\n")
	assert.Contains(t, r.Err, "DEBUG=false&DEVICE=qemux86-64&OS_VERSION=6.4.1")
	assert.NotContains(t, r.Err, "looking for the build")
	ro := e.Run("e2e retry 9123 --read-only")
	assert.Equal(t, 5, ro.Code, ro.Err)
	assert.Zero(t, starts(t, e))
}

func TestRetryCancelledInQueue(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{QueueHolds: true}))
	cancelled := 0
	e.OnSleep = func() { cancelled += e.World.CancelJenkinsQueue() } // as a person on Jenkins' page does
	r := e.Run("e2e retry 9123")
	assert.Equal(t, 14, r.Code, r.Err)
	assert.Equal(t, 1, cancelled)
	assert.Contains(t, r.Err, "the start was cancelled in the queue")
}

func TestWaitRunsOut(t *testing.T) {
	t.Parallel()
	e := clitest.New(t)
	require.NoError(t, e.World.SetJenkins(simulator.JenkinsQuirks{BuildTime: 10000 * time.Hour}))
	r := e.Run("e2e retry 9123 --timeout 1m")
	assert.Equal(t, 124, r.Code, r.Err)
	assert.Contains(t, r.Err, "still running when the time was up")
	assert.Contains(t, r.Err, "hint: resume: oncall e2e logs 9124 -f --tail 20")
	assert.Contains(t, r.Out, "build/9124 started")
	r = e.Run("e2e logs 9124 -f --timeout 30s")
	assert.Equal(t, 124, r.Code, r.Err)
	assert.Contains(t, r.Err, "hint: resume: oncall e2e logs 9124 -f --tail 20")
}
