package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Paging policies: what happens to a person's phone, step by step (note 6).

var voTimeouts = []int{1, 5, 10, 15, 20, 25, 30, 45, 60}

func (u *voUser) policiesURL() string { return "/api-public/v1/profile/" + u.Username + "/policies" }

func (s voStep) json(index int) obj {
	rules := []obj{}
	for i, r := range s.Rules {
		rules = append(rules, r.json(i))
	}
	return obj{"index": index, "timeout": s.Timeout, "rules": rules}
}

// json writes the contact's type as Email or Phone, though requests spell it in
// lower case (note 6).
func (r voRule) json(index int) obj {
	return obj{"index": index, "type": r.Type, "contact": obj{"id": r.ContactID, "type": r.ContactType}}
}

func voStepsJSON(steps []voStep) []obj {
	out := []obj{}
	for i, s := range steps {
		out = append(out, s.json(i))
	}
	return out
}

func voPagingPolicy(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	return obj{"steps": voStepsJSON(u.Steps), "_selfUrl": u.policiesURL()}, nil
}

// voCustomPolicies lists those by time of day first, the primary one last: the
// first that matches wins.
func voCustomPolicies(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for i, p := range u.Custom {
		mask := obj{"timeZone": Zone, "startTime": p.Start, "endTime": p.End}
		for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
			mask[day] = true
		}
		out = append(out, obj{"rank": i, "name": p.Name, "slug": p.Slug, "timeMask": mask, "steps": voStepsJSON(p.Steps)})
	}
	out = append(out, obj{
		"rank": len(u.Custom), "name": "Primary", "slug": "ppol-" + tokenFor(16, alphabetAlnum, "primary", u.ID),
		"steps": voStepsJSON(u.Steps),
	})
	return obj{"policies": out}, nil
}

// voFlatPolicies is the flat view, by contact.
func voFlatPolicies(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	out := []obj{}
	for i, s := range u.Steps {
		for _, r := range s.Rules {
			m, _ := u.contact(r.ContactID)
			out = append(out, obj{"order": i, "timeout": s.Timeout, "contactType": r.Type, "extId": m.ExtID})
		}
	}
	return obj{"username": u.Username, "userId": u.ID, "policies": out}, nil
}

// voStepIn is a step or a rule as a request carries it.
type voStepIn struct {
	Timeout int        `json:"timeout"`
	Rules   []voRuleIn `json:"rules"`
}

type voRuleIn struct {
	Type    string `json:"type"`
	Contact struct {
		ID   int    `json:"id"`
		Type string `json:"type"`
	} `json:"contact"`
}

// rule reads a rule. Contact 0 is all devices; others must be the user's and fit.
func (u *voUser) rule(in voRuleIn) (voRule, error) {
	out := voRule{Type: in.Type, ContactID: in.Contact.ID, ContactType: "Phone"}
	switch in.Type {
	case "push":
		return out, nil
	case "email":
		out.ContactType = "Email"
	case "sms", "phone":
	default:
		return out, voFail(http.StatusBadRequest, "type: push, email, sms or phone")
	}
	m, ok := u.contact(in.Contact.ID)
	if !ok || voContactType(m.Kind) != out.ContactType || m.Kind == "devices" {
		return out, voFail(http.StatusBadRequest, "contact %d: no such %s", in.Contact.ID, out.ContactType)
	}
	return out, nil
}

func (c *voCall) stepIn(u *voUser) (voStep, error) {
	var in voStepIn
	if err := c.decode(&in); err != nil {
		return voStep{}, err
	}
	if !slices.Contains(voTimeouts, in.Timeout) {
		return voStep{}, voFail(http.StatusBadRequest, "timeout: one of %v", voTimeouts)
	}
	out := voStep{Timeout: in.Timeout, Rules: []voRule{}}
	for _, r := range in.Rules {
		rule, err := u.rule(r)
		if err != nil {
			return voStep{}, err
		}
		out.Rules = append(out.Rules, rule)
	}
	return out, nil
}

func voAddStep(c *voCall) (any, error) {
	u, err := c.user()
	if err != nil {
		return nil, err
	}
	step, err := c.stepIn(u)
	if err != nil {
		return nil, err
	}
	u.Steps = append(u.Steps, step)
	return u.stepReply(len(u.Steps) - 1), nil
}

func (u *voUser) stepReply(i int) obj {
	return obj{"step": u.Steps[i].json(i), "_selfUrl": fmt.Sprintf("%s/%d", u.policiesURL(), i)}
}

// step finds the user and the step of the path.
func (c *voCall) step() (*voUser, int, error) {
	u, err := c.user()
	if err != nil {
		return nil, 0, err
	}
	i, err := strconv.Atoi(c.r.PathValue("step"))
	if err != nil || i < 0 || i >= len(u.Steps) {
		return nil, 0, voFail(http.StatusBadRequest, "no such step")
	}
	return u, i, nil
}

func voGetStep(c *voCall) (any, error) {
	u, i, err := c.step()
	if err != nil {
		return nil, err
	}
	return u.stepReply(i), nil
}

// voPutStep replaces the whole step: rules that are not sent are lost (note 6).
func voPutStep(c *voCall) (any, error) {
	u, i, err := c.step()
	if err != nil {
		return nil, err
	}
	step, err := c.stepIn(u)
	if err != nil {
		return nil, err
	}
	u.Steps[i] = step
	return u.stepReply(i), nil
}

func (c *voCall) ruleIn(u *voUser) (voRule, error) {
	var in voRuleIn
	if err := c.decode(&in); err != nil {
		return voRule{}, err
	}
	return u.rule(in)
}

func (u *voUser) ruleReply(step, rule int) obj {
	return obj{
		"stepRule": u.Steps[step].Rules[rule].json(rule),
		"_selfUrl": fmt.Sprintf("%s/%d/%d", u.policiesURL(), step, rule),
	}
}

func voAddRule(c *voCall) (any, error) {
	u, i, err := c.step()
	if err != nil {
		return nil, err
	}
	rule, err := c.ruleIn(u)
	if err != nil {
		return nil, err
	}
	u.Steps[i].Rules = append(u.Steps[i].Rules, rule)
	return u.ruleReply(i, len(u.Steps[i].Rules)-1), nil
}

// rule finds the user, the step and the rule of the path.
func (c *voCall) rule() (*voUser, int, int, error) {
	u, i, err := c.step()
	if err != nil {
		return nil, 0, 0, err
	}
	j, err := strconv.Atoi(c.r.PathValue("rule"))
	if err != nil || j < 0 || j >= len(u.Steps[i].Rules) {
		return nil, 0, 0, voFail(http.StatusBadRequest, "no such rule")
	}
	return u, i, j, nil
}

func voGetRule(c *voCall) (any, error) {
	u, i, j, err := c.rule()
	if err != nil {
		return nil, err
	}
	return u.ruleReply(i, j), nil
}

func voPutRule(c *voCall) (any, error) {
	u, i, j, err := c.rule()
	if err != nil {
		return nil, err
	}
	rule, err := c.ruleIn(u)
	if err != nil {
		return nil, err
	}
	u.Steps[i].Rules[j] = rule
	return u.ruleReply(i, j), nil
}

func voDeleteRule(c *voCall) (any, error) {
	u, i, j, err := c.rule()
	if err != nil {
		return nil, err
	}
	out := u.ruleReply(i, j)
	u.Steps[i].Rules = slices.Delete(u.Steps[i].Rules, j, j+1)
	return out, nil
}

// voPolicyTypes gives timeouts as numeric strings, which the document calls
// integers (note 6).
func voPolicyTypes(c *voCall) (any, error) {
	kind := c.r.PathValue("kind")
	list := []obj{}
	add := func(typ, description string) { list = append(list, obj{"type": typ, "description": description}) }
	var key string
	switch kind {
	case "notifications":
		key = "notificationTypes"
		add("push", "Send a push notification to all my devices")
		add("email", "Send an email to an email address")
		add("sms", "Send an SMS to a phone number")
		add("phone", "Make a phone call to a phone number")
	case "contacts":
		key = "contactTypes"
		add("email", "Email Address")
		add("phone", "Phone Number")
	case "timeouts":
		key = "timeoutTypes"
		for _, n := range voTimeouts {
			add(strconv.Itoa(n), fmt.Sprintf("If still unacked after %d minute", n))
		}
	default:
		return nil, voFail(http.StatusNotFound, "not found")
	}
	return obj{key: list, "_selfUrl": "/api-public/v1/policies/types/" + kind}, nil
}
