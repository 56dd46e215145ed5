package balena

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/balena-io/oncall/pkg/apierr"
	"github.com/balena-io/oncall/pkg/lazyregexp"
	"github.com/balena-io/oncall/pkg/nearest"
)

// Fleet is a group of devices that run one application.
type Fleet struct {
	ID       int64  `json:"id"`
	Name     string `json:"app_name"`
	Slug     string `json:"slug"` // "acme/api", lower case
	UUID     string `json:"uuid"`
	Class    string `json:"is_of__class"` // fleet, block, app
	Archived bool   `json:"is_archived"`

	// Track and Target say together what the fleet does (note 5); neither says it
	// alone. Track: a new release becomes the target by itself.
	Track  bool `json:"should_track_latest_release"`
	Target Ref  `json:"should_be_running__release"` // zero: none

	// Mine is false for a public fleet of somebody else, which can be read and
	// not changed.
	Mine bool `json:"-"`
}

const (
	fleetFields = "id,app_name,slug,uuid,is_of__class,is_archived,should_track_latest_release"
	fleetLinks  = "should_be_running__release($select=id,commit,raw_version)"
	// mine keeps public fleets of others out of a list (note 3).
	mine = "is_directly_accessible_by__user/any(dau:1 eq 1)"
)

func fleetQuery(filter string) query {
	return query{fields: fleetFields, expand: fleetLinks, filter: filter}
}

// State is what a fleet does, in a word.
type State string

// The states of a fleet (note 5).
const (
	Tracking       State = "tracking"        // follows, and is at the newest trackable release
	TrackingBehind State = "tracking-behind" // follows, but its target is another one: a new release moves it
	Pinned         State = "pinned"
	NoTarget       State = "no-target"
)

// State says what the fleet does. latest is its newest trackable release, the
// zero value when there is none.
func (f Fleet) State(latest Release) State {
	switch {
	case f.Track && f.Target.ID == latest.ID && latest.ID != 0:
		return Tracking
	case f.Track:
		return TrackingBehind
	case !f.Target.IsZero():
		return Pinned
	}
	return NoTarget
}

// Fleets lists the fleets that the token reaches directly, by name.
func (c *Client) Fleets(ctx context.Context) ([]Fleet, error) {
	q := fleetQuery(mine)
	q.order = "app_name asc"
	out, err := list[Fleet](ctx, c, "list fleets", "application", q)
	for i := range out {
		out[i].Mine = true
	}
	return out, err
}

// Archived fleets and blocks stay in lists: a person who asks for one by name
// should see what it is.

var (
	slugShape = lazyregexp.New(`^[a-z0-9_-]+/[a-z0-9_.-]+$`)
	uuidShape = lazyregexp.New(`^(?:[0-9a-f]{32}|[0-9a-f]{62})$`)
	idShape   = lazyregexp.New(`^[1-9][0-9]{0,15}$`)
)

// Fleet finds a fleet by slug ("acme/api"), uuid, number, or by its name alone
// among those that the token reaches directly. Case does not count. A name that
// fits several is an apierr.ErrAmbiguous that lists them.
func (c *Client) Fleet(ctx context.Context, ref string) (Fleet, error) {
	ref = strings.TrimSpace(ref)
	op := "find fleet " + ref
	low := strings.ToLower(ref)
	switch {
	case ref == "":
		return Fleet{}, apierr.New(apierr.ErrUsage, Vendor, "find a fleet", "no fleet is named")
	case slugShape().MatchString(low):
		return c.oneFleet(ctx, op, ref, "slug eq "+quote(low))
	case uuidShape().MatchString(low):
		return c.oneFleet(ctx, op, ref, "uuid eq "+quote(low))
	case idShape().MatchString(ref):
		return c.oneFleet(ctx, op, ref, "id eq "+ref)
	case strings.Contains(ref, "/"):
		return Fleet{}, apierr.New(apierr.ErrUsage, Vendor, op, "%q is not a fleet's slug, such as acme/api", ref)
	}
	all, err := c.Fleets(ctx)
	if err != nil {
		return Fleet{}, err
	}
	hits := slices.DeleteFunc(slices.Clone(all), func(f Fleet) bool {
		_, short, _ := strings.Cut(f.Slug, "/")
		return short != low && !strings.EqualFold(f.Name, ref)
	})
	switch len(hits) {
	case 0:
		return Fleet{}, unknownFleet(op, ref, all)
	case 1:
		return hits[0], nil
	}
	return Fleet{}, apierr.New(apierr.ErrAmbiguous, Vendor, op, "several fleets have that name: %s", strings.Join(slugs(hits), ", ")).
		WithHint("name it by its slug: %s", hits[0].Slug)
}

// oneFleet looks among the token's own fleets first. What is found only
// elsewhere is a public fleet of somebody else.
func (c *Client) oneFleet(ctx context.Context, op, ref, filter string) (Fleet, error) {
	own, err := list[Fleet](ctx, c, op, "application", fleetQuery(filter+" and "+mine))
	if err != nil {
		return Fleet{}, err
	}
	if len(own) > 0 {
		own[0].Mine = true
		return own[0], nil
	}
	public, err := list[Fleet](ctx, c, op, "application", fleetQuery(filter))
	if err != nil {
		return Fleet{}, err
	}
	if len(public) > 0 {
		// "Directly accessible" is asked of a user; the key of a fleet or a device
		// is none, and what it may change is known only by trying.
		actor, err := c.WhoAmI(ctx)
		public[0].Mine = err == nil && actor.Kind != "user"
		return public[0], err
	}
	all, _ := c.Fleets(ctx) // for the hint alone
	return Fleet{}, unknownFleet(op, ref, all)
}

func unknownFleet(op, ref string, all []Fleet) error {
	e := apierr.New(apierr.ErrNotFound, Vendor, op, "no such fleet, or the token may not see it")
	if near := nearest.Of(ref, slugs(all)); len(near) > 0 {
		return e.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	if len(all) == 0 {
		return e
	}
	const most = 5
	names := slugs(all)
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(all)-most))
	}
	return e.WithHint("the token's own fleets: %s", strings.Join(names, ", "))
}

func slugs(fleets []Fleet) []string {
	out := make([]string, len(fleets))
	for i, f := range fleets {
		out[i] = f.Slug
	}
	return out
}

// fleetByID reads a fleet again.
func (c *Client) fleetByID(ctx context.Context, op string, id int64) (Fleet, error) {
	rows, err := list[Fleet](ctx, c, op, row("application", id), fleetQuery(""))
	if err != nil {
		return Fleet{}, err
	}
	if len(rows) != 1 || rows[0].ID != id {
		return Fleet{}, apierr.New(apierr.ErrNotFound, Vendor, op, "the fleet is not there any more, or the token may not see it")
	}
	return rows[0], nil
}

// checkID refuses an id that cannot be one before it becomes part of a path:
// application(0) is nobody's, and a filter that matches too much would change
// every match.
func checkID(op string, id int64) error {
	if id > 0 {
		return nil
	}
	return apierr.New(apierr.ErrUsage, Vendor, op, "%s is not the number of a fleet", strconv.FormatInt(id, 10))
}
