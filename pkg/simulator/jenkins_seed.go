package simulator

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The stories that a console tells.
const (
	storyPass      = "pass"
	storyKernel    = "kernel"  // the kernel module and what depends on it
	storyNetwork   = "network" // an UNSTABLE build: the registry's name did not resolve
	storyAgentLost = "agent"   // the agent went away
	storyDeploy    = "deploy"
	storyHuge      = "huge"
)

// e2eStories are the builds of the seed that did not just pass. The kernel
// step fails in 7 of the 40 and passes in the build after 6 of them.
var e2eStories = map[int]string{
	9087: storyKernel, 9093: storyKernel, 9096: storyNetwork, 9099: storyKernel, 9104: storyKernel,
	9110: storyKernel, 9114: storyNetwork, 9117: storyKernel, 9122: storyAgentLost, E2ELastBuild: storyKernel,
}

func storyResult(story string) string {
	switch story {
	case storyKernel, storyHuge:
		return "FAILURE"
	case storyNetwork:
		return "UNSTABLE"
	case storyAgentLost:
		return "ABORTED"
	}
	return "SUCCESS"
}

func seedJenkins(s *State, j *jenkinsState) {
	j.Sessions = map[string]bool{}
	j.NextItem = 88000
	e2e := &jenkinsJob{Name: JobE2E, Next: E2ELastBuild + 1}
	for n := E2EFirstBuild; n <= E2ELastBuild; n++ {
		story := e2eStories[n]
		if story == "" {
			story = storyPass
		}
		end := s.Facts.E2EBuildEnd(n)
		b := &jenkinsBuild{Number: n, Start: end.Add(-E2EDuration), End: end, Result: storyResult(story), Story: story,
			Params: []jenkinsParam{{"DEVICE", "qemux86-64"}, {"OS_VERSION", "6.4.1"}, {"DEBUG", "false"}}}
		j.enqueue(b, 2*time.Second)
		e2e.Builds = append(e2e.Builds, b)
	}
	deploy := &jenkinsJob{Name: JobDeploy, Next: DeployBadBuild + 1}
	for _, d := range s.Facts.Deploys {
		b := &jenkinsBuild{Number: d.Build, Start: d.StartedAt, End: d.BuiltAt, Result: "SUCCESS", Story: storyDeploy, User: UserManager,
			Params: []jenkinsParam{{"COMPONENT", d.Component}, {"VERSION", d.To}, {"DRY_RUN", "false"}}}
		j.enqueue(b, 5*time.Second)
		deploy.Builds = append(deploy.Builds, b)
	}
	j.Jobs = []*jenkinsJob{deploy, e2e, {Name: JobStaging, Next: stagingFirstBuild}, {Name: JenkinsFolder + "/" + JobNightly, Disabled: true, Freestyle: true, Next: 1}}
}

// enqueue gives a build of the past its queue id and time.
func (j *jenkinsState) enqueue(b *jenkinsBuild, quiet time.Duration) {
	j.NextItem++
	b.QueueID, b.Queued = j.NextItem, b.Start.Add(-quiet)
}

func jenkinsShort(full string) string { return full[strings.LastIndexByte(full, '/')+1:] }

func jenkinsPath(full string) string {
	var b strings.Builder
	for _, s := range strings.Split(full, "/") {
		fmt.Fprintf(&b, "job/%s/", url.PathEscape(s))
	}
	return b.String()
}

// hugeJob is JobConsole, and hugeBuild its build of as many MiB as its number.
func hugeJob() *jenkinsJob { return &jenkinsJob{Name: JobConsole, Next: 1} }

func hugeBuild(ref string) *jenkinsBuild {
	mib := 0
	if _, err := fmt.Sscanf(ref, "%d", &mib); err != nil || mib < 1 || mib > 64<<10 || itoa(mib) != ref {
		return nil
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &jenkinsBuild{Number: mib, QueueID: -1, Queued: at, Start: at, End: at.Add(time.Hour), Result: "FAILURE", Story: storyHuge}
}
