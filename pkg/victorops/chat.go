package victorops

import (
	"context"
	"net/url"
	"strconv"
)

// Message is one line of the pager's own chat.
type Message struct {
	Username string      `json:"username"`
	Text     Text        `json:"text"`
	At       EpochMillis `json:"serviceTime"`
	Sequence Int         `json:"sequence"`
}

// maxChatPages bounds Chat: a chat that never ends is the vendor's error.
const maxChatPages = 20

// Chat returns what was said about an incident, oldest page first. The 2020
// document does not know this call (note 8: one client): an apierr.ErrNotFound
// means that the account's API lacks it.
//
//contract:operation GET /api-public/v1/chat
func (c *Client) Chat(ctx context.Context, number string) ([]Message, error) {
	all := []Message{}
	for range maxChatPages {
		var out struct {
			Messages []Message `json:"messages"`
			HasMore  bool      `json:"hasMore"`
		}
		q := url.Values{"incidentId": {number}, "limit": {"100"}, "offset": {strconv.Itoa(len(all))}}
		if _, err := c.get(ctx, "get the chat of incident "+number, "/api-public/v1/chat", q, &out); err != nil {
			return all, err
		}
		all = append(all, out.Messages...)
		if !out.HasMore || len(out.Messages) == 0 {
			break
		}
	}
	return all, nil
}
