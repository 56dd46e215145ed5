package statuspage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/statuspage"
)

const (
	testKey  = "0f1e2d3c-key"
	testPage = "t7n2c9x4hbra"
	root     = "/pages/" + testPage
	hundred  = "?page=1&per_page=100"
)

func clientOf(t *testing.T, srv *httpxtest.Server, change ...func(*statuspage.Config)) *statuspage.Client {
	t.Helper()
	cfg := statuspage.Config{HTTP: srv.Config("statuspage"), APIKey: secret.New(testKey), PageID: testPage}
	for _, f := range change {
		f(&cfg)
	}
	c, err := statuspage.New(cfg)
	require.NoError(t, err)
	return c
}

func TestSignsWithTheWordOAuth(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/pages", Header: map[string]string{"Authorization": "OAuth " + testKey},
		Reply: httpxtest.JSON(200, `[{"id":"t7n2c9x4hbra","name":"Example","subdomain":"example","domain":null}]`)})
	pages, err := clientOf(t, srv).Pages(t.Context())
	require.NoError(t, err)
	require.Len(t, pages, 1)
	assert.Equal(t, "https://example.statuspage.io", pages[0].Address())
}

func TestAddressOfAPage(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "https://status.example.test", statuspage.Page{Domain: "status.example.test", Subdomain: "x"}.Address())
	assert.Equal(t, "https://x.statuspage.io", statuspage.Page{Subdomain: "x.statuspage.io"}.Address())
	assert.Equal(t, "https://t7n2c9x4hbra.statuspage.io", statuspage.Page{ID: testPage}.Address())
}

func TestWithoutAKeyNothingIsSent(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	c := clientOf(t, srv, func(cfg *statuspage.Config) { cfg.APIKey = secret.String{} })
	_, err := c.Page(t.Context())
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Equal(t, "statuspage: read the page: no API key is set", err.Error())
	assert.Contains(t, apierr.HintOf(err), "ONCALL_STATUSPAGE_API_KEY")
}

func TestAnIDThatIsNoneIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t)
	c := clientOf(t, srv)
	for _, id := range []string{"", "..", "a/b", "a b", "a?b", strings.Repeat("a", 65)} {
		_, err := c.Incident(t.Context(), id)
		require.ErrorIs(t, err, apierr.ErrUsage, id)
		_, err = c.UpdateComponent(t.Context(), id, statuspage.ComponentWrite{})
		require.ErrorIs(t, err, apierr.ErrUsage, id)
		_, err = c.EditUpdate(t.Context(), "h8d2w6r0kfzp", id, statuspage.UpdateWrite{})
		require.ErrorIs(t, err, apierr.ErrUsage, id)
		_, err = c.Postmortem(t.Context(), id)
		require.ErrorIs(t, err, apierr.ErrUsage, id)
	}
	_, err := statuspage.New(statuspage.Config{PageID: "../x"})
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestTheOnlyPageIsFound(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: "/pages", Reply: httpxtest.JSON(200, `[{"id":"t7n2c9x4hbra","name":"Example"}]`)},
		httpxtest.Exchange{Path: root + "/subscribers/count", Reply: httpxtest.JSON(200, `{"email":40,"sms":2,"slack":null}`)},
		httpxtest.Exchange{Path: root + "/subscribers/count", Reply: httpxtest.JSON(200, `{"email":40,"sms":2}`)},
	)
	c := clientOf(t, srv, func(cfg *statuspage.Config) { cfg.PageID = "" })
	for range 2 {
		n, err := c.SubscriberCount(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 42, n.Total())
	}
}

func TestSeveralPagesAreNotGuessed(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`[{"id":"aaaaaaaaaaaa","name":"A"},{"id":"bbbbbbbbbbbb","name":"B"}]`: apierr.ErrUsage,
		`[]`: apierr.ErrAuth,
	} {
		srv := httpxtest.New(t, httpxtest.Exchange{Path: "/pages", Reply: httpxtest.JSON(200, body)})
		_, err := clientOf(t, srv, func(cfg *statuspage.Config) { cfg.PageID = "" }).Page(t.Context())
		require.ErrorIs(t, err, want)
	}
}

func TestAWrongPageIsToldFromAWrongKey(t *testing.T) {
	t.Parallel()
	other := httpxtest.Exchange{Path: "/pages", Reply: httpxtest.JSON(200, `[{"id":"aaaaaaaaaaaa","name":"Ours"}]`)}
	for name, status := range map[string]int{"as 401": 401, "as 404": 404} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/components" + hundred, Reply: httpxtest.JSON(status, `{"error":"Could not authenticate"}`)}, other)
			_, err := statuspage.Collect(clientOf(t, srv).Components(t.Context()))
			require.ErrorIs(t, err, apierr.ErrAuth)
			require.NotErrorIs(t, err, apierr.ErrNotFound)
			assert.Contains(t, err.Error(), "page t7n2c9x4hbra is not among the pages of this key: aaaaaaaaaaaa (Ours)")
			assert.Contains(t, apierr.HintOf(err), "ONCALL_STATUSPAGE_PAGE_ID")
		})
	}
	t.Run("the key", func(t *testing.T) {
		t.Parallel()
		no := httpxtest.JSON(401, `{"error":"Could not authenticate"}`)
		srv := httpxtest.New(t, httpxtest.Exchange{Path: root, Reply: no}, httpxtest.Exchange{Path: "/pages", Reply: no})
		_, err := clientOf(t, srv).Page(t.Context())
		require.ErrorIs(t, err, apierr.ErrAuth)
		assert.Contains(t, err.Error(), "Could not authenticate; the key was refused, or it does not reach page t7n2c9x4hbra")
		assert.NotContains(t, err.Error(), testKey)
	})
	t.Run("a missing incident of the right page", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/incidents/h8d2w6r0kfzp", Reply: httpxtest.JSON(404, `{"error":"Incident not found"}`)})
		_, err := clientOf(t, srv).Incident(t.Context(), "h8d2w6r0kfzp")
		require.ErrorIs(t, err, apierr.ErrNotFound)
		assert.Contains(t, err.Error(), "Incident not found")
	})
}

func rows(n, from int) string {
	var list []map[string]any
	for i := range n {
		list = append(list, map[string]any{"id": fmt.Sprintf("c%011d", from+i), "name": fmt.Sprint("c", from+i)})
	}
	out, _ := json.Marshal(list)
	return string(out)
}

func TestListsAreReadWhole(t *testing.T) {
	t.Parallel()
	page := func(n int, size string) string { return fmt.Sprintf("?%s=100&page=%d", size, n) }
	alphabetical := func(n int) string { return fmt.Sprintf("?page=%d&per_page=100", n) }
	t.Run("per_page", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t,
			httpxtest.Exchange{Path: root + "/components" + alphabetical(1), Reply: httpxtest.JSON(200, rows(100, 0))},
			httpxtest.Exchange{Path: root + "/components" + alphabetical(2), Reply: httpxtest.JSON(200, rows(100, 100))},
			httpxtest.Exchange{Path: root + "/components" + alphabetical(3), Reply: httpxtest.JSON(200, rows(7, 200))},
		)
		all, err := statuspage.Collect(clientOf(t, srv).Components(t.Context()))
		require.NoError(t, err)
		require.Len(t, all, 207)
		assert.Equal(t, "c206", all[206].Name)
	})
	t.Run("limit, a full last page, and a search", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t,
			httpxtest.Exchange{Path: root + "/incidents" + page(1, "limit") + "&q=a+b", Reply: httpxtest.JSON(200, rows(100, 0))},
			httpxtest.Exchange{Path: root + "/incidents" + page(2, "limit") + "&q=a+b", Reply: httpxtest.JSON(200, `[]`)},
		)
		all, err := statuspage.Collect(clientOf(t, srv).Incidents(t.Context(), "a b"))
		require.NoError(t, err)
		assert.Len(t, all, 100)
	})
	t.Run("a reader that stops asks for no more", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/incident_templates" + hundred, Reply: httpxtest.JSON(200, rows(100, 0))})
		for range clientOf(t, srv).Templates(t.Context()) {
			break
		}
	})
	t.Run("a server that ignores page", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t,
			httpxtest.Exchange{Path: root + "/component-groups" + alphabetical(1), Reply: httpxtest.JSON(200, rows(100, 0))},
			httpxtest.Exchange{Path: root + "/component-groups" + alphabetical(2), Reply: httpxtest.JSON(200, rows(100, 0))},
		)
		got, err := statuspage.Collect(clientOf(t, srv).Groups(t.Context()))
		require.ErrorContains(t, err, "page 2 repeats page 1")
		assert.Len(t, got, 100)
	})
	t.Run("empty is a list", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/incidents/unresolved" + hundred, Reply: httpxtest.JSON(200, `[]`)})
		got, err := statuspage.Collect(clientOf(t, srv).IncidentsIn(t.Context(), statuspage.Unresolved))
		require.NoError(t, err)
		assert.NotNil(t, got)
	})
	t.Run("a row that cannot be read", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/incidents/upcoming" + hundred, Reply: httpxtest.JSON(200, `[{"id":"a","created_at":"yesterday"}]`)})
		_, err := statuspage.Collect(clientOf(t, srv).IncidentsIn(t.Context(), statuspage.Upcoming))
		require.ErrorContains(t, err, `"yesterday" is not a time`)
	})
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	for _, status := range []int{420, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			// The vendor refused it, so even a change is sent again after the wait.
			srv := httpxtest.New(t,
				httpxtest.Exchange{Method: "POST", Path: root + "/incidents", Reply: httpxtest.RetryAfter(status, 2)},
				httpxtest.Exchange{Method: "POST", Path: root + "/incidents", Reply: httpxtest.JSON(201, `{"id":"h8d2w6r0kfzp"}`)},
			)
			got, err := clientOf(t, srv).CreateIncident(t.Context(), statuspage.IncidentWrite{Name: new("x")})
			require.NoError(t, err)
			assert.Equal(t, "h8d2w6r0kfzp", got.ID)
			require.Len(t, srv.Waits(), 1)
			assert.GreaterOrEqual(t, srv.Waits()[0], 2*time.Second)
		})
		t.Run(fmt.Sprint(status, " longer than the deadline"), func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Path: root, Reply: httpxtest.RetryAfter(status, 3600)})
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := clientOf(t, srv).Page(ctx)
			require.ErrorIs(t, err, apierr.ErrRateLimited)
			var e *apierr.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, time.Hour, e.RetryAfter)
		})
	}
}

func TestLimitsAreTheVendors(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []httpx.Limit{{N: 60, Per: time.Minute, Burst: 10, Reserve: 2}}, statuspage.Limits())
}

func TestErrorBodiesOfEveryShape(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for _, tc := range []struct {
		name   string
		reply  httpxtest.Reply
		kind   error
		text   string
		absent string
	}{
		{"message", httpxtest.JSON(400, `{"message":"bad thing"}`), apierr.ErrInvalid, "not accepted: bad thing", ""},
		{"error text", httpxtest.JSON(422, `{"error":"bad thing"}`), apierr.ErrInvalid, "not accepted: bad thing", ""},
		{"error before message", httpxtest.JSON(422, `{"message":"second","error":"first"}`), apierr.ErrInvalid, "first", "second"},
		{"error list", httpxtest.JSON(422, `{"error":["one","two"]}`), apierr.ErrInvalid, "one; two", ""},
		{"error tree", httpxtest.JSON(422, `{"error":{"name":["can't be blank"],"title":["is odd"],"components":{"abc":["is unknown"]}}}`), apierr.ErrInvalid,
			"components.abc is unknown; name can't be blank; title is odd", ""},
		{"bare list", httpxtest.JSON(422, `["one"]`), apierr.ErrInvalid, "not accepted: one", ""},
		{"null", httpxtest.JSON(422, `{"error":null}`), apierr.ErrInvalid, "not accepted", "null"},
		{"deep", httpxtest.JSON(422, strings.Repeat(`{"error":`, 40)+`"x"`+strings.Repeat(`}`, 40)), apierr.ErrInvalid, "422", ""},
		{"long", httpxtest.JSON(422, `{"error":"`+long+`"}`), apierr.ErrInvalid, "xxx", long},
		{"controls", httpxtest.JSON(422, "{\"error\":\"a\\u001b[31mb\\nc\"}"), apierr.ErrInvalid, "not accepted", "\x1b"},
		{"empty", httpxtest.Status(422), apierr.ErrInvalid, "422", ""},
		{"html", httpxtest.HTML(422), apierr.ErrInvalid, "422", "<html"},
		{"forbidden", httpxtest.JSON(403, `{"error":"no"}`), apierr.ErrAuth, "403", ""},
		{"server", httpxtest.JSON(500, `{"message":"boom"}`), apierr.ErrUnknownOutcome, "boom", ""},
		{"login page", httpxtest.LoginPage(200), apierr.ErrAuth, "", "<form"},
		{"cut", httpxtest.CutBody(201, `{"id":"h8d2w6r0kfzp"}`), apierr.ErrUnknownOutcome, "", ""},
		{"reset before", httpxtest.ResetBefore(), apierr.ErrUnknownOutcome, "", ""},
		{"reset after", httpxtest.ResetAfter(), apierr.ErrUnknownOutcome, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: root + "/incidents", Reply: tc.reply})
			_, err := clientOf(t, srv).CreateIncident(t.Context(), statuspage.IncidentWrite{Name: new("x")})
			require.ErrorIs(t, err, tc.kind)
			assert.Contains(t, err.Error(), "statuspage: create an incident: ")
			assert.Contains(t, err.Error(), tc.text)
			if tc.absent != "" {
				assert.NotContains(t, err.Error(), tc.absent)
			}
			assert.NotContains(t, err.Error(), testKey)
		})
	}
}

func TestForbiddenNamesTheRoles(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: root, Reply: httpxtest.JSON(403, `{}`)})
	_, err := clientOf(t, srv).Page(t.Context())
	assert.Contains(t, apierr.HintOf(err), "incident_manager")
}

func TestReadsAreRepeatedAndChangesAreNot(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t,
		httpxtest.Exchange{Path: root, Reply: httpxtest.Status(503)},
		httpxtest.Exchange{Path: root, Reply: httpxtest.ResetAfter()},
		httpxtest.Exchange{Path: root, Reply: httpxtest.JSON(200, `{"id":"t7n2c9x4hbra"}`)},
		httpxtest.Exchange{Method: "PATCH", Path: root + "/incidents/h8d2w6r0kfzp", Reply: httpxtest.Status(503)},
	)
	c := clientOf(t, srv)
	_, err := c.Page(t.Context())
	require.NoError(t, err)
	_, err = c.UpdateIncident(t.Context(), "h8d2w6r0kfzp", statuspage.IncidentWrite{Name: new("y")})
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
}

func TestACancelledCallEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	srv := httpxtest.New(t)
	_, err := statuspage.Collect(clientOf(t, srv).Components(ctx))
	require.ErrorIs(t, err, context.Canceled)
}

func TestDumpsHideTheKeyAndTheAutomationAddress(t *testing.T) {
	t.Parallel()
	const mail = "component+0f@notifications.statuspage.io"
	srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/components" + hundred,
		Reply: httpxtest.JSON(200, `[{"id":"q4zk1m8tw2vd","automation_email":"`+mail+`"},{"id":"q4zk1m8tw2vx","automation_email":null}]`)})
	var dump bytes.Buffer
	c := clientOf(t, srv, func(cfg *statuspage.Config) { cfg.HTTP.Trace = httpx.Trace{W: &dump, Level: 2} })
	got, err := statuspage.Collect(c.Components(t.Context()))
	require.NoError(t, err)
	assert.Equal(t, mail, got[0].AutomationEmail.Reveal())
	assert.True(t, got[1].AutomationEmail.IsZero())
	printed, err := json.Marshal(got)
	require.NoError(t, err)
	for _, text := range []string{dump.String(), string(printed), fmt.Sprintf("%+v", got)} {
		assert.NotContains(t, text, mail)
		assert.NotContains(t, text, testKey)
	}
	assert.Contains(t, dump.String(), "q4zk1m8tw2vd")
}

func TestPublicSummaryNeedsNoKeyAndSendsNone(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/api/v2/summary.json", Check: func(t testing.TB, r httpxtest.Recorded) {
		t.Helper()
		if got := r.Header.Get("Authorization"); got != "" {
			t.Errorf("the key was sent: %q", got)
		}
	}, Reply: httpxtest.JSON(200, summary)})
	c := clientOf(t, srv, func(cfg *statuspage.Config) { cfg.PublicURL, cfg.HTTP.BaseURL = srv.URL, "http://elsewhere.invalid" })
	s, err := c.PublicSummary(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "major", s.Status.Indicator)
	require.Len(t, s.Maintenances, 1)
	assert.Equal(t, time.Date(2026, 3, 20, 6, 0, 0, 0, time.UTC), s.Maintenances[0].ScheduledFor.UTC())
	assert.Equal(t, time.Date(2026, 3, 2, 15, 14, 5, 309e6, time.UTC), s.Page.UpdatedAt.UTC())
}

func TestPublicSummaryOfAnUnknownPage(t *testing.T) {
	t.Parallel()
	c, err := statuspage.New(statuspage.Config{})
	require.NoError(t, err)
	_, err = c.PublicSummary(t.Context())
	require.ErrorIs(t, err, apierr.ErrUsage)
	// With an id the vendor's own host serves it.
	var asked string
	c, err = statuspage.New(statuspage.Config{PageID: testPage, HTTP: httpx.Config{Retry: httpx.RetryPolicy{Max: -1}, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.String()
		return nil, context.Canceled
	})}})
	require.NoError(t, err)
	_, err = c.PublicSummary(t.Context())
	require.Error(t, err)
	assert.Equal(t, "https://t7n2c9x4hbra.statuspage.io/api/v2/summary.json", asked)
}

func TestPublicSummaryOfAPrivatePage(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/api/v2/summary.json", Reply: httpxtest.LoginPage(200)})
	_, err := clientOf(t, srv, func(cfg *statuspage.Config) { cfg.PublicURL = srv.URL }).PublicSummary(t.Context())
	require.ErrorIs(t, err, apierr.ErrAuth)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const summary = `{"page":{"id":"t7n2c9x4hbra","name":"Example Status","url":"https://status.example.test","time_zone":"Etc/UTC","updated_at":"2026-03-02T09:14:05.309-06:00"},
"status":{"indicator":"major","description":"Partial System Outage"},
"components":[{"id":"q4zk1m8tw2vd","name":"Build queue","status":"partial_outage","created_at":"2024-05-01T08:00:00.000Z","updated_at":"2026-03-02T09:14:05.200Z","position":2,"description":null,"showcase":true,"start_date":null,"group_id":null,"page_id":"t7n2c9x4hbra","group":false,"only_show_if_degraded":false}],
"incidents":[],
"scheduled_maintenances":[{"id":"b0k4u8s2ydja","name":"Database upgrade","status":"scheduled","impact":"maintenance","scheduled_for":"2026-03-20T06:00:00.000Z","scheduled_until":"2026-03-20T07:00:00.000Z","shortlink":"https://stspg.io/b0k4u8s2ydja","page_id":"t7n2c9x4hbra","created_at":"2026-03-01T10:00:00.000Z","updated_at":"2026-03-01T10:00:00.000Z","started_at":"2026-03-20T06:00:00.000Z","monitoring_at":null,"resolved_at":null,"incident_updates":[],"components":[]}]}`

// A server may say the key back; no error does, whether the caller brought a masker
// or not.
func TestTheKeyIsMasked(t *testing.T) {
	t.Parallel()
	for _, m := range []*secret.Masker{nil, {}} {
		srv := httpxtest.New(t, httpxtest.Exchange{Path: root + "/incidents/h8d2w6r0kfzp", Reply: httpxtest.JSON(422, `{"error":["`+testKey+` is not a name"]}`)})
		_, err := clientOf(t, srv, func(c *statuspage.Config) { c.HTTP.Masker = m }).Incident(t.Context(), "h8d2w6r0kfzp")
		require.ErrorContains(t, err, "is not a name")
		assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), testKey)
		if m != nil {
			assert.NotContains(t, m.Mask("the key is "+testKey), testKey, "the caller's log hides it too")
		}
	}
}
