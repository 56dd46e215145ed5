package pager_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/simulator"
)

const (
	pathAck     = "/api-public/v1/incidents/ack"
	pathResolve = "/api-public/v1/incidents/resolve"
)

func result(all []pager.Outcome) []string {
	out := []string{}
	for _, o := range all {
		out = append(out, o.Number+" "+string(o.Result))
	}
	return out
}

func TestAckOfSeveral(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	out, err := ack(t.Context(), w.Pager, "4127", "4119", "9999", "4126", "4127")
	require.NoError(t, err)
	assert.Equal(t, []string{"4127 done", "4119 already", "9999 failed", "4126 done"}, result(out))
	assert.Equal(t, "already acknowledged by secondary", out[1].Message)
	require.ErrorIs(t, out[2].Err, apierr.ErrNotFound)
	assert.Equal(t, "oncall incident list", apierr.HintOf(out[2].Err))
	assert.Equal(t, "API 5xx ratio above 2%", out[0].Title)
	assert.Equal(t, pager.Acknowledged, out[0].Phase)
	assert.Equal(t, 1, w.sent(t, patch, pathAck), "one request for all of them")

	// Again: nothing is sent.
	out, err = ack(t.Context(), w.Pager, "4127")
	require.NoError(t, err)
	assert.Equal(t, []string{"4127 already"}, result(out))
	assert.Equal(t, "already acknowledged by you", out[0].Message)
	assert.Equal(t, 1, w.sent(t, patch, pathAck))
}

func TestResolve(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	out, err := resolve(t.Context(), w.Pager, "4127", "4119")
	require.NoError(t, err)
	assert.Equal(t, []string{"4127 done", "4119 done"}, result(out))
	out, err = resolve(t.Context(), w.Pager, "4127")
	require.NoError(t, err)
	assert.Equal(t, "already resolved by you", out[0].Message)
	out, err = ack(t.Context(), w.Pager, "4127")
	require.NoError(t, err)
	require.ErrorIs(t, out[0].Err, apierr.ErrGuard)
	assert.EqualError(t, out[0].Err, "victorops: acknowledge 4127: it is resolved")
	assert.Zero(t, w.sent(t, patch, pathAck))
}

// A lost answer is followed by a look. Nothing is sent twice.
func TestAckWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind   string
		status int
		want   pager.Result
		says   string
	}{
		"reset after it acted":  {simulator.FaultResetAfter, 0, pager.Done, ""},
		"cut after it acted":    {simulator.FaultCut, 0, pager.Done, ""},
		"500 after it acted":    {simulator.FaultStatusAfter, 500, pager.Done, ""},
		"reset before it acted": {simulator.FaultResetBefore, 0, pager.Unknown, "cannot tell whether it arrived: the answer was lost, and the incident is still triggered"},
		"503 before it acted":   {simulator.FaultStatus, 503, pager.Unknown, "the incident is still triggered"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			w.fault(t, test.kind, patch, pathAck, func(f *simulator.Fault) { f.Status = test.status })
			out, err := ack(t.Context(), w.Pager, "4127", "4119")
			require.NoError(t, err)
			require.Len(t, out, 2)
			assert.Equal(t, test.want, out[0].Result)
			assert.True(t, out[0].Looked)
			if test.want == pager.Unknown {
				require.ErrorContains(t, out[0].Err, test.says)
				require.ErrorIs(t, out[0].Err, apierr.ErrUnknownOutcome)
				assert.Equal(t, "oncall incident get 4127", apierr.HintOf(out[0].Err))
			}
			assert.Equal(t, pager.Already, out[1].Result)
			assert.Equal(t, 1, w.sent(t, patch, pathAck), "once, whatever happened")
		})
	}
}

const wireOpen = `{"incidents":[{"incidentNumber":"1","currentPhase":"UNACKED"},{"incidentNumber":"2","currentPhase":"UNACKED"},{"incidentNumber":"3","currentPhase":"UNACKED"}]}`

// A 200 is not success: each item says for itself.
func TestAckRefusedPerItem(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t,
		get(pathList, wireOpen),
		httpxtest.Exchange{Method: patch, Path: pathAck, Body: `{"userName":"you","incidentNames":["1","2","3"],"message":"looking"}`,
			Reply: httpxtest.JSON(200, `{"results":[{"incidentNumber":"1","cmdAccepted":false,"message":"no &lt;right&gt;"},{"incidentNumber":"2","cmdAccepted":false}]}`)},
		// The look: 2 was taken by somebody in between, 3 is not mentioned in the answer.
		get(pathList, `{"incidents":[{"incidentNumber":"1","currentPhase":"UNACKED"},{"incidentNumber":"2","currentPhase":"ACKED","transitions":[{"name":"ACKED","by":"other"}]},{"incidentNumber":"3","currentPhase":"UNACKED"}]}`))
	out, err := ack(t.Context(), p, "1", "2", "3")
	require.NoError(t, err)
	assert.Equal(t, []string{"1 failed", "2 already", "3 unknown"}, result(out))
	require.EqualError(t, out[0].Err, "victorops: acknowledge 1: no <right>")
	require.ErrorIs(t, out[0].Err, apierr.ErrInvalid)
	assert.Equal(t, "already acknowledged by other", out[1].Message)
	require.EqualError(t, out[2].Err, "victorops: acknowledge 3: cannot tell: the answer does not mention it")
	assert.Len(t, srv.Seen(), 3)
}

func TestAckRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathList, wireOpen), httpxtest.Exchange{Method: patch, Path: pathAck, Reply: httpxtest.Status(403)})
	out, err := ack(t.Context(), p, "1", "2")
	require.ErrorIs(t, err, apierr.ErrAuth)
	assert.Nil(t, out)

	// With others already settled each of the rest carries the error.
	p, _ = scripted(t, get(pathList, `{"incidents":[{"incidentNumber":"1","currentPhase":"ACKED"},{"incidentNumber":"2","currentPhase":"UNACKED"}]}`),
		httpxtest.Exchange{Method: patch, Path: pathAck, Reply: httpxtest.Status(403)})
	out, err = ack(t.Context(), p, "1", "2")
	require.NoError(t, err)
	assert.Equal(t, []string{"1 already", "2 failed"}, result(out))
	require.ErrorIs(t, out[1].Err, apierr.ErrAuth)
}

// An acknowledgement waits for nothing that it does not need: one look, one change.
func TestAckAsksForNoLink(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t, get(pathList+"/1", `{"incidentNumber":"1","currentPhase":"UNACKED"}`),
		httpxtest.Exchange{Method: patch, Path: pathAck, Reply: httpxtest.JSON(200, `{"results":[{"incidentNumber":"1","cmdAccepted":true}]}`)})
	p.Org = ""
	out, err := ack(t.Context(), p, "1")
	require.NoError(t, err)
	assert.Equal(t, []string{"1 done"}, result(out))
	assert.Len(t, srv.Seen(), 2)
}

func TestAckWithoutALook(t *testing.T) {
	t.Parallel()
	t.Run("the list cannot be read: nothing is sent", func(t *testing.T) {
		t.Parallel()
		p, srv := scripted(t, httpxtest.Exchange{Path: pathList, Reply: httpxtest.Status(500)})
		_, err := ack(t.Context(), p, "1", "2")
		require.ErrorIs(t, err, apierr.ErrUnavailable)
		assert.Len(t, srv.Seen(), 1)
	})
	t.Run("one incident that cannot be read is the error of all", func(t *testing.T) {
		t.Parallel()
		p, _ := scripted(t, httpxtest.Exchange{Path: pathList + "/1", Reply: httpxtest.Status(401)})
		_, err := ack(t.Context(), p, "1")
		require.ErrorIs(t, err, apierr.ErrAuth)
	})
	t.Run("the look after a lost answer fails too", func(t *testing.T) {
		t.Parallel()
		p, srv := scripted(t, get(pathList+"/1", `{"incidentNumber":"1","currentPhase":"UNACKED"}`),
			httpxtest.Exchange{Method: patch, Path: pathAck, Reply: httpxtest.ResetAfter()},
			httpxtest.Exchange{Path: pathList + "/1", Reply: httpxtest.Status(500)})
		out, err := ack(t.Context(), p, "1")
		require.NoError(t, err)
		require.ErrorIs(t, out[0].Err, apierr.ErrUnknownOutcome)
		require.EqualError(t, out[0].Err, "victorops: acknowledge 1: cannot tell whether it arrived: the answer was lost")
		assert.False(t, out[0].Looked)
		assert.Len(t, srv.Seen(), 3)
	})
	t.Run("without a user", func(t *testing.T) {
		t.Parallel()
		p, srv := scripted(t)
		p.User = ""
		_, err := p.Ack(t.Context(), []pager.Seen{{Number: "1"}}, "")
		require.ErrorIs(t, err, apierr.ErrUsage)
		assert.Empty(t, srv.Seen())
	})
}

func TestGet(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	d, err := w.Get(t.Context(), "4127")
	require.NoError(t, err)
	assert.Equal(t, "API 5xx ratio above 2%", d.Title)
	assert.Equal(t, pager.Triggered, d.Phase)
	assert.Equal(t, "critical", d.Severity)
	require.NotNil(t, d.Alert)
	assert.Equal(t, "5xx ratio 4.1% for 5m on api (threshold > 2%)", d.Alert.Message, "entities are text")
	titles := []string{}
	for _, l := range d.Links {
		titles = append(titles, l.Title)
		assert.True(t, pager.Web(l.URL))
	}
	assert.Equal(t, []string{"Dashboard", "Playbook"}, titles)
	assert.Equal(t, []pager.Annotation{{Kind: "note", Title: "Meaning", Value: "more than 2 of 100 requests to the API fail"}}, d.Annotations)
	assert.Equal(t, "0.041", d.Alert.Fields["value"])
	assert.NotContains(t, d.Alert.Fields, "entity_id")
	require.NotNil(t, d.Next)
	assert.Equal(t, "Operations primary", d.Next.Policy)
	assert.Equal(t, 2, d.Next.Step)
	assert.Equal(t, []string{"secondary"}, d.Next.Who)
	assert.Equal(t, 4*time.Minute, d.Next.At.Sub(start))
	assert.Empty(t, d.Notes)
	assert.Empty(t, d.Partial)

	// Five minutes on the second step has passed, and the third comes.
	w.advance(5 * time.Minute)
	d, err = w.Get(t.Context(), "4127")
	require.NoError(t, err)
	require.NotNil(t, d.Next)
	assert.Equal(t, 3, d.Next.Step)
	assert.Equal(t, []string{"manager"}, d.Next.Who)
	assert.Equal(t, 24*time.Minute, d.Next.At.Sub(start))

	_, err = w.Get(t.Context(), "9999")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.EqualError(t, err, "victorops: incident 9999: no incident has this number")

	_, err = ack(t.Context(), w.Pager, "4127")
	require.NoError(t, err)
	d, err = w.Get(t.Context(), "4127")
	require.NoError(t, err)
	assert.Nil(t, d.Next, "nobody is next when somebody has it")
	assert.Equal(t, "you", d.AckedBy)
}

// What a step pages, whatever it is; a reroute makes the policy's clock unknowable.
func TestNextInEveryForm(t *testing.T) {
	t.Parallel()
	wire := func(transitions string) httpxtest.Exchange {
		return get(pathList+"/7", `{"incidentNumber":"7","currentPhase":"UNACKED","startTime":"2026-03-04T01:55:00Z","transitions":[`+transitions+`],
			"pagedPolicies":[{"policy":{"name":"P","slug":"pol-1"},"team":{"name":"T","slug":"team-1"}}]}`)
	}
	none := httpxtest.Exchange{Path: pathList + "/7/notes", Reply: httpxtest.Status(200)}
	policy := get("/api-public/v1/policies/pol-1", `{"name":"P","slug":"pol-1","steps":[{"timeout":0,"entries":[]},{"timeout":10,"entries":[
		{"executionType":"rotation_group","rotationGroup":{"slug":"rtg-1","label":"Weekly"}},{"executionType":"email","email":{"address":"x@example.test"}},
		{"executionType":"webhook","webhook":{"slug":"wh-1","label":"hook"}},{"executionType":"policy_routing","targetPolicy":{"policySlug":"pol-9"}},
		{"executionType":"user","user":{"username":"manager"}},{"executionType":"team"}]}]}`)
	all := get("/api-public/v1/policies", `{"policies":[{"policy":{"name":"Other","slug":"pol-9"},"team":{"name":"T","slug":"team-1"}}]}`)
	plan := func(entry string) httpxtest.Exchange {
		return get("/api-public/v2/team/team-1/oncall/schedule?daysForward=1&step=1", `{"schedules":[{"policy":{"slug":"pol-1"},"schedule":[`+entry+`]}]}`)
	}
	p, _ := scripted(t, wire(""), none, policy, all, plan(`{"onCallUser":{"username":"anna"},"onCallType":"rotation_group","rolls":[]}`))
	d, err := p.Get(t.Context(), "7")
	require.NoError(t, err)
	require.NotNil(t, d.Next)
	assert.Equal(t, []string{"anna", "x@example.test", "webhook hook", "policy Other", "manager", "team"}, d.Next.Who)
	assert.Equal(t, time.Date(2026, 3, 4, 2, 5, 0, 0, time.UTC), d.Next.At)

	// It came back after an acknowledgement: the clock begins again.
	p, _ = scripted(t, wire(`{"name":"ACKED","at":"2026-03-04T01:56:00Z"},{"name":"UNACKED","at":"2026-03-04T01:58:00Z"}`), none, policy, all, plan(""))
	d, err = p.Get(t.Context(), "7")
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 3, 4, 2, 8, 0, 0, time.UTC), d.Next.At)
	assert.Equal(t, "rotation Weekly", d.Next.Who[0], "nobody holds it: its name")

	p, _ = scripted(t, wire(`{"name":"Rerouted","at":"2026-03-04T01:59:00Z"}`), none)
	d, err = p.Get(t.Context(), "7")
	require.NoError(t, err)
	assert.Nil(t, d.Next)
}

func TestGetWithPartsMissing(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t,
		get(pathList+"/7", `{"incidentNumber":"7","currentPhase":"UNACKED","startTime":"2026-03-04T01:55:00Z","firstAlertUuid":"a1","pagedTeams":["team-9"],
			"pagedPolicies":[{"policy":{"name":"P","slug":"pol-1"},"team":{"name":"T","slug":"team-1"}}],"monitorName":"vouser-you"}`),
		httpxtest.Exchange{Path: pathList + "/7/notes", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: "/api-public/v1/alerts/a1", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: "/api-public/v1/policies/pol-1", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: pathTeams, Reply: httpxtest.Status(500)})
	d, err := p.Get(t.Context(), "7")
	require.NoError(t, err)
	assert.Equal(t, "you", d.Source)
	assert.NotNil(t, d.Notes)
	sources := map[string]bool{}
	for _, x := range d.Partial {
		sources[x.Source] = true
	}
	assert.Equal(t, map[string]bool{"notes": true, "alert": true, "escalation": true, "team names": true}, sources)
	assert.Equal(t, []pager.Event{{At: time.Date(2026, 3, 4, 1, 55, 0, 0, time.UTC), Kind: "triggered", By: "you"}}, d.History)
}

// Only http and https become links; the last alert serves when the first is gone.
func TestGetAnnotations(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t,
		get(pathList+"/7", `{"incidentNumber":"7","currentPhase":"RESOLVED","firstAlertUuid":"a1","lastAlertId":"a2"}`),
		httpxtest.Exchange{Path: pathList + "/7/notes", Reply: httpxtest.Status(404)},
		httpxtest.Exchange{Path: "/api-public/v1/alerts/a1", Reply: httpxtest.Status(404)},
		get("/api-public/v1/alerts/a2", `{"messageType":"CRITICAL","stateMessage":"m","raw":"{\"vo_annotate.u.Evil\":\"javascript:alert(1)\",\"vo_annotate.u.B &amp; C\":\"https://b.example.test/?a=1&amp;b=2\",\"vo_annotate.u.A\":\"http://a.example.test\",\"vo_annotate.i.Graph\":\"https://g.example.test/x.png\",\"vo_annotate.s.Say\":\"hi\",\"vo_annotate.u.None\":\"\",\"n\":3,\"b\":true,\"o\":{\"x\":[1]},\"z\":null,\"VO_ID\":\"1\"}"}`))
	d, err := p.Get(t.Context(), "7")
	require.NoError(t, err)
	assert.Empty(t, d.Partial)
	assert.Equal(t, []pager.Link{{Title: "A", URL: "http://a.example.test"}, {Title: "B & C", URL: "https://b.example.test/?a=1&b=2"}}, d.Links)
	assert.Equal(t, []pager.Annotation{{Kind: "image", Title: "Graph", Value: "https://g.example.test/x.png"}, {Kind: "note", Title: "Say", Value: "hi"},
		{Kind: "url", Title: "Evil", Value: "javascript:alert(1)"}}, d.Annotations)
	assert.Equal(t, map[string]string{"n": "3", "b": "true", "o": `{"x":[1]}`}, d.Alert.Fields)
	assert.Equal(t, "a2", d.Alert.ID)
}
