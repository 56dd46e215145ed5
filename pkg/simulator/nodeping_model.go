package simulator

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// nodepingState is the section of NodePing. Results are not kept: they follow
// from the clock and the facts.
type nodepingState struct {
	Checks      []*npCheck       `json:"checks"`
	Maintenance []*npMaintenance `json:"maintenance"`
}

type npCheck struct {
	ID       string    `json:"id"`
	Label    string    `json:"label"`
	Type     string    `json:"type"`
	Path     string    `json:"path"` // of a page below the demo's own site; "" with Host
	Host     string    `json:"host"`
	Port     int       `json:"port"`
	Desc     string    `json:"desc"`
	Minutes  int       `json:"minutes"` // between two runs
	Tags     []string  `json:"tags"`
	Disabled bool      `json:"disabled"`
	New      bool      `json:"new"`
	Old      bool      `json:"old"` // kept in the forms of long ago
	API      bool      `json:"api"` // it follows what the API answers
	Mute     npMute    `json:"mute"`
	Modified time.Time `json:"modified"`
}

type npMute struct {
	For   bool      `json:"for"`
	Until time.Time `json:"until"`
}

type npMaintenance struct {
	ID     string        `json:"id"`
	Name   string        `json:"name"`
	Cron   string        `json:"cron"`
	Start  time.Time     `json:"start"` // of the next run
	Length time.Duration `json:"length"`
	Checks []string      `json:"checks"`
}

func (m *npMaintenance) runs(now time.Time) bool {
	return !m.Start.After(now) && m.Start.Add(m.Length).After(now)
}

func (m *npMaintenance) view(now time.Time) obj {
	o := obj{"name": m.Name, "enabled": true, "processing": m.runs(now), "duration": int(m.Length / time.Minute), "nextrun": m.Start.UnixMilli(), "checklist": m.Checks, "history": obj{}}
	if m.Cron != "" {
		o["cron"] = m.Cron
	}
	return o
}

func (np *nodepingState) inMaintenance(id string, now time.Time) bool {
	return slices.ContainsFunc(np.Maintenance, func(m *npMaintenance) bool { return m.runs(now) && slices.Contains(m.Checks, id) })
}

type npPlace struct{ code, name, country, region string }

// npPlaces are the probes. The last one still gets through when the API fails.
var npPlaces = []npPlace{
	{"nl", "Amsterdam, Netherlands", "NL", "eur"}, {"de", "Frankfurt, Germany", "DE", "eur"}, {"ld", "London, United Kingdom", "GB", "eur"},
	{"ny", "New York, USA", "US", "nam"}, {"tx", "Dallas, USA", "US", "nam"}, {"ca", "San Jose, USA", "US", "nam"},
}

// failing tells whether the check fails, and since when.
func (k *npCheck) failing(s *State) (bool, time.Time) {
	if !k.API {
		return false, time.Time{}
	}
	return s.Facts.APIFailing(s.Now)
}

func (k *npCheck) target(root string) string {
	if k.Path != "" {
		return root + "/site" + k.Path
	}
	return k.Host
}

func (k *npCheck) host() string {
	if k.Host != "" {
		h, _, _ := strings.Cut(k.Host, ":")
		return h
	}
	u, err := url.Parse(BaseURL)
	if err != nil {
		return Host
	}
	return u.Hostname()
}

func (k *npCheck) every() time.Duration { return time.Duration(k.Minutes) * time.Minute }

// lastRun is the number of the latest run by now, counted since 1970. Checks do
// not run at one moment.
func (k *npCheck) lastRun(now time.Time) int64 {
	return now.Add(-k.offset()).UnixNano() / int64(k.every())
}

func (k *npCheck) offset() time.Duration {
	return time.Duration(noise("nodeping offset", k.ID) * float64(min(k.every(), 50*time.Second)))
}

func (k *npCheck) runAt(n int64) time.Time {
	return time.Unix(0, n*int64(k.every())).Add(k.offset()).UTC()
}

// result is what run n was answered, with the odd types of the wire (note 3).
func (c *npCall) result(k *npCheck, n int64) obj {
	at := k.runAt(n)
	place := npPlaces[int(n)%len(npPlaces)]
	took := 40 + 60*noise(k.ID, n)
	code, message, ok := "Success", "", true
	if strings.HasPrefix(k.Type, "HTTP") {
		code, took = "200", 110+90*noise(k.ID, n)
	}
	switch k.Type {
	case "SSL":
		code, message = "valid", "certificate valid, expires in 61 days"
	}
	if k.API {
		if failing, _ := c.s.Facts.APIFailing(at); failing && place.code != npPlaces[len(npPlaces)-1].code {
			ok, code, message, took = false, "503", "Invalid status: 503", 180+120*noise(k.ID, n)
			if n%4 == 0 {
				code, message, took = "Error", "Timeout after 5000ms", 5003
			}
		}
	}
	start := at.Add(time.Duration(noise(k.ID, n, "late") * float64(900*time.Millisecond))).Truncate(time.Millisecond)
	end := start.Add(time.Duration(took) * time.Millisecond)
	where := obj{strconv.FormatInt(start.UnixMilli(), 10): place.code}
	if !ok {
		for i := 1; i <= 2; i++ {
			again := npPlaces[(int(n)+i)%(len(npPlaces)-1)]
			where[strconv.FormatInt(start.Add(time.Duration(i)*time.Second).UnixMilli(), 10)] = again.code
		}
	}
	o := obj{
		"_id": k.ID + "-" + strconv.FormatInt(start.UnixMilli(), 10), "ci": nodepingAccount, "t": k.Type, "tg": k.target(c.self), "th": "5", "i": strconv.Itoa(k.Minutes),
		"ra": strconv.FormatInt(at.UnixMilli(), 10), "q": tokenFor(10, alphabetAlnum, k.ID, "queue"), "s": start.UnixMilli(), "e": end.UnixMilli(),
		"sc": code, "su": ok, "rt": int(took), "l": where,
	}
	if message != "" {
		o["m"] = message
	}
	return o
}

// npResults: newest first; wrapped unless clean is asked for (note 3).
func npResults(c *npCall, k *npCheck) any {
	limit := 300
	low, high := time.Time{}, c.s.Now
	if n, err := strconv.Atoi(c.text("limit")); err == nil && n > 0 {
		limit = min(n, 43201)
	}
	if n, err := strconv.ParseFloat(c.text("span"), 64); err == nil && n > 0 {
		low = c.s.Now.Add(-time.Duration(n * float64(time.Hour)))
		if c.text("limit") == "" {
			limit = 43201
		}
	}
	if n, err := strconv.ParseInt(c.text("start"), 10, 64); err == nil {
		low = time.UnixMilli(n)
	}
	if n, err := strconv.ParseInt(c.text("end"), 10, 64); err == nil {
		high = time.UnixMilli(n)
	}
	low = later(low, c.s.Now.AddDate(0, -1, 0)) // about a month is kept
	out := []obj{}
	if k.Disabled || k.New {
		return out
	}
	for n := k.lastRun(high); len(out) < limit && !k.runAt(n).Before(low); n-- {
		row := c.result(k, n)
		if c.text("clean") != "true" && limit != 1 {
			row = obj{"doc": row}
		}
		out = append(out, row)
	}
	return out
}

// npUptime counts the outages that the facts know, by day or by month.
func npUptime(c *npCall, k *npCheck) any {
	form := "2006-01"
	begin := c.s.Now.AddDate(0, -2, 0)
	if c.text("interval") == "days" {
		form, begin = "2006-01-02", c.s.Now.AddDate(0, 0, -13)
	}
	if t, err := time.Parse("2006-01-02", c.text("start")); err == nil {
		begin = t
	}
	begin = later(begin, c.s.Now.AddDate(-1, 0, 0)).Truncate(24 * time.Hour)
	type sum struct{ enabled, down time.Duration }
	spans, total := map[string]sum{}, sum{}
	flips := c.s.Facts.APIFlips(c.s.Now)
	for day := begin; day.Before(c.s.Now); day = day.AddDate(0, 0, 1) {
		end := day.AddDate(0, 0, 1)
		if end.After(c.s.Now) {
			end = c.s.Now
		}
		down := time.Duration(0)
		for i, f := range flips {
			if !k.API || !f.Failing {
				continue
			}
			to := c.s.Now
			if i+1 < len(flips) {
				to = flips[i+1].At
			}
			from := later(f.At, day)
			if to.After(end) {
				to = end
			}
			if to.After(from) {
				down += to.Sub(from)
			}
		}
		s := spans[day.Format(form)]
		s.enabled, s.down = s.enabled+end.Sub(day), s.down+down
		spans[day.Format(form)] = s
		total.enabled, total.down = total.enabled+end.Sub(day), total.down+down
	}
	out := obj{}
	spans["total"] = total
	for name, s := range spans {
		up := 100.0
		if s.enabled > 0 {
			up = float64(int64(100000*(1-float64(s.down)/float64(s.enabled)))) / 1000
		}
		out[name] = obj{"enabled": s.enabled.Milliseconds(), "down": strconv.FormatInt(s.down.Milliseconds(), 10), "uptime": up}
	}
	return out
}

func npID(name string) string {
	return nodepingAccount + "-" + strings.ToUpper(tokenFor(8, alphabetLower, "nodeping check", name))
}

func seedNodePing(s *State, np *nodepingState) {
	changed := s.StartedAt.AddDate(0, -1, 0)
	for _, k := range []*npCheck{
		{Label: ProbeAPI, Type: "HTTP", Path: "/api/ping", Minutes: 1, Tags: []string{"prod"}, API: true, Desc: "the API as devices see it"},
		{Label: "dashboard", Type: "HTTPCONTENT", Path: "/dashboard/", Minutes: 1, Tags: []string{"prod"}},
		{Label: "registry", Type: "HTTP", Path: "/registry/v2/", Minutes: 1, Tags: []string{"prod"}},
		{Label: "api certificate", Type: "SSL", Host: "api.example.test", Minutes: 60, Tags: []string{"prod", "tls"}},
		{Label: "cloudlink", Type: "PORT", Host: "vpn.example.test", Port: 443, Minutes: 1, Tags: []string{"prod"}, Old: true},
		{Label: "docs", Type: "HTTP", Path: "/docs/", Minutes: 5, Tags: []string{}, Disabled: true},
		{Label: "staging api", Type: "HTTP", Path: "/staging/ping", Minutes: 5, Tags: []string{"staging"}, Mute: npMute{For: true}},
		{Label: "new console", Type: "HTTP", Path: "/console/", Minutes: 5, Tags: []string{}, New: true},
	} {
		k.ID, k.Modified = npID(k.Label), changed
		np.Checks = append(np.Checks, k)
	}
	np.Maintenance = []*npMaintenance{{ID: "9VKOB", Name: "weekly image maker restart", Cron: "0 4 * * 0", Start: s.StartedAt.Add(3 * 24 * time.Hour).Truncate(time.Hour),
		Length: 30 * time.Minute, Checks: []string{npID("registry")}}}
}
