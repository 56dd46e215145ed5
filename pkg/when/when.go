// Package when reads instants and lengths of time as people type them, and
// refuses what can be read two ways.
package when

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// Error says what is wrong with a time and how to write it.
type Error struct {
	Text string
	Why  string
}

func (e *Error) Error() string { return fmt.Sprintf("%q: %s", e.Text, e.Why) }

const forms = "write 90m, 2h30m, 3d, 15:04, yesterday 15:04, 2006-01-02 15:04 or 2006-01-02T15:04:05Z"

var (
	length    = lazyregexp.New(`^(?:(\d+(?:\.\d+)?)(w|d|h|m|s|ms))`)
	unixTime  = lazyregexp.New(`^\d{10}(\d{3}|\d{6}|\d{9})?$`)
	dayAndMon = lazyregexp.New(`^\d{1,2}[/.]\d{1,2}([/.]\d{2,4})?`)
)

var units = map[string]time.Duration{
	"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second, "ms": time.Millisecond,
}

// Duration reads a length of time: Go's notation without its sign, and d and w
// for days of 24 hours and weeks of 7 days. It is above zero.
func Duration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	var total float64
	for rest != "" {
		m := length().FindStringSubmatch(rest)
		if m == nil {
			return 0, &Error{text, "not a length of time; write 90m, 2h30m or 3d"}
		}
		// "1m" would match before "1ms": take the longer unit when it is there.
		if m[2] == "m" && strings.HasPrefix(rest[len(m[0]):], "s") {
			m[2], m[0] = "ms", m[0]+"s"
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, &Error{text, "not a length of time; write 90m, 2h30m or 3d"}
		}
		total += n * float64(units[m[2]])
		rest = rest[len(m[0]):]
	}
	switch {
	case total < 1:
		return 0, &Error{text, "a length of time is above zero"}
	case total > float64(1<<62):
		return 0, &Error{text, "too long"}
	}
	return time.Duration(total), nil
}

// layouts are the absolute forms; those without a zone are read in the reader's.
var (
	zoned = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00"}
	local = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}
	clock = []string{"15:04", "15:04:05"}
)

// Past reads an instant for a view of what was: a length of time is that long
// before now, and a clock time is its latest passing.
func Past(text string, now time.Time, loc *time.Location) (time.Time, error) {
	return within(text)(parse(text, now, loc, -1))
}

// Future reads an instant for a plan: a length of time is that long after now,
// and a clock time is its next coming.
func Future(text string, now time.Time, loc *time.Location) (time.Time, error) {
	return within(text)(parse(text, now, loc, +1))
}

func parse(text string, now time.Time, loc *time.Location, sign int) (time.Time, error) {
	t := strings.TrimSpace(text)
	if t == "now" {
		return now, nil
	}
	if rest, ok := strings.CutPrefix(t, "now"); ok { // as Grafana's addresses have it: now-6h
		if d, err := Duration(strings.TrimLeft(rest, "+-")); err == nil {
			return relative(text, rest[0] == '-', d, now, sign)
		}
	}
	for days, word := range []string{"today", "yesterday"} {
		if rest, ok := strings.CutPrefix(t, word); ok {
			day := now.In(loc).AddDate(0, 0, -days).Format("2006-01-02")
			return parse(strings.TrimSpace(day+rest), now, loc, sign)
		}
	}
	if d, err := Duration(strings.TrimPrefix(strings.TrimSuffix(t, " ago"), "-")); err == nil {
		ago := strings.HasPrefix(t, "-") || strings.HasSuffix(t, " ago")
		return relative(text, ago || sign < 0, d, now, sign)
	}
	for _, l := range zoned {
		if at, err := time.Parse(l, t); err == nil {
			return at, nil
		}
	}
	for _, l := range local {
		if at, err := time.ParseInLocation(l, t, loc); err == nil {
			return checked(text, at, l, t, loc)
		}
	}
	for _, l := range clock {
		c, err := time.Parse(l, t)
		if err != nil {
			continue
		}
		day := now.In(loc)
		at := time.Date(day.Year(), day.Month(), day.Day(), c.Hour(), c.Minute(), c.Second(), 0, loc)
		if sign < 0 && at.After(now) {
			at = time.Date(day.Year(), day.Month(), day.Day()-1, c.Hour(), c.Minute(), c.Second(), 0, loc)
		}
		if sign > 0 && !at.After(now) {
			at = time.Date(day.Year(), day.Month(), day.Day()+1, c.Hour(), c.Minute(), c.Second(), 0, loc)
		}
		full := at.Format("2006-01-02") + " " + c.Format("15:04:05")
		return checked(text, at, "2006-01-02 15:04:05", full, loc)
	}
	if unixTime().MatchString(t) {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return time.Time{}, &Error{text, "too far away"}
		}
		switch len(t) {
		case 13:
			return time.UnixMilli(n), nil
		case 16:
			return time.UnixMicro(n), nil
		case 19: // as Loki and its tools write them
			return time.Unix(0, n), nil
		}
		return time.Unix(n, 0), nil
	}
	if dayAndMon().MatchString(t) {
		return time.Time{}, &Error{text, "day and month can be read two ways; " + forms}
	}
	return time.Time{}, &Error{text, "not a time; " + forms}
}

// within refuses what no log, metric or plan is about, and what does not fit into
// nanoseconds since 1970, as servers count.
func within(text string) func(time.Time, error) (time.Time, error) {
	return func(at time.Time, err error) (time.Time, error) {
		if y := at.UTC().Year(); err == nil && (y < 1970 || y > 2261) {
			return time.Time{}, &Error{text, "too far away"}
		}
		return at, err
	}
}

// relative is so long before or after now; a plan does not lie in the past, nor a
// view of what was in the future.
func relative(text string, ago bool, d time.Duration, now time.Time, sign int) (time.Time, error) {
	switch {
	case ago && sign > 0:
		return time.Time{}, &Error{text, "lies in the past"}
	case !ago && sign < 0:
		return time.Time{}, &Error{text, "lies in the future"}
	case ago:
		return now.Add(-d), nil
	}
	return now.Add(d), nil
}

// checked refuses a local time that a change of the clocks skips or repeats.
func checked(text string, at time.Time, layout, wrote string, loc *time.Location) (time.Time, error) {
	if at.Format(layout) != wrote && layout != "2006-01-02" {
		return time.Time{}, &Error{text, fmt.Sprintf("does not exist in %s: the clocks go forward over it; give it with a zone, as in %s", loc, at.UTC().Format(time.RFC3339))}
	}
	for _, shift := range []time.Duration{-time.Hour, time.Hour, -30 * time.Minute, 30 * time.Minute} {
		other := at.Add(shift)
		if other.Format(layout) == wrote && layout != "2006-01-02" {
			return time.Time{}, &Error{text, fmt.Sprintf("happens twice in %s: the clocks go back over it; give it with a zone, as in %s", loc, at.Format(time.RFC3339))}
		}
	}
	return at, nil
}
