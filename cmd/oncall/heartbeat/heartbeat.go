// Package heartbeat is `oncall heartbeat`: the dead man's switch that scheduled
// jobs report to.
package heartbeat

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/heartbeat"
	"github.com/balena-io/oncall/pkg/shell"
)

// NewCmd makes `oncall heartbeat`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "heartbeat", "The dead man's switch: did the job run, and why not",
		newCmdList,
		newCmdGet,
		newCmdWhy,
		newCmdCheck,
		newCmdPings,
		newCmdFlips,
		newCmdPing,
		newCmdRun,
		newCmdPause,
		newCmdResume,
	)
}

func table(f *cli.Factory) printer.Table[heartbeat.Check] {
	return printer.Table[heartbeat.Check]{
		Kind: "Heartbeat",
		Name: func(c heartbeat.Check) string { return c.Label() },
		Columns: []printer.Column[heartbeat.Check]{
			{Header: "NAME", Value: func(c heartbeat.Check) string { return c.Label() }},
			{Header: "STATE", Value: stateWords, Style: style},
			{Header: "LAST SIGNAL", Value: func(c heartbeat.Check) string { return ago(f, c.LastPingAt) }},
			{Header: "DUE", Value: func(c heartbeat.Check) string { return due(f, c) }},
			{Header: "EVERY", Value: every},
			{Header: "GRACE", Value: func(c heartbeat.Check) string { return seconds(c.Schedule.GraceSeconds) }},
			{Header: "NOTE", Flex: true, Value: func(c heartbeat.Check) string { return note(f, c) }},
			{Header: "SCHEDULE", Wide: true, Value: func(c heartbeat.Check) string { return c.Schedule.Words }},
			{Header: "TAGS", Wide: true, Value: func(c heartbeat.Check) string { return strings.Join(c.Tags, " ") }},
			{Header: "SIGNALS", Wide: true, Value: func(c heartbeat.Check) string { return fmt.Sprint(c.Pings) }},
			{Header: "ID", Wide: true, Value: func(c heartbeat.Check) string { return c.ID }},
		},
		Empty: "the project of the key has no checks",
	}
}

// stateWords is the state, with what else is going on.
func stateWords(c heartbeat.Check) string {
	if c.Running && c.State != heartbeat.Running {
		return string(c.State) + ", running"
	}
	return string(c.State)
}

func style(c heartbeat.Check) ios.Style {
	switch c.State {
	case heartbeat.Down:
		return ios.Red
	case heartbeat.Late, heartbeat.Paused, heartbeat.Unknown:
		return ios.Yellow
	case heartbeat.New:
		return ios.Dim
	default:
		return ios.Green
	}
}

func ago(f *cli.Factory, t *time.Time) string {
	if t == nil {
		return "never"
	}
	return ios.Ago(*t, f.Now())
}

// every is the time between two signals: "1h", or the schedule in words.
func every(c heartbeat.Check) string {
	if c.Schedule.Kind == "period" {
		return seconds(c.Schedule.PeriodSeconds)
	}
	return c.Schedule.Brief()
}

func seconds(s float64) string {
	if s <= 0 {
		return "-"
	}
	return heartbeat.Length(time.Duration(s * float64(time.Second)))
}

// due is when the next signal is, or was, due: "in 12m", "1h ago".
func due(f *cli.Factory, c heartbeat.Check) string {
	if c.DueAt == nil {
		return "-"
	}
	return ios.Ago(*c.DueAt, f.Now())
}

// note says what the columns cannot: since when, and when a pause was to end.
func note(f *cli.Factory, c heartbeat.Check) string {
	switch {
	case c.Pause != nil:
		return pauseWords(f, *c.Pause)
	case c.State == heartbeat.Down && c.Since != nil:
		return "for " + f.Age(*c.Since)
	case c.State == heartbeat.Down:
		if failed, known := c.Failed(f.Now()); known && failed {
			return "the last signal was a failure"
		}
	case c.State == heartbeat.Late && c.DownAt != nil:
		return "down " + ios.Ago(*c.DownAt, f.Now())
	case c.State == heartbeat.Paused && !c.Manual:
		return "the next signal ends the pause"
	case c.State == heartbeat.New && c.Pings > 0:
		return "resumed, and no signal since"
	}
	return ""
}

func pauseWords(f *cli.Factory, p heartbeat.Pause) string {
	text := "by " + p.By
	if p.By == "" {
		text = "with oncall"
	}
	if p.Until != nil {
		text = "until " + f.Clock(*p.Until) + " " + text
		if p.Over(f.Now()) {
			text = "should have been resumed " + ios.Ago(*p.Until, f.Now()) + ", paused " + strings.TrimPrefix(text, "until "+f.Clock(*p.Until)+" ")
		}
	}
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// remind tells of pauses that lasted longer than they were meant to.
func remind(f *cli.Factory, all []heartbeat.Check) {
	for _, c := range all {
		if c.Pause != nil && c.Pause.Over(f.Now()) {
			f.IO.Hint("%s should be watched again: oncall heartbeat resume %s", c.Label(), shell.Word(c.Label()))
		}
	}
}
