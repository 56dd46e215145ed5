package victorops

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Bounds of the schedule calls (spec): one call shows at most MaxDaysForward
// days, and may start at most MaxDaysSkip days from now, so the reach is their sum.
const (
	MaxDaysForward = 30
	MaxDaysSkip    = 90
	MaxStep        = 3 // the fourth escalation step
)

// TeamOnCall says who is on call in one team now. A team without cover has an
// empty list (note 5).
type TeamOnCall struct {
	Team Ref `json:"team"`
	// The spec says onCallNow, the wire says oncallNow (note 5). Go's decoder does
	// not mind the case; a map would.
	Now []PolicyOnCall `json:"oncallNow"`
}

// PolicyOnCall says who is on call for one escalation policy now. No names
// beyond the username are given.
type PolicyOnCall struct {
	Policy Ref          `json:"escalationPolicy"`
	Users  []OnCallUser `json:"users"`
}

// OnCallUser wraps a username, as the wire does: onCalluser, in the spec onCallUser.
type OnCallUser struct {
	User Username `json:"onCalluser"`
}

// Username is a person by handle.
type Username struct {
	Username string `json:"username"`
}

// OnCallNow returns who is on call in every team.
//
//contract:operation GET /api-public/v1/oncall/current
func (c *Client) OnCallNow(ctx context.Context) ([]TeamOnCall, error) {
	var out struct {
		Teams []TeamOnCall `json:"teamsOnCall"`
	}
	_, err := c.get(ctx, "list who is on call", "/api-public/v1/oncall/current", nil, &out)
	return list(out.Teams), err
}

// ScheduleQuery chooses the part of a schedule.
type ScheduleQuery struct {
	DaysForward int // days shown, 1..MaxDaysForward; 0 is the vendor's default, 14
	DaysSkip    int // days from now to the first one shown, 0..MaxDaysSkip
	Step        int // escalation step, 0..MaxStep
}

func (q ScheduleQuery) values() url.Values {
	v := url.Values{}
	if q.DaysForward > 0 {
		v.Set("daysForward", strconv.Itoa(q.DaysForward))
	}
	if q.DaysSkip > 0 {
		v.Set("daysSkip", strconv.Itoa(q.DaysSkip))
	}
	if q.Step > 0 {
		v.Set("step", strconv.Itoa(q.Step))
	}
	return v
}

// TeamSchedule is a team's plan, one part per escalation policy.
type TeamSchedule struct {
	Team      Ref              `json:"team"`
	Schedules []PolicySchedule `json:"schedules"`
}

// PolicySchedule is the plan of one escalation policy for one step.
type PolicySchedule struct {
	Policy    Ref              `json:"policy"`
	Schedule  []ScheduleEntry  `json:"schedule"`
	Overrides []OnCallOverride `json:"overrides"`
}

// OnCallType is what stands on duty in a schedule entry. Others than these are kept.
type OnCallType string

// Types of entries (spec). Only user and the rotation groups name a person.
const (
	TypeUser             OnCallType = "user"
	TypeRotation         OnCallType = "rotation_group"
	TypeRotationNext     OnCallType = "rotation_group_next"
	TypeRotationPrevious OnCallType = "rotation_group_previous"
	TypeTeam             OnCallType = "team"
	TypeTeamRouting      OnCallType = "team_routing"
	TypeWebhook          OnCallType = "webhook"
	TypeEmail            OnCallType = "email"
	TypePolicyRouting    OnCallType = "policy_routing"
)

// ScheduleEntry is one line of a plan. A user who is written into the policy has
// no rolls and no ShiftRoll: he is on call all the time (note 5).
type ScheduleEntry struct {
	OnCall    Username   `json:"onCallUser"`         // empty: nobody
	Override  Username   `json:"overrideOnCallUser"` // who stands in now; empty: no override
	Type      OnCallType `json:"onCallType"`
	Rotation  Text       `json:"rotationName"`
	Shift     Text       `json:"shiftName"`
	ShiftRoll Time       `json:"shiftRoll"` // when the shift changes hands next
	Rolls     []Roll     `json:"rolls"`
}

// Roll is one turn of duty.
type Roll struct {
	Start  Time     `json:"start"`
	End    Time     `json:"end"`
	OnCall Username `json:"onCallUser"` // empty: nobody
	IsRoll bool     `json:"isRoll"`
}

// OnCallOverride puts one person in the place of another for a while.
type OnCallOverride struct {
	Original Username `json:"origOnCallUser"`
	Override Username `json:"overrideOnCallUser"` // empty: nobody took it yet
	Start    Time     `json:"start"`
	End      Time     `json:"end"`
	Policy   Ref      `json:"policy"` // seen in some replies only (note 5)
}

// TeamSchedule returns a team's plan. team is a slug.
//
//contract:operation GET /api-public/v2/team/{team}/oncall/schedule
func (c *Client) TeamSchedule(ctx context.Context, team string, q ScheduleQuery) (TeamSchedule, error) {
	var out TeamSchedule
	_, err := c.get(ctx, "get the schedule of team "+team, "/api-public/v2/team/"+seg(team)+"/oncall/schedule", q.values(), &out)
	out.Schedules = list(out.Schedules)
	return out, err
}

// UserSchedule returns a person's plan in every team.
//
//contract:operation GET /api-public/v2/user/{user}/oncall/schedule
func (c *Client) UserSchedule(ctx context.Context, user string, q ScheduleQuery) ([]TeamSchedule, error) {
	var out struct {
		Teams []TeamSchedule `json:"teamSchedules"`
	}
	_, err := c.get(ctx, "get the schedule of user "+user, "/api-public/v2/user/"+seg(user)+"/oncall/schedule", q.values(), &out)
	return list(out.Teams), err
}

// TakeOnCall puts to in the place of from on an escalation policy, now. The
// answer's word ("ok") proves little: read OnCallNow again. There is no call
// that takes it back (note 5).
//
//contract:operation PATCH /api-public/v1/policies/{policy}/oncall/user
func (c *Client) TakeOnCall(ctx context.Context, policy, from, to string) (string, error) {
	in := struct {
		From string `json:"fromUser"`
		To   string `json:"toUser"`
	}{from, to}
	var out struct {
		Result string `json:"result"`
	}
	err := c.send(ctx, "take on-call of "+policy+" from "+from, http.MethodPatch,
		"/api-public/v1/policies/"+seg(policy)+"/oncall/user", in, &out)
	return out.Result, err
}

// RotationGroup names a rotation of a team.
type RotationGroup struct {
	TeamSlug string `json:"teamSlug"`
	Slug     string `json:"slug"`
	Label    Text   `json:"label"`
	GroupID  ID     `json:"groupId"` // a number or a string (note 5); empty when absent
}

// RotationGroups returns the rotations of a team, by slug.
//
//contract:operation GET /api-public/v1/teams/{team}/rotations
func (c *Client) RotationGroups(ctx context.Context, team string) ([]RotationGroup, error) {
	var out struct {
		Groups []RotationGroup `json:"rotationGroups"`
	}
	_, err := c.get(ctx, "list rotations of team "+team, "/api-public/v1/teams/"+seg(team)+"/rotations", nil, &out)
	return list(out.Groups), err
}

// Rotation is a rotation with its shifts and members.
type Rotation struct {
	GroupID ID      `json:"groupId"`
	Label   Text    `json:"label"`
	Members Int     `json:"totalMembersInRotation"`
	Shifts  []Shift `json:"shifts"`
}

// Shift is one shift of a rotation.
type Shift struct {
	ID       ID     `json:"shiftId"`
	Label    Text   `json:"label"`
	Timezone string `json:"timezone"` // IANA name
	Start    Time   `json:"start"`
	Duration Int    `json:"duration"`  // in units of Type, as configured in the portal
	Type     string `json:"shifttype"` // std, fts, cstm or pho
	Members  []struct {
		Slug     string `json:"slug"`
		Username string `json:"username"`
	} `json:"shiftMembers"`
}

// Rotations returns the rotations of a team with shifts and members.
//
//contract:operation GET /api-public/v2/team/{team}/rotations
func (c *Client) Rotations(ctx context.Context, team string) ([]Rotation, error) {
	var out struct {
		Rotations []Rotation `json:"rotations"`
	}
	_, err := c.get(ctx, "list rotations of team "+team, "/api-public/v2/team/"+seg(team)+"/rotations", nil, &out)
	return list(out.Rotations), err
}
