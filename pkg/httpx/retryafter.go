package httpx

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter reads how long the vendor asks to wait: seconds, or an HTTP date
// (RFC 9110 section 10.2.3). A date is compared with the vendor's own Date
// where it sent one, so that a wrong clock on this machine does not matter.
// 0 is "it did not say".
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		switch {
		case s <= 0 || s != s:
			return 0
		case s > maxAsked.Seconds():
			return maxAsked
		}
		return time.Duration(s * float64(time.Second))
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(h.Get("Date")); err == nil {
		now = theirs
	}
	return min(max(at.Sub(now), 0), maxAsked)
}

// maxAsked bounds what is believed, so that arithmetic on it is safe.
const maxAsked = 365 * 24 * time.Hour
