package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// statuspageState is the status page.
type statuspageState struct {
	Components []*spComponent `json:"components"` // groups among them
	Incidents  []*spIncident  `json:"incidents"`  // newest first
	Templates  []*spTemplate  `json:"templates"`
	Changed    time.Time      `json:"changed"` // last change of anything
}

type spComponent struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	GroupID     string    `json:"groupId,omitempty"`
	Group       bool      `json:"group,omitempty"`
	Position    int       `json:"position"`
	Status      string    `json:"status"`
	Showcase    bool      `json:"showcase"`
	OnlyIfBad   bool      `json:"onlyIfBad,omitempty"`
	StartDate   string    `json:"startDate,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

type spIncident struct {
	ID           string                     `json:"id"`
	Name         string                     `json:"name"`
	Status       string                     `json:"status"`
	Override     string                     `json:"override,omitempty"`
	Worst        string                     `json:"worst"` // impact computed so far
	ComponentIDs []string                   `json:"componentIds"`
	Updates      []*spUpdate                `json:"updates"` // oldest first
	Metadata     map[string]json.RawMessage `json:"metadata"`
	Reminders    string                     `json:"reminders,omitempty"`
	CreatedAt    time.Time                  `json:"createdAt"`
	UpdatedAt    time.Time                  `json:"updatedAt"`
	MonitoringAt time.Time                  `json:"monitoringAt,omitzero"`
	ResolvedAt   time.Time                  `json:"resolvedAt,omitzero"`

	For           time.Time `json:"for,omitzero"`
	Until         time.Time `json:"until,omitzero"`
	RemindPrior   bool      `json:"remindPrior,omitempty"`
	RemindedAt    time.Time `json:"remindedAt,omitzero"`
	AutoProgress  bool      `json:"autoProgress,omitempty"`
	AutoComplete  bool      `json:"autoComplete,omitempty"`
	ToMaintenance bool      `json:"toMaintenance,omitempty"`
	ToOperational bool      `json:"toOperational,omitempty"`
	NotifyStart   bool      `json:"notifyStart,omitempty"`
	NotifyEnd     bool      `json:"notifyEnd,omitempty"`

	Postmortem *spPostmortem `json:"postmortem,omitempty"`
}

type spUpdate struct {
	ID        string     `json:"id"`
	Status    string     `json:"status"`
	Body      string     `json:"body"`
	DisplayAt time.Time  `json:"displayAt"`
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Notify    bool       `json:"notify"`
	Affected  []spChange `json:"affected,omitempty"`
}

type spChange struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
}

type spTemplate struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Title      string   `json:"title"`
	Body       string   `json:"body"`
	GroupID    string   `json:"groupId,omitempty"`
	Status     string   `json:"status,omitempty"`
	Tweet      bool     `json:"tweet,omitempty"`
	Notify     bool     `json:"notify"`
	Components []string `json:"components"`
}

type spPostmortem struct {
	Draft       string    `json:"draft"`
	DraftAt     time.Time `json:"draftAt"`
	Body        string    `json:"body,omitempty"`
	BodyAt      time.Time `json:"bodyAt,omitzero"`
	PublishedAt time.Time `json:"publishedAt,omitzero"`
	Notify      bool      `json:"notify,omitempty"`
	Tweet       bool      `json:"tweet,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

var (
	spRealtime    = []string{"investigating", "identified", "monitoring", "resolved"}
	spMaintenance = []string{"scheduled", "in_progress", "verifying", "completed"}
	spStatuses    = slices.Concat(spRealtime, spMaintenance)
	spImpacts     = []string{"none", "maintenance", "minor", "major", "critical"}
	// spComponentStatuses go from best to worst; maintenance counts least of all
	// that is not operational.
	spComponentStatuses = []string{"operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"}
)

func (i *spIncident) closed() bool {
	return i.Status == "resolved" || i.Status == "completed" || i.Status == "postmortem"
}

func (i *spIncident) maintenance() bool { return !i.For.IsZero() }
func (i *spIncident) unresolved() bool  { return !i.closed() && !i.maintenance() }
func (i *spIncident) scheduled() bool   { return i.maintenance() && i.Status == "scheduled" }
func (i *spIncident) running() bool {
	return i.Status == "in_progress" || i.Status == "verifying"
}

// impact is computed from the components, the worst so far, unless overridden.
func (i *spIncident) impact() string {
	switch {
	case i.Override != "":
		return i.Override
	case i.maintenance():
		return "maintenance"
	}
	return i.Worst
}

func spImpactOf(status string) string {
	switch status {
	case "major_outage":
		return "critical"
	case "partial_outage":
		return "major"
	case "degraded_performance":
		return "minor"
	case "under_maintenance":
		return "maintenance"
	}
	return "none"
}

// worsen raises the computed impact.
func (i *spIncident) worsen(status string) {
	if got := spImpactOf(status); slices.Index(spImpacts, got) > slices.Index(spImpacts, i.Worst) {
		i.Worst = got
	}
}

func (sp *statuspageState) component(id string) *spComponent {
	for _, c := range sp.Components {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (sp *statuspageState) incident(id string) *spIncident {
	for _, i := range sp.Incidents {
		if i.ID == id {
			return i
		}
	}
	return nil
}

// statusOf is a component's status; that of a group is its worst child's.
func (sp *statuspageState) statusOf(c *spComponent) string {
	if !c.Group {
		return c.Status
	}
	worst := 0
	for _, child := range sp.Components {
		if child.GroupID == c.ID {
			worst = max(worst, slices.Index(spComponentStatuses, child.Status))
		}
	}
	return spComponentStatuses[worst]
}

func (sp *statuspageState) children(group string) []string {
	out := []string{}
	for _, c := range sp.Components {
		if c.GroupID == group && group != "" {
			out = append(out, c.ID)
		}
	}
	return out
}

func (sp *statuspageState) componentJSON(c *spComponent) obj {
	out := obj{
		"id": c.ID, "page_id": StatuspagePage, "group_id": orNull(c.GroupID), "group": c.Group, "name": c.Name,
		"description": orNull(c.Description), "position": c.Position, "status": sp.statusOf(c), "showcase": c.Showcase,
		"only_show_if_degraded": c.OnlyIfBad, "automation_email": nil, "start_date": orNull(c.StartDate),
		"created_at": spTime(c.CreatedAt), "updated_at": spTime(c.UpdatedAt),
	}
	if !c.Group {
		out["automation_email"] = "component+" + tokenFor(12, alphabetHex, "statuspage mail", c.ID) + "@notifications.statuspage.io"
	}
	return out
}

func (sp *statuspageState) incidentJSON(i *spIncident, self string) obj {
	comps := []obj{}
	for _, id := range i.ComponentIDs {
		if c := sp.component(id); c != nil {
			comps = append(comps, sp.componentJSON(c))
		}
	}
	updates := []obj{}
	for _, u := range slices.Backward(i.Updates) {
		updates = append(updates, i.updateJSON(u))
	}
	out := obj{
		"id": i.ID, "page_id": StatuspagePage, "name": i.Name, "status": i.Status, "impact": i.impact(), "impact_override": orNull(i.Override),
		"shortlink": self + "/incidents/" + i.ID, "created_at": spTime(i.CreatedAt), "updated_at": spTime(i.UpdatedAt),
		"monitoring_at": spTime(i.MonitoringAt), "resolved_at": spTime(i.ResolvedAt), "components": comps, "incident_updates": updates,
		"incident_impacts": []obj{}, "metadata": i.Metadata, "reminder_intervals": orNull(i.Reminders),
		"scheduled_for": spTime(i.For), "scheduled_until": spTime(i.Until), "scheduled_remind_prior": i.RemindPrior,
		"scheduled_reminded_at": spTime(i.RemindedAt), "scheduled_auto_in_progress": i.AutoProgress, "scheduled_auto_completed": i.AutoComplete,
		"auto_transition_to_maintenance_state": i.ToMaintenance, "auto_transition_to_operational_state": i.ToOperational,
		"auto_transition_deliver_notifications_at_start": i.NotifyStart, "auto_transition_deliver_notifications_at_end": i.NotifyEnd,
		"postmortem_body": nil, "postmortem_body_last_updated_at": nil, "postmortem_ignored": false,
		"postmortem_notified_subscribers": false, "postmortem_notified_twitter": false, "postmortem_published_at": nil,
	}
	if i.Metadata == nil {
		out["metadata"] = obj{}
	}
	if p := i.Postmortem; p != nil && !p.PublishedAt.IsZero() {
		out["postmortem_body"], out["postmortem_body_last_updated_at"] = p.Body, spTime(p.BodyAt)
		out["postmortem_published_at"], out["postmortem_notified_subscribers"] = spTime(p.PublishedAt), p.Notify
	}
	return out
}

func (i *spIncident) updateJSON(u *spUpdate) obj {
	out := obj{
		"id": u.ID, "incident_id": i.ID, "status": u.Status, "body": u.Body, "display_at": spMillis(u.DisplayAt),
		"created_at": spMillis(u.CreatedAt), "updated_at": spMillis(u.UpdatedAt), "deliver_notifications": u.Notify,
		"affected_components": nil, "custom_tweet": nil, "tweet_id": nil, "twitter_updated_at": nil, "wants_twitter_update": false,
	}
	if len(u.Affected) > 0 {
		list := []obj{}
		for _, a := range u.Affected {
			list = append(list, obj{"code": a.ID, "name": a.Name, "old_status": a.Old, "new_status": a.New})
		}
		out["affected_components"] = list
	}
	return out
}

func (c *spCall) page() obj {
	return obj{
		"id": StatuspagePage, "name": statuspageName, "subdomain": "balenacloud-demo", "domain": "status.example.test", "url": "https://www.example.test",
		"time_zone": Zone, "page_description": nil, "headline": nil, "support_url": nil, "viewers_must_be_team_members": false,
		"allow_page_subscribers": true, "allow_incident_subscribers": true, "allow_email_subscribers": true, "allow_sms_subscribers": true,
		"allow_rss_atom_feeds": true, "allow_webhook_subscribers": true,
		"created_at": spTime(c.s.StartedAt.AddDate(-4, 0, 0)), "updated_at": spTime(c.sp.Changed),
	}
}

// slice cuts a list into the page that the query asks for. Only limit or only
// per_page counts, whichever the endpoint knows; anything odd is its default.
func (c *spCall) slice(rows []obj, size string) []obj {
	number := func(name string, otherwise, most int) int {
		n, err := strconv.Atoi(c.r.URL.Query().Get(name))
		if err != nil || n < 1 {
			return otherwise
		}
		return min(n, most)
	}
	per, page := number(size, 100, 100), number("page", 1, 1<<20)
	from := min((page-1)*per, len(rows))
	return rows[from:min(from+per, len(rows))]
}

func spListComponents(c *spCall) (int, any, error) {
	rows := []obj{}
	for _, x := range c.sp.Components {
		rows = append(rows, c.sp.componentJSON(x))
	}
	return http.StatusOK, c.slice(rows, "per_page"), nil
}

func spGetComponent(c *spCall) (int, any, error) {
	x := c.sp.component(c.r.PathValue("id"))
	if x == nil {
		return 0, nil, spNotFound("Component")
	}
	out := c.sp.componentJSON(x)
	if x.Group {
		out["components"] = c.sp.children(x.ID)
	}
	return http.StatusOK, out, nil
}

func spUpdateComponent(c *spCall) (int, any, error) {
	x := c.sp.component(c.r.PathValue("id"))
	if x == nil {
		return 0, nil, spNotFound("Component")
	}
	f, err := c.fields("component")
	if err != nil {
		return 0, nil, err
	}
	status, err := spWord(f, "status", spComponentStatuses...)
	if err != nil {
		return 0, nil, err
	}
	name, err := spTake[string](f, "name")
	if err != nil {
		return 0, nil, err
	}
	if name != nil {
		if *name == "" {
			return 0, nil, spInvalid("name", "can't be blank")
		}
		x.Name = *name
	}
	if status != nil {
		if x.Group {
			return 0, nil, spInvalid("status", "of a group cannot be set")
		}
		x.Status = *status
	}
	x.UpdatedAt, c.sp.Changed = c.s.Now, c.s.Now
	return http.StatusOK, c.sp.componentJSON(x), nil
}

func spListGroups(c *spCall) (int, any, error) {
	rows := []obj{}
	for _, x := range c.sp.Components {
		if x.Group {
			rows = append(rows, obj{"id": x.ID, "page_id": StatuspagePage, "name": x.Name, "description": orNull(x.Description),
				"components": c.sp.children(x.ID), "position": x.Position, "created_at": spTime(x.CreatedAt), "updated_at": spTime(x.UpdatedAt)})
		}
	}
	return http.StatusOK, c.slice(rows, "per_page"), nil
}

// spCountSubscribers counts the 1,204 who follow the page.
func spCountSubscribers(*spCall) (int, any, error) {
	return http.StatusOK, obj{"email": 1161, "sms": 23, "webhook": 9, "slack": 8, "teams": 3, "integration_partner": 0}, nil
}
