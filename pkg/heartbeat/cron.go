package heartbeat

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is an expression of five fields. What goes beyond lists, ranges, steps
// and names (L, W, #) is not read: such a check keeps its expression as words.
type cron struct {
	text                            string
	fields                          []string
	minute, hour, day, month, wkday [64]bool
	anyDay, anyWkday                bool
}

var (
	monthNames = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	dayWords   = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

func parseCron(text string) (*cron, error) {
	f := strings.Fields(text)
	if len(f) != 5 {
		return nil, fmt.Errorf("%q has %d fields, not 5", text, len(f))
	}
	c := &cron{text: text, fields: f, anyDay: strings.HasPrefix(f[2], "*"), anyWkday: strings.HasPrefix(f[4], "*")}
	for i, x := range []struct {
		into      *[64]bool
		low, high int
		names     []string
	}{{&c.minute, 0, 59, nil}, {&c.hour, 0, 23, nil}, {&c.day, 1, 31, nil}, {&c.month, 1, 12, monthNames}, {&c.wkday, 0, 7, dayNames}} {
		if err := parseField(f[i], x.low, x.high, x.names, x.into); err != nil {
			return nil, err
		}
	}
	c.wkday[0] = c.wkday[0] || c.wkday[7] // both are Sunday
	return c, nil
}

func parseField(text string, low, high int, names []string, into *[64]bool) error {
	for _, part := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 || n > high {
				return fmt.Errorf("%q is no step", part)
			}
			step = n
		}
		from, to := low, high
		if span != "*" {
			a, b, ranged := strings.Cut(span, "-")
			var err error
			if from, err = parseValue(a, low, high, names); err != nil {
				return err
			}
			switch {
			case ranged:
				if to, err = parseValue(b, low, high, names); err != nil {
					return err
				}
			case !stepped:
				to = from
			}
			if to < from {
				return fmt.Errorf("%q goes backwards", part)
			}
		}
		for i := from; i <= to; i += step {
			into[i] = true
		}
	}
	return nil
}

func parseValue(text string, low, high int, names []string) (int, error) {
	for i, n := range names {
		if n != "" && strings.EqualFold(n, text) {
			return i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not from %d to %d", text, low, high)
	}
	return n, nil
}

// maxDays bounds the search for the next slot: the 29th of February comes at
// least every eight years.
const maxDays = 8*366 + 1

// next is the first slot after t, in t's zone; zero when there is none.
func (c *cron) next(t time.Time) time.Time {
	loc := t.Location()
	for d := range maxDays {
		day := time.Date(t.Year(), t.Month(), t.Day()+d, 12, 0, 0, 0, loc)
		if !c.month[int(day.Month())] || !c.onDay(day) {
			continue
		}
		for h := range 24 {
			if !c.hour[h] {
				continue
			}
			for m := range 60 {
				at := time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, loc)
				if c.minute[m] && at.After(t) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// onDay: when both day fields are limited, either will do.
func (c *cron) onDay(t time.Time) bool {
	day, wkday := c.day[t.Day()], c.wkday[int(t.Weekday())]
	if c.anyDay || c.anyWkday {
		return day && wkday
	}
	return day || wkday
}

// words says the usual expressions as people do, and shows the others.
func (c *cron) words() string {
	f := c.fields
	rest := func(from int) bool {
		for _, x := range f[from:] {
			if x != "*" {
				return false
			}
		}
		return true
	}
	switch {
	case rest(0):
		return "every minute"
	case strings.HasPrefix(f[0], "*/") && rest(1):
		return "every " + f[0][2:] + " minutes"
	}
	minute, err := strconv.Atoi(f[0])
	if err != nil {
		return "cron " + c.text
	}
	switch {
	case rest(1):
		return fmt.Sprintf("every hour at minute %d", minute)
	case strings.HasPrefix(f[1], "*/") && rest(2):
		return fmt.Sprintf("every %s hours at minute %d", f[1][2:], minute)
	}
	at := []string{}
	for _, h := range strings.Split(f[1], ",") {
		n, err := strconv.Atoi(h)
		if err != nil {
			return "cron " + c.text
		}
		at = append(at, fmt.Sprintf("%02d:%02d", n, minute))
	}
	times := "at " + strings.Join(at, " and ")
	switch {
	case rest(2):
		return "every day " + times
	case f[2] == "*" && f[3] == "*":
		if days, ok := c.weekdays(); ok {
			return days + " " + times
		}
	case f[3] == "*" && f[4] == "*":
		if n, err := strconv.Atoi(f[2]); err == nil {
			return fmt.Sprintf("on day %d of every month %s", n, times)
		}
	}
	return "cron " + c.text
}

func (c *cron) weekdays() (string, bool) {
	on := []string{}
	first, last := -1, -1
	for i := range 7 {
		if !c.wkday[i] {
			continue
		}
		on = append(on, dayWords[i])
		if first < 0 {
			first = i
		}
		last = i
	}
	if len(on) == 0 {
		return "", false
	}
	if len(on) > 2 && last-first == len(on)-1 {
		return dayWords[first] + " to " + dayWords[last], true
	}
	return "on " + strings.Join(on, " and "), true
}
