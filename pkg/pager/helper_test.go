package pager_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/httpx"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/pager"
	"github.com/balena-io/oncall/pkg/secret"
	"github.com/balena-io/oncall/pkg/simulator"
	"github.com/balena-io/oncall/pkg/victorops"
)

var start = time.Date(2026, 3, 4, 2, 0, 0, 0, time.UTC)

const org = "example-org"

func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// scripted is a pager whose vendor answers from a list.
func scripted(t *testing.T, exchanges ...httpxtest.Exchange) (*pager.Pager, *httpxtest.Server) {
	t.Helper()
	srv := httpxtest.AnyOrder(t, exchanges...)
	c, err := victorops.New(victorops.Config{HTTP: srv.Config(""), APIID: secret.New("id-1234"), APIKey: secret.New("key-1234"),
		AlertURL: srv.URL, RESTKey: secret.New("rest-1234")})
	require.NoError(t, err)
	return &pager.Pager{Client: c, User: "you", Org: org, Now: func() time.Time { return start }, Wait: noWait}, srv
}

// world is a pager of a demo world.
type world struct {
	*simulator.World
	*pager.Pager
	clock *time.Time
}

func (w *world) advance(d time.Duration) { *w.clock = w.clock.Add(d) }

// demo is a pager that acts as a person of the demo world.
func demo(t *testing.T, user string) *world {
	t.Helper()
	now := start
	sim, err := simulator.Open(simulator.Options{Now: func() time.Time { return now }, NoLimits: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	base := "http://demo.invalid/victorops"
	c, err := victorops.New(victorops.Config{HTTP: httpx.Config{BaseURL: base, Transport: sim.Transport(), Sleep: noWait},
		APIID: secret.New(simulator.VictorOpsAPIID), APIKey: secret.New(simulator.VictorOpsAPIKey), AlertURL: base, RESTKey: secret.New(simulator.VictorOpsRESTKey)})
	require.NoError(t, err)
	return &world{World: sim, clock: &now,
		Pager: &pager.Pager{Client: c, User: user, Now: func() time.Time { return now }, Wait: noWait}}
}

// sent counts the changes of one kind that reached the world.
func (w *world) sent(t *testing.T, method, path string) int {
	t.Helper()
	all, err := w.Changes()
	require.NoError(t, err)
	n := 0
	for _, r := range all {
		if r.Method == method && r.Path == path {
			n++
		}
	}
	return n
}

// fault makes the next change of a path fail.
func (w *world) fault(t *testing.T, kind, method, path string, change ...func(*simulator.Fault)) {
	t.Helper()
	f := simulator.Fault{Service: "victorops", Method: method, PathGlob: path, Kind: kind, Times: 1}
	for _, c := range change {
		c(&f)
	}
	require.NoError(t, w.AddFault(f))
}

const patch, post, put = http.MethodPatch, http.MethodPost, http.MethodPut

func get(path, body string) httpxtest.Exchange {
	return httpxtest.Exchange{Path: path, Reply: httpxtest.JSON(200, body)}
}

// ack and resolve look at incidents and change them at once, as the commands do.
func ack(ctx context.Context, p *pager.Pager, numbers ...string) ([]pager.Outcome, error) {
	seen, err := p.Look(ctx, numbers)
	if err != nil {
		return nil, err
	}
	return p.Ack(ctx, seen, "looking")
}

func resolve(ctx context.Context, p *pager.Pager, numbers ...string) ([]pager.Outcome, error) {
	seen, err := p.Look(ctx, numbers)
	if err != nil {
		return nil, err
	}
	return p.Resolve(ctx, seen, "")
}
