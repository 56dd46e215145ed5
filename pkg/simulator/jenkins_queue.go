package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// jenkinsItem is a start that was asked for. Its id stays through all states.
type jenkinsItem struct {
	ID        int64          `json:"id"`
	Job       string         `json:"job"`
	Since     time.Time      `json:"since"`
	Ready     time.Time      `json:"ready"`          // end of the quiet period
	Start     time.Time      `json:"start,omitzero"` // when its build starts, by plan; zero: held
	Cancelled time.Time      `json:"cancelled,omitzero"`
	Build     int            `json:"build"`
	User      string         `json:"user"`
	Params    []jenkinsParam `json:"params"`
}

const (
	quietPeriod   = time.Second            // Jenkins' default is five
	executorDelay = 500 * time.Millisecond // from ready to started
	leftNull      = 300 * time.Millisecond // LeftItem without an executable
	leftKept      = 5 * time.Minute
)

func (i *jenkinsItem) waiting(now time.Time) bool {
	return i.Cancelled.IsZero() && (i.Start.IsZero() || now.Before(i.Start))
}

// left is when the item left the queue.
func (i *jenkinsItem) left() time.Time {
	if !i.Cancelled.IsZero() {
		return i.Cancelled
	}
	return i.Start
}

// advanceJenkins forgets items that left long ago. Starts need no moving: they
// are planned, with times in the future, when something is asked for.
func advanceJenkins(_ *State, j *jenkinsState, now time.Time) {
	j.Queue = slices.DeleteFunc(j.Queue, func(i *jenkinsItem) bool { return !i.waiting(now) && now.Sub(i.left()) >= leftKept })
}

// plan decides when each waiting item starts, and what its build will do to the
// world. It is made anew after every change.
func (j *jenkinsState) plan(s *State) {
	for _, job := range j.Jobs {
		job.Builds = slices.DeleteFunc(job.Builds, func(b *jenkinsBuild) bool {
			if !b.Start.After(s.Now) {
				return false
			}
			b.undo(s, job.Name)
			job.Next = min(job.Next, b.Number)
			return true
		})
	}
	for _, i := range j.Queue {
		if i.waiting(s.Now) {
			i.Start, i.Build = time.Time{}, 0
			if !j.Quirks.QueueHolds {
				j.planOne(s, i)
			}
		}
	}
}

func (j *jenkinsState) planOne(s *State, i *jenkinsItem) {
	job := j.job(i.Job)
	at := i.Ready.Add(executorDelay)
	if at.Before(s.Now) {
		at = s.Now.Add(executorDelay)
	}
	for _, b := range job.Builds {
		if b.End.After(at) {
			at = b.End.Add(executorDelay)
		}
	}
	q := j.Quirks
	b := &jenkinsBuild{Number: job.Next, QueueID: i.ID, Queued: i.Since, Start: at, End: at.Add(e2eRetryTime), Result: "SUCCESS",
		User: i.User, Params: i.Params, Story: storyPass, Windows: q.Windows}
	if q.BuildTime > 0 {
		b.End = at.Add(q.BuildTime)
	}
	if q.Result != "" {
		b.Result = q.Result
		b.Story = map[string]string{"FAILURE": storyKernel, "UNSTABLE": storyNetwork, "ABORTED": storyAgentLost}[q.Result]
	}
	job.Next++
	i.Start, i.Build = at, b.Number
	job.Builds = append(job.Builds, b)
	switch {
	case job.Name == JobE2E && b.Result == "SUCCESS":
		s.Facts.RecordE2EPass(b.End)
	case job.Name == JobDeploy:
		b.Story = storyDeploy
		jenkinsDeployStarts(s, b)
	case job.Name == JobStaging:
		b.Story = storyDeploy
		if b.Result == "SUCCESS" {
			s.Facts.Staging = append(s.Facts.Staging, StagingDeploy{Component: b.param("COMPONENT"), To: b.param("VERSION"), Build: b.Number,
				Held: b.param("HOLD") == "true" && !q.IgnoreHold, BuiltAt: b.End})
		}
	}
}

// undo takes back what a build would have done to the world by its end.
func (b *jenkinsBuild) undo(s *State, job string) {
	switch job {
	case JobE2E:
		s.Facts.E2EPasses = slices.DeleteFunc(s.Facts.E2EPasses, func(t time.Time) bool { return t.Equal(b.End) })
	case JobDeploy:
		s.Facts.CancelDeploy(b.Number, s.Now)
	case JobStaging:
		s.Facts.Staging = slices.DeleteFunc(s.Facts.Staging, func(d StagingDeploy) bool { return d.Build == b.Number && d.BuiltAt.After(s.Now) })
	}
}

// jenkinsDeployStarts is what a build of the deploy job does to the world when
// it starts (b.Start, which may lie ahead): the world's deployment begins at that
// moment, and the build ends when its commit is in the repository. undo takes it
// back when the build never starts or is stopped.
func jenkinsDeployStarts(s *State, b *jenkinsBuild) {
	if b.Result != "SUCCESS" || b.param("DRY_RUN") == "true" {
		return
	}
	d := s.Facts.BeginDeploy(b.param("COMPONENT"), b.param("VERSION"), b.Number, b.Start)
	b.End = d.BuiltAt
}

// blocker is the running build that an item waits for.
func (i *jenkinsItem) blocker(l look) *jenkinsBuild {
	for _, b := range l.j.job(i.Job).Builds {
		if b.begun(l.now) && b.running(l.now) {
			return b
		}
	}
	return nil
}

func (i *jenkinsItem) json(l look) obj {
	job := l.j.job(i.Job)
	params := []obj{}
	text := ""
	for _, p := range i.Params {
		params = append(params, obj{"_class": "hudson.model.StringParameterValue", "name": p.Name, "value": p.Value})
		text += "\n" + p.Name + "=" + p.Value
	}
	o := obj{"_class": "hudson.model.Queue$BuildableItem", "id": i.ID, "blocked": false, "buildable": false, "stuck": false, "inQueueSince": i.Since.UnixMilli(),
		"params": text, "url": fmt.Sprintf("queue/item/%d/", i.ID), "why": nil,
		"task": obj{"_class": job.class(), "name": jenkinsShort(job.Name), "url": job.url(), "color": job.color(l.now)},
		"actions": []obj{{"_class": "hudson.model.ParametersAction", "parameters": params},
			{"_class": "hudson.model.CauseAction", "causes": []obj{{"_class": "hudson.model.Cause$UserIdCause", "shortDescription": "Started by user " + i.User, "userId": i.User, "userName": i.User}}}}}
	switch b := i.blocker(l); {
	case !i.waiting(l.now):
		o["_class"], o["cancelled"], o["executable"] = "hudson.model.Queue$LeftItem", !i.Cancelled.IsZero(), nil
		if i.Cancelled.IsZero() && l.now.Sub(i.Start) >= leftNull {
			o["executable"] = obj{"_class": job.runClass(), "number": i.Build, "url": fmt.Sprintf("%s%d/", job.url(), i.Build)}
		}
	case l.now.Before(i.Ready):
		o["_class"], o["timestamp"] = "hudson.model.Queue$WaitingItem", i.Ready.UnixMilli()
		o["why"] = fmt.Sprintf("In the quiet period. Expires in %.1f sec", i.Ready.Sub(l.now).Seconds())
	case b != nil:
		o["_class"], o["blocked"], o["buildableStartMilliseconds"] = "hudson.model.Queue$BlockedItem", true, i.Ready.UnixMilli()
		o["why"] = fmt.Sprintf("Build #%d is already in progress (ETA: %d sec)", b.Number, int(b.End.Sub(l.now).Seconds())+1)
	default:
		o["buildable"], o["pending"], o["buildableStartMilliseconds"] = true, false, i.Ready.UnixMilli()
		o["why"] = "Waiting for next available executor"
		o["stuck"] = l.now.Sub(i.Ready) > time.Minute
	}
	return o
}

func (j *jenkinsServer) queue(rw http.ResponseWriter, r *http.Request, l look) {
	items := []obj{}
	for _, i := range l.j.Queue {
		if i.waiting(l.now) {
			items = append(items, i.json(l))
		}
	}
	writeTree(rw, r, obj{"_class": "hudson.model.Queue", "items": items})
}

func (j *jenkinsServer) queueItem(rw http.ResponseWriter, r *http.Request, l look, ref string) {
	id, err := strconv.ParseInt(ref, 10, 64)
	at := slices.IndexFunc(l.j.Queue, func(i *jenkinsItem) bool { return i.ID == id })
	if err != nil || at < 0 || l.j.Quirks.QueueForgets {
		jenkinsNotFound(rw)
		return
	}
	writeTree(rw, r, l.j.Queue[at].json(l))
}

func (j *jenkinsServer) cancelItem(rw http.ResponseWriter, r *http.Request) {
	if !postOnly(rw, r) {
		return
	}
	id, _ := strconv.ParseInt(r.FormValue("id"), 10, 64)
	found := false
	err := j.w.update(func(s *State) error {
		st := part[jenkinsState](s)
		for _, i := range st.Queue {
			if i.ID == id && i.waiting(s.Now) {
				i.Cancelled, found = s.Now, true
			}
		}
		st.plan(s)
		return nil
	})
	switch {
	case err != nil:
		failed(rw, err)
	case !found:
		rw.WriteHeader(http.StatusNotFound)
	default:
		rw.WriteHeader(http.StatusNoContent)
	}
}

// start answers POST /build and /buildWithParameters by section 5's table.
func (j *jenkinsServer) start(rw http.ResponseWriter, r *http.Request, full string, withParams bool) {
	if !postOnly(rw, r) {
		return
	}
	_ = r.ParseForm()
	var item *jenkinsItem
	var q JenkinsQuirks
	status := http.StatusCreated
	err := j.w.update(func(s *State) error {
		st := part[jenkinsState](s)
		q = st.Quirks
		job := st.job(full)
		params, verdict := job.startWith(r, withParams, q)
		if verdict != 0 {
			status = verdict
			return nil
		}
		for _, i := range st.Queue {
			if i.Job == full && i.waiting(s.Now) && slices.Equal(i.Params, params) {
				status, item = http.StatusSeeOther, i
				return nil
			}
		}
		st.NextItem++
		quiet := quietPeriod
		if d, ok := strings.CutSuffix(r.FormValue("delay"), "sec"); ok {
			if n, err := strconv.Atoi(d); err == nil {
				quiet = time.Duration(n) * time.Second
			}
		}
		item = &jenkinsItem{ID: st.NextItem, Job: full, Since: s.Now, Ready: s.Now.Add(quiet), User: JenkinsUser, Params: params}
		st.Queue = append(st.Queue, item)
		st.plan(s)
		return nil
	})
	if err != nil {
		failed(rw, err)
		return
	}
	j.startAnswer(rw, r, q, full, status, item)
}

// startWith checks a start and returns its whole set of parameters, or the
// status of the refusal: permission, buildable, parameterised, values.
func (j *jenkinsJob) startWith(r *http.Request, withParams bool, q JenkinsQuirks) ([]jenkinsParam, int) {
	defs := j.definitions()
	switch {
	case q.DenyBuild:
		return nil, http.StatusForbidden
	case j.Disabled:
		return nil, http.StatusConflict
	case withParams == (len(defs) == 0):
		return nil, http.StatusBadRequest
	case q.FailStarts:
		return nil, http.StatusInternalServerError
	}
	params := []jenkinsParam{}
	for _, d := range defs { // unknown names are not looked at
		given := r.Form[d.Name]
		if len(given) > 1 {
			return nil, http.StatusInternalServerError
		}
		value := d.Default
		if len(given) == 1 {
			value = given[0]
		}
		if d.Choices != nil && !slices.Contains(d.Choices, value) {
			return nil, http.StatusInternalServerError
		}
		params = append(params, jenkinsParam{d.Name, value})
	}
	if q.RefuseStarts {
		return nil, http.StatusFound
	}
	return params, 0
}

func (j *jenkinsServer) startAnswer(rw http.ResponseWriter, r *http.Request, q JenkinsQuirks, full string, status int, item *jenkinsItem) {
	switch status {
	case http.StatusCreated, http.StatusSeeOther:
		rw.Header().Set("Location", j.location(r, q, fmt.Sprintf("/queue/item/%d/", item.ID)))
		rw.WriteHeader(status)
	case http.StatusFound:
		rw.Header().Set("Location", j.location(r, q, "/"+jenkinsPath(full)))
		rw.WriteHeader(status)
	case http.StatusForbidden:
		rw.Header().Set("X-You-Are-Authenticated-As", JenkinsUser)
		rw.Header().Set("X-Required-Permission", "hudson.model.Item.Build")
		htmlPage(rw, status, "Jenkins", "<h1>Access Denied</h1><p>you is missing the Job/Build permission</p>")
	case http.StatusConflict:
		htmlPage(rw, status, "Error 409 Conflict", jenkinsShort(full)+" is not buildable")
	case http.StatusBadRequest:
		text := jenkinsShort(full) + " is not parameterized"
		if strings.HasSuffix(r.URL.Path, "/build") {
			text = "This page expects a form submission but had only [delay]"
		}
		htmlPage(rw, status, "Error 400 Bad Request", text)
	default:
		jenkinsOops(rw)
	}
}

func (j *jenkinsServer) stop(rw http.ResponseWriter, r *http.Request, full string, number int) {
	if !postOnly(rw, r) {
		return
	}
	err := j.w.update(func(s *State) error {
		st := part[jenkinsState](s)
		b := st.job(full).find(s.Now, itoa(number))
		if b == nil || !b.running(s.Now) {
			return nil
		}
		b.undo(s, full)
		b.Stopped, b.End, b.Result, b.By = s.Now, s.Now.Add(200*time.Millisecond), "ABORTED", JenkinsUser
		st.plan(s)
		return nil
	})
	if err != nil {
		failed(rw, err)
		return
	}
	rw.Header().Set("Location", SelfURL(r)+"/"+jenkinsPath(full)+itoa(number)+"/")
	rw.WriteHeader(http.StatusFound)
}

// CancelJenkinsQueue takes every waiting start out of the queue, as a person on
// Jenkins' page does, and returns how many there were.
func (w *World) CancelJenkinsQueue() int {
	n := 0
	_ = w.update(func(s *State) error {
		st := part[jenkinsState](s)
		for _, i := range st.Queue {
			if i.waiting(s.Now) {
				i.Cancelled = s.Now
				n++
			}
		}
		st.plan(s)
		return nil
	})
	return n
}
