package pager

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Calendar is what to write of a schedule.
type Calendar struct {
	Name   string  // "On call: Operations"
	Shifts []Shift // gaps and people who are always on call are left out: neither is an event
	// Names gives a person's name for the title of an event; nil or "" is the username.
	Names func(username string) string
}

// Export writes an iCalendar file and returns how many events it holds. The same
// shifts give the same bytes, whenever it is written: an event's identity comes
// from its team, policy, step, shift, person and start, and its stamp is its
// start. To import the file twice changes nothing.
func (c Calendar) Export(w io.Writer) (int, error) {
	cal := ics.NewCalendarFor("oncall")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(c.Name)
	n := 0
	seen := map[string]bool{}
	for _, s := range c.Shifts {
		uid := s.UID()
		if s.Gap() || s.Always() || seen[uid] {
			continue
		}
		seen[uid] = true
		n++
		e := cal.AddEvent(uid)
		e.SetDtStampTime(s.Start)
		e.SetStartAt(s.Start)
		e.SetEndAt(s.End)
		e.SetSummary(c.summary(s))
		e.SetDescription(s.describe())
		e.SetTimeTransparency(ics.TransparencyTransparent) // being on call blocks no meeting
	}
	return n, cal.SerializeTo(w, ics.WithNewLineWindows)
}

func (c Calendar) summary(s Shift) string {
	name := s.User
	if c.Names != nil {
		if n := c.Names(s.User); n != "" {
			name = n
		}
	}
	out := "On call: " + name + " (" + s.Policy.Label()
	if s.Step > 1 {
		out += ", step " + itoa(s.Step)
	}
	return out + ")"
}

func (s Shift) describe() string {
	lines := []string{"Team: " + s.Team.Name, "Escalation policy: " + s.Policy.Name + ", step " + itoa(s.Step)}
	if s.Rotation != "" {
		lines = append(lines, "Rotation: "+strings.TrimSpace(s.Rotation+" "+s.Shift))
	}
	if s.Covers != "" {
		lines = append(lines, "Stands in for: "+s.Covers)
	}
	return strings.Join(lines, "\n")
}

// UID identifies a shift in calendars, for ever.
func (s Shift) UID() string {
	h := sha256.New()
	for _, part := range []string{s.Team.Slug, s.Policy.Slug, itoa(s.Step), s.Rotation, s.Shift, strings.ToLower(s.User), s.Start.UTC().Format(time.RFC3339)} {
		_, _ = io.WriteString(h, part+"\x00")
	}
	return hex.EncodeToString(h.Sum(nil)[:16]) + "@oncall"
}
