package simulator

import (
	"net/http"
	"slices"
	"time"
)

// jenkinsStage is a stage with the shares of the build's time in which it ran.
type jenkinsStage struct {
	name     string
	from, to float64
}

func (b *jenkinsBuild) stages(job *jenkinsJob) []jenkinsStage {
	switch job.Name {
	case JobE2E:
		return []jenkinsStage{{"Checkout", 0, 0.01}, {"Build the runner", 0.01, 0.05}, {"autohat " + b.param("DEVICE"), 0.05, 0.99}, {"Cleanup", 0.99, 1}}
	case JobDeploy, JobStaging:
		return []jenkinsStage{{"Check " + b.param("COMPONENT") + " " + b.param("VERSION"), 0, 0.4}, {"Commit", 0.4, 1}}
	}
	return nil
}

// describe is the stage view's answer. Its words are its own: FAILED, not FAILURE.
func (b *jenkinsBuild) describe(job *jenkinsJob, l look, r *http.Request) obj {
	took := b.End.Sub(b.Start)
	stages := []obj{}
	status := map[string]string{"SUCCESS": "SUCCESS", "FAILURE": "FAILED", "UNSTABLE": "UNSTABLE", "ABORTED": "ABORTED", "NOT_BUILT": "NOT_EXECUTED"}[b.Result]
	for i, st := range b.stages(job) {
		start, end := b.Start.Add(time.Duration(st.from*float64(took))), b.Start.Add(time.Duration(st.to*float64(took)))
		if l.now.Before(start) {
			break
		}
		o := obj{"id": itoa(6 + 8*i), "name": st.name, "execNode": "", "status": "SUCCESS", "startTimeMillis": start.UnixMilli(),
			"durationMillis": min(end.Sub(start), l.now.Sub(start)).Milliseconds(), "pauseDurationMillis": 0}
		switch {
		case l.now.Before(end) && b.running(l.now):
			o["status"] = "IN_PROGRESS"
		case job.Name == JobE2E && i == 2 && status != "SUCCESS":
			o["status"] = status
			if b.Story == storyKernel {
				o["error"] = obj{"message": "script returned exit code 3", "type": "hudson.AbortException"}
			}
			if b.Story == storyAgentLost {
				o["error"] = obj{"message": "agent-3 was marked offline: Connection was broken", "type": "org.jenkinsci.plugins.workflow.steps.FlowInterruptedException"}
			}
		}
		if r.URL.Query().Get("fullStages") == "true" {
			o["stageFlowNodes"] = []obj{{"id": itoa(7 + 8*i), "name": "Shell Script", "status": o["status"], "startTimeMillis": start.UnixMilli(), "durationMillis": o["durationMillis"], "pauseDurationMillis": 0}}
		}
		stages = append(stages, o)
		if b.Story == storyAgentLost && i == 2 {
			break
		}
	}
	o := obj{"id": itoa(b.Number), "name": "#" + itoa(b.Number), "status": status, "startTimeMillis": b.Start.UnixMilli(),
		"endTimeMillis": b.End.UnixMilli(), "durationMillis": took.Milliseconds(), "queueDurationMillis": 120, "pauseDurationMillis": 0, "stages": stages}
	if b.running(l.now) {
		o["status"] = "IN_PROGRESS"
		delete(o, "endTimeMillis")
	}
	return o
}

// testReport is the JUnit plugin's, from Robot's xunit output.
func (b *jenkinsBuild) testReport(rw http.ResponseWriter, r *http.Request) {
	t := b.tests()
	if t.total == 0 {
		jenkinsNotFound(rw)
		return
	}
	bad := badTests(b.Story)
	suites := []obj{}
	for _, s := range e2eSuites {
		cases := []obj{}
		for _, name := range s.tests {
			c := obj{"className": s.name, "name": name, "status": "PASSED", "duration": 12.5, "age": 0, "failedSince": 0, "errorDetails": nil, "errorStackTrace": nil}
			if message, ok := bad[name]; ok {
				c["status"], c["age"], c["failedSince"], c["errorDetails"] = "REGRESSION", 1, b.Number, message
			}
			cases = append(cases, c)
		}
		suites = append(suites, obj{"name": s.name, "nodeId": "15", "enclosingBlockNames": []string{"autohat " + b.param("DEVICE")}, "cases": slices.Clone(cases)})
	}
	writeTree(rw, r, obj{"_class": "hudson.tasks.junit.TestResult", "duration": 2400.1, "empty": false, "failCount": t.failed,
		"passCount": t.total - t.failed - t.skipped, "skipCount": t.skipped, "suites": suites})
}
