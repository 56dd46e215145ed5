// Package statuspage is a typed client of Atlassian Statuspage: its Manage API
// (with a key) and the public API that a status page itself serves (without).
//
// It knows the vendor's wire and nothing of commands. Facts come from the
// vendor's OpenAPI description and from the contract note on it; where the two
// disagree the note wins and the code says so.
//
// Every write is wrapped in one key ("incident", "component", ...) and holds
// only the fields that the caller set: an empty field is a write too. Reads are
// bare objects and arrays.
package statuspage

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/secret"
)

// Vendor is the system's name in errors, settings and pacing files.
const Vendor = "statuspage"

// DefaultBaseURL is what stands before "/pages" (contract note, section 1).
const DefaultBaseURL = "https://api.statuspage.io/v1"

// Config makes a Client.
type Config struct {
	HTTP httpx.Config // empty BaseURL is DefaultBaseURL
	// APIKey is a user's key; it reaches every page which that user can reach.
	// Without one only PublicSummary works.
	APIKey secret.String
	// PageID is the 12-character id of the page. Empty: the only page of the
	// key, which costs one request more; several pages are an error.
	PageID string
	// PublicURL is the page's own address, on which /api/v2/summary.json is
	// served. Empty: https://PAGE_ID.statuspage.io.
	PublicURL string
}

// Client talks to one page. It is safe for concurrent use.
type Client struct {
	http      *httpx.Client
	public    *httpx.Client // nil while no address is known
	publicCfg httpx.Config
	hasKey    bool

	mu     sync.Mutex
	pageID string
}

// New makes a client. It opens nothing.
func New(c Config) (*Client, error) {
	h := c.HTTP
	h.Vendor = Vendor
	if h.BaseURL == "" {
		h.BaseURL = DefaultBaseURL
	}
	if h.LoginHint == "" {
		h.LoginHint = "oncall auth status statuspage"
	}
	if h.Masker == nil {
		h.Masker = new(secret.Masker)
	}
	public := h
	h.Masker.Add(c.APIKey)
	h.SecretFields = append(slices.Clone(h.SecretFields), "automation_email")
	h.Header = maps.Clone(h.Header)
	if h.Header == nil {
		h.Header = map[string]secret.String{}
	}
	if !c.APIKey.IsZero() {
		// "OAuth" is a static key here, not the flow of that name; "Bearer" is refused.
		h.Header["Authorization"] = secret.New("OAuth " + c.APIKey.Reveal())
	}
	if h.Classify == nil {
		h.Classify = classify
	}
	if c.PageID != "" && !idShape().MatchString(c.PageID) {
		return nil, apierr.New(apierr.ErrUsage, Vendor, "", "the page id %q is not an id", c.PageID).
			WithHint("the id is shown under API info, and by: oncall auth status statuspage")
	}
	hc, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	client := &Client{http: hc, hasKey: !c.APIKey.IsZero(), pageID: c.PageID, publicCfg: publicConfig(public, c.PublicURL)}
	if c.PublicURL != "" {
		if client.public, err = httpx.New(client.publicCfg); err != nil {
			return nil, err
		}
	}
	return client, nil
}

// idShape is what an id may look like. Real ones are 12 lower-case letters and
// digits; the rest is room for a vendor that changes its mind, without letting
// a path through.
var idShape = lazyregexp.New(`^[A-Za-z0-9_-]{1,64}$`)

// LooksLikeID reports whether s has the shape of the vendor's ids: 12 lower-case
// letters and digits (contract note, section 1). A name can have it as well.
func LooksLikeID(s string) bool { return realID().MatchString(s) }

var realID = lazyregexp.New(`^[a-z0-9]{12}$`)

// segment escapes an id for a path; what cannot be an id is refused before
// anything is sent.
func segment(op, id string) (string, error) {
	if !idShape().MatchString(id) {
		return "", apierr.New(apierr.ErrUsage, Vendor, op, "%q is not an id", id)
	}
	return httpx.Segment(id), nil
}

// send does a request outside of a page.
func (c *Client) send(ctx context.Context, r httpx.Request, out any) error {
	if !c.hasKey {
		return noKey(r.Op)
	}
	_, err := c.http.Do(ctx, r, out)
	return err
}

// sendPage does a request under /pages/{page_id}; r.Path follows that.
func (c *Client) sendPage(ctx context.Context, r httpx.Request, out any) error {
	if !c.hasKey {
		return noKey(r.Op)
	}
	page, err := c.PageID(ctx)
	if err != nil {
		return err
	}
	tail := r.Path
	r.Path = "/pages/" + httpx.Segment(page) + tail
	if _, err = c.http.Do(ctx, r, out); err != nil {
		return c.explain(ctx, page, r, err)
	}
	return nil
}

// PageID returns the id of the page: the configured one, else the key's only
// page, which is asked for once.
func (c *Client) PageID(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pageID != "" {
		return c.pageID, nil
	}
	pages, err := c.Pages(ctx)
	if err != nil {
		return "", err
	}
	switch len(pages) {
	case 0:
		return "", apierr.New(apierr.ErrAuth, Vendor, "find the page", "the key reaches no page")
	case 1:
		if !idShape().MatchString(pages[0].ID) {
			return "", apierr.New(apierr.ErrUnavailable, Vendor, "find the page", "the vendor's page has no usable id")
		}
		c.pageID = pages[0].ID
		return c.pageID, nil
	}
	return "", apierr.New(apierr.ErrUsage, Vendor, "find the page", "the key reaches %d pages and none is chosen: %s", len(pages), pageList(pages)).
		WithHint("set page-id in the context, or ONCALL_STATUSPAGE_PAGE_ID")
}

func noKey(op string) error {
	return apierr.New(apierr.ErrAuth, Vendor, op, "no API key is set").
		WithHint("oncall auth login statuspage, or ONCALL_STATUSPAGE_API_KEY")
}

// explain tells a wrong page from a wrong key and from a missing thing. The
// vendor answers 401 as well as 404 for a page that the key does not reach
// (contract note, section 1, Errors), so the key's own pages are asked.
func (c *Client) explain(ctx context.Context, page string, r httpx.Request, err error) error {
	var e *apierr.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized && (e.Status != http.StatusNotFound || !ofPage(r.Path)) {
		return err
	}
	pages, perr := c.Pages(ctx)
	if perr != nil {
		if e.Status == http.StatusUnauthorized {
			e.Message = join(e.Message, "the key was refused, or it does not reach page "+page)
		}
		return err
	}
	for _, p := range pages {
		if p.ID == page {
			return err
		}
	}
	e.Kind = append([]error{apierr.ErrAuth}, without(e.Kind, apierr.ErrNotFound, apierr.ErrAuth)...)
	e.Message = "page " + page + " is not among the pages of this key: " + pageList(pages)
	e.Hint = "set page-id in the context, or ONCALL_STATUSPAGE_PAGE_ID"
	return err
}

// ofPage reports whether path is the page or one of its lists, for which only a
// wrong page can be not found.
func ofPage(path string) bool {
	_, tail, _ := strings.Cut(strings.TrimPrefix(path, "/pages/"), "/")
	switch tail {
	case "", "components", "component-groups", "incident_templates", "subscribers/count", "incidents":
		return true
	}
	view, ok := strings.CutPrefix(tail, "incidents/")
	return ok && slices.Contains([]View{Unresolved, ScheduledView, Upcoming, ActiveMaintenance}, View(view))
}

func pageList(pages []Page) string {
	var out []string
	for i, p := range pages {
		if i == 5 {
			out = append(out, "...")
			break
		}
		out = append(out, p.ID+" ("+p.Name+")")
	}
	if len(out) == 0 {
		return "it has none"
	}
	return strings.Join(out, ", ")
}

func without(kinds []error, drop ...error) []error {
	var out []error
next:
	for _, k := range kinds {
		for _, d := range drop {
			if errors.Is(k, d) {
				continue next
			}
		}
		out = append(out, k)
	}
	return out
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
