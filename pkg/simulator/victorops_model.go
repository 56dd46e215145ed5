package simulator

import (
	"slices"
	"time"
)

// victoropsState is the pager's section of the world.
type victoropsState struct {
	Incidents []*voIncident      `json:"incidents"` // by number, oldest first
	Alerts    map[string]voAlert `json:"alerts"`    // by uuid
	Alarms    map[string]voAlarm `json:"alarms"`    // what monitoring last told the pager, by entity id

	Users     []*voUser     `json:"users"`
	Teams     []*voTeam     `json:"teams"`
	Rotations []*voRotation `json:"rotations"`
	Policies  []*voPolicy   `json:"policies"`
	Keys      []voKey       `json:"keys"`

	Takes       []voTakeOver  `json:"takes"`
	Overrides   []*voOverride `json:"overrides"`
	Maintenance []voMute      `json:"maintenance"`
	Chat        []voChat      `json:"chat"`
}

type voIncident struct {
	Number      int            `json:"number"`
	Phase       string         `json:"phase"` // UNACKED, ACKED, RESOLVED
	Start       time.Time      `json:"start"`
	EntityID    string         `json:"entityId"`
	Title       string         `json:"title"`
	State       string         `json:"state"` // CRITICAL, WARNING
	Type        string         `json:"type"`  // SERVICE, HOST
	Host        string         `json:"host"`
	Service     string         `json:"service"`
	RoutingKey  string         `json:"routingKey"`
	MonitorName string         `json:"monitorName"`
	MonitorType string         `json:"monitorType"`
	AlertIDs    []string       `json:"alertIds"` // oldest first, never empty
	AlertCount  int            `json:"alertCount"`
	LastAlertAt time.Time      `json:"lastAlertAt"`
	PagedUsers  []string       `json:"pagedUsers"`
	Policies    []string       `json:"policies"` // slugs that were triggered
	Paths       []voPath       `json:"paths"`    // how far each policy has come
	Transitions []voTransition `json:"transitions"`
	Notes       []voNote       `json:"notes"`
}

// voPath is an escalation under way: the step that was executed last, and when.
type voPath struct {
	Policy string    `json:"policy"`
	Step   int       `json:"step"`
	At     time.Time `json:"at"`
}

type voTransition struct {
	Name     string    `json:"name"`
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`
	Message  string    `json:"message,omitempty"`
	Manually bool      `json:"manually"`
	AlertID  string    `json:"alertId,omitempty"`
}

type voNote struct {
	Name        string         `json:"name"`
	DisplayName string         `json:"displayName"`
	Value       map[string]any `json:"value"`
}

type voAlert struct {
	Type     string         `json:"type"`
	EntityID string         `json:"entityId"`
	At       time.Time      `json:"at"`
	Started  time.Time      `json:"started"`
	Message  string         `json:"message"`
	Tool     string         `json:"tool"`
	Title    string         `json:"title"`
	AckBy    string         `json:"ackBy,omitempty"`
	AckText  string         `json:"ackText,omitempty"`
	Raw      map[string]any `json:"raw"`
}

// voAlarm is what a monitoring system believes it told the pager.
type voAlarm struct {
	Firing bool      `json:"firing"`
	Since  time.Time `json:"since"`
}

type voUser struct {
	Username  string      `json:"username"`
	FirstName string      `json:"firstName"`
	LastName  string      `json:"lastName"`
	Email     string      `json:"email"`
	CreatedAt time.Time   `json:"createdAt"`
	ID        int         `json:"id"`
	Contacts  []voContact `json:"contacts"`
	Steps     []voStep    `json:"steps"`  // the primary paging policy
	Custom    []voCustom  `json:"custom"` // others, by time of day
}

type voContact struct {
	ID       int    `json:"id"`
	Kind     string `json:"kind"` // emails, phones, devices
	Label    string `json:"label"`
	Value    string `json:"value"` // address or number; the device's type
	Rank     int    `json:"rank"`
	Verified bool   `json:"verified"`
	ExtID    string `json:"extId"`
}

type voStep struct {
	Timeout int      `json:"timeout"` // minutes
	Rules   []voRule `json:"rules"`
}

type voRule struct {
	Type        string `json:"type"` // push, email, sms, phone
	ContactID   int    `json:"contactId"`
	ContactType string `json:"contactType"` // Email, Phone
}

type voCustom struct {
	Name  string   `json:"name"`
	Slug  string   `json:"slug"`
	Start string   `json:"start"` // local time of day
	End   string   `json:"end"`
	Steps []voStep `json:"steps"`
}

type voTeam struct {
	Name    string   `json:"name"`
	Slug    string   `json:"slug"`
	Members []string `json:"members"`
	Admins  []string `json:"admins"`
	Default bool     `json:"default"`
}

// voRotation is a group of people who follow each other. A turn lasts Days days;
// within each day the shift covers Hours hours from the roll time.
type voRotation struct {
	Slug    string    `json:"slug"`
	Label   string    `json:"label"`
	Team    string    `json:"team"` // slug
	ID      int       `json:"id"`
	Shift   string    `json:"shift"`
	Anchor  time.Time `json:"anchor"` // a roll; its local time of day is that of all rolls
	Days    int       `json:"days"`
	Hours   int       `json:"hours"` // 24 is all day
	Members []string  `json:"members"`
}

type voPolicy struct {
	Name  string         `json:"name"`
	Slug  string         `json:"slug"`
	Team  string         `json:"team"` // slug
	Steps []voPolicyStep `json:"steps"`
}

type voPolicyStep struct {
	Timeout int       `json:"timeout"` // minutes since the step before
	Entries []voEntry `json:"entries"`
}

// voEntry names its target by type: rotation slug, username or address.
type voEntry struct {
	Type   string `json:"type"` // rotation_group, rotation_group_next, user, email
	Target string `json:"target"`
}

type voKey struct {
	Key      string   `json:"key"`
	Policies []string `json:"policies"`
	Default  bool     `json:"default"`
}

// voTakeOver is a "take on-call now".
type voTakeOver struct {
	Policy string    `json:"policy"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
}

type voOverride struct {
	ID       string            `json:"id"`
	User     string            `json:"user"` // who is away
	Zone     string            `json:"zone"`
	Start    time.Time         `json:"start"`
	End      time.Time         `json:"end"`
	Assigned map[string]string `json:"assigned"` // policy slug -> cover
}

type voMute struct {
	ID      string    `json:"id"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Names   []string  `json:"names"` // empty: the whole organisation
	Purpose string    `json:"purpose"`
}

type voChat struct {
	User string    `json:"user"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	Seq  int64     `json:"seq"`
	// Incident is the incident's number, 0 when the message is of none.
	Incident int `json:"incident"`
}

// Phases as GET v1/incidents spells them.
const (
	voUnacked  = "UNACKED"
	voAcked    = "ACKED"
	voResolved = "RESOLVED"
)

func find[T any](list []T, ok func(T) bool) (T, bool) {
	if i := slices.IndexFunc(list, ok); i >= 0 {
		return list[i], true
	}
	var zero T
	return zero, false
}

func (vo *victoropsState) incident(number int) (*voIncident, bool) {
	return find(vo.Incidents, func(i *voIncident) bool { return i.Number == number })
}

// open is the incident of an entity that is not resolved, nil when there is none.
func (vo *victoropsState) open(entityID string) *voIncident {
	i, _ := find(vo.Incidents, func(i *voIncident) bool { return i.EntityID == entityID && i.Phase != voResolved })
	return i
}

func (vo *victoropsState) user(name string) (*voUser, bool) {
	return find(vo.Users, func(u *voUser) bool { return u.Username == name })
}

func (vo *victoropsState) team(slug string) (*voTeam, bool) {
	return find(vo.Teams, func(t *voTeam) bool { return t.Slug == slug })
}

func (vo *victoropsState) policy(slug string) (*voPolicy, bool) {
	return find(vo.Policies, func(p *voPolicy) bool { return p.Slug == slug })
}

func (vo *victoropsState) rotation(slug string) (*voRotation, bool) {
	return find(vo.Rotations, func(r *voRotation) bool { return r.Slug == slug })
}

func (vo *victoropsState) teamsOf(user string) []*voTeam {
	out := []*voTeam{}
	for _, t := range vo.Teams {
		if slices.Contains(t.Members, user) {
			out = append(out, t)
		}
	}
	return out
}

// route returns the policies of a routing key; one that nobody made falls to the
// default key.
func (vo *victoropsState) route(key string) []string {
	k, ok := find(vo.Keys, func(k voKey) bool { return k.Key == key && !k.Default })
	if !ok {
		k, _ = find(vo.Keys, func(k voKey) bool { return k.Default })
	}
	return k.Policies
}

func (u *voUser) contacts(kind string) []voContact {
	out := []voContact{}
	for _, c := range u.Contacts {
		if c.Kind == kind {
			out = append(out, c)
		}
	}
	return out
}

func (u *voUser) contact(id int) (voContact, bool) {
	return find(u.Contacts, func(c voContact) bool { return c.ID == id })
}

func addNew(list []string, more ...string) []string {
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}
