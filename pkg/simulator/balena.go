package simulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/lazyregexp"
)

// BalenaToken is what the demo's balenaCloud wants as a bearer token.
const BalenaToken = "demo-balena-token"

// The demo's fleets and releases.
const (
	BalenaOrg       = "balena-demo"
	BalenaFleetSlug = BalenaOrg + "/" + FleetJelly
	// BalenaPublicSlug is a fleet of somebody else that everybody may read.
	BalenaPublicSlug = "fleet-commons/weather-station"

	BalenaReleaseOld     = "2.13.4"
	BalenaReleaseBefore  = "2.14.0"
	BalenaReleaseNewest  = "2.14.0+rev1" // shares its semver with the one before
	BalenaReleaseInvalid = "2.13.5"      // somebody took it out of use
	BalenaReleaseFailed  = "2.14.1"      // its build failed
)

// balenaState is the demo's balenaCloud.
type balenaState struct {
	Fleets   []*balenaFleet   `json:"fleets"`
	Releases []*balenaRelease `json:"releases"` // oldest first
	Devices  []*balenaDevice  `json:"devices"`
}

type balenaFleet struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Slug   string `json:"slug"`
	Public bool   `json:"public"` // of somebody else: everybody may read it
	Track  bool   `json:"track"`
	Target int64  `json:"target"` // release, 0 is none
}

type balenaRelease struct {
	ID      int64     `json:"id"`
	Fleet   int64     `json:"fleet"`
	Semver  string    `json:"semver"`
	Raw     string    `json:"raw"`
	Status  string    `json:"status"`
	Draft   bool      `json:"draft"`
	Invalid bool      `json:"invalid"`
	Failing bool      `json:"failing"` // its tests do not pass
	ByKey   bool      `json:"byKey"`   // made by an API key: no user
	At      time.Time `json:"at"`
}

type balenaDevice struct {
	ID      int64  `json:"id"`
	Fleet   int64  `json:"fleet"`
	Name    string `json:"name"`
	Offline bool   `json:"offline"`
	Pin     int64  `json:"pin"` // its own, 0 is none
	Running int64  `json:"running"`
	// An update under way: Next from Since until Until.
	Next  int64         `json:"next"`
	Since time.Time     `json:"since,omitzero"`
	Until time.Time     `json:"until,omitzero"`
	Takes time.Duration `json:"takes"` // how long an update takes
}

func balenaService() service {
	return service{
		name:   "balena",
		state:  stateOf(seedBalena, advanceBalena),
		mounts: map[string]mount{"balena": newBalena},
		env: func(base string) []string {
			return []string{"ONCALL_BALENA_URL=" + base + "/balena", "ONCALL_BALENA_TOKEN=" + BalenaToken}
		},
	}
}

// seedBalena makes the fleet jellyfish: three releases that a fleet may follow
// to, and beside them one that was invalidated, one that failed and a draft; of
// its devices one is offline, one pinned by itself and one not there yet.
func seedBalena(s *State, b *balenaState) {
	const first, public = 1664001, 1500900
	b.Fleets = []*balenaFleet{
		{ID: first, Name: FleetJelly, Slug: BalenaFleetSlug, Track: true},
		{ID: public, Name: "Weather station", Slug: BalenaPublicSlug, Public: true, Track: true},
	}
	draft := s.StartedAt.Add(-40 * time.Minute)
	for i, r := range []balenaRelease{
		{Fleet: public, Semver: "1.0.2", At: s.StartedAt.Add(-300 * 24 * time.Hour)},
		{Fleet: first, Semver: BalenaReleaseOld, At: s.StartedAt.Add(-34 * 24 * time.Hour)},
		{Fleet: first, Semver: BalenaReleaseInvalid, Invalid: true, At: s.StartedAt.Add(-12 * 24 * time.Hour)},
		{Fleet: first, Semver: BalenaReleaseBefore, At: s.StartedAt.Add(-3 * 24 * time.Hour), ByKey: true},
		{Fleet: first, Semver: "2.14.0", Raw: BalenaReleaseNewest, At: s.StartedAt.Add(-5 * time.Hour)},
		{Fleet: first, Semver: BalenaReleaseFailed, Status: "failed", At: s.StartedAt.Add(-2 * time.Hour)},
		{Fleet: first, Semver: "2.15.0", Raw: "2.15.0-" + itoa(int(draft.UnixMilli())), Draft: true, At: draft},
	} {
		r.ID = 2801001 + int64(i)
		if r.Raw == "" {
			r.Raw = r.Semver
		}
		if r.Status == "" {
			r.Status = "success"
		}
		b.Releases = append(b.Releases, &r)
	}
	for _, f := range b.Fleets {
		f.Target = b.newest(f.ID).ID
	}
	now, before, old := b.Fleets[0].Target, b.release(BalenaReleaseBefore).ID, b.release(BalenaReleaseOld).ID
	for i, d := range []balenaDevice{
		{Name: "reef-01", Running: now, Takes: time.Second},
		{Name: "reef-02", Running: now, Takes: 2 * time.Second},
		{Name: "reef-03", Running: now, Takes: 2 * time.Second},
		{Name: "reef-04", Running: before, Offline: true, Takes: 2 * time.Second},
		{Name: "reef-05", Running: old, Pin: old, Takes: 2 * time.Second},
		{Name: "reef-06", Running: before, Next: now, Since: s.StartedAt.Add(-2 * time.Minute), Until: s.StartedAt.Add(time.Minute), Takes: 3 * time.Second},
	} {
		d.ID, d.Fleet = 9100001+int64(i), first
		b.Devices = append(b.Devices, &d)
	}
}

func advanceBalena(_ *State, b *balenaState, now time.Time) {
	for _, d := range b.Devices {
		if d.Next != 0 && !now.Before(d.Until) {
			d.Running, d.Next, d.Since, d.Until = d.Next, 0, time.Time{}, time.Time{}
		}
	}
}

func (b *balenaState) release(raw string) *balenaRelease {
	for _, r := range b.Releases {
		if r.Raw == raw {
			return r
		}
	}
	return &balenaRelease{}
}

// newest is where the server sends a fleet that follows.
func (b *balenaState) newest(fleet int64) *balenaRelease {
	out := &balenaRelease{}
	for _, r := range b.Releases {
		if r.Fleet == fleet && r.Status == "success" && !r.Draft && !r.Invalid && !r.Failing {
			out = r
		}
	}
	return out
}

// retarget tells the devices of a fleet to update: those that are online, not
// pinned by themselves and not there already.
func (b *balenaState) retarget(f *balenaFleet, now time.Time) {
	for _, d := range b.Devices {
		if d.Fleet != f.ID || d.Pin != 0 || d.Offline || f.Target == 0 {
			continue
		}
		if d.Running == f.Target {
			d.Next, d.Since, d.Until = 0, time.Time{}, time.Time{}
		} else if d.Next != f.Target {
			d.Next, d.Since, d.Until = f.Target, now, now.Add(time.Second+d.Takes)
		}
	}
}

type balenaServer struct{ w *World }

func newBalena(w *World) http.Handler {
	b := balenaServer{w}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path, resource := r.URL.EscapedPath(), ""
		if rest, ok := strings.CutPrefix(path, "/v7/"); ok {
			resource = rest
		}
		switch {
		case resource == "" && path != "/actor/v1/whoami":
			writeText(rw, http.StatusNotFound, "Not Found")
		case !bearer(r, BalenaToken):
			writeJSON(rw, http.StatusUnauthorized, "Unauthorized")
		case resource == "":
			writeJSON(rw, http.StatusOK, obj{"id": 4711, "actorType": "user", "actorTypeId": 301, "username": UserYou, "email": "you@example.test"})
		case r.Method == http.MethodGet:
			b.read(rw, r, resource)
		case r.Method == http.MethodPatch:
			b.patch(rw, r, resource)
		default:
			// A missing right is 401 too.
			writeJSON(rw, http.StatusUnauthorized, "Unauthorized")
		}
	})
}

// cannotRead is the answer to a query that does not parse and to a field that
// is not there.
func cannotRead(rw http.ResponseWriter) {
	writeJSON(rw, http.StatusInternalServerError, "Server error")
}

var balenaKey = lazyregexp.New(`^([a-z_]+)(?:\((.+)\))?$`)

// balenaResource takes "application(42)" or "application(slug='a%2Fb')" apart: the
// table, and the key as a condition, nil when there is none.
func balenaResource(path string) (table string, key odataExpr, ok bool) {
	m := balenaKey().FindStringSubmatch(path)
	if m == nil {
		return "", nil, false
	}
	if m[2] == "" {
		return m[1], nil, true
	}
	key, err := parseOdataKey(m[2])
	return m[1], key, err == nil
}

func (b balenaServer) read(rw http.ResponseWriter, r *http.Request, path string) {
	table, key, ok := balenaResource(path)
	q, err := parseOdata(r.URL.RawQuery)
	if !ok || err != nil {
		cannotRead(rw)
		return
	}
	var rows []obj
	var wrong error
	err = b.w.view(func(s *State) error {
		tables := part[balenaState](s).tables(s)
		rows, wrong = tables.query(table, tables[table], key, q)
		return nil
	})
	switch {
	case err != nil:
		failed(rw, err)
	case wrong != nil:
		cannotRead(rw)
	default:
		writeJSON(rw, http.StatusOK, obj{"d": rows})
	}
}

const balenaTargetRule = `It is necessary that each release that should be running on an application, has a status that is equal to "success" and belongs to the application.`

// patch changes fleets. It is answered 200 without a body, however many rows
// matched; none do that the token may only read.
func (b balenaServer) patch(rw http.ResponseWriter, r *http.Request, path string) {
	table, key, ok := balenaResource(path)
	q, err := parseOdata(r.URL.RawQuery)
	if !ok || err != nil {
		cannotRead(rw)
		return
	}
	if table != "application" {
		writeJSON(rw, http.StatusUnauthorized, "Unauthorized")
		return
	}
	change, status, why := balenaChangeOf(r)
	if status != 0 {
		writeJSON(rw, status, why)
		return
	}
	err = b.w.update(func(s *State) error {
		bs := part[balenaState](s)
		tables := bs.tables(s)
		rows, err := tables.query(table, tables[table], key, odataQuery{filter: q.filter})
		if err != nil {
			status, why = http.StatusInternalServerError, "Server error"
			return nil
		}
		for _, f := range bs.Fleets {
			if !f.Public && hasRow(rows, f.ID) {
				if status, why = change.check(bs, f); status != 0 {
					return nil
				}
			}
		}
		for _, f := range bs.Fleets {
			if !f.Public && hasRow(rows, f.ID) {
				change.apply(f)
				bs.retarget(f, s.Now)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		failed(rw, err)
	case status != 0:
		writeJSON(rw, status, why)
	default:
		rw.WriteHeader(http.StatusOK)
	}
}

func hasRow(rows []obj, id int64) bool {
	for _, r := range rows {
		if r["id"] == id {
			return true
		}
	}
	return false
}

// balenaChange is the body of a PATCH; nil is left as it is.
type balenaChange struct {
	target *int64 // 0: none
	track  *bool
}

// balenaChangeOf reads a body as strictly as the API: numbers and booleans are
// not written as texts.
func balenaChangeOf(r *http.Request) (c balenaChange, status int, why string) {
	fields := map[string]json.RawMessage{}
	if err := readJSON(r, &fields); err != nil {
		return c, http.StatusBadRequest, "Bad request body"
	}
	for name, raw := range fields {
		switch name {
		case "should_be_running__release":
			var id *int64
			if json.Unmarshal(raw, &id) != nil {
				return c, http.StatusBadRequest, `"should_be_running__release" must be a number`
			}
			if id == nil {
				id = new(int64)
			}
			c.target = id
		case "should_track_latest_release":
			if json.Unmarshal(raw, &c.track) != nil || c.track == nil {
				return c, http.StatusBadRequest, `"should_track_latest_release" must be a boolean`
			}
		default:
			return c, http.StatusInternalServerError, "Server error"
		}
	}
	return c, 0, ""
}

// check is the rule of the server: it takes invalidated and draft releases,
// but not one of another fleet or one that did not build.
func (c balenaChange) check(b *balenaState, f *balenaFleet) (status int, why string) {
	if c.target == nil || *c.target == 0 {
		return 0, ""
	}
	for _, r := range b.Releases {
		if r.ID == *c.target && r.Fleet == f.ID && r.Status == "success" {
			return 0, ""
		}
	}
	return http.StatusBadRequest, balenaTargetRule
}

func (c balenaChange) apply(f *balenaFleet) {
	if c.target != nil {
		f.Target = *c.target
	}
	if c.track != nil {
		f.Track = *c.track
	}
}

// unescapeLoose decodes the text of a literal.
func unescapeLoose(s string) string {
	if p, err := url.QueryUnescape(s); err == nil {
		return p
	}
	return s
}
