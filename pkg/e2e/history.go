package e2e

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/jenkins"
)

// StepHistory is how a step fared over builds.
type StepHistory struct {
	Step   string `json:"step"` // suite and name
	Runner string `json:"runner"`
	Looked int    `json:"looked"` // finished builds that were looked at
	Builds int    `json:"builds"` // those in which it has a verdict
	Failed int    `json:"failed"`
	Passed int    `json:"passed"`
	// Recovered are failures after which the next build with equal parameters,
	// or a later try in the same build, passed the step.
	Recovered  int       `json:"recovered"`
	Flaky      bool      `json:"flaky"` // both verdicts with equal parameters
	LastFailed int       `json:"lastFailed"`
	LastSeen   time.Time `json:"lastSeenAt"` // when that build was queued
	Trend      Trend     `json:"trend"`
	// Unread are builds that ended badly and whose consoles were not read: the
	// counts leave them out.
	Unread int `json:"unread"`
}

// Trend compares the newer half of the builds with the older one.
type Trend string

// The trends.
const (
	Rising  Trend = "rising"
	Falling Trend = "falling"
	Steady  Trend = "steady"
	NoTrend Trend = "" // too few builds
)

// verdict of a step in a build.
type verdict int

const (
	none verdict = iota
	passed
	failed
	recovered // failed, and passed later in the same build
)

// Statistics says of every step that failed in builds how it fared in all of
// them. Builds may be in any order; reports are by number, and a build that
// ended badly without one is counted as unread.
//
// A step passed where its build is green, or where its runner ran to the end
// and does not name it among the failures. Aborted builds say nothing of steps
// that they do not name.
func Statistics(builds []jenkins.Build, reports map[int]*Report) []StepHistory {
	finished := slices.DeleteFunc(slices.Clone(builds), func(b jenkins.Build) bool { return !b.Finished() || b.Result == jenkins.NotBuilt })
	slices.SortFunc(finished, func(a, b jenkins.Build) int { return a.Number - b.Number })
	steps := map[string]*StepHistory{}
	var order []*StepHistory
	for _, b := range finished {
		r := reports[b.Number]
		if r == nil {
			continue
		}
		for _, list := range [][]Step{r.Failures, r.Recovered} {
			for _, s := range list {
				if s.Runner == RunnerJenkins && len(r.Failures) > 0 && r.Failures[0].Runner != RunnerJenkins {
					continue
				}
				k := s.Full()
				if steps[k] == nil {
					steps[k] = &StepHistory{Step: k, Runner: s.Runner}
					order = append(order, steps[k])
				}
			}
		}
	}
	verdicts := verdictsOf(finished, reports)
	out := []StepHistory{}
	for _, h := range order {
		h.count(finished, verdicts)
		out = append(out, *h)
	}
	slices.SortStableFunc(out, func(a, b StepHistory) int {
		return cmp.Or(b.Failed-a.Failed, b.Recovered-a.Recovered, b.LastFailed-a.LastFailed, strings.Compare(a.Step, b.Step))
	})
	return out
}

// HistoryOf is Statistics of one step, which need not have failed in builds.
func HistoryOf(step Step, builds []jenkins.Build, reports map[int]*Report) StepHistory {
	for _, h := range Statistics(builds, reports) {
		if h.Step == step.Full() {
			return h
		}
	}
	return StepHistory{Step: step.Full(), Runner: step.Runner}
}

// judged is what is known of one build.
type judged struct {
	build  jenkins.Build
	unread bool
	silent bool // nothing is known of steps that are not named
	named  map[string]verdict
	ran    map[string]bool // runners
}

func verdictsOf(builds []jenkins.Build, reports map[int]*Report) []judged {
	out := make([]judged, len(builds))
	for i, b := range builds {
		j := judged{build: b, named: map[string]verdict{}, ran: map[string]bool{}}
		r := reports[b.Number]
		switch {
		case r != nil:
			for _, s := range r.Recovered {
				j.named[s.Full()] = recovered
			}
			for _, s := range r.Failures {
				j.named[s.Full()] = failed
			}
			for _, t := range r.Runners {
				j.ran[t.Runner] = t.Passed > 0
			}
			j.silent = b.Result == jenkins.Aborted || r.More > 0
		case b.Result != jenkins.Success:
			j.unread = true
		}
		out[i] = j
	}
	return out
}

func (j judged) of(h *StepHistory) verdict {
	if v := j.named[h.Step]; v != none {
		return v
	}
	switch {
	case j.unread, j.silent:
		return none
	case j.build.Result == jenkins.Success:
		return passed
	case j.ran[h.Runner]:
		return passed
	}
	return none
}

func (h *StepHistory) count(builds []jenkins.Build, all []judged) {
	var line []verdict
	h.Looked = len(all)
	for i, j := range all {
		if j.unread {
			h.Unread++
		}
		v := j.of(h)
		if v == none {
			continue
		}
		h.Builds++
		line = append(line, v)
		switch v {
		case passed:
			h.Passed++
		case recovered:
			h.Recovered++
			h.Failed++
			h.Flaky = true
		case failed:
			h.Failed++
			if next := nextEqual(all[i+1:], j.build, h); next == passed || next == recovered {
				h.Recovered++
				h.Flaky = true
			}
		}
		if v != passed {
			h.LastFailed, h.LastSeen = builds[i].Number, builds[i].Queued
		}
	}
	h.Trend = trendOf(line)
}

// nextEqual is the step's verdict in the next build that ran with the same
// parameters and says something of it.
func nextEqual(later []judged, b jenkins.Build, h *StepHistory) verdict {
	for _, j := range later {
		if jenkins.SameParameters(j.build.Parameters, b.Parameters) {
			if v := j.of(h); v != none {
				return v
			}
		}
	}
	return none
}

// trendOf wants eight verdicts, and a difference of a tenth of the share.
func trendOf(line []verdict) Trend {
	if len(line) < 8 {
		return NoTrend
	}
	share := func(part []verdict) float64 {
		n := 0
		for _, v := range part {
			if v != passed {
				n++
			}
		}
		return float64(n) / float64(len(part))
	}
	older, newer := share(line[:len(line)/2]), share(line[len(line)/2:])
	switch d := newer - older; {
	case d >= 0.1:
		return Rising
	case d <= -0.1:
		return Falling
	}
	return Steady
}
