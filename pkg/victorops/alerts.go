package victorops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
)

// AlertDetails is what was sent in. Every field is optional (spec).
type AlertDetails struct {
	MessageType       string       `json:"messageType"` // INFO, WARNING, ACKNOWLEDGEMENT, CRITICAL, RECOVERY
	EntityID          string       `json:"entityId"`
	Timestamp         EpochSeconds `json:"timestamp"`
	StateStartTime    EpochSeconds `json:"stateStartTime"`
	StateMessage      Text         `json:"stateMessage"`
	MonitoringTool    Text         `json:"monitoringTool"`
	EntityDisplayName Text         `json:"entityDisplayName"`
	AckMessage        Text         `json:"ackMsg"`
	AckAuthor         Text         `json:"ackAuthor"`
	// Raw is the whole alert: a JSON object inside a string. Annotations
	// ("vo_annotate.u.Title") are found here only.
	Raw string `json:"raw"`
}

// Fields decodes Raw. An alert without one, or whose Raw is no object, has none.
func (a AlertDetails) Fields() map[string]any {
	out := map[string]any{}
	d := json.NewDecoder(strings.NewReader(a.Raw))
	d.UseNumber()
	if d.Decode(&out) != nil || out == nil {
		return map[string]any{}
	}
	return out
}

// Alert returns one alert by its uuid (Incident.FirstAlertID or LastAlertID; an
// incident number is not one). There is no call that lists alerts (note 3).
//
//contract:operation GET /api-public/v1/alerts/{uuid}
func (c *Client) Alert(ctx context.Context, uuid string) (AlertDetails, error) {
	var out AlertDetails
	_, err := c.get(ctx, "get alert "+uuid, "/api-public/v1/alerts/"+seg(uuid), nil, &out)
	return out, err
}

// alertPath leads to the generic REST endpoint (note 4).
const alertPath = "/integrations/generic/20131114/alert"

// MessageType decides what an alert does. The vendor takes any other word as
// INFO, so that a typo pages nobody (note 4): upper case, and these only.
type MessageType string

// The message types of the REST endpoint.
const (
	Critical        MessageType = "CRITICAL"        // opens an incident and pages
	Warning         MessageType = "WARNING"         // opens one if the organisation says so
	Info            MessageType = "INFO"            // goes to the timeline, pages nobody
	Acknowledgement MessageType = "ACKNOWLEDGEMENT" // acknowledges the entity's incident
	Recovery        MessageType = "RECOVERY"        // resolves it
)

// Lengths in characters that the REST endpoint takes (note 4).
const (
	MaxField        = 1024
	MaxStateMessage = 20480
	MaxEntityID     = 512
	MaxAnnotation   = 1124
)

// Annotation is a titled extra of an alert.
type Annotation struct {
	Kind  AnnotationKind
	Title string
	Value string
}

// AnnotationKind is the letter in the field's name, vo_annotate.u.Title (note 4).
type AnnotationKind string

// Kinds of annotation.
const (
	AnnotateURL   AnnotationKind = "u"
	AnnotateNote  AnnotationKind = "s"
	AnnotateImage AnnotationKind = "i"
)

// NewAlert is an alert for the REST endpoint.
type NewAlert struct {
	Type        MessageType
	EntityID    string // ties trigger, ack and resolve; empty makes one that cannot be resolved by alert
	DisplayName string
	Message     string
	Tool        string // monitoring_tool
	Host        string
	AckAuthor   string
	AckMessage  string
	Started     time.Time // zero is left out
	Annotations []Annotation
	Fields      map[string]string // of the sender's own; the names above win
}

func (a NewAlert) wire() map[string]any {
	out := map[string]any{}
	for k, v := range a.Fields {
		out[k] = v
	}
	out["message_type"] = string(a.Type)
	for k, v := range map[string]string{
		"entity_id": a.EntityID, "entity_display_name": a.DisplayName, "state_message": a.Message,
		"monitoring_tool": a.Tool, "host_name": a.Host, "ack_author": a.AckAuthor, "ack_message": a.AckMessage,
	} {
		if v != "" {
			out[k] = v
		}
	}
	if !a.Started.IsZero() {
		out["state_start_time"] = a.Started.Unix()
	}
	for _, n := range a.Annotations {
		out["vo_annotate."+string(n.Kind)+"."+n.Title] = n.Value
	}
	return out
}

// SendAlert hands an alert to the REST endpoint under a routing key and returns
// its entity id, which the vendor makes up when there was none. The body of the
// answer decides; its status and content type do not (note 4). An answer without
// a verdict is an apierr.ErrUnknownOutcome.
//
//contract:operation POST /integrations/generic/20131114/alert/{restKey}/{routingKey}
func (c *Client) SendAlert(ctx context.Context, routingKey string, a NewAlert) (string, error) {
	op := fmt.Sprintf("send a %s alert to %q", strings.ToLower(string(a.Type)), routingKey)
	if c.restKey == "" {
		return "", apierr.New(apierr.ErrAuth, Vendor, op, "no REST key is set").WithHint("%s", c.hints[1])
	}
	res, err := c.alert.Do(ctx, httpx.Request{
		Op: op, Method: http.MethodPost, Path: alertPath + "/" + seg(c.restKey) + "/" + seg(routingKey),
		JSON: a.wire(), AnyType: true, AnyStatus: true,
	}, nil)
	if err != nil {
		return "", err
	}
	var out struct {
		Result   string `json:"result"`
		EntityID string `json:"entity_id"`
		Message  Text   `json:"message"`
	}
	bad := json.Unmarshal(res.Body, &out)
	switch strings.ToLower(out.Result) {
	case "success":
		return out.EntityID, nil
	case "failure":
		return "", &apierr.Error{Vendor: Vendor, Op: op, Status: res.Status, Message: string(out.Message),
			Kind: []error{apierr.ErrInvalid}}
	}
	if bad == nil {
		bad = errors.New("the answer holds no result")
	}
	e := &apierr.Error{Vendor: Vendor, Op: op, Status: res.Status, Err: bad}
	switch {
	case res.Status == http.StatusTooManyRequests:
		e.Kind, e.Message = []error{apierr.ErrRateLimited}, "throttled"
	case res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden:
		e.Kind, e.Message = []error{apierr.ErrAuth}, "the REST key was refused"
	case res.Status == http.StatusNotFound:
		e.Kind, e.Message = []error{apierr.ErrNotFound}, "no such REST endpoint: the key or the address is wrong"
	case res.Status >= 400 && res.Status < 500:
		e.Kind, e.Message = []error{apierr.ErrInvalid}, "refused"
	default:
		e.Kind = []error{apierr.ErrUnknownOutcome}
		e.Message = "cannot tell whether the alert arrived: the answer is not VictorOps'"
	}
	return "", e
}
