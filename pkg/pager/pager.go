// Package pager is the pager as a capability: incidents, the rotation and the
// ways in which people are reached, in the words that people use.
//
// VictorOps' own words are translated once, here (UNACKED is "triggered"), and
// its silences are filled: a lost answer is followed by a look, a 200 that means
// "refused" becomes an outcome, a name becomes a slug. Commands and other callers
// use a Pager over the small Client interface, which *victorops.Client satisfies.
//
// "Note N" is section N of the project's contract note on VictorOps.
package pager

import (
	"context"
	"errors"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Client is what a Pager needs of VictorOps.
type Client interface {
	Incidents(ctx context.Context) ([]victorops.Incident, error)
	Incident(ctx context.Context, number string) (victorops.Incident, error)
	Alert(ctx context.Context, uuid string) (victorops.AlertDetails, error)
	Notes(ctx context.Context, number string) ([]victorops.Note, error)
	CreateNote(ctx context.Context, number string, n victorops.Note) (victorops.Note, error)
	Chat(ctx context.Context, number string) ([]victorops.Message, error)

	Ack(ctx context.Context, in victorops.AckRequest) ([]victorops.AckResult, error)
	Resolve(ctx context.Context, in victorops.AckRequest) ([]victorops.AckResult, error)
	Reroute(ctx context.Context, in victorops.RerouteRequest) ([]victorops.RerouteStatus, error)
	CreateIncident(ctx context.Context, in victorops.NewIncident) (string, error)
	SendAlert(ctx context.Context, routingKey string, a victorops.NewAlert) (string, error)

	Users(ctx context.Context, email string) ([]victorops.User, error)
	UserTeams(ctx context.Context, username string) ([]victorops.Ref, error)
	Teams(ctx context.Context) ([]victorops.Team, error)
	TeamMembers(ctx context.Context, slug string) ([]victorops.Member, error)
	Policies(ctx context.Context) ([]victorops.PolicyRef, error)
	Policy(ctx context.Context, slug string) (victorops.Policy, error)
	RoutingKeys(ctx context.Context) ([]victorops.RoutingKey, error)
	Maintenance(ctx context.Context) (victorops.MaintenanceMode, error)

	OnCallNow(ctx context.Context) ([]victorops.TeamOnCall, error)
	TeamSchedule(ctx context.Context, team string, q victorops.ScheduleQuery) (victorops.TeamSchedule, error)
	UserSchedule(ctx context.Context, user string, q victorops.ScheduleQuery) ([]victorops.TeamSchedule, error)
	TakeOnCall(ctx context.Context, policy, from, to string) (string, error)
	Overrides(ctx context.Context) ([]victorops.Override, error)
	Override(ctx context.Context, id string) (victorops.Override, error)
	CreateOverride(ctx context.Context, in victorops.NewOverride) (victorops.Override, error)
	DeleteOverride(ctx context.Context, id string) error
	Assign(ctx context.Context, id, policy, username string, overlap bool) (victorops.Assignment, error)

	ContactMethods(ctx context.Context, username string) (victorops.ContactMethods, error)
	PagingPolicy(ctx context.Context, username string) ([]victorops.PagingStep, error)
	ProfilePolicies(ctx context.Context, username string) ([]victorops.ProfilePolicy, error)

	Skew() (d time.Duration, known bool)
}

var _ Client = (*victorops.Client)(nil)

// Pager acts for one person in one organisation. Client is required. A Pager is
// safe for concurrent use and remembers names (users, teams, policies) for its
// life, never an incident.
type Pager struct {
	Client Client
	// User is the username that acts and that "mine" means. Acting without one is
	// an apierr.ErrUsage: a VictorOps key belongs to the organisation, not to a
	// person (note 1).
	User string
	// Org is the organisation's slug in portal links. Empty: it is asked of the
	// vendor once, and links are left out when that fails.
	Org string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Wait pauses between polls and looks, until ctx ends; nil is a timer.
	Wait func(ctx context.Context, d time.Duration) error

	users    memo[[]victorops.User]
	teams    memo[[]victorops.Team]
	policies memo[[]victorops.PolicyRef]
	mine     memo[[]victorops.Ref]
	org      memo[string]
}

// Partial is a part of the pager's answer that is missing.
type Partial = apierr.Partial

func (p *Pager) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p *Pager) wait(ctx context.Context, d time.Duration) error {
	if p.Wait != nil {
		return p.Wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// actor returns the user who acts, or an error that says how to set one.
func (p *Pager) actor(op string) (string, error) {
	if p.User == "" {
		return "", apierr.New(apierr.ErrUsage, victorops.Vendor, op, "no user is set to act as").
			WithHint("set ONCALL_USER, or: oncall config set user NAME")
	}
	return p.User, nil
}

// gone reports whether ctx has ended: then nothing more is asked of the vendor.
func gone(ctx context.Context) bool { return ctx.Err() != nil }

func lost(err error) bool { return errors.Is(err, apierr.ErrUnknownOutcome) }

// interrupted is the error of a change whose caller left before the answer came:
// what cannot be told, and the command that finds out.
func interrupted(op, what, hint string, err error) error {
	return &apierr.Error{Vendor: victorops.Vendor, Op: op, Message: what + ": interrupted before the answer came",
		Kind: []error{apierr.ErrUnknownOutcome}, Hint: hint, Err: err}
}
