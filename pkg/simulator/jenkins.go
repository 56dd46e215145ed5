package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Jenkins of the demo world: one controller with the two jobs of the design and
// a folder. The facts are those of the contract note on Jenkins, whose section
// 13 lists what a double must offer; JenkinsQuirks switches the rest.

// JenkinsUser and JenkinsToken are the demo's credentials.
const (
	JenkinsUser  = UserYou
	JenkinsToken = "demo-jenkins-token"
	// JenkinsRoot is the root URL that the administrator configured: what stands
	// in every "url" field, and is not where clients reach the controller.
	JenkinsRoot = "http://jenkins.internal:8080/"
	// JenkinsFolder is a folder with one job in it.
	JenkinsFolder = "team"
	// JobNightly is the job in the folder; it is disabled.
	JobNightly = "nightly"
	// JobConsole has builds whose number is the size of their console in MiB. It
	// is listed nowhere and exists to measure clients.
	JobConsole = "console-of-many-mib"
)

// JenkinsQuirks are behaviours of versions, plugins and bad days.
type JenkinsQuirks struct {
	Version string `json:"version"` // X-Jenkins; "" is DefaultJenkins, "none" sends no header
	// LineCap is how many line ends an answer about a running build's log holds;
	// 0 is Jenkins' 10,000.
	LineCap int `json:"lineCap,omitempty"`
	// Windows writes consoles of new builds with CRLF.
	Windows bool `json:"windows,omitempty"`
	// ProxiedLocation puts the internal address into Location headers, as behind
	// a proxy that ends TLS.
	ProxiedLocation bool `json:"proxiedLocation,omitempty"`
	// CrumbAlways wants a crumb with every POST, API token or not.
	CrumbAlways bool `json:"crumbAlways,omitempty"`
	// RefuseStarts answers a start with 302, as a queue decision handler does.
	RefuseStarts bool `json:"refuseStarts,omitempty"`
	// DenyBuild takes the user's right to start builds.
	DenyBuild bool `json:"denyBuild,omitempty"`
	// FailStarts answers a start with 500 and its exception page.
	FailStarts bool `json:"failStarts,omitempty"`
	// QueueForgets answers 404 about every queue item.
	QueueForgets bool `json:"queueForgets,omitempty"`
	// QueueHolds keeps new items in the queue, waiting for an executor.
	QueueHolds bool `json:"queueHolds,omitempty"`
	// Restarting answers everything with the 503 page.
	Restarting bool `json:"restarting,omitempty"`
	// LogsRestart shows running builds' logs from zero again, without what was
	// written before the switch.
	LogsRestart bool `json:"logsRestart,omitempty"`
	// NoStages, NoTimestamps, NoTests: the plugin is not there.
	NoStages     bool `json:"noStages,omitempty"`
	NoTimestamps bool `json:"noTimestamps,omitempty"`
	NoTests      bool `json:"noTests,omitempty"`
	// Result is what builds started from now on end with; "" is what the story
	// wants, "null" leaves the result empty.
	Result string `json:"result,omitempty"`
	// IgnoreHold makes builds of JobStaging leave the automation's mark where it
	// is, HOLD or not: a job whose script forgot it.
	IgnoreHold bool `json:"ignoreHold,omitempty"`
	// BuildTime is how long builds started from now on take; 0 is the story's.
	BuildTime time.Duration `json:"buildTime,omitempty"`
}

// DefaultJenkins is the version of the demo's controller.
const DefaultJenkins = "2.516.3"

// SetJenkins switches quirks; the zero value is the demo's ordinary controller.
func (w *World) SetJenkins(q JenkinsQuirks) error {
	return w.update(func(s *State) error {
		j := part[jenkinsState](s)
		if q.LogsRestart && !j.Quirks.LogsRestart {
			j.LogsCut = s.Now
		}
		j.Quirks = q
		j.plan(s)
		return nil
	})
}

type jenkinsState struct {
	Jobs     []*jenkinsJob   `json:"jobs"`
	Queue    []*jenkinsItem  `json:"queue"` // every item that is remembered, oldest first
	Quirks   JenkinsQuirks   `json:"quirks"`
	LogsCut  time.Time       `json:"logsCut,omitzero"`
	Sessions map[string]bool `json:"sessions"` // cookies that were handed out
	NextItem int64           `json:"nextItem"`
}

func (j *jenkinsState) job(full string) *jenkinsJob {
	for _, job := range j.Jobs {
		if job.Name == full {
			return job
		}
	}
	return nil
}

func jenkinsService() service {
	return service{
		name:   "jenkins",
		state:  stateOf(seedJenkins, advanceJenkins),
		mounts: map[string]mount{"jenkins": newJenkins},
		env: func(base string) []string {
			return []string{"ONCALL_JENKINS_URL=" + base + "/jenkins", "ONCALL_JENKINS_USER=" + JenkinsUser, "ONCALL_JENKINS_TOKEN=" + JenkinsToken,
				"ONCALL_JENKINS_E2E_JOB=" + JobE2E, "ONCALL_JENKINS_DEPLOY_JOB=" + JobDeploy}
		},
	}
}

// jenkinsServer answers for the controller.
type jenkinsServer struct {
	w        *World
	consoles consoleCache

	mu     sync.Mutex
	seen   *jenkinsState   // the section as it was decoded last; nobody changes it
	seenOf json.RawMessage // what it was decoded from
}

func newJenkins(w *World) http.Handler {
	j := &jenkinsServer{w: w}
	return http.HandlerFunc(j.serve)
}

// look is the state as one request sees it, to be read alone: requests share it.
type look struct {
	now time.Time
	j   *jenkinsState
}

func (j *jenkinsServer) look() (look, error) {
	var l look
	err := j.w.view(func(s *State) error {
		l = look{s.Now, j.section(s)}
		return nil
	})
	return l, err
}

// section is the jenkins section at s.Now. A follower asks every second of a
// world in which little else happens, so what did not change is decoded once.
func (j *jenkinsServer) section(s *State) *jenkinsState {
	raw := s.raw["jenkins"]
	if len(raw) == 0 {
		return part[jenkinsState](s)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.seen == nil || len(raw) != len(j.seenOf) || &raw[0] != &j.seenOf[0] {
		st := &jenkinsState{}
		if err := json.Unmarshal(raw, st); err != nil {
			panic(brokenState{fmt.Errorf("not a demo world (section jenkins: %w)", err)})
		}
		j.seen, j.seenOf = st, raw
	}
	now := *j.seen
	now.Queue = slices.Clone(now.Queue)
	advanceJenkins(s, &now, s.Now)
	return &now
}

func (j *jenkinsServer) serve(rw http.ResponseWriter, r *http.Request) {
	l, err := j.look()
	if err != nil {
		failed(rw, err)
		return
	}
	q := l.j.Quirks
	if q.Restarting {
		htmlPage(rw, http.StatusServiceUnavailable, "Restarting Jenkins", "<h1>Please wait while Jenkins is restarting…</h1>")
		return
	}
	version := q.Version
	if version == "" {
		version = DefaultJenkins
	}
	if version != "none" {
		rw.Header().Set("X-Jenkins", version)
	}
	rw.Header().Set("Date", l.now.Format(http.TimeFormat))
	user, pass, given := r.BasicAuth()
	if given && (user != JenkinsUser || pass != JenkinsToken) {
		rw.Header().Set("WWW-Authenticate", `Basic realm="Jenkins"`)
		htmlPage(rw, http.StatusUnauthorized, "Error 401 Unauthorized", "<h2>HTTP ERROR 401 Unauthorized</h2>")
		return
	}
	if !given {
		rw.Header().Set("X-You-Are-Authenticated-As", "anonymous")
		rw.Header().Set("X-Required-Permission", "hudson.model.Hudson.Read")
		htmlPage(rw, http.StatusForbidden, "", "<meta http-equiv='refresh' content='1;url=/login?from="+url.QueryEscape(r.URL.Path)+"'/><script>window.location.replace('/login');</script>")
		return
	}
	if r.Method == http.MethodPost && !j.crumbFine(l, r) {
		htmlPage(rw, http.StatusForbidden, "Error 403 No valid crumb was included in the request", "<h2>HTTP ERROR 403 No valid crumb was included in the request</h2>")
		return
	}
	j.route(rw, r, l)
}

// crumbFine is Jenkins' rule: an API token needs no crumb, unless the request
// carries a session; then the crumb must be that session's.
func (j *jenkinsServer) crumbFine(l look, r *http.Request) bool {
	session := ""
	if c, err := r.Cookie("JSESSIONID"); err == nil && l.j.Sessions[c.Value] {
		session = c.Value
	}
	if session == "" && !l.j.Quirks.CrumbAlways {
		return true
	}
	return session != "" && r.Header.Get("Jenkins-Crumb") == jenkinsCrumb(session)
}

func jenkinsCrumb(session string) string {
	sum := sha256.Sum256([]byte(JenkinsUser + ";" + session + ";demo"))
	return hex.EncodeToString(sum[:])
}

func (j *jenkinsServer) crumbIssuer(rw http.ResponseWriter) {
	session := ""
	err := j.w.update(func(s *State) error {
		session = uuidFor("jenkins session", s.nextID("jenkins session"))
		part[jenkinsState](s).Sessions[session] = true
		return nil
	})
	if err != nil {
		failed(rw, err)
		return
	}
	http.SetCookie(rw, &http.Cookie{Name: "JSESSIONID", Value: session, Path: "/", HttpOnly: true})
	writeJSON(rw, http.StatusOK, obj{"_class": "hudson.security.csrf.DefaultCrumbIssuer", "crumb": jenkinsCrumb(session), "crumbRequestField": "Jenkins-Crumb"})
}

// route finds what a path means. Views are navigation only.
func (j *jenkinsServer) route(rw http.ResponseWriter, r *http.Request, l look) {
	segs, ok := jenkinsSegments(r.URL)
	if !ok {
		jenkinsNotFound(rw)
		return
	}
	var names []string
	for len(segs) >= 2 && (segs[0] == "job" || segs[0] == "view") {
		if segs[0] == "job" {
			names = append(names, segs[1])
		}
		segs = segs[2:]
	}
	rest := strings.Join(segs, "/")
	switch {
	case len(names) > 0:
		j.routeJob(rw, r, l, names, segs)
	case rest == "api/json" || rest == "":
		j.root(rw, r, l)
	case rest == "whoAmI/api/json", rest == "me/api/json":
		writeJSON(rw, http.StatusOK, obj{"_class": "hudson.security.WhoAmI", "anonymous": false, "authenticated": true, "name": JenkinsUser,
			"id": JenkinsUser, "fullName": "Robin Vale", "authorities": []string{"authenticated"}})
	case rest == "crumbIssuer/api/json":
		j.crumbIssuer(rw)
	case rest == "queue/api/json":
		j.queue(rw, r, l)
	case rest == "queue/cancelItem":
		j.cancelItem(rw, r)
	case len(segs) == 5 && segs[0] == "queue" && segs[1] == "item" && segs[3] == "api" && segs[4] == "json":
		j.queueItem(rw, r, l, segs[2])
	default:
		jenkinsNotFound(rw)
	}
}

func jenkinsSegments(u *url.URL) ([]string, bool) {
	var out []string
	for _, s := range strings.Split(u.EscapedPath(), "/") {
		if s == "" {
			continue
		}
		name, err := url.PathUnescape(s)
		if err != nil {
			return nil, false
		}
		out = append(out, name)
	}
	return out, true
}

func (j *jenkinsServer) routeJob(rw http.ResponseWriter, r *http.Request, l look, names, segs []string) {
	full := strings.Join(names, "/")
	rest := strings.Join(segs, "/")
	if full == JenkinsFolder {
		if rest == "api/json" || rest == "" {
			j.folder(rw, r, l)
		} else {
			jenkinsNotFound(rw)
		}
		return
	}
	job := l.j.job(full)
	if full == JobConsole {
		job = hugeJob()
	}
	if job == nil {
		jenkinsNotFound(rw)
		return
	}
	switch rest {
	case "api/json", "":
		writeTree(rw, r, job.json(l))
		return
	case "build", "buildWithParameters":
		j.start(rw, r, full, rest == "buildWithParameters")
		return
	}
	b := job.find(l.now, segs[0])
	if b == nil {
		jenkinsNotFound(rw)
		return
	}
	j.routeBuild(rw, r, l, job, b, strings.Join(segs[1:], "/"))
}

func (j *jenkinsServer) routeBuild(rw http.ResponseWriter, r *http.Request, l look, job *jenkinsJob, b *jenkinsBuild, rest string) {
	q := l.j.Quirks
	switch {
	case rest == "" || rest == "api/json":
		writeTree(rw, r, b.json(job, l))
	case rest == "consoleText":
		j.consoleText(rw, l, job, b)
	case rest == "logText/progressiveText":
		j.progressive(rw, r, l, job, b)
	case rest == "timestamps" && !q.NoTimestamps:
		j.timestamps(rw, r, l, job, b)
	case rest == "wfapi/describe" && !q.NoStages:
		writeJSON(rw, http.StatusOK, b.describe(job, l, r))
	case rest == "wfapi/pendingInputActions" && !q.NoStages:
		writeJSON(rw, http.StatusOK, []obj{})
	case rest == "testReport/api/json" && !q.NoTests && job.Name == JobE2E && !b.running(l.now):
		b.testReport(rw, r)
	case rest == "stop":
		j.stop(rw, r, job.Name, b.Number)
	default:
		jenkinsNotFound(rw)
	}
}

func htmlPage(rw http.ResponseWriter, status int, title, body string) {
	rw.Header().Set("Content-Type", "text/html;charset=utf-8")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, "<!DOCTYPE html><html><head><title>%s</title></head><body>%s</body></html>\n", title, body)
}

func jenkinsNotFound(rw http.ResponseWriter) {
	htmlPage(rw, http.StatusNotFound, "Error 404 Not Found", "<h2>HTTP ERROR 404 Not Found</h2>")
}

// jenkinsOops is what an uncaught exception looks like.
func jenkinsOops(rw http.ResponseWriter) {
	htmlPage(rw, http.StatusInternalServerError, "Jenkins - Oops!", "<h1>Oops!</h1><p>A problem occurred while processing the request.</p><p>Logging ID="+uuidFor("jenkins oops")+"</p>")
}

// postOnly answers a GET of something that changes, and reports whether r may
// go on.
func postOnly(rw http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodPost {
		return true
	}
	rw.Header().Set("Allow", "POST")
	htmlPage(rw, http.StatusMethodNotAllowed, "Method Not Allowed", "<form method='post'>You must use POST method to trigger builds. <input type='submit' value='Proceed'/></form>")
	return false
}

// location is the address that a redirect names: the scheme and host are what
// the servlet saw.
func (j *jenkinsServer) location(r *http.Request, q JenkinsQuirks, path string) string {
	if q.ProxiedLocation {
		return strings.TrimSuffix(JenkinsRoot, "/") + path
	}
	return SelfURL(r) + path
}

func itoa(n int) string { return strconv.Itoa(n) }
