package e2e

import (
	"slices"
	"strings"
)

// ended notes Jenkins' last line and what stood in front of it.
func (s *scanner) ended(result string, line int) {
	s.report.Result = result
	s.report.Tail = s.last(line, tailSize)
}

// aborted notes why the build did not end by itself: the first words said.
func (s *scanner) aborted(text string) {
	if s.report.Aborted == "" {
		s.report.Aborted = clip(text, 300)
	}
}

// running notes a step that had begun and has no verdict, the first one told.
func (s *scanner) running(step *Step) {
	if s.report.Running == nil {
		step.After = []ContextLine{}
		s.report.Running = step
	}
}

// finish closes every recogniser and makes the report.
func (s *scanner) finish() *Report {
	s.cur = ln{}
	regions := map[string][][2]int{"": s.main.close()}
	for branch, l := range s.lanes {
		regions[branch] = l.close()
	}
	r := &s.report
	r.Runners, r.Failures, r.Recovered = []Totals{}, []Step{}, []Step{}
	if r.Tail == nil {
		r.Tail = s.last(r.Lines+1, tailSize)
	}
	bad := s.believable(regions)
	slices.SortStableFunc(bad, func(a, b *Step) int { return a.Line - b.Line })
	for _, step := range bad {
		step.Infra = signOf(step)
		step.owed, step.run = 0, 0
		switch {
		case step.Recovered && len(r.Recovered) < maxFailures:
			r.Recovered = append(r.Recovered, *step)
		case step.Recovered:
		case len(r.Failures) < maxFailures:
			r.Failures = append(r.Failures, *step)
		default:
			r.More++
		}
	}
	if !s.stopped() {
		r.Running = nil // the build went on: the step's end was only not seen
	}
	r.Kind, r.Infra = s.kind()
	return r
}

func (l *lane) close() [][2]int {
	l.finish()
	return l.robot.regions
}

func (s *scanner) stopped() bool {
	return s.report.Aborted != "" || s.report.Result == "ABORTED" || s.report.Result == ""
}

// believable are the failures that count: of the test runners; else of
// home-made lines; else Jenkins' own.
func (s *scanner) believable(regions map[string][][2]int) []*Step {
	var tests, plains, own []*Step
	for _, g := range s.order {
		var mine []*Step
		for _, step := range g.steps {
			// What a Robot test prints may look like another runner's verdict.
			if g.Runner != RunnerRobot && inside(regions[step.Branch], step.Line) {
				continue
			}
			mine = append(mine, step)
			if step.Recovered {
				g.Recovered++
			} else {
				g.Failed++
			}
		}
		g.Failed += g.more
		switch g.Runner {
		case RunnerPlain:
			plains = append(plains, mine...)
		case RunnerJenkins:
			own = append(own, mine...)
			continue
		default:
			tests = append(tests, mine...)
			s.report.More += g.more
		}
		if g.Passed+g.Failed+g.Skipped+g.Recovered > 0 && (len(mine) > 0 || g.Runner != RunnerPlain) {
			s.report.Runners = append(s.report.Runners, g.Totals)
		}
	}
	if hasFailure(tests) {
		return tests
	}
	if hasFailure(plains) {
		return append(tests, plains...)
	}
	if s.report.Result != "SUCCESS" && !(s.stopped() && s.report.Running != nil) {
		return append(tests, own...)
	}
	return tests
}

func hasFailure(steps []*Step) bool {
	return slices.ContainsFunc(steps, func(s *Step) bool { return !s.Recovered })
}

func inside(regions [][2]int, line int) bool {
	for _, r := range regions {
		if line > r[0] && line < r[1] {
			return true
		}
	}
	return false
}

// kind decides whose trouble it is.
func (s *scanner) kind() (Kind, string) {
	r := &s.report
	first := r.First()
	late, waiting := "", ""
	for _, l := range r.Tail {
		if late == "" {
			late = signIn(l.Text)
		}
		switch {
		case strings.Contains(l.Text, "Still waiting to schedule task"):
			waiting = "no agent was free"
		case strings.Contains(l.Text, "Running on "):
			waiting = ""
		}
	}
	if late == "" {
		late = waiting
	}
	tests := first != nil && first.Runner != RunnerJenkins
	switch {
	case tests && first.Infra != "":
		return KindInfra, first.Infra
	case tests:
		return KindTest, ""
	case first != nil && first.Infra != "":
		return KindInfra, first.Infra
	case late != "" && (first != nil || s.stopped()):
		return KindInfra, late
	case strings.Contains(strings.ToLower(r.Aborted), "time"):
		return KindTimeout, ""
	case r.Aborted != "" || r.Result == "ABORTED":
		return KindAborted, ""
	case first != nil:
		return KindBuild, ""
	}
	return KindUnknown, late
}
