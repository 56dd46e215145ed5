package pager

import (
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/victorops"
)

// Phase is the state of an incident.
type Phase string

// Phases, in the order in which they are listed. A word that VictorOps adds is
// kept in lower case.
const (
	Triggered    Phase = "triggered"    // people are being paged
	Acknowledged Phase = "acknowledged" // somebody took it
	Resolved     Phase = "resolved"     // over
)

// Phases returns all known phases.
func Phases() []Phase { return []Phase{Triggered, Acknowledged, Resolved} }

// Open reports whether an incident in this phase still needs somebody.
func (p Phase) Open() bool { return p != Resolved }

// Incident is one problem that people are paged for. Its JSON form is public:
// names are added, never changed.
type Incident struct {
	Number        string    `json:"number"`
	Title         string    `json:"title"`
	Phase         Phase     `json:"phase"`
	Service       string    `json:"service"`
	EntityID      string    `json:"entityId"`
	StartedAt     time.Time `json:"startedAt,omitzero"` // UTC; absent when VictorOps does not say
	LastAlertAt   time.Time `json:"lastAlertAt,omitzero"`
	AlertCount    int       `json:"alertCount"`
	PagedUsers    []string  `json:"pagedUsers"`
	PagedTeams    []Team    `json:"pagedTeams"`
	PagedPolicies []Policy  `json:"pagedPolicies"`
	AckedBy       string    `json:"ackedBy"` // who holds it; "" when nobody does
	URL           string    `json:"url"`     // in the portal; "" when the organisation is not known

	raw victorops.Incident
}

// Team is a team by name, with the slug that the API wants.
type Team struct {
	Name string `json:"name"` // the slug when the name is not known
	Slug string `json:"slug"`
}

// Policy is an escalation policy by name, with its team.
type Policy struct {
	Name string `json:"name"`
	Slug string `json:"slug"`
	Team string `json:"team"` // name
}

// Severity is the state that the monitor gave: critical, warning, ... or "".
func (i Incident) Severity() string { return strings.ToLower(i.raw.EntityState) }

// Raw returns what VictorOps sent, with its own words.
func (i Incident) Raw() victorops.Incident { return i.raw }

// FromVictorOps translates one incident. Team names come from its policies; a
// slug that none of them names stays. org builds the link; "" leaves it out.
func FromVictorOps(v victorops.Incident, org string) Incident {
	i := Incident{
		Number: string(v.Number), Phase: phase(v.Phase), Title: title(v),
		Service: string(v.Service), EntityID: v.EntityID,
		StartedAt: v.StartTime.UTC(), LastAlertAt: v.LastAlertTime.UTC(), AlertCount: int(v.AlertCount),
		PagedUsers: append([]string{}, v.PagedUsers...), PagedTeams: []Team{}, PagedPolicies: []Policy{},
		URL: link(v, org), raw: v,
	}
	names := map[string]string{}
	for _, p := range v.PagedPolicies {
		names[p.Team.Slug] = string(p.Team.Name)
		i.PagedPolicies = append(i.PagedPolicies, Policy{Name: string(p.Policy.Name), Slug: p.Policy.Slug, Team: string(p.Team.Name)})
	}
	for _, slug := range v.PagedTeams {
		t := Team{Name: names[slug], Slug: slug}
		if t.Name == "" {
			t.Name = slug
		}
		i.PagedTeams = append(i.PagedTeams, t)
	}
	if i.Phase != Triggered {
		i.AckedBy, _ = last(v, Acknowledged)
	}
	return i
}

// phase knows the words of both APIs: UNACKED of the incidents, triggered of
// reporting (note 8).
func phase(p victorops.Phase) Phase {
	switch s := strings.ToLower(string(p)); s {
	case "unacked", "triggered":
		return Triggered
	case "acked", "acknowledged":
		return Acknowledged
	default:
		return Phase(s)
	}
}

// title is the display name, then the service, then the entity (note 3).
func title(v victorops.Incident) string {
	for _, s := range []string{string(v.EntityDisplayName), string(v.Service), v.EntityID} {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return "incident " + string(v.Number)
}

// last returns who brought an incident into a phase, the latest time that it came
// there, and when. Transitions need not come in order.
func last(v victorops.Incident, phase Phase) (by string, at time.Time) {
	found := false
	for _, t := range v.Transitions {
		if step(t.Name) == phase && (!found || !t.At.Before(at)) {
			by, at, found = string(t.By), t.At.Time, true
		}
	}
	return by, at
}

// step translates the name of a transition. The vendor documents no list of
// them; what is not an incident's phase is kept in lower case ("rerouted").
func step(name string) Phase {
	s := strings.ToLower(strings.TrimSpace(name))
	switch {
	case strings.HasPrefix(s, "unack"), strings.HasPrefix(s, "trigger"):
		return Triggered
	case strings.HasPrefix(s, "ack"):
		return Acknowledged
	case strings.HasPrefix(s, "resolve"), strings.HasPrefix(s, "recover"):
		return Resolved
	}
	return Phase(s)
}
