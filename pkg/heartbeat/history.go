package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/healthchecks"
)

// Ping is one signal in words.
type Ping struct {
	Number    int       `json:"number"`
	Kind      string    `json:"kind"` // success, start, fail, log, ignored
	At        time.Time `json:"at"`
	Seconds   *float64  `json:"durationSeconds"` // since its start; null: not known
	Via       string    `json:"via"`             // https POST, email
	UserAgent string    `json:"userAgent"`
	From      string    `json:"from"` // address
	RunID     string    `json:"runId"`
	HasBody   bool      `json:"hasBody"`
	Body      *string   `json:"body"` // null: none, or it was not asked for
}

func pingOf(v healthchecks.Ping) Ping {
	p := Ping{Number: v.N, Kind: v.Type, At: v.Date.Time, Via: strings.TrimSpace(v.Scheme + " " + v.Method),
		UserAgent: v.UA, From: v.Address, RunID: v.RID, HasBody: v.HasBody()}
	if v.Type == healthchecks.PingIgnored {
		p.Kind = "ignored"
	}
	if v.Duration.Set {
		s := v.Duration.Seconds()
		p.Seconds = &s
	}
	return p
}

// Pings lists the latest signals, newest first, at most limit (0 is all);
// there are more when truncated. It needs a read-write key.
func (m *Monitor) Pings(ctx context.Context, c Check, limit int) (pings []Ping, truncated bool, err error) {
	if err := needUUID(c, "pings of"); err != nil {
		return nil, false, err
	}
	raw, err := m.Client.Pings(ctx, c.raw.UUID)
	if err != nil {
		return nil, false, err
	}
	out := []Ping{}
	for i, v := range raw {
		if limit > 0 && i == limit {
			return out, true, nil
		}
		out = append(out, pingOf(v))
	}
	return out, false, nil
}

// bodiesAtOnce bounds how many bodies are asked for at a time.
const bodiesAtOnce = 4

// Bodies fills in what the signals carried. Each that cannot be read is an error
// of its own; the rest is there all the same.
func (m *Monitor) Bodies(ctx context.Context, c Check, pings []Ping) []error {
	errs := make([]error, len(pings))
	slots := make(chan struct{}, bodiesAtOnce)
	var wg sync.WaitGroup
	for i := range pings {
		if !pings[i].HasBody {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			b, err := m.Client.PingBody(ctx, c.raw.UUID, pings[i].Number)
			if err != nil {
				errs[i] = err
				return
			}
			text := strings.ToValidUTF8(string(b), string(utf8.RuneError))
			pings[i].Body = &text
		})
	}
	wg.Wait()
	out := []error{}
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// What a change of status was.
const (
	CauseUp      = "signal"      // a success came
	CauseFailure = "failure"     // a signal said so
	CauseSilence = "no signal"   // none came in time
	CauseHang    = "did not end" // it started and was not done within the time of grace
	CausePause   = "pause"       // paused or resumed: no outage
	CauseUnknown = "not told"    // an outage, a pause or a resume
)

// Flip is a change of status in words. The server says "up" or "not up" and
// never why: what is more here follows from the signals, the schedule, the
// journal, or the order of the changes.
type Flip struct {
	At      time.Time `json:"at"`
	Up      bool      `json:"up"`
	Cause   string    `json:"cause"` // one of the Cause constants
	Why     string    `json:"why"`   // how the cause is known, "" when it is not
	Seconds *float64  `json:"seconds"`
	Outage  *bool     `json:"outage"` // null: cannot be told
}

// nearby is how far apart a change and what caused it are written down: the
// server notices a silence once a minute.
const nearby = 90 * time.Second

// Flips lists the changes of status since a moment, newest first, with their
// causes as far as they can be told. The pings help when the key may read them;
// when they cannot be read for another reason, that is partial.
func (m *Monitor) Flips(ctx context.Context, c Check, since time.Time) (flips []Flip, partial []apierr.Partial, err error) {
	raw, err := m.Client.Flips(ctx, c.raw.ID(), since)
	if err != nil {
		return nil, nil, err
	}
	pings := []healthchecks.Ping{}
	if c.CanPing() {
		got, perr := m.Client.Pings(ctx, c.raw.UUID)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if perr != nil && !errors.Is(perr, apierr.ErrAuth) && !errors.Is(perr, apierr.ErrNotFound) {
			partial = append(partial, apierr.Partial{Source: "pings", Err: perr})
		}
		pings = got
	}
	return m.explain(c, raw, pings), partial, nil
}

func (m *Monitor) explain(c Check, raw []healthchecks.Flip, pings []healthchecks.Ping) []Flip {
	out := []Flip{}
	end := m.Now()
	for i, v := range raw { // newest first
		f := Flip{At: v.At.Time, Up: v.Up == 1}
		if f.At.IsZero() {
			continue
		}
		if s := end.Sub(f.At).Seconds(); s >= 0 {
			f.Seconds = &s
		}
		end = f.At
		before := len(raw) > i+1 && raw[i+1].Up == 0
		f.Cause, f.Why = m.cause(c, f, before, pings)
		is := !f.Up && f.Cause != CausePause
		switch {
		case f.Cause != CauseUnknown:
			f.Outage = &is
		case i == 0 && (c.State == Paused || c.State == New):
			is, f.Cause, f.Why = false, CausePause, "it is "+string(c.State)+" now"
			f.Outage = &is
		case i == 0 && c.State == Down:
			f.Outage, f.Why = &is, "it is down now"
		}
		out = append(out, f)
	}
	return out
}

// cause finds out why. again says that the check was not up before either: from
// down or paused the only ways that are not up are a pause and a resume.
func (m *Monitor) cause(c Check, f Flip, again bool, pings []healthchecks.Ping) (cause, why string) {
	if f.Up {
		return CauseUp, "up comes with a signal alone"
	}
	for _, p := range m.Pauses {
		if p.Label == c.Label() && near(p.At, f.At) {
			return CausePause, "paused with oncall: " + p.Reason
		}
	}
	var end, start time.Time // the latest before the change
	for _, p := range pings {
		at := p.Date.Time
		if at.After(f.At.Add(2 * time.Second)) {
			continue
		}
		switch p.Type {
		case healthchecks.PingFail:
			if f.At.Sub(at) < 10*time.Second {
				return CauseFailure, fmt.Sprintf("ping %d said so", p.N)
			}
			end = later(end, at)
		case healthchecks.PingSuccess:
			end = later(end, at)
		case healthchecks.PingStart:
			start = later(start, at)
		}
	}
	if due := c.Schedule.after(end); !due.IsZero() && near(due.Add(c.Schedule.grace), f.At) {
		return CauseSilence, "the last was " + Length(f.At.Sub(end)) + " before"
	}
	if start.After(end) && near(start.Add(c.Schedule.grace), f.At) {
		return CauseHang, "started " + Length(f.At.Sub(start)) + " before, and did not end"
	}
	if again {
		return CausePause, "it was not up before either"
	}
	return CauseUnknown, ""
}

func near(a, b time.Time) bool { return a.Sub(b).Abs() <= nearby }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Integration is who is told of a check's changes.
type Integration struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// Detail is a check with its history.
type Detail struct {
	Check
	LastPings    []Ping           `json:"lastPings"`    // newest first
	Flips        []Flip           `json:"flips"`        // newest first
	Integrations []Integration    `json:"integrations"` // who is told
	Partial      []apierr.Partial `json:"-"`
}

// How much of the history a detail shows.
const (
	detailPings = 8
	detailFlips = 6
)

// Get reads a check with its history. What the key may not read is partial.
func (m *Monitor) Get(ctx context.Context, word string) (Detail, error) {
	c, err := m.Find(ctx, word)
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Check: c, LastPings: []Ping{}, Flips: []Flip{}, Integrations: []Integration{}}
	var wg sync.WaitGroup
	var errPings, errFlips, errChannels error
	wg.Go(func() { d.LastPings, _, errPings = m.Pings(ctx, c, detailPings) })
	wg.Go(func() { d.Flips, _, errFlips = m.Flips(ctx, c, time.Time{}) })
	wg.Go(func() {
		if c.raw.HasChannels && len(c.raw.ChannelIDs) > 0 {
			d.Integrations, errChannels = m.integrations(ctx, c)
		}
	})
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return d, err
	}
	if !c.raw.HasChannels {
		errChannels = needUUID(c, "integrations of")
	}
	for _, p := range []apierr.Partial{{Source: "pings", Err: errPings}, {Source: "flips", Err: errFlips}, {Source: "integrations", Err: errChannels}} {
		if p.Err != nil {
			d.Partial = append(d.Partial, p)
		}
	}
	if d.LastPings == nil {
		d.LastPings = []Ping{}
	}
	if d.Integrations == nil {
		d.Integrations = []Integration{}
	}
	d.Flips = append([]Flip{}, d.Flips[:min(len(d.Flips), detailFlips)]...)
	return d, nil
}

func (m *Monitor) integrations(ctx context.Context, c Check) ([]Integration, error) {
	all, err := m.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	out := []Integration{}
	for _, id := range c.raw.ChannelIDs {
		one := Integration{ID: id}
		for _, ch := range all {
			if ch.ID == id {
				one = Integration(ch)
			}
		}
		out = append(out, one)
	}
	return out, nil
}
