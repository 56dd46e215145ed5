package nodeping

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text is text that may be false, null or a number on the wire (note 2: queue,
// homeloc, dep; note 3: sc). false and null are "".
type Text string

// UnmarshalJSON takes any JSON value; objects and lists are "".
func (t *Text) UnmarshalJSON(b []byte) error {
	s, _ := scalar(b)
	if s == "false" && !bytes.HasPrefix(bytes.TrimSpace(b), []byte(`"`)) {
		s = ""
	}
	*t = Text(s)
	return nil
}

// Number is a number that may be text on the wire (note 2, note 3). What is no
// number is not set.
type Number struct {
	V   float64
	Set bool
}

// UnmarshalJSON takes a number, a number as text, or nothing.
func (n *Number) UnmarshalJSON(b []byte) error {
	*n = Number{}
	s, ok := scalar(b)
	if !ok {
		return nil
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		*n = Number{V: f, Set: true}
	}
	return nil
}

// Bool is a yes or no that may be text or a number on the wire.
type Bool bool

// UnmarshalJSON takes true, "true", 1 and "1" for yes.
func (v *Bool) UnmarshalJSON(b []byte) error {
	s, _ := scalar(b)
	s = strings.ToLower(strings.TrimSpace(s))
	*v = s == "true" || s == "1" || s == "yes" || s == "active"
	return nil
}

// Millis is a moment in milliseconds since 1970, as a number or as text
// (note 1). 0 and what is no time are the zero time.
type Millis struct{ time.Time }

// maxMillis is the end of the year 9999, the last that RFC 3339 can write.
const maxMillis = 253402300799999

// UnmarshalJSON takes a number or text.
func (m *Millis) UnmarshalJSON(b []byte) error {
	m.Time = time.Time{}
	var n Number
	_ = n.UnmarshalJSON(b) // never fails
	if n.Set && n.V > 0 && n.V <= maxMillis {
		m.Time = time.UnixMilli(int64(n.V)).UTC()
	}
	return nil
}

// Words is a list of words that may be one word, or false (note 2: runlocations).
type Words []string

// UnmarshalJSON takes a list, a word or nothing.
func (w *Words) UnmarshalJSON(b []byte) error {
	*w = Words{}
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		var all []Text
		if json.Unmarshal(b, &all) == nil {
			for _, t := range all {
				if t != "" {
					*w = append(*w, string(t))
				}
			}
		}
		return nil
	}
	var t Text
	_ = t.UnmarshalJSON(b) // never fails
	if t != "" && t != "true" {
		*w = append(*w, string(t))
	}
	return nil
}

// scalar is the text of a JSON string, number or bool; ok is false for anything else.
func scalar(b []byte) (string, bool) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || string(b) == "null" || b[0] == '{' || b[0] == '[':
		return "", false
	case b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		return s, err == nil
	}
	return string(b), true
}
