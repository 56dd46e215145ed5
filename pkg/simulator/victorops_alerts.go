package simulator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// voAlertEndpoint takes alerts in (note 4). It answers 200 as text/plain
// whatever happens: the body decides.
func voAlertEndpoint(w *World, rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var id, why string
	err = w.update(func(s *State) error {
		id, why = voTakeAlert(s, part[victoropsState](s), r.PathValue("restKey"), r.PathValue("routingKey"), body)
		return nil
	})
	if err != nil {
		failed(rw, err)
		return
	}
	out := obj{"result": "success", "entity_id": id}
	if why != "" {
		out = obj{"result": "failure", "message": why}
	}
	text, _ := json.Marshal(out)
	writeText(rw, http.StatusOK, string(text))
}

// voTakeAlert returns the alert's entity id, or why it was not taken.
func voTakeAlert(s *State, vo *victoropsState, restKey, routingKey string, body []byte) (id, why string) {
	if restKey != VictorOpsRESTKey {
		return "", "Invalid API key"
	}
	raw := map[string]any{}
	if err := json.Unmarshal(body, &raw); err != nil {
		return "", "Unable to parse the alert: " + err.Error()
	}
	text := func(keys ...string) string {
		for _, k := range keys {
			if v, ok := raw[k]; ok && v != nil {
				return fmt.Sprint(v)
			}
		}
		return ""
	}
	if text("message_type") == "" {
		return "", "message_type is required"
	}
	a := voAlert{
		Type: voMessageType(text("message_type")), EntityID: text("entity_id"), At: s.Now, Started: s.Now,
		Message: text("state_message"), Tool: text("monitoring_tool"), Title: text("entity_display_name"),
		AckBy: text("ack_author"), AckText: text("ack_message"), Raw: raw,
	}
	if sec, ok := raw["state_start_time"].(float64); ok {
		a.Started = time.Unix(int64(sec), 0).UTC()
	}
	if a.EntityID == "" {
		// Nobody can resolve what nobody can name (note 4).
		a.EntityID = uuidFor("victorops entity", s.nextID("victorops.entity"))
	}
	if a.Title == "" {
		a.Title = a.EntityID
	}
	if a.Tool == "" {
		a.Tool = "API"
	}
	if key := text("routing_key"); key != "" {
		routingKey = key
	}
	vo.receive(s, a, routingKey, s.Now)
	return a.EntityID, ""
}

// voMessageType reads the one required field. An unknown word is INFO, which
// pages nobody.
func voMessageType(s string) string {
	switch t := strings.ToUpper(s); t {
	case "CRITICAL", "WARNING", "ACKNOWLEDGEMENT", "RECOVERY":
		return t
	case "OK":
		return "RECOVERY"
	}
	return "INFO"
}

func voGetAlert(c *voCall) (any, error) {
	a, ok := c.vo.Alerts[c.r.PathValue("uuid")]
	if !ok {
		return nil, voFail(http.StatusNotFound, "alert not found")
	}
	raw, err := json.Marshal(a.Raw)
	if err != nil {
		return nil, err
	}
	out := obj{
		"messageType": a.Type, "entityId": a.EntityID, "timestamp": a.At.Unix(), "stateStartTime": a.Started.Unix(),
		"stateMessage": a.Message, "monitoringTool": a.Tool, "entityDisplayName": a.Title, "raw": string(raw),
	}
	if a.AckBy != "" {
		out["ackAuthor"], out["ackMsg"] = a.AckBy, a.AckText
	}
	return out, nil
}

// json has the display name in camel case, though it comes in snake case (note 3).
func (n voNote) json() obj {
	return obj{"name": n.Name, "displayName": n.DisplayName, "json_value": n.Value}
}

// voListNotes answers with one note bare and several as a list; the document
// knows only the former (note 3).
func voListNotes(c *voCall) (any, error) {
	i, err := c.incident()
	if err != nil {
		return nil, err
	}
	switch len(i.Notes) {
	case 0:
		return obj{}, nil
	case 1:
		return i.Notes[0].json(), nil
	}
	out := []obj{}
	for _, n := range i.Notes {
		out = append(out, n.json())
	}
	return out, nil
}

type voNoteIn struct {
	Name        string         `json:"name"`
	DisplayName string         `json:"display_name"`
	Value       map[string]any `json:"json_value"`
}

func (c *voCall) noteIn() (voNoteIn, error) {
	var in voNoteIn
	if err := c.decode(&in); err != nil {
		return in, err
	}
	if in.Value == nil {
		return in, voFail(http.StatusBadRequest, "json_value: an object is required")
	}
	return in, nil
}

func voCreateNote(c *voCall) (any, error) {
	i, err := c.incident()
	if err != nil {
		return nil, err
	}
	in, err := c.noteIn()
	if err != nil {
		return nil, err
	}
	if in.Name == "" {
		return nil, voFail(http.StatusBadRequest, "name: required")
	}
	if i.note(in.Name) >= 0 {
		return nil, voFail(http.StatusBadRequest, "a note of the name %s exists", in.Name)
	}
	n := voNote(in)
	i.Notes = append(i.Notes, n)
	return n.json(), nil
}

func (i *voIncident) note(name string) int {
	return slices.IndexFunc(i.Notes, func(n voNote) bool { return n.Name == name })
}

func (c *voCall) note() (*voIncident, int, error) {
	i, err := c.incident()
	if err != nil {
		return nil, 0, err
	}
	n := i.note(c.r.PathValue("name"))
	if n < 0 {
		return nil, 0, voFail(http.StatusNotFound, "note not found")
	}
	return i, n, nil
}

func voUpdateNote(c *voCall) (any, error) {
	i, n, err := c.note()
	if err != nil {
		return nil, err
	}
	in, err := c.noteIn()
	if err != nil {
		return nil, err
	}
	i.Notes[n].DisplayName, i.Notes[n].Value = in.DisplayName, in.Value
	return nil, nil
}

func voDeleteNote(c *voCall) (any, error) {
	i, n, err := c.note()
	if err != nil {
		return nil, err
	}
	i.Notes = slices.Delete(i.Notes, n, n+1)
	return nil, nil
}
