package pager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Contact is one way to reach a person.
type Contact struct {
	Kind     string `json:"kind"` // phone, email or device
	Label    string `json:"label"`
	Value    string `json:"value"`    // number, address, or the kind of device
	Verified bool   `json:"verified"` // a device is verified by being there: it appears by signing in on it

	id string
}

// Kinds of Contact.
const (
	ContactPhone  = "phone"
	ContactEmail  = "email"
	ContactDevice = "device"
)

// PagingStep is one step of a paging policy.
type PagingStep struct {
	AfterMinutes int    `json:"afterMinutes"` // from the page to this step
	Timeout      int    `json:"timeout"`      // minutes to the next step
	Rules        []Rule `json:"rules"`
}

// Rule is one notification.
type Rule struct {
	Type    string `json:"type"`    // push, sms, phone, email
	Contact string `json:"contact"` // label of the contact, "all devices" for a push; "" when it is gone
	Reaches bool   `json:"reaches"` // the contact is there, and a number is verified
}

// PagingPolicy is how a person is paged.
type PagingPolicy struct {
	Name  string       `json:"name"`
	When  string       `json:"when"`  // "always", or the times at which it holds
	Words string       `json:"words"` // "push now, phone after 10 min, then again every 5 min"
	Steps []PagingStep `json:"steps"`
}

// Paging is how a person can be reached, and is.
type Paging struct {
	Username string         `json:"username"`
	Contacts []Contact      `json:"contacts"`
	Policies []PagingPolicy `json:"policies"` // the custom ones in order, which hold at times, then the primary
	Partial  []Partial      `json:"-"`
}

// Paging reads a person's contact methods and paging policies. An unknown
// username is an apierr.ErrNotFound. An account whose API has no custom policies
// has only the primary one.
func (p *Pager) Paging(ctx context.Context, username string) (Paging, error) {
	var (
		methods          victorops.ContactMethods
		steps            []victorops.PagingStep
		custom           []victorops.ProfilePolicy
		err, stepErr, cu error
		parts            partials
	)
	together(
		func() { methods, err = p.Client.ContactMethods(ctx, username) },
		func() { steps, stepErr = p.Client.PagingPolicy(ctx, username) },
		func() { custom, cu = p.Client.ProfilePolicies(ctx, username) },
	)
	if err != nil || stepErr != nil {
		if err == nil {
			err = stepErr
		}
		if errors.Is(err, apierr.ErrNotFound) {
			return Paging{}, &apierr.Error{Vendor: victorops.Vendor, Op: "user " + username, Message: "no user is called so",
				Kind: []error{apierr.ErrNotFound}, Err: err}
		}
		return Paging{}, err
	}
	if !errors.Is(cu, apierr.ErrNotFound) {
		parts.add("custom paging policies", cu)
	}
	out := Paging{Username: username, Contacts: contacts(methods), Policies: []PagingPolicy{}, Partial: parts.all}
	slices.SortStableFunc(custom, func(a, b victorops.ProfilePolicy) int { return int(a.Rank - b.Rank) })
	for _, c := range custom {
		if c.TimeMask != nil { // the one without is the primary, which v1 gives
			out.Policies = append(out.Policies, policy(string(c.Name), mask(*c.TimeMask), c.Steps, out.Contacts))
		}
	}
	out.Policies = append(out.Policies, policy("primary", "always", steps, out.Contacts))
	return out, nil
}

func contacts(m victorops.ContactMethods) []Contact {
	out := []Contact{}
	for _, c := range m.Phones {
		out = append(out, Contact{Kind: ContactPhone, Label: string(c.Label), Value: c.Value, Verified: bool(c.Verified), id: string(c.ID)})
	}
	for _, c := range m.Devices {
		out = append(out, Contact{Kind: ContactDevice, Label: string(c.Label), Value: c.DeviceType, Verified: true, id: string(c.ID)})
	}
	for _, c := range m.Emails {
		out = append(out, Contact{Kind: ContactEmail, Label: string(c.Label), Value: c.Value, Verified: bool(c.Verified), id: string(c.ID)})
	}
	return out
}

// policy translates steps. The vendor words a step's timeout "if still unacked
// after N"; whether N is waited before or after the step's own notifications no
// source says (note 6). Here it is waited after them, so that the first step is
// "now": the portal reads so.
func policy(name, when string, steps []victorops.PagingStep, all []Contact) PagingPolicy {
	out := PagingPolicy{Name: name, When: when, Steps: []PagingStep{}}
	after := 0
	for _, s := range steps {
		step := PagingStep{AfterMinutes: after, Timeout: int(s.Timeout), Rules: []Rule{}}
		for _, r := range s.Rules {
			step.Rules = append(step.Rules, rule(r, all))
		}
		out.Steps = append(out.Steps, step)
		after += int(s.Timeout)
	}
	out.Words = words(out.Steps)
	return out
}

// rule finds the contact that a notification names. A push goes to all devices
// when it names id 0 (note 6).
func rule(r victorops.PagingRule, all []Contact) Rule {
	out := Rule{Type: strings.ToLower(string(r.Type))}
	kind := map[string]string{"push": ContactDevice, "email": ContactEmail, "sms": ContactPhone, "phone": ContactPhone}[out.Type]
	if out.Type == string(victorops.NotifyPush) && (r.Contact.ID == victorops.AllDevices || r.Contact.ID == "") {
		out.Contact = "all devices"
		out.Reaches = slices.ContainsFunc(all, func(c Contact) bool { return c.Kind == ContactDevice })
		return out
	}
	for _, c := range all {
		if c.id == string(r.Contact.ID) && c.Kind == kind {
			out.Contact = c.Label
			out.Reaches = c.Verified || c.Kind == ContactEmail // mail arrives unverified too
		}
	}
	return out
}

// words says steps as a person would: "push now, phone after 10 min, then again
// every 5 min". The last step repeats until somebody acknowledges (note 6).
func words(steps []PagingStep) string {
	parts := []string{}
	for _, s := range steps {
		names := []string{}
		for _, r := range s.Rules {
			names = append(names, r.Type)
		}
		if len(names) == 0 {
			continue
		}
		when := "now"
		if s.AfterMinutes > 0 {
			when = fmt.Sprintf("after %d min", s.AfterMinutes)
		}
		parts = append(parts, and(unique(names))+" "+when)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	if last := steps[len(steps)-1]; last.Timeout > 0 {
		parts = append(parts, fmt.Sprintf("then again every %d min", last.Timeout))
	}
	return strings.Join(parts, ", ")
}

// mask says when a custom policy holds: "mon-fri 22:00-07:00 Europe/Athens".
func mask(m victorops.TimeMask) string {
	days := []struct {
		name string
		on   victorops.Flag
	}{{"mon", m.Monday}, {"tue", m.Tuesday}, {"wed", m.Wednesday}, {"thu", m.Thursday}, {"fri", m.Friday}, {"sat", m.Saturday}, {"sun", m.Sunday}}
	runs := []string{}
	for i := 0; i < len(days); i++ {
		if !days[i].on {
			continue
		}
		j := i
		for j+1 < len(days) && days[j+1].on {
			j++
		}
		switch j - i {
		case 0:
			runs = append(runs, days[i].name)
		case 1:
			runs = append(runs, days[i].name, days[j].name)
		default:
			runs = append(runs, days[i].name+"-"+days[j].name)
		}
		i = j
	}
	when := strings.Join(runs, ",")
	if when == "mon-sun" {
		when = "every day"
	}
	if when == "" {
		when = "on no day"
	}
	if m.StartTime != "" || m.EndTime != "" {
		when += " " + string(m.StartTime) + "-" + string(m.EndTime)
	}
	return strings.TrimSpace(when + " " + m.TimeZone)
}
