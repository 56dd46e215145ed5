package victorops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text is prose from the vendor. Its wire form may hold HTML entities ("&gt;",
// note 3); decoded it is plain.
type Text string

// UnmarshalJSON decodes a string and its entities. null is "".
func (t *Text) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = ""
	if s != nil {
		*t = Text(html.UnescapeString(*s))
	}
	return nil
}

// ID is an identifier that is text to us. On the wire it is a string in most
// bodies and a number in some (note 3: incident numbers; note 5: groupId).
type ID string

// UnmarshalJSON takes a string or a number. null is "".
func (i *ID) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	*i = ID(s)
	return err
}

// Int is a whole number. On the wire it is a number, a number with a fraction
// of zero, or a numeric string (note 6: timeouts).
type Int int64

// UnmarshalJSON takes a number or a numeric string. null and "" are 0.
func (i *Int) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	*i = 0
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*i = Int(n)
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.Trunc(f) != f || math.Abs(f) > 1<<53 {
		return fmt.Errorf("%q is not a whole number", s)
	}
	*i = Int(f)
	return nil
}

// Flag is a yes or no. On the wire it is a bool or a word (note 6: a contact's
// verified is "verified" or "unverified", a member's is "true" or true).
type Flag bool

// UnmarshalJSON takes a bool, "true" or "verified" for yes; every other word is no.
func (f *Flag) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	s = strings.ToLower(strings.TrimSpace(s))
	*f = s == "true" || s == "verified"
	return err
}

// scalar gives the text of a JSON string, number, bool or null.
func scalar(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || string(b) == "null":
		return "", nil
	case b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		return s, err
	case b[0] == '{' || b[0] == '[':
		return "", fmt.Errorf("a string or number was due, not %.20s", b)
	}
	return string(b), nil
}

// layouts are the forms of time seen on the wire: RFC 3339, with or without a
// fraction, and the spec's yyyy-MM-dd'T'HH:mm:ssZ, whose Z is +0000 (note 2).
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00"}

// Time is a moment written as text. A text that is no time decodes to the zero
// time and not to an error: one odd field must not hide a list of incidents.
type Time struct{ time.Time }

// UnmarshalJSON takes a string in one of the known forms, or epoch milliseconds.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	s, err := scalar(b)
	if err != nil {
		return err
	}
	for _, l := range layouts {
		if v, err := time.Parse(l, s); err == nil {
			if y := v.UTC().Year(); y >= 1 && y <= 9999 { // what RFC 3339 can write again
				t.Time = v
			}
			return nil
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 && ms < maxMillis {
		t.Time = time.UnixMilli(ms).UTC()
	}
	return nil
}

// maxMillis is the end of the year 9999, the last that RFC 3339 can write.
const maxMillis = 253402300799999

// EpochSeconds is a moment in seconds since 1970 (note 2: alerts).
type EpochSeconds struct{ time.Time }

// UnmarshalJSON takes a number or a numeric string. null, "" and 0 are the zero time.
func (t *EpochSeconds) UnmarshalJSON(b []byte) error {
	return epoch(b, 1000, &t.Time)
}

// EpochMillis is a moment in milliseconds since 1970 (note 2: maintenance, chat).
type EpochMillis struct{ time.Time }

// UnmarshalJSON takes a number or a numeric string. null, "" and 0 are the zero time.
func (t *EpochMillis) UnmarshalJSON(b []byte) error {
	return epoch(b, 1, &t.Time)
}

func epoch(b []byte, unit float64, out *time.Time) error {
	*out = time.Time{}
	s, err := scalar(b)
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f <= 0 || f*unit > maxMillis {
		return nil // as with Time: no time is better than no incident
	}
	*out = time.UnixMilli(int64(math.Round(f * unit))).UTC()
	return nil
}

// oneOrMany decodes an array, a single object, or nothing at all into a list.
// Some replies are a list in one document and a single thing in the next.
func oneOrMany[T any](b []byte) ([]T, error) {
	out := []T{}
	b = bytes.TrimSpace(b)
	if len(b) == 0 || string(b) == "null" || string(b) == "{}" {
		return out, nil
	}
	if b[0] == '[' {
		err := json.Unmarshal(b, &out)
		if out == nil {
			out = []T{}
		}
		return out, err
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return out, err
	}
	return append(out, one), nil
}

// list makes a nil slice an empty one, as lists in our output are never null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
