package heartbeat

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/balena-io/oncall/pkg/healthchecks"
	"github.com/balena-io/oncall/pkg/shell"
)

// Verdict is what is wrong with a job, as far as it can be told.
type Verdict string

// The verdicts.
const (
	NotStarting Verdict = "the job does not start"
	Failing     Verdict = "the job runs and fails"
	Hanging     Verdict = "the job hangs"
	Silent      Verdict = "the job runs, and its signal does not arrive"
	NoSignal    Verdict = "no signal arrives" // does not start, or never says that it failed
	Trying      Verdict = "a new run is going on after a failure"
	JustLate    Verdict = "late, and not yet down"
	Fine        Verdict = "nothing is wrong"
	Unwatched   Verdict = "not watched"
	Undecided   Verdict = "cannot be told"
)

// Evidence is one fact and where it comes from.
type Evidence struct {
	Source string     `json:"source"` // check, pings, jenkins
	At     *time.Time `json:"at"`
	Text   string     `json:"text"`
}

// Why is the answer to "why is it down?".
type Why struct {
	Check    Check      `json:"check"`
	Verdict  Verdict    `json:"verdict"`
	Evidence []Evidence `json:"evidence"`
	Unknown  []string   `json:"unknown"` // what could not be known, and why
	Next     []string   `json:"next"`    // commands that make sense now
}

// Build is a run of the job that the check watches, in the CI's records.
type Build struct {
	Name    string // job#number
	Result  string // SUCCESS, FAILURE, ...; "" while it runs
	Queued  time.Time
	Ended   time.Time     // zero while it runs
	Usual   time.Duration // how long it usually takes; 0 is unknown
	URL     string
	Command string // that tells more about it
}

// Passed reports whether the build ended well.
func (b Build) Passed() bool { return b.Result == "SUCCESS" }

// Builds lists the latest builds of the job behind a check, newest first.
type Builds func(ctx context.Context) ([]Build, error)

// Why finds out, from the check alone where the key allows no more, whether the
// job does not start, fails or hangs, and takes the CI's last builds as evidence.
// job finds the builds of a check's job; nil Builds mean that none is configured.
func (m *Monitor) Why(ctx context.Context, word string, job func(context.Context, Check) (Builds, error)) (Why, error) {
	c, err := m.Find(ctx, word)
	if err != nil {
		return Why{}, err
	}
	var builds Builds
	if job != nil {
		if builds, err = job(ctx, c); err != nil {
			return Why{}, err
		}
	}
	w, err := m.inquire(ctx, c, builds)
	if err != nil || c.State != Down {
		return w, err
	}
	// A job may have ended while this was read: its build would be there and its
	// signal not, as if that had been lost. Then everything is read again, once.
	if now, err := m.reread(ctx, c); err == nil && !now.as(c) {
		return m.inquire(ctx, now, builds)
	}
	return w, ctx.Err()
}

// as reports whether no signal came between two reads of a check.
func (c Check) as(o Check) bool {
	return c.State == o.State && c.Running == o.Running && c.raw.LastPing.Equal(o.raw.LastPing.Time)
}

func (m *Monitor) inquire(ctx context.Context, c Check, builds Builds) (Why, error) {
	q := &inquiry{m: m, now: m.Now(), w: Why{Check: c, Verdict: Undecided, Evidence: []Evidence{}, Unknown: []string{}, Next: []string{}}}
	q.fromCheck()
	q.fromPings(ctx)
	if err := ctx.Err(); err != nil {
		return q.w, err
	}
	q.fromBuilds(ctx, builds)
	if err := ctx.Err(); err != nil {
		return q.w, err
	}
	q.w.Next = append(q.w.Next, "oncall heartbeat get "+shell.Word(c.Label()))
	return q.w, nil
}

// inquiry gathers facts, the surest last.
type inquiry struct {
	m   *Monitor
	now time.Time
	w   Why
	// reports is set when the job is known to say that it starts or fails: then
	// silence means that it does not start.
	reports bool
}

func (q *inquiry) fact(source string, at *time.Time, format string, args ...any) {
	q.w.Evidence = append(q.w.Evidence, Evidence{Source: source, At: at, Text: fmt.Sprintf(format, args...)})
}

func (q *inquiry) unknown(format string, args ...any) {
	q.w.Unknown = append(q.w.Unknown, fmt.Sprintf(format, args...))
}

// fromCheck applies the rule that needs the list alone (note 3).
func (q *inquiry) fromCheck() {
	c := q.w.Check
	q.fact("check", c.LastPingAt, "%s", lastSignal(c, q.now))
	switch c.State {
	case Up, Running:
		q.w.Verdict = Fine
		return
	case Late:
		q.w.Verdict = JustLate
		q.fact("check", c.DownAt, "goes down without a signal")
		return
	case Paused, New:
		q.w.Verdict = Unwatched
		q.fact("check", nil, "%s: it cannot go down", c.State)
		return
	case Unknown:
		q.unknown("the server (version 1 of its API) does not tell up from down while a job runs")
		return
	}
	if c.Running {
		q.fact("check", nil, "a run has started and not ended")
		return // it hangs, or is a new run after a failure: the pings tell
	}
	failed, known := c.Failed(q.now)
	switch {
	case !known:
		q.unknown("the schedule %q cannot be read here, so whether the last signal came in time is not known", c.Schedule.Expression)
	case failed:
		q.w.Verdict = Failing
		q.fact("check", c.LastPingAt, "a signal came in time and it is down: that signal was a failure")
	default:
		q.w.Verdict = NoSignal
		q.fact("check", c.DownAt, "no signal in time: due %s", c.Schedule.Words)
	}
}

func lastSignal(c Check, now time.Time) string {
	switch {
	case c.LastPingAt != nil:
		return "last signal " + Length(now.Sub(*c.LastPingAt)) + " ago"
	case c.Pings > 0:
		return "no signal since it was resumed"
	}
	return "never had a signal"
}

// fromPings confirms with the signals themselves, when the key may read them.
func (q *inquiry) fromPings(ctx context.Context) {
	c := q.w.Check
	if c.State == Paused || c.State == New {
		return
	}
	pings, _, err := q.m.Pings(ctx, c, 0)
	if err != nil {
		why := "they could not be read: " + err.Error()
		if !c.CanPing() {
			why = "the API key is read-only, which hides them"
		}
		q.unknown("the single signals: %s", why)
		if c.Running && c.State == Down {
			q.unknown("whether the run hangs, or is a new one after a failure")
		}
		return
	}
	var start, end *Ping
	for i := range pings {
		p := &pings[i]
		switch p.Kind {
		case healthchecks.PingStart:
			q.reports = true
			if start == nil {
				start = p
			}
		case healthchecks.PingFail:
			q.reports = true
			if end == nil {
				end = p
			}
		case healthchecks.PingSuccess:
			if end == nil {
				end = p
			}
		}
	}
	if end != nil && end.Kind == healthchecks.PingFail {
		q.fact("pings", &end.At, "signal %d was a failure", end.Number)
		if end.HasBody && c.State == Down {
			q.w.Next = append(q.w.Next, fmt.Sprintf("oncall heartbeat pings %s --body --limit 5", shell.Word(c.Label())))
		}
	}
	if c.State != Down {
		return
	}
	if c.Running && start != nil {
		age := q.now.Sub(start.At)
		q.fact("pings", &start.At, "started %s ago", Length(age))
		if age > c.Schedule.grace {
			q.w.Verdict = Hanging
			q.fact("pings", nil, "it may take %s", Length(c.Schedule.grace))
		} else {
			q.w.Verdict = Trying
		}
		return
	}
	if q.w.Verdict == Undecided && end != nil {
		q.w.Verdict = NoSignal
		if end.Kind == healthchecks.PingFail {
			q.w.Verdict = Failing
		}
	}
	if q.w.Verdict == NoSignal {
		if q.reports {
			q.w.Verdict = NotStarting
			q.fact("pings", nil, "this job says when it starts or fails, and it said nothing")
		} else {
			q.unknown("whether it starts: this job only ever says that it succeeded")
		}
	}
}

// fromBuilds asks the CI, which knows what the check can only guess.
func (q *inquiry) fromBuilds(ctx context.Context, builds Builds) {
	c := q.w.Check
	if c.State == Paused {
		return
	}
	if builds == nil {
		q.unknown("what the CI says: no Jenkins job is configured for this check (heartbeats.NAME.job, or --job)")
		return
	}
	all, err := builds(ctx)
	if err != nil {
		q.unknown("what the CI says: %v", err)
		return
	}
	if len(all) == 0 {
		q.fact("jenkins", nil, "the job has no builds")
		if q.w.Verdict == NoSignal {
			q.w.Verdict = NotStarting
		}
		q.settled()
		return
	}
	defer q.settled()
	since := time.Time{}
	if c.LastPingAt != nil {
		since = c.LastPingAt.Add(time.Second) // the signal is sent when the build ends
	}
	failed, passed, running := 0, 0, 0
	var first *Build // the newest that failed
	for i := range all {
		b := &all[i]
		if !b.Ended.IsZero() && !b.Ended.After(since) {
			break
		}
		switch {
		case b.Result == "" || b.Ended.IsZero():
			running++
			q.fact("jenkins", &b.Queued, "%s runs for %s", b.Name, Length(q.now.Sub(b.Queued)))
			if b.Usual > 0 && q.now.Sub(b.Queued) > 2*b.Usual && c.State == Down {
				q.w.Verdict = Hanging
				q.fact("jenkins", nil, "it usually takes %s", Length(b.Usual))
			}
		case b.Passed():
			passed++
			q.fact("jenkins", &b.Ended, "%s %s", b.Name, b.Result)
		default:
			failed++
			q.fact("jenkins", &b.Ended, "%s %s", b.Name, b.Result)
			if first == nil {
				first = b
			}
		}
	}
	if failed+passed+running == 0 {
		q.fact("jenkins", &all[0].Queued, "no build since the last signal; the newest is %s, %s", all[0].Name, strings.ToLower(all[0].Result))
	}
	if c.State == Down && q.w.Verdict != Hanging {
		switch {
		case passed > 0:
			q.w.Verdict = Silent
		case running > 0 && (c.Running || failed == 0):
			q.w.Verdict = Trying
		case failed > 0:
			q.w.Verdict = Failing
		case q.w.Verdict == NoSignal:
			q.w.Verdict = NotStarting
		}
	}
	if first != nil && first.Command != "" && c.State != Up {
		q.w.Next = append([]string{first.Command}, q.w.Next...)
	}
}

// settled drops the doubts that the CI has cleared.
func (q *inquiry) settled() {
	if q.w.Verdict == NoSignal || q.w.Verdict == Undecided {
		return
	}
	kept := []string{}
	for _, u := range q.w.Unknown {
		if !strings.HasPrefix(u, "whether ") {
			kept = append(kept, u)
		}
	}
	q.w.Unknown = kept
}
