package victorops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
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

const restKey = "rest/key 42"

func TestAlert(t *testing.T) {
	t.Parallel()
	c := talk(t, httpxtest.Exchange{Path: "/api-public/v1/alerts/5c0e-2b", Reply: reply(200, `{"messageType":"CRITICAL","entityId":"disk/db",
		"timestamp":1772590269,"stateStartTime":"1772590000","stateMessage":"5xx &gt; 2%","monitoringTool":"prometheus","entityDisplayName":"x",
		"ackMsg":"","ackAuthor":"","raw":"{\"vo_annotate.u.Dashboard\":\"https://m.example.test/d/api\",\"id\":12345678901234567890}"}`)})
	a, err := c.Alert(t.Context(), "5c0e-2b")
	require.NoError(t, err)
	assert.Equal(t, time.Unix(1772590269, 0).UTC(), a.Timestamp.Time, "seconds, not milliseconds")
	assert.Equal(t, time.Unix(1772590000, 0).UTC(), a.StateStartTime.Time)
	assert.Equal(t, victorops.Text("5xx > 2%"), a.StateMessage)
	assert.Equal(t, map[string]any{"vo_annotate.u.Dashboard": "https://m.example.test/d/api", "id": json.Number("12345678901234567890")}, a.Fields())
	for _, raw := range []string{"", "null", "[1]", "nonsense"} {
		assert.Equal(t, map[string]any{}, victorops.AlertDetails{Raw: raw}.Fields(), raw)
	}
}

func alertClient(t *testing.T, exchanges ...httpxtest.Exchange) (*victorops.Client, *httpxtest.Server) {
	t.Helper()
	srv := httpxtest.New(t, exchanges...)
	c, err := victorops.New(victorops.Config{HTTP: httpx.Config{BaseURL: httpxtest.Refused(t), Sleep: srv.Config("").Sleep},
		APIID: secret.New(apiID), APIKey: secret.New(apiKey), AlertURL: srv.URL, RESTKey: secret.New(restKey)})
	require.NoError(t, err)
	return c, srv
}

const alertPath = "/integrations/generic/20131114/alert/rest%2Fkey%2042/api"

func TestSendAlert(t *testing.T) {
	t.Parallel()
	c, srv := alertClient(t, httpxtest.Exchange{Method: "POST", Path: alertPath,
		Body: `{"message_type":"CRITICAL","entity_id":"api/5xx","entity_display_name":"API","state_message":"5xx > 2%","monitoring_tool":"oncall",
			"host_name":"api-1","ack_author":"you","ack_message":"m","state_start_time":1772590269,
			"ticket":"OPS-1","vo_annotate.u.Dash":"https://m.example.test","vo_annotate.s.Note":"n","vo_annotate.i.Graph":"https://m.example.test/g.png"}`,
		Reply: httpxtest.Text(200, `{"result":"success","entity_id":"api/5xx"}`)})
	id, err := c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Critical, EntityID: "api/5xx", DisplayName: "API",
		Message: "5xx > 2%", Tool: "oncall", Host: "api-1", AckAuthor: "you", AckMessage: "m", Fields: map[string]string{"ticket": "OPS-1", "message_type": "INFO"}, Started: time.Unix(1772590269, 0),
		Annotations: []victorops.Annotation{{Kind: victorops.AnnotateURL, Title: "Dash", Value: "https://m.example.test"},
			{Kind: victorops.AnnotateNote, Title: "Note", Value: "n"}, {Kind: victorops.AnnotateImage, Title: "Graph", Value: "https://m.example.test/g.png"}}})
	require.NoError(t, err)
	assert.Equal(t, "api/5xx", id)
	h := srv.Seen()[0].Header
	assert.Empty(t, h.Get("X-VO-Api-Key"), "the API key is none of the alert host's business")
	assert.Empty(t, h.Get("X-VO-Api-Id"))
}

// The body decides; the status and the content type do not.
func TestSendAlertVerdicts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reply httpxtest.Reply
		kind  error // nil: success
		says  string
	}{
		"success, no content type":    {httpxtest.Text(200, `{"result":"success","entity_id":"e"}`), nil, ""},
		"success with an odd status":  {reply(500, `{"result":"success","entity_id":"e"}`), nil, ""},
		"failure with 200":            {reply(200, `{"result":"failure","message":"Routing key &lt;x&gt; unknown"}`), apierr.ErrInvalid, "Routing key <x> unknown"},
		"failure as HTML":             {httpxtest.HTML(200), apierr.ErrUnknownOutcome, "cannot tell whether the alert arrived"},
		"no verdict":                  {reply(200, `{}`), apierr.ErrUnknownOutcome, "cannot tell"},
		"server error":                {httpxtest.Status(500), apierr.ErrUnknownOutcome, "cannot tell"},
		"reset after it was read":     {httpxtest.ResetAfter(), apierr.ErrUnknownOutcome, ""},
		"reset before it was read":    {httpxtest.ResetBefore(), apierr.ErrUnknownOutcome, ""},
		"wrong key":                   {httpxtest.Status(404), apierr.ErrNotFound, "the key or the address is wrong"},
		"refused":                     {httpxtest.Status(403), apierr.ErrAuth, "REST key"},
		"bad":                         {httpxtest.Status(400), apierr.ErrInvalid, "refused"},
		"throttled for too long":      {httpxtest.RetryAfter(429, 3600), apierr.ErrRateLimited, "throttled"},
		"cut in the middle of a word": {httpxtest.CutBody(200, `{"result":"succ`), apierr.ErrUnknownOutcome, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, srv := alertClient(t, httpxtest.Exchange{Method: "POST", Path: alertPath, Reply: test.reply})
			id, err := c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Critical})
			assert.Len(t, srv.Seen(), 1, "an alert is sent once")
			if test.kind == nil {
				require.NoError(t, err)
				assert.Equal(t, "e", id)
				return
			}
			require.ErrorIs(t, err, test.kind)
			assert.ErrorContains(t, err, test.says)
			assert.NotContains(t, err.Error(), "rest/key")
			assert.NotContains(t, err.Error(), "rest%2Fkey")
		})
	}
}

// The REST key is part of the path: no trace and no error may show it.
func TestRESTKeyIsMasked(t *testing.T) {
	t.Parallel()
	srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: alertPath, Reply: httpxtest.ResetAfter()})
	var trace bytes.Buffer
	var fenced []httpx.Fenced
	cfg := victorops.Config{HTTP: srv.Config(""), AlertURL: srv.URL, RESTKey: secret.New(restKey)}
	cfg.HTTP.Trace = httpx.Trace{W: &trace, Level: 2}
	c, err := victorops.New(cfg)
	require.NoError(t, err)
	_, lost := c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Critical})
	require.ErrorIs(t, lost, apierr.ErrUnknownOutcome)
	cfg.HTTP.Mode, cfg.HTTP.OnFence = httpx.DryRun, func(f httpx.Fenced) { fenced = append(fenced, f) }
	c, err = victorops.New(cfg)
	require.NoError(t, err)
	_, dry := c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Critical})
	require.ErrorIs(t, dry, apierr.ErrReadOnly)
	require.Len(t, fenced, 1)
	for _, s := range []string{lost.Error(), dry.Error(), trace.String(), fenced[0].URL} {
		assert.NotContains(t, s, "rest/key 42")
		assert.NotContains(t, s, "rest%2Fkey")
	}
	assert.Contains(t, trace.String(), "POST")
	assert.Contains(t, fenced[0].URL, "/alert/***/api")
}

// People paste the whole URL from the portal, as the secret or as the address.
func TestWholeAlertURL(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]func(url string) victorops.Config{
		"as the key":     func(u string) victorops.Config { return victorops.Config{RESTKey: secret.New(u)} },
		"as the address": func(u string) victorops.Config { return victorops.Config{AlertURL: u} },
		"both, the address without a key of its own": func(u string) victorops.Config {
			return victorops.Config{RESTKey: secret.New(u), AlertURL: "https://elsewhere.example.test"}
		},
		"the key beats the one in the address": func(u string) victorops.Config {
			return victorops.Config{RESTKey: secret.New(restKey), AlertURL: u}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httpxtest.New(t, httpxtest.Exchange{Method: "POST", Path: alertPath, Reply: httpxtest.HTML(200)})
			v := cfg(srv.URL + "/integrations/generic/20131114/alert/rest%2Fkey%2042/$routing_key")
			v.HTTP = srv.Config("")
			c, err := victorops.New(v)
			require.NoError(t, err)
			_, err = c.SendAlert(t.Context(), "api", victorops.NewAlert{Type: victorops.Critical})
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
			assert.NotContains(t, err.Error(), "rest%2Fkey")
		})
	}
}

// waits is a pacer that counts.
type waits struct{ n atomic.Int32 }

func (w *waits) Wait(context.Context, bool) error {
	w.n.Add(1)
	return nil
}

// TestAlertsAreOfAnotherHost: the API's key is not sent there, also when the caller
// has headers of its own for both, and its pace is not kept.
func TestAlertsAreOfAnotherHost(t *testing.T) {
	t.Parallel()
	api := httpxtest.New(t, httpxtest.Exchange{Path: "/api-public/v1/team", Header: map[string]string{"X-VO-Api-Key": apiKey, "X-Team": "ops"}, Reply: reply(200, `[]`)})
	rest := httpxtest.New(t, httpxtest.Exchange{Method: http.MethodPost, Path: "/integrations/generic/20131114/alert/rest-key/ops",
		Header: map[string]string{"X-Team": "ops", "X-VO-Api-Key": "", "X-VO-Api-Id": ""}, Reply: reply(200, `{"result":"success","entity_id":"e"}`)})
	pace := &waits{}
	mine := map[string]secret.String{"X-Team": secret.New("ops")}
	h := api.Config("x")
	h.Header, h.Pacer = mine, pace
	c, err := victorops.New(victorops.Config{HTTP: h, APIID: secret.New(apiID), APIKey: secret.New(apiKey),
		AlertURL: rest.URL, RESTKey: secret.New("rest-key")})
	require.NoError(t, err)
	_, err = c.SendAlert(t.Context(), "ops", victorops.NewAlert{Type: victorops.Critical, EntityID: "e"})
	require.NoError(t, err)
	assert.Zero(t, pace.n.Load(), "the limit is that of the API")
	_, err = c.Teams(t.Context())
	require.NoError(t, err)
	assert.NotZero(t, pace.n.Load())
	assert.Len(t, mine, 1, "the caller's headers stay the caller's")
}
