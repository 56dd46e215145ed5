package balena_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/balena"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

const (
	testToken = "7c1d-token"

	fleetHead  = "/v7/application?$select=id,app_name,slug,uuid,is_of__class,is_archived,should_track_latest_release&$expand=should_be_running__release($select=id,commit,raw_version)"
	fleet42    = "/v7/application(42)?$select=id,app_name,slug,uuid,is_of__class,is_archived,should_track_latest_release&$expand=should_be_running__release($select=id,commit,raw_version)"
	mineClause = "is_directly_accessible_by__user/any(dau:1%20eq%201)"
	fleetList  = fleetHead + "&$filter=" + mineClause + "&$orderby=app_name%20asc"

	releaseHead  = "/v7/release?$select=id,commit,raw_version,semver,status,is_final,is_invalidated,is_passing_tests,created_at,start_timestamp,note&$expand=is_created_by__user($select=username)&$filter=belongs_to__application%20eq%2042"
	trackClause  = "%20and%20is_final%20eq%20true%20and%20is_passing_tests%20eq%20true%20and%20is_invalidated%20eq%20false%20and%20status%20eq%20'success'&$orderby=start_timestamp%20desc"
	latestOfTest = releaseHead + trackClause + "&$top=1"
)

func rows(r ...string) httpxtest.Reply {
	return httpxtest.JSON(200, `{"d":[`+strings.Join(r, ",")+`]}`)
}

func fleetRow(track bool, target string) string {
	t := "false"
	if track {
		t = "true"
	}
	if target != "" {
		target = `{"id":` + target + `,"commit":"91165e5","raw_version":"v` + target + `"}`
	}
	return `{"id":42,"app_name":"api","slug":"acme/api","uuid":"` + strings.Repeat("a", 32) + `","is_of__class":"fleet","is_archived":false,"should_track_latest_release":` + t +
		`,"should_be_running__release":[` + target + `]}`
}

func releaseRow(id, raw, rest string) string {
	return `{"id":` + id + `,"commit":"91165e5` + id + `","raw_version":"` + raw + `","semver":"4.2.0","status":"success","is_final":true,"is_invalidated":false,"is_passing_tests":true,` +
		`"created_at":"2026-03-04T03:18:00.123Z","start_timestamp":"2026-03-04T03:17:00.000Z","note":null,"is_created_by__user":[{"username":"user1"}]` + rest + `}`
}

func clientOf(t *testing.T, srv *httpxtest.Server, change ...func(*balena.Config)) *balena.Client {
	t.Helper()
	cfg := balena.Config{HTTP: srv.Config("balena"), Token: secret.New(testToken)}
	for _, f := range change {
		f(&cfg)
	}
	c, err := balena.New(cfg)
	require.NoError(t, err)
	return c
}

func TestSignsWithABearerTokenAndNeverInTheURL(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/actor/v1/whoami", Header: map[string]string{"Authorization": "Bearer " + testToken},
		Reply: httpxtest.JSON(200, `{"id":12,"actorType":"user","actorTypeId":34,"username":"user1","email":"user1@example.org"}`)})
	a, err := clientOf(t, srv).WhoAmI(t.Context())
	require.NoError(t, err)
	assert.Equal(t, balena.Actor{ID: 12, Kind: "user", Username: "user1", Email: "user1@example.org"}, a)
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	c := clientOf(t, srv, func(cfg *balena.Config) { cfg.Token = secret.String{} })
	_, err := c.Fleets(t.Context())
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Equal(t, "balena: list fleets: no token is set", err.Error())
	assert.Contains(t, apierr.HintOf(err), "ONCALL_BALENA_TOKEN")
}

func TestTheDefaultAddressIsTheVendors(t *testing.T) {
	t.Parallel()
	_, err := balena.New(balena.Config{})
	require.NoError(t, err)
	assert.Equal(t, "https://api.balena-cloud.com", balena.DefaultBaseURL)
	_, err = balena.New(balena.Config{HTTP: httpx.Config{BaseURL: "balena"}})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply httpxtest.Reply
		times int
		kind  error
		says  string
	}{
		"bad token":         {httpxtest.JSON(401, `"Unauthorized"`), 1, apierr.ErrAuth, "the token was refused, or does not have this right (401)"},
		"401 without text":  {httpxtest.Status(401), 1, apierr.ErrAuth, "the token was refused"},
		"403":               {httpxtest.Text(403, "Forbidden"), 1, apierr.ErrAuth, "refused by"},
		"404":               {httpxtest.Text(404, "Not Found"), 1, apierr.ErrNotFound, "Not Found (404)"},
		"throttled":         {httpxtest.JSON(429, `"Too Many Requests"`).With("Retry-After", "1"), 4, apierr.ErrRateLimited, "asks to wait 1s"},
		"throttled, long":   {httpxtest.JSON(429, `"Too Many Requests"`).With("Retry-After", "600"), 1, apierr.ErrRateLimited, "asks to wait 10m0s"},
		"a query not read":  {httpxtest.JSON(500, `"Server error"`), 1, apierr.ErrUnavailable, "server error, which balena also says of a query that it cannot read (500)"},
		"an object of text": {httpxtest.JSON(400, `{"error":{"text":"bad filter"}}`), 1, apierr.ErrInvalid, "bad filter"},
		"a message":         {httpxtest.JSON(400, `{"message":"bad field"}`), 1, apierr.ErrInvalid, "bad field"},
		"bad gateway":       {httpxtest.HTML(502), 4, apierr.ErrUnavailable, "bad gateway (502)"},
		"a sign-in page":    {httpxtest.LoginPage(200), 1, apierr.ErrAuth, "not signed in"},
		"a web page":        {httpxtest.HTML(200), 1, apierr.ErrUnavailable, "answered a web page"},
		"a cut answer":      {httpxtest.CutBody(200, `{"d":[`), 4, apierr.ErrUnavailable, ""},
		"no connection":     {httpxtest.ResetBefore(), 4, apierr.ErrUnavailable, ""},
		"no list":           {httpxtest.JSON(200, `{"data":[]}`), 1, apierr.ErrUnavailable, `no list "d"`},
		"d is null":         {httpxtest.JSON(200, `{"d":null}`), 1, apierr.ErrUnavailable, `no list "d"`},
		"an unknown shape":  {httpxtest.JSON(200, `{"d":[{"id":"x"}]}`), 1, nil, "where a whole number was due"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Path: fleetList, Reply: c.reply, Times: c.times})
			_, err := clientOf(t, srv).Fleets(t.Context())
			require.Error(t, err)
			if c.kind != nil {
				require.ErrorIs(t, err, c.kind)
			}
			assert.Contains(t, err.Error(), c.says)
			assert.NotContains(t, err.Error(), testToken)
			assert.True(t, strings.HasPrefix(err.Error(), "balena: list fleets: "), err.Error())
		})
	}
}

func TestACancelledContextSendsNothing(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := clientOf(t, srv).Fleets(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestWhoAmIOfSomethingElse(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/actor/v1/whoami", Reply: httpxtest.JSON(200, `{"status":"ok"}`)})
	_, err := clientOf(t, srv).WhoAmI(t.Context())
	require.ErrorIs(t, err, apierr.ErrUnavailable)
}

func TestFleetsByEachOfTheirNames(t *testing.T) {
	t.Parallel()
	for name, filter := range map[string]string{
		"acme/api":                             "slug%20eq%20'acme%2Fapi'",
		" Acme/API ":                           "slug%20eq%20'acme%2Fapi'",
		"42":                                   "id%20eq%2042",
		strings.Repeat("A", 32):                "uuid%20eq%20'" + strings.Repeat("a", 32) + "'",
		strings.Repeat("0123456789", 3) + "ab": "uuid%20eq%20'" + strings.Repeat("0123456789", 3) + "ab'",
	} {
		srv := httpxtest.New(t, httpxtest.Exchange{Path: fleetHead + "&$filter=" + filter + "%20and%20" + mineClause, Reply: rows(fleetRow(false, "9001"))})
		f, err := clientOf(t, srv).Fleet(t.Context(), name)
		require.NoError(t, err, name)
		assert.Equal(t, balena.Fleet{ID: 42, Name: "api", Slug: "acme/api", UUID: strings.Repeat("a", 32), Class: "fleet",
			Target: balena.Ref{ID: 9001, Commit: "91165e5", RawVersion: "v9001"}, Mine: true}, f)
	}
}

func TestFleetsThatCannotBe(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	for _, name := range []string{"", " ", "a/b/c", "acme/a b", "acme/", "/api", "acme/api' or 1 eq 1"} {
		_, err := clientOf(t, srv).Fleet(t.Context(), name)
		require.ErrorIs(t, err, apierr.ErrUsage, name)
	}
}

func TestAFleetByItsNameAlone(t *testing.T) {
	t.Parallel()
	other := strings.NewReplacer(`"id":42`, `"id":43`, "acme/api", "acme/api2", `"app_name":"api"`, `"app_name":"API"`).Replace(fleetRow(true, ""))
	third := strings.NewReplacer(`"id":42`, `"id":44`, "acme/api", "acme/dash", `"app_name":"api"`, `"app_name":"Dashboard"`).Replace(fleetRow(true, ""))
	all := httpxtest.Exchange{Path: fleetList, Reply: rows(fleetRow(true, ""), other, third), Times: 4}
	c := clientOf(t, httpxtest.New(t, all))

	_, err := c.Fleet(t.Context(), "api")
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	assert.Contains(t, err.Error(), "several fleets have that name: acme/api, acme/api2")
	for _, name := range []string{"dash", "dashboard"} {
		f, err := c.Fleet(t.Context(), name)
		require.NoError(t, err, name)
		assert.Equal(t, int64(44), f.ID)
		assert.True(t, f.Mine)
	}
	_, err = c.Fleet(t.Context(), "dahs")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, apierr.HintOf(err), "acme/")
}

func TestFleetsOfAnotherOrganisation(t *testing.T) {
	t.Parallel()
	own := httpxtest.Exchange{Path: fleetHead + "&$filter=slug%20eq%20'acme%2Fapi'%20and%20" + mineClause, Reply: rows()}
	found := httpxtest.Exchange{Path: fleetHead + "&$filter=slug%20eq%20'acme%2Fapi'", Reply: rows(fleetRow(true, "9001"))}
	whoami := func(kind string) httpxtest.Exchange {
		return httpxtest.Exchange{Path: "/actor/v1/whoami", Reply: httpxtest.JSON(200, `{"id":12,"actorType":"`+kind+`"}`)}
	}
	t.Run("public", func(t *testing.T) {
		t.Parallel()
		c := clientOf(t, httpxtest.New(t, own, found, whoami("user")))
		f, err := c.Fleet(t.Context(), "acme/api")
		require.NoError(t, err)
		assert.False(t, f.Mine)
		_, err = c.Pin(t.Context(), f, balena.Release{ID: 9001, Status: "success", Final: true, Passing: true}, false)
		require.ErrorIs(t, err, apierr.ErrAuth)
		assert.Contains(t, err.Error(), "a public fleet of another organisation")
	})
	t.Run("a fleet's own key", func(t *testing.T) {
		t.Parallel()
		f, err := clientOf(t, httpxtest.New(t, own, found, whoami("application"))).Fleet(t.Context(), "acme/api")
		require.NoError(t, err)
		assert.True(t, f.Mine, "the question is one about users")
	})
	t.Run("hidden", func(t *testing.T) {
		t.Parallel()
		none := found
		none.Reply = rows()
		near := strings.ReplaceAll(fleetRow(true, ""), "acme/api", "acme/app")
		_, err := clientOf(t, httpxtest.New(t, own, none, httpxtest.Exchange{Path: fleetList, Reply: rows(near)})).Fleet(t.Context(), "acme/api")
		require.ErrorIs(t, err, apierr.ErrNotFound)
		assert.Equal(t, "balena: find fleet acme/api: no such fleet, or the token may not see it", err.Error())
		assert.Equal(t, "did you mean acme/app?", apierr.HintOf(err))
	})
	t.Run("nothing near", func(t *testing.T) {
		t.Parallel()
		none := found
		none.Reply = rows()
		far := strings.ReplaceAll(fleetRow(true, ""), "acme/api", "zebra/lights")
		_, err := clientOf(t, httpxtest.New(t, own, none, httpxtest.Exchange{Path: fleetList, Reply: rows(far)})).Fleet(t.Context(), "acme/api")
		require.ErrorIs(t, err, apierr.ErrNotFound)
		assert.Equal(t, "the token's own fleets: zebra/lights", apierr.HintOf(err))
	})
}

func TestTheStateOfAFleetNeedsBothFields(t *testing.T) {
	t.Parallel()
	at := func(track bool, id int64) balena.Fleet {
		return balena.Fleet{Track: track, Target: balena.Ref{ID: id}}
	}
	latest := balena.Release{ID: 9002}
	assert.Equal(t, balena.Tracking, at(true, 9002).State(latest))
	assert.Equal(t, balena.TrackingBehind, at(true, 9001).State(latest))
	assert.Equal(t, balena.TrackingBehind, at(true, 0).State(balena.Release{}))
	assert.Equal(t, balena.Pinned, at(false, 9002).State(latest), "pinned to the newest is pinned")
	assert.Equal(t, balena.NoTarget, at(false, 0).State(latest))
}

func TestReleases(t *testing.T) {
	t.Parallel()
	f := balena.Fleet{ID: 42, Slug: "acme/api"}
	draft := strings.Replace(releaseRow("9003", "4.3.0-1700000000123", ""), `"is_final":true`, `"is_final":false`, 1)
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: releaseHead + "&$orderby=created_at%20desc&$top=20", Reply: rows(draft, releaseRow("9001", "4.2.0", ""))},
		httpxtest.Exchange{Path: releaseHead + trackClause + "&$top=1000", Reply: rows()},
		httpxtest.Exchange{Path: latestOfTest, Reply: rows()},
		httpxtest.Exchange{Path: latestOfTest, Reply: rows(releaseRow("9001", "4.2.0", ""))},
	)
	c := clientOf(t, srv)
	list, err := c.Releases(t.Context(), f, 20)
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, []string{"it is a draft"}, list[0].Doubts())
	assert.False(t, list[0].Trackable())
	assert.True(t, list[1].Trackable())
	assert.Equal(t, "2026-03-04T03:17:00Z", list[1].StartedAt.Format("2006-01-02T15:04:05Z07:00"))
	assert.Equal(t, balena.Author("user1"), list[1].Author)
	list, err = c.TrackableReleases(t.Context(), f, 5000)
	require.NoError(t, err)
	assert.Empty(t, list)
	assert.NotNil(t, list)
	_, ok, err := c.Latest(t.Context(), f)
	require.NoError(t, err)
	assert.False(t, ok)
	r, ok, err := c.Latest(t.Context(), f)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "4.2.0", r.Ref().String())

	_, err = c.Releases(t.Context(), balena.Fleet{}, 20)
	require.ErrorIs(t, err, apierr.ErrUsage)
	_, err = c.Devices(t.Context(), balena.Fleet{ID: -1})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestFindRelease(t *testing.T) {
	t.Parallel()
	f := balena.Fleet{ID: 42, Slug: "acme/api"}
	find := func(filter string, name string, reply ...string) (balena.Release, error) {
		srv := httpxtest.New(t, httpxtest.Exchange{Path: releaseHead + "%20and%20" + filter + "&$orderby=created_at%20desc&$top=1000", Reply: rows(reply...)})
		return clientOf(t, srv).FindRelease(t.Context(), f, name)
	}
	both := "(raw_version%20eq%20'4.2.0'%20or%20semver%20eq%20'4.2.0')"
	plain, revised := releaseRow("9001", "4.2.0", ""), releaseRow("9002", "4.2.0+rev1", "")
	failed := strings.Replace(releaseRow("9000", "4.2.0", ""), `"success"`, `"failed"`, 1)

	r, err := find(both, "v4.2.0", revised, plain)
	require.NoError(t, err)
	assert.Equal(t, int64(9001), r.ID, "the exact version beats the shared semver")
	r, err = find(both, "4.2.0", revised)
	require.NoError(t, err)
	assert.Equal(t, int64(9002), r.ID)
	r, err = find(both, "4.2.0", failed, plain)
	require.NoError(t, err)
	assert.Equal(t, int64(9001), r.ID, "the one that was built")
	r, err = find(both, "4.2.0", failed)
	require.NoError(t, err)
	assert.Equal(t, "failed", r.Status)
	r, err = find("(raw_version%20eq%20'4.2.0%2Brev1'%20or%20semver%20eq%20'4.2.0%2Brev1')", "4.2.0+rev1", revised)
	require.NoError(t, err)
	assert.Equal(t, int64(9002), r.ID)
	r, err = find("startswith(commit,'91165e5')", "91165E5", plain)
	require.NoError(t, err)
	assert.Equal(t, int64(9001), r.ID)
	_, err = find("startswith(commit,'91165e5')", "91165e5", plain, revised)
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	assert.Contains(t, err.Error(), "4.2.0 (91165e5), 4.2.0+rev1 (91165e5)")
	_, err = find(both, "4.2.0")
	require.ErrorIs(t, err, apierr.ErrNotFound)

	for _, name := range []string{"", ">=1.0.0", "^4.2", "4.2", "latest", "4.2.0'", "4.2.0 or 1", "91165", strings.Repeat("a", 41), "newest"} {
		_, err := clientOf(t, httpxtest.New(t)).FindRelease(t.Context(), f, name)
		require.ErrorIs(t, err, apierr.ErrUsage, name)
	}
}
