package when_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/when"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "2h30m": 150 * time.Minute, "3d": 72 * time.Hour, "1w2d": 216 * time.Hour,
		"1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond, "1m5s": 65 * time.Second, " 5m ": 5 * time.Minute,
	} {
		got, err := when.Duration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "0s", "-5m", "5", "m", "5 m", "1h-5m", "5y", "99999999999w", "1e3s"} {
		_, err := when.Duration(text)
		assert.Error(t, err, text)
	}
}

func TestPastAndFuture(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	require.NoError(t, err)
	now := time.Date(2026, 3, 4, 1, 18, 30, 0, time.UTC) // 03:18:30 in Athens
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return x
	}
	for _, c := range []struct {
		text         string
		past, future string // "" is an error
	}{
		{"now", "2026-03-04T01:18:30Z", "2026-03-04T01:18:30Z"},
		{"2h", "2026-03-03T23:18:30Z", "2026-03-04T03:18:30Z"},
		{"2h ago", "2026-03-03T23:18:30Z", ""},
		{"-2h", "2026-03-03T23:18:30Z", ""},
		{"03:00", "2026-03-04T01:00:00Z", "2026-03-05T01:00:00Z"},
		{"04:00", "2026-03-03T02:00:00Z", "2026-03-04T02:00:00Z"},
		{"2026-03-01 10:00", "2026-03-01T08:00:00Z", "2026-03-01T08:00:00Z"},
		{"2026-03-01", "2026-02-28T22:00:00Z", "2026-02-28T22:00:00Z"},
		{"2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"},
		{"2026-03-01T10:00+05:30", "2026-03-01T04:30:00Z", "2026-03-01T04:30:00Z"},
		{"1772586000", "2026-03-04T01:00:00Z", "2026-03-04T01:00:00Z"},
		{"1772586000000", "2026-03-04T01:00:00Z", "2026-03-04T01:00:00Z"},
		{"03/04/2026", "", ""},
		{"3.4.", "", ""},
		{"2026-03-29 03:30", "", ""}, // the clocks go forward over it
		{"2026-10-25 03:30", "", ""}, // the clocks go back over it
		{"2026-10-25T03:30:00+02:00", "2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"},
		{"2026-02-30", "", ""},
		{"now-2h", "2026-03-03T23:18:30Z", ""},
		{"now-1h30m", "2026-03-03T23:48:30Z", ""},
		{"now+2h", "", "2026-03-04T03:18:30Z"},
		{"nowhere", "", ""},
		{"now-", "", ""},
		{"yesterday", "2026-03-02T22:00:00Z", "2026-03-02T22:00:00Z"},
		{"yesterday 14:00", "2026-03-03T12:00:00Z", "2026-03-03T12:00:00Z"},
		{"today 02:30", "2026-03-04T00:30:00Z", "2026-03-04T00:30:00Z"},
		{"yesterday at noon", "", ""},
		{"yesterday2h", "", ""},
		{"1772586000000000000", "2026-03-04T01:00:00Z", "2026-03-04T01:00:00Z"},
		{"1772586000000000", "2026-03-04T01:00:00Z", "2026-03-04T01:00:00Z"},
		{"9999999999999999999", "", ""},
		{"17725860000", "", ""},
		{"0001-01-01", "", ""},
		{"9999-01-01", "", ""},
		{"", "", ""},
	} {
		for i, read := range []func(string, time.Time, *time.Location) (time.Time, error){when.Past, when.Future} {
			want := []string{c.past, c.future}[i]
			got, err := read(c.text, now, athens)
			if want == "" {
				require.Error(t, err, "%q %d", c.text, i)
				continue
			}
			require.NoError(t, err, "%q %d", c.text, i)
			assert.True(t, got.Equal(at(want)), "%q %d: %s", c.text, i, got.UTC())
		}
	}
	_, err = when.Past("2026-03-29 03:30", now, athens)
	require.ErrorContains(t, err, "does not exist in Europe/Athens")
	_, err = when.Past("2026-10-25 03:30", now, athens)
	require.ErrorContains(t, err, "happens twice in Europe/Athens")
	_, err = when.Past("03/04", now, athens)
	require.ErrorContains(t, err, "two ways")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"now", "2h ago", "2026-03-29 03:30", "03/04", "1w", "\xff", "99999999999h", "0001-01-01", "now-2h", "yesterday 14:00"} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 4, 1, 18, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := when.Future(text, now, time.UTC); err == nil && at.IsZero() {
			t.Errorf("%q gave no time and no error", text)
		}
		_, _ = when.Past(text, now, time.UTC)
		if d, err := when.Duration(text); err == nil && d <= 0 {
			t.Errorf("%q gave %s", text, d)
		}
	})
}
