package simulator

import (
	"fmt"
	"slices"
	"time"
)

// Entities whose state other services decide.
const (
	voEntity5xx = "prometheus/" + AlertRule5xx + "/api"
	voEntityE2E = "healthchecks/e2e-hourly"
)

// advanceVictorOps lets happen what the clock has reached: escalations of
// incidents that nobody acknowledged, and what monitoring sends when the world
// turns. Events come in the order of their times.
func advanceVictorOps(s *State, vo *victoropsState, now time.Time) {
	for range 1000 { // a bound, should two events ever cause each other
		at, happen := vo.nextEvent(s, now)
		if happen == nil {
			return
		}
		happen(at)
	}
}

// nextEvent is the earliest thing due by now, nil when nothing is.
func (vo *victoropsState) nextEvent(s *State, now time.Time) (time.Time, func(time.Time)) {
	var when time.Time
	var what func(time.Time)
	due := func(at time.Time, f func(time.Time)) {
		if !at.After(now) && (what == nil || at.Before(when)) {
			when, what = at, f
		}
	}
	for _, i := range vo.Incidents {
		if i.Phase != voUnacked {
			continue
		}
		for n := range i.Paths {
			if at, ok := vo.nextStep(i.Paths[n]); ok {
				due(at, func(at time.Time) { vo.escalate(i, n, at) })
			}
		}
	}
	vo.alarm(s, voEntity5xx, s.Facts.APIFlips(now), VerifyWindow, due)
	vo.alarm(s, voEntityE2E, s.Facts.E2EFlips(now), 0, due)
	return when, what
}

// alarm has a monitoring system tell the pager of the next flip that it has not
// told of and that held for the given time.
func (vo *victoropsState) alarm(s *State, entity string, flips []Flip, hold time.Duration, due func(time.Time, func(time.Time))) {
	last := vo.Alarms[entity]
	for i, f := range flips {
		at := f.At.Add(hold)
		if f.Failing == last.Firing || !at.After(last.Since) || (i+1 < len(flips) && flips[i+1].At.Before(at)) {
			continue
		}
		due(at, func(at time.Time) {
			vo.Alarms[entity] = voAlarm{f.Failing, at}
			a, key := voMonitorAlert(entity, f.Failing, at)
			vo.receive(s, a, key, at)
		})
		return
	}
}

// voMonitorAlert is the alert that a monitoring system of the demo world sends.
func voMonitorAlert(entity string, firing bool, at time.Time) (voAlert, string) {
	a := voAlert{Type: "CRITICAL", EntityID: entity, At: at, Started: at}
	key := "ops"
	switch entity {
	case voEntity5xx:
		a.Title, a.Tool = "API 5xx ratio above 2%", MonitorProm
		a.Message = "5xx ratio 4.1% for 5m on api (threshold &gt; 2%)"
		from := at.Add(-time.Hour).UnixMilli()
		a.Raw = map[string]any{
			"alertname": AlertRule5xx, "severity": "critical", "service": "api", "job": "api", "value": "0.041",
			"host_name":               "api-production",
			"vo_annotate.u.Dashboard": fmt.Sprintf("%s?from=%d&to=now", DashboardURL, from),
			"vo_annotate.u.Playbook":  PlaybookURL,
			"vo_annotate.s.Meaning":   "more than 2 of 100 requests to the API fail",
		}
	case voEntityE2E:
		key = "ops-low"
		a.Title, a.Tool = "e2e hourly: no success for 1h", "Healthchecks.io"
		a.Message = "The check &quot;e2e hourly&quot; is DOWN: no ping within its period and grace"
		a.Raw = map[string]any{
			"check": CheckE2E, "service": "e2e", "tags": "e2e production",
			"vo_annotate.u.Build":    fmt.Sprintf("%sjob/%s/%d/console", JenkinsRoot, JobE2E, E2ELastBuild),
			"vo_annotate.u.Playbook": PlaybookE2E,
			"vo_annotate.s.Meaning":  "the hourly e2e run has not passed",
		}
	}
	if !firing {
		a.Type = "RECOVERY"
		a.Message = a.Title + ": recovered"
	}
	return a, key
}

// receive is what the pager does with an alert. It returns the incident that the
// alert opened or belongs to, nil when there is none.
func (vo *victoropsState) receive(s *State, a voAlert, routingKey string, at time.Time) *voIncident {
	id := uuidFor("victorops alert", s.nextID("victorops.alert"))
	a.Raw = vo.rawFields(a)
	vo.Alerts[id] = a
	i := vo.open(a.EntityID)
	switch a.Type {
	case "CRITICAL", "WARNING":
		if i == nil {
			i = vo.openIncident(s, a, routingKey, at)
		}
		i.State = a.Type
	case "RECOVERY":
		if i != nil {
			i.move(voResolved, at, "SYSTEM", "", false, id)
		}
	case "ACKNOWLEDGEMENT":
		if i != nil && i.Phase == voUnacked {
			i.move(voAcked, at, a.AckBy, a.AckText, a.AckBy != "", id)
		}
	}
	if i != nil {
		i.AlertIDs = append(i.AlertIDs, id)
		i.AlertCount++
		i.LastAlertAt = at
		if len(i.Transitions) == 1 && i.Transitions[0].AlertID == "" && i.AlertCount == 1 {
			i.Transitions[0].AlertID = id
		}
	}
	return i
}

// rawFields adds what the endpoint itself knows to the fields that were sent.
func (vo *victoropsState) rawFields(a voAlert) map[string]any {
	raw := map[string]any{}
	for k, v := range a.Raw {
		raw[k] = v
	}
	for k, v := range map[string]string{
		"message_type": a.Type, "entity_id": a.EntityID, "entity_display_name": a.Title,
		"state_message": a.Message, "monitoring_tool": a.Tool,
	} {
		if v != "" {
			raw[k] = v
		}
	}
	raw["VO_ORGANIZATION_ID"] = Org
	return raw
}

func (vo *victoropsState) openIncident(s *State, a voAlert, routingKey string, at time.Time) *voIncident {
	i := &voIncident{
		Number: int(s.nextID("victorops.incident")), Phase: voUnacked, Start: at,
		EntityID: a.EntityID, Title: a.Title, State: a.Type, Type: "SERVICE",
		RoutingKey: routingKey, MonitorName: a.Tool, MonitorType: a.Tool,
		PagedUsers: []string{}, Policies: []string{}, Notes: []voNote{},
	}
	i.Service, _ = a.Raw["service"].(string)
	i.Host, _ = a.Raw["host_name"].(string)
	if i.Host == "" {
		i.Host, _ = a.Raw["hostname"].(string)
	}
	i.Transitions = []voTransition{{Name: voUnacked, At: at, Message: a.Message}}
	vo.Incidents = append(vo.Incidents, i)
	for _, slug := range vo.route(routingKey) {
		vo.page(i, slug, at)
	}
	return i
}

// page starts an escalation policy for an incident.
func (vo *victoropsState) page(i *voIncident, slug string, at time.Time) {
	if _, ok := vo.policy(slug); !ok {
		return
	}
	i.Policies = addNew(i.Policies, slug)
	i.Paths = append(slices.DeleteFunc(i.Paths, func(p voPath) bool { return p.Policy == slug }), voPath{slug, -1, at})
	n := len(i.Paths) - 1
	for next, ok := vo.nextStep(i.Paths[n]); ok && !next.After(at); next, ok = vo.nextStep(i.Paths[n]) {
		vo.escalate(i, n, next)
	}
}

// nextStep is when the next step of an escalation is due; false when there is none.
func (vo *victoropsState) nextStep(path voPath) (time.Time, bool) {
	p, ok := vo.policy(path.Policy)
	if !ok || path.Step+1 >= len(p.Steps) {
		return time.Time{}, false
	}
	return path.At.Add(time.Duration(p.Steps[path.Step+1].Timeout) * time.Minute), true
}

// escalate executes the next step of an incident's n-th escalation.
func (vo *victoropsState) escalate(i *voIncident, n int, at time.Time) {
	path := &i.Paths[n]
	path.Step, path.At = path.Step+1, at
	if p, ok := vo.policy(path.Policy); ok {
		i.PagedUsers = addNew(i.PagedUsers, vo.onCall(p, path.Step, at)...)
	}
}

// move changes an incident's phase.
func (i *voIncident) move(phase string, at time.Time, by, message string, manually bool, alertID string) {
	i.Phase = phase
	i.Transitions = append(i.Transitions, voTransition{phase, at, by, message, manually, alertID})
	if phase == voResolved {
		i.Paths = nil
	}
}
