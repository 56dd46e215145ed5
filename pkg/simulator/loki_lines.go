package simulator

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/balena-io/oncall/pkg/simulator/internal/logql"
)

// The log lines of the demo world are functions of the clock and of Facts; none
// is stored. Each service writes in slots of a fixed length; a slot's number
// decides what stands in it.
const logRetention = 7 * 24 * time.Hour

// lokiStore is the lines as they stand at now.
type lokiStore struct {
	facts   *Facts
	now     time.Time
	streams map[string]*logql.Stream
	order   []*logql.Stream

	second  int64 // for which the two below hold; a scan goes on in time
	ratio   float64
	version string
}

// api tells the error ratio and the version of api in a second.
func (l *lokiStore) api(at time.Time) (ratio float64, version string) {
	if s := at.Unix(); s != l.second {
		l.second, l.ratio, l.version = s, l.facts.errorRatioAt(at), l.facts.apiVersionAt(at)
	}
	return l.ratio, l.version
}

// logSource writes the lines of one slot of a service, at the slot's own instant.
type logSource struct {
	service string
	hosts   []string
	levels  []string
	slot    time.Duration
	write   func(l *lokiStore, slot uint64, at time.Time) (host int, level, text string, meta map[string]string)
	// more is a second line of the same instant; "" is none.
	more func(level string, slot uint64) string
}

func logSources() []logSource {
	api := logSource{service: ComponentAPI, levels: []string{"info", "warn", "error"}, slot: 200 * time.Millisecond, write: apiLine, more: apiTrace}
	for n := range APIReplicas {
		api.hosts = append(api.hosts, fmt.Sprintf("ip-10-0-1-%d", 11+n))
	}
	return []logSource{api,
		{service: "registry", hosts: []string{"registry-1", "registry-2"}, levels: []string{"info", "warn"}, slot: time.Second, write: registryLine},
		{service: "vpn", hosts: []string{"ip-10-0-2-11", "ip-10-0-2-12"}, levels: []string{"info"}, slot: 500 * time.Millisecond, write: vpnLine},
	}
}

func newLokiStore(f *Facts, now time.Time) *lokiStore {
	l := &lokiStore{facts: f, now: now, streams: map[string]*logql.Stream{}}
	for _, src := range logSources() {
		for _, host := range src.hosts {
			for _, level := range src.levels {
				s := &logql.Stream{Labels: map[string]string{"env": "production", "service": src.service, "host": host, "level": level}}
				l.streams[src.service+"/"+host+"/"+level] = s
				l.order = append(l.order, s)
			}
		}
	}
	return l
}

// Streams implements logql.Storage.
func (l *lokiStore) Streams() []*logql.Stream { return l.order }

// cursor is one service's place in a scan.
type cursor struct {
	src  logSource
	slot uint64
	at   time.Time
}

func (c *cursor) next() {
	c.slot++
	c.place()
}

// place sets the instant of the slot: somewhere in its first half.
func (c *cursor) place() {
	base := int64(c.slot) * int64(c.src.slot) //nolint:gosec // a time
	c.at = time.Unix(0, base+int64(quickNoise(c.slot, c.src.service, "at")*float64(c.src.slot/2)))
}

// Scan implements logql.Storage.
func (l *lokiStore) Scan(from, to int64, want func(*logql.Stream) bool, emit func(*logql.Stream, logql.Line) bool) {
	from = max(from, l.now.Add(-logRetention).UnixNano())
	to = min(to, l.now.UnixNano()+1)
	wanted := map[*logql.Stream]bool{}
	services := map[string]bool{}
	for _, s := range l.order {
		if want(s) {
			wanted[s], services[s.Labels["service"]] = true, true
		}
	}
	cursors := []*cursor{}
	for _, src := range logSources() {
		if !services[src.service] {
			continue
		}
		c := &cursor{src: src, slot: uint64(max(from, 0) / int64(src.slot))}
		for c.place(); c.at.UnixNano() < from; {
			c.next()
		}
		cursors = append(cursors, c)
	}
	for len(cursors) > 0 {
		first := cursors[0]
		for _, c := range cursors[1:] {
			if c.at.Before(first.at) {
				first = c
			}
		}
		if first.at.UnixNano() >= to {
			return
		}
		if !l.emitSlot(first, wanted, emit) {
			return
		}
		first.next()
	}
}

func (l *lokiStore) emitSlot(c *cursor, wanted map[*logql.Stream]bool, emit func(*logql.Stream, logql.Line) bool) bool {
	host, level, text, meta := c.src.write(l, c.slot, c.at)
	s := l.streams[c.src.service+"/"+c.src.hosts[host]+"/"+level]
	if !wanted[s] {
		return true
	}
	if !emit(s, logql.Line{NS: c.at.UnixNano(), Text: text, Meta: meta}) {
		return false
	}
	if c.src.more == nil {
		return true
	}
	if more := c.src.more(level, c.slot); more != "" {
		return emit(s, logql.Line{NS: c.at.UnixNano(), Text: more, Meta: meta})
	}
	return true
}

// apiRoute is a path of the API with its part of the traffic; 400s of the bad
// version are all on the one that is marked. A device's uuid stands between the
// path and its tail.
type apiRoute struct {
	method, path, tail string
	until              float64 // share, summed up
}

var apiRoutes = []apiRoute{{"GET", "/v7/device", "", 0.32}, {"PATCH", "/device/v2/", "/state", 0.58}, {"GET", "/device/v3/", "/state", 0.8}, {"POST", "/auth/v1/public-keys", "", 0.86}, {"GET", "/v7/application", "", 0.95}, {"GET", "/ping", "", 1}}

const apiBadRoute = 1 // PATCH /device/v2/UUID/state, of which 17.5.0 refuses more

// apiDevices are the devices that call the API: as with a real fleet, hardly two
// of its paths are equal.
var apiDevices = sync.OnceValue(func() (out [120]string) {
	for i := range out {
		out[i] = fmt.Sprintf("%016x%016x", mix(uint64(i)^0xde7), mix(uint64(i)^0x1ce))
	}
	return out
})

// apiLine is an access log line of api. Its shares of 4xx and 5xx are those of
// the metrics, and 17.5.0 also answers more 400 on one path.
func apiLine(l *lokiStore, slot uint64, at time.Time) (host int, level, text string, meta map[string]string) {
	host = int(quickNoise(slot, "host") * APIReplicas)
	p, r := quickNoise(slot, "status"), quickNoise(slot, "route")
	route := slices.IndexFunc(apiRoutes, func(x apiRoute) bool { return r < x.until })
	bad, version := l.api(at)
	extra := max(0, bad-ErrorRatioGood) * extra400
	status, level := 200, "info"
	switch {
	case p < bad*0.6:
		status = 500
	case p < bad*0.9:
		status = 502
	case p < bad:
		status = 503
	case p < bad+extra:
		status, route = 400, apiBadRoute
	case p < bad+extra+0.015:
		status = 400
	case p < bad+extra+0.035:
		status = 404
	case p < bad+extra+0.045:
		status = 401
	}
	took := 8 + 60*math.Pow(quickNoise(slot, "took"), 3)
	switch {
	case status >= 500:
		level, took = "error", 5000+200*quickNoise(slot, "slow")
	case status >= 400:
		level = "warn"
	}
	trace := fmt.Sprintf("%016x", mix(slot^0x5eed))
	path := apiRoutes[route].path
	if tail := apiRoutes[route].tail; tail != "" {
		devices := apiDevices()
		path += devices[int(quickNoise(slot, "device")*float64(len(devices)))] + tail
	}
	text = "method=" + apiRoutes[route].method + " path=" + path + " status=" + strconv.Itoa(status) +
		" duration=" + strconv.FormatFloat(took, 'f', 0, 64) + "ms version=" + version
	return host, level, text, map[string]string{"trace_id": trace}
}

// apiTrace is what an error says besides its access line, at the same instant.
func apiTrace(level string, slot uint64) string {
	if level != "error" {
		return ""
	}
	return fmt.Sprintf(`msg="timeout acquiring a connection" err="pool exhausted after 5000ms" waiting=%d`, 40+int(20*quickNoise(slot, "waiting")))
}

func registryLine(_ *lokiStore, slot uint64, _ time.Time) (host int, level, text string, meta map[string]string) {
	host, level = int(quickNoise(slot, "registry")*2), "info"
	digest := fmt.Sprintf("%012x", mix(slot)>>16)
	if host == 1 && slot%97 == 0 {
		return host, "warn", `{"event":"disk","usage":0.91,"mount":"/","message":"disk is almost full"}`, nil
	}
	return host, level, fmt.Sprintf(`{"event":"pull","repository":"library/app-%d","digest":"sha256:%s","status":200,"bytes":%d}`, slot%7, digest, 1000+mix(slot)%9000000), nil
}

func vpnLine(_ *lokiStore, slot uint64, _ time.Time) (host int, level, text string, meta map[string]string) {
	what := "connected"
	if slot%3 == 0 {
		what = "disconnected"
	}
	return int(quickNoise(slot, "vpn") * 2), "info", fmt.Sprintf("client %08x %s from 198.51.100.%d port %d", uint32(mix(slot)), what, slot%254+1, 1024+mix(slot)%60000), nil //nolint:gosec // cut on purpose
}
