package victorops

import (
	"context"
	"net/http"
)

// Team is a group of people with escalation policies.
type Team struct {
	Name        Text   `json:"name"`
	Slug        string `json:"slug"`
	Description Text   `json:"description"` // seen in some replies only
	MemberCount Int    `json:"memberCount"`
	IsDefault   bool   `json:"isDefaultTeam"`
}

// Teams returns every team. The answer is a bare array (note 7).
//
//contract:operation GET /api-public/v1/team
func (c *Client) Teams(ctx context.Context) ([]Team, error) {
	var out []Team
	_, err := c.get(ctx, "list teams", "/api-public/v1/team", nil, &out)
	return list(out), err
}

// Team returns one team by its slug. An unknown one is an apierr.ErrNotFound.
//
//contract:operation GET /api-public/v1/team/{team}
func (c *Client) Team(ctx context.Context, slug string) (Team, error) {
	var out Team
	_, err := c.get(ctx, "get team "+slug, "/api-public/v1/team/"+seg(slug), nil, &out)
	return out, err
}

// Member is a person in a team. Verified is a string in the spec and a bool on
// the wire (note 6).
type Member struct {
	Username  string `json:"username"`
	FirstName Text   `json:"firstName"`
	LastName  Text   `json:"lastName"`
	Verified  Flag   `json:"verified"`
}

// TeamMembers returns the people in a team.
//
//contract:operation GET /api-public/v1/team/{team}/members
func (c *Client) TeamMembers(ctx context.Context, slug string) ([]Member, error) {
	var out struct {
		Members []Member `json:"members"`
	}
	_, err := c.get(ctx, "list members of team "+slug, "/api-public/v1/team/"+seg(slug)+"/members", nil, &out)
	return list(out.Members), err
}

// TeamAdmins returns the admins of a team.
//
//contract:operation GET /api-public/v1/team/{team}/admins
func (c *Client) TeamAdmins(ctx context.Context, slug string) ([]Person, error) {
	var out struct {
		Admins []Person `json:"teamAdmins"`
	}
	_, err := c.get(ctx, "list admins of team "+slug, "/api-public/v1/team/"+seg(slug)+"/admins", nil, &out)
	return list(out.Admins), err
}

// RemoveTeamMember takes a person out of a team. replacement takes the place in
// rotations; the call needs a JSON body even without one (note 1).
//
//contract:operation DELETE /api-public/v1/team/{team}/members/{user}
func (c *Client) RemoveTeamMember(ctx context.Context, slug, username, replacement string) error {
	in := struct {
		Replacement string `json:"replacement,omitempty"`
	}{replacement}
	return c.send(ctx, "remove "+username+" from team "+slug, http.MethodDelete,
		"/api-public/v1/team/"+seg(slug)+"/members/"+seg(username), in, nil)
}
