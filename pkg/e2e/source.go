package e2e

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// Source is what this package needs of Jenkins; *jenkins.Client is one.
type Source interface {
	Builds(ctx context.Context, job jenkins.JobName, from, to int) ([]jenkins.Build, error)
	Console(ctx context.Context, job jenkins.JobName, number int) (io.ReadCloser, error)
	TestReport(ctx context.Context, job jenkins.JobName, number int) (jenkins.TestReport, error)
	RobotReport(ctx context.Context, job jenkins.JobName, number int) (jenkins.RobotReport, error)
	Stages(ctx context.Context, job jenkins.JobName, number int, steps bool) ([]jenkins.Stage, error)
}

// Reader finds out why builds failed, and remembers it for finished builds.
type Reader struct {
	Source Source
	Cache  *Cache // nil remembers nothing
	// Context is how many lines around a verdict are kept, when more than usual;
	// use it without a cache.
	Context int
}

// The context that a report of Reader keeps around its first failures.
const (
	ContextBefore = 20
	ContextAfter  = 40
	// contexts is how many failures keep theirs.
	contexts = 10
)

// Why reads why a build failed: its structured reports and its console, at
// once. The console alone is enough; a report that is not there, or cannot be
// read, is left out, unless the error is one of authorisation or of ctx.
//
// A finished build that was read so before comes out of the cache.
func (r *Reader) Why(ctx context.Context, b jenkins.Build) (*Report, error) {
	if rep := r.Cache.get(b, true); rep != nil {
		return rep, nil
	}
	var s structured
	var wait sync.WaitGroup
	var reportErr, robotErr, stageErr error
	wait.Go(func() { s.tests, reportErr = r.Source.TestReport(ctx, b.Job, b.Number) })
	wait.Go(func() { s.robot, robotErr = r.Source.RobotReport(ctx, b.Job, b.Number) })
	wait.Go(func() { s.stages, stageErr = r.Source.Stages(ctx, b.Job, b.Number, false) })
	rep, err := r.console(ctx, b)
	wait.Wait()
	if err != nil {
		return rep, err
	}
	whole := true
	for _, err := range []error{reportErr, robotErr, stageErr} {
		if errors.Is(err, apierr.ErrAuth) || ctx.Err() != nil {
			return rep, err
		}
		// What is not published stays so; what did not answer may do so the next time.
		whole = whole && (err == nil || errors.Is(err, apierr.ErrNotFound) || errors.Is(err, apierr.ErrUnsupported))
	}
	if !whole {
		r.Cache.put(b, rep, false)
	}
	s.merge(rep)
	if whole {
		r.Cache.put(b, rep, true)
	}
	return rep, nil
}

// Console is Why from the console alone: one request, for lists and statistics.
func (r *Reader) Console(ctx context.Context, b jenkins.Build) (*Report, error) {
	if rep := r.Cache.get(b, false); rep != nil {
		return rep, nil
	}
	rep, err := r.console(ctx, b)
	if err == nil {
		r.Cache.put(b, rep, false)
	}
	return rep, err
}

func (r *Reader) console(ctx context.Context, b jenkins.Build) (*Report, error) {
	console, err := r.Source.Console(ctx, b.Job, b.Number)
	if err != nil {
		return nil, err
	}
	body := ReadAhead(console)
	defer func() { _ = body.Close() }()
	rep, err := Scan(body, Options{Before: max(ContextBefore, r.Context), After: max(ContextAfter, r.Context)})
	for i := range rep.Failures {
		if i >= contexts {
			rep.Failures[i].Before, rep.Failures[i].After = []ContextLine{}, []ContextLine{}
		}
	}
	for i := range rep.Recovered {
		rep.Recovered[i].Before, rep.Recovered[i].After = []ContextLine{}, []ContextLine{}
	}
	return rep, err
}

// Known returns what the cache holds of builds, by number, and reads the
// consoles of at most most others, the newest first, two at a time. Only builds
// that finished badly are looked at. The error is the first one met; what was
// read until then is returned too.
func (r *Reader) Known(ctx context.Context, builds []jenkins.Build, most int) (map[int]*Report, error) {
	out := map[int]*Report{}
	var todo []jenkins.Build
	for _, b := range builds {
		if !b.Finished() || b.Result == jenkins.Success || b.Result == jenkins.NotBuilt {
			continue
		}
		if rep := r.Cache.get(b, false); rep != nil {
			out[b.Number] = rep
		} else if len(todo) < most {
			todo = append(todo, b)
		}
	}
	return out, r.readAll(ctx, todo, out)
}

// readers is how many consoles are read at once.
const readers = 2

func (r *Reader) readAll(ctx context.Context, todo []jenkins.Build, out map[int]*Report) error {
	var mu sync.Mutex
	var wait sync.WaitGroup
	var first error
	next := 0
	for range min(readers, len(todo)) {
		wait.Go(func() {
			for {
				mu.Lock()
				if next >= len(todo) || ctx.Err() != nil || errors.Is(first, apierr.ErrAuth) {
					mu.Unlock()
					return
				}
				b := todo[next]
				next++
				mu.Unlock()
				rep, err := r.Console(ctx, b)
				mu.Lock()
				if err == nil {
					out[b.Number] = rep
				} else if first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return first
}

// structured is what reports say that are no text.
type structured struct {
	tests  jenkins.TestReport
	robot  jenkins.RobotReport
	stages []jenkins.Stage
}

// merge puts the structured verdicts in front of what the console's text told:
// a report knows full names and what the last verdict was, the text knows where.
func (s structured) merge(r *Report) {
	cases, runner := s.tests.Cases, RunnerJUnit
	if len(cases) == 0 {
		cases, runner = s.robot.Cases, RunnerRobot
	}
	kept := r.Failures[:0:0]
	used := map[int]bool{}
	for _, step := range r.Failures {
		i, verdict := findCase(cases, step)
		switch {
		case verdict > 0: // the report was written later than the line
			step.Recovered = true
			r.Recovered = append(r.Recovered, step)
			continue
		case verdict < 0:
			used[i] = true
			step.Name = cases[i].Name
			if step.Message == "" {
				step.Message = clip(cases[i].Details, maxMessage)
			}
		case len(cases) > 0 && step.Runner == RunnerJenkins:
			continue // "script returned exit code 1" of the failing tests
		}
		kept = append(kept, step)
	}
	for i, c := range cases {
		if c.Failed() && !used[i] {
			kept = append(kept, Step{Runner: runner, Suite: suiteOf(c), Name: c.Name, Stage: c.Stage, Message: clip(c.Details, maxMessage),
				Infra: signIn(c.Details), Before: []ContextLine{}, After: []ContextLine{}})
		}
	}
	r.Failures = kept
	s.mergeStages(r)
	if first := r.First(); first != nil && first.Runner != RunnerJenkins {
		r.Kind, r.Infra = KindTest, ""
		if first.Infra != "" {
			r.Kind, r.Infra = KindInfra, first.Infra
		}
	}
}

func suiteOf(c jenkins.TestCase) string {
	if c.Class != "" {
		return c.Class
	}
	return c.Suite
}

// findCase finds the case that a step of the console is: -1 it failed, 1 it
// passed, 0 there is none.
func findCase(cases []jenkins.TestCase, step Step) (int, int) {
	for i, c := range cases {
		if !sameName(c.Name, step.Name) {
			continue
		}
		if c.Failed() {
			return i, -1
		}
		if c.Passed() && !slices.ContainsFunc(cases[i:], func(o jenkins.TestCase) bool { return o.Failed() && sameName(o.Name, step.Name) }) {
			return i, 1
		}
	}
	return 0, 0
}

// sameName compares a report's name with one that a console may have cut.
func sameName(full, shown string) bool {
	if cut, ok := strings.CutSuffix(shown, "..."); ok && strings.HasPrefix(full, cut) {
		return true
	}
	return full == shown || strings.HasSuffix(full, "."+shown)
}

// blameCommand corrects which command failed: of a shell step the console's text
// tells the exit code alone, at its end, when others may have run since.
func (r *Report) blameCommand(first *Step, st jenkins.Stage) {
	for _, m := range slices.Backward(r.Stages) {
		if m.Name == st.Name && m.Command != "" {
			first.Name, first.Stage, first.Begin = m.Command, st.Name, m.CommandLine
			first.Message = messageOf(m.said, []byte(st.Error))
			if first.Infra = signIn(first.Message); first.Infra != "" {
				r.Kind, r.Infra = KindInfra, first.Infra
			}
			return
		}
	}
}

// mergeStages fills in stages, and takes a stage's error when nothing else was
// recognised.
func (s structured) mergeStages(r *Report) {
	for _, st := range s.stages {
		if st.Status != jenkins.StageFailed && st.Status != jenkins.StageUnstable {
			continue
		}
		switch first := r.First(); {
		case first == nil && st.Error != "":
			r.Failures = append(r.Failures, Step{Runner: RunnerJenkins, Name: st.Name, Stage: st.Name, Message: clip(st.Error, maxMessage),
				Infra: signIn(st.Error), Before: []ContextLine{}, After: []ContextLine{}})
			if r.Kind == KindUnknown {
				r.Kind = KindBuild
			}
		case first != nil && first.Stage == "":
			first.Stage = st.Name
		case first != nil && first.Runner == RunnerJenkins && first.Stage != st.Name && ownExit().MatchString(st.Error):
			r.blameCommand(first, st)
		}
		return
	}
}
