package publicstatus

import (
	"cmp"
	"slices"
	"time"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// The types below are printed as JSON as they stand: their field names are a
// public contract. Times are UTC; a time that is not known is left out.

// Component is a part of the service as the page shows it.
type Component struct {
	ID          string                     `json:"id"`
	Name        string                     `json:"name"`
	Group       string                     `json:"group"` // name of its group, "" without one
	Description string                     `json:"description,omitempty"`
	State       statuspage.ComponentStatus `json:"state"`
	// Since is the last change of the vendor's record: the state is at least
	// that old.
	Since time.Time `json:"since,omitzero"`
	// Hidden is true when the public does not see it while it works.
	Hidden bool `json:"hidden,omitempty"`
}

// Ref names a component inside another thing.
type Ref struct {
	ID    string                     `json:"id"`
	Name  string                     `json:"name"`
	State statuspage.ComponentStatus `json:"state,omitempty"`
}

// Pager is the pager incident that a public incident is paired with.
type Pager struct {
	Number string `json:"number"`
	URL    string `json:"url,omitempty"`
}

// Snooze says that an incident is being worked on and needs no reminder.
type Snooze struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
}

// ShortNotice is the recorded reason for maintenance announced late.
type ShortNotice struct {
	Reason string    `json:"reason"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
}

// Update is one entry of a timeline.
type Update struct {
	ID         string                    `json:"id"`
	State      statuspage.IncidentStatus `json:"state"`
	Body       string                    `json:"body"`
	At         time.Time                 `json:"at"` // as the public reads it
	Notified   bool                      `json:"notified"`
	Components []Change                  `json:"components"` // those that the update changed
}

// Change is what an update did to a component.
type Change struct {
	ID   string                     `json:"id"`
	Name string                     `json:"name"`
	From statuspage.ComponentStatus `json:"from"`
	To   statuspage.ComponentStatus `json:"to"`
}

// Incident is a public incident.
type Incident struct {
	ID           string                    `json:"id"`
	Title        string                    `json:"title"`
	State        statuspage.IncidentStatus `json:"state"`
	Impact       statuspage.Impact         `json:"impact"`
	Since        time.Time                 `json:"since"` // when it was opened
	LastUpdateAt time.Time                 `json:"lastUpdateAt,omitzero"`
	ResolvedAt   time.Time                 `json:"resolvedAt,omitzero"`
	Components   []Ref                     `json:"components"`
	URL          string                    `json:"url"`
	Pager        *Pager                    `json:"pager,omitempty"`
	Snooze       *Snooze                   `json:"snooze,omitempty"` // also one that has ended
	// PostmortemAt is when a postmortem was published.
	PostmortemAt time.Time `json:"postmortemAt,omitzero"`
	Updates      []Update  `json:"updates"` // oldest first
}

// Open reports whether the incident is not over.
func (i Incident) Open() bool { return !i.State.Closed() }

// Maintenance is planned work that the page announces.
type Maintenance struct {
	ID          string                    `json:"id"`
	Title       string                    `json:"title"`
	State       statuspage.IncidentStatus `json:"state"`
	StartsAt    time.Time                 `json:"startsAt"`
	EndsAt      time.Time                 `json:"endsAt,omitzero"`
	AnnouncedAt time.Time                 `json:"announcedAt"`
	Since       time.Time                 `json:"since,omitzero"`      // when it came to its state, where an update says so
	Automatic   *bool                     `json:"automatic,omitempty"` // starts and ends by itself; the public page does not say
	Cancelled   bool                      `json:"cancelled,omitempty"`
	Components  []Ref                     `json:"components"`
	URL         string                    `json:"url"`
	ShortNotice *ShortNotice              `json:"shortNotice,omitempty"`
	Updates     []Update                  `json:"updates"` // oldest first
}

// Open reports whether the maintenance is not over.
func (m Maintenance) Open() bool { return !m.State.Closed() }

// Running reports whether work has begun and is not over.
func (m Maintenance) Running() bool {
	return m.State == statuspage.InProgress || m.State == statuspage.Verifying
}

// Template is a prepared incident and what it would set.
type Template struct {
	ID         string                    `json:"id"`
	Name       string                    `json:"name"`  // internal; never public
	Title      string                    `json:"title"` // public
	Body       string                    `json:"body"`
	State      statuspage.IncidentStatus `json:"state,omitempty"` // "" when it sets none
	Notify     *bool                     `json:"notify,omitempty"`
	Components []Ref                     `json:"components"` // without a state: a template sets none
}

// PageInfo is the page itself.
type PageInfo struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	URL      string `json:"url"` // where the public sees it
	TimeZone string `json:"timeZone,omitempty"`
	Private  bool   `json:"private,omitempty"`
	// Indicator and Description are the page's own sum; only the public API tells it.
	Indicator   string    `json:"indicator,omitempty"`
	Description string    `json:"description,omitempty"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
}

// Overview is the page at one glance.
type Overview struct {
	Source       string        `json:"source"` // "manage" or "public"
	Page         PageInfo      `json:"page"`
	Components   []Component   `json:"components"`
	Incidents    []Incident    `json:"incidents"`    // open
	Maintenances []Maintenance `json:"maintenances"` // running and coming
}

func components(rows []statuspage.Component) []Component {
	groups := map[string]statuspage.Component{}
	for _, r := range rows {
		if r.IsGroup() {
			groups[r.ID] = r
		}
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b statuspage.Component) int {
		ga, gb := a, b
		if g, ok := groups[a.GroupID]; ok {
			ga = g
		}
		if g, ok := groups[b.GroupID]; ok {
			gb = g
		}
		return cmp.Or(cmp.Compare(ga.Position, gb.Position), cmp.Compare(ga.ID, gb.ID), cmp.Compare(a.Position, b.Position))
	})
	out := []Component{}
	for _, r := range rows {
		if r.IsGroup() {
			continue
		}
		out = append(out, Component{
			ID: r.ID, Name: r.Name, Group: groups[r.GroupID].Name, Description: r.Description, State: r.Status,
			Since: r.UpdatedAt.UTC(), Hidden: r.OnlyShowIfDegraded && r.Status == statuspage.Operational,
		})
	}
	return out
}

func refs(rows []statuspage.Component, withState bool) []Ref {
	out := []Ref{}
	for _, r := range rows {
		ref := Ref{ID: r.ID, Name: r.Name}
		if withState {
			ref.State = r.Status
		}
		out = append(out, ref)
	}
	return out
}

func updates(rows []statuspage.Update) []Update {
	out := []Update{}
	for _, r := range rows {
		u := Update{ID: r.ID, State: r.Status, Body: r.Body, At: r.ShownAt().UTC(), Notified: r.DeliverNotifications, Components: []Change{}}
		for _, c := range r.AffectedComponents {
			if c.OldStatus != c.NewStatus {
				u.Components = append(u.Components, Change{c.ID, c.Name, c.OldStatus, c.NewStatus})
			}
		}
		out = append(out, u)
	}
	slices.Reverse(out) // the vendor's order is newest first; equal times keep it
	slices.SortStableFunc(out, func(a, b Update) int { return a.At.Compare(b.At) })
	return out
}

func started(in statuspage.Incident) time.Time {
	if !in.CreatedAt.IsZero() {
		return in.CreatedAt.UTC()
	}
	return in.StartedAt.UTC()
}

// FromIncident reads a vendor's incident.
func FromIncident(in statuspage.Incident) Incident {
	rec := readRecord(in.Metadata)
	out := Incident{
		ID: in.ID, Title: in.Name, State: in.Status, Impact: in.Impact, Since: started(in), ResolvedAt: in.ResolvedAt.UTC(),
		Components: refs(in.Components, true), URL: in.Shortlink, Pager: rec.Pager, Snooze: rec.Snooze,
		PostmortemAt: in.PostmortemPublishedAt.UTC(), Updates: updates(in.Updates),
	}
	if last, ok := in.LastUpdate(); ok {
		out.LastUpdateAt = last.ShownAt().UTC()
	}
	return out
}

// FromMaintenance reads a vendor's scheduled maintenance.
func FromMaintenance(in statuspage.Incident) Maintenance {
	rec := readRecord(in.Metadata)
	out := Maintenance{
		ID: in.ID, Title: in.Name, State: in.Status, StartsAt: in.ScheduledFor.UTC(), EndsAt: in.ScheduledUntil.UTC(), AnnouncedAt: started(in),
		Cancelled:  rec.Cancelled != nil,
		Components: refs(in.Components, true), URL: in.Shortlink, ShortNotice: rec.ShortNotice, Updates: updates(in.Updates),
	}
	if in.StartedAt.IsZero() { // only the public page has started_at
		out.Automatic = new(in.ScheduledAutoProgress && in.ScheduledAutoCompleted)
	}
	for _, u := range out.Updates {
		if u.State == out.State && out.Since.IsZero() {
			out.Since = u.At
		} else if u.State != out.State {
			out.Since = time.Time{}
		}
	}
	return out
}
