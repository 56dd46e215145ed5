package jenkins

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/secret"
)

func client(t *testing.T, srv *httpxtest.Server) *Client {
	t.Helper()
	c, err := New(Config{HTTP: srv.Config("jenkins"), User: "you", Token: secret.New("token-1")})
	require.NoError(t, err)
	return c
}

var deploy = Job{Name: JobName{"team", "Deploy"}, Buildable: true, Parameters: []Definition{
	{Name: "COMPONENT", Type: "ChoiceParameterDefinition", Choices: []string{"api", "builder"}, Default: "api", HasDefault: true},
	{Name: "VERSION", Type: "StringParameterDefinition", HasDefault: true},
	{Name: "DRY_RUN", Type: "BooleanParameterDefinition", Default: "false", HasDefault: true},
	{Name: "KEY", Type: "PasswordParameterDefinition"},
}}

const startPath = "/job/team/job/Deploy/buildWithParameters"

func starting(r httpxtest.Reply) httpxtest.Exchange {
	return httpxtest.Exchange{Method: "POST", Path: startPath, Body: "VERSION=1.2.3", Reply: r}
}

var version123 = []Parameter{{Name: "VERSION", Value: "1.2.3"}}

// Every answer of contract section 5 has its own meaning, and none is followed
// or sent again.
func TestStartAnswers(t *testing.T) {
	t.Parallel()
	html := func(status int, text string) httpxtest.Reply {
		return httpxtest.Text(status, text).With("Content-Type", "text/html")
	}
	for name, tc := range map[string]struct {
		reply httpxtest.Reply
		id    int64
		fold  bool
		kind  error
		says  string
	}{
		"201":                 {reply: httpxtest.Redirect(201, "http://jenkins.internal:8080/queue/item/88123/"), id: 88123},
		"201 context path":    {reply: httpxtest.Redirect(201, "https://ci.example.test/base/path/queue/item/7/"), id: 7},
		"303 folded":          {reply: httpxtest.Redirect(303, "/queue/item/88100/"), id: 88100, fold: true},
		"302 refused":         {reply: httpxtest.Redirect(302, "http://x/job/team/job/Deploy/"), kind: apierr.ErrConflict, says: "refused by a rule of the queue"},
		"302 login":           {reply: httpxtest.Redirect(302, "http://x/login?from=%2Fjob"), kind: apierr.ErrAuth, says: "not signed in"},
		"308 elsewhere":       {reply: httpxtest.Redirect(308, "https://other.test/"), kind: apierr.ErrUsage, says: "nothing was started"},
		"400":                 {reply: html(400, "Deploy is not parameterized"), kind: apierr.ErrInvalid, says: "takes no parameters"},
		"401":                 {reply: html(401, ""), kind: apierr.ErrAuth, says: "the user or the API token is wrong"},
		"403":                 {reply: html(403, "no").With("X-Required-Permission", "hudson.model.Item.Build").With("X-You-Are-Authenticated-As", "you"), kind: apierr.ErrAuth, says: "needs the permission hudson.model.Item.Build; signed in as you"},
		"404":                 {reply: html(404, ""), kind: apierr.ErrNotFound, says: "no right to see it"},
		"405":                 {reply: html(405, ""), kind: apierr.ErrInvalid, says: "nothing was started"},
		"409":                 {reply: html(409, "Deploy is not buildable"), kind: apierr.ErrConflict, says: "disabled"},
		"500 oops":            {reply: html(500, "Oops! Logging ID=5a8a7c2e-1111-2222-3333-123456789abc"), kind: apierr.ErrUnknownOutcome, says: "5a8a7c2e-1111-2222-3333-123456789abc"},
		"502 proxy":           {reply: html(502, "bad gateway"), kind: apierr.ErrUnknownOutcome, says: "cannot tell whether the build was started"},
		"503 restarting":      {reply: html(503, "Please wait while Jenkins is restarting"), kind: apierr.ErrUnavailable, says: "restarting"},
		"200 page":            {reply: httpxtest.LoginPage(200), kind: apierr.ErrAuth, says: "not signed in"},
		"201 without a place": {reply: httpxtest.Status(201), kind: apierr.ErrUnknownOutcome, says: "named no queue item"},
		"lost":                {reply: httpxtest.ResetAfter(), kind: apierr.ErrUnknownOutcome, says: "the connection was lost after the request was sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, starting(tc.reply))
			s, err := client(t, srv).Start(t.Context(), deploy, version123, StartOptions{})
			if tc.kind == nil {
				require.NoError(t, err)
				assert.Equal(t, tc.id, s.QueueID)
				assert.Equal(t, tc.fold, s.Folded)
				return
			}
			require.ErrorIs(t, err, tc.kind)
			assert.ErrorContains(t, err, tc.says)
			if !errors.Is(tc.kind, apierr.ErrUnknownOutcome) {
				assert.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
			}
		})
	}
}

// A refusal for want of a crumb did nothing, so the start is sent once more, with
// the crumb and the session that it belongs to.
func TestStartWithCrumb(t *testing.T) {
	t.Parallel()
	refused := httpxtest.Text(403, "No valid crumb was included in the request").With("Content-Type", "text/html")
	srv := httpxtest.New(t,
		httpxtest.Exchange{Method: "POST", Path: startPath, Reply: refused, Check: func(t testing.TB, r httpxtest.Recorded) {
			assert.Empty(t, r.Header.Get("Cookie"))
		}},
		httpxtest.Exchange{Path: "/crumbIssuer/api/json", Reply: httpxtest.JSON(200, `{"crumb":"c1","crumbRequestField":"Jenkins-Crumb"}`).
			With("Set-Cookie", "JSESSIONID.1=abc; Path=/; HttpOnly").With("Set-Cookie", "route=2")},
		httpxtest.Exchange{Method: "POST", Path: startPath, Header: map[string]string{"Jenkins-Crumb": "c1", "Cookie": "JSESSIONID.1=abc; route=2"},
			Reply: httpxtest.Redirect(201, "/queue/item/9/")},
	)
	s, err := client(t, srv).Start(t.Context(), deploy, version123, StartOptions{})
	require.NoError(t, err)
	assert.EqualValues(t, 9, s.QueueID)

	still := httpxtest.New(t,
		httpxtest.Exchange{Method: "POST", Path: startPath, Reply: refused},
		httpxtest.Exchange{Path: "/crumbIssuer/api/json", Reply: httpxtest.JSON(200, `{"crumb":"c1","crumbRequestField":"Jenkins-Crumb"}`)},
		httpxtest.Exchange{Method: "POST", Path: startPath, Reply: refused},
	)
	_, err = client(t, still).Start(t.Context(), deploy, version123, StartOptions{})
	require.ErrorIs(t, err, apierr.ErrAuth)
}

func TestEffectiveRefusesBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given []Parameter
		says  string
		hint  string
	}{
		"typo":         {[]Parameter{{Name: "VERSON", Value: "1"}}, `has no parameter "VERSON"`, "did you mean VERSION?"},
		"unknown":      {[]Parameter{{Name: "ZZZZZZZZ", Value: "1"}}, `has no parameter "ZZZZZZZZ"`, "it takes: COMPONENT, VERSION, DRY_RUN, KEY"},
		"choice":       {[]Parameter{{Name: "COMPONENT", Value: "buidler"}}, "COMPONENT=buidler is not offered", "did you mean COMPONENT=builder?"},
		"twice":        {[]Parameter{{Name: "VERSION", Value: "1"}, {Name: "VERSION", Value: "2"}}, "given twice", ""},
		"not a bool":   {[]Parameter{{Name: "DRY_RUN", Value: "yes"}}, `true or false, not "yes"`, ""},
		"case matters": {[]Parameter{{Name: "version", Value: "1"}}, `has no parameter "version"`, "did you mean VERSION?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, httpxtest.New(t))
			_, err := c.Start(t.Context(), deploy, tc.given, StartOptions{})
			require.ErrorIs(t, err, apierr.ErrUsage)
			assert.ErrorContains(t, err, tc.says)
			assert.Contains(t, apierr.HintOf(err), tc.hint)
		})
	}
	all, err := deploy.Effective([]Parameter{{Name: "DRY_RUN", Value: "TRUE"}, {Name: "VERSION", Value: "2"}})
	require.NoError(t, err)
	assert.Equal(t, []Parameter{{Name: "COMPONENT", Value: "api"}, {Name: "VERSION", Value: "2"}, {Name: "DRY_RUN", Value: "true"}, {Name: "KEY", Secret: true}}, all)
	_, err = Job{Name: JobName{"plain"}}.Effective(version123)
	require.ErrorContains(t, err, "takes no parameters")
	_, err = client(t, httpxtest.New(t)).Start(t.Context(), Job{Name: JobName{"x"}, Disabled: true}, nil, StartOptions{})
	require.ErrorIs(t, err, apierr.ErrConflict)
}

func TestSameParameters(t *testing.T) {
	t.Parallel()
	a := []Parameter{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}
	assert.True(t, SameParameters(a, []Parameter{{Name: "B", Value: "2"}, {Name: "A", Value: "1"}}))
	assert.True(t, SameParameters(nil, []Parameter{}))
	assert.False(t, SameParameters(a, a[:1]))
	assert.False(t, SameParameters(a, []Parameter{{Name: "A", Value: "1"}, {Name: "B", Value: "3"}}))
	assert.False(t, SameParameters(a, []Parameter{{Name: "A", Value: "1"}, {Name: "A", Value: "1"}}))
	s := []Parameter{{Name: "T", Secret: true}}
	assert.False(t, SameParameters(s, s), "what nobody can read is equal to nothing")
}

const (
	queueQuery = "?tree=items%5B_class%2Cid%2Cwhy%2Cstuck%2Cblocked%2Cbuildable%2Cpending%2Ccancelled%2CinQueueSince%2Cexecutable%5Bnumber%2Curl%5D%2Ctask%5Bname%2Curl%5D%2Cactions%5Bparameters%5B_class%2Cname%2Cvalue%5D%2Ccauses%5BshortDescription%2CuserId%2CupstreamProject%2CupstreamBuild%5D%5D%5D"
	mine       = `{"causes":[{"userId":"you"}]}`
	others     = `{"causes":[{"userId":"secondary"}]}`
	withV      = `{"parameters":[{"name":"COMPONENT","value":"api"},{"name":"VERSION","value":"1.2.3"},{"name":"DRY_RUN","value":false},{"name":"KEY"}]}`
)

// After a lost answer the queue and the newest builds are searched for a start
// of ours, not before it was sent and with its parameters.
func TestFindStarted(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)
	at := func(d time.Duration) int64 { return sent.Add(d).UnixMilli() }
	task := `"task":{"name":"Deploy","url":"http://jenkins.internal:8080/job/team/job/Deploy/"}`
	all, err := deploy.Effective(version123)
	require.NoError(t, err)
	s := Started{Sent: sent, Parameters: all}
	item := func(id int, since int64, actions ...string) string {
		return fmt.Sprintf(`{"_class":"hudson.model.Queue$WaitingItem","id":%d,"inQueueSince":%d,%s,"actions":[%s,%s]}`, id, since, task, actions[0], actions[1])
	}
	build := func(n int, since int64, actions ...string) string {
		return fmt.Sprintf(`{"number":%d,"queueId":%d,"timestamp":%d,"actions":[%s,%s]}`, n, n+1000, since, actions[0], actions[1])
	}
	for name, tc := range map[string]struct {
		items, builds string
		want          Found
		found         bool
		newest        int
	}{
		"in the queue":  {item(5, at(time.Second), mine, withV), "", Found{QueueID: 5}, true, 0},
		"started":       {"", build(42, at(2*time.Second), mine, withV), Found{QueueID: 1042, Build: 42}, true, 0},
		"of another":    {item(5, at(time.Second), others, withV), build(42, at(time.Second), others, withV), Found{}, false, 0},
		"older":         {item(5, at(-time.Minute), mine, withV), build(42, at(-time.Minute), mine, withV), Found{}, false, 0},
		"other values":  {item(5, at(time.Second), mine, `{"parameters":[{"name":"VERSION","value":"9"}]}`), "", Found{}, false, 0},
		"other job too": {`{"id":6,"inQueueSince":1,"task":{"name":"Deploy","url":"http://x/job/other/job/Deploy/"},"actions":[]}`, "", Found{}, false, 0},
		// A clock of ours that is off by an hour, and a controller that tells no time.
		"a later number":              {"", build(42, at(-time.Hour), mine, withV), Found{QueueID: 1042, Build: 42}, true, 41},
		"the number before":           {"", build(42, at(time.Hour), mine, withV), Found{}, false, 42},
		"of another, later":           {"", build(42, at(time.Second), others, withV), Found{}, false, 41},
		"waits, and a secret decides": {item(5, at(-time.Hour), mine, withV), "", Found{}, false, 41},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue := httpxtest.Exchange{Path: "/queue/api/json" + queueQuery, Reply: httpxtest.JSON(200, `{"items":[`+tc.items+`]}`).With("Date", sent.Format(http.TimeFormat))}
			exchanges := []httpxtest.Exchange{queue}
			if tc.want.Build > 0 || !tc.found {
				exchanges = append(exchanges, httpxtest.Exchange{Path: buildsPath(0, 20), Reply: httpxtest.JSON(200, `{"builds":[`+tc.builds+`]}`)})
			}
			s := s
			s.newest = tc.newest
			cfg := httpxtest.New(t, exchanges...).Config("jenkins")
			cfg.Now = func() time.Time { return sent }
			c, err := New(Config{HTTP: cfg, User: "you"})
			require.NoError(t, err)
			f, found, err := c.FindStarted(t.Context(), deploy.Name, s, 0)
			require.NoError(t, err)
			assert.Equal(t, tc.found, found)
			assert.Equal(t, tc.want, f)
		})
	}
}

// TestFoundThoughTheClockIsAhead: an item with equal parameters is ours, whenever it
// says that it was queued, as a start is folded into it.
func TestFoundThoughTheClockIsAhead(t *testing.T) {
	t.Parallel()
	const answer = `{"items":[{"_class":"hudson.model.Queue$BlockedItem","id":5,"inQueueSince":1,"task":{"name":"Deploy","url":"http://x/job/team/job/Deploy/"},` +
		`"actions":[{"parameters":[{"name":"VERSION","value":"1.2.3"}]},` + mine + `]}]}`
	for newest, found := range map[int]bool{0: false, 41: true} {
		exchanges := []httpxtest.Exchange{{Path: "/queue/api/json" + queueQuery, Reply: httpxtest.JSON(200, answer)}}
		if !found {
			exchanges = append(exchanges, httpxtest.Exchange{Path: buildsPath(0, 20), Reply: httpxtest.JSON(200, `{"builds":[]}`)})
		}
		f, ok, err := client(t, httpxtest.New(t, exchanges...)).FindStarted(t.Context(), deploy.Name, Started{Sent: time.Now(), Parameters: version123, newest: newest}, 0)
		require.NoError(t, err)
		assert.Equal(t, found, ok)
		assert.Equal(t, found, f.QueueID == 5)
	}
}

func buildsPath(from, to int) string {
	field := "builds"
	if to > newest {
		field = "allBuilds"
	}
	r := httpx.Request{Query: map[string][]string{"tree": {fmt.Sprintf("_class,jobs[name],%s[%s]{%d,%d}", field, historyTree, from, to)}}}
	return "/job/team/job/Deploy/api/json?" + r.Query.Encode()
}

func itemPath(id int) string {
	return fmt.Sprintf("/queue/item/%d/api/json?%s", id, httpx.Request{Query: map[string][]string{"tree": {queueTree}}}.Query.Encode())
}

// A queue item is followed through all its states.
func TestWaitStart(t *testing.T) {
	t.Parallel()
	say := func(class, extra string) httpxtest.Exchange {
		return httpxtest.Exchange{Path: itemPath(5), Reply: httpxtest.JSON(200, `{"_class":"hudson.model.Queue$`+class+`","id":5,"inQueueSince":1`+extra+`}`)}
	}
	gone := httpxtest.Exchange{Path: itemPath(5), Reply: httpxtest.Status(404)}
	list := func(builds string) httpxtest.Exchange {
		return httpxtest.Exchange{Path: buildsPath(0, 100), Reply: httpxtest.JSON(200, `{"builds":[`+builds+`]}`)}
	}
	t.Run("to a build", func(t *testing.T) {
		t.Parallel()
		c := client(t, httpxtest.New(t,
			say("WaitingItem", `,"why":"In the quiet period. Expires in 4.9 sec"`),
			say("BlockedItem", `,"why":"Build #411 is already in progress"`),
			say("BuildableItem", `,"why":"Waiting for next available executor","stuck":true`),
			httpxtest.Exchange{Path: itemPath(5), Reply: httpxtest.Status(503), Times: 4}, // a restart, in the middle
			say("LeftItem", `,"cancelled":false,"executable":null`),
			say("LeftItem", `,"cancelled":false,"executable":{"number":412}`)))
		var states []QueueState
		n, err := c.WaitStart(t.Context(), deploy.Name, 5, func(q QueueItem) { states = append(states, q.State) })
		require.NoError(t, err)
		assert.Equal(t, 412, n)
		assert.Equal(t, []QueueState{QueueQuiet, QueueBlocked, QueueBuildable, QueueLeaving, QueueStarted}, states)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		c := client(t, httpxtest.New(t, say("LeftItem", `,"cancelled":true,"executable":null`)))
		_, err := c.WaitStart(t.Context(), deploy.Name, 5, nil)
		require.ErrorIs(t, err, ErrCancelled)
		assert.NotErrorIs(t, err, apierr.ErrUnknownOutcome)
	})
	t.Run("gone but started", func(t *testing.T) {
		t.Parallel()
		c := client(t, httpxtest.New(t, gone, list(""), gone, list(`{"number":412,"queueId":5}`)))
		n, err := c.WaitStart(t.Context(), deploy.Name, 5, nil)
		require.NoError(t, err)
		assert.Equal(t, 412, n)
	})
	t.Run("vanished", func(t *testing.T) {
		t.Parallel()
		srv := httpxtest.AnyOrder(t, httpxtest.Exchange{Path: itemPath(5), Reply: httpxtest.Status(404), Times: 4},
			httpxtest.Exchange{Path: buildsPath(0, 100), Reply: httpxtest.JSON(200, `{"builds":[]}`), Times: 4})
		cfg := srv.Config("jenkins")
		now := time.Now()
		cfg.Now = func() time.Time { return now }
		cfg.Sleep = func(context.Context, time.Duration) error { now = now.Add(10 * time.Second); return nil }
		c, err := New(Config{HTTP: cfg})
		require.NoError(t, err)
		_, err = c.WaitStart(t.Context(), deploy.Name, 5, nil)
		require.ErrorIs(t, err, ErrLostTrack)
		assert.ErrorIs(t, err, apierr.ErrUnknownOutcome)
	})
	t.Run("401", func(t *testing.T) {
		t.Parallel()
		c := client(t, httpxtest.New(t, httpxtest.Exchange{Path: itemPath(5), Reply: httpxtest.Status(401)}))
		_, err := c.WaitStart(t.Context(), deploy.Name, 5, nil)
		require.ErrorIs(t, err, apierr.ErrAuth)
	})
}

func TestCancelAndStop(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply httpxtest.Reply
		kind  error
	}{
		"204": {httpxtest.Status(204), nil}, "302": {httpxtest.Redirect(302, "/queue/"), nil},
		"302 login": {httpxtest.Redirect(302, "/login"), apierr.ErrAuth},
		"404":       {httpxtest.Status(404), apierr.ErrNotFound}, "422": {httpxtest.Status(422), apierr.ErrAuth},
		"500": {httpxtest.Status(500), apierr.ErrUnknownOutcome}, "page": {httpxtest.LoginPage(200), apierr.ErrAuth},
	} {
		t.Run("cancel "+name, func(t *testing.T) {
			t.Parallel()
			err := client(t, httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: "/queue/cancelItem?id=5", Reply: tc.reply})).Cancel(t.Context(), 5)
			if tc.kind == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.kind)
			}
		})
	}
	stop := httpxtest.Exchange{Method: "POST", Path: "/job/e2e/7/stop", Reply: httpxtest.Redirect(302, "http://x/job/e2e/7/")}
	require.NoError(t, client(t, httpxtest.New(t, stop)).Stop(t.Context(), job, 7))
	stop.Reply = httpxtest.Redirect(302, "/securityRealm/commenceLogin?from=x")
	require.ErrorIs(t, client(t, httpxtest.New(t, stop)).Stop(t.Context(), job, 7), apierr.ErrAuth)
}

// A start leaves the queue between any two reads. It is seen, and once.
func TestActivityWhileAStartLeavesTheQueue(t *testing.T) {
	t.Parallel()
	const (
		item  = `{"_class":"hudson.model.Queue$BuildableItem","id":7,"buildable":true,"inQueueSince":1,"task":{"name":"Deploy","url":"http://x/job/team/job/Deploy/"}}`
		other = `{"_class":"hudson.model.Queue$BuildableItem","id":8,"buildable":true,"inQueueSince":1,"task":{"name":"Other","url":"http://x/job/Other/"}}`
		build = `{"number":882,"queueId":7,"building":true,"timestamp":1}`
	)
	for _, leaves := range []int{1, 2, 3} { // after so many reads; 3 is never
		t.Run(fmt.Sprint(leaves), func(t *testing.T) {
			t.Parallel()
			var reads atomic.Int32
			ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				queue, builds := other, ""
				if int(reads.Add(1)) <= leaves {
					queue = other + "," + item
				} else {
					builds = build
				}
				w.Header().Set("X-Jenkins", "2.541.3")
				w.Header().Set("Content-Type", "application/json")
				if strings.HasPrefix(r.URL.Path, "/queue/") {
					fmt.Fprintf(w, `{"items":[%s]}`, queue)
				} else {
					fmt.Fprintf(w, `{"builds":[%s]}`, builds)
				}
			}))
			t.Cleanup(ts.Close)
			c, err := New(Config{HTTP: httpx.Config{BaseURL: ts.URL}})
			require.NoError(t, err)
			a, err := c.Activity(t.Context(), deploy.Name, 10)
			require.NoError(t, err)
			assert.Equal(t, 1, len(a.Waiting)+len(a.Builds), "%+v", a)
		})
	}
}
