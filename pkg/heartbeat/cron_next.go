package heartbeat

import "time"

// maxDays bounds the search for the next slot: the 29th of February comes at
// least every eight years.
const maxDays = 8*366 + 1

// next is the first slot after t, in t's zone; zero when there is none. Where the
// clocks change it does as the server does, and as Debian's cron: a slot of a
// certain time that is skipped comes right after the change, one that is repeated
// counts once; what runs every so often goes on in real time.
func (c *cron) next(t time.Time) time.Time {
	if c.fixed {
		for wall := clock(t); ; {
			if wall = c.slot(wall); wall.IsZero() {
				return wall
			}
			if at := place(wall, t.Location()); at.After(t) {
				return at
			}
		}
	}
	loc := t.Location()
	for d := range maxDays {
		noon := time.Date(t.Year(), t.Month(), t.Day()+d, 12, 0, 0, 0, loc)
		if !c.month[int(noon.Month())] || !c.onDay(noon) {
			continue
		}
		// Minute by minute in real time: the day may have 23 or 25 hours.
		for m := -longDay; m < longDay; m++ {
			at := noon.Add(time.Duration(m) * time.Minute)
			if at.Day() == noon.Day() && c.minute[at.Minute()] && c.hour[at.Hour()] && at.After(t) {
				return at
			}
		}
	}
	return time.Time{}
}

// longDay is half of the longest day, in minutes, with something to spare.
const longDay = 15 * 60

// slot is the first slot after a clock's time, as if clocks never changed.
func (c *cron) slot(wall time.Time) time.Time {
	for d := range maxDays {
		day := time.Date(wall.Year(), wall.Month(), wall.Day()+d, 0, 0, 0, 0, time.UTC)
		if !c.month[int(day.Month())] || !c.onDay(day) {
			continue
		}
		for m := range 24 * 60 {
			at := day.Add(time.Duration(m) * time.Minute)
			if c.hour[at.Hour()] && c.minute[at.Minute()] && at.After(wall) {
				return at
			}
		}
	}
	return time.Time{}
}

// clock is what a clock in t's zone shows, as a time in UTC.
func clock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// place is when clocks in a zone show wall: the first time where they do twice,
// the end of the gap where they never do.
func place(wall time.Time, loc *time.Location) time.Time {
	for {
		at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, loc)
		if clock(at).Equal(wall) {
			return earlier(at)
		}
		wall = wall.Add(time.Minute)
	}
}

// earlier is the earlier of the two moments at which clocks show what they show
// at t, t itself where there is one.
func earlier(t time.Time) time.Time {
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return t
	}
	_, before := start.Add(-time.Second).Zone()
	_, after := t.Zone()
	if first := t.Add(-time.Duration(before-after) * time.Second); before > after && first.Before(start) {
		return first
	}
	return t
}

// onDay: when both day fields are limited, either will do.
func (c *cron) onDay(t time.Time) bool {
	day, wkday := c.day[t.Day()], c.wkday[int(t.Weekday())]
	if c.anyDay || c.anyWkday {
		return day && wkday
	}
	return day || wkday
}
