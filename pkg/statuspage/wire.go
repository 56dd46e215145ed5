package statuspage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Time is a moment as the vendor writes it: RFC 3339 with or without a fraction
// and with any offset. null, "" and an absent field are the zero time; so is a
// boolean, which the description claims for postmortem_published_at.
type Time struct{ time.Time }

// At wraps t for a write.
func At(t time.Time) *Time { return &Time{t} }

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05 MST"}

// UnmarshalJSON reads the vendor's forms. A text that is no time is an error.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	switch string(b) {
	case "null", "true", "false", `""`:
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a time is a text, not %.40s", b)
	}
	for _, layout := range timeLayouts {
		if p, err := time.Parse(layout, s); err == nil {
			t.Time = p
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a time", s)
}

// MarshalJSON writes UTC, whole seconds where there is no fraction, and null for
// the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.UTC().Format(time.RFC3339Nano))
}

// ids is a list of ids; the description types some of them as one string, and
// any may be null.
type ids []string

func (l *ids) UnmarshalJSON(b []byte) error {
	*l = nil
	b = bytes.TrimSpace(b)
	if len(b) == 0 || b[0] == 'n' {
		return nil
	}
	if b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		if s != "" {
			*l = ids{s}
		}
		return nil
	}
	var list []string
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*l = list
	return nil
}

// number is an integer that the description sometimes types as a string.
type number int

func (n *number) UnmarshalJSON(b []byte) error {
	*n = 0
	s := string(bytes.Trim(b, `"`))
	if s == "null" || s == "" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil // a position that is no number orders as 0; nothing else hangs on it
	}
	*n = number(f)
	return nil
}
