package publicstatus

import (
	"slices"
	"strings"
	"time"
)

// clockLayouts are the ways to write a moment without an offset.
var clockLayouts = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}

// offsetLayouts carry their own offset.
var offsetLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04 Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00"}

const whenForms = `write "2026-03-20 06:00" (local zone, or --tz), "2026-03-20 06:00 Europe/Athens", "2026-03-20T06:00:00Z" or "+2h"`

// ParseWhen reads a moment that a person typed. A time without an offset is in
// loc, or in the IANA zone that follows it. A time of day that a change of
// clocks skips or repeats in that zone is refused, as nobody can know which
// moment is meant. "+2h" counts from now. Every failure is apierr.ErrUsage.
func ParseWhen(text string, now time.Time, loc *time.Location) (time.Time, error) {
	s := strings.Join(strings.Fields(text), " ")
	if rest, ok := strings.CutPrefix(s, "+"); ok {
		d, err := ParseFor(rest)
		if err != nil {
			return time.Time{}, err
		}
		return now.Add(d), nil
	}
	for _, layout := range offsetLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	wall, zone := s, ""
	if i := strings.LastIndexByte(s, ' '); i >= 0 && !strings.ContainsRune(s[i:], ':') {
		wall, zone = s[:i], s[i+1:]
	}
	if zone != "" {
		l, err := loadZone(zone)
		if err != nil {
			return time.Time{}, err
		}
		loc = l
	}
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout, wall); err == nil {
			return inZone(t, loc)
		}
	}
	return time.Time{}, usage("%q is not a time", text).WithHint("%s", whenForms)
}

func loadZone(name string) (*time.Location, error) {
	if name == "UTC" || name == "Z" || name == "GMT" {
		return time.UTC, nil
	}
	// Abbreviations such as CET or EST name an offset that half of the year is
	// wrong; IANA names hold a slash.
	if !strings.Contains(name, "/") {
		return nil, usage("%q is not a time zone", name).WithHint("use UTC, an offset (+02:00) or a name such as Europe/Athens")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, usage("%q is not a known time zone", name).WithHint("use UTC, an offset (+02:00) or a name such as Europe/Athens")
	}
	return loc, nil
}

// inZone finds the moment at which the clocks of loc show wall.
func inZone(wall time.Time, loc *time.Location) (time.Time, error) {
	y, mo, d := wall.Date()
	h, mi, s := wall.Clock()
	guess := time.Date(y, mo, d, h, mi, s, 0, loc)
	var found []time.Time
	// Every offset in force around the time is tried: those that show the wanted
	// clock are the moments it can mean. No zone changes twice in two days.
	for _, probe := range []time.Time{guess.Add(-26 * time.Hour), guess, guess.Add(26 * time.Hour)} {
		_, offset := probe.Zone()
		t := time.Date(y, mo, d, h, mi, s, 0, time.UTC).Add(-time.Duration(offset) * time.Second).In(loc)
		if th, tm, ts := t.Clock(); th == h && tm == mi && ts == s && t.Day() == d && !slices.ContainsFunc(found, t.Equal) {
			found = append(found, t)
		}
	}
	text := wall.Format("2006-01-02 15:04")
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return time.Time{}, usage("%s does not exist in %s: the clocks skip it", text, loc).
			WithHint("that night has %s and %s", guess.Add(-time.Hour).Format(time.RFC3339), guess.Add(time.Hour).Format(time.RFC3339))
	}
	slices.SortFunc(found, time.Time.Compare)
	return time.Time{}, usage("%s happens twice in %s: the clocks are put back", text, loc).
		WithHint("write %s or %s", found[0].Format(time.RFC3339), found[1].Format(time.RFC3339))
}

// ParseFor reads a length of time: Go's form, and days before it ("1d12h").
// It must be longer than nothing.
func ParseFor(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	var total time.Duration
	if days, after, ok := strings.Cut(rest, "d"); ok {
		n := 0
		for _, c := range days {
			if c < '0' || c > '9' || n > 10000 {
				return 0, notLength(text)
			}
			n = n*10 + int(c-'0')
		}
		if days == "" {
			return 0, notLength(text)
		}
		total, rest = time.Duration(n)*24*time.Hour, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return 0, notLength(text)
		}
		total += d
	}
	if total <= 0 {
		return 0, notLength(text)
	}
	return total, nil
}

func notLength(text string) error {
	return usage("%q is not a length of time", text).WithHint("write 30m, 2h, 1d12h")
}
