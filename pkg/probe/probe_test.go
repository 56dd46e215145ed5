package probe

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/httpx/httpxtest"
	"github.com/balena-io/oncall/pkg/nodeping"
)

var now = time.Date(2026, 3, 4, 3, 18, 30, 0, time.UTC)

type fake struct {
	Vendor
	checks []nodeping.Check
	reads  []nodeping.Check // what reads of one check answer, in turn
	muted  error
	sent   int
	plans  [][]nodeping.Maintenance
	made   nodeping.Maintenance
	err    error
}

func (f *fake) Checks(context.Context) ([]nodeping.Check, error) { return f.checks, nil }
func (f *fake) Check(context.Context, string) (nodeping.Check, error) {
	if len(f.reads) == 0 {
		return nodeping.Check{}, apierr.New(apierr.ErrUnavailable, "nodeping", "read", "away")
	}
	k := f.reads[0]
	if len(f.reads) > 1 {
		f.reads = f.reads[1:]
	}
	return k, nil
}

func (f *fake) Mute(context.Context, nodeping.Check, time.Time) (nodeping.Check, error) {
	f.sent++
	return nodeping.Check{}, f.muted
}

func (f *fake) Unmute(context.Context, nodeping.Check) (nodeping.Check, error) {
	f.sent++
	return nodeping.Check{}, f.muted
}

func (f *fake) Maintenances(context.Context) ([]nodeping.Maintenance, error) {
	p := f.plans[0]
	if len(f.plans) > 1 {
		f.plans = f.plans[1:]
	}
	return p, nil
}

func (f *fake) StartMaintenance(context.Context, string, []string, time.Duration) (nodeping.Maintenance, error) {
	f.sent++
	return f.made, f.err
}

func (f *fake) RepeatMaintenance(context.Context, string, string, []string, time.Duration) (nodeping.Maintenance, error) {
	f.sent++
	return f.made, f.err
}

func (f *fake) EndMaintenance(context.Context, string) error {
	f.sent++
	return f.err
}

func desk(f *fake) *Desk {
	return &Desk{Client: f, Now: func() time.Time { return now }, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

func TestStates(t *testing.T) {
	t.Parallel()
	past, ahead := nodeping.Millis{Time: now.Add(-time.Hour)}, nodeping.Millis{Time: now.Add(time.Hour)}
	d := desk(&fake{})
	for name, c := range map[string]struct {
		k     nodeping.Check
		want  State
		muted bool
	}{
		"failing":               {nodeping.Check{Enabled: true, Known: true, Failing: true, FirstDown: past}, Failing, false},
		"passing":               {nodeping.Check{Enabled: true, Known: true}, Passing, false},
		"no result":             {nodeping.Check{Enabled: true}, New, false},
		"disabled, stale":       {nodeping.Check{Known: true, Failing: true, FirstDown: past}, Disabled, false},
		"muted for ever":        {nodeping.Check{Enabled: true, Known: true, Muted: true}, Passing, true},
		"muted":                 {nodeping.Check{Enabled: true, Known: true, Muted: true, MutedUntil: ahead}, Passing, true},
		"a mute that has ended": {nodeping.Check{Enabled: true, Known: true, Muted: true, MutedUntil: past}, Passing, false},
	} {
		got := d.from(c.k)
		assert.Equal(t, c.want, got.State, name)
		assert.Equal(t, c.muted, got.Muted, name)
		assert.Equal(t, c.want == Failing, got.Since != nil, name)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]nodeping.Result{
		"503 Service Unavailable":               {Type: "HTTP", Code: "503", Message: "Invalid status: 503"},
		"200 OK":                                {Type: "HTTPCONTENT", Code: "200", Passed: true},
		"200 OK, content not found":             {Type: "HTTPCONTENT", Code: "200", Message: "content not found"},
		"200 OK, slower than 5s":                {Type: "HTTP", Code: "200", Took: 7 * time.Second, Threshold: 5 * time.Second},
		"599":                                   {Type: "HTTP", Code: "599"},
		"no answer: Timeout after 5000ms":       {Type: "HTTP", Code: "Error", Message: "Timeout after 5000ms"},
		"no answer: connect ECONNREFUSED":       {Type: "PORT", Message: "connect ECONNREFUSED"},
		"success":                               {Type: "PING", Code: "Success", Passed: true},
		"passed":                                {Type: "PING", Passed: true},
		"certificate valid, expires in 61 days": {Type: "SSL", Code: "valid", Message: "certificate valid, expires in 61 days", Passed: true},
		"failed, without a reason":              {Type: "DNS"},
		"expired: certificate ended yesterday":  {Type: "SSL", Code: "Expired", Message: "certificate ended yesterday"},
	} {
		assert.Equal(t, want, resultOf(v, "").Words)
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	mk := func(label, id string) nodeping.Check {
		return nodeping.Check{Label: label, ID: "202601150900AB1CD-" + id, Target: "https://" + id + ".test/", Enabled: true, Known: true}
	}
	all := desk(&fake{}).named([]nodeping.Check{mk("api", "AAAA1111"), mk("api certificate", "BBBB1111"), mk("web", "CCCC1111"), mk("web", "CCCC2222"), mk("", "DDDD1111")})
	for word, want := range map[string]string{"api": "AAAA1111", "API": "AAAA1111", "api cert": "BBBB1111", "cccc1": "CCCC1111", "web (CCCC2222)": "CCCC2222",
		"202601150900ab1cd-dddd1111": "DDDD1111", "https://AAAA1111.test/": "AAAA1111"} {
		c, err := Pick(all, word)
		if assert.NoError(t, err, word) {
			assert.True(t, strings.HasSuffix(c.ID, want), word)
		}
	}
	_, err := Pick(all, "web")
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	_, err = Pick(all, "a")
	require.ErrorIs(t, err, apierr.ErrAmbiguous)
	_, err = Pick(all, "apu")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, apierr.HintOf(err), "did you mean api")
	_, err = Pick(all, "202601150900AB1CD-ZZZZZZZZ")
	require.ErrorIs(t, err, apierr.ErrNotFound)
	assert.Contains(t, apierr.HintOf(err), "sub-account")
	_, err = Pick(all, "")
	require.ErrorIs(t, err, apierr.ErrUsage)
}

func TestOutages(t *testing.T) {
	t.Parallel()
	// Newest first, a minute apart: + passed, - failed.
	row := func(marks string) []Result {
		out := []Result{}
		for i, m := range marks {
			out = append(out, Result{ID: string(rune('a' + i)), At: now.Add(-time.Duration(i) * time.Minute), Passed: m == '+', Words: "503", From: "nl"})
		}
		return out
	}
	type seen struct {
		start, end int // minutes ago; -1: it lasts
		failed     int
		earlier    bool
	}
	for name, c := range map[string]struct {
		marks string
		state State
		want  []seen
	}{
		"none":                               {"++++", Passing, nil},
		"nothing":                            {"", Passing, nil},
		"one, over":                          {"+++--++", Passing, []seen{{4, 2, 2, false}}},
		"it lasts":                           {"---++", Failing, []seen{{2, -1, 3, false}}},
		"one good answer does not end it":    {"--+--++", Failing, []seen{{4, -1, 4, false}}},
		"two good ones do":                   {"--++--++", Failing, []seen{{1, -1, 2, false}, {5, 3, 2, false}}},
		"begun before":                       {"++--", Passing, []seen{{3, 1, 2, true}}},
		"just over, by the state":            {"+--++", Passing, []seen{{2, 0, 2, false}}},
		"one good answer, and still failing": {"+--++", Failing, []seen{{2, -1, 2, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Outages(Check{Name: "api", State: c.state}, row(c.marks), now)
			var found []seen
			for _, o := range got {
				s := seen{int(now.Sub(o.Start).Minutes()), -1, o.Failed, o.Earlier}
				end := now
				if o.End != nil {
					s.end, end = int(now.Sub(*o.End).Minutes()), *o.End
				}
				assert.InDelta(t, end.Sub(o.Start).Seconds(), o.Seconds, 0.1)
				found = append(found, s)
			}
			assert.Equal(t, c.want, found)
		})
	}
}

func TestSetMuted(t *testing.T) {
	t.Parallel()
	until := now.Add(time.Hour).Truncate(time.Millisecond)
	plain := nodeping.Check{ID: "A-1", Label: "api", Enabled: true, Known: true}
	muted := plain
	muted.Muted, muted.MutedUntil = true, nodeping.Millis{Time: until}
	ever := plain
	ever.Muted = true
	lost := apierr.New(apierr.ErrUnknownOutcome, "nodeping", "mute", "lost")
	for name, c := range map[string]struct {
		before  nodeping.Check
		mute    bool
		until   time.Time
		err     error
		reads   []nodeping.Check
		sent    int
		changed bool
		looked  bool
		kind    error
		text    string
	}{
		"muted":                      {plain, true, until, nil, []nodeping.Check{muted}, 1, true, false, nil, ""},
		"the old record at first":    {plain, true, until, nil, []nodeping.Check{plain, plain, muted}, 1, true, false, nil, ""},
		"never shown":                {plain, true, until, nil, []nodeping.Check{plain}, 1, false, false, apierr.ErrUnknownOutcome, "was accepted, and the check does not show it"},
		"already so":                 {muted, true, until, nil, []nodeping.Check{muted}, 0, false, false, nil, ""},
		"so when it was read":        {muted, true, until, nil, []nodeping.Check{plain, muted}, 1, true, false, nil, ""},
		"so, and no look":            {muted, true, until, nil, nil, 0, false, false, apierr.ErrUnavailable, "away"},
		"another end":                {ever, true, until, nil, []nodeping.Check{muted}, 1, true, false, nil, ""},
		"for ever":                   {plain, true, time.Time{}, nil, []nodeping.Check{ever}, 1, true, false, nil, ""},
		"for ever already":           {ever, true, time.Time{}, nil, []nodeping.Check{ever}, 0, false, false, nil, ""},
		"unmuted":                    {muted, false, time.Time{}, nil, []nodeping.Check{plain}, 1, true, false, nil, ""},
		"not muted":                  {plain, false, time.Time{}, nil, []nodeping.Check{plain}, 0, false, false, nil, ""},
		"lost, and it happened":      {plain, true, until, lost, []nodeping.Check{muted}, 1, true, true, nil, ""},
		"lost, and it did not":       {plain, true, until, lost, []nodeping.Check{plain}, 1, false, false, apierr.ErrUnknownOutcome, "cannot tell whether it arrived"},
		"lost, and no look":          {plain, true, until, lost, nil, 1, false, false, apierr.ErrUnknownOutcome, "could not be read"},
		"a dry run is not looked at": {plain, true, until, apierr.New(apierr.ErrReadOnly, "", "", "fence"), nil, 1, false, false, apierr.ErrReadOnly, ""},
		"refused":                    {plain, true, until, apierr.New(apierr.ErrInvalid, "", "", "no"), nil, 1, false, false, apierr.ErrInvalid, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{muted: c.err, reads: c.reads}
			d := desk(f)
			_, changed, looked, err := d.SetMuted(t.Context(), d.from(c.before), c.mute, c.until)
			assert.Equal(t, c.sent, f.sent)
			assert.Equal(t, c.changed, changed)
			assert.Equal(t, c.looked, looked)
			if c.kind == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.kind)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestMaintenance(t *testing.T) {
	t.Parallel()
	lost := apierr.New(apierr.ErrUnknownOutcome, "nodeping", "start", "lost")
	mine, other := nodeping.Maintenance{ID: "NEW", Name: "upgrade"}, nodeping.Maintenance{ID: "OLD", Name: "upgrade"}
	start := func(f *fake) (Maintenance, bool, error) {
		return desk(f).StartMaintenance(t.Context(), "upgrade", []Check{{ID: "A-1", Name: "api"}}, time.Hour)
	}
	m, looked, err := start(&fake{plans: [][]nodeping.Maintenance{{other}}, made: mine})
	require.NoError(t, err)
	assert.Equal(t, "NEW", m.ID)
	assert.False(t, looked)
	f := &fake{plans: [][]nodeping.Maintenance{{other}, {other, mine}}, err: lost}
	m, looked, err = start(f)
	require.NoError(t, err)
	assert.Equal(t, "NEW", m.ID)
	assert.True(t, looked)
	assert.Equal(t, 1, f.sent, "never twice")
	_, _, err = start(&fake{plans: [][]nodeping.Maintenance{{other}}, err: lost})
	require.ErrorIs(t, err, apierr.ErrUnknownOutcome, "the old one of the same name is not taken for it")
	assert.Equal(t, []string{"30m", "2h", "1h 30m"}, []string{Length(1800), Length(7200), Length(5400)})
}

func TestEndMaintenance(t *testing.T) {
	t.Parallel()
	there, gone := []nodeping.Maintenance{{ID: "NEW"}}, []nodeping.Maintenance{{ID: "OTHER"}}
	lost, unknown, no := apierr.New(apierr.ErrUnknownOutcome, "", "", "lost"), apierr.New(apierr.ErrNotFound, "", "", "unknown"), apierr.New(apierr.ErrAuth, "", "", "no")
	for name, c := range map[string]struct {
		err             error
		after           []nodeping.Maintenance
		changed, looked bool
		kind            error
	}{
		"ended":                    {nil, there, true, false, nil},
		"lost, and it happened":    {lost, gone, true, true, nil},
		"lost, and it is there":    {lost, there, false, false, apierr.ErrUnknownOutcome},
		"somebody was faster":      {unknown, gone, false, false, nil},
		"not known, and yet there": {unknown, there, false, false, apierr.ErrNotFound},
		"refused":                  {no, gone, false, false, apierr.ErrAuth},
	} {
		f := &fake{plans: [][]nodeping.Maintenance{c.after}, err: c.err}
		changed, looked, err := desk(f).EndMaintenance(t.Context(), "NEW")
		assert.Equal(t, [2]bool{c.changed, c.looked}, [2]bool{changed, looked}, name)
		if c.kind == nil {
			require.NoError(t, err, name)
		} else {
			require.ErrorIs(t, err, c.kind, name)
		}
		assert.Equal(t, 1, f.sent, name)
	}
}

func asker(roots *x509.CertPool, at time.Time) *Asker {
	return &Asker{Roots: roots, Now: func() time.Time { return at }, Timeout: time.Minute, UserAgent: "test"}
}

func steps(l Local) string {
	out := []string{}
	for _, t := range l.Times {
		out = append(out, t.Step)
	}
	return strings.Join(out, " ")
}

func TestAskPages(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/base/bad":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/base/moved":
			http.Redirect(w, r, "/base/elsewhere", http.StatusFound)
		case "/base/cut":
			w.Header().Set("Content-Length", "1000")
		}
	}))
	t.Cleanup(srv.Close)
	ask := func(path string) Local {
		return asker(nil, now).Ask(t.Context(), Check{Type: "HTTP", Target: srv.URL + "/base/" + path})
	}
	l := ask("ok")
	assert.True(t, l.Passed)
	assert.Equal(t, "200 OK", l.Words)
	assert.Equal(t, "connect first byte body", steps(l))
	assert.Equal(t, srv.Listener.Addr().String(), l.Address)
	l = ask("bad")
	assert.False(t, l.Passed)
	assert.Equal(t, "503 Service Unavailable", l.Words)
	assert.Equal(t, "http", l.Step)
	l = ask("moved")
	assert.True(t, l.Passed, "as NodePing has it")
	assert.Equal(t, "/base/elsewhere", l.Location, "and it is not followed")
	assert.False(t, ask("cut").Passed)

	refused := httpxtest.Refused(t)
	addr := strings.TrimSuffix(strings.TrimPrefix(refused, "http://"), httpxtest.Base)
	l = asker(nil, now).Ask(t.Context(), Check{Target: refused})
	assert.Equal(t, "connect", l.Step)
	assert.Contains(t, l.Words, "refused")
	l = asker(nil, now).Ask(t.Context(), Check{Type: "PORT", Target: addr})
	assert.Equal(t, "connect", l.Step)
	assert.False(t, l.Passed)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.False(t, asker(nil, now).Ask(ctx, Check{Target: srv.URL}).Passed)
}

func TestAskTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	end := srv.Certificate().NotAfter
	for _, c := range []Check{{Type: "HTTP", Target: srv.URL + "/"}, {Type: "SSL", Target: srv.Listener.Addr().String()}} {
		l := asker(roots, end.Add(-49*time.Hour)).Ask(t.Context(), c)
		assert.True(t, l.Passed, l.Words)
		require.NotNil(t, l.TLS)
		assert.Equal(t, 2, l.TLS.Days)
		assert.Empty(t, l.TLS.Error)
		assert.Contains(t, steps(l), "tls")

		l = asker(roots, end.Add(time.Hour)).Ask(t.Context(), c)
		assert.False(t, l.Passed)
		require.NotNil(t, l.TLS, "an expired certificate is told all the same")
		assert.Equal(t, -1, l.TLS.Days)
		assert.Contains(t, l.TLS.Error, "expired")
		assert.Equal(t, "tls", l.Step)

		l = asker(x509.NewCertPool(), end.Add(-time.Hour)).Ask(t.Context(), c)
		assert.False(t, l.Passed, "a stranger's certificate")
	}
	host, _, err := net.SplitHostPort(srv.Listener.Addr().String())
	require.NoError(t, err)
	l := asker(nil, now).Ask(t.Context(), Check{Type: "PING", Target: host})
	assert.True(t, l.Passed)
	l = (&Asker{Transport: &http.Transport{}, Now: time.Now, Timeout: time.Second}).Ask(t.Context(), Check{Type: "PORT", Target: "x:1"})
	assert.True(t, l.Skipped)
	assert.False(t, l.Passed)
}
