package pager_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/simulator"
	"github.com/balena-io/oncall/pkg/victorops"
)

const pathOverrides = "/api-public/v1/overrides"

func away(hours ...int) pager.NewOverride {
	from, to := 1, 9
	if len(hours) == 2 {
		from, to = hours[0], hours[1]
	}
	return pager.NewOverride{Away: pager.Person{Username: "you"}, Cover: pager.Person{Username: "secondary"},
		Start: start.Add(time.Duration(from) * time.Hour), End: start.Add(time.Duration(to) * time.Hour)}
}

func TestOverride(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	o, err := w.Override(ctx, away())
	require.NoError(t, err)
	assert.Equal(t, []string{"Operations primary", "Operations low urgency"}, o.Policies)
	assert.Empty(t, o.Open)
	assert.False(t, o.Already)
	s, err := w.TeamSchedule(ctx, "operations", pager.ScheduleQuery{Days: 1, Step: 1})
	require.NoError(t, err)
	covered := 0
	for _, x := range s.Shifts {
		if x.User == "secondary" && x.Covers == "you" {
			covered++
			assert.Equal(t, 8*time.Hour, x.End.Sub(x.Start))
		}
	}
	assert.Equal(t, 2, covered, "once a policy")

	// The same again changes nothing.
	again, err := w.Override(ctx, away())
	require.NoError(t, err)
	assert.True(t, again.Already)
	assert.Equal(t, o.ID, again.ID)
	assert.Equal(t, 1, w.sent(t, post, pathOverrides))
}

// An override without its cover, made in the portal or left by a lost answer, is
// completed and not made again.
func TestOverrideIsCompleted(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	w.fault(t, simulator.FaultResetBefore, put, pathOverrides+"/*/assignments/*")
	_, err := w.Override(t.Context(), away())
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	o, err := w.Override(t.Context(), away())
	require.NoError(t, err)
	assert.False(t, o.Already)
	assert.Len(t, o.Policies, 2)
	assert.Equal(t, 1, w.sent(t, post, pathOverrides))
}

func TestOverrideOfOnePolicy(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	in := away()
	pol, err := w.FindPolicy(t.Context(), "operations primary")
	require.NoError(t, err)
	in.Policies = []pager.Policy{pol}
	o, err := w.Override(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, []string{"Operations primary"}, o.Policies)
	assert.Equal(t, []string{"Operations low urgency"}, o.Open, "for that one the person away stays on duty")

	other, err := w.FindPolicy(t.Context(), "support desk")
	require.NoError(t, err)
	in = away(20, 30)
	in.Policies = []pager.Policy{other}
	_, err = w.Override(t.Context(), in)
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.EqualError(t, err, "victorops: override: policy Support desk does not name you; nothing was left behind")
	all, err := w.Client.Overrides(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 1)
}

func TestOverrideIsValidatedHere(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t)
	same := away()
	same.Cover.Username = "YOU"
	nobody := away()
	nobody.Cover.Username = ""
	for _, test := range []struct {
		in   pager.NewOverride
		kind error
		says string
	}{
		{same, apierr.ErrUsage, "cannot stand in for themselves"},
		{nobody, apierr.ErrUsage, "who is away and who covers"},
		{away(9, 1), apierr.ErrUsage, "the end is not after the start"},
		{away(-9, -1), apierr.ErrUsage, "the end is in the past"},
		{away(0, 1), apierr.ErrGuard, "VictorOps takes no override that starts within 30 minutes"},
	} {
		_, err := p.Override(t.Context(), test.in)
		require.ErrorIs(t, err, test.kind)
		assert.ErrorContains(t, err, test.says)
	}
	_, err := p.Override(t.Context(), away(0, 1))
	assert.Equal(t, "oncall rotation take, for now", apierr.HintOf(err))
	assert.Empty(t, srv.Seen())
}

// Between the two steps everything can break. Either the override is whole, or it
// is gone, or the error says that it cannot be told.
func TestOverrideWhenSomethingBreaks(t *testing.T) {
	t.Parallel()
	const assign = pathOverrides + "/*/assignments/*"
	for name, test := range map[string]struct {
		kind, method, path string
		status             int
		want               error // nil: made
		left               int   // overrides that are there afterwards
		creates            int
	}{
		"create: reset after it acted":   {simulator.FaultResetAfter, post, pathOverrides, 0, nil, 1, 1},
		"create: cut":                    {simulator.FaultCut, post, pathOverrides, 0, nil, 1, 1},
		"create: reset before it acted":  {simulator.FaultResetBefore, post, pathOverrides, 0, apierr.ErrUnknownOutcome, 0, 1},
		"create: refused":                {simulator.FaultStatus, post, pathOverrides, 403, apierr.ErrAuth, 0, 1},
		"assign: reset after it acted":   {simulator.FaultResetAfter, put, assign, 0, nil, 1, 1},
		"assign: refused, so all undone": {simulator.FaultStatus, put, assign, 422, apierr.ErrInvalid, 0, 1},
		"assign: reset before it acted":  {simulator.FaultResetBefore, put, assign, 0, apierr.ErrUnknownOutcome, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			w.fault(t, test.kind, test.method, test.path, func(f *simulator.Fault) { f.Status = test.status })
			o, err := w.Override(t.Context(), away())
			if test.want == nil {
				require.NoError(t, err)
				assert.True(t, o.Looked)
				assert.Len(t, o.Policies, 2)
			} else {
				require.ErrorIs(t, err, test.want)
			}
			all, listErr := w.Client.Overrides(t.Context())
			require.NoError(t, listErr)
			assert.Len(t, all, test.left)
			assert.Equal(t, test.creates, w.sent(t, post, pathOverrides))
		})
	}
}

// meanwhile lets something happen around the first step of an override.
type meanwhile struct {
	pager.Client
	before, after func()
}

func (m meanwhile) CreateOverride(ctx context.Context, in victorops.NewOverride) (victorops.Override, error) {
	if m.before != nil {
		m.before()
	}
	o, err := m.Client.CreateOverride(ctx, in)
	if m.after != nil {
		m.after()
	}
	return o, err
}

func TestOverrideWhoseReadBackFails(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	w.Client = meanwhile{Client: w.Client, after: func() {
		w.fault(t, simulator.FaultStatus, http.MethodGet, pathOverrides+"*", func(f *simulator.Fault) { f.Status = 500 })
	}}
	_, err := w.Override(t.Context(), away())
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.ErrorContains(t, err, "made, but a look to confirm it failed: override ovrprd-")
	assert.Equal(t, 1, w.sent(t, post, pathOverrides))
	assert.Zero(t, w.sent(t, http.MethodDelete, pathOverrides+"/*"), "it may well be whole")
}

// Two people find the way clear at the same moment. The vendor keeps both; who
// comes later is told of the other, for the same times and for others, and of
// nobody else.
func TestOverrideMadeByTwoAtOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		other pager.NewOverride
		tells bool
	}{
		"the very same":            {away(), true},
		"part of the time":         {away(8, 12), true},
		"when it is over":          {away(9, 12), false},
		"for somebody else":        {pager.NewOverride{Away: pager.Person{Username: "secondary"}, Cover: pager.Person{Username: "manager"}, Start: away().Start, End: away().End}, false},
		"for a policy not covered": {pager.NewOverride{Away: away().Away, Cover: away().Cover, Start: away().Start, End: away().End, Policies: []pager.Policy{{Slug: "low"}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			all, err := w.Policies(t.Context())
			require.NoError(t, err)
			named := func(name string) pager.Policy {
				for _, r := range all {
					if r.Name == name {
						return r
					}
				}
				require.Fail(t, "no policy "+name)
				return pager.Policy{}
			}
			in := away()
			in.Policies = []pager.Policy{named("Operations primary")}
			if len(c.other.Policies) > 0 {
				c.other.Policies = []pager.Policy{named("Operations low urgency")}
			}
			var first pager.Override
			there := w.Client
			w.Client = meanwhile{Client: there, before: func() {
				var err error
				first, err = (&pager.Pager{Client: there, User: "manager", Now: w.Now}).Override(t.Context(), c.other)
				assert.NoError(t, err)
				assert.Empty(t, first.Across, "nobody was there before")
			}}
			second, err := w.Override(t.Context(), in)
			require.NoError(t, err)
			require.NotEqual(t, first.ID, second.ID)
			if !c.tells {
				assert.Empty(t, second.Across)
				return
			}
			require.Len(t, second.Across, 1)
			x := second.Across[0]
			assert.Equal(t, []any{first.ID, "you", first.Start, first.End}, []any{x.ID, x.Away, x.Start, x.End})
		})
	}
}

func TestOverrideThatCannotBeUndone(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	w.fault(t, simulator.FaultStatus, put, pathOverrides+"/*/assignments/*", func(f *simulator.Fault) { f.Status = 422 })
	w.fault(t, simulator.FaultStatus, http.MethodDelete, pathOverrides+"/*", func(f *simulator.Fault) { f.Status = 500 })
	_, err := w.Override(t.Context(), away())
	require.ErrorIs(t, err, apierr.ErrConflict)
	assert.ErrorContains(t, err, "is left without one, so the person away stays on duty")
	assert.Regexp(t, `^oncall rotation override --cancel ovrprd-\w+$`, apierr.HintOf(err))
}

// A 200 for each step, and a look that shows something else.
func TestOverrideIsConfirmed(t *testing.T) {
	t.Parallel()
	const made = `{"publicId":"o1","user":{"username":"you"},"start":"2026-03-04T03:00:00Z","end":"2026-03-04T11:00:00Z","assignments":[{"team":"t","policy":"pol-1","assigned":false}]}`
	p, _ := scripted(t, get(pathOverrides, `{"overrides":[]}`),
		httpxtest.Exchange{Method: post, Path: pathOverrides, Reply: httpxtest.JSON(200, `{"override":`+made+`}`)},
		httpxtest.Exchange{Method: put, Path: pathOverrides + "/o1/assignments/pol-1", Reply: httpxtest.JSON(200, `{}`)},
		get(pathOverrides, `{"overrides":[`+made+`]}`),
		get("/api-public/v1/policies", `{"policies":[{"policy":{"name":"Primary","slug":"pol-1"},"team":{"name":"One","slug":"t"}}]}`),
		httpxtest.Exchange{Method: "DELETE", Path: pathOverrides + "/o1", Reply: httpxtest.Status(200)})
	_, err := p.Override(t.Context(), away())
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.EqualError(t, err, "victorops: override: VictorOps does not show secondary as the cover of Primary; nothing was left behind")
}

// An answer that no longer names the policy confirms nothing.
func TestOverrideWhoseCoverIsNotShown(t *testing.T) {
	t.Parallel()
	const there = `{"publicId":"o1","user":{"username":"you"},"start":"2026-03-04T03:00:00Z","end":"2026-03-04T11:00:00Z","assignments":[`
	p, _ := scripted(t, get(pathOverrides, `{"overrides":[]}`),
		httpxtest.Exchange{Method: post, Path: pathOverrides, Reply: httpxtest.JSON(200, `{"override":`+there+`{"team":"t","policy":"pol-1","assigned":false}]}}`)},
		httpxtest.Exchange{Method: put, Path: pathOverrides + "/o1/assignments/pol-1", Reply: httpxtest.JSON(200, `{}`)},
		get(pathOverrides, `{"overrides":[]}`), // the list lags: it is asked for by its id
		get(pathOverrides+"/o1", `{"override":`+there+`]}}`),
		get("/api-public/v1/policies", `{"policies":[]}`),
		httpxtest.Exchange{Method: "DELETE", Path: pathOverrides + "/o1", Reply: httpxtest.Status(200)})
	_, err := p.Override(t.Context(), away())
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "VictorOps does not show secondary as the cover of pol-1; nothing was left behind")
}

// Two covers for one absence: who is on duty then would be anybody's guess.
func TestOverrideAcrossAnother(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	first, err := w.Override(t.Context(), away())
	require.NoError(t, err)
	other := away()
	other.Cover.Username = "manager"
	for name, in := range map[string]pager.NewOverride{"the same times, somebody else": other, "within": away(2, 3), "over its end": away(8, 12)} {
		_, err := w.Override(t.Context(), in)
		require.ErrorIs(t, err, apierr.ErrGuard, name)
		assert.ErrorContains(t, err, "secondary stands in for you already from Wed 04 Mar 2026 03:00 UTC to Wed 04 Mar 2026 11:00 UTC, on Operations primary")
		assert.Equal(t, "oncall rotation override --cancel "+first.ID+", first", apierr.HintOf(err))
	}
	assert.Equal(t, 1, w.sent(t, post, pathOverrides))

	_, err = w.Override(t.Context(), away(11, 12))
	require.NoError(t, err, "one that begins where the other ends")
}

func TestCancelOverride(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	made, err := w.Override(ctx, away())
	require.NoError(t, err)
	there, err := w.StandIns(ctx)
	require.NoError(t, err)
	require.Len(t, there, 1)
	assert.Equal(t, pager.StandIn{ID: made.ID, Away: "you", Start: made.Start, End: made.End, Covers: []pager.Cover{
		{Policy: "Operations primary", User: "secondary"}, {Policy: "Operations low urgency", User: "secondary"}}}, there[0])

	const one = pathOverrides + "/*"
	w.fault(t, simulator.FaultResetBefore, http.MethodDelete, one)
	_, err = w.CancelOverride(ctx, made.ID)
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.ErrorContains(t, err, "the override is still there")
	w.fault(t, simulator.FaultResetAfter, http.MethodDelete, one)
	looked, err := w.CancelOverride(ctx, made.ID)
	require.NoError(t, err)
	assert.True(t, looked)

	there, err = w.StandIns(ctx)
	require.NoError(t, err)
	assert.Empty(t, there)
	_, err = w.StandIn(ctx, made.ID)
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

func TestOverrideOfSomebodyWithoutDuty(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathOverrides, `{"overrides":[]}`),
		httpxtest.Exchange{Method: post, Path: pathOverrides, Reply: httpxtest.JSON(200, `{"schedule":{"publicId":"o1","assignments":[]}}`)},
		httpxtest.Exchange{Method: "DELETE", Path: pathOverrides + "/o1", Reply: httpxtest.Status(404)})
	_, err := p.Override(t.Context(), away())
	require.EqualError(t, err, "victorops: override: no escalation policy names you: there is nothing to cover; nothing was left behind")
}

// Ctrl-C between the steps: half an override looks like a whole one, so it goes.
func TestOverrideInterruptedBetweenTheSteps(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx, cancel := context.WithCancel(t.Context())
	w.Pager.Client = cancelling{w.Pager.Client, cancel}
	_, err := w.Override(ctx, away())
	require.ErrorIs(t, err, context.Canceled)
	assert.ErrorContains(t, err, "nothing was left behind")
	all, err := w.Pager.Client.Overrides(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)
}
