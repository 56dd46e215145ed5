// Package incident is `oncall status incident`: what the public is told of
// trouble, from the first word to the postmortem.
package incident

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/publicstatus"
	"github.com/balena-io/oncall/pkg/shell"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// kind names public incidents in results, so that nobody takes one for an
// incident of the pager.
const kind = "public-incident"

// NewCmd makes `oncall status incident`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "incident", "Public incidents: open, update, resolve, explain",
		newCmdList,
		newCmdGet,
		newCmdCreate,
		newCmdUpdate,
		newCmdResolve,
		newCmdPostmortem,
	)
}

func table(f *cli.Factory) printer.Table[publicstatus.Incident] {
	return printer.Table[publicstatus.Incident]{
		Kind: "PublicIncident",
		Name: func(i publicstatus.Incident) string { return i.ID },
		Columns: []printer.Column[publicstatus.Incident]{
			{Header: "ID", Keep: true, Value: func(i publicstatus.Incident) string { return i.ID }},
			{Header: "STATE", Keep: true, Value: func(i publicstatus.Incident) string { return publicstatus.SayState(i.State) }, Style: stateStyle},
			{Header: "IMPACT", Value: func(i publicstatus.Incident) string { return string(i.Impact) }},
			{Header: "AGE", Value: func(i publicstatus.Incident) string { return f.Age(i.Since) }},
			{Header: "UPDATED", Keep: true, Value: func(i publicstatus.Incident) string { return f.Age(i.LastUpdateAt) }},
			{Header: "TITLE", Flex: true, Value: func(i publicstatus.Incident) string { return i.Title }},
			{Header: "COMPONENTS", Flex: true, Value: func(i publicstatus.Incident) string { return cli.Names(i.Components) }},
			{Header: "PAGER", Value: pagerNumber},
			{Header: "SNOOZED", Wide: true, Value: func(i publicstatus.Incident) string { return snoozed(f, i) }},
			{Header: "OPENED", Wide: true, Value: func(i publicstatus.Incident) string { return f.Clock(i.Since) }},
			{Header: "URL", Wide: true, Value: func(i publicstatus.Incident) string { return i.URL }},
		},
		Empty: "no public incident",
	}
}

func pagerNumber(i publicstatus.Incident) string {
	if i.Pager == nil {
		return ""
	}
	return i.Pager.Number
}

// snoozed tells of a snooze that lasts; what is over needs no reminder anyway.
func snoozed(f *cli.Factory, i publicstatus.Incident) string {
	if i.Snooze == nil || !i.Open() || !i.Snooze.Until.After(f.Now()) {
		return ""
	}
	return fmt.Sprintf("until %s: %s", f.Clock(i.Snooze.Until), i.Snooze.Reason)
}

func stateStyle(i publicstatus.Incident) ios.Style {
	switch i.State {
	case statuspage.Investigating, statuspage.Identified:
		return ios.Red
	case statuspage.Monitoring:
		return ios.Yellow
	default:
		return ios.Green
	}
}

// target is the incident that a verb is about.
type target struct {
	ref   string
	pager string
}

func (t *target) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.pager, "pager", "", "the incident that is paired with this pager incident")
	_ = cmd.RegisterFlagCompletionFunc("pager", cobra.NoFileCompletions)
}

// said is the incident as it was named, for a hint.
func (t *target) said() string {
	if t.pager != "" {
		return "--pager " + t.pager
	}
	if t.ref == "" {
		return ""
	}
	return shell.Word(t.ref)
}

func (t *target) complete(args []string) (err error) {
	if len(args) > 0 {
		t.ref = args[0]
	}
	if t.pager, err = cli.PagerNumber("pager", t.pager); err != nil {
		return err
	}
	if t.ref != "" && t.pager != "" {
		return cli.Usage("an incident and --pager: only one of them")
	}
	return nil
}

// tag ties the journal to the paired pager incident, unless --incident says
// another.
func tag(f *cli.Factory, pair *publicstatus.Pager) {
	if pair != nil && f.Change.Incident == "" {
		f.Change.Incident = pair.Number
	}
}

// notifyFlag says whether subscribers are told.
type notifyFlag struct{ quiet bool }

func (n *notifyFlag) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&n.quiet, "no-notify", false, "tell no subscriber")
}

// value is nil when nothing was said.
func (n *notifyFlag) value() *bool {
	if n.quiet {
		return new(false)
	}
	return nil
}

// assignLines tells what becomes of components, for a plan.
func assignLines(targets []publicstatus.Target) []string {
	out := []string{}
	for _, t := range targets {
		out = append(out, fmt.Sprintf("%s: %s -> %s", t.Component.Name, publicstatus.SayStatus(t.From()), publicstatus.SayStatus(t.To)))
	}
	return out
}
