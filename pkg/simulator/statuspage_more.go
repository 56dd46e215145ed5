package simulator

import (
	"net/http"
	"slices"
	"time"
)

func (p *spPostmortem) json() obj {
	return obj{
		"preview_key": tokenFor(16, alphabetHex, "statuspage preview", spTime(p.CreatedAt)), "body": orNull(p.Body), "body_updated_at": spTime(p.BodyAt),
		"body_draft": orNull(p.Draft), "body_draft_updated_at": spTime(p.DraftAt), "published_at": spTime(p.PublishedAt),
		"notify_subscribers": p.Notify, "notify_twitter": p.Tweet, "custom_tweet": nil, "created_at": spTime(p.CreatedAt), "updated_at": spTime(p.UpdatedAt),
	}
}

// postmortem finds the postmortem of the path's incident.
func (c *spCall) postmortem() (*spIncident, *spPostmortem, error) {
	i, err := c.incident()
	if err != nil {
		return nil, nil, err
	}
	if i.Postmortem == nil {
		return nil, nil, spNotFound("Postmortem")
	}
	return i, i.Postmortem, nil
}

func spGetPostmortem(c *spCall) (int, any, error) {
	_, p, err := c.postmortem()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, p.json(), nil
}

func spDraftPostmortem(c *spCall) (int, any, error) {
	i, err := c.incident()
	if err != nil {
		return 0, nil, err
	}
	f, err := c.fields("postmortem")
	if err != nil {
		return 0, nil, err
	}
	draft, err := spTake[string](f, "body_draft")
	if err != nil {
		return 0, nil, err
	}
	if draft == nil {
		return 0, nil, spInvalid("body_draft", "can't be blank")
	}
	if i.Postmortem == nil {
		i.Postmortem = &spPostmortem{CreatedAt: c.s.Now}
	}
	i.Postmortem.Draft, i.Postmortem.DraftAt, i.Postmortem.UpdatedAt = *draft, c.s.Now, c.s.Now
	return http.StatusOK, i.Postmortem.json(), nil
}

// spPublishPostmortem shows the draft; the incident then reads "postmortem".
func spPublishPostmortem(c *spCall) (int, any, error) {
	i, p, err := c.postmortem()
	if err != nil {
		return 0, nil, err
	}
	if p.Draft == "" {
		return 0, nil, spInvalid("body_draft", "can't be blank")
	}
	if !i.closed() {
		return 0, nil, spInvalid("incident", "is not resolved")
	}
	f, err := c.fields("postmortem")
	if err != nil {
		return 0, nil, err
	}
	for name, into := range map[string]*bool{"notify_subscribers": &p.Notify, "notify_twitter": &p.Tweet} {
		v, err := spTake[bool](f, name)
		if err != nil {
			return 0, nil, err
		}
		if v != nil {
			*into = *v
		}
	}
	p.Body, p.BodyAt, p.PublishedAt, p.UpdatedAt = p.Draft, c.s.Now, c.s.Now, c.s.Now
	i.Status, i.UpdatedAt, c.sp.Changed = "postmortem", c.s.Now, c.s.Now
	return http.StatusOK, p.json(), nil
}

func spRevertPostmortem(c *spCall) (int, any, error) {
	i, p, err := c.postmortem()
	if err != nil {
		return 0, nil, err
	}
	i.unpublish()
	p.Body, p.BodyAt, p.PublishedAt, p.UpdatedAt = "", time.Time{}, time.Time{}, c.s.Now
	return http.StatusOK, p.json(), nil
}

func spDeletePostmortem(c *spCall) (int, any, error) {
	i, _, err := c.postmortem()
	if err != nil {
		return 0, nil, err
	}
	i.unpublish()
	i.Postmortem = nil
	return http.StatusNoContent, nil, nil
}

// unpublish gives the incident the status that it had before its postmortem.
func (i *spIncident) unpublish() {
	if i.Status == "postmortem" {
		i.Status = "resolved"
		if i.maintenance() {
			i.Status = "completed"
		}
	}
}

func (sp *statuspageState) templateJSON(t *spTemplate) obj {
	comps := []obj{}
	for _, id := range t.Components {
		if x := sp.component(id); x != nil {
			comps = append(comps, sp.componentJSON(x)) // with the status of today
		}
	}
	return obj{"id": t.ID, "name": t.Name, "title": t.Title, "body": t.Body, "group_id": orNull(t.GroupID), "update_status": orNull(t.Status),
		"should_tweet": t.Tweet, "should_send_notifications": t.Notify, "components": comps}
}

func spListTemplates(c *spCall) (int, any, error) {
	rows := []obj{}
	for _, t := range c.sp.Templates {
		rows = append(rows, c.sp.templateJSON(t))
	}
	return http.StatusOK, c.slice(rows, "per_page"), nil
}

func spCreateTemplate(c *spCall) (int, any, error) {
	f, err := c.fields("template")
	if err != nil {
		return 0, nil, err
	}
	t := &spTemplate{ID: tokenFor(12, alphabetLower, "statuspage template", c.s.nextID("statuspage.template")), Notify: true, Components: []string{}}
	for name, into := range map[string]*string{"name": &t.Name, "title": &t.Title, "body": &t.Body} {
		v, err := spTake[string](f, name)
		if err != nil {
			return 0, nil, err
		}
		if v == nil || *v == "" {
			return 0, nil, spInvalid(name, "can't be blank")
		}
		*into = *v
	}
	status, err := spWord(f, "update_status", spStatuses...)
	if err != nil {
		return 0, nil, err
	}
	if status != nil {
		t.Status = *status
	}
	notify, err := spTake[bool](f, "should_send_notifications")
	if err != nil {
		return 0, nil, err
	}
	if notify != nil {
		t.Notify = *notify
	}
	listed, err := spTake[[]string](f, "component_ids")
	if err != nil {
		return 0, nil, err
	}
	if listed != nil {
		t.Components = *listed
	}
	c.sp.Templates = append(c.sp.Templates, t)
	return http.StatusCreated, c.sp.templateJSON(t), nil
}

// spPublicRoutes is the API of the page itself: wrapped, unpaged, without a key.
func spPublicRoutes() map[string]func(*spCall) any {
	list := func(key string, keep func(*spIncident) bool) func(*spCall) any {
		return func(c *spCall) any {
			return obj{"page": c.publicPage(), key: c.publicIncidents(keep)}
		}
	}
	const planned = "scheduled_maintenances"
	return map[string]func(*spCall) any{
		"summary.json": func(c *spCall) any {
			return obj{
				"page": c.publicPage(), "status": c.publicStatus(), "components": c.publicComponents(),
				"incidents": c.publicIncidents((*spIncident).unresolved),
				planned:     c.publicIncidents(func(i *spIncident) bool { return i.scheduled() || i.running() }),
			}
		},
		"status.json":                          func(c *spCall) any { return obj{"page": c.publicPage(), "status": c.publicStatus()} },
		"components.json":                      func(c *spCall) any { return obj{"page": c.publicPage(), "components": c.publicComponents()} },
		"incidents.json":                       list("incidents", func(i *spIncident) bool { return !i.maintenance() }),
		"incidents/unresolved.json":            list("incidents", (*spIncident).unresolved),
		"scheduled-maintenances.json":          list(planned, (*spIncident).maintenance),
		"scheduled-maintenances/upcoming.json": list(planned, (*spIncident).scheduled),
		"scheduled-maintenances/active.json":   list(planned, (*spIncident).running),
	}
}

func (c *spCall) publicPage() obj {
	return obj{"id": StatuspagePage, "name": statuspageName, "url": c.self, "time_zone": Zone, "updated_at": spPublicTime(c.sp.Changed)}
}

// publicStatus is the page's own sum, blended from its components, in words that
// differ from theirs.
func (c *spCall) publicStatus() obj {
	worst := 0
	for _, x := range c.sp.Components {
		if !x.Group {
			worst = max(worst, slices.Index(spComponentStatuses, x.Status))
		}
	}
	words := map[string]string{
		"operational": "All Systems Operational", "under_maintenance": "Service Under Maintenance", "degraded_performance": "Minor Service Outage",
		"partial_outage": "Partial System Outage", "major_outage": "Major System Outage",
	}
	status := spComponentStatuses[worst]
	return obj{"indicator": spImpactOf(status), "description": words[status]}
}

func (c *spCall) publicComponents() []obj {
	out := []obj{}
	for _, x := range c.sp.Components {
		if x.OnlyIfBad && x.Status == "operational" {
			continue
		}
		j := c.sp.componentJSON(x)
		delete(j, "automation_email")
		j["created_at"], j["updated_at"] = spPublicTime(x.CreatedAt), spPublicTime(x.UpdatedAt)
		if x.Group {
			j["components"] = c.sp.children(x.ID)
		}
		out = append(out, j)
	}
	return out
}

// publicIncidents are the newest fifty that pass. What the team notes in
// metadata is not shown.
func (c *spCall) publicIncidents(keep func(*spIncident) bool) []obj {
	out := []obj{}
	for _, i := range c.sp.Incidents {
		if !keep(i) || len(out) == 50 {
			continue
		}
		j := c.sp.incidentJSON(i, c.self)
		public := obj{}
		for _, k := range []string{"id", "name", "status", "impact", "shortlink", "page_id", "components", "incident_updates"} {
			public[k] = j[k]
		}
		started := i.CreatedAt
		if i.maintenance() {
			started = i.For
			public["scheduled_for"], public["scheduled_until"] = spPublicTime(i.For), spPublicTime(i.Until)
		}
		public["created_at"], public["updated_at"], public["started_at"] = spPublicTime(i.CreatedAt), spPublicTime(i.UpdatedAt), spPublicTime(started)
		public["monitoring_at"], public["resolved_at"] = spPublicTime(i.MonitoringAt), spPublicTime(i.ResolvedAt)
		for _, x := range public["components"].([]obj) {
			delete(x, "automation_email")
		}
		out = append(out, public)
	}
	return out
}

// spIncidentPage is what a short link leads to: a page for people.
func spIncidentPage(w *World) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		var text string
		err := w.view(func(s *State) error {
			if i := part[statuspageState](s).incident(r.PathValue("id")); i != nil {
				text = i.Name + "\n"
				for _, u := range slices.Backward(i.Updates) {
					text += "\n" + u.Status + " - " + u.Body + "\n"
				}
			}
			return nil
		})
		switch {
		case err != nil:
			failed(rw, err)
		case text == "":
			writeText(rw, http.StatusNotFound, "not found\n")
		default:
			writeText(rw, http.StatusOK, text)
		}
	}
}
