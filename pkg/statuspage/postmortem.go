package statuspage

import (
	"context"
	"net/http"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Postmortem is the account of a resolved incident: a draft, and what is
// published of it.
type Postmortem struct {
	PreviewKey         string `json:"preview_key"`
	Body               string `json:"body"` // published text, "" before
	BodyUpdatedAt      Time   `json:"body_updated_at"`
	BodyDraft          string `json:"body_draft"`
	BodyDraftUpdatedAt Time   `json:"body_draft_updated_at"`
	PublishedAt        Time   `json:"published_at"` // zero before
	NotifySubscribers  bool   `json:"notify_subscribers"`
	CreatedAt          Time   `json:"created_at"`
	UpdatedAt          Time   `json:"updated_at"`
}

// PostmortemPublish says who is told of a publication. All are sent.
type PostmortemPublish struct {
	NotifySubscribers bool `json:"notify_subscribers"`
	NotifyTwitter     bool `json:"notify_twitter"`
}

func (c *Client) postmortem(ctx context.Context, op, method, incidentID, tail string, body any) (Postmortem, error) {
	var out Postmortem
	seg, err := segment(op, incidentID)
	if err != nil {
		return out, err
	}
	err = c.sendPage(ctx, httpx.Request{Op: op, Method: method, Path: "/incidents/" + seg + "/postmortem" + tail, JSON: body}, &out)
	return out, err
}

// Postmortem returns the postmortem of an incident; apierr.ErrNotFound when
// there is none.
//
//contract:operation GET /pages/{page_id}/incidents/{incident_id}/postmortem
func (c *Client) Postmortem(ctx context.Context, incidentID string) (Postmortem, error) {
	return c.postmortem(ctx, "read the postmortem of "+incidentID, http.MethodGet, incidentID, "", nil)
}

// DraftPostmortem saves a draft, which only the team sees.
//
//contract:operation PUT /pages/{page_id}/incidents/{incident_id}/postmortem
func (c *Client) DraftPostmortem(ctx context.Context, incidentID, draft string) (Postmortem, error) {
	var body struct {
		Postmortem struct {
			BodyDraft string `json:"body_draft"`
		} `json:"postmortem"`
	}
	body.Postmortem.BodyDraft = draft
	return c.postmortem(ctx, "draft the postmortem of "+incidentID, http.MethodPut, incidentID, "", body)
}

// PublishPostmortem shows the draft to the public.
//
//contract:operation PUT /pages/{page_id}/incidents/{incident_id}/postmortem/publish
func (c *Client) PublishPostmortem(ctx context.Context, incidentID string, in PostmortemPublish) (Postmortem, error) {
	body := struct {
		Postmortem PostmortemPublish `json:"postmortem"`
	}{in}
	return c.postmortem(ctx, "publish the postmortem of "+incidentID, http.MethodPut, incidentID, "/publish", body)
}

// RevertPostmortem takes a published postmortem back into a draft.
//
//contract:operation PUT /pages/{page_id}/incidents/{incident_id}/postmortem/revert
func (c *Client) RevertPostmortem(ctx context.Context, incidentID string) (Postmortem, error) {
	return c.postmortem(ctx, "revert the postmortem of "+incidentID, http.MethodPut, incidentID, "/revert", nil)
}
