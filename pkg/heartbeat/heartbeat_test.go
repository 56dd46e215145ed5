package heartbeat

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/journal"
)

var now = time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)

// fake is a project of one's own making.
type fake struct {
	Vendor
	checks   []healthchecks.Check
	pings    []healthchecks.Ping
	flips    []healthchecks.Flip
	pingsErr error

	checksErr error
	channels  []healthchecks.Channel // nil: they cannot be read
	after     []healthchecks.Check   // what reads of one check answer, in turn
	change    func() (healthchecks.Check, error)
	changes   int
	unsigned  bool
	slugs     bool
}

func (f *fake) Checks(context.Context, ...string) ([]healthchecks.Check, error) {
	return f.checks, f.checksErr
}

func (f *fake) Pings(context.Context, string) ([]healthchecks.Ping, error) {
	return f.pings, f.pingsErr
}

func (f *fake) Flips(context.Context, string, time.Time) ([]healthchecks.Flip, error) {
	return f.flips, nil
}
func (f *fake) Channels(context.Context) ([]healthchecks.Channel, error) {
	if f.channels == nil {
		return nil, apierr.New(apierr.ErrUnavailable, "healthchecks", "list integrations", "away")
	}
	return f.channels, nil
}

func (f *fake) Signed() bool        { return !f.unsigned }
func (f *fake) CanPingBySlug() bool { return f.slugs }
func (f *fake) Check(context.Context, string) (healthchecks.Check, error) {
	if len(f.after) == 0 {
		return healthchecks.Check{}, apierr.New(apierr.ErrUnavailable, "healthchecks", "read", "away")
	}
	c := f.after[0]
	f.after = f.after[1:]
	return c, nil
}

func (f *fake) Pause(context.Context, string) (healthchecks.Check, error) {
	f.changes++
	return f.change()
}

func (f *fake) Resume(context.Context, string) (healthchecks.Check, error) {
	f.changes++
	return f.change()
}

const id = "7a09efc5-3f9f-4b33-9f07-6b2a9b0d5c11"

// hourly is a check of an hour, with an hour of grace, last heard of so long ago.
func hourly(status string, last time.Duration) healthchecks.Check {
	return healthchecks.Check{Name: "e2e hourly", Slug: "e2e", UUID: id, Status: status, Pings: 9,
		Timeout: healthchecks.Seconds{Duration: time.Hour, Set: true}, Grace: healthchecks.Seconds{Duration: time.Hour, Set: true},
		LastPing: healthchecks.Time{Time: now.Add(-last)}}
}

func monitor(f *fake) *Monitor { return &Monitor{Client: f, Now: func() time.Time { return now }} }

func started(c healthchecks.Check) healthchecks.Check { c.Started = true; return c }
func readOnly(c healthchecks.Check) healthchecks.Check {
	c.UniqueKey, c.UUID = healthchecks.UniqueKeyOf(c.UUID), ""
	return c
}

func TestStates(t *testing.T) {
	t.Parallel()
	never := hourly(healthchecks.StatusNew, 0)
	never.LastPing = healthchecks.Time{}
	cron := hourly(healthchecks.StatusStarted, 2*time.Hour)
	cron.Timeout, cron.Schedule = healthchecks.Seconds{}, "Mon..Fri 10:00"
	for name, c := range map[string]struct {
		check healthchecks.Check
		want  State
		since time.Duration // ago; 0 is not known
	}{
		"up":                            {hourly("up", time.Minute), Up, 0},
		"late":                          {hourly("grace", 90*time.Minute), Late, 30 * time.Minute},
		"silent":                        {hourly("down", 3*time.Hour), Down, time.Hour},
		"failed in time: since unknown": {hourly("down", 10*time.Minute), Down, 0},
		"paused":                        {hourly("paused", 9*time.Hour), Paused, 0},
		"new":                           {never, New, 0},
		"first run":                     {started(never), Running, 0},
		"running":                       {started(hourly("up", time.Minute)), Running, 0},
		"down and running":              {started(hourly("down", 3*time.Hour)), Down, time.Hour},
		"v1 running, in time":           {started(hourly("started", time.Minute)), Running, 0},
		"v1 running, late":              {started(hourly("started", 90*time.Minute)), Late, 30 * time.Minute},
		"v1 running, over time":         {started(hourly("started", 3*time.Hour)), Down, time.Hour},
		"v1 running, calendar":          {started(cron), Unknown, 0},
		"a new word":                    {hourly("napping", 0), Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := monitor(&fake{}).from(c.check)
			assert.Equal(t, c.want, got.State)
			if c.since == 0 {
				assert.Nil(t, got.Since)
				return
			}
			require.NotNil(t, got.Since)
			assert.Equal(t, c.since, now.Sub(*got.Since))
		})
	}
}

func TestListIsWorstFirst(t *testing.T) {
	t.Parallel()
	named := func(name, status string) healthchecks.Check {
		c := hourly(status, time.Minute)
		c.Name, c.UUID = name, name
		return c
	}
	f := &fake{checks: []healthchecks.Check{named("b", "up"), named("a", "up"), named("z", "down"), named("p", "paused"), named("n", "new"), named("l", "grace")}}
	all, err := monitor(f).List(t.Context(), Filter{})
	require.NoError(t, err)
	order := []string{}
	for _, c := range all {
		order = append(order, c.Name)
	}
	assert.Equal(t, []string{"z", "l", "p", "n", "a", "b"}, order)
	all, err = monitor(f).List(t.Context(), Filter{States: []State{Up}})
	require.NoError(t, err)
	assert.Len(t, all, 2)
}

func TestPick(t *testing.T) {
	t.Parallel()
	mk := func(name, slug, id string, tags ...string) healthchecks.Check {
		return healthchecks.Check{Name: name, Slug: slug, UUID: id, Tags: tags, Status: "up"}
	}
	other := "11111111-0000-4000-8000-000000000001"
	hidden := healthchecks.Check{Name: "hidden", UniqueKey: healthchecks.UniqueKeyOf("22222222-0000-4000-8000-000000000001"), Status: "up"}
	all := monitor(&fake{}).named([]healthchecks.Check{
		mk("e2e hourly", "e2e-hourly", id), mk("7a09", "", other), mk("backup", "bkp", "33333333-0000-4000-8000-000000000001", "db"),
		mk("backup", "", "44444444-0000-4000-8000-000000000001", "vpn"), mk("backups", "", "55555555-0000-4000-8000-000000000001"), hidden,
	})
	for word, want := range map[string]string{
		"e2e hourly": id, "E2E HOURLY": id, "e2e": id, "e2e-hourly": id, id: id, strings.ToUpper(id): id,
		"https://healthchecks.io/checks/" + id + "/details/": id, "https://hc-ping.com/" + id + "/fail": id,
		"7a09":                                 other, // a name that is also the begin of another's id: the whole name wins
		"7a09e":                                id,
		"bkp":                                  "33333333-0000-4000-8000-000000000001",
		"backup (44444444)":                    "44444444-0000-4000-8000-000000000001",
		"4444":                                 "44444444-0000-4000-8000-000000000001",
		"backups":                              "55555555-0000-4000-8000-000000000001",
		"22222222-0000-4000-8000-000000000001": hidden.UniqueKey,
		"hid":                                  hidden.UniqueKey,
	} {
		c, err := Pick(all, word)
		if assert.NoError(t, err, word) {
			assert.Equal(t, want, c.ID, word)
		}
	}
	_, err := Pick(all, "backup")
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	require.ErrorContains(t, err, "backup (33333333, db) and backup (44444444, vpn)")
	_, err = Pick(all, "e2e horuly")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, apierr.HintOf(err), "e2e hourly")
	_, err = Pick(all, "99999999-0000-4000-8000-000000000001")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	_, err = Pick(all, " ")
	require.ErrorIs(t, err, apierr.ErrUsage)
	c, err := Pick(all, "22222222-0000-4000-8000-000000000001")
	require.NoError(t, err)
	assert.True(t, c.CanPing(), "who was told the UUID may use it")
}

func TestSetPaused(t *testing.T) {
	t.Parallel()
	lost := apierr.New(apierr.ErrUnknownOutcome, "healthchecks", "pause", "lost")
	paused, up := hourly("paused", 0), hourly("up", 0)
	for name, c := range map[string]struct {
		before  healthchecks.Check
		pause   bool
		answer  healthchecks.Check
		err     error
		after   []healthchecks.Check
		changes int
		changed bool
		looked  bool
		kind    error
		text    string
	}{
		"paused":                  {up, true, paused, nil, nil, 1, true, false, nil, ""},
		"paused already":          {paused, true, paused, nil, []healthchecks.Check{paused}, 0, false, false, nil, ""},
		"paused when it was read": {paused, true, paused, nil, []healthchecks.Check{up}, 1, true, false, nil, ""},
		"paused, and no look":     {paused, true, paused, nil, nil, 0, false, false, apierr.ErrUnavailable, "away"},
		"resumed":                 {paused, false, hourly("new", 0), nil, nil, 1, true, false, nil, ""},
		"not paused":              {up, false, up, nil, []healthchecks.Check{up}, 0, false, false, nil, ""},
		"lost, and it happened":   {up, true, up, lost, []healthchecks.Check{paused}, 1, true, true, nil, ""},
		"lost, and it did not":    {up, true, up, lost, []healthchecks.Check{up}, 1, false, false, apierr.ErrUnknownOutcome, "still up"},
		"lost, and no look":       {up, true, up, lost, nil, 1, false, false, apierr.ErrUnknownOutcome, "failed too"},
		"somebody was faster":     {paused, false, up, apierr.New(apierr.ErrConflict, "", "", "check is not paused"), []healthchecks.Check{up}, 1, false, false, nil, ""},
		"refused":                 {up, true, up, apierr.New(apierr.ErrAuth, "", "", "no"), nil, 1, false, false, apierr.ErrAuth, "no"},
		"a dry run is no loss":    {up, true, up, apierr.New(apierr.ErrReadOnly, "", "", "fence"), nil, 1, false, false, apierr.ErrReadOnly, ""},
		"accepted without effect": {up, true, up, nil, nil, 1, false, false, apierr.ErrUnknownOutcome, "the check is up"},
		"a read-only key":         {readOnly(up), true, up, nil, nil, 0, false, false, apierr.ErrAuth, "read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{change: func() (healthchecks.Check, error) { return c.answer, c.err }, after: c.after}
			m := monitor(f)
			_, changed, looked, err := m.SetPaused(t.Context(), m.from(c.before), c.pause)
			assert.Equal(t, c.changes, f.changes, "sent")
			assert.Equal(t, c.changed, changed)
			assert.Equal(t, c.looked, looked)
			if c.kind == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.kind)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	get := func(f *fake, word string) (healthchecks.Target, error) {
		x, err := monitor(f).Target(t.Context(), word)
		return x.to, err
	}
	to, err := get(&fake{unsigned: true}, strings.ToUpper(id))
	require.NoError(t, err, "a UUID needs no key")
	assert.Equal(t, healthchecks.Target{UUID: id}, to)
	to, err = get(&fake{unsigned: true, slugs: true}, "e2e")
	require.NoError(t, err)
	assert.Equal(t, healthchecks.Target{Slug: "e2e"}, to)
	_, err = get(&fake{unsigned: true}, "e2e")
	require.ErrorIs(t, err, apierr.ErrAuth)
	to, err = get(&fake{checks: []healthchecks.Check{hourly("up", 0)}}, "e2e hourly")
	require.NoError(t, err)
	assert.Equal(t, id, to.UUID)
	to, err = get(&fake{slugs: true, checks: []healthchecks.Check{readOnly(hourly("up", 0))}}, "e2e hourly")
	require.NoError(t, err)
	assert.Equal(t, healthchecks.Target{Slug: "e2e"}, to)
	_, err = get(&fake{checks: []healthchecks.Check{readOnly(hourly("up", 0))}}, "e2e hourly")
	require.ErrorIs(t, err, apierr.ErrAuth)

	// The API is away or refuses the key: a ping key and a slug do without it.
	for _, kind := range []error{apierr.ErrUnavailable, apierr.ErrAuth} {
		away := apierr.New(kind, "healthchecks", "list checks", "away")
		to, err = get(&fake{slugs: true, checksErr: away}, "e2e-hourly")
		require.NoError(t, err)
		assert.Equal(t, healthchecks.Target{Slug: "e2e-hourly"}, to)
		_, err = get(&fake{slugs: true, checksErr: away}, "e2e hourly")
		require.ErrorIs(t, err, kind, "that is no slug")
		_, err = get(&fake{checksErr: away}, "e2e-hourly")
		require.ErrorIs(t, err, kind)
	}
	_, err = get(&fake{slugs: true, checks: []healthchecks.Check{hourly("up", 0)}}, "e3e-hourly")
	require.ErrorIs(t, err, apierr.ErrNotFound, "what the API does not know is no slug of its project")
}

func TestFlips(t *testing.T) {
	t.Parallel()
	at := func(ago time.Duration) healthchecks.Time { return healthchecks.Time{Time: now.Add(-ago)} }
	flip := func(ago time.Duration, up int) healthchecks.Flip { return healthchecks.Flip{At: at(ago), Up: up} }
	ping := func(kind string, ago time.Duration) healthchecks.Ping {
		return healthchecks.Ping{Type: kind, Date: at(ago), N: 5}
	}
	const h = time.Hour
	f := &fake{
		flips: []healthchecks.Flip{flip(h, 0), flip(2*h, 1), flip(8*h, 0), flip(9*h, 0), flip(10*h, 1), flip(20*h, 0), flip(21*h, 1), flip(30*h, 0), flip(31*h, 1), flip(40*h, 0), flip(41*h, 1), flip(50*h, 0)},
		pings: []healthchecks.Ping{ping("success", 2*h), ping("fail", 9*h), ping("success", 10*h), ping("success", 22*h-time.Minute), ping("success", 31*h), ping("start", 31*h-time.Second), ping("success", 41*h)},
	}
	m := monitor(f)
	m.Pauses = map[string]Pause{"e2e hourly": {Label: "e2e hourly", At: now.Add(-40*h - time.Minute), Reason: "upgrade"}}
	all, partial, err := m.Flips(t.Context(), m.from(hourly("paused", 2*h)), time.Time{})
	require.NoError(t, err)
	assert.Empty(t, partial)
	got := []string{}
	for _, x := range all {
		got = append(got, x.Cause)
	}
	assert.Equal(t, []string{
		CausePause,   // it is paused now
		CauseUp,      //
		CausePause,   // it was down before: only a pause or a resume is left
		CauseFailure, // a failing signal at that moment
		CauseUp,
		CauseSilence, // two hours after the last signal
		CauseUp,
		CauseHang, // an hour after a start that was not followed
		CauseUp,
		CausePause, // oncall paused it then
		CauseUp,
		CauseUnknown, // before the signals that are kept
	}, got)
	assert.Nil(t, all[11].Outage)
	assert.True(t, *all[3].Outage)
	assert.False(t, *all[0].Outage)
	assert.InDelta(t, h.Seconds(), *all[1].Seconds, 0.1)

	f.pings, f.pingsErr = nil, apierr.New(apierr.ErrAuth, "", "", "read-only")
	all, partial, err = m.Flips(t.Context(), m.from(hourly("down", 2*h)), time.Time{})
	require.NoError(t, err, "without the signals less is known, and no more is claimed")
	assert.Empty(t, partial, "a key that may not read them is no trouble")
	assert.True(t, *all[0].Outage, "it is down now")
	assert.Nil(t, all[5].Outage)

	f.pingsErr = apierr.New(apierr.ErrUnavailable, "healthchecks", "pings", "away")
	again, partial, err := m.Flips(t.Context(), m.from(hourly("down", 2*h)), time.Time{})
	require.NoError(t, err, "the changes themselves were read")
	assert.Equal(t, all, again)
	require.Len(t, partial, 1)
	assert.Equal(t, "pings", partial[0].Source)
}

// A check with its history: who is told, by the names of the integrations, and what
// the key may not see.
func TestGet(t *testing.T) {
	t.Parallel()
	c := hourly("up", time.Minute)
	c.HasChannels, c.ChannelIDs = true, []string{"ch1", "ch9"}
	f := &fake{checks: []healthchecks.Check{c}, channels: []healthchecks.Channel{{ID: "ch1", Name: "Operations", Kind: "victorops"}, {ID: "ch2"}}}
	for n := range 20 {
		f.pings = append(f.pings, healthchecks.Ping{N: 20 - n, Type: healthchecks.PingSuccess})
	}
	d, err := monitor(f).Get(t.Context(), "e2e")
	require.NoError(t, err)
	assert.Equal(t, []Integration{{ID: "ch1", Name: "Operations", Kind: "victorops"}, {ID: "ch9"}}, d.Integrations)
	assert.Len(t, d.LastPings, detailPings)
	assert.Empty(t, d.Partial)

	d, err = monitor(&fake{checks: []healthchecks.Check{readOnly(hourly("up", time.Minute))}}).Get(t.Context(), "e2e")
	require.NoError(t, err)
	sources := []string{}
	for _, p := range d.Partial {
		sources = append(sources, p.Source)
	}
	assert.Equal(t, []string{"pings", "integrations"}, sources)
	assert.NotNil(t, d.LastPings)
	assert.NotNil(t, d.Integrations)

	c.ChannelIDs = []string{}
	d, err = monitor(&fake{checks: []healthchecks.Check{c}}).Get(t.Context(), "e2e")
	require.NoError(t, err)
	assert.Empty(t, d.Integrations, "nobody is told, and nobody is asked who")
	assert.Empty(t, d.Partial)
}

func TestPauses(t *testing.T) {
	t.Parallel()
	j := journal.Open(t.TempDir() + "/j")
	until := now.Add(2 * time.Hour)
	write := func(e journal.Entry) { require.NoError(t, j.Append(e)) }
	pause := func(line string, targets ...string) journal.Entry {
		return journal.Entry{ID: line, Time: now, Phase: journal.Intent, Kind: Kind, Verb: VerbPause, Targets: targets, User: "you", Reason: "r", Until: &until}
	}
	outcome := func(line, verb, target, state string) journal.Entry {
		return journal.Entry{ID: line, Time: now, Phase: journal.Outcome, Kind: Kind, Verb: verb, Results: []journal.Result{{Target: target, State: state}}}
	}
	write(journal.Entry{Phase: journal.Intent, Kind: "incident", Verb: "acknowledge", Targets: []string{"4127"}}) // most lines are about other things
	write(pause("1", "a", "b", "c"))
	write(outcome("1", VerbPause, "b", "failed"))
	write(pause("2", "d"))
	write(outcome("2", VerbPause, "d", "unknown"))
	write(outcome("3", VerbResume, "a", "resumed"))
	write(outcome("4", VerbResume, "c", "failed"))
	write(pause("5", "e"))
	again := pause("6", "e", "f")
	again.Reason = "another"
	write(again)
	write(outcome("6", VerbPause, "e", "failed"))
	write(outcome("6", VerbPause, "f", "not-sent"))
	write(pause("7", "g", "h"))
	write(outcome("8", VerbResume, "g", "unknown"))
	write(outcome("8", VerbResume, "h", "not-sent"))
	write(journal.Entry{Phase: journal.Intent, Kind: "probe", Verb: VerbPause, Targets: []string{"p"}})
	got, err := Pauses(j.All())
	require.NoError(t, err)
	names := []string{}
	for n := range got {
		names = append(names, n)
	}
	assert.ElementsMatch(t, []string{"c", "d", "e", "g", "h"}, names)
	assert.Equal(t, "r", got["e"].Reason, "the one that was made")
	assert.True(t, got["c"].Over(until))
	assert.False(t, got["c"].Over(now))
	assert.False(t, Pause{}.Over(now))
}
