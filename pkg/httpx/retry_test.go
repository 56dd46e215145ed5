package httpx

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRetryPolicyWaits(t *testing.T) {
	t.Parallel()
	p := RetryPolicy{}.withDefaults()
	assert.Equal(t, RetryPolicy{Max: 3, Base: 250 * time.Millisecond, Cap: 5 * time.Second}, p)
	almostOne := math.Nextafter(1, 0)
	for n, want := range map[int]time.Duration{1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 3: time.Second, 5: 4 * time.Second, 6: 5 * time.Second, 40: 5 * time.Second, 1000: 5 * time.Second} {
		assert.Equal(t, want/2, p.wait(n, 0), "attempt %d, least", n)
		assert.InDelta(t, float64(want), float64(p.wait(n, almostOne)), 2, "attempt %d, most", n)
	}
	assert.Equal(t, time.Minute/2, RetryPolicy{Base: time.Hour, Cap: time.Minute}.wait(60, 0), "no overflow")
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		value, date string
		want        time.Duration
	}{
		"absent":                       {"", "", 0},
		"seconds":                      {"120", "", 2 * time.Minute},
		"spaces":                       {" 7 ", "", 7 * time.Second},
		"a fraction":                   {"0.5", "", 500 * time.Millisecond},
		"zero":                         {"0", "", 0},
		"negative":                     {"-5", "", 0},
		"not a number":                 {"NaN", "", 0},
		"infinite":                     {"Inf", "", maxAsked},
		"huge":                         {"99999999999999999999", "", maxAsked},
		"words":                        {"soon", "", 0},
		"date":                         {at(30 * time.Second), "", 30 * time.Second},
		"date in the past":             {at(-time.Hour), "", 0},
		"date, their clock is behind":  {at(-time.Hour + time.Minute), at(-time.Hour), time.Minute},
		"date, their clock is ahead":   {at(time.Hour + time.Minute), at(time.Hour), time.Minute},
		"date, their Date is nonsense": {at(time.Minute), "yesterday", time.Minute},
		"RFC 850 date":                 {now.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT"), "", time.Minute},
		"the far future":               {"Fri, 31 Dec 9999 23:59:59 GMT", "", maxAsked},
	} {
		h := http.Header{"Retry-After": {c.value}, "Date": {c.date}}
		assert.Equal(t, c.want, retryAfter(h, now), name)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-1", "1e309", "0x1p-2", "Sun, 06 Nov 1994 08:49:37 GMT", "Inf", "nan"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		d := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, time.Unix(1e9, 0))
		if d < 0 || d > maxAsked {
			t.Fatal(d)
		}
	})
}
