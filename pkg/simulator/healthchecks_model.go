package simulator

import (
	"crypto/sha1" //nolint:gosec // the vendor's name for a check
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// healthchecksState is the section of Healthchecks.io.
type healthchecksState struct {
	Checks []*hcCheck `json:"checks"`
}

// hcCheck is a check and the job behind it.
type hcCheck struct {
	UUID   string `json:"uuid"`
	Name   string `json:"name"`
	Slug   string `json:"slug"`
	Tags   string `json:"tags"`
	Desc   string `json:"desc"`
	Manual bool   `json:"manual"` // pings do not end a pause

	Timeout time.Duration `json:"timeout"` // of a simple check
	Grace   time.Duration `json:"grace"`
	Cron    string        `json:"cron"` // "minute hour * * *", daily
	Zone    string        `json:"zone"`

	Status       string        `json:"status"` // stored: new, up, down, paused
	LastPing     time.Time     `json:"lastPing"`
	Started      time.Time     `json:"started"` // of the run that has not ended; zero: none
	StartRID     string        `json:"startRid"`
	LastDuration time.Duration `json:"lastDuration"`
	NPings       int           `json:"nPings"`
	Log          []hcPing      `json:"log"`   // oldest first
	Flips        []hcFlip      `json:"flips"` // oldest first

	// The job: e2e follows the facts, others come every period and last a while.
	E2E   bool          `json:"e2e"`
	Seen  time.Time     `json:"seen"`  // up to when e2e was followed
	Next  time.Time     `json:"next"`  // begin of the job's next run; zero: it never comes
	Begun time.Time     `json:"begun"` // begin of the latest run
	Lasts time.Duration `json:"lasts"` // of a run; 0: it reports its end alone
}

type hcPing struct {
	N      int           `json:"n"`
	Type   string        `json:"type"`
	At     time.Time     `json:"at"`
	Method string        `json:"method"`
	UA     string        `json:"ua"`
	RID    string        `json:"rid"`
	Body   string        `json:"body"`
	Took   time.Duration `json:"took"`
}

type hcFlip struct {
	At time.Time `json:"at"`
	To string    `json:"to"`
}

// hcLogLimit is how many pings the plan keeps.
const hcLogLimit = 100

var (
	hcChannelPager = uuidFor("healthchecks channel", "victorops")
	hcChannelMail  = uuidFor("healthchecks channel", "mail")
)

// uniqueKey is how a read-only key knows the check (note 1).
func (k *hcCheck) uniqueKey() string {
	sum := sha1.Sum([]byte(strings.ReplaceAll(k.UUID, "-", "")[:16])) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

func (k *hcCheck) hasTags(tags []string) bool {
	own := strings.Fields(k.Tags)
	for _, t := range tags {
		if !slices.Contains(own, t) {
			return false
		}
	}
	return true
}

// expected is when the next signal is due; zero when nothing is known.
func (k *hcCheck) expected() time.Time {
	switch {
	case k.LastPing.IsZero():
		return time.Time{}
	case k.Cron != "":
		return hcDaily(k.Cron, k.Zone, k.LastPing)
	}
	return k.LastPing.Add(k.Timeout)
}

// hcDaily is the next slot of a cron expression "minute hour * * *" after t.
func hcDaily(expr, name string, t time.Time) time.Time {
	f := strings.Fields(expr)
	loc, err := time.LoadLocation(name)
	if len(f) != 5 || err != nil {
		return time.Time{}
	}
	minute, _ := strconv.Atoi(f[0])
	hour, _ := strconv.Atoi(f[1])
	l := t.In(loc)
	for d := range 3 {
		if at := time.Date(l.Year(), l.Month(), l.Day()+d, hour, minute, 0, 0, loc); at.After(t) {
			return at.UTC()
		}
	}
	return time.Time{}
}

// deadline is when the check goes down: late by its grace, or a run that did not
// end within its grace (note 3). Zero is never.
func (k *hcCheck) deadline() time.Time {
	var at time.Time
	if e := k.expected(); !e.IsZero() {
		at = e.Add(k.Grace)
	}
	if !k.Started.IsZero() {
		if s := k.Started.Add(k.Grace); at.IsZero() || s.Before(at) {
			at = s
		}
	}
	return at
}

// statusAt is what a reader is told, worked out when it reads (note 3).
func (k *hcCheck) statusAt(now time.Time) string {
	if k.Status == "paused" || k.Status == "down" {
		return k.Status
	}
	if d := k.deadline(); !d.IsZero() && !d.After(now) {
		return "down"
	}
	if e := k.expected(); k.Status == "up" && !e.IsZero() && !e.After(now) {
		return "grace"
	}
	return k.Status
}

// nextPing is when the time of grace begins; while a run goes on that may be its
// start, and lie in the past (note 3).
func (k *hcCheck) nextPing(now time.Time) time.Time {
	if s := k.statusAt(now); s == "new" || s == "down" || s == "paused" {
		return time.Time{}
	}
	e := k.expected()
	if !k.Started.IsZero() && (e.IsZero() || k.Started.Before(e)) {
		return k.Started
	}
	return e
}

// flip notes a change of the stored status.
func (k *hcCheck) flip(at time.Time, to string) {
	if k.Status == to {
		return
	}
	k.Status = to
	k.Flips = append(k.Flips, hcFlip{At: at, To: to})
}

// settle lets the check go down when its time is over by at.
func (k *hcCheck) settle(at time.Time) {
	if k.Status != "up" && k.Status != "new" {
		return
	}
	if d := k.deadline(); !d.IsZero() && !d.After(at) {
		k.flip(d, "down")
	}
}

// receive is a ping. Kinds: success, start, fail, log, ign.
func (k *hcCheck) receive(p hcPing) {
	k.settle(p.At.Add(-time.Nanosecond)) // at the last moment is in time
	k.NPings++
	p.N = k.NPings
	switch p.Type {
	case "start":
		k.Started, k.StartRID = p.At, p.RID
	case "success", "fail":
		if !k.Started.IsZero() && (p.RID == "" || p.RID == k.StartRID) {
			p.Took = p.At.Sub(k.Started)
			k.LastDuration = p.Took
		}
		// A success of another run leaves this one running, any failure ends it (note 3).
		if p.Type == "fail" || p.RID == "" || p.RID == k.StartRID {
			k.Started, k.StartRID = time.Time{}, ""
		}
		k.LastPing = p.At
		if k.Status != "paused" || !k.Manual {
			to := "up"
			if p.Type == "fail" {
				to = "down"
			}
			k.flip(p.At, to)
		}
	}
	k.Log = append(k.Log, p)
	if n := len(k.Log) - hcLogLimit; n > 0 {
		k.Log = slices.Clone(k.Log[n:])
	}
}

const hcAgent = "runitor/1.4.1 (+https://bdd.fi/x/runitor)"

// advanceHealthchecks lets the jobs report what they did by now.
func advanceHealthchecks(s *State, hc *healthchecksState, now time.Time) {
	for _, k := range hc.Checks {
		if k.E2E {
			// The job of e2e reports its successes and nothing else.
			for _, at := range s.Facts.E2EPasses {
				if at.After(k.Seen) && !at.After(now) {
					k.receive(hcPing{Type: "success", At: at, Method: "POST", UA: "curl/8.5.0"})
				}
			}
			k.Seen = later(k.Seen, now)
		}
		k.runs(now)
		k.settle(now)
	}
}

// runs lets a job that comes by itself run up to now.
func (k *hcCheck) runs(now time.Time) {
	for n := 0; !k.Next.IsZero() && !k.Next.After(now); n++ {
		every := k.Timeout
		if k.Cron != "" {
			every = 24 * time.Hour
		}
		if now.Sub(k.Next) > hcLogLimit*every { // nobody looked for long: only the latest are kept anyway
			k.Next = k.Next.Add(now.Sub(k.Next) / every * every).Add(-hcLogLimit / 4 * every)
		}
		start, rid := k.Next, uuidFor("healthchecks run", k.UUID, k.Next.Unix())
		if k.Lasts > 0 && !k.Begun.Equal(start) {
			k.Begun = start
			k.receive(hcPing{Type: "start", At: start, Method: "POST", UA: hcAgent, RID: rid})
		}
		end := start.Add(k.Lasts)
		if end.After(now) {
			return // it goes on; it is seen again with the same beginning
		}
		k.receive(hcPing{Type: "success", At: end, Method: "POST", UA: hcAgent, RID: rid, Body: k.Name + ": done"})
		k.Next = start.Add(every)
		if k.Cron != "" {
			k.Next = hcDaily(k.Cron, k.Zone, start)
		}
	}
}
