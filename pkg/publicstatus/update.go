package publicstatus

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// UpdateDraft is an update that somebody wants to post.
type UpdateDraft struct {
	Ref        string                    // see Board.Incident; "" with Pager "" is the only open one
	Pager      string                    // number of the pager incident it is paired with
	State      statuspage.IncidentStatus // "" leaves it as it is
	Body       string                    // "" is the page's usual words for a new state
	Title      string                    // "" leaves it as it is
	Components []Assignment
	Impact     statuspage.Impact // "" leaves it as it is
	Notify     *bool             // nil is yes
}

// UpdatePlan is what posting the update would do.
type UpdatePlan struct {
	Incident    Incident
	Text        Text // State "" leaves it as it is
	Title       string
	Targets     []Target
	Impact      statuspage.Impact
	Warnings    []string
	Subscribers int // who may be told, -1 when not known

	was statuspage.Incident
}

// PlanUpdate checks a draft against the page.
func (b *Board) PlanUpdate(ctx context.Context, d UpdateDraft) (UpdatePlan, error) {
	var none UpdatePlan
	if err := checkTexts(d.Title, d.Body); err != nil {
		return none, err
	}
	if d.State == "" && d.Body == "" && d.Title == "" && d.Impact == "" && len(d.Components) == 0 {
		return none, usage("there is nothing to update").WithHint("--status STATUS, --body TEXT or --component NAME=STATUS")
	}
	p := UpdatePlan{Title: d.Title, Impact: d.Impact, Text: Text{State: d.State, Body: d.Body, Notify: d.Notify == nil || *d.Notify}}
	var rows []statuspage.Component
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		p.was, err = b.findIncident(gctx, d.Ref, d.Pager)
		return err
	})
	g.Go(func() error {
		p.Subscribers = b.Subscribers(gctx)
		return nil
	})
	if len(d.Components) > 0 {
		g.Go(func() (err error) {
			rows, err = statuspage.Collect(b.api.Components(gctx))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return none, err
	}
	var err error
	if p.Targets, err = resolve(rows, d.Components); err != nil {
		return none, err
	}
	p.Incident = FromIncident(p.was)
	if p.Text.Body == "" {
		p.Text.Body = DefaultBody(p.Text.State)
	}
	switch {
	case p.was.OfMaintenance():
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is maintenance, whose states are scheduled, in progress, verifying, completed (oncall status maintenance)", p.was.ID))
	case p.was.Status.Closed():
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s is %s already; this opens it again", p.was.ID, SayState(p.was.Status)))
		if d.State == "" {
			p.Warnings[len(p.Warnings)-1] = fmt.Sprintf("%s is %s already; the update is added to it", p.was.ID, SayState(p.was.Status))
		}
	}
	return p, nil
}

func (p UpdatePlan) write() statuspage.IncidentWrite {
	w := statuspage.IncidentWrite{DeliverNotifications: new(p.Text.Notify)}
	if p.Text.State != "" {
		w.Status = new(p.Text.State)
	}
	if p.Text.Body != "" {
		w.Body = new(p.Text.Body)
	}
	if p.Title != "" {
		w.Name = new(p.Title)
	}
	if p.Impact != "" {
		w.ImpactOverride = new(p.Impact)
	}
	setComponents(&w, p.Targets)
	if len(p.Targets) > 0 {
		// The list says what the incident affects: those it named before stay in it.
		for _, c := range p.was.Components {
			if !slices.Contains(w.ComponentIDs, c.ID) {
				w.ComponentIDs = append(w.ComponentIDs, c.ID)
			}
		}
	}
	return w
}

// Update posts the update, unless somebody moved the incident or wrote to it since
// the plan: what was true then may reopen what is resolved now.
func (b *Board) Update(ctx context.Context, p UpdatePlan) (Incident, error) {
	now, err := b.again(ctx, p.was)
	if err == nil {
		err = unmoved(p.was, now)
	}
	if err == nil {
		err = b.settled(ctx, p.Targets)
	}
	if err != nil {
		return p.Incident, err
	}
	in, err := b.patch(ctx, p.was, p.write(), "oncall status incident get "+p.was.ID)
	if err != nil {
		return p.Incident, err
	}
	return FromIncident(in), nil
}

// patch changes an incident. After a lost answer it looks whether the incident
// has become what was asked for.
func (b *Board) patch(ctx context.Context, was statuspage.Incident, w statuspage.IncidentWrite, hint string) (statuspage.Incident, error) {
	in, err := b.api.UpdateIncident(ctx, was.ID, w)
	if err == nil {
		return in, nil
	}
	return in, b.settle(ctx, err, hint, func(ctx context.Context) (bool, error) {
		now, lerr := b.api.Incident(ctx, was.ID)
		if lerr != nil {
			return false, lerr
		}
		in = now
		return became(was, now, w), nil
	})
}

// became reports whether now shows everything that w asked of was. An update
// counts only when it was not there before.
func became(was, now statuspage.Incident, w statuspage.IncidentWrite) bool {
	if w.Status != nil && now.Status != *w.Status || w.Name != nil && now.Name != *w.Name ||
		w.ImpactOverride != nil && now.ImpactOverride != *w.ImpactOverride {
		return false
	}
	if w.Body != nil && !slices.ContainsFunc(now.Updates, func(u statuspage.Update) bool {
		old := slices.ContainsFunc(was.Updates, func(o statuspage.Update) bool { return o.ID == u.ID })
		return !old && u.Body == *w.Body
	}) {
		return false
	}
	for id, want := range w.Components {
		// One that the incident did not name before is there only when it arrived.
		if !slices.ContainsFunc(now.Components, func(c statuspage.Component) bool { return c.ID == id && c.Status == want }) {
			return false
		}
	}
	return true
}

// EditPlan is a change of an update that was posted before.
type EditPlan struct {
	Incident Incident
	Update   Update // as it is now
	Body     string
	Notify   bool
}

// PlanEdit finds the update that which means: its id, or "last".
func (b *Board) PlanEdit(ctx context.Context, ref, pager, which, body string, notify bool) (EditPlan, error) {
	var none EditPlan
	if body == "" {
		return none, usage("a published update cannot be made empty").WithHint("--body TEXT")
	}
	if err := CheckBody(body); err != nil {
		return none, err
	}
	was, err := b.findIncident(ctx, ref, pager)
	if err != nil {
		return none, err
	}
	in := FromIncident(was)
	if len(in.Updates) == 0 {
		return none, notFound("%s has no update to edit", in.ID)
	}
	p := EditPlan{Incident: in, Body: body, Notify: notify, Update: in.Updates[len(in.Updates)-1]}
	if which == "last" {
		return p, nil
	}
	ids := []string{}
	for _, u := range in.Updates {
		if u.ID == which {
			p.Update = u
			return p, nil
		}
		ids = append(ids, u.ID)
	}
	return none, notFound("%s has no update %q", in.ID, which).WithHint("it has %s; or say last", and(ids))
}

// Edit changes the text of the update; its state cannot be changed. One that
// somebody else edited since the plan is left as it is.
func (b *Board) Edit(ctx context.Context, p EditPlan) (Update, error) {
	now, err := b.api.Incident(ctx, p.Incident.ID)
	if err != nil {
		return p.Update, err
	}
	for _, u := range now.Updates {
		if u.ID == p.Update.ID && u.Body != p.Update.Body {
			return p.Update, changed(p.Incident.ID, "the update says %q now", excerpt(u.Body))
		}
	}
	got, err := b.api.EditUpdate(ctx, p.Incident.ID, p.Update.ID, statuspage.UpdateWrite{Body: new(p.Body), DeliverNotifications: new(p.Notify)})
	err = b.settle(ctx, err, "oncall status incident get "+p.Incident.ID, func(ctx context.Context) (bool, error) {
		in, lerr := b.api.Incident(ctx, p.Incident.ID)
		for _, u := range in.Updates {
			if u.ID == p.Update.ID && u.Body == p.Body {
				got = u
				return true, nil
			}
		}
		return false, lerr
	})
	if err != nil {
		return p.Update, err
	}
	return updates([]statuspage.Update{got})[0], nil
}
