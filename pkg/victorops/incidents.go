package victorops

import (
	"context"
	"net/http"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Phase is an incident's state in the vendor's words. GET v1/incidents writes it
// in upper case, reporting in lower case and with other words (note 8).
type Phase string

// Phases of GET v1/incidents (spec).
const (
	Unacked  Phase = "UNACKED"  // triggered: somebody is being paged
	Acked    Phase = "ACKED"    // somebody took it
	Resolved Phase = "RESOLVED" // over
)

// Incident is one problem that people are paged for. Every field is optional on
// the wire (spec).
type Incident struct {
	Number        ID           `json:"incidentNumber"`
	Phase         Phase        `json:"currentPhase"`
	StartTime     Time         `json:"startTime"`
	AlertCount    Int          `json:"alertCount"`
	LastAlertTime Time         `json:"lastAlertTime"`
	LastAlertID   string       `json:"lastAlertId"`    // uuid for Alert
	FirstAlertID  string       `json:"firstAlertUuid"` // uuid for Alert
	EntityID      string       `json:"entityId"`       // what the alerts are about; a key, kept as it is
	Host          Text         `json:"host"`
	Service       Text         `json:"service"`
	PagedUsers    []string     `json:"pagedUsers"` // usernames
	PagedTeams    []string     `json:"pagedTeams"` // team slugs, not names
	PagedPolicies []PolicyRef  `json:"pagedPolicies"`
	Transitions   []Transition `json:"transitions"` // oldest first is usual, not promised
	MonitorName   Text         `json:"monitorName"` // "vouser-USERNAME" when made by hand
	MonitorType   string       `json:"monitorType"`

	// On the wire but not in the spec's Incident (note 3).
	EntityDisplayName Text   `json:"entityDisplayName"`
	EntityState       string `json:"entityState"` // CRITICAL, WARNING, ...
	EntityType        string `json:"entityType"`
	RoutingKey        string `json:"routingKey"`
	IncidentURL       string `json:"incidentUrl"` // seen in 2016, may be absent
}

// PolicyRef names an escalation policy and the team it belongs to.
type PolicyRef struct {
	Policy Ref `json:"policy"`
	Team   Ref `json:"team"`
}

// Ref is a name with the slug by which the API knows it.
type Ref struct {
	Name Text   `json:"name"`
	Slug string `json:"slug"`
}

// Transition is one change of an incident's state.
type Transition struct {
	Name     string `json:"name"`
	At       Time   `json:"at"`
	By       Text   `json:"by"` // a username, SYSTEM, a display name, or empty (note 3)
	Message  Text   `json:"message"`
	Manually bool   `json:"manually"` // by a person
	AlertID  string `json:"alertId"`
	AlertURL string `json:"alertUrl"`
}

// Incidents returns the open, the acknowledged and the recently resolved
// incidents of the whole organisation. There are no filters and no pages; how
// long "recently" is, the vendor does not say (note 3).
//
//contract:operation GET /api-public/v1/incidents
func (c *Client) Incidents(ctx context.Context) ([]Incident, error) {
	var out struct {
		Incidents []Incident `json:"incidents"`
	}
	_, err := c.get(ctx, "list incidents", "/api-public/v1/incidents", nil, &out)
	return list(out.Incidents), err
}

// Incident returns one incident, open or not. An unknown number is an
// apierr.ErrNotFound.
//
//contract:operation GET /api-public/v1/incidents/{incidentNumber}
func (c *Client) Incident(ctx context.Context, number string) (Incident, error) {
	var out Incident
	_, err := c.get(ctx, "get incident "+number, "/api-public/v1/incidents/"+seg(number), nil, &out)
	return out, err
}

// TargetType says what a target's slug names.
type TargetType string

// The targets of the spec. There is none for a team: page its policies.
const (
	TargetUser   TargetType = "User"
	TargetPolicy TargetType = "EscalationPolicy"
)

// Target is whom to page: a username or a policy slug.
type Target struct {
	Type TargetType `json:"type"`
	Slug string     `json:"slug"`
}

// NewIncident is an incident made by hand. It skips the rules engine, and a user
// it pages must belong to a team (note 3).
type NewIncident struct {
	Summary  string   `json:"summary"`
	Details  string   `json:"details"`
	UserName string   `json:"userName"` // who makes it; a real member
	Targets  []Target `json:"targets"`
	// MultiResponder makes everyone paged acknowledge. Enterprise plans only.
	MultiResponder bool `json:"isMultiResponder,omitempty"`
}

// CreateIncident pages the targets and returns the new incident's number. A 200
// that carries an error is returned as an apierr.ErrInvalid, one that names no
// incident as an apierr.ErrUnknownOutcome. (The spec gives this reply the schema of
// a note by mistake; the shape is that of its definition CreatedIncident, note 3.)
//
//contract:operation POST /api-public/v1/incidents
func (c *Client) CreateIncident(ctx context.Context, in NewIncident) (string, error) {
	const op = "trigger an incident"
	var out struct {
		Number ID   `json:"incidentNumber"`
		Error  Text `json:"error"`
	}
	if err := c.send(ctx, op, http.MethodPost, "/api-public/v1/incidents", in, &out); err != nil {
		return "", err
	}
	if out.Error != "" {
		return string(out.Number), apierr.New(apierr.ErrInvalid, Vendor, op, "%s", out.Error)
	}
	if out.Number == "" {
		return "", apierr.New(apierr.ErrUnknownOutcome, Vendor, op, "cannot tell whether it was made: the answer names no incident").
			WithHint("oncall incident list")
	}
	return string(out.Number), nil
}

// AckRequest asks to acknowledge or resolve incidents.
type AckRequest struct {
	UserName string   `json:"userName"`      // who acts; a real member
	Numbers  []string `json:"incidentNames"` // incident numbers, despite the name on the wire
	Message  string   `json:"message,omitempty"`
}

// AckResult is what became of one incident. The call itself answers 200 even
// when an incident was refused (note 2).
type AckResult struct {
	Number   ID     `json:"incidentNumber"`
	EntityID string `json:"entityId"`
	Accepted bool   `json:"cmdAccepted"`
	Message  Text   `json:"message"`
}

type ackReply struct {
	Results []AckResult `json:"results"`
}

// Ack acknowledges incidents. What was refused comes back per item, not as an error.
//
//contract:operation PATCH /api-public/v1/incidents/ack
func (c *Client) Ack(ctx context.Context, in AckRequest) ([]AckResult, error) {
	return c.act(ctx, "acknowledge "+numbers(in.Numbers), "/api-public/v1/incidents/ack", in)
}

// Resolve resolves incidents. What was refused comes back per item, not as an error.
//
//contract:operation PATCH /api-public/v1/incidents/resolve
func (c *Client) Resolve(ctx context.Context, in AckRequest) ([]AckResult, error) {
	return c.act(ctx, "resolve "+numbers(in.Numbers), "/api-public/v1/incidents/resolve", in)
}

// ByUserRequest names a user whose incidents are meant.
type ByUserRequest struct {
	UserName string `json:"userName"`
	Message  string `json:"message,omitempty"`
}

// AckByUser acknowledges every open incident that the user was paged for.
//
//contract:operation PATCH /api-public/v1/incidents/byUser/ack
func (c *Client) AckByUser(ctx context.Context, in ByUserRequest) ([]AckResult, error) {
	return c.act(ctx, "acknowledge all of "+in.UserName, "/api-public/v1/incidents/byUser/ack", in)
}

// ResolveByUser resolves every open incident that the user was paged for.
//
//contract:operation PATCH /api-public/v1/incidents/byUser/resolve
func (c *Client) ResolveByUser(ctx context.Context, in ByUserRequest) ([]AckResult, error) {
	return c.act(ctx, "resolve all of "+in.UserName, "/api-public/v1/incidents/byUser/resolve", in)
}

func (c *Client) act(ctx context.Context, op, path string, in any) ([]AckResult, error) {
	var out ackReply
	err := c.send(ctx, op, http.MethodPatch, path, in, &out)
	return list(out.Results), err
}

// RerouteRequest pages others for incidents.
type RerouteRequest struct {
	UserName string    `json:"userName"`
	Reroutes []Reroute `json:"reroutes"`
}

// Reroute is one incident with its new targets.
type Reroute struct {
	Number  string   `json:"incidentNumber"`
	Targets []Target `json:"targets"`
	// Add keeps those who are paged already. Enterprise plans only.
	Add bool `json:"addTargets"`
}

// RerouteStatus is what became of one incident.
type RerouteStatus struct {
	Number  ID             `json:"incidentNumber"`
	Success bool           `json:"success"`
	Message Text           `json:"message"`
	Targets []TargetStatus `json:"targetStatus"`
}

// TargetStatus is what became of one target.
type TargetStatus struct {
	Slug    string `json:"slug"`
	Success bool   `json:"success"`
	Message Text   `json:"message"`
}

// Reroute pages others for incidents. What was refused comes back per item, not
// as an error.
//
//contract:operation POST /api-public/v1/incidents/reroute
func (c *Client) Reroute(ctx context.Context, in RerouteRequest) ([]RerouteStatus, error) {
	all := make([]string, 0, len(in.Reroutes))
	for _, r := range in.Reroutes {
		all = append(all, r.Number)
	}
	var out struct {
		Statuses []RerouteStatus `json:"statuses"`
	}
	err := c.send(ctx, "reroute "+numbers(all), http.MethodPost, "/api-public/v1/incidents/reroute", in, &out)
	return list(out.Statuses), err
}
