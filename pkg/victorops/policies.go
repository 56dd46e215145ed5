package victorops

import "context"

// Policies returns every escalation policy with its team. It is the only map
// from one to the other (note 7).
//
//contract:operation GET /api-public/v1/policies
func (c *Client) Policies(ctx context.Context) ([]PolicyRef, error) {
	var out struct {
		Policies []PolicyRef `json:"policies"`
	}
	_, err := c.get(ctx, "list escalation policies", "/api-public/v1/policies", nil, &out)
	return list(out.Policies), err
}

// Policy is an escalation policy: who is paged, in which order.
type Policy struct {
	Name Text   `json:"name"`
	Slug string `json:"slug"` // pol-..., or the team's slug for an old policy (note 1)
	// IgnoreCustom pages by everyone's primary paging policy, whatever custom
	// policies they have.
	IgnoreCustom bool         `json:"ignoreCustomPagingPolicies"`
	Steps        []PolicyStep `json:"steps"`
}

// PolicyStep is one step of an escalation policy.
type PolicyStep struct {
	Timeout Int           `json:"timeout"` // minutes since the step before; 0 is at once
	Entries []PolicyEntry `json:"entries"`
}

// PolicyEntry is whom or what a step pages: the one of the fields that Type names.
type PolicyEntry struct {
	Type     OnCallType `json:"executionType"`
	Rotation struct {
		Slug  string `json:"slug"`
		Label Text   `json:"label"`
	} `json:"rotationGroup"`
	User  Person `json:"user"`
	Email struct {
		Address string `json:"address"`
	} `json:"email"`
	Webhook struct {
		Slug  string `json:"slug"`
		Label Text   `json:"label"`
	} `json:"webhook"`
	TargetPolicy struct {
		Slug string `json:"policySlug"`
	} `json:"targetPolicy"`
}

// Policy returns one escalation policy by its slug.
//
//contract:operation GET /api-public/v1/policies/{policy}
func (c *Client) Policy(ctx context.Context, slug string) (Policy, error) {
	var out Policy
	_, err := c.get(ctx, "get escalation policy "+slug, "/api-public/v1/policies/"+seg(slug), nil, &out)
	out.Steps = list(out.Steps)
	return out, err
}
