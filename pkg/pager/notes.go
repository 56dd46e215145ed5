package pager

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/victorops"
)

// Note is a text kept with an incident.
type Note struct {
	Name string    `json:"name"` // unique within the incident
	Text string    `json:"text"`
	By   string    `json:"by"`          // "" when the note does not say
	At   time.Time `json:"at,omitzero"` // UTC; absent when the note does not say
}

// VictorOps keeps notes as JSON objects, not as text (note 3). These are the keys
// that oncall writes; a note of somebody else is shown by the first of textKeys
// that it has, or as its JSON.
const (
	keyText = "text"
	keyBy   = "by"
	keyAt   = "at"
)

var textKeys = []string{keyText, "note", "message", "body", "content", "summary"}

func note(n victorops.Note) Note {
	out := Note{Name: n.Name, Text: string(n.DisplayName)}
	fields := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(n.Value))
	d.UseNumber()
	if d.Decode(&fields) != nil {
		return out
	}
	str := func(k string) string {
		s, _ := fields[k].(string)
		return html.UnescapeString(s)
	}
	out.By = str(keyBy)
	if at, err := time.Parse(time.RFC3339, str(keyAt)); err == nil {
		out.At = at.UTC()
	}
	for _, k := range textKeys {
		if s := strings.TrimSpace(str(k)); s != "" {
			out.Text = s
			return out
		}
	}
	delete(fields, keyBy)
	delete(fields, keyAt)
	if len(fields) > 0 {
		if out.Text != "" {
			out.Text += ": "
		}
		out.Text += html.UnescapeString(plain(fields))
	}
	return out
}

// Notes returns the notes of an incident, oldest first; those without a time
// come last. An incident without notes may answer "not found", which is an empty
// list when the incident is there.
func (p *Pager) Notes(ctx context.Context, number string) ([]Note, error) {
	all, err := p.Client.Notes(ctx, number)
	if errors.Is(err, apierr.ErrNotFound) {
		if _, gone := p.Client.Incident(ctx, number); gone == nil {
			return []Note{}, nil
		}
		return []Note{}, unknown(number, err)
	}
	return sortedNotes(all), err
}

func sortedNotes(all []victorops.Note) []Note {
	out := make([]Note, 0, len(all))
	for _, n := range all {
		out = append(out, note(n))
	}
	slices.SortStableFunc(out, func(a, b Note) int {
		if a.At.IsZero() != b.At.IsZero() {
			return cmp.Compare(b.At.Unix(), a.At.Unix()) // the zero time is long ago
		}
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name))
	})
	return out
}

// maxNote bounds a note: the display name is cut, the text is not, and 16 MB is
// the vendor's limit (note 3).
const (
	maxNote        = 1 << 20
	maxDisplayName = 80
)

// AddNote adds a text to an incident, as User. The request is sent once: when its
// answer is lost the notes are read, and one that is not among them is an
// apierr.ErrUnknownOutcome. The bool is true when that look found it.
func (p *Pager) AddNote(ctx context.Context, number, text string) (Note, bool, error) {
	op := "add a note to " + number
	user, err := p.actor(op)
	if err != nil {
		return Note{}, false, err
	}
	if text = strings.TrimSpace(text); text == "" || len(text) > maxNote {
		return Note{}, false, apierr.New(apierr.ErrUsage, victorops.Vendor, op, "a note has 1 to %d bytes of text", maxNote)
	}
	at := p.now().UTC()
	n := Note{Name: noteName(user, text, at), Text: text, By: user, At: at.Truncate(time.Second)}
	value, err := json.Marshal(map[string]string{keyText: text, keyBy: user, keyAt: at.Format(time.RFC3339)})
	if err != nil {
		return Note{}, false, fmt.Errorf("%s: %w", op, err)
	}
	made, err := p.Client.CreateNote(ctx, number, victorops.Note{Name: n.Name, DisplayName: victorops.Text(headline(text)), Value: value})
	switch {
	case err == nil:
		if made.Name != "" {
			n.Name = made.Name
		}
		return n, false, nil
	case errors.Is(err, apierr.ErrNotFound):
		return Note{}, false, unknown(number, err)
	case !lost(err):
		return Note{}, false, err
	case gone(ctx):
		return Note{}, false, interrupted(op, "cannot tell whether it arrived", "oncall incident note "+number, err)
	}
	found, lookErr := p.Notes(ctx, number)
	if slices.ContainsFunc(found, func(f Note) bool { return f.Name == n.Name }) {
		return n, true, nil
	}
	msg := "cannot tell whether it arrived: the answer was lost, and the note is not there yet"
	if lookErr != nil {
		msg = "cannot tell whether it arrived: the answer was lost, and so was a look"
	}
	return Note{}, false, &apierr.Error{Vendor: victorops.Vendor, Op: op, Message: msg, Kind: []error{apierr.ErrUnknownOutcome},
		Hint: "oncall incident note " + number, Err: err}
}

// noteName is unique to what is said, by whom and when, so that a look can tell
// this note from all others.
func noteName(user, text string, at time.Time) string {
	sum := sha256.Sum256([]byte(user + "\x00" + text + "\x00" + at.Format(time.RFC3339Nano)))
	return "oncall-" + at.Format("20060102T150405Z") + "-" + hex.EncodeToString(sum[:4])
}

// headline is the first line of a text, cut to what the portal shows.
func headline(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if r := []rune(line); len(r) > maxDisplayName {
		return string(r[:maxDisplayName-1]) + "…"
	}
	return line
}
