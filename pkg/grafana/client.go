// Package grafana is a typed client of the parts of the Grafana HTTP API that an
// engineer on call needs: finding dashboards, links to them and to Explore,
// pictures of panels, annotations and data sources.
//
// Source: the Prometheus contract note, section 7, and
// https://grafana.com/docs/grafana/latest/developers/http_api/ (read 2026-11).
package grafana

import (
	"context"
	"net/url"
	"strconv"

	"github.com/balena-io/oncall/pkg/datasource"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Config makes a Client. HTTP.BaseURL is Grafana's root, its path kept. There is
// no default.
type Config struct {
	HTTP  httpx.Config
	Token secret.String // service account token (glsa_...); zero with HTTP.User for basic authorisation
	OrgID string        // organisation (X-Grafana-Org-Id); empty is the token's own
}

// Client talks to one Grafana. It is safe for concurrent use.
type Client struct {
	api *datasource.API
	org string
}

const vendor = "grafana"

// New makes a client. It opens nothing. A missing URL is an apierr.ErrUsage.
func New(c Config) (*Client, error) {
	api, err := datasource.Access{Vendor: vendor, Root: "Grafana's root", Token: c.Token, OrgID: c.OrgID, Grafana: true}.Open(c.HTTP, nil)
	return &Client{api: api, org: c.OrgID}, err
}

// do sends one call and decodes its JSON. A page of any kind in place of what was
// read is one of a login; after a change the transport decides what is known.
func (c *Client) do(ctx context.Context, r httpx.Request, out any) error {
	if r.Writes() {
		r.Header = c.api.Header
		_, err := c.api.Do(ctx, r, out)
		return err
	}
	res, err := c.api.Read(ctx, r)
	if err != nil {
		return err
	}
	return c.api.Decode(r.Op, res.Body, out)
}

// User is the account that the credential belongs to. It is the check of a
// credential: /api/health answers everybody.
type User struct {
	Login string `json:"login"`
	Name  string `json:"name"`
	Email string `json:"email"`
	OrgID int64  `json:"orgId"`
}

// Me returns the account of the credential. Service accounts have no /api/user
// on some versions; their organisation is told then.
func (c *Client) Me(ctx context.Context) (User, error) {
	var u User
	err := c.do(ctx, httpx.Request{Op: "who am I", Path: "/api/user"}, &u)
	if err == nil {
		return u, nil
	}
	var org struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	if again := c.do(ctx, httpx.Request{Op: "who am I", Path: "/api/org"}, &org); again != nil {
		return u, err
	}
	return User{Name: "service account in " + org.Name, OrgID: org.ID}, nil
}

// links of the API are absolute paths that begin with Grafana's own sub-path.
func (c *Client) resolve(path string) string {
	base, err := url.Parse(c.api.Base() + "/")
	if err != nil {
		return ""
	}
	ref, err := url.Parse(path)
	if err != nil || ref.Host != "" && ref.Host != base.Host {
		return ""
	}
	return base.ResolveReference(ref).String()
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
