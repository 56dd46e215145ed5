package publicstatus

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// Assignment asks for a component's status, in the words of a person.
type Assignment struct {
	Name   string
	Status statuspage.ComponentStatus
}

// ParseAssignment reads COMPONENT=STATUS. The last "=" counts: a name may hold one.
func ParseAssignment(text string) (Assignment, error) {
	i := strings.LastIndexByte(text, '=')
	if i < 0 {
		return Assignment{}, usage("%q is not COMPONENT=STATUS", text).WithHint("for example API=partial; the words are %s", strings.Join(ComponentWords(), ", "))
	}
	name := strings.TrimSpace(text[:i])
	if name == "" {
		return Assignment{}, usage("%q names no component", text).WithHint("for example API=partial")
	}
	status, err := ParseComponentStatus(text[i+1:])
	return Assignment{name, status}, err
}

// Target is a component and the status it shall have.
type Target struct {
	Component Component
	To        statuspage.ComponentStatus
	NamedBy   []Incident // open incidents that name it

	planned statuspage.ComponentStatus // what it was in the plan, when it has changed since
}

// From is the status that it has.
func (t Target) From() statuspage.ComponentStatus { return t.Component.State }

// Outage reports whether the target asks for an outage.
func (t Target) Outage() bool {
	return t.To == statuspage.PartialOutage || t.To == statuspage.MajorOutage
}

// SetPlan is what a change of components would do.
type SetPlan struct {
	Targets     []Target
	Subscribers int // who may be told, -1 when not known
}

// Unnamed lists the components that would be in outage with no open incident
// that names them.
func (p SetPlan) Unnamed() []Component {
	out := []Component{}
	for _, t := range p.Targets {
		if t.Outage() && len(t.NamedBy) == 0 {
			out = append(out, t.Component)
		}
	}
	return out
}

// PlanSet resolves the names and reads what stands around them. A component
// that is asked for twice with different statuses is apierr.ErrUsage.
func (b *Board) PlanSet(ctx context.Context, asked []Assignment) (SetPlan, error) {
	var (
		plan SetPlan
		rows []statuspage.Component
		open []statuspage.Incident
	)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		rows, err = statuspage.Collect(b.api.Components(gctx))
		return err
	})
	g.Go(func() (err error) {
		open, err = b.openRealtime(gctx)
		return err
	})
	g.Go(func() error {
		plan.Subscribers = b.Subscribers(gctx)
		return nil
	})
	if err := g.Wait(); err != nil {
		return SetPlan{}, err
	}
	targets, err := resolve(rows, asked)
	if err != nil {
		return SetPlan{}, err
	}
	for i, t := range targets {
		for _, in := range open {
			if names(in, t.Component.ID) {
				targets[i].NamedBy = append(targets[i].NamedBy, FromIncident(in))
			}
		}
	}
	plan.Targets = targets
	return plan, nil
}

// resolve finds the component of each assignment.
func resolve(rows []statuspage.Component, asked []Assignment) ([]Target, error) {
	byID := map[string]Component{}
	for _, c := range components(rows) {
		byID[c.ID] = c
	}
	out, at := []Target{}, map[string]int{}
	for _, a := range asked {
		c, err := FindComponent(rows, a.Name)
		if err != nil {
			return nil, err
		}
		if i, ok := at[c.ID]; ok {
			if out[i].To != a.Status {
				return nil, usage("%s is asked to be %s and %s at once", c.Name, SayStatus(out[i].To), SayStatus(a.Status))
			}
			continue
		}
		at[c.ID] = len(out)
		out = append(out, Target{Component: byID[c.ID], To: a.Status})
	}
	return out, nil
}

func names(in statuspage.Incident, componentID string) bool {
	for _, c := range in.Components {
		if c.ID == componentID {
			return true
		}
	}
	return false
}

// Set changes one component. changed is false when it was so already, and then
// nothing is sent. One that Again has seen change in between is apierr.ErrGuard.
func (b *Board) Set(ctx context.Context, t Target) (c Component, changed bool, err error) {
	if err := t.moved(); err != nil || t.From() == t.To {
		return t.Component, false, err
	}
	c = t.Component
	got, err := b.api.UpdateComponent(ctx, c.ID, statuspage.ComponentWrite{Status: new(t.To)})
	err = b.settle(ctx, err, "oncall status show", func(ctx context.Context) (bool, error) {
		var lerr error
		got, lerr = b.api.Component(ctx, c.ID)
		return lerr == nil && got.Status == t.To, lerr
	})
	if err != nil {
		return t.Component, false, err
	}
	c.State = t.To
	if !got.UpdatedAt.IsZero() {
		c.Since = got.UpdatedAt.UTC()
	}
	return c, true, nil
}
