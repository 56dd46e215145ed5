package nodeping_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/nodeping"
	"github.com/balena-io/oncall/pkg/secret"
)

const (
	token = "T0KEN-1"
	id    = "202601150900AB1CD-K3XW9TQZ"
)

func talk(t *testing.T, exchanges ...httpxtest.Exchange) *nodeping.Client {
	t.Helper()
	c, err := nodeping.New(nodeping.Config{HTTP: httpxtest.New(t, exchanges...).Config("x"), Token: secret.New(token)})
	require.NoError(t, err)
	return c
}

// example is that of the contract note (note 9), with the odd types beside it.
const example = `{"` + id + `":{"_id":"` + id + `","customer_id":"202601150900AB1CD","label":"shop prod",
 "type":"HTTP","status":"assigned","enable":"active","public":false,"interval":1,"state":0,"firstdown":1793340000000,
 "created":1768467600000,"modified":1790000000000,"queue":"aB3dE5fG7h","runlocations":["eur"],"homeloc":false,"dep":false,"mute":false,"tags":["prod"],
 "notifications":[{"202601150900AB1CD-G-Q7RTY":{"delay":2,"schedule":"All"}}],
 "parameters":{"target":"https://shop.example.test/healthz","threshold":"10","sens":2,"follow":false,"ipv6":false},
 "lastresult":{"_id":"r1","t":"HTTP","tg":"https://shop.example.test/healthz","th":"10","i":"1","ra":"1793340120000","q":"aB3dE5fG7h","s":1793340120100,
  "sc":"503","m":"Invalid status: 503","su":false,"rt":212,"e":1793340120312,"l":{"1793340121000":"de","1793340120100":"nl"}}},
 "202601150900AB1CD-AAAAAAAA":{"_id":"202601150900AB1CD-AAAAAAAA","label":"Alpha","type":"PORT","enable":"inactive","state":0,"queue":false,"interval":0.25,
  "runlocations":"nam","dep":"202601150900AB1CD-K3XW9TQZ","mute":1793340000000,"firstdown":"0","notifications":[{"ABC12":"All"}],"parameters":{"target":"x","threshold":5,"port":"8080"}},
 "202601150900AB1CD-BBBBBBBB":{"_id":"202601150900AB1CD-BBBBBBBB","label":"beta","type":"SSL","enable":"active","mute":true,"runlocations":false,"parameters":{}}}`

func TestChecks(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/checks?lastresult=1", Header: map[string]string{"Authorization": "Basic VDBLRU4tMTp4"}, Reply: httpxtest.JSON(200, example)})
	all, err := c.Checks(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	a, b, shop := all[0], all[1], all[2]
	assert.Equal(t, "Alpha", a.Label, "sorted, as the wire has no order")
	assert.False(t, a.Enabled)
	assert.Equal(t, 15*time.Second, a.Interval)
	assert.Equal(t, 8080, a.Port)
	assert.Equal(t, []string{"nam"}, a.Locations)
	assert.Equal(t, id, a.Dependency)
	assert.True(t, a.Muted)
	assert.Equal(t, int64(1793340000000), a.MutedUntil.UnixMilli())
	assert.Equal(t, []nodeping.Notification{{ID: "ABC12", Schedule: "All"}}, a.Notifications)
	assert.Equal(t, "202601150900AB1CD", a.Account)
	assert.False(t, b.Known, "no state before the first result")
	assert.True(t, b.Muted)
	assert.True(t, b.MutedUntil.IsZero())
	assert.Empty(t, b.Locations)
	assert.True(t, shop.Failing)
	assert.Equal(t, 10*time.Second, shop.Threshold)
	assert.Equal(t, []nodeping.Notification{{ID: "202601150900AB1CD-G-Q7RTY", Delay: 2 * time.Minute, Schedule: "All"}}, shop.Notifications)
	require.NotNil(t, shop.Last)
	assert.Equal(t, "503", shop.Last.Code)
	assert.Equal(t, []string{"nl", "de"}, shop.Last.Places, "in the order of their times")
	assert.Equal(t, 212*time.Millisecond, shop.Last.Took)
}

func TestEmptyIsNoError(t *testing.T) {
	t.Parallel()
	all, err := talk(t, httpxtest.Exchange{Path: "/checks?lastresult=1", Reply: httpxtest.JSON(200, `{}`)}).Checks(t.Context())
	require.NoError(t, err)
	assert.NotNil(t, all)
	assert.Empty(t, all)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply httpxtest.Reply
		kind  error
		text  string
		times int
	}{
		"200 with an error":           {httpxtest.JSON(200, `{"error":"target: Invalid URL"}`), apierr.ErrInvalid, "target: Invalid URL", 1},
		"200, not there":              {httpxtest.JSON(200, `{"error":"Unable to find that check"}`), apierr.ErrNotFound, "Unable to find", 1},
		"200, another account":        {httpxtest.JSON(200, `{"error":"Not authorized for that account"}`), apierr.ErrAuth, "Not authorized", 1},
		"200, {}":                     {httpxtest.JSON(200, `{}`), apierr.ErrNotFound, "no check with this id", 1},
		"200, null":                   {httpxtest.JSON(200, `null`), apierr.ErrNotFound, "no check with this id", 1},
		"401":                         {httpxtest.JSON(401, `{"error":"x"}`), apierr.ErrAuth, "", 1},
		"403":                         {httpxtest.JSON(403, `{"error":"Token missing"}`), apierr.ErrAuth, "the token was refused", 1},
		"404":                         {httpxtest.Status(404), apierr.ErrNotFound, "", 1},
		"429 with a long wait":        {httpxtest.RetryAfter(429, 600), apierr.ErrRateLimited, "10m", 1},
		"500":                         {httpxtest.JSON(500, `{"error":"Error"}`), apierr.ErrUnavailable, "", 1},
		"503 is tried again":          {httpxtest.Status(503), apierr.ErrUnavailable, "", 4},
		"a page":                      {httpxtest.HTML(200), apierr.ErrUnavailable, "web page", 1},
		"a sign-in page":              {httpxtest.LoginPage(200), apierr.ErrAuth, "not signed in", 1},
		"cut":                         {httpxtest.CutBody(200, `{"_id":`), apierr.ErrUnavailable, "", 4},
		"reset":                       {httpxtest.ResetAfter(), apierr.ErrUnavailable, "", 4},
		"an error that is an object":  {httpxtest.JSON(200, `{"error":{"code":1}}`), apierr.ErrNotFound, "", 1},
		"hostile text in one line":    {httpxtest.JSON(200, `{"error":"a\nb   c"}`), apierr.ErrInvalid, "a b c", 1},
		"a redirect to somebody else": {httpxtest.Redirect(302, "http://127.0.0.2:1/"), apierr.ErrUnavailable, "redirect", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := talk(t, httpxtest.Exchange{Path: "/checks/" + id + "?lastresult=1", Reply: c.reply, Times: c.times}).Check(t.Context(), id)
			require.ErrorIs(t, err, c.kind)
			assert.ErrorContains(t, err, c.text)
			assert.NotContains(t, err.Error(), token)
		})
	}
	t.Run("a list of something else is no list of checks", func(t *testing.T) {
		t.Parallel()
		_, err := talk(t, httpxtest.Exchange{Path: "/checks?lastresult=1", Reply: httpxtest.JSON(200, `{"ok":true}`)}).Checks(t.Context())
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		_, err = talk(t, httpxtest.Exchange{Path: "/checks?lastresult=1", Reply: httpxtest.JSON(200, `[]`)}).Checks(t.Context())
		require.ErrorIs(t, err, apierr.ErrUnavailable)
	})
	t.Run("no token sends nothing", func(t *testing.T) {
		t.Parallel()
		c, err := nodeping.New(nodeping.Config{HTTP: httpxtest.New(t).Config("x")})
		require.NoError(t, err)
		_, err = c.Checks(t.Context())
		require.ErrorIs(t, err, apierr.ErrAuth)
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := talk(t).Checks(ctx)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestSubAccount(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Path: "/checks?customerid=SUB&lastresult=1", Reply: httpxtest.JSON(200, `{}`)},
		httpxtest.Exchange{Method: http.MethodPut, Path: "/checks/" + id + "?customerid=SUB", Reply: httpxtest.JSON(200, `{"_id":"x"}`)})
	c, err := nodeping.New(nodeping.Config{HTTP: srv.Config("x"), Token: secret.New(token), Account: "SUB"})
	require.NoError(t, err)
	_, err = c.Checks(t.Context())
	require.NoError(t, err)
	_, err = c.Unmute(t.Context(), nodeping.Check{ID: id})
	require.NoError(t, err)
}

func TestMute(t *testing.T) {
	t.Parallel()
	put := func(body string, r httpxtest.Reply) httpxtest.Exchange {
		return httpxtest.Exchange{Method: http.MethodPut, Path: "/checks/" + id, Body: body, Reply: r}
	}
	ok := httpxtest.JSON(200, `{"_id":"`+id+`","mute":false}`)
	k := nodeping.Check{ID: id, Type: "HTTP"}
	c := talk(t, put(`{"mute":1793340000000,"type":"HTTP"}`, ok), put(`{"mute":true,"type":"HTTP"}`, ok), put(`{"mute":false,"type":"HTTP"}`, ok),
		put("", httpxtest.JSON(200, `{"error":"mute: invalid"}`)))
	_, err := c.Mute(t.Context(), k, time.UnixMilli(1793340000000))
	require.NoError(t, err)
	_, err = c.Mute(t.Context(), k, time.Time{})
	require.NoError(t, err)
	_, err = c.Unmute(t.Context(), k)
	require.NoError(t, err)
	_, err = c.Unmute(t.Context(), k)
	require.ErrorIs(t, err, apierr.ErrInvalid)
	require.NotErrorIs(t, err, apierr.ErrUnknownOutcome, "the vendor said no")
}

// TestChangesAreSentOnce, whatever becomes of the answer.
func TestChangesAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]httpxtest.Reply{"reset before": httpxtest.ResetBefore(), "reset after": httpxtest.ResetAfter(), "500": httpxtest.Status(500),
		"503": httpxtest.Status(503), "cut": httpxtest.CutBody(200, `{`), "another form": httpxtest.JSON(200, `[]`)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := talk(t, httpxtest.Exchange{Method: http.MethodPut, Path: "/checks/" + id, Reply: r}).Unmute(t.Context(), nodeping.Check{ID: id})
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
			_, err = talk(t, httpxtest.Exchange{Method: http.MethodPost, Path: "/maintenance/ad-hoc", Reply: r}).StartMaintenance(t.Context(), "n", []string{id}, time.Hour)
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
		})
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	row := func(ms, su string) string {
		return `{"_id":"r` + ms + `","s":` + ms + `,"sc":200,"su":` + su + `,"rt":"12","l":{"` + ms + `":"nl"}}`
	}
	since := time.UnixMilli(1000)
	for name, body := range map[string]string{
		"clean, oldest first": `[` + row("2000", "true") + `,` + row("3000", "false") + `]`,
		"wrapped":             `[{"doc":` + row("3000", "false") + `},{"doc":` + row("2000", "true") + `}]`,
		"a map":               `{"a":` + row("2000", "true") + `,"b":` + row("3000", "false") + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := talk(t, httpxtest.Exchange{Path: "/results/" + id + "?clean=true&limit=50&start=1000", Reply: httpxtest.JSON(200, body)}).Results(t.Context(), id, since, 50)
			require.NoError(t, err)
			require.Len(t, got, 2)
			assert.Equal(t, int64(3000), got[0].Start.UnixMilli(), "newest first")
			assert.False(t, got[0].Passed)
			assert.Equal(t, "200", got[0].Code)
			assert.Equal(t, 12*time.Millisecond, got[0].Took)
		})
	}
	got, err := talk(t, httpxtest.Exchange{Path: "/results/" + id + "?clean=true&limit=1", Reply: httpxtest.JSON(200, `{}`)}).Results(t.Context(), id, time.Time{}, 1)
	require.NoError(t, err)
	assert.NotNil(t, got)
}

func TestUptime(t *testing.T) {
	t.Parallel()
	got, err := talk(t, httpxtest.Exchange{Path: "/results/uptime/" + id + "?interval=months&start=2026-01-02",
		Reply: httpxtest.JSON(200, `{"total":{"enabled":2000,"down":1000,"uptime":50},"2026-02":{"enabled":1000,"down":"500","uptime":50.123},"2026-01":{"enabled":1000,"down":0,"uptime":100}}`)}).
		Uptime(t.Context(), id, nodeping.ByMonth, time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	spans := []string{}
	for _, u := range got {
		spans = append(spans, u.Span)
	}
	assert.Equal(t, []string{"2026-01", "2026-02", "total"}, spans)
	assert.Equal(t, 500*time.Millisecond, got[1].Down)
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	one := `{"name":"upgrade","enabled":true,"processing":true,"duration":"60","nextrun":1793340000000,"checklist":["` + id + `"]}`
	c := talk(t, httpxtest.Exchange{Path: "/maintenance", Reply: httpxtest.JSON(200, `{"AAAAA":`+one+`,"ok":true,"message":"x"}`)},
		httpxtest.Exchange{Method: http.MethodPost, Path: "/maintenance/ad-hoc", Body: `{"name":"upgrade","duration":60,"checklist":["` + id + `"],"enabled":true}`,
			Reply: httpxtest.JSON(200, `{"9VKOB":`+one+`,"ok":true,"message":"started"}`)},
		httpxtest.Exchange{Method: http.MethodDelete, Path: "/maintenance/9VKOB", Reply: httpxtest.JSON(200, `{"ok":true,"id":"9VKOB"}`)})
	all, err := c.Maintenances(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1, "a reply mixes records with flags")
	assert.Equal(t, time.Hour, all[0].Duration)
	m, err := c.StartMaintenance(t.Context(), "upgrade", []string{id}, time.Hour)
	require.NoError(t, err)
	assert.Equal(t, "9VKOB", m.ID)
	require.NoError(t, c.EndMaintenance(t.Context(), "9VKOB"))
}

func TestDiagnose(t *testing.T) {
	t.Parallel()
	path := "/diagnostics/" + id + "?location=nl&tool=ping"
	for body, want := range map[string]string{`{"result":{"output":"PING x\n4 received","ok":"y"}}`: "PING x\n4 received", `["a","b"]`: "a\nb", `"plain text"`: "plain text", `{}`: "", `7`: ""} {
		got, err := talk(t, httpxtest.Exchange{Path: path, Reply: httpxtest.JSON(200, body)}).Diagnose(t.Context(), id, "NL", nodeping.ToolPing)
		require.NoError(t, err, body)
		assert.Equal(t, want, got, body)
	}
	places, err := talk(t, httpxtest.Exchange{Path: "/info/probe", Reply: httpxtest.JSON(200, `{"nl":{"location":"nl","locationname":"Amsterdam","region":"eur"},"ok":true}`)}).Probes(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "Amsterdam", places["nl"].Name)
	assert.Len(t, places, 1)
}

// FuzzCheck: whatever is sent, what can be read can be written again, and lists
// are never null.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{}`, `{"_id":"x","mute":"1e300","interval":-1,"tags":7,"notifications":[{"a":null}]}`, `{"lastresult":{"doc":{"l":{"1":null}}}}`,
		`{"_id":"x","state":"0","enable":true,"firstdown":"99999999999999999","runlocations":[false,"nl",3]}`, `{"_id":"x","parameters":[]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var k nodeping.Check
		if json.Unmarshal(b, &k) != nil {
			return
		}
		_, err := json.Marshal(k)
		require.NoError(t, err)
		if k.ID != "" {
			assert.NotNil(t, k.Tags)
			assert.NotNil(t, k.Locations)
			assert.NotNil(t, k.Notifications)
		}
	})
}

func FuzzResult(f *testing.F) {
	for _, s := range []string{`{}`, `{"doc":null}`, `{"doc":{"_id":"a","s":"1793340120100","su":"true","rt":"x"}}`, `{"l":[],"sc":{},"th":-5}`, `{"l":{"9":"a","10":"b","":"c"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r nodeping.Result
		if json.Unmarshal(b, &r) != nil {
			return
		}
		_, err := json.Marshal(r)
		require.NoError(t, err)
		assert.NotNil(t, r.Places)
		assert.GreaterOrEqual(t, r.Took, time.Duration(0))
	})
}

// A server may say the token back; no error does, whether the caller brought a
// masker or not.
func TestTheTokenIsMasked(t *testing.T) {
	t.Parallel()
	for _, m := range []*secret.Masker{nil, {}} {
		cfg := httpxtest.New(t, httpxtest.Exchange{Path: "/checks?lastresult=1", Reply: httpxtest.JSON(400, `{"error":"`+token+` is not known"}`)}).Config("x")
		cfg.Masker = m
		c, err := nodeping.New(nodeping.Config{HTTP: cfg, Token: secret.New(token)})
		require.NoError(t, err)
		_, err = c.Checks(t.Context())
		require.ErrorContains(t, err, "is not known")
		assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), token)
		if m != nil {
			assert.NotContains(t, m.Mask("the token is "+token), token, "the caller's log hides it too")
		}
	}
}

// A record without an id of its own has that under which it stands.
func TestAnIDThatIsInTheKeyAlone(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/checks?lastresult=1", Reply: httpxtest.JSON(200, `{"A-1":{"type":"HTTP","label":"x","enable":"true"},"A-2":{"_id":"A-2","type":"HTTP","label":"y","enable":"no"}}`)})
	all, err := c.Checks(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, [2]string{"A-1", "A-2"}, [2]string{all[0].ID, all[1].ID})
	assert.Equal(t, [2]bool{true, false}, [2]bool{all[0].Enabled, all[1].Enabled})
}

// The wire has no order; the next window comes first.
func TestTheNextMaintenanceComesFirst(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/maintenance", Reply: httpxtest.JSON(200, `{"C":{"name":"c","nextrun":1793340000003},"A":{"name":"a","nextrun":1793340000009},"B":{"name":"b","nextrun":1793340000001},
 "E":{"name":"b","nextrun":1793340000009},"D":{"name":"b","nextrun":1793340000009}}`)})
	all, err := c.Maintenances(t.Context())
	require.NoError(t, err)
	order := ""
	for _, m := range all {
		order += m.ID
	}
	assert.Equal(t, "BCADE", order)
}
