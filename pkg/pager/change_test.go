package pager_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/simulator"
)

const pathReroute = "/api-public/v1/incidents/reroute"

func TestReroute(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	to, err := w.Targets(ctx, []string{"user:secondary"})
	require.NoError(t, err)
	seen, err := w.Look(ctx, []string{"4127", "9999"})
	require.NoError(t, err)
	out, err := w.Reroute(ctx, seen, to, false)
	require.NoError(t, err)
	assert.Equal(t, []string{"4127 done", "9999 failed"}, result(out))
	assert.Equal(t, "to user:secondary", out[0].Message)
	require.ErrorIs(t, out[1].Err, apierr.ErrNotFound)
	d, err := w.Get(ctx, "4127")
	require.NoError(t, err)
	assert.Contains(t, d.PagedUsers, "secondary")
	assert.Equal(t, 1, w.sent(t, post, pathReroute))

	_, err = resolve(ctx, w.Pager, "4126")
	require.NoError(t, err)
	seen, err = w.Look(ctx, []string{"4126"})
	require.NoError(t, err)
	out, err = w.Reroute(ctx, seen, to, false)
	require.NoError(t, err)
	require.ErrorIs(t, out[0].Err, apierr.ErrGuard)
	assert.Equal(t, 1, w.sent(t, post, pathReroute), "a resolved one is not sent")
}

func TestRerouteWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]pager.Result{
		simulator.FaultResetAfter: pager.Done, simulator.FaultCut: pager.Done, simulator.FaultResetBefore: pager.Unknown,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			w.fault(t, kind, post, pathReroute)
			to, err := w.Targets(t.Context(), []string{"user:manager"})
			require.NoError(t, err)
			seen, err := w.Look(t.Context(), []string{"4127"})
			require.NoError(t, err)
			out, err := w.Reroute(t.Context(), seen, to, true)
			require.NoError(t, err)
			assert.Equal(t, want, out[0].Result, "%v", out[0].Err)
			assert.True(t, out[0].Looked)
			if want == pager.Unknown {
				require.ErrorIs(t, out[0].Err, apierr.ErrUnknownOutcome)
			}
			assert.Equal(t, 1, w.sent(t, post, pathReroute))
		})
	}
}

func TestRerouteRefusedPerTarget(t *testing.T) {
	t.Parallel()
	seen := []pager.Seen{{Number: "1", Incident: incident(t, `{"incidentNumber":"1","currentPhase":"UNACKED"}`)},
		{Number: "2", Incident: incident(t, `{"incidentNumber":"2","currentPhase":"ACKED"}`)}}
	to := []pager.Target{{Kind: "user", Name: "a", Slug: "a"}, {Kind: "policy", Name: "Night", Slug: "pol-1"}}
	p, _ := scripted(t, httpxtest.Exchange{Method: post, Path: pathReroute,
		Body: `{"userName":"you","reroutes":[{"incidentNumber":"1","targets":[{"type":"User","slug":"a"},{"type":"EscalationPolicy","slug":"pol-1"}],"addTargets":true},
			{"incidentNumber":"2","targets":[{"type":"User","slug":"a"},{"type":"EscalationPolicy","slug":"pol-1"}],"addTargets":true}]}`,
		Reply: httpxtest.JSON(200, `{"statuses":[{"incidentNumber":"1","success":true,"targetStatus":[{"slug":"a","success":true},{"slug":"pol-1","success":false,"message":"no such policy"}]},
			{"incidentNumber":2,"success":false,"targetStatus":[],"message":"closed"}]}`)})
	out, err := p.Reroute(t.Context(), seen, to, true)
	require.NoError(t, err)
	require.EqualError(t, out[0].Err, "victorops: reroute 1: policy:Night: no such policy")
	require.EqualError(t, out[1].Err, "victorops: reroute 2: closed")

	p, _ = scripted(t, httpxtest.Exchange{Method: post, Path: pathReroute, Reply: httpxtest.Status(403)})
	_, err = p.Reroute(t.Context(), seen, to, true)
	require.ErrorIs(t, err, apierr.ErrAuth)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	none, err := w.Notes(ctx, "4127")
	require.NoError(t, err)
	assert.Equal(t, []pager.Note{}, none)
	n, looked, err := w.AddNote(ctx, "4127", "  5xx began with api 17.5.0\nsee <a> & b ")
	require.NoError(t, err)
	assert.False(t, looked)
	assert.Equal(t, "5xx began with api 17.5.0\nsee <a> & b", n.Text)
	assert.Equal(t, "you", n.By)
	w.advance(time.Minute)
	_, _, err = w.AddNote(ctx, "4127", "second")
	require.NoError(t, err)
	all, err := w.Notes(ctx, "4127")
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, n, all[0])
	assert.Equal(t, "second", all[1].Text)

	_, err = w.Notes(ctx, "9999")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	_, _, err = w.AddNote(ctx, "9999", "x")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	_, _, err = w.AddNote(ctx, "4127", " \n ")
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestAddNoteWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	const path = "/api-public/v1/incidents/4127/notes"
	for kind, arrived := range map[string]bool{simulator.FaultResetAfter: true, simulator.FaultCut: true, simulator.FaultResetBefore: false} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			w.fault(t, kind, post, path)
			n, looked, err := w.AddNote(t.Context(), "4127", "hello")
			assert.Equal(t, 1, w.sent(t, post, path))
			all, listErr := w.Notes(t.Context(), "4127")
			require.NoError(t, listErr)
			if arrived {
				require.NoError(t, err)
				assert.True(t, looked)
				assert.Equal(t, []pager.Note{n}, all)
				return
			}
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
			assert.EqualError(t, err, "victorops: add a note to 4127: cannot tell whether it arrived: the answer was lost, and the note is not there yet")
			assert.Empty(t, all)
		})
	}
}

// Notes of others are JSON of any kind: shown by their text, or as they are.
func TestNotesOfOthers(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, get(pathList+"/7/notes", `[
		{"name":"z","displayName":"Ticket","json_value":{"id":12345678901234567890,"a":"&lt;b&gt;"}},
		{"name":"b","displayName":"x","json_value":{"message":"a &amp; b","by":"anna"}},
		{"name":"a","displayName":"Only a name","json_value":{}},
		{"name":"d","json_value":{"text":"dated","at":"2026-03-04T01:00:00Z"}}]`))
	all, err := p.Notes(t.Context(), "7")
	require.NoError(t, err)
	assert.Equal(t, []pager.Note{
		{Name: "d", Text: "dated", At: time.Date(2026, 3, 4, 1, 0, 0, 0, time.UTC)},
		{Name: "a", Text: "Only a name"}, {Name: "b", Text: "a & b", By: "anna"},
		{Name: "z", Text: `Ticket: {"a":"<b>","id":12345678901234567890}`},
	}, all)
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	to, err := w.Targets(ctx, []string{"policy:operations primary"})
	require.NoError(t, err)
	made, err := w.Trigger(ctx, pager.NewIncident{Summary: "Builder out of disk", To: to})
	require.NoError(t, err)
	d, err := w.Get(ctx, made.Number)
	require.NoError(t, err)
	assert.Equal(t, "Builder out of disk", d.Title)
	assert.Equal(t, "you", d.Source)
	assert.Equal(t, d.URL, made.URL)
	assert.Equal(t, 1, w.sent(t, post, pathList))
}

func TestTriggerWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	for kind, arrived := range map[string]bool{simulator.FaultResetAfter: true, simulator.FaultCut: true, simulator.FaultResetBefore: false} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			in := pager.NewIncident{Summary: "Builder out of disk", To: []pager.Target{{Kind: "user", Name: "secondary", Slug: "secondary"}}}
			// One of the same title is there already: it must not be taken for the new one.
			old, err := w.Trigger(t.Context(), in)
			require.NoError(t, err)
			w.fault(t, kind, post, pathList)
			made, err := w.Trigger(t.Context(), in)
			assert.Equal(t, 2, w.sent(t, post, pathList), "each once")
			if arrived {
				require.NoError(t, err)
				assert.True(t, made.Looked)
				assert.NotEqual(t, old.Number, made.Number)
				return
			}
			require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
			assert.ErrorContains(t, err, "cannot tell whether anybody was paged")
		})
	}
}

func TestTriggerIsValidatedHere(t *testing.T) {
	t.Parallel()
	p, srv := scripted(t)
	you := []pager.Target{{Kind: "user", Name: "you", Slug: "you"}}
	for says, in := range map[string]pager.NewIncident{
		"the summary is empty":                                    {Summary: " ", To: you},
		"nobody is named to be paged":                             {Summary: "s"},
		"the summary has 1025 characters, VictorOps takes 1024":   {Summary: strings.Repeat("é", 1025), To: you},
		"the details has 20481 characters, VictorOps takes 20480": {Summary: "s", Details: strings.Repeat("x", 20481), To: you},
	} {
		_, err := p.Trigger(t.Context(), in)
		require.ErrorIs(t, err, apierr.ErrUsage, says)
		require.ErrorContains(t, err, says)
	}
	assert.Empty(t, srv.Seen())
}

const pathKeys = "/api-public/v1/org/routing-keys"

const wireKeys = `{"routingKeys":[{"routingKey":"api","targets":[{"policyName":"Primary","policySlug":"pol-1"}]},{"routingKey":"Storage","targets":[]},{"routingKey":".+","targets":[],"isDefault":true}]}`

func TestCheckAlert(t *testing.T) {
	t.Parallel()
	ok := pager.NewAlert{RoutingKey: "API", Type: "critical", EntityID: "e", Title: "t", Links: []pager.Link{{Title: "Dash", URL: "https://m.example.test"}}}
	for says, change := range map[string]func(*pager.NewAlert){
		`"critcal" is not a type of alert: critical, warning, info, ack or recovery`: func(a *pager.NewAlert) { a.Type = "critcal" },
		"the summary is empty":             func(a *pager.NewAlert) { a.Title = "" },
		"recovery needs the entity id":     func(a *pager.NewAlert) { a.Type, a.EntityID = "recovery", "" },
		"acknowledgement needs the entity": func(a *pager.NewAlert) { a.Type, a.EntityID = "ack", "" },
		"the entity id has 513 characters": func(a *pager.NewAlert) { a.EntityID = strings.Repeat("x", 513) },
		"the host has 1025":                func(a *pager.NewAlert) { a.Host = strings.Repeat("x", 1025) },
		"the link Dash has 1125":           func(a *pager.NewAlert) { a.Links[0].URL = "https://m.example.test/" + strings.Repeat("x", 1102) },
		"is not an http or https address":  func(a *pager.NewAlert) { a.Links[0].URL = "javascript:alert(1)" },
		"has no title":                     func(a *pager.NewAlert) { a.Links[0].Title = " " },
		"the routing key is empty":         func(a *pager.NewAlert) { a.RoutingKey = " " },
	} {
		a := ok
		a.Links = append([]pager.Link{}, ok.Links...)
		change(&a)
		p, srv := scripted(t)
		_, err := p.CheckAlert(t.Context(), a)
		require.ErrorIs(t, err, apierr.ErrUsage, says)
		require.ErrorContains(t, err, says)
		assert.Empty(t, srv.Seen(), "nothing is sent")
	}
	p, _ := scripted(t, httpxtest.Exchange{Path: pathKeys, Reply: httpxtest.JSON(200, wireKeys), Times: 4})
	c, err := p.CheckAlert(t.Context(), ok)
	require.NoError(t, err)
	assert.Equal(t, "api", c.RoutingKey, "as it is spelt there")
	assert.Equal(t, []string{"Primary"}, c.Policies)
	assert.Empty(t, c.Advice)

	typo := ok
	typo.RoutingKey = "ap"
	_, err = p.CheckAlert(t.Context(), typo)
	require.ErrorIs(t, err, apierr.ErrNotFound, "the default key would take it, and nobody would know")
	require.EqualError(t, err, `victorops: send an alert: no routing key is called "ap"`)
	assert.Equal(t, "did you mean api?", apierr.HintOf(err))
	typo.RoutingKey = "wholly-different"
	_, err = p.CheckAlert(t.Context(), typo)
	assert.Equal(t, "there are Storage and api", apierr.HintOf(err))

	loose := ok
	loose.EntityID = ""
	c, err = p.CheckAlert(t.Context(), loose)
	require.NoError(t, err)
	assert.Equal(t, []string{"without --entity-id no later alert can acknowledge or resolve this one"}, c.Advice)
}

func TestCheckAlertWithoutAnAPIKey(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, httpxtest.Exchange{Path: pathKeys, Reply: httpxtest.Status(401)}, httpxtest.Exchange{Path: pathKeys, Reply: httpxtest.Status(500)})
	a := pager.NewAlert{RoutingKey: "api", Type: "info"}
	c, err := p.CheckAlert(t.Context(), a)
	require.NoError(t, err, "a REST key is enough to send")
	require.Len(t, c.Advice, 2)
	assert.Contains(t, c.Advice[1], "the routing key could not be checked")
	_, err = p.CheckAlert(t.Context(), a)
	require.ErrorIs(t, err, apierr.ErrUnavailable)
}

func TestSendAlert(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	send := func(typ, entity, title string) pager.Sent {
		t.Helper()
		c, err := w.CheckAlert(ctx, pager.NewAlert{RoutingKey: "ops", Type: typ, EntityID: entity, Title: title, Message: "m > 2", Links: []pager.Link{{Title: "Dash", URL: "https://m.example.test"}}})
		require.NoError(t, err)
		s, err := w.SendAlert(ctx, c)
		require.NoError(t, err)
		return s
	}
	s := send("critical", "ci/deploy", "Deploy failed")
	assert.Equal(t, pager.Sent{EntityID: "ci/deploy", RoutingKey: "ops", Type: "critical"}, s)
	phase := func() pager.Phase {
		t.Helper()
		l, err := w.List(ctx, pager.Filter{Phases: pager.Phases()})
		require.NoError(t, err)
		for _, i := range l.Incidents {
			if i.EntityID == "ci/deploy" {
				return i.Phase
			}
		}
		return ""
	}
	assert.Equal(t, pager.Triggered, phase())
	send("ack", "ci/deploy", "")
	assert.Equal(t, pager.Acknowledged, phase())
	send("recovery", "ci/deploy", "")
	assert.Equal(t, pager.Resolved, phase())
	assert.NotEmpty(t, send("critical", "", "No entity").EntityID, "the vendor makes one up")
}

func TestSendAlertWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	for kind, arrived := range map[string]bool{simulator.FaultResetAfter: true, simulator.FaultCut: true, simulator.FaultResetBefore: false} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := demo(t, "you")
			ctx := t.Context()
			check := func() pager.CheckedAlert {
				c, err := w.CheckAlert(ctx, pager.NewAlert{RoutingKey: "ops", Type: "critical", EntityID: "ci/deploy", Title: "Deploy failed"})
				require.NoError(t, err)
				return c
			}
			// The entity has an open incident already: only this alert's mark proves it.
			_, err := w.SendAlert(ctx, check())
			require.NoError(t, err)
			path := "/integrations/generic/20131114/alert/*"
			w.fault(t, kind, post, path)
			s, err := w.SendAlert(ctx, check())
			if arrived {
				require.NoError(t, err)
				assert.True(t, s.Looked)
				assert.NotEmpty(t, s.Number)
			} else {
				require.ErrorIs(t, err, apierr.ErrUnknownOutcome)
				assert.ErrorContains(t, err, "cannot tell whether it arrived")
			}
			all, err := w.Changes()
			require.NoError(t, err)
			assert.Len(t, all, 2, "each alert was sent once")
		})
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx := t.Context()
	w.advance(time.Minute)
	_, err := ack(ctx, w.Pager, "4127")
	require.NoError(t, err)
	w.advance(time.Minute)
	_, _, err = w.AddNote(ctx, "4127", "found it")
	require.NoError(t, err)
	tl, err := w.Timeline(ctx, "4127")
	require.NoError(t, err)
	assert.Empty(t, tl.Partial)
	kinds := []string{}
	for n, e := range tl.Events {
		kinds = append(kinds, e.Kind)
		if n > 0 {
			assert.False(t, e.At.Before(tl.Events[n-1].At), "oldest first")
		}
	}
	assert.Equal(t, "triggered", kinds[0])
	assert.Contains(t, kinds, "alert")
	assert.Equal(t, []string{"acknowledged", "note"}, kinds[len(kinds)-2:])
	last := tl.Events[len(tl.Events)-1]
	assert.Equal(t, pager.Event{At: start.Add(2 * time.Minute), Kind: "note", By: "you", Message: "found it"}, last)
	_, err = w.Timeline(ctx, "9999")
	require.ErrorIs(t, err, apierr.ErrNotFound)
}

func TestTimelineWithPartsMissing(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t,
		get(pathList+"/7", `{"currentPhase":"UNACKED","startTime":"2026-03-04T01:55:00Z","firstAlertUuid":"a1","lastAlertId":"a2"}`),
		httpxtest.Exchange{Path: pathList + "/7/notes", Reply: httpxtest.Status(500)},
		httpxtest.Exchange{Path: "/api-public/v1/chat?incidentId=7&limit=100&offset=0", Reply: httpxtest.Status(404)}, // an account without this call
		httpxtest.Exchange{Path: "/api-public/v1/alerts/a1", Reply: httpxtest.Status(404)},
		httpxtest.Exchange{Path: "/api-public/v1/alerts/a2", Reply: httpxtest.Status(500)})
	tl, err := p.Timeline(t.Context(), "7")
	require.NoError(t, err)
	assert.Len(t, tl.Events, 1)
	assert.Equal(t, "7", tl.Incident.Number)
	require.Len(t, tl.Partial, 2)
	assert.Equal(t, "notes", tl.Partial[0].Source)
	assert.Equal(t, "alert", tl.Partial[1].Source)
}

func TestInterruptedAfterSendingIsNotLookedAt(t *testing.T) {
	t.Parallel()
	w := demo(t, "you")
	ctx, cancel := context.WithCancel(t.Context())
	seen, err := w.Look(ctx, []string{"4127"})
	require.NoError(t, err)
	w.fault(t, simulator.FaultResetAfter, patch, pathAck)
	w.Pager.Client = cancelling{w.Pager.Client, cancel}
	out, err := w.Ack(ctx, seen, "")
	require.NoError(t, err)
	require.ErrorIs(t, out[0].Err, apierr.ErrUnknownOutcome)
	assert.False(t, out[0].Looked)
	assert.Equal(t, 1, w.sent(t, patch, pathAck))
}
