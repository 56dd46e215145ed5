package victorops

import (
	"context"
	"net/http"
	"strconv"
)

// NotificationType is how a step reaches somebody.
type NotificationType string

// Types of notification (spec).
const (
	NotifyPush  NotificationType = "push"
	NotifyEmail NotificationType = "email"
	NotifySMS   NotificationType = "sms"
	NotifyPhone NotificationType = "phone"
)

// AllDevices is the contact id of a push to every device (note 6).
const AllDevices ID = "0"

// PagingStep is one step of a personal paging policy. Indexes start at 0.
type PagingStep struct {
	Index Int `json:"index"`
	// Timeout is in minutes, one of 1, 5, 10, 15, 20, 25, 30, 45, 60: "if still
	// unacked after N" (spec). Whether it is waited before or after the step's own
	// rules no source says (note 6).
	Timeout Int          `json:"timeout"`
	Rules   []PagingRule `json:"rules"`
}

// PagingRule is one notification of a step.
type PagingRule struct {
	Index   Int              `json:"index"`
	Type    NotificationType `json:"type"`
	Contact RuleContact      `json:"contact"`
}

// RuleContact names a contact method. Type is lower case in requests and
// capitalised in replies (note 6); what it says for a push is not known.
type RuleContact struct {
	ID   ID     `json:"id"` // Contact.ID; AllDevices for a push to all of them
	Type string `json:"type"`
}

func profilePath(username string) string {
	return "/api-public/v1/profile/" + seg(username) + "/policies"
}

// PagingPolicy returns the primary paging policy of a user. This call is limited
// to one a second (note 2).
//
//contract:operation GET /api-public/v1/profile/{username}/policies
func (c *Client) PagingPolicy(ctx context.Context, username string) ([]PagingStep, error) {
	var out struct {
		Steps []PagingStep `json:"steps"`
	}
	err := c.slowly(ctx, func() error {
		_, err := c.get(ctx, "get the paging policy of "+username, profilePath(username), nil, &out)
		return err
	})
	return list(out.Steps), err
}

// ruleIn and stepIn are the write side: ids are numbers, contact types lower case.
type ruleIn struct {
	Type    NotificationType `json:"type"`
	Contact contactIn        `json:"contact"`
}

type contactIn struct {
	ID   int    `json:"id"`
	Type string `json:"type"`
}

type stepIn struct {
	Timeout int      `json:"timeout"`
	Rules   []ruleIn `json:"rules"`
}

// NewRule is a notification to add: how, and to which contact (Contact.ID).
type NewRule struct {
	Type      NotificationType
	ContactID int
}

func (r NewRule) wire() ruleIn {
	kind := "phone"
	if r.Type == NotifyEmail {
		kind = "email"
	}
	return ruleIn{Type: r.Type, Contact: contactIn{ID: r.ContactID, Type: kind}}
}

func stepWire(timeout int, rules []NewRule) stepIn {
	in := stepIn{Timeout: timeout, Rules: []ruleIn{}}
	for _, r := range rules {
		in.Rules = append(in.Rules, r.wire())
	}
	return in
}

type stepReply struct {
	Step PagingStep `json:"step"`
}

type ruleReply struct {
	Rule PagingRule `json:"stepRule"`
}

// AddPagingStep adds a step at the end of a user's primary paging policy.
//
//contract:operation POST /api-public/v1/profile/{username}/policies
func (c *Client) AddPagingStep(ctx context.Context, username string, timeout int, rules []NewRule) (PagingStep, error) {
	var out stepReply
	err := c.send(ctx, "add a paging step for "+username, http.MethodPost, profilePath(username), stepWire(timeout, rules), &out)
	return out.Step, err
}

// PagingStep returns one step of a user's primary paging policy.
//
//contract:operation GET /api-public/v1/profile/{username}/policies/{step}
func (c *Client) PagingStep(ctx context.Context, username string, step int) (PagingStep, error) {
	var out stepReply
	_, err := c.get(ctx, "get a paging step of "+username, profilePath(username)+"/"+strconv.Itoa(step), nil, &out)
	return out.Step, err
}

// UpdatePagingStep replaces a step. Rules that are not passed are lost (note 6).
//
//contract:operation PUT /api-public/v1/profile/{username}/policies/{step}
func (c *Client) UpdatePagingStep(ctx context.Context, username string, step, timeout int, rules []NewRule) (PagingStep, error) {
	var out stepReply
	err := c.send(ctx, "change a paging step of "+username, http.MethodPut,
		profilePath(username)+"/"+strconv.Itoa(step), stepWire(timeout, rules), &out)
	return out.Step, err
}

// AddPagingRule adds a notification to a step.
//
//contract:operation POST /api-public/v1/profile/{username}/policies/{step}
func (c *Client) AddPagingRule(ctx context.Context, username string, step int, rule NewRule) (PagingRule, error) {
	var out ruleReply
	err := c.send(ctx, "add a paging rule for "+username, http.MethodPost,
		profilePath(username)+"/"+strconv.Itoa(step), rule.wire(), &out)
	return out.Rule, err
}

func rulePath(username string, step, rule int) string {
	return profilePath(username) + "/" + strconv.Itoa(step) + "/" + strconv.Itoa(rule)
}

// PagingRule returns one notification of a step.
//
//contract:operation GET /api-public/v1/profile/{username}/policies/{step}/{rule}
func (c *Client) PagingRule(ctx context.Context, username string, step, rule int) (PagingRule, error) {
	var out ruleReply
	_, err := c.get(ctx, "get a paging rule of "+username, rulePath(username, step, rule), nil, &out)
	return out.Rule, err
}

// UpdatePagingRule replaces one notification of a step.
//
//contract:operation PUT /api-public/v1/profile/{username}/policies/{step}/{rule}
func (c *Client) UpdatePagingRule(ctx context.Context, username string, step, rule int, in NewRule) (PagingRule, error) {
	var out ruleReply
	err := c.send(ctx, "change a paging rule of "+username, http.MethodPut, rulePath(username, step, rule), in.wire(), &out)
	return out.Rule, err
}

// DeletePagingRule removes one notification of a step. There is no call that
// removes a step.
//
//contract:operation DELETE /api-public/v1/profile/{username}/policies/{step}/{rule}
func (c *Client) DeletePagingRule(ctx context.Context, username string, step, rule int) error {
	return c.send(ctx, "delete a paging rule of "+username, http.MethodDelete, rulePath(username, step, rule), nil, nil)
}

// FlatPolicy is one notification of a user's primary policy in the flat view.
type FlatPolicy struct {
	Order       Int    `json:"order"`
	Timeout     Int    `json:"timeout"` // minutes
	ContactType string `json:"contactType"`
	ExtID       ID     `json:"extId"`
}

// UserPolicies returns a user's primary paging policy as a flat list.
//
//contract:operation GET /api-public/v1/user/{user}/policies
func (c *Client) UserPolicies(ctx context.Context, username string) ([]FlatPolicy, error) {
	var out struct {
		Policies []FlatPolicy `json:"policies"`
	}
	_, err := c.get(ctx, "get the paging policy of "+username, "/api-public/v1/user/"+seg(username)+"/policies", nil, &out)
	return list(out.Policies), err
}

// ProfilePolicy is a custom paging policy that holds at certain times. The first
// that matches wins, then the primary one (note 6).
type ProfilePolicy struct {
	Rank     Int          `json:"rank"`
	Name     Text         `json:"name"`
	Slug     string       `json:"slug"`
	TimeMask *TimeMask    `json:"timeMask"` // nil: at all times
	Steps    []PagingStep `json:"steps"`
}

// TimeMask says when a custom policy holds, in its own zone.
type TimeMask struct {
	Monday    Flag   `json:"monday"`
	Tuesday   Flag   `json:"tuesday"`
	Wednesday Flag   `json:"wednesday"`
	Thursday  Flag   `json:"thursday"`
	Friday    Flag   `json:"friday"`
	Saturday  Flag   `json:"saturday"`
	Sunday    Flag   `json:"sunday"`
	TimeZone  string `json:"timeZone"` // IANA name
	StartTime Text   `json:"startTime"`
	EndTime   Text   `json:"endTime"`
}

// ProfilePolicies returns the custom and the primary paging policies of a user.
// The 2020 document does not know this call: an apierr.ErrNotFound may mean that
// the user is unknown or that the account's API lacks it.
//
//contract:operation GET /api-public/v2/profile/{username}/policies
func (c *Client) ProfilePolicies(ctx context.Context, username string) ([]ProfilePolicy, error) {
	var out struct {
		Policies []ProfilePolicy `json:"policies"`
	}
	_, err := c.get(ctx, "get the paging policies of "+username, "/api-public/v2/profile/"+seg(username)+"/policies", nil, &out)
	return list(out.Policies), err
}

// TypeInfo is a word that paging policies use, with its meaning. Type is text
// even for timeouts, which the wire writes as strings (note 6).
type TypeInfo struct {
	Type        ID   `json:"type"`
	Description Text `json:"description"`
}

// NotificationTypes returns the ways in which a step may notify.
//
//contract:operation GET /api-public/v1/policies/types/notifications
func (c *Client) NotificationTypes(ctx context.Context) ([]TypeInfo, error) {
	var out struct {
		Types []TypeInfo `json:"notificationTypes"`
	}
	_, err := c.get(ctx, "list notification types", "/api-public/v1/policies/types/notifications", nil, &out)
	return list(out.Types), err
}

// ContactTypes returns the kinds of contact a rule may name.
//
//contract:operation GET /api-public/v1/policies/types/contacts
func (c *Client) ContactTypes(ctx context.Context) ([]TypeInfo, error) {
	var out struct {
		Types []TypeInfo `json:"contactTypes"`
	}
	_, err := c.get(ctx, "list contact types", "/api-public/v1/policies/types/contacts", nil, &out)
	return list(out.Types), err
}

// TimeoutTypes returns the timeouts a step may have, in minutes.
//
//contract:operation GET /api-public/v1/policies/types/timeouts
func (c *Client) TimeoutTypes(ctx context.Context) ([]TypeInfo, error) {
	var out struct {
		Types []TypeInfo `json:"timeoutTypes"`
	}
	_, err := c.get(ctx, "list timeouts", "/api-public/v1/policies/types/timeouts", nil, &out)
	return list(out.Types), err
}
