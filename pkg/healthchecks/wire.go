package healthchecks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Time is a moment as the server writes it. null, "" and what is no time are the
// zero time: one odd field must not hide a list of checks.
type Time struct{ time.Time }

// UnmarshalJSON takes RFC 3339 with or without a fraction.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = time.Time{}
	var s string
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err == nil && at.UTC().Year() >= 1 && at.UTC().Year() <= 9999 { // what RFC 3339 can write again
		t.Time = at.UTC()
	}
	return nil
}

// Seconds is a length of time in seconds, whole or not. null and "" are none.
type Seconds struct {
	time.Duration
	Set bool // it was there
}

// UnmarshalJSON takes a number, or a number as text.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	*s = Seconds{}
	text := strings.Trim(string(bytes.TrimSpace(b)), `"`)
	if text == "" || text == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1e9 {
		return fmt.Errorf("%.40q is not a number of seconds", text)
	}
	*s = Seconds{Duration: time.Duration(math.Round(f * float64(time.Second))), Set: true}
	return nil
}

// list makes a nil slice an empty one.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
