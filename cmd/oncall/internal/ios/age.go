package ios

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// Age is a length of time in one unit, for columns: now, 45s, 6m, 3h, 30h, 4d,
// 400d. It rounds down. A negative one, an instant that lies ahead, has a
// minus: -4m.
func Age(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%s%ds", sign, d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%s%dm", sign, d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%s%dh", sign, d/time.Hour)
	default:
		return fmt.Sprintf("%s%dd", sign, d/day)
	}
}

// AgeLong is a length of time in its two largest units, for prose: 45s, 12m 3s,
// 3h 12m, 6d 4h. A unit of zero is left out: 3h.
func AgeLong(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	two := func(big, small time.Duration, bigName, smallName string) string {
		text := fmt.Sprintf("%s%d%s", sign, d/big, bigName)
		if rest := d % big / small; rest > 0 {
			text += fmt.Sprintf(" %d%s", rest, smallName)
		}
		return text
	}
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%s%ds", sign, d/time.Second)
	case d < time.Hour:
		return two(time.Minute, time.Second, "m", "s")
	case d < day:
		return two(time.Hour, time.Minute, "h", "m")
	default:
		return two(day, time.Hour, "d", "h")
	}
}

// Ago tells when t was, seen from now: now, 6m ago, in 4m. A t up to two
// seconds ahead is "now", as clocks differ.
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "-"
	case d > -2*time.Second && d < time.Second:
		return "now"
	case d < 0:
		return "in " + Age(-d)
	default:
		return Age(d) + " ago"
	}
}

// Time is an instant as a person reads it: 03:18:30 EET when it lies on the
// day of now in loc, else 2006-01-02 03:18:30 EET. The zero time is "-".
func Time(t, now time.Time, loc *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	t, now = t.In(loc), now.In(loc)
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05 MST")
	}
	return t.Format("2006-01-02 15:04:05 MST")
}
