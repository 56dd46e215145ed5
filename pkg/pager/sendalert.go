package pager

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nearest"
	"github.com/balena-io/oncall/pkg/victorops"
)

// NewAlert is an alert for the REST endpoint, where machines report.
type NewAlert struct {
	RoutingKey string
	Type       string // one of AlertTypes, or the vendor's word
	EntityID   string
	Title      string
	Message    string
	Host       string
	Links      []Link // http and https only
}

// CheckedAlert is an alert that passed CheckAlert.
type CheckedAlert struct {
	NewAlert
	// Policies are the names of the escalation policies that the routing key leads to.
	Policies []string
	// Advice is what is worth knowing before it is sent; "" for nothing.
	Advice []string

	wire victorops.NewAlert
}

// Sent is an alert that was taken.
type Sent struct {
	EntityID   string `json:"entityId"`
	RoutingKey string `json:"routingKey"`
	Type       string `json:"type"`
	Number     string `json:"number"` // the incident that it belongs to, when a look found it
	Looked     bool   `json:"looked"`
}

const opAlert = "send an alert"

// marker is a field of our own in each alert. After a lost answer it proves that
// an alert found at the vendor's is this one and not another of the same entity.
const marker = "oncall_request"

// CheckAlert validates an alert before anything is sent, as the vendor does not:
// it takes a misspelt type as INFO, which pages nobody, and an unknown routing key
// to the default policy (note 4, 7). The routing key is compared with those that
// exist; when they cannot be read for want of an API key, Advice says so.
func (p *Pager) CheckAlert(ctx context.Context, a NewAlert) (CheckedAlert, error) {
	out := CheckedAlert{NewAlert: a, Advice: []string{}, Policies: []string{}}
	wire, err := alertType(a.Type)
	if err != nil {
		return out, err
	}
	if err := checkFields(a, wire); err != nil {
		return out, err
	}
	out.wire = victorops.NewAlert{Type: wire, EntityID: a.EntityID, DisplayName: a.Title, Message: a.Message, Tool: "oncall", Host: a.Host}
	if wire == victorops.Acknowledgement {
		out.wire.AckAuthor, out.wire.AckMessage = p.User, a.Message
	}
	for _, l := range a.Links {
		out.wire.Annotations = append(out.wire.Annotations, victorops.Annotation{Kind: victorops.AnnotateURL, Title: l.Title, Value: l.URL})
	}
	if opens(wire) && a.EntityID == "" {
		out.Advice = append(out.Advice, "without --entity-id no later alert can acknowledge or resolve this one")
	}
	if wire == victorops.Info {
		out.Advice = append(out.Advice, "an info alert goes to the timeline and pages nobody")
	}
	return out, p.checkKey(ctx, &out)
}

func alertType(word string) (victorops.MessageType, error) {
	w := strings.ToLower(strings.TrimSpace(word))
	for _, t := range alertTypes {
		if w == t.word || w == strings.ToLower(string(t.wire)) {
			return t.wire, nil
		}
	}
	err := usage(opAlert, "%q is not a type of alert: %s", word, or(AlertTypes()))
	if near := nearest.Of(w, AlertTypes()); len(near) > 0 {
		return "", err.WithHint("did you mean %s?", or(near))
	}
	return "", err.WithHint("VictorOps would take it as info, which pages nobody")
}

func checkFields(a NewAlert, wire victorops.MessageType) error {
	if opens(wire) && strings.TrimSpace(a.Title) == "" {
		return usage(opAlert, "the summary is empty")
	}
	if !opens(wire) && wire != victorops.Info && a.EntityID == "" {
		return usage(opAlert, "%s needs the entity id of the alert that it is about", strings.ToLower(string(wire))).
			WithHint("oncall incident get NUMBER -o wide shows it")
	}
	all := []limited{
		{"the entity id", a.EntityID, victorops.MaxEntityID}, {"the summary", a.Title, victorops.MaxField},
		{"the details", a.Message, victorops.MaxStateMessage}, {"the host", a.Host, victorops.MaxField},
		{"the routing key", a.RoutingKey, victorops.MaxField},
	}
	for _, l := range a.Links {
		if strings.TrimSpace(l.Title) == "" {
			return usage(opAlert, "the link %s has no title", l.URL)
		}
		if !Web(l.URL) {
			return usage(opAlert, "%q is not an http or https address", l.URL)
		}
		all = append(all, limited{"the link " + l.Title, l.URL, victorops.MaxAnnotation})
	}
	return tooLong(opAlert, all)
}

// checkKey compares the routing key with those that exist, in any case.
func (p *Pager) checkKey(ctx context.Context, a *CheckedAlert) error {
	if a.RoutingKey = strings.TrimSpace(a.RoutingKey); a.RoutingKey == "" {
		return usage(opAlert, "the routing key is empty")
	}
	keys, err := p.Client.RoutingKeys(ctx)
	if unauthorised(err) {
		a.Advice = append(a.Advice, "the routing key could not be checked: "+err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	names := []string{}
	for _, k := range keys {
		if strings.EqualFold(k.Key, a.RoutingKey) {
			a.RoutingKey = k.Key
			for _, t := range k.Targets {
				a.Policies = append(a.Policies, string(t.PolicyName))
			}
			return nil
		}
		if !k.IsDefault { // the default one's name is a pattern (note 7)
			names = append(names, k.Key)
		}
	}
	slices.Sort(names)
	e := apierr.New(apierr.ErrNotFound, victorops.Vendor, opAlert, "no routing key is called %q", a.RoutingKey)
	if near := nearest.Of(a.RoutingKey, names); len(near) > 0 {
		return e.WithHint("did you mean %s?", or(near))
	}
	if len(names) > 0 {
		return e.WithHint("there are %s", and(names))
	}
	return e
}

// SendAlert hands a checked alert to the REST endpoint, once. When the answer is
// lost, the incident of the entity is looked at: an alert there that carries this
// request's mark has arrived. Anything else is an apierr.ErrUnknownOutcome.
func (p *Pager) SendAlert(ctx context.Context, a CheckedAlert) (Sent, error) {
	mark := make([]byte, 8)
	_, _ = rand.Read(mark) // never fails (crypto/rand)
	id := hex.EncodeToString(mark)
	a.wire.Fields = map[string]string{marker: id}
	out := Sent{EntityID: a.EntityID, RoutingKey: a.RoutingKey, Type: strings.ToLower(string(a.wire.Type))}
	entity, err := p.Client.SendAlert(ctx, a.RoutingKey, a.wire)
	if err == nil {
		if entity != "" {
			out.EntityID = entity
		}
		return out, nil
	}
	if !lost(err) {
		return Sent{}, err
	}
	if gone(ctx) {
		return Sent{}, interrupted(opAlert, "cannot tell whether it arrived", "oncall incident list", err)
	}
	if v, ok := p.marked(ctx, a, id); ok {
		out.EntityID, out.Number, out.Looked = v.EntityID, string(v.Number), true
		return out, nil
	}
	return Sent{}, &apierr.Error{Vendor: victorops.Vendor, Op: opAlert,
		Message: "cannot tell whether it arrived: the answer was lost, and a look does not show it",
		Kind:    []error{apierr.ErrUnknownOutcome}, Hint: "oncall incident list", Err: err}
}

// maxMarked bounds the alerts that are read to find a mark.
const maxMarked = 4

// marked finds the incident whose alerts carry the mark of a request.
func (p *Pager) marked(ctx context.Context, a CheckedAlert, id string) (victorops.Incident, bool) {
	all, err := p.Client.Incidents(ctx)
	if err != nil {
		return victorops.Incident{}, false
	}
	slices.SortFunc(all, func(x, y victorops.Incident) int { return byNumber(string(y.Number), string(x.Number)) })
	read := 0
	for _, v := range all {
		if a.EntityID != "" && v.EntityID != a.EntityID || a.EntityID == "" && title(v) != a.Title {
			continue
		}
		for _, uuid := range unique([]string{v.LastAlertID, v.FirstAlertID}) {
			if uuid == "" || read >= maxMarked {
				continue
			}
			read++
			alert, err := p.Client.Alert(ctx, uuid)
			if err == nil && alert.Fields()[marker] == id {
				return v, true
			}
		}
	}
	return victorops.Incident{}, false
}
