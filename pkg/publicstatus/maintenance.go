package publicstatus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// Notice is how long before its start maintenance has to be announced. The
// vendor does not ask for it; the team does.
const Notice = 7 * 24 * time.Hour

// noticeSlack is what Check forgives: between the plan, whose notice was enough,
// and the announcement stand a person's answer and a request.
const noticeSlack = 15 * time.Minute

// MaintenanceDraft is maintenance that somebody wants to announce.
type MaintenanceDraft struct {
	Title       string
	Body        string
	Start, End  time.Time
	Components  []string // names; their status changes when the work starts, not now
	Manual      bool     // no automatic start and end
	Remind      bool     // mail subscribers an hour before
	Notify      bool     // tell subscribers now, at the start and at the end
	ShortNotice string   // reason for less than Notice
}

// MaintenancePlan is what announcing it would do.
type MaintenancePlan struct {
	Draft       MaintenanceDraft
	Components  []Component
	Notice      time.Duration // from now to the start
	Overlaps    []Maintenance // other maintenance of the same components at the same time
	Subscribers int           // who may be told, -1 when not known

	request string
}

// CheckTimes refuses an end before the start and times that are over.
func CheckTimes(start, end, now time.Time) error {
	switch {
	case !end.After(start):
		return usage("the end (%s) is not after the start (%s)", end.Format(time.RFC3339), start.Format(time.RFC3339))
	case !end.After(now):
		return usage("the end (%s) is over already", end.Format(time.RFC3339))
	case !start.After(now):
		return usage("the start (%s) is over already", start.Format(time.RFC3339)).
			WithHint("what has begun is an incident, or: oncall status set COMPONENT=maintenance")
	}
	return nil
}

// CheckNotice refuses a start that is nearer than Notice, unless a reason says
// why; that is apierr.ErrGuard.
func CheckNotice(start, now time.Time, reason string) error {
	if start.Sub(now) >= Notice || reason != "" {
		return nil
	}
	// The minute that the hint names has begun when it is taken up.
	from := now.Add(Notice + time.Minute - 1).Truncate(time.Minute)
	return guard("maintenance is announced 7 days ahead; this starts in %s", days(start.Sub(now))).
		WithHint("start it on %s or later, or --short-notice REASON", from.In(start.Location()).Format("2006-01-02 15:04 MST"))
}

// PlanMaintenance checks a draft. Less than Notice before the start without a
// reason is apierr.ErrGuard.
func (b *Board) PlanMaintenance(ctx context.Context, d MaintenanceDraft) (MaintenancePlan, error) {
	var none MaintenancePlan
	now := b.o.Now()
	if err := CheckTitle(d.Title); err != nil {
		return none, err
	}
	if d.Body == "" {
		return none, usage("maintenance needs a text that says what will happen").WithHint("--body TEXT")
	}
	if err := CheckBody(d.Body); err != nil {
		return none, err
	}
	if err := CheckTimes(d.Start, d.End, now); err != nil {
		return none, err
	}
	if d.ShortNotice != "" {
		if err := CheckReason(d.ShortNotice); err != nil {
			return none, err
		}
	}
	if err := CheckNotice(d.Start, now, d.ShortNotice); err != nil {
		return none, err
	}
	p := MaintenancePlan{Draft: d, Notice: d.Start.Sub(now), request: b.o.NewID()}
	var (
		rows    []statuspage.Component
		planned []statuspage.Incident
	)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		rows, err = statuspage.Collect(b.api.Components(gctx))
		return err
	})
	g.Go(func() (err error) {
		_, planned, err = b.openIn(gctx, plannedViews...)
		return err
	})
	g.Go(func() error {
		p.Subscribers = b.Subscribers(gctx)
		return nil
	})
	if err := g.Wait(); err != nil {
		return none, err
	}
	asked := []Assignment{}
	for _, name := range d.Components {
		asked = append(asked, Assignment{name, statuspage.UnderMaintenance})
	}
	targets, err := resolve(rows, asked)
	if err != nil {
		return none, err
	}
	for _, t := range targets {
		p.Components = append(p.Components, t.Component)
	}
	p.Overlaps = overlaps(planned, p)
	return p, nil
}

// Short reports whether the start is nearer than Notice.
func (p MaintenancePlan) Short() bool { return p.Notice < Notice }

func overlaps(planned []statuspage.Incident, p MaintenancePlan) []Maintenance {
	out := []Maintenance{}
	for _, in := range planned {
		same := slices.ContainsFunc(p.Components, func(c Component) bool { return names(in, c.ID) })
		if same && in.ScheduledFor.Before(p.Draft.End) && (in.ScheduledUntil.IsZero() || in.ScheduledUntil.After(p.Draft.Start)) {
			out = append(out, FromMaintenance(in))
		}
	}
	return out
}

// days tells a length of time in the two largest units that are not nothing.
func days(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute"
	}
	n, h, m := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case n > 0 && h > 0:
		return fmt.Sprintf("%dd %dh", n, h)
	case n > 0:
		return fmt.Sprintf("%dd", n)
	case h > 0 && m > 0:
		return fmt.Sprintf("%dh %dm", h, m)
	case h > 0:
		return fmt.Sprintf("%dh", h)
	}
	return fmt.Sprintf("%dm", m)
}

// write is the request that announces it: component_ids alone, as a map of
// statuses would change them now.
func (p MaintenancePlan) write(by string, now time.Time) statuspage.IncidentWrite {
	d := p.Draft
	rec := record{Request: p.request}
	if d.ShortNotice != "" && p.Short() {
		rec.ShortNotice = &ShortNotice{Reason: d.ShortNotice, By: by, At: now.UTC().Truncate(time.Second)}
	}
	auto := !d.Manual
	w := statuspage.IncidentWrite{
		Name: new(d.Title), Status: new(statuspage.Scheduled), Body: new(d.Body),
		ScheduledFor: statuspage.At(d.Start), ScheduledUntil: statuspage.At(d.End), ScheduledRemindPrior: new(d.Remind),
		ScheduledAutoProgress: new(auto), ScheduledAutoCompleted: new(auto), AutoToMaintenance: new(auto), AutoToOperational: new(auto),
		AutoNotifyAtStart: new(d.Notify), AutoNotifyAtEnd: new(d.Notify), DeliverNotifications: new(d.Notify),
		Metadata: rec.into(nil),
	}
	for _, c := range p.Components {
		w.ComponentIDs = append(w.ComponentIDs, c.ID)
	}
	return w
}

// CreateMaintenance announces it. found is true when the answer was lost and it
// was then seen on the page. A time that has come too near since the plan, and other
// work that somebody announced for it, is apierr.ErrGuard.
func (b *Board) CreateMaintenance(ctx context.Context, p MaintenancePlan) (out Maintenance, found bool, err error) {
	if err := b.stillFree(ctx, p); err != nil {
		return Maintenance{}, false, err
	}
	in, found, err := b.create(ctx, p.write(b.o.User, b.o.Now()), p.request, "oncall status maintenance list",
		statuspage.ScheduledView, statuspage.Upcoming, statuspage.ActiveMaintenance)
	if err != nil {
		return Maintenance{}, found, err
	}
	return FromMaintenance(in), found, nil
}

// stillFree checks again what may have changed while a person thought about it.
func (b *Board) stillFree(ctx context.Context, p MaintenancePlan) error {
	d, now := p.Draft, b.o.Now()
	if !d.Start.After(now) {
		return guard("the start (%s) has passed since it was looked at; nothing was sent", d.Start.Format(time.RFC3339))
	}
	if err := CheckNotice(d.Start, now.Add(-noticeSlack), d.ShortNotice); err != nil {
		return err
	}
	_, planned, err := b.openIn(ctx, plannedViews...)
	if err != nil {
		return err
	}
	for _, m := range overlaps(planned, p) {
		if !slices.ContainsFunc(p.Overlaps, func(x Maintenance) bool { return x.ID == m.ID }) {
			return guard("%s (%s) was announced in the meantime, for the same at the same time; nothing was sent", m.ID, m.Title).
				WithHint("look, and run this again: oncall status maintenance list")
		}
	}
	return nil
}

// Step is a move of maintenance through its lifecycle.
type Step string

// The steps. Cancel ends what has not begun.
const (
	Start    Step = "start"
	Verify   Step = "verify"
	Complete Step = "complete"
	Cancel   Step = "cancel"
)

func (s Step) state() statuspage.IncidentStatus {
	switch s {
	case Start:
		return statuspage.InProgress
	case Verify:
		return statuspage.Verifying
	}
	return statuspage.Completed
}

// StepPlan is what a step would do.
type StepPlan struct {
	Step        Step
	Maintenance Maintenance
	Text        Text
	Targets     []Ref // components that get Status
	Status      statuspage.ComponentStatus
	Held        []Held // components that something else still names
	Already     bool   // it is there; nothing will be sent
	Warnings    []string
	Subscribers int // who may be told, -1 when not known

	was statuspage.Incident
}

// PlanStep checks a step. A step back and a mix with the lifecycle of incidents
// are warnings, as the vendor takes them; cancelling what has begun, or an
// incident, is apierr.ErrGuard. ref is as in Board.Incident, "" is the only maintenance that
// the step fits.
func (b *Board) PlanStep(ctx context.Context, step Step, ref, body string, notify bool) (StepPlan, error) {
	var none StepPlan
	if err := CheckBody(body); err != nil {
		return none, err
	}
	if body == "" {
		body = DefaultBody(step.state())
		if step == Cancel {
			body = "This maintenance has been cancelled."
		}
	}
	p := StepPlan{Step: step, Text: Text{State: step.state(), Body: body, Notify: notify}, Status: statuspage.Operational}
	var real, planned []statuspage.Incident
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		real, planned, err = b.openAll(gctx)
		return err
	})
	g.Go(func() error {
		p.Subscribers = b.Subscribers(gctx)
		return nil
	})
	if err := g.Wait(); err != nil {
		return none, err
	}
	var err error
	if p.was, err = b.findMaintenance(ctx, ref, planned, step); err != nil {
		return none, err
	}
	p.Maintenance = FromMaintenance(p.was)
	if step == Cancel && !p.was.OfMaintenance() && p.was.ScheduledFor.IsZero() { // never planned: nothing to call off
		return none, guard("%s is an incident (%s), not maintenance", p.was.ID, SayState(p.was.Status)).WithHint("oncall status incident resolve %s", p.was.ID)
	}
	if step == Cancel && p.Maintenance.Running() {
		return none, guard("%s has begun: it is %s", p.was.ID, SayState(p.was.Status)).WithHint("oncall status maintenance complete %s", p.was.ID)
	}
	p.Already = p.was.Status == p.Text.State || step == Cancel && p.was.Status.Closed()
	p.warn()
	switch step {
	case Start, Verify:
		p.Status = statuspage.UnderMaintenance
		p.Targets = p.Maintenance.Components
		if step == Verify {
			p.Targets = nil
		}
	case Complete:
		p.Targets, p.Held = putBack(p.was, real, planned)
	}
	return p, nil
}

func (p *StepPlan) warn() {
	from := slices.Index(statuspage.MaintenanceStatuses, p.was.Status)
	to := slices.Index(statuspage.MaintenanceStatuses, p.Text.State)
	switch {
	case p.Already:
	case !p.was.OfMaintenance() || from < 0:
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is an incident (%s); this gives it a state of maintenance", p.was.ID, SayState(p.was.Status)))
	case p.Step == Cancel:
	case to < from:
		p.Warnings = append(p.Warnings, fmt.Sprintf("this is a step back: it is %s", SayState(p.was.Status)))
	case to > from+1:
		p.Warnings = append(p.Warnings, fmt.Sprintf("this skips a step: it is %s", SayState(p.was.Status)))
	}
}

// findMaintenance is findIncident for maintenance: without a name it is the only
// one that the step moves forward.
func (b *Board) findMaintenance(ctx context.Context, ref string, planned []statuspage.Incident, step Step) (statuspage.Incident, error) {
	if ref != "" {
		return b.find(ctx, ref, "maintenance", planned, statuspage.Incident.OfMaintenance)
	}
	return only(filter(planned, func(in statuspage.Incident) bool {
		switch step {
		case Start, Cancel:
			return in.Status == statuspage.Scheduled
		case Verify:
			return in.Status == statuspage.InProgress
		}
		return in.Status == statuspage.InProgress || in.Status == statuspage.Verifying
	}), string(step))
}

// only is the one maintenance that a verb without a name is about.
func only(fits []statuspage.Incident, verb string) (statuspage.Incident, error) {
	switch len(fits) {
	case 0:
		return statuspage.Incident{}, notFound("there is no maintenance to %s", verb).WithHint("oncall status maintenance list")
	case 1:
		return fits[0], nil
	}
	return statuspage.Incident{}, ambiguous("there are %d to %s: %s", len(fits), verb, and(titles(fits))).WithHint("name one")
}

// Move takes the step. On a step taken by hand the components are sent as well:
// whether the automatic ones act then is not known (contract note, section 3).
// sent is false when the maintenance has come there since the plan, by itself or
// by somebody else.
func (b *Board) Move(ctx context.Context, p StepPlan) (out Maintenance, sent bool, err error) {
	now, err := b.again(ctx, p.was)
	switch {
	case err != nil:
		return p.Maintenance, false, err
	case now.Status == p.Text.State:
		return FromMaintenance(now), false, nil
	}
	if err := unmoved(p.was, now); err != nil {
		return FromMaintenance(now), false, err
	}
	if err := unset(now, p.Targets, p.Status); err != nil {
		return FromMaintenance(now), false, err
	}
	if p.Step == Complete {
		if err := b.free(ctx, now, p.Targets); err != nil {
			return FromMaintenance(now), false, err
		}
	}
	w := statuspage.IncidentWrite{Status: new(p.Text.State), Body: new(p.Text.Body), DeliverNotifications: new(p.Text.Notify)}
	for _, c := range p.Targets {
		setComponent(&w, c.ID, p.Status)
	}
	if p.Step == Cancel {
		rec := readRecord(now.Metadata)
		rec.Cancelled = &cancelled{By: b.o.User, At: b.o.Now().UTC().Truncate(time.Second)}
		w.Metadata = rec.into(now.Metadata)
	}
	in, err := b.patch(ctx, p.was, w, "oncall status maintenance list --all")
	if err != nil {
		return p.Maintenance, false, err
	}
	return FromMaintenance(in), true, nil
}
