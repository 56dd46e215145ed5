// Package rotation is `oncall rotation`: who is on call, who will be, and
// standing in for each other.
package rotation

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

// NewCmd makes `oncall rotation`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "rotation", "Who is on call, now and later; stand in for somebody",
		newCmdNow,
		newCmdShow,
		newCmdMine,
		newCmdExport,
		newCmdOverride,
		newCmdTake,
	)
}

// nobody stands where a person should.
const nobody = "nobody (gap)"

// table shows shifts.
func table(f *cli.Factory) printer.Table[pager.Shift] {
	return printer.Table[pager.Shift]{
		Kind: "Shift",
		Name: func(s pager.Shift) string { return s.UID() },
		Columns: []printer.Column[pager.Shift]{
			{Header: "FROM", Keep: true, Value: func(s pager.Shift) string { return local(f, s.Start, "always") }},
			{Header: "ON CALL", Keep: true, Value: who, Style: gapStyle},
			{Header: "FOR", Value: func(s pager.Shift) string { return s.Covers }},
			{Header: "STEP", Keep: true, Value: func(s pager.Shift) string { return stepText(s.Step) }},
			{Header: "POLICY", Flex: true, Min: 7, Value: func(s pager.Shift) string { return s.Policy.Name }},
			{Header: "UNTIL", Keep: true, Value: func(s pager.Shift) string { return until(f, s.Start, s.End) }},
			{Header: "TEAM", Wide: true, Value: func(s pager.Shift) string { return s.Team.Name }},
			{Header: "ROTATION", Wide: true, Value: func(s pager.Shift) string { return s.Rotation }},
			{Header: "SHIFT", Wide: true, Value: func(s pager.Shift) string { return s.Shift }},
		},
		Empty: "no shift",
	}
}

func who(s pager.Shift) string {
	if s.Gap() {
		return nobody
	}
	return s.User
}

func gapStyle(s pager.Shift) ios.Style {
	if s.Gap() {
		return ios.Red
	}
	return ios.None
}

// stepText is an escalation step; 0 is one that the pager does not say.
func stepText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// local is a time of a plan: with its weekday, in the zone of the reader, whose
// name changes with summer time. A day that is months away bears its year: the
// weekday and the day alone would be taken for the nearest one.
func local(f *cli.Factory, t time.Time, never string) string {
	if t.IsZero() {
		return never
	}
	format := "Mon 02 Jan 15:04 MST"
	if far := t.Sub(f.Now()).Abs(); far > 180*24*time.Hour {
		format = "Mon 02 Jan 2006 15:04 MST"
	}
	return t.In(f.Location()).Format(format)
}

// until is the end of what began at start. The zone stands at the start already,
// unless summer time begins or ends between them.
func until(f *cli.Factory, start, end time.Time) string {
	text := local(f, end, "always")
	if zone := start.In(f.Location()).Format(" MST"); !start.IsZero() {
		text = strings.TrimSuffix(text, zone)
	}
	return text
}

// scheduleFlags are those of every view of a plan.
func scheduleFlags(cmd *cobra.Command, q *pager.ScheduleQuery, days int) {
	cmd.Flags().IntVar(&q.Days, "days", days, "how many days from now, up to "+strconv.Itoa(pager.MaxDays))
	cmd.Flags().IntVar(&q.Step, "step", 0, "only this escalation step, from 1 (default: all)")
	_ = cmd.RegisterFlagCompletionFunc("days", cli.Words("7", "14", "30", "60", "90", "120"))
	_ = cmd.RegisterFlagCompletionFunc("step", cli.Words("1", "2", "3", "4"))
}

// checkDays refuses what the pager cannot show, before anything is sent.
func checkDays(q pager.ScheduleQuery) error {
	if q.Days < 1 || q.Days > pager.MaxDays {
		return cli.Usage("--days: the pager shows 1 to %d days, not %d", pager.MaxDays, q.Days)
	}
	if q.Step < 0 || q.Step > pager.MaxSteps {
		return cli.Usage("--step: the pager shows the steps 1 to %d, not %d", pager.MaxSteps, q.Step)
	}
	return nil
}
