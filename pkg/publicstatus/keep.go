package publicstatus

import (
	"context"
	"time"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// KeepPlan is what recording why maintenance had short notice would do.
type KeepPlan struct {
	Maintenance Maintenance
	Notice      time.Duration // from the announcement to the start
	Reason      string
	Already     bool // there is nothing to record: the notice was enough, or this reason is on record

	was statuspage.Incident
}

// PlanKeep finds maintenance that was announced less than Notice ahead without a
// reason, as one made in the web form is. ref is as in PlanStep; "" is the only one
// of that kind. What is over, and an incident, are apierr.ErrGuard.
func (b *Board) PlanKeep(ctx context.Context, ref, reason string) (KeepPlan, error) {
	var none KeepPlan
	if err := CheckReason(reason); err != nil {
		return none, err
	}
	_, planned, err := b.openIn(ctx, plannedViews...)
	if err != nil {
		return none, err
	}
	was, err := b.toKeep(ctx, ref, planned)
	if err != nil {
		return none, err
	}
	p := KeepPlan{Maintenance: FromMaintenance(was), Reason: reason, was: was}
	p.Notice = p.Maintenance.StartsAt.Sub(p.Maintenance.AnnouncedAt)
	switch on := p.Maintenance.ShortNotice; {
	case was.ScheduledFor.IsZero():
		return none, guard("%s is an incident (%s), not maintenance", was.ID, SayState(was.Status))
	case !p.Maintenance.Open():
		return none, guard("%s is %s; nobody asks for its notice", was.ID, SayState(was.Status))
	case on != nil:
		p.Already = on.Reason == reason
	default:
		p.Already = !p.Maintenance.unexplained()
	}
	return p, nil
}

func (b *Board) toKeep(ctx context.Context, ref string, planned []statuspage.Incident) (statuspage.Incident, error) {
	if ref != "" {
		return b.find(ctx, ref, "maintenance", planned, statuspage.Incident.OfMaintenance)
	}
	return only(filter(planned, func(in statuspage.Incident) bool { return FromMaintenance(in).unexplained() }), "keep")
}

// unexplained reports whether m was announced less than Notice ahead, and nobody
// has said why.
func (m Maintenance) unexplained() bool {
	return m.ShortNotice == nil && !m.StartsAt.IsZero() && m.StartsAt.Sub(m.AnnouncedAt) < Notice-noticeSlack
}

// Keep writes the reason into the maintenance's metadata.oncall and reads it back:
// nothing is posted and nobody is notified. posted is as in Snooze. A reason that
// somebody else has written since the plan is apierr.ErrGuard.
func (b *Board) Keep(ctx context.Context, p KeepPlan) (out Maintenance, posted bool, err error) {
	was, err := b.again(ctx, p.was)
	if err != nil {
		return p.Maintenance, false, err
	}
	rec := readRecord(was.Metadata)
	switch seen := p.Maintenance.ShortNotice; {
	case was.Status.Closed():
		return FromMaintenance(was), false, changed(was.ID, "it is %s", SayState(was.Status))
	case rec.ShortNotice != nil && (seen == nil || rec.ShortNotice.Reason != seen.Reason):
		return FromMaintenance(was), false, changed(was.ID, "its short notice has a reason, %s: %s", first(rec.ShortNotice.By, "nobody says by whom"), rec.ShortNotice.Reason)
	}
	rec.ShortNotice = &ShortNotice{Reason: p.Reason, By: b.o.User, At: b.o.Now().UTC().Truncate(time.Second)}
	now, posted, err := b.writeRecord(ctx, was, rec)
	return FromMaintenance(now), posted, err
}
