package pager_test

import (
	"context"
	"strings"

	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/victorops"
)

// fixed is a client that knows one of each thing.
type fixed struct {
	pager.Client
	incident victorops.Incident
	alert    victorops.AlertDetails
	notes    []victorops.Note
	plan     victorops.TeamSchedule
}

func (f fixed) Incident(context.Context, string) (victorops.Incident, error) { return f.incident, nil }

func (f fixed) Alert(context.Context, string) (victorops.AlertDetails, error) { return f.alert, nil }

func (f fixed) Notes(context.Context, string) ([]victorops.Note, error) { return f.notes, nil }

func (f fixed) Teams(context.Context) ([]victorops.Team, error) {
	return []victorops.Team{{Name: "One", Slug: "team-1"}}, nil
}

func (f fixed) TeamSchedule(context.Context, string, victorops.ScheduleQuery) (victorops.TeamSchedule, error) {
	return f.plan, nil
}

func (f fixed) UserSchedule(context.Context, string, victorops.ScheduleQuery) ([]victorops.TeamSchedule, error) {
	return []victorops.TeamSchedule{f.plan}, nil
}

func splitLines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
}
