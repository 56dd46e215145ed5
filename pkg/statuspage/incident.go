package statuspage

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Limits of the vendor (description of the incident body). They count
// characters.
const (
	MaxName = 255
	MaxBody = 25000
)

// IncidentStatus is where an incident or a maintenance stands. An unknown word
// is kept.
type IncidentStatus string

// The two lifecycles (contract note, section 2). Postmortem turns up on reads
// once one is published.
const (
	Investigating IncidentStatus = "investigating"
	Identified    IncidentStatus = "identified"
	Monitoring    IncidentStatus = "monitoring"
	Resolved      IncidentStatus = "resolved"

	Scheduled  IncidentStatus = "scheduled"
	InProgress IncidentStatus = "in_progress"
	Verifying  IncidentStatus = "verifying"
	Completed  IncidentStatus = "completed"

	Postmortemed IncidentStatus = "postmortem"
)

// RealtimeStatuses and MaintenanceStatuses are the lifecycles in order.
var (
	RealtimeStatuses    = []IncidentStatus{Investigating, Identified, Monitoring, Resolved}
	MaintenanceStatuses = []IncidentStatus{Scheduled, InProgress, Verifying, Completed}
)

// Closed reports whether nothing more is expected of the incident.
func (s IncidentStatus) Closed() bool {
	return s == Resolved || s == Completed || s == Postmortemed
}

// OfMaintenance reports whether s belongs to the lifecycle of a maintenance.
func (s IncidentStatus) OfMaintenance() bool { return slices.Contains(MaintenanceStatuses, s) }

// Impact is how bad an incident is. An unknown word is kept.
type Impact string

// The impacts, from none to worst, and the one of a maintenance.
const (
	ImpactNone        Impact = "none"
	ImpactMinor       Impact = "minor"
	ImpactMajor       Impact = "major"
	ImpactCritical    Impact = "critical"
	ImpactMaintenance Impact = "maintenance"
)

// Impacts lists the impacts that can be asked for.
var Impacts = []Impact{ImpactNone, ImpactMinor, ImpactMajor, ImpactCritical, ImpactMaintenance}

// Metadata is free data of an incident: an object of objects. Whether the public
// API shows it is not known, so nothing secret belongs in it.
type Metadata map[string]json.RawMessage

// UnmarshalJSON takes an object; anything else (null, "", a list) is no metadata.
func (m *Metadata) UnmarshalJSON(b []byte) error {
	*m = nil
	var plain map[string]json.RawMessage
	if json.Unmarshal(b, &plain) == nil {
		*m = plain
	}
	return nil
}

// Incident is an incident or a scheduled maintenance. Any field may be empty.
type Incident struct {
	ID             string         `json:"id"`
	PageID         string         `json:"page_id"`
	Name           string         `json:"name"` // the public title
	Status         IncidentStatus `json:"status"`
	Impact         Impact         `json:"impact"`          // computed from the components unless overridden
	ImpactOverride Impact         `json:"impact_override"` // "" when not overridden
	Shortlink      string         `json:"shortlink"`
	CreatedAt      Time           `json:"created_at"`
	UpdatedAt      Time           `json:"updated_at"`
	StartedAt      Time           `json:"started_at"` // public API only
	MonitoringAt   Time           `json:"monitoring_at"`
	ResolvedAt     Time           `json:"resolved_at"`
	Components     []Component    `json:"components"`       // with the status of now
	Updates        []Update       `json:"incident_updates"` // newest first
	Metadata       Metadata       `json:"metadata"`

	ScheduledFor           Time `json:"scheduled_for"`
	ScheduledUntil         Time `json:"scheduled_until"`
	ScheduledRemindPrior   bool `json:"scheduled_remind_prior"` // subscribers get a mail 60 minutes before
	ScheduledRemindedAt    Time `json:"scheduled_reminded_at"`
	ScheduledAutoProgress  bool `json:"scheduled_auto_in_progress"`
	ScheduledAutoCompleted bool `json:"scheduled_auto_completed"`
	AutoToMaintenance      bool `json:"auto_transition_to_maintenance_state"`
	AutoToOperational      bool `json:"auto_transition_to_operational_state"`
	AutoNotifyAtStart      bool `json:"auto_transition_deliver_notifications_at_start"`
	AutoNotifyAtEnd        bool `json:"auto_transition_deliver_notifications_at_end"`

	PostmortemBody string `json:"postmortem_body"`
	// PostmortemPublishedAt is a time; the description says a boolean.
	PostmortemPublishedAt Time `json:"postmortem_published_at"`
}

// OfMaintenance reports whether the incident is a scheduled maintenance: its
// status says so, and where the status fits both (resolved, postmortem, a new
// word) its schedule does.
func (i Incident) OfMaintenance() bool {
	switch i.Status {
	case Investigating, Identified, Monitoring:
		return false
	}
	return i.Status.OfMaintenance() || !i.ScheduledFor.IsZero()
}

// LastUpdate returns the newest update, by the time at which it is shown.
func (i Incident) LastUpdate() (Update, bool) {
	if len(i.Updates) == 0 {
		return Update{}, false
	}
	return slices.MaxFunc(i.Updates, func(a, b Update) int {
		if c := a.shownAt().Compare(b.shownAt().Time); c != 0 {
			return c
		}
		return a.CreatedAt.Compare(b.CreatedAt.Time)
	}), true
}

// IncidentWrite holds what an incident is to become. Only what is set is sent:
// nil pointers, maps and lists are left out, an empty map or list is sent.
type IncidentWrite struct {
	Name           *string         `json:"name,omitzero"`
	Status         *IncidentStatus `json:"status,omitzero"`
	Body           *string         `json:"body,omitzero"` // adds an update to the timeline
	ImpactOverride *Impact         `json:"impact_override,omitzero"`
	// ComponentIDs names what is affected, Components sets a status per id; the
	// vendor wants both, with the same ids (contract note, section 3, Incident).
	ComponentIDs []string                   `json:"component_ids,omitzero"`
	Components   map[string]ComponentStatus `json:"components,omitzero"`
	// DeliverNotifications is true at the vendor when it is not sent.
	DeliverNotifications *bool    `json:"deliver_notifications,omitzero"`
	Metadata             Metadata `json:"metadata,omitzero"`
	ReminderIntervals    *string  `json:"reminder_intervals,omitzero"`

	ScheduledFor           *Time `json:"scheduled_for,omitzero"`
	ScheduledUntil         *Time `json:"scheduled_until,omitzero"`
	ScheduledRemindPrior   *bool `json:"scheduled_remind_prior,omitzero"`
	ScheduledAutoProgress  *bool `json:"scheduled_auto_in_progress,omitzero"`
	ScheduledAutoCompleted *bool `json:"scheduled_auto_completed,omitzero"`
	AutoToMaintenance      *bool `json:"auto_transition_to_maintenance_state,omitzero"`
	AutoToOperational      *bool `json:"auto_transition_to_operational_state,omitzero"`
	AutoNotifyAtStart      *bool `json:"auto_transition_deliver_notifications_at_start,omitzero"`
	AutoNotifyAtEnd        *bool `json:"auto_transition_deliver_notifications_at_end,omitzero"`
}

// View is one of the vendor's ready-made incident lists. What tells Scheduled
// from Upcoming is not written down: filter by status and time.
type View string

// The views (contract note, section 3).
const (
	Unresolved        View = "unresolved"
	ScheduledView     View = "scheduled"
	Upcoming          View = "upcoming"
	ActiveMaintenance View = "active_maintenance"
)

// Incidents walks all incidents and maintenances, newest first, closed ones
// included. search may be ""; the vendor looks for it in names, statuses,
// postmortems and updates.
//
//contract:operation GET /pages/{page_id}/incidents
func (c *Client) Incidents(ctx context.Context, search string) iter.Seq2[Incident, error] {
	q := url.Values{}
	if search != "" {
		q.Set("q", search)
	}
	return all[Incident](ctx, c, paged{op: "list incidents", path: "/incidents", size: "limit", query: q})
}

// IncidentsIn walks one of the views.
//
//contract:operation GET /pages/{page_id}/incidents/unresolved
//contract:operation GET /pages/{page_id}/incidents/scheduled
//contract:operation GET /pages/{page_id}/incidents/upcoming
//contract:operation GET /pages/{page_id}/incidents/active_maintenance
func (c *Client) IncidentsIn(ctx context.Context, v View) iter.Seq2[Incident, error] {
	op := "list " + strings.ReplaceAll(string(v), "_", " ") + " incidents"
	return all[Incident](ctx, c, paged{op: op, path: "/incidents/" + httpx.Segment(string(v)), size: "per_page"})
}

// Incident returns one incident with its updates.
//
//contract:operation GET /pages/{page_id}/incidents/{incident_id}
func (c *Client) Incident(ctx context.Context, id string) (Incident, error) {
	var out Incident
	op := "read incident " + id
	seg, err := segment(op, id)
	if err != nil {
		return out, err
	}
	err = c.sendPage(ctx, httpx.Request{Op: op, Method: http.MethodGet, Path: "/incidents/" + seg}, &out)
	return out, err
}

type incidentBody struct {
	Incident IncidentWrite `json:"incident"`
}

// CreateIncident opens an incident or a maintenance. The vendor has no
// idempotency key: after a lost answer (apierr.ErrUnknownOutcome) look before
// anything is sent again.
//
//contract:operation POST /pages/{page_id}/incidents
func (c *Client) CreateIncident(ctx context.Context, in IncidentWrite) (Incident, error) {
	var out Incident
	err := c.sendPage(ctx, httpx.Request{Op: "create an incident", Method: http.MethodPost, Path: "/incidents", JSON: incidentBody{in}}, &out)
	return out, err
}

// UpdateIncident changes an incident; with a body it adds an update.
//
//contract:operation PATCH /pages/{page_id}/incidents/{incident_id}
func (c *Client) UpdateIncident(ctx context.Context, id string, in IncidentWrite) (Incident, error) {
	var out Incident
	op := "update incident " + id
	seg, err := segment(op, id)
	if err != nil {
		return out, err
	}
	err = c.sendPage(ctx, httpx.Request{Op: op, Method: http.MethodPatch, Path: "/incidents/" + seg, JSON: incidentBody{in}}, &out)
	return out, err
}
