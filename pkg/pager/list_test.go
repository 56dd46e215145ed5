package pager_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
)

const (
	pathList  = "/api-public/v1/incidents"
	pathTeams = "/api-public/v1/team"
	pathMine  = "/api-public/v1/user/you/teams"
	pathUsers = "/api-public/v2/user"
)

const wireList = `{"incidents":[
 {"incidentNumber":"1","currentPhase":"RESOLVED","startTime":"2026-03-04T00:00:00Z","pagedUsers":["you"]},
 {"incidentNumber":"2","currentPhase":"UNACKED","startTime":"2026-03-03T00:00:00Z","pagedUsers":["YOU"]},
 {"incidentNumber":"3","currentPhase":"ACKED","startTime":"2026-03-02T00:00:00Z","pagedUsers":["other"],"transitions":[{"name":"ACKED","at":"2026-03-02T01:00:00Z","by":"Yo U"}]},
 {"incidentNumber":"4","currentPhase":"UNACKED","startTime":"2026-03-04T01:00:00Z","pagedUsers":["other"],"pagedTeams":["team-1"]},
 {"incidentNumber":"5","currentPhase":"UNACKED","startTime":"2026-03-04T01:30:00Z","pagedUsers":["other"],"pagedTeams":["team-2"],
  "pagedPolicies":[{"policy":{"name":"P","slug":"pol-2"},"team":{"name":"Two","slug":"team-2"}}]}]}`

func numbers(all []pager.Incident) []string {
	out := []string{}
	for _, i := range all {
		out = append(out, i.Number)
	}
	return out
}

func TestListOpenOnes(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t, get(pathList, wireList), get(pathTeams, `[{"name":"One","slug":"team-1"}]`))
	l, err := p.List(t.Context(), pager.Filter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"5", "4", "2", "3"}, numbers(l.Incidents))
	assert.Equal(t, []pager.Team{{Name: "One", Slug: "team-1"}}, l.Incidents[1].PagedTeams, "a slug that no policy names is looked up")
	assert.Equal(t, []pager.Team{{Name: "Two", Slug: "team-2"}}, l.Incidents[0].PagedTeams)
	assert.Empty(t, l.Partial)
	assert.Zero(t, l.Others)
	assert.Len(t, srv.Seen(), 2)
}

func TestListMine(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathList, wireList), get(pathMine, `{"teams":[{"name":"One","slug":"team-1"}]}`), get(pathTeams, `[]`),
		// "by" may be a display name: only then the users are read.
		get(pathUsers, `{"users":[{"username":"you","firstName":"Yo","lastName":"U"}]}`))
	l, err := p.List(t.Context(), pager.Filter{Mine: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"4", "2", "3"}, numbers(l.Incidents))
	assert.Equal(t, 1, l.Others, "one open incident is of others")
}

func TestListMineNeedsAUser(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t)
	p.User = ""
	_, err := p.List(t.Context(), pager.Filter{Mine: true})
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Equal(t, "set ONCALL_USER, or: oncall config set user NAME", apierr.HintOf(err))
	assert.Empty(t, srv.Seen())
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	teams := get(pathTeams, `[{"name":"One","slug":"team-1"},{"name":"Two","slug":"team-2"}]`)
	p, _ := scripted(t, get(pathList, wireList), get(pathList, wireList), get(pathList, wireList), get(pathList, wireList), teams)
	l, err := p.List(t.Context(), pager.Filter{Phases: []pager.Phase{pager.Resolved, pager.Acknowledged}})
	require.NoError(t, err)
	assert.Equal(t, []string{"3", "1"}, numbers(l.Incidents))
	l, err = p.List(t.Context(), pager.Filter{Team: "tw"})
	require.NoError(t, err)
	assert.Equal(t, []string{"5"}, numbers(l.Incidents), "by the team's name: the wire holds slugs")
	assert.Equal(t, 3, l.Others)
	l, err = p.List(t.Context(), pager.Filter{Since: time.Date(2026, 3, 4, 1, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	assert.Equal(t, []string{"5", "4"}, numbers(l.Incidents))
	_, err = p.List(t.Context(), pager.Filter{Team: "three"})
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.ErrorContains(t, err, `no team is called "three"`)
}

func TestListWithAPartMissing(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathList, wireList), httpxtest.Exchange{Path: pathMine, Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: pathTeams, Reply: httpxtest.Status(500)}, httpxtest.Exchange{Path: pathUsers, Reply: httpxtest.Status(500)})
	l, err := p.List(t.Context(), pager.Filter{Mine: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"2"}, numbers(l.Incidents))
	require.Len(t, l.Partial, 2)
	assert.Equal(t, "your teams", l.Partial[0].Source)
	assert.Equal(t, "team names", l.Partial[1].Source)
}

func TestListFails(t *testing.T) {
	t.Parallel()
	for _, r := range []httpxtest.Reply{httpxtest.Status(401), httpxtest.Status(500), httpxtest.LoginPage(200)} {
		p, _ := scripted(t, httpxtest.Exchange{Path: pathList, Reply: r})
		l, err := p.List(t.Context(), pager.Filter{})
		var e *apierr.Error
		require.ErrorAs(t, err, &e)
		assert.NotNil(t, l.Incidents)
	}
}

// The organisation is asked once when nobody set it, and links are left out when
// it cannot be told.
func TestOrganisation(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, httpxtest.Exchange{Path: "/api-public/v1/maintenancemode", Reply: httpxtest.Status(500)},
		get("/api-public/v1/maintenancemode", `{"companyId":"their-org"}`),
		httpxtest.Exchange{Path: pathList, Reply: httpxtest.JSON(200, `{"incidents":[{"incidentNumber":"2","currentPhase":"UNACKED"}]}`), Times: 3})
	p.Org = ""
	// The order of the exchanges holds within one path.
	l, err := p.List(t.Context(), pager.Filter{})
	require.NoError(t, err)
	assert.Empty(t, l.Incidents[0].URL)
	assert.Empty(t, l.Partial, "a link is no part of the answer")
	for range 2 {
		l, err = p.List(t.Context(), pager.Filter{})
		require.NoError(t, err)
		assert.Equal(t, "https://portal.victorops.com/client/their-org#/incident/2", l.Incidents[0].URL)
	}
}

func TestLinkAndSnooze(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, httpxtest.Exchange{Path: "/api-public/v1/maintenancemode", Reply: httpxtest.JSON(200, `{}`)})
	link, err := p.Link(t.Context(), "4127")
	require.NoError(t, err)
	assert.Equal(t, "https://portal.victorops.com/client/example-org#/incident/4127", link)
	err = p.Snooze(t.Context(), "4127", 0)
	require.ErrorIs(t, err, apierr.ErrUnsupported)
	assert.Equal(t, link, apierr.HintOf(err))
	p.Org = ""
	_, err = p.Link(t.Context(), "4127")
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestNames(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t,
		get(pathUsers, `{"users":[{"username":"anna","firstName":"Anna","lastName":"Ba","email":"a@example.test"},{"username":"andreas","firstName":"Andreas","lastName":"X"},{"username":"you"}]}`),
		get("/api-public/v1/policies", `{"policies":[{"policy":{"name":"Primary","slug":"pol-1"},"team":{"name":"One","slug":"team-1"}},
			{"policy":{"name":"Primary","slug":"pol-2"},"team":{"name":"Two","slug":"team-2"}},{"policy":{"name":"Night","slug":"pol-3"},"team":{"name":"Two","slug":"team-2"}}]}`),
		get(pathTeams, `[{"name":"One","slug":"team-1"},{"name":"Two","slug":"team-2"}]`))
	ctx := t.Context()
	for typed, want := range map[string]string{"ANNA": "anna", "anna ba": "anna", "A@example.test": "anna", "ann": "anna", "me": "you"} {
		u, err := p.FindUser(ctx, typed)
		require.NoError(t, err, typed)
		assert.Equal(t, want, u.Username, typed)
	}
	_, err := p.FindUser(ctx, "an")
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	assert.EqualError(t, err, `victorops: "an" matches andreas and anna`)
	assert.Equal(t, "use the whole name", apierr.HintOf(err))
	_, err = p.FindUser(ctx, "anan")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Equal(t, "did you mean anna?", apierr.HintOf(err))
	_, err = p.FindUser(ctx, " ")
	require.ErrorIs(t, err, apierr.ErrUsage)

	for typed, want := range map[string][]pager.Target{
		"user:Anna":       {{Kind: "user", Name: "anna", Slug: "anna"}},
		"policy:night":    {{Kind: "policy", Name: "Night", Slug: "pol-3"}},
		"policy:two/prim": {{Kind: "policy", Name: "Primary", Slug: "pol-2"}},
		"policy:pol-1":    {{Kind: "policy", Name: "Primary", Slug: "pol-1"}},
		"team:one":        {{Kind: "policy", Name: "Primary", Slug: "pol-1"}},
		"anna":            {{Kind: "user", Name: "anna", Slug: "anna"}},
		"Night":           {{Kind: "policy", Name: "Night", Slug: "pol-3"}},
	} {
		got, err := p.Targets(ctx, []string{typed, typed})
		require.NoError(t, err, typed)
		assert.Equal(t, want, got, typed)
	}
	for typed, want := range map[string]string{
		"policy:primary": `victorops: "primary" matches One/Primary and Two/Primary`,
		"team:two":       `victorops: team Two has several policies: policy:Night and policy:Primary`,
		"nobody":         `victorops: no user and no policy is called "nobody"`,
		"group:x":        `victorops: "group:x" is not user:NAME, policy:NAME or team:NAME`,
		"team:three":     `victorops: no team is called "three"`,
	} {
		_, err := p.Targets(ctx, []string{typed})
		require.EqualError(t, err, want, typed)
	}
	q, _ := scripted(t, get(pathUsers, `{"users":[{"username":"night"}]}`),
		get("/api-public/v1/policies", `{"policies":[{"policy":{"name":"Night","slug":"pol-3"},"team":{"name":"Two","slug":"team-2"}}]}`))
	_, err = q.Targets(ctx, []string{"night"})
	require.ErrorIs(t, err, apierr.ErrAmbiguous, "paging the wrong one would be worse than asking")
	assert.EqualError(t, err, `victorops: "night" matches user:night and policy:Night`)
	_, err = p.Targets(ctx, nil)
	require.ErrorIs(t, err, apierr.ErrUsage)
	assert.Len(t, srv.Seen(), 3, "names are read once")
}

// "Nothing pages you" to somebody whose name is misspelt would be a lie.
func TestListOfSomebodyUnknown(t *testing.T) {
	t.Parallel()
	w := demo(t, "ghost")
	_, err := w.List(t.Context(), pager.Filter{Mine: true})
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.EqualError(t, err, `victorops: list my incidents: nobody is called "ghost" there`)
	assert.Equal(t, "oncall config view --origin shows where the user is set", apierr.HintOf(err))
	l, err := w.List(t.Context(), pager.Filter{})
	require.NoError(t, err)
	assert.NotEmpty(t, l.Incidents)
}
