package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

func spListIncidents(c *spCall) (int, any, error) {
	q := strings.ToLower(c.r.URL.Query().Get("q"))
	rows := []obj{}
	for _, i := range c.sp.Incidents {
		if q == "" || i.matches(q) {
			rows = append(rows, c.sp.incidentJSON(i, c.self))
		}
	}
	return http.StatusOK, c.slice(rows, "limit"), nil
}

// matches looks in name, status, postmortem and updates, as the vendor says.
func (i *spIncident) matches(q string) bool {
	texts := []string{i.Name, i.Status}
	for _, u := range i.Updates {
		texts = append(texts, u.Body)
	}
	if i.Postmortem != nil {
		texts = append(texts, i.Postmortem.Body)
	}
	return strings.Contains(strings.ToLower(strings.Join(texts, "\n")), q)
}

func spView(keep func(*spIncident) bool) spHandler {
	return func(c *spCall) (int, any, error) {
		rows := []obj{}
		for _, i := range c.sp.Incidents {
			if keep(i) {
				rows = append(rows, c.sp.incidentJSON(i, c.self))
			}
		}
		return http.StatusOK, c.slice(rows, "per_page"), nil
	}
}

func (c *spCall) incident() (*spIncident, error) {
	if i := c.sp.incident(c.r.PathValue("id")); i != nil {
		return i, nil
	}
	return nil, spNotFound("Incident")
}

func spGetIncident(c *spCall) (int, any, error) {
	i, err := c.incident()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.sp.incidentJSON(i, c.self), nil
}

func spDeleteIncident(c *spCall) (int, any, error) {
	i, err := c.incident()
	if err != nil {
		return 0, nil, err
	}
	c.sp.Incidents = slices.DeleteFunc(c.sp.Incidents, func(x *spIncident) bool { return x.ID == i.ID })
	c.sp.Changed = c.s.Now
	return http.StatusOK, c.sp.incidentJSON(i, c.self), nil
}

func spCreateIncident(c *spCall) (int, any, error) {
	f, err := c.fields("incident")
	if err != nil {
		return 0, nil, err
	}
	if _, ok := f["name"]; !ok {
		return 0, nil, spInvalid("name", "can't be blank")
	}
	i := &spIncident{
		ID: tokenFor(12, alphabetLower, "statuspage incident", c.s.nextID("statuspage.incident")), Status: "investigating", Worst: "none",
		CreatedAt: c.s.Now, Metadata: map[string]json.RawMessage{}, ComponentIDs: []string{},
	}
	if _, ok := f["scheduled_for"]; ok {
		i.Status = "scheduled"
	}
	if err := c.change(i, f, true); err != nil {
		return 0, nil, err
	}
	c.sp.Incidents = slices.Insert(c.sp.Incidents, 0, i)
	return http.StatusCreated, c.sp.incidentJSON(i, c.self), nil
}

func spUpdateIncident(c *spCall) (int, any, error) {
	i, err := c.incident()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.fields("incident")
	if err != nil {
		return 0, nil, err
	}
	if err := c.change(i, f, false); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, c.sp.incidentJSON(i, c.self), nil
}

// change applies a write. A status or a body posts an update; metadata alone
// posts none. Components change only when the write says so: not on resolve.
func (c *spCall) change(i *spIncident, f spFields, create bool) error {
	if err := c.changeTexts(i, f); err != nil {
		return err
	}
	if err := changeSchedule(i, f); err != nil {
		return err
	}
	body, err := spTake[string](f, "body")
	if err != nil {
		return err
	}
	if body != nil && utf8.RuneCountInString(*body) > 25000 {
		return spInvalid("body", "is too long (maximum is 25000 characters)")
	}
	status, err := spWord(f, "status", spStatuses...)
	if err != nil {
		return err
	}
	notify, err := spTake[bool](f, "deliver_notifications")
	if err != nil {
		return err
	}
	affected, err := c.changeComponents(i, f)
	if err != nil {
		return err
	}
	if status != nil {
		i.Status = *status
	}
	i.reached(c.s.Now)
	if create || body != nil || status != nil {
		text := ""
		if body != nil {
			text = *body
		}
		c.post(i, text, notify == nil || *notify, affected, c.s.Now)
	}
	i.UpdatedAt, c.sp.Changed = c.s.Now, c.s.Now
	return nil
}

// reached notes the times that hang on the status.
func (i *spIncident) reached(at time.Time) {
	if i.Status == "monitoring" && i.MonitoringAt.IsZero() {
		i.MonitoringAt = at
	}
	if i.closed() && i.ResolvedAt.IsZero() {
		i.ResolvedAt = at
	}
	if !i.closed() {
		i.ResolvedAt = time.Time{}
	}
}

func (c *spCall) post(i *spIncident, body string, notify bool, affected []spChange, at time.Time) {
	i.Updates = append(i.Updates, &spUpdate{
		ID: tokenFor(12, alphabetLower, "statuspage update", i.ID, len(i.Updates)), Status: i.Status, Body: body,
		DisplayAt: at, CreatedAt: at, UpdatedAt: at, Notify: notify, Affected: affected,
	})
}

func (c *spCall) changeTexts(i *spIncident, f spFields) error {
	name, err := spTake[string](f, "name")
	if err != nil {
		return err
	}
	if name != nil {
		if strings.TrimSpace(*name) == "" {
			return spInvalid("name", "can't be blank")
		}
		if utf8.RuneCountInString(*name) > 255 {
			return spInvalid("name", "is too long (maximum is 255 characters)")
		}
		i.Name = *name
	}
	impact, err := spWord(f, "impact_override", spImpacts...)
	if err != nil {
		return err
	}
	if impact != nil {
		i.Override = *impact
	}
	meta, err := spTake[map[string]json.RawMessage](f, "metadata")
	if err != nil {
		return err
	}
	if meta != nil {
		for _, v := range *meta {
			var o map[string]any
			if json.Unmarshal(v, &o) != nil || o == nil {
				return spInvalid("metadata", "top level values must be objects")
			}
		}
		i.Metadata = *meta // the whole of it is replaced
	}
	reminders, err := spTake[string](f, "reminder_intervals")
	if reminders != nil {
		i.Reminders = *reminders
	}
	return err
}

func changeSchedule(i *spIncident, f spFields) error {
	for name, into := range map[string]*time.Time{"scheduled_for": &i.For, "scheduled_until": &i.Until} {
		v, err := spTake[time.Time](f, name)
		if err != nil {
			return err
		}
		if v != nil {
			*into = v.UTC()
		}
	}
	for name, into := range map[string]*bool{
		"scheduled_remind_prior": &i.RemindPrior, "scheduled_auto_in_progress": &i.AutoProgress, "scheduled_auto_transition": &i.AutoProgress,
		"scheduled_auto_completed": &i.AutoComplete, "auto_transition_to_maintenance_state": &i.ToMaintenance,
		"auto_transition_to_operational_state": &i.ToOperational, "auto_transition_deliver_notifications_at_start": &i.NotifyStart,
		"auto_transition_deliver_notifications_at_end": &i.NotifyEnd,
	} {
		v, err := spTake[bool](f, name)
		if err != nil {
			return err
		}
		if v != nil {
			*into = *v
		}
	}
	if !i.For.IsZero() && !i.Until.IsZero() && !i.Until.After(i.For) {
		return spInvalid("scheduled_until", "must be after scheduled_for")
	}
	return nil
}

// changeComponents sets who is affected and their statuses, and returns the rows
// of the update: all that the incident names, unchanged ones too.
func (c *spCall) changeComponents(i *spIncident, f spFields) ([]spChange, error) {
	listed, err := spTake[[]string](f, "component_ids")
	if err != nil {
		return nil, err
	}
	statuses, err := spTake[map[string]string](f, "components")
	if err != nil {
		return nil, err
	}
	if listed != nil {
		for _, id := range *listed {
			if x := c.sp.component(id); x == nil || x.Group {
				return nil, spInvalid("component_ids", id+" is not a component of this page")
			}
		}
		i.ComponentIDs = *listed
	}
	was := map[string]string{}
	if statuses != nil {
		for id, s := range *statuses {
			x := c.sp.component(id)
			if x == nil || x.Group {
				return nil, spInvalid("components", id+" is not a component of this page")
			}
			if !slices.Contains(spComponentStatuses, s) {
				return nil, spInvalid("components", s+" is not a status")
			}
			was[id] = x.Status
			if !slices.Contains(i.ComponentIDs, id) {
				i.ComponentIDs = append(i.ComponentIDs, id)
			}
		}
		for id, s := range *statuses {
			c.sp.component(id).Status, c.sp.component(id).UpdatedAt = s, c.s.Now
		}
	}
	rows := []spChange{}
	for _, id := range i.ComponentIDs {
		x := c.sp.component(id)
		if x == nil {
			continue
		}
		old, ok := was[id]
		if !ok {
			old = x.Status
		}
		rows = append(rows, spChange{id, x.Name, old, x.Status})
		i.worsen(x.Status)
	}
	return rows, nil
}

func spEditUpdate(c *spCall) (int, any, error) {
	i, err := c.incident()
	if err != nil {
		return 0, nil, err
	}
	n := slices.IndexFunc(i.Updates, func(u *spUpdate) bool { return u.ID == c.r.PathValue("update") })
	if n < 0 {
		return 0, nil, spNotFound("Incident update")
	}
	f, err := c.fields("incident_update")
	if err != nil {
		return 0, nil, err
	}
	body, err := spTake[string](f, "body")
	if err != nil {
		return 0, nil, err
	}
	at, err := spTake[time.Time](f, "display_at")
	if err != nil {
		return 0, nil, err
	}
	u := i.Updates[n]
	if body != nil {
		u.Body = *body
	}
	if at != nil {
		u.DisplayAt = at.UTC()
	}
	u.UpdatedAt, i.UpdatedAt, c.sp.Changed = c.s.Now, c.s.Now, c.s.Now
	return http.StatusOK, i.updateJSON(u), nil
}

// advanceStatuspage moves maintenance by the clock, each step at its own time.
func advanceStatuspage(s *State, sp *statuspageState, now time.Time) {
	c := &spCall{s: s, sp: sp}
	for _, i := range sp.Incidents {
		if i.RemindPrior && i.RemindedAt.IsZero() && i.Status == "scheduled" && !now.Before(i.For.Add(-time.Hour)) {
			i.RemindedAt = i.For.Add(-time.Hour)
		}
		if i.AutoProgress && i.Status == "scheduled" && !now.Before(i.For) {
			c.auto(i, "in_progress", "Scheduled maintenance is currently in progress. We will provide updates as necessary.", i.ToMaintenance, "under_maintenance", i.NotifyStart, i.For)
		}
		if i.AutoComplete && i.running() && !i.Until.IsZero() && !now.Before(i.Until) {
			c.auto(i, "completed", "The scheduled maintenance has been completed.", i.ToOperational, "operational", i.NotifyEnd, i.Until)
		}
	}
}

// auto is a step that the page takes by itself.
func (c *spCall) auto(i *spIncident, status, body string, set bool, to string, notify bool, at time.Time) {
	i.Status = status
	rows := []spChange{}
	for _, id := range i.ComponentIDs {
		x := c.sp.component(id)
		if x == nil {
			continue
		}
		old := x.Status
		if set {
			x.Status, x.UpdatedAt = to, at
		}
		rows = append(rows, spChange{id, x.Name, old, x.Status})
	}
	i.reached(at)
	c.post(i, body, notify, rows, at)
	i.UpdatedAt, c.sp.Changed = at, at
}
