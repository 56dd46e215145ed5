package statuspage

import (
	"context"
	"net/http"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Update is one entry of an incident's timeline. There is no call to list or
// post one: they come with the incident and are added by changing it.
type Update struct {
	ID                   string           `json:"id"`
	IncidentID           string           `json:"incident_id"`
	Status               IncidentStatus   `json:"status"`
	Body                 string           `json:"body"`
	DisplayAt            Time             `json:"display_at"` // what the public sees; can be edited
	CreatedAt            Time             `json:"created_at"`
	UpdatedAt            Time             `json:"updated_at"`
	DeliverNotifications bool             `json:"deliver_notifications"`
	AffectedComponents   []AffectedChange `json:"affected_components"` // null without any; unchanged ones are listed too
}

func (u Update) shownAt() Time {
	if u.DisplayAt.IsZero() {
		return u.CreatedAt
	}
	return u.DisplayAt
}

// ShownAt is the time that the public reads on the update.
func (u Update) ShownAt() Time { return u.shownAt() }

// AffectedChange tells what an update did to a component. The id's key is "code".
type AffectedChange struct {
	ID        string          `json:"code"`
	Name      string          `json:"name"`
	OldStatus ComponentStatus `json:"old_status"`
	NewStatus ComponentStatus `json:"new_status"`
}

// UpdateWrite holds what a past update is to become; nil is left as it is. Its
// status cannot be changed.
type UpdateWrite struct {
	Body                 *string `json:"body,omitzero"`
	DisplayAt            *Time   `json:"display_at,omitzero"`
	DeliverNotifications *bool   `json:"deliver_notifications,omitzero"`
}

// EditUpdate changes an update that was posted before.
//
//contract:operation PATCH /pages/{page_id}/incidents/{incident_id}/incident_updates/{incident_update_id}
func (c *Client) EditUpdate(ctx context.Context, incidentID, updateID string, in UpdateWrite) (Update, error) {
	var out Update
	op := "edit update " + updateID + " of incident " + incidentID
	inc, err := segment(op, incidentID)
	if err != nil {
		return out, err
	}
	upd, err := segment(op, updateID)
	if err != nil {
		return out, err
	}
	body := struct {
		Update UpdateWrite `json:"incident_update"`
	}{in}
	err = c.sendPage(ctx, httpx.Request{Op: op, Method: http.MethodPatch, Path: "/incidents/" + inc + "/incident_updates/" + upd, JSON: body}, &out)
	return out, err
}
