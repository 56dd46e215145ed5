// Package probe is `oncall probe`: what the outside world gets when it asks our
// services.
package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/cmd/oncall/probe/maintenance"
	"github.com/balena-io/oncall/pkg/metrics"
	"github.com/balena-io/oncall/pkg/probe"
	"github.com/balena-io/oncall/pkg/prometheus"
)

// NewCmd makes `oncall probe`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "probe", "Outside probes: what the world gets when it asks us",
		newCmdList,
		newCmdGet,
		newCmdResults,
		newCmdOutages,
		newCmdCheck,
		newCmdRun,
		newCmdMute,
		newCmdUnmute,
		maintenance.NewCmd,
	)
}

func table(f *cli.Factory) printer.Table[probe.Check] {
	return printer.Table[probe.Check]{
		Kind: "Probe",
		Name: func(c probe.Check) string { return c.Label() },
		Columns: []printer.Column[probe.Check]{
			{Header: "NAME", Keep: true, Value: func(c probe.Check) string { return c.Label() }},
			{Header: "STATE", Keep: true, Value: stateWords, Style: style},
			{Header: "SINCE", Keep: true, Value: func(c probe.Check) string { return since(f, c) }},
			{Header: "TYPE", Value: func(c probe.Check) string { return c.Type }},
			{Header: "LAST ANSWER", Flex: true, Value: func(c probe.Check) string { return answer(c.Last) }},
			{Header: "FROM", Value: func(c probe.Check) string { return from(c.Last) }},
			{Header: "TARGET", Value: func(c probe.Check) string { return c.Target }},
			{Header: "EVERY", Wide: true, Value: func(c probe.Check) string { return length(c.Every) }},
			{Header: "TAGS", Wide: true, Value: func(c probe.Check) string { return strings.Join(c.Tags, " ") }},
			{Header: "ID", Wide: true, Value: func(c probe.Check) string { return c.ID }},
		},
		Empty: "the account of the token has no checks",
	}
}

func stateWords(c probe.Check) string {
	if c.Muted {
		return string(c.State) + ", muted"
	}
	return string(c.State)
}

func style(c probe.Check) ios.Style {
	switch {
	case c.State == probe.Failing:
		return ios.Red
	case c.State == probe.Disabled || c.Muted:
		return ios.Yellow
	case c.State == probe.New:
		return ios.Dim
	}
	return ios.Green
}

func since(f *cli.Factory, c probe.Check) string {
	if c.Since == nil {
		return "-"
	}
	return f.Age(*c.Since)
}

// answer is what came, and how long it took: "503 Service Unavailable, 212ms".
func answer(r *probe.Result) string {
	if r == nil {
		return ""
	}
	return r.Words + ", " + took(r.Seconds)
}

func took(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second {
		return fmt.Sprintf("%dms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1fs", d.Seconds())
}

func from(r *probe.Result) string {
	if r == nil {
		return ""
	}
	if len(r.Confirmed) == 0 {
		return r.From
	}
	return r.From + " +" + strings.Join(r.Confirmed, ",")
}

func length(seconds float64) string {
	return ios.AgeLong(time.Duration(seconds * float64(time.Second)))
}

// sparkWidth is how many columns a sparkline takes.
const sparkWidth = 40

// spark draws how long answers took, over the time that they span.
func spark(results []probe.Result) string {
	if len(results) < 2 {
		return ""
	}
	points := []prometheus.Point{}
	for i := len(results) - 1; i >= 0; i-- {
		points = append(points, prometheus.Point{MS: results[i].At.UnixMilli(), Value: results[i].Seconds})
	}
	return metrics.Spark(points, results[len(results)-1].At, results[0].At, min(sparkWidth, len(results)))
}

func tagFlag(cmd *cobra.Command, tags *[]string) {
	cmd.Flags().StringSliceVar(tags, "tag", nil, "only those with this tag, and with every other that is given")
	_ = cmd.RegisterFlagCompletionFunc("tag", cobra.NoFileCompletions)
}
