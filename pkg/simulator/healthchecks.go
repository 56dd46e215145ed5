package simulator

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Credentials of the demo's project of Healthchecks.io. An API key has exactly
// 32 characters, a ping key 22 (note 1, note 4).
const (
	HealthchecksAPIKey      = "hcw_demodemodemodemodemodemodemo"
	HealthchecksReadOnlyKey = "hcr_demodemodemodemodemodemodemo"
	HealthchecksPingKey     = "demopingkeydemopingkey"
)

// hcBodyLimit is what the demo keeps of a ping's body.
const hcBodyLimit = 10_000

func healthchecksService() service {
	return service{
		name:   "healthchecks",
		state:  stateOf(seedHealthchecks, advanceHealthchecks),
		mounts: map[string]mount{"healthchecks": newHealthchecks, "hc-ping": newHcPing},
		env: func(base string) []string {
			return []string{
				"ONCALL_HEALTHCHECKS_URL=" + base + "/healthchecks/api/v3",
				"ONCALL_HEALTHCHECKS_API_KEY=" + HealthchecksAPIKey,
				"ONCALL_HEALTHCHECKS_PING_URL=" + base + "/hc-ping",
				"ONCALL_HEALTHCHECKS_PING_KEY=" + HealthchecksPingKey,
			}
		},
		limits: []limit{{
			name: "api", n: 100, per: time.Minute,
			match: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") },
			refuse: func(rw http.ResponseWriter, _ *http.Request, _ time.Duration) {
				rw.WriteHeader(http.StatusTooManyRequests)
			},
		}},
	}
}

// hcCall is one management call inside a transaction.
type hcCall struct {
	s       *State
	hc      *healthchecksState
	r       *http.Request
	version string // v1, v2, v3
	full    bool   // the key may write
}

// hcAnswer is an answer: JSON, text or nothing (note 5).
type hcAnswer struct {
	status int
	json   any
	text   *string
	page   bool // Django's page
}

func hcOK(v any) hcAnswer { return hcAnswer{status: http.StatusOK, json: v} }
func hcError(status int, text string) hcAnswer {
	return hcAnswer{status: status, json: obj{"error": text}}
}
func hcText(status int, text string) hcAnswer { return hcAnswer{status: status, text: &text} }
func hcEmpty(status int) hcAnswer             { return hcAnswer{status: status} }
func hcNotFound() hcAnswer                    { return hcAnswer{status: http.StatusNotFound, page: true} }

func (a hcAnswer) write(rw http.ResponseWriter) {
	switch {
	case a.page:
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.WriteHeader(a.status)
		_, _ = io.WriteString(rw, "<!doctype html>\n<html lang=\"en\">\n<head><title>Not Found</title></head>\n<body><h1>Not Found</h1></body>\n</html>\n")
	case a.json != nil:
		writeJSON(rw, a.status, a.json)
	case a.text != nil:
		writeText(rw, a.status, *a.text)
	default:
		rw.WriteHeader(a.status)
	}
}

// newHealthchecks serves the management API. Collections end in a slash and
// single things do not; the server redirects to a missing one, and whoever
// follows with a POST turns it into a GET (note 5).
func newHealthchecks(w *World) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
		version := parts[0]
		if !strings.HasPrefix(r.URL.Path, "/api/") || version != "v1" && version != "v2" && version != "v3" {
			hcNotFound().write(rw)
			return
		}
		parts = parts[1:]
		// Collections have a slash at the end, and one without it is sent there.
		one := len(parts) == 1 && (parts[0] == "checks" || parts[0] == "channels" || parts[0] == "badges" || parts[0] == "status")
		if one || len(parts) == 3 && parts[0] == "checks" && (parts[2] == "pings" || parts[2] == "flips") {
			http.Redirect(rw, r, SelfURL(r)+r.URL.Path+"/", http.StatusMovedPermanently)
			return
		}
		if strings.Join(parts, "/") == "status/" {
			writeText(rw, http.StatusOK, "OK")
			return
		}
		route, method, write := hcRoute(parts)
		switch {
		case route == nil:
			hcNotFound().write(rw)
			return
		case r.Method != method:
			rw.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		key := r.Header.Get("X-Api-Key")
		if len(key) != 32 {
			hcError(http.StatusUnauthorized, "missing api key").write(rw)
			return
		}
		full := key == HealthchecksAPIKey
		if !full && (write || key != HealthchecksReadOnlyKey) {
			hcError(http.StatusUnauthorized, "wrong api key").write(rw)
			return
		}
		if method == http.MethodPost {
			body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
			if text := strings.TrimSpace(string(body)); text != "" && !strings.HasPrefix(text, "{") {
				hcError(http.StatusBadRequest, "could not parse request body").write(rw)
				return
			}
		}
		run := w.view
		if method == http.MethodPost {
			run = w.update
		}
		var answer hcAnswer
		err := run(func(s *State) error {
			answer = route(&hcCall{s: s, hc: part[healthchecksState](s), r: r, version: version, full: full})
			return nil
		})
		if err != nil {
			failed(rw, err)
			return
		}
		answer.write(rw)
	})
}

// hcRoute finds the handler of a path below the version, its method, and
// whether it needs a key that writes (note 1: also for pings and channels).
func hcRoute(parts []string) (route func(*hcCall) hcAnswer, method string, write bool) {
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return "\x00"
	}
	id := at(1)
	switch {
	case len(parts) == 2 && at(0) == "checks" && id == "":
		return hcList, http.MethodGet, false
	case len(parts) == 2 && at(0) == "channels" && id == "":
		return hcChannels, http.MethodGet, true
	case at(0) != "checks" || id != strings.ToLower(id):
		return nil, "", false
	case len(parts) == 2:
		return func(c *hcCall) hcAnswer { return c.with(id, true, hcGet) }, http.MethodGet, false
	case len(parts) == 3 && at(2) == "pause":
		return func(c *hcCall) hcAnswer { return c.with(id, false, hcPause) }, http.MethodPost, true
	case len(parts) == 3 && at(2) == "resume":
		return func(c *hcCall) hcAnswer { return c.with(id, false, hcResume) }, http.MethodPost, true
	case len(parts) == 4 && at(2) == "pings" && at(3) == "":
		return func(c *hcCall) hcAnswer { return c.with(id, false, hcPings) }, http.MethodGet, true
	case len(parts) == 5 && at(2) == "pings" && at(4) == "body":
		n, err := strconv.Atoi(at(3))
		if err != nil {
			return nil, "", false
		}
		return func(c *hcCall) hcAnswer {
			return c.with(id, false, func(_ *hcCall, k *hcCheck) hcAnswer { return hcPingBody(k, n) })
		}, http.MethodGet, true
	case len(parts) == 4 && at(2) == "flips" && at(3) == "":
		return func(c *hcCall) hcAnswer { return c.with(id, true, hcFlips) }, http.MethodGet, false
	}
	return nil, "", false
}

// with finds a check by UUID, or where that is allowed by unique key.
func (c *hcCall) with(id string, byKey bool, then func(*hcCall, *hcCheck) hcAnswer) hcAnswer {
	for _, k := range c.hc.Checks {
		if k.UUID == id || byKey && k.uniqueKey() == id {
			return then(c, k)
		}
	}
	return hcNotFound()
}

func hcList(c *hcCall) hcAnswer {
	out := []obj{}
	q := c.r.URL.Query()
	for _, k := range c.hc.Checks {
		if slug := q.Get("slug"); slug != "" && slug != k.Slug {
			continue
		}
		if k.hasTags(q["tag"]) {
			out = append(out, c.view(k))
		}
	}
	return hcOK(obj{"checks": out})
}

func hcGet(c *hcCall, k *hcCheck) hcAnswer { return hcOK(c.view(k)) }

func hcPause(c *hcCall, k *hcCheck) hcAnswer {
	if k.Status != "paused" {
		k.flip(c.s.Now, "paused")
		k.Started = time.Time{}
	}
	return hcOK(c.view(k))
}

func hcResume(c *hcCall, k *hcCheck) hcAnswer {
	if k.Status != "paused" {
		return hcText(http.StatusConflict, "check is not paused")
	}
	k.flip(c.s.Now, "new")
	k.LastPing, k.Started = time.Time{}, time.Time{}
	return hcOK(c.view(k))
}

func hcChannels(c *hcCall) hcAnswer {
	return hcOK(obj{"channels": []obj{
		{"id": hcChannelPager, "name": "VictorOps " + TeamOperations, "kind": "victorops"},
		{"id": hcChannelMail, "name": "ops@example.test", "kind": "email"},
	}})
}

// view is a check on the wire, by version and key (note 1).
func (c *hcCall) view(k *hcCheck) obj {
	status, started := k.statusAt(c.s.Now), !k.Started.IsZero()
	if c.version == "v1" && started {
		status = "started"
	}
	o := obj{
		"name": k.Name, "slug": k.Slug, "tags": k.Tags, "desc": k.Desc, "grace": int(k.Grace / time.Second), "n_pings": k.NPings,
		"status": status, "started": started, "last_ping": hcTime(k.LastPing), "next_ping": hcTime(k.nextPing(c.s.Now)),
		"manual_resume": k.Manual, "methods": "", "subject": "", "subject_fail": "", "start_kw": "", "success_kw": "", "failure_kw": "",
		"filter_subject": false, "filter_body": false, "filter_http_body": false, "filter_default_fail": false,
		"badge_url": SelfURL(c.r) + "/b/3/" + k.UUID + ".svg",
	}
	if k.LastDuration > 0 {
		o["last_duration"] = int(k.LastDuration / time.Second)
	}
	if k.Cron != "" {
		o["schedule"], o["tz"] = k.Cron, k.Zone
	} else {
		o["timeout"] = int(k.Timeout / time.Second)
	}
	if !c.full {
		o["unique_key"] = k.uniqueKey()
		return o
	}
	self := SelfURL(c.r) + "/api/" + c.version + "/checks/" + k.UUID
	o["uuid"], o["update_url"], o["pause_url"], o["resume_url"] = k.UUID, self, self+"/pause", self+"/resume"
	o["ping_url"] = strings.TrimSuffix(SelfURL(c.r), "/healthchecks") + "/hc-ping/" + k.UUID
	o["channels"] = hcChannelPager + "," + hcChannelMail
	return o
}

// hcTime is a time of a check: whole seconds, with its offset (note 2).
func hcTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Second).Format("2006-01-02T15:04:05-07:00")
}

func hcPings(c *hcCall, k *hcCheck) hcAnswer {
	out := []obj{}
	for i := len(k.Log) - 1; i >= 0; i-- {
		p := k.Log[i]
		o := obj{
			"type": p.Type, "date": p.At.UTC().Format("2006-01-02T15:04:05.000000-07:00"), "n": p.N, "scheme": "https", "method": p.Method,
			"ua": p.UA, "remote_addr": "203.0.113.7", "rid": nil, "body_url": nil,
		}
		if p.RID != "" {
			o["rid"] = p.RID
		}
		if p.Body != "" {
			o["body_url"] = fmt.Sprintf("%s/api/%s/checks/%s/pings/%d/body", SelfURL(c.r), c.version, k.UUID, p.N)
		}
		if p.Took > 0 {
			o["duration"] = p.Took.Seconds()
		}
		out = append(out, o)
	}
	return hcOK(obj{"pings": out})
}

func hcPingBody(k *hcCheck, n int) hcAnswer {
	for _, p := range k.Log {
		if p.N == n && p.Body != "" {
			return hcText(http.StatusOK, p.Body)
		}
	}
	return hcNotFound()
}

// hcFlips: a bad number is a 400 without a word; end is exclusive (note 2).
func hcFlips(c *hcCall, k *hcCheck) hcAnswer {
	q := c.r.URL.Query()
	low, high := time.Time{}, c.s.Now.Add(time.Hour)
	for name, into := range map[string]*time.Time{"start": &low, "end": &high} {
		if text := q.Get(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return hcEmpty(http.StatusBadRequest)
			}
			*into = time.Unix(n, 0)
		}
	}
	if text := q.Get("seconds"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > 31536000 {
			return hcEmpty(http.StatusBadRequest)
		}
		low = c.s.Now.Add(-time.Duration(n) * time.Second)
	}
	out := []obj{}
	for i := len(k.Flips) - 1; i >= 0; i-- {
		f := k.Flips[i]
		if f.At.Before(low) || !f.At.Before(high) {
			continue
		}
		up := 0
		if f.To == "up" {
			up = 1
		}
		out = append(out, obj{"timestamp": hcTime(f.At), "up": up})
	}
	return hcOK(obj{"flips": out})
}
