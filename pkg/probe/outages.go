package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/nodeping"
)

// Results lists what was answered since a moment, newest first; there are more
// when truncated.
func (d *Desk) Results(ctx context.Context, c Check, since time.Time, limit int) (out []Result, truncated bool, err error) {
	raw, err := d.Client.Results(ctx, c.ID, since, min(limit+1, nodeping.MaxResults))
	if err != nil {
		return nil, false, err
	}
	out = []Result{}
	for _, v := range raw {
		if r := resultOf(v, c.Type); since.IsZero() || !r.At.Before(since) {
			out = append(out, r)
		}
	}
	if len(out) > limit {
		return out[:limit], true, nil
	}
	return out, false, nil
}

// Outage is a stretch of failures.
type Outage struct {
	Probe   string     `json:"probe"`
	ID      string     `json:"probeId"`
	Start   time.Time  `json:"start"`
	Earlier bool       `json:"earlier"` // it had begun before the results that were read
	End     *time.Time `json:"end"`     // null: it lasts
	Seconds float64    `json:"seconds"` // so far
	Failed  int        `json:"failed"`  // runs that failed in it
	Words   string     `json:"words"`   // the first answer
	From    []string   `json:"from"`    // probes that saw it
}

// settled is how many good answers in a row end an outage: a single one may be
// the one probe that still gets through.
const settled = 2

// Outages are the stretches of failures in results, newest first. failing says
// whether the check fails now.
func Outages(c Check, results []Result, now time.Time) []Outage {
	out := []Outage{}
	var open *Outage
	good := []Result{}
	end := func(at *time.Time) {
		open.End = at
		last := now
		if at != nil {
			last = *at
		}
		open.Seconds = last.Sub(open.Start).Seconds()
		out = append(out, *open)
		open = nil
	}
	for _, r := range slices.Backward(results) {
		if r.Passed {
			good = append(good, r)
			if open != nil && len(good) >= settled {
				end(&good[0].At)
			}
			continue
		}
		if open == nil {
			open = &Outage{Probe: c.Label(), ID: c.ID, Start: r.At, Earlier: r.ID == results[len(results)-1].ID, Words: r.Words, From: []string{}}
		}
		good = nil
		open.Failed++
		if r.From != "" && !slices.Contains(open.From, r.From) {
			open.From = append(open.From, r.From)
		}
	}
	if open != nil {
		if c.State != Failing && len(good) > 0 {
			end(&good[0].At)
		} else {
			end(nil)
		}
	}
	slices.Reverse(out)
	return out
}

// atOnce bounds how many checks are asked for at a time.
const atOnce = 4

// AllOutages are those of several checks since a moment, newest first.
func (d *Desk) AllOutages(ctx context.Context, all []Check, since time.Time) ([]Outage, []apierr.Partial, error) {
	found, errs, cut := make([][]Outage, len(all)), make([]error, len(all)), make([]time.Time, len(all))
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results, more, err := d.Results(ctx, c, since, nodeping.MaxResults-1)
			found[i], errs[i] = Outages(c, results, d.Now()), err
			if more {
				cut[i] = results[len(results)-1].At
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	out, partial, failed := []Outage{}, []apierr.Partial{}, 0
	for i := range all {
		out = append(out, found[i]...)
		if errs[i] != nil {
			failed++
			partial = append(partial, apierr.Partial{Source: all[i].Label(), Err: errs[i]})
		}
		if !cut[i].IsZero() {
			partial = append(partial, apierr.Partial{Source: all[i].Label(), Err: fmt.Errorf("it has too many results: those before %s were not read", cut[i].UTC().Format(time.RFC3339))})
		}
	}
	if len(all) > 0 && failed == len(all) {
		return nil, nil, partial[0].Err
	}
	slices.SortStableFunc(out, func(a, b Outage) int { return b.Start.Compare(a.Start) })
	return out, partial, nil
}

// Uptime is the share of a span in which a check passed.
type Uptime struct {
	Probe   string  `json:"probe"`
	Span    string  `json:"span"` // 2026-10, 2026-10-31, total
	Percent float64 `json:"percent"`
	Down    float64 `json:"downSeconds"`
	Watched float64 `json:"watchedSeconds"`
}

// Uptime tells it by "days" or "months", oldest first, the total last.
func (d *Desk) Uptime(ctx context.Context, c Check, by string, from time.Time) ([]Uptime, error) {
	raw, err := d.Client.Uptime(ctx, c.ID, by, from)
	out := []Uptime{}
	for _, u := range raw {
		out = append(out, Uptime{Probe: c.Label(), Span: u.Span, Percent: u.Percent, Down: u.Down.Seconds(), Watched: u.Enabled.Seconds()})
	}
	return out, err
}
