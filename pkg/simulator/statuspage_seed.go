package simulator

import (
	"encoding/json"
	"slices"
	"time"
)

// Names of the demo's public components; ComponentDelta has the stale incident.
const (
	PublicGroup    = "balenaCloud"
	ComponentDelta = "Delta updates"
	// StaleIncident is the title of the public incident that somebody forgot.
	StaleIncident = "Delta updates fail for some devices"
)

// PublicComponents lists the public components in the page's order.
func PublicComponents() []string {
	return []string{"API", "Dashboard", "Builder", "Registry", "Cloudlink (VPN)", ComponentDelta}
}

func spComponentID(name string) string {
	return tokenFor(12, alphabetLower, "statuspage component", name)
}

func seedStatuspage(s *State, sp *statuspageState) {
	born := s.StartedAt.AddDate(-4, 0, 0)
	calm := s.StartedAt.AddDate(0, 0, -12)
	group := spComponentID(PublicGroup)
	sp.Components = append(sp.Components, &spComponent{ID: group, Name: PublicGroup, Group: true, Position: 1, CreatedAt: born, UpdatedAt: born})
	for n, name := range PublicComponents() {
		sp.Components = append(sp.Components, &spComponent{
			ID: spComponentID(name), Name: name, GroupID: group, Position: n + 1, Status: "operational", Showcase: true,
			StartDate: born.Format(time.DateOnly), CreatedAt: born, UpdatedAt: calm,
		})
	}
	sp.Changed = s.StartedAt.Add(-StaleBefore)
	seedSpIncidents(s, sp)
	seedSpTemplates(sp)
}

// spSeed is an incident of the past: updates as they were posted.
type spSeed struct {
	title      string
	components []string
	impact     string
	updates    []spSeedUpdate
	postmortem string
}

type spSeedUpdate struct {
	before       time.Duration // before the world's start
	status, body string
	to           string // status of its components from here on
}

func seedSpIncidents(s *State, sp *statuspageState) {
	const day = 24 * time.Hour
	for _, seed := range []spSeed{
		{"Slow builds on ARM", []string{"Builder"}, "minor", []spSeedUpdate{
			{61*day + 3*time.Hour, "investigating", "Builds for ARM wait longer than usual. We are looking into it.", "degraded_performance"},
			{61*day + time.Hour, "monitoring", "A builder was replaced and the queue is draining.", "operational"},
			{61 * day, "resolved", "Builds start at once again.", "operational"},
		}, ""},
		{"API errors", []string{"API", "Dashboard"}, "major", []spSeedUpdate{
			{26*day + 2*time.Hour, "investigating", "Some requests to the API fail. We are investigating.", "partial_outage"},
			{26*day + 100*time.Minute, "identified", "A database failover was slow to finish; we are completing it by hand.", "partial_outage"},
			{26*day + 70*time.Minute, "monitoring", "Requests succeed again. We keep watching.", "operational"},
			{26 * day, "resolved", "This incident has been resolved.", "operational"},
		}, "## What happened\nA failover of the database took 31 minutes instead of one.\n\n## What we change\nThe failover is rehearsed every month.\n"},
		{StaleIncident, []string{ComponentDelta}, "minor", []spSeedUpdate{
			{StaleBefore + 3*time.Hour, "investigating", "Delta generation fails for some devices. Full images still work.", "degraded_performance"},
			{StaleBefore + 2*time.Hour, "identified", "A worker ran out of disk space.", "degraded_performance"},
			{StaleBefore, "monitoring", "Space was freed and deltas are generated again. We keep watching.", "operational"},
		}, ""},
	} {
		sp.Incidents = slices.Insert(sp.Incidents, 0, seed.incident(s, sp))
	}
	sp.Incidents = slices.Insert(sp.Incidents, 0, seedSpMaintenance(s, sp))
	slices.SortFunc(sp.Incidents, func(a, b *spIncident) int { return b.CreatedAt.Compare(a.CreatedAt) })
}

func (x spSeed) incident(s *State, sp *statuspageState) *spIncident {
	i := &spIncident{
		ID: tokenFor(12, alphabetLower, "statuspage incident", s.nextID("statuspage.incident")), Name: x.title, Worst: x.impact,
		Metadata: map[string]json.RawMessage{}, ComponentIDs: []string{},
	}
	now := "operational"
	for _, name := range x.components {
		i.ComponentIDs = append(i.ComponentIDs, spComponentID(name))
	}
	c := &spCall{s: s, sp: sp}
	for n, u := range x.updates {
		at := s.StartedAt.Add(-u.before)
		if n == 0 {
			i.CreatedAt = at
		}
		rows := []spChange{}
		for k, id := range i.ComponentIDs {
			rows = append(rows, spChange{id, x.components[k], now, u.to})
			if c := sp.component(id); now != u.to {
				c.UpdatedAt = at
			}
		}
		now, i.Status, i.UpdatedAt = u.to, u.status, at
		i.reached(at)
		c.post(i, u.body, true, rows, at)
	}
	if x.postmortem != "" {
		at := i.ResolvedAt.Add(50 * time.Hour)
		i.Postmortem = &spPostmortem{Draft: x.postmortem, DraftAt: at, Body: x.postmortem, BodyAt: at, PublishedAt: at, CreatedAt: at, UpdatedAt: at}
		i.Status, i.UpdatedAt = "postmortem", at
	}
	return i
}

// seedSpMaintenance announces work nine days ahead, ten days before.
func seedSpMaintenance(s *State, sp *statuspageState) *spIncident {
	announced := s.StartedAt.Add(-24 * time.Hour)
	start := s.StartedAt.Add(9 * 24 * time.Hour).Truncate(time.Hour)
	i := &spIncident{
		ID: tokenFor(12, alphabetLower, "statuspage incident", s.nextID("statuspage.incident")), Name: "Registry storage upgrade", Status: "scheduled", Worst: "none",
		CreatedAt: announced, UpdatedAt: announced, Metadata: map[string]json.RawMessage{}, ComponentIDs: []string{spComponentID("Registry")},
		For: start, Until: start.Add(time.Hour), RemindPrior: true, AutoProgress: true, AutoComplete: true, ToMaintenance: true, ToOperational: true, NotifyStart: true, NotifyEnd: true,
	}
	(&spCall{s: s, sp: sp}).post(i, "Pushing new images will be refused for some minutes. Running devices are not affected.", true, nil, announced)
	return i
}

func seedSpTemplates(sp *statuspageState) {
	for _, t := range []*spTemplate{
		{Name: "api-errors", Title: "API errors", Body: "Some requests to the API fail. We are investigating and will post an update within 30 minutes.",
			Status: "investigating", Notify: true, Components: []string{spComponentID("API")}},
		{Name: "builds-slow", Title: "Builds wait longer than usual", Body: "Builds wait longer than usual. We are looking into it.",
			Status: "investigating", Notify: true, Components: []string{spComponentID("Builder")}},
		{Name: "watching", Title: "Monitoring a fix", Body: "A fix is in place and we are monitoring the results.", Status: "monitoring", Notify: false, Components: []string{}},
		{Name: "planned-upgrade", Title: "Planned upgrade", Body: "We will upgrade the service. Short interruptions are possible.",
			Status: "scheduled", Notify: true, Components: []string{spComponentID("Dashboard")}},
	} {
		t.ID = tokenFor(12, alphabetLower, "statuspage template", t.Name)
		sp.Templates = append(sp.Templates, t)
	}
}
