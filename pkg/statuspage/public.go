package statuspage

import (
	"context"
	"net/http"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Summary is what the page tells everybody: /api/v2/summary.json of its own
// host, no key needed (contract note, section 4). It is cached at the edge for
// 10 s, and for up to an hour when the origin fails, so a green answer is no
// proof. Times carry the page's own offset.
type Summary struct {
	Page struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		URL       string `json:"url"` // here: the status page
		TimeZone  string `json:"time_zone"`
		UpdatedAt Time   `json:"updated_at"`
	} `json:"page"`
	Status struct {
		Indicator   string `json:"indicator"` // none, minor, major, critical, maintenance
		Description string `json:"description"`
	} `json:"status"`
	Components   []Component `json:"components"`
	Incidents    []Incident  `json:"incidents"`              // unresolved
	Maintenances []Incident  `json:"scheduled_maintenances"` // upcoming and running
}

// publicConfig is the transport of the public API: another host, no key, no
// share in the Manage API's rate.
func publicConfig(h httpx.Config, address string) httpx.Config {
	h.BaseURL = address
	h.Header = nil
	h.User, h.Password = "", secret.String{}
	h.Pacer = nil
	h.Classify = nil
	h.LoginHint = ""
	return h
}

// PublicSummary reads what the public sees. A private page answers with a
// sign-in page, which is an error.
func (c *Client) PublicSummary(ctx context.Context) (Summary, error) {
	var out Summary
	const op = "read the public page"
	client := c.public
	if client == nil {
		if c.pageID == "" {
			return out, apierr.New(apierr.ErrUsage, Vendor, op, "neither the page's address nor its id is set").
				WithHint("set public-url in the context, or ONCALL_STATUSPAGE_PUBLIC_URL")
		}
		cfg := c.publicCfg
		cfg.BaseURL = "https://" + strings.ToLower(c.pageID) + ".statuspage.io"
		var err error
		if client, err = httpx.New(cfg); err != nil {
			return out, err
		}
	}
	_, err := client.Do(ctx, httpx.Request{Op: op, Method: http.MethodGet, Path: "/api/v2/summary.json"}, &out)
	return out, err
}
