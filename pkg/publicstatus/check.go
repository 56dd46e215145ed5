package publicstatus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// DefaultMaxAge is how long an open incident may say nothing.
const DefaultMaxAge = 30 * time.Minute

// Rule is one of the checks.
type Rule string

// The rules, in the order in which findings are told.
const (
	RuleOutageUnannounced Rule = "outage-without-incident" // a component is in outage and no open incident names it
	RulePagerResolved     Rule = "pager-resolved"          // the public incident is open, its pager incident resolved
	RuleAllWorking        Rule = "incident-without-outage" // an open incident whose components all work
	RuleStale             Rule = "stale"                   // an open incident without an update for too long, not snoozed
	RuleOverdue           Rule = "maintenance-overdue"     // maintenance past its end and not completed
	RuleShortNotice       Rule = "maintenance-short-notice"
)

// Rules lists all rules.
var Rules = []Rule{RuleOutageUnannounced, RulePagerResolved, RuleAllWorking, RuleStale, RuleOverdue, RuleShortNotice}

// Finding is something on the page that is not true, or not any more.
type Finding struct {
	Rule    Rule      `json:"rule"`
	Kind    string    `json:"kind"` // "component", "incident", "maintenance"
	ID      string    `json:"id"`
	Name    string    `json:"name"` // of the component, or the title
	State   string    `json:"state"`
	Since   time.Time `json:"since,omitzero"` // since when it is so, as far as the page tells
	Message string    `json:"message"`        // the fact, without the name
	Fix     string    `json:"fix"`            // the command that mends it
	URL     string    `json:"url,omitempty"`
}

// PagerPhases tells the phase of each pager incident: "triggered",
// "acknowledged" or "resolved". One that the pager does not know any more is
// apierr.ErrNotFound in its own answer; the error is for a pager that could not
// be asked at all.
type PagerPhases func(ctx context.Context, numbers []string) (map[string]PagerAnswer, error)

// PagerAnswer is a phase, or why there is none.
type PagerAnswer struct {
	Phase string
	Err   error
}

// Unchecked is something that Check could not look at.
type Unchecked struct {
	Source string // "victorops 4127"
	Err    error
}

// Check compares the page with itself, with the clock and with the pager.
// maxAge 0 is DefaultMaxAge.
func (b *Board) Check(ctx context.Context, maxAge time.Duration, pager PagerPhases) ([]Finding, []Unchecked, error) {
	if maxAge <= 0 {
		maxAge = DefaultMaxAge
	}
	var (
		rows          []statuspage.Component
		real, planned []statuspage.Incident
	)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		rows, err = statuspage.Collect(b.api.Components(gctx))
		return err
	})
	g.Go(func() (err error) {
		real, planned, err = b.openAll(gctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	now := b.o.Now()
	open := incidents(real)
	findings := componentFindings(components(rows), open)
	paired, unchecked := pagerFindings(ctx, open, pager)
	findings = append(findings, paired...)
	for _, in := range open {
		findings = append(findings, incidentFindings(in, now, maxAge)...)
	}
	for _, m := range maintenances(planned) {
		findings = append(findings, maintenanceFindings(m, now)...)
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return slices.Index(Rules, a.Rule) - slices.Index(Rules, b.Rule)
	})
	return findings, unchecked, nil
}

func componentFindings(rows []Component, open []Incident) []Finding {
	out := []Finding{}
	for _, c := range rows {
		if c.State != statuspage.PartialOutage && c.State != statuspage.MajorOutage {
			continue
		}
		named := slices.ContainsFunc(open, func(in Incident) bool {
			return slices.ContainsFunc(in.Components, func(r Ref) bool { return r.ID == c.ID })
		})
		if !named {
			out = append(out, Finding{Rule: RuleOutageUnannounced, Kind: "component", ID: c.ID, Name: c.Name, State: string(c.State), Since: c.Since,
				Message: SayStatus(c.State) + ", and no open incident names it",
				Fix:     fmt.Sprintf("oncall status incident create --title TITLE --component %s", shellWord(c.Name+"="+shortWord(c.State)))})
		}
	}
	return out
}

func shortWord(s statuspage.ComponentStatus) string {
	for _, w := range componentWords {
		if w.status == s {
			return w.word
		}
	}
	return string(s)
}

// shellWord quotes a word for a POSIX shell where it needs it.
func shellWord(s string) string {
	plain := !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("=-_./:+@", r))
	})
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// pagerFindings asks the pager about all pairs at once.
func pagerFindings(ctx context.Context, open []Incident, pager PagerPhases) ([]Finding, []Unchecked) {
	numbers := []string{}
	for _, in := range open {
		if in.Pager != nil && !slices.Contains(numbers, in.Pager.Number) {
			numbers = append(numbers, in.Pager.Number)
		}
	}
	out, unchecked := []Finding{}, []Unchecked{}
	if len(numbers) == 0 {
		return out, unchecked
	}
	answers, err := pager(ctx, numbers)
	for _, in := range open {
		if in.Pager == nil {
			continue
		}
		a := answers[in.Pager.Number]
		if err != nil {
			a.Err = err
		}
		switch {
		case errors.Is(a.Err, apierr.ErrNotFound):
			out = append(out, pagerFinding(in, "is not known to the pager any more"))
		case a.Err != nil:
			unchecked = append(unchecked, Unchecked{"pager incident " + in.Pager.Number, a.Err})
		case strings.EqualFold(a.Phase, "resolved"):
			out = append(out, pagerFinding(in, "is resolved"))
		}
	}
	return out, unchecked
}

func pagerFinding(in Incident, what string) Finding {
	return Finding{Rule: RulePagerResolved, Kind: "incident", ID: in.ID, Name: in.Title, State: string(in.State), Since: quietSince(in), URL: in.URL,
		Message: "still " + SayState(in.State) + ", but pager incident " + in.Pager.Number + " " + what, Fix: "oncall status incident resolve " + in.ID}
}

func incidentFindings(in Incident, now time.Time, maxAge time.Duration) []Finding {
	out := []Finding{}
	working := len(in.Components) > 0
	for _, c := range in.Components {
		working = working && c.State == statuspage.Operational
	}
	if working {
		words := []string{}
		for _, c := range in.Components {
			words = append(words, c.Name)
		}
		verb := " works"
		if len(words) > 1 {
			verb = " all work"
		}
		out = append(out, Finding{Rule: RuleAllWorking, Kind: "incident", ID: in.ID, Name: in.Title, State: string(in.State), Since: quietSince(in), URL: in.URL,
			Message: SayState(in.State) + ", though " + and(words) + verb, Fix: "oncall status incident resolve " + in.ID})
	}
	if r := reminder(in, now, maxAge); r.Due {
		message := "no update for " + days(now.Sub(r.Since))
		if in.Snooze != nil {
			message += ", and its snooze has ended"
		}
		out = append(out, Finding{Rule: RuleStale, Kind: "incident", ID: in.ID, Name: in.Title, State: string(in.State), Since: r.Since, URL: in.URL,
			Message: message, Fix: "oncall status incident update " + in.ID + " --body TEXT"})
	}
	return out
}

func maintenanceFindings(m Maintenance, now time.Time) []Finding {
	out := []Finding{}
	f := Finding{Kind: "maintenance", ID: m.ID, Name: m.Title, State: string(m.State), URL: m.URL}
	if !m.EndsAt.IsZero() && m.EndsAt.Before(now) {
		f := f
		f.Rule, f.Since = RuleOverdue, m.EndsAt
		f.Message = SayState(m.State) + " " + days(now.Sub(m.EndsAt)) + " past its end"
		f.Fix = "oncall status maintenance complete " + m.ID
		if m.State == statuspage.Scheduled {
			f.Fix = "oncall status maintenance start " + m.ID + ", or cancel " + m.ID
		}
		out = append(out, f)
	}
	if notice := m.StartsAt.Sub(m.AnnouncedAt); notice < Notice-noticeSlack && m.ShortNotice == nil && !m.StartsAt.IsZero() {
		f := f
		f.Rule, f.Since = RuleShortNotice, m.AnnouncedAt
		f.Message = "announced " + days(notice) + " ahead, not 7d; no reason on record"
		if notice <= 0 {
			f.Message = "announced after its start; no reason on record"
		}
		f.Fix = "oncall status maintenance cancel " + m.ID + ", and announce it with --short-notice REASON"
		out = append(out, f)
	}
	return out
}
