package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// voKeepResolved is how long a resolved incident stays in GET v1/incidents; the
// vendor states no window, its UI keeps a week (note 3).
const voKeepResolved = 7 * 24 * time.Hour

func voListIncidents(c *voCall) (any, error) {
	out := []obj{}
	for _, i := range c.vo.Incidents {
		last := i.Transitions[len(i.Transitions)-1].At
		if i.Phase != voResolved || c.s.Now.Sub(last) < voKeepResolved {
			out = append(out, c.vo.incidentJSON(i))
		}
	}
	return obj{"incidents": out}, nil
}

func voGetIncident(c *voCall) (any, error) {
	i, err := c.incident()
	if err != nil {
		return nil, err
	}
	return c.vo.incidentJSON(i), nil
}

// incident finds the incident of the path.
func (c *voCall) incident() (*voIncident, error) {
	n, err := strconv.Atoi(c.r.PathValue("n"))
	if err != nil {
		return nil, voFail(http.StatusBadRequest, "Cannot parse parameter incidentNumber as Int")
	}
	i, ok := c.vo.incident(n)
	if !ok {
		return nil, voFail(http.StatusNotFound, "incident %d not found", n)
	}
	return i, nil
}

func (vo *victoropsState) incidentJSON(i *voIncident) obj {
	out := obj{
		"incidentNumber": strconv.Itoa(i.Number), "startTime": voTime(i.Start), "currentPhase": i.Phase,
		"alertCount": i.AlertCount, "lastAlertTime": voTime(i.LastAlertAt),
		"lastAlertId": i.AlertIDs[len(i.AlertIDs)-1], "firstAlertUuid": i.AlertIDs[0],
		"entityId": i.EntityID, "entityDisplayName": i.Title, "entityState": i.State, "entityType": i.Type,
		"host": i.Host, "service": i.Service, "routingKey": i.RoutingKey,
		"monitorName": i.MonitorName, "monitorType": i.MonitorType,
		"pagedUsers": i.PagedUsers, "pagedTeams": vo.pagedTeams(i), "pagedPolicies": vo.pagedPolicies(i),
		"transitions": []obj{},
	}
	for _, t := range i.Transitions {
		j := obj{"name": t.Name, "at": voTime(t.At), "manually": t.Manually}
		if t.By != "" {
			j["by"] = t.By
		}
		if t.Message != "" {
			j["message"] = t.Message
		}
		if t.AlertID != "" {
			j["alertId"], j["alertUrl"] = t.AlertID, "/api-public/v1/alerts/"+t.AlertID
		}
		out["transitions"] = append(out["transitions"].([]obj), j)
	}
	return out
}

// pagedTeams are slugs, not names (note 9).
func (vo *victoropsState) pagedTeams(i *voIncident) []string {
	out := []string{}
	for _, slug := range i.Policies {
		if p, ok := vo.policy(slug); ok {
			out = addNew(out, p.Team)
		}
	}
	return out
}

func (vo *victoropsState) pagedPolicies(i *voIncident) []obj {
	out := []obj{}
	for _, slug := range i.Policies {
		if p, ok := vo.policy(slug); ok {
			out = append(out, vo.policyInfo(p))
		}
	}
	return out
}

func (vo *victoropsState) policyInfo(p *voPolicy) obj {
	t, _ := vo.team(p.Team)
	return obj{"policy": p.summary(), "team": obj{"name": t.Name, "slug": t.Slug}}
}

func (p *voPolicy) summary() obj {
	return obj{"name": p.Name, "slug": p.Slug, "_selfUrl": "/api-public/v1/policies/" + p.Slug}
}

// voTarget is whom an incident is sent to.
type voTarget struct {
	Type string `json:"type"` // User, EscalationPolicy
	Slug string `json:"slug"`
}

// check returns why a target cannot be paged, "" when it can. A person must be in
// a team to be paged by hand (note 3).
func (t voTarget) check(vo *victoropsState) string {
	switch t.Type {
	case "User":
		if _, ok := vo.user(t.Slug); !ok {
			return "no such user"
		}
		if len(vo.teamsOf(t.Slug)) == 0 {
			return "user belongs to no team"
		}
	case "EscalationPolicy":
		if _, ok := vo.policy(t.Slug); !ok {
			return "no such escalation policy"
		}
	default:
		return "unknown target type " + t.Type
	}
	return ""
}

func (t voTarget) apply(vo *victoropsState, i *voIncident, at time.Time) {
	if t.Type == "User" {
		i.PagedUsers = addNew(i.PagedUsers, t.Slug)
		return
	}
	vo.page(i, t.Slug, at)
}

func voCreateIncident(c *voCall) (any, error) {
	var in struct {
		Summary, Details, UserName string
		Targets                    []voTarget
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Summary == "" || in.Details == "" || in.UserName == "" || len(in.Targets) == 0 {
		return nil, voFail(http.StatusBadRequest, "error.path.missing: summary, details, userName and targets are required")
	}
	if err := c.member(in.UserName); err != nil {
		return nil, err
	}
	var bad []string
	for _, t := range in.Targets {
		if why := t.check(c.vo); why != "" {
			bad = append(bad, t.Slug+": "+why)
		}
	}
	if len(bad) > 0 {
		// A 200 that is no success (note 2).
		return obj{"error": strings.Join(bad, "; ")}, nil
	}
	now := c.s.Now
	a := voAlert{
		Type: "CRITICAL", EntityID: uuidFor("victorops manual", c.s.nextID("victorops.manual")), At: now, Started: now,
		Title: in.Summary, Message: in.Details, Tool: "vouser-" + in.UserName,
	}
	// No rules engine and no route: the targets are the caller's (note 3).
	i := c.vo.receive(c.s, a, "", now)
	i.MonitorType, i.RoutingKey = "Manual", ""
	i.PagedUsers, i.Policies, i.Paths = []string{}, []string{}, nil
	i.Transitions[0].By, i.Transitions[0].Manually = in.UserName, true
	for _, t := range in.Targets {
		t.apply(c.vo, i, now)
	}
	return obj{"incidentNumber": strconv.Itoa(i.Number), "entityId": i.EntityID}, nil
}

// member refuses a userName that is nobody: acting calls carry one (note 1).
func (c *voCall) member(user string) error {
	if _, ok := c.vo.user(user); !ok {
		return voFail(http.StatusNotFound, "user %s not found", user)
	}
	return nil
}

func voAckNumbers(c *voCall) (any, error)     { return c.moveNumbers(voAcked) }
func voResolveNumbers(c *voCall) (any, error) { return c.moveNumbers(voResolved) }
func voAckByUser(c *voCall) (any, error)      { return c.moveByUser(voAcked) }
func voResolveByUser(c *voCall) (any, error)  { return c.moveByUser(voResolved) }

// moveNumbers acknowledges or resolves by number. What cannot be done is told per
// incident, in a 200.
func (c *voCall) moveNumbers(phase string) (any, error) {
	var in struct {
		UserName, Message string
		IncidentNames     []string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.UserName == "" || in.IncidentNames == nil {
		return nil, voFail(http.StatusBadRequest, "error.path.missing: userName and incidentNames are required")
	}
	if err := c.member(in.UserName); err != nil {
		return nil, err
	}
	results := []obj{}
	for _, name := range in.IncidentNames {
		n, err := strconv.Atoi(name)
		i, ok := c.vo.incident(n)
		if err != nil || !ok {
			results = append(results, obj{"incidentNumber": name, "entityId": "", "cmdAccepted": false, "message": "Incident not found"})
			continue
		}
		results = append(results, c.moveOne(i, phase, in.UserName, in.Message))
	}
	return obj{"results": results}, nil
}

func (c *voCall) moveByUser(phase string) (any, error) {
	var in struct{ UserName, Message string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.member(in.UserName); err != nil {
		return nil, err
	}
	results := []obj{}
	for _, i := range c.vo.Incidents {
		if slices.Contains(i.PagedUsers, in.UserName) && i.Phase != voResolved && i.Phase != phase {
			results = append(results, c.moveOne(i, phase, in.UserName, in.Message))
		}
	}
	return obj{"results": results}, nil
}

func (c *voCall) moveOne(i *voIncident, phase, user, message string) obj {
	out := obj{"incidentNumber": strconv.Itoa(i.Number), "entityId": i.EntityID, "cmdAccepted": true, "message": ""}
	switch {
	case i.Phase == voResolved:
		out["cmdAccepted"], out["message"] = false, "Incident is already resolved"
	case i.Phase == phase:
		out["cmdAccepted"], out["message"] = false, "Incident is already acked"
	default:
		i.move(phase, c.s.Now, user, message, true, "")
	}
	return out
}

func voReroute(c *voCall) (any, error) {
	var in struct {
		UserName string
		Reroutes []struct {
			IncidentNumber string
			Targets        []voTarget
			AddTargets     bool
		}
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.member(in.UserName); err != nil {
		return nil, err
	}
	statuses := []obj{}
	for _, r := range in.Reroutes {
		n, _ := strconv.Atoi(r.IncidentNumber)
		status := obj{"incidentNumber": r.IncidentNumber, "success": true, "targetStatus": []obj{}}
		statuses = append(statuses, status)
		i, ok := c.vo.incident(n)
		if !ok || i.Phase == voResolved {
			status["success"], status["message"] = false, "Incident is not open"
			continue
		}
		c.reroute(i, in.UserName, r.Targets, r.AddTargets, status)
	}
	return obj{"statuses": statuses}, nil
}

// reroute sends an incident to those targets that exist and tells of the others.
func (c *voCall) reroute(i *voIncident, by string, targets []voTarget, add bool, status obj) {
	good := []voTarget{}
	for _, t := range targets {
		why := t.check(c.vo)
		one := obj{"slug": t.Slug, "success": why == ""}
		if why != "" {
			one["message"], status["success"] = why, false
		} else {
			good = append(good, t)
		}
		status["targetStatus"] = append(status["targetStatus"].([]obj), one)
	}
	if len(good) == 0 {
		status["success"], status["message"] = false, "No valid targets"
		return
	}
	if !add {
		i.PagedUsers, i.Policies, i.Paths = []string{}, []string{}, nil
	}
	for _, t := range good {
		t.apply(c.vo, i, c.s.Now)
	}
	if i.Phase == voAcked && !add {
		i.move(voUnacked, c.s.Now, by, "rerouted", true, "")
	}
}

// voReport is the history. It spells everything in lower case, unlike
// GET v1/incidents, and shows resolved incidents unless asked (note 8).
func voReport(c *voCall) (any, error) {
	q := c.r.URL.Query()
	offset, limit, err := voPage(q.Get("offset"), q.Get("limit"))
	if err != nil {
		return nil, err
	}
	keep, err := voReportFilter(q)
	if err != nil {
		return nil, err
	}
	found := []obj{}
	for _, i := range slices.Backward(c.vo.Incidents) {
		if keep(i) {
			found = append(found, c.vo.reportJSON(i))
		}
	}
	page := found[min(offset, len(found)):min(offset+limit, len(found))]
	return obj{"offset": offset, "limit": limit, "total": len(found), "incidents": page}, nil
}

var voReportPhase = map[string]string{voUnacked: "triggered", voAcked: "acknowledged", voResolved: "resolved"}

func (vo *victoropsState) reportJSON(i *voIncident) obj {
	out := vo.incidentJSON(i)
	out["currentPhase"] = voReportPhase[i.Phase]
	out["entityState"], out["entityType"] = strings.ToLower(i.State), strings.ToLower(i.Type)
	for _, k := range []string{"firstAlertUuid", "monitorName", "monitorType"} {
		delete(out, k)
	}
	for _, t := range out["transitions"].([]obj) {
		t["name"] = voReportPhase[fmt.Sprint(t["name"])]
	}
	return out
}

func voPage(offset, limit string) (int, int, error) {
	o, l := 0, 20
	var err error
	if offset != "" {
		if o, err = strconv.Atoi(offset); err != nil || o < 0 {
			return 0, 0, voFail(http.StatusBadRequest, "offset: not a number")
		}
	}
	if limit != "" {
		if l, err = strconv.Atoi(limit); err != nil || l < 1 || l > 100 {
			return 0, 0, voFail(http.StatusBadRequest, "limit: 1 to 100")
		}
	}
	return o, l, nil
}

func voReportFilter(q map[string][]string) (func(*voIncident) bool, error) {
	get := func(k string) string {
		if len(q[k]) > 0 {
			return q[k][0]
		}
		return ""
	}
	phases := get("currentPhase")
	if phases == "" {
		phases = "resolved"
	}
	var after, before time.Time
	for k, t := range map[string]*time.Time{"startedAfter": &after, "startedBefore": &before} {
		v := get(k)
		if v == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return nil, voFail(http.StatusBadRequest, "error.expected.jodadate.format: %s", k)
		}
		*t = at
	}
	in := func(list, v string) bool { return list == "" || slices.Contains(strings.Split(list, ","), v) }
	return func(i *voIncident) bool {
		return in(phases, voReportPhase[i.Phase]) && in(get("host"), i.Host) && in(get("service"), i.Service) &&
			(get("routingKey") == "" || get("routingKey") == i.RoutingKey) &&
			(get("entityId") == "" || get("entityId") == i.EntityID) &&
			voNumberIn(get("incidentNumber"), i.Number) &&
			(after.IsZero() || i.Start.After(after)) && (before.IsZero() || i.Start.Before(before))
	}, nil
}

// voNumberIn reads lists and ranges: 4,5,20:50.
func voNumberIn(list string, n int) bool {
	if list == "" {
		return true
	}
	for _, part := range strings.Split(list, ",") {
		lo, hi, ok := strings.Cut(part, ":")
		if !ok {
			hi = lo
		}
		a, err1 := strconv.Atoi(lo)
		b, err2 := strconv.Atoi(hi)
		if err1 == nil && err2 == nil && a <= n && n <= b {
			return true
		}
	}
	return false
}
