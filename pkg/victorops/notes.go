package victorops

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/balena-io/oncall/pkg/apierr"
)

// Note is a named JSON object kept with an incident. The name is unique within
// the incident.
type Note struct {
	Name        string
	DisplayName Text
	Value       json.RawMessage // a JSON object of at most 16 MB (spec), "{}" when there is none
}

// noteIn and noteOut differ by one word: the display name is snake_case in
// requests and camelCase in replies (note 3).
type noteIn struct {
	Name        string          `json:"name,omitempty"`
	DisplayName string          `json:"display_name,omitempty"`
	Value       json.RawMessage `json:"json_value,omitempty"`
}

type noteOut struct {
	Name        string          `json:"name"`
	DisplayName Text            `json:"displayName"`
	Snake       Text            `json:"display_name"`
	Value       json.RawMessage `json:"json_value"`
}

// UnmarshalJSON takes both spellings of the display name.
func (n *Note) UnmarshalJSON(b []byte) error {
	var w noteOut
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*n = Note{Name: w.Name, DisplayName: w.DisplayName, Value: w.Value}
	if n.DisplayName == "" {
		n.DisplayName = w.Snake
	}
	if len(n.Value) == 0 || string(n.Value) == "null" {
		n.Value = json.RawMessage("{}")
	}
	return nil
}

func (n Note) wire() noteIn {
	return noteIn{Name: n.Name, DisplayName: string(n.DisplayName), Value: n.Value}
}

// decodeNotes takes what GET notes may answer: the spec's single note, an array,
// {"notes": ...}, or nothing (note 3: unsure with several).
func decodeNotes(b []byte) ([]Note, error) {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '{' {
		var w struct {
			Notes json.RawMessage `json:"notes"`
		}
		if err := json.Unmarshal(b, &w); err != nil {
			return []Note{}, err
		}
		if w.Notes != nil {
			b = w.Notes
		}
	}
	return oneOrMany[Note](b)
}

// Notes returns the notes of an incident.
//
//contract:operation GET /api-public/v1/incidents/{incidentNumber}/notes
func (c *Client) Notes(ctx context.Context, number string) ([]Note, error) {
	op := "list notes of " + number
	res, err := c.get(ctx, op, "/api-public/v1/incidents/"+seg(number)+"/notes", nil, nil)
	if err != nil {
		return []Note{}, err
	}
	notes, err := decodeNotes(res.Body)
	if err != nil {
		return []Note{}, &apierr.Error{Vendor: Vendor, Op: op, Message: "the answer is not a list of notes", Err: err}
	}
	return notes, nil
}

// CreateNote adds a note. Value must be a JSON object.
//
//contract:operation POST /api-public/v1/incidents/{incidentNumber}/notes
func (c *Client) CreateNote(ctx context.Context, number string, n Note) (Note, error) {
	var out Note
	err := c.send(ctx, "add a note to "+number, http.MethodPost,
		"/api-public/v1/incidents/"+seg(number)+"/notes", n.wire(), &out)
	return out, err
}

// UpdateNote replaces the note of that name. The vendor answers with no body.
//
//contract:operation PUT /api-public/v1/incidents/{incidentNumber}/notes/{noteName}
func (c *Client) UpdateNote(ctx context.Context, number string, n Note) error {
	return c.send(ctx, "change a note of "+number, http.MethodPut,
		"/api-public/v1/incidents/"+seg(number)+"/notes/"+seg(n.Name), n.wire(), nil)
}

// DeleteNote removes the note of that name. The vendor answers with no body.
//
//contract:operation DELETE /api-public/v1/incidents/{incidentNumber}/notes/{noteName}
func (c *Client) DeleteNote(ctx context.Context, number, name string) error {
	return c.send(ctx, "delete a note of "+number, http.MethodDelete,
		"/api-public/v1/incidents/"+seg(number)+"/notes/"+seg(name), nil, nil)
}
