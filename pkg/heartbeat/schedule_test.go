package heartbeat

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/healthchecks"
)

func TestScheduleInWords(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"* * * * *": "every minute", "*/15 * * * *": "every 15 minutes", "7 * * * *": "every hour at minute 7",
		"0 */6 * * *": "every 6 hours at minute 0", "30 2 * * *": "every day at 02:30", "30 2,14 * * *": "every day at 02:30 and 14:30",
		"0 9 * * 1-5": "Monday to Friday at 09:00", "0 9 * * sun": "on Sunday at 09:00", "0 9 * * 7": "on Sunday at 09:00", "5 4 1 * *": "on day 1 of every month at 04:05",
		"*/5 9-17 * * 1-5": "every 5 minutes from 09:00 to 17:59, Monday to Friday", "*/7 * * * *": "every 7 minutes of the hour", "0,30 * * * *": "every hour at minutes 0 and 30",
		"0 8-18 * * *": "every hour from 08:00 to 18:00", "0 22 * * 5-7": "Friday to Sunday at 22:00", "0 9 * * mon,wed,fri": "on Monday, Wednesday and Friday at 09:00",
		"0 9 * * 1-3,6": "on Monday to Wednesday and Saturday at 09:00", "0 6 1,15 * *": "on days 1 and 15 of every month at 06:00", "0 6 1 jan *": "on day 1 of January at 06:00",
		"0 6 * 6-8 *": "every day in June to August at 06:00", "0 6 * 6,12 1": "on Monday in June and December at 06:00", "0 6 13 * 5": "on day 13 of every month, and on Friday at 06:00",
		"15,45 3 * * *": "every day at 03:15 and 03:45", "7 * * * 0,6": "every hour at minute 7, on Saturday and Sunday", "* 3 * * *": "every minute from 03:00 to 03:59",
		"1-59/2 * * * *": "cron 1-59/2 * * * *", "0 1-23/2 * * *": "cron 0 1-23/2 * * *", "*/5 1,3 * * *": "cron */5 1,3 * * *", "0 0 */2 * *": "cron 0 0 */2 * *", "0 6 13 1 5": "cron 0 6 13 1 5",
		"0,10,20 1,2,3 * * *": "cron 0,10,20 1,2,3 * * *", "0 0 * * */1": "cron 0 0 * * */1",
		"1,2 3 4 5 6": "cron 1,2 3 4 5 6", "+1 * * * *": "cron +1 * * * *", "0 0 L * *": "cron 0 0 L * *", "61 * * * *": "cron 61 * * * *",
	} {
		s := scheduleOf(healthchecks.Check{Schedule: expr, TZ: "Europe/Athens"})
		assert.Equal(t, want+" Europe/Athens", s.Words, expr)
		assert.Equal(t, "cron", s.Kind)
	}
	period := func(d, grace time.Duration) string {
		return scheduleOf(healthchecks.Check{Timeout: healthchecks.Seconds{Duration: d, Set: true}, Grace: healthchecks.Seconds{Duration: grace}}).Words
	}
	assert.Equal(t, "every hour, 1h of grace", period(time.Hour, time.Hour))
	assert.Equal(t, "every 1h 30m, 5m of grace", period(90*time.Minute, 5*time.Minute))
	assert.Equal(t, "calendar Mon..Fri 10:00 UTC", scheduleOf(healthchecks.Check{Schedule: "Mon..Fri 10:00"}).Words)
	brief := scheduleOf(healthchecks.Check{Schedule: "0 9 * * mon,wed,fri", Grace: healthchecks.Seconds{Duration: time.Hour}})
	assert.Equal(t, "on Monday, Wednesday and Friday at 09:00 UTC", brief.Brief())
	assert.Equal(t, "not told", scheduleOf(healthchecks.Check{}).Words)
}

func TestCronNext(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	require.NoError(t, err)
	from := time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC) // a Wednesday
	for expr, want := range map[string]string{
		"30 2 * * *": "2026-03-05T02:30:00+02:00", "*/15 * * * *": "2026-03-04T05:30:00+02:00", "0 9 * * 1": "2026-03-09T09:00:00+02:00",
		"0 0 29 2 *": "2028-02-29T00:00:00+02:00", "0 0 13 * 5": "2026-03-06T00:00:00+02:00", // both days limited: either will do
		"0 12 1 jan *": "2027-01-01T12:00:00+02:00", "18-20 5 * * *": "2026-03-04T05:19:00+02:00",
	} {
		c, err := parseCron(expr)
		require.NoError(t, err, expr)
		assert.Equal(t, want, c.next(from.In(athens)).Format(time.RFC3339), expr)
	}
	c, err := parseCron("0 0 31 2 *")
	require.NoError(t, err)
	assert.True(t, c.next(from).IsZero(), "there is no such day")
}

// TestCronAsTheServer compares with slots that cronsim 2.7 found, the library by
// which the server finds them: also over changes of the clocks by an hour, by half
// an hour (of certain times alone: it steps by whole hours there) and at midnight.
func TestCronAsTheServer(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/cron.json")
	require.NoError(t, err)
	var rows []struct {
		Cron, Zone, From string
		Next             []string
	}
	require.NoError(t, json.Unmarshal(text, &rows))
	require.Greater(t, len(rows), 400)
	const minutes = "2006-01-02T15:04Z07:00"
	for _, r := range rows {
		c, err := parseCron(r.Cron)
		require.NoError(t, err, r.Cron)
		loc, err := time.LoadLocation(r.Zone)
		require.NoError(t, err)
		at, err := time.Parse(minutes, r.From)
		require.NoError(t, err)
		got := []string{}
		for range r.Next {
			at = c.next(at.In(loc))
			got = append(got, at.UTC().Format(minutes))
		}
		assert.Equal(t, r.Next, got, "%s %s from %s", r.Cron, r.Zone, r.From)
	}
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"* * * * *", "*/15 0-23/2 1,15 jan-dec mon", "0 0 29 2 *", "5/10 * * * *", "a b c d e", "-1 * * * *", "1-0 * * * *", "* * * * 0,7"} {
		f.Add(s)
	}
	from := time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCron(text)
		if err != nil {
			return
		}
		assert.NotEmpty(t, c.words())
		if at := c.next(from); !at.IsZero() {
			assert.True(t, at.After(from))
			assert.True(t, c.minute[at.Minute()] && c.hour[at.Hour()] && c.month[int(at.Month())], "%s: %s", text, at)
		}
	})
}
