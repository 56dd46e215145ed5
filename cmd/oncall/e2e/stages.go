package e2e

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/jenkins"
)

type stagesOptions struct{ target }

// stage is a stage as the JSON contract has it.
type stage struct {
	Name    string     `json:"name"`
	State   string     `json:"state"` // success, failed, unstable, aborted, in_progress, paused_pending_input, not_executed; unknown without a stage view
	Since   *time.Time `json:"since"` // null without a stage view
	Seconds float64    `json:"durationSeconds"`
	Error   string     `json:"error"`
	Line    int        `json:"line"` // where it begins in the console, when that was read; else 0
}

func newCmdStages(f *cli.Factory) *cobra.Command {
	o := &stagesOptions{target{f: f}}
	cmd := &cobra.Command{
		Use:   "stages [build]",
		Short: "Show the stages of a build with their time and verdict",
		Long: `Show the stages of a build, by default the last one. A Jenkins without the stage view
plugin, or a freestyle job, knows none: then they are read off the console, and
their times are not known.

` + buildHelp,
		Example: `oncall e2e stages
oncall e2e stages 9123 -o json`,
		Args:              cli.MaxArgs(1),
		ValidArgsFunction: completeBuilds(f),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.take(args, refLast); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd, true)
	return cmd
}

func (o *stagesOptions) run(ctx context.Context) error {
	out := o.f.Printer()
	if err := o.open(ctx); err != nil {
		return err
	}
	b, err := o.build(ctx)
	if err != nil {
		return err
	}
	var items []stage
	stages, err := o.client.Stages(ctx, o.job, b.Number, false)
	switch {
	case errors.Is(err, apierr.ErrUnsupported):
		if items, err = o.fromConsole(ctx, b); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		for _, s := range stages {
			items = append(items, stage{Name: s.Name, State: strings.ToLower(string(s.Status)), Since: &s.Start, Seconds: s.Duration().Seconds(), Error: s.Error})
		}
	}
	return printer.List(out, o.table(), items, printer.Meta{Empty: "#" + itoa(b.Number) + " has no stages"})
}

// fromConsole reads stages off the pipeline's own lines.
func (o *stagesOptions) fromConsole(ctx context.Context, b jenkins.Build) ([]stage, error) {
	reader, err := o.f.E2EReader(o.client)
	if err != nil {
		return nil, err
	}
	r, err := reader.Console(ctx, b)
	if err != nil {
		return nil, err
	}
	o.f.IO.Note("this Jenkins has no stage view of #%d: stages are those that the console names", b.Number)
	out := []stage{}
	bad := ""
	if s := r.First(); s != nil {
		bad = s.Stage
	}
	for _, m := range r.Stages {
		st := stage{Name: m.Name, State: "unknown", Line: m.Line}
		if m.Name == bad {
			st.State, bad = "failed", ""
		}
		out = append(out, st)
	}
	return out, nil
}

func (o *stagesOptions) table() printer.Table[stage] {
	return printer.Table[stage]{
		Kind: "Stage",
		Name: func(s stage) string { return s.Name },
		Columns: []printer.Column[stage]{
			{Header: "STAGE", Value: func(s stage) string { return s.Name }},
			{Header: "VERDICT", Value: func(s stage) string { return s.State }, Style: stageStyle},
			{Header: "BEGAN", Value: func(s stage) string {
				if s.Since == nil {
					return ""
				}
				return o.f.Clock(*s.Since)
			}},
			{Header: "TOOK", Value: func(s stage) string {
				if s.Since == nil {
					return ""
				}
				return ios.Age(time.Duration(s.Seconds * float64(time.Second)))
			}},
			{Header: "ERROR", Flex: true, Value: func(s stage) string { return s.Error }},
			{Header: "LINE", Wide: true, Value: func(s stage) string {
				if s.Line == 0 {
					return ""
				}
				return commas(s.Line)
			}},
		},
	}
}

func stageStyle(s stage) ios.Style {
	switch jenkins.StageStatus(strings.ToUpper(s.State)) {
	case jenkins.StageSuccess:
		return ios.Green
	case jenkins.StageFailed:
		return ios.Red
	case jenkins.StageInProgress:
		return ios.Cyan
	}
	return ios.Yellow
}
