package statuspage

import (
	"context"
	"net/http"
	"strings"

	"github.com/balena-io/oncall/pkg/httpx"
)

// Page is a status page (contract note, section 3, Page). Texts may be empty.
type Page struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	Subdomain       string `json:"subdomain"` // a label, or the whole host
	Domain          string `json:"domain"`    // own host name, "" without one
	URL             string `json:"url"`       // the company's site, not the status page
	TimeZone        string `json:"time_zone"` // IANA name or the vendor's own word
	PageDescription string `json:"page_description"`
	Headline        string `json:"headline"`
	SupportURL      string `json:"support_url"`
	// ViewersMustBeTeamMembers is true for a private page.
	ViewersMustBeTeamMembers bool `json:"viewers_must_be_team_members"`
	CreatedAt                Time `json:"created_at"`
	UpdatedAt                Time `json:"updated_at"` // last change, not a mark of freshness
}

// Address is where the public sees the page: its own domain, else its
// subdomain, else its id (all three are served by the vendor).
func (p Page) Address() string {
	host := p.Domain
	if host == "" {
		host = p.Subdomain
	}
	if host == "" {
		host = p.ID
	}
	if !strings.Contains(host, ".") {
		host += ".statuspage.io"
	}
	return "https://" + host
}

// Pages lists the pages that the key reaches; the vendor does not page it. It is
// the cheapest check of a key.
//
//contract:operation GET /pages
func (c *Client) Pages(ctx context.Context) ([]Page, error) {
	pages := []Page{}
	if err := c.send(ctx, httpx.Request{Op: "list pages", Method: http.MethodGet, Path: "/pages"}, &pages); err != nil {
		return nil, err
	}
	return pages, nil
}

// Page returns the client's page.
//
//contract:operation GET /pages/{page_id}
func (c *Client) Page(ctx context.Context) (Page, error) {
	var p Page
	err := c.sendPage(ctx, httpx.Request{Op: "read the page", Method: http.MethodGet}, &p)
	return p, err
}
