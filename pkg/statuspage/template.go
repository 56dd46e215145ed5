package statuspage

import (
	"context"
	"iter"
)

// Template is a prepared incident. No call applies one: its fields are copied
// into a new incident by the client. It holds no impact and no target statuses.
type Template struct {
	ID                      string         `json:"id"`
	Name                    string         `json:"name"`  // internal label, never shown to the public
	Title                   string         `json:"title"` // public title
	Body                    string         `json:"body"`
	GroupID                 string         `json:"group_id"`
	UpdateStatus            IncidentStatus `json:"update_status"` // "" when it sets none
	ShouldTweet             bool           `json:"should_tweet"`
	ShouldSendNotifications *bool          `json:"should_send_notifications"` // nil when it does not say
	Components              []Component    `json:"components"`                // with the status of today, not a target
}

// Templates walks all incident templates of the page.
//
//contract:operation GET /pages/{page_id}/incident_templates
func (c *Client) Templates(ctx context.Context) iter.Seq2[Template, error] {
	return all[Template](ctx, c, paged{op: "list incident templates", path: "/incident_templates", size: "per_page"})
}
