package healthchecks_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

const (
	rwKey   = "hcw_aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	roKey   = "hcr_aaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	oldKey  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" // before v3.11 a key had no prefix
	pingKey = "pppppppppppppppppppppp"
	uuid    = "7a09efc5-3f9f-4b33-9f07-6b2a9b0d5c11"
)

func client(t *testing.T, srv *httpxtest.Server, key string) *healthchecks.Client {
	t.Helper()
	c, err := healthchecks.New(healthchecks.Config{HTTP: srv.Config("x"), APIKey: secret.New(key), PingURL: srv.URL + "/ping", PingKey: secret.New(pingKey)})
	require.NoError(t, err)
	return c
}

func talk(t *testing.T, exchanges ...httpxtest.Exchange) *healthchecks.Client {
	t.Helper()
	return client(t, httpxtest.New(t, exchanges...), oldKey)
}

const rwCheck = `{"name":"e2e hourly","slug":"e2e-hourly","tags":"e2e prod","desc":"","grace":3600,"n_pings":7,"status":"down","started":true,
"last_ping":"2026-11-22T04:18:44+00:00","next_ping":null,"manual_resume":false,"methods":"","last_duration":12,"timeout":3600,
"uuid":"` + uuid + `","ping_url":"https://elsewhere.test/` + uuid + `","channels":"c1,c2"}`

func TestChecks(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/checks/?tag=e2e&tag=prod", Header: map[string]string{"X-Api-Key": oldKey, "Accept": "application/json"},
		Reply: httpxtest.JSON(200, `{"checks":[`+rwCheck+`,
			{"name":"","slug":"","tags":"","status":"grace","grace":60,"schedule":"5 4 * * *","tz":"UTC","last_ping":"2026-11-21T04:05:01+00:00","next_ping":"2026-11-22T04:05:00+00:00","unique_key":"abc","new_field":{"x":1}}]}`)})
	all, err := c.Checks(t.Context(), "e2e", "prod")
	require.NoError(t, err)
	require.Len(t, all, 2)
	a, b := all[0], all[1]
	assert.Equal(t, []string{"e2e", "prod"}, a.Tags)
	assert.True(t, a.Started, "down and started together is normal")
	assert.Equal(t, time.Hour, a.Timeout.Duration)
	assert.Equal(t, time.Date(2026, 11, 22, 4, 18, 44, 0, time.UTC), a.LastPing.Time)
	assert.True(t, a.NextPing.IsZero())
	assert.Equal(t, uuid, a.ID())
	assert.Equal(t, []string{"c1", "c2"}, a.ChannelIDs)
	assert.Equal(t, "abc", b.ID())
	assert.False(t, b.Timeout.Set, "a cron check has no period, which is not 0")
	assert.Empty(t, b.Tags)
	assert.NotNil(t, b.Tags)
	assert.False(t, b.HasChannels, "a read-only key hides them")
}

// TestOlderServers: version 1 hides up and down behind "started"; before v3.5
// the identifier stands in the addresses alone.
func TestOlderServers(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/checks/", Reply: httpxtest.JSON(200,
		`{"checks":[{"name":"x","status":"started","grace":60,"timeout":60,"update_url":"https://hc.test/api/v1/checks/7A09EFC5-3f9f-4b33-9f07-6b2a9b0d5c11"}]}`)})
	all, err := c.Checks(t.Context())
	require.NoError(t, err)
	assert.True(t, all[0].Started)
	assert.Equal(t, uuid, all[0].ID())
}

func TestUniqueKey(t *testing.T) {
	t.Parallel()
	// sha1 of the first 16 hex digits of the UUID (note 1).
	key := healthchecks.UniqueKeyOf(uuid)
	assert.Len(t, key, 40)
	assert.Equal(t, key, healthchecks.UniqueKeyOf("7A09EFC5-3F9F-4B33-ffff-ffffffffffff"), "the second half does not count")
	assert.NotEqual(t, key, healthchecks.UniqueKeyOf("7a09efc5-3f9f-4b34-9f07-6b2a9b0d5c11"))
	assert.Empty(t, healthchecks.UniqueKeyOf("7a09"))
}

func TestErrors(t *testing.T) {
	t.Parallel()
	page := httpxtest.HTML(404)
	for name, c := range map[string]struct {
		reply httpxtest.Reply
		kind  error
		text  string
		hint  string
		times int
	}{
		"a missing key":                {httpxtest.JSON(401, `{"error":"missing api key"}`), apierr.ErrAuth, "missing api key", "oncall auth status healthchecks", 1},
		"another project, no body":     {httpxtest.Status(403), apierr.ErrAuth, "another project", "", 1},
		"no API there, a page":         {page, apierr.ErrNotFound, "there is no API at", "/api/v3", 1},
		"throttled":                    {httpxtest.RetryAfter(429, 600), apierr.ErrRateLimited, "10m", "", 1},
		"throttled without a word":     {httpxtest.Status(429), apierr.ErrRateLimited, "throttled", "", 4},
		"500":                          {httpxtest.Text(500, "Server Error"), apierr.ErrUnavailable, "", "", 1},
		"503 is tried again":           {httpxtest.Status(503), apierr.ErrUnavailable, "", "", 4},
		"a page with 200":              {httpxtest.HTML(200), apierr.ErrUnavailable, "web page", "", 1},
		"a sign-in page with 200":      {httpxtest.LoginPage(200), apierr.ErrAuth, "not signed in", "", 1},
		"a cut answer":                 {httpxtest.CutBody(200, `{"checks":[`), apierr.ErrUnavailable, "", "", 4},
		"a reset":                      {httpxtest.ResetAfter(), apierr.ErrUnavailable, "", "", 4},
		"JSON of something else":       {httpxtest.JSON(200, `{"detail":"no"}`), apierr.ErrUnavailable, "no list of checks", "", 1},
		"a redirect to another server": {httpxtest.Redirect(302, "http://127.0.0.2:1/x"), apierr.ErrUnavailable, "redirect", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := talk(t, httpxtest.Exchange{Path: "/checks/", Reply: c.reply, Times: c.times}).Checks(t.Context())
			require.ErrorIs(t, err, c.kind)
			assert.ErrorContains(t, err, c.text)
			assert.Contains(t, apierr.HintOf(err), c.hint)
			assert.NotContains(t, err.Error(), "<html")
			assert.NotContains(t, err.Error(), oldKey)
		})
	}
}

// TestReadOnlyKey: the server says of it what it says of a wrong one, so what
// cannot work is not sent where the key's form tells, and hinted at where not.
func TestReadOnlyKey(t *testing.T) {
	t.Parallel()
	c := client(t, httpxtest.New(t), roKey)
	_, err := c.Pings(t.Context(), uuid)
	require.ErrorIs(t, err, apierr.ErrAuth)
	require.ErrorContains(t, err, "read-only")
	_, err = c.Pause(t.Context(), uuid)
	require.ErrorIs(t, err, apierr.ErrAuth)

	wrong := httpxtest.JSON(401, `{"error":"wrong api key"}`)
	c = talk(t, httpxtest.Exchange{Path: "/checks/" + uuid + "/pings/", Reply: wrong},
		httpxtest.Exchange{Method: http.MethodPost, Path: "/checks/" + uuid + "/pause", Reply: wrong},
		httpxtest.Exchange{Path: "/checks/" + uuid, Reply: wrong})
	_, err = c.Pings(t.Context(), uuid)
	require.ErrorContains(t, err, "wrong api key")
	assert.Contains(t, apierr.HintOf(err), "read-write key")
	_, err = c.Pause(t.Context(), uuid)
	assert.Contains(t, apierr.HintOf(err), "read-write key")
	_, err = c.Check(t.Context(), uuid)
	assert.Contains(t, apierr.HintOf(err), "oncall auth status", "a read-only key would do for this")

	none, err := healthchecks.New(healthchecks.Config{HTTP: httpxtest.New(t).Config("x")})
	require.NoError(t, err)
	_, err = none.Checks(t.Context())
	require.ErrorIs(t, err, apierr.ErrAuth)
}

// TestSlashes: a POST that lacks or has one too many is redirected, and whoever
// follows turns it into a GET: the change is lost. Nothing is followed.
func TestSlashes(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: "/checks/" + uuid + "/pause", Reply: httpxtest.Redirect(301, httpxtest.Base+"/checks/"+uuid+"/pause/")})
	_, err := c.Pause(t.Context(), "7A09EFC5-3F9F-4B33-9F07-6B2A9B0D5C11")
	require.Error(t, err, "and the identifier went out in small letters")
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	body := func(t testing.TB, r httpxtest.Recorded) { assert.JSONEq(t, `{}`, string(r.Body), "null is refused") }
	c := talk(t,
		httpxtest.Exchange{Method: http.MethodPost, Path: "/checks/" + uuid + "/pause", Check: body, Reply: httpxtest.JSON(200, `{"name":"x","status":"paused","uuid":"`+uuid+`"}`)},
		httpxtest.Exchange{Method: http.MethodPost, Path: "/checks/" + uuid + "/resume", Check: body, Reply: httpxtest.Text(409, "check is not paused")})
	got, err := c.Pause(t.Context(), uuid)
	require.NoError(t, err)
	assert.Equal(t, healthchecks.StatusPaused, got.Status)
	_, err = c.Resume(t.Context(), uuid)
	require.ErrorIs(t, err, apierr.ErrConflict)
	assert.ErrorContains(t, err, "check is not paused")
}

// TestChangesAreSentOnce, whatever becomes of the answer.
func TestChangesAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]httpxtest.Reply{
		"reset before": httpxtest.ResetBefore(), "reset after": httpxtest.ResetAfter(), "500": httpxtest.Status(500), "503": httpxtest.Status(503),
		"a page": httpxtest.HTML(200), "cut": httpxtest.CutBody(200, `{"na`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: "/checks/" + uuid + "/pause", Reply: reply})
			_, err := c.Pause(t.Context(), uuid)
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
			c = talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: "/ping/" + uuid, Reply: reply})
			_, err = c.Ping(t.Context(), healthchecks.Target{UUID: uuid}, healthchecks.Signal{})
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		})
	}
	t.Run("429 is a refusal", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: "/ping/" + uuid, Reply: httpxtest.RetryAfter(429, 1)},
			httpxtest.Exchange{Method: http.MethodPost, Path: "/ping/" + uuid, Reply: httpxtest.Text(200, "OK")})
		_, err := c.Ping(t.Context(), healthchecks.Target{UUID: uuid}, healthchecks.Signal{})
		require.NoError(t, err)
	})
}

func TestPing(t *testing.T) {
	t.Parallel()
	code := 3
	by := healthchecks.Target{UUID: "7A09EFC5-3F9F-4B33-9F07-6B2A9B0D5C11"}
	for name, c := range map[string]struct {
		to     healthchecks.Target
		signal healthchecks.Signal
		path   string
		body   string
	}{
		"success":   {by, healthchecks.Signal{}, "/ping/" + uuid, httpxtest.NoBody},
		"start":     {by, healthchecks.Signal{Kind: healthchecks.PingStart, RunID: uuid}, "/ping/" + uuid + "/start?rid=" + uuid, httpxtest.NoBody},
		"failure":   {by, healthchecks.Signal{Kind: healthchecks.PingFail, Body: []byte("no disk")}, "/ping/" + uuid + "/fail", "no disk"},
		"exit code": {by, healthchecks.Signal{Exit: &code}, "/ping/" + uuid + "/3", httpxtest.NoBody},
		"by slug":   {healthchecks.Target{Slug: "e2e-hourly"}, healthchecks.Signal{Kind: healthchecks.PingLog}, "/ping/" + pingKey + "/e2e-hourly/log", httpxtest.NoBody},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: c.path, Body: c.body, Check: func(t testing.TB, r httpxtest.Recorded) {
				assert.Empty(t, r.Header.Get("X-Api-Key"), "the ping host has no business with it")
			}, Reply: httpxtest.Text(200, "OK").With("Ping-Body-Limit", "4321")}).Ping(t.Context(), c.to, c.signal)
			require.NoError(t, err)
			assert.Equal(t, healthchecks.Pinged{BodyLimit: 4321}, got)
		})
	}
}

func TestPingAnswers(t *testing.T) {
	t.Parallel()
	ping := func(t *testing.T, to healthchecks.Target, r httpxtest.Reply) (healthchecks.Pinged, error) {
		t.Helper()
		path := "/ping/" + uuid
		if to.Slug != "" {
			path = "/ping/" + pingKey + "/" + to.Slug
		}
		return talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: path, Reply: r}).Ping(t.Context(), to, healthchecks.Signal{})
	}
	id, slug := healthchecks.Target{UUID: uuid}, healthchecks.Target{Slug: "a"}
	got, err := ping(t, id, httpxtest.Text(200, "OK (rate-limited)"))
	require.NoError(t, err)
	assert.True(t, got.Dropped, "200 and yet nothing was kept")
	assert.Equal(t, healthchecks.DefaultBodyLimit, got.BodyLimit)
	_, err = ping(t, slug, httpxtest.Text(201, "Created"))
	require.NoError(t, err)
	_, err = ping(t, id, httpxtest.HTML(200).WithBody("OK")) // a server of one's own calls its word a page
	require.NoError(t, err)
	_, err = ping(t, slug, httpxtest.Text(404, "not found"))
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.NotContains(t, err.Error(), pingKey)
	_, err = ping(t, slug, httpxtest.Text(409, "ambiguous slug"))
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	_, err = ping(t, id, httpxtest.Text(400, "invalid url format"))
	require.ErrorIs(t, err, apierr.ErrInvalid)
	_, err = ping(t, id, httpxtest.LoginPage(200))
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)

	wrong := 256
	_, err = client(t, httpxtest.New(t), rwKey).Ping(t.Context(), id, healthchecks.Signal{Exit: &wrong})
	require.ErrorIs(t, err, apierr.ErrUsage)
	none, err := healthchecks.New(healthchecks.Config{HTTP: httpxtest.New(t).Config("x")})
	require.NoError(t, err)
	_, err = none.Ping(t.Context(), slug, healthchecks.Signal{})
	require.ErrorIs(t, err, apierr.ErrAuth)
}

func TestHistory(t *testing.T) {
	t.Parallel()
	c := talk(t,
		httpxtest.Exchange{Path: "/checks/" + uuid + "/pings/", Reply: httpxtest.JSON(200, `{"pings":[{"type":"fail","date":"2026-11-22T04:18:44.123456+00:00","n":9,"scheme":"https","method":"POST","ua":"x","remote_addr":null,"rid":null,"body_url":"https://x/9","duration":1.25},{"type":"ign","date":null,"n":null,"body_url":null}]}`)},
		httpxtest.Exchange{Path: "/checks/" + uuid + "/pings/9/body", Reply: httpxtest.HTML(200).WithBody("<b>raw</b>\x00")},
		httpxtest.Exchange{Path: "/checks/" + uuid + "/pings/8/body", Reply: httpxtest.HTML(404)},
		httpxtest.Exchange{Path: "/checks/abc/flips/?start=1700000000", Reply: httpxtest.JSON(200, `{"flips":[{"timestamp":"2026-11-22T04:18:44+00:00","up":0}]}`)},
		httpxtest.Exchange{Path: "/checks/abc/flips/", Reply: httpxtest.JSON(200, `[{"timestamp":"2026-11-22T04:18:44+00:00","up":1}]`)},
		httpxtest.Exchange{Path: "/checks/abc/flips/?start=1", Reply: httpxtest.Status(400)},
		httpxtest.Exchange{Path: "/channels/", Reply: httpxtest.JSON(200, `{"channels":[{"id":"c1","name":"","kind":"email"}]}`)})
	pings, err := c.Pings(t.Context(), uuid)
	require.NoError(t, err)
	assert.Equal(t, 1250*time.Millisecond, pings[0].Duration.Duration)
	assert.True(t, pings[0].HasBody())
	assert.False(t, pings[1].HasBody())
	body, err := c.PingBody(t.Context(), uuid, 9)
	require.NoError(t, err)
	assert.Equal(t, "<b>raw</b>\x00", string(body), "a body is bytes, whatever they look like")
	_, err = c.PingBody(t.Context(), uuid, 8)
	require.ErrorIs(t, err, apierr.ErrNotFound)
	flips, err := c.Flips(t.Context(), "ABC", time.Unix(1700000000, 5))
	require.NoError(t, err)
	assert.Equal(t, 0, flips[0].Up)
	flips, err = c.Flips(t.Context(), "abc", time.Time{})
	require.NoError(t, err)
	assert.Equal(t, 1, flips[0].Up, "the documented form, without a wrapper")
	_, err = c.Flips(t.Context(), "abc", time.Unix(1, 0))
	require.ErrorIs(t, err, apierr.ErrInvalid)
	ch, err := c.Channels(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []healthchecks.Channel{{ID: "c1", Kind: "email"}}, ch)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client(t, httpxtest.New(t), rwKey).Checks(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestBadBases(t *testing.T) {
	t.Parallel()
	h := httpxtest.New(t).Config("x")
	h.BaseURL = "ftp://x"
	_, err := healthchecks.New(healthchecks.Config{HTTP: h})
	require.ErrorIs(t, err, apierr.ErrUsage)
	_, err = healthchecks.New(healthchecks.Config{PingURL: "nonsense"})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

// What a read-only key may do is sent with it; what it may not is refused here.
func TestWhatAReadOnlyKeyMayDo(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/checks/", Reply: httpxtest.JSON(200, `{"checks":[]}`)},
		httpxtest.Exchange{Path: "/checks/" + uuid, Reply: httpxtest.JSON(200, rwCheck)},
		httpxtest.Exchange{Path: "/checks/" + uuid + "/flips/", Reply: httpxtest.JSON(200, `[]`)},
	)
	c := client(t, srv, roKey)
	_, err := c.Checks(t.Context())
	require.NoError(t, err)
	_, err = c.Check(t.Context(), uuid)
	require.NoError(t, err)
	_, err = c.Flips(t.Context(), uuid, time.Time{})
	require.NoError(t, err)
	for name, refused := range map[string]func() error{
		"pings":  func() error { _, err := c.Pings(t.Context(), uuid); return err },
		"body":   func() error { _, err := c.PingBody(t.Context(), uuid, 1); return err },
		"pause":  func() error { _, err := c.Pause(t.Context(), uuid); return err },
		"resume": func() error { _, err := c.Resume(t.Context(), uuid); return err },
	} {
		err := refused()
		require.ErrorIs(t, err, apierr.ErrAuth, name)
		require.ErrorContains(t, err, "read-only", name)
	}
	assert.Len(t, srv.Seen(), 3)
}

func TestWhatAClientCanDoWithItsKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key, ping    string
		signed, slug bool
	}{{"", "", false, false}, {rwKey, "", true, false}, {"", pingKey, false, true}, {rwKey, pingKey, true, true}} {
		x, err := healthchecks.New(healthchecks.Config{APIKey: secret.New(c.key), PingKey: secret.New(c.ping)})
		require.NoError(t, err)
		assert.Equal(t, [2]bool{c.signed, c.slug}, [2]bool{x.Signed(), x.CanPingBySlug()})
	}
}

// A server may say the keys back; no error does, whether the caller brought a masker
// or not.
func TestTheKeysAreMasked(t *testing.T) {
	t.Parallel()
	for _, m := range []*secret.Masker{nil, {}} {
		srv := httpxtest.New(t, httpxtest.Exchange{Path: "/checks/" + uuid, Reply: httpxtest.JSON(400, `{"error":"`+rwKey+` and `+pingKey+` are no good"}`)})
		cfg := srv.Config("x")
		cfg.Masker = m
		c, err := healthchecks.New(healthchecks.Config{HTTP: cfg, APIKey: secret.New(rwKey), PingKey: secret.New(pingKey)})
		require.NoError(t, err)
		_, err = c.Check(t.Context(), uuid)
		require.ErrorContains(t, err, "are no good")
		for _, key := range []string{rwKey, pingKey} {
			assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), key)
			if m != nil {
				assert.NotContains(t, m.Mask("the key is "+key), key, "the caller's log hides it too")
			}
		}
	}
}
