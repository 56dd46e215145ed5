package deploy

import (
	"fmt"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/gitops"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// Run is a version that was in force for a while.
type Run struct {
	Version string     `json:"version"`
	Since   time.Time  `json:"since"`
	Until   *time.Time `json:"until,omitempty"` // nil: it is in force
	By      string     `json:"by,omitempty"`    // who started the build, else who committed
	Commit  string     `json:"commit,omitempty"`
	Subject string     `json:"subject,omitempty"`
	Build   int        `json:"build,omitempty"`
	URL     string     `json:"url,omitempty"` // of the build
	// Rollback: it was put there by going back to a version that ran before.
	Rollback bool `json:"rollback"`
	// RolledBack: it was itself left by going back.
	RolledBack bool `json:"rolledBack"`
	// Undone: it was a rollback, and a version that had been rolled back was put
	// there again after it.
	Undone bool `json:"undone"`

	change *gitops.Change
}

// Lasted is how long the version was in force, up to now.
func (r Run) Lasted(now time.Time) time.Duration {
	if r.Until != nil {
		return r.Until.Sub(r.Since)
	}
	return now.Sub(r.Since)
}

// buildSlack is how far a commit may lie from the end of the build that made it.
const buildSlack = 10 * time.Minute

// timeline merges the changes of the value with the builds that made them, newest
// first. Without changes the successful builds are the timeline.
func timeline(changes []gitops.Change, builds []jenkins.Build, version func(jenkins.Build) string) []Run {
	out := []Run{}
	used := map[int]bool{}
	for i := range changes {
		c := &changes[i]
		r := Run{Version: c.Version, Since: c.Time, By: c.Author, Commit: c.ID, Subject: c.Subject, change: c}
		best := -1
		for j, b := range builds {
			if used[b.Number] || b.Result != jenkins.Success || version(b) != c.Version || away(b, c.Time) > buildSlack {
				continue
			}
			if best < 0 || away(b, c.Time) < away(builds[best], c.Time) {
				best = j
			}
		}
		if best >= 0 {
			b := builds[best]
			used[b.Number] = true
			r.Build, r.URL = b.Number, b.URL
			if who := b.StartedBy(); who != "" {
				r.By = who
			}
		}
		out = append(out, r)
	}
	if len(changes) == 0 {
		out = fromBuilds(builds, version)
	}
	mark(out)
	return out
}

// away is how far t lies outside of the build's time.
func away(b jenkins.Build, t time.Time) time.Duration {
	switch end := ended(b); {
	case t.Before(b.Queued):
		return b.Queued.Sub(t)
	case t.After(end):
		return t.Sub(end)
	}
	return 0
}

func ended(b jenkins.Build) time.Time { return b.Queued.Add(b.Duration()) }

func fromBuilds(builds []jenkins.Build, version func(jenkins.Build) string) []Run {
	out := []Run{}
	for _, b := range slices.Backward(builds) { // oldest first
		v := version(b)
		if b.Result != jenkins.Success || b.Building || v == "" || len(out) > 0 && out[len(out)-1].Version == v {
			continue
		}
		out = append(out, Run{Version: v, Since: ended(b), By: b.StartedBy(), Build: b.Number, URL: b.URL})
	}
	slices.Reverse(out)
	return out
}

// mark fills Until, Rollback, RolledBack and Undone. Going back is recognised by the
// order in which versions first appeared, so it needs no reading of versions.
func mark(runs []Run) {
	first := map[string]int{}
	n := 0
	for i := len(runs) - 1; i >= 0; i-- {
		if _, seen := first[runs[i].Version]; !seen {
			first[runs[i].Version] = n
			n++
		}
	}
	for i := range runs {
		if i > 0 {
			until := runs[i-1].Since
			runs[i].Until = &until
		}
		if i+1 < len(runs) && first[runs[i].Version] < first[runs[i+1].Version] {
			runs[i].Rollback, runs[i+1].RolledBack = true, true
		}
	}
	bad := map[string]bool{}
	for i := len(runs) - 1; i >= 0; i-- {
		if runs[i].RolledBack {
			bad[runs[i].Version] = true
		}
		runs[i].Undone = runs[i].Rollback && i > 0 && bad[runs[i-1].Version]
	}
}

// Skip is a version that a rollback passed over.
type Skip struct {
	Version string `json:"version"`
	Why     string `json:"why"`
}

// proven is how long a version that was rolled back once must have run later on
// to be trusted again.
const proven = time.Hour

// doubt says why a version is not gone back to, "" for one that may be. runs are
// newest first. What was rolled back is doubted, until it was deployed again and
// ran for longer than it took to be rolled back, and for an hour at least.
func doubt(runs []Run, version string, now time.Time) string {
	failed, back := time.Duration(-1), false
	var since time.Duration // the longest good run after the first bad one
	for _, r := range slices.Backward(runs) {
		switch {
		case r.Version != version:
		case r.RolledBack:
			failed, since, back = max(failed, r.Lasted(now)), 0, false
		case failed >= 0:
			since, back = max(since, r.Lasted(now)), true
		}
	}
	switch {
	case failed < 0, since > failed && since >= proven:
		return ""
	case back:
		return fmt.Sprintf("it was rolled back after %s, and when it came back it ran for %s only", age(failed), age(since))
	}
	return fmt.Sprintf("it was rolled back itself, after %s", age(failed))
}

// Previous is the newest different version that was in force before the current
// one, passing over versions that were themselves rolled back and did not prove
// themselves since. ok is false when there is none.
func Previous(runs []Run, current string, now time.Time) (r Run, skipped []Skip, ok bool) {
	told := map[string]bool{}
	for i, x := range runs {
		if i == 0 || x.Version == current {
			continue
		}
		why := doubt(runs, x.Version, now)
		if why == "" {
			return x, skipped, true
		}
		if !told[x.Version] {
			told[x.Version] = true
			skipped = append(skipped, Skip{x.Version, why})
		}
	}
	return Run{}, skipped, false
}
