package victorops

import "context"

// RoutingKey leads alerts to escalation policies.
type RoutingKey struct {
	Key       string             `json:"routingKey"` // the default one's is a pattern such as ".+" (note 7)
	Targets   []RoutingKeyTarget `json:"targets"`
	IsDefault bool               `json:"isDefault"`
}

// RoutingKeyTarget is a policy that a routing key pages.
type RoutingKeyTarget struct {
	PolicyName Text   `json:"policyName"`
	PolicySlug string `json:"policySlug"`
}

// RoutingKeys returns every routing key.
//
//contract:operation GET /api-public/v1/org/routing-keys
func (c *Client) RoutingKeys(ctx context.Context) ([]RoutingKey, error) {
	var out struct {
		Keys []RoutingKey `json:"routingKeys"`
	}
	_, err := c.get(ctx, "list routing keys", "/api-public/v1/org/routing-keys", nil, &out)
	return list(out.Keys), err
}
