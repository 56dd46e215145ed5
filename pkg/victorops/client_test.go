package victorops_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/victorops"
)

const (
	apiID  = "id-9f3a"
	apiKey = "key-51c7"
)

var reply = httpxtest.JSON

// newClient makes a client of a scripted server with both credentials.
func newClient(t *testing.T, srv *httpxtest.Server) *victorops.Client {
	t.Helper()
	c, err := victorops.New(victorops.Config{HTTP: srv.Config("x"), APIID: secret.New(apiID), APIKey: secret.New(apiKey)})
	require.NoError(t, err)
	return c
}

// talk is a client whose server expects these exchanges.
func talk(t *testing.T, exchanges ...httpxtest.Exchange) *victorops.Client {
	t.Helper()
	return newClient(t, httpxtest.New(t, exchanges...))
}

func TestCredentialsTravelInHeaders(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/incidents",
		Header: map[string]string{"X-VO-Api-Id": apiID, "X-VO-Api-Key": apiKey, "Accept": "application/json"},
		Reply:  reply(200, `{"incidents":[]}`)})
	all, err := c.Incidents(t.Context())
	require.NoError(t, err)
	assert.NotNil(t, all)
	assert.Empty(t, all)
}

func TestMissingCredentialsSendNothing(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	for name, cfg := range map[string]victorops.Config{
		"no API id and key are set": {HTTP: srv.Config("")},
		"no API id is set":          {HTTP: srv.Config(""), APIKey: secret.New(apiKey)},
		"no API key is set":         {HTTP: srv.Config(""), APIID: secret.New(apiID)},
	} {
		c, err := victorops.New(cfg)
		require.NoError(t, err, name)
		_, err = c.Incidents(t.Context())
		require.ErrorIs(t, err, apierr.ErrAuth, name)
		assert.EqualError(t, err, "victorops: list incidents: "+name)
		assert.Equal(t, "oncall auth login victorops", apierr.HintOf(err), name)
		_, err = c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Critical})
		require.ErrorIs(t, err, apierr.ErrAuth, name)
	}
	assert.Empty(t, srv.Seen())
}

func TestDefaultsOfTheBases(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var hosts []string
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		hosts = append(hosts, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.WriteString(`{"result":"success","entity_id":"e"}`)
		return w.Result(), nil
	})
	c, err := victorops.New(victorops.Config{HTTP: httpx.Config{Transport: rt}, APIID: secret.New(apiID), APIKey: secret.New(apiKey), RESTKey: secret.New("rest-77")})
	require.NoError(t, err)
	_, err = c.Incidents(t.Context())
	require.NoError(t, err)
	_, err = c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Info})
	require.NoError(t, err)
	assert.Equal(t, []string{"https://api.victorops.com/api-public/v1/incidents",
		"https://alert.victorops.com/integrations/generic/20131114/alert/rest-77/api"}, hosts)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Statuses that every call shares, on a read and on a change.
func TestStatuses(t *testing.T) {
	t.Parallel()
	const list, ack = "/api-public/v1/incidents", "/api-public/v1/incidents/ack"
	for name, test := range map[string]struct {
		reply       httpxtest.Reply
		reads       int // how often a read is sent
		read, write error
		says        string
	}{
		"400":           {reply(400, `{"message":"error.expected.jodadate.format"}`), 1, apierr.ErrInvalid, apierr.ErrInvalid, "error.expected.jodadate.format"},
		"401":           {httpxtest.Status(401), 1, apierr.ErrAuth, apierr.ErrAuth, "401"},
		"403":           {httpxtest.Status(403), 2, apierr.ErrAuth, apierr.ErrAuth, victorops.Refused + " (403)"},
		"404":           {httpxtest.Status(404), 1, apierr.ErrNotFound, apierr.ErrNotFound, "not found (404)"},
		"409":           {httpxtest.Status(409), 1, apierr.ErrConflict, apierr.ErrConflict, "409"},
		"422":           {reply(422, `{"message":"You have reached your user limit."}`), 1, apierr.ErrInvalid, apierr.ErrInvalid, "user limit"},
		"500":           {httpxtest.Status(500), 1, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, "500"},
		"page":          {httpxtest.HTML(200), 1, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, "web page"},
		"login":         {httpxtest.LoginPage(200), 1, apierr.ErrAuth, apierr.ErrAuth, "not signed in"},
		"cut":           {httpxtest.CutBody(200, `{"incidents":[`), 4, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, ""},
		"reset after":   {httpxtest.ResetAfter(), 4, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, ""},
		"reset before":  {httpxtest.ResetBefore(), 4, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, ""},
		"unavailable":   {httpxtest.Status(503), 4, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, "503"},
		"not JSON":      {httpxtest.Text(200, "ok"), 1, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, ""},
		"empty":         {httpxtest.Status(200), 1, apierr.ErrUnavailable, apierr.ErrUnknownOutcome, "empty"},
		"wait too long": {httpxtest.RetryAfter(429, 3600), 1, apierr.ErrRateLimited, apierr.ErrRateLimited, "1h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Path: list, Reply: test.reply, Times: test.reads})
			_, err := newClient(t, srv).Incidents(t.Context())
			require.ErrorIs(t, err, test.read)
			assert.Contains(t, err.Error(), test.says)
			assert.True(t, strings.HasPrefix(err.Error(), "victorops: list incidents: "), err.Error())
			assert.Len(t, srv.Seen(), test.reads)

			// A change is sent once, whatever became of it.
			srv = httpxtest.New(t, httpxtest.Exchange{Method: "PATCH", Path: ack, Reply: test.reply})
			_, err = newClient(t, srv).Ack(t.Context(), victorops.AckRequest{UserName: "you", Numbers: []string{"4127"}})
			require.ErrorIs(t, err, test.write)
			assert.Contains(t, err.Error(), "acknowledge 4127")
			assert.Len(t, srv.Seen(), 1)
		})
	}
}

func TestRefusedNamesTheThreeReasonsAndTheWayOn(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/ack", Reply: httpxtest.Status(403)})
	_, err := c.Ack(t.Context(), victorops.AckRequest{UserName: "you", Numbers: []string{"4127"}})
	require.EqualError(t, err, "victorops: acknowledge 4127: refused: bad key, read-only key, or more than 2 requests a second (403)")
	assert.Equal(t, "oncall auth status victorops", apierr.HintOf(err))
}

// A 403 may be the throttle: a read comes again when the window has passed.
func TestRefusedReadIsTriedOnceMore(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/api-public/v1/team", Reply: httpxtest.Status(403)},
		httpxtest.Exchange{Path: "/api-public/v1/team", Reply: reply(200, `[{"name":"Operations","slug":"team-1"}]`)})
	teams, err := newClient(t, srv).Teams(t.Context())
	require.NoError(t, err)
	require.Len(t, teams, 1)
	assert.Equal(t, []time.Duration{time.Second}, srv.Waits())
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	t.Run("429 is waited for, and a change comes again as it was refused", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t,
			httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/ack", Reply: httpxtest.RetryAfter(429, 2)},
			httpxtest.Exchange{Method: "PATCH", Path: "/api-public/v1/incidents/ack", Reply: reply(200, `{"results":[]}`)})
		_, err := newClient(t, srv).Ack(t.Context(), victorops.AckRequest{UserName: "you", Numbers: []string{"1"}})
		require.NoError(t, err)
		require.Len(t, srv.Waits(), 1)
		assert.GreaterOrEqual(t, srv.Waits()[0], 2*time.Second)
	})
	t.Run("a 403 with Retry-After is surely the throttle", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t, httpxtest.Exchange{Path: "/api-public/v1/team", Reply: httpxtest.RetryAfter(403, 600)})
		_, err := newClient(t, srv).Teams(t.Context())
		require.ErrorIs(t, err, apierr.ErrRateLimited)
		require.NotErrorIs(t, err, apierr.ErrAuth)
	})
	t.Run("420 is no throttle here", func(t *testing.T) {
		t.Parallel()
		c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/maintenancemode", Reply: httpxtest.Status(420)})
		_, err := c.Maintenance(t.Context())
		require.ErrorIs(t, err, apierr.ErrConflict)
	})
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newClient(t, srv).Incidents(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
	assert.Empty(t, srv.Seen())
}

func TestClassifyOfTheCallerComesLast(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/api-public/v1/team", Reply: httpxtest.Status(404)})
	h := srv.Config("")
	h.Classify = func(a *httpx.Answer) { a.Err.Message = "mine" }
	c, err := victorops.New(victorops.Config{HTTP: h, APIID: secret.New(apiID), APIKey: secret.New(apiKey)})
	require.NoError(t, err)
	_, err = c.Teams(t.Context())
	assert.EqualError(t, err, "victorops: list teams: mine (404)")
}

func TestLimits(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []httpx.Limit{{N: 2, Per: time.Second}}, victorops.Limits())
	assert.Equal(t, []httpx.Limit{{N: 1, Per: time.Second}}, victorops.SlowLimits())
}

func TestPagingPoliciesAreReadSlowly(t *testing.T) {
	t.Parallel()
	reply := httpxtest.JSON(200, `{"steps":[]}`)
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/api-public/v1/profile/a/policies", Reply: reply},
		httpxtest.Exchange{Path: "/api-public/v1/profile/b/policies", Reply: reply},
		httpxtest.Exchange{Path: "/api-public/v1/profile/c/policies", Reply: reply})
	now, waited := time.Unix(1_800_000_000, 0), []time.Duration{}
	slow := httpx.NewPacer(victorops.SlowLimits()...).WithClock(func() time.Time { return now },
		func(_ context.Context, d time.Duration) error {
			waited = append(waited, d)
			now = now.Add(d)
			return nil
		})
	c, err := victorops.New(victorops.Config{HTTP: srv.Config(""), Slow: slow, APIID: secret.New(apiID), APIKey: secret.New(apiKey)})
	require.NoError(t, err)
	for _, user := range []string{"a", "b", "c"} {
		_, err = c.PagingPolicy(t.Context(), user)
		require.NoError(t, err)
	}
	assert.Equal(t, []time.Duration{time.Second, time.Second}, waited)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.PagingPolicy(ended, "d")
	require.ErrorIs(t, err, context.Canceled)
}

func TestBadBase(t *testing.T) {
	t.Parallel()
	_, err := victorops.New(victorops.Config{HTTP: httpx.Config{BaseURL: "ftp://x"}})
	require.ErrorIs(t, err, apierr.ErrUsage)
	_, err = victorops.New(victorops.Config{AlertURL: "nonsense"})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestSkew(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)
	answer := func(headers ...string) httpxtest.Exchange {
		r := httpxtest.JSON(200, `[]`)
		for i := 0; i < len(headers); i += 2 {
			r = r.With(headers[i], headers[i+1])
		}
		return httpxtest.Exchange{Path: "/api-public/v1/team", Reply: r}
	}
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	h := httpxtest.New(t, answer("Date", at(time.Hour)), answer("Date", at(2*time.Hour), "Age", "60"), answer("Date", "soon"), answer("Date", at(-time.Minute))).Config("x")
	h.Now = func() time.Time { return now }
	c, err := victorops.New(victorops.Config{HTTP: h, APIID: secret.New(apiID), APIKey: secret.New(apiKey)})
	require.NoError(t, err)
	_, known := c.Skew()
	assert.False(t, known, "nothing was asked yet")
	for _, want := range []time.Duration{time.Hour, time.Hour, time.Hour, -time.Minute} {
		_, err := c.Teams(t.Context())
		require.NoError(t, err)
		d, known := c.Skew()
		assert.True(t, known)
		assert.Equal(t, want, d, "a cache's answer and an unreadable date teach nothing")
	}
}
