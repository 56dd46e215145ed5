package publicstatus

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// ResolveDraft asks for the end of an incident.
type ResolveDraft struct {
	Ref            string // see Board.Incident; "" with Pager "" is the only open one
	Pager          string
	Body           string // "" is the page's usual words
	KeepComponents bool   // leave all components as they are
	Notify         *bool  // nil is yes
}

// Held is a component that stays as it is, because something else names it.
type Held struct {
	Ref
	By []string // titles of the open incidents and running maintenance
}

// ResolvePlan is what ending the incident would do.
type ResolvePlan struct {
	Incident    Incident
	Text        Text
	PutBack     []Ref  // its components that become operational
	Held        []Held // its components that something else still names
	Kept        []Ref  // its components, with KeepComponents
	Already     bool   // it is closed; nothing will be sent
	Maintenance bool   // it is maintenance, whose end is "completed"
	Subscribers int    // who may be told, -1 when not known

	was statuspage.Incident
}

// PlanResolve finds the incident and which of its components are to be put back:
// the vendor leaves all of them as they are (contract note, section 3), and
// another open incident or running maintenance may still need one.
func (b *Board) PlanResolve(ctx context.Context, d ResolveDraft) (ResolvePlan, error) {
	if err := CheckBody(d.Body); err != nil {
		return ResolvePlan{}, err
	}
	p := ResolvePlan{Text: Text{State: statuspage.Resolved, Body: first(d.Body, DefaultBody(statuspage.Resolved)), Notify: d.Notify == nil || *d.Notify}}
	var real, planned []statuspage.Incident
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if real, planned, err = b.running(gctx); err != nil {
			return err
		}
		p.was, err = b.findAmong(gctx, d.Ref, d.Pager, real)
		return err
	})
	g.Go(func() error {
		p.Subscribers = b.Subscribers(gctx)
		return nil
	})
	if err := g.Wait(); err != nil {
		return ResolvePlan{}, err
	}
	p.Incident = FromIncident(p.was)
	p.Already = p.was.Status.Closed()
	p.Maintenance = p.was.OfMaintenance()
	if d.KeepComponents {
		p.Kept = p.Incident.Components
		return p, nil
	}
	p.PutBack, p.Held = putBack(p.was, real, planned)
	return p, nil
}

// putBack splits the components of an incident that ends into those that become
// operational and those that something else still names.
func putBack(was statuspage.Incident, real, planned []statuspage.Incident) (back []Ref, held []Held) {
	back, held = []Ref{}, []Held{}
	for _, c := range was.Components {
		ref := Ref{ID: c.ID, Name: c.Name, State: c.Status}
		by := []string{}
		for _, in := range real {
			if in.ID != was.ID && names(in, c.ID) {
				by = append(by, in.Name)
			}
		}
		for _, in := range planned {
			if in.ID != was.ID && (in.Status == statuspage.InProgress || in.Status == statuspage.Verifying) && names(in, c.ID) {
				by = append(by, in.Name)
			}
		}
		if len(by) > 0 {
			held = append(held, Held{ref, by})
		} else {
			back = append(back, ref)
		}
	}
	return back, held
}

// Resolve ends the incident with one request that also puts its components back.
// sent is false when somebody else has ended it since the plan: then it is done,
// and the public need not be told twice.
func (b *Board) Resolve(ctx context.Context, p ResolvePlan) (out Incident, sent bool, err error) {
	now, err := b.again(ctx, p.was)
	switch {
	case err != nil:
		return p.Incident, false, err
	case now.Status.Closed():
		return FromIncident(now), false, nil
	}
	if err := unmoved(p.was, now); err != nil {
		return FromIncident(now), false, err
	}
	if err := unset(now, p.PutBack, statuspage.Operational); err != nil {
		return FromIncident(now), false, err
	}
	if err := b.free(ctx, now, p.PutBack); err != nil {
		return FromIncident(now), false, err
	}
	w := statuspage.IncidentWrite{Status: new(p.Text.State), Body: new(p.Text.Body), DeliverNotifications: new(p.Text.Notify)}
	for _, c := range p.PutBack {
		setComponent(&w, c.ID, statuspage.Operational)
	}
	in, err := b.patch(ctx, p.was, w, "oncall status incident get "+p.was.ID)
	if err != nil {
		return p.Incident, false, err
	}
	return FromIncident(in), true, nil
}
