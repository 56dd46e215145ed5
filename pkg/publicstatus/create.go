package publicstatus

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/shell"
	"github.com/balena-io/oncall/pkg/statuspage"
)

// Draft is a public incident that somebody wants to open. What is left empty
// comes from the template, then from the pager incident, then from the page's
// usual words.
type Draft struct {
	Title      string
	Body       string
	State      statuspage.IncidentStatus
	Components []Assignment
	Impact     statuspage.Impact // "" lets the page compute it
	Notify     *bool             // nil: as the template says, else yes
	Template   string            // name, beginning of one, or id
	Pager      *Pager
	PagerTitle string
}

// CreatePlan is what opening the incident would do.
type CreatePlan struct {
	Title    string
	Text     Text
	Targets  []Target
	Impact   statuspage.Impact
	Template string // its internal name, "" without one
	Pager    *Pager
	// Same are open incidents with the same title.
	Same        []Incident
	Subscribers int // who may be told, -1 when not known

	request string
}

// NeedTargets says that a template names components and nobody has said what
// their status shall be: a template holds none.
type NeedTargets struct {
	Template   string
	Components []Ref
}

func (n *NeedTargets) Error() string {
	words := []string{}
	for _, c := range n.Components {
		words = append(words, c.Name)
	}
	return "status: the template " + n.Template + " names " + and(words) + " without saying what their status shall be"
}

// Unwrap makes it a usage error with the way on.
func (n *NeedTargets) Unwrap() error {
	words := []string{}
	for _, c := range n.Components {
		words = append(words, "--component "+shell.Word(c.Name+"=STATUS"))
	}
	return usage("say a status for each component").WithHint("%s", strings.Join(words, " "))
}

// PlanCreate checks a draft and fills what it leaves open. Everything that can
// be known to be wrong is refused here, before anything is sent. A pager
// incident that has an open pair already is apierr.ErrGuard.
func (b *Board) PlanCreate(ctx context.Context, d Draft) (CreatePlan, error) {
	var none CreatePlan
	if err := checkTexts(d.Title, d.Body); err != nil {
		return none, err
	}
	var (
		rows        []statuspage.Component
		open        []statuspage.Incident
		template    *Template
		subscribers int
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
		subscribers = b.Subscribers(gctx)
		return nil
	})
	if d.Template != "" {
		g.Go(func() error {
			all, err := b.Templates(gctx)
			if err == nil {
				template, err = findTemplate(all, d.Template)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return none, err
	}
	p := CreatePlan{Title: d.Title, Text: Text{State: d.State, Body: d.Body, Notify: true}, Impact: d.Impact, Pager: d.Pager,
		Subscribers: subscribers, request: b.o.NewID()}
	if err := p.fill(d, template); err != nil {
		return none, err
	}
	targets, err := resolve(rows, d.Components)
	if err != nil {
		return none, err
	}
	p.Targets = targets
	if template != nil {
		if missing := unsaid(*template, targets); len(missing) > 0 {
			return none, &NeedTargets{Template: template.Name, Components: missing}
		}
	}
	return p, p.against(open)
}

func checkTexts(title, body string) error {
	if title != "" {
		if err := CheckTitle(title); err != nil {
			return err
		}
	}
	return CheckBody(body)
}

// fill takes what the draft leaves open from the template, the pager and the
// page's usual words, in this order. The template's internal name goes nowhere.
func (p *CreatePlan) fill(d Draft, t *Template) error {
	if t != nil {
		if t.State.OfMaintenance() {
			return usage("the template %q is for maintenance (%s)", t.Name, SayState(t.State))
		}
		p.Template = t.Name
		p.Title = first(p.Title, t.Title)
		p.Text.Body = first(p.Text.Body, t.Body)
		if p.Text.State == "" {
			p.Text.State = t.State
		}
		if t.Notify != nil {
			p.Text.Notify = *t.Notify
		}
	}
	p.Title = first(p.Title, d.PagerTitle)
	if p.Text.State == "" {
		p.Text.State = statuspage.Investigating
	}
	if p.Text.State.Closed() {
		return usage("an incident is not opened as %s", SayState(p.Text.State)).WithHint("open it as investigating, identified or monitoring, and resolve it")
	}
	p.Text.Body = first(p.Text.Body, DefaultBody(p.Text.State))
	if d.Notify != nil {
		p.Text.Notify = *d.Notify
	}
	if p.Title == "" {
		return usage("a public incident needs a title").WithHint("--title TEXT, --template NAME, or --from PAGER_INCIDENT")
	}
	if err := CheckTitle(p.Title); err != nil {
		return err
	}
	return CheckBody(p.Text.Body)
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

func unsaid(t Template, targets []Target) []Ref {
	said := map[string]bool{}
	for _, x := range targets {
		said[x.Component.ID] = true
	}
	out := []Ref{}
	for _, c := range t.Components {
		if !said[c.ID] {
			out = append(out, c)
		}
	}
	return out
}

// against compares the plan with what is open already.
func (p *CreatePlan) against(open []statuspage.Incident) error {
	for _, in := range open {
		pager := readRecord(in.Metadata).Pager
		if p.Pager != nil && pager != nil && pager.Number == p.Pager.Number {
			return guard("pager incident %s has an open public incident already: %s (%s)", pager.Number, in.ID, in.Name).
				WithHint("oncall status incident update --pager %s", pager.Number)
		}
		if strings.EqualFold(strings.TrimSpace(in.Name), strings.TrimSpace(p.Title)) {
			p.Same = append(p.Same, FromIncident(in))
		}
	}
	return nil
}

func findTemplate(all []Template, name string) (*Template, error) {
	low := strings.ToLower(strings.TrimSpace(name))
	for _, fits := range []func(Template) bool{
		func(t Template) bool { return t.ID == name },
		func(t Template) bool { return t.Name == name },
		func(t Template) bool { return strings.ToLower(t.Name) == low },
		func(t Template) bool { return low != "" && strings.HasPrefix(strings.ToLower(t.Name), low) },
	} {
		found := filter(all, fits)
		if len(found) == 1 {
			return &found[0], nil
		}
		if len(found) > 1 {
			said := []string{}
			for _, t := range found {
				said = append(said, t.Name+" ("+t.ID+")")
			}
			return nil, ambiguous("%q matches the templates %s", name, and(said)).WithHint("use the whole name, or the id")
		}
	}
	names := []string{}
	for _, t := range all {
		names = append(names, t.Name)
	}
	err := notFound("no template is called %q", name)
	if meant := near(low, names); meant != "" {
		return nil, err.WithHint("did you mean %s?", meant)
	}
	return nil, err.WithHint("oncall status template list")
}

// write is the request that opens the incident.
func (p CreatePlan) write() statuspage.IncidentWrite {
	w := statuspage.IncidentWrite{
		Name: new(p.Title), Status: new(p.Text.State), Body: new(p.Text.Body), DeliverNotifications: new(p.Text.Notify),
		Metadata: record{Request: p.request, Pager: p.Pager}.into(nil),
	}
	if p.Impact != "" {
		w.ImpactOverride = new(p.Impact)
	}
	setComponents(&w, p.Targets)
	return w
}

// setComponents names the targets as affected and gives each its status.
func setComponents(w *statuspage.IncidentWrite, targets []Target) {
	for _, t := range targets {
		setComponent(w, t.Component.ID, t.To)
	}
}

// setComponent sends a component in both fields: the list says what is affected,
// the map how it is (contract note, section 3).
func setComponent(w *statuspage.IncidentWrite, id string, status statuspage.ComponentStatus) {
	if w.Components == nil {
		w.Components = map[string]statuspage.ComponentStatus{}
	}
	w.ComponentIDs = append(w.ComponentIDs, id)
	w.Components[id] = status
}

// Create opens the incident. found is true when the answer was lost and the
// incident was then seen on the page. One with the same title or the same pager
// incident that somebody opened since the plan, and a component that they set, is
// apierr.ErrGuard.
func (b *Board) Create(ctx context.Context, p CreatePlan) (out Incident, found bool, err error) {
	if err := b.stillNew(ctx, p); err != nil {
		return Incident{}, false, err
	}
	in, found, err := b.create(ctx, p.write(), p.request, "oncall status incident list", statuspage.Unresolved)
	if err != nil {
		return Incident{}, found, err
	}
	return FromIncident(in), found, nil
}

func (b *Board) stillNew(ctx context.Context, p CreatePlan) error {
	open, err := b.openRealtime(ctx)
	if err != nil {
		return err
	}
	now := CreatePlan{Title: p.Title, Pager: p.Pager}
	if err := now.against(open); err != nil {
		return err
	}
	for _, in := range now.Same {
		if !slices.ContainsFunc(p.Same, func(x Incident) bool { return x.ID == in.ID }) {
			return guard("an incident with this title was opened in the meantime: %s; nothing was sent", in.ID).
				WithHint("oncall status incident update %s", in.ID)
		}
	}
	return b.settled(ctx, p.Targets)
}

// create posts w. After a lost answer it looks for the mark of the request in
// the views.
func (b *Board) create(ctx context.Context, w statuspage.IncidentWrite, request, hint string, views ...statuspage.View) (in statuspage.Incident, found bool, err error) {
	in, err = b.api.CreateIncident(ctx, w)
	if err == nil {
		return in, false, nil
	}
	err = b.settle(ctx, err, hint, func(ctx context.Context) (bool, error) {
		real, planned, lerr := b.openIn(ctx, views...)
		for _, x := range append(real, planned...) {
			if request != "" && readRecord(x.Metadata).Request == request {
				in, found = x, true
			}
		}
		return found, lerr
	})
	return in, found, err
}
