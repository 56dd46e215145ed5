// Package nodeping is a typed client of NodePing, whose probes ask services from
// outside and say what they got.
//
// It knows the vendor's wire and nothing else: a 200 that holds an error, numbers
// that travel as text, fields that are false where text is due, lists that are
// maps without an order. Package probe gives it words.
//
// Facts cited as "note N" come from section N of the project's contract note on
// NodePing; the vendor publishes no description of its answers.
package nodeping

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/secret"
)

// Vendor names the system in errors and in pacing files.
const Vendor = "nodeping"

// DefaultURL is the base of the API; version 1 is the only one (note 1).
const DefaultURL = "https://api.nodeping.com/api/1"

// Config makes a Client.
type Config struct {
	// HTTP carries transport, fence, pacing and trace. Empty BaseURL is DefaultURL.
	HTTP httpx.Config
	// Token is the account's. It goes out as the user of Basic authorisation: in a
	// query it would end in logs (note 1).
	Token secret.String
	// Account is the id of a sub-account, whose checks the token of its parent may
	// read; "" is the token's own (note 1).
	Account string
}

// Client talks to one account. It is safe for concurrent use.
type Client struct {
	http    *httpx.Client
	signed  bool
	account string
}

// New makes a client. It opens nothing. A missing token is reported by the call
// that needs it, as an apierr.ErrAuth.
func New(c Config) (*Client, error) {
	h := c.HTTP
	h.Vendor = Vendor
	if h.BaseURL == "" {
		h.BaseURL = DefaultURL
	}
	if h.LoginHint == "" {
		h.LoginHint = "oncall auth status nodeping"
	}
	if h.Masker == nil {
		h.Masker = &secret.Masker{}
	}
	h.Masker.Add(c.Token)
	if !c.Token.IsZero() {
		h.User, h.Password = c.Token.Reveal(), secret.New("x") // any password will do (note 1)
	}
	next := c.HTTP.Classify
	h.Classify = func(a *httpx.Answer) {
		if a.Status == http.StatusForbidden {
			a.Err.Message = "the token was refused"
		}
		if next != nil {
			next(a)
		}
	}
	client, err := httpx.New(h)
	if err != nil {
		return nil, err
	}
	return &Client{http: client, signed: !c.Token.IsZero(), account: c.Account}, nil
}

// Limits is a pace that the vendor is known to bear; it documents none (note 8).
func Limits() []httpx.Limit { return []httpx.Limit{{N: 10, Per: time.Second}} }

// do sends a request. Most failures are a 200 with an error in it (note 8): that
// is looked for first.
func (c *Client) do(ctx context.Context, r httpx.Request, out any) error {
	if !c.signed {
		return apierr.New(apierr.ErrAuth, Vendor, r.Op, "no token is set").WithHint("oncall auth login nodeping")
	}
	if c.account != "" {
		if r.Query == nil {
			r.Query = url.Values{}
		}
		r.Query.Set("customerid", c.account)
	}
	var raw json.RawMessage
	if _, err := c.http.Do(ctx, r, &raw); err != nil {
		return err
	}
	if err := refusal(r, raw); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		e := apierr.New(apierr.ErrUnavailable, Vendor, r.Op, "the answer has another form than expected")
		if r.Writes() {
			e.Kind = append([]error{apierr.ErrUnknownOutcome}, e.Kind...)
		}
		e.Err = err
		return e
	}
	return nil
}

// refusal is the error in an answer of status 200, if there is one: an object
// whose "error" is text.
func refusal(r httpx.Request, raw []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil
	}
	var v map[string]json.RawMessage
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	var text string
	if json.Unmarshal(v["error"], &text) != nil || text == "" {
		return nil
	}
	low := strings.ToLower(text)
	kind := apierr.ErrInvalid
	switch {
	case strings.Contains(low, "unable to find"), strings.Contains(low, "unable to load"), strings.Contains(low, "error fetching"), strings.Contains(low, "not found"):
		kind = apierr.ErrNotFound
	case strings.Contains(low, "token"), strings.Contains(low, "not authorized"), strings.Contains(low, "not allowed"), strings.Contains(low, "permission"):
		kind = apierr.ErrAuth
	case strings.Contains(low, "limit"), strings.Contains(low, "too many"):
		kind = apierr.ErrRateLimited
	}
	e := &apierr.Error{Vendor: Vendor, Op: r.Op, Message: oneLine(text), Kind: []error{kind}}
	if errors.Is(kind, apierr.ErrAuth) {
		e.Hint = "oncall auth status nodeping; a token reaches its own account and, with nodeping.account, its sub-accounts"
	}
	return e
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// Probes lists where NodePing asks from, by code. It is the cheapest way to try
// a token (note 7).
func (c *Client) Probes(ctx context.Context) (map[string]Place, error) {
	out := map[string]Place{}
	var raw map[string]json.RawMessage
	if err := c.do(ctx, httpx.Request{Op: "list probes", Path: "/info/probe"}, &raw); err != nil {
		return nil, err
	}
	for code, b := range raw {
		var p Place
		if json.Unmarshal(b, &p) == nil && p.Name != "" {
			out[code] = p
		}
	}
	return out, nil
}

// Place is where a probe stands.
type Place struct {
	Code    string `json:"location"`     // "nl"
	Name    string `json:"locationname"` // "Amsterdam, Netherlands"
	Country string `json:"country"`
	Region  string `json:"region"` // "eur"
}

func seg(s string) string { return httpx.Segment(s) }
