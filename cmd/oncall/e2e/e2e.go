// Package e2e is `oncall e2e`: the Jenkins job that runs the end-to-end tests.
package e2e

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/exit"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	e2epkg "github.com/balena-io/oncall/pkg/e2e"
	"github.com/balena-io/oncall/pkg/jenkins"
)

// NewCmd makes `oncall e2e`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "e2e", "The end-to-end tests in Jenkins: which step failed, is it flaky, try again",
		newCmdList,
		newCmdGet,
		newCmdWhy,
		newCmdLogs,
		newCmdStages,
		newCmdRetry,
		newCmdWatch,
		newCmdFlakes,
		newCmdOpen,
	)
}

// build is a build as the JSON contract has it.
type build struct {
	Number     int               `json:"number"`
	Job        string            `json:"job"`
	Name       string            `json:"name"`  // job#number
	State      string            `json:"state"` // running, or the result in lower case
	Result     string            `json:"result"`
	Since      time.Time         `json:"since"` // when it was queued
	Seconds    float64           `json:"durationSeconds"`
	Progress   int               `json:"progress"` // percent of the usual time while it runs; -1 when unknown
	Parameters map[string]string `json:"parameters"`
	StartedBy  string            `json:"startedBy"`
	Cause      string            `json:"cause"`
	Tests      *tests            `json:"tests"`
	Failing    *failing          `json:"failing"` // null: none, or its console was not read
	URL        string            `json:"url"`

	from jenkins.Build
}

type tests struct {
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	Total   int `json:"total"`
}

// failing is the first failing step in one line.
type failing struct {
	Step   string `json:"step"`
	Suite  string `json:"suite"`
	Runner string `json:"runner"`
	Line   int    `json:"line"` // 0: known from a report only
	Stage  string `json:"stage"`
	Kind   string `json:"kind"`
	Infra  string `json:"infrastructure"`
	More   int    `json:"more"` // further failing steps
}

func buildOf(b jenkins.Build) build {
	out := build{Number: b.Number, Job: b.Job.String(), Name: fmt.Sprintf("%s#%d", b.Job, b.Number), State: stateOf(b), Result: string(b.Result),
		Since: b.Queued, Seconds: b.Duration().Seconds(), Progress: b.Progress, Parameters: map[string]string{}, StartedBy: b.StartedBy(), URL: b.URL, from: b}
	for _, p := range b.Parameters {
		v := p.Value
		if p.Secret {
			v = "(secret)"
		}
		out.Parameters[p.Name] = v
	}
	if len(b.Causes) > 0 {
		out.Cause = b.Causes[0].Text
	}
	if t := b.Tests; t != nil {
		out.Tests = &tests{t.Failed, t.Skipped, t.Total}
	}
	return out
}

func stateOf(b jenkins.Build) string {
	switch {
	case !ended(b):
		return "running"
	case b.Result == "":
		return "unknown"
	}
	return strings.ToLower(string(b.Result))
}

// ended reports that nothing of a build goes on, whether it has a result or not.
func ended(b jenkins.Build) bool {
	return b.Finished() || !b.Building && b.DurationMS > 0 && (b.InProgress == nil || !*b.InProgress)
}

// failingOf is the first failing step of a report, nil when it names none.
func failingOf(r *e2epkg.Report) *failing {
	if r == nil {
		return nil
	}
	s := cmp.Or(r.First(), r.Running)
	if s == nil {
		if r.Infra == "" && r.Aborted == "" {
			return nil
		}
		return &failing{Step: cmp.Or(r.Aborted, r.Infra), Runner: e2epkg.RunnerJenkins, Kind: string(r.Kind), Infra: r.Infra}
	}
	return &failing{Step: s.Name, Suite: s.Suite, Runner: s.Runner, Line: s.Line, Stage: s.Stage, Kind: string(r.Kind), Infra: r.Infra, More: max(0, r.Total()-1)}
}

// table shows builds.
func table(f *cli.Factory) printer.Table[build] {
	return printer.Table[build]{
		Kind:  "Build",
		Name:  func(b build) string { return fmt.Sprint(b.Number) },
		Empty: "no build",
		Columns: []printer.Column[build]{
			{Header: "NUMBER", Value: func(b build) string { return fmt.Sprint(b.Number) }},
			{Header: "RESULT", Value: func(b build) string { return result(b.from) }, Style: style},
			{Header: "AGE", Value: func(b build) string { return f.Age(endOf(b.from)) }},
			{Header: "TOOK", Value: func(b build) string { return took(f, b.from) }},
			{Header: "PARAMETERS", Value: func(b build) string { return strings.Join(words(b.from), " · ") }},
			{Header: "FAILING STEP", Flex: true, Value: func(b build) string { return oneLine(b.Failing) }},
			{Header: "STARTED BY", Wide: true, Value: func(b build) string { return cmp.Or(b.StartedBy, b.Cause) }},
			{Header: "QUEUED", Wide: true, Value: func(b build) string { return f.Clock(b.Since) }},
			{Header: "URL", Wide: true, Value: func(b build) string { return b.URL }},
		},
	}
}

// result is the verdict in Jenkins' words, as people know them.
func result(b jenkins.Build) string {
	if !ended(b) {
		return "running"
	}
	return cmp.Or(string(b.Result), "no result")
}

func style(b build) ios.Style {
	switch b.State {
	case "success":
		return ios.Green
	case "running":
		return ios.Cyan
	case "failure", "unknown":
		return ios.Red
	}
	return ios.Yellow
}

// endOf is when a build ended, or was queued when it has not.
func endOf(b jenkins.Build) time.Time { return b.Queued.Add(b.Duration()) }

func took(f *cli.Factory, b jenkins.Build) string {
	if ended(b) {
		return ios.Age(b.Duration())
	}
	return ios.Age(f.Now().Sub(b.Queued))
}

func oneLine(s *failing) string {
	if s == nil {
		return ""
	}
	line := s.Step
	if s.Infra != "" && s.Infra != s.Step {
		line += " (" + s.Infra + ")"
	}
	if s.More > 0 {
		line += fmt.Sprintf(" +%d", s.More)
	}
	return line
}

// words are the parameters that matter: not what is empty or switched off.
func words(b jenkins.Build) []string {
	out := []string{}
	for _, p := range b.Parameters {
		name, value := strings.ToLower(p.Name), p.Value
		switch {
		case p.Secret, value == "", value == "false":
		case value == "true":
			out = append(out, name)
		case strings.HasSuffix(name, "_version"):
			out = append(out, strings.TrimSuffix(name, "_version")+" "+value)
		default:
			out = append(out, value)
		}
	}
	return out
}

// byResult turns a build's end into the exit code; an empty or unknown result is
// never success.
func byResult(b jenkins.Build) error {
	switch b.Result {
	case jenkins.Success:
		return nil
	case jenkins.Unstable:
		return exit.Quiet(exit.Unstable)
	case jenkins.Failure:
		return exit.Quiet(exit.Failure)
	case jenkins.Aborted:
		return exit.Quiet(exit.Aborted)
	case jenkins.NotBuilt:
		return exit.Quiet(exit.NotBuilt)
	case "":
		return exit.With(exit.Failed, fmt.Errorf("jenkins: #%d ended without a result", b.Number))
	}
	return exit.With(exit.Failed, fmt.Errorf("jenkins: #%d ended with the result %q, which is not one of Jenkins' own", b.Number, string(b.Result)))
}

// completeBuilds offers the last builds.
func completeBuilds(f *cli.Factory) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		t := &target{f: f}
		if err := t.open(ctx); err != nil {
			return nil, err
		}
		builds, err := t.client.Builds(ctx, t.job, 0, 20)
		out := []cobra.Completion{
			cobra.CompletionWithDesc("last", "the newest build"),
			cobra.CompletionWithDesc("last-failed", "the newest FAILURE or UNSTABLE one"),
			cobra.CompletionWithDesc("last-green", "the newest SUCCESS"),
		}
		for _, b := range builds {
			out = append(out, cobra.CompletionWithDesc(fmt.Sprint(b.Number), result(b)+" "+f.Age(b.Queued)+" "+strings.Join(words(b), " · ")))
		}
		return out, err
	})
}

func itoa(n int) string { return strconv.Itoa(n) }
