package jenkins

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Target{
		"https://ci.example.test/jenkins/view/__hack__/job/balena-e2e-ephemeral/1234/console": {Job: JobName{"balena-e2e-ephemeral"}, Build: "1234", Host: "ci.example.test", Path: "/jenkins"},
		"http://h:8080/job/a/view/x/job/b/lastFailedBuild/display/redirect":                   {Job: JobName{"a", "b"}, Build: "lastFailedBuild", Host: "h:8080"},
		"https://h/job/repo/job/feature%2Fx/7/pipeline-graph/":                                {Job: JobName{"repo", "feature/x"}, Build: "7", Host: "h"},
		"https://h/job/a/configure":                                                           {Job: JobName{"a"}, Host: "h"},
		"https://h/view/job/job/job/5/":                                                       {Job: JobName{"job"}, Build: "5", Host: "h"},
		"https://h/blue/organizations/jenkins/team%2Fe2e/detail/e2e/12/pipeline":              {Job: JobName{"team", "e2e"}, Build: "12", Host: "h"},
		"https://h/blue/organizations/jenkins/repo/detail/main/3/pipeline":                    {Job: JobName{"repo", "main"}, Build: "3", Host: "h"},
		"https://h/ci/queue/item/88123/":                                                      {Queue: 88123, Host: "h", Path: "/ci"},
	} {
		got, err := ParseURL(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for _, in := range []string{"", "balena-e2e-ephemeral", "https://h/", "https://h/view/all", "ftp://h/job/a", "https://h/job", "https://h/job/%zz", "https://h/queue/item/x"} {
		_, err := ParseURL(in)
		assert.ErrorIs(t, err, apierr.ErrUsage, in)
	}
}

func TestJobName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]JobName{"a": {"a"}, "/a/b/": {"a", "b"}, "repo/feature%2Fx": {"repo", "feature/x"}, "a b/50%": {"a b", "50%"}} {
		got, err := ParseJobName(in)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		back, err := ParseJobName(got.String())
		require.NoError(t, err)
		assert.Equal(t, want, back)
	}
	assert.Equal(t, "/job/repo/job/feature%2Fx", JobName{"repo", "feature/x"}.path())
	for _, in := range []string{"", "/", "a//b", "a/../b", "."} {
		_, err := ParseJobName(in)
		assert.ErrorIs(t, err, apierr.ErrUsage, in)
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("https://ci.example.test/jenkins/view/x/job/a%2Fb/1234/console")
	f.Add("https://h/blue/organizations/jenkins/a%2Fb/detail/b/1/x")
	f.Fuzz(func(t *testing.T, s string) {
		target, err := ParseURL(s)
		if err != nil {
			return
		}
		if target.Queue == 0 && len(target.Job) == 0 {
			t.Fatalf("%q points at nothing", s)
		}
		if strings.ContainsAny(strings.ReplaceAll(target.Job.path(), "/job/", ""), "/?#") {
			t.Fatalf("%q makes the path %q", s, target.Job.path())
		}
	})
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	v, ok := ParseVersion("2.516.3")
	require.True(t, ok)
	assert.Equal(t, Version{2, 516, 3, "2.516.3"}, v)
	assert.True(t, v.AtLeast(2, 509))
	v, ok = ParseVersion("2.579-SNAPSHOT (private-08/21/2026)")
	require.True(t, ok)
	assert.True(t, v.hasMultipartLog())
	for _, bad := range []string{"", "x", "2", "2.x"} {
		_, ok := ParseVersion(bad)
		assert.False(t, ok, bad)
	}
	assert.False(t, Version{}.AtLeast(1, 0))
	assert.False(t, Version{}.sizeIsPosition())
}

// The job of the contract's section 3, field by field.
const jobJSON = `{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowJob","name":"Deploy","fullName":"team/Deploy","url":"http://jenkins.internal:8080/job/team/job/Deploy/",
 "buildable":true,"disabled":false,"inQueue":false,"nextBuildNumber":412,"concurrentBuild":false,"color":"blue","lastBuild":{"number":411,"building":false,"result":"SUCCESS"},"firstBuild":{"number":3},
 "property":[{"_class":"...BuildDiscarderProperty"},{"parameterDefinitions":[
  {"_class":"hudson.model.ChoiceParameterDefinition","name":"COMPONENT","type":"ChoiceParameterDefinition","description":"what","choices":["api","builder"],"defaultParameterValue":{"value":"api"}},
  {"name":"VERSION","type":"StringParameterDefinition","description":null,"defaultParameterValue":{"value":""}},
  {"name":"DRY_RUN","type":"BooleanParameterDefinition","description":"","defaultParameterValue":{"value":false}},
  {"name":"TOKEN","type":"PasswordParameterDefinition","defaultParameterValue":{"_class":"x"}},
  {"name":"BRANCH","type":"PT_BRANCH","allValueItems":{"values":[{"name":"main","value":"origin/main"}]}}]}]}`

func path(p, tree string) string {
	return p + "/api/json?" + httpx.Request{Query: map[string][]string{"tree": {tree}}}.Query.Encode()
}

func TestJob(t *testing.T) {
	t.Parallel()
	name := JobName{"team", "Deploy"}
	srv := httpxtest.New(t, httpxtest.Exchange{Path: path("/job/team/job/Deploy", jobTree), Reply: httpxtest.JSON(200, jobJSON).With("X-Jenkins", "2.516.3")})
	c := client(t, srv)
	j, err := c.Job(t.Context(), name)
	require.NoError(t, err)
	assert.Equal(t, []Definition{
		{Name: "COMPONENT", Type: "ChoiceParameterDefinition", Description: "what", Choices: []string{"api", "builder"}, Default: "api", HasDefault: true},
		{Name: "VERSION", Type: "StringParameterDefinition", Choices: []string{}, HasDefault: true},
		{Name: "DRY_RUN", Type: "BooleanParameterDefinition", Choices: []string{}, Default: "false", HasDefault: true},
		{Name: "TOKEN", Type: "PasswordParameterDefinition", Choices: []string{}},
		{Name: "BRANCH", Type: "PT_BRANCH", Choices: []string{}, Offered: []string{"origin/main"}},
	}, j.Parameters)
	assert.Equal(t, srv.URL+"/job/team/job/Deploy/", j.URL, "never the configured root")
	assert.Equal(t, 412, j.Next)
	assert.Equal(t, "2.516.3", c.Version().Text)

	folder := httpxtest.New(t, httpxtest.Exchange{Path: path("/job/team", jobTree), Reply: httpxtest.JSON(200, `{"_class":"com.cloudbees.hudson.plugins.folder.Folder","jobs":[{"name":"Deploy"},{"name":"feature/x"}]}`)})
	_, err = client(t, folder).Job(t.Context(), JobName{"team"})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.ErrorContains(t, err, "this is a folder, not a job")
	assert.Equal(t, "name a job in it: team/Deploy, team/feature%2Fx", apierr.HintOf(err))
}

const buildJSON = `{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowRun","number":7,"url":"http://jenkins.internal:8080/job/e2e/7/","displayName":"#7",
 "description":null,"building":false,"inProgress":false,"result":"UNSTABLE","timestamp":1790000000000,"duration":900000,"estimatedDuration":-1,"queueId":88123,"executor":null,
 "artifacts":[{"fileName":"output.xml","relativePath":"robot/output.xml"}],
 "actions":[{"causes":[{"shortDescription":"Started by user deployer","userId":"deployer"}]},{},
  {"parameters":[{"name":"DEVICE","value":"qemux86-64"},{"name":"DEBUG","value":false},{"name":"N","value":3},{"name":"TOKEN"}]},
  {"failCount":3,"skipCount":1,"totalCount":21,"urlName":"testReport"}]}`

func TestBuild(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: path("/job/e2e/7", buildTree), Reply: httpxtest.JSON(200, buildJSON)})
	b, err := client(t, srv).Build(t.Context(), job, 7)
	require.NoError(t, err)
	no := false
	assert.Equal(t, Build{Job: job, Number: 7, URL: srv.URL + "/job/e2e/7/", Name: "#7", InProgress: &no, Result: Unstable,
		Queued: time.UnixMilli(1790000000000).UTC(), DurationMS: 900000, EstimateMS: -1, QueueID: 88123, Progress: -1,
		Artifacts: []Artifact{{"output.xml", "robot/output.xml"}}, Causes: []Cause{{Text: "Started by user deployer", UserID: "deployer"}},
		Parameters: []Parameter{{Name: "DEVICE", Value: "qemux86-64"}, {Name: "DEBUG", Value: "false"}, {Name: "N", Value: "3"}, {Name: "TOKEN", Secret: true}},
		Tests:      &TestCounts{3, 1, 21}}, b)
	assert.Equal(t, "deployer", b.StartedBy())
	assert.Zero(t, b.Estimate())
	v, ok := b.Parameter("DEVICE")
	assert.True(t, ok)
	assert.Equal(t, "qemux86-64", v)
}

func TestFinished(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, tc := range []struct {
		b    Build
		want bool
	}{
		{Build{Building: true, Result: Failure}, false}, // set early, it can still worsen
		{Build{Result: Success, InProgress: &yes}, false},
		{Build{Result: Success, InProgress: &no}, true},
		{Build{Result: Success}, true}, // older than inProgress
		{Build{}, false},
	} {
		assert.Equal(t, tc.want, tc.b.Finished(), "%+v", tc.b)
	}
	assert.False(t, Result("WEIRD").Known())
	assert.True(t, NotBuilt.Known())
}

// A build that is not there is explained by what its job says.
func TestBuildGone(t *testing.T) {
	t.Parallel()
	ask := path("/job/e2e", "_class,firstBuild[number],lastBuild[number],jobs[name]")
	for name, tc := range map[string]struct {
		job   httpxtest.Reply
		kind  error
		says  string
		hints string
		root  string // what the controller lists, when that is asked for
	}{
		"too old":  {httpxtest.JSON(200, `{"firstBuild":{"number":100},"lastBuild":{"number":200}}`), apierr.ErrNotFound, "no longer keeps it", "kept are #100 to #200", ""},
		"not yet":  {httpxtest.JSON(200, `{"firstBuild":{"number":1},"lastBuild":{"number":5}}`), apierr.ErrNotFound, "no such build yet", "the newest is #5", ""},
		"deleted":  {httpxtest.JSON(200, `{"firstBuild":{"number":1},"lastBuild":{"number":50}}`), apierr.ErrNotFound, "deleted", "", ""},
		"never":    {httpxtest.JSON(200, `{}`), apierr.ErrNotFound, "never built", "", ""},
		"a folder": {httpxtest.JSON(200, `{"jobs":[]}`), apierr.ErrUsage, "a folder", "", ""},
		"no job":   {httpxtest.Status(404), apierr.ErrNotFound, "no such job, or no right to see it", "Jenkins hides jobs", `{"jobs":[{"name":"nightly"}]}`},
		"a slip":   {httpxtest.Status(404), apierr.ErrNotFound, "no such job, or no right to see it", "did you mean e2e-all?", `{"jobs":[{"name":"nightly"},{"name":"e2e-all"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exchanges := []httpxtest.Exchange{{Path: path("/job/e2e/7", buildTree), Reply: httpxtest.Status(404)}, {Path: ask, Reply: tc.job}}
			if tc.root != "" {
				exchanges = append(exchanges, httpxtest.Exchange{Path: path("", "_class,jobs[name]"), Reply: httpxtest.JSON(200, tc.root)})
			}
			c := client(t, httpxtest.New(t, exchanges...))
			_, err := c.Build(t.Context(), job, 7)
			require.ErrorIs(t, err, tc.kind)
			assert.ErrorContains(t, err, tc.says)
			assert.Contains(t, apierr.HintOf(err), tc.hints)
		})
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	ask := path("/job/e2e", "_class,jobs[name],lastStableBuild[number]")
	n, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: ask, Reply: httpxtest.JSON(200, `{"lastStableBuild":{"number":9121}}`)})).Resolve(t.Context(), job, "lastStableBuild")
	require.NoError(t, err)
	assert.Equal(t, 9121, n)
	_, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: ask, Reply: httpxtest.JSON(200, `{"lastStableBuild":null}`)})).Resolve(t.Context(), job, "lastStableBuild")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	_, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: ask, Reply: httpxtest.JSON(200, `{"jobs":[{"name":"x"}]}`)})).Resolve(t.Context(), job, "lastStableBuild")
	require.ErrorIs(t, err, apierr.ErrUsage)
	_, err = client(t, httpxtest.New(t)).Resolve(t.Context(), job, "lastWorstBuild")
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestBuilds(t *testing.T) {
	t.Parallel()
	name := deploy.Name
	got, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: buildsPath(0, 50), Reply: httpxtest.JSON(200, `{"builds":[{"number":2},{"number":1}]}`)})).Builds(t.Context(), name, 0, 50)
	require.NoError(t, err)
	assert.Len(t, got, 2)
	got, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: buildsPath(100, 200), Reply: httpxtest.JSON(200, `{"allBuilds":[{"number":1}]}`)})).Builds(t.Context(), name, 100, 200)
	require.NoError(t, err)
	assert.Len(t, got, 1)
	_, err = client(t, httpxtest.New(t)).Builds(t.Context(), name, 5, 4)
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestStages(t *testing.T) {
	t.Parallel()
	const answer = `{"stages":[{"id":"14","name":"autohat","status":"FAILED","error":{"message":"script returned exit code 1"},"startTimeMillis":1790000100000,"durationMillis":800000,"pauseDurationMillis":5,
		"stageFlowNodes":[{"id":"15","name":"Shell Script","status":"FAILED"}]}]}`
	got, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/wfapi/describe?fullStages=true", Reply: httpxtest.JSON(200, answer)})).Stages(t.Context(), job, 7, true)
	require.NoError(t, err)
	require.Len(t, got, 1)
	assert.Equal(t, StageFailed, got[0].Status)
	assert.Equal(t, "script returned exit code 1", got[0].Error)
	assert.Equal(t, 800*time.Second, got[0].Duration())
	assert.Equal(t, "15", got[0].Steps[0].ID)
	_, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/wfapi/describe", Reply: httpxtest.Status(404)})).Stages(t.Context(), job, 7, false)
	require.ErrorIs(t, err, apierr.ErrUnsupported)
	text, cut, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/execution/node/21/wfapi/log",
		Reply: httpxtest.JSON(200, `{"hasMore":true,"text":"<span class=\"t\">a &lt; b</span>\r\nc\n"}`)})).StepLog(t.Context(), job, 7, "21")
	require.NoError(t, err)
	assert.True(t, cut)
	assert.Equal(t, "a < b\nc\n", text)
	inputs, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/wfapi/pendingInputActions", Reply: httpxtest.JSON(200, `[{"id":"A","message":"go on?","proceedText":"Deploy"}]`)})).PendingInputs(t.Context(), job, 7)
	require.NoError(t, err)
	assert.Equal(t, []Input{{"A", "go on?", "Deploy"}}, inputs)
}

func TestReports(t *testing.T) {
	t.Parallel()
	tree := "failCount,skipCount,passCount,totalCount," + caseTree + ",childReports[result[passCount," + caseTree + "]]"
	const answer = `{"failCount":1,"passCount":1,"suites":[{"name":"s","enclosingBlockNames":["autohat"],"cases":[
		{"className":"E2E.Kernel","name":"a","status":"REGRESSION","failedSince":7,"errorDetails":"no"},{"className":"E2E.Kernel","name":"b","status":"FIXED","errorDetails":null}]}],
		"childReports":[{"result":{"passCount":4,"suites":[{"cases":[{"name":"c","status":"FAILED"}]}]}}]}`
	r, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: path("/job/e2e/7/testReport", tree), Reply: httpxtest.JSON(200, answer)})).TestReport(t.Context(), job, 7)
	require.NoError(t, err)
	assert.Equal(t, 5, r.Passed)
	require.Len(t, r.Cases, 3)
	assert.Equal(t, TestCase{Suite: "s", Class: "E2E.Kernel", Name: "a", Status: "REGRESSION", Details: "no", Stage: "autohat", Since: 7}, r.Cases[0])
	assert.True(t, r.Cases[0].Failed())
	assert.True(t, r.Cases[1].Passed())
	_, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: path("/job/e2e/7/testReport", tree), Reply: httpxtest.Status(404)})).TestReport(t.Context(), job, 7)
	require.ErrorIs(t, err, apierr.ErrNotFound)

	robot := path("/job/e2e/7/robot", "overallFailed,overallPassed,overallTotal,failedCases[name,fullName,errorMsg],allFailedCases[name,errorMsg],passedCases[name,fullName]")
	rr, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: robot, Reply: httpxtest.JSON(200, `{"overallFailed":2,"failedCases":["E2E.a",{"name":"b","errorMsg":"no"},{},7],"passedCases":[{"fullName":"E2E.c"}]}`)})).RobotReport(t.Context(), job, 7)
	require.NoError(t, err)
	assert.Equal(t, []TestCase{{Name: "E2E.a", Status: "FAILED"}, {Name: "b", Status: "FAILED", Details: "no"}, {Name: "E2E.c", Status: "PASSED"}}, rr.Cases)
}

func TestConsole(t *testing.T) {
	t.Parallel()
	body, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/consoleText", Header: map[string]string{"Authorization": "Basic eW91OnRva2VuLTE="}, Reply: httpxtest.Text(200, "a\nb\n")})).Console(t.Context(), job, 7)
	require.NoError(t, err)
	text, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	assert.Equal(t, "a\nb\n", string(text))

	body, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/consoleText", Reply: httpxtest.CutBody(200, "a\n")})).Console(t.Context(), job, 7)
	require.NoError(t, err)
	_, err = io.ReadAll(body)
	require.ErrorIs(t, err, apierr.ErrUnavailable, "a cut console is no whole one")
	_, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/consoleText", Reply: httpxtest.LoginPage(200)})).Console(t.Context(), job, 7)
	require.ErrorIs(t, err, apierr.ErrAuth)
	_, err = client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/job/e2e/7/timestamps/?appendLog=&startLine=-5&time=HH%3Amm%3Ass", Reply: httpxtest.Status(404)})).Timestamps(t.Context(), job, 7, TimestampsOptions{First: -5})
	require.ErrorIs(t, err, apierr.ErrUnsupported)
}

// What every read owes its caller.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply httpxtest.Reply
		times int
		kind  error
		says  string
	}{
		"401":            {httpxtest.Status(401), 1, apierr.ErrAuth, "the user or the API token is wrong"},
		"403":            {httpxtest.Status(403).With("X-Required-Permission", "hudson.model.Item.Read"), 1, apierr.ErrAuth, "hudson.model.Item.Read"},
		"429":            {httpxtest.RetryAfter(429, 600), 1, apierr.ErrRateLimited, "10m"},
		"500":            {httpxtest.Status(500), 1, apierr.ErrUnavailable, "Jenkins failed on the request"},
		"503 restarting": {httpxtest.Text(503, "<h1>Please wait while Jenkins is restarting</h1>").With("Content-Type", "text/html"), 4, apierr.ErrUnavailable, "starting or restarting"},
		"login page":     {httpxtest.LoginPage(200), 1, apierr.ErrAuth, "not signed in"},
		"cut body":       {httpxtest.CutBody(200, `{"name":`), 4, apierr.ErrUnavailable, ""},
		"reset before":   {httpxtest.ResetBefore(), 4, apierr.ErrUnavailable, ""},
		"reset after":    {httpxtest.ResetAfter(), 4, apierr.ErrUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, httpxtest.New(t, httpxtest.Exchange{Path: "/whoAmI/api/json", Reply: tc.reply, Times: tc.times}))
			_, err := c.WhoAmI(t.Context())
			require.ErrorIs(t, err, tc.kind)
			assert.ErrorContains(t, err, tc.says)
			assert.NotContains(t, err.Error(), "token-1")
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client(t, httpxtest.New(t)).WhoAmI(ctx)
	require.ErrorIs(t, err, context.Canceled)
	_, err = New(Config{})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Contains(t, apierr.HintOf(err), "ONCALL_JENKINS_URL")
}

func TestWaitEnd(t *testing.T) {
	t.Parallel()
	at := path("/job/e2e/7", buildTree)
	say := func(body string) httpxtest.Exchange {
		return httpxtest.Exchange{Path: at, Reply: httpxtest.JSON(200, body)}
	}
	b, err := client(t, httpxtest.New(t,
		say(`{"number":7,"building":true,"result":"FAILURE"}`),
		httpxtest.Exchange{Path: at, Reply: httpxtest.Status(http.StatusBadGateway), Times: 4},
		say(`{"number":7,"building":false,"inProgress":true,"result":"FAILURE"}`),
		say(`{"number":7,"building":false,"inProgress":false,"result":"FAILURE"}`))).WaitEnd(t.Context(), job, 7, nil)
	require.NoError(t, err)
	assert.Equal(t, Failure, b.Result)
	b, err = client(t, httpxtest.New(t, say(`{"number":7,"building":false,"inProgress":false,"result":null,"duration":5}`))).WaitEnd(t.Context(), job, 7, nil)
	require.NoError(t, err, "an end without a result is an end")
	assert.Empty(t, b.Result)
}

func TestJobs(t *testing.T) {
	t.Parallel()
	got, err := client(t, httpxtest.New(t, httpxtest.Exchange{Path: path("/job/team", "_class,jobs[_class,name,color]"),
		Reply: httpxtest.JSON(200, `{"jobs":[{"_class":"F","name":"sub"},{"_class":"J","name":"e2e","color":"blue"}]}`)})).Jobs(t.Context(), JobName{"team"})
	require.NoError(t, err)
	assert.Equal(t, []JobItem{{Name: JobName{"team", "sub"}, Class: "F", Folder: true}, {Name: JobName{"team", "e2e"}, Class: "J", Color: "blue"}}, got)
}
