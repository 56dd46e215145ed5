package simulator

import (
	"net/http"
	"slices"
	"strconv"
)

// team finds the team of the path by its slug.
func (c *voCall) team() (*voTeam, error) {
	slug := c.r.PathValue("team")
	t, ok := c.vo.team(slug)
	if !ok {
		return nil, voFail(http.StatusNotFound, "team %s not found", slug)
	}
	return t, nil
}

// policy finds the policy of the path by its slug.
func (c *voCall) policy() (*voPolicy, error) {
	slug := c.r.PathValue("policy")
	p, ok := c.vo.policy(slug)
	if !ok {
		return nil, voFail(http.StatusNotFound, "policy %s not found", slug)
	}
	return p, nil
}

func (t *voTeam) self() string { return "/api-public/v1/team/" + t.Slug }

func (t *voTeam) links() obj {
	return obj{
		"_selfUrl": t.self(), "_membersUrl": t.self() + "/members", "_policiesUrl": t.self() + "/policies",
		"_adminsUrl": t.self() + "/admins",
	}
}

func (t *voTeam) json() obj {
	out := t.links()
	out["name"], out["slug"], out["memberCount"] = t.Name, t.Slug, len(t.Members)
	out["version"], out["isDefaultTeam"] = 1, t.Default
	return out
}

// voListTeams is a bare list (note 7).
func voListTeams(c *voCall) (any, error) {
	out := []obj{}
	for _, t := range c.vo.Teams {
		out = append(out, t.json())
	}
	return out, nil
}

func voGetTeam(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	return t.json(), nil
}

func voTeamMembers(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	return c.membersJSON(t), nil
}

// membersJSON has verified as text for some and as a truth value for others:
// sources disagree (note 6), so a reader must bear both.
func (c *voCall) membersJSON(t *voTeam) obj {
	out := []obj{}
	for i, m := range t.Members {
		u, ok := c.vo.user(m)
		if !ok {
			continue
		}
		var verified any = "true"
		if i%2 == 1 {
			verified = true
		}
		out = append(out, obj{"username": m, "firstName": u.FirstName, "lastName": u.LastName, "version": 1, "verified": verified})
	}
	return obj{"members": out, "_selfUrl": t.self() + "/members", "_teamUrl": t.self()}
}

func voAddMember(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	var in struct{ Username string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.member(in.Username); err != nil {
		return nil, err
	}
	t.Members = addNew(t.Members, in.Username)
	return c.membersJSON(t), nil
}

// voRemoveMember needs a JSON body (note 1).
func voRemoveMember(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	var in struct{ Replacement string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !slices.Contains(t.Members, u.Username) {
		return nil, voFail(http.StatusNotFound, "%s is no member", u.Username)
	}
	if in.Replacement == u.Username || !slices.Contains(t.Members, in.Replacement) {
		return nil, voFail(http.StatusUnprocessableEntity, "a replacement of the team is needed")
	}
	c.vo.replaceMember(t, u.Username, in.Replacement)
	return nil, nil
}

func voTeamAdmins(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, m := range t.Admins {
		if u, ok := c.vo.user(m); ok {
			out = append(out, obj{"username": m, "firstName": u.FirstName, "lastName": u.LastName, "_selfUrl": u.self()})
		}
	}
	return obj{"teamAdmins": out}, nil
}

func voListPolicies(c *voCall) (any, error) {
	out := []obj{}
	for _, p := range c.vo.Policies {
		out = append(out, c.vo.policyInfo(p))
	}
	return obj{"policies": out}, nil
}

func voTeamPolicies(c *voCall) (any, error) {
	t, err := c.team()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for _, p := range c.vo.Policies {
		if p.Team == t.Slug {
			out = append(out, c.vo.policyInfo(p))
		}
	}
	return obj{"policies": out}, nil
}

func voGetPolicy(c *voCall) (any, error) {
	p, err := c.policy()
	if err != nil {
		return nil, err
	}
	steps := []obj{}
	for _, s := range p.Steps {
		entries := []obj{}
		for _, e := range s.Entries {
			entries = append(entries, c.vo.entryJSON(e))
		}
		steps = append(steps, obj{"timeout": s.Timeout, "entries": entries})
	}
	return obj{"name": p.Name, "slug": p.Slug, "ignoreCustomPagingPolicies": false, "steps": steps}, nil
}

func (vo *victoropsState) entryJSON(e voEntry) obj {
	out := obj{"executionType": e.Type}
	switch e.Type {
	case "user":
		person := userJSON(e.Target)
		if u, ok := vo.user(e.Target); ok {
			person["firstName"], person["lastName"] = u.FirstName, u.LastName
		}
		out["user"] = person
	case "email":
		out["email"] = obj{"address": e.Target}
	default:
		r, _ := vo.rotation(e.Target)
		out["rotationGroup"] = obj{"slug": r.Slug, "label": r.Label}
	}
	return out
}

func voRoutingKeys(c *voCall) (any, error) {
	out := []obj{}
	for _, k := range c.vo.Keys {
		targets := []obj{}
		for _, slug := range k.Policies {
			if p, ok := c.vo.policy(slug); ok {
				t, _ := c.vo.team(p.Team)
				targets = append(targets, obj{"policyName": p.Name, "policySlug": p.Slug, "_teamUrl": t.self()})
			}
		}
		out = append(out, obj{"routingKey": k.Key, "targets": targets, "isDefault": k.Default, "isMultiResponder": false})
	}
	return obj{"routingKeys": out, "_selfUrl": "/api-public/v1/org/routing-keys"}, nil
}

func voCreateRoutingKey(c *voCall) (any, error) {
	var in struct {
		RoutingKey string
		Targets    []string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.RoutingKey == "" || len(in.Targets) == 0 {
		return nil, voFail(http.StatusBadRequest, "error.path.missing: routingKey and targets are required")
	}
	if _, ok := find(c.vo.Keys, func(k voKey) bool { return k.Key == in.RoutingKey }); ok {
		return nil, voFail(http.StatusBadRequest, "routing key %s exists", in.RoutingKey)
	}
	for _, slug := range in.Targets {
		if _, ok := c.vo.policy(slug); !ok {
			return nil, voFail(http.StatusNotFound, "policy %s not found", slug)
		}
	}
	c.vo.Keys = append(c.vo.Keys, voKey{Key: in.RoutingKey, Policies: in.Targets})
	return obj{"routingKey": in.RoutingKey, "targets": in.Targets}, nil
}

func voWebhooks(*voCall) (any, error) {
	return obj{"webhooks": []obj{{
		"slug": "wh-" + tokenFor(16, alphabetAlnum, "webhook"), "label": "chat", "url": "https://chat.example.test/hooks/oncall",
	}}}, nil
}

func (c *voCall) maintenanceJSON() obj {
	out := []obj{}
	for _, m := range c.vo.Maintenance {
		out = append(out, obj{
			"instanceId": m.ID, "startedBy": m.By, "startedAt": m.At.UnixMilli(), "purpose": m.Purpose,
			"targets": []obj{{"type": "RoutingKeys", "names": m.Names}}, "isGlobal": len(m.Names) == 0,
		})
	}
	return obj{"companyId": Org, "activeInstances": out}
}

func voMaintenance(c *voCall) (any, error) { return c.maintenanceJSON(), nil }

// voStartMaintenance mutes the whole organisation when names is empty (note 8).
func voStartMaintenance(c *voCall) (any, error) {
	var in struct {
		Type    string
		Names   []string
		Purpose string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Names == nil {
		in.Names = []string{}
	}
	if len(in.Names) == 0 && slices.ContainsFunc(c.vo.Maintenance, func(m voMute) bool { return len(m.Names) == 0 }) {
		return nil, voFail(http.StatusConflict, "global maintenance mode is on")
	}
	c.vo.Maintenance = append(c.vo.Maintenance, voMute{
		ID: "mm-" + tokenFor(16, alphabetAlnum, "maintenance", c.s.nextID("victorops.maintenance")),
		By: "api", At: c.s.Now, Names: in.Names, Purpose: in.Purpose,
	})
	return c.maintenanceJSON(), nil
}

func voEndMaintenance(c *voCall) (any, error) {
	n := len(c.vo.Maintenance)
	c.vo.Maintenance = slices.DeleteFunc(c.vo.Maintenance, func(m voMute) bool { return m.ID == c.r.PathValue("id") })
	if len(c.vo.Maintenance) == n {
		return nil, voFail(http.StatusNotFound, "no such maintenance mode")
	}
	return c.maintenanceJSON(), nil
}

func voPostChat(c *voCall) (any, error) {
	var in struct {
		Username, Text string
		IncidentID     any `json:"incidentId"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Text == "" {
		return nil, voFail(http.StatusBadRequest, "text: required")
	}
	m := voChat{User: in.Username, Text: in.Text, At: c.s.Now, Seq: c.s.nextID("victorops.chat")}
	switch n := in.IncidentID.(type) {
	case float64:
		m.Incident = int(n)
	case string:
		m.Incident, _ = strconv.Atoi(n)
	}
	c.vo.Chat = append(c.vo.Chat, m)
	return obj{}, nil
}

func voListChat(c *voCall) (any, error) {
	q := c.r.URL.Query()
	offset, limit, err := voPage(q.Get("offset"), q.Get("limit"))
	if err != nil {
		return nil, err
	}
	incident, _ := strconv.Atoi(q.Get("incidentId"))
	all := []obj{}
	for _, m := range c.vo.Chat {
		if incident == 0 || m.Incident == incident {
			all = append(all, obj{"username": m.User, "text": m.Text, "serviceTime": m.At.UnixMilli(), "sequence": m.Seq, "tags": []string{}})
		}
	}
	page := all[min(offset, len(all)):min(offset+limit, len(all))]
	return obj{"messages": page, "hasMore": offset+limit < len(all)}, nil
}
