package victorops

import "context"

// MaintenanceMode is what is muted now.
type MaintenanceMode struct {
	// CompanyID is the organisation's slug, which portal links need (note 3).
	CompanyID string                `json:"companyId"`
	Active    []MaintenanceInstance `json:"activeInstances"`
}

// MaintenanceInstance is one active maintenance mode. It has no end time.
type MaintenanceInstance struct {
	ID        string      `json:"instanceId"`
	StartedBy string      `json:"startedBy"`
	StartedAt EpochMillis `json:"startedAt"`
	IsGlobal  bool        `json:"isGlobal"`
	Purpose   Text        `json:"purpose"`
	Targets   []struct {
		Type  string   `json:"type"`
		Names []string `json:"names"` // routing keys; none is the whole organisation
	} `json:"targets"`
}

// Maintenance returns what is muted now. No limit is stated for it (note 2).
//
//contract:operation GET /api-public/v1/maintenancemode
func (c *Client) Maintenance(ctx context.Context) (MaintenanceMode, error) {
	var out MaintenanceMode
	_, err := c.get(ctx, "get maintenance mode", "/api-public/v1/maintenancemode", nil, &out)
	out.Active = list(out.Active)
	return out, err
}
