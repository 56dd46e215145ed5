package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// jenkinsWorld is a world with a clock of its own, served under a prefix.
type jenkinsWorld struct {
	t   *testing.T
	w   *World
	url string
	mu  sync.Mutex
	now time.Time
}

func newJenkinsWorld(t *testing.T) *jenkinsWorld {
	t.Helper()
	j := &jenkinsWorld{t: t, now: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)}
	w, err := Open(Options{Now: j.clock})
	require.NoError(t, err)
	srv := httptest.NewServer(http.StripPrefix("/base", w.Handler()))
	t.Cleanup(func() { srv.Close(); _ = w.Close() })
	j.w, j.url = w, srv.URL+"/base/jenkins"
	return j
}

func (j *jenkinsWorld) clock() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

func (j *jenkinsWorld) pass(d time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now = j.now.Add(d)
}

// answered is the head of an answer whose body was read.
type answered struct {
	StatusCode int
	Header     http.Header
	cookies    []*http.Cookie
}

// Cookies are those that the answer sets.
func (a answered) Cookies() []*http.Cookie { return a.cookies }

func (j *jenkinsWorld) do(method, path string, change func(*http.Request)) (answered, string) {
	j.t.Helper()
	r, err := http.NewRequestWithContext(j.t.Context(), method, j.url+path, nil)
	require.NoError(j.t, err)
	r.SetBasicAuth(JenkinsUser, JenkinsToken)
	if change != nil {
		change(r)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	require.NoError(j.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	require.NoError(j.t, err)
	return answered{res.StatusCode, res.Header, res.Cookies()}, string(body)
}

func (j *jenkinsWorld) json(path string) map[string]any {
	j.t.Helper()
	res, body := j.do("GET", path, nil)
	require.Equal(j.t, http.StatusOK, res.StatusCode, body)
	var out map[string]any
	require.NoError(j.t, json.Unmarshal([]byte(body), &out))
	return out
}

// form posts values as a form.
func (j *jenkinsWorld) form(path string, v url.Values) (answered, string) {
	j.t.Helper()
	return j.do("POST", path, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(v.Encode()))
	})
}

const jobPath = "/job/" + JobE2E

func TestJenkinsConsoleOfTheStory(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	_, text := j.do("GET", jobPath+"/9123/consoleText", nil)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	assert.Len(t, lines, jenkinsLines)
	assert.Equal(t, "| FAIL |", lines[jenkinsFailLine-1])
	assert.NotContains(t, text, "\x1b[8mha:")
	named := 0
	for i, l := range lines {
		if strings.HasPrefix(l, E2EFailedStep) {
			named = i + 1
		}
	}
	assert.Positive(t, named)
	assert.Less(t, named, jenkinsFailLine)
	assert.Equal(t, "Finished: FAILURE", lines[len(lines)-1])
	_, again := j.do("GET", jobPath+"/9123/consoleText", nil)
	assert.Equal(t, text, again)
}

func TestJenkinsTree(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	got := j.json("/view/all" + jobPath + "/api/json?tree=name,nosuch,lastStableBuild[number],builds[number,result]{1,3},property[parameterDefinitions[name,choices]]")
	want := `{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowJob","name":"balena-e2e-ephemeral",
		"lastStableBuild":{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowRun","number":9121},
		"builds":[{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowRun","number":9122,"result":"ABORTED"},{"_class":"org.jenkinsci.plugins.workflow.job.WorkflowRun","number":9121,"result":"SUCCESS"}],
		"property":[{"_class":"jenkins.model.BuildDiscarderProperty"},{"_class":"hudson.model.ParametersDefinitionProperty","parameterDefinitions":[
			{"_class":"hudson.model.ChoiceParameterDefinition","name":"DEVICE","choices":["qemux86-64","raspberrypi4-64","genericx86-64-ext"]},
			{"_class":"hudson.model.StringParameterDefinition","name":"OS_VERSION"},{"_class":"hudson.model.BooleanParameterDefinition","name":"DEBUG"}]}]}`
	b, err := json.Marshal(got)
	require.NoError(t, err)
	assert.JSONEq(t, want, string(b))
	assert.Equal(t, []any{}, j.json(jobPath + "/api/json?tree=builds[number]{100,200}")["builds"])
	assert.Contains(t, j.json("/job/"+JenkinsFolder+"/api/json"), "jobs")
}

func FuzzJenkinsTree(f *testing.F) {
	f.Add("a,b[c,d],builds[number]{0,50},x{3},y{,4}")
	f.Add("a[b[c],,]]{")
	f.Fuzz(func(t *testing.T, s string) {
		list := []obj{{"_class": "x", "number": 1}, {"number": 2}}
		if _, err := json.Marshal(parseTree(s).prune(obj{"a": obj{"b": list}, "builds": list})); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJenkinsStartAnswers(t *testing.T) {
	t.Parallel()
	start := func(v url.Values) func(*jenkinsWorld) (answered, string) {
		return func(j *jenkinsWorld) (answered, string) { return j.form(jobPath+"/buildWithParameters", v) }
	}
	for name, tc := range map[string]struct {
		quirks JenkinsQuirks
		call   func(*jenkinsWorld) (answered, string)
		status int
		says   string
	}{
		"201":            {JenkinsQuirks{}, start(url.Values{"OS_VERSION": {"6.5.0"}, "TYPO": {"x"}}), 201, ""},
		"302":            {JenkinsQuirks{RefuseStarts: true}, start(nil), 302, ""},
		"400":            {JenkinsQuirks{}, func(j *jenkinsWorld) (answered, string) { return j.form(jobPath+"/build", nil) }, 400, "form submission"},
		"403 permission": {JenkinsQuirks{DenyBuild: true}, start(nil), 403, "Job/Build"},
		"403 crumb":      {JenkinsQuirks{CrumbAlways: true}, start(nil), 403, "No valid crumb"},
		"404":            {JenkinsQuirks{}, func(j *jenkinsWorld) (answered, string) { return j.form("/job/nosuch/build", nil) }, 404, ""},
		"405": {JenkinsQuirks{}, func(j *jenkinsWorld) (answered, string) {
			return j.do("GET", jobPath+"/buildWithParameters", nil)
		}, 405, "You must use POST"},
		"409":        {JenkinsQuirks{}, func(j *jenkinsWorld) (answered, string) { return j.form("/job/team/job/nightly/build", nil) }, 409, "is not buildable"},
		"500 choice": {JenkinsQuirks{}, start(url.Values{"DEVICE": {"toaster"}}), 500, "Oops"},
		"500 twice":  {JenkinsQuirks{}, start(url.Values{"DEBUG": {"true", "false"}}), 500, "Oops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJenkinsWorld(t)
			require.NoError(t, j.w.SetJenkins(tc.quirks))
			res, body := tc.call(j)
			assert.Equal(t, tc.status, res.StatusCode, body)
			assert.Contains(t, body, tc.says)
		})
	}
}

func TestJenkinsQueueToTheEnd(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	require.NoError(t, j.w.SetJenkins(JenkinsQuirks{ProxiedLocation: true}))
	res, _ := j.form(jobPath+"/buildWithParameters", url.Values{"OS_VERSION": {"6.5.0"}})
	require.Equal(t, 201, res.StatusCode)
	location := res.Header.Get("Location")
	require.True(t, strings.HasPrefix(location, JenkinsRoot+"queue/item/"), location)
	item := "/" + strings.TrimPrefix(location, JenkinsRoot) + "api/json"
	assert.Equal(t, "hudson.model.Queue$WaitingItem", j.json(item)["_class"])

	folded, _ := j.form(jobPath+"/buildWithParameters", url.Values{"OS_VERSION": {"6.5.0"}})
	assert.Equal(t, 303, folded.StatusCode)
	assert.Equal(t, location, folded.Header.Get("Location"))

	j.pass(1200 * time.Millisecond)
	assert.Equal(t, "hudson.model.Queue$BuildableItem", j.json(item)["_class"])
	j.pass(400 * time.Millisecond)
	left := j.json(item)
	assert.Equal(t, "hudson.model.Queue$LeftItem", left["_class"])
	assert.Nil(t, left["executable"])
	j.pass(400 * time.Millisecond)
	assert.EqualValues(t, 9124, j.json(item)["executable"].(map[string]any)["number"])

	blocked, _ := j.form(jobPath+"/buildWithParameters", url.Values{"OS_VERSION": {"7"}, "delay": {"0sec"}})
	second := "/" + strings.TrimPrefix(blocked.Header.Get("Location"), JenkinsRoot) + "api/json"
	assert.Equal(t, "hudson.model.Queue$BlockedItem", j.json(second)["_class"])
	assert.Contains(t, j.json(second)["why"], "Build #9124 is already in progress")
	b := j.json(jobPath + "/9124/api/json")
	assert.Nil(t, b["result"])
	assert.Equal(t, true, b["building"])

	j.pass(time.Minute)
	assert.Equal(t, "SUCCESS", j.json(jobPath + "/9124/api/json")["result"])
	assert.Equal(t, "SUCCESS", j.json(jobPath + "/9125/api/json")["result"])
	j.pass(leftKept)
	gone, _ := j.do("GET", item, nil)
	assert.Equal(t, 404, gone.StatusCode)
}

// A running build's log grows by the clock, by bytes, and both size headers say
// what their versions say.
func TestJenkinsLogGrows(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.504.3", "2.516.3"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			j := newJenkinsWorld(t)
			require.NoError(t, j.w.SetJenkins(JenkinsQuirks{Version: version, LineCap: 100, BuildTime: 10 * time.Second}))
			res, _ := j.form(jobPath+"/buildWithParameters", url.Values{"delay": {"0sec"}})
			require.Equal(t, 201, res.StatusCode)
			j.pass(6500 * time.Millisecond)
			log := jobPath + "/9124/logText/progressiveText?start="
			first, body := j.do("GET", log+"0", nil)
			assert.Equal(t, "true", first.Header.Get("X-More-Data"))
			assert.Equal(t, 100, strings.Count(body, "\r\n"))
			counted := len(strings.ReplaceAll(body, "\r\n", "\n"))
			if version == "2.516.3" {
				assert.Contains(t, body, "\x1b[8mha:")
				assert.NotEqual(t, fmt.Sprint(counted), first.Header.Get("X-Text-Size"))
			} else {
				assert.NotContains(t, body, "\x1b[8mha:")
			}
			j.pass(time.Minute)
			last, whole := j.do("GET", log+"0", nil)
			assert.Empty(t, last.Header.Get("X-More-Data"))
			assert.True(t, strings.HasSuffix(whole, "Finished: SUCCESS\r\n"))
			beyond, again := j.do("GET", log+"99999999", nil)
			assert.Equal(t, last.Header.Get("X-Text-Size"), beyond.Header.Get("X-Text-Size"))
			assert.Equal(t, whole, again)
			oops, _ := j.do("GET", log+"-5", nil)
			assert.Equal(t, 500, oops.StatusCode)
		})
	}
}

func TestJenkinsCrumb(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	res, body := j.do("GET", "/crumbIssuer/api/json", nil)
	var crumb struct{ Crumb, CrumbRequestField string }
	require.NoError(t, json.Unmarshal([]byte(body), &crumb))
	session := res.Cookies()[0]
	with := func(c string) int {
		res, _ := j.do("POST", jobPath+"/buildWithParameters", func(r *http.Request) {
			r.AddCookie(session)
			r.Header.Set(crumb.CrumbRequestField, c)
		})
		return res.StatusCode
	}
	assert.Equal(t, 403, with(""), "a session needs its crumb, token or not")
	assert.Equal(t, 201, with(crumb.Crumb))
}

func TestJenkinsRefusals(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	res, _ := j.do("GET", "/api/json", func(r *http.Request) { r.SetBasicAuth("you", "wrong") })
	assert.Equal(t, 401, res.StatusCode)
	assert.Equal(t, `Basic realm="Jenkins"`, res.Header.Get("WWW-Authenticate"))
	res, body := j.do("GET", "/api/json", func(r *http.Request) { r.Header.Del("Authorization") })
	assert.Equal(t, 403, res.StatusCode)
	assert.Contains(t, body, "/login?from=")
	require.NoError(t, j.w.SetJenkins(JenkinsQuirks{Restarting: true}))
	res, body = j.do("GET", "/api/json", nil)
	assert.Equal(t, 503, res.StatusCode)
	assert.Contains(t, body, "Jenkins is restarting")
}

// The retry of the story passes, and the heartbeat's world learns of it; a
// deployment moves the world through its build, and stopping it takes it back.
func TestJenkinsMovesTheWorld(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	facts := func() (f Facts) {
		require.NoError(t, j.w.view(func(s *State) error { f = s.Facts; return nil }))
		return f
	}
	before := facts()
	j.form(jobPath+"/buildWithParameters", nil)
	j.pass(10 * time.Second)
	j.json(jobPath + "/9124/api/json")
	f := facts()
	assert.Greater(t, len(f.E2EPasses), len(before.E2EPasses))

	j.form("/job/"+JobDeploy+"/buildWithParameters", url.Values{"COMPONENT": {"api"}, "VERSION": {APIVersionGood}})
	j.pass(20 * time.Second)
	assert.Equal(t, "SUCCESS", j.json("/job/" + JobDeploy + "/882/api/json")["result"])
	f = facts()
	assert.Equal(t, APIVersionGood, f.VersionAt(ComponentAPI, j.clock()))

	j.form("/job/"+JobDeploy+"/buildWithParameters", url.Values{"COMPONENT": {"api"}, "VERSION": {"17.5.1"}})
	j.pass(2 * time.Second)
	res, _ := j.form("/job/"+JobDeploy+"/883/stop", nil)
	assert.Equal(t, 302, res.StatusCode)
	j.pass(20 * time.Second)
	assert.Equal(t, "ABORTED", j.json("/job/" + JobDeploy + "/883/api/json")["result"])
	f = facts()
	assert.Equal(t, APIVersionGood, f.VersionAt(ComponentAPI, j.clock()))
}

func TestJenkinsHugeConsole(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	_, text := j.do("GET", "/job/"+JobConsole+"/3/consoleText", nil)
	assert.InDelta(t, 3<<20, len(text), 4096)
	assert.Equal(t, 1, strings.Count(text, E2EFailedStep))
	_, log := j.do("GET", "/job/"+JobConsole+"/3/logText/progressiveText?start=1000", nil)
	assert.Equal(t, text[1000:], strings.ReplaceAll(log, "\r\n", "\n"))
	res, _ := j.do("GET", "/job/"+JobConsole+"/0/consoleText", nil)
	assert.Equal(t, 404, res.StatusCode)
}

func TestJenkinsStagesTestsTimestamps(t *testing.T) {
	t.Parallel()
	j := newJenkinsWorld(t)
	d := j.json(jobPath + "/9123/wfapi/describe")
	stages := d["stages"].([]any)
	assert.Equal(t, "FAILED", stages[2].(map[string]any)["status"])
	r := j.json(jobPath + "/9123/testReport/api/json?tree=failCount,suites[name,cases[name,status]]")
	assert.EqualValues(t, 3, r["failCount"])
	_, stamped := j.do("GET", jobPath+"/9123/timestamps/?time=HH:mm:ss&appendLog&startLine=-2", nil)
	lines := strings.Split(strings.TrimSpace(stamped), "\n")
	require.Len(t, lines, 2)
	assert.Regexp(t, `^\d\d:\d\d:\d\d  Finished: FAILURE$`, lines[1])
	require.NoError(t, j.w.SetJenkins(JenkinsQuirks{NoStages: true, NoTests: true, NoTimestamps: true}))
	for _, p := range []string{"/wfapi/describe", "/testReport/api/json", "/timestamps/"} {
		res, _ := j.do("GET", jobPath+"/9123"+p, nil)
		assert.Equal(t, 404, res.StatusCode, p)
	}
}

func TestWithCRLF(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a\r\nb\r\nc\rd\r\n", string(withCRLF([]byte("a\nb\r\nc\rd\n"))))
	assert.True(t, bytes.Equal(withoutNotes([]byte("a\x1b[8mha:QUJD\x1b[0mb")), []byte("ab")))
}
