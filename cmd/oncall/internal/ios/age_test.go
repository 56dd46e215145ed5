package ios

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAges(t *testing.T) {
	t.Parallel()
	const s, m, h, d = time.Second, time.Minute, time.Hour, day
	for _, tt := range []struct {
		d           time.Duration
		short, long string
	}{
		{0, "now", "now"},
		{999 * time.Millisecond, "now", "now"},
		{-999 * time.Millisecond, "now", "now"},
		{s, "1s", "1s"},
		{45 * s, "45s", "45s"},
		{m - 1, "59s", "59s"},
		{m, "1m", "1m"},
		{6*m + 30*s, "6m", "6m 30s"},
		{12*m + 3*s, "12m", "12m 3s"},
		{h - 1, "59m", "59m 59s"},
		{h, "1h", "1h"},
		{3*h + 12*m, "3h", "3h 12m"},
		{d, "24h", "1d"},
		{30 * h, "30h", "1d 6h"},
		{2*d - 1, "47h", "1d 23h"},
		{4 * d, "4d", "4d"},
		{6*d + 4*h + 59*m, "6d", "6d 4h"},
		{400 * d, "400d", "400d"},
		{-4 * m, "-4m", "-4m"},
		{-(3*h + 12*m), "-3h", "-3h 12m"},
	} {
		assert.Equal(t, tt.short, Age(tt.d), "%s", tt.d)
		assert.Equal(t, tt.long, AgeLong(tt.d), "%s", tt.d)
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 3, 18, 30, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "now", 6 * time.Minute: "6m ago", -time.Second: "now", -4 * time.Minute: "in 4m", 4 * day: "4d ago",
	} {
		assert.Equal(t, want, Ago(now.Add(-d), now))
	}
	assert.Equal(t, "-", Ago(time.Time{}, now))
}

func TestTime(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	require.NoError(t, err)
	utc := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return at
	}
	for _, tt := range []struct{ at, now, want string }{
		{"2026-01-10T01:18:30Z", "2026-01-10T05:00:00Z", "03:18:30 EET"},
		{"2026-01-10T01:18:30Z", "2026-01-11T05:00:00Z", "2026-01-10 03:18:30 EET"},
		{"2025-01-10T01:18:30Z", "2026-01-10T05:00:00Z", "2025-01-10 03:18:30 EET"},
		// Late in the evening in London is tomorrow in Athens.
		{"2026-01-10T22:30:00Z", "2026-01-10T23:30:00Z", "00:30:00 EET"},
		{"2026-01-10T21:30:00Z", "2026-01-10T22:30:00Z", "2026-01-10 23:30:00 EET"},
		// The clocks go forward at 01:00 UTC on 29 March 2026.
		{"2026-03-29T00:59:59Z", "2026-03-29T12:00:00Z", "02:59:59 EET"},
		{"2026-03-29T01:00:00Z", "2026-03-29T12:00:00Z", "04:00:00 EEST"},
	} {
		assert.Equal(t, tt.want, Time(utc(tt.at), utc(tt.now), athens))
	}
	assert.Equal(t, "-", Time(time.Time{}, time.Now(), athens))
}

func TestTextWidthAndCut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"": 0, "abc": 3, "日本語": 6, "🔥": 2, "e\u0301": 1, "⚠\ufe0f": 2, "👍🏽": 2, "…": 1, "·": 1, "ｗ": 2,
	} {
		assert.Equal(t, want, TextWidth(text), "%q", text)
	}
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"abcdef", 1, "…"}, {"abcdef", 0, ""}, {"abcdef", -1, ""},
		{"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		assert.Equal(t, tt.want, Cut(tt.text, tt.width), "%q at %d", tt.text, tt.width)
	}
}
