package publicstatus

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/balena-io/oncall/pkg/statuspage"
)

// FindComponent returns the one component that name means: its id, its name, its
// name in another case, GROUP/NAME, or the beginning of exactly one name. A
// group is refused: its status derives from its components. Every failure is
// apierr.ErrNotFound or apierr.ErrAmbiguous.
func FindComponent(rows []statuspage.Component, name string) (statuspage.Component, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return statuspage.Component{}, notFound("an empty name is no component")
	}
	groups := map[string]string{}
	single := []statuspage.Component{}
	for _, r := range rows {
		if r.IsGroup() {
			groups[r.ID] = r.Name
		} else {
			single = append(single, r)
		}
	}
	low := strings.ToLower(name)
	for _, fits := range []func(statuspage.Component) bool{
		func(c statuspage.Component) bool { return c.ID == name },
		func(c statuspage.Component) bool { return c.Name == name },
		func(c statuspage.Component) bool { return strings.ToLower(c.Name) == low },
		func(c statuspage.Component) bool {
			return c.GroupID != "" && strings.ToLower(groups[c.GroupID]+"/"+c.Name) == low
		},
	} {
		if found := filter(single, fits); len(found) > 0 {
			return one(name, found, groups)
		}
	}
	for _, r := range rows {
		if r.IsGroup() && (r.ID == name || strings.ToLower(r.Name) == low) {
			return statuspage.Component{}, isGroup(r, single)
		}
	}
	if found := filter(single, func(c statuspage.Component) bool { return strings.HasPrefix(strings.ToLower(c.Name), low) }); len(found) > 0 {
		return one(name, found, groups)
	}
	for _, r := range rows {
		if r.IsGroup() && strings.HasPrefix(strings.ToLower(r.Name), low) {
			return statuspage.Component{}, isGroup(r, single)
		}
	}
	names := []string{}
	for _, c := range single {
		names = append(names, c.Name)
	}
	err := notFound("no component is called %q", name)
	switch meant := near(low, names); {
	case meant != "":
		return statuspage.Component{}, err.WithHint("did you mean %s?", meant)
	case len(names) > 0 && len(names) <= 12:
		return statuspage.Component{}, err.WithHint("there are %s", strings.Join(names, ", "))
	}
	return statuspage.Component{}, err.WithHint("oncall status show")
}

func one(name string, found []statuspage.Component, groups map[string]string) (statuspage.Component, error) {
	if len(found) == 1 {
		return found[0], nil
	}
	same := true
	for _, c := range found {
		same = same && c.Name == found[0].Name
	}
	said := []string{}
	for _, c := range found {
		switch g := groups[c.GroupID]; {
		case same && g != "":
			said = append(said, g+"/"+c.Name+" ("+c.ID+")")
		case same:
			said = append(said, c.Name+" ("+c.ID+")")
		default:
			said = append(said, c.Name)
		}
	}
	err := ambiguous("%q matches %s", name, and(said))
	if same {
		return statuspage.Component{}, err.WithHint("use the id, or GROUP/NAME")
	}
	return statuspage.Component{}, err.WithHint("use the whole name")
}

func isGroup(g statuspage.Component, single []statuspage.Component) error {
	names := []string{}
	for _, c := range single {
		if c.GroupID == g.ID {
			names = append(names, c.Name)
		}
	}
	err := ambiguous("%q is a group, and its status follows from its components", g.Name)
	if len(names) == 0 {
		return err.WithHint("it has no component")
	}
	return err.WithHint("name its components: %s", strings.Join(names, ", "))
}

func filter[T any](rows []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(rows), func(t T) bool { return !keep(t) })
}

func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// IDFrom takes an incident's id out of what people paste: an id, or the
// address of the incident's page or its short link.
func IDFrom(ref string) string {
	ref = strings.TrimSpace(ref)
	if u, err := url.Parse(ref); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return path.Base(strings.TrimSuffix(u.Path, "/"))
	}
	return ref
}

// pick returns the one incident that ref means among rows: an id or link, the
// title, or the beginning of one title. ok is false when none fits.
func pick(rows []statuspage.Incident, ref string) (in statuspage.Incident, ok bool, err error) {
	id, low := IDFrom(ref), strings.ToLower(strings.TrimSpace(ref))
	for _, fits := range []func(statuspage.Incident) bool{
		func(i statuspage.Incident) bool { return i.ID == id || i.Shortlink != "" && i.Shortlink == ref },
		func(i statuspage.Incident) bool { return strings.ToLower(i.Name) == low },
		func(i statuspage.Incident) bool { return low != "" && strings.HasPrefix(strings.ToLower(i.Name), low) },
	} {
		switch found := filter(rows, fits); len(found) {
		case 0:
		case 1:
			return found[0], true, nil
		default:
			return in, false, ambiguous("%q matches %s", ref, and(titles(found))).WithHint("use the id")
		}
	}
	return in, false, nil
}

func titles(rows []statuspage.Incident) []string {
	out := []string{}
	for _, r := range rows {
		out = append(out, r.ID+" ("+r.Name+")")
	}
	return out
}

// newest bounds a search among what is over: names are looked for in so many of
// the newest incidents.
const newest = 100

// newestIncidents reads the newest incidents and maintenances; more is true when
// there are others.
func (b *Board) newestIncidents(ctx context.Context) (rows []statuspage.Incident, more bool, err error) {
	for in, err := range b.api.Incidents(ctx, "") {
		switch {
		case err != nil:
			return nil, false, err
		case len(rows) == newest:
			return rows, true, nil
		}
		rows = append(rows, in)
	}
	return rows, false, nil
}

// among says where was looked, when that was not everywhere.
func among(more bool) string {
	if more {
		return fmt.Sprintf(" among the newest %d", newest)
	}
	return ""
}

// find reads the incident or maintenance that ref means. Open ones are looked
// through first; an id that is not among them is read by itself; a title is
// then looked for among the newest hundred.
func (b *Board) find(ctx context.Context, ref, noun string, open []statuspage.Incident, match func(statuspage.Incident) bool) (statuspage.Incident, error) {
	var none statuspage.Incident
	in, ok, err := pick(filter(open, match), ref)
	if err != nil || ok {
		return in, err
	}
	if id := IDFrom(ref); statuspage.LooksLikeID(id) {
		return b.api.Incident(ctx, id)
	}
	recent, more, err := b.newestIncidents(ctx)
	if err != nil {
		return none, err
	}
	recent = filter(recent, match)
	if ref == "last" && len(recent) > 0 {
		return slices.MaxFunc(recent, func(a, b statuspage.Incident) int { return a.CreatedAt.Compare(b.CreatedAt.Time) }), nil
	}
	if in, ok, err = pick(recent, ref); err != nil || ok {
		return in, err
	}
	return none, notFound("no %s is called %q%s", noun, ref, among(more)).WithHint("oncall status %s list --all", noun)
}
