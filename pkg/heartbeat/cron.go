package heartbeat

import (
	"fmt"
	"strconv"
	"strings"
)

// cron is an expression of five fields. What goes beyond lists, ranges, steps
// and names (L, W, #) is not read: such a check keeps its expression as words.
type cron struct {
	text                            string
	fields                          []string
	minute, hour, day, month, wkday [64]bool
	anyDay, anyWkday                bool
	fixed                           bool // of certain hours and minutes: neither begins with a star
}

var (
	monthNames = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

func parseCron(text string) (*cron, error) {
	f := strings.Fields(text)
	if len(f) != 5 {
		return nil, fmt.Errorf("%q has %d fields, not 5", text, len(f))
	}
	c := &cron{text: text, fields: f, anyDay: strings.HasPrefix(f[2], "*"), anyWkday: strings.HasPrefix(f[4], "*"),
		fixed: !strings.HasPrefix(f[0], "*") && !strings.HasPrefix(f[1], "*")}
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
			n, err := digits(stepText)
			if err != nil || n < 1 {
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
	n, err := digits(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not from %d to %d", text, low, high)
	}
	return n, nil
}

// digits reads a number without a sign.
func digits(text string) (int, error) {
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.Atoi(text)
	return min(n, 1000), err // no field goes so far
}
