package publicstatus

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/shell"
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
	Fix     string    `json:"fix"`            // the command that mends it, to be pasted as it is; what it still needs it asks for
	Or      string    `json:"or,omitempty"`   // the command for the other case, where the page does not tell which it is
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

// Check compares the page with itself, with the clock and with the pager. The
// partials are what it could not look at: "pager incident 4127".
// maxAge 0 is DefaultMaxAge.
func (b *Board) Check(ctx context.Context, maxAge time.Duration, pager PagerPhases) ([]Finding, []apierr.Partial, error) {
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
	paired, unchecked := pagerFindings(ctx, open, pager)
	findings, err := b.sure(ctx, append(componentFindings(components(rows), open), paired...))
	if err != nil {
		return nil, nil, err
	}
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

// sure keeps of the findings that stand on two reads those that a second look
// shows too. An incident is opened, or closed, together with its components and
// its pager incident, and that may have been between the two reads. The second look
// reads in one order: what is in outage before and after a list of open incidents
// that does not name it was not being announced.
func (b *Board) sure(ctx context.Context, found []Finding) ([]Finding, error) {
	if len(found) == 0 {
		return found, nil
	}
	real, err := b.openRealtime(ctx)
	if err != nil {
		return nil, err
	}
	open, still := incidents(real), []Finding{}
	if found[0].Kind == kindComponent {
		rows, err := b.Components(ctx)
		if err != nil {
			return nil, err
		}
		still = componentFindings(rows, open)
	}
	return filter(found, func(f Finding) bool {
		if f.Kind == kindComponent {
			return slices.ContainsFunc(still, func(s Finding) bool { return s.ID == f.ID })
		}
		return slices.ContainsFunc(open, func(in Incident) bool { return in.ID == f.ID })
	}), nil
}

// The kinds of things that a Finding is about.
const (
	kindComponent   = "component"
	kindIncident    = "incident"
	kindMaintenance = "maintenance"
)

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
			name := c.Name
			if !alone(rows, c) {
				name = c.ID
			}
			out = append(out, Finding{Rule: RuleOutageUnannounced, Kind: kindComponent, ID: c.ID, Name: c.Name, State: string(c.State), Since: c.Since,
				Message: SayStatus(c.State) + ", and no open incident names it",
				Fix:     "oncall status incident create --title " + shell.Word(c.Name+": "+SayStatus(c.State)) + " --component " + shell.Word(name+"="+shortWord(c.State))})
		}
	}
	return out
}

// alone reports whether no other component has the name of c, in any case.
func alone(rows []Component, c Component) bool {
	return !slices.ContainsFunc(rows, func(o Component) bool { return o.ID != c.ID && strings.EqualFold(o.Name, c.Name) })
}

func shortWord(s statuspage.ComponentStatus) string {
	for _, w := range componentWords {
		if w.status == s {
			return w.word
		}
	}
	return string(s)
}

// pagerFindings asks the pager about all pairs at once.
func pagerFindings(ctx context.Context, open []Incident, pager PagerPhases) ([]Finding, []apierr.Partial) {
	numbers := []string{}
	for _, in := range open {
		if in.Pager != nil && !slices.Contains(numbers, in.Pager.Number) {
			numbers = append(numbers, in.Pager.Number)
		}
	}
	out, unchecked := []Finding{}, []apierr.Partial{}
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
			unchecked = append(unchecked, apierr.Partial{Source: "pager incident " + in.Pager.Number, Err: a.Err})
		case strings.EqualFold(a.Phase, "resolved"):
			out = append(out, pagerFinding(in, "is resolved"))
		}
	}
	return out, unchecked
}

func pagerFinding(in Incident, what string) Finding {
	return Finding{Rule: RulePagerResolved, Kind: kindIncident, ID: in.ID, Name: in.Title, State: string(in.State), Since: quietSince(in), URL: in.URL,
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
		out = append(out, Finding{Rule: RuleAllWorking, Kind: kindIncident, ID: in.ID, Name: in.Title, State: string(in.State), Since: quietSince(in), URL: in.URL,
			Message: SayState(in.State) + ", though " + and(words) + verb, Fix: "oncall status incident resolve " + in.ID})
	}
	if r := reminder(in, now, maxAge); r.Due {
		message := "no update for " + days(now.Sub(r.Since))
		if in.Snooze != nil {
			message += ", and its snooze has ended"
		}
		out = append(out, Finding{Rule: RuleStale, Kind: kindIncident, ID: in.ID, Name: in.Title, State: string(in.State), Since: r.Since, URL: in.URL,
			Message: message, Fix: "oncall status incident update " + in.ID})
	}
	return out
}

func maintenanceFindings(m Maintenance, now time.Time) []Finding {
	out := []Finding{}
	f := Finding{Kind: kindMaintenance, ID: m.ID, Name: m.Title, State: string(m.State), URL: m.URL}
	if !m.EndsAt.IsZero() && m.EndsAt.Before(now) {
		f := f
		f.Rule, f.Since = RuleOverdue, m.EndsAt
		f.Message = SayState(m.State) + " " + days(now.Sub(m.EndsAt)) + " past its end"
		f.Fix = "oncall status maintenance complete " + m.ID
		if m.State == statuspage.Scheduled {
			f.Fix, f.Or = "oncall status maintenance cancel "+m.ID, f.Fix // nothing tells whether it was held
		}
		out = append(out, f)
	}
	if m.unexplained() {
		f, notice := f, m.StartsAt.Sub(m.AnnouncedAt)
		f.Rule, f.Since = RuleShortNotice, m.AnnouncedAt
		f.Message = "announced " + days(notice) + " ahead, not 7d; no reason on record"
		if notice <= 0 {
			f.Message = "announced after its start; no reason on record"
		}
		f.Fix, f.Or = "oncall status maintenance keep "+m.ID, "oncall status maintenance cancel "+m.ID
		if m.Running() {
			f.Or = "" // what has begun is not called off
		}
		out = append(out, f)
	}
	return out
}
