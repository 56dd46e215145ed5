package heartbeat

import (
	"fmt"
	"strconv"
	"strings"
)

// words says the usual expressions as people do, and shows the others.
func (c *cron) words() string {
	days, ok := c.dayWords()
	if !ok {
		return "cron " + c.text
	}
	every, at := c.timeWords()
	switch {
	case every != "" && days != "":
		return every + ", " + days
	case every != "":
		return every
	case at != "" && days == "":
		return "every day " + at
	case at != "":
		return days + " " + at
	}
	return "cron " + c.text
}

// timeWords says when in a day: either every so often, or at certain times.
func (c *cron) timeWords() (every, at string) {
	minute, hour := c.fields[0], c.fields[1]
	n, perr := digits(minute)
	step, stepped := stepOf(minute)
	switch {
	case stepped:
		every = "every minute"
		if step > 1 {
			every = fmt.Sprintf("every %d minutes", step)
			if 60%step != 0 {
				every += " of the hour"
			}
		}
		switch from, to, ok := bounds(hour); {
		case hour == "*":
			return every, ""
		case ok:
			return every + fmt.Sprintf(" from %02d:00 to %02d:59", from, to), ""
		}
		return "", ""
	case hour == "*":
		switch numbers := list(minute); {
		case perr == nil:
			return fmt.Sprintf("every hour at minute %d", n), ""
		case len(numbers) > 0:
			return "every hour at minutes " + and(numbers), ""
		}
		return "", ""
	case perr == nil:
		if step, ok := stepOf(hour); ok && step > 1 {
			return fmt.Sprintf("every %d hours at minute %d", step, n), ""
		}
		if from, to, ok := bounds(hour); ok && from < to {
			return fmt.Sprintf("every hour from %02d:%02d to %02d:%02d", from, n, to, n), ""
		}
	}
	return "", c.atWords(minute, hour)
}

// maxTimes is how many times of a day are said one by one.
const maxTimes = 6

func (c *cron) atWords(minute, hour string) string {
	times := []string{}
	for _, h := range list(hour) {
		for _, m := range list(minute) {
			x, _ := digits(h) // list holds numbers
			y, _ := digits(m)
			times = append(times, fmt.Sprintf("%02d:%02d", x, y))
		}
	}
	if len(times) == 0 || len(times) > maxTimes {
		return ""
	}
	return "at " + and(times)
}

// dayWords says on which days, "" for every day; ok is false for what is not read.
func (c *cron) dayWords() (words string, ok bool) {
	day, month, wkday := c.fields[2], c.fields[3], c.fields[4]
	months := "every month"
	if month != "*" {
		names, all := spans(c.month[:], 1, 12, func(i int) string { return monthWords[i] })
		if all {
			return "", false // "*/1" and its like
		}
		months = names
	}
	weekdays := ""
	if wkday != "*" {
		// From Monday on, as a week has it.
		week := append(append([]bool{}, c.wkday[1:7]...), c.wkday[0])
		names, all := spans(week, 0, 6, func(i int) string { return weekdayWords[(i+1)%7] })
		if all {
			return "", false
		}
		weekdays = names
		if !strings.Contains(names, " to ") || strings.Contains(names, " and ") {
			weekdays = "on " + names
		}
	}
	days := ""
	if numbers := list(day); day != "*" {
		switch {
		case len(numbers) == 1:
			days = "on day " + numbers[0] + " of " + months
		case len(numbers) > 1:
			days = "on days " + and(numbers) + " of " + months
		default:
			return "", false
		}
	}
	switch {
	case days != "" && weekdays != "":
		return days + ", and " + weekdays, month == "*"
	case days != "":
		return days, true
	case weekdays != "" && month != "*":
		return weekdays + " in " + months, true
	case weekdays != "":
		return weekdays, true
	case month != "*":
		return "every day in " + months, true
	}
	return "", true
}

var (
	weekdayWords = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	monthWords   = []string{"", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
)

// spans names what is set from low to high, runs of three and more as "A to B";
// all tells that everything is.
func spans(set []bool, low, high int, name func(int) string) (words string, all bool) {
	out := []string{}
	n := 0
	for i := low; i <= high; i++ {
		if !set[i] {
			continue
		}
		j := i
		for j < high && set[j+1] {
			j++
		}
		n += j - i + 1
		if j-i >= 2 {
			out = append(out, name(i)+" to "+name(j))
		} else {
			for k := i; k <= j; k++ {
				out = append(out, name(k))
			}
		}
		i = j
	}
	return and(out), n == high-low+1
}

// stepOf reads "*" and "*/n".
func stepOf(field string) (int, bool) {
	if field == "*" {
		return 1, true
	}
	text, ok := strings.CutPrefix(field, "*/")
	n, err := digits(text)
	return n, ok && err == nil
}

// bounds reads "a-b" and "a".
func bounds(field string) (from, to int, ok bool) {
	a, b, ranged := strings.Cut(field, "-")
	from, err := digits(a)
	if !ranged {
		return from, from, err == nil
	}
	to, berr := digits(b)
	return from, to, err == nil && berr == nil
}

// list reads numbers with commas between them; anything else is nil.
func list(field string) []string {
	out := []string{}
	for _, x := range strings.Split(field, ",") {
		n, err := digits(x)
		if err != nil {
			return nil
		}
		out = append(out, strconv.Itoa(n))
	}
	return out
}

func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
