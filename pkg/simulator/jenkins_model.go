package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

type jenkinsJob struct {
	Name      string          `json:"name"`
	Disabled  bool            `json:"disabled"`
	Next      int             `json:"next"`
	Freestyle bool            `json:"freestyle"`
	Builds    []*jenkinsBuild `json:"builds"` // oldest first
}

type jenkinsParam struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type jenkinsBuild struct {
	Number  int            `json:"number"`
	QueueID int64          `json:"queueId"`
	Queued  time.Time      `json:"queued"`
	Start   time.Time      `json:"start"`
	End     time.Time      `json:"end"`
	Result  string         `json:"result"` // once End is past
	Story   string         `json:"story"`  // what the console tells, see consoleOf
	User    string         `json:"user"`   // "" is the timer
	Params  []jenkinsParam `json:"params"`
	Windows bool           `json:"windows,omitempty"`
	// Stopped is when somebody aborted it.
	Stopped time.Time `json:"stopped,omitzero"`
	By      string    `json:"by,omitempty"`
}

func (b *jenkinsBuild) running(now time.Time) bool { return now.Before(b.End) }

// begun reports whether the build is there yet: builds are planned ahead.
func (b *jenkinsBuild) begun(now time.Time) bool { return !now.Before(b.Start) }

// builds are those that are there, oldest first.
func (j *jenkinsJob) builds(now time.Time) []*jenkinsBuild {
	out := make([]*jenkinsBuild, 0, len(j.Builds))
	for _, b := range j.Builds {
		if b.begun(now) {
			out = append(out, b)
		}
	}
	return out
}

// next is the number that the next build to start will have.
func (j *jenkinsJob) next(now time.Time) int {
	n := j.Next
	for _, b := range j.Builds {
		if !b.begun(now) {
			n = min(n, b.Number)
		}
	}
	return n
}

func (b *jenkinsBuild) param(name string) string {
	for _, p := range b.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// find resolves a number or a permalink.
func (j *jenkinsJob) find(now time.Time, ref string) *jenkinsBuild {
	if j.Name == JobConsole {
		return hugeBuild(ref)
	}
	var fits func(*jenkinsBuild) bool
	done := func(b *jenkinsBuild) bool { return !b.running(now) }
	switch ref {
	case "lastBuild":
		fits = func(*jenkinsBuild) bool { return true }
	case "lastCompletedBuild":
		fits = done
	case "lastSuccessfulBuild":
		fits = func(b *jenkinsBuild) bool { return done(b) && (b.Result == "SUCCESS" || b.Result == "UNSTABLE") }
	case "lastStableBuild":
		fits = func(b *jenkinsBuild) bool { return done(b) && b.Result == "SUCCESS" }
	case "lastFailedBuild":
		fits = func(b *jenkinsBuild) bool { return done(b) && b.Result == "FAILURE" }
	case "lastUnstableBuild":
		fits = func(b *jenkinsBuild) bool { return done(b) && b.Result == "UNSTABLE" }
	case "lastUnsuccessfulBuild":
		fits = func(b *jenkinsBuild) bool { return done(b) && b.Result != "SUCCESS" }
	default:
		n, err := strconv.Atoi(ref)
		fits = func(b *jenkinsBuild) bool { return err == nil && b.Number == n }
	}
	for _, b := range slices.Backward(j.builds(now)) {
		if fits(b) {
			return b
		}
	}
	return nil
}

// definition is a parameter that a job declares.
type jenkinsDefinition struct {
	Name, Type, Description, Default string
	Choices                          []string
}

func (j *jenkinsJob) definitions() []jenkinsDefinition {
	switch j.Name {
	case JobE2E:
		return []jenkinsDefinition{
			{"DEVICE", "ChoiceParameterDefinition", "device type to test", "qemux86-64", []string{"qemux86-64", "raspberrypi4-64", "genericx86-64-ext"}},
			{"OS_VERSION", "StringParameterDefinition", "balenaOS version", "6.4.1", nil},
			{"DEBUG", "BooleanParameterDefinition", "", "false", nil},
		}
	case JobDeploy:
		return []jenkinsDefinition{
			{"COMPONENT", "ChoiceParameterDefinition", "what to deploy", "api", []string{"api", "builder", "registry", "ui"}},
			{"VERSION", "StringParameterDefinition", "", "", nil},
			{"DRY_RUN", "BooleanParameterDefinition", "", "false", nil},
		}
	case JobStaging:
		return []jenkinsDefinition{
			{"COMPONENT", "ChoiceParameterDefinition", "what to put into staging", "api", []string{"api"}},
			{"VERSION", "StringParameterDefinition", "", "", nil},
			{"HOLD", "BooleanParameterDefinition", "take the automation's mark away in the same commit", "false", nil},
			{"REASON", "StringParameterDefinition", "", "", nil},
		}
	}
	return nil
}

func (d jenkinsDefinition) value(v string) any {
	if d.Type == "BooleanParameterDefinition" {
		return v == "true"
	}
	return v
}

func (d jenkinsDefinition) valueClass() string {
	if d.Type == "BooleanParameterDefinition" {
		return "hudson.model.BooleanParameterValue"
	}
	return "hudson.model.StringParameterValue"
}

func (d jenkinsDefinition) json() obj {
	o := obj{"_class": "hudson.model." + d.Type, "name": d.Name, "type": d.Type, "description": d.Description,
		"defaultParameterValue": obj{"_class": d.valueClass(), "name": d.Name, "value": d.value(d.Default)}}
	if d.Choices != nil {
		o["choices"] = d.Choices
	}
	return o
}

func (j *jenkinsJob) class() string {
	if j.Freestyle {
		return "hudson.model.FreeStyleProject"
	}
	return "org.jenkinsci.plugins.workflow.job.WorkflowJob"
}

func (j *jenkinsJob) runClass() string {
	if j.Freestyle {
		return "hudson.model.FreeStyleBuild"
	}
	return "org.jenkinsci.plugins.workflow.job.WorkflowRun"
}

func (j *jenkinsJob) url() string { return JenkinsRoot + jenkinsPath(j.Name) }

func (j *jenkinsJob) json(l look) obj {
	var builds []obj
	here := j.builds(l.now)
	for _, b := range slices.Backward(here) {
		builds = append(builds, b.json(j, l))
	}
	defs := []obj{}
	for _, d := range j.definitions() {
		defs = append(defs, d.json())
	}
	o := obj{"_class": j.class(), "name": jenkinsShort(j.Name), "displayName": jenkinsShort(j.Name), "fullName": j.Name, "url": j.url(), "description": nil,
		"buildable": !j.Disabled, "disabled": j.Disabled, "inQueue": false, "queueItem": nil, "nextBuildNumber": j.next(l.now), "concurrentBuild": false,
		"color": j.color(l.now), "builds": builds[:min(100, len(builds))], "allBuilds": builds,
		"property": []obj{{"_class": "jenkins.model.BuildDiscarderProperty"}, {"_class": "hudson.model.ParametersDefinitionProperty", "parameterDefinitions": defs}}}
	if len(defs) == 0 {
		o["property"] = []obj{{"_class": "jenkins.model.BuildDiscarderProperty"}}
	}
	for _, i := range l.j.Queue {
		if i.Job == j.Name && i.waiting(l.now) {
			o["inQueue"], o["queueItem"] = true, i.json(l)
		}
	}
	for _, link := range []string{"lastBuild", "lastCompletedBuild", "lastSuccessfulBuild", "lastStableBuild", "lastFailedBuild", "lastUnstableBuild", "lastUnsuccessfulBuild"} {
		o[link] = nil
		if b := j.find(l.now, link); b != nil {
			o[link] = b.json(j, l)
		}
	}
	o["firstBuild"] = nil
	if len(here) > 0 {
		o["firstBuild"] = here[0].json(j, l)
	}
	return o
}

func (j *jenkinsJob) color(now time.Time) string {
	if j.Disabled {
		return "disabled"
	}
	color, anime := "notbuilt", ""
	if b := j.find(now, "lastBuild"); b != nil && b.running(now) {
		anime = "_anime"
	}
	if b := j.find(now, "lastCompletedBuild"); b != nil {
		color = map[string]string{"SUCCESS": "blue", "UNSTABLE": "yellow", "FAILURE": "red", "ABORTED": "aborted"}[b.Result]
		if color == "" {
			color = "notbuilt"
		}
	}
	return color + anime
}

// estimate is the mean of what builds took.
func (j *jenkinsJob) estimate() int64 {
	switch j.Name {
	case JobE2E:
		return E2EDuration.Milliseconds()
	case JobDeploy, JobStaging:
		return (3 * time.Minute).Milliseconds()
	}
	return -1
}

func (b *jenkinsBuild) json(j *jenkinsJob, l look) obj {
	running := b.running(l.now)
	var result any
	duration := int64(0)
	if !running {
		result, duration = b.Result, b.End.Sub(b.Start).Milliseconds()
		if b.Result == "null" {
			result = nil
		}
	}
	cause := obj{"_class": "hudson.triggers.TimerTrigger$TimerTriggerCause", "shortDescription": "Started by timer"}
	if b.User != "" {
		cause = obj{"_class": "hudson.model.Cause$UserIdCause", "shortDescription": "Started by user " + b.User, "userId": b.User, "userName": b.User}
	}
	actions := []obj{{"_class": "hudson.model.CauseAction", "causes": []obj{cause}}, {}}
	if params := b.paramsJSON(j); len(params) > 0 {
		actions = append(actions, obj{"_class": "hudson.model.ParametersAction", "parameters": params})
	}
	if t := b.tests(); !running && t.total > 0 && !l.j.Quirks.NoTests {
		actions = append(actions, obj{"_class": "hudson.tasks.junit.TestResultAction", "failCount": t.failed, "skipCount": t.skipped, "totalCount": t.total, "urlName": "testReport"})
	}
	o := obj{"_class": j.runClass(), "number": b.Number, "id": itoa(b.Number), "url": fmt.Sprintf("%s%d/", j.url(), b.Number),
		"displayName": fmt.Sprintf("#%d", b.Number), "fullDisplayName": fmt.Sprintf("%s #%d", j.Name, b.Number), "description": nil,
		"building": running, "inProgress": running, "result": result, "timestamp": b.Queued.UnixMilli(), "duration": duration,
		"estimatedDuration": j.estimate(), "queueId": b.QueueID, "keepLog": false, "executor": nil, "artifacts": []obj{}, "actions": actions,
		"previousBuild": nil, "nextBuild": nil}
	if running {
		o["estimatedDuration"] = b.End.Sub(b.Start).Milliseconds()
		progress := int64(100) * l.now.Sub(b.Start).Milliseconds() / max(1, b.End.Sub(b.Start).Milliseconds())
		o["executor"] = obj{"likelyStuck": false, "progress": progress}
	}
	for _, other := range j.builds(l.now) {
		switch other.Number {
		case b.Number - 1:
			o["previousBuild"] = obj{"number": other.Number, "url": fmt.Sprintf("%s%d/", j.url(), other.Number)}
		case b.Number + 1:
			o["nextBuild"] = obj{"number": other.Number, "url": fmt.Sprintf("%s%d/", j.url(), other.Number)}
		}
	}
	return o
}

func (b *jenkinsBuild) paramsJSON(j *jenkinsJob) []obj {
	out := []obj{}
	for _, d := range j.definitions() {
		out = append(out, obj{"_class": d.valueClass(), "name": d.Name, "value": d.value(b.param(d.Name))})
	}
	return out
}

func (j *jenkinsServer) root(rw http.ResponseWriter, r *http.Request, l look) {
	jobs := []obj{folderJSON(l)}
	for _, job := range l.j.Jobs {
		if job.Name == jenkinsShort(job.Name) {
			jobs = append(jobs, job.item(l))
		}
	}
	writeTree(rw, r, obj{"_class": "hudson.model.Hudson", "mode": "NORMAL", "nodeDescription": "the Jenkins controller's built-in node", "numExecutors": 0,
		"quietingDown": false, "useCrumbs": true, "useSecurity": true, "url": JenkinsRoot, "jobs": jobs, "views": []obj{{"_class": "hudson.model.AllView", "name": "all", "url": JenkinsRoot}}})
}

// item is the job as a list shows it.
func (j *jenkinsJob) item(l look) obj {
	return obj{"_class": j.class(), "name": jenkinsShort(j.Name), "fullName": j.Name, "url": j.url(), "color": j.color(l.now)}
}

func folderJSON(l look) obj {
	jobs := []obj{}
	for _, job := range l.j.Jobs {
		if job.Name != jenkinsShort(job.Name) {
			jobs = append(jobs, job.item(l))
		}
	}
	return obj{"_class": "com.cloudbees.hudson.plugins.folder.Folder", "name": JenkinsFolder, "fullName": JenkinsFolder,
		"url": JenkinsRoot + jenkinsPath(JenkinsFolder), "jobs": jobs}
}

func (j *jenkinsServer) folder(rw http.ResponseWriter, r *http.Request, l look) {
	writeTree(rw, r, folderJSON(l))
}
