package victorops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
)

// User is a member of the organisation. The spec's "verified" is left out: it
// says that the flag is always false, and the wire disagrees (note 6).
type User struct {
	Username    string `json:"username"`
	FirstName   Text   `json:"firstName"`
	LastName    Text   `json:"lastName"`
	DisplayName Text   `json:"displayName"` // seen in some replies only
	Email       string `json:"email"`
	CreatedAt   Time   `json:"createdAt"`
}

// userList is GET user in its three shapes: v2 and the spec write
// {"users":[User]}, the wire of v1 nests: {"users":[[User]]} (note 6).
type userList []User

func (l *userList) UnmarshalJSON(b []byte) error {
	var w struct {
		Users []json.RawMessage `json:"users"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*l = userList{}
	for _, r := range w.Users {
		if r = bytes.TrimSpace(r); len(r) > 0 && r[0] != '[' && r[0] != '{' {
			continue // null
		}
		users, err := oneOrMany[User](r)
		if err != nil {
			return err
		}
		*l = append(*l, users...)
	}
	return nil
}

// Users returns all users, or those with the given e-mail address.
//
//contract:operation GET /api-public/v2/user
func (c *Client) Users(ctx context.Context, email string) ([]User, error) {
	var q url.Values
	if email != "" {
		q = url.Values{"email": {email}}
	}
	var out userList
	_, err := c.get(ctx, "list users", "/api-public/v2/user", q, &out)
	var e *apierr.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		// The 2020 document knows v1 only, and no filter.
		all, err := c.UsersV1(ctx)
		if email == "" || err != nil {
			return all, err
		}
		found := []User{}
		for _, u := range all {
			if strings.EqualFold(u.Email, email) {
				found = append(found, u)
			}
		}
		return found, nil
	}
	return list(out), err
}

// UsersV1 returns all users by the older call, whose list is nested on the wire.
//
//contract:operation GET /api-public/v1/user
func (c *Client) UsersV1(ctx context.Context) ([]User, error) {
	var out userList
	_, err := c.get(ctx, "list users", "/api-public/v1/user", nil, &out)
	return list(out), err
}

// User returns one user. An unknown username is an apierr.ErrNotFound.
//
//contract:operation GET /api-public/v1/user/{user}
func (c *Client) User(ctx context.Context, username string) (User, error) {
	var out User
	_, err := c.get(ctx, "get user "+username, "/api-public/v1/user/"+seg(username), nil, &out)
	return out, err
}

// NewUser invites somebody.
type NewUser struct {
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Username  string `json:"username"`
	Email     string `json:"email"`
	// ExpirationHours is how long the invitation is good for; 0 is the vendor's 24.
	ExpirationHours int `json:"expirationHours,omitempty"`
}

// CreateUser invites somebody. A taken name or a full plan is an
// apierr.ErrInvalid (422) or apierr.ErrConflict (409).
//
//contract:operation POST /api-public/v1/user
func (c *Client) CreateUser(ctx context.Context, in NewUser) (User, error) {
	var out User
	err := c.send(ctx, "create user "+in.Username, http.MethodPost, "/api-public/v1/user", in, &out)
	return out, err
}

// UpdateUser changes a user's names and address.
//
//contract:operation PUT /api-public/v1/user/{user}
func (c *Client) UpdateUser(ctx context.Context, username string, in NewUser) (User, error) {
	var out User
	err := c.send(ctx, "change user "+username, http.MethodPut, "/api-public/v1/user/"+seg(username), in, &out)
	return out, err
}

// DeleteUser removes a user. replacement takes the user's place in rotations and
// policies; empty sends the body {} that the call needs even then (note 1).
//
//contract:operation DELETE /api-public/v1/user/{user}
func (c *Client) DeleteUser(ctx context.Context, username, replacement string) error {
	in := struct {
		Replacement string `json:"replacement,omitempty"`
	}{replacement}
	return c.send(ctx, "delete user "+username, http.MethodDelete, "/api-public/v1/user/"+seg(username), in, nil)
}

// UserTeams returns the teams a user belongs to.
//
//contract:operation GET /api-public/v1/user/{user}/teams
func (c *Client) UserTeams(ctx context.Context, username string) ([]Ref, error) {
	var out struct {
		Teams []Ref `json:"teams"`
	}
	_, err := c.get(ctx, "list teams of user "+username, "/api-public/v1/user/"+seg(username)+"/teams", nil, &out)
	return list(out.Teams), err
}
