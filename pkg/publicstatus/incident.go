package publicstatus

import (
	"context"
	"slices"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// findIncident reads the incident that is meant: by ref (see Incident), by the
// number of the pager incident it is paired with, or, when both are "", the only
// one that is open. Several open ones are apierr.ErrAmbiguous: a guess could
// tell the public something false.
func (b *Board) findIncident(ctx context.Context, ref, pager string) (statuspage.Incident, error) {
	open, err := b.openRealtime(ctx)
	if err != nil {
		return statuspage.Incident{}, err
	}
	return b.findAmong(ctx, ref, pager, open)
}

// findAmong is findIncident for a caller that has read the open incidents.
func (b *Board) findAmong(ctx context.Context, ref, pager string, open []statuspage.Incident) (statuspage.Incident, error) {
	var none statuspage.Incident
	switch {
	case pager != "":
		return b.pairedWith(ctx, pager, open)
	case ref != "":
		return b.find(ctx, ref, "incident", open, func(in statuspage.Incident) bool { return !in.OfMaintenance() })
	}
	switch len(open) {
	case 0:
		return none, notFound("no public incident is open").WithHint("oncall status incident list --all")
	case 1:
		return open[0], nil
	}
	return none, ambiguous("%d public incidents are open: %s", len(open), and(titles(open))).WithHint("name one, or --pager NUMBER")
}

// pairedWith looks for the pair of a pager incident among the open incidents and
// the newest hundred closed ones.
func (b *Board) pairedWith(ctx context.Context, pager string, open []statuspage.Incident) (statuspage.Incident, error) {
	var none statuspage.Incident
	paired := func(in statuspage.Incident) bool {
		p := readRecord(in.Metadata).Pager
		return p != nil && p.Number == pager
	}
	found := filter(open, paired)
	if len(found) == 0 {
		recent, more, err := b.newestIncidents(ctx)
		if err != nil {
			return none, err
		}
		if i := slices.IndexFunc(recent, paired); i >= 0 {
			return recent[i], nil
		}
		return none, notFound("no public incident%s is paired with pager incident %s", among(more), pager).
			WithHint("oncall status incident create --from %s", pager)
	}
	if len(found) > 1 {
		return none, ambiguous("pager incident %s is paired with %s", pager, and(titles(found))).WithHint("use the id")
	}
	return found[0], nil
}

// Text is what a change of an incident says and to whom.
type Text struct {
	State  statuspage.IncidentStatus
	Body   string
	Notify bool
}
