// Package incident is `oncall incident`: what an engineer on call does with the
// pager's incidents.
package incident

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balena-io/oncall/cmd/oncall/internal/cli"
	"github.com/balena-io/oncall/cmd/oncall/internal/ios"
	"github.com/balena-io/oncall/cmd/oncall/internal/printer"
	"github.com/balena-io/oncall/pkg/pager"
)

// NewCmd makes `oncall incident`.
func NewCmd(f *cli.Factory) *cobra.Command {
	return cli.Group(f, "incident", "The pager's incidents: see, acknowledge, reroute, resolve",
		newCmdList,
		newCmdGet,
		newCmdAck,
		newCmdResolve,
		newCmdReroute,
		newCmdNote,
		newCmdTimeline,
		newCmdTrigger,
		newCmdWatch,
		newCmdOpen,
		newCmdSnooze,
	)
}

// table shows incidents.
func table(f *cli.Factory) printer.Table[pager.Incident] {
	return printer.Table[pager.Incident]{
		Kind: "Incident",
		Name: func(i pager.Incident) string { return i.Number },
		Columns: []printer.Column[pager.Incident]{
			{Header: "NUMBER", Keep: true, Value: func(i pager.Incident) string { return i.Number }},
			{Header: "PHASE", Keep: true, Value: func(i pager.Incident) string { return string(i.Phase) }, Style: phaseStyle},
			{Header: "AGE", Keep: true, Value: func(i pager.Incident) string { return f.Age(i.StartedAt) }},
			{Header: "TITLE", Flex: true, Min: 24, Value: func(i pager.Incident) string { return i.Title }},
			{Header: "SERVICE", Value: func(i pager.Incident) string { return i.Service }},
			{Header: "PAGED", Value: func(i pager.Incident) string { return strings.Join(i.PagedUsers, ",") }},
			{Header: "ACKED BY", Keep: true, Value: func(i pager.Incident) string { return i.AckedBy }},
			{Header: "TEAMS", Wide: true, Value: func(i pager.Incident) string { return teamNames(i) }},
			{Header: "ALERTS", Wide: true, Value: alertCount},
			{Header: "STARTED", Wide: true, Value: func(i pager.Incident) string { return f.Clock(i.StartedAt) }},
			{Header: "URL", Wide: true, Value: func(i pager.Incident) string { return i.URL }},
		},
		Empty: "no incident",
	}
}

func phaseStyle(i pager.Incident) ios.Style {
	switch i.Phase {
	case pager.Triggered:
		return ios.Red
	case pager.Acknowledged:
		return ios.Yellow
	default:
		return ios.Green
	}
}

func teamNames(i pager.Incident) string {
	names := []string{}
	for _, t := range i.PagedTeams {
		names = append(names, t.Name)
	}
	return strings.Join(names, ",")
}

// numbers reads incident numbers as people paste them, commas between them too.
func numbers(args []string) ([]string, error) {
	out := []string{}
	for _, a := range args {
		parts := strings.FieldsFunc(a, func(r rune) bool { return r == ',' })
		if len(parts) == 0 {
			parts = []string{a}
		}
		for _, part := range parts {
			n, err := pager.Number(part)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
	return out, nil
}

// completeNumbers offers the incidents that are open, with their titles.
func completeNumbers(f *cli.Factory, phases ...pager.Phase) cobra.CompletionFunc {
	return cli.Complete(f, func(ctx context.Context) ([]cobra.Completion, error) {
		p, err := f.Pager(ctx)
		if err != nil {
			return nil, err
		}
		l, err := p.List(ctx, pager.Filter{Phases: phases})
		if err != nil {
			return nil, err
		}
		out := []cobra.Completion{}
		for _, i := range l.Incidents {
			out = append(out, cobra.CompletionWithDesc(i.Number, string(i.Phase)+" "+f.Age(i.StartedAt)+": "+i.Title))
		}
		return out, nil
	})
}
