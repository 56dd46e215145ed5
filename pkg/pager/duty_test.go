package pager_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
)

func names(d pager.Duty) []string {
	out := []string{}
	for _, o := range d.People {
		out = append(out, o.Username)
	}
	return out
}

func TestOnCallNow(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	now, err := w.OnCallNow(t.Context(), pager.NowQuery{})
	require.NoError(t, err)
	assert.Empty(t, now.Partial)
	type row struct {
		team, policy string
		step, after  int
		people       []string
		others       []string
		gap          bool
	}
	rows := []row{}
	for _, d := range now.Duties {
		rows = append(rows, row{d.Team.Name, d.Policy.Name, d.Step, d.AfterMinutes, names(d), d.Others, d.Gap})
	}
	none := []string{}
	assert.Equal(t, []row{
		{"Devices", "Devices", 1, 0, []string{"noor"}, none, false},
		{"Devices", "Devices", 2, 15, none, []string{"email devices@example.test"}, false},
		{"Operations", "Operations low urgency", 1, 0, []string{"you"}, none, false},
		{"Operations", "Operations low urgency", 2, 60, []string{"secondary"}, none, false},
		{"Operations", "Operations primary", 1, 0, []string{"you"}, none, false},
		{"Operations", "Operations primary", 2, 10, []string{"secondary"}, none, false},
		{"Operations", "Operations primary", 3, 30, []string{"manager"}, none, false},
		{"Support", "Support desk", 1, 0, none, none, true},
	}, rows)
	for _, d := range now.Duties {
		if d.Policy.Name == "Operations primary" && d.Step == 1 {
			assert.True(t, d.People[0].Until.After(start), "when the turn ends")
		}
	}

	one, err := w.OnCallNow(t.Context(), pager.NowQuery{Team: "operations", Contacts: true})
	require.NoError(t, err)
	require.Len(t, one.Duties, 5)
	you := one.Duties[2].People[0]
	assert.NotEmpty(t, you.Email)
	assert.NotEmpty(t, you.Name)
	assert.NotEmpty(t, you.Phones)
	assert.Empty(t, one.Duties[4].People[0].Phones, "an unverified number does not ring")
	_, err = w.OnCallNow(t.Context(), pager.NowQuery{Team: "nobody's"})
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

const pathCurrent = "/api-public/v1/oncall/current"

// What cannot be read of the steps falls back to the plain list.
func TestOnCallNowWithPartsMissing(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t,
		get(pathCurrent, `{"teamsOnCall":[{"team":{"name":"A","slug":"team-1"},"oncallNow":[{"escalationPolicy":{"name":"P","slug":"pol-1"},"users":[{"onCalluser":{"username":"anna"}}]},
			{"escalationPolicy":{"name":"Q","slug":"pol-2"},"users":[]}]},{"team":{"name":"B","slug":"team-2"},"oncallNow":[]}]}`),
		httpxtest.Exchange{Path: "/api-public/v1/policies/pol-1", Reply: httpxtest.Status(500)},
		get("/api-public/v1/policies/pol-2", `{"name":"Q","slug":"pol-2","steps":[{"timeout":5,"entries":[]},{"timeout":10,"entries":[{"executionType":"rotation_group","rotationGroup":{"slug":"r"}}]}]}`),
		httpxtest.Exchange{Path: "/api-public/v2/team/team-1/oncall/schedule?daysForward=1&step=1", Reply: httpxtest.Status(500)})
	now, err := p.OnCallNow(t.Context(), pager.NowQuery{})
	require.NoError(t, err)
	require.Len(t, now.Duties, 3)
	assert.Equal(t, []string{"anna"}, names(now.Duties[0]))
	assert.Zero(t, now.Duties[0].Step, "at which step is not known")
	assert.False(t, now.Duties[0].Gap)
	assert.True(t, now.Duties[1].Gap)
	assert.Equal(t, "B", now.Duties[2].Team.Name)
	assert.True(t, now.Duties[2].Gap, "a team without cover is a gap")
	assert.Len(t, now.Partial, 2)
}

// The plain list is the truth of the moment: somebody whom no step names is shown.
func TestOnCallNowShowsWhoIsNotPlanned(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t,
		get(pathCurrent, `{"teamsOnCall":[{"team":{"name":"A","slug":"team-1"},"oncallNow":[{"escalationPolicy":{"name":"P","slug":"pol-1"},"users":[{"onCalluser":{"username":"anna"}},{"onCalluser":{"username":"taker"}}]}]}]}`),
		get("/api-public/v1/policies/pol-1", `{"name":"P","slug":"pol-1","steps":[{"timeout":0,"entries":[{"executionType":"rotation_group"},{"executionType":"webhook","webhook":{"slug":"wh-1","label":"hook"}},
			{"executionType":"policy_routing","targetPolicy":{"policySlug":"pol-9"}},{"executionType":"team"}]},{"timeout":0,"entries":[{"executionType":"user","user":{"username":"x"}}]}]}`),
		get("/api-public/v2/team/team-1/oncall/schedule?daysForward=1", `{"team":{"name":"A","slug":"team-1"},"schedules":[{"policy":{"name":"P","slug":"pol-1"},
			"schedule":[{"onCallUser":{"username":"boris"},"overrideOnCallUser":{"username":"anna"},"onCallType":"rotation_group","rolls":[],"shiftRoll":"2026-03-05T09:00:00+02:00"}]},{"policy":{"name":"Z","slug":"pol-z"},"schedule":[{"onCallUser":{"username":"z"},"onCallType":"user","rolls":[]}]}]}`),
		get("/api-public/v2/team/team-1/oncall/schedule?daysForward=1&step=1", `{"team":{"name":"A","slug":"team-1"},"schedules":[]}`))
	now, err := p.OnCallNow(t.Context(), pager.NowQuery{})
	require.NoError(t, err)
	require.Len(t, now.Duties, 3)
	assert.Equal(t, []string{"taker"}, names(now.Duties[0]))
	first := now.Duties[1]
	assert.Equal(t, []string{"anna"}, names(first))
	assert.Equal(t, "boris", first.People[0].Covers)
	assert.Equal(t, time.Date(2026, 3, 5, 7, 0, 0, 0, time.UTC), first.People[0].Until)
	assert.Equal(t, []string{"webhook hook", "policy pol-9", "team"}, first.Others)
	assert.True(t, now.Duties[2].Gap)
}

func TestTake(t *testing.T) {
	t.Parallel()
	w := demo(t, "secondary")
	ctx := t.Context()
	pol, err := w.FindPolicy(ctx, "operations primary")
	require.NoError(t, err)
	plan, err := w.PlanTake(ctx, pol, "", "secondary")
	require.NoError(t, err)
	assert.Equal(t, "you", plan.From)
	assert.False(t, plan.Already)
	done, err := w.Take(ctx, plan)
	require.NoError(t, err)
	assert.False(t, done.Looked)
	now, err := w.OnCallNow(ctx, pager.NowQuery{Team: "Operations"})
	require.NoError(t, err)
	assert.Equal(t, []string{"secondary"}, names(now.Duties[2]))
	assert.Equal(t, "you", now.Duties[2].People[0].Covers)

	again, err := w.PlanTake(ctx, pol, "", "secondary")
	require.NoError(t, err)
	assert.True(t, again.Already)
	_, err = w.Take(ctx, again)
	require.NoError(t, err)
	all, err := w.Changes()
	require.NoError(t, err)
	assert.Len(t, all, 1)

	_, err = w.PlanTake(ctx, pol, "manager", "you")
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.EqualError(t, err, "victorops: take on-call: manager is not on call for Operations primary: secondary is on call there")
	desk, err := w.FindPolicy(ctx, "support desk")
	require.NoError(t, err)
	_, err = w.PlanTake(ctx, desk, "", "you")
	require.ErrorIs(t, err, apierr.ErrGuard)
	assert.ErrorContains(t, err, "nobody is on call for Support desk")
}

func current(users ...string) string {
	s := ""
	for n, u := range users {
		if n > 0 {
			s += ","
		}
		s += `{"onCalluser":{"username":"` + u + `"}}`
	}
	return `{"teamsOnCall":[{"team":{"name":"A","slug":"team-1"},"oncallNow":[{"escalationPolicy":{"name":"P","slug":"pol-1"},"users":[` + s + `]}]}]}`
}

// The answer's "ok" proves nothing: only the list of who is on call does.
func TestTakeIsConfirmed(t *testing.T) {
	t.Parallel()
	const path = "/api-public/v1/policies/pol-1/oncall/user"
	ok := httpxtest.Exchange{Method: patch, Path: path, Body: `{"fromUser":"anna","toUser":"you"}`, Reply: httpxtest.JSON(200, `{"result":"ok"}`)}
	lostAnswer := httpxtest.Exchange{Method: patch, Path: path, Reply: httpxtest.ResetAfter()}
	plan := pager.Taking{Policy: pager.Policy{Name: "P", Slug: "pol-1"}, From: "anna", To: "you"}
	for name, test := range map[string]struct {
		exchanges []httpxtest.Exchange
		kind      error
		says      string
		looked    bool
	}{
		"at once":              {[]httpxtest.Exchange{ok, get(pathCurrent, current("you"))}, nil, "", false},
		"a moment later":       {[]httpxtest.Exchange{ok, get(pathCurrent, current("anna")), get(pathCurrent, current("you"))}, nil, "", false},
		"never":                {[]httpxtest.Exchange{ok, {Path: pathCurrent, Reply: httpxtest.JSON(200, current("anna")), Times: 3}}, apierr.ErrGuard, "victorops: take on-call of P: not confirmed: VictorOps shows anna is on call there", false},
		"the list fails":       {[]httpxtest.Exchange{ok, {Path: pathCurrent, Reply: httpxtest.Status(500), Times: 3}}, apierr.ErrGuard, "not confirmed: who is on call could not be read", false},
		"lost, and it arrived": {[]httpxtest.Exchange{lostAnswer, get(pathCurrent, current("YOU"))}, nil, "", true},
		"lost, and it did not": {[]httpxtest.Exchange{lostAnswer, {Path: pathCurrent, Reply: httpxtest.JSON(200, current()), Times: 3}}, apierr.ErrUnknownOutcome, "cannot tell whether it arrived: the answer was lost; VictorOps shows nobody is on call there", false},
		"refused":              {[]httpxtest.Exchange{{Method: patch, Path: path, Reply: httpxtest.Status(403)}}, apierr.ErrAuth, "refused", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, srv := scripted(t, test.exchanges...)
			waits := 0
			p.Wait = func(ctx context.Context, d time.Duration) error {
				waits++
				assert.Equal(t, time.Second, d)
				return ctx.Err()
			}
			got, err := p.Take(t.Context(), plan)
			assert.Equal(t, max(len(srv.Seen())-2, 0), waits, "a pause between looks")
			if test.kind == nil {
				require.NoError(t, err)
				assert.Equal(t, test.looked, got.Looked)
				return
			}
			require.ErrorIs(t, err, test.kind)
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestTakeAmongSeveral(t *testing.T) {
	t.Parallel()
	pol := pager.Policy{Name: "P", Slug: "pol-1"}
	p, _ := scripted(t, httpxtest.Exchange{Path: pathCurrent, Reply: httpxtest.JSON(200, current("anna", "you")), Times: 2},
		httpxtest.Exchange{Method: patch, Path: "/api-public/v1/policies/pol-1/oncall/user", Reply: httpxtest.JSON(200, `{"result":"ok"}`)},
		// You were on call there already at another step: that you still are proves nothing.
		httpxtest.Exchange{Path: pathCurrent, Reply: httpxtest.JSON(200, current("anna", "you")), Times: 3})
	_, err := p.PlanTake(t.Context(), pol, "", "you")
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	assert.Equal(t, "--from NAME", apierr.HintOf(err))
	plan, err := p.PlanTake(t.Context(), pol, "anna", "you")
	require.NoError(t, err)
	assert.False(t, plan.Already)
	_, err = p.Take(t.Context(), plan)
	require.ErrorIs(t, err, apierr.ErrGuard)
}
