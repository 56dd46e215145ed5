package cli

import (
	"context"
	"net/http"
	"net/url"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Webhook is a chat channel's address for messages. Such an address is a
// credential, so only its host is ever shown.
type Webhook struct {
	Host string
	http *httpx.Client
	tail string // path and query, masked
}

// Webhook makes the sender for an address. It goes through the one transport:
// dry-run, read-only and the demo's closed world hold for it too.
func (f *Factory) Webhook(address string) (*Webhook, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, Usage("--webhook: not a web address")
	}
	h, _, err := f.HTTP("webhook")
	if err != nil {
		return nil, err
	}
	h.BaseURL, h.LoginHint = u.Scheme+"://"+u.Host, ""
	tail := u.EscapedPath()
	if u.RawQuery != "" {
		tail += "?" + u.RawQuery
	}
	f.Masker.Add(secret.New(tail), secret.New(address))
	c, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	return &Webhook{Host: u.Host, http: c, tail: tail}, nil
}

// Post sends a message as JSON with a "text" field. The answer may be of any
// form: services answer "ok", nothing, or JSON.
func (w *Webhook) Post(ctx context.Context, text string) error {
	_, err := w.http.Do(ctx, httpx.Request{Op: "post a message", Method: http.MethodPost, Path: w.tail, AnyType: true,
		JSON: struct {
			Text string `json:"text"`
		}{text}}, nil)
	return err
}
