package publicstatus

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// Overview reads the page as the team sees it.
func (b *Board) Overview(ctx context.Context) (Overview, error) {
	out := Overview{Source: "manage"}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		p, err := b.api.Page(gctx)
		out.Page = PageInfo{ID: p.ID, Name: p.Name, URL: p.Address(), TimeZone: p.TimeZone, Private: p.ViewersMustBeTeamMembers, UpdatedAt: p.UpdatedAt.UTC()}
		return err
	})
	g.Go(func() error {
		rows, err := statuspage.Collect(b.api.Components(gctx))
		out.Components = components(rows)
		return err
	})
	g.Go(func() error {
		real, planned, err := b.openAll(gctx)
		out.Incidents, out.Maintenances = incidents(real), maintenances(planned)
		return err
	})
	if err := g.Wait(); err != nil {
		return Overview{}, err
	}
	return out, nil
}

// PublicOverview reads what the page itself tells everybody; it needs no key. It
// may be older than the team's view: the page is cached.
func (b *Board) PublicOverview(ctx context.Context) (Overview, error) {
	s, err := b.api.PublicSummary(ctx)
	if err != nil {
		return Overview{}, err
	}
	real, planned := []statuspage.Incident{}, []statuspage.Incident{}
	for _, in := range s.Incidents {
		if !in.Status.Closed() {
			real = append(real, in)
		}
	}
	for _, in := range s.Maintenances {
		if !in.Status.Closed() {
			planned = append(planned, in)
		}
	}
	return Overview{
		Source: "public",
		Page: PageInfo{ID: s.Page.ID, Name: s.Page.Name, URL: s.Page.URL, TimeZone: s.Page.TimeZone, UpdatedAt: s.Page.UpdatedAt.UTC(),
			Indicator: s.Status.Indicator, Description: s.Status.Description},
		Components: components(s.Components), Incidents: incidents(real), Maintenances: maintenances(planned),
	}, nil
}

// Components lists the components of the page in its order, without groups.
func (b *Board) Components(ctx context.Context) ([]Component, error) {
	rows, err := statuspage.Collect(b.api.Components(ctx))
	if err != nil {
		return nil, err
	}
	return components(rows), nil
}

// Incidents lists public incidents: those that need an update longest first,
// then the closed ones, newest first. all adds the closed ones; since, when
// set, keeps those that were open at that time or later.
func (b *Board) Incidents(ctx context.Context, all bool, since time.Time) ([]Incident, error) {
	rows, err := b.list(ctx, all, since, func(in statuspage.Incident) bool { return !in.OfMaintenance() }, statuspage.Unresolved)
	if err != nil {
		return nil, err
	}
	return incidents(rows), nil
}

// OpenIncidents lists the incidents that are not over, in one request.
func (b *Board) OpenIncidents(ctx context.Context) ([]Incident, error) {
	rows, err := b.openRealtime(ctx)
	if err != nil {
		return nil, err
	}
	return incidents(rows), nil
}

// Maintenances lists maintenance: what runs, what comes, and with all what is
// over, newest first.
func (b *Board) Maintenances(ctx context.Context, all bool, since time.Time) ([]Maintenance, error) {
	rows, err := b.list(ctx, all, since, statuspage.Incident.OfMaintenance, plannedViews...)
	if err != nil {
		return nil, err
	}
	return maintenances(rows), nil
}

// list reads what is open in the views and, with all or since, what is closed.
// The walk through the closed ones ends at a page that holds nothing touched
// since.
func (b *Board) list(ctx context.Context, all bool, since time.Time, match func(statuspage.Incident) bool, views ...statuspage.View) ([]statuspage.Incident, error) {
	real, planned, err := b.openIn(ctx, views...)
	if err != nil {
		return nil, err
	}
	rows := filter(append(real, planned...), match)
	if all || !since.IsZero() {
		seen := map[string]bool{}
		for _, r := range rows {
			seen[r.ID] = true
		}
		const pageRows = 100
		n, touched := 0, false
		for in, err := range b.api.Incidents(ctx, "") {
			if err != nil {
				return nil, err
			}
			touched = touched || lastTouched(in).After(since)
			if match(in) && !seen[in.ID] {
				seen[in.ID] = true
				rows = append(rows, in)
			}
			if n++; n%pageRows == 0 {
				if !touched {
					break
				}
				touched = false
			}
		}
	}
	return filter(rows, func(in statuspage.Incident) bool {
		return since.IsZero() || !in.Status.Closed() || closedAt(in).After(since)
	}), nil
}

func lastTouched(in statuspage.Incident) time.Time {
	latest := in.CreatedAt.Time
	for _, t := range []time.Time{in.UpdatedAt.Time, in.ResolvedAt.Time} {
		if t.After(latest) {
			latest = t
		}
	}
	return latest
}

func closedAt(in statuspage.Incident) time.Time {
	if !in.ResolvedAt.IsZero() {
		return in.ResolvedAt.Time
	}
	return lastTouched(in)
}

// plannedViews are those in which maintenance stands. Their borders are not
// written down (contract note, section 3), so all are read where all of it is
// wanted, and what they hold is told apart by status. Maintenance moves by itself:
// openIn reads where it goes after where it comes from.
var plannedViews = []statuspage.View{statuspage.ActiveMaintenance, statuspage.ScheduledView, statuspage.Upcoming}

// openAll reads all open incidents and maintenances.
func (b *Board) openAll(ctx context.Context) (real, maintenance []statuspage.Incident, err error) {
	return b.openIn(ctx, append([]statuspage.View{statuspage.Unresolved}, plannedViews...)...)
}

// running reads the open incidents and the maintenance that runs: what may name
// a component.
func (b *Board) running(ctx context.Context) (real, maintenance []statuspage.Incident, err error) {
	return b.openIn(ctx, statuspage.Unresolved, statuspage.ActiveMaintenance)
}

// openRealtime reads the open incidents without maintenance: one request.
func (b *Board) openRealtime(ctx context.Context) ([]statuspage.Incident, error) {
	real, _, err := b.openIn(ctx, statuspage.Unresolved)
	return real, err
}

// openIn reads what is open in the views. What starts by itself between two reads
// would be missed by both, were the one of what runs the earlier: it is read last,
// and counts where something stands in two views.
func (b *Board) openIn(ctx context.Context, views ...statuspage.View) (real, planned []statuspage.Incident, err error) {
	found := make([][]statuspage.Incident, len(views))
	read := func(ctx context.Context, i int) (err error) {
		found[i], err = statuspage.Collect(b.api.IncidentsIn(ctx, views[i]))
		return err
	}
	running := slices.Index(views, statuspage.ActiveMaintenance)
	g, gctx := errgroup.WithContext(ctx)
	for i := range views {
		if i != running {
			g.Go(func() error { return read(gctx, i) })
		}
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	rows := slices.Concat(found...)
	if running >= 0 {
		if err := read(ctx, running); err != nil {
			return nil, nil, err
		}
		rows = slices.Concat(found[running], rows)
	}
	seen := map[string]bool{}
	real, planned = []statuspage.Incident{}, []statuspage.Incident{}
	for _, in := range rows {
		switch {
		case seen[in.ID] || in.Status.Closed():
			continue
		case in.OfMaintenance():
			planned = append(planned, in)
		default:
			real = append(real, in)
		}
		seen[in.ID] = true
	}
	return real, planned, nil
}

func incidents(rows []statuspage.Incident) []Incident {
	out := []Incident{}
	for _, r := range rows {
		out = append(out, FromIncident(r))
	}
	slices.SortStableFunc(out, func(a, b Incident) int {
		switch {
		case a.Open() != b.Open():
			if a.Open() {
				return -1
			}
			return 1
		case a.Open():
			return quietSince(a).Compare(quietSince(b))
		}
		return b.Since.Compare(a.Since)
	})
	return out
}

func maintenances(rows []statuspage.Incident) []Maintenance {
	rank := func(m Maintenance) int {
		switch {
		case m.Running():
			return 0
		case m.Open():
			return 1
		}
		return 2
	}
	out := []Maintenance{}
	for _, r := range rows {
		out = append(out, FromMaintenance(r))
	}
	slices.SortStableFunc(out, func(a, b Maintenance) int {
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		if rank(a) == 2 {
			return b.StartsAt.Compare(a.StartsAt)
		}
		return a.StartsAt.Compare(b.StartsAt)
	})
	return out
}

// Incident is FindIncident by name alone.
func (b *Board) Incident(ctx context.Context, ref string) (Incident, error) {
	return b.FindIncident(ctx, ref, "")
}

// FindIncident reads one incident with its timeline. ref is an id, a link, a
// title or the beginning of one, or "last"; pager is the number of the pager
// incident it is paired with. With both "" it is the only open one.
func (b *Board) FindIncident(ctx context.Context, ref, pager string) (Incident, error) {
	in, err := b.findIncident(ctx, ref, pager)
	if err != nil {
		return Incident{}, err
	}
	return FromIncident(in), nil
}

// Templates lists the incident templates by name.
func (b *Board) Templates(ctx context.Context) ([]Template, error) {
	rows, err := statuspage.Collect(b.api.Templates(ctx))
	if err != nil {
		return nil, err
	}
	out := []Template{}
	for _, r := range rows {
		out = append(out, Template{ID: r.ID, Name: r.Name, Title: r.Title, Body: r.Body, State: r.UpdateStatus,
			Notify: r.ShouldSendNotifications, Components: refs(r.Components, false)})
	}
	slices.SortStableFunc(out, func(a, b Template) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Subscribers counts who may be told of a change; -1 when it cannot be known,
// which stops nothing.
func (b *Board) Subscribers(ctx context.Context) int {
	n, err := b.api.SubscriberCount(ctx)
	if err != nil || n.Total() < 0 {
		return -1
	}
	return n.Total()
}

// Address is where the public sees the page.
func (b *Board) Address(ctx context.Context) (string, error) {
	p, err := b.api.Page(ctx)
	if err != nil {
		return "", err
	}
	return p.Address(), nil
}

// quietSince is when an incident last said something.
func quietSince(i Incident) time.Time {
	if i.LastUpdateAt.IsZero() {
		return i.Since
	}
	return i.LastUpdateAt
}
