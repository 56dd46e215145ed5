package statuspage

import (
	"context"
	"iter"
	"net/http"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// ComponentStatus is the state of a component. An unknown word is kept.
type ComponentStatus string

// The states of a component (contract note, section 2). The vendor also knows
// the empty one, for groups.
const (
	Operational         ComponentStatus = "operational"
	DegradedPerformance ComponentStatus = "degraded_performance"
	PartialOutage       ComponentStatus = "partial_outage"
	MajorOutage         ComponentStatus = "major_outage"
	UnderMaintenance    ComponentStatus = "under_maintenance"
)

// ComponentStatuses lists the states from best to worst, maintenance last.
var ComponentStatuses = []ComponentStatus{Operational, DegradedPerformance, PartialOutage, MajorOutage, UnderMaintenance}

// Component is one row of the component list, which holds groups too.
type Component struct {
	ID          string          `json:"id"`
	PageID      string          `json:"page_id"`
	GroupID     string          `json:"group_id"` // "" at the top level
	Group       bool            `json:"group"`    // true: a group, whose status derives from its children and cannot be set
	Name        string          `json:"name"`     // not unique
	Description string          `json:"description"`
	Position    number          `json:"position"`
	Status      ComponentStatus `json:"status"`
	Showcase    bool            `json:"showcase"`
	// OnlyShowIfDegraded hides an operational component from the public.
	OnlyShowIfDegraded bool `json:"only_show_if_degraded"`
	// AutomationEmail lets any mail to it change the status, so it is a secret.
	AutomationEmail secret.String `json:"automation_email"`
	StartDate       string        `json:"start_date"` // plain date, "" when unset
	CreatedAt       Time          `json:"created_at"`
	UpdatedAt       Time          `json:"updated_at"` // last change of the record; its status did not change after it
	// Children are the ids of a group's components; only a group that is read
	// alone carries them, and the description does not know the field.
	Children ids `json:"components"`
}

// IsGroup reports whether the row is a group. Groups do not nest, so a row that
// is in a group is a component whatever its flag says.
func (c Component) IsGroup() bool { return c.Group && c.GroupID == "" }

// ComponentWrite holds what a component is to become; nil is left as it is.
type ComponentWrite struct {
	Name               *string          `json:"name,omitzero"`
	Description        *string          `json:"description,omitzero"`
	Status             *ComponentStatus `json:"status,omitzero"`
	GroupID            *string          `json:"group_id,omitzero"` // "null" takes it out of its group; "" makes trouble
	Showcase           *bool            `json:"showcase,omitzero"`
	OnlyShowIfDegraded *bool            `json:"only_show_if_degraded,omitzero"`
	StartDate          *string          `json:"start_date,omitzero"`
}

// Components walks all components and groups of the page.
//
//contract:operation GET /pages/{page_id}/components
func (c *Client) Components(ctx context.Context) iter.Seq2[Component, error] {
	return all[Component](ctx, c, paged{op: "list components", path: "/components", size: "per_page"})
}

// Component returns one component or group.
//
//contract:operation GET /pages/{page_id}/components/{component_id}
func (c *Client) Component(ctx context.Context, id string) (Component, error) {
	var out Component
	op := "read component " + id
	seg, err := segment(op, id)
	if err != nil {
		return out, err
	}
	err = c.sendPage(ctx, httpx.Request{Op: op, Method: http.MethodGet, Path: "/components/" + seg}, &out)
	return out, err
}

// UpdateComponent changes a component. A status set so posts no incident, but
// webhook subscribers are told of it.
//
//contract:operation PATCH /pages/{page_id}/components/{component_id}
func (c *Client) UpdateComponent(ctx context.Context, id string, in ComponentWrite) (Component, error) {
	var out Component
	op := "update component " + id
	seg, err := segment(op, id)
	if err != nil {
		return out, err
	}
	body := struct {
		Component ComponentWrite `json:"component"`
	}{in}
	err = c.sendPage(ctx, httpx.Request{Op: op, Method: http.MethodPatch, Path: "/components/" + seg, JSON: body}, &out)
	return out, err
}

// Group is a group of components.
type Group struct {
	ID          string `json:"id"`
	PageID      string `json:"page_id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Components  ids    `json:"components"` // ids of its components; the description says one string
	Position    number `json:"position"`
	CreatedAt   Time   `json:"created_at"`
	UpdatedAt   Time   `json:"updated_at"`
}

// Groups walks all component groups of the page. The path has a hyphen.
//
//contract:operation GET /pages/{page_id}/component-groups
func (c *Client) Groups(ctx context.Context) iter.Seq2[Group, error] {
	return all[Group](ctx, c, paged{op: "list component groups", path: "/component-groups", size: "per_page"})
}
