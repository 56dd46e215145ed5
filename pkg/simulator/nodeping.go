package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// NodePingToken is the token of the demo's account, nodepingAccount its id.
const (
	NodePingToken   = "D3M0D3M0-D3M0-4D3M-8D3M-D3M0D3M0D3M0"
	nodepingAccount = "202601150900AB1CD"
)

func nodepingService() service {
	return service{
		name:   "nodeping",
		state:  stateOf(seedNodePing, nil),
		mounts: map[string]mount{"nodeping": newNodePing, "site": newSite},
		env: func(base string) []string {
			return []string{"ONCALL_NODEPING_URL=" + base + "/nodeping/api/1", "ONCALL_NODEPING_TOKEN=" + NodePingToken}
		},
		// Diagnostics: 10 in 5 minutes (note 6).
		limits: []limit{{
			name: "diagnostics", n: 10, per: 5 * time.Minute,
			match: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/diagnostics/") },
			refuse: func(rw http.ResponseWriter, _ *http.Request, wait time.Duration) {
				retryAfter(rw, wait)
				npError(rw, http.StatusTooManyRequests, "Too many diagnostics")
			},
		}},
	}
}

// npError answers in the vendor's manner: most failures are a 200 (note 8).
func npError(rw http.ResponseWriter, status int, text string) {
	writeJSON(rw, status, obj{"error": text})
}

// npCall is one call inside a transaction.
type npCall struct {
	s    *State
	np   *nodepingState
	r    *http.Request
	args map[string]any // query and JSON body, of which the body wins (note 1)
	self string         // the world's root, for targets
}

func (c *npCall) text(name string) string {
	switch v := c.args[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func newNodePing(w *World) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/api/1/")
		if !ok {
			http.NotFound(rw, r)
			return
		}
		args := map[string]any{}
		for k, v := range r.URL.Query() {
			args[k] = v[0]
		}
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if strings.Contains(r.Header.Get("Content-Type"), "json") && len(body) > 0 {
			if json.Unmarshal(body, &args) != nil {
				npError(rw, http.StatusBadRequest, "Invalid JSON")
				return
			}
		}
		token, _, _ := r.BasicAuth()
		if t, ok := args["token"].(string); ok && token == "" {
			token = t
		}
		if token != NodePingToken {
			npError(rw, http.StatusForbidden, "Token missing or invalid")
			return
		}
		if id, _ := args["customerid"].(string); id != "" && id != nodepingAccount {
			npError(rw, http.StatusOK, "Not authorized for that account")
			return
		}
		handle := npRoute(r.Method, strings.Split(path, "/"))
		if handle == nil {
			npError(rw, http.StatusNotImplemented, "Unknown method")
			return
		}
		run := w.update
		if r.Method == http.MethodGet {
			run = w.view
		}
		var out any
		err := run(func(s *State) error {
			out = handle(&npCall{s: s, np: part[nodepingState](s), r: r, args: args, self: strings.TrimSuffix(SelfURL(r), "/nodeping")})
			return nil
		})
		if err != nil {
			failed(rw, err)
			return
		}
		writeJSON(rw, http.StatusOK, out)
	})
}

func npRoute(method string, p []string) func(*npCall) any {
	at := func(i int) string {
		if i < len(p) {
			return p[i]
		}
		return ""
	}
	switch method + " " + at(0) {
	case "GET checks":
		if at(1) == "" {
			return npListChecks
		}
		return func(c *npCall) any { return c.with(at(1), npGetCheck) }
	case "PUT checks":
		return func(c *npCall) any { return c.with(at(1), npUpdateCheck) }
	case "GET results":
		if at(1) == "uptime" {
			return func(c *npCall) any { return c.with(at(2), npUptime) }
		}
		return func(c *npCall) any { return c.with(at(1), npResults) }
	case "GET maintenance":
		return npListMaintenance
	case "POST maintenance":
		switch at(1) {
		case "ad-hoc":
			return npStartMaintenance
		case "":
			return npPlanMaintenance
		}
	case "DELETE maintenance":
		return func(c *npCall) any { return npEndMaintenance(c, at(1)) }
	case "GET diagnostics":
		return func(c *npCall) any { return c.with(at(1), npDiagnose) }
	case "GET info":
		if at(1) == "probe" {
			return npProbes
		}
	}
	return nil
}

// with finds a check; one that is not there is a 200 with an error (note 8).
func (c *npCall) with(id string, then func(*npCall, *npCheck) any) any {
	for _, k := range c.np.Checks {
		if k.ID == id {
			return then(c, k)
		}
	}
	return obj{"error": "Unable to find that check"}
}

func npListChecks(c *npCall) any {
	out := obj{}
	for _, k := range c.np.Checks {
		out[k.ID] = c.view(k)
	}
	return out
}

func npGetCheck(c *npCall, k *npCheck) any { return c.view(k) }

// view is a check on the wire, odd types included (note 2).
func (c *npCall) view(k *npCheck) obj {
	failing, since := k.failing(c.s)
	o := obj{
		"_id": k.ID, "_rev": "3-" + tokenFor(8, alphabetHex, k.ID), "customer_id": nodepingAccount, "label": k.Label, "type": k.Type, "status": "assigned",
		"enable": "active", "public": false, "interval": k.Minutes, "created": c.s.StartedAt.AddDate(-1, 0, 0).UnixMilli(), "modified": k.Modified.UnixMilli(),
		"queue": tokenFor(10, alphabetAlnum, k.ID, "queue"), "uuid": uuidFor("nodeping", k.ID), "runlocations": []string{"eur", "nam"}, "homeloc": false, "dep": false,
		"mute": false, "autodiag": false, "tags": k.Tags, "description": k.Desc, "firstdown": 0,
		"notifications": []obj{{nodepingAccount + "-G-OPS01": obj{"delay": 2, "schedule": "All"}}},
		"parameters":    obj{"target": k.target(c.self), "threshold": "5", "sens": 2, "follow": false, "ipv6": "false"},
	}
	if k.Port > 0 {
		o["parameters"].(obj)["port"] = strconv.Itoa(k.Port)
	}
	if k.Old { // as checks of long ago are kept
		o["notifications"] = []obj{{nodepingAccount + "-G-OPS01": "All"}}
		o["runlocations"] = "eur"
	}
	switch {
	case k.Mute.For:
		o["mute"] = true
	case !k.Mute.Until.IsZero():
		o["mute"] = k.Mute.Until.UnixMilli()
	}
	if k.Disabled || c.np.inMaintenance(k.ID, c.s.Now) {
		o["enable"], o["queue"] = "inactive", false
		o["state"] = 0 // an old one: it says nothing
		return o
	}
	if k.New {
		return o // no state before the first result
	}
	o["state"] = 1
	if failing {
		o["state"], o["firstdown"] = 0, since.UnixMilli()
	}
	if c.text("lastresult") != "" {
		o["lastresult"] = c.result(k, k.lastRun(c.s.Now))
	}
	return o
}

// npUpdateCheck merges; the answer is sometimes the record as it was (note 8):
// here at every second update.
func npUpdateCheck(c *npCall, k *npCheck) any {
	before := c.view(k)
	switch v := c.args["mute"].(type) {
	case bool:
		k.Mute = npMute{For: v}
	case float64:
		k.Mute = npMute{Until: time.UnixMilli(int64(v)).UTC()}
	}
	if v := c.text("enabled"); v != "" {
		k.Disabled = v == "inactive" || v == "false"
	}
	k.Modified = c.s.Now
	if c.s.nextID("nodeping.update")%2 == 0 {
		return before
	}
	o := c.view(k)
	o["change"] = c.s.Now.UnixMilli()
	return o
}

func npListMaintenance(c *npCall) any {
	out := obj{}
	for _, m := range c.np.Maintenance {
		if m.Cron != "" || m.Start.Add(m.Length).After(c.s.Now) { // one that happens once vanishes (note 5)
			out[m.ID] = m.view(c.s.Now)
		}
	}
	return out
}

func npStartMaintenance(c *npCall) any {
	list, _ := c.args["checklist"].([]any)
	minutes, _ := strconv.ParseFloat(c.text("duration"), 64)
	if len(list) == 0 || minutes < 1 {
		return obj{"error": "checklist and duration are required"}
	}
	m := &npMaintenance{ID: strings.ToUpper(tokenFor(5, alphabetLower, "nodeping maintenance", c.s.nextID("nodeping.maintenance"))), Name: c.text("name"),
		Start: c.s.Now, Length: time.Duration(minutes * float64(time.Minute)), Checks: []string{}}
	for _, v := range list {
		id, _ := v.(string)
		if !slices.ContainsFunc(c.np.Checks, func(k *npCheck) bool { return k.ID == id }) {
			return obj{"error": "Unable to find that check"}
		}
		m.Checks = append(m.Checks, id)
	}
	c.np.Maintenance = append(c.np.Maintenance, m)
	return obj{m.ID: m.view(c.s.Now), "ok": true, "message": "Maintenance started"}
}

// npPlanMaintenance is one that comes again. The demo reads minute, hour and weekday.
func npPlanMaintenance(c *npCall) any {
	start := npSlot(c.text("cron"), c.s.Now)
	if start.IsZero() {
		return obj{"error": "cron: Invalid cron"}
	}
	out := npStartMaintenance(c)
	if o, ok := out.(obj); !ok || o["error"] != nil {
		return out
	}
	m := c.np.Maintenance[len(c.np.Maintenance)-1]
	m.Cron, m.Start = c.text("cron"), start
	return obj{m.ID: m.view(c.s.Now), "ok": true, "message": "Maintenance created"}
}

// npSlot is the next slot of "minute hour * * weekday" after now; zero for others.
func npSlot(cron string, now time.Time) time.Time {
	f := strings.Fields(cron)
	if len(f) != 5 || f[2] != "*" || f[3] != "*" {
		return time.Time{}
	}
	minute, merr := strconv.Atoi(f[0])
	hour, herr := strconv.Atoi(f[1])
	weekday, werr := strconv.Atoi(f[4])
	if merr != nil || herr != nil || werr != nil && f[4] != "*" || minute < 0 || minute > 59 || hour < 0 || hour > 23 || weekday < 0 || weekday > 7 {
		return time.Time{}
	}
	now = now.UTC()
	for d := range 8 {
		at := time.Date(now.Year(), now.Month(), now.Day()+d, hour, minute, 0, 0, time.UTC)
		if at.After(now) && (werr != nil || int(at.Weekday()) == weekday%7) {
			return at
		}
	}
	return time.Time{}
}

func npEndMaintenance(c *npCall, id string) any {
	n := len(c.np.Maintenance)
	c.np.Maintenance = slices.DeleteFunc(c.np.Maintenance, func(m *npMaintenance) bool { return m.ID == id })
	if len(c.np.Maintenance) == n {
		return obj{"error": "Unable to find that maintenance"}
	}
	return obj{"ok": true, "id": id}
}

func npDiagnose(c *npCall, k *npCheck) any {
	place := c.text("location")
	tool := c.text("tool")
	if !slices.ContainsFunc(npPlaces, func(p npPlace) bool { return p.code == place }) {
		return obj{"error": "location: Invalid location"}
	}
	if !slices.Contains([]string{"ping", "mtr", "traceroute", "dig"}, tool) {
		return obj{"error": "tool: Invalid tool"}
	}
	return obj{"type": tool, "location": place, "target": k.host(), "result": obj{"output": "PING " + k.host() + " (203.0.113.10) 56(84) bytes of data.\n" +
		"--- " + k.host() + " ping statistics ---\n4 packets transmitted, 4 received, 0% packet loss, time 3004ms\nrtt min/avg/max/mdev = 21.4/21.9/22.6/0.4 ms\n"}}
}

func npProbes(*npCall) any {
	out := obj{}
	for _, p := range npPlaces {
		out[p.code] = obj{"location": p.code, "locationname": p.name, "country": p.country, "region": p.region, "regionname": p.region, "ipv4": "198.51.100.7", "ipv6": ""}
	}
	return out
}

// newSite is what the probes ask: the product's own addresses. /api answers as the
// version that runs does; every other path is well.
func newSite(w *World) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		bad := false
		err := w.view(func(s *State) error {
			bad, _ = s.Facts.APIFailing(s.Now)
			return nil
		})
		switch {
		case err != nil:
			failed(rw, err)
		case bad && strings.HasPrefix(r.URL.Path, "/api"):
			writeText(rw, http.StatusServiceUnavailable, "upstream connect error or disconnect/reset before headers")
		default:
			writeText(rw, http.StatusOK, "OK")
		}
	})
}
