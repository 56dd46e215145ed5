package victorops

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
)

// OverrideLead is the shortest time from now to the start of a scheduled
// override (note 5: docs); for anything sooner there is TakeOnCall.
const OverrideLead = 30 * time.Minute

// Override says that somebody is away. Until each of its assignments names a
// cover, the person away stays on duty (note 5).
type Override struct {
	ID       string `json:"publicId"`
	User     Person `json:"user"` // who is away
	Timezone string `json:"timezone"`
	Start    Time   `json:"start"`
	End      Time   `json:"end"`
	// Assignments are the policies for which a cover is needed.
	Assignments []Assignment `json:"assignments"`
}

// Person is a username with a name.
type Person struct {
	Username  string `json:"username"`
	FirstName Text   `json:"firstName"`
	LastName  Text   `json:"lastName"`
}

// Assignment says who covers one policy during an override.
type Assignment struct {
	Team     string `json:"team"`   // slug
	Policy   string `json:"policy"` // slug
	Assigned bool   `json:"assigned"`
	User     string `json:"user"` // the cover's username; empty: nobody yet
}

// Overrides returns every scheduled override of the organisation.
//
//contract:operation GET /api-public/v1/overrides
func (c *Client) Overrides(ctx context.Context) ([]Override, error) {
	var out struct {
		Overrides []Override `json:"overrides"`
	}
	_, err := c.get(ctx, "list overrides", "/api-public/v1/overrides", nil, &out)
	return list(out.Overrides), err
}

// overrideReply is one override in the shapes seen: the spec answers a create
// with "schedule", the wire of today with "override", and a bare object does no
// harm (note 5).
type overrideReply struct{ Override }

func (o *overrideReply) UnmarshalJSON(b []byte) error {
	var w struct {
		Schedule *Override `json:"schedule"`
		Override *Override `json:"override"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	switch {
	case w.Override != nil:
		o.Override = *w.Override
	case w.Schedule != nil:
		o.Override = *w.Schedule
	default:
		if err := json.Unmarshal(b, &o.Override); err != nil {
			return err
		}
	}
	o.Assignments = list(o.Assignments)
	return nil
}

// Override returns one override by its public id.
//
//contract:operation GET /api-public/v1/overrides/{publicId}
func (c *Client) Override(ctx context.Context, id string) (Override, error) {
	var out overrideReply
	_, err := c.get(ctx, "get override "+id, "/api-public/v1/overrides/"+seg(id), nil, &out)
	return out.Override, err
}

// NewOverride says who is away and when.
type NewOverride struct {
	Username string
	Timezone string // IANA name, for display in the portal
	Start    time.Time
	End      time.Time
}

// CreateOverride says that somebody is away. It covers nothing yet: assign each
// policy of the result. It cannot start within OverrideLead of now.
//
//contract:operation POST /api-public/v1/overrides
func (c *Client) CreateOverride(ctx context.Context, in NewOverride) (Override, error) {
	op := "create an override for " + in.Username
	body := struct {
		Username string `json:"username"`
		Timezone string `json:"timezone"`
		Start    string `json:"start"`
		End      string `json:"end"`
	}{in.Username, in.Timezone, in.Start.UTC().Format(time.RFC3339), in.End.UTC().Format(time.RFC3339)}
	var out overrideReply
	if err := c.send(ctx, op, http.MethodPost, "/api-public/v1/overrides", body, &out); err != nil {
		return Override{}, err
	}
	if out.ID == "" {
		return out.Override, apierr.New(apierr.ErrUnknownOutcome, Vendor, op, "the answer names no override").
			WithHint("look for it: oncall rotation show")
	}
	return out.Override, nil
}

// DeleteOverride removes an override with its assignments.
//
//contract:operation DELETE /api-public/v1/overrides/{publicId}
func (c *Client) DeleteOverride(ctx context.Context, id string) error {
	return c.send(ctx, "delete override "+id, http.MethodDelete, "/api-public/v1/overrides/"+seg(id), nil, nil)
}

// Assignments returns who covers what during an override. The spec says a bare
// array; an object around it is accepted.
//
//contract:operation GET /api-public/v1/overrides/{publicId}/assignments
func (c *Client) Assignments(ctx context.Context, id string) ([]Assignment, error) {
	op := "list assignments of override " + id
	var raw json.RawMessage
	if _, err := c.get(ctx, op, "/api-public/v1/overrides/"+seg(id)+"/assignments", nil, &raw); err != nil {
		return []Assignment{}, err
	}
	if b := bytes.TrimSpace(raw); len(b) > 0 && b[0] == '{' {
		var w struct {
			Assignments []Assignment `json:"assignments"`
		}
		if err := json.Unmarshal(b, &w); err == nil && w.Assignments != nil {
			return w.Assignments, nil
		}
	}
	out, err := oneOrMany[Assignment](raw)
	if err != nil {
		return out, &apierr.Error{Vendor: Vendor, Op: op, Message: "the answer is not a list of assignments", Err: err}
	}
	return out, nil
}

// Assignment returns who covers one policy during an override.
//
//contract:operation GET /api-public/v1/overrides/{publicId}/assignments/{policySlug}
func (c *Client) Assignment(ctx context.Context, id, policy string) (Assignment, error) {
	var out Assignment
	_, err := c.get(ctx, "get the assignment of "+policy, assignmentPath(id, policy), nil, &out)
	return out, err
}

// Assign makes a user the cover of one policy during an override. overlap
// accepts that the cover is on duty elsewhere at that time; it is sent only when
// true, as the older spec does not know it (note 5).
//
//contract:operation PUT /api-public/v1/overrides/{publicId}/assignments/{policySlug}
func (c *Client) Assign(ctx context.Context, id, policy, username string, overlap bool) (Assignment, error) {
	in := struct {
		Policy   string `json:"policy"`
		Username string `json:"username"`
		Overlap  bool   `json:"acceptOverlap,omitempty"`
	}{policy, username, overlap}
	var out Assignment
	err := c.send(ctx, "assign "+policy+" to "+username, http.MethodPut, assignmentPath(id, policy), in, &out)
	return out, err
}

// Unassign removes the cover of one policy.
//
//contract:operation DELETE /api-public/v1/overrides/{publicId}/assignments/{policySlug}
func (c *Client) Unassign(ctx context.Context, id, policy string) (Assignment, error) {
	var out Assignment
	err := c.send(ctx, "unassign "+policy, http.MethodDelete, assignmentPath(id, policy), nil, &out)
	return out, err
}

func assignmentPath(id, policy string) string {
	return "/api-public/v1/overrides/" + seg(id) + "/assignments/" + seg(policy)
}
