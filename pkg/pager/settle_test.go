package pager_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
)

// TestWhatTheAnswerDoesNotSettle: a refusal is checked against what is there, and
// so is an answer that was lost or says nothing of the incident.
func TestWhatTheAnswerDoesNotSettle(t *testing.T) {
	t.Parallel()
	const (
		one     = pathList + "/1"
		open    = `{"incidentNumber":"1","currentPhase":"UNACKED"}`
		acked   = `{"incidentNumber":"1","currentPhase":"ACKED","transitions":[{"name":"ACKED","at":"2026-03-04T01:59:00Z","by":"BY"},{"name":"ACKED","at":"2026-03-04T01:00:00Z","by":"earlier"}]}`
		closed  = `{"incidentNumber":"1","currentPhase":"RESOLVED","transitions":[{"name":"RESOLVED","at":"2026-03-04T01:59:00Z","by":"BY"},{"name":"ACKED","at":"2026-03-04T01:59:30Z","by":"x"},{"name":"RESOLVED","at":"2026-03-04T01:00:00Z","by":"earlier"}]}`
		refused = `{"results":[{"incidentNumber":"1","cmdAccepted":false}]}`
		silent  = `{"results":[]}`
	)
	by := func(wire, who string) string { return strings.ReplaceAll(wire, "BY", who) }
	for name, c := range map[string]struct {
		answer httpxtest.Reply
		look   httpxtest.Reply
		want   pager.Result
		phase  pager.Phase
		looked bool
		says   string
	}{
		"refused, and as it was":               {httpxtest.JSON(200, refused), httpxtest.JSON(200, open), pager.Failed, pager.Triggered, false, "victorops: acknowledge 1: refused; it is triggered"},
		"refused, and resolved meanwhile":      {httpxtest.JSON(200, refused), httpxtest.JSON(200, by(closed, "anna")), pager.Failed, pager.Resolved, false, "victorops: acknowledge 1: refused; it is resolved"},
		"refused, and nobody can look":         {httpxtest.JSON(200, refused), httpxtest.Status(401), pager.Failed, pager.Triggered, false, "victorops: acknowledge 1: refused"},
		"refused, as somebody else was faster": {httpxtest.JSON(200, refused), httpxtest.JSON(200, by(acked, "anna")), pager.Already, pager.Acknowledged, false, "already acknowledged by anna"},
		"refused, as the same person has it":   {httpxtest.JSON(200, refused), httpxtest.JSON(200, by(acked, "you")), pager.Already, pager.Acknowledged, false, "already acknowledged by you"},
		"left out, and done":                   {httpxtest.JSON(200, silent), httpxtest.JSON(200, by(acked, "you")), pager.Done, pager.Acknowledged, true, ""},
		"left out, and somebody else has it":   {httpxtest.JSON(200, silent), httpxtest.JSON(200, by(acked, "anna")), pager.Already, pager.Acknowledged, true, "already acknowledged by anna"},
		"left out, and as it was":              {httpxtest.JSON(200, silent), httpxtest.JSON(200, open), pager.Unknown, pager.Triggered, true, "victorops: acknowledge 1: cannot tell: the answer does not mention it"},
		"lost, and somebody else has it":       {httpxtest.ResetAfter(), httpxtest.JSON(200, by(acked, "anna")), pager.Already, pager.Acknowledged, true, "already acknowledged by anna"},
		"lost, and as it was":                  {httpxtest.ResetAfter(), httpxtest.JSON(200, open), pager.Unknown, pager.Triggered, true, "victorops: acknowledge 1: cannot tell whether it arrived: the answer was lost, and the incident is still triggered"},
		"lost, and resolved meanwhile":         {httpxtest.ResetAfter(), httpxtest.JSON(200, by(closed, "anna")), pager.Unknown, pager.Resolved, true, "victorops: acknowledge 1: cannot tell whether it arrived: the answer was lost, and the incident is resolved now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := scripted(t, get(one, open), httpxtest.Exchange{Method: patch, Path: pathAck, Reply: c.answer}, httpxtest.Exchange{Path: one, Reply: c.look})
			out, err := ack(t.Context(), p, "1")
			require.NoError(t, err)
			require.Len(t, out, 1)
			o := out[0]
			assert.Equal(t, []any{c.want, c.phase, c.looked}, []any{o.Result, o.Phase, o.Looked})
			if o.Err == nil {
				assert.Equal(t, c.says, o.Message)
			} else {
				assert.EqualError(t, o.Err, c.says)
			}
			if o.Phase == pager.Resolved {
				assert.Equal(t, "anna", o.By, "who closed it last")
			}
		})
	}
}

// TestWhatProvesAReroute: a transition that is new and ours, or somebody who is paged
// only now. Nothing else does.
func TestWhatProvesAReroute(t *testing.T) {
	t.Parallel()
	const before = `{"incidentNumber":"1","currentPhase":"UNACKED","pagedUsers":["old"],"transitions":[{"name":"REROUTED","by":"you"}]}`
	a, old, night := pager.Target{Kind: "user", Name: "a", Slug: "a"}, pager.Target{Kind: "user", Name: "old", Slug: "old"}, pager.Target{Kind: "policy", Name: "Night", Slug: "pol-1"}
	for name, c := range map[string]struct {
		to     []pager.Target
		answer httpxtest.Reply
		after  string
		want   pager.Result
		says   string
	}{
		"a new transition of ours":         {[]pager.Target{old}, httpxtest.ResetAfter(), `"transitions":[{"name":"REROUTED","by":"you"},{"name":"Rerouted","by":"You"}]`, pager.Done, ""},
		"a new transition of nobody":       {[]pager.Target{old}, httpxtest.ResetAfter(), `"transitions":[{"name":"REROUTED","by":"you"},{"name":"REROUTED"}]`, pager.Done, ""},
		"a new transition of another":      {[]pager.Target{old}, httpxtest.ResetAfter(), `"transitions":[{"name":"REROUTED","by":"you"},{"name":"REROUTED","by":"anna"}]`, pager.Unknown, "the answer was lost"},
		"the old transition":               {[]pager.Target{old}, httpxtest.ResetAfter(), `"pagedUsers":["old"],"transitions":[{"name":"REROUTED","by":"you"}]`, pager.Unknown, "the answer was lost"},
		"a transition of another kind":     {[]pager.Target{old}, httpxtest.ResetAfter(), `"transitions":[{"name":"REROUTED","by":"you"},{"name":"ACKED","by":"you"}]`, pager.Unknown, "the answer was lost"},
		"the one who is asked for":         {[]pager.Target{a}, httpxtest.ResetAfter(), `"pagedUsers":["old","a"]`, pager.Done, ""},
		"one of two who are asked for":     {[]pager.Target{a, night}, httpxtest.ResetAfter(), `"pagedUsers":["old","a"]`, pager.Unknown, "the answer was lost"},
		"both, a policy among them":        {[]pager.Target{a, night}, httpxtest.ResetAfter(), `"pagedUsers":["a"],"pagedPolicies":[{"policy":{"name":"Night","slug":"pol-1"}}]`, pager.Done, ""},
		"who was paged before":             {[]pager.Target{old}, httpxtest.ResetAfter(), `"pagedUsers":["old"]`, pager.Unknown, "the answer was lost"},
		"left out of the answer, and done": {[]pager.Target{a}, httpxtest.JSON(200, `{"statuses":[]}`), `"pagedUsers":["a"]`, pager.Done, ""},
		"left out of the answer":           {[]pager.Target{a}, httpxtest.JSON(200, `{"statuses":[]}`), `"pagedUsers":["old"]`, pager.Unknown, "victorops: reroute 1: cannot tell: the answer does not mention it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := scripted(t, httpxtest.Exchange{Method: post, Path: pathReroute, Reply: c.answer},
				get(pathList+"/1", `{"incidentNumber":"1","currentPhase":"UNACKED",`+c.after+`}`))
			out, err := p.Reroute(t.Context(), []pager.Seen{{Number: "1", Incident: incident(t, before)}}, c.to, false)
			require.NoError(t, err)
			assert.Equal(t, c.want, out[0].Result)
			assert.True(t, out[0].Looked)
			if c.want == pager.Unknown {
				require.ErrorIs(t, out[0].Err, apierr.ErrUnknownOutcome)
				assert.ErrorContains(t, out[0].Err, c.says)
			}
		})
	}
}

// TestRerouteRefusedAsAWhole: what was settled before keeps its own reason.
func TestRerouteRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	seen := []pager.Seen{{Number: "1", Incident: incident(t, `{"incidentNumber":"1","currentPhase":"UNACKED"}`)},
		{Number: "2", Incident: incident(t, `{"incidentNumber":"2","currentPhase":"RESOLVED"}`)}}
	p, _ := scripted(t, httpxtest.Exchange{Method: post, Path: pathReroute, Reply: httpxtest.Status(422)})
	out, err := p.Reroute(t.Context(), seen, []pager.Target{{Kind: "user", Name: "a", Slug: "a"}}, false)
	require.NoError(t, err)
	assert.Equal(t, []string{"1 failed", "2 failed"}, result(out))
	require.ErrorIs(t, out[0].Err, apierr.ErrInvalid)
	require.ErrorIs(t, out[1].Err, apierr.ErrGuard)
}

// TestOverrideThatIsAnother: one that is there already is used only when it is of
// the same person and has both times in common.
func TestOverrideThatIsAnother(t *testing.T) {
	t.Parallel()
	athens, err := time.LoadLocation("Europe/Athens")
	require.NoError(t, err)
	one := func(id, user, from, to, assigned string) string {
		return `{"publicId":"` + id + `","user":{"username":"` + user + `"},"start":"2026-03-04T` + from + `:00Z","end":"2026-03-04T` + to + `:00Z","assignments":[` + assigned + `]}`
	}
	const none = `{"team":"t","policy":"pol-1","assigned":false}`
	p, srv := scripted(t,
		get(pathOverrides, `{"overrides":[`+one("o2", "anna", "03:00", "11:00", none)+`,`+one("o3", "you", "03:00", "10:00", none)+`,`+one("o4", "you", "02:30", "11:00", none)+`]}`),
		httpxtest.Exchange{Method: post, Path: pathOverrides, Body: `{"username":"you","timezone":"Europe/Athens","start":"2026-03-04T03:00:00Z","end":"2026-03-04T11:00:00Z"}`,
			Reply: httpxtest.JSON(200, `{"override":`+one("o1", "you", "03:00", "11:00", none)+`}`)},
		httpxtest.Exchange{Method: put, Path: pathOverrides + "/o1/assignments/pol-1", Reply: httpxtest.JSON(200, `{}`)},
		get(pathOverrides, `{"overrides":[`+one("o1", "you", "03:00", "11:00", `{"team":"t","policy":"pol-1","assigned":true,"user":"Secondary"}`)+`]}`),
		get("/api-public/v1/policies", `{"policies":[]}`))
	in := away()
	in.Zone = athens
	o, err := p.Override(t.Context(), in)
	require.NoError(t, err)
	assert.Equal(t, "o1", o.ID)
	assert.False(t, o.Already)
	assert.Len(t, srv.Seen(), 5)
}

// TestWhatConfirmsAnOverride: the cover itself, on the policy itself, in force.
func TestWhatConfirmsAnOverride(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]string{
		"somebody else covers it": `{"team":"t","policy":"pol-1","assigned":true,"user":"anna"}`,
		"it is not in force":      `{"team":"t","policy":"pol-1","assigned":false,"user":"secondary"}`,
		"it is of another policy": `{"team":"t","policy":"pol-2","assigned":true,"user":"secondary"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := func(assigned string) string {
				return `{"publicId":"o1","user":{"username":"you"},"start":"2026-03-04T03:00:00Z","end":"2026-03-04T11:00:00Z","assignments":[` + assigned + `]}`
			}
			p, _ := scripted(t, get(pathOverrides, `{"overrides":[]}`),
				httpxtest.Exchange{Method: post, Path: pathOverrides, Reply: httpxtest.JSON(200, `{"override":`+made(`{"team":"t","policy":"pol-1","assigned":false}`)+`}`)},
				httpxtest.Exchange{Method: put, Path: pathOverrides + "/o1/assignments/pol-1", Reply: httpxtest.JSON(200, `{}`)},
				get(pathOverrides, `{"overrides":[`+made(there)+`]}`),
				get("/api-public/v1/policies", `{"policies":[]}`),
				httpxtest.Exchange{Method: "DELETE", Path: pathOverrides + "/o1", Reply: httpxtest.Status(200)})
			_, err := p.Override(t.Context(), away())
			require.ErrorIs(t, err, apierr.ErrGuard)
			assert.ErrorContains(t, err, "VictorOps does not show secondary as the cover of pol-1; nothing was left behind")
		})
	}
}
