package statuspage

import (
	"context"
	"net/http"

	"github.com/balena-io/oncall/pkg/httpx"
)

// SubscriberCount tells how many active subscribers there are of each kind.
type SubscriberCount struct {
	Email              int `json:"email"`
	SMS                int `json:"sms"`
	Webhook            int `json:"webhook"`
	Slack              int `json:"slack"`
	Teams              int `json:"teams"`
	IntegrationPartner int `json:"integration_partner"`
}

// Total is the number of subscribers of all kinds.
func (s SubscriberCount) Total() int {
	return s.Email + s.SMS + s.Webhook + s.Slack + s.Teams + s.IntegrationPartner
}

// SubscriberCount counts the active subscribers of the page.
//
//contract:operation GET /pages/{page_id}/subscribers/count
func (c *Client) SubscriberCount(ctx context.Context) (SubscriberCount, error) {
	var out SubscriberCount
	err := c.sendPage(ctx, httpx.Request{Op: "count subscribers", Method: http.MethodGet, Path: "/subscribers/count"}, &out)
	return out, err
}
