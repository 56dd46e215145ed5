package pager

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

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
// from its team, policy, step, shift and start, and its stamp is its start. To
// import the file twice changes nothing, and a shift that changed hands since is
// the same event with another name in it. A turn of a rotation that
// serves several policies is one event: the vendor's own feed has one for each,
// and people filter them out (note 5).
func (c Calendar) Export(w io.Writer) (int, error) {
	cal := ics.NewCalendarFor("oncall")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(plainText(c.Name))
	all, taken := events(c.Shifts), map[string]bool{}
	for _, x := range all {
		id := x.uid("")
		if taken[id] { // two people in one place: the person tells them apart
			id = x.uid(x.User)
		}
		taken[id] = true
		e := cal.AddEvent(id)
		e.SetDtStampTime(x.Start)
		e.SetStartAt(x.Start)
		e.SetEndAt(x.End)
		e.SetSummary(plainText(c.summary(x)))
		e.SetDescription(x.describe())
		e.SetTimeTransparency(ics.TransparencyTransparent) // being on call blocks no meeting
	}
	return len(all), cal.SerializeTo(w, ics.WithNewLineWindows)
}

// event is a shift with the policies that it serves, the first of which is the
// shift's own and gives the event its identity.
type event struct {
	Shift
	policies []Policy // by slug
}

// events makes one event of the shifts that differ in their policy alone.
func events(all []Shift) []event {
	out := []event{}
	for _, s := range all {
		if s.Gap() || s.Always() {
			continue
		}
		at := slices.IndexFunc(out, func(e event) bool { return e.same(s) })
		if at < 0 {
			out = append(out, event{s, []Policy{s.Policy}})
			continue
		}
		if e := &out[at]; !slices.Contains(e.policies, s.Policy) {
			e.policies = append(e.policies, s.Policy)
			slices.SortFunc(e.policies, func(a, b Policy) int { return strings.Compare(a.Slug, b.Slug) })
			e.Policy = e.policies[0]
		}
	}
	return out
}

func (e event) same(s Shift) bool {
	if s.Rotation == "" && e.Policy != s.Policy {
		return false
	}
	s.Policy = e.Policy
	return e.Shift == s
}

func (c Calendar) summary(e event) string {
	name := e.User
	if c.Names != nil {
		if n := c.Names(e.User); n != "" {
			name = n
		}
	}
	out := "On call: " + name + " (" + strings.Join(e.labels(), ", ")
	if e.Step > 1 {
		out += ", step " + itoa(e.Step)
	}
	return out + ")"
}

func (e event) labels() []string {
	out := []string{}
	for _, p := range e.policies {
		out = append(out, plainText(p.Label()))
	}
	slices.Sort(out)
	return out
}

func (e event) describe() string {
	lines := []string{"Team: " + plainText(e.Team.Name), "Escalation policy: " + strings.Join(e.labels(), ", ")}
	if e.Step > 0 {
		lines = append(lines, "Escalation step: "+itoa(e.Step))
	}
	if e.Rotation != "" {
		lines = append(lines, "Rotation: "+strings.TrimSpace(plainText(e.Rotation+" "+e.Shift.Shift)))
	}
	if e.Covers != "" {
		lines = append(lines, "Stands in for: "+plainText(e.Covers))
	}
	return strings.Join(lines, "\n")
}

// plainText is a vendor's text as one line of a calendar: the format has no way to
// write a control character, a lone CR in it ends the line for some readers (and
// begins a property of somebody else's choosing), and bidi controls turn a name
// round.
func plainText(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	}), " ")
}

// UID identifies a shift, with the person who has it, for ever.
func (s Shift) UID() string { return s.uid(s.User) }

func (s Shift) uid(person string) string {
	h := sha256.New()
	for _, part := range []string{s.Team.Slug, s.Policy.Slug, itoa(s.Step), s.Rotation, s.Shift, strings.ToLower(person), s.Start.UTC().Format(time.RFC3339)} {
		_, _ = io.WriteString(h, part+"\x00")
	}
	return hex.EncodeToString(h.Sum(nil)[:16]) + "@oncall"
}
