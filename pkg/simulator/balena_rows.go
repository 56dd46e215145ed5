package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// odataLink points at one row of a table; id 0 is none. It is written
// {"__id":7} or null, and as a list of rows when it is expanded.
type odataLink struct {
	table string
	id    int64
}

// odataMany is the rows of a table that point here by a field. It is seen only
// when it is expanded or asked about with any().
type odataMany struct {
	table, by string
	id        int64
}

// odataTables are the rows that the token may see, by resource.
type odataTables map[string][]obj

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// tables lays the state out as the API's resources.
func (b *balenaState) tables(s *State) odataTables {
	out := odataTables{"application": {}, "release": {}, "device": {}, "user": {}, "access": {}}
	out["user"] = append(out["user"], obj{"id": int64(301), "username": UserYou}, obj{"id": int64(302), "username": UserSecondary})
	for _, f := range b.Fleets {
		if !f.Public {
			out["access"] = append(out["access"], obj{"id": int64(301), "fleet": odataLink{"application", f.ID}})
		}
		out["application"] = append(out["application"], obj{
			"id": f.ID, "app_name": f.Name, "slug": f.Slug, "uuid": tokenFor(32, alphabetHex, "balena fleet", f.ID),
			"is_of__class": "fleet", "is_archived": false, "is_public": f.Public,
			"should_track_latest_release":     f.Track,
			"should_be_running__release":      odataLink{"release", f.Target},
			"owns__device":                    odataMany{"device", "belongs_to__application", f.ID},
			"owns__release":                   odataMany{"release", "belongs_to__application", f.ID},
			"is_directly_accessible_by__user": odataMany{"access", "fleet", f.ID},
			"created_at":                      stamp(s.StartedAt.Add(-400 * 24 * time.Hour)),
		})
	}
	for _, r := range b.Releases {
		user := int64(302)
		if r.ByKey {
			user = 0
		}
		out["release"] = append(out["release"], obj{
			"id": r.ID, "commit": balenaCommit(r), "semver": r.Semver, "raw_version": r.Raw, "status": r.Status,
			"is_final": !r.Draft, "is_invalidated": r.Invalid, "is_passing_tests": !r.Failing,
			"created_at": stamp(r.At), "start_timestamp": stamp(r.At.Add(-3 * time.Minute)), "end_timestamp": stamp(r.At.Add(time.Minute)),
			"note": nil, "source": "cloud",
			"belongs_to__application": odataLink{"application", r.Fleet},
			"is_created_by__user":     odataLink{"user", user},
		})
	}
	for _, d := range b.Devices {
		out["device"] = append(out["device"], b.device(s, d))
	}
	return out
}

func balenaCommit(r *balenaRelease) string {
	return tokenFor(32, alphabetHex, "balena release", r.Fleet, r.Raw) + tokenFor(8, alphabetHex, "balena release end", r.Raw)
}

func (b *balenaState) device(s *State, d *balenaDevice) obj {
	shouldBe := d.Pin
	for _, f := range b.Fleets {
		if shouldBe == 0 && f.ID == d.Fleet {
			shouldBe = f.Target
		}
	}
	status, progress, heartbeat, seen := "operational", any(nil), "online", s.StartedAt.Add(-9*24*time.Hour)
	switch {
	case d.Offline:
		status, heartbeat, seen = "disconnected", "offline", s.StartedAt.Add(-31*time.Hour)
	case d.Next != 0:
		done := float64(s.Now.Sub(d.Since)) / float64(max(d.Until.Sub(d.Since), 1))
		status, progress = "updating", int(100*min(max(done, 0), 0.99))
	}
	return obj{
		"id": d.ID, "uuid": tokenFor(32, alphabetHex, "balena device", d.ID), "device_name": d.Name,
		"status": "Idle", "overall_status": status, "overall_progress": progress,
		"is_online": !d.Offline, "is_connected_to_vpn": !d.Offline, "api_heartbeat_state": heartbeat,
		"last_connectivity_event": stamp(seen), "os_version": "balenaOS 6.4.1", "supervisor_version": "17.0.3",
		"belongs_to__application":    odataLink{"application", d.Fleet},
		"is_running__release":        odataLink{"release", d.Running},
		"should_be_running__release": odataLink{"release", shouldBe},
		"is_pinned_on__release":      odataLink{"release", d.Pin},
	}
}

// errNoField is a field or resource that the API does not know.
var errNoField = errors.New("no such field")

// query returns those of rows, which are of table, that fit, as they are written.
// Names are checked on the whole table: one that is not there is an error
// also when no row fits.
func (t odataTables) query(table string, rows []obj, key odataExpr, q odataQuery) ([]obj, error) {
	if err := t.check(table, key, q); err != nil {
		return nil, err
	}
	rows, err := t.filter(rows, key)
	if err == nil {
		rows, err = t.filter(rows, q.filter)
	}
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, q.compare)
	rows = rows[min(q.skip, len(rows)):]
	if q.hasTop {
		rows = rows[:min(q.top, len(rows))]
	}
	out := []obj{}
	for _, row := range rows {
		written, err := t.write(row, q)
		if err != nil {
			return nil, err
		}
		out = append(out, written)
	}
	return out, nil
}

func (t odataTables) check(table string, key odataExpr, q odataQuery) error {
	all, known := t[table]
	if !known || table == "access" {
		return fmt.Errorf("%w: %s", errNoField, table)
	}
	if len(all) == 0 {
		return nil
	}
	for _, e := range []odataExpr{key, q.filter} {
		if e == nil {
			continue
		}
		if _, err := e(odataScope{tables: t, row: all[0]}); err != nil {
			return err
		}
	}
	for _, o := range q.order {
		if _, err := odataField(all[0], o.field); err != nil {
			return err
		}
	}
	_, err := t.write(all[0], q)
	return err
}

func (t odataTables) filter(rows []obj, e odataExpr) ([]obj, error) {
	if e == nil {
		return slices.Clone(rows), nil
	}
	out := []obj{}
	for _, row := range rows {
		v, err := e(odataScope{tables: t, row: row})
		if err != nil {
			return nil, err
		}
		if v == true {
			out = append(out, row)
		}
	}
	return out, nil
}

// compare orders two rows by fields that check has seen.
func (q odataQuery) compare(a, b obj) int {
	for _, o := range q.order {
		x, _ := odataField(a, o.field)
		y, _ := odataField(b, o.field)
		if c := compareOdata(x, y); c != 0 && o.down {
			return -c
		} else if c != 0 {
			return c
		}
	}
	return 0
}

func odataField(row obj, name string) (any, error) {
	v, ok := row[name]
	if !ok {
		return nil, fmt.Errorf("%w: %s", errNoField, name)
	}
	if l, ok := v.(odataLink); ok {
		if l.id == 0 {
			return nil, nil
		}
		return l.id, nil
	}
	return v, nil
}

func compareOdata(a, b any) int {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	}
	return 0
}

// write makes a row as the API writes it: what was selected, links as
// {"__id":7}, and what was expanded as lists of rows.
func (t odataTables) write(row obj, q odataQuery) (obj, error) {
	out := obj{}
	names := q.fields
	if names == nil {
		for name, v := range row {
			if _, many := v.(odataMany); !many {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		v, ok := row[name]
		if !ok {
			return nil, fmt.Errorf("%w: %s", errNoField, name)
		}
		switch v := v.(type) {
		case odataLink:
			out[name] = nil
			if v.id != 0 {
				out[name] = obj{"__id": v.id}
			}
		case odataMany:
			return nil, fmt.Errorf("%w: %s is not selected but expanded", errNoField, name)
		default:
			out[name] = v
		}
	}
	for _, e := range q.expand {
		rows, table, err := t.follow(row, e.name)
		if err != nil {
			return nil, err
		}
		if out[e.name], err = t.query(table, rows, nil, e.query); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// follow returns the rows that a link, or a list of them, leads to.
func (t odataTables) follow(row obj, name string) (rows []obj, table string, err error) {
	switch v := row[name].(type) {
	case odataLink:
		rows, err = t.filter(t[v.table], func(s odataScope) (any, error) { return s.row["id"] == v.id, nil })
		return rows, v.table, err
	case odataMany:
		rows, err = t.filter(t[v.table], func(s odataScope) (any, error) {
			l, ok := s.row[v.by].(odataLink)
			return ok && l.id == v.id, nil
		})
		return rows, v.table, err
	}
	return nil, "", fmt.Errorf("%w: %s", errNoField, name)
}
