package simulator

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Staging follows the newest image by itself: an automation as Flux v2's writes
// it into the repository wherever a line carries the mark of an image policy. A
// version that is put there by hand stays only when the same commit takes the
// mark away; else the automation writes its own back at its next round.

// JobStaging puts a version into staging. With HOLD its commit takes the mark of
// the automation away, without it the mark is written again.
const JobStaging = "Deploy-Component-To-Staging"

const (
	// stagingFirstBuild is the number of the first build that somebody starts:
	// the automation did all before it.
	stagingFirstBuild = 301
	// AutomationDelay is from a commit to the automation's next round.
	AutomationDelay = 6 * time.Second
	// automationKeys sets the automation's commits apart from those of builds.
	automationKeys = 100_000
	policyMark     = ` # {"$imagepolicy": "flux-system:api"}`
)

// StagingDeploy is what a build of JobStaging does. Times may lie in the future.
type StagingDeploy struct {
	Component string    `json:"component"`
	To        string    `json:"to"`
	Build     int       `json:"build"`
	Held      bool      `json:"held"` // its commit takes the mark away
	BuiltAt   time.Time `json:"builtAt"`
}

// stagingCommits are the commits of staging's repository up to now, oldest first:
// the automation's before the world began, those of builds, and the automation's
// answers to them.
func (f *Facts) stagingCommits(now time.Time) []repoCommit {
	file := manifests(EnvironmentStaging)[ComponentAPI]
	out := []repoCommit{}
	version, newest := "", newestImage(f, ComponentAPI)
	auto := func(key, to string, at time.Time) {
		version = to
		out = append(out, repoCommit{key: key, path: file.path, text: file.text(to), at: at, appliedAt: at.Add(FluxDelay),
			author: "Flux", email: "flux@example.test", message: fmt.Sprintf("Auto-release %s/balena/%s:%s\n", ImageHost, ComponentAPI, to)})
	}
	for _, d := range f.Deploys {
		if d.Component == ComponentAPI && d.Build <= DeployBadBuild && d.To != version {
			auto(itoa(d.Build), d.To, d.BuiltAt.Add(-stagedBefore))
			out[len(out)-1].appliedAt = d.AppliedAt.Add(-stagedBefore)
		}
	}
	for i, d := range f.Staging {
		if d.BuiltAt.After(now) {
			break
		}
		text := file.text(d.To)
		if d.Held {
			text = strings.ReplaceAll(text, policyMark, "")
		}
		if n := len(out); n > 0 && out[n-1].text == text {
			continue // nothing to commit
		}
		out = append(out, repoCommit{key: itoa(d.Build), path: file.path, text: text, at: d.BuiltAt, appliedAt: d.BuiltAt.Add(FluxDelay),
			author: "Jenkins", email: "jenkins@example.test", message: fmt.Sprintf("%s %s -> %s\n\n%s #%d\n", d.Component, orNothing(version), d.To, JobStaging, d.Build)})
		version = d.To
		round := d.BuiltAt.Add(AutomationDelay)
		disturbed := i+1 < len(f.Staging) && !f.Staging[i+1].BuiltAt.After(round)
		if !d.Held && newest != version && !round.After(now) && !disturbed {
			auto(itoa(automationKeys+d.Build), newest, round)
		}
	}
	return out
}

// newestImage is the highest version of a component in the registry.
func newestImage(f *Facts, component string) string {
	best := ""
	for _, tag := range registryTags(f, component) {
		if best == "" || compareVersions(tag, best) > 0 {
			best = tag
		}
	}
	return best
}

// compareVersions compares the numbers of MAJOR.MINOR.PATCH.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if c := cmp.Compare(m, n); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}
