package heartbeat

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/healthchecks"
)

// TestWhy: the primer's rule, with as much as the key, the signals and the CI
// let be known.
func TestWhy(t *testing.T) {
	t.Parallel()
	const h, m = time.Hour, time.Minute
	ping := func(kind string, ago time.Duration) healthchecks.Ping {
		return healthchecks.Ping{Type: kind, Date: healthchecks.Time{Time: now.Add(-ago)}, N: 5, BodyURL: "x"}
	}
	build := func(result string, ended time.Duration) Build {
		b := Build{Name: "#7", Result: result, Queued: now.Add(-ended - 30*m), Usual: 30 * m, Command: "oncall e2e why 7"}
		if result != "" {
			b.Ended = now.Add(-ended)
		}
		return b
	}
	none := []Build{}
	silent, failing := hourly("down", 3*h), hourly("down", 10*m)
	only := []healthchecks.Ping{ping("success", 3*h), ping("success", 4*h)}
	talks := []healthchecks.Ping{ping("success", 3*h), ping("start", 3*h+m)}
	for name, c := range map[string]struct {
		check   healthchecks.Check
		pings   []healthchecks.Ping
		builds  []Build // nil: no job is configured
		want    Verdict
		unknown string // a part of what is not known; "" is nothing of "whether"
	}{
		"silent, a job that only reports success":       {silent, only, nil, NoSignal, "whether it starts"},
		"silent, a job that reports its start":          {silent, talks, nil, NotStarting, ""},
		"silent, read-only key":                         {readOnly(silent), nil, nil, NoSignal, "read-only"},
		"failing, read-only key":                        {readOnly(failing), nil, nil, Failing, "read-only"},
		"failing":                                       {failing, []healthchecks.Ping{ping("fail", 10*m)}, nil, Failing, ""},
		"started long ago":                              {started(silent), []healthchecks.Ping{ping("start", 2*h), ping("success", 3*h)}, nil, Hanging, ""},
		"a new run after a failure":                     {started(failing), []healthchecks.Ping{ping("start", 5*m), ping("fail", 10*m)}, nil, Trying, ""},
		"down and running, read-only key":               {readOnly(started(silent)), nil, nil, Undecided, "whether the run hangs"},
		"silent, builds fail":                           {silent, only, []Build{build("FAILURE", h)}, Failing, ""},
		"silent, builds fail, read-only key":            {readOnly(silent), nil, []Build{build("ABORTED", h)}, Failing, "read-only"},
		"silent, no build since":                        {silent, only, []Build{build("SUCCESS", 3*h+m)}, NotStarting, ""},
		"silent, no builds at all":                      {silent, only, none, NotStarting, ""},
		"silent, a build passed":                        {silent, only, []Build{build("FAILURE", h), build("SUCCESS", 2*h)}, Silent, ""},
		"silent, a build runs as usual":                 {silent, only, []Build{build("", -20*m)}, Trying, ""},
		"silent, a build runs for long":                 {silent, only, []Build{build("", 2*h)}, Hanging, ""},
		"up":                                            {hourly("up", m), only, nil, Fine, ""},
		"late":                                          {hourly("grace", 90*m), only, nil, JustLate, ""},
		"paused":                                        {hourly("paused", 90*m), nil, nil, Unwatched, ""},
		"down by a calendar that cannot be read, fail":  {calendar(failing), []healthchecks.Ping{ping("fail", 10*m)}, nil, Failing, "cannot be read"},
		"down by a calendar that cannot be read, quiet": {calendar(silent), talks, nil, NotStarting, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{checks: []healthchecks.Check{c.check}, pings: c.pings}
			var job func(context.Context, Check) (Builds, error)
			if c.builds != nil {
				job = func(context.Context, Check) (Builds, error) {
					return func(context.Context) ([]Build, error) { return c.builds, nil }, nil
				}
			}
			w, err := monitor(f).Why(t.Context(), "e2e hourly", job)
			require.NoError(t, err)
			assert.Equal(t, c.want, w.Verdict, "%+v", w.Evidence)
			all := strings.Join(w.Unknown, "; ")
			if c.unknown == "" {
				assert.NotContains(t, all, "whether")
			} else {
				assert.Contains(t, all, c.unknown)
			}
			assert.NotEmpty(t, w.Evidence)
			assert.NotEmpty(t, w.Next)
		})
	}
}

// TestWhyOfAJobThatEndsMeanwhile: its build is seen and its signal was not there yet
// when the check was read. That signal is not taken for lost.
func TestWhyOfAJobThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	passed := []Build{{Name: "#8", Result: "SUCCESS", Queued: now.Add(-30 * time.Minute), Ended: now}}
	asked := 0
	job := func(context.Context, Check) (Builds, error) {
		return func(context.Context) ([]Build, error) {
			asked++
			return passed, nil
		}, nil
	}
	f := &fake{checks: []healthchecks.Check{hourly("down", 3*time.Hour)}, after: []healthchecks.Check{hourly("up", 0)}}
	w, err := monitor(f).Why(t.Context(), "e2e", job)
	require.NoError(t, err)
	assert.Equal(t, Fine, w.Verdict)
	assert.Equal(t, 2, asked)

	f = &fake{checks: []healthchecks.Check{hourly("down", 3*time.Hour)}, after: []healthchecks.Check{hourly("down", 3*time.Hour)}}
	w, err = monitor(f).Why(t.Context(), "e2e", job)
	require.NoError(t, err)
	assert.Equal(t, Silent, w.Verdict, "nothing came: it is lost")
	assert.Equal(t, 3, asked, "and is not looked at twice")
}

func calendar(c healthchecks.Check) healthchecks.Check {
	c.Timeout, c.Schedule, c.TZ = healthchecks.Seconds{}, "Mon..Fri 10:00", "UTC"
	return c
}

// TestWhyWithoutTheCI: a Jenkins that does not answer is told and takes nothing away.
func TestWhyWithoutTheCI(t *testing.T) {
	t.Parallel()
	f := &fake{checks: []healthchecks.Check{hourly("down", 10*time.Minute)}}
	w, err := monitor(f).Why(t.Context(), "e2e", func(context.Context, Check) (Builds, error) {
		return func(context.Context) ([]Build, error) { return nil, errors.New("jenkins: away") }, nil
	})
	require.NoError(t, err)
	assert.Equal(t, Failing, w.Verdict)
	assert.Contains(t, strings.Join(w.Unknown, ";"), "jenkins: away")
}
