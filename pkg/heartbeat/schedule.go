package heartbeat

import (
	"fmt"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/healthchecks"
)

// Schedule is when a signal is due.
type Schedule struct {
	Kind          string  `json:"kind"`          // period, cron, calendar
	PeriodSeconds float64 `json:"periodSeconds"` // of a period, else 0
	GraceSeconds  float64 `json:"graceSeconds"`
	Expression    string  `json:"expression"` // of cron or calendar, else ""
	Zone          string  `json:"zone"`       // of cron or calendar, else ""
	Words         string  `json:"words"`      // "every hour, 1h of grace"

	period, grace time.Duration
	cron          *cron
	loc           *time.Location
}

func scheduleOf(v healthchecks.Check) Schedule {
	s := Schedule{GraceSeconds: v.Grace.Seconds(), grace: v.Grace.Duration}
	switch {
	case v.Schedule == "":
		s.Kind, s.period = "period", v.Timeout.Duration
		s.PeriodSeconds = s.period.Seconds()
		s.Words = "every " + periodWords(s.period)
		if s.period <= 0 {
			s.Words = "not told"
		}
	default:
		s.Kind, s.Expression, s.Zone = "calendar", v.Schedule, v.TZ
		s.Words = "calendar " + v.Schedule
		if s.Zone == "" {
			s.Zone = "UTC"
		}
		// Five fields are cron, everything else is OnCalendar (note 2).
		if len(strings.Fields(v.Schedule)) == 5 {
			s.Kind, s.Words = "cron", "cron "+v.Schedule
			if c, err := parseCron(v.Schedule); err == nil {
				s.Words = c.words()
				if loc, err := time.LoadLocation(s.Zone); err == nil {
					s.cron, s.loc = c, loc
				}
			}
		}
		s.Words += " " + s.Zone
	}
	s.Words += s.graceWords()
	return s
}

// after is when the signal after one at t is due; zero when that is not known.
func (s Schedule) after(t time.Time) time.Time {
	switch {
	case t.IsZero():
		return time.Time{}
	case s.Kind == "period" && s.period > 0:
		return t.Add(s.period)
	case s.cron != nil:
		return s.cron.next(t.In(s.loc)).UTC()
	}
	return time.Time{}
}

// Brief is when a signal is due, without the time of grace.
func (s Schedule) Brief() string {
	return strings.TrimSuffix(s.Words, s.graceWords())
}

func (s Schedule) graceWords() string {
	if s.grace <= 0 {
		return ""
	}
	return ", " + Length(s.grace) + " of grace"
}

func periodWords(d time.Duration) string {
	switch d {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	case 7 * 24 * time.Hour:
		return "week"
	}
	return Length(d)
}

// Length is a length of time in its units: 1h, 1h 30m, 2d.
func Length(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	parts := []string{}
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, u.name))
			d -= n * u.size
		}
	}
	return strings.Join(parts[:min(len(parts), 2)], " ")
}
